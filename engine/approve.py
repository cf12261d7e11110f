"""The action that asks several people, step after step, whether something may go ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine import effects
from engine.actions import Action, Context, people_of
from engine.language import ConnectionName, Duration, Expression, FieldName, Label, Receiver, Template, option
from engine.registry import Registry

LINK = "\ue000link\ue000"  # where `{{ link }}` stands until it is known who reads it
NEEDS = "^(any|all|[1-9][0-9]?%|100%)$"
NEEDS_DOC = (
    "Whose approval it takes: `any` (one of them), `all` (everybody), a number of them, or a share such as `60%`."
)
Power = Literal["add_signer", "hand_over", "send_back", "withdraw", "remind"]
POWERS: tuple[Power, ...] = ("add_signer", "hand_over", "send_back", "withdraw", "remind")


@dataclass(frozen=True, kw_only=True)
class ApprovalPart:
    """One of several groups of people who are asked at the same time; all groups must approve."""

    label: Label = option("What people call it.")
    to: tuple[Receiver, ...] = option("Roles, or expressions that give users such as record.owner.", minItems=1)
    needs: str | int = option(NEEDS_DOC, "any", pattern=NEEDS, minimum=2, maximum=100)
    when: Expression | None = option("Asked only when this holds.", None)


@dataclass(frozen=True, kw_only=True)
class ApprovalStep:
    """One step of an approval: people who are asked at the same time."""

    label: Label = option("What people call the step.")
    to: tuple[Receiver, ...] = option("Roles, or expressions that give users; or `parts` instead.", ())
    needs: str | int = option(NEEDS_DOC, "any", pattern=NEEDS, minimum=2, maximum=100)
    parts: tuple[ApprovalPart, ...] = option("Groups that are asked at the same time, instead of `to`.", ())
    when: Expression | None = option("The step is skipped when this does not hold.", None)
    nobody: Literal["refuse", "skip", "ask"] = option(
        "Where nobody can be asked: the request is refused, the step is skipped, or those in `instead` are asked.",
        "refuse",
    )
    at_most: Duration | None = option("How long the step may take.", None)
    late: Literal["end", "approve", "refuse", "escalate"] = option(
        "When the time is over: the approval ends without an answer, counts as approved or as refused, or those in "
        "`instead` are asked.",
        "end",
    )
    instead: tuple[Receiver, ...] = option("Who is asked instead: see `nobody: ask` and `late: escalate`.", ())

    def groups(self) -> tuple[ApprovalPart, ...]:
        """The groups of the step; one with its own label where it has no parts."""
        return self.parts or (ApprovalPart(label=self.label, to=self.to, needs=self.needs),)


@dataclass(frozen=True, kw_only=True)
class Approve(Action):
    """Have the record approved, step by step."""

    type: ClassVar[str] = "approve"
    label: Label = option("What people call the approval.")
    message: Template = option("What the people are asked; `{{ link }}` is the address of the approval.")
    steps: tuple[ApprovalStep, ...] = option("The steps, one after the other.", minItems=1, maxItems=20)
    shows: tuple[FieldName, ...] = option("Fields that are shown before the decision, to those who may see them.", ())
    applicant: Expression | None = option(
        "Whose request it is, such as record.owner. Default: whoever woke the rule, else whoever made the record.", None
    )
    own: Literal["refused", "allowed"] = option("Whether somebody may approve a request of their own.", "refused")
    twice: Literal["ask", "once"] = option(
        "Whether somebody who approved the step before is asked again, or their approval counts on.", "ask"
    )
    changes: Literal["tell", "again"] = option(
        "When a shown field changes meanwhile: those who approved are told, or everybody is asked again.", "tell"
    )
    on_return: Literal["again", "go_on", "end"] = option(
        "When it is sent back to the applicant: after the new submission all steps are asked again, it goes on with "
        "the step that sent it back, or the approval ends.",
        "again",
    )
    powers: tuple[Power, ...] = option("What people may do beside approving and refusing.", POWERS)
    remind_every: Duration = option("How often the applicant may remind those who are asked.", Duration(4, "h"))
    batch: bool = option("Several requests may be approved at once, from the list.", False)
    mail: ConnectionName | None = option(
        "The mail connection: those who are asked get a mail with the link; not needed where `reach` says how they are "
        "reached.",
        None,
    )
    one_time: Duration | None = option(
        "The link in a mail opens the approval without signing in, for one decision and this long.", None
    )
    saved_as: str | None = option(
        "The name under which the steps after it read the outcome, as results.<name>: answer (approved, refused, "
        "returned, withdrawn or timed_out), by, by_name, comment, at, link and steps.",
        None, alias="as", pattern="^[a-z][a-z0-9_]{0,40}$",
    )  # fmt: skip

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        mine = context.ids_of(self.applicant) if self.applicant else ()
        outline = tuple(_outlined(step, context) for step in self.steps)
        texts = context.fill(self.message, link=LINK)
        return [effects.Approve(*context.place, dict(self.label.texts), texts, outline,
                                mine[0] if mine else None, self.saved_as)]  # fmt: skip


def _outlined(step: ApprovalStep, context: Context) -> effects.ApprovalOutline:
    """The step as it stands now; it is worked out anew when the approval comes to it."""
    if step.when is not None and not context.evaluate(step.when):
        return effects.ApprovalOutline(dict(step.label.texts), skipped=True)
    groups = [part for part in step.groups() if part.when is None or context.evaluate(part.when)]
    asked = [people_of(part.to, context) for part in groups]
    roles = frozenset(role for several, _users in asked for role in several)
    users = frozenset(user for _roles, several in asked for user in several)
    return effects.ApprovalOutline(dict(step.label.texts), roles, users, tuple(str(part.needs) for part in groups))


def register(registry: Registry) -> None:
    registry.action(Approve)
