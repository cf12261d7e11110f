"""What a rule does. An action answers effects as data; the walk performs them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from engine import effects
from engine.language import (
    ADMIN,
    KEY,
    Duration,
    Expression,
    FieldName,
    FormName,
    Label,
    Receiver,
    SortKey,
    Template,
    TransitionName,
    from_key,
    option,
)
from engine.registry import Registry


class Context(Protocol):
    """What an action may ask: the record that woke the rule, and what expressions over it give."""

    @property
    def form(self) -> str: ...

    @property
    def id(self) -> int: ...

    @property
    def place(self) -> tuple[str, int]:
        """Form and id of the record; of nothing in particular where no record woke the rule."""

    @property
    def names(self) -> Mapping[str, Any]:
        """What expressions see: ``record``, ``old``, ``user``."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the definition."""

    def evaluate(self, source: str, **more: Any) -> Any:
        """The value of an expression; ``more`` are names beside ``names``."""

    def linked(self, field: str) -> Sequence[tuple[str, int]]:
        """The records a link or links field of the record names, as (form, id)."""

    def ids_of(self, source: str) -> tuple[int, ...]:
        """The ids of the records or users an expression gives, one or several."""

    def lines(self, field: str) -> Sequence[Any]:
        """The lines of the record, as expressions see them."""

    def several(self, source: str) -> Sequence[Any]:
        """The records or lines an expression gives, as expressions see them."""

    def fill(self, template: Template, **more: Any) -> Mapping[str, str]:
        """The template with its places filled, by language; ``more`` are names beside ``names``."""

    def moment(self, source: str) -> dt.datetime | None:
        """The UTC moment an expression gives; a date is its midnight on the application's clock."""

    def later(self, length: Duration) -> dt.datetime:
        """The UTC moment that long after now."""

    def receivers(self, named: Sequence[str]) -> list[dict[str, str]]:
        """{name, address, language} of everybody named by a role, an expression that gives users or texts."""

    def json(self, source: str) -> Any:
        """The value of an expression as JSON: dates and moments in ISO form, exact numbers as text."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a rule does."""

    type: ClassVar[str]
    makes: ClassVar[tuple[str, ...]] = ()  # forms whose records are created by what follows it, as its errand does

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        """What it wants done, worked out and not yet done. What follows an effect that ``suspends`` is worked out
        when that is over."""
        raise NotImplementedError

    def transitions(self) -> Sequence[str]:
        """Transitions of the record that are taken by what follows it, as its errand does."""
        return ()


@dataclass(frozen=True, kw_only=True)
class SetValues(Action):
    """Set fields of the record."""

    type: ClassVar[str] = "set"
    values: Mapping[FieldName, Expression] = option("Fields and what they become.", minProperties=1)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        return [effects.SetValues(context.form, context.id, _worked_out(self.values, context))]


@dataclass(frozen=True, kw_only=True)
class CreateRecord(Action):
    """Create a record of a form, or one for each of several."""

    type: ClassVar[str] = "create"
    form: FormName = option("The form of the new record.")
    each: Expression | None = option(
        "One for each of these lines or records, such as record.steps; `line` is the one it is made for.", None
    )
    values: Mapping[FieldName, Expression] = option("Fields of the new record and what they become.", {}, of="form")
    lines: Mapping[FieldName, CopyLines] = option(
        "Lines fields of the new record and the lines they are copied from.", {}, of="form"
    )
    once: tuple[FieldName, ...] = option(
        "Not where there is a record already that has the same in these fields.", (), of="form"
    )

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        copies = {name: copy.copied(context) for name, copy in self.lines.items()}
        around: Sequence[Mapping[str, Any]] = (
            [{}] if self.each is None else [{"line": line} for line in context.several(self.each)]
        )
        return [
            effects.CreateRecord(self.form, _worked_out(self.values, context, **more) | copies, self.once)
            for more in around
        ]


@dataclass(frozen=True, kw_only=True)
class CopyLines:
    """Lines made from the lines of the record that woke the rule."""

    each: FieldName = option("The lines field of the waking record to go through.")
    values: Mapping[FieldName, Expression] = option(
        "Fields of the new line; `line` is the line copied from.", of=KEY, minProperties=1
    )

    def copied(self, context: Context) -> tuple[Mapping[str, Any], ...]:
        return tuple(_worked_out(self.values, context, line=line) for line in context.lines(self.each))


@dataclass(frozen=True, kw_only=True)
class UpdateMatching(Action):
    """Change other records that match."""

    type: ClassVar[str] = "update"
    form: FormName = option("The form of the records.")
    where: Expression = option("Which records: `record` is the one looked at, `source` the one that woke the rule.")
    values: Mapping[FieldName, Expression] = option("Fields and what they become.", of="form", minProperties=1)
    sort: tuple[SortKey, ...] = option(
        "In which order, '-' in front of a field for descending; each is changed knowing what became of those before.",
        (), of="form",
    )  # fmt: skip
    limit: int = option("Refuse when more records match.", 1000, minimum=1, maximum=10000)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        names = {**context.names, "source": context.names["record"]}
        values = {str(name): source for name, source in self.values.items()}
        return [effects.UpdateMatching(self.form, self.where, values, self.limit, names, self.sort)]


@dataclass(frozen=True, kw_only=True)
class TakeTransition(Action):
    """Take a transition of the record."""

    type: ClassVar[str] = "take"
    transition: TransitionName = option("The transition.", of="of")
    of: FieldName | None = option("Of the record this link field names, instead of the record itself.", None)
    reason: Expression | None = option("The reason that is kept.", None)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        reason = None if self.reason is None else context.evaluate(self.reason)
        kept = None if reason is None else str(reason)
        if self.of is None:
            return [effects.TakeTransition(context.form, context.id, self.transition, kept)]
        return [effects.TakeTransition(form, id, self.transition, kept) for form, id in context.linked(self.of)]


@dataclass(frozen=True, kw_only=True)
class Reassign(Action):
    """Hand the record over to somebody else, until it leaves its state."""

    type: ClassVar[str] = "reassign"
    to: Receiver = option(
        "A role, or an expression that gives a user such as record.created_by; where it gives none, the owner stays."
    )
    reason: Expression | None = option("The reason that is kept.", None)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        roles, users = people_of((self.to,), context)
        reason = None if self.reason is None else context.evaluate(self.reason)
        owner = next(iter(sorted(users)), None)
        if owner is None and not roles:
            return []
        kept = None if reason is None else str(reason)
        return [effects.Reassign(context.form, context.id, owner, next(iter(roles), None), kept)]


@dataclass(frozen=True, kw_only=True)
class Refuse(Action):
    """Refuse the change with a message; nothing is saved."""

    type: ClassVar[str] = "refuse"
    message: Template = option("What the person is told.")

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        return [effects.Refuse(context.fill(self.message))]


@dataclass(frozen=True, kw_only=True)
class Notify(Action):
    """Tell people in the application."""

    type: ClassVar[str] = "notify"
    to: tuple[Receiver, ...] = option("Roles, or expressions that give a user such as record.created_by.", minItems=1)
    message: Template = option("What they are told.")

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        return [effects.Notify(*context.place, *people_of(self.to, context), context.fill(self.message))]


# --- steps that hold others, or time ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Branch(Action):
    """Go one way or the other."""

    type: ClassVar[str] = "branch"
    when: Expression = option("Which way: it holds or it does not.")
    then: tuple[Action, ...] = option("What is done when it holds.", minItems=1)
    otherwise: tuple[Action, ...] = option("What is done when it does not.", ())


@dataclass(frozen=True, kw_only=True)
class ForEach(Action):
    """Do something for every record that matches, in batches."""

    type: ClassVar[str] = "for_each"
    form: FormName = option("The form of the records.")
    where: Expression = option("Which records: `record` is the one looked at, `source` the one that woke the rule.")
    actions: tuple[Action, ...] = option("What is done for each; `record` is that record.", minItems=1)
    batch: int = option("How many are done in one transaction.", 50, minimum=1, maximum=500)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        return [effects.ForEach(self.form, self.where, self.batch)]


@dataclass(frozen=True, kw_only=True)
class Wait(Action):
    """Wait for a time, or until something holds for the record."""

    type: ClassVar[str] = "wait"
    for_: Duration | None = option("How long.", None, alias="for")
    until: Expression | None = option("The date or moment to wait for, such as record.due_on - days(3).", None)
    holds: Expression | None = option("Go on as soon as this holds; looked at whenever the record changes.", None)
    at_most: Duration | None = option("Go on after this time even if `holds` does not hold.", None)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        length = self.for_ or self.at_most
        due = context.moment(self.until) if self.until else context.later(length) if length else None
        return [effects.Wait(due, self.holds)]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One of the answers people may give, as a button."""

    name: str = from_key()
    label: Label = option("What the button says.")
    style: Literal["primary", "secondary", "danger"] = option("The look of the button.", "secondary")
    comment: Literal["none", "optional", "required"] = option("Whether to ask for a comment.", "optional")
    decisive: bool = option("Whether this answer, given by one person, settles the question.", False)


@dataclass(frozen=True, kw_only=True)
class Ask(Action):
    """Ask people and wait for their answer."""

    type: ClassVar[str] = "ask"
    to: tuple[Receiver, ...] = option("Roles, or expressions that give users such as record.owner.", minItems=1)
    message: Template = option("What they are asked.")
    answers: Mapping[str, Answer] = option("The answers to choose from, in order.", minProperties=2, maxProperties=6)
    needs: str | int = option(
        "Whose answer it takes: `any` (the first decides), `all` (everybody answers), or how many equal answers.",
        "any", pattern="^(any|all)$", minimum=2, maximum=100,
    )  # fmt: skip
    at_most: Duration | None = option("Go on after this time without an answer.", None)
    saved_as: str | None = option(
        "The name under which the steps after it read the outcome, as results.<name>: answer (empty where there is "
        "none), by, comment, at, timed_out and answers (everybody's).",
        None, alias="as", pattern="^[a-z][a-z0-9_]{0,40}$",
    )  # fmt: skip

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        roles, users = people_of(self.to, context)
        choices = tuple(
            effects.Choice(one.name, dict(one.label.texts), one.style, one.comment, one.decisive)
            for one in self.answers.values()
        )
        due = context.later(self.at_most) if self.at_most else None
        return [effects.Ask(*context.place, roles, users, context.fill(self.message), choices, self.needs, due,
                            self.saved_as)]  # fmt: skip


def nested(
    path: tuple[str | int, ...], actions: Sequence[Action], form: FormName | None
) -> Iterator[tuple[tuple[str | int, ...], Action, FormName | None]]:
    """Every action and those inside it: (place, action, form of its ``record``)."""
    for place, action in enumerate(actions):
        here = (*path, place)
        yield here, action, form
        if isinstance(action, Branch):
            yield from nested((*here, "then"), action.then, form)
            yield from nested((*here, "otherwise"), action.otherwise, form)
        elif isinstance(action, ForEach):
            yield from nested((*here, "actions"), action.actions, action.form)


def people_of(to: Sequence[str], context: Context) -> tuple[frozenset[str], frozenset[int]]:
    """The roles that are named, and the ids of the users the other expressions give."""
    roles = frozenset(to) & (context.roles | {ADMIN})
    return roles, frozenset(id for source in to if source not in roles for id in context.ids_of(source))


def _worked_out(values: Mapping[Any, Expression], context: Context, **more: Any) -> dict[str, Any]:
    return {name: context.evaluate(source, **more) for name, source in values.items()}


def register(registry: Registry) -> None:
    for action in (
        SetValues, CreateRecord, UpdateMatching, TakeTransition, Reassign, Refuse, Notify, Ask, Branch, ForEach, Wait,
    ):  # fmt: skip
        registry.action(action)
