"""Differences that are one for people: a new field is said with its section, a field that changes its section moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from designer.difference.raw import Raw
from designer.difference.sides import Sides
from engine.definition import AppDefinition, Section
from engine.fields.base import Field
from engine.yamlfile import Path


def said_once(raws: Sequence[Raw], sides: Sides, says_another: Callable[[Raw], bool]) -> Iterator[Raw]:
    """``says_another``: whether the triggers of two rules read differently."""
    by_form: dict[str, list[Raw]] = defaultdict(list)
    by_rule: dict[str, list[Raw]] = defaultdict(list)
    for raw in raws:
        if _is_section_fields(raw):
            by_form[str(raw.path[1])].append(raw)
        elif raw.path[:1] == ("rules",) and raw.path[2:3] == ("trigger",):
            by_rule[str(raw.path[1])].append(raw)
        else:
            yield raw
    for form, several in by_form.items():
        yield from _sections(several, _Fields.of(raws, form), sides.new.definition)
    for rule, several in by_rule.items():
        yield from _trigger(several, rule, sides, says_another)


def _trigger(several: list[Raw], rule: str, sides: Sides, says_another: Callable[[Raw], bool]) -> Iterator[Raw]:
    """What wakes a rule, as one sentence where the words for it differ."""
    definition = sides.new.definition
    former = str(several[0].was[1])
    place: Path = ("rules", rule, "trigger")
    key = replace(several[0].key, name="trigger", attribute="trigger")
    whole = Raw("changed", ("rules", former, "trigger"), place, sides.before.rules[former], definition.rules[rule],
                definition.rules[rule], key)  # fmt: skip
    yield from [whole] if says_another(whole) else several


# --- fields in sections


@dataclass(frozen=True)
class _Fields:
    new: frozenset[str]
    gone: frozenset[str]

    @staticmethod
    def of(raws: Iterable[Raw], form: str) -> _Fields:
        every = [raw for raw in raws if raw.is_item and isinstance(raw.after or raw.before, Field)]
        return _Fields(
            frozenset(str(raw.path[3]) for raw in every if raw.kind == "added" and _is_field(raw.path, form)),
            frozenset(str(raw.was[3]) for raw in every if raw.kind == "removed" and _is_field(raw.was, form)),
        )


def _is_field(path: Path, form: str) -> bool:
    return len(path) == 4 and path[:3] == ("forms", form, "fields")


def _is_section_fields(raw: Raw) -> bool:
    return isinstance(raw.owner, Section) and raw.key.attribute == "fields" and raw.kind == "changed"


def _sections(several: list[Raw], fields: _Fields, definition: AppDefinition) -> Iterator[Raw]:
    left = {name: raw for raw in several for name in raw.before if name not in raw.after and name not in fields.gone}
    came = {name: raw for raw in several for name in raw.after if name not in raw.before and name not in fields.new}
    moved = left.keys() & came.keys()
    for name in (name for name in came if name in moved):
        yield _shift(name, left[name], came[name], definition)
    for raw in several:
        before = tuple(name for name in raw.before if name not in moved | fields.gone)
        after = tuple(name for name in raw.after if name not in moved | fields.new)
        if before != after:
            yield replace(raw, before=before, after=after)


def _shift(name: str, one: Raw, other: Raw, definition: AppDefinition) -> Raw:
    field = definition.forms[str(other.path[1])].fields[name]
    return replace(other, kind="moved", was=one.was, before=one.owner, after=other.owner, owner=field, is_item=True)
