"""How rules, runs, messages and questions stand, as badges, and how long something took."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from engine import formats
from engine.definition import Rule
from engine.errors import Message, message


@dataclass(frozen=True)
class Badge:
    """A state as people are shown it. ``tone``: good, warn, bad, accent or nothing."""

    text: Message
    tone: str = ""
    icon: str = "point"


RUN_STATES: Mapping[str, Badge] = {
    "working": Badge(message("in progress"), "accent", "progress"),
    "queued": Badge(message("waiting for its turn"), "accent", "hourglass"),
    "done": Badge(message("done"), "good", "circle-check"),
    "failed": Badge(message("failed"), "bad", "alert-circle"),
    "skipped": Badge(message("left to the earlier run"), "", "arrow-forward-up"),
    "shadow": Badge(message("watched only"), "", "eye"),
    "paused": Badge(message("not done: rule paused"), "warn", "player-pause"),
    "cancelled": Badge(message("cancelled"), "", "ban"),
}
MESSAGE_STATES: Mapping[str, Badge] = {
    "waiting": Badge(message("waiting"), "accent", "hourglass"),
    "parked": Badge(message("waiting for something"), "accent", "hourglass"),
    "claimed": Badge(message("under way"), "accent", "progress"),
    "done": Badge(message("done"), "good", "circle-check"),
    "dead": Badge(message("given up"), "bad", "alert-circle"),
    "unsure": Badge(message("unsure whether it arrived"), "warn", "help-circle"),
    "cancelled": Badge(message("cancelled"), "", "ban"),
}
STANDINGS: Mapping[str, Badge] = {
    "on": Badge(message("on"), "good", "circle-check"),
    "off": Badge(message("off"), "", "circle"),
    "shadow": Badge(message("watches only"), "accent", "eye"),
    "paused": Badge(message("paused"), "warn", "player-pause"),
}
MODES: Mapping[str, Message] = {
    "parallel": message("side by side"),
    "single": message("one at a time, others are left out"),
    "restart": message("a new one ends the earlier"),
    "queued": message("one after the other"),
}
KINDS: Mapping[str, Message] = {
    "mail": message("Mail"),
    "http": message("Web call"),
    "call": message("Call"),
    "go_on": message("Going on"),
    "fire": message("Waking a rule"),
    "take": message("Taking what arrived"),
    "stamp": message("Noting up to when was read"),
    "for_each": message("For each record"),
    "script": message("Script"),
    "print": message("Print to a file"),
    "report": message("Report by mail"),
    "notify": message("Notice"),
    "ask": message("Question"),
    "reach": message("Message to a person"),
}


def run_badge(state: str) -> Badge:
    return RUN_STATES.get(state, Badge(message("{state}", state=state)))


def message_badge(state: str) -> Badge:
    return MESSAGE_STATES.get(state, Badge(message("{state}", state=state)))


def standing(rule: Rule, paused: bool) -> str:
    """on, off, shadow or paused."""
    if not rule.enabled:
        return "off"
    if paused:
        return "paused"
    return "shadow" if rule.shadow else "on"


QUESTION_STATES: Mapping[str, Badge] = {
    "open": Badge(message("waiting for answers"), "accent", "hourglass"),
    "answered": Badge(message("answered"), "good", "circle-check"),
    "timed_out": Badge(message("time is over"), "warn", "alarm"),
    "withdrawn": Badge(message("withdrawn"), "", "ban"),
}


def question_badge(state: str) -> Badge:
    return QUESTION_STATES.get(state, Badge(message("{state}", state=state)))


def kind_text(kind: str) -> Message:
    return KINDS.get(kind, message("{kind}", kind=kind))


def took(start: dt.datetime | None, end: dt.datetime | None, language: str) -> str:
    """How long it took: ``120 ms``, ``3.4 s``, ``2 h 5 min``; nothing where it has not ended."""
    if start is None or end is None:
        return ""
    seconds = (end - start).total_seconds()
    if seconds >= 60:
        return formats.duration(dt.timedelta(seconds=round(seconds)), language)
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
