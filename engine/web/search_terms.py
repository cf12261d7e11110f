"""Which records a typed word finds when a link is filled in."""

from __future__ import annotations

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.storage import search

SHORT = 2  # so many titles have so few letters somewhere inside that looking there too ends early


def matching(app: Application, conn: sa.Connection, form: Form, text: str) -> sa.ColumnElement[bool]:
    """As everywhere by words, their beginnings and pinyin initials, from the index; for a short text, or where no word
    begins like it, inside words of the title too, which reads all titles."""
    table = app.tables.form[form.name]
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    inside = table.c["_title"].ilike(f"%{escaped}%", escape="\\")
    if form.parent_form:
        return inside  # lines stand in no index of their own
    found = search.clause(app.tables, form.name, text)
    if len(text) > SHORT and conn.scalar(sa.select(table.c.id).where(found).limit(1)) is not None:
        return found
    return sa.or_(found, inside)
