"""Handing a message over: what is unread then, by the performer of the way's connection.

Nothing goes out that was read in the application meanwhile. The result says which notices went out with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import DeliveryFailed, Message, Missing, Refused, message
from engine.outside.task import Task
from engine.reach import SEND, Way
from engine.reaching import choices, composing, leaving
from engine.reaching.choices import Person
from engine.reaching.composing import Letter, Receiver
from engine.storage.upsert import count
from engine.texts import say

MOST_TRIES = 6  # trying a way out, in
TRY_SECONDS = 60


def perform(task: Task, around: Any) -> Mapping[str, Any]:
    """The performer of ``reach``. ``around``: what ``carry_out`` hands over, which knows the application inside."""
    app: Application = around.inner.app
    row = around.inner.message
    way, person = _way(app, str(task.data["way"])), int(task.data["user"])
    if task.data["mode"] == "try":
        return _tried(app, task, around, way, person)
    with app.database.write() as conn:  # one-time links are written with it
        unread = _unread(app, conn, row.id)
        to = _receiver(app, conn, way, person) if unread else None
        lines = composing.lines_of(conn, to, unread) if to is not None else []
        letter = composing.letter_of(to, lines, str(task.data["mode"])) if to is not None and lines else None
    if to is None or letter is None:
        return {"told": []}
    result = _hand_over(app, task, around, to, letter)
    return {**result, "told": [line.notice for line in lines]}


def _way(app: Application, stable: str) -> Way:
    ways = app.definition.reach.ways.values() if app.definition.reach is not None else ()
    found = next((way for way in ways if way.stable_id == stable), None)
    if found is None:
        raise DeliveryFailed(message("The way {name} is no longer in the definition.", name=stable), again=False)
    return found


def _receiver(app: Application, conn: sa.Connection, way: Way, user: int) -> Receiver | None:
    """None for somebody who is kept out meanwhile. Raises DeliveryFailed for who has no address there any more."""
    person = choices.people_of(app, conn, [user]).get(user)
    if person is None:
        return None
    if not choices.has(app, way, person):
        raise DeliveryFailed(_no_address(person), again=False)
    try:
        return composing.receiver_of(app, conn, person, way)
    except Missing:
        return None


def _no_address(person: Person) -> Message:
    return message("Nobody said how {name} is called there.", name=person.name)


def _unread(app: Application, conn: sa.Connection, message_id: int) -> Sequence[Mapping[str, Any]]:
    notice, reached = app.tables.notification, app.tables.reached
    query = (
        sa.select(notice)
        .join_from(reached, notice, notice.c.id == reached.c.notification_id)
        .where(reached.c.message_id == message_id, notice.c.read_at.is_(None))
        .order_by(notice.c.id)
    )
    return conn.execute(query).mappings().all()  # type: ignore[return-value]


def _hand_over(app: Application, task: Task, around: Any, to: Receiver, letter: Letter) -> Mapping[str, Any]:
    performers = app.registry.performers
    if choices.is_mail(task.connection):
        sent = performers["mail"](replace(task, kind="mail", data=composing.as_mail(to, letter)), around)
    else:
        takes = task.connection.operations()[SEND].takes if task.connection is not None else ()
        data = {"operation": SEND, "values": composing.as_chat(to, letter, takes)}
        sent = performers["call"](replace(task, kind="call", data=data), around)
    return dict(sent)


# --- trying a way out


def try_out(app: Application, conn: sa.Connection, user: int, way: Way) -> None:
    """Leave a message by which somebody sees whether a way reaches them. Raises Refused when it is done too often."""
    now = app.clock()
    if count(conn, app.tables, f"try_out:{user}", now, TRY_SECONDS) > MOST_TRIES:
        raise Refused(message("Wait a minute before you try again."))
    person = choices.people_of(app, conn, [user])[user]
    key = f"{leaving.KIND}:try:{user}:{way.stable_id}:{secrets.token_hex(8)}"
    row = leaving.row_of(app, key, way, now, user=user, mode="try")
    id = conn.execute(sa.insert(app.tables.message).values(row).returning(app.tables.message.c.id)).scalar_one()
    app.database.posted(conn, id, now)
    choices.keep(app, conn, user, tried={**person.tried, way.stable_id: id})


def _tried(app: Application, task: Task, around: Any, way: Way, user: int) -> Mapping[str, Any]:
    """What went wrong is the result: whoever tried reads it, and nobody has to mend a dead letter."""
    language: str = app.definition.languages[0]
    try:
        with app.database.read() as conn:
            to = _receiver(app, conn, way, user)
        if to is None:
            return {"failed": say(message("The account is closed."), language)}
        language = to.language
        label = app.definition.label
        letter = Letter(
            to.say(message("{app}: this message arrives", app=label)),
            to.say(message("{name}, you tried out how {app} reaches you.", name=to.person.name, app=label)),
        )
        return _hand_over(app, task, around, to, letter)
    except DeliveryFailed as failed:
        return {"failed": say(failed.reason, language)}
