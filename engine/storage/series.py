"""Numbers that count up: each is drawn once, whatever draws beside it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.fields.series import SeriesField
from engine.storage.database import Database
from engine.storage.prepared import value
from engine.storage.tables import Tables
from engine.storage.upsert import insert


def draw(conn: sa.Connection, tables: Tables, name: str, period: str = "", count: int = 1) -> int:
    """Draw ``count`` numbers of a series in the caller's transaction and answer the first of them.

    Gapless: whoever draws next waits for this transaction to end, and gets the same number if it is rolled back.
    """
    table = tables.series

    def build() -> sa.Executable:
        step = value("step", sa.BigInteger)
        statement = insert(conn, table).values(name=value("name_"), period=value("period_"), next=step + 1)
        drawn: sa.Executable = statement.on_conflict_do_update(
            index_elements=[table.c.name, table.c.period], set_={"next": table.c.next + step}
        ).returning(table.c.next)
        return drawn

    prepared = tables.statements.get(("draw",), conn.dialect, build)
    following = prepared.execute(conn, {"name_": name, "period_": period, "step": count}).fetchone()[0]
    return int(following) - count


def draw_apart(database: Database, tables: Tables, name: str, period: str = "", count: int = 1) -> int:
    """Draw in a short transaction of its own: nobody waits for the caller, but a rollback leaves a gap.

    PostgreSQL only; on SQLite the caller's own transaction is the only one that can write.
    """
    with database.write() as conn:
        return draw(conn, tables, name, period, count)


def draw_text(
    conn: sa.Connection,
    tables: Tables,
    form: str,
    field: SeriesField,
    now: dt.datetime,
    zone: ZoneInfo,
    *,
    database: Database | None = None,
) -> str:
    """The next text of a series field, such as SO202611-00042.

    With ``database`` on PostgreSQL, a series that need not be gapless is drawn apart, so that savers do not queue.
    """
    name, period = series_name(form, field), field.period(now, zone)
    apart = database is not None and not field.gapless and conn.dialect.name == "postgresql"
    if apart and database is not None:
        return field.render(draw_apart(database, tables, name, period), now, zone)
    return field.render(draw(conn, tables, name, period), now, zone)


def series_name(form: str, field: SeriesField) -> str:
    return f"{form}.{field.stable_id}"


def reserve(conn: sa.Connection, tables: Tables, name: str, period: str, used: int) -> None:
    """Make sure that numbers up to ``used`` are not drawn again; for imported records that bring their own."""
    table = tables.series
    larger = sa.func.max if conn.dialect.name == "sqlite" else sa.func.greatest
    statement = insert(conn, table).values(name=name, period=period, next=used + 1)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.name, table.c.period],
            set_={"next": larger(table.c.next, statement.excluded.next)},
        )
    )
