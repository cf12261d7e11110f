"""Keys and edits that come faster than the designer is drawn again: on a slow line every one of them counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.publishing import changes

YAML = """\
app: works
label: {zh: 车间, en: Works}
roles:
  planner: {label: {zh: 计划, en: Planner}}
forms:
  job:
    label: {zh: 任务, en: Job}
    fields:
      name: {type: text, label: Name}
      level: {type: text, label: Level}
      due_on: {type: date, label: Due on}
      note: {type: long_text, label: Note, visible_when: record.level is not None}
    sections:
      - {label: Basics, fields: [name, level, due_on, note]}
    permissions:
      planner: {create: true, read: true, update: true}
rules:
  told:
    trigger: {type: created, form: job}
    actions:
      - {type: notify, to: [planner], message: First}
      - {type: notify, to: [planner], message: Second}
      - {type: notify, to: [planner], message: Third}
"""


@pytest.fixture
def served(serve, tmp_path: Path):
    path = tmp_path / "works.yaml"
    path.write_text(YAML)
    return serve(path, people={})


@pytest.fixture
def draft(served) -> Callable[[], str]:
    app = served.app
    with app.database.write() as conn:
        made = changes.begin(conn, app.tables, title="Quick", base=app.definition.hash, base_text=YAML, text=YAML, by=1,
                             now=app.clock())  # fmt: skip

    def text() -> str:
        with app.database.read() as conn:
            return changes.find(conn, app.tables, made.id).text

    text.id = made.id
    return text


@pytest.fixture
def slow(page_as, served, draft) -> Callable[[str], Page]:
    """A screen of the draft on a line where every answer takes 300 ms."""

    def start(path: str) -> Page:
        page = page_as(served, "admin", path=f"/designer/{draft.id}{path}", language="en")
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        conditions = {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1}
        line.send("Network.emulateNetworkConditions", conditions)
        return page

    return start


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("the draft never said so")


def fields_of(text: str) -> list[str]:
    return text.split("fields: [")[1].split("]")[0].split(", ")


def test_keys_pressed_while_fields_are_drawn_act_on_what_is_seen_then(slow, draft):
    page = slow("/form/job")
    page.locator("html[data-drag-ready]").wait_for()
    page.locator("#cf-due_on").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-field][aria-selected=true]")).to_have_count(2)
    assert fields_of(draft()) == ["due_on", "name", "level", "note"]
    expect(page.locator("#cf-due_on")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#cf-name")).to_be_focused()
    page.keyboard.press("F2")
    page.locator(".fc-rename").fill("Title")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+ArrowUp")
    until(page, lambda: fields_of(draft()) == ["name", "due_on", "level", "note"])
    assert "name: {type: text, label: Title}" in draft()


def test_a_step_that_is_moved_twice_goes_two_places(slow, draft):
    page = slow("/rule/told")
    page.locator("[data-card]", has_text="Third").last.focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")

    def steps() -> list[str]:
        return [line.split("message: ")[1].rstrip("}") for line in draft().splitlines() if "message: " in line]

    until(page, lambda: steps() == ["Third", "First", "Second"])
    page.wait_for_timeout(1_000)
    assert steps() == ["Third", "First", "Second"]
    expect(page.locator("[data-card]", has_text="Third").last).to_be_focused()


def test_a_question_that_is_clicked_away_holds_nothing_up(slow, draft, watch):
    watch.expect("422")
    page = slow("/form/job")
    page.locator("html[data-drag-ready]").wait_for()
    page.locator("#cf-level").focus()
    page.keyboard.press("Delete")
    question = page.locator("#designer-breaks")
    expect(question).to_be_visible()
    page.mouse.click(5, 5)  # beside it
    expect(question).to_be_hidden()
    page.locator("#cf-due_on").focus()
    page.keyboard.press("Alt+ArrowUp")
    until(page, lambda: fields_of(draft()) == ["name", "due_on", "level", "note"])
    page.locator("#cf-level").focus()
    page.keyboard.press("Delete")
    question.locator("a").first.click()
    page.wait_for_url("**path=**")
