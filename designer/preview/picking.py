"""Which records of the live database a sample holds: the newest of each form, and what they lead to.

Everything is found by key or by an index and is bounded, so that it takes as long with a million records as with a
thousand. Only what the viewer may read is picked at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.people import Actor
from engine.permissions import hidden, row_filter
from engine.storage.tables import link_target, linked_form, stands_apart

Row = dict[str, Any]

NEWEST = 200  # records of each form
WINDOW = 5000  # the newest records among which those the viewer may read are looked for
OF_STATE = 3  # records that are wanted in each state
VISITS = 200  # newest visits to a state among which they are looked for
LINES = 4000  # lines of each line form
MORE = 600  # records of each form that others lead to
ROUNDS = 3  # how far links are followed
AT_ONCE = 400  # ids in one statement


@dataclass
class Picked:
    """The rows by form and id, and the links that stand in tables of their own: (form, field) → rows of that table."""

    rows: dict[str, dict[int, Row]] = field(default_factory=dict)
    links: dict[tuple[str, str], list[Row]] = field(default_factory=dict)

    def has(self, form: str, id: Any) -> bool:
        return id in self.rows.get(form, ())

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))


def pick(app: Application, viewer: Actor, conn: sa.Connection) -> Picked:
    """``conn`` reads the live database."""
    return _Picking(app, viewer, conn).picked()


class _Picking:
    def __init__(self, app: Application, viewer: Actor, conn: sa.Connection) -> None:
        self.app, self.viewer, self.conn = app, viewer, conn
        self.forms = {name: form for name, form in app.definition.forms.items() if not hidden(app, viewer, form)}
        self.found = Picked({name: {} for name in self.forms})
        self.led_to: dict[str, int] = dict.fromkeys(self.forms, 0)

    def picked(self) -> Picked:
        for form in self.forms.values():
            if not form.parent_form:
                self._keep(form, self._newest(form))
                self._keep(form, self._in_rare_states(form))
        fresh = {name: list(rows.values()) for name, rows in self.found.rows.items()}
        for _round in range(ROUNDS):
            self._lines_of(fresh)
            fresh = self._follow(fresh)
        self._lines_of(fresh)
        self._links()
        return self.found

    # --- where it begins

    def _newest(self, form: Form) -> Iterable[Row]:
        table = self.app.tables.form[form.name]
        oldest = sa.select(table.c.id).order_by(table.c.id.desc()).offset(WINDOW).limit(1).scalar_subquery()
        recent = table.c.id > sa.func.coalesce(oldest, 0)
        return self._read(self._readable(form).where(recent).order_by(table.c.id.desc()).limit(NEWEST))

    def _in_rare_states(self, form: Form) -> Iterable[Row]:
        counted: dict[str, int] = {}
        for row in self.found.rows[form.name].values():
            counted[row.get("state", "")] = counted.get(row.get("state", ""), 0) + 1
        states = form.workflow.states if form.workflow else {}
        return [row for name in states if counted.get(name, 0) < OF_STATE for row in self._in_state(form, name)]

    def _in_state(self, form: Form, state: str) -> Iterable[Row]:
        table, stay = self.app.tables.form[form.name], self.app.tables.stay
        visits = sa.select(stay.c.record_id).where(stay.c.form == form.name, stay.c.state == state)
        visitors = visits.order_by(stay.c.entered_at.desc()).limit(VISITS)
        there = self._readable(form).where(table.c.id.in_(visitors), table.c.state == state)
        return self._read(there.order_by(table.c.id.desc()).limit(OF_STATE))

    # --- what it leads to

    def _lines_of(self, fresh: Mapping[str, Sequence[Row]]) -> None:
        for form in self.forms.values():
            if form.parent_form:
                self._keep(form, self._lines(form, [row["id"] for row in fresh.get(form.parent_form, ())]))

    def _lines(self, form: Form, parents: Sequence[int]) -> Iterable[Row]:
        table = self.app.tables.form[form.name]
        left = LINES - len(self.found.rows[form.name])
        for ids in _portions(parents):
            if left > 0:
                rows = self._read(self._readable(form).where(table.c["_parent"].in_(ids)).limit(left))
                left -= len(rows)
                yield from rows

    def _follow(self, fresh: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
        """The records that these, and the lines there are so far, lead to and that are not there yet."""
        wanted: dict[str, dict[int, None]] = {}
        for name in self.forms:
            rows = self.found.rows[name].values() if self.forms[name].parent_form else fresh.get(name, ())
            for field_name, target in self._columns(name):
                if target in self.forms:
                    named = (row[field_name] for row in rows if row.get(field_name) is not None)
                    wanted.setdefault(target, {}).update(dict.fromkeys(named))
        for name, target, ids in self._many(fresh):
            if name in self.forms and target in self.forms:
                wanted.setdefault(target, {}).update(dict.fromkeys(ids))
        return {name: self._more(self.forms[name], ids) for name, ids in wanted.items()}

    def _columns(self, name: str) -> list[tuple[str, str]]:
        """(column, form it leads to), for ``_parent`` of lines too."""
        form = self.forms[name]
        found = [(each.name, target) for each in form.fields.values() if (target := linked_form(each))]
        return [*found, ("_parent", form.parent_form)] if form.parent_form else found

    def _many(self, fresh: Mapping[str, Sequence[Row]]) -> Iterable[tuple[str, str, list[int]]]:
        for name, rows in fresh.items():
            for each in self.forms[name].fields.values():
                if stands_apart(each) and (target := link_target(each)) in self.forms:
                    yield name, target, [row["target_id"] for row in self._pairs(name, each.name, rows)]

    def _more(self, form: Form, wanted: Iterable[int]) -> list[Row]:
        here = self.found.rows[form.name]
        missing = [id for id in wanted if id not in here][: MORE - self.led_to[form.name]]
        self.led_to[form.name] += len(missing)
        table = self.app.tables.form[form.name]
        selects = (self._readable(form).where(table.c.id.in_(some)) for some in _portions(missing))
        found = [row for select in selects for row in self._read(select)]
        self._keep(form, found)
        return found

    def _links(self) -> None:
        """Links between what was picked; to people, whoever they are."""
        for name, form in self.forms.items():
            for each in form.fields.values():
                if not stands_apart(each):
                    continue
                target = link_target(each)
                rows = self._pairs(name, each.name, self.found.rows[name].values())
                kept = [row for row in rows if target == "_user" or self.found.has(target, row["target_id"])]
                self.found.links[name, each.name] = kept

    def _pairs(self, form: str, name: str, rows: Iterable[Row]) -> list[Row]:
        table = self.app.tables.link[form, name]
        every = (sa.select(table).where(table.c.record_id.in_(ids)) for ids in _portions([row["id"] for row in rows]))
        return [row for select in every for row in self._read(select.limit(LINES))]

    # --- reading

    def _readable(self, form: Form) -> sa.Select[Any]:
        table = self.app.tables.form[form.name]
        only = row_filter(self.app, self.viewer, "read", form)
        select = sa.select(table).where(table.c.deleted_at.is_(None))
        return select if only is None else select.where(only)

    def _read(self, select: sa.Select[Any]) -> list[Row]:
        return [dict(row) for row in self.conn.execute(select).mappings()]

    def _keep(self, form: Form, rows: Iterable[Row]) -> None:
        self.found.rows[form.name].update((row["id"], row) for row in rows)


def _portions(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
