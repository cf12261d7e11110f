"""From notices to messages, in the transaction that writes the notices.

A message collects: whatever reaches the same person on the same way at the same moment goes out as one. So the key of a
message is made of those, and a notice joins the message with its key as long as nobody began to deliver it. What comes
within the minute in which one of its kind went out already waits for the end of that minute, together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.faults import point
from engine.reach import Reach, Way
from engine.reaching import choices
from engine.reaching.choices import Person
from engine.storage.upsert import insert

KIND = "reach"  # of messages
WINDOW = 60  # seconds in which what is of one kind is told once, and then together


@dataclass(frozen=True)
class Leaf:
    """One notice on its way out. ``keys``: the messages it may join, the first that still waits."""

    notice: int
    user: int
    way: Way
    mode: str
    due: Mapping[str, dt.datetime]  # key → when that message goes out
    reached: bool = True


def leave(app: Application, conn: sa.Connection, kind: str, notices: Mapping[int, int]) -> None:
    """``notices``: person → id of the notice just written for them. Nothing where nobody said how they are reached."""
    reach = app.definition.reach
    if reach is None or not notices:
        return
    people = choices.people_of(app, conn, notices)
    leaves = [one for id, person in sorted(people.items()) for one in _leaves(app, reach, kind, person, notices[id])]
    put(app, conn, leaves)


def _leaves(app: Application, reach: Reach, kind: str, person: Person, notice: int) -> Iterator[Leaf]:
    now = app.clock()
    for going in choices.going(app, reach, kind, person):
        start = f"{KIND}:{person.id}:{going.way.stable_id}"
        known = choices.has(app, going.way, person)
        yield Leaf(notice, person.id, going.way, going.mode, _keys(start, kind, going, notice, now), known)


def _keys(
    start: str, kind: str, going: choices.Going, notice: int, now: dt.datetime
) -> Mapping[str, dt.datetime]:  # fmt: skip
    """The message it belongs into, and those that take its place where that one is under way."""
    alone = {f"{start}:{notice}": going.due}
    if going.mode == "digest":
        return {f"{start}:digest:{going.due:%Y%m%dT%H%M}": going.due, **alone}
    if going.due > now:
        return {f"{start}:{going.due:%Y%m%dT%H%M}": going.due, **alone}
    window = int(now.timestamp()) // WINDOW
    rest = dt.datetime.fromtimestamp((window + 1) * WINDOW, dt.UTC)
    return {f"{start}:{kind}:{window}": now, f"{start}:{kind}:{window}.rest": rest, **alone}


# --- joining messages, or making them


def put(app: Application, conn: sa.Connection, leaves: Sequence[Leaf]) -> None:
    """Write how each goes out, and the messages: a few statements, however many there are."""
    joined: dict[int, int] = {}  # place among the leaves → message
    left = [place for place, leaf in enumerate(leaves) if leaf.reached]
    for turn in range(max((len(leaf.due) for leaf in leaves), default=0)):
        keys = {place: list(leaves[place].due)[turn] for place in left if turn < len(leaves[place].due)}
        found = _messages(app, conn, {key: (leaves[place], leaves[place].due[key]) for place, key in keys.items()})
        joined |= {place: found[key] for place, key in keys.items() if key in found}
        left = [place for place in left if place not in joined]
    rows = [
        {"notification_id": leaf.notice, "way": leaf.way.stable_id, "user_id": leaf.user, "mode": leaf.mode,
         "message_id": joined.get(place), "why": None if place in joined else "no_address", "at": app.clock()}
        for place, leaf in enumerate(leaves)
    ]  # fmt: skip
    if rows:
        written = insert(conn, app.tables.reached)
        moved = {name: written.excluded[name] for name in ("mode", "message_id", "why", "at")}
        conn.execute(written.on_conflict_do_update(index_elements=["notification_id", "way"], set_=moved), rows)
    point("reached")


def _messages(
    app: Application, conn: sa.Connection, wanted: Mapping[str, tuple[Leaf, dt.datetime]]
) -> dict[str, int]:  # fmt: skip
    """key → id of the message with that key, where it still waits for its first delivery; made where there is none.

    The rows are shared until the transaction ends: who delivers looks for another message meanwhile.
    """
    if not wanted:
        return {}
    table = app.tables.message
    rows = [row_of(app, key, leaf.way, due, user=leaf.user, mode=leaf.mode) for key, (leaf, due) in wanted.items()]
    conn.execute(insert(conn, table).on_conflict_do_nothing(index_elements=["key"]), rows)
    fresh = (table.c.key.in_(list(wanted)), table.c.state == "waiting", table.c.attempts == 0)
    found = sa.select(table.c.id, table.c.key, table.c.due_at).where(*fresh).order_by(table.c.id)
    waiting = conn.execute(found.with_for_update(read=True)).all()
    for row in waiting:
        app.database.posted(conn, row.id, row.due_at)
    return {row.key: row.id for row in waiting}


def row_of(
    app: Application, key: str, way: Way, due: dt.datetime, *, user: int, mode: str
) -> dict[str, Any]:  # fmt: skip
    """A row of ``_message``."""
    return {
        "key": key, "kind": KIND, "connection": way.connection, "due_at": due, "state": "waiting",
        "effect": {"user": user, "way": way.stable_id, "mode": mode}, "definition": app.definition.hash,
        "created_at": app.clock(),
    }  # fmt: skip


# --- when one way failed


def fall_back(app: Application, conn: sa.Connection, row: Any) -> None:
    """A message became a dead letter: what nobody has read meanwhile takes the next way each notice has."""
    reach, table = app.definition.reach, app.tables.reached
    if reach is None or row.effect.get("mode") == "try":
        return
    notice = app.tables.notification
    query = (
        sa.select(table.c.notification_id, notice.c.kind)
        .join_from(table, notice, notice.c.id == table.c.notification_id)
        .where(table.c.message_id == row.id, notice.c.read_at.is_(None))
    )
    unread = conn.execute(query).all()
    person = choices.people_of(app, conn, [row.effect["user"]]).get(row.effect["user"])
    if person is None or not unread:
        return
    tried = _tried(app, conn, reach, [one.notification_id for one in unread])
    found = [
        (one, choices.next_way(app, reach, one.kind, person, tried.get(one.notification_id, ()))) for one in unread
    ]
    key, now = f"{KIND}:instead:{row.id}", app.clock()
    put(app, conn, [
        Leaf(one.notification_id, person.id, way, "instead", {f"{key}:{way.stable_id}": now})
        for one, way in found if way is not None
    ])  # fmt: skip


def _tried(app: Application, conn: sa.Connection, reach: Reach, notices: Sequence[int]) -> dict[int, set[str]]:
    """notice → the names of the ways it went already. A digest that still waits is none: it would come too late, and
    whoever delivers it waits for this transaction."""
    table, message = app.tables.reached, app.tables.message
    names = {way.stable_id: way.name for way in reach.ways.values()}
    here = (table.c.notification_id.in_(notices),)
    late = sa.select(message.c.id).join_from(message, table, table.c.message_id == message.c.id)
    digests = late.where(*here, table.c.mode == "digest", message.c.state == "waiting", message.c.attempts == 0)
    waiting = set(conn.scalars(digests.with_for_update(read=True, of=message)))
    found: dict[int, set[str]] = {}
    for row in conn.execute(sa.select(table.c.notification_id, table.c.way, table.c.message_id).where(*here)):
        if row.message_id not in waiting:
            found.setdefault(row.notification_id, set()).add(names.get(row.way, row.way))
    return found
