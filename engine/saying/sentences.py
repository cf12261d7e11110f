"""A whole rule in one sentence: what wakes it, its condition, and everything it does, in order.

“When a Ticket is created, if Cost is greater than 1,000: tell Lead “…”; then wait 2 days; then take “Close”.”
Steps that belong together stand in brackets: ``if … (a; then b), otherwise (c)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from engine import actions, approve, errands
from engine.definition import Rule
from engine.errors import Message, message
from engine.saying.conditions import Saying
from engine.saying.occasions import occasion
from engine.saying.steps import approval_step, needs_text, target_of
from engine.saying.words import Words, with_article

FIRST = ("A ", "An ", "Anything ", "Somebody ", "Another ", "The ")  # English words a sentence does not write large


def sentence(words: Words, rule: Rule) -> str:
    """All the rule means, also that it is switched off or only watches."""
    return " ".join([_when_then(words, rule), *_standing(words, rule)]).replace("。 ", "。")


@dataclass(frozen=True, kw_only=True)
class Unfinished(actions.Action):
    """A step that lacks something it needs, in a draft: ``kind`` says of which type it is."""

    type: ClassVar[str] = "unfinished"
    kind: str


def _when_then(words: Words, rule: Rule) -> str:
    steps = Telling(words, rule).steps(rule.actions, rule.form)
    values: dict[str, Any] = {"occasion": _occasion(words, rule), "steps": steps}
    if rule.when is None:
        return words.say(Message(PLAIN.pattern, values))
    return words.say(Message(ONLY_IF.pattern, values | {"condition": Saying(words, rule.form).condition(rule.when)}))


SET_TO = message("{field} to {value}")
PLAIN = message("{occasion}: {steps}.")
ONLY_IF = message("{occasion}, if {condition}: {steps}.")


def _occasion(words: Words, rule: Rule) -> str:
    found = occasion(words, rule.trigger)
    if found.is_time or words.language == "zh":
        return found.text
    text = found.text
    if text.startswith(FIRST):
        text = text[0].lower() + text[1:]
    return words.say(message("When {event}", event=text))


def _standing(words: Words, rule: Rule) -> list[str]:
    if not rule.enabled:
        return [words.say(message("The rule is switched off."))]
    return [words.say(message("The rule only watches: nothing is done."))] if rule.shadow else []


@dataclass(frozen=True)
class Telling:
    """The steps of one rule in running text."""

    words: Words
    rule: Rule

    def steps(self, steps: Sequence[actions.Action], form: str | None, around: str | None = None) -> str:
        said = [self.step(one, form, around) for one in steps]
        text = said[0] if said else self.words.say(message("do nothing"))
        for one in said[1:]:
            text = self.words.say(message("{one}; then {other}", one=text, other=one))
        return text

    def block(self, steps: Sequence[actions.Action], form: str | None, around: str | None = None) -> str:
        """Steps inside a sentence: in brackets where they could be taken for what comes after."""
        text = self.steps(steps, form, around)
        if len(steps) < 2 and not any(isinstance(one, actions.Branch | actions.ForEach) for one in steps):
            return text
        return f"（{text}）" if self.words.language == "zh" else f"({text})"

    def step(self, one: actions.Action, form: str | None, around: str | None = None) -> str:
        maker = STEPS.get(type(one))
        if maker is not None:
            return self.words.say(maker(self, one, form, around))
        said = self.words.described(one)
        return said if self.words.language == "zh" else said[:1].lower() + said[1:]

    # --- parts

    def saying(self, form: str | None, around: str | None) -> Saying:
        asked = (one for _path, one, _form in self.rule.steps() if isinstance(one, actions.Ask))
        answers = {one.saved_as: {name: answer.label for name, answer in one.answers.items()}
                   for one in asked if one.saved_as}  # fmt: skip
        return Saying(self.words, form, around, answers)

    def values(
        self, values: Mapping[Any, Any], target: str | None, form: str | None, around: str | None,
        pattern: str = SET_TO.pattern,
    ) -> str:  # fmt: skip
        saying = self.saying(form, around)
        return self.words.listed([
            self.words.say(Message(pattern, {"field": self.words.field_label(target, str(name)),
                                             "value": saying.value(str(source), self.words.field(target, str(name)))}))
            for name, source in values.items()
        ])  # fmt: skip

    def more(self, text: Message | str, *notes: Message | None) -> Message:
        """The text with what is told of it in brackets."""
        said = [self.words.say(note) for note in notes if note is not None]
        told = text if isinstance(text, str) else self.words.say(text)
        pattern = "{text} ({notes})" if said else "{text}"
        return Message(pattern, {"text": told, "notes": self.words.listed(said)})

    def kept(self, one: Any) -> Message | None:
        return message("kept as “{name}”", name=one.saved_as) if one.saved_as else None

    def through(self, connection: str) -> Message:
        return message("through {connection}", connection=self.words.connection_label(connection))


# --- each type -------------------------------------------------------------------------------------------------------

Around = str | None


def _set(t: Telling, one: actions.SetValues, form: str | None, around: Around) -> Message:
    return message("set {changes}", changes=t.values(one.values, form, form, around))


def _create(t: Telling, one: actions.CreateRecord, form: str | None, around: Around) -> Message:
    said = t.words.say(message("create a {form}", form=t.words.form_label(one.form)))
    made = with_article(said) if t.words.language == "en" else said
    given = t.values(one.values, one.form, form, around, "{field} = {value}")
    values = message("{values}", values=given) if one.values else None
    copies = [message("{lines} copied from {each}", lines=t.words.field_label(one.form, name),
                      each=t.words.field_label(form, copy.each)) for name, copy in one.lines.items()]  # fmt: skip
    each = message("for each of {lines}", lines=t.saying(form, around).value(one.each)) if one.each else None
    names = [t.words.field_label(one.form, name) for name in one.once]
    once = message("once for the same {fields}", fields=names) if names else None
    return t.more(made, each, values, *copies, once)


def _update(t: Telling, one: actions.UpdateMatching, form: str | None, around: Around) -> Message:
    return message(
        "in all {forms} for which {condition}, set {changes}", forms=t.words.plural(one.form),
        condition=t.saying(one.form, form).condition(one.where), changes=t.values(one.values, one.form, one.form, form),
    )  # fmt: skip


def _take(t: Telling, one: actions.TakeTransition, form: str | None, around: Around) -> Message:
    name = t.words.transition_label(target_of(t.words, one, form), one.transition)
    taken = message("take “{transition}”", transition=name)
    if one.of:
        taken = message("take “{transition}” of {field}", transition=name, field=t.words.field_label(form, one.of))
    why = message("reason: {reason}", reason=t.saying(form, around).value(one.reason)) if one.reason else None
    return t.more(taken, why)


def _reassign(t: Telling, one: actions.Reassign, form: str | None, around: Around) -> Message:
    handed = message("hand the record over to {people}", people=t.words.people((one.to,), form))
    why = message("reason: {reason}", reason=t.saying(form, around).value(one.reason)) if one.reason else None
    return t.more(handed, why)


def _refuse(t: Telling, one: actions.Refuse, form: str | None, around: Around) -> Message:
    return message("refuse the change with “{text}”", text=t.words.template(one.message, form))


def _notify(t: Telling, one: actions.Notify, form: str | None, around: Around) -> Message:
    return message("tell {people} “{text}”", people=t.words.people(one.to, form),
                   text=t.words.template(one.message, form))  # fmt: skip


def _ask(t: Telling, one: actions.Ask, form: str | None, around: Around) -> Message:
    asked = message("ask {people} “{text}”", people=t.words.people(one.to, form),
                    text=t.words.template(one.message, form))  # fmt: skip
    answers = " / ".join(answer.label.text(t.words.language) for answer in one.answers.values())
    most = message("at most {length}", length=t.words.length(one.at_most)) if one.at_most else None
    return t.more(asked, message("{answers}", answers=answers), needs_text(one.needs), most, t.kept(one))


def _approve(t: Telling, one: approve.Approve, form: str | None, around: Around) -> Message:
    asked = message("have “{approval}” approved", approval=one.label)
    steps = [message("{step}", step=approval_step(t.words, step, form)) for step in one.steps]
    return t.more(asked, *steps, t.kept(one))


def _branch(t: Telling, one: actions.Branch, form: str | None, around: Around) -> Message:
    values = {"condition": t.saying(form, around).condition(one.when), "then": t.block(one.then, form, around)}
    if not one.otherwise:
        return message("if {condition}, {then}", **values)
    otherwise = t.block(one.otherwise, form, around)
    return message("if {condition}, {then}, otherwise {otherwise}", otherwise=otherwise, **values)


def _for_each(t: Telling, one: actions.ForEach, form: str | None, around: Around) -> Message:
    return message(
        "for each of the {forms} for which {condition}: {steps}", forms=t.words.plural(one.form),
        condition=t.saying(one.form, form).condition(one.where), steps=t.block(one.actions, one.form, form),
    )  # fmt: skip


def _wait(t: Telling, one: actions.Wait, form: str | None, around: Around) -> Message:
    if one.for_:
        return message("wait {length}", length=t.words.length(one.for_))
    if one.until:
        return message("wait until {moment}", moment=t.saying(form, around).value(one.until))
    until = message("wait until {condition}", condition=t.saying(form, around).condition(one.holds or ""))
    return t.more(until, message("at most {length}", length=t.words.length(one.at_most)) if one.at_most else None)


def _mail(t: Telling, one: errands.Mail, form: str | None, around: Around) -> Message:
    sent = message("send {people} the mail “{subject}”", people=t.words.people(one.to, form),
                   subject=t.words.template(one.subject, form))  # fmt: skip
    return t.more(sent, t.through(one.connection))


def _report(t: Telling, one: errands.Report, form: str | None, around: Around) -> Message:
    sent = message("mail {people} the page “{page}” as PDF", people=t.words.people(one.to, form),
                   page=t.words.page_label(one.page))  # fmt: skip
    seen = message("as {role} sees it", role=t.words.role_label(one.role) if one.role else one.person or "")
    return t.more(sent, seen, t.through(one.connection))


def _http(t: Telling, one: errands.Http, form: str | None, around: Around) -> Message:
    called = message("call {method} {path}", method=one.method, path=t.words.template(one.path, form))
    return t.more(called, t.through(one.connection), t.kept(one))


def _call(t: Telling, one: errands.Call, form: str | None, around: Around) -> Message:
    called = message("ask {connection} for “{operation}”", connection=t.words.connection_label(one.connection),
                     operation=t.words.operation_label(one.connection, one.operation))  # fmt: skip
    return t.more(called, t.kept(one))


def _print(t: Telling, one: errands.Print, form: str | None, around: Around) -> Message:
    printed = message("print the record as {kind} into “{field}”", kind=one.format.upper(),
                      field=t.words.field_label(form, one.into))  # fmt: skip
    role = message("as {role} sees it", role=t.words.role_label(one.role)) if one.role else None
    return t.more(printed, role, t.kept(one))


def _script(t: Telling, one: errands.RunScript, form: str | None, around: Around) -> Message:
    return t.more(message("run a script"), t.kept(one))


def _unfinished(t: Telling, one: Unfinished, form: str | None, around: Around) -> Message:
    known = t.words.registry.actions.get(one.kind)
    what = t.words.type_text(known) if known else one.kind or "…"
    return message("… ({what}, not finished)", what=what)


STEPS: Mapping[type[Any], Callable[[Telling, Any, str | None, Around], Message]] = {
    actions.SetValues: _set,
    actions.CreateRecord: _create,
    actions.UpdateMatching: _update,
    actions.TakeTransition: _take,
    actions.Reassign: _reassign,
    actions.Refuse: _refuse,
    actions.Notify: _notify,
    actions.Ask: _ask,
    approve.Approve: _approve,
    actions.Branch: _branch,
    actions.ForEach: _for_each,
    actions.Wait: _wait,
    errands.Mail: _mail,
    errands.Report: _report,
    errands.Http: _http,
    errands.Call: _call,
    errands.Print: _print,
    errands.RunScript: _script,
    Unfinished: _unfinished,
}
