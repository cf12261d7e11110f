"""What a process that was killed held is free at once for whoever runs on the same machine."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made
from test_delivering import SHOP, registry
from test_embedded import TELL

from engine import processes
from engine.feeding import rows
from engine.jobs import claiming, sweeping
from engine.jobs.desk import Desk


def dead_name() -> str:
    """What a process calls itself that has ended since."""
    code = "from engine.processes import new_name; print(new_name())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_process_is_known_to_have_ended_only_where_somebody_can_tell() -> None:
    name = dead_name()
    host, place, number, chance = name.split(":")
    assert processes.is_gone(f"{name}:7")
    assert not processes.is_gone(f"{processes.new_name()}:7")  # this one lives
    assert not processes.is_gone(f"{host}:elsewhere:{number}:{chance}:7")  # another machine, or another namespace
    assert not processes.is_gone(f"{host}:{place}:1:{chance}")  # lives, and is not ours to ask
    for unreadable in (None, "", "a:b", f"{host}:{place}:x:{chance}"):
        assert not processes.is_gone(unreadable)


@pytest.fixture
def made(make_app: Any) -> Made:
    made: Made = make_app(SHOP, rules=TELL % "sure", registry=registry(), people={})
    made.create("ticket", name="A")
    return made


def claimed_by(made: Made, name: str) -> None:
    app = made.application
    with app.database.write() as conn:
        taken = claiming.claim(app, conn, claiming.waiting(app, conn, 1), Desk(name=name))
    assert isinstance(taken, claiming.Claimed)


def test_its_messages_are_delivered_without_waiting_for_the_lease(made: Made) -> None:
    claimed_by(made, dead_name())
    assert sweeping.sweep(made.application, Desk()).released == 1
    assert [row["state"] for row in made.ledger("message")] == ["waiting"]


def test_those_of_a_process_that_lives_are_left_to_it(made: Made) -> None:
    claimed_by(made, Desk().name)
    assert sweeping.sweep(made.application, Desk()).released == 0


def test_a_claim_that_somebody_took_over_meanwhile_is_left_alone(made: Made) -> None:
    claimed_by(made, name := dead_name())
    app, table = made.application, made.application.tables.message
    with app.database.write() as conn:
        conn.execute(sa.update(table).values(token=f"{Desk().name}:1"))
    assert not sweeping.release(app, Desk(), 1, f"{name}:0")


def test_feeds_it_was_reading_are_read_by_the_next(made: Made) -> None:
    app, table = made.application, made.application.tables.feed
    now, later = app.clock(), made.clock().replace(year=2100)
    held = {"gone": dead_name(), "here": processes.new_name()}
    with app.database.write() as conn:
        for name, token in held.items():
            row = {"feed": name, "connection": "c", "span": "", "due_at": now, "token": token, "lease_until": later}
            conn.execute(sa.insert(table).values(row))
    rows.free_gone(app)
    with app.database.read() as conn:
        found = {row.feed: row.lease_until for row in conn.execute(sa.select(table))}
    assert (found["gone"], found["here"]) == (now, later)
