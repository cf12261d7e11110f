"""What wakes a rule, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine import triggers
from engine.errors import Message, message
from engine.hooks import Webhook
from engine.language import Label
from engine.letterbox import MailArrives
from engine.saying.conditions import value_text
from engine.saying.words import Words, with_article
from engine.schedules import Schedule
from engine.timers import DateReached, Finished, Timeout

WEEKDAYS: Mapping[str, Label] = {
    "mon": Label({"en": "Mon", "zh": "周一"}), "tue": Label({"en": "Tue", "zh": "周二"}),
    "wed": Label({"en": "Wed", "zh": "周三"}), "thu": Label({"en": "Thu", "zh": "周四"}),
    "fri": Label({"en": "Fri", "zh": "周五"}), "sat": Label({"en": "Sat", "zh": "周六"}),
    "sun": Label({"en": "Sun", "zh": "周日"}),
}  # fmt: skip
ENDS: Mapping[str, Message] = {
    "done": message("A run of “{rule}” is done"),
    "failed": message("A run of “{rule}” failed"),
    "any": message("A run of “{rule}” is over"),
}


@dataclass(frozen=True)
class Occasion:
    """``text`` stands by itself, as a heading; ``is_time``: it says a time (every day) and not what happens."""

    text: str
    is_time: bool = False


@dataclass(frozen=True, kw_only=True)
class Unfinished(triggers.Trigger):
    """A trigger that lacks something it needs, in a draft: ``kind`` says of which type it is."""

    type: ClassVar[str] = "unfinished"
    kind: str
    form: str | None = None


def occasion(words: Words, trigger: triggers.Trigger) -> Occasion:
    maker = OCCASIONS.get(type(trigger))
    if maker is None:
        return Occasion(words.described(trigger))
    said = maker(words, trigger)
    text = words.say(said)
    return Occasion(with_article(text) if words.language == "en" else text, said.pattern in TIMES)


def _updated(w: Words, one: triggers.Updated) -> Message:
    form = w.form_label(one.form)
    if one.field is None:
        return message("A {form} is changed", form=form)
    values = {"form": form, "field": w.field_label(one.form, one.field)}
    before = "" if one.from_ is None else _term(w, one.from_, one)
    after = "" if one.to is None else _term(w, one.to, one)
    if before and after:
        return message("{field} of a {form} changes from {before} to {after}", before=before, after=after, **values)
    if after:
        return message("{field} of a {form} changes to {after}", after=after, **values)
    if before:
        return message("{field} of a {form} changes from {before}", before=before, **values)
    return message("{field} of a {form} changes", **values)


def _term(w: Words, source: str, one: triggers.Updated) -> str:
    return value_text(w, source, one.form, w.field(one.form, str(one.field)))


def _in_state(pattern: Message) -> Callable[[Words, Any], Message]:
    return lambda w, one: Message(
        pattern.pattern, {"form": w.form_label(one.form), "state": w.state_label(one.form, one.state)}
    )


def _of_form(pattern: Message) -> Callable[[Words, Any], Message]:
    return lambda w, one: Message(pattern.pattern, {"form": w.form_label(one.form)})


def _taken(w: Words, one: triggers.Taken) -> Message:
    return message("“{transition}” of a {form} is taken", form=w.form_label(one.form),
                   transition=w.transition_label(one.form, one.transition))  # fmt: skip


def _button(w: Words, one: triggers.Button) -> Message:
    return message("Somebody presses “{button}” on a {form}", button=one.label, form=w.form_label(one.form))


def _schedule(w: Words, one: Schedule) -> Message:
    if one.every is not None:
        return message("Every {length}", length=w.length(one.every))
    if one.cron is not None:
        return message("By the calendar: {cron}", cron=one.cron)
    times = w.listed(one.at)
    if not one.weekdays:
        return message("Every day at {times}", times=times)
    days = w.listed([w.say(WEEKDAYS[day]) for day in one.weekdays])
    return message("{days} at {times}", days=days, times=times)


def _timeout(w: Words, one: Timeout) -> Message:
    values: dict[str, Any] = {"form": w.form_label(one.form), "state": w.state_label(one.form, one.state)}
    if one.within is not None:
        return message("A {form} is in “{state}” for {length}", length=w.length(one.within), **values)
    if one.before is not None:
        return message("{length} before the time of a {form} in “{state}” is over",
                       length=w.length(one.before), **values)  # fmt: skip
    if one.after is not None:
        return message("{length} after the time of a {form} in “{state}” is over",
                       length=w.length(one.after), **values)  # fmt: skip
    return message("The time of a {form} in “{state}” is over", **values)


def _date(w: Words, one: DateReached) -> Message:
    values: dict[str, Any] = {"form": w.form_label(one.form), "field": w.field_label(one.form, one.field)}
    if one.before is not None:
        return message("{length} before {field} of a {form}", length=w.length(one.before), **values)
    if one.after is not None:
        return message("{length} after {field} of a {form}", length=w.length(one.after), **values)
    return message("{field} of a {form} comes", **values)


def _finished(w: Words, one: Finished) -> Message:
    return Message(ENDS[one.outcome].pattern, {"rule": w.rule_named(one.rule)})


def _webhook(w: Words, one: Webhook) -> Message:
    return message("Another system sends to /hooks/{path}", path=one.path)


def _unfinished(w: Words, one: Unfinished) -> Message:
    known = w.registry.triggers.get(one.kind)
    return message("… ({what}, not finished)", what=w.type_text(known) if known else one.kind or "…")


def _mail(w: Words, one: MailArrives) -> Message:
    return message("A mail comes in at {connection}", connection=w.connection_label(one.connection))


OCCASIONS: Mapping[type[Any], Callable[[Words, Any], Message]] = {
    triggers.Created: _of_form(message("A {form} is created")),
    triggers.Updated: _updated,
    triggers.Changed: _of_form(message("Anything about a {form} changes")),
    triggers.Deleted: _of_form(message("A {form} is deleted")),
    triggers.Entered: _in_state(message("A {form} enters “{state}”")),
    triggers.Left: _in_state(message("A {form} leaves “{state}”")),
    triggers.Taken: _taken,
    triggers.Button: _button,
    Schedule: _schedule,
    Timeout: _timeout,
    DateReached: _date,
    Finished: _finished,
    Webhook: _webhook,
    MailArrives: _mail,
    Unfinished: _unfinished,
}
# Patterns that say when, not what happens: a sentence begins with them as they are.
TIMES = frozenset({
    "Every {length}", "By the calendar: {cron}", "Every day at {times}", "{days} at {times}",
    "{length} before the time of a {form} in “{state}” is over",
    "{length} after the time of a {form} in “{state}” is over",
    "{length} before {field} of a {form}", "{length} after {field} of a {form}",
})  # fmt: skip
ICONS: Mapping[type[Any], str] = {
    triggers.Created: "file-plus", triggers.Updated: "edit", triggers.Changed: "activity", triggers.Deleted: "trash",
    triggers.Entered: "login", triggers.Left: "logout", triggers.Taken: "arrow-right", triggers.Button: "hand-click",
    Schedule: "calendar-event", Timeout: "alarm", DateReached: "calendar-due", Finished: "progress-check",
    Webhook: "webhook", MailArrives: "mail",
}  # fmt: skip


def icon_of(cls: type) -> str:
    """The icon of a type of trigger; a plugin's own is its ``icon``."""
    return ICONS.get(cls, getattr(cls, "icon", "bolt"))
