"""Lists and boards in a real browser: typing, picking, editing in place, dragging; by mouse, by keys, on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from engine import service
from engine.people import load_actor

MAINTENANCE = Path(__file__).parents[2] / "tests/apps/maintenance.yaml"


@pytest.fixture
def served(serve):
    made = serve(MAINTENANCE)
    app = made.app
    with app.database.read() as conn:
        ids = {row.login: row.id for row in conn.execute(app.tables.user.select())}
        chief = load_actor(conn, app.tables, ids["chris"])
    area = service.save(app, chief, "area", {"name": "Hall"}).id
    service.save(app, chief, "area", {"name": "Line", "within": area})
    press = service.save(app, chief, "equipment", {"tag": "PR-1", "name": "Press", "area": area}).id
    for fault in ("Oil leak", "Belt torn", "Sensor dead"):
        service.save(app, chief, "repair", {"equipment": press, "fault": fault, "severity": "low"})
    return made


def rows(page):
    return page.locator("#list tbody tr")


def test_the_list_follows_what_is_typed_and_the_address_with_it(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all", language="en")
    expect(rows(page)).to_have_count(3)
    page.locator("html[data-lists]").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("belt")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(f"{served.url}/repair?view=all&q=belt")
    expect(page.locator("#list-q")).to_be_focused()
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(rows(page)).to_have_count(3)


def test_a_quick_filter_stays_open_while_the_list_is_renewed_behind_it(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all", language="en")
    page.get_by_role("button", name="State").click()
    page.locator(".quick-item", has_text="Done").locator("input").check()
    expect(page.locator(".list-empty")).to_be_visible()
    page.locator(".quick-item", has_text="Reported").locator("input").check()
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".chip-text")).to_contain_text("Reported, Done")


def test_a_condition_is_added_with_the_right_input(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all", language="en")
    page.locator(".list-tools").get_by_text("Filter", exact=True).last.click()
    page.locator(".filter-fields").get_by_text("Fault").click()
    page.locator(".filter-form input[name=value]").fill("oil")
    page.locator(".filter-form").get_by_role("button", name="Apply").click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(f"{served.url}/repair?view=all&where.fault.contains=oil")


def test_a_cell_is_edited_with_the_keyboard(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all&sort=number", language="en")
    page.locator("html[data-lists]").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("e")
    editor = page.locator("#list form.cell-form")
    expect(editor).to_be_visible()
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    rows(page).first.locator("td", has_text="Oil leak").dblclick()
    editor.locator("input[name=fault]").fill("Oil leak at the pump")
    page.keyboard.press("Enter")
    expect(rows(page).first).to_contain_text("Oil leak at the pump")
    expect(rows(page).first).to_have_attribute("data-v", "2")


def test_picked_rows_are_changed_together_and_the_list_shows_it(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all", language="en")
    boxes = page.locator("#list td.pick input")
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-picked]")).to_have_text("3")
    page.locator("#bulk-bar").get_by_role("button", name="Edit").click()
    dialog = page.locator("dialog.bulk-dialog")
    dialog.locator("#bulk-field").select_option("severity")
    dialog.locator("select[name=severity]").select_option("high")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog).to_contain_text("3 changed")
    page.keyboard.press("Escape")
    expect(rows(page).filter(has_text="High")).to_have_count(3)


def test_columns_are_chosen_from_a_menu(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all", language="en")
    page.get_by_role("button", name="Columns").click()
    page.locator(".columns-item", has_text="Fault").locator("input").uncheck()
    page.locator(".columns-form").get_by_role("button", name="Show").click()
    expect(page.locator("#list thead")).not_to_contain_text("Fault")


def test_a_card_that_cannot_go_there_comes_back_with_the_reason(served, page_as, watch):
    watch.expect("409")
    page = page_as(served, "chris", path="/repair?view=board", language="en")
    card = page.locator('[data-lane="reported"] .board-card').first
    title = card.locator("a.open").inner_text()
    card.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("dialog.take-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator('[data-lane="reported"] .board-card').first).to_contain_text(title)
    page.goto(f"{served.url}/repair?view=board")
    page.locator('[data-lane="reported"] .board-card').first.drag_to(page.locator('[data-lane="done"]'))
    expect(page.locator("#toasts")).to_contain_text("No step leads from Reported to Done.")
    expect(page.locator('[data-lane="reported"] .board-card')).to_have_count(3)


def test_a_branch_is_unfolded_and_folded(served, page_as):
    page = page_as(served, "chris", path="/area?view=tree", language="en")
    page.locator("button.tree-fold").click()
    expect(page.get_by_role("link", name="Line")).to_be_visible()
    page.locator("button.tree-fold").first.click()
    expect(page.get_by_role("link", name="Line")).to_have_count(0)


def test_the_palette_finds_records(served, page_as):
    page = page_as(served, "chris", language="en")
    page.keyboard.press("Control+k")
    page.keyboard.type("torn")
    hit = page.locator("#palette-records a").first
    expect(hit).to_contain_text("Belt torn")
    hit.click()
    expect(page.locator("h1")).to_contain_text("Belt torn")


def test_a_phone_shows_cards_and_opens_one_at_a_touch(served, page_as):
    page = page_as(served, "chris", path="/repair?view=all", size="phone", language="en")
    expect(page.locator("#list thead")).to_be_hidden()
    first = rows(page).first
    box = first.bounding_box()
    assert box["width"] <= 390
    first.locator("a.open").tap()
    expect(page.locator("h1")).to_be_visible()
    assert "/repair/" in page.url


def test_a_page_of_cards_fills_itself(served, page_as):
    page = page_as(served, "chris", path="/pages/overview", language="en")
    expect(page.locator(".card-figure").first).to_have_text("3")
    expect(page.locator(".bars")).to_contain_text("Reported")
