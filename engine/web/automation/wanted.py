"""Which records, people and files a page about runs names: their titles are read before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.definition import Form
from engine.fields.base import Field
from engine.saying.words import Words
from engine.web.automation import ledger
from engine.web.seen import points_at

Row = Mapping[str, Any]


def wanted_titles(words: Words, form: str | None, traces: Sequence[Mapping[str, Any]]) -> dict[str, set[int]]:
    """The records, people and files that the values of these traces point to."""
    wanted: dict[str, set[int]] = {}
    for trace in traces:
        for clause in trace.get("clauses", ()):
            for path, value in clause.get("values", {}).items():
                found = end_of_path(words, path, form)
                if found is not None:
                    _want(words.form(found[0]), found[1], value, wanted)
        for effect in trace.get("effects", ()):
            _want_effect(words, effect, wanted)
    return wanted


def _want_effect(words: Words, effect: Mapping[str, Any], wanted: dict[str, set[int]]) -> None:
    form = (
        effect.get("set")
        or effect.get("create")
        or (effect.get("form") if "take" in effect or "reassign" in effect else None)
    )
    if isinstance(form, str) and isinstance(effect.get("id"), int):
        wanted.setdefault(form, set()).add(effect["id"])
    if isinstance(form, str) and isinstance(effect.get("values"), Mapping):
        for name, value in effect["values"].items():
            _want(words.form(form), name, value, wanted)
    wanted.setdefault("_user", set()).update(one for one in effect.get("users", ()) if isinstance(one, int))


def _want(form: Form | None, name: str, value: Any, wanted: dict[str, set[int]]) -> None:
    field: Field | None = form.fields.get(name) if form else None
    target = points_at(field) if field is not None else None
    if target:
        ids = value if isinstance(value, list) else [value]
        wanted.setdefault(target, set()).update(one for one in ids if isinstance(one, int))


def way_of_path(words: Words, path: str, form: str | None) -> list[tuple[str, str]]:
    """(form, field) of every field on the way of ``record.project.limit``; empty for what begins elsewhere."""
    names = path.split(".")
    at, found = form, []
    if names[0] not in ("record", "old"):
        return []
    for name in names[1:]:
        known = words.form(at)
        field = known.fields.get(name) if known else None
        if field is None or at is None:
            break
        found.append((at, name))
        at = points_at(field)
    return found


def end_of_path(words: Words, path: str, form: str | None) -> tuple[str, str] | None:
    """The form and field a path leads to; a system field such as ``state`` stands under its form."""
    names = path.split(".")
    way = way_of_path(words, path, form)
    if len(way) == len(names) - 1 and way:
        return way[-1]
    if names[0] in ("record", "old") and len(names) == 2 and form:
        return form, names[1]
    return None


def titles_for(rows: Sequence[Row]) -> dict[str, set[int]]:
    """The records a list of runs, messages or events is about."""
    wanted: dict[str, set[int]] = {}
    for row in rows:
        if row["form"] and row["record_id"] is not None:
            wanted.setdefault(row["form"], set()).add(row["record_id"])
    return wanted


def causes_titles(causes: Sequence[ledger.Cause]) -> dict[str, set[int]]:
    wanted = titles_for([one.event for one in causes])
    wanted["_user"] = {one.event["actor_id"] for one in causes if one.event["actor_id"]}
    return wanted
