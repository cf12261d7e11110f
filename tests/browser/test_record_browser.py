"""The form and the record page in a real browser: keyboard, paste, what depends on typing, drafts, conflicts, dialogs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine import service
from engine.demo import PASSWORD
from engine.people import Actor

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))
from form_world import YAML

LI = Actor(id=1, login="li", name="Li", roles=frozenset({"agent"}), language="en")
WANG = Actor(id=2, login="wang", name="Wang", roles=frozenset({"agent"}), language="en")


@pytest.fixture
def served(serve: Callable[..., Any], tmp_path: Path) -> Any:
    file = tmp_path / "tickets.yaml"
    file.write_text(YAML, encoding="utf-8")
    started = serve(file, people={"li": ["agent"], "wang": ["agent"]})
    user = started.app.tables.user
    with started.app.database.write() as conn:
        conn.execute(user.update().values(language="en"))
    return started


@pytest.fixture
def page(served: Any, page_as: Callable[..., Page]) -> Page:
    return page_as(served, "li", language="en")


def ticket(served: Any, **values: Any) -> int:
    given = {"subject": "Pump leaks", "due_on": "2026-12-10", **values}
    return service.save(served.app, LI, "ticket", given).id


def cell(page: Page, row: int, column: str) -> Any:
    return page.locator("tr.line").nth(row).locator(f"td[data-column={column}] input:not([type=hidden])").first


def paste(page: Page, text: str) -> None:
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.activeElement.dispatchEvent(
                new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_rows_by_keyboard(page: Page, served: Any) -> None:
    page.goto(f"{served.url}/ticket/new")
    cell(page, 0, "name").focus()
    page.keyboard.type("Bolt")
    page.keyboard.press("Tab")
    page.keyboard.type("3")
    page.keyboard.press("Enter")  # the last row: a new one
    expect(page.locator("tr.line")).to_have_count(2)
    expect(cell(page, 1, "name")).to_be_focused()
    page.keyboard.type("Seal")
    page.keyboard.press("Alt+ArrowUp")
    expect(cell(page, 0, "name")).to_have_value("Seal")
    expect(cell(page, 0, "name")).to_be_focused()
    page.keyboard.press("Enter")  # down
    expect(cell(page, 1, "name")).to_be_focused()
    page.keyboard.press("Control+d")
    expect(page.locator("tr.line")).to_have_count(3)
    expect(cell(page, 2, "name")).to_have_value("Bolt")
    expect(cell(page, 2, "name")).to_be_focused()
    page.keyboard.press("Control+Delete")
    expect(page.locator("tr.line-removed")).to_have_count(1)
    page.locator("tr.line-removed [data-line=undo]").click()
    expect(page.locator("tr.line-removed")).to_have_count(0)


def test_a_pasted_block_fills_rows_and_totals(page: Page, served: Any) -> None:
    page.goto(f"{served.url}/ticket/new")
    cell(page, 0, "name").focus()
    paste(page, "Bolt\t3\t40\r\nSeal\t2\t1.50\r\nNut\tmany\t1\r\n")

    expect(page.locator("tr.line")).to_have_count(3)
    expect(cell(page, 1, "name")).to_have_value("Seal")
    expect(cell(page, 2, "quantity")).to_have_value("many")
    expect(cell(page, 2, "quantity")).to_be_focused()
    expect(page.locator('[data-total="parts.amount"]')).to_have_text("CN¥123.00")


def test_what_depends_on_typing_appears_while_typing(page: Page, served: Any) -> None:
    page.goto(f"{served.url}/ticket/new")
    why = page.locator('[data-field="why_urgent"]')
    expect(why).to_be_hidden()
    page.locator("#f-urgent").check()
    expect(why).to_be_visible()
    expect(why.locator("label")).to_have_class("form-label required")
    page.locator("#f-urgent").uncheck()
    expect(why).to_be_hidden()

    cell(page, 0, "quantity").fill("4")
    cell(page, 0, "price").fill("2.5")
    expect(page.locator('[data-field="total"] [data-value]')).to_have_text("CN¥10.00")


def test_errors_take_the_focus_and_leave_what_was_typed(page: Page, served: Any, watch: Any) -> None:
    watch.expect("422")
    page.goto(f"{served.url}/ticket/new")
    page.locator("#f-note").fill("kept")
    page.keyboard.press("Control+s")
    expect(page.locator(".form-errors")).to_be_visible()
    expect(page.locator("#f-subject")).to_be_focused()
    expect(page.locator("#f-note")).to_have_value("kept")


def test_a_draft_comes_back(page: Page, served: Any) -> None:
    page.goto(f"{served.url}/ticket/new")
    page.locator("#f-subject").fill("Half a sen")
    expect(page.locator("[data-draft-note]")).to_contain_text("Draft kept at")
    page.evaluate("window.onbeforeunload = null")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{served.url}/ticket/new")
    expect(page.locator("#f-subject")).to_have_value("Half a sen")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#f-subject")).to_have_value("")


def test_a_double_click_saves_once(page: Page, served: Any, watch: Any) -> None:
    watch.expect("404")
    page.goto(f"{served.url}/ticket/new")
    page.locator("#f-subject").fill("Once")
    page.locator("#f-due_on").fill("2026-12-10")
    page.get_by_role("button", name="Save").dblclick()
    page.wait_for_url("**/ticket/1")
    page.goto(f"{served.url}/ticket/2")
    expect(page.locator("body")).to_contain_text("nothing you may see")


def test_the_conflict_is_shown_side_by_side(page: Page, served: Any, watch: Any) -> None:
    watch.expect("409")
    id = ticket(served)
    page.goto(f"{served.url}/ticket/{id}/edit")
    page.locator("#f-subject").fill("Li's")
    service.save(served.app, WANG, "ticket", {"subject": "Wang's", "note": "by Wang"}, id=id)
    page.get_by_role("button", name="Save").click()

    table = page.locator(".conflict-table")
    expect(table).to_contain_text("Pump leaks")
    expect(page.locator("#conflict")).to_contain_text("Wang saved this record first")
    expect(page.locator("#f-note")).to_have_value("by Wang")
    page.locator('[name="_choose.subject"][value=theirs]').check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("Wang's")


def test_a_step_is_taken_in_a_dialog(page: Page, served: Any, watch: Any) -> None:
    watch.expect("422")
    id = ticket(served)
    page.goto(f"{served.url}/ticket/{id}")
    page.locator(".rec-head [data-door=begin]").click()
    dialog = page.locator("dialog#take-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("#f-solution")).to_be_focused()
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.locator(".form-errors")).to_be_visible()
    dialog.locator("#f-solution").fill("new seal")
    dialog.get_by_role("button", name="Begin").click()
    expect(page.locator("[data-state=solving]")).to_be_visible()


def test_the_timeline_comes_by_itself_and_mentions_offer_people(page: Page, served: Any) -> None:
    id = ticket(served)
    page.goto(f"{served.url}/ticket/{id}")
    page.locator("#story").scroll_into_view_if_needed()
    expect(page.locator("#story-body .story")).to_contain_text("created the record")
    page.locator("#comment-body").press_sequentially("Hello @wa")
    expect(page.locator(".mentions [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#comment-body")).to_have_value("Hello @wang ")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator("#story-body .story")).to_contain_text("Hello @wang")


def test_a_file_is_uploaded_as_it_is_chosen_and_saved_with_the_record(page: Page, served: Any) -> None:
    id = ticket(served)
    page.goto(f"{served.url}/ticket/{id}/edit#field-papers")
    page.locator('[data-field="papers"] input[type=file]').set_input_files(
        {"name": "图纸.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    expect(page.locator('[data-field="papers"] [data-file]')).to_contain_text("图纸.txt")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#show-papers")).to_contain_text("图纸.txt")


def test_on_a_phone_rows_are_cards_and_the_bars_can_be_reached(served: Any, page_as: Callable[..., Page]) -> None:
    id = ticket(served, parts=[{"name": "Bolt", "quantity": 3, "price": "40"}])
    page = page_as(served, "li", size="phone", language="en")
    page.goto(f"{served.url}/ticket/{id}/edit")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.get_by_role("button", name="Save").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    page.get_by_role("button", name="Save").click(trial=True)
    page.goto(f"{served.url}/ticket/{id}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".rec-phone-bar [data-door=begin]").click()
    expect(page.locator("dialog#take-dialog")).to_be_visible()


def test_without_a_script_everything_still_works(served: Any, open_page: Callable[..., Page]) -> None:
    page = open_page(served, language="en", java_script_enabled=False)
    page.goto(f"{served.url}/sign_in")
    page.fill("#login", "li")
    page.fill("#password", PASSWORD)
    page.click(".sign-in-card .btn-primary")
    page.goto(f"{served.url}/ticket/new")
    page.locator("#f-subject").fill("By hand")
    page.locator("#f-due_on").fill("2026-12-10")
    page.locator('[name="parts.0.name"]').fill("Bolt")
    page.locator('[name="parts.0.quantity"]').fill("2")
    page.get_by_role("button", name="Add row").click()
    page.locator('[name="parts.1.name"]').fill("Seal")
    page.locator('[name="parts.1.quantity"]').fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("By hand")
    page.locator(".rec-head [data-door=begin]").click()
    page.locator("#f-solution").fill("done by hand")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("[data-state=solving]")).to_be_visible()
    page.get_by_role("link", name="Show the timeline").click()
    expect(page.locator(".story")).to_contain_text("Begin: Open → Being solved")
