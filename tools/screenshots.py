"""Makes the pictures of the README from a running demo: ``python tools/screenshots.py [address]``.

.venv/bin/appmill run apps/order_hub.yaml --demo --demo-count 300 --database sqlite:////tmp/pictures.db
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from engine.demo import PASSWORD

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
LARGEST = 250_000  # bytes
SIZES = {"desk": {"width": 1440, "height": 860}, "phone": {"width": 390, "height": 780}}


@dataclass(frozen=True)
class Picture:
    """``open`` is a selector whose first hit is opened before the picture is taken."""

    name: str
    path: str
    who: str = "admin"
    size: str = "desk"
    language: str = "zh"
    open: str = ""


PICTURES = (
    Picture("order_hub_list", "/order"),
    Picture("order_hub_record", "/order?view=late", open=".list-table a.open"),
    Picture("order_hub_board", "/order?view=board"),
    Picture("order_hub_schedule", "/order?view=schedule"),
    Picture("order_hub_overview", "/pages/overview"),
    Picture("order_hub_home", "/", who="chen"),
    Picture("order_hub_phone", "/order", who="li", size="phone"),
)


def take(browser: Browser, address: str, picture: Picture) -> None:
    """Sign in, go there, write the picture with few colours, so that it stays small."""
    page = _signed_in(browser, address, picture)
    page.goto(address + picture.path)
    if picture.open:
        page.locator(picture.open).first.click()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    target = FOLDER / f"{picture.name}.png"
    image.save(target, optimize=True)
    if target.stat().st_size > LARGEST:
        raise SystemExit(f"{target} has {target.stat().st_size} bytes; at most {LARGEST} are meant for the README.")
    print(f"{target.name}: {target.stat().st_size // 1000} kB")
    page.context.close()


def _signed_in(browser: Browser, address: str, picture: Picture) -> Page:
    context = browser.new_context(viewport=SIZES[picture.size], locale="zh-CN")  # type: ignore[arg-type]
    context.add_cookies([{"name": "language", "value": picture.language, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/sign_in")
    page.fill("#login", picture.who)
    page.fill("#password", PASSWORD)
    page.click(".sign-in-card .btn-primary")
    page.wait_for_url(f"{address}/")
    return page


def main() -> None:
    address = (sys.argv[1:] or ["http://127.0.0.1:8000"])[0].rstrip("/")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for picture in PICTURES:
            take(browser, address, picture)
        browser.close()


if __name__ == "__main__":
    main()
