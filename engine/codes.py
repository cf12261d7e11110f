"""What a code on a label or a number somebody types stands for: the record whose code, number or unique text it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from engine.application import Application
from engine.columns import rights
from engine.definition import Form
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, readable_fields, row_filter

LONGEST = 500  # characters of a code
EACH = 5  # hits of one field
_ADDRESS = re.compile(r"/([a-z][a-z0-9_]*)/([0-9]{1,18})")


@dataclass(frozen=True)
class Found:
    form: str
    id: int
    title: str


def code_fields(form: Form) -> tuple[Field, ...]:
    """The fields a code may be in: codes, numbers, texts no two records share."""
    return tuple(field for field in form.fields.values() if _is_code(form, field))


def _is_code(form: Form, field: Field) -> bool:
    if field.sensitive or field.column_type() is None:
        return False
    if field.type in ("barcode", "series"):
        return True
    return field.kind == "text" and (field.unique or (field.name,) in form.unique)


def visible_code_fields(app: Application, who: Actor, form: Form) -> tuple[Field, ...]:
    """Those the actor sees on every record: one hidden on some would tell whether it holds a code."""
    readable = readable_fields(app, who, form)
    return tuple(field for field in code_fields(form) if readable.always(field.name))


def readings(code: str) -> tuple[str, ...]:
    """What may stand in the field for what was read or typed: in capitals or not; a UPC code is an EAN with a zero in
    front, and back."""
    text = code.strip()[:LONGEST]
    found = [text, text.upper(), text.lower()]
    if text.isascii() and text.isdigit():
        if len(text) == 13 and text[0] == "0":
            found.append(text[1:])
        elif len(text) == 12:
            found.append("0" + text)
    return tuple(dict.fromkeys(one for one in found if one))


def pointed_at(code: str, form: Form) -> int | None:
    """The record of an address of ours on the label, such as ``https://…/part/12``."""
    found = _ADDRESS.fullmatch(urlsplit(code.strip()).path) if "/" in code else None
    return int(found[2]) if found and found[1] == form.name else None


# --- records of any form


def coded(app: Application, actor: Actor) -> tuple[tuple[Form, Field], ...]:
    """The fields this actor may find records by; kept per definition and rights."""
    kept, key = app.plans.kept, ("coded", rights(actor))
    found: tuple[tuple[Form, Field], ...] | None = kept.get(key)
    if found is None:
        found = kept[key] = tuple(_coded(app, actor))
    return found


def _coded(app: Application, actor: Actor) -> Iterator[tuple[Form, Field]]:
    for form in app.definition.forms.values():
        if not form.parent_form and may(app, actor, "read", form):
            for field in visible_code_fields(app, actor, form):
                yield form, field


def find(app: Application, actor: Actor, conn: sa.Connection, code: str) -> list[Found]:
    """Records the actor may see with this code, each once; one statement."""
    ways = readings(code)
    parts = [_part(app, actor, form, field, ways) for form, field in coded(app, actor)] if ways else []
    rows = conn.execute(sa.union_all(*parts)) if parts else ()
    return list(dict.fromkeys(Found(row.form, row.id, row.title or f"#{row.id}") for row in rows))


def _part(app: Application, actor: Actor, form: Form, field: Field, ways: tuple[str, ...]) -> Any:
    table = app.tables.form[form.name]
    select = sa.select(sa.literal(form.name).label("form"), table.c.id, table.c["_title"].label("title")).where(
        table.c[field.name].in_(ways), table.c.deleted_at.is_(None)
    )
    allowed = row_filter(app, actor, "read", form)
    some = (select if allowed is None else select.where(allowed)).limit(EACH).subquery()
    return sa.select(some)


# --- records of one form


def resolve(conn: sa.Connection, app: Application, who: Actor, form: Form, code: str) -> list[int]:
    """The records the code stands for, at most two, as far as the actor may see them and the field that holds it."""
    clauses = list(_clauses(app, who, form, code))
    if not clauses or not may(app, who, "read", form):
        return []
    table = app.tables.form[form.name]
    query = sa.select(table.c.id).where(table.c.deleted_at.is_(None), sa.or_(*clauses))
    allowed = row_filter(app, who, "read", form)
    if allowed is not None:
        query = query.where(allowed)
    return [row[0] for row in conn.execute(query.order_by(table.c.id).limit(2))]


def _clauses(app: Application, who: Actor, form: Form, code: str) -> Iterator[sa.ColumnElement[bool]]:
    table, found = app.tables.form[form.name], readings(code)
    for field in visible_code_fields(app, who, form):
        if found:
            yield table.c[field.name].in_(found)
    record = pointed_at(code, form)
    if record is not None:
        yield table.c.id == record


def codes_of(
    conn: sa.Connection, app: Application, who: Actor, form: Form, ids: Iterable[int]
) -> Mapping[int, tuple[str, ...]]:
    """The codes of records, to find them by without asking."""
    fields, wanted = visible_code_fields(app, who, form), list(ids)
    if not fields or not wanted:
        return {}
    table = app.tables.form[form.name]
    columns = [table.c[field.name] for field in fields]
    rows: Iterable[Any] = conn.execute(sa.select(table.c.id, *columns).where(table.c.id.in_(wanted)))
    return {row[0]: tuple(str(value) for value in row[1:] if value) for row in rows}
