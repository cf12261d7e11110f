"""A second line under a record's title, where records of several forms stand together: the second field of its card."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from engine.application import Application
from engine.columns import Columns, columns_of
from engine.definition import Form
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.people import Actor
from engine.titles import visible_titles

TELLING = frozenset({"text", "link", "date", "datetime", "choice", "number"})


def subtitles(app: Application, actor: Actor, conn: sa.Connection, form: Form, ids: Iterable[int]) -> dict[int, str]:
    """record id → text, as far as the actor may read it; at most two statements."""
    wanted, field = list(ids), _field(form, columns_of(app, actor, form))
    if field is None or not wanted:
        return {}
    table = app.tables.form[form.name]
    select = sa.select(table.c.id, table.c[field.name]).where(table.c.id.in_(wanted), table.c[field.name].is_not(None))
    values = {row[0]: row[1] for row in conn.execute(select)}
    if field.kind == "link":
        titles = visible_titles(app, actor, conn, app.definition.forms[target_of(form, field, app.definition)],
                                values.values())  # fmt: skip
        return {record: titles[value] for record, value in values.items() if value in titles}
    reader = actor.reader(app.definition)
    return {record: field.format(value, reader) for record, value in values.items()}


def _field(form: Form, columns: Columns) -> Field | None:
    """Only what is stored, tells something in a few words, and is readable on every record."""
    card = next((card for view in form.views.values() if (card := getattr(view, "card", ()))), ())
    fields = (columns[name] for name in card[1:] if name in columns and name not in columns.sometimes)
    return next(
        (one for one in fields if one.kind in TELLING and one.name in columns.stored and not one.sensitive), None
    )
