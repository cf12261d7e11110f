"""A form posted over HTTP: what is saved, what is refused, and that nothing typed is ever lost."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from fake_clock import FakeClock
from form_world import Person, World, inputs, make_world, words

from engine import service
from engine.storage import records


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> World:
    return make_world(tmp_path, clock)


@pytest.fixture
def li(world: World) -> Person:
    return world.person("li", "agent")


PUMP = {
    "subject": "Pump leaks",
    "due_on": "2026-03-10",
    "parts": "1",
    "parts.0.name": "Bolt",
    "parts.0.quantity": "3",
    "parts.0.price": "40",
    "parts.4.name": "Seal",
    "parts.4.quantity": "2",
    "parts.4.price": "1.50",
}


def row(world: World, form: str, id: int) -> dict[str, Any]:
    with world.app.database.read() as conn:
        return dict(records.get(conn, world.app.tables, form, id) or {})


def lines(world: World, id: int) -> list[dict[str, Any]]:
    with world.app.database.read() as conn:
        return records.lines_of(conn, world.app.tables, "part", [id])[id]


def count(world: World, form: str) -> int:
    with world.app.database.read() as conn:
        return len(conn.execute(world.app.tables.form[form].select()).all())


def create(person: Person, **more: str) -> int:
    answer = person.post("/ticket/new", {**PUMP, **more})
    assert answer.status_code == 303, words(answer.text)
    return int(answer.headers["Location"].rsplit("/", 1)[1])


# --- creating --------------------------------------------------------------------------------------------------------


def test_a_new_record_is_saved_with_its_lines(world: World, li: Person) -> None:
    id = create(li)

    assert row(world, "ticket", id)["subject"] == "Pump leaks"
    assert [(line["name"], line["quantity"]) for line in lines(world, id)] == [("Bolt", 3), ("Seal", 2)]
    assert "CN¥123.00" in words(li.get(f"/ticket/{id}").text)


def test_a_new_form_begins_with_one_row_that_is_not_saved_when_left_empty(world: World, li: Person) -> None:
    typed = inputs(li.get("/ticket/new").text)

    assert typed["parts.0.name"] == ""
    answer = li.post("/ticket/new", {**typed, "subject": "Pump", "due_on": "2026-03-10"})
    assert answer.status_code == 303
    assert lines(world, 1) == []


def test_all_that_is_wrong_is_said_at_once_and_everything_typed_stays(world: World, li: Person) -> None:
    typed = {**PUMP, "subject": "", "due_on": "soon", "note": "kept <b>", "parts.4.quantity": "many", "urgent": "true"}

    answer = li.post("/ticket/new", typed)

    assert answer.status_code == 422
    kept = inputs(answer.text)
    assert {name: kept[name] for name in ("subject", "due_on", "note", "parts.0.name", "parts.4.quantity")} == {
        "subject": "", "due_on": "soon", "note": "kept <b>", "parts.0.name": "Bolt", "parts.4.quantity": "many",
    }  # fmt: skip
    assert kept["urgent"] == "true"
    said = words(answer.text)
    assert "Not saved: 4 things to mend" in said
    for path in ("subject", "due_on", "why_urgent", "parts.4.quantity"):
        assert f'href="#field-{path}" data-to="{path}"' in answer.text
        assert f'id="field-{path}"' in answer.text
    assert count(world, "ticket") == 0


def test_a_problem_is_tied_to_its_input(li: Person) -> None:
    answer = li.post("/ticket/new", {**PUMP, "subject": ""})

    assert 'aria-describedby="f-subject-error"' in answer.text
    assert 'id="f-subject-error">Subject is required.</div>' in answer.text


def test_a_check_is_shown_at_its_field(li: Person) -> None:
    answer = li.post("/ticket/new", {**PUMP, "due_on": "1999-01-01"})

    assert answer.status_code == 422
    assert 'id="f-due_on-error">The year is wrong</div>' in answer.text


def test_the_same_post_twice_makes_one_record(world: World, li: Person) -> None:
    token = inputs(li.get("/ticket/new").text)["_once"]

    first = li.post("/ticket/new", {**PUMP, "_once": token})
    second = li.post("/ticket/new", {**PUMP, "_once": token})

    assert (first.headers["Location"], second.headers["Location"]) == ("/ticket/1", "/ticket/1")
    assert count(world, "ticket") == 1


def test_the_same_post_from_two_threads_makes_one_record(world: World, li: Person) -> None:
    places: list[str] = []

    def post() -> None:
        client = world.web.test_client()
        client.set_cookie("appmill", li.client.get_cookie("appmill").value)  # type: ignore[union-attr]
        data = {**PUMP, "_once": "t" * 24, "csrf_token": li.token}
        places.append(client.post("/ticket/new", data=data).headers["Location"])

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert places == ["/ticket/1"] * 4
    assert count(world, "ticket") == 1


def test_the_token_of_another_person_is_another_post(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")

    li.post("/ticket/new", {**PUMP, "_once": "t" * 24})
    wang.post("/ticket/new", {**PUMP, "_once": "t" * 24})

    assert count(world, "ticket") == 2


def test_an_address_fills_fields_in(world: World, li: Person) -> None:
    li.post("/project/new", {"name": "Alpha"})

    typed = inputs(li.get("/ticket/new?project=1&subject=From+the+project&margin=5").text)

    assert (typed["project"], typed["subject"]) == ("1", "From the project")
    assert "margin" not in typed


def test_a_duplicate_takes_over_values_and_lines_but_no_files_and_nothing_sensitive(li: Person) -> None:
    id = create(li, phone="13800138000")

    typed = inputs(li.get(f"/ticket/new?from={id}").text)

    assert (typed["subject"], typed["parts.0.name"], typed["parts.1.name"]) == ("Pump leaks", "Bolt", "Seal")
    assert typed["phone"] == ""
    assert "13800138000" not in li.get(f"/ticket/new?from={id}").text


def test_without_a_script_a_row_is_added_by_the_server(world: World, li: Person) -> None:
    answer = li.post("/ticket/new", {**PUMP, "_add": "parts"})

    assert answer.status_code == 200
    kept = inputs(answer.text)
    assert (kept["parts.0.name"], kept["parts.4.name"], kept["parts.5.name"]) == ("Bolt", "Seal", "")
    assert count(world, "ticket") == 0


def test_more_than_500_rows_are_refused_in_a_sentence(li: Person) -> None:
    many = {f"parts.{n}.name": "x" for n in range(501)}

    answer = li.post("/ticket/new", {**PUMP, **many})

    assert answer.status_code == 422
    assert "Parts takes at most 500 rows, got 501" in words(answer.text)


# --- changing --------------------------------------------------------------------------------------------------------


def test_an_edit_changes_removes_adds_and_orders_rows(world: World, li: Person) -> None:
    id = create(li)
    bolt, seal = lines(world, id)

    li.post(f"/ticket/{id}", {
        "_version": "1", "subject": "Pump leaks", "parts": "1",
        "parts.1.id": str(seal["id"]), "parts.1.name": "Seal ring", "parts.1.quantity": "2",
        "parts.7.name": "Nut", "parts.7.quantity": "9",
        "parts.0.id": str(bolt["id"]), "parts.0._delete": "1", "parts.0.name": "Bolt",
    })  # fmt: skip

    assert [(line["id"] == seal["id"], line["name"]) for line in lines(world, id)] == [
        (True, "Seal ring"),
        (False, "Nut"),
    ]


def test_a_sensitive_value_is_never_put_into_its_input_and_stays_when_left_empty(world: World, li: Person) -> None:
    id = create(li, phone="13800138000")

    page = li.get(f"/ticket/{id}/edit").text
    assert "13800138000" not in page
    answer = li.post(f"/ticket/{id}", {**inputs(page), "subject": "Changed"})
    assert answer.status_code == 303
    assert row(world, "ticket", id)["phone"] == "13800138000"

    page = li.get(f"/ticket/{id}/edit").text
    li.post(f"/ticket/{id}", {**inputs(page), "_clear.phone": "1"})
    assert row(world, "ticket", id)["phone"] is None


def test_a_field_one_may_not_set_is_refused_and_not_on_the_form(world: World, li: Person) -> None:
    id = create(li)

    page = li.get(f"/ticket/{id}/edit").text
    assert "margin" not in page
    assert "Margin" not in page
    answer = li.post(f"/ticket/{id}", {"_version": "1", "subject": "X", "margin": "5"})
    assert answer.status_code == 422
    assert row(world, "ticket", id)["margin"] is None


# --- two people ------------------------------------------------------------------------------------------------------


def opened(person: Person, id: int) -> dict[str, str]:
    return inputs(person.get(f"/ticket/{id}/edit").text)


def test_changes_that_do_not_touch_are_both_kept_and_that_is_said(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    id = create(li)
    mine = opened(li, id)
    wang.post(f"/ticket/{id}", {**opened(wang, id), "note": "by Wang"})

    answer = li.post(f"/ticket/{id}", {**mine, "subject": "by Li"})

    assert answer.status_code == 303
    assert (row(world, "ticket", id)["subject"], row(world, "ticket", id)["note"]) == ("by Li", "by Wang")
    assert "Someone else had changed Note meanwhile; both changes were kept." in li.get(f"/ticket/{id}").text


def test_a_change_of_the_same_field_is_shown_side_by_side_and_chosen(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    id = create(li, note="as it was")
    mine = opened(li, id)
    wang.post(f"/ticket/{id}", {**opened(wang, id), "subject": "Wang's", "note": "Wang's note", "solution": "glue"})

    page = li.post(f"/ticket/{id}", {**mine, "subject": "Li's", "note": "Li's note"})

    assert page.status_code == 409
    said = words(page.text)
    assert "Wang saved this record first" in said
    assert "Subject Pump leaks Li's Wang's" in said
    assert "Note as it was Li's note Wang's note" in said
    assert "Taken over from Wang: Solution." in said
    kept = inputs(page.text)
    assert (kept["subject"], kept["note"], kept["solution"]) == ("Li's", "Li's note", "glue")
    assert (kept["_choose.subject"], kept["_version"]) == ("yours", "2")

    saved = li.post(f"/ticket/{id}", {**kept, "_choose.note": "theirs"})
    assert saved.status_code == 303
    now = row(world, "ticket", id)
    assert (now["subject"], now["note"], now["solution"]) == ("Li's", "Wang's note", "glue")


def test_rows_merge_by_row_and_cell(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    id = create(li)
    mine, hers = opened(li, id), opened(wang, id)
    wang.post(f"/ticket/{id}", {**hers, "parts.0.price": "41", "parts.9.name": "Nut", "parts.9.quantity": "1"})

    answer = li.post(f"/ticket/{id}", {**mine, "parts.0.quantity": "7", "parts.1.name": "Seal ring"})

    assert answer.status_code == 303, words(answer.text)[-1500:]
    assert [(line["name"], line["quantity"], line["price"] and float(line["price"])) for line in lines(world, id)] == [
        ("Bolt", 7, 41.0), ("Seal ring", 2, 1.5), ("Nut", 1, None),
    ]  # fmt: skip


def test_the_same_cell_of_a_row_is_asked_about(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    id = create(li)
    mine = opened(li, id)
    wang.post(f"/ticket/{id}", {**opened(wang, id), "parts.0.quantity": "8"})

    page = li.post(f"/ticket/{id}", {**mine, "parts.0.quantity": "9"})

    bolt = lines(world, id)[0]["id"]
    assert page.status_code == 409
    assert f'name="_choose.parts.{bolt}.quantity"' in page.text
    kept = inputs(page.text)
    li.post(f"/ticket/{id}", {**kept, f"_choose.parts.{bolt}.quantity": "theirs"})
    assert lines(world, id)[0]["quantity"] == 8


def test_what_cannot_be_saved_on_top_of_a_conflict_keeps_what_was_typed(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    id = create(li)
    mine = opened(li, id)
    wang.post(f"/ticket/{id}", {**opened(wang, id), "note": "Wang's"})

    page = li.post(f"/ticket/{id}", {**mine, "subject": "", "solution": "typed"})

    assert page.status_code in (409, 422)
    assert inputs(page.text)["solution"] == "typed"


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_a_draft_is_restored_and_goes_with_the_save(world: World, li: Person, clock: FakeClock) -> None:
    answer = li.post(
        "/ticket/draft", {"subject": "Half a sen", "parts": "1", "parts.3.name": "Bolt", "phone": "13800138000"}
    )
    assert answer.get_json() == {"note": "Draft kept at 09:30"}
    clock.advance(minutes=12)

    page = li.get("/ticket/new").text
    assert "Restored what you typed at 09:30." in words(page)
    kept = inputs(page)
    assert (kept["subject"], kept["parts.3.name"], kept["phone"]) == ("Half a sen", "Bolt", "")

    li.post("/ticket/new", {**PUMP, "_once": kept["_once"]})
    assert "Restored" not in words(li.get("/ticket/new").text)


def test_a_draft_is_its_owners_alone_and_can_be_discarded(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    li.post("/ticket/draft", {"subject": "Li's draft"})

    assert "Li's draft" not in wang.get("/ticket/new").text
    li.post("/ticket/draft/discard")
    assert "Li's draft" not in li.get("/ticket/new").text


def test_a_draft_over_a_record_that_others_changed_ends_in_the_conflict_page(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    id = create(li)
    mine = opened(li, id)
    li.post(f"/ticket/draft?id={id}", {**mine, "subject": "Draft of Li"})
    wang.post(f"/ticket/{id}", {**opened(wang, id), "subject": "Wang's"})

    restored = opened(li, id)
    assert (restored["subject"], restored["_version"]) == ("Draft of Li", "1")
    assert li.post(f"/ticket/{id}", restored).status_code == 409


# --- while typing ----------------------------------------------------------------------------------------------------


def test_typing_answers_with_what_depends_on_it(world: World, li: Person) -> None:
    answer = li.post("/ticket/react", {**PUMP, "urgent": "true"}).get_json()

    assert answer["visible"] == {"why_urgent": True}
    assert answer["required"] == {"why_urgent": True}
    assert answer["computed"]["parts.4.amount"] == "CN¥3.00"
    assert answer["computed"]["total"] == "CN¥123.00"
    assert answer["totals"] == {"parts.quantity": "5", "parts.amount": "CN¥123.00"}
    assert "margin" not in str(answer)
    assert "cost" not in str(answer)
    assert count(world, "ticket") == 0


def test_what_does_not_parse_is_told_at_its_place(li: Person) -> None:
    answer = li.post("/ticket/react", {**PUMP, "parts.0.quantity": "abc"}).get_json()

    assert list(answer["problems"]) == ["parts.0.quantity"]
    assert answer["computed"]["total"] == "CN¥3.00"


def test_typing_tells_nothing_of_a_record_one_may_not_see(world: World, li: Person) -> None:
    id = create(li)
    guest = world.person("gu", "guest")

    assert guest.post(f"/ticket/react?id={id}", {}).status_code == 404


# --- rows by the server ----------------------------------------------------------------------------------------------


def test_a_block_of_a_spreadsheet_fills_rows_and_marks_what_it_cannot_read(li: Person) -> None:
    block = 'Washer\t12\t"1,200.50"\r\n"Nut ""big"""\tmany\t3\r\n'
    form = {"parts": "1", "parts.0.name": "Bolt", "parts.0.quantity": "1", "parts.1.name": "old"}

    answer = li.post("/ticket/lines/parts", {**form, "_op": "paste", "_row": "1", "_column": "name", "_text": block})

    assert answer.status_code == 200
    found = inputs(answer.text)
    assert (found["parts.0.name"], found["parts.1.name"], found["parts.2.name"]) == ("Bolt", "Washer", 'Nut "big"')
    assert (found["parts.1.quantity"], found["parts.2.quantity"]) == ("12", "many")
    assert "CN¥14,406.00" in words(answer.text)
    assert 'id="f-parts-2-quantity-error"' in answer.text
    assert 'data-note="2 rows pasted"' in answer.text


def test_a_row_is_duplicated_below_itself_without_its_id(world: World, li: Person) -> None:
    id = create(li)
    typed = opened(li, id)

    answer = li.post(f"/ticket/lines/parts?id={id}", {**typed, "_op": "duplicate", "_row": "0", "_key": "2"})

    found = inputs(answer.text)
    assert (found["parts.0.name"], found["parts.2.name"], found["parts.1.name"]) == ("Bolt", "Bolt", "Seal")
    assert (found["parts.0.id"] != "", found["parts.2.id"]) == (True, "")
    assert answer.text.index("parts.2.name") < answer.text.index("parts.1.name")


def test_pasting_too_many_rows_is_refused(li: Person) -> None:
    answer = li.post("/ticket/lines/parts", {"parts": "1", "_op": "paste", "_text": "x\t1\n" * 501, "_column": "name"})

    assert (answer.status_code, answer.text) == (422, "At most 500 rows, got 501")


# --- choices of links ------------------------------------------------------------------------------------------------


def test_a_link_offers_what_its_condition_allows(world: World, li: Person) -> None:
    li.post("/project/new", {"name": "Alpha"})
    li.post("/project/new", {"name": "Beta", "closed": "true"})

    assert li.get("/ticket/options/project?q=").get_json() == [{"id": 1, "title": "Alpha"}]
    assert li.get("/ticket/options/project?q=lph").get_json() == [{"id": 1, "title": "Alpha"}]
    assert li.get("/ticket/options/project?q=100%25").get_json() == []


def test_a_link_to_lines_offers_them_by_their_title(world: World, li: Person) -> None:
    boss = world.person("bo", "boss")
    found = boss.get("/secret_project/options/part?q=bolt")
    assert (found.status_code, found.get_json()) == (200, [])


def test_nobody_is_offered_what_they_may_not_see(world: World, li: Person) -> None:
    guest = world.person("gu", "guest")
    li.post("/project/new", {"name": "Alpha"})

    assert guest.get("/ticket/options/project?q=").get_json() == []
    assert guest.get("/secret_project/options/ticket?q=").status_code == 404


# --- who may ---------------------------------------------------------------------------------------------------------


def test_creating_without_the_right_is_refused(world: World) -> None:
    guest = world.person("gu", "guest")

    assert guest.get("/project/new").status_code == 404
    assert guest.post("/project/new", {"name": "x"}).status_code == 404
    assert count(world, "project") == 0


def test_the_walk_is_asked_also_for_what_the_page_does_not_offer(world: World, li: Person) -> None:
    id = create(li)
    guest = world.person("gu", "guest")

    assert guest.get(f"/ticket/{id}/edit").status_code == 404
    assert guest.post(f"/ticket/{id}", {"_version": "1", "subject": "mine"}).status_code == 404
    assert row(world, "ticket", id)["subject"] == "Pump leaks"
    assert service.save(world.app, li.actor, "ticket", {"subject": "x"}, id=id).version == 2
