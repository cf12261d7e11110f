"""Where every named thing of a definition is used.

Nothing is listed by feature: references are found by the types of the options that hold them, and in expressions by
the very reading the check of expressions makes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from engine.checks.expressions import scope_of
from engine.checks.names import is_role
from engine.checks.review import Leaf, Review
from engine.definition import AppDefinition
from engine.errors import Finding, Message
from engine.expressions import Mention, mentions, mentions_in_template, mentions_in_value
from engine.expressions.kinds import Kind, field_kind
from engine.fields.base import Field
from engine.language import OWN, Condition, EntryName, Expression, PersonName, Receiver, Script, SortKey, Template
from engine.load import Loaded
from engine.registry import Registry
from engine.schema import keys_of
from engine.uses.decoding import named_in_codes
from engine.uses.scripts import mentions_in_script
from engine.uses.stories import named_in_stories, person
from engine.uses.things import APP, Defined, Thing, kind_named, kinds, things_of
from engine.uses.where import sentence
from engine.yamlfile import Path, Source

Sort = Literal["key", "reference", "expression", "template", "text", "script"]


@dataclass(frozen=True)
class Place:
    """A place in the file where a name stands.

    ``path`` is that of the key (sort ``key``) or of the scalar; ``start`` and ``end`` (exclusive) count characters of
    that key or of the scalar's *value*, as YAML reads it, not of the file: escapes and line folding are undone.
    ``written`` is how the name stands there. Not ``sure``: it may mean the thing, and nothing tells.
    """

    path: Path
    sort: Sort
    start: int
    end: int
    written: str = "{}"
    sure: bool = True


@dataclass(frozen=True)
class Use(Place):
    """A place where a thing is used, or (``defines``) where it is defined. ``sentence`` says so to people."""

    defines: bool = False
    sentence: Message = Message("")


@dataclass(frozen=True)
class Uses:
    """Every thing of a definition with the places its name stands in, the definition first."""

    review: Review
    things: Mapping[Thing, Defined]
    places: Mapping[Thing, tuple[Place, ...]]
    findings: tuple[Finding, ...] = ()  # about the definition as it is

    @property
    def definition(self) -> AppDefinition:
        return self.review.definition

    @property
    def source(self) -> Source:
        return self.review.source

    def of(self, thing: Thing) -> tuple[Use, ...]:
        """The uses of a thing, as they stand in the file; KeyError for what the file does not define."""
        defined = self.things[thing]
        return tuple(self._use(defined, place) for place in self.places.get(thing, ()))

    def at(self, path: Path) -> tuple[tuple[Thing, Use], ...]:
        """What is named by the key or the scalar at a path."""
        return tuple((thing, self._use(self.things[thing], place)) for thing, place in self._by_path.get(path, ()))

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Everything the definition says, as the checks walk it."""
        return self.review.leaves

    @cached_property
    def _by_path(self) -> Mapping[Path, list[tuple[Thing, Place]]]:
        found: dict[Path, list[tuple[Thing, Place]]] = defaultdict(list)
        for thing, places in self.places.items():
            for place in places:
                found[place.path].append((thing, place))
        return found

    def _use(self, defined: Defined, place: Place) -> Use:
        defines = place.path == defined.path
        said = sentence(self.definition, defined, place.path, place.sort, place.sure)
        return Use(place.path, place.sort, place.start, place.end, place.written, place.sure, defines, said)


def index_of(loaded: Loaded, registry: Registry) -> Uses:
    """The index of a definition. One with mistakes, as ``load.examine`` answers it, is indexed as far as it goes."""
    definition, source = loaded.definition, loaded.source
    things = things_of(definition, source)
    found: dict[Thing, list[Place]] = {thing: [_definition(defined)] for thing, defined in things.items()}
    review = Review(definition, source, registry)
    for thing, place in _places(review):
        written = source.keys if place.sort == "key" else source.values
        if thing in found and place.path in written and place not in found[thing]:
            found[thing].append(place)
    places = {thing: (several[0], *sorted(several[1:], key=lambda one: _order(source, one)))
              for thing, several in found.items()}  # fmt: skip
    return Uses(review, things, places, loaded.findings)


def _definition(defined: Defined) -> Place:
    if defined.thing.kind == APP:
        return Place(defined.path, "reference", 0, len(defined.thing.own))
    return _key(defined.path)


def _order(source: Source, place: Place) -> tuple[int, int]:
    spans = source.keys if place.sort == "key" else source.values
    return spans[place.path].start, place.start


def _key(path: Path) -> Place:
    return Place(path, "key", 0, len(str(path[-1])))


# --- what each leaf of the definition names

Found = Iterator[tuple[Thing, Place]]


def _places(review: Review) -> Found:
    for leaf in review.leaves:
        yield from _of_leaf(review, leaf)
    for form in review.forms:
        for field in form.fields.values():
            yield from _of_field(review, form, field)
    for thing, path, is_key, start, end in (*named_in_stories(review), *named_in_codes(review)):
        yield thing, _key(path) if is_key else Place(path, "text", start, end)


def _of_leaf(review: Review, leaf: Leaf) -> Found:
    if isinstance(leaf.value, Template):
        scope = scope_of(review, leaf)
        for language, text in leaf.value.texts.items():
            path = (*leaf.path, language) if language else leaf.path
            yield from _mentioned(mentions_in_template(text, scope, review.registry), path, "template")
    elif leaf.hint is Expression:
        yield from _expression(review, leaf, str(leaf.value))
    elif isinstance(leaf.value, Condition):
        yield from _expression(review, leaf, str(leaf.value.expression)) if leaf.value.expression else ()
    elif leaf.hint is Receiver:
        yield from _receiver(review, leaf)
    elif leaf.hint is Script:
        yield from _mentioned(mentions_in_script(review, leaf), leaf.path, "script")
    else:
        yield from _reference(review, leaf)


def _expression(review: Review, leaf: Leaf, text: str) -> Found:
    wanted = _kind_of_field(review, leaf.value_of)
    yield from _mentioned(mentions(text, scope_of(review, leaf), review.registry, wanted), leaf.path, "expression")


def _mentioned(found: Iterable[Mention], path: Path, sort: Sort) -> Found:
    for one in found:
        yield Thing(one.kind, one.names), Place(path, sort, one.start, one.end, one.written, one.sure)


def _kind_of_field(review: Review, place: tuple[str, str] | None) -> Kind | None:
    form = review.form(place[0]) if place else None
    field = form.fields.get(place[1]) if form and place else None
    return field_kind(form, field, review.definition) if field is not None else None


def _receiver(review: Review, leaf: Leaf) -> Found:
    if is_role(review, leaf.value):
        yield Thing("role", (leaf.value,)), Place(leaf.path, "reference", 0, len(leaf.value))
    else:
        yield from _expression(review, leaf, leaf.value)


def _reference(review: Review, leaf: Leaf) -> Found:
    text = str(leaf.value)
    place = _key(leaf.path) if leaf.is_key else Place(leaf.path, "reference", 0, len(text))
    if leaf.hint is PersonName:
        yield person(review.definition, text), place
    elif leaf.hint is EntryName:
        yield from ((Thing(kind, (text,)), place) for kind in ("form", "page"))
    elif leaf.hint is SortKey:
        name = text.removeprefix("-")
        yield Thing("field", (leaf.form or "", name)), Place(leaf.path, "text", len(text) - len(name), len(text))
    elif kind := kind_named(leaf.hint):
        names = (text,) if kinds()[kind] == 1 else (leaf.form or "", text)
        yield Thing(kind, names), place


# --- what a field names in options of its own type


def _of_field(review: Review, form: Any, field: Field) -> Found:
    path: Path = ("forms", form.name, "fields", field.name)
    for option, form_name, field_name in field.references(form, review.definition):
        for at, text in _texts(getattr(field, option), (*path, option)):
            yield from _named(at, text, form_name, field_name)
    wanted = field_kind(form, field, review.definition)
    for key in keys_of(type(field)):
        if key.value_of == OWN and key.hint is Any:
            for at, text in _texts(getattr(field, key.attribute), (*path, key.name)):
                yield from _mentioned(mentions_in_value(text, wanted), at, "text")


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _named(path: Path, text: str, form: str, field: str | None) -> Found:
    """``form``, ``field`` or ``form.field``."""
    if text == form and field is None:
        yield Thing("form", (form,)), Place(path, "text", 0, len(text))
    elif text == field:
        yield Thing("field", (form, field)), Place(path, "text", 0, len(text))
    elif text == f"{form}.{field}":
        yield Thing("form", (form,)), Place(path, "text", 0, len(form))
        yield Thing("field", (form, str(field))), Place(path, "text", len(form) + 1, len(text))
