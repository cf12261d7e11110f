"""Schedules with their next times, webhooks with what was sent to them, and what a record's timeline tells of rules."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from visiting import TICKETS, Grounds

RULES = """
connections:
  post: {type: smtp, host: mail.example.com, sender: a@example.com}
rules:
  morning:
    label: {zh: 早会, en: Morning round}
    trigger: {type: schedule, at: ["08:30"], weekdays: [mon, wed]}
    actions: [{type: create, form: ticket, values: {subject: "'Round'"}}]
  from_shop:
    trigger: {type: webhook, path: shop, secret: {secret: SHOP_KEY}}
    actions: [{type: create, form: ticket, values: {subject: payload.name}}]
  follow:
    label: {zh: 跟进, en: Follow up}
    owner: agent
    trigger: {type: created, form: ticket}
    when: record.subject != 'Child'
    actions:
      - {type: create, form: ticket, values: {subject: "'Child'"}}
      - {type: mail, connection: post, to: ["'x@example.com'"], subject: New, message: New}
      - {type: wait, holds: record.pay > 5, at_most: 2d}
      - {type: set, values: {subject: "'Followed'"}}
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(TICKETS + RULES)
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def story(site: Grounds, login: str, id: int) -> str:
    return html.unescape(
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", site.visitor(login).htmx("GET", f"/ticket/{id}/events").text))
    )


def test_a_schedule_shows_its_next_times_on_the_readers_clock(site: Grounds) -> None:
    shown = text(site.visitor("admin").get("/admin/automation/schedules"))
    assert "Morning round Mon, Wed at 08:30 on Next times 9 Mar 2026 08:30 in 4 days 11 Mar 2026 08:30" in shown
    assert "on the clock of Asia/Shanghai · missed times are made up for once" in shown


def test_a_schedule_is_paused_and_goes_on(site: Grounds) -> None:
    admin = site.visitor("admin")
    admin.post("/admin/automation/rules/morning/pause")
    assert "Morning round Mon, Wed at 08:30 paused" in text(admin.get("/admin/automation/schedules"))
    assert "Paused by Admin" in text(admin.get("/admin/automation/rules/morning"))
    assert admin.post("/admin/automation/rules/morning/pause").status_code == 409
    admin.post("/admin/automation/rules/morning/resume")
    assert "Morning round Mon, Wed at 08:30 on" in text(admin.get("/admin/automation/schedules"))


def test_a_webhook_shows_its_address_and_never_its_secret(site: Grounds) -> None:
    table = site.app.tables.delivery
    with site.app.database.write() as conn:
        conn.execute(sa.insert(table).values(rule="from_shop", path="shop", at=site.made.clock() - dt.timedelta(minutes=3),
                     address="203.0.113.7", headers={}, size=42, status=401, reason="The signature is wrong."))  # fmt: skip
    shown = text(site.visitor("admin").get("/admin/automation/webhooks"))
    assert "http://localhost/hooks/shop" in shown
    assert "Signature appmill · X-Appmill-Signature · X-Appmill-Timestamp (at most 5 minutes old)" in shown
    assert "Secret SHOP_KEY missing: everything is refused" in shown
    assert "3 minutes ago 401 The signature is wrong. 203.0.113.7 42 B" in shown


def test_the_timeline_says_which_rule_did_it_and_because_of_what(site: Grounds) -> None:
    ticket = site.made.create("ticket", subject="Lamp", as_="ann").id
    child = story(site, "bob", ticket + 1)
    assert "by the rule “Follow up” · because of Ticket Lamp" in child
    answer = site.visitor("bob").htmx("GET", f"/ticket/{ticket + 1}/events").text
    assert re.search(rf'href="/ticket/{ticket}#event-\d+"', answer)
    assert "/admin/automation/runs" not in answer  # not for the lead, who owns no rule
    assert 'href="/admin/automation/runs/1"' in site.visitor("ann").htmx("GET", f"/ticket/{ticket + 1}/events").text


def test_the_timeline_tells_what_rules_still_wait_for(site: Grounds) -> None:
    ticket = site.made.create("ticket", subject="Lamp", as_="ann").id
    for_lead = story(site, "bob", ticket)
    assert "A mail is being sent · Follow up" in for_lead
    assert "Waits until it holds: Pay > 5; at the latest 6 Mar 2026 09:30 · Follow up" in for_lead
    assert "Mail to x@example.com is being sent" in story(site, "admin", ticket)
    assert "story-waiting" not in site.visitor("bob").get(f"/ticket/{ticket}").text


@pytest.mark.parametrize("path", ["schedules", "webhooks"])
def test_only_administrators_see_them(site: Grounds, path: str) -> None:
    assert site.visitor("ann").get(f"/admin/automation/{path}").status_code == 403
