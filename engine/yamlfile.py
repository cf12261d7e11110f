"""One YAML file → plain data and the place of every key and value in its text.

Strict on purpose: a definition is written by people, read by people, and edited in place by the designer, so whatever
YAML could hide is refused: aliases (a kilobyte that grows to a gigabyte), tags, merge keys, duplicate keys (the last
one would win silently), invisible characters. Scalars are read as in YAML 1.2: only ``true`` and ``false`` are
booleans, ``NO``, ``on``, ``22:22``, ``01234`` and ``2026-11-01`` stay texts, decimals are exact.

Two parsers read it. libyaml's is six times as fast; only its events are used, since PyYAML's composer for them ends the
process on a hundred thousand ``[``. Whatever is not plain sailing is read again by the pure Python one, whose sentences
and places are the ones that count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import yaml

from engine.errors import Finding, Message, message

Path = tuple[str | int, ...]
Event = Any  # the parser's events; their published types know neither anchors nor marks

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 40
MAX_DIGITS = 40

# Controls except tab and line ends; soft hyphen, zero-width and bidi characters; line ends other than \n and \r.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e007f]"
)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_CONSTANTS = {"true": True, "false": False, "": None, "~": None, "null": None}


class Span(NamedTuple):
    """Where something stands: offsets into ``Source.text`` (end exclusive), line and column from 1.

    ``style`` is ``""`` for a plain text, the quote for a quoted one, ``|`` or ``>`` for a block text, ``{`` or ``[``
    for a flow collection, ``block`` for an indented one.
    """

    start: int
    end: int
    line: int
    column: int
    style: str


@dataclass(frozen=True)
class Source:
    """A file that was read: its text, its data, the place of each key and value by path, and what is wrong with it.

    ``data`` is None when the text is no YAML at all. After a byte order mark ``text`` begins behind it.
    """

    file: str
    text: str
    data: Any = None
    keys: Mapping[Path, Span] = field(default_factory=dict)
    values: Mapping[Path, Span] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def value_at(self, path: Path) -> Span:
        """The place of a value; of the nearest thing around it when it is not written in the file."""
        return self._nearest(path, (self.values, self.keys))

    def key_at(self, path: Path) -> Span:
        """The place of a key (of a list item: the item)."""
        return self._nearest(path, (self.keys, self.values))

    def _nearest(self, path: Path, places: tuple[Mapping[Path, Span], ...]) -> Span:
        for length in range(len(path), -1, -1):
            for spans in places:
                if span := spans.get(path[:length]):
                    return span
        return Span(0, 0, 1, 1, "")


def plain_value(text: str) -> Any:
    """What a text without quotes means: true, false, nothing, a whole number, an exact decimal, or the text itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > MAX_DIGITS or not (number := _NUMBER.fullmatch(text)):
        return text
    return Decimal(text) if number[2] else int(text)


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def read_source(raw: bytes | str, file: str = "definition.yaml") -> Source:
    """The bytes of a definition file, read. Never raises for what the bytes hold: see ``Source.findings``."""
    encoded = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(encoded) > MAX_BYTES:
        return _unreadable(
            file,
            "",
            message("The file has {size} bytes; at most {limit} are read.", size=len(encoded), limit=MAX_BYTES),
        )
    try:
        text = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = encoded[: error.start]
        line, start = before.count(b"\n") + 1, before.rfind(b"\n") + 1
        reason = message(
            "The file is not UTF-8 text: byte {byte} cannot be read.", byte=f"0x{encoded[error.start]:02x}"
        )
        return _unreadable(file, "", reason, line, len(before[start:].decode("utf-8", "replace")) + 1)
    if hidden := _FORBIDDEN.search(text):
        return _unreadable(file, text, _forbidden(hidden.group()), *_line_and_column(text, hidden.start()))
    return _quickly(file, text) or _Composer(file, text).compose(_Parser)


def _quickly(file: str, text: str) -> Source | None:
    """None where the two parsers could disagree: about mistakes, tabs, and where a value stands that is not there."""
    if not yaml.__with_libyaml__ or "\t" in text:
        return None
    composer = _Composer(file, text)
    source = composer.compose(yaml.CSafeLoader)
    plain = not source.findings and all(span.start < span.end for span in source.values.values())
    return source if plain or composer.stopped else None


def _unreadable(file: str, text: str, reason: Message, line: int = 1, column: int = 1) -> Source:
    return Source(file, text, findings=(Finding("error", reason, "", line, column, file),))


def _forbidden(character: str) -> Message:
    code = f"U+{ord(character):04X}"
    return message(
        "The character {code} ({name}) cannot be seen and is not allowed.",
        code=code,
        name=unicodedata.name(character, "CONTROL"),
    )


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


_PLAIN_BLOCK = re.compile(r"(?:[^\0 \t\r\n:]|:(?![\0 \t\r\n]))+")
_PLAIN_FLOW = re.compile(r"(?:[^\0 \t\r\n:,\[\]{}]|:(?![\0 \t\r\n,\[\]{}]))+")


class _Parser(yaml.SafeLoader):
    """PyYAML's parser, but a plain text between brackets may hold ``?``, as YAML 1.2 and every other reader say.

    ``{en: Sure?}`` is refused by PyYAML's own.
    """

    def scan_plain(self) -> yaml.ScalarToken:
        pattern = _PLAIN_FLOW if self.flow_level else _PLAIN_BLOCK
        start = end = self.get_mark()
        indent = self.indent + 1
        chunks: list[str] = []
        spaces: list[str] = []
        while self.peek() != "#" and (found := pattern.match(self.buffer, self.pointer)):
            self.allow_simple_key = False
            chunks += [*spaces, found.group()]
            self.forward(len(found.group()))
            end = self.get_mark()
            spaces = self.scan_plain_spaces(indent, start) or []
            if not spaces or (not self.flow_level and self.column < indent):
                break
        return yaml.ScalarToken("".join(chunks), True, start, end)


class _Stop(Exception):
    """Reading cannot go on; the finding is already noted."""


class _Composer:
    """Events of the YAML parser → data, with the place of everything."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self.findings: list[Finding] = []
        self.nodes = 0
        self.stopped = False  # at a limit, or there was nothing
        self.events: Iterator[Event] = iter(())

    def compose(self, parser: type[Any]) -> Source:
        data = None
        try:
            self.events = yaml.parse(self.text, Loader=parser)
            data = self._document()
        except _Stop:
            self.stopped = True
        except yaml.YAMLError as error:
            self._note_syntax(error)
        return Source(self.file, self.text, data, self.keys, self.values, tuple(self.findings))

    def _document(self) -> Any:
        next(self.events)  # stream start
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            reason = message("The file is empty; expected a definition that starts with 'app:'.")
            self.findings.append(Finding("error", reason, "", 1, 1, self.file))
            raise _Stop
        data = self._node(next(self.events), (), 0)
        next(self.events)  # document end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._note(event.start_mark, (), message("A second document starts here; a file holds one definition."))
        return data

    def _node(self, event: Event, path: Path, depth: int) -> Any:
        self._count(event, path, depth)
        self._refuse_sharing(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, path, depth)
        return None  # an alias, refused above

    def _count(self, event: Event, path: Path, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._note(event.start_mark, path, message("The file holds more than {limit} values.", limit=MAX_NODES))
            raise _Stop
        if depth > MAX_DEPTH:
            self._note(event.start_mark, path[:6], message("Nested deeper than {limit} levels.", limit=MAX_DEPTH))
            raise _Stop

    def _refuse_sharing(self, event: Event, path: Path) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._note(
                event.start_mark, path, message("'*{name}' is an alias; write the value here again.", name=event.anchor)
            )
            self.values[path] = _span(event, "")
        elif event.anchor:
            self._note(event.start_mark, path, message("'&{name}' is an anchor; leave it out.", name=event.anchor))
        if tag := getattr(event, "tag", None):
            self._note(event.start_mark, path, message("'{tag}' is a tag; leave it out.", tag=_short(tag)))

    def _scalar(self, event: Event, path: Path) -> Any:
        self.values[path] = _span(event, event.style or "")
        if hidden := _FORBIDDEN.search(event.value):
            self._note(event.start_mark, path, _forbidden(hidden.group()))
        if event.style or not event.implicit[0]:
            return event.value
        return self._plain(event, path)

    def _plain(self, event: Event, path: Path) -> Any:
        value: str = event.value
        if len(value) > MAX_DIGITS and _NUMBER.fullmatch(value):
            reason = message("A number of {count} digits; put it in quotes if it is a text.", count=len(value))
            self._note(event.start_mark, path, reason)
            return 0
        return plain_value(value)

    def _mapping(self, start: Event, path: Path, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        seen: dict[str, tuple[str, int]] = {}
        end = start.end_mark.index
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            end = self._entry(event, data, seen, path, depth)
        self.values[path] = _collection(start, event, "{", end)
        return data

    def _entry(
        self, event: Event, data: dict[str, Any], seen: dict[str, tuple[str, int]], path: Path, depth: int
    ) -> int:
        """One ``key: value``; answers where it ends. What has no usable key is read and left out."""
        key = self._key(event, path, depth)
        here: Path = (*path, key if key is not None else "?")
        if key is None or self._is_again(key, event, seen, here):
            return self._skip(next(self.events), here, depth + 1)
        self.keys[here] = _span(event, event.style or "")
        data[key] = self._node(next(self.events), here, depth + 1)
        return self.values[here].end

    def _skip(self, event: Event, path: Path, depth: int) -> int:
        """Read a value that is left out, and answer where it ends."""
        kept = self.keys, self.values
        self.keys, self.values = {}, {}
        self._node(event, path, depth)
        end = self.values[path].end
        self.keys, self.values = kept
        return end

    def _key(self, event: Event, path: Path, depth: int) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._note(
                event.start_mark, path, message("A key must be a plain name, not a list, a mapping or an alias.")
            )
            self._skip(event, (*path, "?"), depth + 1)
            return None
        self._count(event, path, depth)
        self._refuse_sharing(event, path)
        if event.value == "<<" and not event.style:
            self._note(event.start_mark, path, message("'<<' merges mappings; write the keys here again."))
            return None
        if not event.value:
            self._note(event.start_mark, path, message("A key is empty."))
            return None
        if hidden := _FORBIDDEN.search(event.value):
            self._note(event.start_mark, path, _forbidden(hidden.group()))
            return None
        return str(event.value)

    def _is_again(self, key: str, event: Event, seen: dict[str, tuple[str, int]], path: Path) -> bool:
        """Two keys that look the same are one, however they are encoded."""
        line = event.start_mark.line + 1
        first, first_line = seen.setdefault(unicodedata.normalize("NFC", key), (key, line))
        if (first_line, first) == (line, key) and path not in self.keys:
            return False
        self._note(
            event.start_mark,
            path,
            message(
                "'{key}' stands twice, in lines {first} and {second}; keep one.", key=key, first=first_line, second=line
            ),
        )
        return True

    def _sequence(self, start: Event, path: Path, depth: int) -> list[Any]:
        data: list[Any] = []
        end = start.end_mark.index
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            here = (*path, len(data))
            data.append(self._node(event, here, depth + 1))
            end = self.values[here].end
        self.values[path] = _collection(start, event, "[", end)
        return data

    def _note(self, mark: Any, path: Path, reason: Message) -> None:
        self.findings.append(Finding("error", reason, dotted(path), mark.line + 1, mark.column + 1, self.file))

    def _note_syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        self.findings.append(Finding("error", _in_our_words(problem), "", line, column, self.file))


_INDENT = message("The line does not fit the lines above: check its indentation.")
_OPEN = message("A quote or bracket is opened and never closed.")
# The parser's words for the mistakes people make most, said so that one can act on them.
_SYNTAX = (
    (
        "mapping values are not allowed here",
        message("A ':' where none can stand: check the indentation, or put the text in quotes."),
    ),
    ("found character '\\t' that cannot start any token", message("A tab; indent with spaces.")),
    ("could not find expected ':'", message("A ':' is missing after the key in the lines above.")),
    ("found unexpected end of stream", _OPEN),
    ("expected the node content, but found '<stream end>'", _OPEN),
    ("expected ',' or ']', but got '<stream end>'", _OPEN),
    ("expected ',' or '}', but got '<stream end>'", _OPEN),
    ("expected <block end>, but found", _INDENT),
    ("expected '<document start>', but found", _INDENT),
    ("expected ',' or", message("A ',' or the closing bracket is missing before this.")),
)


def _in_our_words(problem: str) -> Message:
    found = next((said for start, said in _SYNTAX if problem.startswith(start)), None)
    return found or message("This is not valid YAML: {problem}.", problem=problem)


def _span(event: Event, style: str) -> Span:
    start = event.start_mark
    return Span(start.index, event.end_mark.index, start.line + 1, start.column + 1, style)


def _collection(start: Event, end: Event, bracket: str, last: int) -> Span:
    """A block's end mark swallows the comments behind it: it ends with its last value."""
    mark = start.start_mark
    if start.flow_style:
        return Span(mark.index, end.end_mark.index, mark.line + 1, mark.column + 1, bracket)
    return Span(mark.index, last, mark.line + 1, mark.column + 1, "block")


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
