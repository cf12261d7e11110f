"""A file given back: its own rows, and beside each what became of it. Safe to open, and fit to be brought in again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import xlsxwriter

from engine.application import Application
from engine.imports import jobs
from engine.imports.bundles import below, bundles
from engine.imports.jobs import Job
from engine.imports.rows import CREATED, SAME, UPDATED, WRONG
from engine.imports.tables import Row
from engine.imports.undoing import KEPT, UNDONE
from engine.spreadsheets import XLSX_TEXT, csv_line, guarded
from engine.texts import say

WORDS = {CREATED: "created", UPDATED: "changed", SAME: "unchanged", WRONG: "not brought in", UNDONE: "taken back",
         KEPT: "not taken back"}  # fmt: skip

Line = Sequence[str]


def lines(app: Application, job: Job, language: str, *, only_wrong: bool) -> Iterator[Line]:
    """The headings, then each row with what became of it and what is wrong."""
    width = len(job.settings.headings)
    yield [*job.settings.headings, say("Result", language), say("What is wrong", language)]
    with app.database.read() as conn, jobs.opened_rows(app, job.rows) as rows:
        told = _Told(_stored(conn, app, job.id))
        for record in _records(rows, job):
            stored = told.of(record[0].number)
            problems = _by_row(stored, language)
            if only_wrong and not (stored and stored["problems"]):
                continue
            word = say(WORDS[stored["outcome"]], language) if stored else ""
            for row in record:
                cells = [*row.cells[:width], *([""] * (width - len(row.cells)))]
                yield [*cells, word, problems.get(row.number, "")]


def _records(rows: Iterable[Row], job: Job) -> Iterator[list[Row]]:
    """The rows of each record, with their cells."""
    kept: dict[int, Row] = {}

    def noted() -> Iterator[Row]:
        for row in below(rows, job.settings.heading):
            kept[row.number] = row
            yield row

    for bundle in bundles(noted(), job.settings):
        yield [kept.pop(number) for number in bundle.rows]


def _stored(conn: sa.Connection, app: Application, job: int) -> Iterator[Mapping[str, Any]]:
    after = 0
    while found := jobs.rows_of(conn, app, job, after=after, most=1000):
        yield from found
        after = found[-1]["line"]


class _Told:
    """What is stored about records, asked in the order of the file."""

    def __init__(self, stored: Iterator[Mapping[str, Any]]) -> None:
        self._stored = stored
        self._next = next(stored, None)

    def of(self, line: int) -> Mapping[str, Any] | None:
        while self._next is not None and self._next["line"] < line:
            self._next = next(self._stored, None)
        return self._next if self._next is not None and self._next["line"] == line else None


def _by_row(stored: Mapping[str, Any] | None, language: str) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for row, _column, said in (stored or {}).get("problems") or ():
        found.setdefault(row, []).append(said.get(language) or said["en"])
    return {row: " ".join(texts) for row, texts in found.items()}


def csv_text(found: Iterable[Line]) -> Iterator[str]:
    yield "\ufeff"
    for line in found:
        yield csv_line(map(guarded, line))


def write_xlsx(file: Any, found: Iterable[Line], marked: int = 2) -> None:
    """Every cell as the text it was read as; the last ``marked`` columns are ours."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet()
    heading, ours = book.add_format({"bold": True, "bottom": 1}), book.add_format({"font_color": "#b42332"})
    for number, line in enumerate(found):
        for place, cell in enumerate(line):
            style = heading if not number else ours if place >= len(line) - marked else None
            sheet.write_string(number, place, cell[:XLSX_TEXT], style)
        if not number:
            sheet.set_column(0, max(len(line) - 1 - marked, 0), 16)
            sheet.set_column(len(line) - marked, len(line) - 1, 40)
            sheet.freeze_panes(1, 0)
    book.close()
