"""Rows of a table of lines made by the server: copies of rows and blocks pasted from a spreadsheet.

The browser sends everything typed; it gets the body of the table back. Each pasted cell is read by its own field, so a
link is found by its title, a date by any way of writing it, and what cannot be read stays there with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request

from engine.definition import Form
from engine.errors import Invalid, Missing, message
from engine.fields.base import Field
from engine.permissions import may, may_record, readable_fields
from engine.web.boxes import most_rows
from engine.web.context import actor, application
from engine.web.failures import said as say
from engine.web.forms import sheet_maker
from engine.web.numbers import whole
from engine.web.options import offered
from engine.web.render import render, translate
from engine.web.seen import NOT_THERE, Seen, form_named, see
from engine.web.sheets import SheetMaker
from engine.web.typed import Row, Typed, next_key, read_typed

blueprint = Blueprint("lines", __name__)

MOST_CHARACTERS = 400_000


@blueprint.post("/<form_name>/lines/<field_name>")
def draw_rows(form_name: str, field_name: str) -> Response:
    """``_op``: duplicate or paste; ``_row``: the key of the row it starts from. Answers the table's body."""
    form = form_named(form_name)
    field = form.fields.get(field_name)
    if field is None or field.kind != "lines":
        raise Missing(NOT_THERE)
    app = application()
    try:
        typed = read_typed(app.definition, form, request.form)
        with app.database.read() as conn:
            seen = _record(conn, form)
            maker = sheet_maker(conn, form)
            typed, note = _operate(maker, field, typed)
            sheet = maker.make(seen, typed)
            body = render("form_lines.html", layout="fragment.html", editor=sheet.lines_editor(field), note=note)
    except Invalid as invalid:
        return Response(say(invalid.reason), 422, content_type="text/plain; charset=utf-8")
    return Response(body)


def _record(conn: sa.Connection, form: Form) -> Seen | None:
    version = request.form.get("_version")
    if version is None:
        may(application(), actor(), "create", form).demand()
        return None
    seen = see(conn, form, whole(request.args.get("id")) or 0)
    may_record(application(), actor(), "update", form, seen.view).demand()
    return seen


def _operate(maker: SheetMaker, field: Field, typed: Typed) -> tuple[Typed, str]:
    rows = list(typed.lines.get(field.name, ()))
    start = next((place for place, row in enumerate(rows) if row.key == request.form.get("_row")), len(rows))
    if request.form.get("_op") == "duplicate":
        key = request.form.get("_key", "")
        rows = duplicate(rows, start, key if key.isascii() and key.isdigit() else str(next_key(tuple(rows))))
        note = translate("Row duplicated")
    else:
        block = cells(request.form.get("_text", ""))
        columns = pasted_columns(field, request.form.get("_column", ""), len(block[0]) if block else 0)
        rows = paste(rows, start, block, columns, _Reading(maker))
        note = translate("{count} rows pasted", count=len(block))
    limit_rows(field, rows)
    return typed.with_lines(field.name, tuple(rows)), note


def limit_rows(field: Field, rows: Sequence[Row]) -> None:
    most, count = most_rows(field), sum(not row.deleted for row in rows)
    if count > most:
        raise Invalid(message("At most {most} rows, got {got}", most=most, got=count))


# --- pure ------------------------------------------------------------------------------------------------------------


def duplicate(rows: Sequence[Row], place: int, key: str) -> list[Row]:
    """The row once more below itself, as a new row."""
    if place >= len(rows):
        return list(rows)
    return [*rows[: place + 1], replace(rows[place], key=key, id=None, deleted=False), *rows[place + 1 :]]


def cells(text: str) -> list[list[str]]:
    """A block as spreadsheets put it on the clipboard: tabs and line ends, quotes around cells that hold either."""
    if len(text) > MOST_CHARACTERS:
        raise Invalid(message("This is too much to paste at once; paste fewer rows."))
    rows: list[list[str]] = [[]]
    cell: list[str] = []
    quoted = False
    place, end = 0, len(text)
    while place < end:
        letter = text[place]
        if quoted:
            if letter == '"' and text[place + 1 : place + 2] == '"':
                cell.append('"')
                place += 1
            elif letter == '"':
                quoted = False
            else:
                cell.append(letter)
        elif letter == '"' and not cell and _closes(text, place):
            quoted = True
        elif letter == "\t":
            rows[-1].append("".join(cell))
            cell = []
        elif letter in "\r\n":
            place += text[place : place + 2] == "\r\n"
            rows[-1].append("".join(cell))
            rows.append([])
            cell = []
        else:
            cell.append(letter)
        place += 1
    rows[-1].append("".join(cell))
    return [row for row in rows if any(part.strip() for part in row)]


def _closes(text: str, place: int) -> bool:
    """A quote opens a quoted cell only when a quote before a tab, a line end or the end closes it: 5" is an inch."""
    found = text.find('"', place + 1)
    while found != -1 and text[found + 1 : found + 2] == '"':
        found = text.find('"', found + 2)
    return found != -1 and text[found + 1 : found + 2] in ("", "\t", "\r", "\n")


def paste(
    rows: Sequence[Row], place: int, block: Sequence[Sequence[str]], columns: Sequence[Field], read: Any
) -> list[Row]:
    """The block over the rows from ``place`` on; rows that are not there yet are added."""
    out = list(rows)
    key = next_key(tuple(rows))
    at = place
    for texts in block:
        while at < len(out) and out[at].deleted:
            at += 1
        if at >= len(out):
            out.append(Row(str(key), {}))
            key += 1
        values = {column.name: read(column, text.strip()) for column, text in zip(columns, texts, strict=False)}
        out[at] = replace(out[at], raw={**out[at].raw, **values})
        at += 1
    return out


# --- reading a pasted cell -------------------------------------------------------------------------------------------


def pasted_columns(field: Field, first: str, count: int) -> list[Field]:
    """The columns people can type into, from the one the cursor stands in, as many as the block is wide."""
    app, who = application(), actor()
    form = app.definition.forms[field.form]  # type: ignore[attr-defined]
    readable = readable_fields(app, who, form)
    shown = [one for one in form.fields.values() if readable.ever(one.name) and one.kind != "lines"]
    names = [one.name for one in shown]
    start = names.index(first) if first in names else 0
    return [one for one in shown[start:] if one.writable and not one.readonly and one.kind != "files"][:count]


class _Reading:
    """A pasted text as ``Field.parse`` takes it: titles of links and labels of choices become what they stand for."""

    def __init__(self, maker: SheetMaker) -> None:
        self.maker = maker
        self.known: dict[tuple[str, str], Any] = {}

    def __call__(self, field: Field, text: str) -> Any:
        if field.kind in ("link", "user") and text:
            key = (field.name, text)
            if key not in self.known:
                self.known[key] = self._found(field, text)
            return self.known[key]
        if field.multiple:
            return [part.strip() for part in text.replace("，", ",").replace("、", ",").split(",") if part.strip()]
        return text

    def _found(self, field: Field, text: str) -> str:
        """The id of the one record with this title (or the only one found by it); else the text, which is refused."""
        found = offered(self.maker.conn, application(), actor(), field, text, None, 10)
        exact = [key for key, title in found if title.casefold() == text.casefold()]
        if len(exact) == 1:
            return str(exact[0])
        return str(found[0][0]) if len(found) == 1 else text
