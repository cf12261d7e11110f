"""Two workers that come to the end of one run at the same moment."""

from __future__ import annotations

import threading
import time
from typing import Any

import sqlalchemy as sa
from making import Made
from test_delivering import shop, states  # noqa: F401 - the fixture

from engine import going_on
from engine.jobs import sweeping
from engine.jobs.desk import Desk

TWO = """
    tell:
      trigger: {type: created, form: ticket}
      actions:
        - {type: call, connection: box, operation: put, values: {name: record.name}}
        - {type: call, connection: sure, operation: put, values: {name: record.name}}
"""


def finish(made: Made, conn: sa.Connection, message: dict[str, Any]) -> None:
    table = made.application.tables.message
    conn.execute(sa.update(table).where(table.c.id == message["id"]).values(state="done"))
    going_on.end_if_over(made.application, conn, message["run_id"])


def test_the_last_two_messages_of_a_run_end_at_once(shop: Any) -> None:  # noqa: F811
    made = shop(TWO)
    made.create("ticket", name="A")
    one, other = made.ledger("message")

    def second() -> None:
        with made.application.database.write() as conn:
            finish(made, conn, other)

    thread = threading.Thread(target=second)
    with made.application.database.write() as conn:
        finish(made, conn, one)
        thread.start()
        time.sleep(0.3)  # by now it has looked, or waits for us
    thread.join(10)
    assert states(made, "run") == ["done"]


def test_a_run_nobody_ended_is_found(shop: Any) -> None:  # noqa: F811
    made = shop(TWO)
    made.create("ticket", name="A")
    table = made.application.tables.message
    with made.application.database.write() as conn:
        conn.execute(sa.update(table).values(state="done"))
    assert states(made, "run") == ["working"]
    sweeping.sweep(made.application, Desk())
    assert states(made, "run") == ["done"]
