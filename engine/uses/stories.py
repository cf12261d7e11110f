"""What scenarios name where no type says it: options, people and the fields of lines, in the values of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.checks.review import Review
from engine.definition import AppDefinition, Form
from engine.expressions import mentions_in_value
from engine.expressions.kinds import field_kind
from engine.fields.base import Field
from engine.scenario import Scenario
from engine.uses.things import Thing
from engine.yamlfile import Path

# (what is named, path, whether it is the key there, start, end)
Named = Iterator[tuple[Thing, Path, bool, int, int]]


def named_in_stories(review: Review) -> Named:
    for name, story in review.definition.scenarios.items():
        for path, thing in _parts(story, ("scenarios", name)):
            form = review.form(story.form_of(thing))
            if form is not None:
                yield from _values(review.definition, form, thing.values, (*path, "values"))


def _parts(story: Scenario, path: Path) -> Iterator[tuple[Path, Any]]:
    for key, several in (("given", story.given), ("steps", story.steps), ("then", story.then)):
        for at, thing in enumerate(several):
            yield (*path, key, at), thing


def _values(definition: AppDefinition, form: Form, values: Mapping[str, Any], path: Path) -> Named:
    for name, value in values.items():
        field = form.fields.get(name)
        if field is not None:
            yield from _value(definition, form, field, value, (*path, name))


def _value(definition: AppDefinition, form: Form, field: Field, value: Any, path: Path) -> Named:
    if field.kind == "lines":
        yield from _lines(definition, definition.forms.get(getattr(field, "form", "")), value, path)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _value(definition, form, field, item, (*path, at))
    elif isinstance(value, str):
        yield from _text(definition, form, field, value, path)


def _lines(definition: AppDefinition, form: Form | None, rows: Any, path: Path) -> Named:
    if form is None or not isinstance(rows, list):
        return
    for at, row in enumerate(rows):
        for name in row if isinstance(row, dict) else ():
            yield Thing("field", (form.name, name)), (*path, at, name), True, 0, len(name)
        yield from _values(definition, form, row if isinstance(row, dict) else {}, (*path, at))


def _text(definition: AppDefinition, form: Form, field: Field, text: str, path: Path) -> Named:
    if field.kind == "user":
        yield person(definition, text), path, False, 0, len(text)
    for one in mentions_in_value(text, field_kind(form, field, definition)):
        yield Thing(one.kind, one.names), path, False, one.start, one.end


def person(definition: AppDefinition, name: str) -> Thing:
    """A role, else the person who signs in by this name."""
    return Thing("role" if name in definition.roles else "demo_user", (name,))
