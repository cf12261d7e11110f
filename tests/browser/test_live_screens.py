"""Screens that stay true in a real browser: a tower, a record somebody types in, a scanner, a wall."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine import service, walls
from engine.people import Actor

sys.path.append(str(Path(__file__).parents[1] / "web"))
from tower_world import YAML, days

ANN = Actor(id=1, login="ann", name="Ann", roles=frozenset({"planner"}))


@pytest.fixture
def yard(serve: Callable[..., Any], tmp_path: Path) -> Any:
    (tmp_path / "yard.yaml").write_text(YAML)
    served = serve(tmp_path / "yard.yaml")
    for number, count in (("J-1001", -2), ("J-1002", 9), ("J-1003", 40)):
        save(served, number=number, due_on=days(served.app.clock(), count))
    return served


def save(served: Any, id: int | None = None, **values: Any) -> int:
    return service.save(served.app, ANN, "job", values, id=id).id


def scan(page: Page, code: str) -> None:
    page.keyboard.type(code, delay=2)
    page.keyboard.press("Enter")


def test_what_others_change_appears_and_what_is_typed_stays(yard: Any, page_as: Callable[..., Page]) -> None:
    page = page_as(yard, "cam", path="/job?view=tower", language="en")
    expect(page.locator("tr#r2")).to_contain_text("On time")
    save(yard, 2, due_on="2020-01-01")
    expect(page.locator("tr#r2")).to_contain_text("Late", timeout=5000)
    expect(page.locator("[data-risk=late]")).to_have_text("2")
    save(yard, 3, line="two")  # not hers any more
    expect(page.locator("tr#r3")).to_have_count(0, timeout=5000)
    page.locator("tr#r1 [data-nudge]").click()
    page.locator("[data-nudge-form] textarea").fill("@ann when?")
    page.locator("[data-nudge-form] .btn-primary").click()
    expect(page.locator(".toast-note")).to_contain_text("Sent")
    expect(page.locator("dialog[open]")).to_have_count(0)
    scan(page, "j-1001")
    page.wait_for_url("**/job/1")
    page.locator("#story").scroll_into_view_if_needed()
    page.locator("#comment-body").fill("half a sentence")
    save(yard, 1, note="by somebody else")
    expect(page.locator(".live-hint")).to_contain_text("Changed by Ann", timeout=5000)
    expect(page.locator("#comment-body")).to_have_value("half a sentence")


def test_a_wall_fits_its_screen_and_needs_nobody(yard: Any, open_page: Callable[..., Page]) -> None:
    with yard.app.database.write() as conn:
        secret = walls.create(conn, yard.app.tables, name="Hall", role="planner", address="/job?view=tower&wall=1",
                              language="en", by=1, now=yard.app.clock())  # fmt: skip
    page = open_page(yard, language="en")
    page.goto(f"{yard.url}/wall/{secret}")
    expect(page.locator("#wall-clock")).to_have_text(page.locator("#wall-clock").inner_text())
    expect(page.locator("#wall-rows tr").first).to_contain_text("J-1001")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    save(yard, 3, due_on="2020-01-01")
    expect(page.locator("[data-risk=late]")).to_have_text("2", timeout=6000)


def test_a_long_name_in_a_tower_on_a_phone_makes_room_for_the_chip_beside_it(
    yard: Any, page_as: Callable[..., Page]
) -> None:
    long = service.save(yard.app, ANN, "customer", {"name": "Northern Medical Instruments and Partners Limited"}).id
    save(yard, 1, client=long)
    page = page_as(yard, "ann", path="/job?view=tower", language="en", size="phone")
    chip, whole = page.locator("tr#r1 .tw-facts .badge").bounding_box(), page.locator("tr#r1 .tw-facts").bounding_box()
    assert chip is not None
    assert whole is not None
    assert chip["x"] + chip["width"] <= whole["x"] + whole["width"]
    assert page.locator("tr#r1 .tw-facts .card-fact").first.evaluate("one => one.scrollWidth > one.clientWidth")
