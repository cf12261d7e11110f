"""Dates of records: the message of a date follows the field, and says nothing when the field holds another by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.calendars import Times
from engine.definition import Rule
from engine.timers import DateReached
from engine.timing.counting import times_of
from engine.timing.posting import post, take_back, told

if TYPE_CHECKING:
    from engine.application import Application
    from engine.passage import Walk

MORNING = "08:00"
Row = Mapping[str, Any]


def moment_of(trigger: DateReached, value: dt.date, times: Times) -> dt.datetime:
    """When the rule wakes for this value of its field."""
    moment = _moment(trigger, value, times.zone)
    if trigger.before is not None:
        return times.before(moment, trigger.before)
    return moment if trigger.after is None else times.after(moment, trigger.after)


def _moment(trigger: DateReached, value: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The value itself as a moment: of a date, its time of day on the application's clock."""
    if isinstance(value, dt.datetime):
        return value
    at = dt.time.fromisoformat(trigger.at or MORNING)
    return dt.datetime.combine(value, at, zone).astimezone(dt.UTC)


def to_come(trigger: DateReached, value: dt.date, times: Times, now: dt.datetime) -> dt.datetime | None:
    """When a message for the value is due; None when that is past. What is to be done before a date that is still to
    come is due at once when less time is left."""
    due = moment_of(trigger, value, times)
    if due >= now:
        return due
    ahead = trigger.before is not None and _moment(trigger, value, times.zone) > now
    return now if ahead else None


def key_of(rule: Rule, record_id: int, value: dt.date) -> str:
    return f"date:{rule.stable_id}:{record_id}:{value.isoformat()}"


def follow(walk: Walk, form: str, before: Row | None, after: Row, event_id: int | None) -> None:
    """A record was written: where a watched date changed, its message goes and another comes."""
    for rule in walk.app.plans.timed.dates.get(form, ()):
        name = _trigger(rule).field
        old, new = (before or {}).get(name), after.get(name)
        if old == new:
            continue
        if old is not None:
            take_back(walk.app, walk.conn, key_of(rule, after["id"], old))
        if new is not None:
            leave(walk.app, walk.conn, rule, after["id"], new, event_id)


def leave(
    app: Application, conn: sa.Connection, rule: Rule, record_id: int, value: dt.date, event_id: int | None
) -> bool:
    """Answers whether a message was left."""
    trigger = _trigger(rule)
    due = to_come(trigger, value, times_of(app, rule), app.clock())
    if due is None:
        return False
    id = post(
        app, conn, key_of(rule, record_id, value), rule.stable_id, due, form=trigger.form, record_id=record_id,
        given={"due": told(due), "value": value.isoformat()}, event_id=event_id, move=True,
    )  # fmt: skip
    return id is not None


def comes_due(
    app: Application, conn: sa.Connection, rule: Rule, record_id: int | None, given: Mapping[str, Any]
) -> bool:
    """Whether the field still holds the value the message was left for; else the message of the new one is made sure
    of. A deleted record has no dates."""
    trigger = _trigger(rule)
    table = app.tables.form[trigger.form]
    value = conn.scalar(sa.select(table.c[trigger.field]).where(table.c.id == record_id, table.c.deleted_at.is_(None)))
    if value is None or record_id is None:
        return False
    if value.isoformat() == given["value"]:
        return True
    leave(app, conn, rule, record_id, value, None)
    return False


def _trigger(rule: Rule) -> DateReached:
    assert isinstance(rule.trigger, DateReached)  # planning sorted the rules
    return rule.trigger
