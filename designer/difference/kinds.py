"""What a difference is, as people are shown it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from designer.difference.raw import Kind
from engine.errors import Message, message
from engine.uses import Thing, Use
from engine.yamlfile import Path

Widened = Literal["", "wider", "perhaps"]

AREAS: Mapping[str, Message] = {
    "permission": message("Permissions"),
    "form": message("Forms"),
    "field": message("Fields"),
    "layout": message("Sections and views"),
    "flow": message("Flows"),
    "rule": message("Rules"),
    "page": message("Pages of cards"),
    "task": message("Tasks"),
    "role": message("Roles"),
    "connection": message("Connections"),
    "calendar": message("Calendars"),
    "portal": message("Portals"),
    "menu": message("Menu"),
    "scenario": message("Scenarios"),
    "people": message("Demo users"),
    "app": message("Application"),
    "text": message("Text of the file"),
}


@dataclass(frozen=True)
class Difference:
    """One thing that is different, as a sentence.

    ``path`` is its place in the new file, ``was`` that in the old one; empty where it is not there. ``before`` and
    ``after`` are what the files say, as YAML; lines count from 1. ``thing`` is the named thing it is about, or that is
    around it, ``uses`` the places where that is used. ``widened``: a role may do more than before, or perhaps does.
    """

    kind: Kind
    area: str
    sentence: Message
    thing: Thing | None = None
    path: Path = ()
    was: Path = ()
    before: str = ""
    after: str = ""
    line_before: int | None = None
    line_after: int | None = None
    uses: tuple[Use, ...] = ()
    widened: Widened = ""


@dataclass(frozen=True)
class Group:
    """The differences of one area."""

    area: str
    title: Message
    differences: tuple[Difference, ...]


def grouped(differences: Iterable[Difference]) -> tuple[Group, ...]:
    """By area, permissions first, in the order of the file."""
    every = tuple(differences)
    groups = (Group(area, title, tuple(one for one in every if one.area == area)) for area, title in AREAS.items())
    return tuple(group for group in groups if group.differences)


_AREAS: Mapping[str, str] = {
    "roles": "role", "rules": "rule", "pages": "page", "tasks": "task", "connections": "connection",
    "calendars": "calendar", "menu": "menu", "portals": "portal", "reach": "connection", "scenarios": "scenario",
    "demo_users": "people", "designers": "permission",
}  # fmt: skip
_OF_FORM: Mapping[str, str] = {
    "fields": "field", "sections": "layout", "views": "layout", "workflow": "flow", "permissions": "permission",
    "prints": "layout",
}  # fmt: skip


def area_of(path: Path) -> str:
    """Where a place belongs."""
    if path[:1] == ("forms",):
        return _OF_FORM.get(str(path[2]), "form") if len(path) > 2 else "form"
    return _AREAS.get(str(path[0]), "app") if path else "app"
