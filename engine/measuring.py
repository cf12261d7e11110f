"""What is told of while it happens, to whoever counts it. Nobody does, unless a server was told to.

Names in it (routes, forms, verbs, connections, rules) come from the program and the definition, never from what people
type, so that there are only so many of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Meter(Protocol):
    """Lengths are seconds. Called from many threads; must not raise and must cost next to nothing."""

    def began(self) -> None:
        """A request has begun."""

    def answered(
        self, route: str, status: int, seconds: float, request: str, slow: Sequence[tuple[str, float]] = ()
    ) -> None:
        """… and was answered. ``slow``: its slow statements (text, seconds); ``request``: its id."""

    def walked(self, form: str, verb: str, outcome: str, seconds: float) -> None:
        """A change went its way; ``outcome`` is done, or the code of the refusal."""

    def ran(self, rule: str, state: str) -> None:
        """A rule was woken; ``state`` of its run then."""

    def delivered(
        self, kind: str, connection: str | None, outcome: str, seconds: float, request: str = "",
        slow: Sequence[tuple[str, float]] = (),
    ) -> None:  # fmt: skip
        """A message was tried; ``request``: the one that caused it, "" where none did."""


class Unmeasured:
    """Nobody counts."""

    def began(self) -> None:
        return

    def answered(
        self, route: str, status: int, seconds: float, request: str, slow: Sequence[tuple[str, float]] = ()
    ) -> None:
        return

    def walked(self, form: str, verb: str, outcome: str, seconds: float) -> None:
        return

    def ran(self, rule: str, state: str) -> None:
        return

    def delivered(
        self, kind: str, connection: str | None, outcome: str, seconds: float, request: str = "",
        slow: Sequence[tuple[str, float]] = (),
    ) -> None:  # fmt: skip
        return


class Several:
    """Tells all of them."""

    def __init__(self, *meters: Meter) -> None:
        self._meters = meters

    def began(self) -> None:
        for meter in self._meters:
            meter.began()

    def answered(
        self, route: str, status: int, seconds: float, request: str, slow: Sequence[tuple[str, float]] = ()
    ) -> None:
        for meter in self._meters:
            meter.answered(route, status, seconds, request, slow)

    def walked(self, form: str, verb: str, outcome: str, seconds: float) -> None:
        for meter in self._meters:
            meter.walked(form, verb, outcome, seconds)

    def ran(self, rule: str, state: str) -> None:
        for meter in self._meters:
            meter.ran(rule, state)

    def delivered(
        self, kind: str, connection: str | None, outcome: str, seconds: float, request: str = "",
        slow: Sequence[tuple[str, float]] = (),
    ) -> None:  # fmt: skip
        for meter in self._meters:
            meter.delivered(kind, connection, outcome, seconds, request, slow)
