"""What wakes a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.language import (
    Expression,
    FieldName,
    FormName,
    Label,
    RoleName,
    StateName,
    TransitionName,
    option,
)
from engine.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What wakes a rule."""

    type: ClassVar[str]
    form: FormName = option("The form whose records are watched.")


@dataclass(frozen=True, kw_only=True)
class Created(Trigger):
    """A record was created."""

    type: ClassVar[str] = "created"


@dataclass(frozen=True, kw_only=True)
class Updated(Trigger):
    """A record was changed."""

    type: ClassVar[str] = "updated"
    field: FieldName | None = option("Only when this field changed.", None)
    from_: Expression | None = option("Only when the field was this before, such as 'low'.", None, alias="from")
    to: Expression | None = option("Only when the field is this now.", None)


@dataclass(frozen=True, kw_only=True)
class Deleted(Trigger):
    """A record was deleted."""

    type: ClassVar[str] = "deleted"


@dataclass(frozen=True, kw_only=True)
class Entered(Trigger):
    """A record entered a state."""

    type: ClassVar[str] = "entered"
    state: StateName = option("The state.")


@dataclass(frozen=True, kw_only=True)
class Left(Trigger):
    """A record left a state."""

    type: ClassVar[str] = "left"
    state: StateName = option("The state.")


@dataclass(frozen=True, kw_only=True)
class Taken(Trigger):
    """A transition was taken."""

    type: ClassVar[str] = "taken"
    transition: TransitionName = option("The transition.")


@dataclass(frozen=True, kw_only=True)
class Button(Trigger):
    """Somebody pressed a button on the record."""

    type: ClassVar[str] = "button"
    label: Label = option("What the button says.")
    roles: tuple[RoleName, ...] = option("Who sees the button.", minItems=1)
    confirm: Label | None = option("A question to confirm first.", None)


def register(registry: Registry) -> None:
    for trigger in (Created, Updated, Deleted, Entered, Left, Taken, Button):
        registry.trigger(trigger)
