"""Two people changed one record: what can be kept of both, and what somebody has to choose.

``base`` is the record as the second person opened it, ``yours`` what they typed, ``theirs`` what is stored by now; all
three hold parsed values. A change of one side alone is kept; the same change by both is no conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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
                    _merge_value(
                        f"{path}.{cell}", (old or {}).get(cell), own[cell], new.get(cell), clashes, taken
                    )
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


def settle(
    yours: Mapping[str, Any], theirs: Mapping[str, Any], merged: Merge, choice: Mapping[str, str], line_fields: Sequence[str]
) -> dict[str, Any]:
    """The values to save over ``theirs``: what was taken, and every clash chosen as ``theirs``, is left as stored.

    ``choice`` maps a clash's path to ``yours`` or ``theirs``; without an entry yours is kept.
    """
    leave = set(merged.taken) | {clash.path for clash in merged.clashes if choice.get(clash.path) == "theirs"}
    out = {name: value for name, value in yours.items() if name not in leave}
    for name in line_fields:
        if name in out:
            out[name] = _settle_rows(name, out[name] or (), theirs.get(name) or (), leave)
    return out


def _settle_rows(
    name: str, yours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], leave: set[str]
) -> list[dict[str, Any]]:
    stored = _by_id(theirs)
    out = []
    for row in yours:
        row_id = row.get("id")
        if row_id is not None and row_id not in stored:
            if f"{name}.{row_id}" in leave:
                continue  # removed by the other side
            row = {cell: value for cell, value in row.items() if cell != "id"}  # keep it: as a new row
        out.append({cell: value for cell, value in row.items() if f"{name}.{row_id}.{cell}" not in leave})
    kept = {row.get("id") for row in out}
    out += [{"id": row_id} for row_id in stored if row_id not in kept and f"{name}.{row_id}" in leave]
    return out
