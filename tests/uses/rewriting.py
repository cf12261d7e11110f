"""The least that edits of a rename need to become a text: words are replaced where they stand; a scalar in which they
cannot be found is written anew in double quotes."""

import json
from collections import defaultdict

from engine.load import examine, load_text
from engine.uses import KeyEdit, NewKey, TextEdit, index_of


def apply(source, edits):
    """The text of a Source after edits whose places are all those of the text before them."""
    splices, texts = [], defaultdict(list)
    for edit in edits:
        if isinstance(edit, TextEdit):
            texts[edit.path].append(edit)
        elif isinstance(edit, KeyEdit):
            span = source.keys[edit.path]
            quote = span.style if span.style in ("'", '"') else ""
            splices.append((span.start, span.end, f"{quote}{edit.name}{quote}"))
        elif isinstance(edit, NewKey):
            splices.append(_new_key(source, edit))
    for path, several in texts.items():
        splices += _scalar(source, path, several)
    text = source.text
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _new_key(source, edit):
    span = source.values[edit.path]
    inside = [
        at.start for path, at in source.keys.items() if len(path) == len(edit.path) + 1 and path[:-1] == edit.path
    ]
    if span.style == "{":
        comma = ", " if inside else ""
        return span.start + 1, span.start + 1, f"{edit.name}: {edit.value}{comma}"
    first = min(inside)
    indent = first - source.text.rfind("\n", 0, first) - 1
    return first, first, f"{edit.name}: {edit.value}\n{' ' * indent}"


def _scalar(source, path, edits):
    span, value = source.values[path], value_at(source, path)
    raw = source.text[span.start : span.end]
    places = [_written(raw, value, edit) for edit in edits]
    if None not in places:
        return [
            (span.start + at, span.start + at + edit.end - edit.start, edit.text)
            for at, edit in zip(places, edits, strict=True)
        ]
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        value = value[: edit.start] + edit.text + value[edit.end :]
    return [(span.start, span.end, json.dumps(value, ensure_ascii=False))]


def _written(raw, value, edit):
    """Where the characters of a value stand in the file: as often as before them, whatever escapes and folds there are.

    None where escapes make or hide one of them.
    """
    word = value[edit.start : edit.end]
    if raw.count(word) != value.count(word):
        return None
    at = -1
    for _ in range(value[: edit.end].count(word)):
        at = raw.index(word, at + 1)
    return at


def value_at(source, path):
    found = source.data
    for step in path:
        found = found[step]
    return str(found)


def written_at(source, place):
    """What stands at the characters of a place."""
    text = str(place.path[-1]) if place.sort == "key" else value_at(source, place.path)
    return text[place.start : place.end]


def read(text, registry):
    """The index of a text that must load without mistakes."""
    return index_of(load_text(text, registry), registry)


def mistakes(text, registry):
    return [finding for finding in examine(text, registry)[2] if finding.severity == "error"]


def moved(path, keys):
    """A path after keys were renamed: {path: name}."""
    return tuple(keys.get(path[: length + 1], step) for length, step in enumerate(path))


def shape(uses, things=lambda thing: thing, keys=None):
    """What an index says, without offsets: {thing: sorted [(path, sort, sure)]}, with other names and paths."""
    return {
        things(thing): sorted(((*map(str, moved(place.path, keys or {})),), place.sort, place.sure) for place in places)
        for thing, places in uses.places.items()
    }


def scalars(data, path=()):
    """Every scalar of the data: (path, text)."""
    if isinstance(data, dict):
        for name, item in data.items():
            yield from scalars(item, (*path, name))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from scalars(item, (*path, index))
    else:
        yield path, str(data)


def as_text(data):
    """Plain data as a definition; YAML reads JSON."""
    return json.dumps(data, ensure_ascii=False, default=float)
