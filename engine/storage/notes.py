"""What a migration writes down for later ones: the archive, the waivers, and the new stable ids of both."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from engine.storage import steps
from engine.storage.archive import Archives
from engine.storage.tables import Tables


class Notes:
    """Collected while a plan is made, written when it is applied."""

    def __init__(self, archives: Archives, tables: Tables, now: dt.datetime, definition: str) -> None:
        self.archives, self.tables, self.now, self.definition = archives, tables, now, definition
        self._forms: dict[str, str] = {}
        self._fields: dict[str, dict[str, str]] = {}  # by the present id of the form
        self._waived: list[tuple[str, str, str, str]] = []  # form, state, field, table
        self._ended: list[tuple[str, str, str]] = []

    @property
    def any(self) -> bool:
        archived = self.archives.new or self.archives.back
        return bool(archived or self._forms or self._fields or self._waived or self._ended)

    def rename(self, was: str, now: str, form: str = "") -> None:
        """Another stable id, after a rename by hand; ``form``: that of the field's form, empty for a form itself."""
        if was != now and form:
            self._fields.setdefault(form, {})[was] = now
        elif was != now:
            self._forms[was] = now

    def waive(self, form: str, field: str, table: str, state: str = "") -> None:
        """The records there are need not have it."""
        self.end(form, field, state)
        self._waived.append((form, state, field, table))

    def end(self, form: str, field: str, state: str = "") -> None:
        self._ended.append((form, state, field))

    def write(self, conn: sa.Connection) -> None:
        for table in (self.tables.archive, self.tables.waiver):
            _rename(conn, table, "form", self._forms)
            for form, fields in self._fields.items():
                _rename(conn, table, "field", fields, table.c.form == form)
        self.archives.write(conn, self.tables.archive, self.now, self.definition)
        self._write_waivers(conn)

    def _write_waivers(self, conn: sa.Connection) -> None:
        table = self.tables.waiver
        for form, state, field in self._ended:
            same = (table.c.form == form, table.c.state == state, table.c.field == field)
            conn.execute(sa.delete(table).where(*same))
        for form, state, field, place in self._waived:
            largest = steps.largest_id(conn, place)
            row: dict[str, Any] = {"form": form, "state": state, "field": field, "up_to": largest, "at": self.now}
            conn.execute(sa.insert(table).values(row))


def _rename(
    conn: sa.Connection, table: sa.Table, column: str, names: dict[str, str], *only: sa.ColumnElement[bool]
) -> None:
    if names:
        steps.replace_values(conn, table, column, names, *only)
