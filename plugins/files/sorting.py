"""A file taken apart once: its things in the order of their first rows, and its faults, each as lines of JSON.

A thing is all rows with the same key. It is whole or not at all: where one of its rows is at fault, all of them are
told as faults, so that the corrected rows, dropped again, are the whole thing. What is made here is a copy for this
machine: it can be thrown away at any time and is made anew, the same, from the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, TextIO

from engine.api import Invalid, Message, convert_table, converted_rows, folded, message, say
from plugins.files.cutting import (
    HEADING_WITHIN,
    MOST_COLUMNS,
    Cutter,
    Fault,
    Heading,
    Row,
    encoding_of,
    heading_of,
    rows_of,
)

MOST_LINES = 2_000  # rows of one thing
MOST_APART = 200_000  # rows of things whose rows do not stand together
KEEP = 2 * 86_400  # seconds a copy stays that nobody asks for
_SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")

Numbered = list[Any]  # [number, cells]


@dataclass(frozen=True)
class Sorted:
    """What a file holds. ``things`` and ``faults`` are counts; ``encoding`` is "" for a workbook."""

    names: tuple[str, ...]
    key: tuple[int, ...]
    things: int
    faults: int
    encoding: str


@dataclass(frozen=True)
class Wanted:
    """How files are read. ``key``: the columns that name a thing; ``columns``: name → other headings of it;
    ``encoding``: "" to find out; ``language``: of the reasons."""

    key: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    encoding: str
    language: str

    @property
    def aliases(self) -> dict[str, str]:
        named = {folded(name): name for name in (*self.key, *self.columns)}
        others = {folded(other): name for name, headings in self.columns.items() for other in headings}
        return {**others, **named}


class Copy:
    """Where the parts of a file lie on this machine."""

    def __init__(self, folder: Path) -> None:
        self.source, self.things, self.faults = folder / "source", folder / "things", folder / "faults"
        self._sorted = folder / "sorted.json"

    def known(self) -> Sorted | None:
        """What was found, if it was taken apart to the end."""
        if not self._sorted.exists():
            return None
        told = json.loads(self._sorted.read_text())
        return Sorted(**{**told, "names": tuple(told["names"]), "key": tuple(told["key"])})

    def finish(self, found: Sorted) -> Sorted:
        part = self._sorted.with_suffix(".part")
        part.write_text(json.dumps(asdict(found)))
        part.replace(self._sorted)
        return found

    def each_fault(self) -> Iterator[tuple[int, str, str, list[str]]]:
        """(row, column, reason, cells), in the order of the file as far as that costs little."""
        with self.faults.open(encoding="utf-8") as file:
            told = [tuple(json.loads(line)) for line in islice(file, MOST_APART)]
            yield from sorted(told)
            yield from (tuple(json.loads(line)) for line in file)

    def each_thing(self, offset: int = 0) -> Iterator[tuple[int, str, list[Numbered]]]:
        """(offset behind it, key, rows) of each thing from an offset."""
        with self.things.open("rb") as file:
            file.seek(offset)
            for line in iter(file.readline, b""):
                key, rows = json.loads(line)
                yield file.tell(), key, rows


def copies() -> Path:
    """Where this user's copies lie; nobody else may look into it. What nobody came back for is thrown away."""
    folder = Path(tempfile.gettempdir()) / f"appmill-files-{os.getuid() if hasattr(os, 'getuid') else 0}"
    folder.mkdir(mode=0o700, exist_ok=True)
    told = folder.lstat()
    if folder.is_symlink() or (hasattr(os, "getuid") and (told.st_uid != os.getuid() or told.st_mode & 0o077)):
        raise PermissionError(f"{folder} belongs to somebody else")
    for each in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - each.stat().st_mtime > KEEP:
                shutil.rmtree(each, ignore_errors=True)
    return folder


def sort(copy: Copy, name: str, wanted: Wanted) -> Sorted:
    """Take the source of a copy apart. Raises Invalid for what is no table with the wanted columns."""
    encoding, cutter = _rows(copy, name, wanted)
    found = iter(cutter)
    first = list(islice(found, HEADING_WITHIN))
    heading = heading_of([row for row in first if isinstance(row, Row)], wanted.key, wanted.aliases)
    _check_columns(heading, wanted)
    with copy.things.open("w", encoding="utf-8") as things, copy.faults.open("w", encoding="utf-8") as faults:
        sorter = _Sorter(heading, wanted, things, faults)
        if isinstance(cutter, Cutter):
            cutter.width, sorter.least = len(heading.names), _least(heading)
        for row in chain((row for row in first if row.number > heading.row), found):
            sorter.take(row)
        sorter.end()
    sorter.mend(copy)
    return copy.finish(Sorted(heading.names, sorter.key, sorter.things, sorter.faults, encoding))


def _rows(copy: Copy, name: str, wanted: Wanted) -> tuple[str, Iterable[Row | Fault]]:
    if copy.source.stat().st_size == 0:
        raise Invalid(message("The file is empty."))
    if name.lower().endswith(_SHEETS):
        table = copy.source.with_name("table")
        convert_table(copy.source, table)
        return "", _of_sheet(table)
    encoding = wanted.encoding or encoding_of(copy.source)
    if encoding == "utf-8":
        encoding = "utf-8-sig"  # with a mark or without
    return encoding, rows_of(copy.source, encoding, wanted.key)


def _of_sheet(table: Path) -> Iterator[Row | Fault]:
    with table.open("rb") as file:
        yield from (Row(number, cells) for number, cells in converted_rows(file))


def _check_columns(heading: Heading, wanted: Wanted) -> None:
    if len(heading.names) > MOST_COLUMNS:
        raise Invalid(message("The table has more than {most} columns.", most=MOST_COLUMNS))
    missing = tuple(name for name in wanted.columns if name not in heading.names)
    if missing:
        raise Invalid(message("The columns {columns} are missing.", columns=missing))


class _Sorter:
    def __init__(self, heading: Heading, wanted: Wanted, things: TextIO, faults: TextIO) -> None:
        names = [folded(name) for name in heading.names]
        self.key = tuple(names.index(folded(name)) for name in wanted.key)
        self._names, self._wanted = heading.names, wanted
        self.least = 0
        self._heading = _trimmed(heading.cells)
        self._into, self._faults_into = things, faults
        self.things = self.faults = 0
        self._current: str | None = None
        self._rows: list[Numbered] = []
        self._hashes = array("q")
        self._bad: set[str] = set()

    def take(self, row: Row | Fault) -> None:
        if isinstance(row, Fault):
            self._fault(row.number, row.place, row.reason, row.cells)
            return
        cells = _trimmed(row.cells)
        if not cells or cells == self._heading:  # files put together repeat it
            return
        if len(cells) > len(self._names) or len(row.cells) < self.least:
            expected = len(self._names)
            said = message("The row has {got} cells, the heading {expected}.", got=len(row.cells), expected=expected)
            self._fault(row.number, None, said, row.cells)
            return
        cells += [""] * (len(self._names) - len(cells))
        key = self._key_of(cells)
        if key is None:
            place = next(place for place in self.key if not cells[place])
            self._fault(row.number, place, message("The cell that names the thing is empty."), cells)
        else:
            self._add(key, [row.number, cells])

    def _key_of(self, cells: Sequence[str]) -> str | None:
        parts = [cells[place] if place < len(cells) else "" for place in self.key]
        return None if "" in parts else " / ".join(parts)

    def _add(self, key: str, row: Numbered) -> None:
        if key != self._current:
            self._flush()
            self._current = key
        self._rows.append(row)
        if len(self._rows) > MOST_LINES:
            said = message("More than {most} rows have the same key {key}.", most=MOST_LINES, key=key)
            self._write_faults(self._rows, said)
            self._bad.add(key)
            self._rows = []

    def _flush(self) -> None:
        if self._current is not None and self._rows:
            self._hashes.append(hash(self._current))
            self.things += 1
            self._into.write(json.dumps([self._current, self._rows], ensure_ascii=False) + "\n")
        self._rows = []

    def end(self) -> None:
        self._flush()
        self._into.flush()

    def _fault(self, number: int, place: int | None, reason: Message, cells: list[str]) -> None:
        column = self._names[place] if place is not None and place < len(self._names) else ""
        self._write_fault(number, column, reason, cells)
        if (key := self._key_of(cells)) is not None:
            self._bad.add(key)

    def _write_faults(self, rows: Iterable[Numbered], reason: Message) -> None:
        for number, cells in rows:
            self._write_fault(number, "", reason, cells)

    def _write_fault(self, number: int, column: str, reason: Message, cells: list[str]) -> None:
        self.faults += 1
        told = [number, column, say(reason, self._wanted.language), cells]
        self._faults_into.write(json.dumps(told, ensure_ascii=False) + "\n")

    # --- what only the end of the file tells

    def mend(self, copy: Copy) -> None:
        """Bring the rows of a thing together that stand apart, and take out things with a row at fault."""
        apart = self._apart()
        if not apart and not self._bad:
            return
        gathered = self._gathered(copy, apart)
        mended = copy.things.with_suffix(".part")
        self.things = 0
        with mended.open("w", encoding="utf-8") as things, copy.faults.open("a", encoding="utf-8") as faults:
            self._into, self._faults_into = things, faults
            for _offset, key, rows in copy.each_thing():
                whole = gathered.pop(key, None) if hash(key) in apart else rows
                if whole is not None:
                    self._once(key, whole)
        mended.replace(copy.things)

    def _once(self, key: str, rows: list[Numbered]) -> None:
        if key in self._bad:
            self._write_faults(rows, another_wrong(key))
        elif len(rows) > MOST_LINES:
            said = message("More than {most} rows have the same key {key}.", most=MOST_LINES, key=key)
            self._write_faults(rows, said)
        else:
            self.things += 1
            self._into.write(json.dumps([key, rows], ensure_ascii=False) + "\n")

    def _apart(self) -> set[int]:
        ordered = sorted(self._hashes)
        return {one for one, after in pairwise(ordered) if one == after}

    def _gathered(self, copy: Copy, apart: set[int]) -> dict[str, list[Numbered]]:
        found: dict[str, list[Numbered]] = {}
        count = 0
        for _offset, key, rows in copy.each_thing() if apart else ():
            if hash(key) in apart:
                found.setdefault(key, []).extend(rows)
                count += len(rows)
                if count > MOST_APART:
                    raise Invalid(message("Rows of the same thing stand far apart; sort the file by {columns}.",
                                          columns=self._wanted.key))  # fmt: skip
        return found


def another_wrong(key: str) -> Message:
    return message("Another row of {key} is wrong; it is taken as a whole or not at all.", key=key)


def _least(heading: Heading) -> int:
    """How many cells a row has at least: columns without a heading at the end may be left out."""
    return max(place + 1 for place, name in enumerate(heading.names) if not name.startswith("column "))


def _trimmed(cells: Iterable[str]) -> list[str]:
    found = list(cells)
    while found and not found[-1]:
        found.pop()
    return found
