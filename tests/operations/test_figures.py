"""The figures for Prometheus: what happens is counted, by names that are few, for whoever has the token."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from making import Recorder
from visiting import PEOPLE, TICKETS, Grounds

from engine.errors import Refused
from engine.metrics import expose
from engine.secrets import METRICS_TOKEN

TOKEN = "a-token-of-the-operator"
IDLE = dt.timedelta(minutes=30)


@pytest.fixture
def counted(make_app: Any) -> Grounds:
    """A site whose figures can be read by whoever has the token."""
    rules = """
      tell:
        trigger: {type: created, form: ticket}
        actions: [{type: http, connection: shop, method: POST, path: /tickets, json: {subject: record.subject}}]
    """
    shop = "connections:\n  shop: {type: http, base_url: https://shop.example.com}\n"
    grounds = Grounds(make_app(TICKETS + shop, rules=rules, people=PEOPLE), lasting=True)
    site = grounds.web.extensions["appmill"]
    site.exposed = expose({METRICS_TOKEN: TOKEN}, lambda: grounds.app, site.readiness.trouble, IDLE)
    grounds.app.database.meter = site.exposed.meter
    return grounds


def figures(web: Any) -> dict[str, float]:
    answer = web.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _space, value in lines}


def test_without_a_token_set_there_are_no_figures(grounds: Grounds) -> None:
    assert grounds.web.test_client().get("/metrics").status_code == 404
    assert expose({}, lambda: grounds.app, lambda: None, IDLE) is None


def test_a_token_that_could_be_guessed_is_refused(grounds: Grounds) -> None:
    with pytest.raises(Refused, match="APPMILL_METRICS_TOKEN needs at least 16 characters"):
        expose({METRICS_TOKEN: "short"}, lambda: grounds.app, lambda: None, IDLE)


def test_figures_are_for_those_who_have_the_token(counted: Grounds) -> None:
    for given in ("", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü", TOKEN):
        answer = counted.web.test_client().get("/metrics", headers={"Authorization": given} if given else {})
        assert (answer.status_code, answer.data) == (401, b""), given
    assert counted.visitor("admin").get("/metrics").status_code == 401


def test_what_happens_is_counted_by_names_that_are_few(counted: Grounds) -> None:
    ann = counted.visitor("ann")
    assert ann.post("/ticket/new", {"subject": "Printer"}).status_code == 303
    assert ann.post("/ticket/new", {"subject": ""}).status_code == 422
    for number in range(1, 9):
        ann.get(f"/ticket/{number}?hush={number}")
        ann.get(f"/hole-{number}/in/the/ground")
    counted.made.deliver(Recorder(lambda _task: RuntimeError("no")))
    found = figures(counted.web)
    record = 'appmill_request_duration_seconds_count{route="/<form_name>/<int:record_id>",status="%s"}'
    assert (found[record % "2xx"], found[record % "4xx"]) == (1, 7)
    assert found['appmill_request_duration_seconds_count{route="(nothing)",status="4xx"}'] == 8
    assert found["appmill_requests_under_way"] == 0
    assert found['appmill_walks_total{form="ticket",outcome="done",verb="create"}'] == 1
    assert found['appmill_walks_total{form="ticket",outcome="invalid",verb="create"}'] == 1
    assert found['appmill_walk_duration_seconds_count{form="ticket",verb="create"}'] == 2
    assert found['appmill_rule_runs_total{rule="tell",state="working"}'] == 1
    assert found['appmill_connection_calls_total{connection="shop",outcome="unsure"}'] == 1
    assert found['appmill_jobs{kind="http",state="unsure"}'] == 1
    assert found['appmill_connection_state{connection="shop",state="closed"}'] in (0, 1)
    assert found['appmill_sessions{kind="inside"}'] == 1
    assert found["appmill_database_up"] == 1
    assert any(name.startswith('appmill_build_info{app="helpdesk"') for name in found)
    assert not [name for name in found if re.search(r"hush|hole|Printer|ann\b|/\d", name)]


def test_what_waits_is_told_with_its_age(counted: Grounds) -> None:
    counted.made.create("ticket", subject="Printer", as_="ann")
    counted.made.clock.advance(minutes=5)
    found = figures(counted.web)
    assert found['appmill_jobs{kind="http",state="waiting"}'] == 1
    assert found['appmill_jobs_oldest_seconds{kind="http"}'] == 300


def test_figures_come_although_the_database_is_gone(counted: Grounds) -> None:
    site = counted.web.extensions["appmill"]
    site.exposed = expose({METRICS_TOKEN: TOKEN}, lambda: counted.app, lambda: "database", IDLE)
    found = figures(counted.web)
    assert found["appmill_database_up"] == 0
    assert "appmill_requests_under_way" in found
