"""What is written back beside a file: the rows nobody could take, as they came, with the column and the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.api import Failure, csv_line, guarded, message, say
from plugins.files.sorting import Copy, Numbered, Sorted, another_wrong

_NAMED = re.compile(r"""\b(item|line)\[(["'])(.+?)\2\]""")
_PLACE = re.compile(r"\.(\d+)(?=\.|$)")
HEADINGS = (message("Row"), message("Column"), message("Reason"))


class Told(NamedTuple):
    row: int | None
    column: str
    reason: str
    cells: Sequence[str]


def write(target: Path, names: Sequence[str], told: Iterable[Told], language: str) -> int:
    """A CSV that spreadsheets open as UTF-8, and in which they run nothing; answers how many rows it tells of."""
    count = 0
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(csv_line(map(guarded, [*names, *(say(heading, language) for heading in HEADINGS)])))
        for one in told:
            count += 1
            cells = [*one.cells[: len(names)], *[""] * (len(names) - len(one.cells))]
            spare = " ".join(one.cells[len(names) :])
            reason = f"{one.reason} (… {spare})" if spare else one.reason
            file.write(csv_line(map(guarded, [*cells, str(one.row or ""), one.column, reason])))
    return count


def unread(copy: Copy) -> Iterator[Told]:
    """The rows that could not be read."""
    for number, column, reason, cells in copy.each_fault():
        yield Told(number, column, reason, cells)


def untaken(copy: Copy, found: Sorted, failures: Sequence[Failure], language: str) -> Iterator[Told]:
    """Every row of the things that became nothing; the reason stands at the row it is about, and at the first where it
    is about none."""
    failed = {failure.key: failure for failure in failures}
    for _offset, key, rows in copy.each_thing():
        if (failure := failed.get(key)) is not None:
            yield from _rows(found, rows, failure, language)


def _rows(found: Sorted, rows: Sequence[Numbered], failure: Failure, language: str) -> Iterator[Told]:
    said: dict[int, list[tuple[str, str]]] = {}
    for problem in failure.problems:
        numbered = _PLACE.search(problem.where)
        line = int(numbered[1]) if numbered and int(numbered[1]) < len(rows) else 0
        column = column_of(_PLACE.sub("", problem.where), failure.sources, found.names)
        said.setdefault(line, []).append((column, say(problem.message, language)))
    other = say(another_wrong(failure.key), language)
    for place, (number, cells) in enumerate(rows):
        here = said.get(place, [("", other)] if said else [("", "")])
        columns = dict.fromkeys(column for column, _reason in here if column)
        yield Told(number, ", ".join(columns), " ".join(reason for _column, reason in here), cells)


def column_of(where: str, sources: Mapping[str, str], names: Sequence[str]) -> str:
    """The first column the expression of a field reads; "" where it reads none."""
    for match in _NAMED.finditer(sources.get(where, "")):
        if match[3] in names:
            return match[3]
    return ""
