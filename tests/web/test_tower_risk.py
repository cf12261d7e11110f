"""How much a record is at risk: the database and the row must agree, on both databases and around a change of clocks."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from tower_world import PEOPLE, YAML, days

from engine import towers
from engine.towers import RISKS

EDGES = (None, -30.0, -1.0, -0.01, 0.01, 0.3, 1.0, 1.7, 2.0, 3.2, 30.0)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_the_database_and_the_row_agree_on_the_risk(make_app: Any, clock: Any, zone: str) -> None:
    clock.now = dt.datetime(2026, 10, 31, 22, 30, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)  # the clocks change soon
    made = make_app(YAML.replace("Asia/Shanghai", zone), people=PEOPLE)
    app, now = made.application, made.clock()
    table, view = app.tables.form["job"], app.definition.forms["job"].views["tower"]
    moments = [None if days is None else now + dt.timedelta(days=days) for days in EDGES]
    terms = towers.terms_of(app, view, table)
    promises = [None, *(terms.today + dt.timedelta(days=count) for count in (-2, -1, 0, 1, 2, 3))]
    cases = [
        {"due_on": promised, "state_due": due, "forecast_at": end}
        for promised in promises for due in moments for end in moments if end is None or due is None or due <= end
    ]  # fmt: skip
    with app.database.write() as conn:
        fixed = {"version": 1, "state": "planned", "created_at": now, "updated_at": now, "line": "one", "short": False}
        conn.execute(sa.insert(table), [{**fixed, **case, "number": str(n)} for n, case in enumerate(cases)])
    with app.database.read() as conn:
        told = {
            int(number): name
            for name, clause in towers.conditions(table, terms).items()
            for number in conn.scalars(sa.select(table.c.number).where(clause))
        }
    assert len(told) == len(cases)
    assert told == {n: towers.risk_of(case, terms) for n, case in enumerate(cases)}
    assert set(told.values()) == set(RISKS)


def test_a_promise_lasts_until_its_day_is_over(make_app: Any, clock: Any) -> None:
    made = make_app(YAML, people=PEOPLE)
    app = made.application
    terms = towers.terms_of(app, app.definition.forms["job"].views["tower"], app.tables.form["job"])
    assert terms.end(dt.date(2026, 11, 22)) == dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
    assert days(made.clock(), 0) == terms.today.isoformat()
