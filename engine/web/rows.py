"""Records as rows of a table: what is worked out once per view is separate from what is done per record.

A row costs about ten microseconds a cell in the general case, so a plan is made once per (definition, form, columns,
roles, language) and keeps a function per column; the template only places the finished text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from engine import formats
from engine.columns import Columns
from engine.definition import AppDefinition, Form
from engine.errors import message
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.formats import Reader
from engine.texts import say
from engine.web.lateness import is_near, lateness

Row = Mapping[str, Any]
# What the row itself does not tell, by column: for links, users and files a mapping id → title; for a link to a form of
# which the actor sees only some records, the set of ids that may be named.
Extras = Mapping[str, Any]
Cell = Callable[[Row, Extras], str]
Show = Callable[[Any, Row, Extras], str]

NOW = "_now"  # among the extras: the moment the rows are drawn
REPEATING = frozenset({"boolean", "date"})  # kinds whose values repeat down a column
NOWHERE = ""
UNNAMED = '<span class="text-secondary">•••</span>'  # a link to a record the actor may not see


@dataclass(frozen=True)
class RowPlan:
    """How the records of one view become rows. ``names`` are the columns in order, phone-only ones last."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    form: str
    stateful: bool
    late: str  # attributes of a row that is past its time
    pick: str  # what the box in front of a row is called

    def draw(self, rows: Iterable[Row], extras: Extras, now: dt.datetime, *, pick: bool) -> Markup:
        """All rows as one text; ``pick`` puts a check box in front of each."""
        found = {**extras, NOW: now}
        return Markup("".join(self.row(row, found, now, pick) for row in rows))  # noqa: S704 - every cell is escaped

    def row(self, row: Row, extras: Extras, now: dt.datetime, pick: bool) -> str:
        key = row["id"]
        late = self.stateful and is_late(row, now)
        box = (
            '<td class="pick"><input type="checkbox" class="form-check-input" form="bulk"'
            f' name="id" value="{key}" aria-label="{self.pick}"></td>'
        )
        head = f'<tr id="r{key}" data-v="{row["version"]}"{self.late if late else ""}>{box if pick else ""}'
        return head + "".join([cell(row, extras) for cell in self.cells]) + "</tr>"

    def cells_of(self, row: Row, extras: Extras) -> Markup:
        """The cells alone, for rows that begin otherwise."""
        return Markup("".join([cell(row, extras) for cell in self.cells]))  # noqa: S704 - every cell is escaped


def is_late(row: Row, now: dt.datetime) -> bool:
    """Past the time its state allows."""
    due = row.get("state_due")
    return due is not None and due < now


def plan_rows(
    definition: AppDefinition,
    form: Form,
    columns: Columns,
    shown: Sequence[str],
    card: Sequence[str],
    reader: Reader,
    open_forms: frozenset[str],
    opens: bool = True,
) -> RowPlan:
    """``card``: what a phone shows; ``open_forms``: the forms whose records may be linked to; ``opens``: one column is
    the link to the record."""
    names = (*shown, *(name for name in card if name not in shown))
    slots = phone_slots(card, columns)
    title = title_column(shown, columns) if opens else None
    cells = tuple(
        _cell(
            form,
            columns[name],
            shower(columns[name], reader, link_target(definition, form, columns[name], open_forms)),
            reader,
            _classes(columns[name], slots.get(name), name in shown),
            opens=name == title,
            checked=name in columns.sometimes,
        )
        for name in names
    )
    late = f' class="overdue" title="{escape(say(message("Overdue"), reader.language))}"'
    pick = str(escape(say(message("Pick this row"), reader.language)))
    return RowPlan(names, cells, form.name, form.workflow is not None, late, pick)


def phone_slots(card: Sequence[str], columns: Columns) -> dict[str, str]:
    """Field → place on a phone's card: first the title; the state and choices are badges, a figure stands right."""
    slots: dict[str, str] = {}
    for name in card:
        kind = columns[name]
        if not slots:
            slots[name] = "title"
        elif name == "state" or kind.type in ("choice", "boolean"):
            slots[name] = "badge"
        elif kind.align == "end" and "figure" not in slots.values():
            slots[name] = "figure"
        else:
            slots[name] = "subtitle"
    return slots


def title_column(shown: Sequence[str], columns: Columns) -> str | None:
    """The column that opens the record: the first that is not itself a link to something else."""
    plain = (name for name in shown if columns[name].kind not in ("link", "links", "user", "users", "files", "lines"))
    return next(plain, None)


def _classes(field: Field, slot: str | None, on_desktop: bool) -> str:
    classes = [*(["num"] if field.align == "end" else []), *([f"p-{slot}"] if slot else [])]
    if field.name == "state_due":
        classes.append("due")
    if not on_desktop:
        classes.append("phone")
    return f' class="{" ".join(classes)}"' if classes else ""


def link_target(definition: AppDefinition, form: Form, field: Field, open_forms: frozenset[str]) -> str | None:
    """The form a link leads to, None where the actor may not go."""
    target = target_of(form, field, definition) if field.kind == "link" else None
    return target if target in open_forms else None


def _cell(form: Form, field: Field, show: Show, reader: Reader, classes: str, *, opens: bool, checked: bool) -> Cell:
    name, begin = field.name, f"<td{classes}>"
    empty = f"{begin}</td>"
    if opens:
        show = _opening(form.name, field, reader)

    def cell(row: Row, extras: Extras) -> str:
        value = row[name]
        return empty if value is None and not opens else f"{begin}{show(value, row, extras)}</td>"

    def checked_cell(row: Row, extras: Extras) -> str:
        return empty if name in row["_hidden"] and not opens else cell(row, extras)

    return checked_cell if checked else cell


def _opening(form: str, field: Field, reader: Reader) -> Show:
    """The first column opens the record; an empty one shows the record's number. Plain text: a link holds no link."""
    name, text = field.name, field.masked if field.sensitive else field.format

    def show(value: Any, row: Row, extras: Extras) -> str:
        visible = value is not None and name not in row.get("_hidden", ())
        shown = escape(text(value, reader, extras.get(name))) if visible else f"#{row['id']}"
        return f'<a class="open" href="/{form}/{row["id"]}">{shown}</a>'

    return show


def shower(field: Field, reader: Reader, target: str | None) -> Show:
    """(value, row, extras) → HTML without the table cell around it; ``target`` is the form a link may lead to, NOWHERE
    to name the record only."""
    name = field.name
    if field.sensitive:
        masked = field.masked
        return lambda value, row, extras: escape(masked(value, reader, extras.get(name)))
    if field.name == "state_due":
        return _due(reader)
    if field.kind == "link":
        return _link(field.name, target)
    if field.kind == "user":
        return _person(field, reader)
    if field.kind in REPEATING or field.type in ("choice", "state"):
        return _remembering(field, reader)
    cell = field.cell
    return lambda value, row, extras: cell(value, reader, extras.get(name))


def _due(reader: Reader) -> Show:
    """What is late, or will be today or tomorrow, says so."""

    def show(value: Any, row: Row, extras: Extras) -> str:
        exact, now = escape(formats.moment(value, reader)), extras.get(NOW) if extras else None
        if now is None or not is_near(value, now, reader):
            return exact
        return f'<span title="{exact}">{escape(say(lateness(value, now, reader), reader.language))}</span>'

    return show


def _link(name: str, target: str | None) -> Show:
    title = f"{name}.title"

    def show(value: Any, row: Row, extras: Extras) -> str:
        visible = extras.get(name)
        if target is None or (visible is not None and value not in visible):
            return UNNAMED
        named = escape(row[title] or f"#{value}")
        return f'<a href="/{target}/{value}">{named}</a>' if target != NOWHERE else named

    return show


def _person(field: Field, reader: Reader) -> Show:
    title = f"{field.name}.title"
    drawn: dict[tuple[int, str | None], str] = {}

    def show(value: Any, row: Row, extras: Extras) -> str:
        key = value, row.get(title)
        text = drawn.get(key)
        if text is None:
            if len(drawn) > 1000:
                drawn.clear()
            text = drawn[key] = str(field.cell(value, reader, key[1] or f"#{value}"))
        return text

    return show


def _remembering(field: Field, reader: Reader) -> Show:
    seen: dict[Any, str] = {}

    def show(value: Any, row: Row, extras: Extras) -> str:
        text = seen.get(value)
        if text is None:
            if len(seen) > 1000:
                seen.clear()
            text = seen[value] = str(field.cell(value, reader))
        return text

    return show
