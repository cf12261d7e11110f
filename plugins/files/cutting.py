"""Text that somebody calls CSV, cut into rows one at a time: what cannot be read is a fault of its row and no more.

Nothing here trusts a file: a quote that is never closed swallows no other row, a cell has a largest size, and what is
no text is refused by its first bytes.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from engine.api import Invalid, Message, announced_delimiter, delimiter_of, folded, message, unguarded

SAMPLE = 64 * 1024
LONGEST_CELL = 100_000  # characters
LONGEST_LINE = 1_000_000
MOST_LINES = 100  # of one row, whose cells have line ends in them
HEADING_WITHIN = 20
MOST_COLUMNS = 300
VOTING = 20_000  # lines that tell one encoding from another
DELIMITERS = ",;\t|"
_NO_TEXT = (
    b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF",
)  # fmt: skip
_BROKEN = re.compile("[\udc80-\udcff\ufffd]")
_AS_TEXT = re.compile(r'="([^"]*)"')  # how some exports keep the zeros in front of a number


class Row(NamedTuple):
    """``number``: of the row in the file, from 1, as a spreadsheet shows it."""

    number: int
    cells: list[str]


class Fault(NamedTuple):
    """A row that cannot be read. ``place``: the cell that is to blame, from 0; None: the row as a whole."""

    number: int
    place: int | None
    reason: Message
    cells: list[str]


# --- what it is written in


def encoding_of(path: Path) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-16 by its zeros, else whichever of UTF-8 and GB18030 more lines are written
    in. Raises Invalid for what is no text."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
        if start.startswith(_NO_TEXT):
            raise Invalid(message("The file is no text but an archive, a picture or the like; drop CSV or XLSX."))
        if start.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if zeros := start.count(0):
            if wide := _wide(start):
                return wide
            if zeros > len(start) // 20:
                raise Invalid(message("The file is no text: it is full of zeros."))
        file.seek(0)
        lines = iter(lambda: file.readline(LONGEST_LINE), b"")
        votes = [_is_utf8(line) for line in islice((line for line in lines if not line.isascii()), VOTING)]
    return "utf-8" if 2 * sum(votes) >= len(votes) else "gb18030"


def _wide(start: bytes) -> str | None:
    even, odd, half = start[::2].count(0), start[1::2].count(0), len(start) // 2
    if odd > half // 5 > even * 4:
        return "utf-16-le"
    return "utf-16-be" if even > half // 5 > odd * 4 else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def opened(path: Path, encoding: str) -> TextIO:
    """Its text; what cannot be decoded stays recognisable, so that only its row is lost."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return path.open(encoding=encoding, errors=errors, newline="")


# --- rows


def delimiter_for(path: Path, encoding: str, wanted: Sequence[str]) -> str:
    """The one a first row with the wanted columns is cut by; else the one that cuts most evenly."""
    with opened(path, encoding) as file:
        sample = file.read(SAMPLE)
    if found := announced_delimiter(sample):
        return found
    names = {folded(name) for name in wanted}
    for one in DELIMITERS:
        cut = islice(Cutter(iter(sample.splitlines(keepends=True)), one), HEADING_WITHIN)
        if any(names <= {folded(cell) for cell in row.cells} for row in cut):
            return one
    return delimiter_of(sample)


class Cutter:
    """Rows and faults of lines of text. ``width``, once it is known, is how many cells a row over several lines must
    have to be believed: otherwise its first line has a quote too many, and the next is a row of its own."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines, self._delimiter = lines, delimiter
        self._waiting: deque[str] = deque()
        self._number = 0
        self.width: int | None = None

    def __iter__(self) -> Iterator[Row | Fault]:
        while (line := self._next()) is not None:
            self._number += 1
            yield self._cut(line)

    def _next(self) -> str | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _cut(self, line: str) -> Row | Fault:
        if len(line) >= LONGEST_LINE:
            said = message("The row has more than {most} characters.", most=LONGEST_LINE)
            return Fault(self._number, None, said, [_shown(line)])
        if '"' not in line:
            return self._row(line.rstrip("\r\n").split(self._delimiter))
        pulled: list[str] = []
        try:
            cells = next(csv.reader(self._pulling(line, pulled), delimiter=self._delimiter, strict=True), [])
        except (csv.Error, _TooLong):
            pass
        else:
            if len(pulled) == 1 or self.width is None or len(cells) == self.width:
                return self._row(cells)
        self._waiting.extendleft(reversed(pulled[1:]))
        said = message("A quote is opened and not closed, or closed in the middle of a cell.")
        return Fault(self._number, None, said, self._roughly(line))

    def _pulling(self, line: str, pulled: list[str]) -> Iterator[str]:
        following: str | None = line
        while following is not None:
            pulled.append(following)
            if len(pulled) > MOST_LINES or len(following) > LONGEST_LINE:
                raise _TooLong
            yield following
            following = self._next()

    def _roughly(self, line: str) -> list[str]:
        return [_shown(cell) for cell in line.rstrip("\r\n").split(self._delimiter)]

    def _row(self, cells: list[str]) -> Row | Fault:
        for place, cell in enumerate(cells):
            if not cell.isascii() and _BROKEN.search(cell):
                return self._fault(place, message("Some letters cannot be read: the file mixes encodings."), cells)
            if "\0" in cell:
                return self._fault(place, message("The cell holds zeros (NUL) instead of letters."), cells)
            if len(cell) > LONGEST_CELL:
                said = message("The cell holds more than {most} characters.", most=LONGEST_CELL)
                return self._fault(place, said, cells)
        return Row(self._number, [_plain(cell) for cell in cells])

    def _fault(self, place: int, reason: Message, cells: list[str]) -> Fault:
        return Fault(self._number, place, reason, [_shown(cell) for cell in cells])


class _TooLong(Exception):
    pass


def _plain(cell: str) -> str:
    cell = cell.strip()
    if cell.startswith('="') and (found := _AS_TEXT.fullmatch(cell)):
        return found[1].strip()
    return unguarded(cell) if cell.startswith("'") else cell


def _shown(cell: str) -> str:
    return _BROKEN.sub("\ufffd", cell.replace("\0", "\u2400").strip())[:1000]


def lines_of(file: TextIO) -> Iterator[str]:
    """Its lines; what has no end is cut, so that a file without line ends costs no more memory than a row."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\r", "\n")):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(("\r", "\n")):
                continue
        yield line


def rows_of(path: Path, encoding: str, wanted: Sequence[str]) -> Cutter:
    """The cutter of a text file, beyond a first line that only says the delimiter."""
    delimiter = delimiter_for(path, encoding, wanted)
    return Cutter(_lines(path, encoding), delimiter)


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with opened(path, encoding) as file:
        yield from lines_of(file)


# --- headings


class Heading(NamedTuple):
    """``names``: of each column, each once; ``row``: the number of the last row of the heading."""

    names: tuple[str, ...]
    row: int
    cells: tuple[str, ...]


RESERVED = ("file", "row", "lines")  # what an item tells of itself


def heading_of(rows: Sequence[Row], key: Sequence[str], aliases: dict[str, str]) -> Heading:
    """The row that has the key columns, together with a second one below it, as merged cells leave it. ``aliases``:
    folded heading → the name items know the column by. Raises Invalid."""
    for place, row in enumerate(rows):
        known = [aliases.get(folded(cell), "") or _one_line(cell) for cell in row.cells]
        if {folded(name) for name in key} <= {folded(name) for name in known}:
            below = rows[place + 1] if place + 1 < len(rows) else None
            if below is not None and _goes_on(known, below.cells, key):
                names = _names(_joined(known, below.cells), aliases)
                return Heading(names, below.number, tuple(row.cells))
            return Heading(_names(known, aliases), row.number, tuple(row.cells))
    said = message("None of the first {rows} rows has the columns {columns}.", rows=HEADING_WITHIN, columns=tuple(key))
    raise Invalid(said)


def _goes_on(names: Sequence[str], below: Sequence[str], key: Sequence[str]) -> bool:
    """A row right under a heading that has texts under its gaps and nothing under the key."""
    wanted = {folded(name) for name in key}
    under_key = [cell for name, cell in zip(names, below, strict=False) if folded(name) in wanted]
    gaps = [cell for place, cell in enumerate(below) if place >= len(names) or not names[place]]
    return not any(under_key) and any(gaps)


def _joined(above: Sequence[str], below: Sequence[str]) -> list[str]:
    width = max(len(above), len(below))
    over, found, last = [*above, *[""] * (width - len(above))], [], ""
    for place, lower in enumerate([*below, *[""] * (width - len(below))]):
        last = over[place] or last
        found.append((lower, last) if lower else (over[place], ""))
    lowest = [lower for lower, _group in found]
    return [f"{group} {lower}" if group and lowest.count(lower) > 1 else lower for lower, group in found]


def _names(texts: Iterable[str], aliases: dict[str, str]) -> tuple[str, ...]:
    """Each once: a second 数量 is "数量 2"; without a heading it is called by its place."""
    taken, names = set(RESERVED), []
    for place, text in enumerate(texts, 1):
        wanted = aliases.get(folded(text), _one_line(text)) or f"column {place}"
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted} {number}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _one_line(text: str) -> str:
    return " ".join(text.split())
