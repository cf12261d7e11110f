"""Names and labels for what is new: a name people can read in the file, a label as its siblings have it."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

from engine.language import RESERVED_FIELDS

LONGEST = 40


def name_from(text: str, fallback: str) -> str:
    """A label as a name: small letters, digits and '_'; Chinese becomes pinyin. Such as ``te_shu_bao_zhuang``."""
    from pypinyin import lazy_pinyin  # its dictionaries take a while to load

    spelled = " ".join(lazy_pinyin(text, errors=lambda other: _latin(other)))
    words = re.findall(r"[a-z0-9]+", spelled.lower())
    name = ""
    for word in words:
        if len(name) + len(word) + 1 > LONGEST:
            break
        name = f"{name}_{word}" if name else word
    name = name or (words[0][:LONGEST] if words else "")
    return name if name and name[0].isalpha() else fallback


def _latin(text: str) -> str:
    """What is no Chinese stays; accents go."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(character for character in plain if not unicodedata.combining(character))


def unique(name: str, taken: Container[str]) -> str:
    """The name, or with a number behind it where it is taken."""
    if name not in taken:
        return name
    base = re.sub(r"_\d+$", "", name)
    return next(found for count in range(2, 10_000) if (found := f"{base}_{count}") not in taken)


def name_for(text: str, taken: Container[str], otherwise: str = "item") -> str:
    """A free name for a label: ``Due date`` → ``due_date``, or ``due_date_2``."""
    return unique(name_from(text, otherwise), taken)


def field_name(text: str, type_: str, taken: Mapping[str, Any]) -> str:
    """A name for a new field of this label."""
    return unique(name_from(text, type_), {*taken, *RESERVED_FIELDS})


def is_derived(name: str, texts: list[str], fallback: str) -> bool:
    """Whether a name is one that a label gave, not a person: then it follows the label while nothing is stored."""
    base = re.sub(r"_\d+$", "", name)
    given = {name_from(text, fallback) for text in texts} | {fallback}
    return name in given or base in given


def text_of(label: Any, language: str) -> str:
    """A label as the file has it, in a language or the next best."""
    if isinstance(label, dict):
        return str(label.get(language) or next(iter(label.values()), ""))
    return str(label or "")


def texts_of(label: Any) -> list[str]:
    """The texts of a label as the file has it."""
    if isinstance(label, dict):
        return [str(text) for text in label.values()]
    return [str(label)] if label is not None else []


def label_value(texts: Mapping[str, str], siblings: list[Any], languages: list[str]) -> Any:
    """A new label written as its siblings write theirs: one text, or a map of the application's languages."""
    known = {language: texts[language] for language in languages if texts.get(language)}
    if any(isinstance(label, dict) for label in siblings) or (len(languages) > 1 and not siblings):
        return known
    return next(iter(known.values()), "")


def labelled(current: Any, language: str, text: str, siblings: list[Any], languages: list[str]) -> Any:
    """A label with another text in one language; the texts in the others stay."""
    if isinstance(current, dict):
        return {**current, language: text}
    if isinstance(current, str) and current and any(isinstance(label, dict) for label in siblings):
        other = next((one for one in languages if one != language), language)
        return {language: text} if other == language else {other: current, language: text}
    return text if isinstance(current, str) else label_value({language: text}, siblings, languages)
