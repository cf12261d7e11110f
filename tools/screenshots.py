"""The pictures of the documentation, taken of the Order Hub with demo data: python tools/screenshots.py [folder]."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import waitress
from playwright.sync_api import Page, sync_playwright

from engine import demo
from engine.application import open_application
from engine.extensions import registry_for
from engine.web.context import Settings
from engine.web.factory import make_web

ROOT = Path(__file__).parents[1]
APP = ROOT / "apps" / "order_hub.yaml"
CHROMIUM = "/usr/bin/chromium"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ORDERS = 300
# name, who, language, size, what to open; ``*`` opens the first record of the list
PICTURES: tuple[tuple[str, str, str, Any, str], ...] = (
    ("order_hub_list", "he", "zh", DESKTOP, "/order"),
    ("order_hub_record", "wang", "zh", DESKTOP, "/order?where.state.eq=inspected*"),
    ("order_hub_phone", "wu", "zh", PHONE, "/order?where.state.eq=preparing*"),
    ("order_hub_board", "he", "zh", DESKTOP, "/order?view=board"),
)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the Order Hub with its demo users and orders."""
    app = open_application(APP, f"sqlite:///{folder}/screenshots.db", registry=registry_for(APP))
    demo.make_people(app, demo.people(app.definition))
    if not demo.seed(app, count=ORDERS):
        print("There is no seed for this application; the pictures will be empty.", file=sys.stderr)
    web = make_web(app, settings=Settings(idle_minutes=600))
    server: Any = waitress.create_server(web, host="127.0.0.1", port=0, threads=4, ident="")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    app.database.close()


def sign_in(page: Page, home: str, login: str) -> None:
    page.goto(f"{home}/sign_in")
    page.fill("#login", login)
    page.fill("#password", demo.PASSWORD)
    page.click(".sign-in-card .btn-primary")
    page.wait_for_url(f"{home}/")


def show(page: Page, home: str, path: str) -> None:
    page.goto(home + path.removesuffix("*"))
    page.locator("html[data-ready]").wait_for()
    if path.endswith("*"):
        link = page.locator("main a[href^='/order/']").filter(has_text="SO2").first.get_attribute("href")
        page.goto(f"{home}{link}")
        page.locator("html[data-ready]").wait_for()
    page.wait_for_load_state("networkidle")


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept, served(Path(kept)) as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, login, language, size, path in PICTURES:
            small = size is PHONE
            locale = "zh-CN" if language == "zh" else "en-US"
            context = browser.new_context(
                viewport=size, locale=locale, timezone_id="Asia/Shanghai", is_mobile=small, has_touch=small,
                device_scale_factor=2 if small else 1,
            )  # fmt: skip
            context.add_cookies(
                [
                    {"name": key, "value": value, "url": home}
                    for key, value in (("language", language), ("theme", "light"))
                ]
            )
            page = context.new_page()
            sign_in(page, home, login)
            show(page, home, path)
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"))
