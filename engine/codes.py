"""Which records have exactly this number: series, barcodes and unique texts, asked through their indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import rights
from engine.definition import Form
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, readable_fields, row_filter

LONGEST = 200  # characters of a code
EACH = 5  # hits of one field
NUMBERS = frozenset({"series", "barcode"})


@dataclass(frozen=True)
class Found:
    form: str
    id: int
    title: str


def is_code(field: Field) -> bool:
    """Whether a record is found by the exact value of this field."""
    return not field.sensitive and (field.type in NUMBERS or (field.unique and field.kind == "text"))


def coded(app: Application, actor: Actor) -> tuple[tuple[Form, Field], ...]:
    """The fields this actor may find records by; kept per definition and rights."""
    kept, key = app.plans.kept, ("coded", rights(actor))
    found: tuple[tuple[Form, Field], ...] | None = kept.get(key)
    if found is None:
        found = kept[key] = tuple(_coded(app, actor))
    return found


def _coded(app: Application, actor: Actor) -> Iterator[tuple[Form, Field]]:
    """A field that is hidden on some records would tell what stands there by being found."""
    for form in app.definition.forms.values():
        if form.parent_form or not may(app, actor, "read", form):
            continue
        readable = readable_fields(app, actor, form)
        table = app.tables.form[form.name]
        for field in form.fields.values():
            if is_code(field) and field.name in table.c and readable.always(field.name):
                yield form, field


def find(app: Application, actor: Actor, conn: sa.Connection, code: str) -> list[Found]:
    """Records the actor may see with this code, each once; one statement."""
    ways = sorted({code, code.upper(), code.lower()})
    parts = [_part(app, actor, form, field, ways) for form, field in coded(app, actor)] if code else []
    rows = conn.execute(sa.union_all(*parts)) if parts else ()
    return list(dict.fromkeys(Found(row.form, row.id, row.title or f"#{row.id}") for row in rows))


def _part(app: Application, actor: Actor, form: Form, field: Field, ways: list[str]) -> Any:
    table = app.tables.form[form.name]
    select = sa.select(sa.literal(form.name).label("form"), table.c.id, table.c["_title"].label("title")).where(
        table.c[field.name].in_(ways), table.c.deleted_at.is_(None)
    )
    allowed = row_filter(app, actor, "read", form)
    some = (select if allowed is None else select.where(allowed)).limit(EACH).subquery()
    return sa.select(some)
