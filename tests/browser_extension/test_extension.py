"""A person looks at the page of a shop, confirms what the extension recognised, and it is in the pool, once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from browser.conftest import HASH, PASSWORD, Server, opened
from extension import HERE, SOURCE, extended
from playwright.sync_api import Page, Playwright, expect

from engine import accounts, sessions
from engine.application import Application
from engine.builtin import default_registry
from engine.load import load_text
from tools.extension import pack

PICTURES = Path(__file__).parent.parent.parent / "docs" / "images"


@pytest.fixture
def pool(tmp_path: Path) -> Any:
    app = opened(HERE / "pool.yaml", tmp_path / "pool.db")
    server = Server(app)
    yield app, server.url
    server.close()
    app.database.close()


def token_of(app: Application) -> str:
    with app.database.write() as conn:
        person = accounts.create_user(
            conn, app.tables, login="li", name="李娜", roles=["clerk"], password=PASSWORD, password_hash=HASH,
            now=app.clock(),
        )
        return sessions.create_token(conn, app.tables, person, name="test", scopes=None, now=app.clock())


def rows(app: Application, form: str, *names: str) -> list[tuple[Any, ...]]:
    table = app.tables.form[form]
    with app.database.read() as conn:
        return [tuple(row) for row in conn.execute(sa.select(*(table.c[name] for name in names)).order_by(table.c.id))]


def results(preview: Page) -> list[str]:
    return preview.locator("#items .badge").all_inner_texts()


def picture(page: Page, name: str) -> None:
    """For the README of the extension, where they are asked for."""
    if os.environ.get("EXTENSION") == "pictures":
        page.screenshot(path=PICTURES / f"extension_{name}.png")


def test_orders_of_a_page_are_looked_at_and_handed_over_once(pool: Any, playwright: Playwright, tmp_path: Path) -> None:
    app, url = pool
    with extended(playwright, tmp_path, url) as browser:
        options = browser.set_up(url, token_of(app))
        expect(options.locator("#verdict")).to_have_text("已连接“订单池”，身份：李娜。 可以交来的页面：")
        picture(options, "options")
        _shop, tab = browser.visit("https://order.jd.example/list")
        preview = browser.preview(tab)
        expect(preview.locator("#items > li")).to_have_count(3)
        expect(preview.locator("summary strong")).to_have_text(["316842005117", "316842005981", "316842006320"])
        preview.locator("summary input").nth(1).uncheck()
        preview.locator("summary").nth(2).click()
        preview.get_by_label("收件人").nth(2).fill("陈小姐")
        picture(preview, "corrected")
        preview.get_by_role("button", name="提交 2 单").click()
        expect(preview.locator("#told")).to_have_text("新订单 2")
        picture(preview, "told")
        assert rows(app, "sale", "source", "number", "receiver", "status") == [
            ("jd_pages", "316842005117", "林**", "paid"), ("jd_pages", "316842006320", "陈小姐", "paid"),
        ]  # fmt: skip
        assert rows(app, "sale", "note")[1] == ("发票开公司抬头 <b>不要加粗</b>",)
        assert [sku for (sku,) in rows(app, "piece", "sku")] == ["100045", "100046", "100046"]
        preview.reload()  # what was confirmed is not chosen any more; whoever chooses it again sends it again
        expect(preview.locator("#chosen")).to_have_text("已选 0 / 3")
        preview.locator("#all").check()
        preview.get_by_role("button", name="提交 3 单").click()
        expect(preview.locator("#told")).to_have_text("已经有了 2 · 新订单 1")
        assert results(preview) == ["已经有了", "新订单", "已经有了"]
        assert len(rows(app, "sale", "id")) == 3
        preview.get_by_role("button", name="下一页").click()
        expect(preview.locator("summary strong")).to_have_text(["316843005117", "316843005981", "316843006320"])
        expect(preview.locator("#chosen")).to_have_text("已选 3 / 3")


def test_a_wrong_token_a_strange_page_and_a_mistake_are_told_in_words(
    pool: Any, playwright: Playwright, tmp_path: Path
) -> None:
    app, url = pool
    with extended(playwright, tmp_path, url, "en-US", color_scheme="dark") as browser:
        options = browser.set_up(url, "appmill_wrong")
        expect(options.locator("#verdict")).to_have_text(
            f"{url} does not know this API token, or it is no longer valid. Make a new one there, under My account, API tokens."
        )
        _page, tab = browser.visit("https://trade.taobao.example/sold")
        expect(browser.preview(tab).locator("#problem")).to_contain_text("does not know this API token")
        browser.set_up(url, token_of(app)).locator("#pages li").first.wait_for()
        preview = browser.preview(tab)
        expect(preview.locator("summary strong")).to_have_count(3)
        preview.locator("summary").first.click()
        preview.get_by_label("Total *").first.fill("¥158 – ¥160")
        preview.get_by_role("button", name="Hand over 3").click()
        expect(preview.locator("#told")).to_have_text("Wrong 1 · New 2")
        expect(preview.locator(".words.bad")).to_have_text("Total: “¥158 – ¥160” is not one number.")
        picture(preview, "wrong_en_dark")
        preview.get_by_label("Total *").first.fill("158")
        preview.get_by_role("button", name="Hand over 1").click()
        expect(preview.locator("#told")).to_have_text("New 3")
        assert rows(app, "sale", "status") == [("paid",), ("new",), ("paid",)]
        _page, tab = browser.visit("https://help.jd.example/")
        strange = browser.preview(tab)
        expect(strange.locator("#problem")).to_contain_text("This is none of the pages your server knows.")
        expect(strange.locator("#known li")).to_have_text(["JD: to ship", "Taobao: sold"])


def test_it_is_packed_the_same_every_time_and_brings_no_code_of_others(tmp_path: Path) -> None:
    first, second = (pack(tmp_path / name) for name in ("a", "b"))
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    with zipfile.ZipFile(first) as packed:
        assert "manifest.json" in packed.namelist()
        texts = "".join(packed.read(name).decode() for name in packed.namelist() if name.endswith((".js", ".html")))
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|importScripts|localStorage", texts)
    assert not re.search(r"<script[^>]*src=.(https?:)?//|on\w+=\"", texts)
    used = set(re.findall(r"say\(\"(\w+)\"", texts)) | {"name", "description"}
    for language in ("en", "zh_CN"):
        words = json.loads((SOURCE / "_locales" / language / "messages.json").read_text())
        assert used <= words.keys()


def test_the_example_of_the_readme_loads() -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", (SOURCE / "README.md").read_text(), re.S | re.M)
    forms = (HERE / "pool.yaml").read_text().partition("connections:\n")[0]
    assert load_text(forms + example, default_registry()).definition.feeds["orders"].from_ == ("jd_pages",)
