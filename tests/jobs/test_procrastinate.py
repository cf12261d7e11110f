"""Delivery by procrastinate: the job and the message are one, and what falls between is found again."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
import servers
import sqlalchemy as sa
from making import Made, MakeApp, Recorder, with_performer
from test_delivering import SHOP, registry
from test_embedded import TELL, until

from engine.application import utc_now
from engine.errors import DeliveryFailed, message
from engine.jobs.desk import Terms
from engine.jobs.procrastinate_engine import _FORGOTTEN, ProcrastinateEngine, prepare, ring_forgotten

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def database_url() -> Iterator[str]:
    with servers.postgresql_database() as url:
        yield url


@pytest.fixture
def shop(make_app: MakeApp) -> Any:
    engines: list[ProcrastinateEngine] = []

    def start(box: Any, threads: int = 4, terms: Terms | None = None) -> tuple[Made, ProcrastinateEngine]:
        made = make_app(SHOP, rules=TELL % "sure", registry=registry(), people={}, now=utc_now())
        app = with_performer(made.application, box)
        object.__setattr__(app, "clock", utc_now)
        object.__setattr__(made.application, "clock", utc_now)
        engines.append(ProcrastinateEngine(lambda: app, threads=threads, terms=terms))
        made.application.database.doorbell = engines[-1]
        engines[-1].start()
        return made, engines[-1]

    yield start
    for engine in engines:
        assert engine.stop(10)


def jobs(made: Made) -> int:
    with made.application.database.read() as conn:
        return conn.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) or 0


def test_what_is_committed_is_delivered_at_once(shop: Any) -> None:
    box = Recorder()
    made, engine = shop(box)
    for number in range(10):
        made.create("ticket", name=f"T{number}")
    until(lambda: {row["state"] for row in made.ledger("message")} == {"done"})
    assert sorted(task.data["values"]["name"] for task in box.tasks) == [f"T{number}" for number in range(10)]
    until(lambda: jobs(made) == 0)
    assert engine.health()["alive"]


def test_a_change_that_is_taken_back_leaves_neither_message_nor_job(shop: Any) -> None:
    made, _engine = shop(Recorder(), threads=0)
    with pytest.raises(ZeroDivisionError), made.application.database.write() as conn:
        made.application.database.posted(conn, 1, utc_now())
        raise ZeroDivisionError
    assert jobs(made) == 0
    made.create("ticket", name="A")
    assert (jobs(made), len(made.ledger("message"))) == (1, 1)


def test_a_job_that_got_lost_is_a_delay(shop: Any) -> None:
    made, engine = shop(Recorder(), threads=0)
    made.create("ticket", name="A")
    with made.application.database.write() as conn:
        conn.execute(sa.text("DELETE FROM procrastinate_jobs"))
        table = made.application.tables.message
        conn.execute(sa.update(table).values(due_at=utc_now() - dt.timedelta(seconds=6)))
    ring_forgotten(engine)
    assert jobs(made) == 1
    assert ring_forgotten(engine) == 0


def test_an_index_finds_the_job_of_a_message_that_waits(shop: Any) -> None:
    """With ten thousand that wait, comparing each with every job took the database minutes."""
    made, _engine = shop(Recorder(), threads=0)
    with made.application.database.read() as conn:
        for way in ("hashjoin", "mergejoin", "seqscan"):
            conn.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        given = {"due": utc_now(), "rested": utc_now()}
        plan = "\n".join(conn.scalars(sa.text(f"EXPLAIN {_FORGOTTEN.text}"), given))
    assert "Index Scan using ix__jobs_message" in plan


def test_it_is_tried_again_and_survives_the_loss_of_its_connections(shop: Any) -> None:
    box = Recorder(lambda task: {} if task.attempt > 1 else DeliveryFailed(message("It is down.")))
    made, engine = shop(box, terms=Terms(first=0.2))
    made.create("ticket", name="A")
    until(lambda: made.ledger("message")[0]["state"] == "done")
    with made.application.database.read() as conn:
        conn.execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE datname = current_database() AND pid <> pg_backend_pid()"))  # fmt: skip
    time.sleep(0.3)
    box.answer = lambda _task: {}
    for _ in range(20):
        try:
            made.create("ticket", name="B")
            break
        except sa.exc.OperationalError:  # the pool finds its dead connections one by one
            continue
    until(lambda: len(made.ledger("message")) == 2 and made.ledger("message")[1]["state"] == "done", 20)
    assert engine.health()["alive"]


def test_its_tables_are_made_once(shop: Any) -> None:
    made, _engine = shop(Recorder(), threads=0)
    made.create("ticket", name="A")
    assert jobs(made) == 1
    prepare(made.application.database)
    assert jobs(made) == 1
