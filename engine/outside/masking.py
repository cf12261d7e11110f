"""Taking secrets out of what people and ledgers will see."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "•••"
SHORTEST = 4  # a shorter value would be found in half of all words


class Mask:
    """Knows values and takes them out of texts, in every form they travel in: plain, in an address, in JSON, base64."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.learn(*values)

    def learn(self, *values: str) -> None:
        new = {value for value in values if len(value) >= SHORTEST} - self._known
        if new:
            self._known |= new
            forms = sorted({form for value in self._known for form in _forms(value)}, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, forms)))

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def data(self, data: Any) -> Any:
        """The same data with every text in it masked, keys included."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {self.data(key): self.data(value) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self.data(value) for value in data] if isinstance(data, list) else tuple(map(self.data, data))
        return data


def _forms(value: str) -> set[str]:
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return {value, quote(value), quote(value, safe=""), quote_plus(value), *escaped, *_in_base64(value.encode())}


def _in_base64(value: bytes) -> set[str]:
    """What the value looks like inside base64, wherever it begins there (``user:password`` of HTTP Basic)."""
    if len(value) < 8:
        return set()
    forms = set()
    for lead, first in enumerate((0, 2, 3)):  # bytes before it, and how many characters depend on them
        last = (lead + len(value)) * 8 // 6
        forms.add(base64.b64encode(bytes(lead) + value)[first:last].decode())
    return forms
