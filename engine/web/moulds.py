"""How each field of a form is shown on a record's page, worked out once per definition, form and reader.

What may be seen is not in here: it is asked for each record, and a mould is only used for what was found visible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from engine.application import Application
from engine.definition import Form
from engine.expressions import View
from engine.fields.base import Field
from engine.formats import Reader
from engine.web.boxes import UNNAMED, is_wide, value_of
from engine.web.seen import points_at

# Shown by their widget on a record's page; the others look as in a table, which costs a fifth of the time.
RICH = frozenset({"address", "attachment", "barcode", "image", "json", "long_text", "rich_text", "signature"})
NOBODY: Mapping[int, str] = {}
Titles = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Mould:
    """``fact`` and ``cell`` are the HTML up to the value, in a list of facts and in a table of lines."""

    field: Field
    name: str
    label: str
    wide: bool
    target: str | None
    reader: Reader
    direct: bool  # the row holds what is shown as it is
    fact: Markup
    cell: Markup

    def value(self, view: View, row: Mapping[str, Any]) -> Any:
        """The plain value, worked out where the row does not hold it."""
        return row[self.name] if self.direct and self.name in row else value_of(view, self.field)

    def show(
        self, value: Any, titles: Titles, draw: Callable[..., Markup] | None = None, clear: bool = False
    ) -> Markup:
        """The value as HTML; ``draw`` instead of a table's way of showing it; ``clear``: also a sensitive one."""
        field, reader = self.field, self.reader
        extra = NOBODY if self.target is None else titles.get(self.target, NOBODY)
        if field.sensitive and not clear:
            return Markup.escape(field.masked(value, reader, extra))
        if field.kind == "link" and value not in extra:
            return UNNAMED
        return draw(field, value, reader, extra) if draw else field.cell(value, reader, extra)

    @property
    def rich(self) -> bool:
        """Whether its widget draws it on a record's page; the others look there as in a table."""
        return getattr(self.field, "like", self.field).widget in RICH


def moulds_of(app: Application, form: Form, reader: Reader) -> Mapping[str, Mould]:
    """The mould of every field but lines, by name."""
    kept, key = app.plans.kept, ("moulds", form.name, reader)
    found: Mapping[str, Mould] | None = kept.get(key)
    if found is None:
        stored = app.tables.form[form.name].c
        fields = (field for field in form.fields.values() if field.kind != "lines")
        found = kept[key] = {field.name: _mould(field, reader, field.name in stored) for field in fields}
    return found


def _mould(field: Field, reader: Reader, stored: bool) -> Mould:
    label, wide = field.label_in(reader.language), is_wide(field)
    end = ' class="end"' if field.align == "end" else ""
    return Mould(
        field=field,
        name=field.name,
        label=label,
        wide=wide,
        target=points_at(field),
        reader=reader,
        direct=stored and not field.parts and field.kind != "datetime" and field.type != "computed",
        fact=Markup('<div{} id="show-{}"><dt>{}</dt><dd{}>').format(
            Markup(' class="wide"') if wide else "",
            field.name,
            label,
            Markup(end),  # noqa: S704
        ),
        cell=Markup('<td{} data-label="{}">').format(Markup(end), label),  # noqa: S704
    )
