"""On the shop floor: the server goes down in the middle of the work, two people meet, and labels are scanned."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import barcode
import pytest
import sqlalchemy as sa
from PIL import Image, ImageDraw
from playwright.sync_api import Page, Playwright, expect

from engine import service
from engine.people import Actor

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
WORKSHOP = Path(__file__).parents[1] / "apps" / "workshop.yaml"
KEPT = """async () => {
  const names = (await caches.keys()).filter((name) => name.startsWith("person-"));
  const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return all.flat().map((request) => new URL(request.url).pathname);
}"""
LENA = Actor(id=3, login="lena", name="Lena", roles=frozenset({"leader"}), language="en")


class Plug:
    """A server whose plug can be pulled and put back: the same application at the same address."""

    def __init__(self, served: Any) -> None:
        self.app, self.make = served.app, type(served.server)
        self.server = self.make(served.app)
        self.url = self.server.url

    def pull(self) -> None:
        self.server.close()
        for channel in list(self.server.server.active_channels.values()):
            with contextlib.suppress(OSError):  # its own thread closes it when it finds nobody there
                channel.socket.shutdown(socket.SHUT_RDWR)
        self.server.thread.join(5)

    def put_back(self) -> None:
        self.server = self.make(self.app, int(self.url.rpartition(":")[2]))


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


def wait_until_kept(page: Page, wanted: set[str]) -> None:
    """The worker fetches every screen of the person by itself, opened before or not."""
    for _time in range(200):
        if wanted <= set(page.evaluate(KEPT)):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"kept only {page.evaluate(KEPT)}")


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
    modules = barcode.get("code128", "J2").build()[0]
    picture = Image.new("RGB", (640, 480), "white")
    draw, left = ImageDraw.Draw(picture), (640 - 4 * len(modules)) // 2
    for at, one in enumerate(modules):
        if one == "1":
            draw.rectangle((left + 4 * at, 120, left + 4 * at + 3, 360), fill="black")
    frame = io.BytesIO()
    picture.save(frame, "JPEG", quality=92)
    film = tmp_path / "label.mjpeg"
    film.write_bytes(frame.getvalue() * 30)
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *flags])
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
