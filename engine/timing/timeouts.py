"""Time-outs: when a record has been in a state for so long. One message per visit, and per turn where it repeats."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.calendars import Times
from engine.definition import Rule
from engine.timers import Timeout
from engine.timing.counting import times_of
from engine.timing.posting import post, told

if TYPE_CHECKING:
    from engine.application import Application
    from engine.passage import Walk

Stay = Mapping[str, Any]  # a row of ``_stay``


def moment_of(trigger: Timeout, stay: Stay, times: Times) -> dt.datetime | None:
    """When the time-out of a visit comes first; None for a visit to a state without a time."""
    if trigger.within is not None:
        return times.after(stay["entered_at"], trigger.within)
    due: dt.datetime | None = stay["due_at"]
    if due is None:
        return None
    if trigger.before is not None:
        return times.before(due, trigger.before)
    return due if trigger.after is None else times.after(due, trigger.after)


def key_of(rule: Rule, stay_id: int, turn: int) -> str:
    return f"timeout:{rule.stable_id}:{stay_id}" + (f":{turn}" if turn else "")


def entered(walk: Walk, form: str, row: Mapping[str, Any], stay_id: int, event_id: int | None) -> None:
    """A record came into a state, or its time there was changed: leave the messages of its time-outs."""
    rules = walk.app.plans.timed.timeouts.get((form, row["state"]))
    if rules:
        stay = {
            "id": stay_id, "form": form, "record_id": row["id"], "entered_at": row["state_since"],
            "due_at": row["state_due"],
        }  # fmt: skip
        for rule in rules:
            leave(walk.app, walk.conn, rule, stay, event_id)


def adopted(walk: Walk, form: str, row: Mapping[str, Any], stay_id: int, event_id: int | None) -> None:
    """As ``entered`` for a record that was brought in: what should have happened before is left alone."""
    stay = {"entered_at": row["state_since"], "due_at": row["state_due"]}
    for rule in walk.app.plans.timed.timeouts.get((form, row["state"]), ()):
        due = moment_of(_trigger(rule), stay, times_of(walk.app, rule))
        if due is not None and due > walk.now:
            whole = {**stay, "id": stay_id, "form": form, "record_id": row["id"]}
            leave(walk.app, walk.conn, rule, whole, event_id)


def moved(walk: Walk, form: str, row: Mapping[str, Any], event_id: int | None) -> None:
    """The visit goes on, and is to be over at another moment."""
    if (form, row["state"]) in walk.app.plans.timed.timeouts:
        stay = open_stay(walk.app, walk.conn, form, row["id"])
        if stay is not None:
            entered(walk, form, row, stay["id"], event_id)


def leave(app: Application, conn: sa.Connection, rule: Rule, stay: Stay, event_id: int | None) -> bool:
    """Answers whether a message was left: there may be no time, or it went out already."""
    due = moment_of(_trigger(rule), stay, times_of(app, rule))
    return due is not None and _post(app, conn, rule, stay, due, 0, event_id)


def _post(
    app: Application, conn: sa.Connection, rule: Rule, stay: Stay, due: dt.datetime, turn: int, event_id: int | None
) -> bool:
    id = post(
        app, conn, key_of(rule, stay["id"], turn), rule.stable_id, due, form=stay["form"],
        record_id=stay["record_id"], given={"due": told(due), "stay": stay["id"], "turn": turn}, event_id=event_id,
        move=True,
    )  # fmt: skip
    return id is not None


def comes_due(app: Application, conn: sa.Connection, rule: Rule, given: Mapping[str, Any]) -> bool:
    """Whether the message still means something: the visit goes on and its moment is this one. One whose moment moved
    meanwhile is left anew, and the next turn is left."""
    trigger, stay = _trigger(rule), _going_on(app, conn, rule, given["stay"])
    if stay is None:
        return False
    times = times_of(app, rule)
    turn, due = given["turn"], dt.datetime.fromisoformat(given["due"])
    first = moment_of(trigger, stay, times)
    if first is None:
        return False
    if turn == 0 and first > app.clock() and first != due:
        _again(app, conn, rule, stay, first, 0)
        return False
    if trigger.every is not None:
        _next_turn(app, conn, rule, stay, due, turn, times)
    return True


def died(app: Application, conn: sa.Connection, rule: Rule, given: Mapping[str, Any]) -> None:
    """The message of a turn became a dead letter; the turns after it come all the same."""
    stay = _going_on(app, conn, rule, given["stay"]) if _trigger(rule).every is not None else None
    if stay is not None:
        due = dt.datetime.fromisoformat(given["due"])
        _next_turn(app, conn, rule, stay, due, given["turn"], times_of(app, rule))


def _going_on(app: Application, conn: sa.Connection, rule: Rule, stay_id: int) -> Stay | None:
    """The visit, as long as it lasts."""
    trigger = _trigger(rule)
    table, record = app.tables.stay, app.tables.form[trigger.form]
    going_on = (table.c.left_at.is_(None), table.c.state == trigger.state, record.c.deleted_at.is_(None))
    query = sa.select(table).join(record, record.c.id == table.c.record_id)
    row = conn.execute(query.where(table.c.id == stay_id, *going_on)).mappings().first()
    return dict(row) if row is not None else None


def _again(app: Application, conn: sa.Connection, rule: Rule, stay: Stay, due: dt.datetime, turn: int) -> bool:
    """Under a key of its own: the message of the usual key went out, or is going out now."""
    key = f"{key_of(rule, stay['id'], turn)}@{told(due)}"
    given = {"due": told(due), "stay": stay["id"], "turn": turn}
    place = {"form": stay["form"], "record_id": stay["record_id"]}
    return post(app, conn, key, rule.stable_id, due, **place, given=given, move=True) is not None


def _next_turn(
    app: Application, conn: sa.Connection, rule: Rule, stay: Stay, due: dt.datetime, turn: int, times: Times
) -> None:
    """The first turn that is still to come: after a pause the missed ones are not made up for."""
    every = _trigger(rule).every
    assert every is not None  # asked for by the caller
    while due <= app.clock():
        due, turn = times.after(due, every), turn + 1
    _post(app, conn, rule, stay, due, turn, None)


def resume(walk: Walk, form: str, row: Mapping[str, Any]) -> None:
    """A record is back from the bin: its time-outs go on with what is still to come."""
    rules = walk.app.plans.timed.timeouts.get((form, row["state"]))
    stay = open_stay(walk.app, walk.conn, form, row["id"]) if rules else None
    for rule in rules or () if stay else ():
        assert stay is not None  # asked for above
        go_on(walk.app, walk.conn, rule, stay)


def go_on(app: Application, conn: sa.Connection, rule: Rule, stay: Stay) -> bool:
    """Leave the message of the next turn that is still to come; answers whether there is one."""
    trigger, times = _trigger(rule), times_of(app, rule)
    due, turn = moment_of(trigger, stay, times), 0
    while due is not None and due <= app.clock():
        due, turn = (times.after(due, trigger.every), turn + 1) if trigger.every else (None, turn)
    if due is None:
        return False
    return _post(app, conn, rule, stay, due, turn, None) or _again(app, conn, rule, stay, due, turn)


def open_stay(app: Application, conn: sa.Connection, form: str, record_id: int) -> Stay | None:
    table = app.tables.stay
    here = (table.c.form == form, table.c.record_id == record_id, table.c.left_at.is_(None))
    row = conn.execute(sa.select(table).where(*here).order_by(table.c.id.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def _trigger(rule: Rule) -> Timeout:
    assert isinstance(rule.trigger, Timeout)  # planning sorted the rules
    return rule.trigger
