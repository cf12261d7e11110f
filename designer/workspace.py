"""A draft as its editors see it: the text, read and checked once for each version of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from designer.text import Document, EditRefused, Unreadable
from engine.definition import AppDefinition
from engine.errors import Finding, message
from engine.load import Loaded, examine
from engine.publishing.changes import Change
from engine.registry import Registry
from engine.uses import Uses, index_of
from engine.yamlfile import Path, Source, dotted

KEPT = 24


@dataclass(frozen=True)
class Reading:
    """Everything that follows from a text alone. ``definition`` is as much of it as could be understood; nothing at
    all where the text is no YAML."""

    text: str
    registry: Registry
    definition: AppDefinition | None
    source: Source
    findings: tuple[Finding, ...]

    @cached_property
    def document(self) -> Document:
        """The text as edits see it. Raises Unreadable where it is no YAML that can be edited by path."""
        return Document.read(self.text)

    @cached_property
    def readable(self) -> bool:
        try:
            return self.document is not None
        except Unreadable:
            return False

    @cached_property
    def uses(self) -> Uses:
        return index_of(self.loaded, self.registry)

    @cached_property
    def loaded(self) -> Loaded:
        """Raises EditRefused where there is nothing that could be understood."""
        if self.definition is None:
            raise EditRefused(message("The file has mistakes that have to be mended first, in the text."))
        return Loaded(self.definition, self.source, self.findings)

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @cached_property
    def data(self) -> Any:
        """The file as plain data; empty where it is unreadable."""
        return self.document.data if self.readable else {}


def read(text: str, registry: Registry) -> Reading:
    definition, source, findings = examine(text, registry, "")
    return Reading(text, registry, definition, source, findings)


class Readings:
    """The last few texts that were read: an edit and the screens drawn after it share one reading."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._kept: OrderedDict[str, Reading] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, text: str) -> Reading:
        with self._lock:
            found = self._kept.get(text)
            if found is not None:
                self._kept.move_to_end(text)
                return found
        found = read(text, self.registry)
        with self._lock:
            self._kept[text] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True)
class Workspace:
    """A draft with its reading. ``language`` is that of the person who works on it."""

    change: Change
    reading: Reading
    language: str = "en"

    @property
    def text(self) -> str:
        return self.reading.text

    @property
    def registry(self) -> Registry:
        return self.reading.registry

    @property
    def document(self) -> Document:
        return self.reading.document

    @property
    def definition(self) -> AppDefinition | None:
        return self.reading.definition

    @property
    def loaded(self) -> Loaded:
        return self.reading.loaded

    @property
    def source(self) -> Source:
        return self.reading.source

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.reading.findings

    def findings_at(self, path: Path, *, below: bool = True) -> list[Finding]:
        """What the check says of a place; ``below``: and of what stands in it."""
        here = dotted(path)
        return [one for one in self.findings if one.path == here or (below and one.path.startswith(f"{here}."))]

    @property
    def uses(self) -> Uses:
        return self.reading.uses

    @property
    def data(self) -> Any:
        return self.reading.data

    def is_new(self, path: Path) -> bool:
        """Whether the draft brings the thing at a path: nothing in force stands there, so nothing is stored under its
        name yet."""
        return _at(_data_of(self.change.base_text), path) is None

    def with_text(self, text: str) -> Workspace:
        """The same draft with another text, read anew; for what-if questions and tests."""
        return replace(self, change=replace(self.change, text=text), reading=read(text, self.registry))

    def at(self, path: Path) -> Any:
        """The plain data at a path, None when nothing stands there."""
        return _at(self.data, path)

    def map_at(self, path: Path) -> dict[str, Any]:
        """The map at a path; empty where something else stands there, as drafts may say anything."""
        return as_map(self.at(path))


def as_map(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = step_into(data, step)
    return data


@lru_cache(maxsize=8)
def _data_of(text: str) -> Any:
    try:
        return Document.read(text).data
    except Unreadable:
        return {}


def step_into(data: Any, step: str | int) -> Any:
    """What a map or list of plain data holds; None where it holds nothing."""
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
        return data[step]
    return None
