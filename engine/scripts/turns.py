"""Who may run a script next: first come, first served, but no owner takes every place or the whole line."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from engine.scripts.errors import ScriptStopped


@dataclass(eq=False)
class _Ticket:
    owner: str | None
    called: Event = field(default_factory=Event)


class Turns:
    """``size`` places; one owner has all but one of them, and at most ``line`` tickets that wait."""

    def __init__(self, size: int, line: int, patience: float) -> None:
        self._free = size
        self._share = max(size - 1, 1)
        self._line_length = line
        self._patience = patience
        self._waiting: deque[_Ticket] = deque()
        self._running: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @contextmanager
    def turn(self, owner: str | None) -> Iterator[None]:
        """Waits for a place; raises ScriptStopped("busy") where that takes too long or too many wait already."""
        ticket = self._join(owner)
        if not ticket.called.wait(self._patience) and not self._called_after_all(ticket):
            raise ScriptStopped("busy")
        try:
            yield
        finally:
            self._leave(owner)

    def _join(self, owner: str | None) -> _Ticket:
        with self._lock:
            if owner is not None and sum(other.owner == owner for other in self._waiting) >= self._line_length:
                raise ScriptStopped("busy")
            ticket = _Ticket(owner)
            self._waiting.append(ticket)
            self._call()
            return ticket

    def _called_after_all(self, ticket: _Ticket) -> bool:
        with self._lock:
            if not ticket.called.is_set():
                self._waiting.remove(ticket)
            return ticket.called.is_set()

    def _leave(self, owner: str | None) -> None:
        with self._lock:
            self._free += 1
            if owner is not None:
                self._running[owner] -= 1
                self._running += Counter()  # forgets owners that run nothing
            self._call()

    def _call(self) -> None:
        for ticket in tuple(self._waiting):
            if not self._free:
                return
            if ticket.owner is None or self._running[ticket.owner] < self._share:
                self._waiting.remove(ticket)
                self._free -= 1
                if ticket.owner is not None:
                    self._running[ticket.owner] += 1
                ticket.called.set()
