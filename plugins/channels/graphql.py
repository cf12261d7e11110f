"""GraphQL as shops serve it: what they refuse stands in an answer of 200."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.api import Answer, Call, HttpConnection, Surroundings, Task, send
from plugins.channels.asking import HEARD, data_of, look, refused


def post(
    line: HttpConnection, path: str, document: str, variables: Mapping[str, Any], task: Task,
    surroundings: Surroundings, *, part: str = "", headers: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """One request; a mutation is one that cannot be taken back."""
    call = Call(path=path, json={"query": document, "variables": variables}, part=part, expect=HEARD,
                headers=headers or {})  # fmt: skip
    return (send if is_write(document) else look)(line, call, task, surroundings)


def is_write(document: str) -> bool:
    return document.lstrip().startswith("mutation")


def errors_of(answer: Answer, place: str, *, writes: bool) -> Sequence[Mapping[str, Any]]:
    """The top-level errors; none in a success. Raises DeliveryFailed for what is no answer of GraphQL."""
    body = data_of(answer, place, writes=writes)
    if not isinstance(body, dict):
        raise refused(place, answer.status, str(body), again=True, unsure=writes)
    errors = body.get("errors") or []
    if isinstance(errors, str):  # Shopify writes a text where the token is wrong
        errors = [{"message": errors}]
    if isinstance(errors, dict):
        errors = [{"message": f"{name}: {text}"} for name, text in errors.items()]
    if not errors and not isinstance(body.get("data"), dict):
        raise refused(place, answer.status, str(body)[:200], again=answer.status in (200, 429), unsure=writes)
    return list(errors)


def codes(errors: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(str((error.get("extensions") or {}).get("code", "")) for error in errors)


def words(errors: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(str(error.get("message", error)) for error in errors)
