"""Which columns of a SQLite database hold exact numbers: they look like any other integer there.

The shape that is stored with the data knows, and so does the archive of what definitions took away; the definition
itself need not be read, so a backup needs no plugins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.fields.columns import Exact
from engine.storage.archive import CAST, COLUMN, FORM
from engine.storage.migrate import stored_shape
from engine.storage.system import MAKERS
from engine.storage.tables import SYSTEM

Place = tuple[str, str]  # table, column
_archive = MAKERS["archive"](sa.MetaData())


def exact_columns(conn: sa.Connection) -> frozenset[Place]:
    forms = (stored_shape(conn) or {}).get("forms", {})
    here = {identity: str(form["name"]) for identity, form in forms.items()}
    found = {place for form in forms.values() for place in _of_form(str(form["name"]), form)}
    if sa.inspect(conn).has_table("_archive"):
        kept = list(conn.execute(sa.select(_archive).where(_archive.c.restored_at.is_(None))).mappings())
        tables = {row["form"]: row["name"] for row in kept if row["kind"] == FORM} | here
        found |= {place for row in kept for place in _of_archive(row, tables)}
    return frozenset(found | set(_of_system()))


def _is_exact(type: object) -> bool:
    return str(type or "").startswith("Exact(")


def _of_form(table: str, form: Mapping[str, Any]) -> Iterator[Place]:
    yield from ((table, field["name"]) for field in form.get("fields", {}).values() if _is_exact(field.get("type")))


def _of_archive(row: Mapping[Any, Any], tables: Mapping[str, str]) -> Iterator[Place]:
    shape, table = row["shape"], tables.get(row["form"], "")
    if row["kind"] == FORM:
        yield from _of_form(row["name"], shape)
    elif row["kind"] in (COLUMN, CAST) and _is_exact(shape.get("type")):
        yield table, row["name"]
    if row["kind"] == CAST and _is_exact(shape.get("after")):
        yield table, str(row["after"])


def _of_system() -> Iterator[Place]:
    for table in SYSTEM.values():
        yield from ((table.name, column.name) for column in table.c if isinstance(column.type, Exact))
