"""A rush order from its record to the plan and back: simulated beside it, chosen, approved, written exactly as shown."""

from __future__ import annotations

import datetime as dt

import pytest
from making import MakeApp
from planning_office import Office, busy
from planning_plant import HUB, LOOKER, MONDAY, stocked
from reading import hub_registry

from engine.api import Refused, every, get, save, take
from plugins.planning.checked import violations
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import read
from plugins.planning.floor.rushing import question

ANSWERS = ["no_measures", "nobody_hurt", "extend_shifts", "outsource", "resequence"]


@pytest.fixture
def office(make_app: MakeApp) -> Office:
    made = Office(make_app(HUB, registry=hub_registry(), now=MONDAY))
    stocked(made, 100_000)
    return made


def test_simulating_writes_nothing_and_says_who_is_hurt(office: Office) -> None:
    first, second = busy(office)
    before = office.places()
    found = office.simulated(office.asks())
    assert [one["name"] for one in found["alternatives"]] == ANSWERS
    assert {line[0] for line in found["red"]["lines"]} <= {str(first), str(second)}
    assert found["red"]["lines"]
    assert office.places() == before
    assert [row["id"] for row in every(office.app, LOOKER, "order")] == [first, second]
    unhurt = found["alternatives"][1]
    assert [line for line in unhurt["impacts"] if line[2] > line[1]] == []


@pytest.mark.parametrize("name", ["no_measures", "nobody_hurt", "resequence"])
def test_what_is_applied_is_what_was_shown(office: Office, name: str) -> None:
    busy(office)
    case = office.asks()
    answer = office.applied(case, office.simulated(case), name)
    record = office.case(case)
    assert record["state"] == "applied"
    order = get(office.app, LOOKER, "order", record["made_order"])
    assert (order["priority"], order["due_on"], order["planned"]) == ("rush", dt.date(2026, 6, 2), True)
    floor = read(office.app, ready(office.app))
    assert violations(floor.problem, floor.plan) == ()
    ends = {row["order"]: max(line.end for id, line in floor.plan.assignments.items()
                              if floor.rows[id]["order"] == row["order"]) for row in floor.rows.values()}  # fmt: skip
    assert ends[order["id"]] == answer["end"]
    assert {line[0]: line[2] for line in answer["impacts"]} == {
        str(id): end for id, end in ends.items() if str(id) in {line[0] for line in answer["impacts"]}
    }
    changes = [row for row in office.changes() if record["number"] in row["why"]]
    assert len(changes) == bool(answer["impacts"])  # one record says what moved


def test_the_plan_stays_as_it_was_applied_when_it_is_made_anew(office: Office) -> None:
    busy(office)
    case = office.asks()
    office.applied(case, office.simulated(case), "no_measures")
    stands = office.places()
    office.make("machine_stop", machine=office.press[1], begins_at="2026-07-01T00:00Z", ends_at="2026-07-02T00:00Z")
    office.made.deliver()
    assert office.places() == stands


def test_when_the_plan_has_changed_it_is_refused_and_simulated_again(office: Office) -> None:
    busy(office)
    case = office.asks()
    found = office.simulated(case)
    office.propose(case, found, "no_measures")
    take(office.app, LOOKER, "rush_order", case, "approve")
    stop = {"machine": office.press[0], "begins_at": "2026-06-01T00:00Z", "ends_at": "2026-06-20T00:00Z"}
    for press in office.press:
        office.make("machine_stop", **{**stop, "machine": press})
    office.made.deliver()
    stands = office.places()
    office.take(case, "apply", "zhao")
    assert office.case(case)["state"] == "asked"
    assert office.places() == stands
    assert len(list(every(office.app, LOOKER, "order"))) == 2  # nothing was made


def test_it_can_be_taken_back_until_it_begins(office: Office) -> None:
    busy(office)
    before = office.places()
    case = office.asks()
    office.applied(case, office.simulated(case), "no_measures")
    assert office.places() != before
    office.take(case, "undo", "zhao", reason="The customer waits after all")
    record = office.case(case)
    assert record["state"] == "undone"
    assert office.places() == before
    order = get(office.app, LOOKER, "order", record["made_order"])
    assert not order["planned"]
    assert [row for row in every(office.app, LOOKER, "job") if row["order"] == order["id"]] == []


def test_once_it_has_begun_it_stays(office: Office) -> None:
    busy(office)
    case = office.asks()
    office.applied(case, office.simulated(case), "no_measures")
    stands = office.places()
    made = office.case(case)["made_order"]
    step = office.steps(made)[0]
    office.make("work_report", job=step["job"], operation=step["name"], machine=step["machine"], good=10, minutes=20,
                worker=office.made.id_of("ma"))  # fmt: skip
    office.made.deliver()
    office.take(case, "undo", "zhao", reason="Too late")
    assert office.case(case)["state"] == "applied"
    assert set(office.places()) == set(stands)


def test_an_order_that_is_planned_already_goes_first_and_back(office: Office) -> None:
    _first, second = busy(office)
    third = office.order(2400, "2026-06-08")
    office.made.deliver()
    before = office.places()
    case = office.asks(order=third, customer=None, product=None, quantity=None)
    answer = office.applied(case, office.simulated(case), "no_measures")
    record = office.case(case)
    assert (record["state"], record["made_order"]) == ("applied", None)
    assert {line[0] for line in answer["impacts"]} == {str(second)}
    office.take(case, "undo", "zhao", reason="No longer")
    assert office.places() == before


def test_overtime_that_is_bought_becomes_a_shift_and_goes_when_it_is_taken_back(office: Office) -> None:
    for group in (office.presses, office.benches):
        save(office.app, LOOKER, "machine_group", {"overtime_hours": 4, "weekend": True}, id=group)
    busy(office)
    case = office.asks(quantity=3000)
    found = office.simulated(case)
    longer = found["alternatives"][2]
    if longer["same_as"] or longer["why_not"]:
        pytest.fail(f"overtime bought nothing: {longer['same_as'] or longer['why_not']}")
    office.applied(case, found, "extend_shifts")
    assert office.case(case)["state"] == "applied"
    shifts = list(every(office.app, LOOKER, "extra_shift"))
    assert {row["rush_order"] for row in shifts} == {case}
    floor = read(office.app, ready(office.app))
    assert violations(floor.problem, floor.plan) == ()
    office.take(case, "undo", "zhao", reason="No longer")
    assert list(every(office.app, LOOKER, "extra_shift")) == []


def test_a_mix_moves_only_who_may_move(office: Office) -> None:
    first, second = busy(office)
    found = office.simulated(office.asks(), may_move=[str(second)], outside=[], longer=False)
    (answer,) = found["alternatives"]
    assert answer["name"] == "mixed"
    assert {line[0] for line in answer["impacts"] if line[2] > line[1]} <= {str(second)}
    assert str(first) not in {line[0] for line in answer["impacts"] if line[2] > line[1]}


def test_what_has_begun_is_no_rush_order_any_more(office: Office) -> None:
    first, _second = busy(office)
    step = office.steps(first)[0]
    office.make("work_report", job=step["job"], operation=step["name"], machine=step["machine"], good=10, minutes=20,
                worker=office.made.id_of("ma"))  # fmt: skip
    office.made.deliver()
    case = office.asks(order=first, customer=None, product=None, quantity=None)
    with pytest.raises(Refused, match="begun"):
        question(office.app, office.case(case))


def test_material_that_is_missing_holds_the_rush_order_back(make_app: MakeApp) -> None:
    office = Office(make_app(HUB, registry=hub_registry(), now=MONDAY))
    asked = question(office.app, office.case(office.asks()))
    assert asked.operations[0].material == "树脂"
    assert asked.operations[0].earliest > asked.problem.now
