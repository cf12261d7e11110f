"""The factory of the Order Hub in its short form; `make simulate` lets it run for months."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from engine.extensions import registry_for
from engine.invariants.examining import examine, names_of
from engine.load import load_file
from engine.simulating.opening import opened, simulate

HUB = Path(__file__).parents[2] / "apps" / "order_hub.yaml"
ORDERS, DAYS = 24, 12


@pytest.fixture(scope="module")
def factory(tmp_path_factory):
    """(simulation, figures) after some days."""
    registry = registry_for(HUB)
    begin = dt.datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
    with opened(
        load_file(HUB, registry), registry, tmp_path_factory.mktemp("hub"), begin=begin,
        end=begin + dt.timedelta(days=DAYS), seed=2, size=ORDERS,
    ) as simulation:  # fmt: skip
        yield simulation, simulate(simulation)


def test_orders_go_their_way_and_everything_holds(factory):
    simulation, figures = factory
    assert [key for key in figures.refused if key[0] == "order create"] == []
    assert figures.records["order"] >= ORDERS * 0.75  # the last ones are still on the telephone
    assert figures.complete
    assert figures.failed_runs == {}
    assert {"order take release_schedule", "work_report take approve", "goods_issue take post"} <= set(figures.acts)
    broken = [one.as_json() for one in examine(simulation.app) if not one.holds]
    assert broken == []


@pytest.mark.parametrize(
    ("form", "column", "value", "invariant"),
    [
        ("goods_receipt_line", "quantity", Decimal("999999"), "stock_is_receipts_less_issues"),
        ("reconciliation", "difference", Decimal(7), "shipped_is_issued"),
        ("receipt", "amount", Decimal("0.01"), "money"),
        ("work_report", "good", 1, "work"),
    ],
)
def test_books_that_were_cooked_are_found(factory, form, column, value, invariant):
    simulation, _figures = factory
    app, table = simulation.app, simulation.app.tables.form[form]
    assert invariant in names_of(app)
    with app.database.read() as conn:
        before = dict(conn.execute(sa.select(table.c.id, table.c[column])).all())
    assert before
    with app.database.write() as conn:
        conn.execute(sa.update(table).values({column: value}))
    try:
        [result] = examine(app, [invariant])
        assert not result.holds
    finally:
        with app.database.write() as conn:
            for id, was in before.items():
                conn.execute(sa.update(table).where(table.c.id == id).values({column: was}))
    [result] = examine(app, [invariant])
    assert result.holds
