"""Figures and groups as people read them, and the filters that lead to their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.errors import message
from engine.fields.base import Field
from engine.formats import HIDDEN, Reader, decimal, integer
from engine.spans import Span
from engine.tallies import Measure, Tally
from engine.texts import say
from engine.web.pagecards.look import Look

NONE = "–"
# Colours of groups that have none of their own, each apart from the one before it.
PALETTE = ("blue", "orange", "teal", "purple", "lime", "pink", "azure", "yellow", "indigo", "red", "green", "cyan")


@dataclass(frozen=True)
class Group:
    """One value of a field. ``pairs`` are the filters that find its records; None: lists cannot be filtered by it."""

    value: Any
    label: str
    colour: str
    pairs: tuple[tuple[str, str], ...] | None


def measure_of(card: Any) -> Measure:
    return Measure(card.fold, card.field if card.fold != "count" else None)


def measured(look: Look, card: Any) -> Field | None:
    """The field a card or a figure folds; None where it counts records or values."""
    field = look.field(card.field) if card.fold != "count" else None
    return None if card.fold == "distinct" else field


def shown(field: Field | None, tally: Tally, reader: Reader) -> str:
    """The figure as the field shows its own; a mean of whole numbers keeps two digits."""
    return shown_value(field, tally.value, tally.fold, reader)


def shown_value(field: Field | None, value: Any, fold: str, reader: Reader) -> str:
    if value is None:
        return NONE
    if field is None:
        return integer(value)
    if fold == "mean" and isinstance(value, Decimal):
        value = value.quantize(Decimal("0.01"))
        return decimal(value) if field.type == "integer" else field.format(value, reader)
    return field.format(value, reader)


def in_number(value: Any) -> float:
    """A figure as a length."""
    if value is None:
        return 0.0
    return float(value.total_seconds()) if hasattr(value, "total_seconds") else float(value)


def in_order(field: Field, values: Sequence[Any]) -> list[Any]:
    """States and options in the order of the definition; what has no place there stays where it is, behind them."""
    order = {option: place for place, option in enumerate(getattr(field, "options", ()))}
    return sorted(values, key=lambda value: order.get(value, len(order)))


def groups_of(look: Look, field: Field, values: Sequence[Any]) -> dict[Any, Group]:
    """Every value as a group; one statement for the titles of all."""
    titles = look.titles(field, values)
    plain = iter(range(len(PALETTE) * (len(values) + 1)))
    return {value: _group(look, field, value, titles, PALETTE[next(plain) % len(PALETTE)]) for value in values}


def _group(look: Look, field: Field, value: Any, titles: Mapping[Any, str], colour: str) -> Group:
    if value is None:
        return Group(None, NONE, "gray", ((f"where.{field.name}.empty", "1"),))
    option = getattr(field, "options", {}).get(value)
    hidden = field.kind == "link" and value not in titles
    label = HIDDEN if hidden else field.format(value, look.reader, titles)
    equal = any(each.name == "eq" for each in field.operators)
    pairs = ((f"where.{field.name}.eq", field.text(value, look.reader)),) if equal else None
    return Group(value, label, option.colour if option else colour, pairs)


def others(look: Look, field: Field, among: Sequence[Any]) -> Group:
    """All groups but these."""
    named = [field.text(value, look.reader) for value in among if value is not None]
    pairs = [(f"where.{field.name}.not_in", ",".join(named))]
    if None in among:
        pairs.append((f"where.{field.name}.not_empty", "1"))
    possible = {"not_in", "not_empty"} <= {each.name for each in field.operators} and named
    label = say(message("Others"), look.reader.language)
    return Group(None, label, "gray", tuple(pairs) if possible else None)


def during(field: Field, span: Span) -> tuple[tuple[str, str], ...]:
    """The filters that find the records of a span of days."""
    time = "T00:00" if field.kind == "datetime" else ""
    return (
        (f"where.{field.name}.gte", f"{span.first.isoformat()}{time}"),
        (f"where.{field.name}.before", f"{span.end.isoformat()}{time}"),
    )
