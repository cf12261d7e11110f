"""What a step of a rule does, as a box shows it: a heading, an icon, a few lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import actions, approve, errands
from engine.errors import Message, message
from engine.saying.words import Words, length_text, with_article


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
    return Said(words.type_text(one), "puzzle", words.options(one))


def icon_of(cls: type) -> str:
    """The icon of a type of action; a plugin's own is its ``icon``."""
    return ICONS.get(cls, getattr(cls, "icon", "puzzle"))


def needs_text(needs: str | int) -> Message:
    """Whose answer a question takes."""
    return NEEDS.get(needs, message("{count} equal answers decide", count=needs))


NEEDS: Mapping[str | int, Message] = {
    "any": message("the first answer decides"),
    "all": message("everybody answers"),
}


def target_of(words: Words, one: actions.TakeTransition, form: str | None) -> str | None:
    """The form whose transition is taken: the record's, or that of the record a field names."""
    field = words.field(form, one.of) if one.of else None
    return getattr(field, "form", form) if field else form


def _values(w: Words, values: Mapping[Any, Any], target: str | None, form: str | None) -> tuple[str, ...]:
    return tuple(f"{w.field_label(target, str(name))} = {w.expression(str(source), form)}"
                 for name, source in values.items())  # fmt: skip


def _kept(w: Words, one: Any) -> tuple[str, ...]:
    return (w.say(message("the answer is kept as results.{name}", name=one.saved_as)),) if one.saved_as else ()


def _most(w: Words, one: Any) -> tuple[str, ...]:
    return (w.say(message("at most {length}", length=length_text(one.at_most))),) if one.at_most else ()


def _where(w: Words, one: Any) -> str:
    return w.say(message("where {condition}", condition=w.expression(one.where, one.form)))


def _set(w: Words, one: actions.SetValues, form: str | None) -> Said:
    title = message("Change the {form}", form=w.form_label(form))
    return Said(w.say(title), ICONS[type(one)], _values(w, one.values, form, form))


def _create(w: Words, one: actions.CreateRecord, form: str | None) -> Said:
    copies = tuple(w.say(message("{lines} copied from {each}", lines=w.field_label(one.form, name),
                                 each=w.field_label(form, copy.each)))
                   for name, copy in one.lines.items())  # fmt: skip
    each = (w.say(message("for each of {lines}", lines=w.expression(one.each, form))),) if one.each else ()
    names = [w.field_label(one.form, name) for name in one.once]
    once = (w.say(message("once for the same {fields}", fields=names)),) if names else ()
    said = w.say(message("Create a {form}", form=w.form_label(one.form)))
    title = with_article(said) if w.language == "en" else said
    return Said(title, ICONS[type(one)], each + _values(w, one.values, one.form, form) + copies + once)


def _update(w: Words, one: actions.UpdateMatching, form: str | None) -> Said:
    title = message("Change all matching {forms}", forms=w.plural(one.form))
    lines = (_where(w, one), *_values(w, one.values, one.form, one.form), *_order(w, one))
    return Said(w.say(title), ICONS[type(one)], lines)


def _order(w: Words, one: actions.UpdateMatching) -> tuple[str, ...]:
    names = [w.field_label(one.form, key.removeprefix("-")) for key in one.sort]
    return (w.say(message("in the order of {fields}", fields=names)),) if names else ()


def _take(w: Words, one: actions.TakeTransition, form: str | None) -> Said:
    lines = [w.say(message("of {field}", field=w.field_label(form, one.of)))] if one.of else []
    lines += [w.say(message("Reason: {reason}", reason=w.expression(one.reason, form)))] if one.reason else []
    name = w.transition_label(target_of(w, one, form), one.transition)
    return Said(w.say(message("Take “{transition}”", transition=name)), ICONS[type(one)], tuple(lines))


def _refuse(w: Words, one: actions.Refuse, form: str | None) -> Said:
    return Said(w.say(message("Refuse the change")), ICONS[type(one)], (w.template(one.message, form),))


def _reassign(w: Words, one: actions.Reassign, form: str | None) -> Said:
    title = message("Hand over to {people}", people=w.people((one.to,), form))
    return Said(w.say(title), ICONS[type(one)], (w.expression(one.reason, form),) if one.reason else ())


def _notify(w: Words, one: actions.Notify, form: str | None) -> Said:
    title = message("Tell {people}", people=w.people(one.to, form))
    return Said(w.say(title), ICONS[type(one)], (w.template(one.message, form),))


def _ask(w: Words, one: actions.Ask, form: str | None) -> Said:
    answers = " / ".join(answer.label.text(w.language) for answer in one.answers.values())
    lines = (w.template(one.message, form), answers, w.say(needs_text(one.needs)), *_most(w, one), *_kept(w, one))
    return Said(w.say(message("Ask {people}", people=w.people(one.to, form))), ICONS[type(one)], lines)


def _approve(w: Words, one: approve.Approve, form: str | None) -> Said:
    lines = (w.template(one.message, form), *(approval_step(w, step, form) for step in one.steps), *_kept(w, one))
    return Said(w.say(message("Have “{approval}” approved", approval=one.label)), ICONS[type(one)], lines)


def approval_step(w: Words, step: approve.ApprovalStep, form: str | None) -> str:
    """A step of an approval in a line: whom it asks, whose approval it takes, when."""
    groups = [
        w.say(message("{people}: {needs}", people=w.people(part.to, form), needs=approval_needs(part.needs)))
        for part in step.groups()
    ]  # fmt: skip
    told = {"step": step.label, "groups": w.listed(groups)}
    if step.when is not None:
        condition = w.expression(step.when, form)
        return w.say(message("{step} – {groups}; only when {condition}", condition=condition, **told))
    return w.say(message("{step} – {groups}", **told))


def approval_needs(needs: str | int) -> Message:
    if str(needs).endswith("%"):
        return message("{share} of them approve", share=needs)
    return APPROVAL_NEEDS.get(needs, message("{count} of them approve", count=needs))


APPROVAL_NEEDS: Mapping[str | int, Message] = {
    "any": message("one of them approves"),
    "all": message("all of them approve"),
}


def _mail(w: Words, one: errands.Mail, form: str | None) -> Said:
    title = message("Mail to {people}", people=w.people(one.to, form))
    return Said(w.say(title), ICONS[type(one)], (w.template(one.subject, form), w.through(one.connection)))


def _report(w: Words, one: errands.Report, form: str | None) -> Said:
    title = message("Mail the page “{page}” to {people}", page=w.page_label(one.page), people=w.people(one.to, form))
    seen = message("as {role} sees it", role=w.role_label(one.role) if one.role else one.person or "")
    return Said(w.say(title), ICONS[type(one)], (w.template(one.subject, form), w.say(seen), w.through(one.connection)))


def _http(w: Words, one: errands.Http, form: str | None) -> Said:
    title = f"{one.method} {w.template(one.path, form)}"
    return Said(title, ICONS[type(one)], (w.through(one.connection), *_kept(w, one)))


def _call(w: Words, one: errands.Call, form: str | None) -> Said:
    title = w.operation_label(one.connection, one.operation)
    return Said(title, ICONS[type(one)], (w.through(one.connection), *_kept(w, one)))


def _print(w: Words, one: errands.Print, form: str | None) -> Said:
    said = message("Print the record as {kind} into “{field}”", kind=one.format.upper(),
                   field=w.field_label(form, one.into))  # fmt: skip
    name = (w.template(one.name, form),) if one.name else ()
    seen = (w.say(message("as {role} sees it", role=w.role_label(one.role))),) if one.role else ()
    return Said(w.say(said), ICONS[type(one)], (*name, *seen, *_kept(w, one)))


def _script(w: Words, one: errands.RunScript, form: str | None) -> Said:
    first = one.source.strip().partition("\n")
    shown = first[0] + (" …" if first[2] else "")
    return Said(w.say(message("Run a script")), ICONS[type(one)], (shown, *_kept(w, one)))


def _branch(w: Words, one: actions.Branch, form: str | None) -> Said:
    return Said(w.expression(one.when, form), ICONS[type(one)])


def _for_each(w: Words, one: actions.ForEach, form: str | None) -> Said:
    lines = (_where(w, one), w.say(message("{count} at a time", count=one.batch)))
    return Said(w.say(message("For each of the {forms}", forms=w.plural(one.form))), ICONS[type(one)], lines)


def _wait(w: Words, one: actions.Wait, form: str | None) -> Said:
    if one.for_:
        return Said(w.say(message("Wait {length}", length=length_text(one.for_))), ICONS[type(one)])
    if one.until:
        return Said(w.say(message("Wait until {moment}", moment=w.expression(one.until, form))), ICONS[type(one)])
    said = message("Wait until it holds: {condition}", condition=w.expression(one.holds or "", form))
    return Said(w.say(said), ICONS[type(one)], _most(w, one))


ICONS: Mapping[type[Any], str] = {
    actions.SetValues: "pencil", actions.CreateRecord: "plus", actions.UpdateMatching: "list-details",
    actions.TakeTransition: "arrow-right", actions.Reassign: "user-plus", actions.Refuse: "hand-stop",
    actions.Notify: "bell", actions.Ask: "help-circle", approve.Approve: "checks", actions.Branch: "git-branch",
    actions.ForEach: "list-check", actions.Wait: "hourglass", errands.Mail: "mail", errands.Http: "world",
    errands.Call: "plug-connected",
    errands.Report: "report-analytics", errands.Print: "printer", errands.RunScript: "code",
}  # fmt: skip
ACTIONS: Mapping[type[Any], Callable[[Words, Any, str | None], Said]] = {
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
}
