"""The machine room: who may look, how rules stand, what the page of a run tells and what it keeps to itself."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from visiting import TICKETS, Grounds

PEOPLE = {"ann": "agent", "bob": "lead", "gus": "guest"}
RULES = """
rules:
  tell_lead:
    label: {zh: 贵的工单, en: Costly tickets}
    owner: agent
    trigger: {type: created, form: ticket}
    when: record.pay > 10 and record.subject != 'x'
    actions:
      - type: branch
        when: record.pay > 100
        then: [{type: notify, to: [lead], message: "{{ record.subject }} costs {{ record.pay }}"}]
        otherwise: [{type: set, values: {subject: "record.subject + '!'"}}]
      - {type: wait, for: 2h}
      - {type: set, values: {pay: "record.pay + 1"}}
  watch:
    trigger: {type: updated, form: ticket, field: subject}
    shadow: true
    actions: [{type: notify, to: [lead], message: Changed}]
  asleep:
    enabled: false
    trigger: {type: entered, form: ticket, state: checking}
    actions: [{type: notify, to: [lead], message: Look}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(TICKETS + RULES, people=PEOPLE)
    return found


@pytest.fixture
def ticket(site: Grounds) -> int:
    return site.made.create("ticket", subject="Old printer", pay=50, as_="admin").id


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def test_rules_stand_with_what_wakes_them_and_how_they_fared(site: Grounds, ticket: int) -> None:
    shown = text(site.visitor("admin").get("/admin/automation"))
    assert "Costly tickets A Ticket is created on Mode side by side Last 24 hours done 1 failed 0" in shown
    assert "Watch Subject of a Ticket changes watches only" in shown
    assert "Asleep A Ticket enters “Checking” off" in shown


def test_a_paused_rule_says_why_and_goes_on_when_told(site: Grounds, ticket: int) -> None:
    state = site.app.tables.rule_state
    with site.app.database.write() as conn:
        conn.execute(
            state.insert().values(rule="tell_lead", failures=10, paused_at=site.made.clock(), reason="No line")
        )
    admin = site.visitor("admin")
    assert "paused Go on" in text(admin.get("/admin/automation"))
    assert "No line" in text(admin.get("/admin/automation/rules/tell_lead"))
    assert site.visitor("ann").post("/admin/automation/rules/tell_lead/resume").status_code == 403
    assert admin.post("/admin/automation/rules/tell_lead/resume").status_code == 303
    assert "paused" not in text(admin.get("/admin/automation/rules/tell_lead"))
    assert admin.post("/admin/automation/rules/tell_lead/resume").status_code == 409


def test_a_rule_is_drawn_from_top_to_bottom(site: Grounds) -> None:
    shown = text(site.visitor("admin").get("/admin/automation/rules/tell_lead"))
    drawn = ["A Ticket is created", "Only when Pay > 10 and Subject ≠ 'x'", "Is it so? Pay > 100", "if so", "Tell Lead",
             "‹Subject› costs ‹Pay›", "if not", "Change the Ticket", "Wait 2 hours", "Pay = Pay + 1"]  # fmt: skip
    places = [shown.index(one) for one in drawn]
    assert places == sorted(places)


def test_a_run_tells_who_woke_it_what_it_read_and_which_way_it_went(site: Grounds, ticket: int) -> None:
    answer = site.visitor("admin").get("/admin/automation/runs/1")
    shown = text(answer)
    assert "Woken by Admin created the record" in shown
    assert "held Pay > 10 Pay: 50" in shown
    assert "Change Ticket Old printer! Subject: Old printer!" in shown
    assert "Going on waiting due 4 Mar 2026 11:30" in shown
    assert f'href="/ticket/{ticket}' in answer.text
    assert "Watch watched only" in shown  # what the change of the subject woke
    assert 'aria-label="if so"' in answer.text.split('aria-label="if not"')[0]
    assert 'flow-way is-walked" aria-label="if not"' in answer.text


def test_runs_are_found_by_rule_state_record_and_day(site: Grounds, ticket: int) -> None:
    site.made.create("ticket", subject="Lamp", pay=20)
    admin = site.visitor("admin")

    def found(query: str) -> list[str]:
        page = admin.get(f"/admin/automation/runs?{query}").text
        return [part.split('"')[0] for part in page.split('href="/admin/automation/runs/')[1:]]

    assert found("") == ["4", "3", "2", "1"]
    assert found("rule=watch") == ["4", "2"]
    assert found("state=shadow") == ["4", "2"]
    assert found("state=working&rule=tell_lead") == ["3", "1"]
    assert found(f"form=ticket&record={ticket}") == ["2", "1"]
    assert found("since=2026-03-05") == []
    assert found("since=2026-03-04&until=2026-03-04") == ["4", "3", "2", "1"]
    assert found("before=3") == ["2", "1"]
    assert admin.get("/admin/automation/runs?since=soon").status_code == 422


def test_whoever_owns_a_rule_sees_it_without_what_they_may_not_read(site: Grounds, ticket: int) -> None:
    ann = site.visitor("ann")  # an agent: may not read the pay
    assert "Automation" in ann.get("/").text
    rules = text(ann.get("/admin/automation"))
    assert "Costly tickets" in rules
    assert "Watch" not in rules
    shown = text(ann.get("/admin/automation/runs/1"))
    assert "Pay: ••••" in shown
    assert "Pay: 50" not in shown
    assert "Cancel the run" not in shown
    assert ann.get("/admin/automation/runs/2").status_code == 404
    assert ann.get("/admin/automation/rules/watch").status_code == 404


@pytest.mark.parametrize("login", ["bob", "gus"])
def test_the_room_is_closed_to_others(site: Grounds, login: str, ticket: int) -> None:
    other = site.visitor(login)
    assert "/admin/automation" not in other.get("/").text
    for path in ("", "/rules/tell_lead", "/runs", "/runs/1"):
        assert other.get(f"/admin/automation{path}").status_code == 403


def test_the_page_of_an_old_run_shows_the_rule_as_it_was(site: Grounds, ticket: int) -> None:
    site.made.redefine(TICKETS)
    fresh = Grounds(site.made)
    shown = text(fresh.visitor("admin").get("/admin/automation/runs/1"))
    assert "Wait 2 hours" in shown
    assert fresh.visitor("admin").get("/admin/automation/rules/tell_lead").status_code == 404


def test_numbers_since_a_moment_are_found_by_halving(site: Grounds) -> None:
    from engine.web.automation.ledger import first_since

    for _ in range(9):
        site.made.create("ticket", subject="T", pay=20)
        site.made.clock.advance(hours=1)
    table = site.app.tables.run
    with site.app.database.write() as conn:
        conn.execute(site.app.tables.message.delete().where(site.app.tables.message.c.run_id.in_((4, 5, 6))))
        conn.execute(table.delete().where(table.c.id.in_((4, 5, 6))))
    with site.app.database.read() as conn:
        rows = list(conn.execute(sa.select(table.c.id, table.c.started_at).order_by(table.c.id)))
        for moment in {row.started_at + dt.timedelta(minutes=shift) for row in rows for shift in (-1, 0, 1)}:
            wanted = {row.id for row in rows if row.started_at >= moment}
            first = first_since(conn, table, "started_at", moment)
            assert {row.id for row in rows if row.id >= first} == wanted
