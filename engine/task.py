"""Quick pieces of work: a button, a few large inputs, done; also without network.

A task makes a record, changes one, or takes a step of one. What is done with it is an *entry*: it carries what its
record was like when it was made, so that it can arrive later; see ``engine.entries``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.language import Expression, FieldName, FormName, Label, Named, RoleName, TransitionName, option

TaskKind = Literal["create", "change", "take"]


@dataclass(frozen=True, kw_only=True)
class Task(Named):
    """Quick work with a large button of its own, on the phone also without network."""

    label: Label = option("What the button says.")
    icon: str = option("An icon of the set in static/.", "checklist")
    help: Label | None = option("A sentence above the inputs.", None)
    roles: tuple[RoleName, ...] = option("Who has the button. Empty: everyone who may do it.", ())
    form: FormName = option("The form whose records it is about.")
    record: Literal["new", "existing"] = option(
        "Whether it makes a record, or changes one that is scanned or chosen first; a step is always the latter.",
        "new",
    )
    transition: TransitionName | None = option("The step it takes; what that asks for is asked here.", None, of="form")
    where: Expression | None = option("Which records it is for, where it makes none.", None)
    fields: tuple[FieldName, ...] = option(
        "What is filled in, in order; with a transition beside what that asks for.", (), of="form"
    )
    adds: tuple[FieldName, ...] = option(
        "Numbers that are added to what the record has, so that entries of several people add up.", (), of="form"
    )
    scan: FieldName | None = option(
        "The link, code or text that is scanned first, where it makes a record.", None, of="form"
    )
    keep: tuple[FieldName, ...] = option("Fields that begin with what was entered last.", (), of="form")
    then: Literal["again", "open", "home"] = option(
        "What comes after it: the same once more, the record, or all tasks.", "again"
    )
    decides: RoleName | None = option(
        "Who decides about an entry whose record was changed meanwhile. Default: whoever made the entry.", None
    )

    @property
    def kind(self) -> TaskKind:
        if self.transition is not None:
            return "take"
        return "create" if self.record == "new" else "change"
