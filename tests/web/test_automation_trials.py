"""Rules are tried on a record, on what happened lately and in the shadow; nothing of it does anything."""

from __future__ import annotations

import html
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from visiting import TICKETS, Grounds

from engine.people import load_actor
from engine.publishing import changes
from engine.trying import jobs

RULES = """
rules:
  costly:
    label: {zh: 贵, en: Costly}
    owner: agent
    trigger: {type: created, form: ticket}
    when: record.pay > 10
    actions:
      - {type: set, values: {subject: "record.subject + '!'"}}
      - {type: wait, for: 2h}
      - {type: notify, to: [lead], message: "{{ record.subject }} waits"}
  watch:
    label: {zh: 观察, en: Watch}
    trigger: {type: created, form: ticket}
    shadow: true
    actions: [{type: set, values: {subject: "'Seen'"}}]
  morning:
    trigger: {type: schedule, at: ["08:30"]}
    actions: [{type: create, form: ticket, values: {subject: "'Round'"}}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(TICKETS + RULES)
    for subject, pay in (("Lamp", 20), ("Chair", 5)):
        found.made.create("ticket", subject=subject, pay=pay, as_="admin")
        found.made.clock.advance(hours=30)
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def counted(site: Grounds) -> list[int]:
    tables = site.app.tables
    with site.app.database.read() as conn:
        return [int(conn.scalar(sa.select(sa.func.count()).select_from(one)) or 0)
                for one in (tables.event, tables.run, tables.message, tables.notification)]  # fmt: skip


def test_a_rule_is_tried_on_a_record_and_nothing_happens(site: Grounds) -> None:
    admin, before = site.visitor("admin"), counted(site)
    shown = text(admin.get("/admin/automation/rules/costly/try?record=1"))
    assert "It would do this: held Pay > 10 Pay: 20 Change Ticket Lamp! Subject: Lamp!!" in shown
    assert "Waits until" in shown
    assert "Tell Lead" in shown
    shown = text(admin.get("/admin/automation/rules/costly/try?record=2"))
    assert "The condition does not hold: it would do nothing." in shown
    assert "It watches only. Out of the shadow it would do this:" in text(
        admin.get("/admin/automation/rules/watch/try?record=2")
    )
    assert "It would do this: Create a Ticket Subject: Round" in text(
        admin.get("/admin/automation/rules/morning/try?now=1")
    )
    assert "There is no" in text(admin.get("/admin/automation/rules/costly/try?record=99"))
    assert counted(site) == before


def test_records_to_try_it_on_are_found_by_search(site: Grounds) -> None:
    found = site.visitor("admin").get("/admin/automation/rules/costly/records?q=cha").get_json()
    assert found == [{"id": 2, "title": "Chair"}]
    assert site.visitor("bob").get("/admin/automation/rules/costly/records").status_code == 403


def test_whoever_owns_a_rule_tries_it_with_their_own_eyes(site: Grounds) -> None:
    shown = text(site.visitor("ann").get("/admin/automation/rules/costly/try?record=1"))
    assert "Whether it would act depends on what you may not see." in shown
    assert "Pay: 20" not in shown
    assert "On what happened lately" not in shown
    assert site.visitor("ann").post("/admin/automation/rules/costly/back_test", {"days": "7"}).status_code == 403


def test_a_back_test_tells_when_it_would_have_acted(site: Grounds) -> None:
    app = site.app
    with app.database.read() as conn:
        who = load_actor(conn, app.tables, site.user("admin").id)
    id = jobs.begin(app, who, "costly", 7)
    admin = site.visitor("admin")
    assert "Looking back 7 days" in text(admin.get(f"/admin/automation/back_tests/{id}"))
    jobs.work(app, who, id)
    answer = admin.get(f"/admin/automation/back_tests/{id}")
    assert "Would have acted 1 Records 1 Really acted 1 The same 1" in text(answer)
    assert answer.text.count('class="chart-bar"') == 1
    assert "Changes of the record: Ticket 1" in text(answer)
    assert "7 days" in text(admin.get("/admin/automation/rules/costly/try"))
    assert admin.post("/admin/automation/rules/costly/back_test", {"days": "8"}).status_code == 409
    assert admin.get("/admin/automation/back_tests/99").status_code == 404


def test_progress_is_sent_only_when_it_changed(site: Grounds) -> None:
    app = site.app
    with app.database.read() as conn:
        id = jobs.begin(app, load_actor(conn, app.tables, site.user("admin").id), "costly", 30)
    admin = site.visitor("admin")
    mark = admin.htmx("GET", f"/admin/automation/back_tests/{id}").headers["HX-PTag"]
    same = admin.htmx("GET", f"/admin/automation/back_tests/{id}", headers={"HX-PTag": mark})
    assert same.status_code == 204
    admin.post(f"/admin/automation/back_tests/{id}/cancel")


def test_a_rule_leaves_the_shadow_by_a_draft_of_the_designer(site: Grounds) -> None:
    admin = site.visitor("admin")
    shown = text(admin.get("/admin/automation/rules/watch/shadow"))
    assert "Would have acted 2" in shown
    answer = admin.post("/admin/automation/rules/watch/promote")
    assert answer.status_code == 404
    assert "The designer is not installed here" in text(answer)
    site.app.registry.places.append(("/designer", "Designer", "braces", lambda _app, _actor: True))
    answer = admin.post("/admin/automation/rules/watch/promote")
    assert answer.headers["Location"] == "/designer/1/difference"
    with site.app.database.read() as conn:
        (draft,) = changes.listed(conn, site.app.tables)
    assert "shadow: true" in draft.base_text
    assert "shadow: true" not in draft.text
    assert site.app.definition.rules["watch"].shadow
    assert admin.post("/admin/automation/rules/costly/promote").status_code == 409
