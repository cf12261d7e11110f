"""What a migration does to records stands in their history, as events of the kind ``migrated``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.fields.base import Field

if TYPE_CHECKING:
    from engine.storage.changes import Changes


def of_values(
    conn: sa.Connection,
    plan: Changes,
    form: Form,
    field: Field,
    table: Any,
    where: sa.ColumnElement[bool],
    before: Any,
    after: Any,
    tagged: bool = False,
) -> None:
    """``before`` and ``after`` are the same for all records ``where`` admits, in JSON form."""
    if tagged:
        before, after = (value.strip("|").split("|") if value else None for value in (before, after))
    write(conn, plan, form, table, where, changes={field.stable_id: [before, after]})


def write(
    conn: sa.Connection, plan: Changes, form: Form, table: Any, where: sa.ColumnElement[bool], **said: Any
) -> None:
    event = plan.tables.event
    row: dict[str, Any] = {
        "at": plan.now, "form": form.name, "kind": "migrated", "actor_kind": "system", "depth": 0,
        "definition": plan.definition.hash, **said,
    }  # fmt: skip
    literals = [sa.literal(content, event.c[name].type).label(name) for name, content in row.items()]
    conn.execute(sa.insert(event).from_select([*row, "record_id"], sa.select(*literals, table.c.id).where(where)))
