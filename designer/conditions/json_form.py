"""Conditions between page and server, such as
``{"all": [{"left": "record.level", "operator": "is", "values": [{"text": "a"}]}]}``."""

from __future__ import annotations

from typing import Any, cast, get_args

from designer.conditions.model import Condition, Group, Value, ValueKind
from designer.text.refusals import EditRefused
from engine.errors import message

MAX_PARTS = 200
_GROUPS = ("all", "any", "none")
_KINDS = frozenset(get_args(ValueKind))


def as_json(part: Condition | Group) -> dict[str, Any]:
    if isinstance(part, Group):
        return {part.kind: [as_json(inner) for inner in part.parts]}
    values = [{value.kind: value.text} for value in part.values]
    return {"left": part.left, "operator": part.operator, "values": values}


def from_json(data: Any) -> Group:
    """Raises EditRefused for what no page of ours sends."""
    part = _part(data, [0])
    return part if isinstance(part, Group) else Group("all", (part,))


def _part(data: Any, count: list[int]) -> Condition | Group:
    count[0] += 1
    if not isinstance(data, dict) or count[0] > MAX_PARTS:
        raise _unreadable()
    for kind in _GROUPS:
        if isinstance(data.get(kind), list):
            return Group(cast(Any, kind), tuple(_part(inner, count) for inner in data[kind]))
    left, operator, values = data.get("left"), data.get("operator"), data.get("values", [])
    if not isinstance(left, str) or not isinstance(operator, str) or not isinstance(values, list):
        raise _unreadable()
    return Condition(left, operator, tuple(_value(value) for value in values))


def _value(data: Any) -> Value:
    if isinstance(data, dict) and len(data) == 1:
        ((kind, text),) = data.items()
        if kind in _KINDS and isinstance(text, str):
            return Value(kind, text)
    raise _unreadable()


def _unreadable() -> EditRefused:
    return EditRefused(message("This condition cannot be read; load the page again."))
