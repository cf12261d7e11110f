"""What a code on a label stands for: the record whose code, number or unique text it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, readable_fields, row_filter

LONGEST = 500
_ADDRESS = re.compile(r"/([a-z][a-z0-9_]*)/([0-9]{1,18})")


def code_fields(form: Form) -> tuple[Field, ...]:
    """The fields a scanned code may be in: codes, numbers, texts no two records share."""
    return tuple(field for field in form.fields.values() if _is_code(form, field))


def _is_code(form: Form, field: Field) -> bool:
    if field.sensitive or field.column_type() is None:
        return False
    if field.type in ("barcode", "series"):
        return True
    return field.type == "text" and (field.unique or (field.name,) in form.unique)


def readings(code: str) -> tuple[str, ...]:
    """What may stand in the field for what was read: a UPC code is an EAN with a zero in front, and back."""
    text = code.strip()[:LONGEST]
    found = [text]
    if text.isascii() and text.isdigit():
        if len(text) == 13 and text[0] == "0":
            found.append(text[1:])
        elif len(text) == 12:
            found.append("0" + text)
    return tuple(one for one in found if one)


def pointed_at(code: str, form: Form) -> int | None:
    """The record of an address of ours on the label, such as ``https://…/part/12``."""
    found = _ADDRESS.fullmatch(urlsplit(code.strip()).path) if "/" in code else None
    return int(found[2]) if found and found[1] == form.name else None


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


def visible_code_fields(app: Application, who: Actor, form: Form) -> tuple[Field, ...]:
    """Those the actor sees on every record: one hidden on some would tell whether it holds a code."""
    readable = readable_fields(app, who, form)
    return tuple(field for field in code_fields(form) if readable.always(field.name))


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
