"""The planner's board in a real browser: dragged by mouse, by finger and by keys, looked at, agreed to, written."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from order_world import ORDER_HUB, in_days, ready
from playwright.sync_api import Locator, Page, expect
from test_rush_story import Plant as Rushed


class Plant(Rushed):
    """The plant of the rush orders, looked at on its board."""

    def board(self, *, zoom: str = "week", **options: Any) -> Page:
        return self.at("zhao", f"/planning/board/?zoom={zoom}&from={in_days(1)}", **options)

    def row(self, step: str) -> Any:
        return next(one for one in self.places() if str(one.id) == step)


@pytest.fixture
def plant(serve: Any, page_as: Any) -> Plant:
    return Plant(serve(ORDER_HUB), page_as)


def bar_of(page: Page) -> Locator:
    """One that can be dragged, wide enough to be gripped, to the right of the names of the machines."""
    bars = page.locator(".board-bar[data-movable]")
    expect(bars.first).to_be_visible()
    step = max(bars.all(), key=lambda bar: (bar.bounding_box() or {"width": 0})["width"]).get_attribute("data-step")
    return page.locator(f'.board-bar[data-step="{step}"]')


def drag(page: Page, bar: Locator, dx: int, dy: int = 0) -> None:
    bar.scroll_into_view_if_needed()
    box = bar.locator(".board-fill").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def test_a_bar_is_dragged_looked_at_written_and_released(plant: Plant) -> None:
    page = plant.board()
    bar = bar_of(page)
    step = str(bar.get_attribute("data-step"))
    before = plant.places()
    drag(page, bar, 60)
    difference = page.locator("[data-difference]")
    expect(difference).to_contain_text("道工序")
    assert plant.places() == before
    difference.locator("[data-board-close]").click()
    expect(difference).to_have_count(0)
    assert bar.get_attribute("transform") is None
    drag(page, bar, 60)
    difference.locator("[data-board-apply]").click()
    expect(page.locator(".toast-note")).to_contain_text("计划已改")
    pinned = page.locator(f'.board-bar.k-pinned[data-step="{step}"]')
    expect(pinned).to_be_visible()
    assert plant.row(step).planned_start > next(one for one in before if str(one.id) == step).planned_start
    page.reload()
    expect(ready(page).locator(f'.board-bar.k-pinned[data-step="{step}"]')).to_be_visible()
    pinned.click()
    page.locator("[data-board-release]").click()
    expect(page.locator(f'.board-bar[data-movable][data-step="{step}"]')).to_be_visible()


def test_keys_move_a_bar_ask_and_put_it_back(plant: Plant) -> None:
    page = plant.board(language="en")
    bar = bar_of(page)
    step, before = str(bar.get_attribute("data-step")), plant.places()
    bar.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert bar.get_attribute("transform") is None
    bar.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("[data-difference]")).to_contain_text("operations move")
    page.keyboard.press("Enter")  # the button that agrees has the focus
    expect(page.locator(f'.board-bar.k-pinned[data-step="{step}"]')).to_be_visible()
    old = next(one for one in before if str(one.id) == step)
    assert plant.row(step).planned_start - old.planned_start == dt.timedelta(hours=2)


def test_a_bar_tells_of_itself_and_a_phone_scrolls_inside_the_board(plant: Plant) -> None:
    page = plant.board(size="phone", language="en")  # English is wider
    bar_of(page).tap()
    expect(page.locator("#board-panel")).to_contain_text("Why not earlier")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.board-scroll').scrollWidth") > 390
