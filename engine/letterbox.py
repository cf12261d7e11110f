"""The trigger that a mail pulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.language import ConnectionName, option
from engine.registry import Registry
from engine.triggers import Trigger


@dataclass(frozen=True, kw_only=True)
class MailArrives(Trigger):
    """A mail comes in. `mail` holds subject, sender, sender_name, to, cc, text, date, message_id and attachments."""

    type: ClassVar[str] = "mail"
    gives: ClassVar[Mapping[str, str]] = {"mail": "any"}
    connection: ConnectionName = option("The mailbox: a connection of type imap.")
    automatic: bool = option("Also mails that say a machine wrote them, such as notices of other systems.", False)


def register(registry: Registry) -> None:
    registry.trigger(MailArrives)
