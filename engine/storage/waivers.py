"""Records that were there before something became required, and need not have it.

A row of ``_waiver`` is written by the migration when somebody decided "from now on": records up to the id ``up_to``
that have no value may be saved, and may go on, without one. Things are meant by stable ids, so they survive renames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.definition import AppDefinition, Form
from engine.storage.database import Database
from engine.storage.tables import Tables


@dataclass(frozen=True)
class FormWaivers:
    """The largest exempt id, by field and by (state, field); names as they are now."""

    fields: Mapping[str, int] = field(default_factory=dict)
    deliverables: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def exempts(self, name: str, id: int | None) -> bool:
        """Whether a record may do without the field, as long as it has no value."""
        return id is not None and id <= self.fields.get(name, 0)

    def lets_go(self, state: str, name: str, id: int | None) -> bool:
        """Whether a record may leave the state without the field."""
        return id is not None and id <= self.deliverables.get((state, name), 0)


NONE = FormWaivers()


class Waivers:
    """The waivers of one definition; another definition has its own. They are taken up when it is opened: a change
    that asked for a second connection to read them could wait for those that wait for it."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables
        self._found: Mapping[str, FormWaivers] | None = None

    def of(self, form: str) -> FormWaivers:
        if self._found is None:
            with self._database.read() as conn:
                self.take_up(conn)
        return (self._found or {}).get(form, NONE)

    def take_up(self, conn: sa.Connection) -> None:
        """What stands in the database now, in the transaction that put the definition in force too."""
        self._found = read_waivers(conn, self._tables, self._tables.definition)


def read_waivers(conn: sa.Connection, tables: Tables, definition: AppDefinition) -> dict[str, FormWaivers]:
    """By the name of the form; forms without any are left out."""
    table = tables.waiver
    rows = [tuple(row) for row in conn.execute(sa.select(table.c.form, table.c.state, table.c.field, table.c.up_to))]
    found = {form.name: _of_form(form, rows) for form in definition.forms.values()}
    return {name: waivers for name, waivers in found.items() if waivers.fields or waivers.deliverables}


def _of_form(form: Form, rows: list[tuple[Any, ...]]) -> FormWaivers:
    fields = {one.stable_id: one.name for one in form.fields.values()}
    states = {one.stable_id: one.name for one in form.workflow.states.values()} if form.workflow else {}
    mine = [row[1:] for row in rows if row[0] == form.stable_id and row[2] in fields]
    return FormWaivers(
        dict(_plain(mine, fields)),
        {(states[state], fields[name]): up_to for state, name, up_to in mine if state in states},
    )


def _plain(rows: list[tuple[Any, ...]], fields: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for state, name, up_to in rows:
        if not state:
            yield fields[name], up_to
