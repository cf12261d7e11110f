"""However versions of things arrive, whoever takes them and whoever dies: the newest is what is left, once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_clock import FakeClock
from feeding_world import DESK, SHARED, arrivals, item, tickets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import Made, make

from engine import faults
from engine.feeding.keeping import keep
from engine.jobs import delivering
from engine.jobs.desk import Desk

POINTS = ("arrivals kept", "arrival taken", "take done", "none")
arrival = st.tuples(st.sampled_from("ab"), st.integers(1, 5))
story = st.lists(st.tuples(arrival, st.booleans(), st.sampled_from(POINTS)), min_size=1, max_size=12)


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    with tempfile.TemporaryDirectory() as folder:
        one = make(DESK, f"sqlite:///{folder}/test.db", Path(folder), FakeClock(), people={}, registry=SHARED)
        yield one
        one.application.database.close()


def die_at(point: str) -> None:
    def passing(name: str) -> None:
        if name == point:
            faults.watcher = None
            raise Killed

    faults.watcher = passing


def survive(made: Made, key: str, version: int, take: bool) -> None:
    app = made.application
    with app.database.write() as conn:
        told = item(key, f"{version:03}", name=f"{key}{version}", steps=[{"code": "s", "count": version}])
        keep(app, conn, app.definition.feeds["tickets"], "east", [told], "pulled")
    for row in made.ledger("message") if take else ():
        if row["state"] == "waiting":
            delivering.deliver(app, row["id"], Desk())


def clear(made: Made) -> None:
    app = made.application
    with app.database.write() as conn:
        for name in ("arrival", "message"):
            conn.execute(app.tables.system[name].delete())
        for form in ("step", "ticket"):
            conn.execute(app.tables.form[form].delete())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story)
def test_the_newest_is_left_once(made: Made, told: list[tuple[tuple[str, int], bool, str]]) -> None:
    clear(made)
    for (key, version), take, point in told:
        die_at(point)
        try:
            survive(made, key, version, take)
        except Killed:
            survive(made, key, version, take=False)  # the other side tells it again
        finally:
            faults.watcher = None
    made.deliver()
    newest = {key: max(version for (other, version), *_ in told if other == key) for (key, _), *_ in told}
    assert sorted(tickets(made)) == [("east", key, f"{key}{version}") for key, version in sorted(newest.items())]
    assert {state for (state,) in arrivals(made, "state")} <= {"taken", "skipped"}
    assert len(arrivals(made)) == len({one for one, *_ in told})


def test_two_processes_make_one_record(make_app) -> None:  # type: ignore[no-untyped-def]
    """The same thing by two feeds at the same moment."""
    import threading

    from feeding_world import desk

    both = DESK.replace("match: {source: source, number", "match: {source: \"'one'\", number")
    made = desk(make_app, both)
    app, feed = made.application, made.application.definition.feeds["tickets"]
    for number in range(5):
        with app.database.write() as conn:
            for of in ("east", "west"):
                keep(app, conn, feed, of, [item(str(number), name="n")], "pulled")
    ids = [row["id"] for row in made.ledger("message")]
    desks = [Desk(), Desk()]
    threads = [threading.Thread(target=lambda d=d, some=some: [delivering.deliver(app, id, d) for id in some])
               for d, some in zip(desks, (ids[::2], ids[1::2]), strict=True)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.deliver()
    assert sorted(tickets(made, "number")) == [(str(number),) for number in range(5)]
    assert {state for (state,) in arrivals(made, "state")} == {"taken"}
