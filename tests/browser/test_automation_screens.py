"""The machine room in a browser: drawn rules, runs that renew themselves, nothing that keeps people out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from deep import some
from playwright.sync_api import Page, expect
from test_accessibility import AXE, faults

from engine import service
from engine.people import load_actor
from engine.trying import jobs

APP = """
app: workshop
label: {zh: 工坊, en: Workshop}
languages: [zh, en]
roles:
  sales: {label: {zh: 业务, en: Sales}}
connections:
  erp: {type: http, label: {zh: ERP, en: ERP}, base_url: "http://127.0.0.1:9/api", private: true, auth: {type: bearer, token: {secret: ERP_TOKEN}}}
forms:
  project:
    label: {zh: 项目, en: Project}
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      amount: {type: integer, label: {zh: 金额, en: Amount}}
    permissions:
      sales: {create: true, read: true, update: true}
rules:
  tell_erp:
    label: {zh: 通知 ERP, en: Tell the ERP}
    trigger: {type: created, form: project}
    when: record.amount > 0
    actions:
      - type: branch
        when: record.amount > 100
        then: [{type: set, values: {name: "record.name + '!'"}}]
        otherwise: [{type: notify, to: [sales], message: {zh: 小额, en: Small}}]
      - {type: http, connection: erp, path: /projects, json: {name: record.name}, as: erp}
      - type: for_each
        form: project
        where: record.amount > 100
        actions: [{type: set, values: {amount: record.amount - 1}}]
      - {type: wait, for: 2h}
  watch:
    label: {zh: 观察, en: Watch}
    trigger: {type: created, form: project}
    shadow: true
    actions: [{type: notify, to: [sales], message: {zh: 新项目, en: New}}]
  morning:
    label: {zh: 早班, en: Morning}
    trigger: {type: schedule, at: ["08:30"]}
    actions: [{type: create, form: project, values: {name: "'早班'"}}]
  shop:
    label: {zh: 商城, en: Shop}
    trigger: {type: webhook, path: shop, secret: {secret: SHOP_KEY}}
    actions: [{type: create, form: project, values: {name: "'商城'"}}]
"""
PATHS = (
    "",
    "/rules/tell_erp",
    "/rules/tell_erp/try?record=1",
    "/rules/watch/shadow",
    "/back_tests/1",
    "/runs",
    "/runs/1",
    "/queue",
    "/queue/1",
    "/schedules",
    "/webhooks",
    "/connections",
)


@pytest.fixture
def site(serve: Callable[..., Any], tmp_path: Path) -> Any:
    file = tmp_path / "workshop.yaml"
    file.write_text(APP, encoding="utf-8")
    served = serve(file, {"li": ["sales"]})
    with served.app.database.read() as conn:
        user = served.app.tables.user
        who = load_actor(conn, served.app.tables, conn.scalar(sa.select(user.c.id).where(user.c.login == "li")))
    service.save(served.app, who, "project", {"name": "Plant", "amount": 500})
    bring(served, "dead")
    with served.app.database.read() as conn:
        admin = load_actor(conn, served.app.tables, conn.scalar(sa.select(user.c.id).where(user.c.login == "admin")))
    jobs.work(served.app, admin, jobs.begin(served.app, admin, "tell_erp", 30))
    return served


def bring(site: Any, state: str) -> None:
    message, run = site.app.tables.message, site.app.tables.run
    with site.app.database.write() as conn:
        conn.execute(
            sa.update(message).where(message.c.kind == "http").values(state=state, attempts=8, error="No line")
        )
        conn.execute(
            sa.update(run).where(run.c.rule == "tell_erp").values(state="failed" if state == "dead" else "working")
        )


@pytest.mark.parametrize(("size", "theme", "language"), some([("phone", "light", "zh"), ("desktop", "dark", "en")], 1))
def test_nothing_keeps_people_out_and_nothing_is_wider_than_the_screen(
    site: Any, page_as: Callable[..., Page], size: str, theme: str, language: str
) -> None:
    assert AXE.exists(), "run: .venv/bin/python tools/axe.py"
    page = page_as(site, "admin", size=size, theme=theme, language=language, bypass_csp=True)
    found = {}
    for path in PATHS:
        page.goto(f"{site.url}/admin/automation{path}")
        page.locator("html[data-ready]").wait_for()
        found[path] = faults(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[path].append("wider than the screen")
    assert {path: what for path, what in found.items() if what} == {}


def test_the_way_of_a_run_is_drawn_and_renews_itself(site: Any, page_as: Callable[..., Page]) -> None:
    page = page_as(site, "admin", language="en", path="/admin/automation/runs/1")
    walked = page.locator(".flow-item.is-walked > .flow-box .flow-title")
    expect(walked).to_have_text(
        ["A Project is created", "Only when Amount > 0", "Amount > 100", "Change the Project", "POST /projects"]
    )
    expect(page.locator(".flow-way.is-passed")).to_contain_text("Tell Sales")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".run-head .pill")).to_have_text("in progress")
    bring(site, "unsure")
    expect(page.locator(".messages .pill")).to_have_text("unsure whether it arrived", timeout=8000)


def test_a_dead_letter_is_edited_with_the_keyboard(site: Any, page_as: Callable[..., Page], watch: Any) -> None:
    watch.expect("422")  # what is wrong is answered with the form again
    page = page_as(site, "admin", language="en", path="/admin/automation/queue")
    page.get_by_role("link", name="Edit and send again").press("Enter")
    box = page.get_by_label("What is sent, as JSON")
    box.fill(box.input_value().replace('"name": "Plant"', '"name": '))
    page.get_by_role("button", name="Send again").press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("This is not JSON: line 4")
    box.fill(box.input_value().replace('"name": ', '"name": "Works"'))
    page.get_by_role("button", name="Send again").press("Enter")
    expect(page.locator(".machine-json")).to_contain_text("Works")
    message = site.app.tables.message
    with site.app.database.read() as conn:
        kept = conn.execute(sa.select(message).where(message.c.kind == "http")).mappings().one()
    assert (kept["state"], kept["effect"]["json"]) == ("waiting", {"name": "Works"})


def test_the_timeline_tells_what_still_waits(site: Any, page_as: Callable[..., Page]) -> None:
    bring(site, "waiting")
    page = page_as(site, "admin", language="en", path="/project/1")
    expect(page.locator(".story-waiting")).to_contain_text("erp is being told · Tell the ERP")
    page.get_by_role("link", name="by the rule “Tell the ERP”").click()
    expect(page).to_have_url(f"{site.url}/admin/automation/runs/1")


def test_a_rule_is_tried_on_a_record_found_by_typing(site: Any, page_as: Callable[..., Page]) -> None:
    page = page_as(site, "admin", language="en", path="/admin/automation/rules/tell_erp/try")
    page.get_by_role("combobox", name="Project").fill("pla")
    page.get_by_role("option", name="Plant!").click()
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("It would do this:")
    expect(page.locator(".coming > li .wish-title").first).to_have_text("Change Project Plant!")


def test_a_back_test_comes_to_its_result_by_itself(site: Any, page_as: Callable[..., Page]) -> None:
    page = page_as(site, "admin", language="en", path="/admin/automation/rules/tell_erp/try")
    page.get_by_role("button", name="7 days").click()
    expect(page.locator(".tile").first).to_contain_text("Would have acted", timeout=15000)
    expect(page.locator(".chart-bar")).to_have_count(1)
