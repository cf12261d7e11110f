"""A date for what is asked for, kept until it expires: records in, records out, on both databases."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from making import MakeApp
from planning_plant import HUB, LOOKER, MONDAY, Plant, stocked
from reading import hub_registry

from engine.api import every
from engine.timing.clockwork import tick
from plugins.planning.checked import violations
from plugins.planning.floor.holding import FIRST
from plugins.planning.floor.materials import ready
from plugins.planning.floor.promising import Lengths
from plugins.planning.floor.reading import read
from plugins.planning.floor.replanning import follow
from plugins.planning.floor.work_times import Standard
from plugins.planning.spread import spreads
from plugins.planning.standards import USUAL


@pytest.fixture
def plant(make_app: MakeApp) -> Plant:
    return Plant(make_app(HUB, registry=hub_registry(), now=MONDAY))


def asked(plant: Plant, quantity: int, as_: str = "li", **others: Any) -> int:
    values = {"customer": plant.customer, "product": plant.cap, "quantity": quantity, "hold_days": 1, **others}
    id = plant.made.create("promise", as_=as_, **values).id
    plant.made.deliver()
    return id


def held(plant: Plant, id: int) -> list[dict[str, Any]]:
    return [row for row in every(plant.app, LOOKER, "promise_step") if row["_parent"] == id]


def test_what_is_asked_for_gets_a_date_that_can_be_kept_until_the_hold_is_over(plant: Plant) -> None:
    stocked(plant)
    found = plant.made.get("promise", asked(plant, 600))
    assert (found["state"], found["held_until"]) == ("held", MONDAY + dt.timedelta(days=1))
    assert found["begins_at"] > found["held_until"]
    assert (found["earliest_on"], found["likely_on"], found["safe_on"]) == (dt.date(2026, 6, 2),) * 3
    assert found["confidence"] == "thin"  # nobody has reported anything yet
    assert "注塑" in found["why"]
    assert "此前未下达" in found["why"]
    moulding, packing = held(plant, found["id"])
    assert (moulding["work"], moulding["ends_at"] - moulding["begins_at"]) == (330, dt.timedelta(minutes=330))
    assert packing["begins_at"] == moulding["ends_at"] + dt.timedelta(hours=1)
    assert any(who == "li" and "瓶盖 × 600" in text for who, text in plant.made.messages())


def test_two_promises_do_not_hold_the_same_mould_at_the_same_time(plant: Plant) -> None:
    stocked(plant)
    first, second = (held(plant, asked(plant, 600))[0] for _ in range(2))
    assert second["begins_at"] >= first["ends_at"]
    floor = read(plant.app, ready(plant.app))
    assert not violations(floor.problem, floor.plan)


def test_a_new_order_goes_around_what_is_held_and_nothing_of_the_promise_is_written(plant: Plant) -> None:
    stocked(plant)
    kept = held(plant, asked(plant, 600))[0]
    order = plant.order(2400, due="2026-06-03")
    plant.made.deliver()
    step = plant.steps(order)[0]
    assert step["planned_end"] <= kept["begins_at"] or step["planned_start"] >= kept["ends_at"]
    assert [row["order"] for row in every(plant.app, LOOKER, "job_step")] == [order, order]
    assert held(plant, kept["_parent"])[0] == kept
    assert follow(plant.app, "noch einmal").is_nothing


def test_material_that_is_held_is_not_there_for_the_next_who_asks(plant: Plant) -> None:
    stocked(plant, 60)
    first, second = (plant.made.get("promise", asked(plant, 500)) for _ in range(2))
    assert first["earliest_on"] == dt.date(2026, 6, 2)
    assert second["earliest_on"] == dt.date(2026, 6, 4)  # ten of 50 kg are left, and a purchase takes three days
    for one in (first, second):
        plant.made.take("promise", one["id"], "release", as_="li")
    assert plant.made.get("promise", asked(plant, 500))["earliest_on"] == dt.date(2026, 6, 2)


def test_a_promise_expires_by_the_clock_and_frees_its_machine(plant: Plant) -> None:
    stocked(plant)
    tick(plant.app)
    first = asked(plant, 600)
    plant.made.clock.advance(days=1, minutes=1)
    tick(plant.app)
    plant.made.deliver()
    assert plant.made.get("promise", first)["state"] == "expired"
    assert any(who == "li" and "expired" in text for who, text in plant.made.messages())
    order = plant.order(600)
    plant.made.deliver()
    assert plant.steps(order)[0]["planned_start"] == plant.made.clock.now.replace(second=0, microsecond=0)


def test_a_promise_that_is_taken_is_kept_for_its_order_until_that_has_jobs(plant: Plant) -> None:
    stocked(plant)
    first, second = asked(plant, 600), asked(plant, 600)
    kept = held(plant, first)[0]
    values = {"customer": plant.customer, "sales_person": plant.made.id_of("li"), "due_on": "2026-06-10",
              "ordered_on": "2026-06-01", "lines": [{"product": plant.cap, "quantity": 600, "price": "1"}]}  # fmt: skip
    order = plant.made.adopt("order", state="pending", **values).id
    plant.made.take("promise", first, "take", order=order, as_="li")
    assert any(row["planned_start"] == kept["begins_at"] for row in read(plant.app).rows.values())
    planned = plant.made.adopt("order", state="preparing", **{**values, "planned": True}).id
    plant.made.take("promise", second, "take", order=planned, as_="li")
    assert {row["job"] for row in read(plant.app).rows.values()} == {FIRST - first}


def test_what_cannot_be_made_is_said_and_holds_nothing(plant: Plant) -> None:
    bare = plant.make("product", sku="NO-1", name="无工艺", family="cap", price="1")
    found = plant.made.get("promise", asked(plant, 10, product=bare))
    assert (found["state"], held(plant, found["id"])) == ("asked", [])
    assert found["problem"]


def test_sales_people_ask_and_see_their_own(plant: Plant) -> None:
    stocked(plant)
    mine = asked(plant, 600)
    theirs = asked(plant, 600, as_="zhou")
    seen = [row["id"] for row in every(plant.app, plant.made.actor("li"), "promise")]
    assert (mine in seen, theirs in seen) == (True, False)


# --- how sure it is --------------------------------------------------------------------------------------------------


def test_the_narrowest_group_with_enough_reports_says_how_sure_a_date_is() -> None:
    minute = dt.timedelta(minutes=1)
    known = {key: Standard(*key, 5, None, minute, 1, 0 * minute, USUAL) for key in ((1, "a"), (2, "a"), (3, "b"))}
    ratios = [("product 1 a", 1.0)] * 20 + [("group 5", 1.2)] * 30 + [("product 3 b", 2.0)] * 3
    lengths = Lengths(known, spreads(ratios))
    assert [lengths.of(key)[1] for key in ((1, "a"), (2, "a"))] == ["good", "fair"]
    assert lengths.of((1, "a"))[0].at(0.5) == Decimal(1)
    assert Lengths({}, spreads(ratios[:5])).of((9, "x"))[1] == "thin"
