"""A record as it is read: sections of facts, tables of lines, each value as its field shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from engine.application import Application
from engine.definition import Section
from engine.expressions import EvaluationFailed, View
from engine.fields.base import Field
from engine.formats import Reader
from engine.people import Actor
from engine.permissions import readable_fields
from engine.web.boxes import UNNAMED, WIDE, total_text, value_of
from engine.web.controls import widgets
from engine.web.seen import Seen, points_at, titles_of

# Shown by their widget on a record's page; the others look as in a table, which costs a fifth of the time.
RICH = frozenset({"address", "attachment", "barcode", "image", "json", "long_text", "rich_text", "signature"})
Titles = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Fact:
    """One field of the record. ``html`` is empty for nothing; ``masked``: it can be asked to be shown in clear."""

    name: str
    label: str
    html: Markup
    wide: bool
    align: str
    masked: bool


@dataclass(frozen=True)
class LinesColumn:
    name: str
    label: str
    align: str


@dataclass(frozen=True)
class ShownLines:
    name: str
    label: str
    heading: str
    columns: tuple[LinesColumn, ...]
    rows: tuple[tuple[Markup, ...], ...]
    totals: Mapping[str, str]


@dataclass(frozen=True)
class ShownSection:
    index: int
    label: str
    columns: int
    facts: tuple[Fact, ...]
    lines: tuple[ShownLines, ...]
    edit_at: str | None
    facts_below: bool = False  # the lines come first


class Showing:
    """Everything about one record that is shown to one person, with its titles read in one go."""

    def __init__(
        self, conn: sa.Connection, app: Application, who: Actor, seen: Seen, more: Mapping[str, set[int]] | None = None
    ) -> None:
        """``more``: ids whose titles the page needs beside the record's own, by target."""
        self.conn, self.app, self.who, self.seen = conn, app, who, seen
        self.form = seen.form
        self.reader: Reader = who.reader(app.definition)
        self.view = View(seen.form, seen.row, seen.view.loader)
        self.values = {name: value_of(self.view, field) for name, field in self._own().items()}
        self.line_columns, self.line_views = self._lines()
        wanted: dict[str, set[int]] = {name: set(ids) for name, ids in (more or {}).items()}
        self._want(wanted)
        self.titles = titles_of(conn, app, who, wanted)

    def _own(self) -> dict[str, Field]:
        fields = self.form.fields
        return {name: field for name, field in fields.items() if name in self.seen.fields and field.kind != "lines"}

    def _lines(self) -> tuple[dict[str, list[Field]], dict[str, list[View]]]:
        columns: dict[str, list[Field]] = {}
        views: dict[str, list[View]] = {}
        for field in self.form.fields.values():
            if field.kind != "lines" or field.name not in self.seen.fields:
                continue
            form = self.app.definition.forms[field.form]  # type: ignore[attr-defined]
            readable = readable_fields(self.app, self.who, form)
            columns[field.name] = [
                one for one in form.fields.values() if readable.ever(one.name) and one.kind != "lines"
            ]
            views[field.name] = [View(form, row, self.view.loader) for row in
                                 self.view.loader.lines(form.name, self.seen.id)]  # fmt: skip
        return columns, views

    def _want(self, wanted: dict[str, set[int]]) -> None:
        for name, field in self._own().items():
            _add(wanted, field, self.values[name])
        for name, columns in self.line_columns.items():
            pointing = [column for column in columns if points_at(column)]
            for view in self.line_views[name] if pointing else ():
                for column in pointing:
                    _add(wanted, column, value_of(view, column))

    # --- parts

    def sections(self, *, editable: bool = False) -> tuple[ShownSection, ...]:
        every = self.form.sections or (Section(fields=tuple(self.form.fields), columns=2),)  # type: ignore[arg-type]
        made = (self._section(index, section, editable) for index, section in enumerate(every))
        return tuple(section for section in made if section.facts or section.lines)

    def _section(self, index: int, section: Section, editable: bool) -> ShownSection:
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
        first = next((name for name in names if self.form.fields[name].writable), None)
        below = bool(lines) and bool(facts) and names[0] in self.line_columns
        return ShownSection(index, label, section.columns, facts, lines, first if editable else None, below)

    def _holds(self, source: str | None) -> bool:
        if source is None:
            return True
        try:
            return self.app.plans.compile(source).holds({**self.view.loader.names, "record": self.view})
        except EvaluationFailed:
            return False

    def fact(self, field: Field) -> Fact:
        value = self.values[field.name]
        masked = field.sensitive and value is not None
        return Fact(
            name=field.name,
            label=field.label_in(self.reader.language),
            html=self.html(field, value),
            wide=field.type in WIDE,
            align=field.align,
            masked=masked,
        )

    def html(self, field: Field, value: Any, *, clear: bool = False) -> Markup:
        if value is None or value == ():
            return Markup("")
        extra = self.titles.get(points_at(field) or "", {})
        if field.sensitive and not clear:
            return Markup.escape(field.masked(value, self.reader, extra))
        if field.kind == "link" and value not in extra:
            return UNNAMED
        like = getattr(field, "like", field)
        return (
            widgets().show(field, value, self.reader, extra)
            if like.widget in RICH
            else field.cell(value, self.reader, extra)
        )

    def lines(self, field: Any, alone: bool) -> ShownLines:
        columns, views = self.line_columns[field.name], self.line_views[field.name]
        form = self.app.definition.forms[field.form]
        readable = readable_fields(self.app, self.who, form)
        cells = [[self._cell(column, view, readable) for column in columns] for view in views]
        language = self.reader.language
        label = field.label_in(language)
        return ShownLines(
            name=field.name,
            label=label,
            heading="" if alone else label,
            columns=tuple(LinesColumn(one.name, one.label_in(language), one.align) for one in columns),
            rows=tuple(tuple(html for _value, html in row) for row in cells),
            totals=self._totals(field, columns, cells),
        )

    def _cell(self, column: Field, view: View, readable: Any) -> tuple[Any, Markup]:
        if not readable.has(column.name, view):
            return None, Markup("")
        value = value_of(view, column)
        if value is None:
            return None, Markup("")
        extra = self.titles.get(points_at(column) or "", {})
        if column.sensitive:
            return None, Markup.escape(column.masked(value, self.reader, extra))
        if column.kind == "link" and value not in extra:
            return value, UNNAMED
        return value, column.cell(value, self.reader, extra)

    def _totals(
        self, field: Any, columns: Sequence[Field], cells: Sequence[Sequence[tuple[Any, Markup]]]
    ) -> dict[str, str]:
        return {
            column.name: total_text(column, [row[place][0] for row in cells], self.reader)
            for place, column in enumerate(columns)
            if column.name in field.totals
        }

    def name_of(self, user_id: int | None) -> str:
        return self.titles.get("_user", {}).get(user_id, f"#{user_id}") if user_id is not None else ""


def _add(wanted: dict[str, set[int]], field: Field, value: Any) -> None:
    target = points_at(field)
    if target and value is not None:
        wanted.setdefault(target, set()).update(value if isinstance(value, (tuple, list)) else (value,))
