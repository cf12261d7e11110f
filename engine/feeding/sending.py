"""What people hand over from pages with the browser extension: kept like every arrival, taken at once, and told.

A person may hand over what they might type themselves: whoever may create records of the feed's form, and what is
there already only where they may change it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine import audit, matching
from engine.application import Application
from engine.connectors import Item
from engine.errors import AppmillError, Invalid, Message, Missing, Refused, message
from engine.feeding import making, rows
from engine.feeding.cleaning import item_of
from engine.feeding.keeping import clean, digest_of, keep
from engine.feeding.knowing import named, pairs
from engine.feeding.taking import names_of, walk_of
from engine.feeds import Feed
from engine.jobs import delivering
from engine.jobs.desk import Desk
from engine.jobs.trying import in_transaction
from engine.people import Actor
from engine.permissions import may, may_record
from engine.sites import BrowserPagesConnection, Site
from engine.storage.upsert import insert

MOST = 50  # items of one post
KEPT = dt.timedelta(days=2)  # how long a post is known again
What = Literal["new", "changed", "known", "left", "wrong", "waits", "kept"]
TWICE = message("It stands twice in what was sent.")
NOT_YOURS = message("It is there already, and you may not change it.")


@dataclass(frozen=True)
class Post:
    """``key`` is the same when a post is sent again, ``content`` a checksum (31 bits) of what it says."""

    feed: Feed
    connection: BrowserPagesConnection
    site: Site
    items: Sequence[Any]
    key: str
    content: int


@dataclass(frozen=True)
class Told:
    """What became of an item. ``new``, ``changed``: its record; ``known``: there was nothing new in it; ``left``: the
    feed wants none of it; ``wrong``; ``waits`` for what it needs; ``kept``: it is taken in a moment."""

    key: str
    what: What
    problems: Sequence[tuple[str, Message]] = ()
    reason: str | None = None  # as the ledger has it
    record_id: int | None = None


def open_sites(app: Application, actor: Actor) -> list[tuple[Feed, BrowserPagesConnection, Site]]:
    """The pages this person may hand over."""
    return [
        (feed, connection, site)
        for feed, connection, _reading in pairs(app)
        if isinstance(connection, BrowserPagesConnection) and may(app, actor, "create", feed.form)
        for site in connection.sites.values()
    ]


def place_of(app: Application, actor: Actor, feed: str, connection: str) -> tuple[Feed, BrowserPagesConnection]:
    """Raises Missing where there is none, Denied where the person may not make what would be made of it."""
    wanted, through = named(app, feed), app.definition.connections.get(connection)
    if not isinstance(through, BrowserPagesConnection) or connection not in wanted.from_:
        raise Missing(message("The feed does not read of '{connection}'.", connection=connection[:60]))
    may(app, actor, "create", wanted.form).demand()
    return wanted, through


def send(app: Application, actor: Actor, post: Post) -> list[Told]:
    """Keep and take them; answers what became of each, in their order. Raises Refused where the key was that of
    another post."""
    zone = ZoneInfo(post.connection.timezone or app.definition.timezone)
    read = _once_each([_read(post.site, raw, zone) for raw in post.items])
    items = sorted((one for one in read if isinstance(one, Item)), key=lambda item: item.key)
    refused, fresh = in_transaction(app, lambda conn: _accept(app, conn, actor, post, items))
    _take(app, post, [item for item in items if item.key not in refused])
    with app.database.read() as conn:
        return [
            one if isinstance(one, Told) else refused.get(one.key) or _told(app, conn, post, one, fresh) for one in read
        ]


# --- reading it ------------------------------------------------------------------------------------------------------


def _read(site: Site, raw: Any, zone: ZoneInfo) -> Item | Told:
    try:
        return item_of(site, raw, zone)
    except Invalid as invalid:
        said = raw.get(site.key) if isinstance(raw, Mapping) else ""
        problems = [(one.where, one.message) for one in invalid.problems] or [("", invalid.reason)]
        return Told(said[:120] if isinstance(said, str) else "", "wrong", problems)


def _once_each(read: list[Item | Told]) -> list[Item | Told]:
    seen: set[str] = set()
    found: list[Item | Told] = []
    for one in read:
        again = isinstance(one, Item) and one.key in seen
        found.append(Told(one.key, "wrong", [("", TWICE)]) if again else one)
        seen.add(one.key)
    return found


# --- keeping it ------------------------------------------------------------------------------------------------------


def _accept(
    app: Application, conn: sa.Connection, actor: Actor, post: Post, items: Sequence[Item]
) -> tuple[dict[str, Told], frozenset[str]]:
    """(what the person may not change, the keys of what nobody had seen before)."""
    refused = {item.key: told for item in items if (told := _refusal(app, conn, actor, post, item)) is not None}
    wanted = [item for item in items if item.key not in refused]
    if not _is_first(app, conn, actor, post):
        return refused, frozenset(item.key for item in wanted)  # as it was told the first time
    fresh = [item.key for item in wanted if keep(app, conn, post.feed, post.connection.name, [item], "pushed")]
    rows.told(app, conn, post.feed.stable_id, post.connection.name, app.clock(), len(fresh))
    if fresh:
        said = f"{post.feed.name}/{post.connection.name}: {', '.join(fresh)}"
        audit.note(conn, app, actor, "feed.sent", actor.id or 0, reason=said[:1000])
    return refused, frozenset(fresh)


def _is_first(app: Application, conn: sa.Connection, actor: Actor, post: Post) -> bool:
    table, key = app.tables.rate, f"ingest:{actor.id}:{post.key}"
    new = {"key": key, "window": 0, "hits": post.content, "expires_at": app.clock() + KEPT}
    if conn.scalar(insert(conn, table).values(new).on_conflict_do_nothing().returning(table.c.hits)) is not None:
        return True
    before = conn.scalar(sa.select(table.c.hits).where(table.c.key == key, table.c.window == 0))
    if before != post.content:
        raise Refused(message("This key was used for another request. Use a new one for each."))
    return False


def _refusal(app: Application, conn: sa.Connection, actor: Actor, post: Post, item: Item) -> Told | None:
    """Where its record is there already and is none of those the person may change."""
    if not post.feed.changes:
        return None
    walk = walk_of(app, conn, post.feed)
    names = names_of(walk, post.feed, SimpleNamespace(data=clean(item.data), connection=post.connection.name))
    try:
        id = matching.find(walk, post.feed.form, making.match_of(app.plans, post.feed, names))
    except AppmillError:
        return None  # told by what takes it, with its place
    row = walk.sight.load(post.feed.form, id) if id is not None else None
    if row is None:
        return None
    view = walk.sight.view(app.plans.form(post.feed.form).form, row)
    allowed = may_record(app, actor, "update", post.feed.form, view)
    return None if allowed else Told(item.key, "wrong", [("", NOT_YOURS)])


# --- taking and telling ----------------------------------------------------------------------------------------------


def _take(app: Application, post: Post, items: Sequence[Item]) -> None:
    """Now, so that the person can be told; whoever else does it at the same time is as good."""
    table = app.tables.arrival
    here = (table.c.feed == post.feed.stable_id, table.c.connection == post.connection.name)
    with app.database.read() as conn:
        query = sa.select(table.c.message_id).where(*here, table.c.state == "waiting")
        ids = list(conn.scalars(query.where(table.c.item_key.in_([clean(item.key) for item in items]))))
    desk = Desk()
    for id in sorted(id for id in ids if id is not None):
        delivering.deliver(app, id, desk)


def _told(app: Application, conn: sa.Connection, post: Post, item: Item, fresh: frozenset[str]) -> Told:
    table, event = app.tables.arrival, app.tables.event
    columns = (table.c.state, table.c.reason, table.c.record_id, table.c.event_id, event.c.kind)
    same = (table.c.feed == post.feed.stable_id, table.c.connection == post.connection.name,
            table.c.item_key == clean(item.key), table.c.digest == digest_of(clean(item.data)))  # fmt: skip
    source = table.outerjoin(event, event.c.id == table.c.event_id)
    row = conn.execute(sa.select(*columns).select_from(source).where(*same)).one()
    return Told(item.key, _what(row, item.key in fresh), (), row.reason, row.record_id)


def _what(row: Any, is_fresh: bool) -> What:
    states: Mapping[str, What] = {"failed": "wrong", "parked": "waits", "waiting": "kept", "skipped": "left"}
    if row.state != "taken":
        return states[row.state]
    if not is_fresh or row.event_id is None:
        return "known"
    return "new" if row.kind == "created" else "changed"
