"""Everything in a definition that has a name of its own, found by the declared types."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NewType, get_args, get_origin

from engine.definition import AppDefinition, Form
from engine.fields.base import Field
from engine.language import Label, Named
from engine.schema import keys_of
from engine.yamlfile import Path, Source

APP = "app"


@dataclass(frozen=True, order=True)
class Thing:
    """A named thing: its kind (role form field state transition option rule view page connection demo_user app) and
    the names that lead to it, such as (form, field, option)."""

    kind: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """Dotted, such as ``ticket.priority.urgent``."""
        return ".".join(self.names)

    @property
    def own(self) -> str:
        """The last of its names: the one that is written where it is used."""
        return self.names[-1]

    def renamed(self, new: str) -> Thing:
        return Thing(self.kind, (*self.names[:-1], new))

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def thing(kind: str, name: str) -> Thing:
    """``thing("option", "ticket.priority.urgent")``."""
    return Thing(kind, tuple(name.split(".")))


@dataclass(frozen=True)
class Defined:
    """Where a thing is defined: the path of its key in the file, and what the definition holds there."""

    thing: Thing
    path: Path
    value: Any

    @property
    def has_id(self) -> bool:
        """Whether it keeps an identity of its own when its name changes."""
        return isinstance(self.value, Named)


def things_of(definition: AppDefinition, source: Source | None = None) -> Mapping[Thing, Defined]:
    """Every thing with a name, in the order of the file; of a source only what it says itself, not what was filled in
    because it was left unsaid."""
    app = Defined(Thing(APP, (definition.app,)), ("app",), definition)
    named = (defined for defined in _inside(definition, (), ()) if not source or defined.path in source.keys)
    return {defined.thing: defined for defined in (app, *named)}


def _inside(thing: Any, path: Path, names: tuple[str, ...]) -> Iterator[Defined]:
    for key in keys_of(type(thing)):
        yield from _of(getattr(thing, key.attribute), key.hint, (*path, key.name), names)


def _of(value: Any, hint: Any, path: Path, names: tuple[str, ...]) -> Iterator[Defined]:
    if isinstance(value, Label):
        return
    if dataclasses.is_dataclass(value):
        yield from _inside(value, path, names)
    elif get_origin(hint) is tuple:
        for index, item in enumerate(value or ()):
            yield from _of(item, get_args(hint)[0], (*path, index), names)
    elif isinstance(value, Mapping) and get_origin(hint) is Mapping:
        key_hint, item_hint = get_args(hint)
        for name, item in value.items():
            own = key_hint is str and _has_name(item, path)
            inner = (*names, name) if own else names
            if own:
                yield Defined(Thing(kind_of(item_hint), inner), (*path, name), item)
            yield from _of(item, item_hint, (*path, name), inner)


def _has_name(item: Any, path: Path) -> bool:
    """Answers of a question have names too, but those are known inside their rule only."""
    return isinstance(item, Named) or (len(path) == 1 and dataclasses.is_dataclass(item))


def kind_of(cls: Any) -> str:
    """``DemoUser`` → ``demo_user``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@cache
def kinds() -> Mapping[str, int]:
    """Every kind of thing, and how many names lead to one: 1 for a form, 2 for a field, 3 for an option."""
    return {APP: 1, **dict(_kinds(AppDefinition, 1)), "option": 3}


def _kinds(cls: Any, depth: int) -> Iterator[tuple[str, int]]:
    for key in keys_of(cls):
        args = get_args(key.hint)
        if get_origin(key.hint) is Mapping and args[0] is str and dataclasses.is_dataclass(args[1]):
            if depth == 1 or issubclass(args[1], Named):  # type: ignore[arg-type]
                yield kind_of(args[1]), depth
                yield from _kinds(args[1], depth + 1) if args[1] in (Form, Field) else ()
        elif dataclasses.is_dataclass(key.hint):
            yield from _kinds(key.hint, depth)


def kind_named(hint: Any) -> str | None:
    """What a type of names names: ``FormName`` → ``form``; None where it names nothing of the file."""
    if not isinstance(hint, NewType):
        return None
    name = hint.__name__
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Name")).lower() if name.endswith("Name") else ""
    return kind if kind in kinds() else None
