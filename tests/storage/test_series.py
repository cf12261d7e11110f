"""Numbers of a series: each once, and without a gap where that was asked."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from storing import install
from test_records import together

from engine.fields.series import SeriesField
from engine.storage import series
from engine.storage.database import Database

ZONE = ZoneInfo("Asia/Shanghai")
FIELD = SeriesField(name="number", pattern="SO{yyyy}{mm}-{00000}", gapless=True)


def test_twenty_who_draw_at_once_get_every_number_once(database: Database) -> None:
    tables = install(database)
    drawn: list[int] = []

    def draw(_number: int) -> None:
        for _turn in range(5):
            with database.write() as conn:
                number = series.draw(conn, tables, "ticket.number", "2026-03")
            drawn.append(number)

    together(draw, 20)
    assert sorted(drawn) == list(range(1, 101))


def test_a_number_drawn_in_vain_is_drawn_again(database: Database) -> None:
    tables = install(database)
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        assert series.draw(conn, tables, "ticket.number") == 1
        raise ZeroDivisionError
    with database.write() as conn:
        assert series.draw(conn, tables, "ticket.number") == 1


def test_a_number_drawn_apart_leaves_a_gap_but_nobody_waits(database: Database) -> None:
    tables = install(database)
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    with database.write() as conn:
        assert series.draw_apart(database, tables, "ticket.number") == 1
        assert series.draw_apart(database, tables, "ticket.number") == 2
        conn.rollback()
    with database.write() as conn:
        assert series.draw(conn, tables, "ticket.number") == 3


def test_the_count_starts_again_with_each_period_in_local_time(database: Database) -> None:
    tables = install(database)
    moments = [
        dt.datetime(2026, 3, 31, 15, 59, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 31, 16, 1, tzinfo=dt.UTC),
        dt.datetime(2026, 4, 2, tzinfo=dt.UTC),
    ]
    with database.write() as conn:
        texts = [series.draw_text(conn, tables, "ticket", FIELD, moment, ZONE) for moment in moments]
    assert texts == ["SO202603-00001", "SO202604-00001", "SO202604-00002"]


def test_numbers_that_imported_records_brought_are_not_drawn_again(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        series.reserve(conn, tables, "ticket.number", "", 41)
        series.reserve(conn, tables, "ticket.number", "", 7)
        assert series.draw(conn, tables, "ticket.number") == 42
        assert series.draw(conn, tables, "ticket.number", count=3) == 43
        assert series.draw(conn, tables, "ticket.number") == 46
