"""The words of one definition for one reader: labels instead of names, lengths of time, expressions, texts to fill."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.definition import AppDefinition, Form, Rule
from engine.errors import Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.fields.base import Field
from engine.language import Condition, Duration, Label
from engine.registry import Registry
from engine.saying.expressions import clause_text
from engine.schema import keys_of
from engine.texts import say

PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
UNITS: Mapping[str, tuple[str, str, str]] = {  # unit → one, many, in Chinese
    "s": ("second", "seconds", "秒"), "m": ("minute", "minutes", "分钟"), "h": ("hour", "hours", "小时"),
    "d": ("day", "days", "天"), "w": ("week", "weeks", "周"), "wh": ("working hour", "working hours", "个工时"),
    "wd": ("working day", "working days", "个工作日"),
}  # fmt: skip
LONGEST = 60  # characters of an option that a sentence repeats


def length_text(length: Duration) -> Label:
    one, many, zh = UNITS[length.unit]
    return Label({"en": f"{length.amount} {one if length.amount == 1 else many}", "zh": f"{length.amount}{zh}"})


def with_article(text: str) -> str:
    """“a Order” → “an Order”."""
    return _ARTICLE.sub(r"\1n ", text)


_ARTICLE = re.compile(r"\b([Aa]) (?=[AEIOaeio])")


def palette_text(thing: Any) -> str:
    """The first line of what its type says of itself; its Chinese is in the catalogue."""
    cls = thing if isinstance(thing, type) else type(thing)
    return (inspect.getdoc(cls) or cls.__name__).partition("\n")[0]


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

    # --- what is named

    def form(self, name: str | None) -> Form | None:
        return self.definition.forms.get(name or "")

    def form_label(self, name: str | None) -> str:
        form = self.form(name)
        return form.label.text(self.language) if form else name or ""

    def plural(self, name: str) -> str:
        form = self.form(name)
        return (form.plural or form.label).text(self.language) if form else name

    def field_label(self, form: str | None, name: str) -> str:
        field = self.field(form, name)
        return field.label_in(self.language) if field else name

    def field(self, form: str | None, name: str) -> Field | None:
        known = self.form(form)
        return known.fields.get(name) if known else None

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

    def page_label(self, name: str) -> str:
        page = self.definition.pages.get(name)
        return page.label.text(self.language) if page else name

    def connection_label(self, name: str | None) -> str:
        connection = self.definition.connections.get(name or "")
        return connection.label.text(self.language) if connection and connection.label else name or ""

    def operation_label(self, connection: str, operation: str) -> str:
        known = self.definition.connections.get(connection)
        found = known.operations().get(operation) if known else None
        return found.label.text(self.language) if found else operation

    def rule_label(self, rule: Rule) -> str:
        return self.say(rule.label or Label({"": rule.name.replace("_", " ").capitalize()}))

    def rule_named(self, name: str) -> str:
        rule = self.definition.rules.get(name)
        return self.rule_label(rule) if rule else name

    # --- what is written

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

    def people(self, to: Sequence[str], form: str | None) -> str:
        """Receivers: roles by their label, other people by what finds them."""
        roles = self.definition.roles
        return self.listed([self.role_label(one) if one in roles else self.expression(one, form) for one in to])

    def through(self, connection: str) -> str:
        return self.say(message("through {connection}", connection=self.connection_label(connection)))

    # --- types nobody here knows

    def type_text(self, thing: Any) -> str:
        """The first sentence of what a type says of itself, without the full stop."""
        return re.split(r"[.。](?:\s|$)|。", self.say(palette_text(thing)))[0]

    def options(self, thing: Any) -> tuple[str, ...]:
        """What was chosen: ``name: value`` of every option that says something else than its default."""
        return tuple(f"{name}: {value}" for name, value in self._chosen(thing))

    def described(self, thing: Any) -> str:
        chosen = self.options(thing)
        text = self.type_text(thing)
        return f"{text} ({self.listed(chosen)})" if chosen else text

    def _chosen(self, thing: Any) -> Iterator[tuple[str, str]]:
        for key in keys_of(type(thing)):
            value = getattr(thing, key.attribute)
            if value not in (None, "", (), {}) and value != key.default:
                yield key.name, self._plain(value)

    def _plain(self, value: Any) -> str:
        if isinstance(value, Label):
            text = value.text(self.language)
        elif isinstance(value, Duration):
            text = self.length(value)
        elif isinstance(value, Condition):
            text = value.expression or str(value.constant).lower()
        elif isinstance(value, (tuple, list)):
            text = self.listed([self._plain(one) for one in value])
        elif isinstance(value, Mapping):
            text = self.listed([f"{name} = {self._plain(one)}" for name, one in value.items()])
        elif hasattr(value, "__dataclass_fields__"):
            text = self.listed(self.options(value)) or self.type_text(value)
        else:
            text = str(value)
        return text[:LONGEST] + "…" if len(text) > LONGEST else text
