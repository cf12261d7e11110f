"""What expressions see during one walk: records through views, each read once and remembered.

It reads through the walk's own connection, so it sees what the walk has written; whatever is written is told to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import AppDefinition, Form
from engine.expressions import View, names_for
from engine.expressions.view import USER_ATTRIBUTES
from engine.people import Actor, load_people
from engine.registry import Registry
from engine.storage import records

if TYPE_CHECKING:
    from engine.application import Application

Row = dict[str, Any]
NEW = 0  # stands for the id of a record that is not stored yet, so that its lines find it


class Sight:
    """The Loader of expressions, for one actor on one connection.

    ``people``: those who were read before in the same transaction, which never changes them; more are added to it.
    """

    def __init__(
        self,
        app: Application,
        conn: sa.Connection,
        actor: Actor,
        people: dict[int, Mapping[str, Any] | None] | None = None,
    ) -> None:
        self.app = app
        self.conn = conn
        self.actor = actor
        self._rows: dict[tuple[str, int], Row | None] = {}
        self._lines: dict[tuple[str, int], list[Row]] = {}
        self._linked: dict[tuple[str, str, int], list[Row]] = {}
        self._users: dict[int, Mapping[str, Any] | None] = {} if people is None else people

    def apart(self, actor: Actor) -> Sight:
        """A memory of its own that begins with this one: what is supposed in it is not seen here."""
        other = Sight(self.app, self.conn, actor)
        other._rows = {key: None if row is None else dict(row) for key, row in self._rows.items()}
        other._lines, other._linked = dict(self._lines), dict(self._linked)
        return other

    def for_actor(self, actor: Actor) -> Sight:
        """The same memory through the eyes of another actor on the same connection."""
        other = Sight(self.app, self.conn, actor)
        other._rows, other._lines, other._linked, other._users = self._rows, self._lines, self._linked, self._users
        return other

    @property
    def definition(self) -> AppDefinition:
        return self.app.definition

    @property
    def registry(self) -> Registry:
        return self.app.registry

    @cached_property
    def names(self) -> Mapping[str, Any]:
        """``today``, ``now``, ``reader`` and ``user``: what every expression may read beside records."""
        app, actor = self.app, self.actor
        return names_for(app.clock(), actor.reader(app.definition), actor, times=app.plans.times)

    def view(self, form: Form, row: Mapping[str, Any]) -> View:
        return View(form, row, self)

    def with_record(self, view: View, **more: Any) -> dict[str, Any]:
        """The names of an expression over one record."""
        return {**self.names, "record": view, **more}

    # --- what the Loader of expressions answers

    def load(self, form: str, id: int) -> Row | None:
        key = form, id
        if key not in self._rows:
            self._rows[key] = records.get(self.conn, self.app.tables, form, id)
        return self._rows[key]

    def known(self, form: str, id: int) -> Row | None:
        """The record if it was read already."""
        return self._rows.get((form, id))

    def lines(self, form: str, parent_id: int) -> list[Row]:
        key = form, parent_id
        found = self._lines.get(key)
        if found is None:
            stored = records.lines_of(self.conn, self.app.tables, form, [parent_id]) if parent_id != NEW else {}
            found = self._lines[key] = stored.get(parent_id, [])
            self._foresee(form, found)
        return found

    def linked(self, form: str, field: str, id: int) -> Sequence[Row]:
        key = form, field, id
        if key not in self._linked:
            target = self.app.plans.form(form).links[field].target
            ids = records.links_of(self.conn, self.app.tables, form, field, [id])[id]
            self.prime(target, ids)
            self._linked[key] = [row for row in (self.load(target, each) for each in ids) if row is not None]
        return self._linked[key]

    def user(self, id: int) -> Mapping[str, Any] | None:
        if id not in self._users:
            if id == self.actor.id:
                actor = self.actor
                self._users[id] = {name: getattr(actor, name) for name in USER_ATTRIBUTES}
            else:
                self._users[id] = load_people(self.conn, self.app.tables, [id]).get(id)
        return self._users[id]

    def rollup(self, form: str, field: str, id: int) -> Any:
        row = self.load(form, id)
        return None if row is None else row.get(field)

    # --- what the walk tells it

    def prime(self, form: str, ids: Iterable[int]) -> None:
        """Read these records with one query, because they will be asked for one by one."""
        wanted = [id for id in dict.fromkeys(ids) if (form, id) not in self._rows]
        if len(wanted) == 1:
            self.load(form, wanted[0])
        elif wanted:
            found = records.fetch_many(self.conn, self.app.tables, form, wanted)
            for id in wanted:
                self._rows[form, id] = found.get(id)

    def prime_lines(self, form: str, parent_ids: Sequence[int]) -> None:
        """Read the lines of all these records with one query."""
        found = records.lines_of(self.conn, self.app.tables, form, list(parent_ids))
        for id in parent_ids:
            self._lines[form, id] = found.get(id, [])
        self._foresee(form, [row for rows in found.values() for row in rows])

    def remember(self, form: str, row: Row) -> None:
        self._rows[form, row["id"]] = row

    def remember_lines(self, form: str, parent_id: int, rows: list[Row]) -> None:
        self._lines[form, parent_id] = rows

    def forget_lines(self, form: str, parent_id: int) -> None:
        self._lines.pop((form, parent_id), None)

    def forget(self, form: str, ids: Iterable[int]) -> None:
        """These records were changed by others than the walk, such as by a rollup."""
        for id in ids:
            self._rows.pop((form, id), None)

    def forget_all(self) -> None:
        self._rows.clear()
        self._lines.clear()
        self._linked.clear()

    def pending(self, form: str, row: Row) -> None:
        """The record being created, for its lines to look up to."""
        self._rows[form, NEW] = row

    def _foresee(self, form: str, lines: list[Row]) -> None:
        """What lines link to is read with one query per link field once the first line asks; see ``View.linked``."""
        plan = self.app.plans.form(form)
        for name, link in plan.line_links.items():
            self.prime(link, (row[name] for row in lines if row.get(name) is not None))
