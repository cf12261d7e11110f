"""What a page of rows lacks when it comes from its table: links, values worked out live, and what is hidden where.

A fixed number of statements however many rows there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import Columns
from engine.definition import Form
from engine.expressions import plain
from engine.expressions.view import target_of
from engine.people import Actor
from engine.permissions import readable_fields
from engine.sight import Sight
from engine.storage import records

Row = dict[str, Any]


def fill(
    app: Application,
    actor: Actor,
    conn: sa.Connection,
    form: Form,
    columns: Columns,
    names: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Complete ``rows`` (which carry ``id``) in place, so that each has every name; ``_hidden`` where some are hidden.

    A value that is hidden from the actor on a record is None there.
    """
    if not rows:
        return
    _fill_links(app, conn, form, names, rows)
    if "owner" in names:
        _name_roles(rows)
    live = [name for name in names if name not in rows[0]]
    sometimes = [name for name in names if name in columns.sometimes]
    if not live and not sometimes:
        return
    sight = _sight(app, actor, conn, form, live, rows)
    readable = readable_fields(app, actor, form) if sometimes else None
    for row in rows:
        view = sight.view(form, sight.load(form.name, row["id"]) or row)
        for name in live:
            row[name] = plain(view.read(name))
        if readable is not None:
            row["_hidden"] = frozenset(name for name in sometimes if not readable.has(name, view))
            row.update(dict.fromkeys(row["_hidden"]))
    _fill_titles(app, conn, form, columns, live, rows)


def _fill_links(app: Application, conn: sa.Connection, form: Form, names: Sequence[str], rows: Sequence[Row]) -> None:
    for name in names:
        if (form.name, name) in app.tables.link:
            found = records.links_of(conn, app.tables, form.name, name, [row["id"] for row in rows])
            for row in rows:
                row[name] = found[row["id"]] or None


def _name_roles(rows: Sequence[Row]) -> None:
    """Where no person is responsible but a role is, the role's name stands for the owner."""
    for row in rows:
        if row["owner"] is None:
            row["owner"] = row["owner_role"]


def _sight(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, live: Sequence[str], rows: Sequence[Row]
) -> Sight:
    """With the records themselves and what their lookups lead to already read."""
    sight = Sight(app, conn, actor)
    sight.prime(form.name, [row["id"] for row in rows])
    vias = {field.via for name in live if (field := form.fields.get(name)) is not None and field.type == "lookup"}  # type: ignore[attr-defined]
    for via in vias:
        whole = (sight.load(form.name, row["id"]) or {} for row in rows)
        ids = [row[via] for row in whole if row.get(via) is not None]
        sight.prime(target_of(form, form.fields[via], app.definition), ids)
    return sight


def _fill_titles(
    app: Application, conn: sa.Connection, form: Form, columns: Columns, live: Sequence[str], rows: Sequence[Row]
) -> None:
    for name in live:
        field = columns[name]
        if field.kind not in ("link", "user"):
            continue
        target = "_user" if field.kind == "user" else target_of(form, field, app.definition)
        titles = records.titles(conn, app.tables, target, [row[name] for row in rows if row[name] is not None])
        for row in rows:
            row[f"{name}.title"] = titles.get(row[name])
