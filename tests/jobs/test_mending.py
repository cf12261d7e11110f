"""What is done about messages, runs and rules in trouble."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, Recorder, reasons
from test_delivering import CALL, down, half, shop, states  # noqa: F401 - the fixture

from engine.errors import Denied, Missing, Refused
from engine.jobs import mending
from engine.jobs.health import health


def audited(made: Made) -> list[tuple[str, int, Any]]:
    event = made.application.tables.event
    query = sa.select(event.c.kind, event.c.record_id, event.c.changes).where(event.c.form == "_app")
    with made.application.database.read() as conn:
        return [tuple(row) for row in conn.execute(query.order_by(event.c.id)) if row.kind.startswith(("m", "ru"))]


def test_a_dead_letter_is_edited_and_delivered_again(shop: Any) -> None:  # noqa: F811
    made, box = shop(CALL), Recorder(lambda _task: down(again=False))
    ticket = made.create("ticket", name="A")
    made.deliver(box)
    letter = made.ledger("message")[0]
    mending.replay(made.application, made.actor("admin"), letter["id"], {"operation": "put", "values": {"name": "B"}})
    box.answer = lambda task: {"number": f"N-{task.data['values']['name']}"}
    made.deliver(box)
    assert made.get("ticket", ticket)["note"] == "N-B"
    assert [task.key for task in box.tasks] == [letter["key"]] * 2
    assert (states(made, "run"), [task.attempt for task in box.tasks]) == (["done"], [1, 1])
    kind, id, changes = audited(made)[0]
    assert (kind, id, [each["values"]["name"] for each in changes["effect"]]) == (
        "message.replayed", letter["id"], ["A", "B"]
    )  # fmt: skip


@pytest.mark.parametrize("arrived", [True, False])
def test_what_nobody_knew_is_settled(shop: Any, arrived: bool) -> None:  # noqa: F811
    made, box = shop(CALL), Recorder(lambda _task: down(unsure=True))
    ticket = made.create("ticket", name="A")
    made.deliver(box)
    box.answer = lambda _task: {"number": "again"}
    letter = made.ledger("message")[0]["id"]
    mending.settle(made.application, made.actor("admin"), letter, arrived, {"number": "asked"} if arrived else None)
    made.deliver(box)
    assert (made.get("ticket", ticket)["note"], len(box.tasks)) == (("asked", 1) if arrived else ("again", 2))
    assert audited(made) == [("message.settled", letter, {"arrived": [None, arrived]})]


def test_only_administrators_and_only_what_is_in_trouble(shop: Any) -> None:  # noqa: F811
    made = shop(CALL)
    made.create("ticket", name="A")
    app, admin, id = made.application, made.actor("admin"), made.ledger("message")[0]["id"]
    with pytest.raises(Denied):
        mending.replay(app, made.actor("cleo"), id)
    with pytest.raises(Refused) as refused:
        mending.replay(app, admin, id)
    assert reasons(refused) == ["Only a dead letter is delivered again; this message is waiting."]
    with pytest.raises(Refused) as refused:
        mending.settle(app, admin, id, True)
    assert reasons(refused) == ["This message is waiting; nobody has to settle it."]
    with pytest.raises(Missing):
        mending.cancel_run(app, admin, 999)
    with pytest.raises(Refused):
        mending.resume_rule(app, admin, "tell")


def test_a_cancelled_run_does_nothing_more_and_the_next_begins(shop: Any) -> None:  # noqa: F811
    made = shop("""
      follow:
        trigger: {type: updated, form: ticket, field: name}
        mode: queued
        actions: [{type: wait, for: 1h}, {type: set, values: {note: "(record.note or '') + 'x'"}}]
    """)
    ticket = made.create("ticket", name="A")
    for name in ("B", "C"):
        made.update("ticket", ticket, name=name)
    first = made.ledger("run")[0]["id"]
    mending.cancel_run(made.application, made.actor("admin"), first)
    for _ in range(3):
        made.deliver()
        made.clock.advance(hours=1)
    assert (states(made, "run"), made.get("ticket", ticket)["note"]) == (["cancelled", "done"], "x")
    assert audited(made) == [("run.cancelled", first, None)]


def test_a_rule_that_fails_too_often_is_paused_and_resumed(shop: Any) -> None:  # noqa: F811
    made = shop(CALL.replace("actions:", "pause_after: 2\n      actions:"))
    for name in "AB":
        made.create("ticket", name=name)
    made.deliver(Recorder(lambda _task: down(again=False)))
    assert made.messages() == [
        ("admin", "The rule “Tell” failed 2 times in a row and is paused: It is down.")
    ]  # fmt: skip
    made.create("ticket", name="C")
    assert states(made, "run") == ["failed", "failed", "paused"]
    assert [each["rule"] for each in health(made.application).paused] == ["tell"]
    mending.resume_rule(made.application, made.actor("admin"), "tell")
    made.create("ticket", name="D")
    made.deliver(Recorder(lambda _task: {"number": "1"}))
    assert states(made, "run")[-1] == "done"


def test_a_success_in_between_is_no_row_of_failures(shop: Any) -> None:  # noqa: F811
    made, box = shop(CALL.replace("actions:", "pause_after: 2\n      actions:")), Recorder()
    for name, answer in (("A", down(again=False)), ("B", {"number": "1"}), ("C", down(again=False))):
        box.answer = lambda _task, answer=answer: answer
        made.create("ticket", name=name)
        made.deliver(box)
    assert states(made, "run") == ["failed", "done", "failed"]
    assert made.ledger("rule_state")[0]["paused_at"] is None


def test_how_delivery_fares(shop: Any) -> None:  # noqa: F811
    made = shop(CALL)
    for name in "ABC":
        made.create("ticket", name=name)
    before = health(made.application)
    assert (before.due, before.oldest, before.later, before.under_way) == (3, made.clock(), 0, 0)
    made.deliver(Recorder(lambda _task: down()), desk=half())
    after = health(made.application)
    box = next(each for each in after.connections if each["name"] == "box")
    assert (after.due, after.later, box["failures"], box["state"], box["waiting"]) == (0, 3, 3, "closed", 3)
