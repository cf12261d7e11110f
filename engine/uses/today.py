"""An earlier definition in today's names, for runs that began under it: what was renamed since is found under its
present name, everything else is as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.definition import AppDefinition
from engine.load import Loaded, examine_source
from engine.registry import Registry
from engine.uses.index import Uses, index_of
from engine.uses.rename import Edit, KeyEdit, NewKey, TextEdit, edits_of
from engine.uses.things import Defined, Thing, things_of
from engine.yamlfile import Path

_LEADING = ("form", "field")  # what leads to a thing of two or three names
Identity = tuple[str, ...]


def in_todays_names(earlier: Loaded, today: AppDefinition, registry: Registry) -> AppDefinition:
    """The earlier definition, with the names today's gives to the same things; itself where nothing was renamed."""
    edits = edits_since(index_of(earlier, registry), today)
    if not edits:
        return earlier.definition
    source = replace(earlier.source, data=rewritten(earlier.source.data, edits))
    definition, findings = examine_source(source, registry, earlier.definition.hash)
    wrong = definition is None or any(finding.severity == "error" for finding in findings)
    return earlier.definition if wrong or definition is None else definition


def edits_since(uses: Uses, today: AppDefinition) -> tuple[Edit, ...]:
    """What gives the things of an earlier definition today's names; nothing where none was renamed."""
    names = _new_names(uses, things_of(today))
    edits = (edit for thing, name in names for edit in edits_of(uses, uses.things[thing], name))
    return tuple(dict.fromkeys(edits))


def _new_names(uses: Uses, today: Mapping[Thing, Defined]) -> Iterator[tuple[Thing, str]]:
    known: dict[Identity, Thing] = {}
    for defined in today.values():
        for identity in _identities(today, defined):
            known.setdefault(identity, defined.thing)
    present: dict[Thing, Thing | None] = {}
    for thing, defined in uses.things.items():
        identities = tuple(_identities(uses.things, defined))
        present[thing] = known.get(identities[0]) if identities else thing
    taken = {(thing.kind, *thing.names[:-1], now.own) for thing, now in present.items() if now is not None}
    for thing, now in present.items():
        if now is not None and now.own != thing.own:
            yield thing, now.own
        elif now is None and (thing.kind, *thing.names) in taken:
            yield thing, f"{thing.own[:57]}_gone"


def _identities(things: Mapping[Thing, Defined], defined: Defined) -> Iterator[Identity]:
    """What a thing is known by across renames: its stable id first, then the name it had before one by hand."""
    if not defined.has_id:
        return
    thing = defined.thing
    around = [Thing(kind, thing.names[: at + 1]) for at, kind in enumerate(_LEADING[: len(thing.names) - 1])]
    ids = [things[one].value.stable_id for one in around if one in things]
    yield (thing.kind, *ids, defined.value.stable_id)
    if defined.value.renamed_from:
        yield (thing.kind, *ids, defined.value.renamed_from)


# --- edits of data, where no text is to be kept


@dataclass
class _Edits:
    keys: dict[Path, str] = field(default_factory=dict)
    texts: dict[Path, list[TextEdit]] = field(default_factory=lambda: defaultdict(list))
    new: dict[Path, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


def rewritten(data: Any, edits: Iterable[Edit]) -> Any:
    """Plain data after edits, all of them of the data as it is."""
    sorted_edits = _Edits()
    for edit in edits:
        if isinstance(edit, KeyEdit):
            sorted_edits.keys[edit.path] = edit.name
        elif isinstance(edit, NewKey):
            sorted_edits.new[edit.path][edit.name] = edit.value
        else:
            sorted_edits.texts[edit.path].append(edit)
    return _rewritten(data, (), sorted_edits)


def _rewritten(value: Any, path: Path, edits: _Edits) -> Any:
    if isinstance(value, dict):
        inside = {name: _rewritten(item, (*path, name), edits) for name, item in value.items()}
        renamed = {edits.keys.get((*path, name), name): item for name, item in inside.items()}
        return {**renamed, **edits.new.get(path, {})}
    if isinstance(value, list):
        return [_rewritten(item, (*path, index), edits) for index, item in enumerate(value)]
    for edit in sorted(edits.texts.get(path, ()), key=lambda edit: edit.start, reverse=True):
        value = value[: edit.start] + edit.text + value[edit.end :]
    return value
