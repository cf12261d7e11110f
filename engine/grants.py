"""What a set of roles is granted on a form, worked out from the definition once: verbs and fields as ways that open.

A way is what must hold together for it to be open: (expression, how many records up it is asked of). A right is open
when one of its ways is: no ways is never, an empty way is always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.definition import FieldGrant, Form, Grant
from engine.expressions import Compiled
from engine.language import SYSTEM_FIELDS, Condition
from engine.people import Actor

if TYPE_CHECKING:
    from engine.application import Application

Way = tuple[tuple[Compiled, int], ...]
Ways = tuple[Way, ...]
NEVER: Ways = ()
ALWAYS: Ways = ((),)
GRANTED = (
    ("create", "create"), ("read", "read"), ("update", "update"), ("delete", "delete"), ("export", "export"),
    ("import", "imports"),
)  # fmt: skip
VERBS = (*(verb for verb, _name in GRANTED), "take")


@dataclass(frozen=True)
class Rights:
    """What one set of roles may do with the records of a form."""

    verbs: Mapping[str, Ways]
    read_constant: frozenset[str]
    read_conditional: Mapping[str, Ways]
    update: Mapping[str, Ways]
    create: Mapping[str, Ways]


def rights_of(app: Application, actor: Actor, form: Form) -> Rights:
    """Kept per form and set of roles: nothing else decides it."""
    return _rights_of_roles(app, _EVERYTHING if actor.boundless else _counting(app, actor), form)


def _rights_of_roles(app: Application, roles: frozenset[str], form: Form) -> Rights:
    kept = app.plans.kept
    key = ("rights", form.name, roles)
    found: Rights | None = kept.get(key)
    if found is None:
        found = kept[key] = _boundless_rights(form) if roles is _EVERYTHING else _rights(app, roles, form)
    return found


def _counting(app: Application, actor: Actor) -> frozenset[str]:
    """The roles whose grants count. A role that stands for a record is nothing without one, and whoever stands for one
    has nothing of what is granted inside."""
    known = app.definition.roles
    outside = frozenset(name for name in actor.roles if name in known and known[name].stands_for is not None)
    return outside if actor.stands_for is not None else actor.roles - outside


_EVERYTHING = frozenset({"\0 every role"})


def _boundless_rights(form: Form) -> Rights:
    verbs: dict[str, Ways] = dict.fromkeys(VERBS, ALWAYS)
    writable = {name: ALWAYS for name, field in form.fields.items() if field.writable}
    return Rights(verbs, frozenset((*form.fields, *SYSTEM_FIELDS)), {}, writable, writable)


def _rights(app: Application, roles: frozenset[str], form: Form) -> Rights:
    outer, levels = around(app, form)
    grants = [(role, outer.permissions[role]) for role in outer.permissions if role in roles]
    own = {role: form.permissions[role].fields for role in form.permissions}
    compiled = _Compiler(app, levels)
    overrides = {role: own.get(role, {}) for role, _grant in grants}
    verbs = {verb: _ways((compiled.way(getattr(grant, name)),) for _role, grant in grants) for verb, name in GRANTED}
    verbs["update"] = _ways([*_each(verbs["update"]), *_field_updates(grants, overrides, compiled, form)])
    verbs["take"] = verbs["read"]
    readable = _readable(grants, overrides, compiled, form)
    if form.parent_form:
        seen_lines = _lines_seen(app, roles, form)
        verbs = {verb: _together(ways, seen_lines) for verb, ways in verbs.items()}
        readable = {name: _together(ways, seen_lines) for name, ways in readable.items()}
    constant = frozenset(name for name, ways in readable.items() if () in ways)
    if verbs["read"]:
        constant |= frozenset(SYSTEM_FIELDS)
    some = {name: ways for name, ways in readable.items() if ways and () not in ways}
    seen = constant | frozenset(some)
    return Rights(
        verbs,
        constant,
        some,
        _settable(grants, overrides, compiled, form, "update", seen),
        _settable(grants, overrides, compiled, form, "create", seen),
    )


def around(app: Application, form: Form) -> tuple[Form, int]:
    """The form whose grants count, and how many records up it lies."""
    levels = 0
    while form.parent_form:
        form, levels = app.definition.forms[form.parent_form], levels + 1
    return form, levels


class _Compiler:
    """Conditions as ways; None is a way that is closed."""

    def __init__(self, app: Application, levels: int) -> None:
        self.app, self.levels = app, levels

    def way(self, condition: Condition, levels: int | None = None) -> Way | None:
        if condition.expression is None:
            return () if condition.constant else None
        compiled = self.app.plans.compile(condition.expression)
        return ((compiled, self.levels if levels is None else levels),)

    def own(self, condition: Condition) -> Way | None:
        """A condition on the form's own record, as ``fields`` grants are."""
        return self.way(condition, 0)


def _ways(options: Iterable[Iterable[Way | None]]) -> Ways:
    """Each option is ways that must be open together; closed options fall out, and always swallows the rest."""
    found: list[Way] = []
    for parts in options:
        way: Way = ()
        for part in parts:
            if part is None:
                break
            way += part
        else:
            found.append(way)
    return ALWAYS if () in found else tuple(dict.fromkeys(found))


def _each(ways: Ways) -> Iterable[tuple[Way]]:
    return ((way,) for way in ways)


Grants = Sequence[tuple[str, Grant]]
Overrides = Mapping[Any, Mapping[Any, FieldGrant]]


def _field_updates(grants: Grants, overrides: Overrides, compiled: _Compiler, form: Form) -> list[tuple[Way | None]]:
    """Who may change one field may change the record, as far as that field goes."""
    return [
        (compiled.own(override.update),)
        for role, _grant in grants
        for name, override in overrides[role].items()
        if override.update is not None and name in form.fields
    ]


def _readable(grants: Grants, overrides: Overrides, compiled: _Compiler, form: Form) -> dict[str, Ways]:
    """Field → ways, given that the record itself is readable: where no reading role differs, that is always."""
    readers = [(role, grant) for role, grant in grants if grant.read != Condition.NEVER]
    found: dict[str, Ways] = {}
    for name in form.fields:
        differing = [_override(overrides, role, name, "read") for role, _grant in readers]
        if all(condition is None or condition == Condition.ALWAYS for condition in differing):
            found[name] = ALWAYS if readers else NEVER
            continue
        found[name] = _ways(
            (compiled.way(grant.read), () if condition is None else compiled.own(condition))
            for (_role, grant), condition in zip(readers, differing, strict=True)
        )
    return found


def _override(overrides: Overrides, role: str, name: str, what: str) -> Condition | None:
    grant = overrides[role].get(name)
    found: Condition | None = getattr(grant, what) if grant is not None else None
    return found


def _lines_seen(app: Application, roles: frozenset[str], form: Form) -> Ways:
    """Whoever may not see the lines field sees nothing of a line, not even that it is there."""
    outer = _rights_of_roles(app, roles, app.definition.forms[str(form.parent_form)])
    field = str(form.parent_field)
    if field in outer.read_constant:
        return ALWAYS
    ways = outer.read_conditional.get(field, NEVER)
    return tuple(tuple((compiled, level + 1) for compiled, level in way) for way in ways)


def _together(first: Ways, second: Ways) -> Ways:
    return _ways((a, b) for a in first for b in second)


def _settable(
    grants: Grants, overrides: Overrides, compiled: _Compiler, form: Form, verb: str, seen: frozenset[str]
) -> dict[str, Ways]:
    """Field → ways it may be set: the role's own grant, or the field's where it differs. Never what is not seen."""
    names = [name for name, field in form.fields.items() if field.writable and name in seen]
    found = {}
    for name in names:
        options: list[tuple[Way | None, ...]] = []
        for role, grant in grants:
            condition = _override(overrides, role, name, "update")
            general: Condition = getattr(grant, verb)
            if condition is None:
                options.append((compiled.way(general),))
            elif verb == "create":
                options.append((compiled.way(general), compiled.own(condition)))
            else:
                options.append((compiled.own(condition),))
        ways = _ways(options)
        if ways:
            found[name] = ways
    return found
