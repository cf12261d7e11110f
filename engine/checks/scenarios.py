"""Whether a story can be played: every name was given before it is used, every step says one thing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from engine.actions import Ask
from engine.approve import Approve
from engine.checks.review import Review, unknown
from engine.definition import Form
from engine.errors import Message, message
from engine.fields.base import Field
from engine.language import ADMIN
from engine.scenario import KINDS, VERBS, Expected, Scenario, Step
from engine.triggers import Button
from engine.yamlfile import Path

# verb → the keys it needs, the keys it may have
_STEP_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "create": (("by",), ("saved_as", "values")),
    "update": (("by", "values"), ()),
    "take": (("by", "of"), ("values", "reason")),
    "press": (("by", "of"), ()),
    "answer": (("by", "of"), ("comment", "back_to")),
    "hand_over": (("by", "of"), ("comment",)),
    "add_signer": (("by", "of"), ("comment", "signs")),
    "delegate": (("by", "lasts"), ()),
    "withdraw": (("by",), ("comment",)),
    "remind": (("by",), ()),
    "delete": (("by",), ()),
    "restore": (("by",), ()),
    "wait": ((), ()),
    "arrives": (("item",), ("connection",)),
}
_WRITTEN = {"saved_as": "as"}
_APPROVAL_ANSWERS = ("approve", "refuse", "return", "submit", "withdraw")


def check_scenarios(review: Review) -> None:
    for name, story in review.definition.scenarios.items():
        _Reading(review, story, ("scenarios", name)).look()


class _Reading:
    """Goes through a story in its order; ``known`` are the records that have a name so far."""

    def __init__(self, review: Review, story: Scenario, path: Path) -> None:
        self.review, self.story, self.path = review, story, path
        self.known: dict[str, str] = {}

    def look(self) -> None:
        self._beginning()
        for place, given in enumerate(self.story.given):
            here = (*self.path, "given", place)
            self._who(here, "by", given.by)
            if given.state and given.by:
                self._out_of_place(here, "by", "state")
            self._values(here, self.review.form(given.create), given.values)
            self._name(here, given.saved_as, given.create)
        for place, step in enumerate(self.story.steps):
            self._step((*self.path, "steps", place), step)
        for place, expected in enumerate(self.story.then):
            self._expected((*self.path, "then", place), expected)

    def _beginning(self) -> None:
        if not self.story.steps and not self.story.then:
            said = message("The scenario shows nothing: it has neither steps nor then.")
            self.review.error(self.path, said, at_key=True)
        try:
            dt.datetime.fromisoformat(self.story.at or "2026-03-02 09:00")
        except ValueError:
            said = message("There is no such moment; expected one like 2026-03-02 09:00.")
            self.review.error((*self.path, "at"), said)

    # --- names

    def _name(self, path: Path, name: str | None, form: str) -> None:
        if name is None:
            return
        if name in self.known:
            self.review.error((*path, "as"), message("'{name}' is the name of another record already.", name=name))
        self.known[name] = form

    def _record(self, path: Path, key: str, name: str | None, form: str | None = None) -> None:
        if name is None:
            return
        if name not in self.known:
            self.review.error((*path, key), unknown(message("No record is called '{name}' here", name=name), name,
                                                    self.known))  # fmt: skip
        elif form is not None and self.known[name] != form:
            said = message("'{name}' is of the form '{got}'; expected one of '{form}'.",
                           name=name, got=self.known[name], form=form)  # fmt: skip
            self.review.error((*path, key), said)

    def _who(self, path: Path, key: str, who: str | None) -> None:
        definition = self.review.definition
        known = (*definition.roles, ADMIN, *definition.demo_users)
        if who is not None and who not in known and not self.review.is_lost(who):
            said = message("There is no role or person '{name}'", name=who)
            self.review.error((*path, key), unknown(said, who, known))

    # --- steps

    def _step(self, path: Path, step: Step) -> None:
        verbs = step.verbs
        if len(verbs) != 1:
            self.review.error(path, _one_of(verbs, VERBS))
            return
        verb = verbs[0]
        self._keys(path, step, verb)
        for key in ("of", "update", "delete", "restore", "withdraw", "remind"):
            self._record(path, key, getattr(step, key))
        for key in ("hand_over", "add_signer", "delegate"):
            self._who(path, key, getattr(step, key))
        self._who(path, "by", step.by)
        form = self.review.form(self.story.form_of(step))
        self._values(path, form, step.values)
        if form is not None and step.press is not None:
            self._button(path, form, step.press)
        if step.answer is not None:
            self._answer(path, step.answer)
        if step.arrives is not None:
            self._arrives(path, step)
        if step.create is not None and not step.refused:
            self._name(path, step.saved_as, step.create)

    def _arrives(self, path: Path, step: Step) -> None:
        feed = self.review.definition.feeds.get(step.arrives or "")
        if feed is not None and step.connection is not None and step.connection not in feed.from_:
            said = message("The feed does not read of '{connection}'.", connection=step.connection)
            self.review.error((*path, "connection"), said)

    def _keys(self, path: Path, step: Step, verb: str) -> None:
        needed, allowed = _STEP_KEYS[verb]
        for key in needed:
            if not getattr(step, key):
                said = message("'{key}' is missing: '{verb}' needs it.", key=key, verb=verb)
                self.review.error(path, said)
        if verb != "wait":
            allowed = (*allowed, "refused")
        for key in ("by", "of", "saved_as", "values", "reason", "comment", "back_to", "signs", "lasts",
                    "refused", "item", "connection"):  # fmt: skip
            if getattr(step, key) and key not in (*needed, *allowed):
                self._out_of_place(path, key, verb)
        if step.refused and step.saved_as:
            self._out_of_place(path, "saved_as", "refused")

    def _out_of_place(self, path: Path, key: str, beside: str) -> None:
        written = _WRITTEN.get(key, key)
        said = message("'{key}' says nothing beside '{other}'.", key=written, other=beside)
        self.review.error((*path, written), said, at_key=True)

    def _button(self, path: Path, form: Form, rule: str) -> None:
        buttons = [
            name for name, one in self.review.definition.rules.items()
            if isinstance(one.trigger, Button) and one.form == form.name
        ]  # fmt: skip
        if rule not in buttons and rule in self.review.definition.rules:
            said = message("The rule '{name}' is no button of '{form}'", name=rule, form=form.name)
            self.review.error((*path, "press"), unknown(said, rule, buttons))

    def _answer(self, path: Path, answer: str) -> None:
        asked = {
            name
            for rule in self.review.definition.rules.values()
            for _path, action, _form in rule.steps()
            if isinstance(action, Ask | Approve)
            for name in (action.answers if isinstance(action, Ask) else _APPROVAL_ANSWERS)
        }
        if answer not in asked:
            said = message("No rule asks for the answer '{name}'", name=answer)
            self.review.error((*path, "answer"), unknown(said, answer, sorted(asked)))

    # --- values

    def _values(self, path: Path, form: Form | None, values: Mapping[Any, Any]) -> None:
        """Unknown fields are told with all names; here it is what links, people and lines are filled with."""
        for name, value in values.items():
            field = form.fields.get(name) if form is not None else None
            if field is not None:
                self._value((*path, "values"), name, field, value)

    def _value(self, path: Path, name: str, field: Field, value: Any) -> None:
        if field.kind in ("link", "links"):
            several = value if isinstance(value, list) else [value]
            for each in several:
                if each != "":
                    self._record(path, name, str(each), getattr(field, "form", None))
        elif field.kind == "user" and value != "":
            self._who(path, name, str(value))
        elif field.kind == "lines":
            self._lines((*path, name), field, value)

    def _lines(self, path: Path, field: Field, value: Any) -> None:
        form = self.review.form(getattr(field, "form", None))
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self.review.error(path, message("Lines are a list of mappings, each with the fields of a line."))
            return
        for place, row in enumerate(value):
            for name, one in row.items():
                inner = form.fields.get(name) if form is not None else None
                if form is not None and inner is None:
                    said = message("'{form}' has no field '{name}'", form=form.name, name=name)
                    self.review.error((*path, place, name), unknown(said, name, form.fields), at_key=True)
                elif inner is not None:
                    self._value((*path, place), name, inner, one)

    # --- what must hold

    def _expected(self, path: Path, one: Expected) -> None:
        kinds = one.kinds
        if len(kinds) != 1:
            self.review.error(path, _one_of(kinds, KINDS))
            return
        kind = kinds[0]
        for key in {key for keys in KINDS.values() for key in keys} - set(KINDS[kind]):
            if getattr(one, key):
                self._out_of_place(path, key, kind)
        self._record(path, "of", one.of)
        self._who(path, kind, getattr(one, kind) if kind in ("told", "asked") else None)
        if kind == "of" and not (one.state or one.holds or one.values or one.gone):
            self.review.error(path, message("Nothing is said about '{name}': add state, holds, values or gone.",
                                            name=one.of))  # fmt: skip
        if kind == "of":
            self._values(path, self.review.form(self.story.form_of(one)), one.values)
        for key in ("role", "form"):
            if kind in ("never", "never_reads") and getattr(one, key) is None:
                self.review.error(path, message("'{key}' is missing: '{verb}' needs it.", key=key, verb=kind))
        if kind == "count" and one.form is None:
            self.review.error(path, message("'{key}' is missing: '{verb}' needs it.", key="form", verb=kind))
        if kind == "sent":
            self._sent(path, one)

    def _sent(self, path: Path, one: Expected) -> None:
        kinds = [kind for kind in self.review.registry.performers if kind not in ("script", "print")]
        if one.sent not in kinds:
            said = message("Nothing is sent as '{name}'", name=one.sent)
            self.review.error((*path, "sent"), unknown(said, str(one.sent), kinds))
        for place, receiver in enumerate(one.to):
            if "@" not in receiver and receiver not in self.review.definition.connections:
                self._who((*path, "to"), place, receiver)  # type: ignore[arg-type]


def _one_of(found: Iterable[str], known: Iterable[str]) -> Message:
    found = tuple(found)
    if found:
        return message("One thing at a time; here are {count}: {found}.", count=len(found), found=found)
    return message("Nothing is said here; expected one of {known}.", known=tuple(known))
