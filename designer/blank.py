"""A new thing with everything it must have, so that it can be drawn and filled: never more than it needs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, NewType, get_args, get_origin

from designer.panel.known import known_for, words
from designer.slots import is_thing
from designer.workspace import Workspace
from engine.language import Condition, Duration, Expression, Label, Template
from engine.schema import Key, is_choice, keys_of, kinds_of

SIMPLE: Mapping[Any, Any] = {
    bool: False, int: 1, Decimal: 1, float: 1, str: "text", Any: "text", Expression: "True", Duration: "1d",
}  # fmt: skip


def blank(workspace: Workspace, hint: Any, *, form: str | None, kind: str | None = None, label: str = "") -> Any:
    """Plain data for a new thing of a declared type; ``kind`` chooses among several, ``label`` is what people call it
    in the language they work in."""
    if not is_thing(hint):
        return value(workspace, hint, form, label)
    data: dict[str, Any] = {}
    cls = hint
    if is_choice(hint):
        kinds = kinds_of(hint, workspace.registry)
        chosen = kind if kind is not None and kind in kinds else next(iter(kinds))
        cls, data = kinds[chosen], {"type": chosen}
    for key in keys_of(cls):
        if key.required or (key.name == "label" and label):
            found = _option(workspace, key, form, label)
            data[key.name] = found
            form = str(found) if key.name == "form" else form
    return data


def _option(workspace: Workspace, key: Key, form: str | None, label: str) -> Any:
    return blank(workspace, key.hint, form=form, label=label or words(key.name))


def value(workspace: Workspace, hint: Any, form: str | None, label: str) -> Any:
    """Something that is readable where this type is declared."""
    if hint in (Label, Template):
        return {workspace.language: label}
    if hint in SIMPLE:
        return SIMPLE[hint]
    if hint is Condition:
        return True
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return args[0]
    if origin is tuple:
        return [blank(workspace, args[0], form=form, label=label)]
    if origin is Mapping:
        return {_name(workspace, args[0], form): blank(workspace, args[1], form=form, label=label)}
    return _name(workspace, hint, form)


def _name(workspace: Workspace, hint: Any, form: str | None) -> str:
    if isinstance(hint, NewType):
        known = known_for(workspace, hint, form)
        return known[0].name if known else "name"
    return "name"
