"""The plan of the Order Hub's plant follows what people enter: records in, records out, on both databases."""

from __future__ import annotations

import datetime as dt

import pytest
from making import MakeApp
from planning_plant import HUB, MONDAY, Plant, stocked
from reading import hub_registry

from plugins.planning.checked import violations
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import read
from plugins.planning.floor.replanning import follow


@pytest.fixture
def plant(make_app: MakeApp) -> Plant:
    return Plant(make_app(HUB, registry=hub_registry(), now=MONDAY))


def test_a_job_is_planned_at_once_operation_after_operation(plant: Plant) -> None:
    stocked(plant)
    order = plant.order(600)
    assert [row["planned_start"] for row in plant.steps(order)] == [None, None]
    plant.made.deliver()
    moulding, packing = plant.steps(order)
    assert moulding["work"] == 330  # 600 times 30 s, and the set-up
    assert (moulding["planned_start"], moulding["planned_end"]) == (MONDAY, MONDAY + dt.timedelta(minutes=330))
    assert packing["planned_start"] == moulding["planned_end"] + dt.timedelta(hours=1)
    assert moulding["machine"] in plant.press
    assert packing["why"] == f"要等前道 {plant.made.get('job', moulding['job'])['number']} 注塑"
    found = plant.made.get("order", order)
    assert (found["planned_start"], found["planned_end"], found["line"]) == (
        dt.date(2026, 6, 1),
        dt.date(2026, 6, 1),
        plant.line,
    )


def test_one_mould_is_on_one_press_at_a_time(plant: Plant) -> None:
    stocked(plant)
    first, second = plant.order(600), plant.order(600)
    plant.made.deliver()
    a, b = sorted((plant.steps(order)[0] for order in (first, second)), key=lambda row: row["planned_start"])
    assert b["planned_start"] >= a["planned_end"]
    floor = read(plant.app, ready(plant.app))
    assert not violations(floor.problem, floor.plan)


def test_late_material_moves_what_waits_for_it_and_says_so(plant: Plant) -> None:
    stocked(plant, 60)
    ready_now, waits = plant.order(600), plant.order(600, due="2026-06-08", sales_person="zhou")
    purchase = plant.made.adopt(
        "purchase", state="confirmed", supplier=plant.supplier, product=plant.resin, quantity="100", price="10",
        needed_on="2026-06-04", promised_on="2026-06-04", confirmed_quantity="100",
    )  # fmt: skip
    plant.made.deliver()
    before, other = plant.steps(waits)[0], plant.steps(ready_now)[0]
    assert before["planned_start"].astimezone(dt.timezone(dt.timedelta(hours=8))).date() == dt.date(2026, 6, 4)
    assert before["why"] == "树脂 到那时才到料"
    plant.made.update("purchase", purchase, promised_on="2026-06-09")
    plant.made.deliver()
    after = plant.steps(waits)[0]
    assert after["planned_start"] == before["planned_start"] + dt.timedelta(days=5)
    assert plant.steps(ready_now)[0]["planned_start"] == other["planned_start"]
    change = plant.changes()[-1]
    assert change["why"] == "采购单 " + plant.made.get("purchase", purchase)["number"] + "（树脂）改到 2026-06-09"
    assert (change["moved"], change["late"]) == (2, 1)
    told = [text for who, text in plant.made.messages() if who == "zhou"]
    assert any("改到 2026-06-09" in text and "→ 06-09" in text for text in told), told
    assert not any("改到 2026-06-09" in text for who, text in plant.made.messages() if who == "li")


def test_a_machine_that_stops_moves_its_operations_alone(plant: Plant) -> None:
    stocked(plant)
    order = plant.order(600)
    plant.made.deliver()
    moulding = plant.steps(order)[0]
    plant.made.clock.advance(minutes=-60)  # before anything runs
    begins = MONDAY + dt.timedelta(hours=2)
    plant.make("machine_stop", machine=moulding["machine"], kind="breakdown", begins_at=begins,
               ends_at=begins + dt.timedelta(hours=3))  # fmt: skip
    plant.made.deliver()
    moved = plant.steps(order)[0]
    assert (moved["planned_start"], moved["planned_end"]) == (MONDAY, moulding["planned_end"] + dt.timedelta(hours=3))
    floor = read(plant.app, ready(plant.app))
    assert not violations(floor.problem, floor.plan)


def test_work_that_is_done_on_another_machine_is_planned_there(plant: Plant) -> None:
    """Whoever helps out reports where he works: that machine is taken, the planned one is free again."""
    stocked(plant)
    orders = [plant.order(600), plant.order(600)]
    plant.made.deliver()
    step = plant.steps(orders[0])[0]
    other = next(machine for machine in plant.press if machine != step["machine"])
    plant.make("work_report", job=step["job"], operation=step["name"], machine=other, good=1, minutes=20, finishes=False)
    plant.made.deliver()
    assert plant.steps(orders[0])[0]["machine"] == other
    floor = read(plant.app, ready(plant.app))
    assert floor.problem.operations[str(step["id"])].locked.machine == str(other)
    assert not violations(floor.problem, floor.plan)


def test_frozen_work_stays_where_it_is(plant: Plant) -> None:
    stocked(plant)
    order = plant.order(600, due="2026-06-20")
    plant.made.deliver()
    step = plant.steps(order)[0]
    plant.made.update("job_step", step["id"], frozen=True, as_="zhao")
    rush = plant.order(600, due="2026-06-02")
    plant.made.deliver()
    assert plant.steps(order)[0]["planned_start"] == step["planned_start"]
    assert plant.steps(rush)[0]["planned_start"] >= step["planned_end"]  # the mould is in use until then


def test_what_nobody_can_do_is_not_planned_and_holds_up_nothing_else(plant: Plant) -> None:
    stocked(plant)
    plant.made.update("mould", plant.mould, usable=False)
    order = plant.order(600)
    plant.made.deliver()
    assert [row["planned_start"] for row in plant.steps(order)] == [None, None]
    floor = read(plant.app, ready(plant.app))
    assert floor.unplannable == {str(plant.steps(order)[0]["id"]): "mould"}


def test_a_plan_that_does_not_move_writes_nothing(plant: Plant) -> None:
    stocked(plant)
    plant.order(600)
    plant.made.deliver()
    changes = len(plant.changes())
    assert follow(plant.app, "noch einmal").is_nothing
    plant.made.clock.advance(minutes=7)
    assert follow(plant.app, "und noch einmal").is_nothing
    assert len(plant.changes()) == changes
