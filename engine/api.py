"""The names a plugin may import; everything else may change without notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine.actions import Action
from engine.application import Application, open_application
from engine.cards import Card
from engine.errors import (
    Denied,
    Invalid,
    Message,
    Missing,
    Problem,
    Refused,
    Stale,
    message,
)
from engine.fields.base import Field, Operator
from engine.formats import Reader
from engine.language import Condition, Duration, Expression, FieldName, FormName, Label, Template, option
from engine.people import Actor, system_actor
from engine.registry import Registry
from engine.service import adopt, delete, press, restore, save, take
from engine.storage.tables import Tables
from engine.triggers import Trigger
from engine.views import View

__all__ = [
    "Action",
    "Actor",
    "Application",
    "Card",
    "Condition",
    "Denied",
    "Duration",
    "Expression",
    "Field",
    "FieldName",
    "FormName",
    "Invalid",
    "Label",
    "Message",
    "Missing",
    "Operator",
    "Problem",
    "Reader",
    "Refused",
    "Registry",
    "Stale",
    "Tables",
    "Template",
    "Trigger",
    "View",
    "adopt",
    "delete",
    "find",
    "message",
    "open_application",
    "option",
    "press",
    "restore",
    "save",
    "system_actor",
    "take",
    "users_of",
]


def find(app: Application, actor: Actor, form: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first record whose fields have exactly these stored values and that ``actor`` may read, or None."""
    from engine.permissions import row_filter

    table = app.tables.form[form]
    allowed = row_filter(app, actor, "read", app.definition.forms[form])
    query = sa.select(table).where(table.c.deleted_at.is_(None), *(table.c[name] == value for name, value in values.items()))
    query = query if allowed is None else query.where(allowed)
    with app.database.read() as conn:
        row = conn.execute(query.order_by(table.c.id).limit(1)).mappings().first()
    return dict(row) if row else None


def users_of(app: Application) -> list[tuple[str, int]]:
    """(sign-in name, id) of everybody who is active."""
    user = app.tables.user
    with app.database.read() as conn:
        return [(row.login, row.id) for row in conn.execute(sa.select(user.c.login, user.c.id).where(user.c.active))]
