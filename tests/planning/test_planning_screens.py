"""Load and rush orders as people see them: each only what they may, and nothing by a forged request."""

from __future__ import annotations

import pytest
from making import MakeApp
from planning_office import Office, busy
from planning_plant import HUB, LOOKER, MONDAY, stocked
from reading import hub_registry
from visiting import Grounds, text

from engine.api import every, save


@pytest.fixture
def office(make_app: MakeApp) -> Office:
    made = Office(make_app(HUB, registry=hub_registry(), now=MONDAY))
    stocked(made, 100_000)
    busy(made)
    return made


def test_the_load_of_a_group_and_what_stands_behind_it(office: Office) -> None:
    planner = Grounds(office.made).visitor("zhao")
    page = planner.get("/planning/load/")
    assert page.status_code == 200
    shown = text(page)
    assert ("注塑机 Bottleneck" in shown, "包装台" in shown) == (True, True)
    behind = planner.get(f"/planning/load/{office.presses}/0")
    assert "SO202606-00001" in behind.text
    assert "16.0 of 36.0 h" in behind.text  # one press all day, as there is one mould
    assert planner.get("/planning/load/999/0").status_code == 404
    assert planner.get(f"/planning/load/{office.presses}/99").status_code == 404
    assert planner.get("/planning/load/?from=soon").status_code == 200


def test_who_may_not_see_the_plan_sees_no_load(office: Office) -> None:
    finance = Grounds(office.made).visitor("wang")
    assert finance.get("/planning/load/").status_code == 404
    assert "/planning/load" not in finance.get("/").text


def test_a_simulation_is_asked_for_watched_and_taken(office: Office) -> None:
    site, case = Grounds(office.made), office.asks()
    planner = site.visitor("zhao")
    assert "Simulate to see" in text_of(planner.get(f"/planning/rush/{case}").text)
    assert planner.post(f"/planning/rush/{case}/simulate", {"seconds": "3"}).status_code == 303
    assert "every 1s" in planner.get(f"/planning/rush/{case}").text
    office.made.deliver()
    shown = planner.get(f"/planning/rush/{case}").text
    assert ("SO202606-00002" in shown, "No one is hurt" in shown, "every 1s" in shown) == (True, True, False)
    assert planner.post(f"/planning/rush/{case}/choose", {"name": "no_measures"}).status_code == 303
    record = office.case(case)
    assert (record["state"], record["choice"]) == ("proposed", "no_measures")
    assert record["proposed_by"] == office.made.id_of("zhao")
    assert [line["order"] for line in record["lines"]]
    assert planner.post(f"/planning/rush/{case}/simulate", {"seconds": "3"}).status_code == 403  # it is decided


def test_a_running_simulation_can_be_stopped(office: Office) -> None:
    planner, case = Grounds(office.made).visitor("zhao"), office.asks()
    planner.post(f"/planning/rush/{case}/simulate", {"seconds": "30"})
    assert planner.post(f"/planning/rush/{case}/cancel").status_code == 303
    office.made.deliver()
    assert "every 1s" not in planner.get(f"/planning/rush/{case}").text
    assert [row["state"] for row in office.made.ledger("job")] == ["cancelled"]


def test_what_a_seller_may_not_see_is_not_on_the_list(office: Office) -> None:
    """Whose orders are in the way is for those who may read them; a seller sees his own."""
    site = Grounds(office.made)
    case = office.made.create("rush_order", as_="zhou", customer=office.customer, product=office.cap, quantity=1200,
                              wanted_on="2026-06-02", sales_person=office.made.id_of("zhou")).id  # fmt: skip
    planner, seller = site.visitor("zhao"), site.visitor("zhou")
    assert seller.post(f"/planning/rush/{case}/simulate", {"seconds": "3"}).status_code == 403
    planner.post(f"/planning/rush/{case}/simulate", {"seconds": "3"})
    office.made.deliver()
    shown = seller.get(f"/planning/rush/{case}").text
    assert "No one is hurt" in shown
    for hidden in ("SO202606-00001", "SO202606-00002", "Additional cost", "Take this"):
        assert hidden not in shown, hidden
    assert site.visitor("li").get(f"/planning/rush/{case}").status_code == 404  # another seller's


def test_wrong_input_is_answered_in_words(office: Office) -> None:
    planner, case = Grounds(office.made).visitor("zhao"), office.asks()
    assert planner.post(f"/planning/rush/{case}/simulate", {"seconds": "7"}).status_code == 409
    assert planner.post(f"/planning/rush/{case}/choose", {"name": "magic"}).status_code == 409
    assert planner.post(f"/planning/rush/{case}/mix").status_code == 409
    assert planner.post(f"/planning/rush/{case}/simulate", {"seconds": "3"}, token="forged").status_code == 403
    assert planner.get("/planning/rush/999").status_code == 404
    product = office.make("product", sku="BUY-1", name="外购件", family="cap", price="1")
    bought = office.asks(product=product)
    planner.post(f"/planning/rush/{bought}/simulate", {"seconds": "3"})
    office.made.deliver()
    assert "There is nothing to make" in planner.get(f"/planning/rush/{bought}").text


def test_a_mix_moves_what_was_ticked_and_nothing_made_up(office: Office) -> None:
    planner, case = Grounds(office.made).visitor("zhao"), office.asks()
    planner.post(f"/planning/rush/{case}/simulate", {"seconds": "3"})
    office.made.deliver()
    ticked = {"may_move": ["2", "777"], "outside": ["no"], "longer": "1"}
    assert planner.post(f"/planning/rush/{case}/mix", ticked).status_code == 303
    office.made.deliver()
    assert "Mixed by hand" in planner.get(f"/planning/rush/{case}").text
    asked = [row["params"] for row in office.made.ledger("job")][-1]
    assert (asked["may_move"], asked["outside"], asked["longer"]) == (["2"], [], True)


def text_of(markup: str) -> str:
    return " ".join(markup.split())


def test_the_planner_sees_overtime_he_entered_in_the_load(office: Office) -> None:
    grounds = Grounds(office.made)
    before = grounds.visitor("zhao").get(f"/planning/load/{office.presses}/1").text
    save(office.app, LOOKER, "extra_shift",
         {"machine": office.press[0], "begins_at": "2026-06-01T16:00Z", "ends_at": "2026-06-01T18:00Z"})  # fmt: skip
    office.made.deliver()
    after = grounds.visitor("zhao").get(f"/planning/load/{office.presses}/1").text
    assert before != after
    assert len(list(every(office.app, LOOKER, "extra_shift"))) == 1
