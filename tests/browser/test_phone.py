"""On the shop floor: the server goes down in the middle of the work, two people meet, and labels are scanned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from floor import KEPT, Plug, looking_at, wait_until_kept
from playwright.sync_api import Page, Playwright, expect

from engine import service
from engine.people import Actor

WORKSHOP = Path(__file__).parents[1] / "apps" / "workshop.yaml"
LENA = Actor(id=3, login="lena", name="Lena", roles=frozenset({"leader"}), language="en")


@pytest.fixture
def shop(serve: Callable[..., Any]) -> Any:
    served = serve(WORKSHOP)
    for number, name in (("J1", "Shaft"), ("J2", "Gear")):
        service.save(served.app, LENA, "job", {"number": number, "name": name, "good": "10", "place": "A"})
    return served


def job(shop: Any) -> Any:
    with shop.app.database.read() as conn:
        return conn.execute(sa.select(shop.app.tables.form["job"]).where(sa.text("id = 1"))).mappings().one()


def outcomes(shop: Any) -> list[str]:
    with shop.app.database.read() as conn:
        return list(conn.scalars(sa.select(shop.app.tables.entry.c.outcome).order_by(shop.app.tables.entry.c.id)))


def ready(page: Page, path: str, url: str) -> None:
    page.goto(url + path, timeout=30_000)
    page.locator("form[data-ready]").wait_for()


def report(page: Page, plug: Plug, count: int) -> None:
    ready(page, "/tasks/report_work", plug.url)
    page.get_by_role("button", name="J1 Shaft").click()
    page.get_by_label("Good").fill(str(count))
    page.get_by_role("button", name="Report work").click()
    expect(page.locator("[data-done-text]")).to_have_text("Kept on this device. It is sent when the network is back.")


def test_work_goes_on_without_the_server_and_arrives_once(
    shop: Any, page_as: Callable[..., Page], watch: Any, plug: Plug
) -> None:
    watch.expect("ERR_", "Failed to load")
    page = page_as(shop, "wu", path="/tasks", size="phone", language="en", at=plug.url)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    wait_until_kept(page, {"/tasks", "/tasks/waiting", "/tasks/report_work", "/tasks/set_place/data"})

    plug.pull()
    for count in (5, 7):
        report(page, plug, count)
    ready(page, "/tasks/set_place", plug.url)
    page.get_by_role("button", name="J1 Shaft").click()
    page.get_by_label("Place").fill("Hall 7")
    page.get_by_role("button", name="Move").click()
    expect(page.locator("[data-waiting-count]")).to_have_text("3")
    service.save(shop.app, LENA, "job", {"good": "110", "place": "Hall B"}, id=1)
    page.goto(f"{plug.url}/tasks/waiting")
    expect(page.locator("[data-queue] li")).to_have_count(3)

    plug.put_back()
    page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(page.locator("[data-queue-empty]")).to_be_visible()
    page.evaluate("() => window.dispatchEvent(new Event('online'))")
    assert (outcomes(shop), job(shop)["good"], job(shop)["place"]) == (["merged", "merged", "open"], 122, "Hall B")

    leader = page_as(shop, "lena", path="/tasks", size="phone", language="en", at=plug.url)
    leader.get_by_text("1 entry needs a decision").click()
    leader.get_by_text("Move · Wu Gang").click()
    expect(leader.locator("tr.differs")).to_contain_text("Hall 7")
    leader.get_by_role("button", name="Take over the entry").click()
    expect(leader.get_by_text("Nothing to decide")).to_be_visible()
    assert job(shop)["place"] == "Hall 7"

    assert page.evaluate(KEPT)  # signing out leaves nothing of the person behind
    page.evaluate("() => document.querySelector('form[action=\"/sign_out\"]').requestSubmit()")
    page.locator("#password").wait_for()
    assert page.evaluate(KEPT) == []


@pytest.fixture
def plug(shop: Any) -> Iterator[Plug]:
    made = Plug(shop)
    yield made
    made.pull()


@pytest.fixture
def camera(playwright: Playwright, tmp_path: Path) -> Iterator[Any]:
    """A browser whose camera looks at the label of J2."""
    browser = looking_at(playwright, "J2", tmp_path)
    yield browser
    browser.close()


def test_a_label_held_before_the_camera_fills_the_link(shop: Any, camera: Any, watch: Any, session_of: Any) -> None:
    context = camera.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, permissions=["camera"])
    context.add_cookies([{"name": "appmill", "value": session_of(shop, "wu"), "url": shop.url}])
    page = context.new_page()
    watch.follow(page, shop.url)
    ready(page, "/tasks/note_fault", shop.url)
    page.locator("[data-task-field=job] [data-scan-here]").click()
    expect(page.locator("[data-task-field=job] [data-lookup]")).to_have_value("J2 Gear", timeout=15_000)
    expect(page.locator("#scanner")).not_to_be_visible()
    page.keyboard.type("J1")  # too short for a hand scanner's burst: nothing is taken for a code
    page.get_by_label("What happened").fill("Noise")
    page.locator("[data-send]").click()
    expect(page.locator("[data-done-text]")).to_have_text("Saved")
    with shop.app.database.read() as conn:
        assert conn.scalars(sa.select(shop.app.tables.form["fault"].c.job)).all() == [2]
    context.close()
