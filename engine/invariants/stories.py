"""The whole story of each record: its events, its visits to states and what is stored now, read once in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from engine.fields.base import Field
from engine.invariants.looking import Looking
from engine.plans import FormPlan

EVENT = ("record_id", "id", "kind", "transition", "from_state", "to_state", "actor_id", "actor_kind", "rule",
         "definition", "changes")  # fmt: skip
STAY = ("record_id", "id", "state", "dwell_seconds")


@dataclass(frozen=True, slots=True)
class Story:
    """``row``: the stored record, deleted or not; None where there is none. ``links``: targets by field."""

    plan: FormPlan
    id: int
    row: Mapping[str, Any] | None
    events: Sequence[Any]
    stays: Sequence[Any]
    links: Mapping[str, tuple[int, ...]]


def stories(looking: Looking) -> Iterator[Story]:
    """Of every record of every form, and of records there is nothing but a trace of. Lines have no events."""
    for name in looking.form_names:
        yield from _of_form(looking, looking.app.plans.form(name))


def _of_form(looking: Looking, plan: FormPlan) -> Iterator[Story]:
    tables, form = looking.app.tables, plan.form.name
    event, stay, table = tables.event, tables.stay, plan.table
    rows = looking.rows(sa.select(table).order_by(table.c.id))
    events = looking.rows(
        sa.select(*(event.c[name] for name in EVENT))
        .where(event.c.form == form)
        .order_by(event.c.record_id, event.c.id)
    )
    moments = [sa.type_coerce(stay.c[name], sa.String).label(name) for name in ("entered_at", "left_at")]
    stays = looking.rows(
        sa.select(*(stay.c[name] for name in STAY), *moments, stay.c.entered_at.label("entered"),
                  stay.c.left_at.label("left")).where(stay.c.form == form).order_by(stay.c.record_id, stay.c.id)
    )  # fmt: skip
    many = {name: _grouped(_links(looking, form, name)) for name in plan.many}
    yield from _merged(plan, _grouped((row.id, row._mapping) for row in rows), _grouped(_keyed(events)),
                       _grouped(_keyed(stays)), many)  # fmt: skip


def _links(looking: Looking, form: str, name: str) -> Iterator[tuple[int, int]]:
    table = looking.app.tables.link[form, name]
    query = sa.select(table.c.record_id, table.c.target_id).order_by(table.c.record_id, table.c.position)
    return ((row.record_id, row.target_id) for row in looking.rows(query))


def _keyed(rows: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    return ((row.record_id, row) for row in rows)


class _Groups:
    """Groups of a stream that is in the order of their keys, taken key by key."""

    def __init__(self, pairs: Iterator[tuple[int, Any]]) -> None:
        self._groups = groupby(pairs, key=itemgetter(0))
        self.key: int | None = None
        self._items: list[Any] = []
        self._advance()

    def _advance(self) -> None:
        found = next(self._groups, None)
        self.key, self._items = (None, []) if found is None else (found[0], [item for _key, item in found[1]])

    def take(self, key: int) -> list[Any]:
        if self.key != key:
            return []
        items = self._items
        self._advance()
        return items


def _grouped(pairs: Iterator[tuple[int, Any]]) -> _Groups:
    return _Groups(pairs)


def _merged(
    plan: FormPlan, rows: _Groups, events: _Groups, stays: _Groups, many: Mapping[str, _Groups]
) -> Iterator[Story]:
    streams = (rows, events, stays, *many.values())
    while keys := [stream.key for stream in streams if stream.key is not None]:
        id = min(keys)
        row = rows.take(id)
        links = {name: tuple(stream.take(id)) for name, stream in many.items()}
        yield Story(plan, id, row[0] if row else None, events.take(id), stays.take(id), links)


def by_stable_id(plan: FormPlan) -> dict[str, Field]:
    return {field.stable_id: field for field in plan.fields.values()}
