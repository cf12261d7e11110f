"""How often an operation of a connection is called: never more often than the other side allows, in all processes.

The generic cell rate algorithm (ITU-T I.371): one number per operation says when everything it may do at once will be
there again; each call moves it on by the time one call needs, and may be made while it is less than a burst away.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from engine.application import Application
from engine.calendars import seconds_of
from engine.connectors import Connection, Rate
from engine.errors import Throttled, message
from engine.storage.upsert import insert

ALL = "all"  # all operations of a connection together


def limits_of(connection: Connection) -> Mapping[str, Rate]:
    """What the connector knows, and over it what the definition says."""
    return {**connection.usual_limits(), **connection.limits}


def take_turn(app: Application, connection: Connection, operation: str) -> None:
    """Use up one call of the operation. Raises Throttled."""
    limits = limits_of(connection)
    rates = {name: limits.get(name) for name in (ALL, operation)}
    wait = _used(app, connection.name, rates) if any(rates.values()) else _held(app, connection.name, rates)
    if wait > 0:
        said = message("'{connection}' may do {operation} again in {seconds} s.", connection=connection.name,
                       operation=operation, seconds=f"{wait:.0f}")  # fmt: skip
        raise Throttled(said, wait)


def _used(app: Application, name: str, rates: Mapping[str, Rate | None]) -> float:
    """Use the rates up where all have room; otherwise in how many seconds they have."""
    with app.database.write() as conn:
        full = _kept(app, conn, name, tuple(rates))
        now = app.clock().timestamp()
        wait = max(full[each] - now - _room(rate) for each, rate in rates.items())
        for each, rate in rates.items():
            if wait <= 0 and rate is not None:
                _put(app, conn, name, each, max(full[each], now) + one(rate))
    return wait


def _held(app: Application, name: str, operations: Collection[str]) -> float:
    """Without limits nothing is used up, but the other side may have said to come back later."""
    table = app.tables.allowance
    these = (table.c.connection == name, table.c.operation.in_(operations))
    with app.database.read() as conn:
        found = conn.scalar(sa.select(sa.func.max(table.c.full_at)).where(*these))
    return 0.0 if found is None else float(found) - app.clock().timestamp()


@dataclass(frozen=True)
class Use:
    """How much of a limit is used up now. ``operation``: "all" for all together; ``used`` of ``rate.burst`` calls that
    may be made at once; ``wait``: in how many seconds the next one may be made."""

    operation: str
    rate: Rate | None
    used: int
    wait: float


def used(app: Application, conn: sa.Connection) -> Mapping[str, Sequence[Use]]:
    """Connection → its limits and how much of each is used up; one that the other side told to wait has one, too."""
    table, now = app.tables.allowance, app.clock().timestamp()
    full = {(row.connection, row.operation): float(row.full_at) for row in conn.execute(sa.select(table))}
    return {name: list(_uses(connection, full, now)) for name, connection in app.definition.connections.items()}


def _uses(connection: Connection, full: Mapping[tuple[str, str], float], now: float) -> Iterator[Use]:
    limits = limits_of(connection)
    for operation, rate in limits.items():
        ahead = max(0.0, full.get((connection.name, operation), 0.0) - now)
        taken = min(rate.burst, math.ceil(ahead / one(rate)))
        yield Use(operation, rate, taken, max(0.0, ahead - _room(rate)))
    held = full.get((connection.name, ALL), 0.0) - now
    if ALL not in limits and held > 0:
        yield Use(ALL, None, 0, held)


def one(rate: Rate) -> float:
    """The seconds one call needs."""
    return seconds_of(rate.per) / rate.calls


def _room(rate: Rate | None) -> float:
    """How far away the moment of fullness may be for a call to be made."""
    return one(rate) * (rate.burst - 1) if rate is not None else 0.0


def hold(app: Application, conn: sa.Connection, connection: Connection, seconds: float, operation: str = ALL) -> None:
    """The other side said to come back later: the operation is not called before; without one nothing is."""
    until = app.clock().timestamp() + seconds + _room(limits_of(connection).get(operation))
    _put(app, conn, connection.name, operation, max(_kept(app, conn, connection.name, (operation,))[operation], until))


def _kept(app: Application, conn: sa.Connection, name: str, operations: tuple[str, ...]) -> dict[str, float]:
    """When each is full again, kept from others until the transaction ends."""
    table = app.tables.allowance
    for operation in sorted(operations):
        row = {"connection": name, "operation": operation, "full_at": 0.0}
        conn.execute(insert(conn, table).values(row).on_conflict_do_nothing())
    these = (table.c.connection == name, table.c.operation.in_(operations))
    found = sa.select(table.c.operation, table.c.full_at).where(*these).order_by(table.c.operation)
    return {row.operation: row.full_at for row in conn.execute(found.with_for_update())}


def _put(app: Application, conn: sa.Connection, name: str, operation: str, full_at: float) -> None:
    table = app.tables.allowance
    this = (table.c.connection == name, table.c.operation == operation)
    conn.execute(sa.update(table).where(*this).values(full_at=full_at))
