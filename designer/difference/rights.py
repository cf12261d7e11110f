"""What each role may do now and could not before, and the other way round.

Compared is what the grants come to: a role without a grant may do nothing, a field without one follows its record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from designer.difference.kinds import Widened
from engine.definition import AppDefinition, FieldGrant, Form, Grant, Transition
from engine.errors import Message, message
from engine.language import Condition, Label
from engine.yamlfile import Path

Say = Callable[[str, str], Any]  # (expression, form) → words

VERBS: Mapping[str, Message] = {
    "read": message("see"),
    "create": message("create"),
    "update": message("change"),
    "delete": message("delete"),
    "export": message("export"),
    "import": message("import"),
}
_ATTRIBUTE = {"import": "imports"}
_NOTHING = Grant()
_NO_FIELD = FieldGrant()


@dataclass(frozen=True)
class Right:
    """One difference in what people may do; ``path`` is where the file says so (or would)."""

    path: Path
    sentence: Message
    widened: Widened
    was: Path = ()


@dataclass(frozen=True)
class _Grants:
    """What one role may do with one form or field: verb → condition before and after."""

    role: Label | str
    what: Message
    form: str
    path: Path
    verbs: Mapping[str, tuple[Condition, Condition]] = field(default_factory=dict)


def rights(old: AppDefinition, new: AppDefinition, say: Say) -> Iterator[Right]:
    """Of forms, fields, transitions, pages, buttons and the designer. What is gone with its form is not said again."""
    for form in new.forms.values():
        before = old.forms.get(form.name)
        for role in new.roles:
            for grants in _grants(old, before, form, role, new):
                yield from _differing(grants, say)
        yield from _transitions(before, form, new)
    yield from _pages(old, new)
    yield from _buttons(old, new)
    yield from _designers(old, new)


# --- records and fields


def _grants(
    former: AppDefinition, before: Form | None, form: Form, role: str, new: AppDefinition
) -> Iterator[_Grants]:
    old = before.permissions.get(role, _NOTHING) if before else _NOTHING  # type: ignore[call-overload]
    now = form.permissions.get(role, _NOTHING)  # type: ignore[call-overload]
    label, path = new.roles[role].label, ("forms", form.name, "permissions", role)
    verbs = {verb: (_of(old, verb), _of(now, verb)) for verb in VERBS}
    yield _Grants(label, message("“{form}”", form=form.label), form.name, path, verbs)
    records = _of_records(former, before, role), _of_records(new, form, role)
    for name in dict.fromkeys([*old.fields, *now.fields]):
        if name in form.fields:
            what = message("“{field}” of “{form}”", field=form.fields[name].title, form=form.label)
            one, other = old.fields.get(name, _NO_FIELD), now.fields.get(name, _NO_FIELD)
            both = {verb: _of_field(verb, records, (one, other)) for verb in ("read", "update")}
            differing = {verb: pair for verb, pair in both.items() if pair is not None}
            yield _Grants(label, what, form.name, (*path, "fields", name), differing)


def _of_records(definition: AppDefinition, form: Form | None, role: str) -> Grant:
    """What fields of a form follow: what is granted of its records, of lines that of the record they stand in."""
    around = definition.forms.get(form.parent_form) if form and form.parent_form else form
    return around.permissions.get(role, _NOTHING) if around else _NOTHING  # type: ignore[call-overload]


def _of(grant: Any, verb: str) -> Any:
    return getattr(grant, _ATTRIBUTE.get(verb, verb))


def _of_field(verb: str, records: tuple[Grant, Grant], fields: tuple[FieldGrant, FieldGrant]) -> Any:
    """What it comes to for a field; None where it follows its record before and after."""
    said = [_of(one, verb) for one in fields]
    if said == [None, None]:
        return None
    return tuple(_of(record, verb) if one is None else one for record, one in zip(records, said, strict=True))


def _differing(grants: _Grants, say: Say) -> Iterator[Right]:
    sorts: dict[str, list[str]] = defaultdict(list)
    for verb, (before, after) in grants.verbs.items():
        if before != after:
            plain = before.expression is None and after.expression is None
            sorts[("more" if after.constant else "less") if plain else verb].append(verb)
    had = any(before != Condition.NEVER for before, _after in grants.verbs.values())
    for sort, verbs in sorts.items():
        path = (*grants.path, verbs[0])
        values = {"role": grants.role, "verbs": tuple(VERBS[verb] for verb in verbs), "what": grants.what}
        if sort == "more":
            yield Right(path, message(_MORE[had].pattern, **values), "wider", path)
        elif sort == "less":
            yield Right(path, message("Role “{role}” may no longer {verbs} {what}", **values), "", path)
        else:
            yield _conditional(path, values, grants.verbs[sort], lambda source: say(source, grants.form))


_MORE = {
    True: message("Role “{role}” may now also {verbs} {what}"),
    False: message("Role “{role}” may now {verbs} {what}"),
}


def _conditional(
    path: Path, values: Mapping[str, Any], pair: tuple[Condition, Condition], say: Callable[[str], Any]
) -> Right:
    before, after = pair
    said = {**values, "before": say(before.expression or ""), "after": say(after.expression or "")}
    if after.expression and before.expression:
        return Right(
            path, message("Role “{role}” may {verbs} {what} where {after}, before where {before}", **said), "perhaps",
            path,
        )  # fmt: skip
    if after.expression and before.constant:
        return Right(path, message("Role “{role}” may now {verbs} {what} only where {after}", **said), "", path)
    if after.expression:
        return Right(path, message("Role “{role}” may now {verbs} {what} where {after}", **said), "wider", path)
    if after.constant:
        text = message("Role “{role}” may now {verbs} {what} always, no longer only where {before}", **said)
        return Right(path, text, "wider", path)
    return Right(path, message("Role “{role}” may no longer {verbs} {what} (before where {before})", **said), "", path)


# --- transitions


def _transitions(before: Form | None, form: Form, new: AppDefinition) -> Iterator[Right]:
    """One sentence for what a role may take of a form, and one for what it no longer may."""
    old = before.workflow.transitions if before and before.workflow else {}
    now = form.workflow.transitions if form.workflow else {}
    for role in (*new.roles, "admin"):
        more = [one for one in now.values() if role in one.roles and role not in _roles(old.get(one.name))]
        less = [one for one in now.values() if role not in one.roles and role in _roles(old.get(one.name))]
        for taken, pattern in ((more, _TAKE), (less, _TAKE_NOT)):
            if taken:
                path = ("forms", form.name, "workflow", "transitions", taken[0].name, "roles")
                said = message(
                    pattern.pattern, role=_label(new, role), form=form.label,
                    transitions=tuple(message("“{name}”", name=one.label) for one in taken),
                )  # fmt: skip
                yield Right(path, said, "wider" if pattern is _TAKE else "", path)


_TAKE = message("Role “{role}” may now take {transitions} of “{form}”")
_TAKE_NOT = message("Role “{role}” may no longer take {transitions} of “{form}”")


def _roles(transition: Transition | None) -> tuple[str, ...]:
    return transition.roles if transition else ()


def _label(definition: AppDefinition, role: str) -> Any:
    return definition.roles[role].label if role in definition.roles else role


# --- pages, buttons, the designer: a list of roles, where an empty one may mean everybody


def _pages(old: AppDefinition, new: AppDefinition) -> Iterator[Right]:
    for page in new.pages.values():
        before = old.pages[page.name].roles if page.name in old.pages else None
        path = ("pages", page.name, "roles")
        yield from _listed(new, before, page.roles, message("open page “{name}”", name=page.label), path)


def _buttons(old: AppDefinition, new: AppDefinition) -> Iterator[Right]:
    for rule in new.rules.values():
        after = getattr(rule.trigger, "roles", None)
        if after is not None:
            former = old.rules.get(rule.name)
            before = getattr(former.trigger, "roles", None) if former else None
            label = getattr(rule.trigger, "label", rule.name)
            path = ("rules", rule.name, "trigger", "roles")
            yield from _listed(new, before, after, message("press “{name}”", name=label), path)


def _listed(
    new: AppDefinition, before: tuple[str, ...] | None, after: tuple[str, ...], what: Message, path: Path
) -> Iterator[Right]:
    """``before`` is None for what is new; an empty list means everybody."""
    if before is not None and not before and after:
        said = message("Only role {roles} may now {what}, no longer everybody", roles=_many(new, after), what=what)
        yield Right(path, said, "", path)
    elif not after and (before is None or before):
        yield Right(path, message("Everybody may now {what}", what=what), "wider", path)
    elif more := tuple(role for role in after if role not in (before or ())):
        yield Right(path, message("Role {roles} may now {what}", roles=_many(new, more), what=what), "wider", path)
    if before and after and (less := tuple(role for role in before if role not in after and role in new.roles)):
        yield Right(path, message("Role {roles} may no longer {what}", roles=_many(new, less), what=what), "", path)


def _many(new: AppDefinition, roles: tuple[str, ...]) -> tuple[Message, ...]:
    return tuple(message("“{name}”", name=_label(new, role)) for role in roles)


def _designers(old: AppDefinition, new: AppDefinition) -> Iterator[Right]:
    what = message("draft and publish changes of the application")
    more = tuple(role for role in new.designers if role not in old.designers)
    less = tuple(role for role in old.designers if role not in new.designers and role in new.roles)
    path = ("designers",)
    if more:
        yield Right(path, message("Role {roles} may now {what}", roles=_many(new, more), what=what), "wider", path)
    if less:
        yield Right(path, message("Role {roles} may no longer {what}", roles=_many(new, less), what=what), "", path)
