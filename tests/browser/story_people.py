"""A factory before the story begins, the people of it at their desks and telephones, and the book of pictures."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from floor import Plug
from making import Recorder, with_performer
from order_world import in_days, ready
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from story_book import TOLD, picture, written

from engine.api import adopt, save, system_actor
from engine.application import Application
from engine.jobs import delivering
from engine.jobs.desk import Desk

BOOK = Path(__file__).parents[2] / "docs" / "story.md"
PICTURES = BOOK.parent / "images" / "story"
CALM = 400  # ms until what came in late stands still
WANTED = os.environ.get("STORY")  # any value: the pictures and the book are written to docs
COLOURS = 96


@dataclass(frozen=True)
class Masters:
    """Ids of what stands ready before anybody orders."""

    customer: int
    supplier: int
    other_supplier: int
    resin: int
    place: int
    other_order: int  # of another customer, shipped last week
    people: dict[str, int]


def masters(app: Application) -> Masters:
    """A moulder without resin, a customer whose limit is small, and an order of somebody else that is on its way."""
    setup = system_actor("setup")
    with app.database.read() as conn:
        people = {row.login: row.id for row in conn.execute(sa.select(app.tables.user.c.login, app.tables.user.c.id))}

    def made(form: str, **values: Any) -> int:
        return save(app, setup, form, values).id

    customer = made("customer", name="苏州精工机械有限公司", level="a", credit_limit="1000", sales_person=people["li"])
    other = made("customer", name="宁波海曙塑业", credit_limit="50000", sales_person=people["li"])
    supplier, dear = made("supplier", name="华塑粒料", rating="5"), made("supplier", name="金塑贸易", rating="3")
    line = made("production_line", name="二号线")
    made("machine", code="M01", name="海天 160T", line=line, barcode="M01")
    place = made("location", code="A1-03", barcode="A1-03")
    resin = made("product", sku="RAW-ABS", name="ABS 粒料", kind="material", unit="kg", cost="11", supplier=supplier)
    for sku, name, family, price, weight in (
        ("HS-2050", "控制器外壳", "housing", "12.5", "0.1"), ("GR-0318", "尼龙齿轮", "gear", "3.2", "0.02"),
    ):  # fmt: skip
        made("product", sku=sku, name=name, family=family, price=price, cost="2",
             bom=[{"component": resin, "quantity": weight}])  # fmt: skip
    for what, approver, more in (("due_date", "director", "5"), ("quantity", "director", "20")):
        made("change_policy", stage="producing", what=what, approver=approver, surcharge=more)
    sent = adopt(app, setup, "order", {
        "customer": other, "sales_person": people["li"], "due_on": in_days(2),
        "lines": [{"product": resin + 1, "quantity": 40, "price": "12.5"}],
    }, state="shipped").id  # fmt: skip
    return Masters(customer, supplier, dear, resin, place, sent, people)


def photograph(page: Page, file: Path) -> None:
    """With few colours, so that it stays small."""
    image = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    file.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


class Story:
    """One order, and whoever is at the keyboard. ``at("li", "/order/new")`` is her page, opened there."""

    def __init__(self, served: Any, plug: Plug, page_as: Callable[..., Page], open_page: Callable[..., Page]) -> None:
        self.served, self.plug, self.page_as, self.open_page = served, plug, page_as, open_page
        self.app: Application = served.app
        self.things = masters(served.app)
        self.order = ""  # its path, such as /order/2
        self.number = ""
        self.pages: dict[tuple[str, str], Page] = {}
        self.shot: list[str] = []
        self.camera: Browser | None = None

    def at(self, login: str, path: str = "", *, size: str = "desktop", language: str = "zh") -> Page:
        path, key = path or self.order, (login, size)
        if key in self.pages:
            self.pages[key].goto(self.plug.url + path)
        else:
            self.pages[key] = self.page_as(
                self.served, login, path=path, size=size, language=language, at=self.plug.url
            )
        return ready(self.pages[key])

    def outside(self, address: str, language: str) -> Page:
        """Somebody outside opens, on their own phone, a link they were given."""
        page = self.open_page(replace(self.served, url=self.plug.url), size="phone", language=language)
        page.goto(self.plug.url + address.partition("example.com")[2])
        self.pages[address, "phone"] = page
        return page

    def values(self, form: str, field: str) -> list[Any]:
        table = self.app.tables.form[form]
        with self.app.database.read() as conn:
            return list(conn.scalars(sa.select(table.c[field]).order_by(table.c.id)))

    def value(self, form: str, field: str, id: int = 1) -> Any:
        table = self.app.tables.form[form]
        with self.app.database.read() as conn:
            return conn.scalar(sa.select(table.c[field]).where(table.c.id == id))

    def quoted(self, request: int, supplier: int, price: str, days: int) -> None:
        """The other supplier was asked by telephone."""
        values = {"request": request, "supplier": supplier, "price": price, "promised_on": in_days(days)}
        adopt(self.app, system_actor("setup"), "quotation", values, state="answered")

    def go_on(self) -> None:
        """What the worker would do now; mails are not sent."""
        table = self.app.tables.message
        app, desk = with_performer(self.app, Recorder()), Desk()
        with app.database.read() as conn:
            due = list(
                conn.scalars(sa.select(table.c.id).where(table.c.state == "waiting", table.c.due_at <= app.clock()))
            )
        for id in due:
            delivering.deliver(app, id, desk)

    def shoot(self, page: Page, name: str, *, at_once: bool = False) -> None:
        """A picture for the book, with few colours so that it stays small."""
        self.shot.append(name)
        if not WANTED:
            return
        if not at_once:
            page.wait_for_timeout(CALM)
        photograph(page, PICTURES / picture(name))

    def finish_book(self) -> None:
        """Every picture of the book was taken, in its order; where it is wanted, the book is written."""
        assert self.shot == list(TOLD)
        if WANTED:
            for old in set(PICTURES.iterdir()) - {PICTURES / picture(name) for name in TOLD}:
                old.unlink()
            BOOK.write_text(written(), encoding="utf-8")

    def stands_at(self, page: Page, state: str) -> None:
        expect(page.locator(".path .now")).to_contain_text(state)

    def refused_post(self, page: Page, transition: str, form: dict[str, Any] | None = None) -> str:
        """What the server answers to somebody who posts a step past the page; never a success."""
        token = page.locator("input[name=csrf_token]").first.get_attribute("value")
        address = f"{self.plug.url}{self.order}/take/{transition}"
        answer = page.request.post(address, form={"csrf_token": token or "", **(form or {})}, max_redirects=0)
        assert answer.status in (403, 409, 422), (answer.status, answer.text()[:2000])
        return answer.text()

    @property
    def id(self) -> str:
        return self.order.rsplit("/", 1)[-1]
