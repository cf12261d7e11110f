"""Automation over the API: what administrators see and do, and that nobody else comes in."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from calling import Program
from jsonschema import Draft202012Validator
from making import MakeApp
from visiting import TICKETS, Grounds

from engine.people import load_actor
from engine.trying import jobs

RULES = """
connections:
  erp: {type: http, base_url: "http://127.0.0.1:9/api", private: true, auth: {type: bearer, token: {secret: ERP_TOKEN}}}
rules:
  tell_erp:
    label: {zh: 通知, en: Tell the ERP}
    trigger: {type: created, form: ticket}
    when: record.pay > 5
    actions:
      - {type: set, values: {subject: "record.subject + '!'"}}
      - {type: branch, when: record.pay > 9, then: [{type: http, connection: erp, path: /tickets, json: {name: record.subject}, as: erp}]}
      - {type: wait, for: 1h}
  morning:
    trigger: {type: schedule, at: ["08:30"]}
    actions: [{type: create, form: ticket, values: {subject: "'Round'"}}]
  hook:
    trigger: {type: webhook, path: shop, secret: {secret: SHOP_KEY}}
    actions: [{type: create, form: ticket, values: {subject: "'From the shop'"}}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


class Site:
    """What ``Program`` needs of a site."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds, self.web = grounds, grounds.web

    def program(self, login: str, scopes: list[str] | None = None) -> Program:
        return Program(self, self.grounds.token(login, scopes))  # type: ignore[arg-type]


@pytest.fixture
def site(make_app: MakeApp) -> Site:
    grounds = Grounds(make_app(TICKETS + RULES, people={"ann": "agent", "bob": "lead"}))
    grounds.made.create("ticket", subject="Lamp", pay=20)
    return Site(grounds)


@pytest.fixture
def admin(site: Site) -> Program:
    return site.program("admin")


def bring(site: Site, state: str) -> None:
    message, run = site.grounds.app.tables.message, site.grounds.app.tables.run
    with site.grounds.app.database.write() as conn:
        conn.execute(
            sa.update(message).where(message.c.kind == "http").values(state=state, attempts=3, error="No line")
        )
        conn.execute(sa.update(run).values(state="failed" if state == "dead" else "working", error="No line"))


def test_rules_and_their_steps(admin: Program) -> None:
    found = {rule["id"]: rule for rule in admin.get("/automation/rules")["rules"]}
    assert (found["tell_erp"]["label"], found["tell_erp"]["state"], found["tell_erp"]["runs_24h"]) == (
        "Tell the ERP", "on", {"working": 1},
    )  # fmt: skip
    steps = admin.get("/automation/rules/tell_erp")["steps"]
    assert [one["kind"] for one in steps] == ["trigger", "when", "step", "branch", "wait"]
    assert [one["title"] for one in steps[3]["ways"][0]["steps"]] == ["POST /tickets"]


def test_a_rule_is_paused_and_goes_on(admin: Program) -> None:
    paused = admin.send("POST", "/automation/rules/tell_erp/pause", {"reason": "Maintenance"})
    assert (paused["state"], paused["reason"]) == ("paused", "Maintenance")
    assert admin.send("POST", "/automation/rules/tell_erp/resume")["state"] == "on"
    assert admin.error("POST", "/automation/rules/tell_erp/resume")[0] == 409
    assert admin.error("GET", "/automation/rules/nothing")[0] == 404


def test_a_run_with_everything_that_is_known_of_it(admin: Program) -> None:
    assert [run["id"] for run in admin.get("/automation/runs", rule="tell_erp", state="working")["runs"]] == [1]
    run = admin.get("/automation/runs/1")
    assert run["conditions"] == [{"text": "Pay > 5", "holds": True, "values": [{"name": "Pay", "value": "20"}]}]
    assert run["steps"] == [0, 1, 2]
    assert run["effects"][0]["values"] == [{"name": "Subject", "value": "Lamp!"}]
    assert run["messages"][0]["data"]["json"] == {"name": "Lamp"}
    assert [one["text"] for one in run["made"]] == ["changed the record"]
    assert admin.get("/automation/runs", since="2030-01-01T00:00:00Z")["runs"] == []
    assert admin.error("GET", "/automation/runs?state=odd")[0] == 422
    assert admin.error("GET", "/automation/runs?since=soon")[0] == 422


def test_a_dead_letter_is_edited_and_sent_again(site: Site, admin: Program) -> None:
    bring(site, "dead")
    assert admin.get("/automation/queue")["dead"] == 1
    letter = admin.get("/automation/messages")["messages"][0]
    assert (letter["state"], letter["error"]) == ("dead", "No line")
    path = f"/automation/messages/{letter['id']}"
    assert admin.error("POST", f"{path}/replay", {"data": {"method": 7}})[0] == 422
    sent = admin.send("POST", f"{path}/replay", {"data": {**letter["data"], "path": "/other"}})
    assert (sent["state"], sent["data"]["path"]) == ("waiting", "/other")
    bring(site, "dead")
    assert admin.send("POST", "/automation/runs/1/replay")["state"] == "working"
    bring(site, "unsure")
    assert admin.send("POST", f"{path}/settle", {"arrived": True, "result": {"id": 7}})["result"] == {"id": 7}
    assert admin.send("POST", "/automation/runs/1/cancel")["state"] == "cancelled"


def test_times_hooks_and_connections(admin: Program) -> None:
    assert len(admin.get("/automation/schedules")["schedules"][0]["next"]) == 5
    hook = admin.get("/automation/webhooks")["webhooks"][0]
    assert (hook["address"], hook["secret"]) == ("http://localhost/hooks/shop", {"name": "SHOP_KEY", "set": False})
    assert admin.get("/automation/connections")["connections"][0]["secrets"] == [{"name": "ERP_TOKEN", "set": False}]
    tried = admin.send("POST", "/automation/connections/erp/test")
    assert tried["ok"] is False
    assert "ERP_TOKEN is not set" in tried["said"]


def test_a_rule_is_tried_out(admin: Program) -> None:
    trial = admin.send("POST", "/automation/rules/tell_erp/dry_run", {"record": 1})
    assert (trial["would_act"], [step["kind"] for step in trial["steps"]]) == (True, ["SetValues", "Outside", "Wait"])
    assert admin.error("POST", "/automation/rules/tell_erp/dry_run", {})[0] == 422
    assert admin.error("POST", "/automation/rules/tell_erp/dry_run", {"record": 99})[0] == 404
    assert admin.get("/automation/rules/tell_erp/shadow")["fired"] == 0
    assert admin.error("POST", "/automation/back_tests", {"rule": "tell_erp", "days": 8})[0] == 422
    assert admin.error("POST", "/automation/back_tests", {"rule": "nothing", "days": 7})[0] == 404


def test_a_back_test_is_begun_read_and_listed(site: Site, admin: Program) -> None:
    app = site.grounds.app
    with app.database.read() as conn:
        who = load_actor(conn, app.tables, site.grounds.user("admin").id)
    id = jobs.begin(app, who, "tell_erp", 7)
    jobs.work(app, who, id)
    job = admin.get(f"/automation/back_tests/{id}")
    assert (job["state"], job["result"]["found"]["fired"]) == ("done", 1)
    assert [one["id"] for one in admin.get("/automation/back_tests", rule="tell_erp")["back_tests"]] == [id]
    assert admin.send("POST", f"/automation/back_tests/{id}/cancel")["state"] == "done"


@pytest.mark.parametrize(("login", "scopes"), [("ann", None), ("bob", None), ("admin", ["read", "write"])])
def test_nobody_else_comes_in(site: Site, login: str, scopes: list[str] | None) -> None:
    program = site.program(login, scopes)
    document = program.get("/openapi.json")
    assert not [path for path in document["paths"] if path.startswith("/automation")]
    for path in ("rules", "runs", "runs/1", "queue", "messages", "schedules", "webhooks", "connections"):
        assert program.error("GET", f"/automation/{path}")[0] == 403
    assert program.error("POST", "/automation/rules/tell_erp/pause")[0] == 403


def test_a_token_of_the_scope_admin_comes_in(site: Site) -> None:
    assert site.program("admin", ["admin"]).get("/automation/rules")["rules"]


def test_answers_are_what_the_document_says(site: Site, admin: Program) -> None:
    bring(site, "dead")
    app = site.grounds.app
    with app.database.read() as conn:
        jobs.begin(app, load_actor(conn, app.tables, site.grounds.user("admin").id), "tell_erp", 7)
    document = admin.get("/openapi.json")
    read = {path: item["get"] for path, item in document["paths"].items()
            if path.startswith("/automation") and "get" in item}  # fmt: skip
    wrong = {}
    for path, operation in read.items():
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        answer = admin.get(path.replace("{rule}", "tell_erp").replace("{id}", "1"))
        said = Draft202012Validator({**schema, "components": document["components"]}).iter_errors(answer)
        wrong[path] = [f"{one.json_path}: {one.message}" for one in said]
    assert not {path: said for path, said in wrong.items() if said}
    assert {"/automation/rules", "/automation/runs/{id}", "/automation/messages/{id}"} <= read.keys()
