"""Makes the pictures of the README from a running demo: ``python tools/screenshots.py [address]``.

.venv/bin/appmill run apps/order_hub.yaml --demo --demo-count 300 --database sqlite:////tmp/pictures.db

``make pictures`` does both.
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from engine.demo import PASSWORD

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
LARGEST = 250_000  # bytes
SIZES = {"desk": {"width": 1440, "height": 860}, "phone": {"width": 390, "height": 780}}

SEEN = "what=record:order&who=quality&state=inspected&device=phone"


@dataclass(frozen=True)
class Picture:
    """``open`` is a selector whose first hit is opened before the picture is taken, ``wait`` what must be there."""

    name: str
    path: str
    who: str = "admin"
    size: str = "desk"
    language: str = "zh"
    open: str = ""
    wait: str = "main"


PICTURES = (
    Picture("order_hub_list", "/order"),
    Picture("order_hub_record", "/order?view=open", open=".list-table a.open"),
    Picture("order_hub_board", "/order?view=board"),
    Picture("order_hub_schedule", "/order?view=schedule"),
    Picture("order_hub_overview", "/pages/overview"),
    Picture("order_hub_home", "/", who="chen"),
    Picture("order_hub_phone", "/order", who="li", size="phone"),
    *(
        Picture(f"designer_{name}{'_phone' if size == 'phone' else ''}", path, size=size, wait=wait)
        for name, path, wait in (
            ("home", "/designer", "#new-title"),
            ("form", "/designer/{draft}/form/order", "html[data-drag-ready]"),
            ("flow", "/designer/{draft}/flow/order", "#flow[data-ready]"),
            ("rule", "/designer/{draft}/rule/ready_to_prepare", ".designer-canvas"),
            ("page", "/designer/{draft}/page/overview", ".designer-canvas"),
            ("difference", "/designer/{draft}/difference", "#trial .gates"),
            ("preview", f"/designer/{{draft}}/preview?{SEEN}", "iframe"),
        )
        for size in ("desk", "phone")
    ),
)
# What the pictures of the designer show being changed.
CHANGE = (
    ("field.add", {"form": "order", "type": "text", "section": 0, "at": 4, "label": "特殊包装要求"}),
    ("set", {"path": ["forms", "order", "fields", "te_shu_bao_zhuang_yao_qiu", "required"], "value": True}),
    ("set", {"path": ["forms", "order", "workflow", "states", "scheduled", "within"], "value": "2wd"}),
)


def take(browser: Browser, address: str, picture: Picture, draft: str) -> None:
    """Sign in, go there, write the picture with few colours, so that it stays small."""
    page = _signed_in(browser, address, picture)
    page.goto(address + picture.path.replace("{draft}", draft))
    page.locator(picture.wait).first.wait_for(state="attached", timeout=90_000)
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


def drafted(browser: Browser, address: str) -> str:
    """A draft as somebody would have it after ten minutes; answers its number."""
    page = _signed_in(browser, address, PICTURES[0])
    page.goto(f"{address}/designer")
    page.fill("#new-title", "特殊包装要求")
    page.locator(".life-new button").click()
    page.wait_for_url(re.compile(r"/designer/\d+/"))
    number = page.url.split("/designer/")[1].split("/")[0]
    token = page.evaluate("JSON.parse(document.body.getAttribute('hx-headers:inherited'))['X-CSRF-Token']")
    for version, (operation, arguments) in enumerate(CHANGE, 1):
        answer = page.request.post(
            f"{address}/designer/{number}/do",
            data={"version": version, "operation": operation, "arguments": arguments},
            headers={"X-CSRF-Token": token, "Sec-Fetch-Site": "same-origin"},
        )
        if not answer.ok:
            raise SystemExit(f"{operation}: {answer.text()}")
    page.context.close()
    return number


def main() -> None:
    address = (sys.argv[1:] or ["http://127.0.0.1:8000"])[0].rstrip("/")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        draft = drafted(browser, address)
        for picture in PICTURES:
            take(browser, address, picture, draft)
        browser.close()


if __name__ == "__main__":
    main()
