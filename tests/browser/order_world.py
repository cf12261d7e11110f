"""The Order Hub on a temporary database, with a few customers and products, and its people signed in one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from engine.api import save, system_actor
from engine.application import Application

ORDER_HUB = Path(__file__).parents[2] / "apps" / "order_hub.yaml"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def picture() -> bytes:
    """A photograph of a report, as a telephone makes it."""
    import io

    from PIL import Image, ImageDraw

    out = io.BytesIO()
    image = Image.new("RGB", (640, 480), "#f4f1e8")
    ImageDraw.Draw(image).rectangle((60, 40, 580, 440), outline="#446", width=3)
    image.save(out, "JPEG")
    return out.getvalue()


@dataclass(frozen=True)
class Stock:
    """Ids of what stands ready before anybody orders."""

    customer: int
    housing: int
    gear: int
    people: dict[str, int]


def stock(app: Application) -> Stock:
    """Customers with a small credit limit, and products of a moulder."""
    with app.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT login, id FROM _user").fetchall()
    people = {row.login: row.id for row in rows}
    setup = system_actor("setup")

    def made(form: str, **values: Any) -> int:
        return save(app, setup, form, values).id

    customer = made("customer", name="苏州精工机械有限公司", level="a", credit_limit="2000", sales_person=people["li"])
    made("customer", name="宁波海曙塑业", level="b", credit_limit="50000", sales_person=people["zhou"])
    housing = made(
        "product", sku="HS-2050", name="控制器外壳", family="housing", material="ABS", price="12.5", cost="7.2"
    )
    gear = made("product", sku="GR-0318", name="尼龙齿轮", family="gear", material="PA66", price="3.2", cost="1.1")
    return Stock(customer, housing, gear, people)


def in_days(days: int) -> str:
    return (dt.date.today() + dt.timedelta(days=days)).isoformat()


# --- what people do on a page


def ready(page: Page) -> Page:
    page.locator("html[data-ready]").wait_for()
    return page


def choose(page: Page, selector: str, words: str) -> None:
    """Type into a box that searches records, and take the first it offers."""
    box = page.locator(selector)
    box.click()
    box.fill(words)
    option = page.locator(".field-link-list:not([hidden]) [role=option]").filter(has_text=words).first
    option.click()


def upload(scope: Page | Locator, field: str, name: str, content: bytes, media_type: str = "application/pdf") -> None:
    """Choose a file and wait until it stands in the list, sent."""
    box = scope.locator(f'[data-field="{field}"][id="field-{field}"]')
    box.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": media_type, "buffer": content})
    expect(box.locator(f'input[type=hidden][name="{field}"][value]:not([value=""])').first).to_be_attached()


def save_page(page: Page) -> None:
    page.locator("#record-form button.btn-primary[type=submit]").click()


def open_step(page: Page, transition: str, place: str = ".rec-head") -> Locator:
    """Press the button of a transition; answers its dialog."""
    ready(page).locator(f"{place} [data-door={transition}]").click()
    dialog = page.locator("dialog#take-dialog")
    expect(dialog).to_be_visible()
    return dialog


def press(dialog: Locator) -> None:
    dialog.locator("button[data-save]").click()
