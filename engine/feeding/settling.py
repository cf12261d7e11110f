"""What became of the items of a version is told the connector that awaits it, so that it can tell the other side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Failure
from engine.errors import Problem, message
from engine.feeding import reading, rows
from engine.feeds import Feed
from engine.jobs.trying import in_transaction
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE

if TYPE_CHECKING:
    from engine.feeding.looking import Turn

MOST = 20_000  # failures of one version that are told


def settle(app: Application, turn: Turn, row: Any) -> Any:
    """Before a look: tell of each awaited version of which nothing waits any more; answers the row with the cursor to
    go on from. Raises DeliveryFailed."""
    awaited = turn.connection.awaits(turn.feed.read, row.cursor) if row.cursor else ()
    for version in awaited:
        failures = _failures(app, turn, version)
        if failures is None:
            continue
        cursor = dict(reading.settled(app, turn.feed, turn.connection, row.cursor, version, failures))
        if not in_transaction(app, partial(_kept, app, turn, cursor)):
            return row  # somebody else has it: reading will find out
        row = SimpleNamespace(**{**vars(row), "cursor": cursor})
    return row


def _kept(app: Application, turn: Turn, cursor: Mapping[str, Any], conn: sa.Connection) -> bool:
    return rows.change(app, conn, turn.row.id, turn.token, {"cursor": cursor})


def _failures(app: Application, turn: Turn, version: str) -> list[Failure] | None:
    """None while some of its items are waiting or parked."""
    table = app.tables.arrival
    mine = (table.c.feed == turn.feed.stable_id, table.c.connection == turn.connection.name, table.c.version == version)
    trouble = sa.select(table.c.item_key, table.c.state, table.c.reason).where(*mine, in_state(table, *TROUBLE))
    with app.database.read() as conn:
        pending = trouble.where(in_state(table, "waiting", "parked")).limit(1)
        if conn.execute(pending).first() is not None:
            return None
        found = conn.execute(trouble.where(in_state(table, "failed")).order_by(table.c.id).limit(MOST)).all()
    sources = sources_of(turn.feed)
    return [Failure(row.item_key, list(problems_in(row.reason or "", sources)), sources) for row in found]


def sources_of(feed: Feed) -> dict[str, str]:
    """``total`` → the expression it is filled from, ``lines.amount`` for lines."""
    own = {str(name): str(source) for name, source in {**feed.match, **feed.values}.items()}
    lines = {
        f"{lines_name}.{name}": str(source)
        for lines_name, lines in feed.lines.items()
        for name, source in lines.values.items()
    }
    return own | lines


def problems_in(reason: str, sources: Mapping[str, str]) -> Iterator[Problem]:
    """A reason as ``taking`` keeps it, ``total: …, lines.2.amount: …``, taken apart again."""
    names = "|".join(re.escape(name).replace(r"\.", r"(?:\.\d+)?\.") for name in sources)
    pieces = re.split(rf"(?:^|, |、)({names})(?:: |：)", reason) if names else [reason]
    if pieces[0]:
        yield Problem("", message("{text}", text=pieces[0]))
    for where, said in zip(pieces[1::2], pieces[2::2], strict=True):
        yield Problem(where, message("{text}", text=said))
