"""Which rules of a definition time or a message from outside wakes, found once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.definition import AppDefinition, Rule
from engine.hooks import Webhook
from engine.letterbox import MailArrives
from engine.schedules import Schedule
from engine.timers import DateReached, Finished, Timeout


@dataclass(frozen=True)
class Timed:
    """Rules that are switched on. ``timeouts`` by form and state, ``dates`` by form, ``hooks`` by path; ``finished`` by
    the stable id of the rule whose end wakes them, ``mails`` by connection."""

    timeouts: Mapping[tuple[str, str], tuple[Rule, ...]]
    dates: Mapping[str, tuple[Rule, ...]]
    schedules: tuple[Rule, ...]
    hooks: Mapping[str, Rule]
    finished: Mapping[str, tuple[Rule, ...]]
    mails: Mapping[str, tuple[Rule, ...]]


def timed_rules(definition: AppDefinition) -> Timed:
    timeouts: dict[tuple[str, str], tuple[Rule, ...]] = {}
    dates: dict[str, tuple[Rule, ...]] = {}
    schedules: list[Rule] = []
    hooks: dict[str, Rule] = {}
    finished: dict[str, tuple[Rule, ...]] = {}
    mails: dict[str, tuple[Rule, ...]] = {}
    for rule in definition.rules.values():
        trigger = rule.trigger
        if not rule.enabled:
            continue
        if isinstance(trigger, Timeout):
            place = (str(trigger.form), str(trigger.state))
            timeouts[place] = (*timeouts.get(place, ()), rule)
        elif isinstance(trigger, DateReached):
            dates[trigger.form] = (*dates.get(trigger.form, ()), rule)
        elif isinstance(trigger, Schedule):
            schedules.append(rule)
        elif isinstance(trigger, Webhook):
            hooks[trigger.path] = rule
        elif isinstance(trigger, MailArrives):
            mails[trigger.connection] = (*mails.get(trigger.connection, ()), rule)
        elif isinstance(trigger, Finished) and trigger.rule in definition.rules:
            other = definition.rules[trigger.rule].stable_id
            finished[other] = (*finished.get(other, ()), rule)
    return Timed(timeouts, dates, tuple(schedules), hooks, finished, mails)
