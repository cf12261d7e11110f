"""What shops that are asked by HTTP have in common: what they say is judged, and a no is told in their own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from engine.api import (
    Answer,
    Call,
    Credential,
    DeliveryFailed,
    HttpConnection,
    Operation,
    Secret,
    Signing,
    Surroundings,
    Task,
    message,
    option,
    send,
)
from plugins.channels.channel import OPERATIONS, Channel

HEARD = (200, 201, 202, 204, 400, 401, 403, 404, 409, 410, 422, 429)
"""The statuses a connector judges itself; every other one but success is a failure that ``send`` tells of."""


LARGEST = 8_000_000  # bytes of a list


class TooLong(DeliveryFailed):
    """The answer is longer than what is read of one; less has to be asked for."""


@dataclass(frozen=True, kw_only=True)
class Shop(Channel):
    """A shop whose writes may be repeated: each sets what is to be, or is looked for before it is done."""

    unsure: Literal["ask", "repeat"] = option(
        "What to do when the answer to a call was lost: `repeat` it, which has no second effect, or `ask` an "
        "administrator.",
        "repeat",
    )

    def operations(self) -> Mapping[str, Operation]:
        return OPERATIONS

    def perform(
        self, operation: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        surroundings.turn(operation)
        done: Mapping[str, Any] = getattr(self, operation)(values, task, surroundings)
        return done


@dataclass(frozen=True, kw_only=True, repr=False)
class Shown(Credential):
    """A token that was signed in for."""

    header: str
    token: str

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return {self.header: self.token}


def host_of(address: str) -> str:
    return (urlsplit(address).hostname or "").lower()


def secret(secret: Secret, address: str, surroundings: Surroundings) -> str:
    """The value of a secret that is shown to the host of an address."""
    return surroundings.secret(secret.secret, host_of(address))


def look(line: HttpConnection, call: Call, task: Task, surroundings: Surroundings) -> Answer:
    """Send what changes nothing, though it may be a POST; lists of orders are long."""
    return send(line, replace(call, reads=True, largest=LARGEST), task, surroundings)


def data_of(answer: Answer, place: str, *, writes: bool = False) -> Any:
    """The JSON of an answer. Raises DeliveryFailed for what is none, such as the page of a proxy: then nobody knows
    what became of a write."""
    if answer.cut:
        raise TooLong(message("{place} answered more than can be read at once.", place=place), unsure=writes)
    if answer.json is None:
        said = " ".join((answer.text or "").split())[:200]
        raise DeliveryFailed(
            message("{place} answered {status}, but no JSON: {text}", place=place, status=answer.status, text=said),
            unsure=writes,
        )
    return answer.json


def refused(place: str, status: int | str, words: str, *, again: bool = False, after: float | None = None,
            unsure: bool = False) -> DeliveryFailed:  # fmt: skip
    """What to raise for a no of the other side, in its own words."""
    return DeliveryFailed(
        message("{place} answered {status}: {text}", place=place, status=status, text=words[:300] or "?"),
        again=again, after=after, unsure=unsure,
    )  # fmt: skip


def wait_of(answer: Answer, usual: float) -> float:
    """Seconds of a Retry-After header; ``usual`` where there is none."""
    told = answer.headers.get("retry-after", "")
    return float(told) if re.fullmatch(r"\d{1,5}(\.\d+)?", told) else usual


def signed_in(
    surroundings: Surroundings, sign_in: Callable[[], tuple[str, float]], ask: Callable[[str], Answer | None]
) -> Answer | None:
    """What ``ask`` answers with a token; None when it is refused even with a new one. ``ask`` answers None for a token
    that is not good any more."""
    for _ in range(2):
        answer = ask(surroundings.kept("token", sign_in))
        if answer is not None:
            return answer
        surroundings.forget("token")
    return None


def before(task: Task, surroundings: Surroundings, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state that a listing had before the first attempt of this task; at a repetition the shop shows only what the
    first attempt has left of it. A process that is new remembers nothing, and then ``state`` is what there is."""
    found: Mapping[str, Any] = json.loads(surroundings.kept(_before(task), lambda: (json.dumps(state), 86_400.0)))
    return found


def done(task: Task, surroundings: Surroundings) -> None:
    """The task is done: what was before it is in its result now."""
    surroundings.forget(_before(task))


def _before(task: Task) -> str:
    return f"before {task.key}"


def only(found: Sequence[Any], sku: str, name: str, *, by: str = "id") -> Any:
    """The one listing of an article; ``by`` tells listings apart. Raises DeliveryFailed where there is none, or
    more than one."""
    if len({one[by] for one in found}) == 1:  # a page may hold a row twice
        return found[0]
    if not found:
        raise DeliveryFailed(message("'{name}' has no listing of {sku}.", name=name, sku=sku), again=False)
    raise DeliveryFailed(message("'{name}' has more than one listing of {sku}.", name=name, sku=sku), again=False)
