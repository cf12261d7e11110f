"""The page of a record over HTTP: what is seen, by whom, what can be done, and why not the rest."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from fake_clock import FakeClock
from form_world import Person, World, inputs, make_world, words

from engine import service
from engine.storage import records

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> World:
    return make_world(tmp_path, clock)


@pytest.fixture
def li(world: World) -> Person:
    return world.person("li", "agent")


@pytest.fixture
def boss(world: World) -> Person:
    return world.person("bo", "boss")


def ticket(world: World, person: Person, **values: Any) -> int:
    given = {"subject": "Pump leaks", "due_on": "2026-03-10", **values}
    return service.save(world.app, person.actor, "ticket", given).id


def row(world: World, id: int) -> dict[str, Any]:
    with world.app.database.read() as conn:
        return dict(records.get(conn, world.app.tables, "ticket", id) or {})


def upload(person: Person, name: str, content: bytes, **where: str) -> int:
    data = {"form": "ticket", "field": "papers", **where, "file": (io.BytesIO(content), name)}
    answer = person.post("/files", data)
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


# --- what is seen ----------------------------------------------------------------------------------------------------


def test_the_page_shows_values_state_owner_due_and_totals(world: World, li: Person, clock: FakeClock) -> None:
    id = ticket(world, li, parts=[{"name": "Bolt", "quantity": 3, "price": "40"}])
    clock.advance(hours=5)
    li = world.sign_in(li.id, "li", ("agent",))

    said = words(li.get(f"/ticket/{id}").text)

    assert "Open 5 h / 2 d" in said
    assert "Owner Agent (role)" in said
    assert "Due 6 Mar 2026 09:30 (in 1 day)" in said
    assert "1 Bolt 3 CN¥40.00 CN¥120.00" in said
    assert "Number T-001" in said


def test_a_field_one_may_not_read_is_nowhere(world: World, li: Person, boss: Person) -> None:
    id = ticket(world, boss, margin="77.25", parts=[{"name": "Bolt", "quantity": 3, "price": "40", "cost": "33.33"}])
    service.save(world.app, boss.actor, "ticket", {"margin": "88.75"}, id=id)

    pages = [
        li.get(f"/ticket/{id}"), li.get(f"/ticket/{id}/edit"), li.get(f"/ticket/{id}/print"),
        li.fragment(f"/ticket/{id}/events"), li.fragment(f"/ticket/{id}/take/begin"), li.get(f"/ticket/new?from={id}"),
        li.post(f"/ticket/react?id={id}", {"subject": "x"}),
        li.post(f"/ticket/lines/parts?id={id}", {"_version": "1", "parts": "1", "_op": "duplicate", "_row": "0"}),
    ]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        for secret in ("77.25", "88.75", "33.33", "Margin", "margin", "Cost"):
            assert secret not in page.text, page.request.path
    assert "88.75" in boss.get(f"/ticket/{id}").text
    assert "and fields you may not see" in words(li.fragment(f"/ticket/{id}/events").text)


def test_a_record_one_may_not_see_is_answered_like_one_that_is_not_there(world: World, li: Person) -> None:
    id = ticket(world, li)
    guest = world.person("gu", "guest")

    for tail in ("", "/edit", "/print", "/events", "/take/begin", "/related", "/delete", "/people", "/step/next"):
        foreign, missing = guest.get(f"/ticket/{id}{tail}"), guest.get(f"/ticket/9999{tail}")
        assert (foreign.status_code, missing.status_code) == (404, 404), tail
        assert _without_ids(foreign.text) == _without_ids(missing.text)
    for tail in ("", "/take/begin", "/comments", "/reveal/phone", "/press/remind", "/delete", "/restore"):
        assert guest.post(f"/ticket/{id}{tail}").status_code == 404, tail


def _without_ids(html: str) -> str:
    return words(html).split("Request")[0]


def test_hostile_texts_stay_texts(world: World, li: Person) -> None:
    id = ticket(world, li, subject=XSS[:60], note=XSS, parts=[{"name": XSS, "quantity": 1}])
    li.post(f"/ticket/{id}/comments", {"body": XSS})

    pages = [f"/ticket/{id}{tail}" for tail in ("", "/edit", "/print", "/events", "/delete", "/take/begin")]
    for path in pages:
        html = li.get(path).text
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path


def test_a_sensitive_value_is_masked_and_showing_it_is_kept(world: World, li: Person) -> None:
    id = ticket(world, li, phone="13800138000")

    assert "13800138000" not in li.get(f"/ticket/{id}").text
    assert "13800138000" not in li.get(f"/ticket/{id}/print").text
    assert "13800138000" in li.post(f"/ticket/{id}/reveal/phone").text.replace(" ", "").replace("-", "")
    assert "looked at a sensitive field" in words(li.fragment(f"/ticket/{id}/events").text)
    assert li.post(f"/ticket/{id}/reveal/subject").status_code == 404
    assert li.get(f"/ticket/{id}/reveal/phone").status_code == 405


def test_a_field_hidden_by_its_condition_is_not_shown(world: World, li: Person) -> None:
    id = ticket(world, li)

    assert "Why urgent" not in words(li.get(f"/ticket/{id}").text)
    service.save(world.app, li.actor, "ticket", {"urgent": "true", "why_urgent": "flood"}, id=id)
    assert "Why urgent flood" in words(li.get(f"/ticket/{id}").text)


def test_the_print_has_the_facts_and_the_lines(world: World, li: Person) -> None:
    id = ticket(world, li, parts=[{"name": "Bolt", "quantity": 3, "price": "40"}])

    said = words(li.get(f"/ticket/{id}/print").text)

    assert "Ticket Pump leaks Open 4 Mar 2026 09:30" in said
    assert "# Item Quantity Price Amount 1 Bolt 3 CN¥40.00 CN¥120.00 3 CN¥120.00" in said
    assert "Printed by Li" in said


def test_chinese_readers_read_chinese(world: World, li: Person) -> None:
    id = ticket(world, li)
    zhang = world.person("zhang", "agent", language="zh")

    said = words(zhang.get(f"/ticket/{id}").text)

    assert "待处理" in said
    assert "负责人 坐席（角色）" in said
    for english in ("Owner", "Timeline", "Edit", "Why can't it move?"):
        assert english not in said


# --- moving ----------------------------------------------------------------------------------------------------------


def test_open_doors_are_buttons_and_closed_ones_say_why(world: World, li: Person) -> None:
    id = ticket(world, li)
    service.take(world.app, li.actor, "ticket", id, "begin", values={"solution": "seal"})

    page = li.get(f"/ticket/{id}").text

    assert 'data-door="pause"' in page
    assert 'data-closed="finish"' in page
    said = words(page)
    assert "This step is for: Boss." in said
    assert "The total is too small" in said
    assert "Papers must be there before the state is left." in said
    assert f'href="/ticket/{id}/edit#field-papers"' in page


def test_the_dialog_asks_and_takes_the_step(world: World, li: Person) -> None:
    id = ticket(world, li)

    dialog = li.fragment(f"/ticket/{id}/take/begin")
    assert "Begin now?" in words(dialog.text)
    assert "<html" not in dialog.text
    asked = inputs(dialog.text)
    assert set(asked) >= {"solution", "_version", "_once", "csrf_token"}

    refused = li.post(f"/ticket/{id}/take/begin", {**asked, "solution": ""})
    assert refused.status_code == 422
    assert "“Begin” was not taken" in words(refused.text)
    done = li.post(f"/ticket/{id}/take/begin", {**asked, "solution": "new seal", "subject": "not asked"})
    assert (done.status_code, done.headers["Location"]) == (303, f"/ticket/{id}")
    now = row(world, id)
    assert (now["state"], now["solution"], now["subject"]) == ("solving", "new seal", "Pump leaks")


def test_the_dialog_is_a_page_without_a_script(world: World, li: Person) -> None:
    id = ticket(world, li)

    page = li.get(f"/ticket/{id}/take/begin").text

    assert "<html" in page
    assert '<dialog class="take-dialog"' not in page
    assert "Begin now?" in words(page)


def test_a_required_reason_is_required_and_kept(world: World, li: Person) -> None:
    id = ticket(world, li)
    service.take(world.app, li.actor, "ticket", id, "begin", values={"solution": "seal"})

    without = li.post(f"/ticket/{id}/take/pause", {"_version": "2"})
    assert without.status_code == 422
    assert 'data-to="_reason"' in without.text
    li.post(f"/ticket/{id}/take/pause", {"_version": "2", "_reason": "waiting for the seal"})
    assert row(world, id)["state"] == "waiting"
    assert "waiting for the seal" in words(li.fragment(f"/ticket/{id}/events").text)
    said = words(li.get(f"/ticket/{id}").text)
    assert "Waiting · 0 min · before: Being solved" in said


def test_a_step_taken_twice_by_one_click_is_taken_once(world: World, li: Person) -> None:
    id = ticket(world, li)
    asked = {**inputs(li.fragment(f"/ticket/{id}/take/begin").text), "solution": "seal"}

    answers = [li.post(f"/ticket/{id}/take/begin", asked).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert row(world, id)["version"] == 2


def test_a_step_somebody_else_took_meanwhile_says_who(world: World, li: Person, boss: Person) -> None:
    id = ticket(world, li)
    asked = inputs(li.fragment(f"/ticket/{id}/take/begin").text)
    service.take(world.app, boss.actor, "ticket", id, "begin", values={"solution": "glue"})

    late = li.post(f"/ticket/{id}/take/begin", {**asked, "solution": "seal"})

    assert late.status_code == 409
    assert "Bo changed this record meanwhile; it is now “Being solved”." in words(late.text)
    assert row(world, id)["solution"] == "glue"


def test_the_button_of_a_rule_is_for_its_roles(world: World, li: Person, boss: Person) -> None:
    id = ticket(world, li)

    assert "/press/remind" in li.get(f"/ticket/{id}").text
    assert "/press/remind" not in boss.get(f"/ticket/{id}").text
    li.post(f"/ticket/{id}/press/remind")
    assert row(world, id)["note"] == "reminded"
    assert "by the rule “Remind”" in words(li.fragment(f"/ticket/{id}/events").text)
    assert boss.post(f"/ticket/{id}/press/remind").status_code in (403, 409)


# --- the timeline ----------------------------------------------------------------------------------------------------


def test_events_are_differences_in_peoples_words(world: World, li: Person) -> None:
    li.post("/project/new", {"name": "Alpha"})
    id = ticket(world, li, parts=[{"name": "Bolt", "quantity": 3}])
    bolt = _line(world, id)
    service.save(world.app, li.actor, "ticket", {
        "due_on": "2026-04-01", "project": 1, "parts": [{"id": bolt, "quantity": 4}, {"name": "Nut", "quantity": 1}],
    }, id=id)  # fmt: skip

    said = words(li.fragment(f"/ticket/{id}/events").text)

    assert "Due on: 10 Mar 2026 → 1 Apr 2026" in said
    assert "Project: Alpha" in said
    assert "Parts 1 · Quantity: 3 → 4" in said
    assert "Parts 2: Nut · 1" in said


def _line(world: World, id: int) -> int:
    with world.app.database.read() as conn:
        return int(records.lines_of(conn, world.app.tables, "part", [id])[id][0]["id"])


def test_the_title_of_a_record_one_may_not_see_is_not_told(world: World, li: Person, boss: Person) -> None:
    guest = world.person("gu", "guest")
    li.post("/project/new", {"name": "Alpha plant"})
    id = ticket(world, guest)
    service.save(world.app, li.actor, "ticket", {"project": 1}, id=id)

    for path in (f"/ticket/{id}", f"/ticket/{id}/events", f"/ticket/{id}/print"):
        page = guest.get(path)
        assert page.status_code == 200
        assert "Alpha plant" not in page.text


def test_the_timeline_goes_back_page_by_page(world: World, li: Person, clock: FakeClock) -> None:
    id = ticket(world, li)
    for number in range(30):
        clock.advance(seconds=20)
        service.save(world.app, li.actor, "ticket", {"note": f"change {number}"}, id=id)
        li.post(f"/ticket/{id}/comments", {"body": f"comment {number}"})

    seen: list[str] = []
    address: str | None = f"/ticket/{id}/events"
    while address:
        html = li.fragment(address).text
        seen += re.findall(r'<ins>(change \d+)</ins>|<div class="said">(comment \d+)</div>', html)
        found = re.search(r'hx-get="([^"]*before=[^"]*)"', html)
        address = found[1] if found else None
    texts = [change or comment for change, comment in seen]
    assert texts == [f"{kind} {n}" for n in range(29, -1, -1) for kind in ("comment", "change")]


# --- comments --------------------------------------------------------------------------------------------------------


def test_a_mention_tells_those_who_may_see_the_record(world: World, li: Person, boss: Person) -> None:
    world.person("gu", "guest")
    id = ticket(world, li)

    answer = li.client.post(
        f"/ticket/{id}/comments", data={"body": "@bo and @gu, see @li @nobody", "csrf_token": li.token},
        headers={"HX-Request": "true"},
    )  # fmt: skip

    assert "Comment added. Gu may not see this record and were not told." in words(answer.text)
    with world.app.database.read() as conn:
        table = world.app.tables.notification
        told = conn.execute(table.select()).mappings().all()
    assert [(one["user_id"], one["message"]["en"]) for one in told] == [(boss.id, "Li mentioned you at Pump leaks")]


def test_ones_own_comment_can_be_changed_and_deleted_and_nobody_elses(world: World, li: Person, boss: Person) -> None:
    id = ticket(world, li)
    li.post(f"/ticket/{id}/comments", {"body": "first"})

    assert boss.post(f"/ticket/{id}/comments/1", {"body": "forged"}).status_code == 404
    li.post(f"/ticket/{id}/comments/1", {"body": "second"})
    assert "second" in words(li.fragment(f"/ticket/{id}/events").text)
    li.post(f"/ticket/{id}/comments/1", {"_delete": "1"})
    assert "second" not in words(li.fragment(f"/ticket/{id}/events").text)


def test_an_empty_comment_is_refused_and_a_file_alone_is_one(world: World, li: Person) -> None:
    id = ticket(world, li)

    assert li.post(f"/ticket/{id}/comments", {"body": "  "}).status_code == 422
    li.post(f"/ticket/{id}/comments", {"body": "", "files": (io.BytesIO(b"hello"), "note.txt")})
    page = li.fragment(f"/ticket/{id}/events").text
    assert "note.txt" in page
    guest = world.person("gu", "guest")
    assert li.get("/files/1").data == b"hello"
    assert guest.get("/files/1").status_code == 404


# --- related, neighbours, deleting -----------------------------------------------------------------------------------


def test_related_records_are_those_one_may_see(world: World, li: Person, boss: Person) -> None:
    li.post("/project/new", {"name": "Alpha"})
    ticket(world, li, subject="First", project=1)
    ticket(world, li, subject="Second", project=1)
    boss.post("/secret_project/new", {"name": "Hidden plan", "ticket": "1"})

    said = words(li.fragment("/project/1/related").text)
    assert "Tickets 2" in said
    assert "Second" in said
    assert "Hidden plan" in boss.fragment("/ticket/1/related").text
    assert "Hidden" not in li.get("/ticket/1").text + li.fragment("/ticket/1/related").text
    assert "Secret" not in li.get("/ticket/1").text
    assert li.fragment("/ticket/1/related/secret_project/ticket").status_code == 404


def test_previous_and_next_skip_what_one_may_not_see(world: World, li: Person) -> None:
    guest = world.person("gu", "guest")
    first, _other, last = ticket(world, guest), ticket(world, li), ticket(world, guest)

    assert guest.get(f"/ticket/{first}/step/next").headers["Location"] == f"/ticket/{last}"
    assert guest.get(f"/ticket/{last}/step/next").headers["Location"] == f"/ticket/{last}"
    assert li.get(f"/ticket/{last}/step/previous").headers["Location"] == "/ticket/2"


def test_deleting_asks_first_and_can_be_undone(world: World, li: Person, boss: Person) -> None:
    id = ticket(world, li)

    assert li.get(f"/ticket/{id}/delete").status_code == 403
    assert "It can be restored later." in words(boss.get(f"/ticket/{id}/delete").text)
    boss.post(f"/ticket/{id}/delete", {"_version": "1"})
    assert li.get(f"/ticket/{id}").status_code == 404
    assert "Deleted" in words(boss.get(f"/ticket/{id}").text)
    assert boss.get(f"/ticket/{id}/edit").status_code == 404
    boss.post(f"/ticket/{id}/restore")
    assert li.get(f"/ticket/{id}").status_code == 200
