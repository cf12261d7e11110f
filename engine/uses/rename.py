"""Another name for a thing, written everywhere the old one stands, so that nothing stored is lost.

The thing keeps its identity: where none is written, ``id`` becomes the old name, by which the migration renames the
table, the column or the stored values (``storage/shape.py``).
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.errors import Finding, Message, message
from engine.language import ADMIN, NAME_PATTERN, RESERVED_FIELDS, RESERVED_FORMS, Receiver
from engine.uses.index import Uses
from engine.uses.things import Defined, Thing
from engine.yamlfile import Path, dotted


@dataclass(frozen=True)
class TextEdit:
    """Characters ``start`` to ``end`` (exclusive) of the *value* of the scalar at ``path`` become ``text``."""

    path: Path
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class KeyEdit:
    """The key at ``path`` becomes ``name``; what stands under it stays."""

    path: Path
    name: str


@dataclass(frozen=True)
class NewKey:
    """The mapping at ``path`` gets ``name: value``."""

    path: Path
    name: str
    value: str


Edit = TextEdit | KeyEdit | NewKey


@dataclass(frozen=True)
class Renaming:
    """What a rename changes in the file. All paths and offsets are those of the file as it is *before* any of the
    edits: apply them from the end of the text to its start. Nothing is to be done when ``refused`` is not empty.
    ``perhaps`` are places that may mean the thing and are left as they are."""

    thing: Thing
    new: Thing
    edits: tuple[Edit, ...]
    refused: tuple[Finding, ...] = ()
    perhaps: tuple[Path, ...] = ()


def rename(uses: Uses, thing: Thing, name: str) -> Renaming:
    """The edits that call a thing of the file ``name``; refused when that name is taken, reserved, malformed, or when
    something would mean another thing afterwards. KeyError for a thing the file does not define."""
    defined = uses.things[thing]
    places = uses.places[thing]
    refused = tuple(_finding(uses, path, said) for path, said in _refusals(uses, defined, name))
    edits = () if refused or name == thing.own else (*edits_of(uses, defined, name),)
    perhaps = tuple(place.path for place in places if not place.sure)
    return Renaming(thing, thing.renamed(name), edits, refused, perhaps)


def edits_of(uses: Uses, defined: Defined, name: str) -> Iterator[Edit]:
    """What ``rename`` changes, without asking whether the name can be taken."""
    for place in uses.places[defined.thing]:
        if place.sort == "key":
            yield KeyEdit(place.path, name)
        elif place.sure:
            yield TextEdit(place.path, place.start, place.end, place.written.format(name))
    if defined.has_id and defined.value.id is None:
        yield NewKey(defined.path, "id", defined.thing.own)


def _finding(uses: Uses, path: Path, said: Message) -> Finding:
    span = uses.source.key_at(path)
    return Finding("error", said, dotted(path), span.line, span.column, uses.source.file)


# --- what forbids a name

Refusals = Iterator[tuple[Path, Message]]


def _refusals(uses: Uses, defined: Defined, name: str) -> Refusals:
    if not re.fullmatch(NAME_PATTERN, name):
        yield defined.path, message("'{name}' is no name: small letters, digits and '_', a letter first, at most 63.",
                                    name=name)  # fmt: skip
        return
    if name == defined.thing.own:
        return
    for look in _LOOKS:
        yield from look(uses, defined, name)


def _taken(uses: Uses, defined: Defined, name: str) -> Refusals:
    taken = uses.things.get(defined.thing.renamed(name))
    if taken is not None:
        yield taken.path, message("There is a {kind} '{name}' already.", kind=_word(defined.thing.kind), name=name)
    for other in _siblings(uses, defined):
        if getattr(other.value, "renamed_from", None) == name:
            said = message("'{name}' is the former name of '{other}'.", name=name, other=other.thing.own)
            yield (*other.path, "renamed_from"), said


def _siblings(uses: Uses, defined: Defined) -> Iterable[Defined]:
    return (other for other in uses.things.values() if other.path[:-1] == defined.path[:-1] and other != defined)


def _reserved(uses: Uses, defined: Defined, name: str) -> Refusals:
    kind = defined.thing.kind
    reserved = name in _RESERVED.get(kind, ())
    if kind == "field":
        form = uses.definition.forms[defined.thing.names[0]]
        reserved = reserved or keyword.iskeyword(name) or (name == "parent" and form.parent_form is not None)
    if reserved:
        yield defined.path, message("'{name}' is reserved; choose another name.", name=name)


_RESERVED = {"form": RESERVED_FORMS, "field": RESERVED_FIELDS, "role": {ADMIN}, "state": {"previous"}}


def _captured(uses: Uses, defined: Defined, name: str) -> Refusals:
    """Places where the new name stands already and means something else, or would mean two things."""
    kind = defined.thing.kind
    other = {"form": "page", "page": "form"}.get(kind)
    twin = uses.things.get(Thing(other, (name,))) if other else None
    listed = any(place.path[0] == "menu" for place in uses.places[defined.thing])
    if twin is not None and (listed or any(place.path[0] == "menu" for place in uses.places[twin.thing])):
        yield twin.path, message("The menu could not tell the {one} '{name}' from the {other}.", name=name,
                                 one=_word(kind), other=_word(str(other)))  # fmt: skip
    if kind == "role":
        for leaf in uses.leaves:
            if leaf.hint is Receiver and leaf.value == name:
                yield leaf.path, message("'{name}' means something else here already.", name=name)


def _rolled_up(uses: Uses, defined: Defined, name: str) -> Refusals:
    """``via`` of a rollup is a lines field of its own form before it is a link field of the other."""
    if defined.thing.kind != "field":
        return
    form = uses.definition.forms[defined.thing.names[0]]
    over = getattr(defined.value, "form", None)
    for field in form.fields.values():
        if over is not None and getattr(field, "via", None) == name and getattr(field, "source_form", "") == over:
            said = message("'{name}' means something else here already.", name=name)
            yield ("forms", form.name, "fields", field.name, "via"), said


def _labelled(uses: Uses, defined: Defined, name: str) -> Refusals:
    """People and imports name an option by its label too; the name of another would come before."""
    if defined.thing.kind != "option":
        return
    for other in _siblings(uses, defined):
        label = getattr(other.value, "label", None)
        if label is not None and name in (text.strip().casefold() for text in label.texts.values()):
            yield other.path, message("'{name}' is what the option '{other}' is called.", name=name,
                                      other=other.thing.own)  # fmt: skip


def _shared(uses: Uses, defined: Defined, name: str) -> Refusals:
    """A text that is an option of two fields at once cannot follow one of them."""
    for place in uses.places[defined.thing]:
        if place.sort == "key" or not place.sure:
            continue
        for thing, other in uses.at(place.path):
            scalar = other.sort != "key" and other.sure
            if thing != defined.thing and scalar and (other.start, other.end) == (place.start, place.end):
                said = message("'{text}' is also a name of {other} here; say it in two conditions first.",
                               text=defined.thing.own, other=thing.name)  # fmt: skip
                yield place.path, said


_LOOKS: tuple[Callable[[Uses, Defined, str], Refusals], ...] = (
    _taken, _reserved, _captured, _rolled_up, _labelled, _shared,
)  # fmt: skip

_WORDS = {
    "role": message("role"), "form": message("form"), "field": message("field"), "state": message("state"),
    "transition": message("transition"), "option": message("option"), "rule": message("rule"), "view": message("view"),
    "page": message("page"), "connection": message("connection"), "demo_user": message("demo user"),
    "calendar": message("calendar"),
    "scenario": message("scenario"),
}  # fmt: skip


def _word(kind: str) -> Message | str:
    return _WORDS.get(kind, kind)
