"""Rules in the words people know: what wakes them, what each step does, how a run or a message stands."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from engine import actions, errands, formats
from engine.definition import AppDefinition, Form, Rule
from engine.errors import Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.language import Duration, Label
from engine.registry import Registry
from engine.rules import name_of
from engine.saying import clause_text
from engine.texts import say
from engine.web.automation.times import TIMES

MASK = "••••"
PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}")


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
    "for_each": message("For each record"),
    "script": message("Script"),
    "print": message("Print to a file"),
    "notify": message("Notice"),
    "ask": message("Question"),
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


def palette_text(thing: Any) -> str:
    """The first line of what its type says of itself, without the full stop; its Chinese is in the catalogue."""
    return (inspect.getdoc(type(thing)) or type(thing).__name__).partition("\n")[0]


UNITS: Mapping[str, tuple[str, str, str]] = {  # unit → one, many, in Chinese
    "s": ("second", "seconds", "秒"), "m": ("minute", "minutes", "分钟"), "h": ("hour", "hours", "小时"),
    "d": ("day", "days", "天"), "w": ("week", "weeks", "周"), "wd": ("working day", "working days", "个工作日"),
}  # fmt: skip


def length_text(length: Duration) -> Label:
    one, many, zh = UNITS[length.unit]
    return Label({"en": f"{length.amount} {one if length.amount == 1 else many}", "zh": f"{length.amount}{zh}"})


# --- saying ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """The words of one definition for one reader's language."""

    definition: AppDefinition
    registry: Registry
    language: str

    def say(self, text: Message | Label | str) -> str:
        return text.text(self.language) if isinstance(text, Label) else say(text, self.language)

    def length(self, length: Duration) -> str:
        return self.say(length_text(length))

    def listed(self, texts: Sequence[str]) -> str:
        return ("、" if self.language == "zh" else ", ").join(texts)

    def form(self, name: str | None) -> Form | None:
        return self.definition.forms.get(name or "")

    def form_label(self, name: str | None) -> str:
        form = self.form(name)
        return form.label.text(self.language) if form else name or ""

    def plural(self, name: str) -> str:
        form = self.form(name)
        return (form.plural or form.label).text(self.language) if form else name

    def field_label(self, form: str | None, name: str) -> str:
        known = self.form(form)
        field = known.fields.get(name) if known else None
        return field.label_in(self.language) if field else name

    def state_label(self, form: str | None, name: str) -> str:
        known = self.form(form)
        state = known.workflow.states.get(name) if known and known.workflow else None
        return state.label.text(self.language) if state else name

    def transition_label(self, form: str | None, name: str) -> str:
        known = self.form(form)
        found = known.workflow.transitions.get(name) if known and known.workflow else None
        return found.label.text(self.language) if found else name

    def role_label(self, name: str) -> str:
        role = self.definition.roles.get(name)
        return role.label.text(self.language) if role else name

    def connection_label(self, name: str | None) -> str:
        connection = self.definition.connections.get(name or "")
        return connection.label.text(self.language) if connection and connection.label else name or ""

    def rule_label(self, rule: Rule) -> str:
        return self.say(name_of(rule))

    def expression(self, source: str, form: str | None) -> str:
        """A condition with field labels instead of names."""
        known = self.form(form)
        if known is None:
            return source
        try:
            compiled = compile_expression(source, self.registry)
        except ExpressionRefused:
            return source
        return self.say(clause_text(compiled, known, self.definition))

    def template(self, text: Label, form: str | None) -> str:
        """A text with places to fill: ``Order ‹Number› is late``."""
        return PLACE.sub(lambda found: f"‹{self.expression(found[1], form)}›", text.text(self.language))

    def values(self, values: Mapping[Any, Any], form: str | None) -> tuple[str, ...]:
        return tuple(f"{self.field_label(form, str(name))} = {self.expression(str(source), form)}"
                     for name, source in values.items())  # fmt: skip

    # --- what wakes a rule

    def trigger(self, rule: Rule) -> str:
        maker = TRIGGERS.get(rule.trigger.type)
        if maker is not None:
            return self.say(maker(self, rule.trigger))
        return self._options(rule.trigger)

    def _options(self, thing: Any) -> str:
        """A type this module knows nothing of: its palette text and what was chosen."""
        values = {one.name: getattr(thing, one.name) for one in fields(thing)}
        chosen = [f"{name}: {_plain(value)}" for name, value in values.items() if value not in (None, "", (), {})]
        said = say(palette_text(thing), self.language)
        return f"{said} ({', '.join(chosen)})" if chosen else said


def _plain(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ", ".join(_plain(one) for one in value)
    return json.dumps({str(k): str(v) for k, v in value.items()}) if isinstance(value, Mapping) else str(value)


TRIGGERS: dict[str, Callable[[Words, Any], Message]] = {
    "created": lambda w, t: message("A {form} is created", form=w.form_label(t.form)),
    "updated": lambda w, t: (
        message("{field} of a {form} changes", field=w.field_label(t.form, t.field), form=w.form_label(t.form))
        if t.field else message("A {form} is changed", form=w.form_label(t.form))
    ),
    "changed": lambda w, t: message("Anything about a {form} changes", form=w.form_label(t.form)),
    "deleted": lambda w, t: message("A {form} is deleted", form=w.form_label(t.form)),
    "entered": lambda w, t: message("A {form} enters “{state}”", form=w.form_label(t.form),
                                    state=w.state_label(t.form, t.state)),
    "left": lambda w, t: message("A {form} leaves “{state}”", form=w.form_label(t.form),
                                 state=w.state_label(t.form, t.state)),
    "taken": lambda w, t: message("“{transition}” of a {form} is taken", form=w.form_label(t.form),
                                  transition=w.transition_label(t.form, t.transition)),
    "button": lambda w, t: message("Somebody presses “{button}” on a {form}", button=t.label,
                                   form=w.form_label(t.form)),
    **TIMES,
}  # fmt: skip


# --- what a step does ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A step: its heading, an icon and a few lines more."""

    title: str
    icon: str
    lines: tuple[str, ...] = ()


def action(words: Words, one: actions.Action, form: str | None) -> Said:
    """``form``: of the record the step looks at."""
    maker = ACTIONS.get(type(one))
    if maker is not None:
        return maker(words, one, form)
    lines = [line for line in words._options(one).partition(" (")[2].rstrip(")").split(", ") if line]
    return Said(say(palette_text(one), words.language).rstrip(".。"), "puzzle", tuple(lines))


def _set(w: Words, one: actions.SetValues, form: str | None) -> Said:
    return Said(w.say(message("Change the {form}", form=w.form_label(form))), "pencil", w.values(one.values, form))


def _create(w: Words, one: actions.CreateRecord, form: str | None) -> Said:
    lines = tuple(f"{w.field_label(one.form, str(name))} = {w.expression(source, form)}"
                  for name, source in one.values.items())  # fmt: skip
    copies = tuple(w.say(message("{lines} copied from {each}", lines=w.field_label(one.form, name),
                                 each=w.field_label(form, copy.each)))
                   for name, copy in one.lines.items())  # fmt: skip
    return Said(w.say(message("Create a {form}", form=w.form_label(one.form))), "plus", lines + copies)


def _update(w: Words, one: actions.UpdateMatching, form: str | None) -> Said:
    lines = (w.say(message("where {condition}", condition=w.expression(one.where, one.form))),
             *w.values(one.values, one.form))  # fmt: skip
    return Said(w.say(message("Change all matching {forms}", forms=w.plural(one.form))), "list-details", lines)


def _take(w: Words, one: actions.TakeTransition, form: str | None) -> Said:
    known = w.form(form)
    field = known.fields.get(one.of) if known and one.of else None
    target = getattr(field, "form", form) if field else form
    lines = [w.say(message("of {field}", field=w.field_label(form, one.of)))] if one.of else []
    lines += [w.say(message("Reason: {reason}", reason=w.expression(one.reason, form)))] if one.reason else []
    title = message("Take “{transition}”", transition=w.transition_label(target, one.transition))
    return Said(w.say(title), "arrow-right", tuple(lines))


def _refuse(w: Words, one: actions.Refuse, form: str | None) -> Said:
    return Said(w.say(message("Refuse the change")), "hand-stop", (w.template(one.message, form),))


def _people(w: Words, to: tuple[str, ...], form: str | None) -> str:
    named = [w.role_label(one) if one in w.definition.roles else w.expression(one, form) for one in to]
    return w.listed(named)


def _notify(w: Words, one: actions.Notify, form: str | None) -> Said:
    return Said(w.say(message("Tell {people}", people=_people(w, one.to, form))), "bell",
                (w.template(one.message, form),))  # fmt: skip


NEEDS: Mapping[str | int, Message] = {
    "any": message("the first answer decides"),
    "all": message("everybody answers"),
}


def _ask(w: Words, one: actions.Ask, form: str | None) -> Said:
    needs = NEEDS.get(one.needs, message("{count} equal answers decide", count=one.needs))
    most = (w.say(message("at most {length}", length=length_text(one.at_most))),) if one.at_most else ()
    kept = (w.say(message("the answer is kept as results.{name}", name=one.saved_as)),) if one.saved_as else ()
    answers = " / ".join(answer.label.text(w.language) for answer in one.answers.values())
    return Said(w.say(message("Ask {people}", people=_people(w, one.to, form))), "help-circle",
                (w.template(one.message, form), answers, w.say(needs), *most, *kept))  # fmt: skip


def _mail(w: Words, one: errands.Mail, form: str | None) -> Said:
    return Said(w.say(message("Mail to {people}", people=_people(w, one.to, form))), "mail",
                (w.template(one.subject, form), *_through(w, one.connection)))  # fmt: skip


def _http(w: Words, one: errands.Http, form: str | None) -> Said:
    kept = (w.say(message("the answer is kept as results.{name}", name=one.saved_as)),) if one.saved_as else ()
    return Said(f"{one.method} {w.template(one.path, form)}", "world", (*_through(w, one.connection), *kept))


def _call(w: Words, one: errands.Call, form: str | None) -> Said:
    connection = w.definition.connections.get(one.connection)
    operation = connection.operations().get(one.operation) if connection else None
    kept = (w.say(message("the answer is kept as results.{name}", name=one.saved_as)),) if one.saved_as else ()
    title = operation.label.text(w.language) if operation else one.operation
    return Said(title, "plug-connected", (*_through(w, one.connection), *kept))


def _print(w: Words, one: errands.Print, form: str | None) -> Said:
    said = message("Print the record as {kind} into “{field}”", kind=one.format.upper(),
                   field=w.field_label(form, one.into))  # fmt: skip
    name = (w.template(one.name, form),) if one.name else ()
    seen = (w.say(message("as {role} sees it", role=w.role_label(one.role))),) if one.role else ()
    kept = (w.say(message("the answer is kept as results.{name}", name=one.saved_as)),) if one.saved_as else ()
    return Said(w.say(said), "printer", (*name, *seen, *kept))


def _through(w: Words, name: str) -> tuple[str, ...]:
    connection = w.definition.connections.get(name)
    shown = connection.label.text(w.language) if connection and connection.label else name
    return (w.say(message("through {connection}", connection=shown)),)


def _branch(w: Words, one: actions.Branch, form: str | None) -> Said:
    return Said(w.expression(one.when, form), "git-branch")


def _for_each(w: Words, one: actions.ForEach, form: str | None) -> Said:
    lines = (w.say(message("where {condition}", condition=w.expression(one.where, one.form))),
             w.say(message("{count} at a time", count=one.batch)))  # fmt: skip
    return Said(w.say(message("For each of the {forms}", forms=w.plural(one.form))), "list-check", lines)


def _wait(w: Words, one: actions.Wait, form: str | None) -> Said:
    if one.for_:
        return Said(w.say(message("Wait {length}", length=length_text(one.for_))), "hourglass")
    if one.until:
        return Said(w.say(message("Wait until {moment}", moment=w.expression(one.until, form))), "hourglass")
    most = (w.say(message("at most {length}", length=length_text(one.at_most))),) if one.at_most else ()
    said = message("Wait until it holds: {condition}", condition=w.expression(one.holds or "", form))
    return Said(w.say(said), "hourglass", most)


ACTIONS: dict[type[Any], Callable[[Words, Any, str | None], Said]] = {
    actions.SetValues: _set,
    actions.CreateRecord: _create,
    actions.UpdateMatching: _update,
    actions.TakeTransition: _take,
    actions.Refuse: _refuse,
    actions.Notify: _notify,
    actions.Ask: _ask,
    actions.Branch: _branch,
    actions.ForEach: _for_each,
    actions.Wait: _wait,
    errands.Mail: _mail,
    errands.Http: _http,
    errands.Call: _call,
    errands.Print: _print,
}


def took(start: dt.datetime | None, end: dt.datetime | None, language: str) -> str:
    """How long it took: ``120 ms``, ``3.4 s``, ``2 h 5 min``; nothing where it has not ended."""
    if start is None or end is None:
        return ""
    seconds = (end - start).total_seconds()
    if seconds >= 60:
        return formats.duration(dt.timedelta(seconds=round(seconds)), language)
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
