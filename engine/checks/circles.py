"""Values that are worked out from each other in a circle have no value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.checks.review import Review
from engine.definition import Form
from engine.errors import message
from engine.expressions import ExpressionRefused, compile_expression
from engine.fields.base import Field

Spot = tuple[str, str]  # form, field


def check_circles(review: Review) -> None:
    needs = {
        (form.name, field.name): tuple(_needs(review, form, field))
        for form in review.forms
        for field in form.fields.values()
        if not field.writable
    }
    told: set[Spot] = set()
    for spot in needs:
        circle = () if spot in told else _circle(spot, needs)
        if circle:
            told |= set(circle)
            shown = " → ".join(f"{form}.{field}" for form, field in (*circle, spot))
            said = message("These values are worked out from each other in a circle: {fields}.", fields=shown)
            review.error(("forms", spot[0], "fields", spot[1]), said, at_key=True)


def _circle(start: Spot, edges: Mapping[Spot, Iterable[Spot]]) -> tuple[Spot, ...]:
    """The shortest way from a spot back to itself, () if there is none."""
    ways: list[tuple[Spot, ...]] = [(start,)]
    seen: set[Spot] = set()
    while ways:
        way = ways.pop(0)
        for other in edges.get(way[-1], ()):
            if other == start:
                return way
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()


def _needs(review: Review, form: Form, field: Field) -> Iterator[Spot]:
    """The fields a worked-out field reads."""
    derived: Any = field
    if field.type == "computed":
        yield from _read(review, form, derived.value)
    elif field.type == "lookup":
        via = form.fields.get(derived.via)
        yield form.name, derived.via
        yield getattr(via, "form", ""), derived.field
    elif field.type == "rollup":
        yield derived.source_form, derived.source_field or ""
        source = review.form(derived.source_form)
        if source and derived.when:
            yield from _read(review, source, derived.when)


def _read(review: Review, form: Form, source: str) -> Iterator[Spot]:
    try:
        paths = compile_expression(source, review.registry).paths
    except ExpressionRefused:
        return  # reported with all expressions
    for path in paths:
        if path[0] == "record":
            yield from _walked(review, form, path[1:])


def _walked(review: Review, form: Form | None, names: tuple[str, ...]) -> Iterator[Spot]:
    for name in names:
        field = form.fields.get(name) if form else None
        if form is None or field is None:
            return
        yield form.name, name
        form = review.form(getattr(field, "form", None))
