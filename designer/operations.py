"""What people do in the designer, by name: an intention comes in, edits of the text come out.

An operation is a pure function: it reads the workspace and answers ``Made``; it refuses with a sentence. The browser
sends its name and plain JSON arguments; their types stand in the function's annotations and are checked here.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from designer.text import Edit
from designer.workspace import Workspace
from engine.errors import Invalid, Message, Missing, Refused, message
from engine.texts import say
from engine.yamlfile import Path

ROOMS = ("generic", "forms", "flows", "rules", "pages", "calendars")  # whose operations there are
OPERATIONS: dict[str, Callable[..., Made]] = {}
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Made:
    """The edits of one operation, one step of undo. ``label`` says what was done; ``select`` the place to go on at."""

    edits: Sequence[Edit]
    label: Message
    select: Path | None = None


class Breaks(Refused):
    """What is to go is still needed: the places that would break, each with a sentence."""

    code = "breaks"

    def __init__(self, reason: Message, places: Sequence[tuple[Path, Message]]) -> None:
        super().__init__(reason)
        self.places = tuple(places)


def operation(name: str) -> Callable[[F], F]:
    """Enter a function ``(workspace, …) -> Made`` under a name such as ``field.add``."""

    def enter(function: F) -> F:
        if name in OPERATIONS:
            raise ValueError(f"{name!r} is an operation already")
        OPERATIONS[name] = function
        return function

    return enter


def perform(workspace: Workspace, name: str, arguments: Mapping[str, Any]) -> Made:
    """Raises Missing for an unknown operation, Invalid for arguments that do not fit, Refused for what cannot be."""
    _load()
    function = OPERATIONS.get(name)
    if function is None:
        raise Missing(message("The designer knows no operation {name}.", name=name))
    return function(workspace, **_arguments(function, name, arguments))


@cache
def _load() -> None:
    for room in ROOMS:
        if importlib.util.find_spec(f"designer.{room}"):
            importlib.import_module(f"designer.{room}")


@cache
def _wanted(function: Callable[..., Any]) -> Mapping[str, tuple[Any, bool]]:
    """Name → (type, whether it must be given), the workspace aside."""
    hints = get_type_hints(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {one.name: (hints[one.name], one.default is one.empty) for one in parameters}


def _arguments(function: Callable[..., Any], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = _wanted(function)
    unknown = [key for key in given if key not in wanted]
    absent = [key for key, (_hint, must) in wanted.items() if must and key not in given]
    if unknown or absent:
        raise Invalid(
            message("{name} takes {wanted}; got {got}.", name=name, wanted=", ".join(wanted), got=", ".join(given))
        )
    if given.get("path") == []:
        raise Invalid(message("{what}: a place is expected.", what=f"{name}: path"))
    return {key: _typed(value, wanted[key][0], f"{name}: {key}") for key, value in given.items()}


def _typed(value: Any, hint: Any, what: str) -> Any:
    """JSON as an annotation wants it: lists become tuples, everything else must be of the type already."""
    if hint is Any:
        return value
    if get_origin(hint) in (Union, types.UnionType):
        return _one_of(value, get_args(hint), what)
    if get_origin(hint) is tuple:
        return _several(value, get_args(hint)[0], what)
    if isinstance(value, get_origin(hint) or hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise Invalid(message("{what}: {got} does not fit.", what=what, got=say(repr(value)[:80], "en")))


def _one_of(value: Any, hints: tuple[Any, ...], what: str) -> Any:
    for hint in hints:
        try:
            return _typed(value, hint, what)
        except Invalid:
            if hint is hints[-1]:
                raise
    return value


def _several(value: Any, hint: Any, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise Invalid(message("{what}: a list is expected.", what=what))
    return tuple(_typed(item, hint, what) for item in value)
