"""A record as it is read: sections of facts, tables of lines, each value as its field shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from markupsafe import Markup

from engine.application import Application
from engine.definition import Section
from engine.expressions import EvaluationFailed, View
from engine.fields.base import Field
from engine.formats import Reader
from engine.people import Actor
from engine.permissions import readable_fields, updatable_fields
from engine.web.boxes import total_text
from engine.web.controls import widgets
from engine.web.moulds import Mould, moulds_of
from engine.web.seen import Seen, titles_of
from engine.web.widgets import Widgets

EMPTY = Markup("")
NOTHING = Markup('<span class="nothing">—</span>')


class Fact(NamedTuple):
    """One field of the record. ``html`` is empty for nothing; ``masked``: it can be asked to be shown in clear;
    ``head``: the HTML up to the value."""

    name: str
    label: str
    html: Markup
    wide: bool
    align: str
    masked: bool
    head: Markup


@dataclass(frozen=True)
class LinesColumn:
    name: str
    label: str
    align: str
    head: Markup


@dataclass(frozen=True)
class ShownLines:
    name: str
    label: str
    heading: str
    columns: tuple[LinesColumn, ...]
    rows: tuple[tuple[Markup, ...], ...]
    totals: Mapping[str, str]

    def body(self) -> Markup:
        """The rows of the table."""
        heads = [column.head for column in self.columns]
        drawn = [
            f'<tr><td class="line-number text-secondary">{number}</td>'
            + "".join([f"{head}{cell}</td>" for head, cell in zip(heads, row, strict=True)])
            + "</tr>\n"
            for number, row in enumerate(self.rows, 1)
        ]
        return Markup("".join(drawn))  # noqa: S704 - heads and cells are escaped


@dataclass(frozen=True)
class ShownSection:
    index: int
    label: str
    columns: int
    facts: tuple[Fact, ...]
    lines: tuple[ShownLines, ...]
    edit_at: str | None
    facts_below: bool = False  # the lines come first

    def body(self) -> Markup | None:
        """The facts one after the other; None when one of them can be asked to be shown in clear."""
        if any(fact.masked for fact in self.facts):
            return None
        drawn = [f"{fact.head}{fact.html or NOTHING}</dd></div>\n" for fact in self.facts]
        return Markup("".join(drawn))  # noqa: S704 - heads and values are escaped


class Showing:
    """Everything about one record that is shown to one person, with its titles read in one go."""

    def __init__(
        self, conn: sa.Connection, app: Application, who: Actor, seen: Seen,
        more: Mapping[str, set[int]] | None = None, *, drawn_by: Callable[[], Widgets] = widgets,
    ) -> None:  # fmt: skip
        """``more``: ids whose titles the page needs beside the record's own, by target. ``drawn_by``: the widgets;
        those of the present request, where nothing else is said."""
        self.conn, self.app, self.who, self.seen, self.drawn_by = conn, app, who, seen, drawn_by
        self.form = seen.form
        self.reader: Reader = who.reader(app.definition)
        self.view = View(seen.form, seen.row, seen.view.loader)
        moulds = moulds_of(app, seen.form, self.reader)
        self.moulds = {name: mould for name, mould in moulds.items() if name in seen.fields}
        self.values = {name: mould.value(self.view, seen.row) for name, mould in self.moulds.items()}
        self.line_columns, self.line_views = self._lines()
        wanted: dict[str, set[int]] = {name: set(ids) for name, ids in (more or {}).items()}
        self._want(wanted)
        self.titles = titles_of(conn, app, who, wanted, seen.sight)

    def _lines(self) -> tuple[dict[str, list[Mould]], dict[str, list[View]]]:
        columns: dict[str, list[Mould]] = {}
        views: dict[str, list[View]] = {}
        for field in self.form.fields.values():
            if field.kind != "lines" or field.name not in self.seen.fields:
                continue
            form = self.app.definition.forms[field.form]  # type: ignore[attr-defined]
            readable = readable_fields(self.app, self.who, form)
            moulds = moulds_of(self.app, form, self.reader)
            columns[field.name] = [mould for name, mould in moulds.items() if readable.ever(name)]
            views[field.name] = [View(form, row, self.view.loader) for row in
                                 self.view.loader.lines(form.name, self.seen.id)]  # fmt: skip
        return columns, views

    def _want(self, wanted: dict[str, set[int]]) -> None:
        for name, mould in self.moulds.items():
            _add(wanted, mould.target, self.values[name])
        for name, columns in self.line_columns.items():
            pointing = [column for column in columns if column.target]
            for view in self.line_views[name] if pointing else ():
                for column in pointing:
                    _add(wanted, column.target, column.value(view, view.row))

    # --- parts

    def sections(self, *, editable: bool = False) -> tuple[ShownSection, ...]:
        every = self.form.sections or (Section(fields=tuple(self.form.fields), columns=2),)  # type: ignore[arg-type]
        own = updatable_fields(self.app, self.who, self.form).of(self.view) if editable else frozenset()
        made = (self._section(index, section, own) for index, section in enumerate(every))
        return tuple(section for section in made if section.facts or section.lines)

    def _section(self, index: int, section: Section, own: frozenset[str]) -> ShownSection:
        """``own``: the fields the person may change; a section without any leads to no form."""
        shown = self._holds(section.visible_when)
        names = [name for name in section.fields if shown and name in self.seen.fields
                 and self._holds(self.form.fields[name].visible_when)]  # fmt: skip
        facts = tuple(self.fact(self.form.fields[name]) for name in names if self.form.fields[name].kind != "lines")
        label = section.label.text(self.reader.language) if section.label else ""
        lines = tuple(
            self.lines(self.form.fields[name], bool(label) and (len(section.fields) == 1 or label ==
                       self.form.fields[name].label_in(self.reader.language)))
            for name in names if name in self.line_columns
        )  # fmt: skip
        first = next((name for name in names if name in own and not self.form.fields[name].readonly), None)
        below = bool(lines) and bool(facts) and names[0] in self.line_columns
        return ShownSection(index, label, section.columns, facts, lines, first, below)

    def _holds(self, source: str | None) -> bool:
        if source is None:
            return True
        try:
            return self.app.plans.compile(source).holds({**self.view.loader.names, "record": self.view})
        except EvaluationFailed:
            return False

    def fact(self, field: Field) -> Fact:
        mould, value = self.moulds[field.name], self.values[field.name]
        masked = field.sensitive and value is not None
        return Fact(field.name, mould.label, self.html(field, value), mould.wide, field.align, masked, mould.fact)

    def html(self, field: Field, value: Any, *, clear: bool = False) -> Markup:
        if value is None or value == ():
            return EMPTY
        mould = self.moulds[field.name]
        return mould.show(value, self.titles, self.drawn_by().show if mould.rich else None, clear)

    def lines(self, field: Any, alone: bool) -> ShownLines:
        columns, views = self.line_columns[field.name], self.line_views[field.name]
        form = self.app.definition.forms[field.form]
        readable = readable_fields(self.app, self.who, form)
        always = readable.constant
        if always is not None:  # the same columns in every row: nothing to ask cell by cell
            cells = [[self._cell(column, view) for column in columns] for view in views]
        else:
            cells = [[self._cell(column, view) if readable.has(column.name, view) else (None, EMPTY)
                      for column in columns] for view in views]  # fmt: skip
        label = field.label_in(self.reader.language)
        return ShownLines(
            name=field.name,
            label=label,
            heading="" if alone else label,
            columns=tuple(LinesColumn(one.name, one.label, one.field.align, one.cell) for one in columns),
            rows=tuple(tuple(html for _value, html in row) for row in cells),
            totals=self._totals(field, columns, cells),
        )

    def _cell(self, column: Mould, view: View) -> tuple[Any, Markup]:
        value = column.value(view, view.row)
        if value is None:
            return None, EMPTY
        return None if column.field.sensitive else value, column.show(value, self.titles)

    def _totals(
        self, field: Any, columns: Sequence[Mould], cells: Sequence[Sequence[tuple[Any, Markup]]]
    ) -> dict[str, str]:
        return {
            column.name: total_text(column.field, [row[place][0] for row in cells], self.reader)
            for place, column in enumerate(columns)
            if column.name in field.totals
        }

    def name_of(self, user_id: int | None) -> str:
        return self.titles.get("_user", {}).get(user_id, f"#{user_id}") if user_id is not None else ""


def _add(wanted: dict[str, set[int]], target: str | None, value: Any) -> None:
    if target and value is not None:
        wanted.setdefault(target, set()).update(value if isinstance(value, (tuple, list)) else (value,))
