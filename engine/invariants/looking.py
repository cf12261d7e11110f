"""What an invariant is given, and what it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import DefinitionError, Message, Missing
from engine.going_on import plans_of

if TYPE_CHECKING:
    from engine.plans import Plans

STREAM = {"stream_results": True, "yield_per": 2000}


@dataclass(frozen=True)
class Broken:
    """One thing that is not as it must be: of which record and event, and the sentence that says it."""

    message: Message
    form: str | None = None
    record_id: int | None = None
    event_id: int | None = None


@dataclass
class Looking:
    """``conn`` reads one consistent view and cannot write. ``undecided``: what could not be told, by why."""

    app: Application
    conn: sa.Connection
    undecided: Counter[str] = field(default_factory=Counter)
    _plans: dict[str, Any] = field(default_factory=dict)

    def plans(self, hash: str) -> Plans | None:
        """What the definition with this hash decides, under today's names; None where its text is not kept."""
        if hash not in self._plans:
            try:
                self._plans[hash] = plans_of(self.app, self.conn, hash)
            except (Missing, DefinitionError):
                self._plans[hash] = None
        found: Plans | None = self._plans[hash]
        return found

    def unsure(self, why: str, times: int = 1) -> None:
        self.undecided[why] += times

    def rows(self, query: sa.Select[Any]) -> Iterator[Any]:
        """Read without holding it all."""
        return iter(self.conn.execute(query, execution_options=STREAM))

    @property
    def form_names(self) -> list[str]:
        return list(self.app.definition.forms)


Find = Callable[[Looking], Iterator[Broken]]


NO_TEXT = "the definition of that time is not kept"
ANOTHER_DEFINITION = "the definition was changed in between"
