"""A place of a definition in words: form “Ticket” › view “All” › columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from engine.actions import Action
from engine.cards import Card
from engine.connectors import Connection
from engine.definition import (
    AppDefinition,
    Check,
    DemoUser,
    FieldGrant,
    Form,
    Grant,
    MenuGroup,
    Page,
    Role,
    Rule,
    Section,
    State,
    Transition,
)  # fmt: skip
from engine.errors import Message, message
from engine.fields.base import Field
from engine.fields.choice import Option
from engine.language import Label
from engine.portals import Portal, PortalForm
from engine.prints import PaperPart, PrintFormat
from engine.reach import Reach, Way
from engine.scenario import Expected, Given, Scenario, Step
from engine.schema import keys_of
from engine.task import Task
from engine.uses.things import Defined
from engine.views import View
from engine.yamlfile import Path

_SAID: Mapping[str, Message] = {
    "key": message("{place} is about {thing}."),
    "reference": message("{place} names {thing}."),
    "expression": message("The condition or calculation at {place} reads {thing}."),
    "template": message("The text at {place} shows {thing}."),
    "text": message("{place} names {thing}."),
    "script": message("The script at {place} uses {thing}."),
}
_DEFINED = message("{place} is defined here.")
_PERHAPS = message("{place} may mean {thing}; look at it.")
_STEP = message("{place} › {step}")

# One thing in words; the first class that fits.
_WORDS: tuple[tuple[type, Message], ...] = (
    (Form, message("form “{name}”")),
    (Field, message("field “{name}”")),
    (View, message("view “{name}”")),
    (State, message("state “{name}”")),
    (Transition, message("transition “{name}”")),
    (Option, message("option “{name}”")),
    (Role, message("role “{name}”")),
    (Rule, message("rule “{name}”")),
    (Page, message("page “{name}”")),
    (Task, message("task “{name}”")),
    (Portal, message("portal “{name}”")),
    (PortalForm, message("records {name}")),
    (PrintFormat, message("paper format “{name}”")),
    (PaperPart, message("part {name}")),
    (Connection, message("connection “{name}”")),
    (Way, message("way “{name}”")),
    (Reach, message("messages to people")),
    (DemoUser, message("demo user “{name}”")),
    (Scenario, message("scenario “{name}”")),
    (Step, message("step {name}")),
    (Grant, message("permissions of “{name}”")),
    (FieldGrant, message("field “{name}”")),
    (Card, message("card “{name}”")),
    (Section, message("section {name}")),
    (MenuGroup, message("menu “{name}”")),
    (Check, message("check {name}")),
    (Action, message("step {name}")),
    (Scenario, message("scenario “{name}”")),
    (Given, message("record {name}")),
    (Step, message("step {name}")),
    (Expected, message("expectation {name}")),
    (AppDefinition, message("application “{name}”")),
)


def sentence(definition: AppDefinition, defined: Defined, path: Path, sort: str, sure: bool) -> Message:
    """What a use says to people, in their language."""
    thing = in_words(defined.value, defined.thing.own)
    if path == defined.path:
        return message(_DEFINED.pattern, place=place(definition, path))
    said = _SAID[sort] if sure else _PERHAPS
    return message(said.pattern, place=place(definition, path), thing=thing)


def place(definition: AppDefinition, path: Path) -> Message:
    """The things around a place, outermost first, and the option; the file itself for an empty path."""
    steps = list(steps_to(definition, path))
    found = steps[0] if steps else in_words(definition, definition.app)
    for step in steps[1:]:
        found = message(_STEP.pattern, place=found, step=step)
    return found


def in_words(value: Any, name: Label | str) -> Message:
    """``form “Ticket”``, by its label where it has one."""
    label = getattr(value, "label", None)
    if isinstance(value, Section) and label is not None:
        return message("section “{name}”", name=label)
    pattern = next((words.pattern for cls, words in _WORDS if isinstance(value, cls)), "“{name}”")
    return message(pattern, name=label if isinstance(label, Label) else name)


def steps_to(definition: AppDefinition, path: Path) -> Iterator[Message]:
    """Each thing on the way to a place in words, outermost first, and the option at its end."""
    value: Any = definition
    option = ""
    for step in path:
        if dataclasses.is_dataclass(value) and not isinstance(value, Label):
            value, option = _option(value, str(step)), str(step)
        else:
            value, inner = _item(value, step)
            if dataclasses.is_dataclass(value) and not isinstance(value, Label):
                yield in_words(value, _meant(definition, path, value, inner))
                option = ""
    if option:
        yield message("“{option}”", option=option)


def _meant(definition: AppDefinition, path: Path, value: Any, name: str) -> Label | str:
    """What a grant is for: it stands under the name of a role or field, and has no label of its own."""
    if isinstance(value, Grant) and name in definition.roles:
        return definition.roles[name].label
    if isinstance(value, FieldGrant) and name in definition.forms[str(path[1])].fields:
        return definition.forms[str(path[1])].fields[name].title
    return name


def _option(thing: Any, name: str) -> Any:
    key = next((key for key in keys_of(type(thing)) if key.name == name), None)
    return getattr(thing, key.attribute) if key else None


def _item(value: Any, step: Any) -> tuple[Any, str]:
    """The item of a mapping or list, and what it is called where it has no label."""
    if isinstance(value, Mapping):
        return value.get(step), str(step)
    if isinstance(value, tuple | list) and isinstance(step, int) and step < len(value):
        return value[step], str(step + 1)
    return None, str(step)
