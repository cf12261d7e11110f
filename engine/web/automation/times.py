"""In words: the triggers that time, other rules and other systems pull."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.errors import Message, message
from engine.hooks import Webhook
from engine.language import Label
from engine.letterbox import MailArrives
from engine.schedules import Schedule
from engine.timers import DateReached, Finished, Timeout

if TYPE_CHECKING:
    from engine.web.automation.words import Words

WEEKDAYS: Mapping[str, Label] = {
    "mon": Label({"en": "Mon", "zh": "周一"}), "tue": Label({"en": "Tue", "zh": "周二"}),
    "wed": Label({"en": "Wed", "zh": "周三"}), "thu": Label({"en": "Thu", "zh": "周四"}),
    "fri": Label({"en": "Fri", "zh": "周五"}), "sat": Label({"en": "Sat", "zh": "周六"}),
    "sun": Label({"en": "Sun", "zh": "周日"}),
}  # fmt: skip
MISFIRES: Mapping[str, Message] = {
    "skip": message("missed times are left out"),
    "once": message("missed times are made up for once"),
    "all": message("every missed time is made up for"),
}
ENDS: Mapping[str, Message] = {
    "done": message("A run of “{rule}” is done"),
    "failed": message("A run of “{rule}” failed"),
    "any": message("A run of “{rule}” is over"),
}


def schedule(words: Words, trigger: Schedule) -> Message:
    if trigger.every is not None:
        return message("Every {length}", length=words.length(trigger.every))
    if trigger.cron is not None:
        return message("By the calendar: {cron}", cron=trigger.cron)
    times = words.listed(trigger.at)
    if not trigger.weekdays:
        return message("Every day at {times}", times=times)
    days = words.listed([words.say(WEEKDAYS[day]) for day in trigger.weekdays])
    return message("{days} at {times}", days=days, times=times)


def timeout(words: Words, trigger: Timeout) -> Message:
    values: dict[str, Any] = {"form": words.form_label(trigger.form),
                              "state": words.state_label(trigger.form, trigger.state)}  # fmt: skip
    if trigger.within is not None:
        return message("A {form} is in “{state}” for {length}", length=words.length(trigger.within), **values)
    if trigger.before is not None:
        return message("{length} before the time of a {form} in “{state}” is over",
                       length=words.length(trigger.before), **values)  # fmt: skip
    if trigger.after is not None:
        return message("{length} after the time of a {form} in “{state}” is over",
                       length=words.length(trigger.after), **values)  # fmt: skip
    return message("The time of a {form} in “{state}” is over", **values)


def date(words: Words, trigger: DateReached) -> Message:
    values: dict[str, Any] = {"form": words.form_label(trigger.form),
                              "field": words.field_label(trigger.form, trigger.field)}  # fmt: skip
    if trigger.before is not None:
        return message("{length} before {field} of a {form}", length=words.length(trigger.before), **values)
    if trigger.after is not None:
        return message("{length} after {field} of a {form}", length=words.length(trigger.after), **values)
    return message("{field} of a {form} comes", **values)


def finished(words: Words, trigger: Finished) -> Message:
    rule = words.definition.rules.get(trigger.rule)
    said = ENDS[trigger.outcome]
    return Message(said.pattern, {"rule": words.rule_label(rule) if rule else trigger.rule})


def webhook(words: Words, trigger: Webhook) -> Message:
    return message("Another system sends to /hooks/{path}", path=trigger.path)


def mail(words: Words, trigger: MailArrives) -> Message:
    connection = words.definition.connections.get(trigger.connection)
    shown = connection.label.text(words.language) if connection and connection.label else trigger.connection
    return message("A mail comes in at {connection}", connection=shown)


TIMES: Mapping[str, Callable[[Words, Any], Message]] = {
    "schedule": schedule, "timeout": timeout, "date": date, "finished": finished, "webhook": webhook,
    "mail": mail,
}  # fmt: skip
