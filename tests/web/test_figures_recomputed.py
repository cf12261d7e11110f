"""Figures of cards equal what plain Python works out of the same records, whatever they are."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import statistics
from collections import Counter, defaultdict
from decimal import Decimal
from zoneinfo import ZoneInfo

import pm4py_map
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from works_world import PAGE, PEOPLE, PLACE, YAML

from engine.spans import Span, span_of
from engine.tallies import Tally
from engine.visits import Cycle, cycle_times, dwells, losses, steps
from engine.web.pagecards import Look, ages, formulas

ZONE = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2026, 3, 20, 4, tzinfo=dt.UTC)
LOW, HIGH = (dt.datetime(2026, month, 1, tzinfo=ZONE) for month in (3, 4))
FINAL = ("done",)
RUNS = 60 if os.environ.get("DESIGNER") == "full" else 12

visit = st.tuples(st.sampled_from(["open", "checking", "done"]), st.integers(0, 60 * 24 * 20), st.sampled_from([None, 1, 2]))
job = st.fixed_dictionaries({
    "machine": st.sampled_from([None, 1, 2]), "due": st.none() | st.integers(-130, 40), "price": st.none() | st.integers(0, 10**7),
    "begin": st.integers(0, 60 * 24 * 60), "way": st.lists(visit, min_size=1, max_size=6),
})  # fmt: skip
report = st.fixed_dictionaries({
    "machine": st.sampled_from([1, 2]), "day": st.integers(-40, 10), "run": st.none() | st.integers(0, 90_000),
    "planned": st.none() | st.integers(0, 90_000), "made": st.none() | st.integers(0, 500), "good": st.none() | st.integers(0, 500),
})  # fmt: skip


class Back(Exception):
    """Everything written is taken back."""


@pytest.fixture
def works(make_app):
    made = make_app(YAML + PAGE, people=PEOPLE, now=NOW)
    for name in "AB":
        made.create("machine", as_="bob", name=name)
    return made


def visits_of(jobs):
    """(record id, place, state, entered, left or None, due or None, owner) of every visit."""
    for id, one in enumerate(jobs, 1):
        entered = NOW - dt.timedelta(minutes=one["begin"])
        for place, (state, minutes, owner) in enumerate(one["way"]):
            left = entered + dt.timedelta(minutes=minutes)
            last = place == len(one["way"]) - 1 or left > NOW
            yield id, place, state, entered, None if last else left, entered + dt.timedelta(hours=8), owner
            if last:
                break
            entered = left


def write(conn, tables, jobs, reports):
    at = {"version": 1, "created_at": NOW, "updated_at": NOW}
    own = defaultdict(list)
    for one in visits_of(jobs):
        own[one[0]].append(one)
    rows = [
        {"id": id, "number": f"J{id}", "_title": f"J{id}", "state": own[id][-1][2], "state_since": own[id][-1][3],
         "machine": one["machine"], "price": None if one["price"] is None else Decimal(one["price"]) / 100,
         "due_on": None if one["due"] is None else NOW.date() + dt.timedelta(days=one["due"]), **at}
        for id, one in enumerate(jobs, 1)
    ]  # fmt: skip
    stays = [
        {"form": "job", "record_id": id, "state": state, "entered_at": entered, "left_at": left, "due_at": due,
         "owner": owner, "dwell_seconds": None if left is None else int((left - entered).total_seconds())}
        for id, _place, state, entered, left, due, owner in visits_of(jobs)
    ]  # fmt: skip
    done = [{"id": id, "_title": "", "machine": one["machine"], "day": NOW.date() + dt.timedelta(days=one["day"]),
             "run": length(one["run"]), "planned": length(one["planned"]), "made": one["made"], "good": one["good"], **at}
            for id, one in enumerate(reports, 1)]  # fmt: skip
    for table, each in ((tables.form["job"], rows), (tables.stay, stays), (tables.form["report"], done)):
        if each:
            conn.execute(sa.insert(table), each)


def length(seconds):
    return None if seconds is None else dt.timedelta(seconds=seconds)


def in_march(moment):
    return moment is not None and LOW <= moment < HIGH


# --- the same in plain Python ----------------------------------------------------------------------------------------


def spread_of(lengths):
    ordered = sorted(lengths)
    return (len(ordered), sum(ordered), Decimal(str(statistics.median(ordered))), ordered[math.ceil(len(ordered) * 0.9) - 1])


def cycles(jobs):
    found = defaultdict(list)
    for id, one in enumerate(jobs, 1):
        mine = [each for each in visits_of(jobs) if each[0] == id]
        began = [each[3] for each in mine if each[2] == "open"]
        ended = [each[3] for each in mine if each[2] == "done"]
        if began and ended and in_march(max(ended)):
            found[one["machine"]].append(int((max(ended) - min(began)).total_seconds()))
    return {machine: spread_of(each) for machine, each in found.items()}


def waited(jobs):
    lengths, late, handed, again, edges = defaultdict(list), Counter(), Counter(), Counter(), Counter()
    every = list(visits_of(jobs))
    for at, (id, place, state, entered, left, due, owner) in enumerate(every):
        if not in_march(left):
            continue
        following = every[at + 1]
        lengths[state].append(int((left - entered).total_seconds()))
        late[state] += left > due
        handed[state] += following[6] != owner
        again[state] += any(one[0] == id and one[1] < place and one[2] == state for one in every)
        edges[state, following[2]] += 1
    return lengths, late, handed, again, edges


def oee(reports, machine=None):
    mine = [one for one in reports if in_march(dt.datetime.combine(NOW.date() + dt.timedelta(days=one["day"]), dt.time(), ZONE))
            and machine in (None, one["machine"])]  # fmt: skip
    run, planned, made, good = (sum(Decimal(one[name] or 0) for one in mine) for name in ("run", "planned", "made", "good"))
    return run / planned * good / made if planned and made else None


def aged(jobs):
    found = defaultdict(lambda: [0, Decimal(0)])
    for one in jobs:
        overdue = None if one["due"] is None else -one["due"]
        place = 5 if overdue is None else 0 if overdue <= 0 else next((n for n, e in enumerate((30, 60, 90), 1) if overdue <= e), 4)
        found[place, one["machine"]][0] += 1
        found[place, one["machine"]][1] += Decimal(one["price"] or 0) / 100
    return {key: tuple(each) for key, each in found.items()}


@settings(max_examples=RUNS, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs=st.lists(job, max_size=12), reports=st.lists(report, max_size=12))
def test_figures_are_those_of_plain_python(works, jobs, reports):
    app, who = works.application, works.actor("bob")
    page = app.definition.pages["wall"]
    reader, march = who.reader(app.definition), span_of(NOW.date(), "month")
    with pytest.raises(Back), app.database.write() as conn:
        write(conn, app.tables, jobs, reports)

        def look(name):
            return Look(app, who, reader, conn, "wall", page.cards[PLACE[name]], span=march)

        lead = page.cards[PLACE["cycle"]]
        found = cycle_times(look("cycle").asking, Cycle(lead, None, None, "machine"), [march], ZONE)
        told = {key[1]: (one.count, one.total, one.median, one.p90) for key, one in found.items()}
        assert told == cycles(jobs)

        lengths, late, handed, again, edges = waited(jobs)
        asking = look("dwell").asking
        assert {state: (one.count, one.total, one.median, one.p90) for state, one in dwells(asking, march, ZONE).items()} == {
            state: spread_of(each) for state, each in lengths.items()
        }
        assert {state: (one.late, one.handed_on, one.again) for state, one in losses(asking, march, ZONE).items()} == {
            state: (late[state], handed[state], again[state]) for state in lengths
        }
        taken = steps(asking, march, ZONE, FINAL)
        assert {edge: count for edge, (count, _mean) in taken.edges.items()} == dict(edges)
        every = list(visits_of(jobs))
        assert taken.came == Counter(one[2] for one in every if in_march(one[3]))
        assert taken.began == Counter(one[2] for one in every if one[1] == 0 and in_march(one[3]))
        assert taken.ended == Counter(one[2] for one in every if one[4] is None and one[2] in FINAL and in_march(one[3]))

        drawn = formulas.draw(look("oee"), page.cards[PLACE["oee"]])
        assert close(drawn["worked"].value, oee(reports))
        by_machine = {row.label: row.worked.value for row in drawn["rows"]}
        assert all(close(value, oee(reports, "AB".index(label) + 1)) for label, value in by_machine.items())

        one = page.cards[PLACE["ages"]]
        there = look("ages")
        tallies = ages._tallies(there, one, there.field("due_on"), there.field("machine"), ages.ranges_of(there.today, one.edges))
        assert {key: (tally.records, tally.value or Decimal(0)) for key, tally in tallies.items()} == aged(jobs)
        assert all(isinstance(tally, Tally) for tally in tallies.values())
        raise Back


def close(one, other):
    return (one is None) == (other is None) and (one is None or abs(one - other) < Decimal("1e-9"))


def steps_of(works, conn):
    """What the card of the map counts, bounded by no span."""
    app, who = works.application, works.actor("bob")
    wide = Span("own", dt.date(2020, 1, 1), dt.date(2030, 1, 1))
    card = app.definition.pages["wall"].cards[PLACE["process"]]
    return steps(Look(app, who, who.reader(app.definition), conn, "wall", card).asking, wide, ZONE, FINAL)


def test_the_map_is_the_one_pm4py_discovered(works):
    """Its answer is kept in pm4py_map.json, which says how it was made."""
    told = json.loads(pm4py_map.KEPT.read_text(encoding="utf-8"))
    jobs = pm4py_map.jobs()
    assert len(list(visits_of(jobs))) == told["visits"]
    with pytest.raises(Back), works.application.database.write() as conn:
        write(conn, works.application.tables, jobs, [])
        taken = steps_of(works, conn)
        assert sorted([*edge, count] for edge, (count, _mean) in taken.edges.items()) == told["edges"]
        assert taken.began == told["start"]
        raise Back


@pytest.mark.skipif(os.environ.get("DESIGNER") != "full", reason="needs pm4py, which is large; DESIGNER=full asks for it")
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs=st.lists(job, min_size=1, max_size=12))
def test_the_map_is_the_one_pm4py_discovers(works, jobs):
    """Of steps alone: our edges bounded by no span are the directly-follows graph of the states entered."""
    pandas, pm4py = pytest.importorskip("pandas"), pytest.importorskip("pm4py")
    every = list(visits_of(jobs))
    log = pandas.DataFrame({
        "case:concept:name": [str(one[0]) for one in every], "concept:name": [one[2] for one in every],
        "time:timestamp": pandas.to_datetime([one[3] for one in every], utc=True), "place": range(len(every)),
    })  # fmt: skip
    graph, start, _end = pm4py.discover_dfg(log)
    with pytest.raises(Back), works.application.database.write() as conn:
        write(conn, works.application.tables, jobs, [])
        taken = steps_of(works, conn)
        assert {edge: count for edge, (count, _mean) in taken.edges.items()} == dict(graph)
        assert taken.began == dict(start)
        raise Back
