"""Definitions that cannot be taken are uploaded in a real browser; a change goes its whole way by mouse."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from deep import some
from playwright.sync_api import Page, expect

from engine.definition import AppDefinition
from engine.load import hash_of

ROOT = Path(__file__).parents[2]
BASE = (ROOT / "tests/designer/difference_base.yaml").read_text(encoding="utf-8")
HUB = BASE.replace("languages: [en, zh]", "languages: [zh, en]")  # the people speak Chinese


@pytest.fixture
def world(serve: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The desk of the tests, with the designer."""
    monkeypatch.setenv("APPMILL_PLUGINS", "designer")
    file = tmp_path / "desk.yaml"
    file.write_text(HUB, encoding="utf-8")
    return serve(file)


def kept(served) -> tuple[int, int, str]:
    """How many drafts and publications there are, and the hash in force in the database."""
    app = served.app
    with app.database.read() as conn:
        counts = [conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                  for table in (app.tables.change, app.tables.publication)]  # fmt: skip
        published = app.tables.published
        newest = sa.select(published.c.hash).order_by(published.c.serial.desc()).limit(1)
        return counts[0], counts[1], conn.execute(newest).scalar_one()


def change(old: str, new: str) -> str:
    assert old in HUB, old
    return HUB.replace(old, new, 1)


REJECTED: list[tuple[str | bytes, str]] = []  # the file, and a part of what is said about it


def rejected(source: str | bytes, said: str) -> None:
    REJECTED.append((source, said))


rejected("", "文件为空")
rejected(b"\xff\xfe\x00a", "UTF-8")
rejected("- 1\n", "")
rejected("app: desk\n\tlabel: x\n", "")
rejected(HUB + "app: again\n", "app")
rejected(change("label: {zh: 服务台, en: Desk}", "label: &a {zh: 服务台, en: Desk}"), "锚点")
rejected(change("languages: [zh, en]", "languages: *a"), "别名")
rejected(change("app: desk", "app: !!str desk"), "标签")
rejected(change("app: desk", "app: bakery"), "bakery")
rejected(change("app: desk", "app: Desk!"), "")
rejected(change("languages: [zh, en]", "languages: [zh, fr]"), "fr")
rejected(change("designers: [boss]", "designers: [bos]"), "boss")
rejected(change("type: smtp", "type: smpt"), "smtp")
rejected(change("host: smtp.example.com, ", ""), "host")
rejected(change("items: [start, ticket]", "items: [start, tickets]"), "ticket")
rejected(change("name: {type: text, label: {zh: 名称, en: Name}, required: true}\n    permissions",
                "name: {type: txt, label: {zh: 名称, en: Name}, required: true}\n    permissions"), "text")  # fmt: skip
rejected(change("type: money", "type: money\n        requierd: true"), "required")
rejected(change("min: 1}", "min: one}"), "min")
rejected(change("default: low", "default: lowest"), "")
rejected(change("form: project, label", "form: projekt, label"), "project")
rejected(change("[name, priority, project]}", "[name, priority, projet]}"), "project")
rejected(change("that: record.amount > 0", "that: record.amont > 0"), "amount")
rejected(change("columns: [name, priority, state]", "columns: [name, prio, state]"), "priority")
rejected(change("update: \"record.state == 'open'\"", "update: \"record.state = 'open'\""), "")
rejected(change("initial: open", "initial: opened"), "open")
rejected(change("within: 2h", "within: two hours"), "within")
rejected(change("to: checked, roles", "to: chekced, roles"), "checked")
rejected(change("when: record.amount > 10", "when: record.__class__"), "")
rejected(change("group: priority}", "group: nothing}"), "")
rejected(change("{take: check, of: t, by: clerk}", "{take: chek, of: t, by: clerk}"), "check")


def test_definitions_that_cannot_be_taken(world, page_as: Callable[..., Page], watch) -> None:
    watch.expect("422")
    before, running = kept(world), world.app.definition
    page = page_as(world, "admin", path="/designer/upload")
    began = time.monotonic()
    for number, (source, said) in enumerate(some(REJECTED, 6), 1):
        _upload(page, f"file{number}.yaml", source)
        _is_told(page, f"file{number}.yaml", said)
        if number % 6 == 0 and page.locator(".rejected .source").count():
            _jumps(page)
    print(f"{number} of {len(REJECTED)} uploads in {time.monotonic() - began:.1f} s")
    assert len(REJECTED) == 30
    assert kept(world) == before
    assert isinstance(running, AppDefinition)
    assert running.hash == before[2] == hash_of(HUB)


def _upload(page: Page, name: str, source: str | bytes) -> None:
    raw = source.encode() if isinstance(source, str) else source
    page.set_input_files("#file", {"name": name, "mimeType": "application/yaml", "buffer": raw})
    page.get_by_role("button", name="检查", exact=True).click()
    expect(page.locator("#found-title")).to_contain_text(name)


def _is_told(page: Page, name: str, said: str) -> None:
    """Every mistake in Chinese, each with its line and column."""
    expect(page.locator("#found")).to_contain_text("没有任何改动")
    lines = page.locator(".rejected .told li")
    words = lines.all_inner_texts()
    assert words, name
    for each in words:
        place, _, sentence = each.partition("\n")
        line, _, column = place.partition(":")
        assert int(line) >= 1, each
        assert int(column) >= 1, each
        assert any("\u4e00" <= letter <= "\u9fff" for letter in sentence), each
    assert said in "\n".join(words), (name, words)


def _jumps(page: Page) -> None:
    """The place leads to the line, which is marked and seen."""
    link = page.locator(".rejected .told-line").first
    line = link.inner_text().partition(":")[0]
    link.click()
    target = page.locator(f".rejected #line-{line}")
    expect(target).to_be_in_viewport()
    expect(target).to_have_class("wrong")


def test_a_change_from_the_draft_to_the_history(world, page_as: Callable[..., Page]) -> None:
    page = page_as(world, "admin", path="/designer")
    _draft(page, world, change("within: 2h", "within: 4h"))
    expect(page.locator("#changes")).to_contain_text("表单“工单” › 状态“待处理”的预期时长由 2小时 改为 4小时")
    page.get_by_role("tab", name="逐行对照").click()
    expect(page.locator(".sides-row.is-changed")).to_have_count(1)
    expect(page.locator("#trial .pill-good")).to_be_visible(timeout=60_000)
    page.locator("#reason").fill("冬天慢一些")
    page.locator("#publish").get_by_role("button", name="发布").click()
    page.locator("#confirm [data-yes]").click()
    page.wait_for_url("**/designer/history**", timeout=60_000)
    expect(page.locator(".version").first).to_contain_text("冬天慢一些")
    expect(page.locator(".version").first).to_contain_text("现行")
    assert kept(world)[2] != hash_of(HUB)


def _draft(page: Page, world, text: str) -> None:
    page.goto(f"{world.url}/designer/upload")
    page.set_input_files("#file", {"name": "desk.yaml", "mimeType": "application/yaml", "buffer": text.encode()})
    page.get_by_role("button", name="检查", exact=True).click()
    page.wait_for_url("**/difference**")
