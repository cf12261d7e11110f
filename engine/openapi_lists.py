"""The query string of lists as OpenAPI parameters: one for every field and operator, so that none has to be guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.columns import Columns, operators_of
from engine.definition import Form
from engine.fields.base import Field, Operator
from engine.openapi_schemas import TEXT, Schema, Schemas
from engine.queries import MOST, MOST_FILTERS
from engine.texts import say

Json = dict[str, Any]


def list_parameters(made: Schemas, form: Form, columns: Columns) -> Iterator[Json]:
    yield from _plain(made, form, columns)
    yield from _filters(made, columns)


def _plain(made: Schemas, form: Form, columns: Columns) -> Iterator[Json]:
    sortable = [name for name in columns.sortable if name not in columns.sometimes]
    both = [sign + name for name in sortable for sign in ("", "-")]
    rows: Sequence[tuple[str, Schema, str]] = (
        ("q", {"type": "string", "maxLength": 200}, made.said("Full-text search.")),
        ("sort", _names(both), made.said("Fields to sort by; a minus in front: the largest first.")),
        ("columns", _names(list(columns)), made.said("Only these fields. Default: all, lines left out.")),
        ("view", {"type": "string", "enum": [*form.views]}, made.said("The filter, order and columns of this view.")),
        ("after", TEXT, made.said("The next page: what the answer before called after.")),
        ("before", TEXT, made.said("The page before.")),
        ("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, made.said("Records on a page.")),
        ("count", {"type": "boolean"}, made.said("Also count, up to 10,000.")),
        ("lines", {"type": "boolean"}, made.said("With the lines of each record.")),
    )
    for name, schema, description in rows:
        if schema.get("enum", True) and schema.get("items", {"enum": True})["enum"]:
            yield _query(name, schema, description)


def _names(names: list[str]) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": names}}


def _query(name: str, schema: Schema, description: str) -> Json:
    listed = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    return {"name": name, "in": "query", "schema": schema, "description": description, **listed}


def _filters(made: Schemas, columns: Columns) -> Iterator[Json]:
    for name in columns.filterable:
        if name not in columns.sometimes:
            for operator in operators_of(columns[name]):
                yield _filter(made, columns[name], operator)


def _filter(made: Schemas, one: Field, operator: Operator) -> Json:
    said = f"{one.label_in(made.language)} {say(operator.label, made.language)}"
    told = _query(f"where.{one.name}.{operator.name}", _operand(one, operator), said)
    return told if operator.takes in ("many", "pair") else {**told, "explode": True}  # each repetition is one more


def _operand(one: Field, operator: Operator) -> Schema:
    value = {key: part for key, part in one.value_schema().items() if key not in ("readOnly", "description")}
    if value.get("type") in ("array", "object") or "type" not in value:
        value = {"type": "string"}
    takes: Mapping[str, Schema] = {
        "one": value,
        "text": {"type": "string", "minLength": 1, "maxLength": 200},
        "day": {"type": "string", "format": "date"},
        "none": TEXT, "now": TEXT, "me": TEXT, "visit": TEXT,
    }  # fmt: skip
    if operator.takes == "pair":
        return {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
    most = 200 if operator.takes == "many" else MOST_FILTERS
    return {"type": "array", "items": takes.get(operator.takes, value), "minItems": 1, "maxItems": most}
