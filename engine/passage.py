"""One record on its way through the walk: what it was, what it is becoming, and what is wrong with that."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.errors import Invalid, Message, Problem, Refused, message
from engine.expressions import View
from engine.people import Actor
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Row, Sight

if TYPE_CHECKING:
    from engine.application import Application

MAX_DEPTH = 8


@dataclass(frozen=True)
class Walk:
    """One transaction, seen by one actor. Rules walk on in the same transaction, one level deeper.

    ``chain``: the names of the rules that led here; ``cause``: the event that did; ``run_id``: the rule's run;
    ``batch``: the import it belongs to.
    """

    app: Application
    conn: sa.Connection
    actor: Actor
    now: dt.datetime
    sight: Sight
    cause: int | None = None
    chain: tuple[str, ...] = ()
    batch: int | None = None
    run_id: int | None = None

    @property
    def depth(self) -> int:
        return len(self.chain)

    def deeper(self, rule: str, cause: int | None, run_id: int | None = None) -> Walk:
        """The walk of an effect of ``rule``; raises Refused where rules wake each other without end."""
        chain = (*self.chain, rule)
        if len(chain) > MAX_DEPTH:
            raise Refused(message("Rules wake each other without end: {cycle}.", cycle=_cycle(chain)))
        actor = self.actor.for_rule(rule)
        sight = self.sight.for_actor(actor)
        return Walk(self.app, self.conn, actor, self.now, sight, cause, chain, self.batch, run_id)

    def as_system(self) -> Walk:
        """The same walk where the system acts on its own behalf, such as emptying links to what was deleted."""
        actor = replace(self.actor, system=True)
        return replace(self, actor=actor, sight=self.sight.for_actor(actor))


def _cycle(chain: tuple[str, ...]) -> str:
    """``a → b → a``: from the last time the newest rule was there; the whole chain when it never was."""
    earlier = chain[:-1]
    start = len(earlier) - 1 - earlier[::-1].index(chain[-1]) if chain[-1] in earlier else 0
    return " → ".join(chain[start:])


@dataclass
class Passage:
    """``before`` is the stored row, None for a new record; ``row`` what it becomes.

    ``given`` are the names in the input, by path: ``""`` for the record, ``lines.0.`` for its first line.
    ``lines`` holds, per lines field that is touched, every line as it will be; ``stored_lines`` as they are, by id.
    """

    walk: Walk
    plan: FormPlan
    before: Row | None
    row: Row
    given: dict[str, frozenset[str]] = field(default_factory=dict)
    lines: dict[str, list[Row]] = field(default_factory=dict)
    stored_lines: dict[str, dict[int, Row]] = field(default_factory=dict)
    links: dict[str, tuple[int, ...]] = field(default_factory=dict)
    stored_links: dict[str, tuple[int, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    transition: TransitionPlan | None = None
    reason: str | None = None
    owner: tuple[int | None, str | None] | None = None  # whom it is handed over to: a user, or a role
    kind: str = "updated"
    settled: View | None = None  # the one view of the record once nothing is worked out any more

    @property
    def creating(self) -> bool:
        return self.before is None

    def view(self) -> View:
        """The record as it is becoming, lines included."""
        if self.settled is not None:
            return self.settled
        return self.walk.sight.view(self.plan.form, self.seen())

    def seen(self) -> Row:
        return {**self.row, **self.lines, **self.links} if self.lines or self.links else self.row

    def names(self, view: View, **more: Any) -> dict[str, Any]:
        return self.walk.sight.with_record(view, **more)

    def problem(self, where: str, what: Message) -> None:
        self.problems.append(Problem(where, what))

    def broken(self) -> frozenset[str]:
        """Fields with a problem already: no second one is looked for."""
        return frozenset(problem.where.partition(".")[0] for problem in self.problems)

    def changed(self) -> frozenset[str]:
        """The names of the fields that differ from what is stored, lines and links fields included."""
        before = self.before or {}
        own = {name for name in self.plan.columns if self.row.get(name) != before.get(name)}
        own.update(name for name, targets in self.links.items() if targets != self.stored_links.get(name, ()))
        own.update(name for name in self.lines if self.line_changes(name))
        if self.row.get("state") != before.get("state"):
            own.add("state")
        return frozenset(own)

    def line_changes(self, name: str) -> bool:
        stored = self.stored_lines.get(name, {})
        lines = self.lines[name]
        if len(lines) != len(stored):
            return True
        return any(stored.get(line["id"]) != line for line in lines)

    def refuse_problems(self) -> None:
        """Raise everything that is wrong, together."""
        if not self.problems:
            return
        if len(self.problems) == 1:
            raise Invalid(self.problems[0].message, self.problems)
        raise Invalid(message("{count} things are wrong.", count=len(self.problems)), self.problems)
