"""What a rule does. An action answers effects as data; the walk performs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.language import Expression, FieldName, FormName, Template, TransitionName, option
from engine.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a rule does."""

    type: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class SetValues(Action):
    """Set fields of the record."""

    type: ClassVar[str] = "set"
    values: Mapping[FieldName, Expression] = option("Fields and what they become.", minProperties=1)


@dataclass(frozen=True, kw_only=True)
class CreateRecord(Action):
    """Create a record of a form."""

    type: ClassVar[str] = "create"
    form: FormName = option("The form of the new record.")
    values: Mapping[str, Expression] = option("Fields of the new record and what they become.", {})
    lines: Mapping[str, CopyLines] = option("Lines fields of the new record and the lines they are copied from.", {})


@dataclass(frozen=True, kw_only=True)
class CopyLines:
    """Lines made from the lines of the record that woke the rule."""

    each: FieldName = option("The lines field of the waking record to go through.")
    values: Mapping[str, Expression] = option(
        "Fields of the new line; `line` is the line copied from.", minProperties=1
    )


@dataclass(frozen=True, kw_only=True)
class UpdateMatching(Action):
    """Change other records that match."""

    type: ClassVar[str] = "update"
    form: FormName = option("The form of the records.")
    where: Expression = option("Which records: `record` is the one looked at, `source` the one that woke the rule.")
    values: Mapping[str, Expression] = option("Fields and what they become.", minProperties=1)
    limit: int = option("Refuse when more records match.", 1000, minimum=1, maximum=10000)


@dataclass(frozen=True, kw_only=True)
class TakeTransition(Action):
    """Take a transition of the record."""

    type: ClassVar[str] = "take"
    transition: TransitionName = option("The transition.")
    of: FieldName | None = option("Of the record this link field names, instead of the record itself.", None)
    reason: Expression | None = option("The reason that is kept.", None)


@dataclass(frozen=True, kw_only=True)
class Refuse(Action):
    """Refuse the change with a message; nothing is saved."""

    type: ClassVar[str] = "refuse"
    message: Template = option("What the person is told.")


@dataclass(frozen=True, kw_only=True)
class Notify(Action):
    """Tell people in the application."""

    type: ClassVar[str] = "notify"
    to: tuple[str, ...] = option("Roles, or expressions that give a user such as record.created_by.", minItems=1)
    message: Template = option("What they are told.")


def register(registry: Registry) -> None:
    for action in (SetValues, CreateRecord, UpdateMatching, TakeTransition, Refuse, Notify):
        registry.action(action)
