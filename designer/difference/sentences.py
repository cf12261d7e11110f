"""A difference as one sentence in users' words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from designer.difference.raw import Raw, is_thing
from designer.difference.sides import Sides
from designer.difference.special import SPECIAL, Ways
from designer.difference.values import Values
from designer.difference.wording import option_words
from engine.actions import Action
from engine.checks.review import Review
from engine.connectors import Connection
from engine.definition import AppDefinition, Check, DemoUser, Form, MenuGroup, Page, Role, Rule, Section, Workflow
from engine.errors import Message, message
from engine.fields.base import Field
from engine.language import Label
from engine.saying.occasions import occasion
from engine.saying.steps import action
from engine.saying.words import Words, palette_text
from engine.scenario import Scenario
from engine.texts import say
from engine.uses.where import in_words, steps_to
from engine.yamlfile import Path

# The outermost thing begins the sentence.
_FIRST: tuple[tuple[type, Message], ...] = (
    (Form, message("Form “{name}”")),
    (Role, message("Role “{name}”")),
    (Rule, message("Rule “{name}”")),
    (Page, message("Page “{name}”")),
    (Connection, message("Connection “{name}”")),
    (DemoUser, message("Demo user “{name}”")),
    (MenuGroup, message("Menu “{name}”")),
    (Scenario, message("Scenario “{name}”")),
)
SHOWN = 8  # fields of a new form
_STEP = message("{place} › {step}")
_LANGUAGES: Mapping[str, Message] = {"zh": message("Chinese"), "en": message("English"), "": message("all languages")}


@dataclass(frozen=True)
class Sentences:
    """The sentences about one pair of definitions."""

    sides: Sides

    @cached_property
    def old(self) -> Values:
        return Values(Review(self.sides.before, self.sides.old.source, self.sides.registry))

    @cached_property
    def new(self) -> Values:
        return Values(Review(self.sides.new.definition, self.sides.new.source, self.sides.registry))

    def of(self, raw: Raw) -> Message:
        if raw.kind == "renamed":
            return message(
                "{place} has the name “{after}” instead of “{before}” in calculations and addresses; its uses follow",
                place=self.place(self.new, raw.path), before=raw.before, after=raw.after,
            )  # fmt: skip
        if raw.is_item:
            return self._item(raw)
        if isinstance(raw.before or raw.after, Label):
            return self._label(raw)
        return self._option(raw)

    # --- places

    def place(self, values: Values, path: Path) -> Message:
        """The things on the way to a place, the first as the beginning of a sentence."""
        definition = values.definition
        if len(path) < 2 or path[0] not in _COLLECTIONS:
            return message("Application “{name}”", name=definition.label)
        found, *rest = steps_to(definition, path)
        found = first(definition, path, found)
        for step in rest:
            option = step.values.get("option")
            if option != "workflow":  # a form has one
                words = step if option is None else option_words(None, str(option))
                found = message(_STEP.pattern, place=found, step=words)
        return found

    # --- things that came, went or moved

    def _item(self, raw: Raw) -> Message:
        gone = raw.kind == "removed"
        values, path, item = (self.old, raw.was, raw.before) if gone else (self.new, raw.path, raw.after)
        around = path[:-2]
        if not is_thing(item):
            return self._entry(raw, values, path)
        if isinstance(raw.owner, Field) and isinstance(item, Section):
            return self._shifted(raw)
        thing = in_words(item, self._name(item, path))
        if raw.kind == "moved":
            return self._moved(raw, around, thing)
        if len(path) == 2 and around == ():
            if raw.kind == "removed":
                return message("{place} is removed", place=first(values.definition, path, thing))
            return self._new(item, thing)
        said = {"place": self.place(values, around), "thing": thing}
        if raw.kind == "removed":
            return message("{place}: {thing} is removed", **said)
        if isinstance(item, Check):
            that = values.words(item.that, (*path, "that"))
            return message("{place}: every record must now fulfil: {that}", that=that, **said)
        if isinstance(item, Action):
            return message("{place}: new {thing} – {what}", what=self._step(item, path), **said)
        if isinstance(item, Field):
            return self._new_field(item, path, said)
        return message("{place}: new {thing}", **said)

    @staticmethod
    def _name(item: Any, path: Path) -> str:
        return getattr(item, "name", "") or (str(path[-1] + 1) if isinstance(path[-1], int) else str(path[-1]))

    def _new(self, item: Any, thing: Message) -> Message:
        if isinstance(item, Form):
            titles = [field.title for field in item.fields.values()]
            fields = titles if len(titles) <= SHOWN else (*titles[:SHOWN], "…")
            return message("New {thing} with {fields}", thing=thing, fields=tuple(fields))
        if isinstance(item, Rule):
            return message("New {thing}: {trigger}", thing=thing, trigger=self._trigger(self.new, item))
        return message("New {thing}", thing=thing)

    def _new_field(self, field: Field, path: Path, said: Mapping[str, Any]) -> Message:
        section = self._section(self.new.definition.forms[str(path[1])], field.name) if len(path) == 4 else None
        if section is not None:
            said = {**said, "section": section}
            if field.required:
                return message("{place}: new required {thing} in section “{section}”", **said)
            return message("{place}: new {thing} in section “{section}”", **said)
        if field.required:
            return message("{place}: new required {thing}", **said)
        return message("{place}: new {thing}", **said)

    @staticmethod
    def _section(form: Form, field: str) -> Label | None:
        return next((section.label for section in form.sections if field in section.fields), None)

    def _moved(self, raw: Raw, around: Path, thing: Message) -> Message:
        said = {"place": self.place(self.new, around), "thing": thing}
        before = self._one_before(raw.path)
        if before is None:
            return message("{place}: {thing} now comes first", **said)
        return message("{place}: {thing} now comes after {other}", other=before, **said)

    def _shifted(self, raw: Raw) -> Message:
        """A field that stands in another section now."""
        one, other = (in_words(section, str(path[3])) for section, path in
                      ((raw.before, raw.was), (raw.after, raw.path)))  # fmt: skip
        return message(
            "{place}: {thing} moved from {before} to {after}", place=self.place(self.new, raw.path[:2]),
            thing=in_words(raw.owner, raw.owner.name), before=one, after=other,
        )  # fmt: skip

    def _one_before(self, path: Path) -> Message | None:
        """What stands in front of a thing."""
        items = _at(self.new.definition, path[:-1])
        names = list(items) if isinstance(items, Mapping) else list(range(len(items)))
        at = names.index(path[-1])
        if at == 0:
            return None
        other = items[names[at - 1]]
        return in_words(other, self._name(other, (*path[:-1], names[at - 1])))

    def _entry(self, raw: Raw, values: Values, path: Path) -> Message:
        """One entry of a mapping of plain values."""
        said: dict[str, Any] = {
            "place": self.place(values, path[:-2]), "option": option_words(raw.owner, raw.key.name),
            "name": values.key(path),
            "before": self.old.words(raw.before, raw.was), "after": self.new.words(raw.after, raw.path),
        }  # fmt: skip
        if raw.kind == "moved":
            return message("{place}: {option}: “{name}” stands elsewhere now", **said)
        if raw.kind == "removed":
            return message("{place}: {option}: “{name}” is removed", **said)
        if raw.kind == "added":
            return message("{place}: {option}: “{name}” is new, “{after}”", **said)
        return message("{place}: {option}: “{name}” is “{after}” instead of “{before}”", **said)

    # --- options

    def _option(self, raw: Raw) -> Message:
        said: dict[str, Any] = {
            "place": self.place(self.new, raw.path[:-1]), "option": option_words(raw.owner, raw.key.name),
        }  # fmt: skip
        if raw.key.name == "type":
            return self._type(raw, said)
        if isinstance(raw.after, Rule):
            return message(
                "{place} has another occasion: {after} (before: {before})", **said,
                before=self._trigger(self.old, raw.before), after=self._trigger(self.new, raw.after),
            )  # fmt: skip
        special = next((ways for ways in self._ways(raw)), None)
        if isinstance(raw.after, tuple) and isinstance(raw.before or (), tuple):
            return self._listed(raw, said, special)
        said |= {"before": self._shown(self.old, raw.before, raw), "after": self._shown(self.new, raw.after, raw)}
        way = _way(raw)
        pattern = (special or {}).get(way) or _USUAL[way]
        return message(pattern.pattern, **said)

    @staticmethod
    def _ways(raw: Raw) -> Iterator[Ways]:
        for cls in type(raw.owner).__mro__:
            if ways := SPECIAL.get(f"{cls.__name__}.{raw.key.name}"):
                yield ways

    @staticmethod
    def _shown(values: Values, value: Any, raw: Raw) -> Any:
        if isinstance(value, Workflow):
            return tuple(state.label for state in value.states.values())
        if is_thing(value):
            return _palette(value)
        path = raw.was if value is raw.before else raw.path
        field = _at(values.definition, path[:-1]) if raw.key.attribute == "default" else None
        return values.option(value, field) or values.words(value, path)

    def _type(self, raw: Raw, said: Mapping[str, Any]) -> Message:
        return message(
            "{place} is now of another kind: “{after}” instead of “{before}”",
            before=_palette(raw.before), after=_palette(raw.after), **said,
        )  # fmt: skip

    def _listed(self, raw: Raw, said: Mapping[str, Any], special: Ways | None) -> Message:
        """A list of names: what is new in it, what is gone."""
        before, after = raw.before or (), raw.after or ()
        more = tuple(self._of(self.new, raw.path, at, one) for at, one in enumerate(after) if one not in before)
        less = tuple(self._of(self.old, raw.was, at, one) for at, one in enumerate(before) if one not in after)
        way = "both" if more and less else "more" if more else "less" if less else "order"
        pattern = (special or {}).get(way) or _LISTS[way]
        return message(pattern.pattern, more=more, less=less, **said)

    @staticmethod
    def _of(values: Values, path: Path, at: int, item: Any) -> Any:
        words = values.words(item, (*path, at))
        if isinstance(words, tuple):
            return message("({several})", several=words)
        return message("“{name}”", name=words)

    def _label(self, raw: Raw) -> Message:
        """A text in several languages: the ones that differ."""
        before, after = raw.before, raw.after
        is_name = raw.key.attribute == "label" and before is not None and after is not None
        place = self.place(self.old if is_name else self.new, raw.was[:-1] if is_name else raw.path[:-1])
        said = {"place": place, "option": option_words(raw.owner, raw.key.name),
                "before": self.old.words(before, raw.was), "after": self.new.words(after, raw.path)}  # fmt: skip
        differing = _differing(before, after)
        if before is not None and after is not None and len(differing) == 1 and len(after.texts) > 1:
            language = differing[0]
            said |= {"language": _LANGUAGES[language], "before": before.text(language), "after": after.text(language)}
            return message(_ONE_LANGUAGE[is_name].pattern, **said)
        if is_name:
            return message("{place} is now called “{after}”", **said)
        return message(_USUAL[_way(raw)].pattern, **said)

    # --- rules

    def says_another(self, raw: Raw) -> bool:
        """Whether the trigger of a rule reads differently."""
        return self._trigger(self.old, raw.before) != self._trigger(self.new, raw.after)

    def _trigger(self, values: Values, rule: Rule) -> Label:
        return self._in_both(lambda words: occasion(words, rule.trigger).text, values)

    def _step(self, one: Action, path: Path) -> Label:
        form = getattr(self.new.definition.rules.get(str(path[1])), "form", None)
        return self._in_both(lambda words: action(words, one, form).title, self.new)

    def _in_both(self, say: Callable[[Words], str], values: Values) -> Label:
        definition, registry = values.definition, self.sides.registry
        return Label({language: say(Words(definition, registry, language)) for language in ("zh", "en")})


_COLLECTIONS = frozenset(
    {"forms", "roles", "rules", "pages", "tasks", "connections", "portals", "demo_users", "menu", "scenarios"}
)
_USUAL: Ways = {
    "on": message("{place}: “{option}” is on now"),
    "off": message("{place}: “{option}” is off now"),
    "added": message("{place}: “{option}” is now {after}"),
    "removed": message("{place}: “{option}” is not said any more (was {before})"),
    "changed": message("{place}: “{option}” is {after} instead of {before}"),
}
_LISTS: Ways = {
    "more": message("{place}: “{option}” now also has {more}"),
    "less": message("{place}: “{option}” no longer has {less}"),
    "both": message("{place}: “{option}” now has {more}, no longer {less}"),
    "order": message("{place}: “{option}” are in another order"),
}
_ONE_LANGUAGE = {
    True: message("{place} is called “{after}” instead of “{before}” in {language}"),
    False: message("{place}: “{option}” is “{after}” instead of “{before}” in {language}"),
}


def first(definition: AppDefinition, path: Path, words: Message) -> Message:
    """The beginning of a sentence about one of the outermost things."""
    thing = _at(definition, path[:2])
    pattern = next((said.pattern for cls, said in _FIRST if isinstance(thing, cls)), words.pattern)
    label = getattr(thing, "label", None)
    return message(pattern, name=label if isinstance(label, Label) else words.values.get("name", path[1]))


def _at(definition: AppDefinition, path: Path) -> Any:
    """What stands at a place, found by the names of the options."""
    value: Any = definition
    for step in path:
        holds: Any = value
        value = holds[step] if isinstance(value, (Mapping, tuple)) else getattr(value, str(step), None)
    return value


def _palette(thing: Any) -> Label:
    """What a type says of itself, without the full stop."""
    return Label({language: say(palette_text(thing), language).rstrip(".。") for language in ("zh", "en")})


def _way(raw: Raw) -> str:
    if isinstance(raw.after, bool):
        return "on" if raw.after else "off"
    return raw.kind


def _differing(before: Label | None, after: Label | None) -> list[str]:
    texts = [label.texts if label else {} for label in (before, after)]
    return [language for language in dict.fromkeys([*texts[0], *texts[1]])
            if texts[0].get(language) != texts[1].get(language)]  # fmt: skip
