"""Walks through drafts on demand: one at a time, since a walk takes all it can get; the last ones are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.errors import Refused, message
from engine.load import Loaded
from engine.registry import Registry
from engine.walks import Budget, Stuck, walk

KEPT = 16
SECONDS = 8.0


@dataclass
class Walks:
    """What a process remembers of walks. ``budget`` is that of one."""

    registry: Registry
    budget: Budget = field(default_factory=lambda: Budget(seconds=SECONDS, records=3))
    _kept: OrderedDict[tuple[str, str, str], Sequence[Stuck]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, loaded: Loaded, form: str, language: str) -> Sequence[Stuck]:
        """The stuck records of a form. Raises Refused while somebody else's walk is under way."""
        key = (loaded.source.text, form, language)
        found = self._kept.get(key)
        if found is not None:
            return found
        if not self._lock.acquire(timeout=self.budget.seconds):
            raise Refused(message("Another walk is under way; try again in a moment."))
        try:
            found = self._kept[key] = self._walked(loaded, form, language)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        finally:
            self._lock.release()
        return found

    def _walked(self, loaded: Loaded, form: str, language: str) -> Sequence[Stuck]:
        alone = Loaded(replace(loaded.definition, scenarios={}), loaded.source, loaded.findings)
        return walk(alone, self.registry, forms=[form], language=language, budget=self.budget)
