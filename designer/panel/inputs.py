"""One option as an input: which control suits its declared type, what stands there now, what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NewType, get_args, get_origin

from engine.errors import Message
from engine.language import (
    Condition,
    Duration,
    EntryName,
    Expression,
    Label,
    PersonName,
    Receiver,
    Script,
    SortKey,
    Template,
)
from engine.schema import Key
from engine.yamlfile import Path

GROUPS = ("basic", "validation", "conditions", "texts", "advanced")
VALIDATION = frozenset({
    "required", "unique", "min", "max", "min_length", "max_length", "pattern", "accept", "max_size", "max_files",
    "scale", "minimum", "maximum", "checks", "leave_with",
})  # fmt: skip
ADVANCED = frozenset({"id", "renamed_from", "index", "searchable", "sensitive", "stored", "key", "cap", "mode",
                      "pause_after"})  # fmt: skip


@dataclass(frozen=True)
class Known:
    """Something that can be chosen: how it is written, and what people call it."""

    name: str
    label: str


@dataclass(frozen=True)
class Item:
    """A thing in a list or map: where it stands, its name (None in lists), its label and its type."""

    path: Path
    name: str | None
    label: str
    kind: str | None = None


@dataclass(frozen=True)
class Input:
    """``kind`` names the macro that draws it. ``value`` is the plain data of the file, None where nothing is said;
    ``default`` what holds then. ``form``: whose fields an expression here may name; ``anything``: any plain data may
    stand there, or in each pair."""

    path: Path
    name: str
    label: Message | str
    doc: str
    kind: str
    group: str
    value: Any = None
    default: Any = None
    required: bool = False
    known: tuple[Known, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    types: tuple[Known, ...] = ()
    inner: tuple[Input, ...] = ()
    form: str | None = None
    problems: tuple[Message, ...] = ()
    anything: bool = False

    @property
    def id(self) -> str:
        return "in-" + "-".join(str(step) for step in self.path)


def kind_of(hint: Any) -> str:
    """The control for a declared type."""
    if isinstance(hint, NewType):
        return _of_name(hint)
    for kind, types in _OF_TYPE.items():
        if hint in types:
            return kind
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "select"
    if origin is tuple:
        return _of_several(args[0])
    if origin is Mapping:
        return _of_mapping(*args)
    return "yaml"


_OF_TYPE: Mapping[str, tuple[Any, ...]] = {
    "switch": (bool,), "number": (int, Decimal, float), "text": (str, Any), "label": (Label,), "template": (Template,),
    "condition": (Condition,), "duration": (Duration,),
}  # fmt: skip


def _of_name(hint: Any) -> str:
    if hint in (Expression, Script):
        return "expression" if hint is Expression else "script"
    return "receiver" if hint is Receiver else "name" if names_something(hint) else "text"


def names_something(hint: Any) -> bool:
    return hint in (EntryName, PersonName, SortKey) or str(getattr(hint, "__name__", "")).endswith(
        ("FormName", "FieldName", "StateName", "TransitionName", "RoleName", "RuleName", "ConnectionName",
         "FeedName", "CalendarName", "PageName", "WayName")
    )


def _of_several(item: Any) -> str:
    if isinstance(item, NewType):
        return "names" if names_something(item) or item is Receiver else "strings"
    if get_origin(item) is Literal:
        return "several"
    if item in (str, int, Decimal):
        return "strings"
    return "yaml"


def _of_mapping(key: Any, item: Any) -> str:
    simple = isinstance(item, NewType) or item in (str, int, Decimal, Any, bool, Label, Template)
    return "pairs" if simple else "yaml"


def group_of(key: Key, kind: str) -> str:
    """On which tab of the panel an option is found."""
    if key.name in ADVANCED:
        return "advanced"
    if kind == "label" and key.name != "label":
        return "texts"
    if key.name in VALIDATION:
        return "validation"
    return "conditions" if kind in ("expression", "condition") else "basic"
