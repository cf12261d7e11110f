"""Rules the clock wakes: at which moments of the past they would have fired, with everything as it was then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from engine.errors import Refused
from engine.passage import Walk
from engine.plans import RulePlan
from engine.rules import Asking, Decision, woken
from engine.schedules import Schedule
from engine.storage.events import Event
from engine.timetable import Timetable, timetable_of
from engine.timing.counting import times_of
from engine.timing.firing import names_of
from engine.timing.posting import told
from engine.trying import happened
from engine.trying.past import Was
from engine.trying.remembering import Past


@dataclass(frozen=True)
class Due:
    """A due time and what the rule decided; None where it could not be worked out. ``key``: of the run it would be."""

    at: dt.datetime
    key: str
    decision: Decision | None


def began_at(past: Past, plan: RulePlan) -> dt.datetime | None:
    """Since when the schedule is in force; None for one that is not."""
    table = past.app.tables.timer
    found: dt.datetime | None = past.conn.scalar(sa.select(table.c.began_at).where(table.c.rule == plan.rule.stable_id))
    return found


def fired(past: Past, plan: RulePlan, since: dt.datetime, until: dt.datetime) -> Iterator[Due]:
    """Every due time after ``since`` and up to ``until``, in order, whatever was missed then."""
    schedule, app = plan.rule.trigger, past.app
    assert isinstance(schedule, Schedule)  # asked by the caller
    table = timetable_of(schedule, app.definition.timezone, began_at(past, plan) or since, times_of(app, plan.rule))
    for at in _each(table, since, until):
        last = happened.window(past.conn, app.tables, at, from_first=past.within.first).first - 1
        past.stand(Event(id=last, at=at, form="", record_id=0, kind=""), past.actor, Was(None))
        given = names_of(schedule, {"due": told(at)}, app.definition.timezone)
        names = {**past.names, "record": None, "old": None, **given, "results": {}}
        walk = Walk(app, past.conn, past.actor, at, past)
        key = f"schedule:{plan.rule.stable_id}:{table.name_of(at)}"
        try:
            yield Due(at, key, woken(plan, Asking(walk, None, names)))
        except Refused:
            yield Due(at, key, None)


def _each(table: Timetable, since: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    due = table.after(since)
    while due is not None and due <= until:
        yield due
        due = table.after(due)
