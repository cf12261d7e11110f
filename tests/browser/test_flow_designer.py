"""The flow of a form in a real browser: drawn by mouse, by keys, on a phone; every change is a line of the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from designer import doing
from engine import service
from engine.people import load_actor
from engine.publishing import changes

APP = """\
app: desk
label: {zh: 服务台, en: Desk}
languages: [zh, en]
roles:
  agent: {label: {zh: 客服, en: Agent}}
  chief: {label: {zh: 主管, en: Chief}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    fields:
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true}
      size: {type: choice, label: {zh: 大小, en: Size}, required: true, options: {small: {label: {zh: 小, en: Small}}, large: {label: {zh: 大, en: Large}}}}
    permissions:
      agent: {create: true, read: true}
      chief: {read: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待办, en: To do}, owner: agent, within: 4h, colour: orange}
        working: {label: {zh: 处理中, en: In work}, owner: agent, within: 2d}
        waiting: {label: {zh: 等待, en: Waiting}, owner: chief, aside: true, colour: yellow}
        done: {label: {zh: 完成, en: Done}, final: true, colour: green}
      transitions:
        begin: {label: {zh: 开始, en: Begin}, from: [open], to: working, roles: [agent]}
        finish: {label: {zh: 完成, en: Finish}, from: [working], to: done, roles: [chief], when: record.size == 'small'}
        hold: {label: {zh: 暂停, en: Hold}, from: [working], to: waiting, roles: [chief], style: danger, when: record.size == 'small'}
        resume: {label: {zh: 继续, en: Resume}, from: [waiting], to: previous, roles: [chief]}
  note:
    label: {zh: 便签, en: Note}
    fields:
      text: {type: text, label: {zh: 内容, en: Text}}
    permissions:
      agent: {create: true, read: true, update: true}
rules:
  slow:
    label: {zh: 处理太久, en: Takes too long}
    trigger: {type: timeout, form: ticket, state: working}
    actions: [{type: notify, to: [chief], message: {zh: 超时, en: Late}}]
"""
Opener = Callable[..., Page]


@pytest.fixture
def served(serve: Callable[..., Any], tmp_path: Path) -> Any:
    file = tmp_path / "desk.yaml"
    file.write_text(APP)
    found = serve(file, {"ann": ["agent"], "bob": ["chief"]})
    with found.app.database.read() as conn:
        user = found.app.tables.user
        ann = load_actor(conn, found.app.tables, conn.scalar(user.select().with_only_columns(user.c.id).where(user.c.login == "ann")))
    for number in range(3):
        saved = service.save(found.app, ann, "ticket", {"subject": f"T{number}", "size": "small"})
        if number:
            service.take(found.app, ann, "ticket", saved.id, "begin")
    return found


@pytest.fixture
def draft(served: Any) -> int:
    admin = served.app.tables.user
    with served.app.database.read() as conn:
        by = conn.scalar(admin.select().with_only_columns(admin.c.id).where(admin.c.login == "admin"))
    return doing.opened(served.app, "A change", APP, "", APP, by, dt.datetime.now(dt.UTC)).id


@pytest.fixture
def flow(served: Any, draft: int, page_as: Opener) -> Callable[..., Page]:
    def start(**options: Any) -> Page:
        page = page_as(served, "admin", path=f"/designer/{draft}/flow/ticket", **{"language": "en", **options})
        page.locator("#flow[data-ready]").wait_for()
        return page

    return start


def text(served: Any, draft: int) -> str:
    with served.app.database.read() as conn:
        return changes.find(conn, served.app.tables, draft).text


def state(page: Page, name: str) -> Any:
    return page.locator(f"#flow-canvas [data-cell-id='{name}']")


SENT_BACK = "        to_open: {label: {zh: 转到待办, en: To To do}, from: [working], to: open, roles: [agent]}\n"


def test_a_line_dragged_from_a_state_is_a_transition(served, draft, flow):
    page = flow()
    state(page, "working").hover()
    port = state(page, "working").locator(".flow-port").bounding_box()
    target = state(page, "open").bounding_box()
    page.mouse.move(port["x"] + port["width"] / 2, port["y"] + port["height"] / 2)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 60, steps=8)
    page.mouse.move(target["x"] + 60, target["y"] + 30, steps=4)
    page.mouse.up()
    page.locator("#flow-canvas [data-cell-id='to_open~working']").wait_for()
    assert SENT_BACK in text(served, draft)
    expect(page.locator(".designer-right h2")).to_contain_text("To To do")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#flow-canvas [data-cell-id='to_open~working']")).to_have_count(0)
    assert text(served, draft) == APP


def test_everything_by_keys(served, draft, flow):
    page = flow()
    state(page, "working").focus()
    page.keyboard.press("t")
    page.keyboard.press("ArrowUp")
    expect(state(page, "open")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#flow-canvas [data-cell-id='to_open~working']").wait_for()
    assert SENT_BACK in text(served, draft)
    page.locator("#flow-canvas [data-cell-id='to_open~working']").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#flow-canvas [data-cell-id='to_open~working']")).to_have_count(0)
    assert text(served, draft) == APP
    state(page, "open").focus()
    page.keyboard.press("n")
    page.keyboard.type("Checked")
    page.keyboard.press("Enter")
    expect(state(page, "checked")).to_be_focused()
    assert "        checked: {label: {en: Checked}}\n" in text(served, draft)
    expect(state(page, "checked").locator(".flow-remark-count")).to_have_text("3")
    page.keyboard.press("Delete")
    expect(state(page, "checked")).to_have_count(0)


def test_the_table_is_the_same_flow(served, draft, flow):
    page = flow()
    page.locator("[data-view=table]").click()
    new = page.locator("[data-add-transition]")
    new.locator("[name=source]").select_option("working")
    new.locator("[name=target]").select_option("open")
    new.locator("button").click()
    expect(page.locator("tr[data-transition=to_open]")).to_be_visible()
    assert SENT_BACK in text(served, draft)
    label = page.locator("tr[data-transition=to_open] [data-set]").first
    label.fill("Send back")
    label.press("Tab")
    expect(page.locator("[data-saved]")).to_have_text("Saved")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    page.locator("tr[data-state=open] [data-shift-state][data-at='1']").click()
    expect(page.locator("#flow-states tbody tr").first).to_have_attribute("data-state", "working")
    found = text(served, draft)
    assert "to_open: {label: {zh: 转到待办, en: Send back}" in found
    assert found.index("        working: {") < found.index("        open: {")
    page.reload()
    page.locator("#flow[data-ready]").wait_for()
    expect(page.locator("#flow-states")).to_be_visible()  # the choice is remembered


def test_figures_and_dead_ends_stand_on_the_picture(flow):
    page = flow()
    expect(state(page, "working").locator(".flow-count")).to_have_text("2")
    expect(state(page, "open").locator(".flow-count")).to_have_text("1")
    expect(state(page, "working").locator(".flow-text-marks")).to_contain_text("⏰ 1")
    page.locator("[data-walk]").click()
    expect(page.locator("[data-stuck]")).to_contain_text("gets stuck in", timeout=30_000)
    expect(page.locator("#flow-canvas .is-way")).to_have_count(1)
    assert "is-stuck" in (state(page, "working").get_attribute("class") or "")


def test_a_form_without_a_flow_gets_one(served, draft, flow):
    page = flow()
    page.locator(".designer-left a", has_text="Note").click()
    page.locator("[data-flow-start]").click()
    page.locator("#flow[data-ready]").wait_for()
    expect(state(page, "done")).to_be_visible()
    assert "    workflow:\n      initial: open\n" in text(served, draft).split("  note:")[1]


def test_on_a_phone_it_is_a_table(served, draft, flow, watch):
    watch.expect("422")  # what is still needed is refused first
    page = flow(size="phone", language="zh")
    expect(page.locator("#flow-states")).to_be_visible()
    expect(page.locator("#flow-canvas")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("tr[data-transition=begin] [data-remove-transition]").click()
    expect(page.locator("#designer-breaks")).to_be_visible()
    page.locator("#designer-breaks [data-force]").click()
    expect(page.locator("tr[data-transition=begin]")).to_have_count(0)
    assert "begin:" not in text(served, draft)
    page.locator("[data-view=graph]").click()
    expect(page.locator("#flow-canvas [data-cell-id=working]")).to_be_visible()
