"""What of a rule's doings somebody may see: values of fields they may not read are kept back, and so is whatever would
let them guess one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.application import Application
from engine.definition import Form
from engine.expressions import View
from engine.expressions.view import target_of
from engine.formats import MASK
from engine.people import Actor
from engine.permissions import FieldSet, may, may_record, readable_fields

CLEAR, MASKED, HIDDEN = "clear", "masked", "hidden"
_WORSE = {CLEAR: 0, MASKED: 1, HIDDEN: 2}
Views = Mapping[str, View | None]


def worst(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=_WORSE.__getitem__, default=CLEAR)


@dataclass
class Eyes:
    """The eyes of an actor. ``clear``: shown. ``masked``: a sensitive value, kept back though the actor may see that
    something follows from it. ``hidden``: not even what follows from it is shown."""

    app: Application
    actor: Actor
    _readable: dict[str, FieldSet] = field(default_factory=dict)

    def on(self, source: str, views: Views) -> str:
        """What an expression reads; ``views``: the records its names stand for."""
        return worst(self.path(path, views) for path in self.app.plans.compile(source).paths)

    def path(self, path: Sequence[str], views: Views) -> str:
        view = views.get(path[0])
        if view is None:
            return CLEAR
        return self._from(view.form, view, tuple(path[1:]))

    def field(self, form: str, name: str, view: View | None) -> str:
        """One field of a record."""
        return self._from(self.app.definition.forms[form], view, (name,))

    def record(self, view: View) -> bool:
        return self.actor.boundless or may_record(self.app, self.actor, "read", view.form, view).allowed

    def _from(self, form: Form, view: View | None, names: tuple[str, ...]) -> str:
        if not names:
            return CLEAR
        name, rest = names[0], names[1:]
        if not self._may_read(form, name, view):
            return HIDDEN
        found = form.fields.get(name)
        if found is None:
            return self._parent(form, view, rest) if name == "parent" else CLEAR
        if found.sensitive:
            return MASKED if self.actor.boundless else HIDDEN
        if found.kind not in ("link", "links", "lines") or not rest:
            return CLEAR
        target = self.app.definition.forms[target_of(form, found, self.app.definition)]
        return self._beyond(target, view, name, rest)

    def _parent(self, form: Form, view: View | None, rest: tuple[str, ...]) -> str:
        around = self.app.definition.forms[str(form.parent_form)]
        return self._from(around, view.read("parent") if view else None, rest)

    def _beyond(self, target: Form, view: View | None, name: str, rest: tuple[str, ...]) -> str:
        if self.actor.boundless:
            return self._from(target, None, rest)
        if view is None:
            return HIDDEN
        reached = view.read(name)
        several = reached if isinstance(reached, tuple) else (reached,)
        return worst(self._there(one, rest) for one in several if isinstance(one, View))

    def _there(self, view: View, rest: tuple[str, ...]) -> str:
        return self._from(view.form, view, rest) if self.record(view) else HIDDEN

    def _may_read(self, form: Form, name: str, view: View | None) -> bool:
        if self.actor.boundless or name == "parent":
            return True
        if form.name not in self._readable:
            seen = readable_fields(self.app, self.actor, form) if may(self.app, self.actor, "read", form) else _NOTHING
            self._readable[form.name] = seen
        fields = self._readable[form.name]
        return fields.always(name) if view is None else fields.has(name, view)

    # --- showing

    def clauses(self, traced: Sequence[Mapping[str, Any]], views: Views) -> list[dict[str, Any]]:
        """Clauses as a rule traced them, with what is not for these eyes kept back."""
        return [self._clause(clause, views) for clause in traced]

    def _clause(self, clause: Mapping[str, Any], views: Views) -> dict[str, Any]:
        values = {
            path: value if self.path(path.split("."), views) == CLEAR else MASK
            for path, value in clause["values"].items()
        }
        hidden = self.on(clause["text"], views) == HIDDEN
        return {"text": clause["text"], "holds": None if hidden else clause["holds"], "values": values}

    def effect(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """An effect as the ledger keeps it, without values for fields these eyes do not see."""
        form = next((told[word] for word in ("set", "create", "update") if word in told), None)
        if form is None:
            return dict(told)
        values = {
            name: value if self.field(form, name, None) == CLEAR else MASK for name, value in told["values"].items()
        }
        return {**told, "values": values}


_NOTHING = FieldSet(frozenset(), {}, Actor(None, "", ""))
