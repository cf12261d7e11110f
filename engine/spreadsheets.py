"""What is written for spreadsheets and read from them: texts none of them runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

XLSX_TEXT = 32_767  # characters a cell holds
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_STRIPPED = " \"'\u3000\xa0"  # which some of them take away first


def guarded(text: str) -> str:
    """A text no spreadsheet takes for a formula, also behind quotes and blanks."""
    return "'" + text if text.lstrip(_STRIPPED).startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def unguarded(text: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running a text as a formula."""
    rest = text[1:]
    return rest if text.startswith("'") and rest.lstrip(_STRIPPED).startswith(_DANGEROUS) else text


def csv_line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
