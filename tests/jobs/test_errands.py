"""Work of a plugin that follows changes: after they are saved, once for all that wait, again when it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from making import Made, MakeApp

from engine.actions import Action, Context
from engine.api import Application, Outside, every, save, system_actor
from engine.builtin import default_registry
from engine.effects import Effect
from engine.jobs import claiming, sweeping
from engine.jobs.desk import Desk, Terms

SHOP = """
    app: shop
    label: Shop
    languages: [en]
    timezone: UTC
    roles: {clerk: {label: Clerk}}
    forms:
      ticket:
        label: Ticket
        fields: {name: {type: text, required: true}}
        permissions: {clerk: {create: true, read: true}}
      count:
        label: Count
        fields: {names: {type: text, max_length: 400}}
        permissions: {clerk: {create: true, read: true}}
    rules:
      count_tickets:
        trigger: {type: created, form: ticket}
        actions: [{type: count}]
"""
COUNTER = system_actor("counter")


@dataclass(frozen=True, kw_only=True)
class Count(Action):
    """Count the tickets, later."""

    type: ClassVar[str] = "count"

    def effects(self, context: Context) -> Sequence[Effect]:
        return [Outside("count", {})]


class Counting:
    """The errand: one record with the names of all tickets. Fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.served = failures, list[int]()

    def __call__(self, app: Application, data: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("out of paper")
        self.served.append(data["served"])
        names = ",".join(row["name"] for row in every(app, COUNTER, "ticket"))
        return {"count": save(app, COUNTER, "count", {"names": names}).id}


@pytest.fixture
def shop(make_app: MakeApp) -> Any:
    def make(counting: Counting) -> Made:
        registry = default_registry()
        registry.action(Count)
        registry.errand("count", counting)
        return make_app(SHOP, registry=registry, people={"cleo": "clerk"})

    return make


def counts(made: Made) -> list[str]:
    return [row["names"] for row in every(made.application, COUNTER, "count")]


def states(made: Made) -> list[str]:
    return [row["state"] for row in made.ledger("message")]


def test_one_run_serves_every_message_that_waits(shop: Any) -> None:
    counting = Counting()
    made = shop(counting)
    for name in "ABC":
        made.create("ticket", name=name, as_="cleo")
    assert counts(made) == []  # nothing before it is delivered
    assert made.deliver()[0].state == "done"
    assert (counting.served, counts(made)) == ([3], ["A,B,C"])
    assert states(made) == ["done"] * 3
    assert [row["state"] for row in made.ledger("run")] == ["done"] * 3
    assert [row["result"].get("by") for row in made.ledger("message")] == [None, 1, 1]


def test_what_comes_later_makes_it_run_again(shop: Any) -> None:
    counting = Counting()
    made = shop(counting)
    made.create("ticket", name="A")
    made.deliver()
    made.create("ticket", name="B")
    made.deliver()
    assert counts(made) == ["A", "A,B"]


def test_one_that_fails_is_tried_again_and_the_others_wait_for_nobody(shop: Any) -> None:
    counting = Counting(failures=1)
    made = shop(counting)
    for name in "AB":
        made.create("ticket", name=name)
    desk = Desk(Terms(chance=lambda: 0.5))
    assert [outcome.state for outcome in made.deliver(desk=desk)] == ["again", "done"]
    assert (counting.served, counts(made)) == ([2], ["A,B"])
    assert states(made) == ["done", "done"]  # the one that failed was served by the other


def test_a_message_another_process_has_is_left_to_it(shop: Any) -> None:
    made = shop(Counting())
    for name in "AB":
        made.create("ticket", name=name)
    app, other = made.application, Desk()
    with app.database.write() as conn:
        taken = claiming.claim(app, conn, claiming.waiting(app, conn, 2), other)
    assert isinstance(taken, claiming.Claimed)
    made.deliver()
    assert states(made) == ["done", "claimed"]
    made.clock.advance(hours=1)  # that process is dead
    sweeping.sweep(app, Desk())
    made.deliver()
    assert (states(made), counts(made)) == (["done", "done"], ["A,B", "A,B"])
