"""The transitions of a record as people see them: buttons for the open ones, reasons with a cure for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.definition import Form
from engine.web.failures import said as say
from engine.web.render import label, translate
from engine.workflow import Door, Obstacle

CSS = {"primary": "primary", "secondary": "outline-secondary", "danger": "outline-danger"}
ICONS = {
    "role": "user-shield", "permission": "shield-lock", "guard": "alert-circle", "field": "forms",
    "deliverable": "paperclip", "state": "route", "reason": "message",
}  # fmt: skip


@dataclass(frozen=True)
class ShownObstacle:
    """``cure``: where the person goes to remove it, if they can."""

    kind: str
    icon: str
    text: str
    clause: str
    value: str
    cure: str
    cure_label: str


@dataclass(frozen=True)
class ShownDoor:
    name: str
    label: str
    css: str
    to: str
    obstacles: tuple[ShownObstacle, ...]


def open_doors(doors: Sequence[Door], form: Form, row: Mapping[str, Any]) -> tuple[ShownDoor, ...]:
    """The buttons, the main one first."""
    shown = [_shown(door, form, row, False) for door in doors if door.open]
    return tuple(sorted(shown, key=lambda door: door.css != "primary"))


def closed_doors(doors: Sequence[Door], form: Form, row: Mapping[str, Any], may_update: bool) -> tuple[ShownDoor, ...]:
    return tuple(_shown(door, form, row, may_update) for door in doors if not door.open)


def _shown(door: Door, form: Form, row: Mapping[str, Any], may_update: bool) -> ShownDoor:
    transition = door.transition
    obstacles = tuple(shown_obstacle(one, form, row, may_update) for one in door.obstacles)
    return ShownDoor(transition.name, label(transition), CSS[transition.style], target_label(form, transition.to, row),
                     obstacles)  # fmt: skip


def target_label(form: Form, to: str, row: Mapping[str, Any]) -> str:
    states = form.workflow.states if form.workflow else {}
    state = states.get(str(row.get("_previous")) if to == "previous" else to)
    return label(state) if state else ""


def shown_obstacle(one: Obstacle, form: Form, row: Mapping[str, Any], may_update: bool) -> ShownObstacle:
    cure, words = _cure(one, form, row) if may_update else ("", "")
    return ShownObstacle(one.kind, ICONS.get(one.kind, "alert-circle"), say(one.message), "", "", cure, words)


def _cure(one: Obstacle, form: Form, row: Mapping[str, Any]) -> tuple[str, str]:
    """Into the edit form, at the field that is in the way; what is worked out cannot be typed."""
    field = form.fields.get(one.field or "")
    if field is None or field.readonly or not (field.writable or field.kind == "lines"):
        return "", ""
    address = f"/{form.name}/{row['id']}/edit#field-{field.name}"
    return address, translate("Upload") if field.kind == "files" else translate("Fill in")
