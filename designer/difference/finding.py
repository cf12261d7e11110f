"""Two definitions → every difference, each as a sentence with its places."""

from __future__ import annotations

from collections.abc import Iterator

from designer.difference.kinds import Difference, Widened, area_of
from designer.difference.once import said_once
from designer.difference.raw import Compared, Raw
from designer.difference.rights import Right, rights
from designer.difference.sentences import Sentences
from designer.difference.sides import Sides
from engine.definition import AppDefinition
from engine.errors import message
from engine.load import Loaded
from engine.registry import Registry
from engine.uses import Thing, Use
from engine.yamlfile import Path


def differences(old: Loaded, new: Loaded, registry: Registry) -> list[Difference]:
    """Everything that is different for people, in the order of the new file; what is gone comes last.

    Things are the same by their stable id: a rename is one difference. Where the texts differ and mean the same, one
    difference of the area ``text`` says so; equal texts give none. Definitions with mistakes are compared as far as
    they could be read.
    """
    if old.source.text == new.source.text:
        return []
    sides = Sides(old, new, registry)
    found = [*_in_words(sides), *_rights(sides)]
    return sorted(found, key=_place) if found else [_the_same(old, new)]


def _in_words(sides: Sides) -> Iterator[Difference]:
    sentences = Sentences(sides)
    compared = Compared(sides.written, sides.former_name)
    raws = [*compared.things(sides.before, sides.new.definition, (), ())]
    for raw in said_once(raws, sides, sentences.says_another):
        yield _difference(sides, sentences, raw)


def _difference(sides: Sides, sentences: Sentences, raw: Raw) -> Difference:
    gone = raw.kind == "removed" and (raw.is_item or not sides.line_after(raw.path))
    came = raw.kind == "added" and (raw.is_item or not sides.line_before(raw.was))
    was, path = ((), raw.path) if came else (raw.was, () if gone else raw.path)
    thing = sides.thing_before(was) if gone else sides.thing_after(path)
    is_name = raw.key.attribute == "label" and raw.kind == "changed" and not raw.is_item
    return Difference(
        "renamed" if is_name else raw.kind,
        area_of(path or was),
        sentences.of(raw),
        thing,
        path,
        sides.former(was),
        sides.snippet_before(was),
        sides.snippet_after(path),
        sides.line_before(was),
        sides.line_after(path),
        _uses(sides, thing, gone),
        _widened(raw),
    )


def _widened(raw: Raw) -> Widened:
    """What was masked for people and no longer is."""
    return "wider" if raw.key.attribute == "sensitive" and raw.after is False else ""


def _uses(sides: Sides, thing: Thing | None, gone: bool) -> tuple[Use, ...]:
    if thing is None:
        return ()
    uses = sides.old_uses if gone else sides.new_uses
    return tuple(use for use in uses.of(thing) if not use.defines)


def _rights(sides: Sides) -> Iterator[Difference]:
    sentences = Sentences(sides)
    for right in rights(sides.before, sides.new.definition, sentences.new.condition):
        yield _right(sides, right)


def _right(sides: Sides, right: Right) -> Difference:
    was, path = right.was or right.path, right.path
    before, after = sides.line_before(was), sides.line_after(path)
    return Difference(
        "changed",
        "permission",
        right.sentence,
        sides.thing_after(path),
        _known(path, sides.new.source.values),
        sides.former(was) if before else (),
        sides.snippet_before(was),
        sides.snippet_after(path),
        before,
        after,
        (),
        right.widened,
    )


def _known(path: Path, values: object) -> Path:
    """The place, or the nearest around it that the file has."""
    while path and path not in values:  # type: ignore[operator]
        path = path[:-1]
    return path


def _place(one: Difference) -> tuple[int, int]:
    return (0, one.line_after) if one.line_after else (1, one.line_before or 0)


def _the_same(old: Loaded, new: Loaded) -> Difference:
    line = _first_line(old.source.text, new.source.text)
    said = (
        message("Only the text differs (remarks, layout, another way to say the same); the application is the same")
        if isinstance(new.definition, AppDefinition)
        else message("The text differs")
    )
    return Difference("changed", "text", said, line_before=line, line_after=line)


def _first_line(old: str, new: str) -> int:
    """The first line that differs."""
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    return next((at for at, (one, other) in enumerate(pairs, 1) if one != other), 1)
