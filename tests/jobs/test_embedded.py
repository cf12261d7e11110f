"""The engine within the serving process, with its threads and the real clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from making import Made, MakeApp, Recorder, with_performer
from test_delivering import SHOP, registry

from engine.errors import DeliveryFailed, message
from engine.jobs.desk import Desk, Terms
from engine.jobs.embedded import Embedded
from engine.outside.task import Task

TELL = """
    tell:
      trigger: {type: created, form: ticket}
      actions: [{type: call, connection: %s, operation: put, values: {name: record.name}}]
    tell_other:
      trigger: {type: created, form: ticket}
      when: record.urgent
      actions: [{type: call, connection: box, operation: put, values: {name: record.name}}]
"""


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


@pytest.fixture
def serve(make_app: MakeApp) -> Any:
    engines: list[Embedded] = []

    def start(rules: str, box: Any, terms: Terms | None = None) -> tuple[Made, Embedded]:
        made = make_app(SHOP, rules=rules, registry=registry(), people={})
        app = with_performer(made.application, box)
        engines.append(Embedded(lambda: app, threads=4, terms=terms))
        made.application.database.doorbell = engines[-1]
        engines[-1].start()
        return made, engines[-1]

    yield start
    for engine in engines:
        assert engine.stop(5)


def test_what_is_committed_is_delivered_at_once(serve: Any) -> None:
    box = Recorder()
    made, engine = serve(TELL % "sure", box)
    for number in range(20):
        made.create("ticket", name=f"T{number}")
    until(lambda: len(box.tasks) == 20)
    until(lambda: {row["state"] for row in made.ledger("message")} == {"done"})
    assert {row["state"] for row in made.ledger("run")} == {"done"}
    assert engine.health()["alive"]
    assert engine.health()["hanging"] == 0


def test_a_slow_system_holds_up_nobody_else(serve: Any) -> None:
    gate, box = threading.Event(), Recorder()

    def answer(task: Task) -> dict[str, Any]:
        if task.connection is not None and task.connection.name == "sure":
            gate.wait(10)
        return {}

    box.answer = answer
    made, _engine = serve(TELL % "sure", box)
    for number in range(10):
        made.create("ticket", name=f"T{number}", urgent=True)
    most = 0

    def settled() -> bool:
        nonlocal most
        slow = [row["state"] for row in made.ledger("message") if row["connection"] == "sure"]
        done = sum(row["state"] == "done" for row in made.ledger("message"))
        most = max(most, slow.count("claimed"))
        return done == 10 and slow.count("claimed") == 2  # all of the other one meanwhile

    until(settled)
    assert most == 2  # half of the threads
    gate.set()
    until(lambda: {row["state"] for row in made.ledger("message")} == {"done"})


def test_the_claims_of_a_process_that_is_gone_are_taken_over_at_the_start(serve: Any, make_app: MakeApp) -> None:
    import sqlalchemy as sa

    box = Recorder()
    made, engine = serve(TELL % "sure", box)
    assert engine.stop(5)
    made.create("ticket", name="A")
    table = made.application.tables.message
    with made.application.database.write() as conn:
        gone = {"state": "claimed", "token": "gone:1", "lease_until": made.clock.advance(hours=1), "sending": True}
        conn.execute(sa.update(table).values(gone))
    app = with_performer(made.application, box)
    other = Embedded(lambda: app, threads=1)
    other.start()
    until(lambda: made.ledger("message")[0]["state"] == "done")
    assert other.stop(5)


def test_a_delivery_that_hangs_costs_no_thread(serve: Any) -> None:
    gate = threading.Event()
    box = Recorder(lambda task: {} if task.data["values"]["name"] != "A" else {"waited": gate.wait(10)})
    made, engine = serve(TELL % "box", box, Terms(margin=-4.9, lease=0.3))
    made.create("ticket", name="A")
    until(lambda: engine.health()["hanging"] == 1)
    made.clock.advance(seconds=1)  # nobody renews its claim
    until(lambda: made.ledger("message")[0]["state"] == "unsure")
    made.create("ticket", name="B")
    until(lambda: made.ledger("message")[1]["state"] == "done")
    assert [row["state"] for row in made.ledger("message")] == ["unsure", "done"]
    assert engine.health()["hanging"] == 1  # still: the other was delivered by a thread of its own
    gate.set()


def test_delays_grow_and_are_spread() -> None:
    from engine.jobs.failing import delay

    terms = Terms(chance=lambda: 1.0, first=2, most=60)
    assert [delay(attempt, terms) for attempt in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]
    assert delay(3, Terms(chance=lambda: 0.25)) == 2.0


def test_a_failure_in_the_engine_is_no_end(serve: Any) -> None:
    box = Recorder(lambda _task: DeliveryFailed(message("It is down.")))
    made, _engine = serve(TELL % "sure", box, Terms(chance=lambda: 0.0))
    made.create("ticket", name="A")
    until(lambda: made.ledger("message")[0]["state"] == "dead")
    assert len(box.tasks) == 3
    assert Desk().under_way("sure") == 0
