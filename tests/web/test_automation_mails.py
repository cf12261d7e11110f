"""What the machine room shows of mailboxes: when they were looked into, what came, what was refused."""

from __future__ import annotations

import html
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from visiting import TICKETS, Grounds

RULES = """
connections:
  desk_mail: {type: imap, label: {zh: 前台邮箱, en: The desk}, host: imap.example.com, user: a, password: {secret: BOX}}
rules:
  take_in:
    label: {zh: 收件, en: Take in}
    trigger: {type: mail, connection: desk_mail}
    actions: [{type: create, form: ticket, values: {subject: mail.subject}}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(TICKETS + RULES)
    return found


def page(site: Grounds, name: str) -> str:
    return html.unescape(visiting.text(site.visitor("admin").get(f"/admin/automation/{name}".rstrip("/"))))


def came(site: Grounds) -> None:
    app = site.made.application
    row = {"rule": "take_in", "path": "desk_mail", "at": app.clock(), "headers": {}, "size": 10}
    with app.database.write() as conn:
        delivery, timer = app.tables.delivery, app.tables.timer
        conn.execute(sa.insert(delivery), [
            {**row, "address": "li@example.com", "status": 202, "reason": None},
            {**row, "address": "robot@example.com", "status": 204, "reason": "Not taken: a machine wrote it (bulk)."},
            {**row, "address": "", "status": 413, "reason": "The mail has 40.0 MB."},
        ])  # fmt: skip
        looked = {"rule": "mailbox:desk_mail", "hash": "", "began_at": app.clock(), "last_at": app.clock()}
        conn.execute(sa.insert(timer).values(looked))
        failed = {"name": "desk_mail", "state": "open", "failures": 2, "last_error": "The mailbox said no: <b>",
                  "last_failed": app.clock()}  # fmt: skip
        conn.execute(sa.insert(app.tables.connection).values(failed))


def test_the_last_mails_are_listed_with_what_became_of_them(site: Grounds) -> None:
    assert "No mail came in yet." in page(site, "webhooks")
    came(site)
    shown = page(site, "webhooks")
    assert "1 taken, 1 of machines left out, 1 refused" in shown
    assert "li@example.com" in shown
    assert "Not taken: a machine wrote it (bulk)." in shown
    assert "The mailbox said no: <b>" in shown


def test_a_mailbox_shows_its_last_look_and_its_last_mail(site: Grounds) -> None:
    came(site)
    shown = page(site, "connections")
    assert "imap.example.com:993" in shown
    assert "Last look" in shown
    assert "Last mail" in shown
    assert "Waiting" not in shown


def test_the_rule_says_what_wakes_it(site: Grounds) -> None:
    assert "A mail comes in at The desk" in page(site, "")
