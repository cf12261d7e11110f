"""A file of rows, whatever wrote it, as one stream of numbered rows of texts.

A workbook is taken apart once, in a process of its own; CSV here. Both become a file with one JSON line per row, which
everything after it reads as a stream: a check of 20,000 rows holds a few hundred of them at a time.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from engine.errors import Invalid, Message, message
from engine.formats import integer
from engine.spreadsheets import unguarded

LARGEST = 20 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 300
SECONDS = 150
DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024
_SCRIPT = Path(__file__).with_name("workbook.py")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # xlsx, xlsb, ods; xls
_OTHERS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF")


class Row(NamedTuple):
    """``number`` is the row's number in the file, from 1; ``cells`` its texts, without empty ones at the end."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """What was read. ``sheets`` is empty and ``encoding`` and ``delimiter`` are said for CSV."""

    rows: int
    sheets: tuple[str, ...] = ()
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None


def convert(source: Path, target: Path, sheet: str | None = None) -> Table:
    """Take a file apart into ``target``; raises Invalid for what is no table or too large to be one."""
    with source.open("rb") as file:
        start = file.read(8)
    if not start:
        raise Invalid(message("The file is empty."))
    table = _from_workbook(source, target, sheet) if start.startswith(_WORKBOOKS) else _from_text(source, target)
    if not table.rows:
        raise Invalid(message("The file has no rows."))
    return table


def refuse_others(start: bytes) -> None:
    """Raise Invalid for what its first bytes say is no table, before it is stored as what it is."""
    if start.startswith(_OTHERS):
        raise Invalid(_ERRORS["unreadable"])


def rows(stream: Iterable[bytes]) -> Iterator[Row]:
    """The rows of a converted file."""
    for line in stream:
        number, cells = json.loads(line)
        yield Row(number, cells)


# --- workbooks -------------------------------------------------------------------------------------------------------

_ERRORS: dict[str, Message] = {
    "password": message("The workbook is protected by a password; save it without one."),
    "empty": message("The workbook has no sheet with rows."),
    "wide": message("The table has more than {most} columns.", most=MOST_COLUMNS),
    "long": message("The table has more than {most} rows; split it.", most=integer(MOST_ROWS)),
    "large": message("The workbook is too large to be read; remove empty rows and columns, or save it as CSV."),
    "unreadable": message("The file cannot be read. It should be XLSX, XLS, ODS or CSV."),
}


def _from_workbook(source: Path, target: Path, sheet: str | None) -> Table:
    command = [sys.executable, "-I", str(_SCRIPT), str(source), str(target), sheet or "", str(MOST_ROWS),
               str(MOST_COLUMNS)]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - our own script
    except subprocess.TimeoutExpired:
        raise Invalid(_ERRORS["large"]) from None
    said: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 and done.stdout else {"error": "large"}
    if "error" in said:
        raise Invalid(_ERRORS[said["error"]])
    return Table(said["rows"], tuple(said["sheets"]), said["sheet"])


# --- CSV -------------------------------------------------------------------------------------------------------------


def _from_text(source: Path, target: Path) -> Table:
    encoding = encoding_of(source)
    with source.open(encoding=encoding, newline="") as file, target.open("w", encoding="utf-8") as out:
        sample = file.read(_SAMPLE)
        file.seek(0)
        delimiter = announced_delimiter(sample) or delimiter_of(sample)
        if announced_delimiter(sample):
            file.readline()
        written = _write(csv.reader(file, delimiter=delimiter), out)
    return Table(written, encoding=encoding, delimiter=delimiter)


def _write(reader: Any, out: Any) -> int:
    written = 0
    try:
        for number, raw in enumerate(reader, 1):
            cells = [unguarded(cell.strip()) for cell in raw]
            while cells and not cells[-1]:
                cells.pop()
            if not cells:
                continue
            if len(cells) > MOST_COLUMNS:
                raise Invalid(_ERRORS["wide"])
            written += 1
            if written > MOST_ROWS:
                raise Invalid(_ERRORS["long"])
            out.write(json.dumps([number, cells], ensure_ascii=False) + "\n")
    except csv.Error as error:
        raise Invalid(message("Row {row} cannot be read as CSV.", row=reader.line_num)) from error
    return written


def encoding_of(source: Path) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, else GB18030; raises Invalid for what is no text."""
    with source.open("rb") as file:
        mark = file.read(3)
        if mark.startswith(codecs.BOM_UTF8):
            candidates: Sequence[str] = ("utf-8-sig",)
        elif mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            candidates = ("utf-16",)
        else:
            candidates = ("utf-8", "gb18030")
        for encoding in candidates:
            file.seek(0)
            if _decodes(file, encoding):
                return encoding
    raise Invalid(_ERRORS["unreadable"])


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(_SAMPLE):
            if "\0" in decoder.decode(piece):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def announced_delimiter(sample: str) -> str | None:
    """``sep=;`` as a first line says so itself; spreadsheets write and read it."""
    first = sample.partition("\n")[0].strip().strip('"').lower()
    return first[4] if len(first) == 5 and first.startswith("sep=") and first[4] in DELIMITERS else None


def delimiter_of(sample: str) -> str:
    """The one that cuts the first rows into the same number of cells, the more the better."""
    return max(DELIMITERS, key=lambda one: _evenness(sample, one))


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    lines = [row for row, _ in zip(csv.reader(io.StringIO(sample), delimiter=delimiter), range(30), strict=False)]
    widths = Counter(len(row) for row in lines[: -1 if len(lines) > 2 else None] if row)
    if not widths:
        return 0, 0
    width, times = widths.most_common(1)[0]
    return (0, 0) if width == 1 else (times / widths.total(), width)
