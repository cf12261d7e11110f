"""How much a record is at risk: what is stored with it, the database and the row must agree with what the words mean, at
any later time, on both databases and around a change of clocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from tower_world import PEOPLE, YAML, days
from werkzeug.datastructures import MultiDict

from engine import fetching, towers
from engine.promises import LATE, mark, ranked_by
from engine.queries import Sort, parse_query
from engine.towers import RISKS

EDGES = (None, -30.0, -1.0, -0.01, 0.01, 0.3, 1.0, 1.7, 2.0, 3.2, 30.0)
SLACK = dt.timedelta(days=2)


def meant(case: dict[str, Any], now: dt.datetime, zone: ZoneInfo) -> str:
    """The risk as it is explained to people."""
    due, promised = case["state_due"], case["due_on"]
    over = due is not None and due <= now
    if promised is None:
        return "at_risk" if over else "on_time"
    end = dt.datetime.combine(promised + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
    near = dt.datetime.combine(promised - SLACK + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
    forecast = case["forecast_at"]
    late = now - due if over else dt.timedelta(0)
    moved = None if forecast is None else forecast + late
    if now >= end:
        return "late"
    if moved is not None and (moved > end or (late and moved >= end)):
        return "will_be_late"
    close = now >= near or (moved is not None and (moved > near or (late and moved >= near)))
    return "at_risk" if over or close else "on_time"


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_what_is_stored_tells_the_risk_at_any_later_time(make_app: Any, clock: Any, zone: str) -> None:
    clock.now = dt.datetime(2026, 10, 31, 22, 30, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)  # the clocks change soon
    made = make_app(YAML.replace("Asia/Shanghai", zone), people=PEOPLE)
    app, now = made.application, made.clock()
    table, promise = app.tables.form["job"], app.plans.form("job").promise
    moments = [None if count is None else now + dt.timedelta(days=count) for count in EDGES]
    today = towers.terms_of(app, "job").today
    promises = [None, *(today + dt.timedelta(days=count) for count in (-2, -1, 0, 1, 2, 3))]
    cases = [
        {"due_on": promised, "state_due": due, "forecast_at": end, "state_since": now - dt.timedelta(days=40)}
        for promised in promises for due in moments for end in moments if end is None or due is None or due <= end
    ]  # fmt: skip
    for case in cases:
        mark(promise, case, is_over=False)
    with app.database.write() as conn:
        fixed = {"version": 1, "state": "planned", "created_at": now, "updated_at": now, "line": "one", "short": False}
        conn.execute(sa.insert(table), [{**fixed, **case, "number": str(n)} for n, case in enumerate(cases)])
    seen = set()
    for hours in (0, 5, 26, 70):
        clock.now = now + dt.timedelta(hours=hours)
        terms, at = towers.terms_of(app, "job"), sa.literal(clock.now, table.c[LATE].type)
        with app.database.read() as conn:
            told = {
                int(number): name
                for name, clause in towers.conditions(table, at).items()
                for number in conn.scalars(sa.select(table.c.number).where(clause))
            }
            counted = towers.counts(app, conn, app.definition.forms["job"], (), len(cases))
        expected = {n: meant(case, clock.now, ZoneInfo(zone)) for n, case in enumerate(cases)}
        assert told == {n: towers.risk_of(case, terms) for n, case in enumerate(cases)} == expected
        assert counted == {name: list(told.values()).count(name) for name in RISKS}
        seen |= set(told.values())
    assert seen == set(RISKS)


def test_a_promise_lasts_until_its_day_is_over(make_app: Any, clock: Any) -> None:
    made = make_app(YAML, people=PEOPLE)
    terms = towers.terms_of(made.application, "job")
    assert terms.end(dt.date(2026, 11, 22)) == dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
    assert days(made.clock(), 0) == terms.today.isoformat()


def test_a_new_promise_is_held_against_the_clock_at_once(make_app: Any, clock: Any) -> None:
    made = make_app(YAML, people=PEOPLE)
    job = made.create("job", number="A", due_on=days(made.clock(), 30), as_="ann")
    assert _risk(made, job) == "on_time"
    made.update("job", job, due_on=days(made.clock(), -1), as_="ann")
    assert _risk(made, job) == "late"


def test_few_are_found_in_the_same_order_as_many(make_app: Any, clock: Any) -> None:
    made = make_app(YAML, people=PEOPLE)
    for count in (-2, -3, 0, 0, 2, 1, 30, 20, None):
        promised = {} if count is None else {"due_on": days(made.clock(), count)}
        made.create("job", number=f"{count} {made.count('job')}", as_="ann", **promised)
    clock.now += dt.timedelta(days=2)  # the first step of each is over its time
    made.create("job", number="new", as_="ann")
    for risk in RISKS:
        many, few = (_pages(made, risk, few=few) for few in (False, True))
        assert many == few
        assert len(many) == _counted(made)[risk]
    assert sum(_counted(made).values()) == 10
    assert [number[:2] for number in _pages(made, "late", few=True)] == ["-3", "-2", "0 ", "0 ", "1 "]


def test_each_count_reads_a_range_of_an_index_in_its_order(make_app: Any, clock: Any) -> None:
    made = make_app(YAML, people=PEOPLE)
    app, asked = made.application, []
    with app.database.read() as conn:
        sa.event.listen(conn, "before_cursor_execute", lambda _c, _u, text, values, *_: asked.append((text, values)))
        towers.counts(app, conn, app.definition.forms["job"], _terms(made), 1000)
        text, values = asked[-1]
        if conn.dialect.name == "postgresql":  # which would rather read and sort a table without rows
            for way in ("seqscan", "bitmapscan", "sort"):
                conn.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        explain = "EXPLAIN QUERY PLAN" if conn.dialect.name == "sqlite" else "EXPLAIN"
        steps = [str(row[-1]) for row in conn.exec_driver_sql(f"{explain} {text}", values)]
    assert sum("SEARCH job USING INDEX" in step or "Index Only Scan" in step for step in steps) == 5, steps
    assert not any(word in step for step in steps for word in ("SCAN job", "Seq Scan", "Sort", "TEMP B-TREE")), steps


def test_without_a_promise_the_present_step_gives_the_order(make_app: Any, clock: Any) -> None:
    made = make_app(YAML.replace("      promised: due_on\n", ""), people=PEOPLE)
    for number in ("first", "second"):
        made.create("job", number=number, as_="ann")
        clock.now += dt.timedelta(hours=1)
    assert _pages(made, "on_time", few=False) == ["first", "second"]
    clock.now += dt.timedelta(hours=22, minutes=30)
    assert _pages(made, "at_risk", few=False) == ["first"]
    assert _counted(made) == {"late": 0, "will_be_late": 0, "at_risk": 1, "on_time": 1}


def _query(made: Any, risk: str) -> Any:
    app, form = made.application, made.application.definition.forms["job"]
    asked = parse_query(
        app, made.actor("ann"), form, MultiDict([("view", "tower"), *([("risk", risk)] if risk else [])])
    )
    return replace(asked, sort=(Sort(ranked_by(form.workflow.promised), False),), limit=2)


def _pages(made: Any, risk: str, *, few: bool) -> list[str]:
    """The numbers of all its pages."""
    query = _query(made, risk)
    found, query = [], replace(query, tower=replace(query.tower, few=few))
    with made.application.database.read() as conn:
        while True:
            page = fetching.run(made.application, made.actor("ann"), query, conn, ("number",))
            found += [row["number"] for row in page.rows]
            if page.after is None:
                return found
            query = replace(query, after=page.after)


def _counted(made: Any) -> dict[str, int]:
    with made.application.database.read() as conn:
        return towers.counts(made.application, conn, made.application.definition.forms["job"], _terms(made), 1000)


def _terms(made: Any) -> Any:
    return fetching.conditions(made.application, made.actor("ann"), _query(made, ""))


def _risk(made: Any, job: Any) -> str:
    return towers.risk_of(made.get("job", job), towers.terms_of(made.application, "job"))
