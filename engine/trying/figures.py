"""Figures as they were: what a record added up over its own lines, and what was worked out from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from engine.application import Application
from engine.expressions import View, plain
from engine.fields.number import DecimalField
from engine.sight import Row, Sight

if TYPE_CHECKING:
    from engine.trying.remembering import Past


@dataclass(frozen=True)
class Names:
    """The columns that change without an event of their record: rollups, and what is computed from rollups."""

    rollups: tuple[str, ...]
    fed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.rollups or self.fed)


def names(app: Application, form: str) -> Names:
    kept, key = app.plans.kept, ("figures", form)
    found: Names | None = kept.get(key)
    if found is None:
        plan = app.plans.form(form)
        rollups = tuple(name for name, field in plan.fields.items() if field.type == "rollup" and name in plan.columns)
        found = kept[key] = Names(rollups, tuple(sorted(plan.fed)))
    return found


def over_lines(past: Sight, field: Any, rows: Sequence[Row]) -> Any:
    """A rollup over the lines of a record."""
    form = past.app.definition.forms[field.source_form]
    if field.when:
        compiled = past.app.plans.compile(field.when)
        rows = [row for row in rows if compiled.holds({**past.names, "record": View(form, row, past)})]
    if field.fold == "count" or field.source_field is None:
        return len(rows)
    newest = sorted(rows, key=lambda row: row["id"])
    values = [value for row in newest if (value := row.get(field.source_field)) is not None]
    return _settled(field, _FOLDS[field.fold](values))


def _settled(field: Any, value: Any) -> Any:
    if isinstance(field.like, DecimalField) and value is not None:
        return field.like.rounded(Decimal(str(value)))
    return value


_FOLDS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "sum": lambda values: reduce(add, values) if values else 0,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "latest": lambda values: values[-1] if values else None,
}


def worked_out(past: Past, form: str, row: Mapping[str, Any], late: Mapping[str, Callable[[], Any]], name: str) -> Any:
    """A computed field that reads figures, worked out from those of the moment."""
    from engine.trying.past import NOTHING, Then

    plan = past.app.plans.form(form)
    kept = {key: value for key, value in row.items() if key not in plan.fed}
    figures = {key: value for key, value in late.items() if key not in plan.fed}
    view = View(plan.form, Then(kept, NOTHING, lambda _name, _why: None, figures), past)
    settled: Any = plan.fields[name]
    return settled.settled(plain(view.read(name)))
