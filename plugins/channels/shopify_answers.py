"""What an answer of Shopify says beside its data: mistakes inside a success, a search that was not understood, and how
long to wait for points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.api import Answer
from plugins.channels.asking import refused
from plugins.channels.graphql import words


def no_mistakes(data: Mapping[str, Any], place: str) -> None:
    """Raises DeliveryFailed for what stands in userErrors of an answer that looks like a success."""
    for name, said in data.items():
        mistakes = said.get("userErrors") if isinstance(said, dict) else None
        if mistakes:
            busy = any(one.get("code") == "IDEMPOTENCY_CONCURRENT_REQUEST" for one in mistakes)
            raise refused(place, name, words(mistakes), again=busy, after=2.0 if busy else None)


def understood(answer: Answer, place: str) -> None:
    """Raises DeliveryFailed for a search that Shopify only warns about: it leaves out what it did not understand, and
    what was found would be something else."""
    searches = (answer.json.get("extensions") or {}).get("search") or ()
    warned = [warning for one in searches for warning in one.get("warnings") or ()]
    if warned:
        raise refused(place, answer.status, words(warned))


def until_enough(answer: Answer) -> float:
    """Seconds until the points are restored that the call asked for."""
    cost = ((answer.json or {}).get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    missing = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
    told = answer.headers.get("retry-after", "")
    least = float(told) if told.replace(".", "", 1).isdigit() else 1.0
    return max(missing / float(status.get("restoreRate") or 50), least)
