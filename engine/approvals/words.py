"""The answers of approvals as buttons, and what is told of them, in every language of the application."""

from __future__ import annotations

from collections.abc import Mapping

from engine.approve import Approve
from engine.effects import Choice
from engine.errors import Message, message
from engine.language import LANGUAGES
from engine.texts import say

ANSWERS: Mapping[str, Message] = {
    "approve": message("Approve"),
    "refuse": message("Refuse"),
    "return": message("Send back"),
    "submit": message("Submit again"),
    "withdraw": message("Withdraw"),
}
STATES: Mapping[str, Message] = {
    "open": message("Being approved"),
    "mending": message("Sent back"),
    "approved": message("Approved"),
    "refused": message("Refused"),
    "returned": message("Sent back"),
    "withdrawn": message("Withdrawn"),
    "timed_out": message("Time over"),
    "cancelled": message("Cancelled"),
}
DEEDS: Mapping[str, Message] = {
    "before": message("{approval} · {step}: asked {person} to sign first"),
    "after": message("{approval} · {step}: asked {person} to sign afterwards"),
    "hand_over": message("{approval} · {step}: handed over to {person}"),
    "delegated": message("{approval} · {step}: {person} stands in"),
    "send_back": message("{approval}: sent back to the step “{step}”"),
    "mending": message("{approval}: sent back to the applicant"),
    "submitted": message("{approval}: submitted again"),
    "again": message("{approval}: what is shown was changed, so everybody is asked again"),
    "remind": message("{approval}: reminded those who are asked"),
    "comment": message("{approval}: commented"),
    "late": message("{approval} · {step}: the time was over"),
    "skipped": message("{approval} · {step}: skipped"),
    "nobody": message("{approval} · {step}: there was nobody to ask"),
    "approved": message("{approval}: approved"),
    "refused": message("{approval}: refused"),
    "returned": message("{approval}: ended, sent back"),
    "withdrawn": message("{approval}: withdrawn"),
    "timed_out": message("{approval}: ended, the time was over"),
}


def everywhere(said: Message) -> dict[str, str]:
    return {language: say(said, language) for language in LANGUAGES}


def choices(action: Approve) -> tuple[Choice, ...]:
    """What those who are asked may answer."""
    found = [
        Choice("approve", everywhere(ANSWERS["approve"]), "primary", "optional"),
        Choice("refuse", everywhere(ANSWERS["refuse"]), "danger", "required", decisive=True),
    ]
    if "send_back" in action.powers:
        found.append(Choice("return", everywhere(ANSWERS["return"]), "secondary", "required", decisive=True))
    return tuple(found)


def mending() -> tuple[Choice, ...]:
    """What the applicant may answer whose request was sent back."""
    return (
        Choice("submit", everywhere(ANSWERS["submit"]), "primary", "optional"),
        Choice("withdraw", everywhere(ANSWERS["withdraw"]), "danger", "optional"),
    )
