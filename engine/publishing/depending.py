"""What rights lean on, and what would tell somebody more than the permissions do.

A condition of a permission may read a field: who changes how that field comes about changes who may do what. And what
is worked out, told or asked is worked out with the rights of the application: it can show what its reader may not see.
Names are looked for as words in what a part says, so this is careful rather than exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.actions import Reassign
from engine.definition import AppDefinition, Form, Rule, State
from engine.errors import Message, message
from engine.expressions.syntax import words_in
from engine.fields.base import Field
from engine.language import Condition

DERIVED = frozenset({"computed", "rollup", "lookup"})
SETS = frozenset({"set", "create", "update"})


def leaning(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    """Changes of what decides about rights, beside the rights themselves."""
    names = _decisive(old) | _decisive(new)
    for form, former, field in _changed_fields(old, new):
        if field.name in names and (former is None or _origin(former) != _origin(field)):
            yield message("how {field} of {form} comes about, on which rights depend", field=field.label or field.name,
                          form=form.label)  # fmt: skip
    yield from _responsible(old, new)
    for rule in _changed_rules(old, new):
        touched = sorted(_set_by(rule) & names)
        if touched:
            yield message("the rule {rule}, which sets {field}, on which rights depend", rule=rule.label or rule.name,
                          field=touched[0])  # fmt: skip
        for form in _handed_over(new, rule):
            yield message("the rule {rule}, which hands {form} over, on which rights depend",
                          rule=rule.label or rule.name, form=form.label)  # fmt: skip


def _handed_over(new: AppDefinition, rule: Rule) -> Iterator[Form]:
    """Forms whose records it makes others responsible for, where a permission asks who is."""
    names = {name for _place, action, name in rule.steps() if isinstance(action, Reassign) and name is not None}
    for name in sorted(names & new.forms.keys()):
        if {"owner", "owner_role"} & _granting(new.forms[name]):
            yield new.forms[name]


def _responsible(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    """Whom a record belongs to in its states, where a permission asks that."""
    before = _by_id(old.forms.values())
    for form in new.forms.values():
        former = before.get(form.stable_id)
        if former is None or not {"owner", "owner_role"} & (_granting(former) | _granting(form)):
            continue
        known = _by_id(former.workflow.states.values()) if former.workflow else {}
        for state in form.workflow.states.values() if form.workflow else ():
            if state.stable_id in known and _owners(known[state.stable_id]) != _owners(state):
                yield message("who is responsible for {form} in {state}, on which rights depend", form=form.label,
                              state=state.label)  # fmt: skip


def _owners(state: State) -> tuple[str | None, str | None]:
    return state.owner, state.owner_expression


def _granting(form: Form) -> set[str]:
    """Words of what its permissions ask."""
    return {word for grant in form.permissions.values() for word in words_in(repr(grant))}


def telling(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    """New ways to see what not everybody may see."""
    kept = _restricted(old) | _restricted(new)
    for form, former, field in _changed_fields(old, new):
        if field.type in DERIVED and (former is None or _origin(former) != _origin(field)):
            seen = [*sorted(words_in(_origin(field)) & kept), *_farther(new, form, field)]
            if seen:
                yield message("{field} of {form}, which reads {what}", field=field.label or field.name,
                              form=form.label, what=seen[0])  # fmt: skip
    for form in new.forms.values():
        former_form = next((each for each in old.forms.values() if each.stable_id == form.stable_id), None)
        said = words_in(form.title or "") & kept
        if said and (former_form is None or former_form.title != form.title):
            yield message("the titles of {form}, which read {what}", form=form.label, what=min(said))
    for rule in _changed_rules(old, new):
        said = words_in(repr(rule)) & kept
        if said:
            yield message("the rule {rule}, which reads {what}", rule=rule.label or rule.name, what=min(said))


# --- what is looked for -----------------------------------------------------------------------------------------------


def _decisive(definition: AppDefinition) -> set[str]:
    """Names of fields that permissions read, and of those these are worked out from."""
    names = {word for form in definition.forms.values() for word in _granting(form)}
    fields = [field for form in definition.forms.values() for field in form.fields.values()]
    known = {field.name for field in fields}
    found = names & known
    while True:
        more = {word for field in fields if field.name in found and field.type in DERIVED
                for word in words_in(_origin(field))} & known  # fmt: skip
        if more <= found:
            return found
        found |= more


def _restricted(definition: AppDefinition) -> set[str]:
    """Names of fields that are masked, or that some role does not see like the rest of the record."""
    found = set()
    for form in definition.forms.values():
        found |= {field.name for field in form.fields.values() if field.sensitive}
        for grant in form.permissions.values():
            found |= {str(name) for name, each in grant.fields.items() if each.read is not None}
    return found


def _farther(definition: AppDefinition, form: Form, field: Field) -> list[str]:
    """Forms a derived field reads from that somebody who reads its own form may not read."""
    links = {name: str(getattr(each, "form", "")) for name, each in form.fields.items()}
    targets = {links[word] for word in words_in(_origin(field)) if word in links}
    targets |= {str(getattr(field, "of", "")).partition(".")[0]} if field.type == "rollup" else set()
    readers = _readers(definition, form)
    return sorted(
        name for name in targets
        if name in definition.forms and readers - _readers(definition, definition.forms[name])
    )  # fmt: skip


def _readers(definition: AppDefinition, form: Form) -> set[str]:
    """Lines are read like what they lie in."""
    while form.parent_form is not None:
        form = definition.forms[form.parent_form]
    return {str(role) for role, grant in form.permissions.items() if grant.read != Condition.NEVER}


def _origin(field: Field) -> Any:
    """Everything that says where the value of a field comes from."""
    names = ("type", "value", "of", "via", "fold", "when", "field", "default", "default_expression")
    return repr([getattr(field, name, None) for name in names])


def _set_by(rule: Rule) -> set[str]:
    return {
        str(name) for _place, action, _form in rule.steps() if action.type in SETS
        for name in getattr(action, "values", {})
    }  # fmt: skip


# --- what is another --------------------------------------------------------------------------------------------------


def _changed_fields(old: AppDefinition, new: AppDefinition) -> Iterator[tuple[Form, Field | None, Field]]:
    forms = {form.stable_id: form for form in old.forms.values()}
    for form in new.forms.values():
        former = forms.get(form.stable_id)
        before = _by_id(former.fields.values()) if former else {}
        for field in form.fields.values():
            known = before.get(field.stable_id)
            if known != field:
                yield form, known, field


def _changed_rules(old: AppDefinition, new: AppDefinition) -> Iterator[Rule]:
    before = _by_id(old.rules.values())
    for rule in new.rules.values():
        if before.get(rule.stable_id) != rule:
            yield rule


def _by_id(things: Iterable[Any]) -> Mapping[str, Any]:
    return {thing.stable_id: thing for thing in things}
