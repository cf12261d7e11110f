"""A new step or trigger with all it must have, so that the file keeps loading: what is meant is said in the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from designer.blank import blank
from designer.rules.places import every_step
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.actions import Action
from engine.connectors import Connection, HttpConnection, ImapConnection, SmtpConnection
from engine.definition import AppDefinition, Form
from engine.errors import Message, message
from engine.fields.base import Field
from engine.triggers import Trigger
from engine.yamlfile import Path

TEXTS = {
    "told": {"zh": "有新情况需要您看一下", "en": "Something needs your attention"},
    "refused": {"zh": "现在不能这样修改", "en": "This cannot be changed now"},
    "asked": {"zh": "您同意吗？", "en": "Do you agree?"},
    "agree": {"zh": "同意", "en": "Agree"},
    "reject": {"zh": "不同意", "en": "Reject"},
    "approval": {"zh": "审批", "en": "Approval"},
    "approval_step": {"zh": "审批人", "en": "Approvers"},
    "report": {"zh": "报表", "en": "Report"},
    "do_it": {"zh": "执行", "en": "Do it"},
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What a new thing may refer to. ``form``: of its record; ``rule``: the name of the rule it stands in."""

    workspace: Workspace
    definition: AppDefinition
    form: Form | None
    rule: str

    def text(self, name: str) -> Any:
        """A text in the languages of the application."""
        languages = self.definition.languages
        return TEXTS[name][languages[0]] if len(languages) == 1 else {one: TEXTS[name][one] for one in languages}

    # --- things that may be missing

    def demand_form(self) -> Form:
        if self.form is None:
            raise self.refused(message("No record wakes this rule: do it for each of many records instead."))
        return self.form

    def other_form(self) -> Form:
        """The first form whose records point at the rule's; else the first that is no line form."""
        whole = self.whole_forms()
        pointing = [form for form in whole if self.form and link_to(form, self.form.name)]
        return (pointing or whole)[0]

    def whole_forms(self) -> list[Form]:
        """The forms that are no lines of others; there is at least one."""
        found = [form for form in self.definition.forms.values() if not form.parent_form]
        if not found:
            raise self.refused(message("There is no form yet; add one first."))
        return found

    def receiver(self) -> str:
        roles = list(self.definition.roles)
        return roles[0] if roles else "record.created_by" if self.form else "admin"

    def transition(self) -> str:
        form = self.demand_form()
        found = list(form.workflow.transitions) if form.workflow else []
        if not found:
            raise self.refused(message("{form} has no flow with transitions; draw one first.", form=form.label))
        return found[0]

    def states(self, form: Form) -> list[str]:
        if form.workflow is None:
            raise self.refused(message("{form} has no flow with states; draw one first.", form=form.label))
        return list(form.workflow.states)

    def connection(self, kind: type[Connection], suits: Callable[[Any], bool] = lambda _one: True) -> str:
        for name, one in self.definition.connections.items():
            if isinstance(one, kind) and suits(one):
                return name
        raise self.refused(message("There is no connection this could use; set one up first."))

    def settable(self, form: Form) -> tuple[str, Any]:
        """A field rules may change, and an expression for it."""
        for field in form.fields.values():
            if field.writable and field.column_type() is not None and not field.unique:
                return field.name, value_for(field)
        raise self.refused(message("{form} has no field that can be changed.", form=form.label))

    def condition(self, form: Form | None) -> str:
        """A condition that can be read aloud: of the state, of a choice, else that a field is filled."""
        for field in form.fields.values() if form else ():
            options = getattr(field, "options", None)
            if field.kind == "text" and isinstance(options, Mapping) and options and not field.multiple:
                return f"record.{field.name} == '{next(iter(options))}'"
        if form is not None and form.workflow is not None:
            return f"record.state == '{form.workflow.initial}'"
        plain = [field.name for field in form.fields.values() if field.column_type() is not None] if form else []
        return f"record.{plain[0]} is not None" if plain else "True"

    def which(self, form: Form) -> str:
        """Which other records: those that point at the one that woke the rule, where there are such."""
        link = link_to(form, self.form.name) if self.form else None
        return f"record.{link} == source" if link else self.condition(form)

    def refused(self, reason: Message) -> EditRefused:
        return EditRefused(reason, ("rules", self.rule))


def link_to(form: Form, target: str) -> str | None:
    return next((one.name for one in form.fields.values() if one.kind == "link" and getattr(one, "form", "") == target),
                None)  # fmt: skip


def value_for(field: Field) -> Any:
    """An expression a field takes: what the user most likely replaces, and what loads until then."""
    options = getattr(field, "options", None)
    if field.kind == "text" and isinstance(options, Mapping) and options and not field.multiple:
        return f"'{list(options)[-1]}'"
    simple = {"number": 0, "boolean": True, "date": "today()", "datetime": "now()", "text": "'…'"}
    return simple.get(field.kind, f"record.{field.name}") if field.type in PLAIN_TYPES else f"record.{field.name}"


PLAIN_TYPES = ("text", "long_text", "boolean", "integer", "decimal", "money", "percent", "date", "datetime")


def ground(workspace: Workspace, form: str | None, rule: str) -> Ground:
    definition = workspace.definition
    if definition is None:
        raise EditRefused(message("The file has mistakes that have to be mended first, in the text."))
    return Ground(workspace, definition, definition.forms.get(form or ""), rule)


# --- steps -----------------------------------------------------------------------------------------------------------


def action(here: Ground, kind: str) -> dict[str, Any]:
    """Plain data for a new step. Raises EditRefused where something it needs is missing."""
    if kind not in here.workspace.registry.actions:
        raise here.refused(message("There is no step of the type {kind}.", kind=kind))
    return {"type": kind, **(STEPS[kind](here) if kind in STEPS else _blank(here, "actions", kind))}


def _blank(here: Ground, of: str, kind: str) -> dict[str, Any]:
    """What a type of a plugin must have."""
    base = Action if of == "actions" else Trigger
    found = blank(here.workspace, base, form=here.form.name if here.form else None, kind=kind)
    return {key: value for key, value in found.items() if key != "type"}


def _set(here: Ground) -> dict[str, Any]:
    name, value = here.settable(here.demand_form())
    return {"values": {name: value}}


def _create(here: Ground) -> dict[str, Any]:
    form = here.other_form()
    link = link_to(form, here.form.name) if here.form else None
    if link:
        return {"form": form.name, "values": {link: "record"}}
    name, value = here.settable(form)
    known = here.form is not None and name in here.form.fields
    return {"form": form.name, "values": {name: value if known or "record." not in str(value) else "None"}}


def _update(here: Ground) -> dict[str, Any]:
    form = here.other_form()
    name, value = here.settable(form)
    return {"form": form.name, "where": here.which(form), "values": {name: value}}


def _for_each(here: Ground) -> dict[str, Any]:
    form = here.other_form()
    return {"form": form.name, "where": here.which(form), "actions": [{"type": "notify", **_notify(here)}]}


def _take(here: Ground) -> dict[str, Any]:
    return {"transition": here.transition()}


def _refuse(here: Ground) -> dict[str, Any]:
    return {"message": here.text("refused")}


def _notify(here: Ground) -> dict[str, Any]:
    return {"to": [here.receiver()], "message": here.text("told")}


def _reassign(here: Ground) -> dict[str, Any]:
    return {"to": here.receiver()}


def _ask(here: Ground) -> dict[str, Any]:
    answers = {"agree": {"label": here.text("agree"), "style": "primary"},
               "reject": {"label": here.text("reject"), "style": "danger", "comment": "required"}}  # fmt: skip
    return {"to": [here.receiver()], "message": here.text("asked"), "answers": answers, "as": _free_result(here)}


def _approve(here: Ground) -> dict[str, Any]:
    here.demand_form()
    step = {"label": here.text("approval_step"), "to": [here.receiver()]}
    return {"label": here.text("approval"), "message": here.text("asked"), "steps": [step],
            "as": _free_result(here, "approval")}  # fmt: skip


def _free_result(here: Ground, wanted: str = "decision") -> str:
    path: Path = ("rules", here.rule, "actions")
    taken = {step.get("as") for _at, step in every_step(path, here.workspace.at(path))}
    return next(name for number in range(1, 1000) if (name := f"{wanted}_{number}" if number > 1 else wanted)
                not in taken)  # fmt: skip


def _branch(here: Ground) -> dict[str, Any]:
    return {"when": here.condition(here.form), "then": [{"type": "notify", **_notify(here)}]}


def _wait(here: Ground) -> dict[str, Any]:
    return {"for": "1d"}


def _mail(here: Ground) -> dict[str, Any]:
    return {"connection": here.connection(SmtpConnection), "to": [here.receiver()], "subject": here.text("told"),
            "message": here.text("told")}  # fmt: skip


def _report(here: Ground) -> dict[str, Any]:
    page = next(iter(here.definition.pages.values()), None)
    if page is None:
        raise here.refused(message("There is no page of cards yet; add one first."))
    role = next(iter(page.roles or here.definition.roles), "admin")
    return {"page": page.name, "connection": here.connection(SmtpConnection), "to": [here.receiver()],
            "subject": here.text("report"), "role": str(role)}  # fmt: skip


def _http(here: Ground) -> dict[str, Any]:
    return {"connection": here.connection(HttpConnection), "path": "/"}


def _call(here: Ground) -> dict[str, Any]:
    name = here.connection(Connection, lambda one: bool(one.operations()))
    operation, known = next(iter(here.definition.connections[name].operations().items()))
    values = {needed: value_of_schema(known.takes.get(needed, {})) for needed in sorted(known.needs)}
    return {"connection": name, "operation": operation} | ({"values": values} if values else {})


def value_of_schema(schema: Mapping[str, Any]) -> Any:
    """An expression a JSON Schema lets through."""
    return {"integer": 1, "number": 1, "boolean": True}.get(str(schema.get("type")), "'…'")


def _print(here: Ground) -> dict[str, Any]:
    form = here.demand_form()
    for field in form.fields.values():
        if field.type == "attachment":
            return {"into": field.name}
    raise here.refused(message("{form} has no field for files; add one first.", form=form.label))


def _script(here: Ground) -> dict[str, Any]:
    return {"source": "return None"}


STEPS: Mapping[str, Callable[[Ground], dict[str, Any]]] = {
    "set": _set, "create": _create, "update": _update, "take": _take, "reassign": _reassign,
    "refuse": _refuse, "notify": _notify, "ask": _ask, "approve": _approve, "branch": _branch,
    "for_each": _for_each, "wait": _wait, "mail": _mail, "http": _http, "call": _call,
    "print": _print, "report": _report, "script": _script,
}  # fmt: skip


# --- triggers --------------------------------------------------------------------------------------------------------


def trigger(here: Ground, kind: str) -> dict[str, Any]:
    """Plain data for a trigger of this type, of the form of the ground where it watches one."""
    if kind not in here.workspace.registry.triggers:
        raise here.refused(message("There is no trigger of the type {kind}.", kind=kind))
    made = TRIGGERS[kind](here) if kind in TRIGGERS else _blank(here, "triggers", kind)
    return {"type": kind, **made}


def _form(here: Ground) -> Form:
    return here.form or here.whole_forms()[0]


def _on_form(here: Ground) -> dict[str, Any]:
    return {"form": _form(here).name}


def _entered(here: Ground) -> dict[str, Any]:
    form = _form(here)
    return {"form": form.name, "state": here.states(form)[-1]}


def _left(here: Ground) -> dict[str, Any]:
    form = _form(here)
    return {"form": form.name, "state": here.states(form)[0]}


def _taken(here: Ground) -> dict[str, Any]:
    form = _form(here)
    return {"form": form.name, "transition": Ground(here.workspace, here.definition, form, here.rule).transition()}


def _button(here: Ground) -> dict[str, Any]:
    roles = list(here.definition.roles)
    if not roles:
        raise here.refused(message("There is no role that could press a button; add one first."))
    return {"form": _form(here).name, "label": here.text("do_it"), "roles": [roles[0]]}


def _timeout(here: Ground) -> dict[str, Any]:
    form = _form(here)
    timed = [state.name for state in form.workflow.states.values() if state.within] if form.workflow else []
    return {"form": form.name, "state": timed[0]} if timed else {**_left(here), "within": "1d"}


def _date(here: Ground) -> dict[str, Any]:
    form = _form(here)
    found = next(_dates(form), None)
    if found is None:
        raise here.refused(message("{form} has no date that is stored; add one first.", form=form.label))
    return {"form": form.name, "field": found}


def _dates(form: Form) -> Iterator[str]:
    for field in form.fields.values():
        if field.kind in ("date", "datetime") and field.column_type() is not None:
            yield field.name


def _finished(here: Ground) -> dict[str, Any]:
    other = next((name for name in here.definition.rules if name != here.rule), None)
    if other is None:
        raise here.refused(message("There is no other rule to wait for."))
    return {"rule": other}


def _schedule(here: Ground) -> dict[str, Any]:
    return {"at": ["08:00"]}


def _webhook(here: Ground) -> dict[str, Any]:
    return {"path": here.rule, "secret": {"secret": here.rule.upper()}}


def _mail_in(here: Ground) -> dict[str, Any]:
    return {"connection": here.connection(ImapConnection)}


TRIGGERS: Mapping[str, Callable[[Ground], dict[str, Any]]] = {
    "created": _on_form, "updated": _on_form, "changed": _on_form, "deleted": _on_form, "entered": _entered,
    "left": _left, "taken": _taken, "button": _button, "timeout": _timeout, "date": _date, "finished": _finished,
    "schedule": _schedule, "webhook": _webhook, "mail": _mail_in,
}  # fmt: skip
