"""The comparisons a condition can make: how each is written, what it is called, for which kinds it is offered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.errors import Message, message
from engine.expressions import Kind


@dataclass(frozen=True)
class Operator:
    """``pattern`` is the expression with {left} and {value}; ``takes`` how many values; ``kinds`` what it is offered
    for; ``named`` what it is called for single kinds where that differs."""

    name: str
    pattern: str
    label: Message
    takes: Literal["none", "one", "many"] = "one"
    kinds: frozenset[str] = frozenset()
    named: Mapping[str, Message] = field(default_factory=dict)


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_PLAIN = "text number date datetime time duration record user state any"
_LISTS = "list records users"
_ORDERED = _kinds("number date datetime time duration")
_DAYS = dict.fromkeys(("date", "datetime", "time"))
_FILLED = {
    **dict.fromkeys(("text", "date", "datetime", "time", "record", "user", "json", *_LISTS.split()),
                    message("is filled")),
    "number": message("is not zero"),
}  # fmt: skip
_EMPTY = {
    **dict.fromkeys(("text", "date", "datetime", "time", "record", "user", "json", *_LISTS.split()),
                    message("is empty")),
    "number": message("is zero or empty"),
}  # fmt: skip

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("is", "{left} == {value}", message("is"), kinds=_kinds(_PLAIN)),
        Operator("is_not", "{left} != {value}", message("is not"), kinds=_kinds(_PLAIN)),
        Operator("one_of", "{left} in {value}", message("is one of"), "many", _kinds("text number state")),
        Operator("not_one_of", "{left} not in {value}", message("is none of"), "many", _kinds("text number state")),
        Operator("more", "{left} > {value}", message("is more than"), kinds=_ORDERED,
                 named=dict.fromkeys(_DAYS, message("is after"))),
        Operator("at_least", "{left} >= {value}", message("is at least"), kinds=_ORDERED,
                 named=dict.fromkeys(_DAYS, message("is on or after"))),
        Operator("less", "{left} < {value}", message("is less than"), kinds=_ORDERED,
                 named=dict.fromkeys(_DAYS, message("is before"))),
        Operator("at_most", "{left} <= {value}", message("is at most"), kinds=_ORDERED,
                 named=dict.fromkeys(_DAYS, message("is on or before"))),
        Operator("contains", "{value} in {left}", message("contains"), kinds=_kinds("text list users records")),
        Operator("contains_not", "{value} not in {left}", message("does not contain"),
                 kinds=_kinds("text list users records")),
        Operator("begins", "starts_with({left}, {value})", message("begins with"), kinds=_kinds("text")),
        Operator("within", "{left} in {value}", message("is among"), kinds=_kinds("user record")),
        Operator("not_within", "{left} not in {value}", message("is not among"), kinds=_kinds("user record")),
        Operator("filled", "{left} is not None", message("is filled"), "none",
                 _kinds("text number date datetime time duration record user json any")),
        Operator("empty", "{left} is None", message("is empty"), "none",
                 _kinds("text number date datetime time duration record user json any")),
        Operator("holds", "{left}", message("is yes"), "none", _kinds("boolean list records users"), _FILLED),
        Operator("fails", "not {left}", message("is no"), "none", _kinds("boolean list records users"), _EMPTY),
    )
}  # fmt: skip


def operators_for(kind: Kind) -> list[Operator]:
    """What can be asked of something of this kind, the usual first."""
    found = [operator for operator in OPERATORS.values() if kind.name in operator.kinds]
    if kind.name == "text" and kind.options is not None:
        found = [operator for operator in found if operator.name not in ("contains", "contains_not", "begins")]
    return sorted(found, key=lambda operator: operator.takes == "none" and kind.name != "boolean")


def label_of(operator: Operator, kind: Kind) -> Message:
    return operator.named.get(kind.name, operator.label)
