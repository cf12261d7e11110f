"""The planner's board: who sees it, what a drag would do, and that nothing is written but what was shown."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from making import MakeApp
from planning_office import Office, busy
from planning_plant import HUB, LOOKER, MONDAY, stocked
from reading import hub_registry
from visiting import Grounds, Visitor, text
from werkzeug.test import TestResponse

from engine.api import Stale, every, get, save
from plugins.planning.floor.by_hand import Asked, tried
from plugins.planning.floor.replanning import follow
from plugins.planning.floor.writing import write

LATER = MONDAY + dt.timedelta(hours=30)


@pytest.fixture
def office(make_app: MakeApp) -> Office:
    made = Office(make_app(HUB, registry=hub_registry(), now=MONDAY))
    stocked(made, 100_000)
    busy(made)
    return made


@pytest.fixture
def planner(office: Office) -> Visitor:
    return Grounds(office.made).visitor("zhao")


def moulding(office: Office, place: int = 1) -> dict[str, Any]:
    """The moulding of the first or second order; the first has begun."""
    rows = [row for row in every(office.app, LOOKER, "job_step") if row["name"] == "注塑"]
    return rows[place]


def asked(row: dict[str, Any], start: dt.datetime = LATER, **more: Any) -> dict[str, Any]:
    return {"step": row["id"], "machine": row["machine"], "start": start.isoformat(), **more}


def ask(visitor: Visitor, body: Any, door: str = "try", **options: Any) -> TestResponse:
    data = body if isinstance(body, str) else json.dumps(body)
    return visitor.htmx("POST", f"/planning/board/{door}", data=data, content_type="application/json", **options)


def said(answer: TestResponse) -> list[str]:
    told = json.loads(answer.headers.get("HX-Trigger", "{}"))
    return [one["text"] for one in told.get("toast", {}).get("toasts", ())]


def seal_of(answer: TestResponse) -> str:
    found = re.search(r'data-seal="([0-9a-f]{64})"', answer.text)
    assert found, answer.text
    return found[1]


# --- what is drawn ---------------------------------------------------------------------------------------------------


def test_the_board_shows_machines_by_group_and_what_is_planned_on_them(office: Office, planner: Visitor) -> None:
    page = planner.get("/planning/board/")
    shown = text(page)
    assert all(name in shown for name in ("注塑机", "包装台", "M01", "P01", "SO202606-00001 注塑"))
    assert 'class="board-closed"' in page.text
    kinds = {one["id"]: kind for kind, one in (("begun", moulding(office, 0)), ("free", moulding(office)))}
    for step, kind in kinds.items():
        assert re.search(rf'board-bar k-{kind}[^>]*data-step="{step}"', page.text)
    assert re.search(rf'data-movable data-step="{moulding(office)["id"]}"', page.text)


def test_each_zoom_and_any_day_can_be_asked_for(planner: Visitor) -> None:
    for query in ("zoom=day", "zoom=week&from=2026-06-08", "zoom=weeks", "zoom=year&from=soon", "from=0001-01-01"):
        assert planner.get(f"/planning/board/?{query}").status_code == 200, query
    assert "data-step" not in planner.get("/planning/board/?from=2026-05-01").text


def test_a_stop_of_a_machine_is_drawn(office: Office, planner: Visitor) -> None:
    office.make("machine_stop", machine=office.press[1], begins_at="2026-06-02T01:00Z", ends_at="2026-06-02T05:00Z")
    assert 'class="board-stop"' in planner.get("/planning/board/").text


def test_a_bar_says_what_stands_behind_it(office: Office, planner: Visitor) -> None:
    shown = " ".join(planner.get(f"/planning/board/step/{moulding(office)['id']}").text.split())
    for expected in ("SO202606-00002", "2026-06-05", "The machine does SO202606-00001 注塑 before it"):
        assert expected in shown, expected
    packing = next(row for row in every(office.app, LOOKER, "job_step") if row["name"] == "包装")
    assert "SO202606-00001 注塑 (" in planner.get(f"/planning/board/step/{packing['id']}").text
    assert planner.get("/planning/board/step/999").status_code == 404


def test_an_order_shows_when_it_is_made_and_leads_to_its_bars(office: Office, planner: Visitor) -> None:
    step = moulding(office)
    assert f'hx-get="/planning/board/of/{step["order"]}"' in planner.get(f"/order/{step['order']}").text
    panel = planner.get(f"/planning/board/of/{step['order']}")
    steps = every(office.app, LOOKER, "job_step", where=f"record.order == {step['order']}")
    assert all(each["name"] in text(panel) for each in steps)
    url = re.search(r'href="(/planning/board/\?[^"]*)"', panel.text)
    assert url
    board = planner.get(url[1].replace("&amp;", "&")).text
    assert re.search(rf'is-asked"[^>]*data-step="{step["id"]}"', board)
    assert not re.search(rf'is-asked"[^>]*data-step="{moulding(office, 0)["id"]}"', board)


def test_an_order_without_operations_or_for_others_shows_no_plan(office: Office, planner: Visitor) -> None:
    order = moulding(office)["order"]
    assert Grounds(office.made).visitor("wang").get(f"/planning/board/of/{order}").text == ""  # finance: no operations
    assert planner.get("/planning/board/of/999").status_code == 404


def test_who_may_not_see_the_plan_sees_no_board_and_who_only_looks_cannot_drag(office: Office) -> None:
    grounds = Grounds(office.made)
    finance, workshop = grounds.visitor("wang"), grounds.visitor("sun")
    assert finance.get("/planning/board/").status_code == 404
    assert "/planning/board" not in finance.get("/").text
    page = workshop.get("/planning/board/")
    assert (page.status_code, "data-movable" in page.text, "/planning/board" in page.text) == (200, False, True)
    for door in ("try", "apply"):
        assert ask(workshop, asked(moulding(office)), door).status_code == 403
    assert ask(grounds.visitor("li"), asked(moulding(office))).status_code == 403


# --- a drag ----------------------------------------------------------------------------------------------------------


def test_a_drag_is_answered_with_its_difference_and_writes_nothing(office: Office, planner: Visitor) -> None:
    before, row = office.places(), moulding(office)
    answer = ask(planner, asked(row, MONDAY + dt.timedelta(days=4)))
    shown = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
    assert answer.status_code == 200, said(answer)
    assert "2 operations move" in shown  # the packing waits for it
    assert "Late orders in all: 0 → 1" in shown
    assert "SO202606-00002" in shown
    assert "1 day late · becomes late" in shown
    assert office.places() == before


def test_what_was_shown_is_written_kept_in_the_history_and_left_there(office: Office, planner: Visitor) -> None:
    row, many = moulding(office), len(office.changes())
    body = asked(row)
    seal = seal_of(ask(planner, body))
    assert ask(planner, {**body, "seal": seal}, "apply").status_code == 204
    after = get(office.app, LOOKER, "job_step", row["id"])
    assert (after["planned_start"], after["frozen"], after["why"]) == (LATER, True, "手工放在这里")
    change = office.changes()[-1]
    assert len(office.changes()) == many + 1
    assert change["why"].startswith("手工移动：")
    assert change["planner"] == office.made.id_of("zhao")
    office.made.deliver()
    follow(office.app, "anew", improve=True)
    assert get(office.app, LOOKER, "job_step", row["id"])["planned_start"] == LATER
    assert re.search(rf'k-pinned[^>]*data-step="{row["id"]}"', planner.get("/planning/board/").text)


def test_what_is_pinned_can_be_released(office: Office, planner: Visitor) -> None:
    row = moulding(office)
    save(office.app, LOOKER, "job_step", {"frozen": True}, id=row["id"])
    assert "Let planning move it" in planner.get(f"/planning/board/step/{row['id']}").text
    assert planner.htmx("POST", f"/planning/board/release/{row['id']}").status_code == 204
    assert get(office.app, LOOKER, "job_step", row["id"])["frozen"] is False
    assert Grounds(office.made).visitor("sun").htmx("POST", f"/planning/board/release/{row['id']}").status_code == 403


def test_it_is_laid_at_the_next_possible_minute_and_says_why(office: Office, planner: Visitor) -> None:
    row, first = moulding(office), moulding(office, 0)
    answer = ask(planner, asked(row, first["planned_end"] - dt.timedelta(hours=2), machine=office.press[1]))
    assert "The mould is needed for SO202606-00001 注塑 until then. It would begin at" in answer.text


# --- what is refused -------------------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused_with_a_sentence(office: Office, planner: Visitor) -> None:
    row, begun = moulding(office), moulding(office, 0)
    bench = next(one["id"] for one in every(office.app, LOOKER, "machine") if one["code"] == "P01")
    cases = {
        "SO202606-00001 注塑 is under way or frozen and stays where it is.": asked(begun),
        "P01 P01 cannot do SO202606-00002 注塑.": asked(row, machine=bench),
        "SO202606-00002 注塑 cannot begin at a time that has passed.": asked(row, MONDAY - dt.timedelta(hours=1)),
        "SO202606-00002 注塑 stands at the next possible time already.": asked(row, row["planned_start"]),
    }
    for sentence, body in cases.items():
        answer = ask(planner, body)
        assert (answer.status_code, said(answer)) == (409, [sentence])
    assert ask(planner, asked({**row, "id": 999})).status_code == 404
    assert ask(planner, asked(row, machine=999)).status_code == 404


def test_input_that_makes_no_sense_is_refused(office: Office, planner: Visitor) -> None:
    row = moulding(office)
    far = LATER.replace(year=9999)
    wrong = ("{", "[]", "null", '"x"', {}, asked(row, machine=True), asked(row, far), asked({**row, "id": 2**70}),
             asked(row, LATER.replace(tzinfo=None)), {**asked(row), "start": 7}, {**asked(row), "step": "1"})  # fmt: skip
    for body in wrong:
        for door in ("try", "apply"):
            answer = ask(planner, body, door)
            assert answer.status_code == 422, body
    assert ask(planner, asked(row), token="forged").status_code == 403


def test_a_plan_that_changed_since_is_not_written_over(office: Office, planner: Visitor) -> None:
    row, before = moulding(office), office.changes()
    body = asked(row)
    seal = seal_of(ask(planner, body))
    assert ask(planner, {**body, "seal": "0" * 64}, "apply").status_code == 409
    start = row["planned_start"] + dt.timedelta(minutes=5)
    save(office.app, LOOKER, "job_step", {"planned_start": start}, id=row["id"])
    answer = ask(planner, {**body, "seal": seal}, "apply")
    assert (answer.status_code, said(answer)) == (409, ["The plan has changed since this was shown. Move it again."])
    assert (get(office.app, LOOKER, "job_step", row["id"])["planned_start"], office.changes()) == (start, before)


def test_of_two_plans_made_of_the_same_floor_only_the_first_is_written(office: Office) -> None:
    row, zhao = moulding(office), office.made.actor("zhao")
    trial = tried(office.app, zhao, Asked(row["id"], row["machine"], LATER))
    packing = next(one for one in every(office.app, LOOKER, "job_step") if one["name"] == "包装")
    save(office.app, LOOKER, "job_step", {"frozen": True}, id=packing["id"])
    before = office.places()
    with pytest.raises(Stale, match="meanwhile"):
        write(office.app, trial.floor, trial.moved.plan, "late")
    assert office.places() == before
