"""Records that stand for something worked out: the rows of the last run become those of this one, and only what differs
is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.api import Application, Together, together
from plugins.planning.floor.reading import PLANNER, Row

AT_ONCE = 200  # walks of one transaction: others write in between
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """What a record becomes; ``id`` None: a new one, ``values`` None: it goes."""

    form: str
    id: int | None
    values: Values | None

    def walk(self, walks: Together) -> None:
        if self.values is not None:
            walks.save(self.form, self.values, id=self.id)
        elif self.id is not None:
            walks.delete(self.form, self.id, None)


@dataclass(frozen=True)
class Rewriting:
    """The writes in an order in which nothing stands there twice: what goes, what changes, what is new."""

    writes: list[Write] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.writes)

    def __add__(self, other: Rewriting) -> Rewriting:
        return Rewriting([*self.writes, *other.writes])

    def split(self, belongs: Callable[[Values], bool]) -> tuple[Rewriting, Rewriting]:
        """Those with values of which this holds, and the rest."""
        mine = [one for one in self.writes if one.values is not None and belongs(one.values)]
        chosen = {id(one) for one in mine}
        return Rewriting(mine), Rewriting([one for one in self.writes if id(one) not in chosen])

    def write(self, walks: Together) -> None:
        for one in self.writes:
            one.walk(walks)

    def write_apart(self, app: Application) -> int:
        """In transactions of their own, so that nobody waits for all of them; how many."""
        for place in range(0, len(self.writes), AT_ONCE):
            with together(app, PLANNER) as walks:
                Rewriting(self.writes[place : place + AT_ONCE]).write(walks)
        return len(self.writes)


def rewritten(form: str, old: Mapping[Any, Row], new: Mapping[Any, Values]) -> Rewriting:
    """How the records ``old`` become the rows ``new``; both by what makes a row the same one."""
    gone = [Write(form, old[key]["id"], None) for key in old.keys() - new.keys()]
    changed = [
        Write(form, old[key]["id"], values) for key, values in new.items() if key in old and _differs(old[key], values)
    ]
    added = [Write(form, None, values) for key, values in new.items() if key not in old]
    return Rewriting([*sorted(gone, key=lambda one: one.id or 0), *changed, *added])


def _differs(row: Row, values: Values) -> bool:
    return any(row[name] != value for name, value in values.items())
