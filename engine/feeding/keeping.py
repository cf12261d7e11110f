"""What came is kept before anything is made of it, with the message that takes it, in the caller's transaction.

The same thing in the same version with the same data is one arrival, however often it comes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, Literal

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Item
from engine.faults import point
from engine.feeding.knowing import lane_of
from engine.feeds import Feed
from engine.storage.prepared import value
from engine.storage.upsert import insert

How = Literal["pulled", "pushed", "filed", "replayed"]
DEEPEST = 60


def keep(app: Application, conn: sa.Connection, feed: Feed, connection: str, items: Iterable[Item], how: How) -> int:
    """Keep what arrived; answers how many of it nobody had seen before."""
    several = sorted(items, key=lambda item: item.key)  # two processes take their locks in the same order
    found = sum([_keep(app, conn, feed, connection, item, how) for item in several])
    point("arrivals kept")
    return found


def _keep(app: Application, conn: sa.Connection, feed: Feed, connection: str, item: Item, how: How) -> bool:
    data = clean(item.data)
    new = {
        "feed": feed.stable_id, "connection": connection, "item_key": clean(item.key), "version": clean(item.version),
        "digest": digest_of(data), "data": data, "how": how, "at": app.clock(), "state": "waiting",
        "form": feed.form,
    }  # fmt: skip
    id = _inserted(app, conn, new)
    if id is None:
        _again(app, conn, new)
        return False
    post_take(app, conn, id, None, lane_of(new["feed"], connection, new["item_key"]))
    return True


def _inserted(app: Application, conn: sa.Connection, new: dict[str, Any]) -> int | None:
    table = app.tables.arrival

    def build() -> Any:
        row = {name: value(f"new_{name}", table.c[name].type) for name in new}
        return insert(conn, table).values(row).on_conflict_do_nothing().returning(table.c.id)

    prepared = app.tables.statements.get(("keep arrival",), conn.dialect, build)
    rows = prepared.execute(conn, {f"new_{name}": each for name, each in new.items()}).fetchall()
    return int(rows[0][0]) if rows else None


def _again(app: Application, conn: sa.Connection, new: dict[str, Any]) -> None:
    """It was there already. One that comes again after another of the same version says that the thing went back to
    what it was: it is taken once more."""
    table = app.tables.arrival
    same = [table.c[name] == new[name] for name in ("feed", "connection", "item_key", "version")]
    mine = (*same, table.c.digest == new["digest"])
    counted = sa.update(table).where(*mine).values(repeats=table.c.repeats + 1)
    row = conn.execute(counted.returning(table.c.id, table.c.turn, table.c.state, table.c.message_id)).one()
    later = sa.select(table.c.id).where(*same, table.c.turn > row.turn).limit(1)
    if conn.execute(later).first() is not None and row.state in ("taken", "skipped"):
        back = sa.update(table).where(table.c.id == row.id)
        conn.execute(back.values(state="waiting", reason=None, data=new["data"], at=new["at"], taken_at=None))
        post_take(app, conn, row.id, row.message_id, lane_of(new["feed"], new["connection"], new["item_key"]))


def post_take(
    app: Application, conn: sa.Connection, id: int, former: int | None, lane: str, *, in_turn: bool = True
) -> int:
    """The message that takes an arrival; ``former``: of the one before, by which its key is its own. ``in_turn``: the
    arrival comes after all that are there."""
    table, arrival, now = app.tables.message, app.tables.arrival, app.clock()
    new = {
        "key": f"take:{id}:{former or 0}", "kind": "take", "lane": lane, "effect": {"arrival": id}, "due_at": now,
        "state": "waiting", "definition": app.definition.hash, "created_at": now,
    }  # fmt: skip

    def post() -> Any:
        row = {name: value(f"new_{name}", table.c[name].type) for name in new}
        return insert(conn, table).values(row).returning(table.c.id)

    def note() -> Any:
        noted = {"message_id": value("message_"), **({"turn": value("message_")} if in_turn else {})}
        return sa.update(arrival).where(arrival.c.id == value("id_")).values(noted)

    posted = app.tables.statements.get(("post take",), conn.dialect, post)
    left = int(posted.execute(conn, {f"new_{name}": each for name, each in new.items()}).fetchall()[0][0])
    app.tables.statements.get(("note take", in_turn), conn.dialect, note).execute(conn, {"id_": id, "message_": left})
    app.database.posted(conn, left, now)
    return left


def digest_of(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def clean(thing: Any, depth: int = 0) -> Any:
    """What every database can keep: one odd character of one thing must not hold up all others for ever."""
    if depth > DEEPEST:
        return None
    if isinstance(thing, str):
        return thing.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(thing, dict):
        return {clean(str(name)): clean(one, depth + 1) for name, one in thing.items()}
    if isinstance(thing, list | tuple):
        return [clean(one, depth + 1) for one in thing]
    if isinstance(thing, float) and not math.isfinite(thing):
        return None
    return thing
