"""What changed since somebody looked: told by the numbers of events, all that is read while nothing happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.expressions.view import target_of
from engine.fields.relations import POINTING
from engine.storage.prepared import value
from engine.storage.tables import Tables

# Numbers are given before a transaction ends, so on PostgreSQL a lower one may appear after a higher one. What lies so
# far behind is looked at again: the count tells that something came in between.
OVERLAP = 200
MOST = 1000


@dataclass(frozen=True)
class Pulse:
    """The last event there is, and how many stand in the span behind the one that is known."""

    last: int
    behind: int

    @property
    def tag(self) -> str:
        return f'"{self.last}-{self.behind}"'


def pulse(conn: sa.Connection, tables: Tables, after: int) -> Pulse:
    """One statement over the primary key of the events."""
    prepared = tables.statements.get(("pulse",), conn.dialect, partial(_pulse, tables.event))
    row = prepared.first(conn, {"low_": max(0, after - OVERLAP), "after_": after}) or {}
    return Pulse(max(after, row.get("last") or 0), row.get("behind") or 0)


def _pulse(event: sa.Table) -> Any:
    span = event.c.id > value("low_", sa.BigInteger)
    some = sa.select(event.c.id).where(span).order_by(event.c.id.desc()).limit(MOST).subquery()
    behind = sa.func.sum(sa.case((some.c.id <= value("after_", sa.BigInteger), 1), else_=0))
    return sa.select(sa.func.max(some.c.id).label("last"), sa.cast(behind, sa.Integer).label("behind"))


def since(beat: Pulse, after: int, tag: str | None) -> int:
    """The event from which to look: further back where one with a lower number came after it was asked last."""
    known = tag.strip('"').partition("-")[2] if tag else ""
    return after if known in ("", str(beat.behind)) else max(0, after - OVERLAP)


def changed_forms(conn: sa.Connection, tables: Tables, after: int) -> frozenset[str]:
    """Names of forms with events since."""
    event = tables.event
    some = sa.select(event.c.form).where(event.c.id > after).order_by(event.c.id.desc()).limit(MOST).subquery()
    return frozenset(conn.scalars(sa.select(some.c.form).distinct()))


def changed_records(conn: sa.Connection, tables: Tables, form: str, after: int) -> list[int]:
    """Ids of records of the form with events since, the latest first."""
    event = tables.event
    query = sa.select(event.c.record_id).where(event.c.id > after, event.c.form == form)
    return list(dict.fromkeys(conn.scalars(query.order_by(event.c.id.desc()).limit(MOST))))


def feeders(app: Application, form: Form) -> frozenset[str]:
    """Forms whose records stand in those of this one, by title, lookup or figure."""
    kept, key = app.plans.kept, ("feeders", form.name)
    found: frozenset[str] | None = kept.get(key)
    if found is None:
        found = kept[key] = frozenset(_feeding(app, form)) - {form.name}
    return found


def _feeding(app: Application, form: Form) -> Iterable[str]:
    for field in form.fields.values():
        if field.kind in POINTING and field.kind in ("link", "links"):
            yield target_of(form, field, app.definition)
        elif field.type == "rollup":
            yield str(field.source_form)  # type: ignore[attr-defined]
        elif field.type == "lookup":
            yield target_of(form, form.fields[field.via], app.definition)  # type: ignore[attr-defined]
