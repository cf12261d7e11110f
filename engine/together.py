"""Several walks in one transaction, each in a savepoint of its own: one that is refused leaves the others standing.

What brings in many records at once commits a few dozen of them together, with its own note of how far it came: after a
crash both are there or neither. A rehearsal takes the same walks and keeps nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from engine import erasing, importing, walking
from engine.application import Application
from engine.checking import taken
from engine.definition import Form
from engine.errors import Invalid
from engine.intake import Given, Offer, read_input
from engine.offering import offer
from engine.passage import Walk
from engine.people import Actor
from engine.permissions import Verb, may
from engine.plans import FormPlan
from engine.sight import Sight
from engine.storage.locks import one_at_a_time
from engine.walking import Saved
from engine.writing import Lost, Overtaken

Offers = dict[tuple[str, str], Offer]


class Together:
    """The doors of ``service`` to one transaction; ``conn`` is its connection. Made by ``together``."""

    def __init__(
        self, app: Application, actor: Actor, conn: sa.Connection, batch: int | None, kept: Offers, rehearsal: bool
    ) -> None:
        self.conn = conn
        self._app, self._actor, self._batch = app, actor, batch
        self._reader = actor.reader(app.definition)
        self._offers = kept
        self._people: dict[int, Mapping[str, Any] | None] = {}
        self._rehearsal = conn.begin_nested() if rehearsal else None
        self._one: Sight | None = None

    def end_rehearsal(self) -> None:
        """Take back what was rehearsed; what is written after it stays."""
        if self._rehearsal is not None:
            self._rehearsal.rollback()
            self._rehearsal = None

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """Nothing of what is done within stays."""
        savepoint = self.conn.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()

    @contextmanager
    def as_one(self, known: Mapping[str, Iterable[int]] = MappingProxyType({})) -> Iterator[None]:
        """The walks within stand or fall together: what one of them has read the next need not read again. ``known``:
        records they will look at, by form, read at once.

        For many changes of one kind. Nothing may be written to the database but by these walks, and whatever one of
        them raises has to leave the block; where somebody else was faster that is Stale.
        """
        with self.conn.begin_nested():
            self._one = Sight(self._app, self.conn, self._actor, self._people)
            try:
                for form, ids in known.items():
                    self._one.prime(form, ids)
                yield
            finally:
                self._one = None

    def save(
        self, form: Form | str, values: Mapping[str, Any], *, id: int | None = None, version: int | None = None
    ) -> Saved:
        """As ``service.save``."""
        plan = self._app.plans.form(form)
        verb: Verb = "create" if id is None else "update"
        may(self._app, self._actor, verb, plan.form).demand()
        given = self._read(plan, values, verb)
        if id is None:
            return self._walk(lambda walk: walking.create(walk, plan, given))
        return self._walk(lambda walk: walking.change(walk, plan, id, given, version=version))

    def take(
        self, form: Form | str, id: int, transition: str, values: Mapping[str, Any] | None = None, *,
        version: int | None = None, reason: str | None = None,
    ) -> Saved:  # fmt: skip
        """As ``service.take``."""
        plan = self._app.plans.form(form)
        may(self._app, self._actor, "take", plan.form).demand()
        step = plan.transitions.get(transition)
        asked = offer(self._app, self._actor, plan, creating=False, asked=step.asked if step else frozenset())
        given = read_input(plan, values or {}, asked, self._reader)
        return self._walk(
            lambda walk: walking.change(walk, plan, id, given, version=version, transition=transition, reason=reason)
        )

    def alone(self, name: str) -> None:
        """Wait until every other transaction that named this is over; no other gets by before this one is."""
        one_at_a_time(self.conn, name)

    def found(self, form: str, values: Mapping[str, Any], only: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The records that have these values by now, whole rows or ``only`` these columns, what this transaction wrote
        included. Only for those who act as the system: raises ValueError for people, who have permissions to be
        asked."""
        if not self._actor.boundless:
            raise ValueError("whole rows are read by the system, not in a person's name")
        table = self._app.plans.form(form).table
        wanted = (table.c.deleted_at.is_(None), *(table.c[name] == value for name, value in values.items()))
        columns = [table.c[name] for name in only] or list(table.c)
        rows = self.conn.execute(sa.select(*columns).where(*wanted).order_by(table.c.id)).mappings()
        return [dict(row) for row in rows]

    def adopt(
        self,
        form: Form | str,
        values: Mapping[str, Any],
        *,
        state: str | None = None,
        history: Sequence[Mapping[str, Any]] = (),
    ) -> Saved:
        """As ``service.adopt``."""
        plan = self._app.plans.form(form)
        may(self._app, self._actor, "import", plan.form).demand()
        given = self._read(plan, values, "import")
        return self._walk(lambda walk: importing.adopt(walk, plan, given, state, history))

    def delete(self, form: Form | str, id: int, version: int | None) -> Saved:
        """As ``service.delete``."""
        plan = self._app.plans.form(form)
        may(self._app, self._actor, "delete", plan.form).demand()
        return self._walk(lambda walk: erasing.delete(walk, plan, id, version, None))

    def _read(self, plan: FormPlan, values: Mapping[str, Any], verb: str) -> Given:
        """What may be named is the same for all of them, and takes longer to find out than to read the values."""
        key = plan.form.name, verb
        found = self._offers.get(key)
        if found is None:
            found = self._offers[key] = offer(
                self._app, self._actor, plan, creating=verb != "update", importing=verb == "import"
            )
        return read_input(plan, values, found, self._reader)

    def _walk(self, change: Callable[[Walk], Saved]) -> Saved:
        try:
            with nullcontext() if self._one else self.conn.begin_nested():
                sight = self._one or Sight(self._app, self.conn, self._actor, self._people)
                return change(Walk(self._app, self.conn, self._actor, self._app.clock(), sight, None, (), self._batch))
        except Overtaken as overtaken:
            if self._one:
                raise overtaken.stale from overtaken
            raise
        except Lost as lost:
            if self._one:
                raise (lost.said() or lost.error) from lost.error
            raise _explained(lost) from lost.error


@contextmanager
def together(
    app: Application,
    actor: Actor,
    *,
    batch: int | None = None,
    rehearsal: bool = False,
    offers: Offers | None = None,
) -> Iterator[Together]:
    """One write transaction for several walks. ``batch``: what their events carry. ``offers``: a dict that is kept
    from one transaction of the same actor to the next."""
    with app.database.write() as conn:
        walks = Together(app, actor, conn, batch, {} if offers is None else offers, rehearsal)
        yield walks
        walks.end_rehearsal()


def _explained(lost: Lost) -> Exception:
    """Which record has the value, now that the savepoint is rolled back."""
    passage = lost.passage
    problems = taken(passage, lost.plan, passage.row, passage.before) if lost.plan is passage.plan else []
    if problems:
        return Invalid(problems[0].message, problems)
    return lost.said() or lost.error
