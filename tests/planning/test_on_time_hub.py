"""The factory of the benchmark run by the Order Hub itself: what happens goes into records, what to do comes out."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from on_time_drawn import DAY, HOUR, PACKING, Drawn, Stop, drawn
from on_time_hub import InHub, office_of
from on_time_hub_plant import OPERATIONS, read
from on_time_paper import Paper
from on_time_shop import Shop, Step
from planning_plant import LOOKER

from engine.api import every
from plugins.planning.floor.time import minute

ORDERS, DAYS = 12, 8
LOOKS = 15  # one in so many times the queues are compared with the records


@cache
def happens() -> Drawn:
    return drawn(1, ORDERS, DAYS)


def rows(office: InHub) -> list[dict[str, Any]]:
    return list(every(office.running.app, LOOKER, "job_step", where="record.open and record.planned_start is not None"))


@dataclass
class Watched(InHub):
    """Notes what a machine is told to do and what stands in the records then."""

    seen: list[tuple[list[int], list[int]]] = field(default_factory=list)
    settled: int = 0

    def settle(self) -> None:
        super().settle()
        self.settled += 1
        if self.settled % LOOKS == 0:
            machine = self.settled // LOOKS % len(self._shop.benches)
            self.seen.append((self._told_to(machine), self._written(machine)))

    def _told_to(self, machine: int) -> list[int]:
        own = {row["id"] for row in rows(self) if row["machine"] == self.plant.machines[machine]}
        return [self._ids[one.key] for one in self.queue(machine) if self._ids[one.key] in own]

    def _written(self, machine: int) -> list[int]:
        mine = [row for row in rows(self) if row["machine"] == self.plant.machines[machine]]
        return [row["id"] for row in sorted(mine, key=lambda row: (row["planned_start"], row["id"]))]


@pytest.fixture(scope="module")
def hub() -> Iterator[tuple[Shop, InHub]]:
    """Before the first order, with nothing that breaks by itself."""
    office = InHub()
    shop = Shop(replace(happens(), stops=()), office)
    shop.now = shop.drawn.begin
    office.begin(shop)
    yield shop, office
    office.close()


def entered(shop: Shop, number: int) -> list[Step]:
    order = replace(shop.drawn.orders[number], deliveries=())
    steps = shop.steps_of(order)
    shop.office.ordered(order, steps)
    shop.office.settle()
    return steps


def test_a_small_factory_runs_through_the_application_to_the_end() -> None:
    office = Watched()
    shop = Shop(happens(), office)
    shop.run()
    assert sorted(shop.ready) == [order.id for order in happens().orders]
    assert sorted(office.forecast) == sorted(shop.ready)
    assert office.runs > ORDERS
    assert rows(office) == []
    assert any(told for told, _ in office.seen)
    assert all(told == written for told, written in office.seen)
    office.close()


def test_what_is_planned_on_a_machine_that_breaks_down_moves(hub: tuple[Shop, InHub]) -> None:
    shop, office = hub
    press = next(step for step in entered(shop, 0) if step.group != PACKING)
    before = row_of(office, press)
    machine = next(number for number, id in office.plant.machines.items() if id == before["machine"])
    begins = minute(before["planned_start"]) + HOUR
    stop = Stop(machine, "breakdown", begins, begins + 2 * DAY, ((begins, begins + 2 * DAY),))
    office.stopped(stop, stop.ends)
    office.settle()
    after = row_of(office, press)
    assert after["machine"] != before["machine"] or minute(after["planned_end"]) > stop.ends


def row_of(office: InHub, step: Step) -> dict[str, Any]:
    return next(row for row in rows(office) if row["id"] == office._ids[step.key])


def test_a_standard_follows_enough_reports_after_the_night_to_sunday(hub: tuple[Shop, InHub]) -> None:
    shop, office = hub
    press = next(step for step in entered(shop, 1) if step.group != PACKING and not step.product.bought)
    before = cycle(office, press)
    each = 2 * press.product.cycle / press.product.cavities / 60  # twice the minutes that the standard says
    press.machine = shop.drawn.machines.index(press.group)
    office.started(press)
    for _ in range(6):
        shop.now += HOUR
        press.reported += 20
        office.reported(press, 20, 20 * each)
    assert cycle(office, press) == before
    shop.now = shop.drawn.begin + 7 * DAY
    office.morning()
    office.settle()
    assert cycle(office, press) == pytest.approx(2 * before, rel=0.1)


def cycle(office: InHub, step: Step) -> float:
    lines = every(office.running.app, LOOKER, "operation")
    mine = office.plant.products[step.product.id]
    length: dt.timedelta = next(one["cycle"] for one in lines if (one["_parent"], one["name"]) == (mine, OPERATIONS[0]))
    return length.total_seconds()


def test_without_re_planning_the_office_is_the_paper_process() -> None:
    assert isinstance(office_of(replans=False, calibrates=False), Paper)
    office = office_of(replans=True, calibrates=False)
    assert isinstance(office, InHub)
    assert office.off == ("calibrate_weekly",)


def test_a_rule_is_switched_off_in_the_text_of_the_definition() -> None:
    assert not read(("calibrate_weekly",)).definition.rules["calibrate_weekly"].enabled
    with pytest.raises(ValueError, match="the definition has no rule nonesuch"):
        read(("nonesuch",))
