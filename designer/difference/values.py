"""A value of a definition as people read it: labels instead of names, lengths and conditions in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.checks.names import is_role
from engine.checks.review import Leaf, Review
from engine.definition import AppDefinition, Form
from engine.errors import Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.fields.base import Field
from engine.fields.choice import Option
from engine.language import Condition, Duration, EntryName, Expression, Label, PersonName, Receiver, Script, Template
from engine.saying import clause_text, path_label
from engine.saying.words import Words, length_text
from engine.uses.things import kind_named
from engine.yamlfile import Path

LONGEST = 90
BOTH = ("zh", "en")


@dataclass(frozen=True)
class Values:
    """The words for the values of one definition."""

    review: Review

    @property
    def definition(self) -> AppDefinition:
        return self.review.definition

    @cached_property
    def _leaves(self) -> Mapping[Path, Leaf]:
        return {leaf.path: leaf for leaf in self.review.leaves if not leaf.is_key}

    @cached_property
    def _keys(self) -> Mapping[Path, Leaf]:
        return {leaf.path: leaf for leaf in self.review.leaves if leaf.is_key}

    def leaf(self, path: Path) -> Leaf | None:
        """What stands at a place, where that means something of the definition."""
        return self._leaves.get(path)

    def key(self, path: Path) -> Any:
        """The key of an entry: the label of what it names."""
        leaf = self._keys.get(path)
        return self.named(str(path[-1]), leaf) if leaf else str(path[-1])

    def words(self, value: Any, path: Path) -> Any:
        """What a message can be filled with."""
        if value is None or value == ():
            return message("nothing")
        if isinstance(value, Label):
            return self._text(value, self.leaf(path))
        if isinstance(value, bool):
            return message("yes") if value else message("no")
        if isinstance(value, Duration):
            return length_text(value)
        if isinstance(value, Condition):
            return self.words(value.expression or value.constant, path)
        if isinstance(value, (tuple, list)):
            return tuple(self.words(item, (*path, at)) for at, item in enumerate(value))
        if isinstance(value, Mapping):
            return _short(", ".join(f"{name}: {item}" for name, item in value.items()))
        leaf = self.leaf(path)
        return self.named(str(value), leaf) if leaf else _short(str(value))

    def _text(self, label: Label, leaf: Leaf | None) -> Label:
        """A text in several languages, with labels in the places that are filled later."""
        form = leaf.form if leaf else None
        texts = dict(label.texts)
        if isinstance(label, Template):
            words = (Words(self.definition, self.review.registry, language) for language in BOTH)
            texts = {each.language: each.template(label, form) for each in words}
        return Label({language: _short(text) for language, text in texts.items()})

    def option(self, value: Any, field: Any) -> Any:
        """The label of an option of a field, or of several of them; None where the value is none."""
        options: Mapping[str, Option] = getattr(field, "options", {})
        several = value if isinstance(value, (tuple, list)) else (value,)
        if not several or not all(isinstance(one, str) and one in options for one in several):
            return None
        return tuple(options[one].title for one in several)

    def named(self, text: str, leaf: Leaf) -> Any:
        """The label of what a leaf names; what it says where it names nothing."""
        if leaf.hint is Expression or (leaf.hint is Receiver and not is_role(self.review, text)):
            return self.condition(text, leaf.form)
        if leaf.hint is Script:
            return _short(text)
        kind = "role" if leaf.hint in (Receiver, PersonName) else kind_named(leaf.hint)
        if leaf.hint is EntryName:
            kind = "form" if text in self.definition.forms else "page"
        return self.label(kind or "field", text, leaf.form)

    def label(self, kind: str, name: str, form: str | None) -> Any:
        """What people call a thing; its name where it has no label."""
        definition, plain = self.definition, name.removeprefix("-")
        known = definition.forms.get(form or "")
        flow = known.workflow if known else None
        if kind == "field":
            return _in_order(_field(plain, known, definition), name)
        places: Mapping[str, Mapping[str, Any]] = {
            "form": definition.forms, "page": definition.pages, "role": definition.roles, "rule": definition.rules,
            "connection": definition.connections, "portal": definition.portals, "calendar": definition.calendars,
            "state": flow.states if flow else {}, "transition": flow.transitions if flow else {},
        }  # fmt: skip
        found = places.get(kind, {}).get(plain)
        label = getattr(found, "label", None)
        return label if isinstance(label, Label) else name

    def condition(self, source: str, form: str | None) -> Any:
        """A condition or calculation with the labels of fields."""
        known = self.definition.forms.get(form or "")
        if known is None:
            return _short(source)
        try:
            said = clause_text(compile_expression(source, self.review.registry), known, self.definition)
        except ExpressionRefused:
            return _short(source)
        return Label({language: _short(text) for language, text in said.texts.items()})


def _field(name: str, form: Form | None, definition: AppDefinition) -> Label:
    field: Field | None = form.fields.get(name) if form else None
    if field is not None:
        return field.title
    return Label({language: path_label([name], form, definition, language) for language in BOTH})


def _in_order(label: Label, name: str) -> Label | Message:
    """A sort key with a minus in front goes down."""
    return message("{field} (descending)", field=label) if name.startswith("-") else label


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
