"""A planner designs a form: by mouse, by touch, by keyboard alone; takes back, and works beside somebody else."""

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
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      level: {type: choice, label: {zh: 等级, en: Level}, options: {a: {label: {zh: 高, en: High}}, b: {}}}
      due_on: {type: date, label: {zh: 交期, en: Due on}}   # agreed with the site
      note: {type: long_text, label: {zh: 备注, en: Note}}
    sections:
      - {label: {zh: 基本, en: Basics}, fields: [name, level, due_on]}
      - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
    permissions:
      planner: {create: true, read: true, update: true}
"""


@pytest.fixture
def served(serve, tmp_path: Path):
    path = tmp_path / "works.yaml"
    path.write_text(YAML)
    return serve(path, people={})


@pytest.fixture
def draft(served):
    """A draft of the administrator's; answers its text."""
    app = served.app
    with app.database.write() as conn:
        made = changes.begin(conn, app.tables, title="特殊包装", base=app.definition.hash, base_text=YAML, text=YAML,
                             by=1, now=app.clock())  # fmt: skip

    def text() -> str:
        with app.database.read() as conn:
            return changes.find(conn, app.tables, made.id).text

    text.id = made.id
    return text


@pytest.fixture
def designer(page_as, served, draft):
    def start(**options) -> Page:
        page = page_as(served, "admin", path=f"/designer/{draft.id}/form/job", **options)
        page.locator("html[data-drag-ready]").wait_for()
        return page

    return start


def card(page: Page, name: str):
    return page.locator(f"#cf-{name}")


def until(page: Page, holds: Callable[[], bool]) -> None:
    """The draft is kept a moment after what was done."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("the draft never said so")


def fields_of(text: str, section: int = 0) -> list[str]:
    """The fields of a section as the draft has them."""
    return text.split("fields: [")[section + 1].split("]")[0].split(", ")


def rename(page: Page, words: str) -> None:
    box = page.locator(".fc-rename")
    expect(box).to_be_focused()
    box.fill(words)
    box.press("Enter")
    expect(box).to_have_count(0)


def drag(page: Page, source, target, *, down: float = 0.5) -> None:
    """With the mouse, in steps as a hand makes them."""
    start, end = source.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 20, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 40, start["y"] + 40, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] * down, steps=12)
    page.mouse.move(end["x"] + end["width"] / 2 + 3, end["y"] + end["height"] * down + 1, steps=3)
    page.wait_for_timeout(200)
    page.mouse.up()


NAME = "te_shu_bao_zhuang_yao_qiu"
PACKING = "te_shu_bao_zhuang_yao_qiu: {type: text, label: {zh: 特殊包装要求}}"


def test_a_field_is_added_by_mouse_named_and_taken_back(designer, draft):
    page = designer()
    drag(page, page.locator("[data-piece=text]"), card(page, "note"), down=0.2)
    rename(page, "特殊包装要求")
    added = card(page, NAME)
    expect(added).to_be_focused()
    expect(added).to_contain_text("新")
    until(page, lambda: PACKING in draft())
    assert fields_of(draft(), 1) == [NAME, "note"]

    drag(page, added, card(page, "name"), down=0.2)
    expect(page.locator("[data-fields][data-section='0'] [data-field]")).to_have_count(4)
    until(page, lambda: NAME in fields_of(draft()))

    for _ in range(3):
        before = draft()
        page.locator("[data-step=undo]").click()
        until(page, lambda before=before: draft() != before)
    expect(added).to_have_count(0)
    expect(page.locator("[data-step=undo]")).to_be_disabled()
    assert draft() == YAML


def test_a_field_is_added_by_keyboard_alone(designer, draft):
    page = designer(language="zh")
    card(page, "name").focus()
    page.keyboard.press("ArrowDown")
    expect(card(page, "due_on")).to_be_focused()
    page.keyboard.press("+")
    page.keyboard.type("wenben")
    page.keyboard.press("Enter")
    rename(page, "特殊包装要求")
    until(page, lambda: fields_of(draft()) == ["name", "level", "due_on", NAME])
    expect(card(page, NAME)).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#designer-say")).to_have_text("已移动“特殊包装要求”")
    expect(card(page, NAME)).to_be_focused()
    assert fields_of(draft()) == ["name", "level", NAME, "due_on"]
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("[aria-selected=true][data-field]")).to_have_count(2)
    page.keyboard.press("Control+d")
    expect(card(page, f"{NAME}_2")).to_be_focused()
    expect(card(page, "level_2")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Delete")
    expect(card(page, "level_2")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(card(page, "level_2")).to_have_count(1)
    card(page, "name").focus()
    page.keyboard.press("F2")
    expect(page.locator(".fc-rename")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".fc-rename")).to_have_count(0)


def test_a_field_is_added_and_moved_by_touch(designer, draft):
    page = designer(size="phone")
    hand = page.context.new_cdp_session(page)
    page.locator("[data-sheet=designer-left]").click()
    touch(page, hand, page.locator("[data-piece=date]"), card(page, "name"))
    rename(page, "到货")
    until(page, lambda: "dao_huo: {type: date, label: {zh: 到货}}" in draft())
    before = fields_of(draft())
    assert "dao_huo" in before
    touch(page, hand, card(page, "dao_huo"), card(page, "due_on"))
    until(page, lambda: fields_of(draft()) != before)
    assert fields_of(draft()).index("dao_huo") > before.index("dao_huo")


def touch(page: Page, hand, source, target) -> None:
    """A finger rests, moves and lets go."""
    start, end = source.bounding_box(), target.bounding_box()
    x, y = start["x"] + 24, start["y"] + 14

    def send(kind: str, *points) -> None:
        found = [{"x": a, "y": b} for a, b in points]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": found})

    send("touchStart", (x, y))
    page.wait_for_timeout(300)
    goal = (end["x"] + end["width"] / 2, end["y"] + end["height"] * 0.7)
    for step in range(1, 13):
        send("touchMove", (x + (goal[0] - x) * step / 12, y + (goal[1] - y) * step / 12))
        page.wait_for_timeout(25)
    page.wait_for_timeout(200)
    send("touchEnd")


def test_the_panel_edits_what_is_chosen_and_builds_conditions(designer, draft):
    page = designer()
    card(page, "note").click()
    page.locator("#tab-conditions").click()
    block = page.locator("[data-prop=required_when]")
    block.locator("[data-cond-add]").click()
    block.locator("[data-left]").select_option("record.level")
    expect(block.locator("[data-value]")).to_have_value("a")
    expect(block.locator(".cond-sentence")).to_have_text("等级 等于 高")
    expect(card(page, "note").locator(".fc-marks .icon").first).to_be_visible()
    until(page, lambda: "required_when: record.level == 'a'" in draft())
    block.locator("[data-as-text]").click()
    text = block.locator("textarea")
    text.fill("record.nothing")
    expect(block.locator("[data-refused]")).to_contain_text("job 没有字段 nothing")
    text.fill("shuliang")
    text.fill("record.dengj")
    expect(page.locator(".complete li").first).to_contain_text("等级")
    text.press("Enter")
    expect(text).to_have_value("record.level")


def test_a_refusal_is_said_where_it_was_typed(designer, draft, watch):
    watch.expect("422")
    page = designer()
    card(page, "name").dblclick()
    box = page.locator(".fc-rename")
    box.fill("  ")
    box.press("Enter")
    expect(page.locator(".fd-canvas .prop-problem")).to_have_text("字段需要一个能看懂的名称。")
    expect(page.locator(".fc-rename")).to_be_focused()
    assert draft() == YAML


def test_two_tabs_of_one_draft(designer, draft, watch):
    watch.expect("409")
    page, other = designer(), designer()
    card(other, "note").click()
    other.locator("[data-do=required]").click()
    until(other, lambda: "required: true" in draft().split("note:")[1].splitlines()[0])
    card(page, "due_on").dblclick()
    box = page.locator(".fc-rename")
    box.fill("截止日期")
    box.press("Enter")
    expect(page.locator(".toasts")).to_contain_text("别处")
    expect(card(page, "note").locator(".prop-must")).to_be_visible()
    expect(box).to_have_value("截止日期")
    box.press("Enter")
    expect(card(page, "due_on")).to_contain_text("截止日期")
    until(page, lambda: "due_on: {type: date, label: {zh: 截止日期, en: Due on}}   # agreed with the site" in draft())
    assert "required: true" in draft().split("note:")[1].splitlines()[0]
