"""Text → what the full-text index holds: words, digits, single Chinese characters, and pinyin initials.

A token of initials begins with ``~``: 深圳华强 gives ~szhq ~zhq ~hq ~q, so that the initials of any part find it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MOST_TOKENS = 4000
LONGEST_RUN = 24  # of Chinese characters that get initials: names and titles are shorter, sentences need none
LONGEST_INITIALS = 8
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PART = re.compile(rf"[{_CHINESE}]+|\d+|[^\W\d_{_CHINESE}]+")
_IS_CHINESE = re.compile(rf"[{_CHINESE}]")
BREAK = "~"  # between texts, so that no phrase spans two of them


def is_chinese(letter: str) -> bool:
    return _IS_CHINESE.match(letter) is not None


def words(text: str) -> list[str]:
    """``"甲公司 SO2026-7"`` → 甲 公 司 so 2026 7."""
    found: list[str] = []
    for part in _PART.findall(unicodedata.normalize("NFKC", text).casefold()):
        if is_chinese(part[0]):
            found.extend(part)
        else:
            found.append(part[:100])
    return found


def tokens(texts: Iterable[str]) -> list[str]:
    """Everything the index holds of a record: the words of each text in order, then the initials."""
    found: list[str] = []
    initials: dict[str, None] = {}
    for text in texts:
        if found:
            found.append(BREAK)
        found.extend(words(text))
        for run in _runs(text):
            initials.update(dict.fromkeys(_initials(run)))
    return [*found, *initials][:MOST_TOKENS]


def _runs(text: str) -> list[str]:
    runs = re.findall(rf"[{_CHINESE}]+", unicodedata.normalize("NFKC", text))
    return [run for run in runs if len(run) <= LONGEST_RUN]


@lru_cache(maxsize=50_000)
def _initials(run: str) -> tuple[str, ...]:
    from pypinyin import Style, lazy_pinyin  # its dictionaries take a while to load: only where there is Chinese

    letters = "".join(part[:1] for part in lazy_pinyin(run, style=Style.FIRST_LETTER, errors=lambda _: "")).lower()
    return tuple(f"~{letters[start : start + LONGEST_INITIALS]}" for start in range(len(letters)))


def spelled(text: str) -> tuple[str, str]:
    """How a text is typed with Latin letters: words of pinyin joined, and their initials."""
    from pypinyin import lazy_pinyin

    parts = lazy_pinyin(text)
    return "".join(parts), "".join(part[:1] for part in parts)
