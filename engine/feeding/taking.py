"""An arrival becomes its record, or changes it: once, by the newest version, through the same walk as every change.

Everything happens in the transaction that ends its message. What cannot be made of it is kept with the arrival in
words, for somebody to mend, and the feed goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import matching, walking
from engine.application import Application
from engine.errors import AppmillError, Message, Missing, message
from engine.expressions import EvaluationFailed, View
from engine.faults import point
from engine.feeding import making, parking
from engine.feeding.knowing import feed_of
from engine.feeding.telling import fell_down, in_words
from engine.feeds import Feed
from engine.jobs.claiming import Outcome, ring_next
from engine.passage import Walk
from engine.people import system_actor
from engine.performing import Request
from engine.sight import Sight
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE
from engine.storage.prepared import value
from engine.writing import Lost

OLDER = message("Something newer was taken already.")
UNWANTED = message("Not wanted: `when` does not hold.")
KNOWN = message("There is a record already, and this feed changes none.")
DELETED = message("Its record was deleted.")


@dataclass(frozen=True)
class Became:
    """What became of an arrival."""

    state: str
    reason: Message | None = None
    record_id: int | None = None
    event_id: int | None = None
    awaits: str | None = None


def take(app: Application, conn: sa.Connection, row: Any) -> Outcome:
    """``row``: a due message of kind ``take``, in the caller's transaction."""
    if row.is_behind:
        return Outcome("not_now")
    arrival = load(app, conn, row.effect["arrival"])
    if arrival is None or arrival.state not in ("waiting", "parked") or arrival.message_id != row.id:
        return _done(app, conn, row)
    feed = feed_of(app, arrival.feed)
    if feed is None:
        became = Became("skipped", message("The feed is no longer in the definition."))
    else:
        became = _tried(app, conn, feed, arrival)
    point("arrival taken")
    if became.state == "parked" and feed is not None:
        until = parking.park(app, conn, feed, arrival, became)
        if until is not None:
            table = app.tables.message
            conn.execute(sa.update(table).where(table.c.id == row.id).values(state="parked", due_at=until))
            return Outcome("parked", due=until)
        became = Became("failed", parking.waited_too_long(became.reason), became.record_id)
    note(app, conn, arrival.id, became)
    if became.state == "taken":
        _outdate(app, conn, arrival)
    if became.state == "failed" and feed is not None:
        fell_down(app, conn, feed, arrival, became.reason)
    return _done(app, conn, row)


def _done(app: Application, conn: sa.Connection, row: Any) -> Outcome:
    table, now = app.tables.message, app.clock()

    def build() -> Any:
        new = {name: value(name, table.c[name].type) for name in ("attempts", "started_at", "done_at")}
        return sa.update(table).where(table.c.id == value("id_")).values(state="done", error=None, **new)

    done = app.tables.statements.get(("take done",), conn.dialect, build)
    done.execute(conn, {"id_": row.id, "attempts": row.attempts + 1, "started_at": now, "done_at": now})
    point("take done")
    return Outcome("done", next=ring_next(app, conn, row))


def died(app: Application, conn: sa.Connection, row: Any, reason: str) -> None:
    """The message is a dead letter: the code that takes the arrival broke again and again."""
    note(app, conn, row.effect["arrival"], Became("failed", message("{text}", text=reason)))


# --- what is known of it ---------------------------------------------------------------------------------------------


def load(app: Application, conn: sa.Connection, id: int) -> Any:
    def build() -> Any:
        return sa.select(app.tables.arrival).where(app.tables.arrival.c.id == value("id_"))

    return app.tables.statements.get(("arrival",), conn.dialect, build).one(conn, {"id_": id})


def _newest(app: Application, conn: sa.Connection, arrival: Any) -> Any:
    """(version, turn, record_id) of the newest other one that was taken of the same thing."""

    def build() -> Any:
        table = app.tables.arrival
        same = [table.c[name] == value(name) for name in ("feed", "connection", "item_key")]
        taken = sa.select(table.c.version, table.c.turn, table.c.record_id)
        taken = taken.where(*same, in_state(table, "taken"), table.c.id != value("id_"))
        return taken.order_by(table.c.version.desc(), table.c.turn.desc()).limit(1)

    named = {"feed": arrival.feed, "connection": arrival.connection, "item_key": arrival.item_key}
    return app.tables.statements.get(("newest taken",), conn.dialect, build).one(conn, {**named, "id_": arrival.id})


def note(app: Application, conn: sa.Connection, id: int, became: Became) -> None:
    table = app.tables.arrival
    new = {
        "state": became.state, "reason": in_words(app, became.reason), "record_id": became.record_id,
        "event_id": became.event_id, "taken_at": app.clock(), "until": None, "awaits": None,
    }  # fmt: skip

    def build() -> Any:
        values = {name: value(f"new_{name}", table.c[name].type) for name in new}
        return sa.update(table).where(table.c.id == value("id_")).values(values)

    noted = app.tables.statements.get(("note arrival",), conn.dialect, build)
    noted.execute(conn, {"id_": id, **{f"new_{name}": each for name, each in new.items()}})


def _outdate(app: Application, conn: sa.Connection, arrival: Any) -> None:
    """Older versions that failed or wait need nobody's care any more."""
    table = app.tables.arrival
    older = in_words(app, OLDER)

    def build() -> Any:
        same = [table.c[name] == value(name) for name in ("feed", "connection", "item_key")]
        before = sa.or_(
            table.c.version < value("version_"),
            sa.and_(table.c.version == value("version_"), table.c.turn < value("turn_")),
        )
        trouble = (in_state(table, *TROUBLE), in_state(table, "failed", "parked"))
        new = {"state": "skipped", "reason": value("reason_"), "awaits": None, "until": None}
        return sa.update(table).where(*same, *trouble, before).values(new)

    named = {"feed": arrival.feed, "connection": arrival.connection, "item_key": arrival.item_key}
    given = {**named, "version_": arrival.version, "turn_": arrival.turn, "reason_": older}
    app.tables.statements.get(("outdate",), conn.dialect, build).execute(conn, given)


# --- taking it -------------------------------------------------------------------------------------------------------


def _tried(app: Application, conn: sa.Connection, feed: Feed, arrival: Any) -> Became:
    """What it becomes; nothing is left of what was tried where it fails."""
    for last in (False, True):
        try:
            with conn.begin_nested():
                return _walked(walk_of(app, conn, feed), feed, arrival)
        except Lost as lost:  # somebody else saved such a record meanwhile: the second time it is found
            if last:
                return Became("failed", getattr(lost.said(), "reason", None) or message("{text}", text=str(lost)))
        except AppmillError as error:
            return Became("failed", _told(error))
    raise AssertionError("the loop returns")


def walk_of(app: Application, conn: sa.Connection, feed: Feed) -> Walk:
    """The application itself, on behalf of the feed: history says so."""
    actor = system_actor(f"feed:{feed.name}", feed=feed.stable_id)
    return Walk(app, conn, actor, app.clock(), Sight(app, conn, actor))


def _walked(walk: Walk, feed: Feed, arrival: Any) -> Became:
    newest = _newest(walk.app, walk.conn, arrival)
    if newest is not None and (newest.version, newest.turn) > (arrival.version, arrival.turn):
        return Became("skipped", OLDER, newest.record_id)
    if arrival.data is None:
        raise Missing(message("Its data was cleared away."))
    names = names_of(walk, feed, arrival)
    match = making.match_of(walk.app.plans, feed, names)
    id = matching.find(walk, feed.form, match) or matching.in_turn(walk, feed.form, match)
    view = view_of(walk, feed.form, id)
    names = {**names, "record": view}
    refused = not_now(walk, feed, arrival, names, view, match) or _deleted(walk, feed, newest, view)
    if refused is not None:
        return refused
    return _saved(walk, feed, names, match, view)


def names_of(walk: Walk, feed: Feed, arrival: Any) -> dict[str, Any]:
    codes = {name: dict(table) for name, table in feed.codes.items()}
    return {**walk.sight.names, "item": arrival.data, "source": arrival.connection, "codes": codes}


def view_of(walk: Walk, form: str, id: int | None) -> View | None:
    row = walk.sight.load(form, id) if id is not None else None
    return walk.sight.view(walk.app.plans.form(form).form, row) if row is not None else None


def not_now(
    walk: Walk, feed: Feed, arrival: Any, names: Mapping[str, Any], view: View | None, match: Mapping[str, Any]
) -> Became | None:
    id = view.id if view is not None else None
    if feed.when is not None and not _holds(walk, feed.when, names):
        return Became("skipped", UNWANTED, id)
    if view is None and not feed.creates:
        return Became("parked", message("There is no record for it yet."), awaits=parking.awaits(walk, feed, match))
    if view is not None and not feed.changes:
        return Became("skipped", KNOWN, id)
    if feed.ready is not None and not _holds(walk, feed.ready, names):
        said = message("Not ready: {source} does not hold.", source=feed.ready)
        return Became("parked", said, id, awaits=parking.awaits(walk, feed, match))
    return None


def _holds(walk: Walk, source: str, names: Mapping[str, Any]) -> bool:
    try:
        return walk.app.plans.compile(source).holds(names)
    except EvaluationFailed as failed:
        said = message("{source} cannot be worked out: {reason}.", source=source, reason=failed.reason)
        raise EvaluationFailed(said) from failed


def _deleted(walk: Walk, feed: Feed, newest: Any, view: View | None) -> Became | None:
    """What somebody took out of the lists does not come back with the next change outside."""
    if view is not None or newest is None or newest.record_id is None:
        return None
    row = walk.sight.load(feed.form, newest.record_id)
    return Became("skipped", DELETED, newest.record_id) if row is not None and row["deleted_at"] else None


def _saved(walk: Walk, feed: Feed, names: Mapping[str, Any], match: Mapping[str, Any], view: View | None) -> Became:
    values = making.values_of(walk.app.plans, feed, names)
    plan, reader = walk.app.plans.form(feed.form), walk.sight.names["reader"]
    if view is None:
        values = {**values, **match}
    else:
        assert view.id is not None  # a stored record
        for name in feed.lines:
            stored = walk.sight.lines(plan.lines[name].plan.form.name, view.id)
            values[name] = making.onto_stored(plan.lines[name], values[name], stored, reader)
    saved = walking.obey(walk, Request(feed.form, view.id if view is not None else None, values))
    return Became("taken", None, saved.id, saved.event_id)


def _told(error: AppmillError) -> Message:
    """Everything that is wrong, each with its place."""
    if not error.problems:
        return error.reason
    said = tuple(
        message("{where}: {said}", where=one.where, said=one.message) if one.where else one.message
        for one in error.problems
    )
    return said[0] if len(said) == 1 else message("{several}", several=said)
