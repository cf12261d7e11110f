"""One sheet of a workbook as lines of JSON; run as a script, in a process of its own.

A few kilobytes of XLSX can ask for terabytes: a cell in the last row and the last column is enough. Here that ends a
process with a bound on its memory and time, not the server. Prints one line of JSON about the workbook, or its error.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TextIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MEMORY = 3 * 1024**3
SECONDS = 120


def main(file: str, target: str, wanted: str, most_rows: int, most_columns: int) -> dict[str, Any]:
    """Write ``[row number, [texts]]`` per row that is not empty; answers the names of the sheets and what was read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        book = CalamineWorkbook.from_path(file)
        names = [each.name for each in book.sheets_metadata if _shown(each)]
        if not names:
            return {"error": "empty"}
        chosen = wanted if wanted in names else _first_filled(book, names)
        with open(target, "w", encoding="utf-8") as out:
            return {"sheets": names, "sheet": chosen, **_write(book, chosen, out, most_rows, most_columns)}
    except PasswordError:
        return {"error": "password"}
    except (CalamineError, ValueError, OSError) as error:
        return {"error": "unreadable", "reason": str(error)[:200]}
    except MemoryError:
        return {"error": "large"}


def _shown(sheet: Any) -> bool:
    return bool(sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible)


def _first_filled(book: CalamineWorkbook, names: list[str]) -> str:
    return next((name for name in names if book.get_sheet_by_name(name).height), names[0])


def _write(book: CalamineWorkbook, name: str, out: TextIO, most_rows: int, most_columns: int) -> dict[str, Any]:
    written = 0
    for number, cells in _rows(book, name):
        if len(cells) > most_columns:
            return {"error": "wide"}
        written += 1
        if written > most_rows:
            return {"error": "long"}
        out.write(json.dumps([number, cells], ensure_ascii=False) + "\n")
    return {"rows": written}


def _rows(book: CalamineWorkbook, name: str) -> Iterator[tuple[int, list[str]]]:
    """``iter_rows`` begins at the first row of the sheet, but at its first filled column."""
    sheet = book.get_sheet_by_name(name)
    left = [""] * sheet.start[1] if sheet.start else []
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = left + [as_text(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > len(left):
            yield number, cells


def as_text(value: Any) -> str:
    """What the cell holds, as it would be typed: figures in full, days as 2026-11-22, never ``12.0`` for 12."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _figure(value)
    if isinstance(value, dt.datetime):
        return _moment(value)
    if isinstance(value, dt.timedelta):
        return _span(value)
    return str(value)


def _figure(value: float) -> str:
    """Spreadsheets keep 15 digits: 0.1 + 0.2 is 0.3."""
    if isinstance(value, int):
        return str(value)
    text = f"{Decimal(f'{value:.15g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(value: dt.datetime) -> str:
    rounded = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    return rounded.date().isoformat() if rounded.time() == dt.time() else rounded.isoformat(" ")


def _span(value: dt.timedelta) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
