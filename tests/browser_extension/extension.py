"""The extension in a real Chromium, beside a server. Pages of shops are our own files, served under their address."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from floor import CHROMIUM, FLAGS
from playwright.sync_api import BrowserContext, Page, Playwright, Route, Worker

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "plugins" / "browser_extension"
PAGES = {
    "https://order.jd.example/list": "jd.html", "https://trade.taobao.example/sold": "taobao.html",
    "https://help.jd.example/": "jd.html",
}  # fmt: skip


def copied(folder: Path, server: str) -> Path:
    """The extension as it is, but that it may read our pages without the click on its button, which no test can make,
    and was allowed to speak to the server, which Chromium asks people."""
    shutil.copytree(SOURCE, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["host_permissions"] = ["https://*.jd.example/*", "https://*.taobao.example/*", f"{server}/*"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


class Extended:
    """A browser with the extension."""

    def __init__(self, context: BrowserContext, worker: Worker) -> None:
        self.context, self.worker = context, worker
        self.home = worker.url.rsplit("/", 1)[0]

    def set_up(self, server: str, token: str) -> Page:
        page = self.context.new_page()
        page.set_viewport_size({"width": 900, "height": 560})
        page.goto(f"{self.home}/options.html")
        page.locator("html[data-ready]").wait_for()
        page.locator("#server").fill(server)
        page.locator("#token").fill(token)
        page.locator("#save").click()
        return page

    def visit(self, address: str) -> tuple[Page, int]:
        page = self.context.new_page()
        page.goto(address)
        tab = self.worker.evaluate("async (url) => (await chrome.tabs.query({url}))[0].id", address)
        return page, tab

    def preview(self, tab: int) -> Page:
        """What the button of the extension opens, at its own size."""
        page = self.context.new_page()
        page.set_viewport_size({"width": 560, "height": 600})
        page.goto(f"{self.home}/preview.html?tab={tab}")
        page.locator("html[data-ready]").wait_for()
        return page


@contextmanager
def extended(playwright: Playwright, folder: Path, server: str, language: str = "zh-CN", **more: Any) -> Iterator[Extended]:
    extension = copied(folder / "extension", server)
    context = playwright.chromium.launch_persistent_context(
        folder / "profile", executable_path=CHROMIUM, headless=True, ignore_default_args=["--disable-extensions"],
        args=[*FLAGS, f"--disable-extensions-except={extension}", f"--load-extension={extension}", f"--lang={language}"],
        env={"LANGUAGE": language.replace("-", "_"), "HOME": str(folder)}, locale=language, **more,
    )  # fmt: skip
    context.set_default_timeout(10_000)
    for address, name in PAGES.items():
        context.route(f"{address}*", partial(_serve, HERE / "pages" / name))
    worker = next(iter(context.service_workers), None) or context.wait_for_event("serviceworker")
    try:
        yield Extended(context, worker)
    finally:
        context.close()


def _serve(file: Path, route: Route) -> None:
    text = file.read_text()
    if "page=2" in route.request.url:
        text = text.replace("316842", "316843")
    route.fulfill(body=text, content_type="text/html; charset=utf-8")
