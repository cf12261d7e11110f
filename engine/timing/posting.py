"""Leaving the message that wakes a rule: one per key, however many processes leave it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.errors import NOTHING
from engine.storage.upsert import insert

if TYPE_CHECKING:
    from engine.application import Application


def post(
    app: Application,
    conn: sa.Connection,
    key: str,
    rule: str,
    due: dt.datetime,
    *,
    form: str | None = None,
    record_id: int | None = None,
    given: Mapping[str, Any] = NOTHING,
    event_id: int | None = None,
    move: bool = False,
) -> int | None:
    """Leave a message that wakes the rule (its stable id) at ``due``; answers its id, None where one of this key is
    there. ``move``: one that did not go out yet takes the new moment. ``given`` is JSON."""
    table, now = app.tables.message, app.clock()
    row = {
        "key": key, "kind": "fire", "form": form, "record_id": record_id, "due_at": due, "state": "waiting",
        "effect": {"rule": rule, "form": form, "record_id": record_id, "given": dict(given)},
        "definition": app.definition.hash, "event_id": event_id, "created_at": now,
    }  # fmt: skip
    first = insert(conn, table).values(row)
    if move:
        new = {name: row[name] for name in ("due_at", "state", "effect", "definition", "event_id")}
        not_out_yet = table.c.state.in_(("waiting", "parked", "cancelled"))
        left = first.on_conflict_do_update(index_elements=["key"], set_=new, where=not_out_yet)
    else:
        left = first.on_conflict_do_nothing(index_elements=["key"])
    id: int | None = conn.scalar(left.returning(table.c.id))
    if id is not None:
        app.database.posted(conn, id, due)
    return id


def take_back(app: Application, conn: sa.Connection, *keys: str) -> None:
    """Messages that did not go out yet are not wanted any more."""
    table = app.tables.message
    open_ones = (table.c.key.in_(keys), table.c.state.in_(("waiting", "parked")))
    conn.execute(sa.update(table).where(*open_ones).values(state="cancelled", done_at=app.clock()))


def told(moment: dt.datetime) -> str:
    """A moment as messages hold it."""
    return moment.astimezone(dt.UTC).isoformat()
