"""The names of what records point to, as far as the actor may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import Columns, fully_readable
from engine.definition import Form
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, row_filter
from engine.storage import records

Row = Mapping[str, Any]


def visible_ids(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, ids: Iterable[int]
) -> frozenset[int] | None:
    """Which of these records the actor may see; None when that is all of them without asking."""
    if fully_readable(app, actor, form):
        return None
    if not may(app, actor, "read", form).allowed:
        return frozenset()
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return frozenset()
    table = app.tables.form[form.name]
    allowed = row_filter(app, actor, "read", form)
    select = sa.select(table.c.id).where(table.c.id.in_(wanted))
    return frozenset(conn.scalars(select if allowed is None else select.where(allowed)))


def visible_titles(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, ids: Iterable[int]
) -> Mapping[int, str]:
    """id → title of those of these records the actor may see."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    seen = visible_ids(app, actor, conn, form, wanted)
    return records.titles(conn, app.tables, form.name, wanted if seen is None else [i for i in wanted if i in seen])


def extras(
    app: Application,
    actor: Actor,
    conn: sa.Connection,
    form: Form,
    columns: Columns,
    names: Sequence[str],
    rows: Sequence[Row],
) -> dict[str, Any]:
    """What the cells of these columns need beside their rows: one statement per column that needs any.

    A link column → the set of ids that may be named (absent: all; the titles are in the rows); links, users and files →
    a mapping id → title.
    """
    found: dict[str, Any] = {}
    for name in names:
        field = columns[name]
        if field.kind in _MAKERS and rows:
            made = _MAKERS[field.kind](app, actor, conn, form, field, rows)
            if made is not None:
                found[name] = made
    return found


def _of_link(app: Application, actor: Actor, conn: sa.Connection, form: Form, field: Field, rows: Sequence[Row]) -> Any:
    target = app.definition.forms[target_of(form, field, app.definition)]
    ids = [row[field.name] for row in rows if row[field.name] is not None]
    return visible_ids(app, actor, conn, target, ids)


def _of_links(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, field: Field, rows: Sequence[Row]
) -> Any:
    target = app.definition.forms[target_of(form, field, app.definition)]
    return visible_titles(app, actor, conn, target, _flat(rows, field.name))


def _of_users(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, field: Field, rows: Sequence[Row]
) -> Any:
    return records.titles(conn, app.tables, "_user", _flat(rows, field.name))


def _of_files(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, field: Field, rows: Sequence[Row]
) -> Any:
    table = app.tables.attachment
    ids = _flat(rows, field.name)
    if not ids:
        return {}
    found = conn.execute(sa.select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
    return {row.id: row.name for row in found}


def _flat(rows: Sequence[Row], name: str) -> list[int]:
    return list(dict.fromkeys(one for row in rows for one in row[name] or ()))


_MAKERS: Mapping[str, Any] = {"link": _of_link, "links": _of_links, "users": _of_users, "files": _of_files}
