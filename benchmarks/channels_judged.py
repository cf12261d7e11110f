"""What the pool holds against what the shops know, for benchmarks/channels.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from channels_shops import Shop, Shops, Standing

from engine.application import Application
from engine.storage.automation import OPEN_MESSAGES


@dataclass
class ChannelLine:
    """What became of the orders of one shop, and of what was to be done there; ``wrong``: orders in full."""

    name: str
    placed: int
    pool: int
    twice: int
    missing: int
    wrong: list[str]
    wanted: int
    effects: int
    effects_twice: int
    effects_missing: int
    paused: int
    paused_wrong: int
    refused: int

    @property
    def faults(self) -> int:
        return (self.twice + self.missing + len(self.wrong) + self.effects_twice + self.effects_missing
                + self.paused_wrong + (self.placed != self.pool))  # fmt: skip


@dataclass
class Judged:
    lines: list[ChannelLine]
    arrivals: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def open(self) -> int:
        return sum(self.messages[state] for state in OPEN_MESSAGES)

    @property
    def stuck(self) -> int:
        """What somebody would have to look after."""
        return self.arrivals["failed"] + self.arrivals["parked"] + self.messages["dead"] + self.messages["unsure"]

    @property
    def faults(self) -> int:
        return sum(line.faults for line in self.lines) + self.stuck

    @property
    def left(self) -> int:
        """What is not done yet, or wrong."""
        return self.faults + self.open + self.arrivals["waiting"]


def judge(app: Application, shops: Shops) -> Judged:
    standing = {shop.name: shop.standing() for shop in shops}  # before the pool is read: it may know more by then
    table, listing = app.tables.form["order"], app.tables.form["listing"]
    columns = [table.c[name] for name in ("channel", "number", "status", "changed", "total", "note", "told")]
    with app.database.read() as conn:
        rows = conn.execute(sa.select(*columns).where(table.c.deleted_at.is_(None))).all()
        skus = {(row.channel, row.sku): row.listed for row in conn.execute(
            sa.select(listing.c.channel, listing.c.sku, listing.c.listed))}  # fmt: skip
        arrivals = _counted(conn, app.tables.arrival)
        messages = _counted(conn, app.tables.message)
    lines = [_line(shop, standing[shop.name], [row for row in rows if row.channel == shop.name], skus) for shop in shops]
    return Judged(lines, arrivals, messages)


def _counted(conn: sa.Connection, table: sa.Table) -> Counter[str]:
    query = sa.select(table.c.state, sa.func.count().label("number")).group_by(table.c.state)
    return Counter({row.state: row.number for row in conn.execute(query)})


def _line(
    shop: Shop, standing: Mapping[str, Standing], rows: Iterable[Any], skus: Mapping[tuple[str, str], bool]
) -> ChannelLine:
    rows = list(rows)
    often = Counter(row.number for row in rows)
    wrong = [said for row in rows if (said := _differs(row, standing.get(row.number)))]
    effects, wanted = shop.vendor.effected("ship"), set(shop.paid)
    did = [effect for effect in list(shop.vendor.effects) if effect.kind in ("pause", "resume")]
    happened = Counter(effect.key for effect in did)
    off = [sku for sku in {*shop.toggled, *happened} if shop.toggled[sku] != happened[sku]]
    off += [sku for (channel, sku), listed in skus.items()
            if channel == shop.name and listed != (_last(did, sku) != "pause")]  # fmt: skip
    return ChannelLine(
        shop.name, len(standing), len(rows), sum(often.values()) - len(often), len(standing.keys() - often.keys()), wrong,
        wanted=len(wanted), effects=sum(effects.values()), effects_twice=sum(count - 1 for count in effects.values()),
        effects_missing=len(wanted - effects.keys()), paused=len(did), paused_wrong=len(off),
        refused=len(shop.vendor.refused),
    )  # fmt: skip


def _last(did: Iterable[Any], sku: str) -> str:
    kinds = [effect.kind for effect in did if effect.key == sku]
    return kinds[-1] if kinds else "resume"


def _differs(row: Any, there: Standing | None) -> str:
    if there is None:
        return f"{row.channel} {row.number}: nobody placed it"
    here = Standing(row.status, row.changed, row.total, " ".join((row.note or "").split()))
    return "" if here == there else f"{row.channel} {row.number}: {here} here, {there} there"


def waits(app: Application, most: int = 6) -> list[str]:
    """What is not due, or went wrong the last time, in words: looks, connections and messages."""
    feed, connection, message = app.tables.feed, app.tables.connection, app.tables.message
    left = sa.select(message.c.lane, message.c.attempts, message.c.state, message.c.due_at, message.c.error)
    left = left.where(message.c.state.in_(OPEN_MESSAGES), message.c.attempts > 0).order_by(message.c.id).limit(most)
    now = app.clock()
    with app.database.read() as conn:
        said = [f"look at {row.connection}: due in {(row.due_at - now).total_seconds():.0f} s, {row.failures} failures, "
                f"claimed {row.lease_until and f'for {(row.lease_until - now).total_seconds():.0f} s'}, {row.error}"
                for row in conn.execute(sa.select(feed).order_by(feed.c.connection))]  # fmt: skip
        said += [f"{row.name} is {row.state}, {row.failures} failures: {row.last_error}"
                 for row in conn.execute(sa.select(connection)) if row.state != "closed"]  # fmt: skip
        said += [f"{row.lane}: {row.state}, due in {(row.due_at - now).total_seconds():.0f} s, attempt {row.attempts}: "
                 f"{row.error}" for row in conn.execute(left)]  # fmt: skip
    return said


# --- as a table ------------------------------------------------------------------------------------------------------

HEADINGS = ("", "placed", "in the pool", "twice", "missing", "wrong version", "pushes", "effects", "twice", "missing",
            "pauses", "wrong")  # fmt: skip


def table(judged: Judged) -> str:
    rows = [HEADINGS, *(_cells(line) for line in judged.lines), ("all", *map(_sum, zip(*(_cells(line)[1:] for line in judged.lines), strict=True)))]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )


def _cells(line: ChannelLine) -> tuple[str, ...]:
    figures = (line.placed, line.pool, line.twice, line.missing, len(line.wrong), line.wanted, line.effects,
               line.effects_twice, line.effects_missing, line.paused, line.paused_wrong)  # fmt: skip
    return (line.name, *map(str, figures))


def _sum(cells: Iterable[str]) -> str:
    return str(sum(map(int, cells)))
