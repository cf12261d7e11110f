"""What rules leave to be done is done once, in order, and noted; whatever goes wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from making import Made, MakeApp, Recorder

from engine.builtin import default_registry
from engine.connectors import Connection, Operation
from engine.errors import DeliveryFailed, message
from engine.jobs import sweeping
from engine.jobs.desk import Desk, Terms
from engine.language import Label
from engine.registry import Registry

SHOP = """
    app: shop
    label: Shop
    languages: [en]
    timezone: UTC
    roles: {clerk: {label: Clerk}}
    connections:
      box: {type: box, attempts: 3, timeout: 5s}
      sure: {type: box, attempts: 3, unsure: repeat}
    forms:
      ticket:
        label: Ticket
        fields:
          name: {type: text, required: true, max_length: 40}
          urgent: {type: boolean}
          note: {type: text, max_length: 60}
          part_of: {type: link, form: ticket}
        permissions: {clerk: {create: true, read: true, update: true}}
"""
CALL = """
    tell:
      trigger: {type: created, form: ticket}
      actions:
        - {type: call, connection: box, operation: put, values: {name: record.name}, as: answer}
        - {type: set, values: {note: "results.answer.number"}}
"""


@dataclass(frozen=True, kw_only=True)
class Box(Connection):
    """Something to call."""

    type: ClassVar[str] = "box"

    def operations(self) -> Mapping[str, Operation]:
        return {"put": Operation(Label({"": "Put"}), {"name": {"type": "string"}})}


def registry() -> Registry:
    found = default_registry()
    found.connector(Box)
    return found


@pytest.fixture
def shop(make_app: MakeApp) -> Any:
    def make(rules: str, **more: Any) -> Made:
        return make_app(SHOP, rules=rules, registry=registry(), people={"cleo": "clerk"}, **more)

    return make


def half() -> Desk:
    return Desk(Terms(chance=lambda: 0.5))


def states(made: Made, name: str = "message") -> list[str]:
    return [row["state"] for row in made.ledger(name)]


def down(again: bool = True, **more: Any) -> DeliveryFailed:
    return DeliveryFailed(message("It is down."), again=again, **more)


def test_the_answer_of_a_call_is_there_for_the_steps_after_it(shop: Any) -> None:
    made, box = shop(CALL), Recorder(lambda task: {"number": f"N-{task.data['values']['name']}"})
    ticket = made.create("ticket", name="A")
    assert [each.state for each in made.deliver(box)] == ["done", "done"]
    assert made.get("ticket", ticket)["note"] == "N-A"
    assert (states(made), states(made, "run")) == (["done", "done"], ["done"])
    task = box.tasks[0]
    assert (task.kind, task.data, task.attempt, task.seconds) == (
        "call", {"operation": "put", "values": {"name": "A"}}, 1, 5.0
    )  # fmt: skip
    assert task.key == made.ledger("message")[0]["key"]


def test_a_failed_call_is_tried_again_later_and_later_and_becomes_a_dead_letter(shop: Any) -> None:
    made, box, desk = shop(CALL), Recorder(lambda _task: down()), half()
    made.create("ticket", name="A")
    assert [each.state for each in made.deliver(box, desk=desk)] == ["again"]
    assert made.ledger("message")[0]["due_at"] == made.clock() + dt.timedelta(seconds=1)
    made.clock.advance(seconds=1)
    assert made.deliver(box, desk=desk)[0].due == made.clock() + dt.timedelta(seconds=2)
    made.clock.advance(seconds=2)
    assert [each.state for each in made.deliver(box, desk=desk)] == ["dead"]
    assert [task.attempt for task in box.tasks] == [1, 2, 3]
    assert len({task.key for task in box.tasks}) == 1
    run = made.ledger("run")[0]
    assert (run["state"], run["error"], states(made)) == ("failed", "It is down.", ["dead"])


def test_the_other_side_says_when_to_come_back(shop: Any) -> None:
    made, desk = shop(CALL), half()
    made.create("ticket", name="A")
    outcome = made.deliver(Recorder(lambda _task: down(after=90)), desk=desk)[0]
    assert outcome.due == made.clock() + dt.timedelta(seconds=90)


def test_what_cannot_be_mended_by_trying_again_is_not_tried_again(shop: Any) -> None:
    made = shop(CALL)
    made.create("ticket", name="A")
    assert [each.state for each in made.deliver(Recorder(lambda _task: down(again=False)))] == ["dead"]


def test_code_that_breaks_is_a_failure_like_any_other(shop: Any) -> None:
    made, desk = shop(CALL.replace("box", "sure")), half()
    made.create("ticket", name="A")
    broken = Recorder(lambda _task: ZeroDivisionError("oh"))
    for seconds in (1, 2, 0):
        made.deliver(broken, desk=desk)
        made.clock.advance(seconds=seconds)
    assert made.ledger("message")[0]["error"] == "'call' failed: ZeroDivisionError: oh"
    assert states(made) == ["dead"]


def test_an_answer_that_cannot_be_kept_is_a_failure(shop: Any) -> None:
    made = shop(CALL)
    made.create("ticket", name="A")
    assert [each.state for each in made.deliver(Recorder(lambda _task: {"number": object()}))] == ["unsure"]
    assert "Object of type object is not JSON serializable" in made.ledger("message")[0]["error"]


def test_nobody_knows_whether_it_arrived(shop: Any) -> None:
    made = shop(CALL)
    made.create("ticket", name="A")
    assert [each.state for each in made.deliver(Recorder(lambda _task: down(unsure=True)))] == ["unsure"]
    assert (states(made), states(made, "run")) == (["unsure"], ["working"])


def test_where_the_other_side_knows_a_repetition_it_is_repeated(shop: Any) -> None:
    made, box = shop(CALL.replace("box", "sure")), Recorder(lambda _task: down(unsure=True))
    made.create("ticket", name="A")
    assert [each.state for each in made.deliver(box)] == ["again"]


def test_messages_of_one_record_and_connection_keep_their_order(shop: Any) -> None:
    made = shop("""
      tell:
        trigger: {type: updated, form: ticket, field: name}
        actions: [{type: call, connection: box, operation: put, values: {name: record.name}}]
    """)
    box = Recorder(lambda task: down() if task.data["values"]["name"] == "B" else {})
    ticket, other = made.create("ticket", name="A"), made.create("ticket", name="X")
    for name in ("B", "C"):
        made.update("ticket", ticket, name=name)
    made.update("ticket", other, name="Y")
    made.deliver(box, desk=half())
    assert [task.data["values"]["name"] for task in box.tasks] == ["B", "Y"]  # C waits behind B
    made.clock.advance(seconds=1)
    box.answer = lambda _task: {}
    made.deliver(box)
    assert [task.data["values"]["name"] for task in box.tasks] == ["B", "Y", "B", "C"]


def test_a_claim_nobody_renews_is_given_to_another(shop: Any) -> None:
    made = shop(CALL)
    made.create("ticket", name="A")
    app, table = made.application, made.application.tables.message
    for sending, state in ((False, "waiting"), (True, "unsure")):
        held = {"state": "claimed", "token": "other:1", "lease_until": made.clock(), "sending": sending, "attempts": 1}
        with app.database.write() as conn:
            conn.execute(sa.update(table).values(held))
        assert sweeping.sweep(app, Desk()).released == 0
        made.clock.advance(seconds=1)
        assert sweeping.sweep(app, Desk()).released == 1
        assert states(made) == [state]


def test_a_result_that_comes_too_late_is_not_kept(shop: Any) -> None:
    made = shop(CALL)
    made.create("ticket", name="A")

    def slow(_task: Any) -> dict[str, Any]:
        made.clock.advance(minutes=1)
        assert sweeping.sweep(made.application, Desk()).released == 1
        return {"number": "late"}

    assert [each.state for each in made.deliver(Recorder(slow))] == ["lost"]
    assert states(made) == ["unsure"]


def test_a_connection_that_fails_rests_and_is_tried_by_one(shop: Any) -> None:
    made, box, desk = shop(CALL), Recorder(lambda _task: down()), half()
    for name in "ABCDEFG":
        made.create("ticket", name=name)
    made.deliver(box, desk=desk)
    health = made.ledger("connection")[0]
    assert (len(box.tasks), health["state"], health["failures"], health["last_error"]) == (5, "open", 5, "It is down.")
    made.clock.advance(seconds=29)
    made.deliver(box, desk=desk)
    assert len(box.tasks) == 5
    made.clock.advance(seconds=1)
    made.deliver(box, desk=desk)
    assert (len(box.tasks), made.ledger("connection")[0]["state"]) == (6, "open")
    made.clock.advance(seconds=30)
    box.answer = lambda _task: {"number": "1"}
    made.deliver(box, desk=desk)
    assert made.ledger("connection")[0]["state"] == "closed"
    assert set(states(made)) == {"done"}


def test_waiting_for_something_to_hold_goes_on_when_it_does(shop: Any) -> None:
    made = shop("""
      follow:
        trigger: {type: created, form: ticket}
        actions:
          - {type: wait, holds: record.urgent, at_most: 3d}
          - {type: set, values: {note: "'urgent' if record.urgent else 'never was'"}}
    """)
    one, other = made.create("ticket", name="A"), made.create("ticket", name="B")
    made.update("ticket", one, name="A2")
    assert [each.state for each in made.deliver()] == ["parked"]
    made.update("ticket", one, urgent=True)
    assert [each.state for each in made.deliver()] == ["done"]
    made.clock.advance(days=3)
    assert [each.state for each in made.deliver()] == ["done"]
    assert [made.get("ticket", each)["note"] for each in (one, other)] == ["urgent", "never was"]


MANY = """
    spread:
      trigger: {type: updated, form: ticket, field: urgent}
      actions:
        - type: for_each
          form: ticket
          where: record.part_of == source
          batch: 2
          actions: [{type: set, values: {note: "source.name + ' ' + record.name"}}]
        - {type: set, values: {note: "'told'"}}
"""


def test_steps_for_each_record_in_batches(shop: Any) -> None:
    made = shop(MANY)
    whole = made.create("ticket", name="Whole")
    parts = [made.create("ticket", name=f"P{n}", part_of=whole.id) for n in range(5)]
    made.update("ticket", whole, urgent=True)
    assert [each.state for each in made.deliver()] == ["done"]
    assert [made.get("ticket", part)["note"] for part in parts] == [f"Whole P{n}" for n in range(5)]
    assert made.get("ticket", whole)["note"] == "told"
    assert made.ledger("message")[0]["result"] == {
        "after": parts[-1].id, "upto": parts[-1].id, "done": 5, "failed": 0, "total": 5
    }  # fmt: skip
    assert set(states(made, "run")) == {"done"}


def test_a_record_that_is_refused_does_not_hold_up_the_others(shop: Any) -> None:
    made = shop(MANY.replace("source.name + ' ' +", f"'{'x' * 57}' + ' ' +"))
    whole = made.create("ticket", name="Whole")
    parts = [made.create("ticket", name=name, part_of=whole.id) for name in ("a", "bbb", "c")]
    made.update("ticket", whole, urgent=True)
    made.deliver()
    assert [bool(made.get("ticket", part)["note"]) for part in parts] == [True, False, True]
    failed = [run for run in made.ledger("run") if run["state"] == "failed"]
    assert [(run["record_id"], run["error"]) for run in failed] == [
        (parts[1].id, "The rule “Spread” could not do its part, so nothing was saved: "
                      "Note must have at most 60 characters; got 61.")
    ]  # fmt: skip
    assert (made.get("ticket", whole)["note"], made.ledger("message")[0]["result"]["failed"]) == ("told", 1)
