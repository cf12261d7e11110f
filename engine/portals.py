"""Portals: what people outside see and may do. They are users with a role that stands for a record, so grants, walk and
checks are those of everybody; a portal only chooses what of it is shown, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.language import (
    ConnectionName,
    Duration,
    Expression,
    FieldName,
    FormName,
    Label,
    Named,
    PrintFormatName,
    RoleName,
    Template,
    option,
)


@dataclass(frozen=True, kw_only=True)
class PortalForm:
    """The records of one form in a portal."""

    form: FormName = option("The form.")
    label: Label | None = option("What the records are called there. Default: what the form calls many.", None)
    via: FieldName | None = option(
        "The link to the record the person stands for. Default: the only link to that form.", None, of="form"
    )
    where: Expression | None = option("Only records for which this holds, beside what the role may see.", None)
    card: tuple[FieldName, ...] = option("What a card of the list shows under its title.", (), of="form")
    fields: tuple[FieldName, ...] = option(
        "What the page of a record shows, and what is filled in there.", (), of="form"
    )
    files: tuple[FieldName, ...] = option("Documents to download.", (), of="form")
    prints: tuple[PrintFormatName, ...] = option("Paper formats to download as PDF.", (), of="form")
    progress: bool = option("Draw how far the record is along its main path.", True)
    history: Literal["none", "states"] = option("What of the past is told: nothing, or when which state began.", "none")
    messages: bool = option("A conversation with the people inside.", True)


@dataclass(frozen=True, kw_only=True)
class Portal(Named):
    """A door for people outside: what they see of which records."""

    label: Label = option("What it is called.")
    role: RoleName = option("The role of its people; one that stands for a record.")
    welcome: Template | None = option("What stands above the records; `user` may be named.", None)
    contact: Label | None = option("Whom to ask, at the foot of every page.", None)
    forms: tuple[PortalForm, ...] = option("The records, in order.", minItems=1)
    invite: tuple[RoleName, ...] = option(
        "Roles that may invite people, end their access and copy links. Administrators always may.", ()
    )
    links: Duration | None = option(
        "How long a link to one record lasts, for people without an account. Default: there are none.", None
    )
    names: bool = option(
        "Messages from inside carry the name of who wrote them, not only that of the application.", False
    )
    connection: ConnectionName | None = option("The mail connection for invitations, and for news of messages.", None)
    address: str | None = option(
        "Where people outside reach this site, for links in mails, such as https://portal.example.com.",
        None,
        pattern=r"^https?://[^\s/]+$",
    )

    def form(self, name: str) -> PortalForm | None:
        return next((one for one in self.forms if one.form == name), None)


Portals = Mapping[str, Portal]
