"""What is still to be delivered, dead letters that are edited, lost answers that are settled, connections that are tried."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from fake_clock import START
from visiting import TICKETS, Grounds

from engine.outside.exchanges import Exchange
from engine.storage.exchanges import keep

DATA = {"method": "POST", "path": "/tickets", "query": {}, "json": {"name": "Lamp"}}
RULES = """
connections:
  erp: {type: http, label: {zh: ERP, en: The ERP}, base_url: "http://127.0.0.1:9/api", private: true, auth: {type: bearer, token: {secret: ERP_TOKEN}}}
  post: {type: smtp, host: mail.example.com, sender: a@example.com}
rules:
  tell_erp:
    trigger: {type: created, form: ticket}
    actions: [{type: http, connection: erp, path: /tickets, json: {name: record.subject}, as: erp}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(TICKETS + RULES)
    found.made.create("ticket", subject="Lamp", as_="admin")
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def bring(site: Grounds, state: str, error: str = "Connection refused") -> None:
    """The only message into a state, and its run with it."""
    message, run = site.app.tables.message, site.app.tables.run
    with site.app.database.write() as conn:
        conn.execute(sa.update(message).values(state=state, attempts=8, error=error))
        conn.execute(sa.update(run).values(state="failed" if state == "dead" else "working", error=error))


def kept(site: Grounds) -> dict[str, Any]:
    with site.app.database.read() as conn:
        return dict(conn.execute(sa.select(site.app.tables.message).order_by("id")).mappings().first())


def audited(site: Grounds) -> list[str]:
    event = site.app.tables.event
    with site.app.database.read() as conn:
        return list(conn.scalars(sa.select(event.c.kind).where(event.c.form == "_app").order_by(event.c.id)))


def test_the_queue_tells_what_waits_and_what_is_in_trouble(site: Grounds) -> None:
    admin = site.visitor("admin")
    shown = text(admin.get("/admin/automation/queue"))
    assert "Due now 1 the first since just now Under way 0" in shown
    assert "Web call The ERP 1 0 0 0 0 just now" in shown
    assert "Nothing is in trouble." in shown
    bring(site, "dead")
    shown = text(admin.get("/admin/automation/queue"))
    assert "Given up 1" in shown
    assert "Web call · The ERP given up left just now · 8 attempts Tell erp · Ticket Lamp Connection refused" in shown
    assert "Tell erp" not in text(admin.get("/admin/automation/queue?state=unsure"))


def test_the_figures_are_sent_again_only_when_they_changed(site: Grounds) -> None:
    admin = site.visitor("admin")
    first = admin.htmx("GET", "/admin/automation/queue/figures")
    mark = first.headers["HX-PTag"]
    assert admin.htmx("GET", "/admin/automation/queue/figures", headers={"HX-PTag": mark}).status_code == 204
    bring(site, "dead")
    assert admin.htmx("GET", "/admin/automation/queue/figures", headers={"HX-PTag": mark}).status_code == 200


def test_a_dead_letter_is_edited_and_sent_again(site: Grounds) -> None:
    bring(site, "dead")
    admin = site.visitor("admin")
    assert '"name": "Lamp"' in text(admin.get("/admin/automation/queue/1"))
    edited = {**DATA, "json": {"name": "Desk lamp"}}
    assert admin.post("/admin/automation/queue/1/replay", {"data": json.dumps(edited)}).status_code == 303
    assert (kept(site)["state"], kept(site)["effect"]) == ("waiting", {**edited, "saved_as": "erp"})
    assert audited(site) == ["message.replayed"]
    assert "in progress" in text(admin.get("/admin/automation/runs/1"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{oops", "This is not JSON: line 1, column 2."),
        ("[1]", "Expected an object in braces."),
        (json.dumps({**DATA, "url": "http://elsewhere"}), "url is not known here."),
        (json.dumps({**DATA, "method": 7}), "method must be a text."),
        ("[" * 100_000, "This is nested too deeply."),
    ],
)
def test_what_is_no_data_of_this_kind_is_told_and_stays_typed(site: Grounds, typed: str, said: str) -> None:
    bring(site, "dead")
    answer = site.visitor("admin").post("/admin/automation/queue/1/replay", {"data": typed})
    assert answer.status_code == 422
    assert said in text(answer)
    assert html.escape(typed, quote=True)[:50].replace("&quot;", "&#34;") in answer.text
    assert kept(site)["state"] == "dead"


def test_a_lost_answer_is_settled_by_somebody_who_looked(site: Grounds) -> None:
    bring(site, "unsure")
    admin = site.visitor("admin")
    assert "Did it arrive?" in text(admin.get("/admin/automation/queue/1"))
    admin.post("/admin/automation/queue/1/settle", {"arrived": "yes"})
    assert kept(site)["state"] == "done"
    assert audited(site) == ["message.settled"]
    assert admin.post("/admin/automation/queue/1/settle", {"arrived": "no"}).status_code == 409


def test_a_run_is_cancelled_or_its_dead_letters_sent_again(site: Grounds) -> None:
    bring(site, "dead")
    admin = site.visitor("admin")
    assert admin.post("/admin/automation/runs/1/replay").status_code == 303
    assert kept(site)["state"] == "waiting"
    assert admin.post("/admin/automation/runs/1/cancel").status_code == 303
    assert kept(site)["state"] == "cancelled"
    assert admin.post("/admin/automation/runs/1/replay").status_code == 409


def test_connections_tell_where_they_lead_and_whether_their_secrets_are_set(site: Grounds) -> None:
    shown = text(site.visitor("admin").get("/admin/automation/connections"))
    assert "The ERP http · http://127.0.0.1:9/api not used yet Secret ERP_TOKEN missing" in shown
    assert "Post smtp · mail.example.com:587" in shown.replace("post smtp", "Post smtp")


def test_a_connection_is_tried_and_says_what_is_wrong(site: Grounds) -> None:
    admin = site.visitor("admin")
    assert admin.post("/admin/automation/connections/erp/test").status_code == 303
    assert "The secret ERP_TOKEN is not set." in admin.get("/admin/automation/connections").text
    answer = admin.post("/admin/automation/connections/post/test")
    assert "You have no e-mail address yet; a test mail goes to yourself." in text(answer)
    assert admin.post("/admin/automation/connections/nothing/test").status_code == 404


def test_what_was_said_over_a_connection_can_be_read_without_secrets(site: Grounds) -> None:
    said = [Exchange("put", "POST", "https://erp.example.com/orders", START, 0.25, 200, '{"name":"Öl"}', "ok"),
            Exchange("put", "POST", "https://erp.example.com/orders", START, 3.0, error="no answer within 3 s")]
    with site.app.database.write() as conn:
        keep(conn, site.app.tables, "erp", said)
    admin = site.visitor("admin")
    shown = text(admin.get("/admin/automation/connections/erp"))
    assert "put POST https://erp.example.com/orders 200 250 ms What was sent { \"name\": \"Öl\" } Answer ok" in shown
    assert "no answer within 3 s not answered 3.0 s" in shown
    failed = text(admin.get("/admin/automation/connections/erp?only=failed"))
    assert "250 ms" not in failed
    assert "no answer within 3 s" in failed
    assert admin.get("/admin/automation/connections/nothing").status_code == 404


@pytest.mark.parametrize("path", ["queue", "queue/1", "queue/figures", "connections", "connections/erp"])
def test_only_administrators_see_them(site: Grounds, path: str) -> None:
    assert site.visitor("ann").get(f"/admin/automation/{path}").status_code == 403
