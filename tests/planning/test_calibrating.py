"""Standard times follow work reports: what reports say, in plain values; then reports in, proposals out, on both
databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from making import Made, MakeApp, Recorder
from planning_plant import HUB, LOOKER, MONDAY
from reading import hub_registry

from engine.api import every
from engine.timing.clockwork import tick
from plugins.planning.floor.calibrating import Found, looked_at
from plugins.planning.floor.work_times import Standard, Times, timed
from plugins.planning.standards import Rules

SECONDS = dt.timedelta(seconds=1)
KEY = (1, "moulding")


# --- what reports say ------------------------------------------------------------------------------------------------


def standard(cycle: int = 60, cavities: int = 2, setup: int = 30) -> Standard:
    rules = Rules(enough=4, band=15)
    return Standard(*KEY, 1, None, cycle * SECONDS, cavities, dt.timedelta(minutes=setup), rules)


def row(job: int, minutes: int, good: int = 100, **others: Any) -> dict[str, Any]:
    return {"id": 1, "job": job, "operation": "moulding", "machine": 7, "good": good, "scrap": 0, "minutes": minutes,
            "worked_on": MONDAY.date(), "reported_at": MONDAY, "state": "approved", **others}  # fmt: skip


def times(*rows: dict[str, Any], known: Any = None) -> Times:
    """Of jobs that all make product 1; reports count from the beginning of the year."""
    return timed(rows, dict.fromkeys(range(9), 1), known or {KEY: standard()}, dt.date(2026, 1, 1))


def minutes(*rows: dict[str, Any]) -> list[float]:
    return [report.minutes for report in times(*rows).reports.get(KEY, ())]


def found(*rows: dict[str, Any]) -> Found:
    one = looked_at(standard(), times(*rows).reports[KEY])
    assert one is not None
    return one


def test_the_first_report_of_a_job_on_a_machine_has_the_set_up_in_it_and_later_ones_have_not() -> None:
    assert minutes(row(1, 80), row(1, 50), row(2, 80)) == [50, 50, 50]


def test_a_job_that_goes_to_another_machine_is_set_up_there_anew() -> None:
    assert minutes(row(1, 80), row(1, 80, machine=8), row(1, 50, machine=8)) == [50, 50, 50]


def test_a_report_that_waits_for_approval_had_the_set_up_though_it_does_not_count_yet() -> None:
    assert minutes(row(1, 80, state="reported"), row(1, 50)) == [50]


def test_a_report_before_the_span_that_counts_had_the_set_up() -> None:
    assert minutes(row(1, 80, worked_on=dt.date(2025, 12, 30)), row(1, 50)) == [50]


def test_a_first_report_shorter_than_the_set_up_says_nothing_of_a_piece() -> None:
    one = found(*(row(job, 80) for job in range(4)), row(5, 20))
    assert (one.estimate.n, one.estimate.unusable, one.estimate.minutes) == (4, 1, 0.5)


def test_scrap_takes_as_long_as_a_good_piece() -> None:
    one = found(*(row(job, 80, good=80, scrap=20) for job in range(4)))
    assert one.estimate.minutes == 0.5
    assert not one.worth  # a cycle of a minute for two pieces is just that


def test_a_report_without_an_operation_belongs_to_the_only_one_there_is_and_else_to_none() -> None:
    two = {KEY: standard(), (1, "packing"): standard(2, 1, 0)}
    nameless = row(1, 80, operation=None)
    assert times(nameless).left_out == 0
    assert times(nameless, known=two).left_out == 1


def test_only_what_chance_does_not_explain_is_proposed() -> None:
    assert not found(*(row(job, each) for job, each in enumerate((78, 83, 80, 84, 79, 82)))).worth
    assert found(*(row(job, each) for job, each in enumerate((90, 91, 89, 90, 90, 90)))).worth


def test_two_reports_are_an_anecdote_and_three_are_proposed_but_marked() -> None:
    assert not found(row(1, 130), row(2, 130)).worth
    three = found(row(1, 130), row(2, 130), row(3, 130))
    assert (three.worth, three.estimate.mark, three.proposal.accepted) == (True, "thin", False)


def test_a_cycle_is_proposed_in_whole_seconds_and_judged_by_them() -> None:
    one = found(*(row(job, 86) for job in range(6)))  # 0.56 minutes a piece, 67.2 s for two
    assert one.cycle == 67 * SECONDS
    assert one.proposal.difference == pytest.approx(100 * 7 / 60)


def test_a_machine_with_few_reports_is_told_apart_and_marked() -> None:
    one = found(*(row(job, 80) for job in range(4)), row(5, 130, machine=8))
    assert [(each.machine, each.mark) for each in one.machines] == [("7", ""), ("8", "wider")]


# --- the application -------------------------------------------------------------------------------------------------


class Plant:
    """One press; a cap and a jug of one operation each, a minute a piece and half an hour of set-up."""

    def __init__(self, made: Made) -> None:
        self.made, self.app = made, made.application
        line = self.make("production_line", name="一号线")
        self.group = self.make("machine_group", name="注塑机", standard_band=15, standard_reports=6)
        self.press = self.make("machine", code="M01", name="M01", line=line, group=self.group, shifts="two_shifts")
        self.cap, self.jug = self.product("CAP-1", "瓶盖"), self.product("JUG-1", "水壶")
        self.customer = self.make("customer", name="佳美")
        tick(self.app)

    def make(self, form: str, **values: Any) -> int:
        return self.made.create(form, **values).id

    def product(self, sku: str, name: str) -> int:
        routing = [{"number": 10, "name": "注塑", "group": self.group, "cycle": "60s", "setup": "30m"}]
        return self.make("product", sku=sku, name=name, family="cap", price="1", operations=routing)

    def job(self, product: int, quantity: int, due: str = "2026-06-20") -> int:
        """Of an order that is being prepared."""
        values = {"customer": self.customer, "sales_person": self.made.id_of("li"), "due_on": due,
                  "ordered_on": "2026-06-01", "planned": True,
                  "lines": [{"product": product, "quantity": quantity, "price": "1"}]}  # fmt: skip
        order = self.made.adopt("order", state="preparing", **values).id
        return self.make("job", order=order, product=product, quantity=quantity)

    def reports(self, product: int, *minutes: int, day: str = "2026-05-20") -> None:
        """A hundred pieces in so many minutes each, and the set-up; of jobs that are done."""
        for each in minutes:
            values = {"customer": self.customer, "sales_person": self.made.id_of("li"), "due_on": day,
                      "ordered_on": day, "lines": [{"product": product, "quantity": 100, "price": "1"}]}  # fmt: skip
            order = self.made.adopt("order", state="signed", **values).id
            job = self.made.adopt("job", order=order, product=product, quantity=100, due_on=day).id
            self.made.adopt("work_report", state="approved", job=job, operation="注塑", machine=self.press, good=100,
                            scrap=0, minutes=each + 30, worked_on=day, reported_at=f"{day}T08:00:00Z")  # fmt: skip

    def a_week_goes_by(self) -> None:
        """With the night to Sunday, when standard times are compared; reports of the week are not printed."""
        self.made.deliver()
        self.made.clock.advance(days=7)
        tick(self.app)
        self.made.deliver(Recorder())

    def all(self, form: str) -> list[dict[str, Any]]:
        return list(every(self.app, LOOKER, form))

    def proposals(self) -> list[tuple[str, float, str, str]]:
        return [(row["what"], float(row["difference"]), row["mark"], row["state"]) for row in self.all("standard_time")]

    def cycle(self, product: int) -> float:
        (line,) = [row for row in self.all("operation") if row["_parent"] == product]
        return float(line["cycle"].total_seconds())


@pytest.fixture
def plant(make_app: MakeApp) -> Plant:
    return Plant(make_app(HUB, registry=hub_registry(), now=MONDAY))


TWICE = (198, 199, 200, 201, 202, 200, 200, 200)
A_TENTH_MORE = (109, 110, 110, 110, 110, 111, 110, 110)


def test_what_is_far_from_the_standard_is_proposed_and_waits_for_a_person(plant: Plant) -> None:
    plant.reports(plant.cap, *TWICE)
    plant.reports(plant.jug, *(99, 100, 101, 100, 98, 102))
    plant.a_week_goes_by()
    assert plant.proposals() == [("瓶盖 注塑", 100.0, "enough", "proposed")]
    (one,) = plant.all("standard_time")
    assert (one["cycle"], one["old_cycle"], one["sample"], one["orders"]) == (120 * SECONDS, 60 * SECONDS, 8, 0)
    assert plant.cycle(plant.cap) == 60
    (run,) = plant.all("calibration")
    assert (run["reports"], run["operations"], run["proposed"], run["waiting"], run["left_out"]) == (14, 2, 1, 1, 0)
    said = f"Calibration {run['number']}: 1 standard times wait for your decision; see the page of standard times"
    assert ("zhao", said) in plant.made.messages()


def test_inside_the_band_it_is_accepted_by_itself_and_the_plan_follows(plant: Plant) -> None:
    plant.job(plant.cap, 300)
    plant.reports(plant.cap, *A_TENTH_MORE)
    plant.a_week_goes_by()
    assert plant.proposals() == [("瓶盖 注塑", 10.0, "enough", "accepted")]
    assert plant.cycle(plant.cap) == 66
    (step,) = [row for row in plant.all("job_step") if row["open"]]
    assert step["work"] == 360  # 300 pieces of 66 s, and the set-up
    assert plant.all("calibration")[0]["waiting"] == 0
    assert not [text for who, text in plant.made.messages() if who == "zhao" and "Calibration" in text]


def test_inside_the_band_it_still_waits_where_an_order_would_become_late(plant: Plant) -> None:
    plant.reports(plant.cap, *A_TENTH_MORE)
    plant.made.clock.advance(days=7)
    plant.job(plant.cap, 100, due="2026-06-07")  # begins at once and stays where it is
    plant.job(plant.cap, 780, due="2026-06-08")  # ends 20 minutes before the day does, by the standard
    plant.made.deliver()
    tick(plant.app)
    plant.made.deliver()
    (one,) = plant.all("standard_time")
    assert (one["state"], one["automatic"], one["orders"], one["moved"], one["worse"]) == ("proposed", True, 2, 1, 1)
    touched = plant.all("standard_time_order")
    assert [(line["days"], line["due_on"]) for line in touched] == [(1, dt.date(2026, 6, 8))]
    assert plant.cycle(plant.cap) == 60


def test_a_person_accepts_and_the_routing_and_the_plan_follow(plant: Plant) -> None:
    plant.reports(plant.cap, *TWICE)
    plant.a_week_goes_by()
    jobs = [plant.job(plant.cap, 100) for _ in range(2)]  # the first begins at once and stays where it is
    plant.made.deliver()
    (one,) = plant.all("standard_time")
    plant.made.take("standard_time", one["id"], "accept", as_="zhao")
    plant.made.deliver()
    step = max((row for row in plant.all("job_step") if row["job"] in jobs), key=lambda row: row["planned_start"])
    assert (plant.cycle(plant.cap), step["work"]) == (120, 230)
    assert step["planned_end"] - step["planned_start"] == dt.timedelta(minutes=230)
    assert plant.all("plan_change")[-1]["why"].startswith("标准工时：瓶盖 注塑")


def test_what_somebody_refused_is_not_proposed_again_until_reports_say_something_else(plant: Plant) -> None:
    plant.reports(plant.cap, *TWICE)
    plant.a_week_goes_by()
    plant.made.take("standard_time", plant.all("standard_time")[0]["id"], "reject", reason="旧模具", as_="zhao")
    plant.a_week_goes_by()
    assert [state for *_, state in plant.proposals()] == ["rejected"]
    plant.reports(plant.cap, *(300,) * 20, day="2026-06-10")
    plant.a_week_goes_by()
    assert [(difference, state) for _, difference, _, state in plant.proposals()] == [
        (100, "rejected"),
        (200, "proposed"),
    ]


def test_a_proposal_that_still_stands_stays_one_and_gives_way_to_what_newer_reports_say(plant: Plant) -> None:
    plant.reports(plant.cap, *TWICE)
    plant.a_week_goes_by()
    plant.a_week_goes_by()
    assert len(plant.proposals()) == 1
    plant.reports(plant.cap, *(300,) * 20, day="2026-06-10")
    plant.a_week_goes_by()
    assert [state for *_, state in plant.proposals()] == ["superseded", "proposed"]


def test_a_thin_sample_is_proposed_marked_and_never_taken_by_itself(plant: Plant) -> None:
    plant.reports(plant.cap, 110, 110, 110)
    plant.a_week_goes_by()
    assert plant.proposals() == [("瓶盖 注塑", 10.0, "thin", "proposed")]


def test_the_drift_chart_has_a_point_for_each_month_and_writes_none_twice(plant: Plant) -> None:
    plant.reports(plant.cap, *(100,) * 6, day="2026-04-15")
    plant.reports(plant.cap, *(150,) * 6)
    plant.a_week_goes_by()
    points = [
        (row["begins_on"].month, float(row["ratio"]), row["outside"], row["mark"])
        for row in plant.all("standard_drift")
    ]
    assert points == [(4, 100.0, False, "enough"), (5, 150.0, True, "enough")]
    versions = [row["version"] for row in plant.all("standard_drift")]
    plant.a_week_goes_by()
    assert [row["version"] for row in plant.all("standard_drift")] == versions


def test_what_a_person_enters_is_weighed_and_ends_what_was_measured(plant: Plant) -> None:
    plant.reports(plant.cap, *TWICE)
    plant.job(plant.cap, 300)
    plant.a_week_goes_by()
    plant.made.create("standard_time", product=plant.cap, operation="注塑", source="entered", cycle="90s", as_="zhao")
    plant.made.deliver()
    _measured, entered = plant.all("standard_time")
    assert (entered["old_cycle"], entered["orders"], float(entered["difference"])) == (60 * SECONDS, 1, 50)
    plant.made.take("standard_time", entered["id"], "accept", as_="zhao")
    plant.made.deliver()
    assert [row["state"] for row in plant.all("standard_time")] == ["superseded", "accepted"]
    assert plant.cycle(plant.cap) == 90
