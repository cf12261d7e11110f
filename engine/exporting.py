"""The list as a file: exactly the records, columns and order that are shown, streamed, and safe to open.

A spreadsheet runs a text that begins like a formula; in CSV such a text gets an apostrophe in front (which the import
takes away again), in XLSX every text is written as a text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
import xlsxwriter

from engine import fetching
from engine.application import Application
from engine.columns import Columns
from engine.errors import Refused, message
from engine.fields.base import Field
from engine.fields.money import MoneyField
from engine.filling import fill
from engine.formats import HIDDEN, Reader, integer
from engine.people import Actor
from engine.queries import ListQuery
from engine.spreadsheets import XLSX_TEXT, csv_line, guarded
from engine.titles import extras

XLSX_ROWS = 1_048_575  # what a sheet holds below its headings
EXACT_DIGITS = 15  # a spreadsheet keeps numbers as floats

Row = dict[str, Any]


# --- what stands in a cell -------------------------------------------------------------------------------------------


def cell_text(field: Field, value: Any, person: Reader, extra: Any) -> str:
    """Plain text that means the same when it is read back: figures without separators, days as 2026-11-22."""
    if value is None:
        return ""
    if field.sensitive:
        return guarded(field.masked(value, person, extra))
    if field.kind == "number":
        return field.text(value, person)
    if field.kind in ("date", "time", "datetime"):
        return field.text(value, person).replace("T", " ")
    return guarded(field.format(value, person, extra))


def title_extra(field: Field, row: Row, found: dict[str, Any]) -> Any:
    """What ``format`` needs beside the value; the title of a link only where the actor may see it."""
    if field.kind == "link":
        visible = found.get(field.name)
        return (row.get(f"{field.name}.title") if visible is None or row[field.name] in visible else None) or HIDDEN
    if field.kind == "user":
        return row.get(f"{field.name}.title")
    return found.get(field.name)


# --- rows ------------------------------------------------------------------------------------------------------------


def chunks(
    app: Application, who: Actor, query: ListQuery, columns: Columns, conn: sa.Connection
) -> Iterator[tuple[list[Row], dict[str, Any]]]:
    """Complete rows with what their cells need, a thousand at a time."""
    for rows in fetching.export(app, who, query, conn):
        fill(app, who, conn, query.form, columns, query.columns, rows)
        yield rows, extras(app, who, conn, query.form, columns, query.columns, rows)


def csv_lines(app: Application, who: Actor, person: Reader, query: ListQuery, columns: Columns) -> Iterator[str]:
    fields = [columns[name] for name in query.columns]
    yield "\ufeff" + csv_line([guarded(field.label_in(person.language)) for field in fields])
    with app.database.read() as conn:
        for rows, found in chunks(app, who, query, columns, conn):
            lines = (
                [cell_text(field, row[field.name], person, title_extra(field, row, found)) for field in fields]
                for row in rows
            )
            yield "".join(map(csv_line, lines))


# --- XLSX ------------------------------------------------------------------------------------------------------------


def write_xlsx(file: Any, app: Application, who: Actor, person: Reader, query: ListQuery, columns: Columns) -> None:
    """A sheet with frozen headings, a filter row, and figures and days as what they are."""
    fields = [columns[name] for name in query.columns]
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(_sheet_name(query, person))
    heading = book.add_format({"bold": True, "bottom": 1})
    writers = [_writer(field, person, book) for field in fields]
    for place, field in enumerate(fields):
        sheet.set_column(place, place, _width(field))
        sheet.write_string(0, place, field.label_in(person.language), heading)
    sheet.freeze_panes(1, 0)
    line = 0
    with app.database.read() as conn:
        for rows, found in chunks(app, who, query, columns, conn):
            if line + len(rows) > XLSX_ROWS:
                raise Refused(
                    message("A sheet holds {most} rows; narrow the list or export to CSV.", most=integer(XLSX_ROWS))
                )
            for row in rows:
                line += 1
                for place, field in enumerate(fields):
                    value = row[field.name]
                    if value is not None:
                        writers[place](sheet, line, place, value, title_extra(field, row, found))
    sheet.autofilter(0, 0, max(line, 1), len(fields) - 1)
    book.close()


def _sheet_name(query: ListQuery, person: Reader) -> str:
    label = (query.form.plural or query.form.label).text(person.language)
    return "".join("_" if character in "[]:*?/\\'" else character for character in label)[:31] or "Records"


def _width(field: Field) -> int:
    return {"number": 14, "date": 12, "datetime": 17, "boolean": 8}.get(
        field.kind, 24 if field.type != "choice" else 14
    )


Writer = Callable[[Any, int, int, Any, Any], None]


def _writer(field: Field, person: Reader, book: Any) -> Writer:
    """(sheet, row, column, value, extra) → one typed cell."""
    if not field.sensitive and field.kind == "number":
        return _number_writer(book.add_format({"num_format": number_format(field)}))
    if not field.sensitive and field.kind == "date":
        return _day_writer(book.add_format({"num_format": "yyyy-mm-dd"}))
    if not field.sensitive and field.kind == "datetime":
        return _moment_writer(book.add_format({"num_format": "yyyy-mm-dd hh:mm"}), person)

    def text(sheet: Any, line: int, place: int, value: Any, extra: Any) -> None:
        shown = field.masked(value, person, extra) if field.sensitive else field.format(value, person, extra)
        sheet.write_string(line, place, shown[:XLSX_TEXT])

    return text


def number_format(field: Field) -> str:
    """How a spreadsheet shows the figures of a field."""
    like = getattr(field, "like", field)
    digits = getattr(like, "digits", 0)
    plain = "#,##0" if not digits else "#,##0." + ("0" if isinstance(like, MoneyField) else "#") * digits
    return f'{plain}"%"' if like.type == "percent" else plain


def _number_writer(style: Any) -> Writer:
    def number(sheet: Any, line: int, place: int, value: Any, extra: Any) -> None:
        if len(Decimal(value).normalize().as_tuple().digits) > EXACT_DIGITS:
            sheet.write_string(line, place, f"{value:f}" if isinstance(value, Decimal) else str(value))
        else:
            sheet.write_number(line, place, float(value), style)

    return number


def _day_writer(style: Any) -> Writer:
    def day(sheet: Any, line: int, place: int, value: dt.date, extra: Any) -> None:
        if value.year < 1900:
            sheet.write_string(line, place, value.isoformat())
        else:
            sheet.write_datetime(line, place, dt.datetime.combine(value, dt.time()), style)

    return day


def _moment_writer(style: Any, person: Reader) -> Writer:
    def moment(sheet: Any, line: int, place: int, value: dt.datetime, extra: Any) -> None:
        local = value.astimezone(person.zone).replace(tzinfo=None)
        if local.year < 1900:
            sheet.write_string(line, place, local.isoformat(" ", "minutes"))
        else:
            sheet.write_datetime(line, place, local, style)

    return moment
