"""What every check works with: the definition, the text it came from, and the findings so far."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NewType, get_args, get_origin

from engine.actions import ForEach
from engine.cards import Card, Part
from engine.definition import AppDefinition, Form, Rule
from engine.errors import Finding, Message, Severity, message
from engine.fields.base import Field
from engine.language import (
    KEY,
    OWN,
    Condition,
    Duration,
    FieldName,
    FormName,
    Label,
    PrintFormatName,
    SortKey,
    StateName,
    TransitionName,
    ViewName,
)
from engine.portals import PortalForm
from engine.prints import PaperPart, PrintFormat
from engine.registry import Registry
from engine.scenario import Expected, Given, Scenario, Step
from engine.schema import Key, keys_of
from engine.task import Task
from engine.triggers import OnRecord
from engine.validate import guess, listed
from engine.yamlfile import Path, Source, Span, dotted


@dataclass(frozen=True)
class Leaf:
    """A value of the definition that means something: a name of a kind, an expression, a text, a length of time.

    ``owner`` is the dataclass it stands in, ``around`` everything that stands around that, innermost first; ``form``
    the form whose fields and states its names are of. ``is_key`` tells a key of a mapping from a value. ``value_of``:
    (form, field) whose value an expression gives.
    """

    path: Path
    hint: Any
    value: Any
    owner: Any
    around: tuple[Any, ...]
    form: str | None
    is_key: bool = False
    value_of: tuple[str, str] | None = None

    def inside(self, cls: type) -> Any:
        """The nearest thing of a class around it."""
        return next((thing for thing in (self.owner, *self.around) if isinstance(thing, cls)), None)


@dataclass
class Review:
    definition: AppDefinition
    source: Source
    registry: Registry
    lost: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(_Walk(self.definition).thing(self.definition, (), (), None))

    def form(self, name: str | None) -> Form | None:
        return self.definition.forms.get(name) if name is not None else None

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        return tuple(self.definition.forms.values())

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are switched on."""
        return tuple(rule for rule in self.definition.rules.values() if rule.enabled)

    @cached_property
    def dangling(self) -> frozenset[str]:
        """Names of fields that lead to a form that is not there."""
        return frozenset(
            field.name
            for form in self.forms
            for field in form.fields.values()
            if not self.definition.forms.keys() >= _forms_of(field, form, self.definition)
        )

    def is_lost(self, *names: str) -> bool:
        """Whether a name was left out for its own mistakes, so that missing it is nothing new."""
        return any(name in self.lost for name in names)

    def findings_at(self, path: Path) -> bool:
        """Whether something was said about a place already."""
        return any(finding.path == dotted(path) for finding in self.findings)

    def error(self, path: Path, said: Message, *, at_key: bool = False, offset: int | None = None) -> None:
        self._note("error", path, said, at_key, offset)

    def warning(self, path: Path, said: Message, *, at_key: bool = False) -> None:
        self._note("warning", path, said, at_key, None)

    def note(self, path: Path, said: Message, *, at_key: bool = False) -> None:
        self._note("note", path, said, at_key, None)

    def _note(self, severity: Severity, path: Path, said: Message, at_key: bool, offset: int | None) -> None:
        span = self.source.key_at(path) if at_key else self.source.value_at(path)
        line, column = (span.line, span.column) if offset is None else place_in(self.source.text, span, offset)
        self.findings.append(Finding(severity, said, dotted(path), line, column, self.source.file))


def place_in(text: str, span: Span, offset: int) -> tuple[int, int]:
    """Line and column of a character of a scalar's value; the value's start where YAML folds or escapes it."""
    start = span.start + (1 if span.style in ("'", '"') else 0)
    if span.style == "'":
        shown, written = 0, start
        while shown < offset and written < span.end:
            written += 2 if text[written : written + 2] == "''" else 1
            shown += 1
    else:
        written = start + offset
    between = text[span.start : written]
    folded = "\n" in between or (span.style == '"' and "\\" in between) or span.style in ("|", ">")
    return (span.line, span.column) if folded else (span.line, span.column + written - span.start)


def unknown(said: Message, name: str, known: Iterable[str]) -> Message:
    """``said`` that there is no such thing, and what may have been meant."""
    known = list(known)
    if meant := guess(name, known):
        return message("{said}; did you mean '{guess}'?", said=said, guess=meant)
    if not known:
        return message("{said}.", said=said)
    return message("{said}; expected one of {known}.", said=said, known=listed(known))


def _forms_of(field: Field, form: Form, definition: AppDefinition) -> set[str]:
    named = {name for _option, name, _field in field.references(form, definition)}
    return named | {form for form in (getattr(field, "form", None),) if form}


# --- the walk over everything


def leaves_in(definition: AppDefinition, thing: Any) -> tuple[Leaf, ...]:
    """Everything that means something in one thing of a definition, at paths from that thing."""
    return tuple(_Walk(definition).thing(thing, (), (), None))


OF_FORM = (FieldName, SortKey, StateName, TransitionName, ViewName, PrintFormatName)


@dataclass(frozen=True)
class _Place:
    """What the values of one option stand in. ``form`` is that of expressions, ``named`` that of names; ``under`` the
    form a field's name around it leads to."""

    owner: Any
    around: tuple[Any, ...]
    form: str | None
    named: str | None
    under: str | None
    value_of: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Walk:
    definition: AppDefinition

    def thing(self, thing: Any, path: Path, around: tuple[Any, ...], form: str | None, under: str | None = None) -> Any:
        form = form_named(thing, around, form)
        for key in keys_of(type(thing)):
            value = getattr(thing, key.attribute)
            if value is not None:
                named = self._named(thing, key, form, under)
                place = _Place(thing, around, form, named, under, _value_of(thing, key, form, path))
                yield from self.leaves(value, key.hint, (*path, key.name), place)

    def leaves(self, value: Any, hint: Any, path: Path, place: _Place) -> Iterator[Leaf]:
        if isinstance(hint, NewType) or isinstance(value, (Label, Condition, Duration)):
            form = place.named if hint in OF_FORM else place.form
            yield Leaf(path, hint, value, place.owner, place.around, form, value_of=place.value_of)
        elif dataclasses.is_dataclass(value):
            yield from self.thing(value, path, (place.owner, *place.around), place.form, place.under)
        elif get_origin(hint) is tuple:
            for index, item in enumerate(value):
                yield from self.leaves(item, get_args(hint)[0], (*path, index), place)
        elif isinstance(value, Mapping) and get_origin(hint) is Mapping:
            yield from self._mapping(value, hint, path, place)

    def _mapping(self, values: Mapping[str, Any], hint: Any, path: Path, place: _Place) -> Iterator[Leaf]:
        key_hint, item_hint = get_args(hint)
        for name, item in values.items():
            inner = place
            if isinstance(key_hint, NewType):
                form = place.named if key_hint in OF_FORM else place.form
                yield Leaf((*path, name), key_hint, name, place.owner, place.around, form, is_key=True)
            if key_hint is FieldName and place.named is not None:
                inner = replace(place, under=self._target(place.named, name), value_of=(place.named, name))
            yield from self.leaves(item, item_hint, (*path, name), inner)

    def _named(self, thing: Any, key: Key, form: str | None, under: str | None) -> str | None:
        """The form whose fields, states and transitions an option names."""
        if key.of is None:
            return form
        if key.of == KEY:
            return under
        told = getattr(thing, key.of)
        if told is None:
            return form
        hint = next(other.hint for other in keys_of(type(thing)) if other.attribute == key.of)
        return str(told) if hint is FormName else self._target(form, told)

    def _target(self, form: str | None, field: str) -> str | None:
        """The form a link, links or lines field leads to."""
        known = self.definition.forms.get(form) if form is not None else None
        return getattr(known.fields.get(field), "form", None) if known is not None else None


def form_named(thing: Any, around: tuple[Any, ...], form: str | None) -> str | None:
    """Fields and states named in a thing are those of the form around it, or of the form it names itself."""
    if isinstance(thing, (Given, Step, Expected)):
        story = next(one for one in around if isinstance(one, Scenario))
        return story.form_of(thing)
    if isinstance(thing, Form):
        return thing.name
    if isinstance(thing, PaperPart):
        return _printed(around, form)
    if isinstance(thing, Rule):
        return thing.form
    if isinstance(thing, (OnRecord, Card, ForEach, Task, Part, PortalForm)):
        return getattr(thing, "form", form)
    return form


def _printed(around: tuple[Any, ...], form: str | None) -> str | None:
    """Parts of labels for lines speak of the line."""
    sheet = next((one for one in around if isinstance(one, PrintFormat)), None)
    whole = next((one for one in around if isinstance(one, Form)), None)
    if sheet is None or sheet.each is None or whole is None:
        return form
    return getattr(whole.fields.get(sheet.each), "form", None)


def _value_of(thing: Any, key: Key, form: str | None, path: Path) -> tuple[str, str] | None:
    """The field whose value an option holds; that of a field itself stands in it or in its result."""
    if key.value_of is None or form is None:
        return None
    field = path[3] if key.value_of == OWN and len(path) > 3 else getattr(thing, key.value_of, None)
    return None if field is None else (form, str(field))
