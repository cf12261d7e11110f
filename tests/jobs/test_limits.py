"""An operation is called no more often than the other side allows, and what was said over the line can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from fake_clock import START
from making import Made, MakeApp

from engine.builtin import default_registry
from engine.connectors import Connection, Operation, Rate
from engine.errors import DeliveryFailed, Throttled, message
from engine.jobs.allowance import hold, take_turn
from engine.jobs.desk import Desk, Terms
from engine.language import Duration, Label
from engine.outside.exchanges import Exchange
from engine.registry import Registry

SHOP = """
    app: shop
    label: Shop
    languages: [en]
    timezone: UTC
    roles: {clerk: {label: Clerk}}
    connections:
      box: {type: box, attempts: 2}
      slow: {type: box, limits: {put: {calls: 1, per: 1m}, all: {calls: 10, per: 1s, burst: 10}}}
    forms:
      ticket:
        label: Ticket
        fields: {name: {type: text, required: true, max_length: 40}}
        permissions: {clerk: {create: true, read: true}}
    rules:
      tell:
        trigger: {type: created, form: ticket}
        actions: [{type: call, connection: box, operation: put, values: {name: record.name}}]
"""


@dataclass(frozen=True, kw_only=True)
class Box(Connection):
    """Something to call."""

    type: ClassVar[str] = "box"

    def operations(self) -> Mapping[str, Operation]:
        return {"put": Operation(Label({"": "Put"}), {"name": {"type": "string"}})}

    def usual_limits(self) -> Mapping[str, Rate]:
        return {"put": Rate(calls=2, per=Duration(1, "s"), burst=3)}

    def perform(self, operation: str, values: Mapping[str, Any], task: Any, surroundings: Any) -> Mapping[str, Any]:
        surroundings.turn(operation)
        token = surroundings.secret("BOX", "box.example.com")
        surroundings.about_to_send()
        answered = f"hello {token}"
        url, name = "https://box.example.com", values["name"]
        surroundings.note(Exchange(operation, "POST", url, START, 0.1, 200, name, answered))
        if values["name"] == "later" and task.attempt == 1:
            raise DeliveryFailed(message("Come back later."), after=60)
        return {"ok": True}


def registry() -> Registry:
    found = default_registry()
    found.connector(Box)
    return found


@pytest.fixture
def made(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Made:
    made = make_app(SHOP, registry=registry())
    from engine.secrets import Secrets

    monkeypatch.setattr(Secrets, "value", lambda *_given: "a-long-secret")
    return made


def messages(made: Made) -> list[Any]:
    table = made.application.tables.message
    with made.application.database.read() as conn:
        return list(conn.execute(sa.select(table).where(table.c.kind == "call").order_by(table.c.id)))


def ledger(made: Made) -> list[Any]:
    table = made.application.tables.exchange
    with made.application.database.read() as conn:
        return list(conn.execute(sa.select(table).order_by(table.c.id)))


def test_a_burst_and_then_as_often_as_allowed(made: Made) -> None:
    box = made.application.definition.connections["box"]
    for _call in range(3):
        take_turn(made.application, box, "put")
    with pytest.raises(Throttled) as stopped:
        take_turn(made.application, box, "put")
    assert stopped.value.after == pytest.approx(0.5)
    made.clock.advance(seconds=0.5)
    take_turn(made.application, box, "put")
    with pytest.raises(Throttled):
        take_turn(made.application, box, "put")


def test_the_definition_knows_better_than_the_connector(made: Made) -> None:
    slow = made.application.definition.connections["slow"]
    take_turn(made.application, slow, "put")
    with pytest.raises(Throttled) as stopped:
        take_turn(made.application, slow, "put")
    assert stopped.value.after == pytest.approx(60)
    take_turn(made.application, slow, "something else")


def test_what_waits_for_its_turn_is_no_attempt_and_goes_out_later(made: Made) -> None:
    desk = Desk(Terms(chance=lambda: 1.0))
    for number in range(5):
        made.create("ticket", name=f"n{number}")
    made.deliver(desk=desk)
    assert [(row.state, row.attempts) for row in messages(made)] == [("done", 1)] * 3 + [("waiting", 0)] * 2
    made.clock.advance(seconds=2)
    made.deliver(desk=desk)
    assert [row.state for row in messages(made)] == ["done"] * 5
    assert len(ledger(made)) == 5


def test_what_was_said_is_kept_without_secrets_also_of_what_failed(made: Made) -> None:
    made.create("ticket", name="later")
    made.deliver(desk=Desk(Terms(chance=lambda: 0.0)))
    (said,) = ledger(made)
    assert (said.connection, said.operation, said.status) == ("box", "put", 200)
    assert (said.sent, said.answered) == ("later", "hello •••")
    assert said.message_id == messages(made)[0].id


def test_who_said_later_is_left_alone_until_then(made: Made) -> None:
    made.create("ticket", name="later")
    made.deliver(desk=Desk(Terms(chance=lambda: 0.0)))
    made.create("ticket", name="another")
    made.deliver(desk=Desk(Terms(chance=lambda: 0.0)))
    assert [row.state for row in messages(made)] == ["waiting", "waiting"]
    made.clock.advance(seconds=61)
    made.deliver(desk=Desk(Terms(chance=lambda: 0.0)))
    assert [row.state for row in messages(made)] == ["done", "done"]


def test_only_the_operation_that_was_told_so_comes_back_later(made: Made) -> None:
    box = made.application.definition.connections["box"]
    with made.application.database.write() as conn:
        hold(made.application, conn, box, 60, "put")
    take_turn(made.application, box, "look")
    with pytest.raises(Throttled) as stopped:
        take_turn(made.application, box, "put")
    assert stopped.value.after == pytest.approx(60)
