"""What must hold, told as a story: given these records, when people do this, then that. Part of the definition file.

A name given with ``as`` stands for the record in everything that follows; in values it fills links, and a role or a
sign-in name fills a person. Days and moments may be said from the clock of the scenario: ``today``, ``in 10d``,
``3wd ago``. A file name stands for a file of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.language import (
    NAME_PATTERN,
    ConnectionName,
    Duration,
    Expression,
    FeedName,
    FieldName,
    FormName,
    Label,
    Named,
    PersonName,
    RoleName,
    RuleName,
    StateName,
    TransitionName,
    option,
)

Verb = Literal["create", "read", "update", "delete", "export", "import"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """A record that is there when the story begins."""

    create: FormName = option("The form of the record.")
    saved_as: str | None = option("The name it has in the story.", None, alias="as", pattern=NAME_PATTERN)
    by: PersonName | None = option("The role or person who made it. Default: the application itself.", None)
    state: StateName | None = option("The state it is in already; no rule wakes for it then.", None)
    values: Mapping[FieldName, Any] = option("Its fields; lines are a list of such mappings.", {})
    stands: tuple[RoleName, ...] = option("The people of these roles, who are outside, stand for it.", ())


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing somebody does, or a stretch of time.

    It has exactly one of the keys create, update, take, press, answer, hand_over, add_signer, delegate, withdraw,
    remind, delete, restore, wait and arrives.
    """

    create: FormName | None = option("Make a record of this form.", None)
    saved_as: str | None = option("The name the new record has from here on.", None, alias="as", pattern=NAME_PATTERN)
    update: str | None = option("Change this record.", None)
    take: TransitionName | None = option("Take this transition.", None)
    press: RuleName | None = option("Press the button of this rule.", None)
    answer: str | None = option("Give this answer to the question asked about the record.", None)
    hand_over: PersonName | None = option("Let this role or person decide in one's place about the record.", None)
    add_signer: PersonName | None = option("Ask this role or person to sign, too, what one is asked to approve.", None)
    delegate: PersonName | None = option("Let this role or person be asked instead, for the time `lasts`.", None)
    withdraw: str | None = option("Take back the request to approve this record.", None)
    remind: str | None = option("Remind those who are asked to approve this record.", None)
    delete: str | None = option("Delete this record.", None)
    restore: str | None = option("Bring this deleted record back.", None)
    wait: Duration | None = option("Let this time pass: time-outs, dates, schedules and waits come due.", None)
    arrives: FeedName | None = option("This feed is told a thing, its `item`.", None)
    item: Mapping[str, Any] = option("The thing that arrives, as the expressions of the feed read it.", {})
    connection: ConnectionName | None = option("Whom it comes from. Default: the first connection of the feed.", None)
    of: str | None = option("The record whose transition or button it is, or which the question is about.", None)
    by: PersonName | None = option("The role or person who does it.", None)
    values: Mapping[FieldName, Any] = option("Fields and what they become.", {})
    reason: str | None = option("The reason that is given for a transition.", None)
    comment: str | None = option("What is written beside an answer.", None)
    back_to: int | None = option(
        "The step, counted from 1, that `answer: return` sends it back to. Default: to the applicant.", None, minimum=1
    )
    signs: Literal["before", "after"] | None = option(
        "Whether who is added signs before the person decides or after the step. Default: before.", None
    )
    lasts: Duration | None = option("How long somebody stands in, from now on.", None)
    refused: str | bool = option("It must be refused: true, or a part of the sentence the person reads.", False)

    @property
    def verbs(self) -> tuple[str, ...]:
        return tuple(verb for verb in VERBS if getattr(self, verb) is not None)

    @property
    def record(self) -> str | None:
        """The name of the record it is about; of a new one, the name it gets."""
        return self.of or self.update or self.delete or self.restore or self.withdraw or self.remind or self.saved_as


VERBS = (
    "create", "update", "take", "press", "answer", "hand_over", "add_signer", "delegate", "withdraw", "remind",
    "delete", "restore", "wait", "arrives",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One thing that holds at the end.

    It has exactly one of the keys of, count, sent, told, asked, never_reads and never.
    """

    of: str | None = option("A record of the story.", None)
    state: StateName | None = option("The state it is in.", None)
    holds: Expression | None = option("What holds for it.", None)
    values: Mapping[FieldName, Any] = option("Fields and what is in them.", {})
    gone: bool = option("It is deleted.", False)
    form: FormName | None = option("The form that is counted, or that a role is kept from.", None)
    where: Expression | None = option("Only the records for which this holds are counted.", None)
    count: int | None = option("How many records there are.", None, minimum=0)
    sent: str | None = option("What left the process during the steps: `mail`, `http`, `call`.", None)
    told: PersonName | None = option("The role or person who was told something during the steps.", None)
    asked: PersonName | None = option("The role or person who was asked something during the steps.", None)
    to: tuple[PersonName, ...] = option("Roles, people, addresses or connections that all must have got it.", ())
    contains: str | None = option("A part of its text.", None)
    none: bool = option("There was nothing of the kind.", False)
    role: RoleName | None = option("The role that is kept from something.", None)
    never_reads: tuple[FieldName, ...] = option(
        "Fields of the form that come to this role by no door: no page, list, export, search, print, history, option "
        "list or API call.", (),
    )  # fmt: skip
    never: tuple[Verb, ...] = option("What this role can do with no record of the form, by page or API.", ())

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it is about; one of them, where it is right."""
        return tuple(kind for kind in KINDS if getattr(self, kind) not in (None, ()))


# what it is about → the keys that say more
KINDS: Mapping[str, tuple[str, ...]] = {
    "of": ("state", "holds", "values", "gone"),
    "count": ("form", "where"),
    "sent": ("to", "contains", "none"),
    "told": ("contains", "none"),
    "asked": ("contains", "none"),
    "never_reads": ("role", "form"),
    "never": ("role", "form"),
}


@dataclass(frozen=True, kw_only=True)
class Scenario(Named):
    """A story that must go as told: run by ``appmill test`` and before a definition is published."""

    label: Label = option("What it shows, as one sentence.")
    at: str | None = option(
        "When it begins, on the application's clock. Default: Monday 2026-03-02 at 09:00.", None,
        pattern="^20[0-9]{2}-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]$",
    )  # fmt: skip
    given: tuple[Given, ...] = option("The records there are, in the order they are made.", ())
    answers: Mapping[ConnectionName, Any] = option(
        "What systems outside answer: the result of a call by HTTP is a mapping such as {status: 200, json: {…}}.", {}
    )
    down: tuple[ConnectionName, ...] = option("Systems outside that cannot be reached.", ())
    steps: tuple[Step, ...] = option("What happens, in order.", ())
    then: tuple[Expected, ...] = option("What holds at the end.", ())

    def named(self) -> Iterator[tuple[str, FormName]]:
        """(name, form) of every record that gets a name, in order."""
        several: tuple[Given | Step, ...] = (*self.given, *self.steps)
        for each in several:
            if each.saved_as and each.create:
                yield each.saved_as, each.create

    def form_of(self, thing: Given | Step | Expected) -> FormName | None:
        """The form whose fields, states and transitions a part of the story names."""
        if isinstance(thing, Given):
            return thing.create
        if isinstance(thing, Step):
            return thing.create or dict(self.named()).get(thing.record or "")
        return thing.form or dict(self.named()).get(thing.of or "")
