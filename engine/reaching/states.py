"""How a notice went out: waiting until when, sent when, failed why. Worked out of the messages themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from engine.application import Application
from engine.errors import Message, message
from engine.language import Label

State = Literal["waiting", "sending", "sent", "read", "again", "failed", "unsure", "no_address"]
_OF_MESSAGE: Mapping[str, State] = {
    "waiting": "waiting", "parked": "waiting", "claimed": "sending", "done": "sent", "dead": "failed",
    "unsure": "unsure", "cancelled": "read",
}  # fmt: skip
_SAID: Mapping[State, Message] = {
    "waiting": message("{way}: waits until {at}"),
    "sending": message("{way}: on its way"),
    "sent": message("{way}: sent {at}"),
    "read": message("{way}: not sent, it was read before"),
    "again": message("{way}: failed, tried again {at}: {reason}"),
    "failed": message("{way}: failed: {reason}"),
    "unsure": message("{way}: nobody knows whether it arrived"),
    "no_address": message("{way}: no address"),
}
Shown = Callable[[dt.datetime], str]  # a moment as its reader reads it


@dataclass(frozen=True)
class Delivery:
    """How one notice goes out on one way. ``at``: when it is due, or was sent, in UTC."""

    way: Label | str
    state: State
    at: dt.datetime | None = None
    reason: str = ""
    mode: str = "at_once"

    def said(self, shown: Shown) -> Message:
        at = shown(self.at) if self.at is not None else ""
        return message(_SAID[self.state].pattern, way=self.way, at=at, reason=self.reason)


def of_notices(app: Application, conn: sa.Connection, ids: Iterable[int]) -> dict[int, tuple[Delivery, ...]]:
    """notice → how it goes out, way after way; nothing of those that go out nowhere."""
    wanted = list(ids)
    if not wanted or app.definition.reach is None:
        return {}
    reached, table = app.tables.reached, app.tables.message
    query = (
        sa.select(reached, table.c.state, table.c.due_at, table.c.done_at, table.c.error, table.c.result,
                  table.c.attempts)
        .join_from(reached, table, table.c.id == reached.c.message_id, isouter=True)
        .where(reached.c.notification_id.in_(wanted))
        .order_by(reached.c.at, reached.c.way)
    )  # fmt: skip
    found: dict[int, list[Delivery]] = {}
    for row in conn.execute(query):
        found.setdefault(row.notification_id, []).append(_delivery(app, row))
    return {id: tuple(several) for id, several in found.items()}


def of_questions(
    app: Application, conn: sa.Connection, ids: Iterable[int], user_id: int | None = None
) -> dict[tuple[int, int], tuple[Delivery, ...]]:
    """(question, person) → how the notice went out by which they were asked. ``user_id``: only of this person."""
    asked, wanted = app.tables.asked, list(ids)
    if not wanted or app.definition.reach is None:
        return {}
    query = sa.select(asked.c.question_id, asked.c.user_id, asked.c.notification_id)
    query = query.where(asked.c.question_id.in_(wanted), asked.c.notification_id.is_not(None))
    rows = conn.execute(query.where(asked.c.user_id == user_id) if user_id is not None else query).all()
    found = of_notices(app, conn, [row.notification_id for row in rows])
    return {(row.question_id, row.user_id): found.get(row.notification_id, ()) for row in rows}


def of_message(way: Label | str, row: Any) -> Delivery:
    """``row``: of ``_message``; how trying a way out went."""
    failed = (row.result or {}).get("failed")
    if failed:
        return Delivery(way, "failed", row.done_at, failed)
    return _of_row(way, row, "try", told=True)


def _delivery(app: Application, row: Any) -> Delivery:
    way = way_label(app, row.way)
    if row.message_id is None:
        return Delivery(way, "no_address")
    told = row.state != "done" or row.notification_id in (row.result or {}).get("told", ())
    return _of_row(way, row, row.mode, told=told)


def _of_row(way: Label | str, row: Any, mode: str, *, told: bool) -> Delivery:
    state = _OF_MESSAGE[row.state]
    if state == "waiting" and row.attempts:
        state = "again"
    if not told:
        state = "read"
    return Delivery(way, state, row.done_at if state == "sent" else row.due_at, row.error or "", mode)


def way_label(app: Application, stable: str) -> Label | str:
    """What people call a way; its name where it is gone."""
    ways = app.definition.reach.ways.values() if app.definition.reach is not None else ()
    return next((way.label or way.name for way in ways if way.stable_id == stable), stable)
