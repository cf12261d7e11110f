"""What every check works with: the definition, the text it came from, and the findings so far."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NewType, get_args, get_origin

from engine.actions import ForEach
from engine.cards import Card
from engine.definition import AppDefinition, Form, Rule
from engine.errors import Finding, Message, Severity, message
from engine.language import Condition, Duration, Label
from engine.registry import Registry
from engine.scenario import Expected, Given, Scenario, Step
from engine.schema import keys_of
from engine.triggers import OnRecord
from engine.validate import guess, listed
from engine.yamlfile import Path, Source, Span, dotted


@dataclass(frozen=True)
class Leaf:
    """A value of the definition that means something: a name of a kind, an expression, a text.

    ``owner`` is the dataclass it stands in, ``around`` everything that stands around that, innermost first; ``form``
    the form whose fields and states its names are of. ``is_key`` tells a key of a mapping from a value.
    """

    path: Path
    hint: Any
    value: Any
    owner: Any
    around: tuple[Any, ...]
    form: str | None
    is_key: bool = False

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
        return tuple(_walk(self.definition, (), (), None))

    def form(self, name: str | None) -> Form | None:
        return self.definition.forms.get(name) if name is not None else None

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        return tuple(self.definition.forms.values())

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are switched on."""
        return tuple(rule for rule in self.definition.rules.values() if rule.enabled)

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


# --- the walk over everything


def _walk(thing: Any, path: Path, around: tuple[Any, ...], form: str | None) -> Iterator[Leaf]:
    form = _form_of(thing, around, form)
    for key in keys_of(type(thing)):
        value = getattr(thing, key.attribute)
        if value is not None:
            yield from _leaves(value, key.hint, (*path, key.name), thing, around, form)


def _form_of(thing: Any, around: tuple[Any, ...], form: str | None) -> str | None:
    """Fields and states named in a thing are those of the form around it, or of the form it names itself."""
    if isinstance(thing, (Given, Step, Expected)):
        story = next(one for one in around if isinstance(one, Scenario))
        return story.form_of(thing)
    if isinstance(thing, Form):
        return thing.name
    if isinstance(thing, Rule):
        return thing.form
    if isinstance(thing, (OnRecord, Card, ForEach)):
        return thing.form
    return form


def _leaves(value: Any, hint: Any, path: Path, owner: Any, around: tuple[Any, ...], form: str | None) -> Iterator[Leaf]:
    if isinstance(hint, NewType) or isinstance(value, (Label, Condition)):
        yield Leaf(path, hint, value, owner, around, form)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Duration):
        yield from _walk(value, path, (owner, *around), form)
    elif get_origin(hint) is tuple:
        for index, item in enumerate(value):
            yield from _leaves(item, get_args(hint)[0], (*path, index), owner, around, form)
    elif isinstance(value, Mapping) and get_origin(hint) is Mapping:
        key_hint, item_hint = get_args(hint)
        for name, item in value.items():
            if isinstance(key_hint, NewType):
                yield Leaf((*path, name), key_hint, name, owner, around, form, is_key=True)
            yield from _leaves(item, item_hint, (*path, name), owner, around, form)
