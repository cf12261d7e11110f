"""Two people changed one record: what can be kept of both, and what somebody has to choose.

``base`` is the record as the second person opened it, ``yours`` what they typed, ``theirs`` what is stored by now; all
three hold parsed values. A change of one side alone is kept; the same change by both is no conflict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.web.typed import Row, Typed, next_key


@dataclass(frozen=True)
class Clash:
    """A place both sides changed differently: a field, or ``lines.<row id>.<field>``, or ``lines.<row id>``."""

    path: str
    base: Any
    yours: Any
    theirs: Any


@dataclass(frozen=True)
class Merge:
    """``taken`` are the places that come from the other side unasked."""

    clashes: tuple[Clash, ...]
    taken: tuple[str, ...]


REMOVED = object()  # a row that is no longer there


def merge(
    base: Mapping[str, Any], yours: Mapping[str, Any], theirs: Mapping[str, Any], line_fields: Sequence[str]
) -> Merge:
    """Compare the fields of ``yours`` (only those were on the form)."""
    clashes: list[Clash] = []
    taken: list[str] = []
    for name in yours:
        if name in line_fields:
            _merge_rows(name, base.get(name) or (), yours[name] or (), theirs.get(name) or (), clashes, taken)
        else:
            _merge_value(name, base.get(name), yours[name], theirs.get(name), clashes, taken)
    return Merge(tuple(clashes), tuple(taken))


def _merge_value(path: str, base: Any, yours: Any, theirs: Any, clashes: list[Clash], taken: list[str]) -> None:
    if theirs in (base, yours):
        return
    if yours == base:
        taken.append(path)
    else:
        clashes.append(Clash(path, base, yours, theirs))


def _merge_rows(
    name: str,
    base: Sequence[Mapping[str, Any]],
    yours: Sequence[Mapping[str, Any]],
    theirs: Sequence[Mapping[str, Any]],
    clashes: list[Clash],
    taken: list[str],
) -> None:
    before, mine, stored = _by_id(base), _by_id(yours), _by_id(theirs)
    for row_id in dict.fromkeys([*before, *stored]):
        path = f"{name}.{row_id}"
        old, own, new = before.get(row_id), mine.get(row_id), stored.get(row_id)
        if own is not None and new is not None:
            for cell in own:
                if cell != "id":
                    _merge_value(f"{path}.{cell}", (old or {}).get(cell), own[cell], new.get(cell), clashes, taken)
        elif own is None and old is None:
            taken.append(path)  # a row the other side added
        elif new is None and own is not None:
            _merge_removal(path, old, own, REMOVED, clashes, taken, changed=_differs(own, old))
        elif own is None and new is not None:
            _merge_removal(path, old, REMOVED, new, clashes, [], changed=_differs_all(new, old))


def _merge_removal(
    path: str, old: Any, own: Any, new: Any, clashes: list[Clash], taken: list[str], *, changed: bool
) -> None:
    """One side removed the row: unasked where the other left it as it was."""
    if changed:
        clashes.append(Clash(path, old, own, new))
    else:
        taken.append(path)


def _differs(own: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    return old is None or any(own[cell] != old.get(cell) for cell in own if cell != "id")


def _differs_all(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    return old is None or any(value != new.get(cell) for cell, value in old.items())


def _by_id(rows: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    return {row["id"]: row for row in rows if row.get("id") is not None}


def settle(typed: Typed, leave: Collection[str], stored_rows: Mapping[str, Sequence[int]]) -> Typed:
    """What was typed without the places in ``leave``: those stay as they are stored.

    ``stored_rows``: per lines field the ids of the rows stored by now. A row that is stored no longer becomes a new
    row, unless its removal was accepted.
    """
    raw = {name: value for name, value in typed.raw.items() if name not in leave}
    lines = {
        name: tuple(_settle_rows(name, rows, stored_rows.get(name, ()), leave)) for name, rows in typed.lines.items()
    }
    return Typed(raw, lines)


def _settle_rows(name: str, rows: Sequence[Row], stored: Sequence[int], leave: Collection[str]) -> list[Row]:
    kept = []
    for row in rows:
        path = f"{name}.{row.id}"
        if row.id is not None and row.id not in stored:
            if path not in leave and not row.deleted:
                kept.append(replace(row, id=None))
        elif row.id is not None and path in leave:
            kept.append(replace(row, raw={}, deleted=False))
        else:
            kept.append(replace(row, raw={cell: v for cell, v in row.raw.items() if f"{path}.{cell}" not in leave}))
    present = {row.id for row in kept}
    added = [row_id for row_id in stored if row_id not in present and f"{name}.{row_id}" in leave]
    first = next_key((*rows, *kept))
    return kept + [Row(str(first + number), {}, row_id) for number, row_id in enumerate(added)]
