"""What stands around a telephone on a shop floor: a server whose plug can be pulled, and a camera that sees a label."""

from __future__ import annotations

import contextlib
import io
import socket
from pathlib import Path
from typing import Any

import barcode
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, Playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
KEPT = """async () => {
  const names = (await caches.keys()).filter((name) => name.startsWith("person-"));
  const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return all.flat().map((request) => new URL(request.url).pathname);
}"""


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


def wait_until_kept(page: Page, wanted: set[str]) -> None:
    """The worker fetches every screen of the person by itself, opened before or not."""
    for _time in range(200):
        if wanted <= set(page.evaluate(KEPT)):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"kept only {page.evaluate(KEPT)}")


def looking_at(playwright: Playwright, code: str, folder: Path) -> Browser:
    """A browser whose camera looks at a label with this code."""
    film = folder / "label.mjpeg"
    film.write_bytes(_label(code) * 30)
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    return playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *flags])


def _label(code: str) -> bytes:
    """One frame, a JPEG of 640 by 480: Code 128, as wide as fits."""
    modules = barcode.get("code128", code).build()[0]
    wide = min(4, 620 // len(modules))
    picture = Image.new("RGB", (640, 480), "white")
    draw, left = ImageDraw.Draw(picture), (640 - wide * len(modules)) // 2
    for at, one in enumerate(modules):
        if one == "1":
            draw.rectangle((left + wide * at, 120, left + wide * at + wide - 1, 360), fill="black")
    frame = io.BytesIO()
    picture.save(frame, "JPEG", quality=92)
    return frame.getvalue()
