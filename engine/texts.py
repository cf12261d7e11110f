"""What people read, in their language: English patterns are the keys, catalogues give the Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from babel.messages.pofile import read_po

from engine.errors import Message
from engine.language import Label

OWN_FOLDER = Path(__file__).parent / "translations"
_FOLDERS = [OWN_FOLDER]


def learn(folder: Path) -> None:
    """The catalogues of a plugin: ``<language>/*.po``, read after the engine's own."""
    if folder not in _FOLDERS:
        _FOLDERS.append(folder)
        _own.cache_clear()


def folders() -> tuple[Path, ...]:
    """Where catalogues are looked for."""
    return tuple(_FOLDERS)


class Catalogue:
    """The texts of folders, by default all that are known; one holds ``<language>/*.po``, and later folders win."""

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self.folders = tuple(_FOLDERS if folders is None else folders)
        self._texts: dict[str, Mapping[str, str]] = {}

    def texts(self, language: str) -> Mapping[str, str]:
        """English pattern → text; read once per language."""
        found = self._texts.get(language)
        if found is None:
            found = self._texts[language] = MappingProxyType(_read(self.folders, language))
        return found

    def translate(self, pattern: str, language: str) -> str:
        """The pattern in the language; the pattern itself where nobody translated it."""
        return self.texts(language).get(pattern, pattern)

    def say(self, what: Message | Label | str, language: str) -> str:
        """A message with its values filled in; labels and messages among them are said in the language too."""
        if isinstance(what, Message):
            pattern = self.translate(what.pattern, language)
            return _fill(pattern, what, {name: self._value(value, language) for name, value in what.values.items()})
        if isinstance(what, Label):
            return what.text(language)
        return self.translate(what, language)

    def _value(self, value: Any, language: str) -> Any:
        if isinstance(value, (Message, Label)):
            return self.say(value, language)
        if isinstance(value, (tuple, list)):
            separator = "、" if language == "zh" else ", "
            return separator.join(str(self._value(item, language)) for item in value)
        return value

    def translator(self, language: str) -> Callable[..., str]:
        """The `_` of a template: ``_("Saved {count} records", count=3)``."""

        def translate(pattern: str, **values: Any) -> str:
            if not values:
                return self.translate(pattern, language)
            return self.say(Message(pattern, values), language)

        return translate


def _read(folders: Iterable[Path], language: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for folder in folders:
        for path in sorted((folder / language).glob("*.po")):
            with path.open("rb") as file:
                entries = read_po(file, locale=language, abort_invalid=True)
            texts.update({str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string})
    return texts


def _fill(pattern: str, said: Message, values: Mapping[str, Any]) -> str:
    """The pattern with its values; a translation that names a value the message lacks falls back to English."""
    try:
        return pattern.format_map(values)
    except (KeyError, IndexError, ValueError):
        return said.pattern.format_map(dict(values))


@cache
def _own() -> Catalogue:
    return Catalogue()


def read_texts(languages: Iterable[str]) -> None:
    """Read the catalogues now, half a second a language, so that nobody waits for it later."""
    for language in languages:
        _own().texts(language)


def say(what: Message | Label | str, language: str) -> str:
    """The message in the language, from the catalogues of the engine and its plugins."""
    return _own().say(what, language)


def translator(language: str) -> Callable[..., str]:
    """`_` for one language, from the catalogues of the engine and its plugins."""
    return _own().translator(language)
