"""What one person sees of a form to fill in: sections, tabs, fields, rows, each with its standing.

The standing of a field (visible, required, read-only) comes from the definition, the permissions and the expressions
over what is typed right now; the page and the live answers to typing are both made here, so they never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from engine.definition import Form, Section
from engine.expressions import EvaluationFailed, View, compile_expression, plain
from engine.fields.base import Field
from engine.formats import Reader
from engine.registry import Registry
from engine.web.seen import points_at
from engine.web.typed import MAX_LINES, Row, Typed, next_key

WIDE = frozenset({"long_text", "rich_text", "json", "lines", "address", "attachment", "image", "signature"})

UNNAMED = Markup('<span class="text-secondary">•••</span>')  # a link to a record that may not be seen
Problems = Mapping[str, Sequence[str]]  # path on the form → texts
Titles = Mapping[str, Mapping[int, str]]  # target name → id → title


def is_wide(field: Field) -> bool:
    """Whether a field takes a whole row of its section."""
    return field.type in WIDE if field.wide is None else field.wide


@dataclass(frozen=True)
class Standing:
    """Whether a field is shown, must be filled, may be typed into, now."""

    visible: bool
    required: bool
    readonly: bool


@dataclass(frozen=True)
class Box:
    """One field on the form. ``path`` is its input name, ``value`` what ``Field.text`` and widgets take."""

    field: Field
    path: str
    label: str
    help: str
    editable: bool
    standing: Standing
    raw: Any
    value: Any
    shown: Markup
    problems: Sequence[str]
    form: str = ""
    view: View | None = None
    extra: Any = None
    lines: LinesEditor | None = None
    draw: Callable[[Box], Markup] | None = None

    @property
    def html_id(self) -> str:
        return "f-" + self.path.replace(".", "-")

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def align(self) -> str:
        return self.field.align

    @property
    def visible(self) -> bool:
        return self.standing.visible

    @property
    def required(self) -> bool:
        return self.standing.required and self.editable

    @property
    def locked(self) -> bool:
        """Typed into on other days: the expression that locks it may open it again while typing."""
        return self.editable and self.standing.readonly

    @property
    def wide(self) -> bool:
        return is_wide(self.field)

    @property
    def concealed(self) -> bool:
        """A stored sensitive value: its input stays empty, and empty means unchanged."""
        return self.field.sensitive and self.value is not None and self.raw is None

    def edit(self) -> Markup:
        return self.draw(self) if self.draw else Markup("")


@dataclass(frozen=True)
class SectionBox:
    index: int
    label: str
    columns: int
    visible: bool
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Tab:
    label: str
    sections: tuple[SectionBox, ...]

    @property
    def problems(self) -> int:
        return sum(len(box.problems) for section in self.sections for box in section.boxes)


@dataclass(frozen=True)
class Column:
    """A column of a table of lines."""

    name: str
    label: str
    help: str
    align: str
    required: bool


@dataclass(frozen=True)
class LineBox:
    key: str
    number: int
    id: int | None
    deleted: bool
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class LinesEditor:
    path: str
    label: str
    heading: str
    url: str
    columns: tuple[Column, ...]
    rows: tuple[LineBox, ...]
    blank: LineBox
    totals: Mapping[str, str]
    editable: bool
    required: bool
    most: int
    next: int


@dataclass(frozen=True)
class Sheet:
    """Everything a form is drawn from. ``view`` is the record as typed so far, ``readable`` and ``updatable`` field
    names by form name (the form itself and its line forms)."""

    form: Form
    forms: Mapping[str, Form]
    registry: Registry
    reader: Reader
    view: View
    names: Mapping[str, Any]
    readable: Mapping[str, frozenset[str]]
    updatable: Mapping[str, frozenset[str]]
    typed: Typed
    draw: Callable[[Box], Markup]
    url: str
    line_rows: Mapping[str, tuple[View, ...]] = field(default_factory=dict)  # one per row of ``typed``
    blanks: Mapping[str, View] = field(default_factory=dict)  # a new row with its defaults
    problems: Problems = field(default_factory=dict)
    titles: Titles = field(default_factory=dict)
    exempt: Callable[[Field, View], bool] = lambda one, view: False  # may stay empty, though it is required

    # --- standing

    def holds(self, source: str, view: View) -> bool:
        """Expressions that cannot be worked out on half-typed input hold for nobody."""
        try:
            return compile_expression(source, self.registry).holds({**self.names, "record": view})
        except EvaluationFailed:
            return False

    def standing(self, one: Field, view: View) -> Standing:
        return Standing(
            visible=one.visible_when is None or self.holds(one.visible_when, view),
            required=(one.required and not self.exempt(one, view))
            or (one.required_when is not None and self.holds(one.required_when, view)),
            readonly=one.readonly or (one.readonly_when is not None and self.holds(one.readonly_when, view)),
        )

    def may_type(self, form: Form, one: Field) -> bool:
        return one.writable and not one.readonly and one.name in self.updatable[form.name]

    def sections(self) -> tuple[Section, ...]:
        return self.form.sections or (Section(fields=tuple(self.form.fields), columns=2),)  # type: ignore[arg-type]

    def section_visible(self, section: Section) -> bool:
        return section.visible_when is None or self.holds(section.visible_when, self.view)

    # --- boxes

    def box(self, form: Form, one: Field, view: View, path: str, raw: Mapping[str, Any]) -> Box:
        value = self.value(view, one)
        extra = self.titles.get(points_at(one) or "")
        return Box(
            field=one,
            path=path,
            label=one.label_in(self.reader.language),
            help=one.help.text(self.reader.language) if one.help else "",
            editable=self.may_type(form, one),
            standing=self.standing(one, view),
            raw=raw.get(one.name),
            value=value,
            shown=self.shown(one, value, extra),
            problems=self.problems.get(path, ()),
            form=form.name,
            view=view,
            extra=extra,
            lines=self.lines_editor(one) if one.kind == "lines" else None,
            draw=self.draw,
        )

    def shown(self, one: Field, value: Any, extra: Any) -> Markup:
        return shown_value(one, value, self.reader, extra)

    def value(self, view: View, one: Field) -> Any:
        if one.kind == "lines":
            return None
        return value_of(view, one)

    def tabs(self) -> tuple[Tab, ...]:
        tabs: dict[str, list[SectionBox]] = {}
        readable = self.readable[self.form.name]
        for index, section in enumerate(self.sections()):
            boxes = tuple(
                self.box(self.form, self.form.fields[name], self.view, name, self.typed.raw)
                for name in section.fields
                if name in readable
            )
            if boxes:
                label = section.label.text(self.reader.language) if section.label else ""
                columns = section.columns if len(boxes) > 1 else 1
                made = SectionBox(index, label, columns, self.section_visible(section), boxes)
                tabs.setdefault(section.tab.text(self.reader.language) if section.tab else "", []).append(made)
        first = self.form.label.text(self.reader.language)
        return tuple(Tab(label or first, tuple(sections)) for label, sections in tabs.items())

    # --- lines

    def columns(self, one: Field) -> list[Field]:
        form = self.forms[one.form]  # type: ignore[attr-defined]
        return [column for column in form.fields.values() if column.name in self.readable[form.name]
                and column.kind != "lines"]  # fmt: skip

    def line_views(self, one: Field) -> Iterator[tuple[Row, View]]:
        """The rows on the form, each with the record it would be. Removed and empty rows are there too."""
        rows = self.typed.lines.get(one.name, ())
        yield from zip(rows, self.line_rows.get(one.name, ()), strict=True)

    def lines_editor(self, one: Field) -> LinesEditor:
        form = self.forms[one.form]  # type: ignore[attr-defined]
        columns = self.columns(one)
        rows = tuple(
            self.line_box(form, columns, one.name, row, view, number)
            for number, (row, view) in enumerate(self.line_views(one), 1)
        )
        label = one.label_in(self.reader.language)
        language = self.reader.language
        alone = any(
            one.name in section.fields and section.label
            and (len(section.fields) == 1 or section.label.text(language) == label)
            for section in self.sections()
        )  # fmt: skip
        return LinesEditor(
            path=one.name,
            label=label,
            heading="" if alone else label,
            url=f"{self.url}/lines/{one.name}",
            columns=tuple(self._column(form, column) for column in columns),
            rows=rows,
            blank=self.blank_line(one, form, columns),
            totals=self.totals(one),
            editable=self.may_type(self.form, one),
            required=one.required or bool(getattr(one, "min", 0)),
            most=most_rows(one),
            next=next_key(self.typed.lines.get(one.name, ())),
        )

    def blank_line(self, one: Field, form: Form, columns: Sequence[Field]) -> LineBox:
        return self.line_box(form, columns, one.name, Row(key="__i__", raw={}), self.blanks[one.name], 0)

    def line_box(self, form: Form, columns: Sequence[Field], name: str, row: Row, view: View, number: int) -> LineBox:
        boxes = tuple(self.box(form, column, view, f"{name}.{row.key}.{column.name}", row.raw) for column in columns)
        return LineBox(row.key, number, row.id, row.deleted, boxes)

    def _column(self, form: Form, column: Field) -> Column:
        language = self.reader.language
        return Column(
            name=column.name,
            label=column.label_in(language),
            help=column.help.text(language) if column.help else "",
            align=column.align,
            required=column.required and self.may_type(form, column),
        )

    def totals(self, one: Field) -> dict[str, str]:
        form = self.forms[one.form]  # type: ignore[attr-defined]
        names = [name for name in getattr(one, "totals", ()) if name in self.readable[form.name]]
        live = [view for row, view in self.line_views(one) if not row.deleted]
        return {name: total_text(form.fields[name], [self.value(view, form.fields[name]) for view in live], self.reader)
                for name in names}  # fmt: skip


def total_text(one: Field, values: Sequence[Any], reader: Reader) -> str:
    """The sum of a column as the column shows its values; of a sensitive one nothing."""
    filled = [value for value in values if value is not None]
    if not filled or one.sensitive:
        return ""
    return one.format(sum(filled[1:], start=filled[0]) if len(filled) > 1 else filled[0], reader)


def value_of(view: View, one: Field) -> Any:
    """The plain value of a field, worked out where the row does not hold it; None when that cannot be done."""
    try:
        value = plain(view.read(one.name))
    except EvaluationFailed:
        return None
    return one.settled(value) if one.type == "computed" else value  # type: ignore[attr-defined]


def shown_value(one: Field, value: Any, reader: Reader, extra: Any) -> Markup:
    """As people read it: masked when sensitive, and no name of a record they may not see."""
    if value is None:
        return Markup("")
    if one.sensitive:
        return Markup.escape(one.masked(value, reader, extra))
    if one.kind == "link" and value not in (extra or ()):
        return UNNAMED
    return one.cell(value, reader, extra)


def most_rows(one: Field) -> int:
    return min(getattr(one, "max", None) or MAX_LINES, MAX_LINES)


# --- what changed while typing ---------------------------------------------------------------------------------------


def live_answer(sheet: Sheet) -> dict[str, Any]:
    """As ``forms.js`` applies it: standings, worked-out values, totals, section visibility, and what is taken where
    something required is left empty, by path."""
    answer: dict[str, Any] = {
        "visible": {}, "required": {}, "readonly": {}, "computed": {}, "sections": {}, "totals": {}, "defaults": {},
        "problems": {path: texts[0] for path, texts in sheet.problems.items() if texts},
    }  # fmt: skip
    for index, section in enumerate(sheet.sections()):
        if section.visible_when:
            answer["sections"][str(index)] = sheet.section_visible(section)
        for name in section.fields:
            if name in sheet.readable[sheet.form.name]:
                _field_answer(sheet, sheet.form, sheet.form.fields[name], sheet.view, name, answer, sheet.typed.raw)
    return answer


def _field_answer(
    sheet: Sheet, form: Form, one: Field, view: View, path: str, answer: dict[str, Any], raw: Mapping[str, Any]
) -> None:
    if one.visible_when:
        answer["visible"][path] = sheet.holds(one.visible_when, view)
    if one.kind == "lines":
        _lines_answer(sheet, one, answer)
    elif not sheet.may_type(form, one):
        extra = sheet.titles.get(points_at(one) or "")
        value = sheet.value(view, one)
        answer["computed"][path] = (one.masked if one.sensitive else one.format)(value, sheet.reader, extra)
    else:
        standing = sheet.standing(one, view)
        if one.required_when:
            answer["required"][path] = standing.required
        if one.readonly_when:
            answer["readonly"][path] = standing.readonly
        if one.required and one.default_expression is not None and one.name not in raw:
            answer["defaults"][path] = one.text(sheet.value(view, one), sheet.reader)


def _lines_answer(sheet: Sheet, one: Field, answer: dict[str, Any]) -> None:
    form = sheet.forms[one.form]  # type: ignore[attr-defined]
    columns = sheet.columns(one)
    for row, view in sheet.line_views(one):
        for column in columns:
            _field_answer(sheet, form, column, view, f"{one.name}.{row.key}.{column.name}", answer, row.raw)
    for name, text in sheet.totals(one).items():
        answer["totals"][f"{one.name}.{name}"] = text
