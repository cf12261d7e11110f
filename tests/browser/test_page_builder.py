"""A dashboard built in the designer, by mouse and then by keyboard alone; and what it shows to those who look at it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from engine.builtin import default_registry
from engine.load import load_text
from engine.publishing import changes

TEXT = """\
app: desk
label: {zh: 服务台, en: Desk}
languages: [zh, en]
roles: {agent: {label: {zh: 客服, en: Agent}}}
demo_users: {ann: {name: Ann, roles: [agent]}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    title: record.subject
    fields:
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true}
      cost: {type: money, label: {zh: 费用, en: Cost}}
      due_on: {type: date, label: {zh: 截止, en: Due on}}
    permissions: {agent: {create: true, read: true, update: true}}
    workflow:
      initial: open
      states: {open: {label: Open, colour: orange}, done: {label: Done, final: true, colour: green}}
      transitions: {finish: {label: Finish, from: [open], to: done, roles: [agent]}}
pages:
  start:
    label: {zh: 总览, en: Overview}
    cards:
      - {type: number, label: {zh: 在途, en: Open}, form: ticket, where: "not record.state.final"}  # first of all
"""


@pytest.fixture
def desk(serve, tmp_path):
    """The application with three tickets, and a draft of it."""
    file = tmp_path / "desk.yaml"
    file.write_text(TEXT)
    served = serve(file)
    app = served.app
    with app.database.write() as conn:
        changes.begin(conn, app.tables, title="Boards", base=app.definition.hash, base_text=TEXT, text=TEXT, by=None, now=app.clock())
        for number in range(3):
            conn.execute(app.tables.form["ticket"].insert().values(
                version=1, state="open", _title=f"T{number}", subject=f"T{number}", created_at=app.clock(),
                updated_at=app.clock(), owner_role="agent", state_since=app.clock()))  # fmt: skip
    return served


def text_of_draft(served):
    with served.app.database.read() as conn:
        return changes.find(conn, served.app.tables, 1).text


def cards(page):
    return [one.strip() for one in page.locator(".builder-card h2").all_inner_texts()]


def test_a_dashboard_is_built_by_mouse_and_by_keyboard(desk, page_as):
    page = page_as(desk, "admin", path="/designer/1/page/start", language="en")
    expect(page.locator("#tile-0 .card-figure")).to_have_text("3")

    # by mouse: a click adds, a drag moves, the handle widens, the panel renames
    page.click("[data-add-card=breakdown]")
    expect(page.locator("#tile-1.card-breakdown .bars-label")).to_have_text("Open")
    page.locator("li[data-kind=text]").drag_to(page.locator("#tile-0 .card-header"), target_position={"x": 20, "y": 8})
    expect(page.locator(".builder-card")).to_have_count(3)
    page.locator("#tile-2 .card-grip").drag_to(page.locator("#tile-0 .card-header"), target_position={"x": 10, "y": 6})
    expect(page.locator("#tile-0")).to_be_focused()
    handle, before = page.locator("#tile-0 [data-resize]"), page.locator("#tile-0").bounding_box()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 4 - before["width"] / 3, box["y"] + 20, steps=4)
    page.mouse.up()
    expect(page.locator("#tile-0")).not_to_have_attribute("data-width", "6")
    drawn = cards(page)
    assert set(drawn) == {"Open", "Heading", "Tickets by group"}

    # by keyboard alone
    page.locator("#tile-2").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#tile-1")).to_be_focused()
    page.keyboard.press("Shift+ArrowRight")
    width = page.locator("#tile-1").get_attribute("data-width")
    page.keyboard.press("Control+d")
    expect(page.locator("#tile-2")).to_be_focused()
    expect(page.locator(".builder-card")).to_have_count(4)
    page.keyboard.press("Delete")
    expect(page.locator(".builder-card")).to_have_count(3)
    page.keyboard.press("Control+z")
    expect(page.locator(".builder-card")).to_have_count(4)
    assert width is not None
    page.locator("[data-add-card=trend]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card-trend .chart-plane")).to_be_visible()
    assert "# first of all" in text_of_draft(desk)
    assert "type: trend" in text_of_draft(desk)

    # a filter, a page, the menu
    page.locator("#filter-add").select_option("ticket.due_on")
    expect(page.locator(".builder-filters .chip-name")).to_have_text("Due on")
    page.click("[data-add-page]")
    page.fill("#new-page-label", "Second board")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/page/second_board$"))
    page.goto(f"{desk.url}/designer/1/menu")
    page.locator("#item-second_board").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".menu-items[data-items='0'] .menu-item").first).not_to_have_text("Ticket")
    page.click("[data-group-add]")
    expect(page.locator("#group-label-1")).to_be_focused()
    loaded = text_of_draft(desk)
    assert "menu:" in loaded

    written = load_text(loaded, default_registry()).definition
    assert [card.type for card in written.pages["start"].cards].count("trend") == 1
    assert list(written.pages) == ["start", "second_board"]
