"""Which records a typed word finds when a link is filled in."""

from __future__ import annotations

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form


def matching(app: Application, conn: sa.Connection, form: Form, text: str) -> sa.ColumnElement[bool]:
    table = app.tables.form[form.name]
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return table.c["_title"].ilike(f"%{escaped}%", escape="\\")
