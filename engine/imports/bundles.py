"""From rows to records: one row each, or several rows that one value holds together as a record with its lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Message, message
from engine.imports.mapping import Settings
from engine.imports.tables import Row

MOST_ROWS = 2000  # of one record


@dataclass(frozen=True)
class Trouble:
    """Something wrong with one cell, or with a whole row where ``column`` is None."""

    row: int
    column: int | None
    message: Message


@dataclass
class Bundle:
    """The texts of one record: per target, and per lines field one mapping for each line, with the row it stands in."""

    rows: list[int]
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.rows[0]


def bundles(rows: Iterable[Row], settings: Settings) -> Iterator[Bundle]:
    """The records of a table; ``rows`` are those below the headings, in order."""
    return _grouped(rows, settings) if settings.with_lines else (_single(row, settings) for row in rows)


def below(rows: Iterable[Row], heading: int) -> Iterator[Row]:
    """The rows after the headings."""
    return (row for row in rows if row.number > heading)


def _single(row: Row, settings: Settings) -> Bundle:
    return Bundle([row.number], _texts(row, settings, None))


def _texts(row: Row, settings: Settings, lines: str | None) -> dict[str, str]:
    """Target → text; of the record itself, or the fields of one lines field."""
    found = {}
    for place, target in enumerate(settings.columns):
        if target is not None and target.partition(".")[0 if lines else 1] == (lines or ""):
            name = target.partition(".")[2] if lines else target
            found[name] = row.cells[place] if place < len(row.cells) else ""
    return found


# --- several rows of one record --------------------------------------------------------------------------------------


def _grouped(rows: Iterable[Row], settings: Settings) -> Iterator[Bundle]:
    """Rows that follow each other and say the same, or nothing, in the column that holds them together; without one,
    in all columns of the record."""
    line_fields = sorted({name.partition(".")[0] for name in settings.used if "." in name})
    seen: dict[str, int] = {}
    current: Bundle | None = None
    for row in rows:
        values = _texts(row, settings, None)
        key = values.get(settings.group or "", "")
        if current is None or _another(current, values, key, settings):
            if current is not None:
                yield current
            current = Bundle([row.number], values)
            _refuse_scattered(current, key, seen, settings)
        else:
            _join(current, row, values, settings)
        for name in line_fields:
            line = _texts(row, settings, name)
            if any(line.values()):
                current.lines.setdefault(name, []).append((row.number, line))
    if current is not None:
        yield current


def _another(current: Bundle, values: Mapping[str, str], key: str, settings: Settings) -> bool:
    if settings.group is None:
        return any(text and text != current.values.get(name) for name, text in values.items())
    if key:
        return key != current.values.get(settings.group, "")
    return any(values.values())  # no key, and yet something of a record: one that lacks its key


def _refuse_scattered(bundle: Bundle, key: str, seen: dict[str, int], settings: Settings) -> None:
    if not key:
        return
    if key in seen:
        said = message(
            "The rows of “{key}” must follow each other; it began in row {row}.", key=key[:60], row=seen[key]
        )
        bundle.troubles.append(Trouble(bundle.first, settings.column_of(settings.group or ""), said))
    seen.setdefault(key, bundle.first)


def _join(bundle: Bundle, row: Row, values: Mapping[str, str], settings: Settings) -> None:
    bundle.rows.append(row.number)
    if len(bundle.rows) == MOST_ROWS + 1:
        said = message("One record takes at most {most} rows.", most=MOST_ROWS)
        bundle.troubles.append(Trouble(row.number, None, said))
    for name, text in values.items():
        first = bundle.values.get(name, "")
        if text and text != first:
            said = message("“{got}” differs from “{first}” in row {row}, which is the same record.",
                           got=text[:60], first=first[:60], row=bundle.first)  # fmt: skip
            bundle.troubles.append(Trouble(row.number, settings.column_of(name), said))


def trouble_json(troubles: Iterable[Trouble], say: Any) -> list[list[Any]]:
    """Row, column and the sentence in each language, as they are kept; a few hundred at most."""
    kept = []
    for one in troubles:
        kept.append([one.row, one.column, {language: say(one.message, language) for language in ("zh", "en")}])
        if len(kept) == 100:
            break
    return kept
