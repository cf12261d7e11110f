"""On whose behalf this thread works just now: the request, the message, the rule. Every line of the log tells it, and a
message that is left to be delivered takes the request along that caused it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from engine.errors import NOTHING

_FACTS: ContextVar[Mapping[str, Any]] = ContextVar("facts", default=NOTHING)


def facts() -> Mapping[str, Any]:
    """What is known, in the order in which it became known."""
    return _FACTS.get()


def request_id() -> str | None:
    """The request that caused what is done now, also hours later in another process."""
    found = _FACTS.get().get("request")
    return None if found is None else str(found)


def begin(**known: Any) -> None:
    """Something new begins in this thread: nothing of what was known before holds any more."""
    _FACTS.set(known)


def learn(**known: Any) -> None:
    """More is known; what is None says nothing."""
    _FACTS.set({**_FACTS.get(), **{name: value for name, value in known.items() if value is not None}})


@contextmanager
def because_of(**known: Any) -> Iterator[None]:
    """What is done within has causes of its own; afterwards those before hold again."""
    token = _FACTS.set(known)
    try:
        yield
    finally:
        _FACTS.reset(token)
