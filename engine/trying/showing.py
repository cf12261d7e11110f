"""What actions may ask while somebody looks on: the same answers, but for what is not for their eyes and for what is
not known yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.expressions import View
from engine.expressions.template import split
from engine.formats import MASK
from engine.language import Template
from engine.rules import Asking
from engine.trying.eyes import CLEAR, HIDDEN, Eyes


@dataclass
class Marks:
    """What was kept back since the last look: results of earlier steps that are not there yet, and whether anything
    was masked."""

    depends: set[str] = field(default_factory=set)
    masked: bool = False

    def taken(self) -> tuple[tuple[str, ...], bool]:
        found = tuple(sorted(self.depends)), self.masked
        self.depends, self.masked = set(), False
        return found


@dataclass(frozen=True)
class Showing(Asking):
    """An Asking whose answers may be shown. ``pending``: names of results that are not there yet."""

    eyes: Eyes | None = None
    pending: frozenset[str] = frozenset()
    marks: Marks = field(default_factory=Marks)

    def run(self, source: str, **more: Any) -> Any:
        kept_back = self._kept_back(source, more)
        return super().run(source, **more) if kept_back is None else kept_back

    def _kept_back(self, source: str, more: Mapping[str, Any]) -> str | None:
        """What stands for a value that is not shown; None when it is."""
        compiled = self.walk.app.plans.compile(source)
        waits = {path[1] for path in compiled.paths if path[0] == "results" and len(path) > 1} & self.pending
        if waits:
            self.marks.depends |= {f"results.{name}" for name in waits}
            return f"⟨{source.strip()}⟩"
        if self.eyes is not None and self.eyes.on(source, self._views(more)) != CLEAR:
            self.marks.masked = True
            return MASK
        return None

    def _views(self, more: Mapping[str, Any]) -> dict[str, View | None]:
        return {name: value for name, value in {**self.names, **more}.items() if isinstance(value, View)}

    def whether(self, source: str) -> bool | None:
        """Whether it holds; None where that depends on what is not known yet, or is not for these eyes."""
        compiled = self.walk.app.plans.compile(source)
        if any(path[0] == "results" and len(path) > 1 and path[1] in self.pending for path in compiled.paths):
            return None
        if self.eyes is not None and self.eyes.on(source, self._views({})) == HIDDEN:
            return None
        return bool(super().run(source))

    def holds(self, source: str) -> bool:
        return bool(self.whether(source))

    def moment(self, source: str) -> dt.datetime | None:
        return None if self._kept_back(source, {}) is not None else super().moment(source)

    def linked(self, name: str) -> Sequence[tuple[str, int]]:
        return super().linked(name) if self._kept_back(f"record.{name}", {}) is None else ()

    def lines(self, name: str) -> Sequence[Any]:
        return super().lines(name) if self._kept_back(f"record.{name}", {}) is None else ()

    def fill(self, template: Template, **more: Any) -> Mapping[str, str]:
        texts = {language: self._open(text) for language, text in template.texts.items()}
        return super().fill(Template(texts), **more)

    def _open(self, text: str) -> str:
        """The text with places that are not shown already filled."""
        parts = []
        for words, source in split(text):
            parts.append(words)
            if source is not None:
                kept_back = self._kept_back(source, {})
                parts.append(f"{{{{{source}}}}}" if kept_back is None else kept_back)
        return "".join(parts)
