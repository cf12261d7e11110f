"""Feeds look for what is new: every serving process does, whoever claims a feed and connection reads it.

A *round* begins at ``mark`` less the overlap of the feed, by ``Connection.begin``, and reads part after part until
nothing is left; no cursor of another system is trusted for longer than one round, where it can read any span of time.
``mark`` then is when the round began by our clock, or the newest version that was seen, whichever is earlier (their
clock may be behind ours), but never more than a day behind. What a part brought and where the next one goes on is kept
in one transaction, and only by who still holds the claim.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from engine import pausing
from engine.application import Application
from engine.calendars import seconds_of
from engine.connectors import Connection, Item, Part, Reading, Span
from engine.errors import AppmillError, DeliveryFailed, Throttled
from engine.faults import point
from engine.feeding import filling, knowing, reading, rows, settling, stamping
from engine.feeding.keeping import keep
from engine.feeds import Feed
from engine.jobs import breaker
from engine.jobs.allowance import hold
from engine.jobs.desk import Terms
from engine.jobs.trying import in_transaction
from engine.storage.migrate import last_hash
from engine.timing.clockwork import Clockwork

TOGETHER = 4
PARTS, SECONDS = 50, 30.0  # of one turn; then others have theirs, and it is due at once
FIRST, MOST = 10.0, 3600.0  # seconds until it is tried again after one failure, and at most
LOOK_AGAIN = dt.timedelta(seconds=10)  # another process may have asked for a look
SKEW = dt.timedelta(days=1)  # by so much the clock of another system may be behind ours
LEASE, BEAT = dt.timedelta(seconds=8), 2.0  # how long a claim lasts, and how often it is renewed meanwhile
LOG = logging.getLogger("appmill.feeds")


@dataclass(frozen=True)
class Turn:
    """A claimed row of ``_feed``, and what it reads."""

    row: Any
    feed: Feed
    connection: Connection
    reading: Reading
    token: str


def collect(app: Application, only: Feed | None = None) -> dt.datetime | None:
    """Read everything whose time has come; answers when to look again, None without feeds that look."""
    pulled = [pair for pair in knowing.pairs(app) if pair[2].pulled and only in (None, pair[0])]
    if not pulled:
        return None
    with app.database.read() as conn:
        if last_hash(conn) != app.definition.hash:
            return None
    now = app.clock()
    rows.enter(app, pulled, now)
    turns = [turn for row in rows.due(app, pulled, now) if (turn := _claimed(app, pulled, row)) is not None]
    if turns:
        with _renewed(app, turns), ThreadPoolExecutor(min(TOGETHER, len(turns)), "appmill-feed") as threads:
            list(threads.map(lambda turn: go(app, turn), turns))
    coming = rows.next_due(app, [(feed.stable_id, connection.name) for feed, connection, _reading in pulled])
    return min(coming or now + LOOK_AGAIN, now + LOOK_AGAIN)


def collector(current: Callable[[], Application]) -> Clockwork:
    """Collects in a thread of its own, as long as it runs."""
    return Clockwork(current, work=collect, begin=rows.free_gone)


def _claimed(app: Application, pulled: Sequence[tuple[Feed, Connection, Reading]], row: Any) -> Turn | None:
    for feed, connection, offered in pulled:
        if (feed.stable_id, connection.name) == (row.feed, row.connection):
            token = rows.claim(app, row, app.clock(), LEASE)
            return None if token is None else Turn(row, feed, connection, offered, token)
    return None  # of a feed or connection that is gone


@contextmanager
def _renewed(app: Application, turns: Sequence[Turn]) -> Iterator[None]:
    """The claims last while this process lives: one that was killed is followed within seconds, however long a call
    may take. Whoever is late loses nothing but the part it was reading."""
    over, tokens = threading.Event(), [turn.token for turn in turns]

    def renew() -> None:
        while not over.wait(BEAT):
            try:
                rows.renew(app, tokens, app.clock() + LEASE)
            except sa.exc.DBAPIError as error:
                LOG.warning("the claims of feeds could not be renewed: %s", error)

    thread = threading.Thread(target=renew, name="appmill-feed-claims", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# --- one turn --------------------------------------------------------------------------------------------------------


def go(app: Application, turn: Turn) -> int:
    """Read part after part; answers how many arrivals were new. What goes wrong is noted, and nothing is lost by it."""
    began, found, standing = time.monotonic(), 0, turn.row
    try:
        if not _admitted(app, turn):
            return 0
        standing = settling.settle(app, turn, standing)
        for number in range(1, PARTS + 1):
            if filling.is_cancelled(app, standing):
                return found
            begins = standing.cursor is None
            part = reading.read(app, turn.feed, turn.connection, standing.cursor or _begun(app, turn, standing))
            point("part read")
            last = not part.more or number == PARTS or time.monotonic() - began > SECONDS
            kept = in_transaction(app, partial(_keep, app, turn, standing, part, begins, last))
            if kept is None:
                return found  # somebody else has it
            standing, new = kept
            found += new
            point("part kept")
            if last:
                break
    except Exception as error:
        _failed(app, turn, error)
    return found


def _begun(app: Application, turn: Turn, row: Any) -> Mapping[str, Any]:
    if row.span:
        return turn.connection.begin(turn.feed.read, Span(row.since, row.until))
    if row.mark is None:
        return turn.connection.begin(turn.feed.read, Span(app.clock() - _length(turn.feed.since)))
    return turn.connection.begin(turn.feed.read, Span(row.mark - _length(turn.feed.overlap)))


def _length(length: Any) -> dt.timedelta:
    return dt.timedelta(seconds=seconds_of(length))


def _keep(
    app: Application, turn: Turn, row: Any, part: Part, begins: bool, last: bool, conn: sa.Connection
) -> tuple[Any, int] | None:
    """What the part brought and where the next goes on, in one transaction; None when the claim is no longer ours."""
    now = app.clock()
    new: dict[str, Any] = {
        "cursor": dict(part.cursor), "looked_at": now, "last_ok": now, "failures": 0, "error": None,
        "newest": newest(row.newest, part.items), "began_at": now if begins else row.began_at,
        "lease_until": now + LEASE, "parts": row.parts + 1,
    }  # fmt: skip
    if last:
        new |= {"token": None, "lease_until": None, "due_at": now}
    if not part.more:
        new |= _round_over(turn, {**vars(row), **new}, now)
    if not rows.change(app, conn, row.id, turn.token, new):
        return None
    point("cursor kept")
    found = keep(app, conn, turn.feed, turn.connection.name, part.items, "pulled")
    rows.count(app, conn, row.id, found)
    if row.span:
        filling.progressed(app, conn, row, len(part.items), over=not part.more)
    if not part.more and not row.span:
        stamping.post(app, conn, turn.feed, turn.connection.name, new["began_at"] or now)
    breaker.worked(app, conn, turn.connection.name, None)
    point("before part is committed")
    return type(row)(**{**vars(row), **new}), found


def _round_over(turn: Turn, row: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    began = row["began_at"] or now
    mark = mark_after(began, row["newest"], row["mark"] or began - SKEW)
    over: dict[str, Any] = {"mark": mark, "due_at": now + _length(turn.feed.every)}
    return over | ({"cursor": None} if turn.reading.spans else {})


def newest(known: str | None, items: Sequence[Item]) -> str | None:
    """The newest version seen that tells a time, "-" where versions tell none."""
    versions = [known or "", *(item.version for item in items)]
    told = [version for version in versions if moment_in(version) is not None]
    return max(told, key=lambda version: moment_in(version) or dt.datetime.min, default="-" if items else known)


def moment_in(version: str) -> dt.datetime | None:
    if len(version) < 10 or "-" not in version:
        return None
    try:
        moment = dt.datetime.fromisoformat(version)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def mark_after(began: dt.datetime, seen: str | None, former: dt.datetime) -> dt.datetime:
    """Up to when everything was seen by a round that began then."""
    if seen is None:
        return max(former, began - SKEW)
    return max(min(began, moment_in(seen) or began), began - SKEW)


# --- what goes wrong -------------------------------------------------------------------------------------------------


def _admitted(app: Application, turn: Turn) -> bool:
    """Whether the connection is tried now, or rests after several failures."""
    terms = Terms()
    with app.database.write() as conn:
        health, now = breaker.locked(app, conn, turn.connection.name), app.clock()
        admission = breaker.admits(health, 0, now, terms)
        if admission == "probe":
            breaker.probing(app, conn, turn.connection.name)
        if admission != "no":
            return True
        rested = (health.opened_at or now) + dt.timedelta(seconds=terms.probe_after)
        rows.change(app, conn, turn.row.id, turn.token, {"token": None, "lease_until": None, "due_at": rested})
        return False


def _failed(app: Application, turn: Turn, error: Exception) -> None:
    if not isinstance(error, AppmillError):
        LOG.error("reading %s of %s failed", turn.feed.name, turn.connection.name, exc_info=error)
    reason = app.secrets.mask(pausing.in_words(app, error))
    after = error.after if isinstance(error, DeliveryFailed) else None

    def note(conn: sa.Connection) -> None:
        now, row = app.clock(), rows.one(app, conn, turn.row.id)
        if row is None:
            return
        failures = row.failures + (after is None)
        wait = after if after is not None else min(MOST, FIRST * 2 ** min(row.failures, 12))
        noted = {"token": None, "lease_until": None, "looked_at": now, "error": reason, "failures": failures,
                 "due_at": now + dt.timedelta(seconds=wait)}  # fmt: skip
        if isinstance(error, Throttled):  # our own limit: nothing went wrong
            noted["error"] = row.error
        if not rows.change(app, conn, row.id, turn.token, noted) or isinstance(error, Throttled):
            return
        if after is None:
            breaker.failed(app, conn, turn.connection.name, reason, Terms())
        else:
            hold(app, conn, turn.connection, after, turn.feed.read)

    in_transaction(app, note)
