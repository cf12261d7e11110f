"""The factory that compares paper with planning: the same happens to both, and every plant is run by the rules."""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from on_time import HUB, measured, offices, table
from on_time_drawn import COOLING, DAY, GROUPS, HOUR, PACKING, SHIFT_CALENDAR, Drawn, Stop, drawn
from on_time_paper import DELAY, Paper
from on_time_planned import Planned
from on_time_shop import Office, Shop, Step
from reading import hub_registry, loaded

from engine.api import AppDefinition
from plugins.planning.repair import repaired

ORDERS, DAYS = 36, 18


@cache
def definition() -> AppDefinition:
    return loaded(HUB, hub_registry()).definition


@cache
def happens() -> Drawn:
    return drawn(1, ORDERS, DAYS)


def run(office: Office) -> Shop:
    shop = Shop(happens(), office)
    shop.run()
    return shop


WAYS = ("paper", "paper at once", "re-planning", "and calibrated")


@cache
def ran(name: str) -> Shop:
    return run(offices(definition())[name]())


# --- what happens


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    assert drawn(1, ORDERS, DAYS) == happens()
    assert drawn(2, ORDERS, DAYS) != happens()


def test_what_happens_is_nothing_an_office_can_change() -> None:
    """Every office meets the very same, and leaves it as it was drawn."""
    for name in WAYS:
        assert ran(name).drawn is happens()
    assert happens() == drawn(1, ORDERS, DAYS)


def test_some_of_everything_happens() -> None:
    orders, stops = drawn(1, 400, 60).orders, drawn(1, 400, 60).stops
    assert {one.priority for one in orders} == {"normal", "high", "rush"}
    assert any(one.moved for one in orders)
    assert any(delivery.said for one in orders for delivery in one.deliveries)
    assert {one.kind for one in stops} == {"breakdown", "maintenance"}


def test_standards_are_wrong_for_some_products_and_nearly_right_for_most() -> None:
    real = [one.real[0] for seed in range(10) for one in drawn(seed, 1, 1).products]
    wrong = [one for one in real if not 0.9 < one < 1.1]
    assert 0.3 < len(wrong) / len(real) < 0.5
    assert all(0.6 <= one <= 0.8 or 1.2 <= one <= 1.4 for one in wrong)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_presses_are_loaded_as_they_are_to_be(seed: int) -> None:
    """What the orders really take, with a changeover for nine in ten, of the open time that no stop takes."""
    factory = drawn(seed, 400, 60)
    shop = Shop(factory, Paper())
    work = SHIFT_CALENDAR.work_at
    for group, (_, many, changeover, share) in enumerate(GROUPS[:PACKING]):
        steps = [step for order in factory.orders for step in shop.steps_of(order) if step.group == group]
        stood = sum(
            work(min(one.ends, factory.end)) - work(one.begins)
            for one in factory.stops
            if factory.machines[one.machine] == group and one.begins < factory.end
        )
        room = many * (work(factory.end) - work(factory.begin)) - stood
        assert sum(one.work + 0.9 * changeover for one in steps) / room == pytest.approx(share, abs=0.02)


# --- the workshop keeps the rules, whoever runs it


@pytest.mark.parametrize("name", WAYS)
def test_every_operation_is_done_once_and_after_the_one_before_it(name: str) -> None:
    shop = ran(name)
    assert len(shop.ready) == ORDERS
    for step in shop.steps.values():
        assert _span(step)[0] < _span(step)[1]
        assert shop.benches[step.machine or 0].group == step.group
        if step.before is not None:
            assert _span(step)[0] >= _span(step.before)[1] + COOLING


@pytest.mark.parametrize("name", WAYS)
def test_machines_and_moulds_do_one_thing_at_a_time(name: str) -> None:
    held: dict[tuple[str, int | None], list[Step]] = defaultdict(list)
    for step in ran(name).steps.values():
        held["machine", step.machine].append(step)
        if step.mould is not None:
            held["mould", step.mould].append(step)
    for steps in held.values():
        for one, other in pairwise(sorted(steps, key=_span)):
            assert _span(one)[1] <= _span(other)[0]


def _span(step: Step) -> tuple[int, int]:
    assert step.began is not None
    assert step.done is not None
    return step.began, step.done


@pytest.mark.parametrize("name", WAYS)
def test_work_takes_what_it_takes_in_open_time_without_stops(name: str) -> None:
    shop = ran(name)
    for step in shop.steps.values():
        began, done = _span(step)
        stops = [one for one in happens().stops if one.machine == step.machine]
        worked = SHIFT_CALENDAR.work_at(done) - SHIFT_CALENDAR.work_at(began) - _stood(stops, began, done)
        assert worked - GROUPS[step.group][2] - 2 <= step.work <= worked + 2


def _stood(stops: list[Stop], began: int, done: int) -> int:
    work = SHIFT_CALENDAR.work_at
    return sum(max(0, work(min(one.ends, done)) - work(max(one.begins, began))) for one in stops)


@pytest.mark.parametrize("name", WAYS)
def test_no_more_inserts_are_used_than_have_come(name: str) -> None:
    shop = ran(name)
    coming = [(one.arrives, 0, one.product, one.quantity) for order in happens().orders for one in order.deliveries]
    used = [
        (_span(step)[0], 1, step.product.id, -step.item.quantity)
        for step in shop.steps.values()
        if step.product.bought and step.before is None
    ]
    stock: dict[int, int] = defaultdict(int)
    for _, _, product, quantity in sorted([*coming, *used]):
        stock[product] += quantity
        assert stock[product] >= 0


# --- the offices


def test_paper_knows_nothing_before_two_days_are_over() -> None:
    shop = ran("paper")
    assert all(_span(step)[0] >= step.order.at + DELAY for step in shop.steps.values())
    assert DELAY == 48 * HOUR


def test_a_plan_follows_what_happens_at_once() -> None:
    shop = ran("and calibrated")
    office = shop.office
    assert isinstance(office, Planned)
    assert office.runs >= ORDERS
    assert set(office.forecast) == {one.id for one in happens().orders}
    soonest = min(_span(step)[0] - step.order.at for step in shop.steps.values())
    assert soonest < DAY


def test_the_same_seed_gives_the_same_days() -> None:
    again = run(offices(definition())["and calibrated"]())
    assert again.ready == ran("and calibrated").ready


def test_calibration_finds_what_things_really_take() -> None:
    """Of products with enough reports the standard comes near; the others keep what was entered."""
    calibrated = Planned(definition(), calibrates=True, follow=repaired)
    shop = Shop(drawn(1, 150, 22), calibrated)
    shop.run()
    entered = {one.id: one.cycle / one.cavities / 60 for one in shop.drawn.products}
    before = sum(abs(one.real[0] - 1) for one in shop.drawn.products)
    after = sum(abs(calibrated.standard(one.id) / (entered[one.id] * one.real[0]) - 1) for one in shop.drawn.products)
    assert after < 0.6 * before


def test_the_table_has_a_line_for_each_seed() -> None:
    ways = offices(definition())
    rows = [measured(1, name, ways[name](), happens()) for name in ("paper", "paper at once")]
    assert table(rows).splitlines() == [
        "| seed | paper | paper at once |",
        "|---|---|---|",
        f"| 1 | {rows[0].on_time:.1%} | {rows[1].on_time:.1%} |",
    ]
