"""A record on a declared paper format: parts become blocks of a sheet or label, each with what the person may read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from engine.application import Application
from engine.definition import Form
from engine.errors import Missing, message
from engine.expressions import Compiled, EvaluationFailed, View, fill, names_for, shown
from engine.expressions.template import split
from engine.fields.barcode import draw
from engine.fields.base import Field
from engine.language import Label, Template
from engine.people import Actor
from engine.permissions import may_record, readable_fields
from engine.prints import (
    CodePart,
    FieldsPart,
    HeadingPart,
    PaperPart,
    PicturesPart,
    PrintFormat,
    SignaturesPart,
    TablePart,
    TextPart,
)
from engine.web.boxes import total_text
from engine.web.moulds import Mould, moulds_of
from engine.web.seen import Seen, titles_of
from engine.web.widgets import Widgets

CONCEALED = "•••"
MOST_LABELS = 2000  # of one print


@dataclass(frozen=True)
class Block:
    """A part with what stands in it; ``data`` is what its piece of the template takes."""

    type: str
    number: int
    data: dict[str, Any]


@dataclass(frozen=True)
class Sheet:
    """One record, or one line of it where the format is for each."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Paper:
    """What is printed: sheets one after the other, or labels in rows on sheets (``pages``)."""

    format: PrintFormat
    title: str
    sheets: tuple[Sheet, ...]

    @property
    def pages(self) -> Iterator[list[list[Sheet | None]]]:
        """Labels as rows of pages; the last row is filled up with nothing."""
        across, size = self.format.across, self.format.across * self.format.down
        for start in range(0, len(self.sheets), size):
            some: list[Sheet | None] = [*self.sheets[start : start + size]]
            rows = [some[at : at + across] for at in range(0, len(some), across)]
            yield [[*row, *([None] * (across - len(row)))] for row in rows]


def format_of(form: Form, who: Actor, name: str) -> PrintFormat:
    """The paper format of this name, if this person may print it; raises Missing."""
    found = form.prints.get(name)
    if found is None or not may_print(who, found):
        raise Missing(message("There is nothing here, or nothing you may see."))
    return found


def may_print(who: Actor, wanted: PrintFormat) -> bool:
    return not wanted.roles or who.boundless or not who.roles.isdisjoint(wanted.roles)


def formats_of(form: Form, who: Actor) -> list[PrintFormat]:
    return [one for one in form.prints.values() if may_print(who, one)]


def css_of(wanted: PrintFormat) -> str:
    """What of the style depends on the format: lengths of the definition, which its patterns keep to numbers of mm."""
    width, height = wanted.paper
    margin = int(wanted.margin.removesuffix("mm"))
    lines = [
        f"@page {{ size: {width}mm {height}mm; margin: {margin}mm; }}",
        f".form {{ max-width: {width - 2 * margin}mm; }}",
    ]
    if not wanted.page_numbers or wanted.is_labels:
        lines.append("@page { @bottom-right { content: none; } @top-left { content: none; } }")
    if wanted.is_labels:
        each = (height - 2 * margin) / wanted.down - 0.5
        lines.append(f".labels td.label {{ width: {100 / wanted.across:.3f}%; height: {each:.2f}mm; }}")
        lines.append(f".labels td.label > div {{ max-height: {each - 2:.2f}mm; }}")
    for number, part in enumerate(wanted.parts):
        if isinstance(part, CodePart | PicturesPart):
            tall = int(part.height.removesuffix("mm"))
            lines.append(f".part-{number} svg, .part-{number} img {{ height: {tall}mm; max-height: {tall}mm; }}")
    return "\n".join(lines)


def name_of(app: Application, who: Actor, seen: Seen, wanted: PrintFormat) -> str:
    """The name of the file, without its ending."""
    if wanted.file_name is None:
        return seen.title
    reader = who.reader(app.definition)
    return (
        _Printing(app, who, wanted, seen.view).filled(wanted.file_name, seen.view, seen.fields, reader.language)
        or seen.title
    )


def paper_of(
    conn: sa.Connection, app: Application, who: Actor, wanted: PrintFormat, records: Sequence[Seen],
    drawn_by: Callable[[], Widgets], told: Callable[[int], None] = lambda count: None,
) -> Paper:  # fmt: skip
    """Everything that is printed of these records, for ``who``; ``told`` hears how many are worked out."""
    sheets: list[Sheet] = []
    for count, seen in enumerate(records, 1):
        told(count)
        printing = _Printing(app, who, wanted, seen.view, conn, drawn_by)
        for view, fields in _subjects(app, who, wanted, seen):
            sheets.append(Sheet(seen.title, tuple(printing.blocks(view, fields))))
            if len(sheets) > MOST_LABELS:
                raise Missing(
                    message("That is more than {most} labels; print fewer records at once.", most=MOST_LABELS)
                )
    return Paper(wanted, name_of(app, who, records[0], wanted) if records else "", tuple(sheets))


def _subjects(app: Application, who: Actor, wanted: PrintFormat, seen: Seen) -> Iterator[tuple[View, frozenset[str]]]:
    """What stands on each sheet with the fields that may be read of it: the record, or its lines one by one."""
    if wanted.each is None:
        yield View(seen.form, seen.row, seen.view.loader), seen.fields
        return
    if wanted.each not in seen.fields:
        return
    form = app.definition.forms[str(seen.form.fields[wanted.each].form)]  # type: ignore[attr-defined]
    readable = readable_fields(app, who, form)
    for row in seen.view.loader.lines(form.name, seen.id):
        view = View(form, row, seen.view.loader)
        yield view, readable.of(view)


class _Printing:
    """The parts of one record."""

    def __init__(
        self, app: Application, who: Actor, wanted: PrintFormat, outer: View, conn: sa.Connection | None = None,
        drawn_by: Callable[[], Widgets] | None = None,
    ) -> None:  # fmt: skip
        self.app, self.who, self.wanted, self.outer, self.conn, self.drawn_by = app, who, wanted, outer, conn, drawn_by
        self.reader = who.reader(app.definition)

    def blocks(self, view: View, fields: frozenset[str]) -> Iterator[Block]:
        for number, part in enumerate(self.wanted.parts):
            data = _DRAWN[type(part)](self, part, view, fields)
            if data is not None:
                yield Block(part.type, number, data)

    # --- words

    def label(self, label: Label | None) -> str:
        if label is None:
            return ""
        return label.text(self.reader.language) if self.wanted.language != "both" else _both(label)

    def field_label(self, form: Form, field: Field) -> str:
        return _both(field.title) if self.wanted.language == "both" else field.label_in(self.reader.language)

    def filled(self, template: Template, view: View, fields: frozenset[str], language: str) -> str:
        """The text with its places; one that reads what the person may not see is concealed as a whole place."""
        names = self.names(view)
        text = template.text(language)
        for _words, source in split(text):
            if source is not None and not self.may_say(self.app.plans.compile(source.strip()), view, fields):
                text = text.replace("{{" + source + "}}", CONCEALED)
        try:
            return fill(Template({"": text}), "", names, self.app.registry, self.reader)
        except EvaluationFailed:
            return ""

    def names(self, view: View) -> dict[str, Any]:
        names = view.loader.names
        return {**names, **names_for(names["now"], self.reader, self.who), "record": view}

    def may_say(self, compiled: Compiled, view: View, fields: frozenset[str]) -> bool:
        return all(self._may_read(path[1:], view, fields) for path in compiled.paths if path and path[0] == "record")

    def _may_read(self, path: Sequence[str], view: View, fields: frozenset[str]) -> bool:
        """Whether every record on the way may be seen, and of each the field that leads on."""
        for place, name in enumerate(path):
            if name == "parent" and view.form.parent_form:
                inner: Any = view.read("parent")
            elif name not in fields and name in view.form.fields:
                return False
            else:
                inner = view.read(name) if place + 1 < len(path) else None
            rest = path[place + 1 :]
            if isinstance(inner, View):
                return not rest or self._may_read_there(rest, inner)
            if isinstance(inner, tuple | list) and rest:
                return all(self._may_read_there(rest, one) for one in inner if isinstance(one, View))
        return True

    def _may_read_there(self, rest: Sequence[str], view: View) -> bool:
        if self.who.boundless:
            return True
        if not may_record(self.app, self.who, "read", view.form, view):
            return False
        return self._may_read(rest, view, readable_fields(self.app, self.who, view.form).of(view))

    # --- values

    def facts(self, view: View, names: Sequence[str], fields: frozenset[str]) -> list[tuple[str, Markup]]:
        moulds = moulds_of(self.app, view.form, self.reader)
        shown_ones = [name for name in names if name in fields and name in moulds]
        values = {name: moulds[name].value(view, view.row) for name in shown_ones}
        titles = self._titles({name: (moulds[name], [values[name]]) for name in shown_ones})
        return [(self.field_label(view.form, moulds[name].field), self._html(moulds[name], values[name], titles))
                for name in shown_ones]  # fmt: skip

    def _html(self, mould: Mould, value: Any, titles: Any) -> Markup:
        if value is None or value == ():
            return Markup("")
        rich = self.drawn_by().show if mould.rich and self.drawn_by is not None else None
        return mould.show(value, titles, rich)

    def _titles(self, wanted: dict[str, tuple[Mould, Sequence[Any]]]) -> Any:
        ids: dict[str, set[int]] = {}
        for mould, values in wanted.values():
            for value in values if mould.target else ():
                if value is not None:
                    ids.setdefault(str(mould.target), set()).update(
                        value if isinstance(value, tuple | list) else (value,)
                    )
        assert self.conn is not None
        return titles_of(self.conn, self.app, self.who, ids)


def _both(label: Label) -> str:
    texts = dict.fromkeys(label.text(language) for language in ("zh", "en"))
    return " / ".join(texts)


# --- what each part becomes ------------------------------------------------------------------------------------------


def _heading(at: _Printing, part: HeadingPart, view: View, fields: frozenset[str]) -> dict[str, Any]:
    language = at.reader.language
    text = at.filled(part.text, view, fields, language) if part.text else str(at.outer.title or f"#{at.outer.id}")
    right = at.filled(part.right, view, fields, language) if part.right else ""
    return {"text": text, "above": at.label(part.above), "right": right}


def _fields(at: _Printing, part: FieldsPart, view: View, fields: frozenset[str]) -> dict[str, Any] | None:
    facts = at.facts(view, part.fields, fields)
    rows = [facts[start : start + part.columns] for start in range(0, len(facts), part.columns)]
    return {"label": at.label(part.label), "rows": rows, "columns": part.columns} if facts else None


def _table(at: _Printing, part: TablePart, view: View, fields: frozenset[str]) -> dict[str, Any] | None:
    if part.lines not in fields:
        return None
    form = at.app.definition.forms[str(view.form.fields[part.lines].form)]
    readable = readable_fields(at.app, at.who, form)
    moulds = moulds_of(at.app, form, at.reader)
    wanted = [moulds[name] for name in part.columns or moulds if name in moulds and readable.ever(name)]
    views = [View(form, row, view.loader) for row in view.loader.lines(form.name, int(view.id or 0))]
    values = [
        [mould.value(line, line.row) if readable.has(mould.name, line) else None for mould in wanted] for line in views
    ]
    titles = at._titles({mould.name: (mould, [row[place] for row in values]) for place, mould in enumerate(wanted)})
    return {
        "label": at.label(part.label), "numbers": part.numbers,
        "heads": [(at.field_label(form, mould.field), mould.field.align == "end") for mould in wanted],
        "rows": [[at._html(mould, value, titles) for mould, value in zip(wanted, row, strict=True)] for row in values],
        "totals": [total_text(mould.field, [row[at_] for row in values], at.reader) if mould.name in part.totals else ""
                   for at_, mould in enumerate(wanted)] if part.totals else [],
    }  # fmt: skip


def _code(at: _Printing, part: CodePart, view: View, fields: frozenset[str]) -> dict[str, Any] | None:
    compiled = at.app.plans.compile(part.value)
    if not at.may_say(compiled, view, fields):
        return None
    try:
        text = shown(compiled.run(at.names(view)), at.reader).strip()
    except EvaluationFailed:
        return None
    return {"svg": draw(text, part.symbology), "text": text if part.caption else ""} if text else None


def _text(at: _Printing, part: TextPart, view: View, fields: frozenset[str]) -> dict[str, Any]:
    text = at.filled(part.text, view, fields, at.reader.language)
    return {"paragraphs": [one for one in text.split("\n\n") if one.strip()], "size": part.size, "align": part.align}


def _pictures(at: _Printing, part: PicturesPart, view: View, fields: frozenset[str]) -> dict[str, Any] | None:
    ids = view.row.get(part.field) or () if part.field in fields else ()
    return {"ids": list(ids)} if ids else None


def _signatures(at: _Printing, part: SignaturesPart, view: View, fields: frozenset[str]) -> dict[str, Any]:
    return {"boxes": [at.label(one) for one in part.boxes]}


_DRAWN: dict[type[PaperPart], Callable[..., dict[str, Any] | None]] = {
    HeadingPart: _heading, FieldsPart: _fields, TablePart: _table, CodePart: _code, TextPart: _text,
    PicturesPart: _pictures, SignaturesPart: _signatures,
}  # fmt: skip
