"""A question of a rule in a browser: on the home page, at the bell and on the record."""

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
from engine.jobs import delivering
from engine.jobs.desk import Desk
from engine.people import load_actor

APP = """
app: workshop
label: {zh: 工坊, en: Workshop}
languages: [zh, en]
roles:
  sales: {label: {zh: 业务, en: Sales}}
  finance: {label: {zh: 财务, en: Finance}}
forms:
  project:
    label: {zh: 项目, en: Project}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      amount: {type: integer, label: {zh: 金额, en: Amount}}
      note: {type: text, label: {zh: 备注, en: Note}}
    permissions:
      sales: {create: true, read: true, update: true}
      finance: {read: true}
rules:
  approve:
    label: {zh: 大额项目须审批, en: Large projects are approved}
    trigger: {type: created, form: project}
    when: record.amount > 100
    actions:
      - type: ask
        to: [finance]
        message: {zh: "同意项目“{{ record.name }}”的 {{ record.amount }} 元预算吗？", en: "Do you approve {{ record.amount }} for the project “{{ record.name }}”?"}
        answers:
          approve: {label: {zh: 同意, en: Approve}, style: primary}
          later: {label: {zh: 暂缓, en: Not now}}
          reject: {label: {zh: 驳回, en: Reject}, style: danger, comment: required, decisive: true}
        needs: 2
        at_most: 3d
        as: decision
      - type: set
        values: {note: "results.decision.answer + (': ' + results.decision.comment if results.decision.comment else '')"}
"""


@pytest.fixture
def site(serve: Callable[..., Any], tmp_path: Path) -> Any:
    file = tmp_path / "workshop.yaml"
    file.write_text(APP, encoding="utf-8")
    served = serve(file, {"li": ["sales"], "wang": ["finance"], "zhao": ["finance"], "chen": ["finance"]})
    user = served.app.tables.user
    with served.app.database.read() as conn:
        who = load_actor(conn, served.app.tables, conn.scalar(sa.select(user.c.id).where(user.c.login == "li")))
    for name in ("新厂房 New plant", "仓库 Warehouse"):
        service.save(served.app, who, "project", {"name": name, "amount": 5000})
    return served


def deliver(site: Any) -> None:
    table = site.app.tables.message
    with site.app.database.read() as conn:
        ids = list(conn.scalars(sa.select(table.c.id).where(table.c.state == "waiting")))
    for id in ids:
        delivering.deliver(site.app, id, Desk())


def fits(page: Page) -> list[Any]:
    page.locator("html[data-ready]").wait_for()
    wide = ["wider than the screen"] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []
    return [*faults(page), *wide]


@pytest.mark.parametrize(("size", "theme", "language"), some([("phone", "light", "zh"), ("desktop", "dark", "en")], 1))
def test_a_question_is_answered_where_it_is_met(
    site: Any, page_as: Callable[..., Page], size: str, theme: str, language: str
) -> None:
    assert AXE.exists(), "run: .venv/bin/python tools/axe.py"
    zh = language == "zh"
    page = page_as(site, "wang", size=size, theme=theme, language=language, bypass_csp=True)
    found = {"home": fits(page)}
    card = page.locator(".ask-card")
    expect(card.locator("li")).to_have_count(2)
    card.locator("li").nth(1).get_by_role("button", name="同意" if zh else "Approve").click()
    expect(card.locator("li")).to_have_count(1)
    for path in ("/notifications", "/notifications/questions", "/project/2"):
        page.goto(site.url + path)
        found[path] = fits(page)
    banner = page.locator(".ask-banner")
    banner.get_by_text("驳回 …" if zh else "Reject …").click()
    banner.locator("textarea").fill("太贵" if zh else "Too dear")
    banner.get_by_role("button", name="驳回" if zh else "Reject").click()
    expect(banner).to_have_count(0)
    deliver(site)
    page.reload()
    expect(page.locator("#show-note")).to_contain_text("reject: ")
    page.goto(f"{site.url}/notifications")
    expect(page.locator(".ask-fate").first).to_contain_text("驳回 · Wang" if zh else "Reject · Wang")
    assert {path: what for path, what in found.items() if what} == {}
