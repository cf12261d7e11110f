"""The whole life of an order in a real browser: everybody who has a hand in it, at a desk, on a phone, or outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from floor import Plug, looking_at, wait_until_kept
from order_world import ORDER_HUB, choose, in_days, open_step, press, ready, save_page, upload
from order_world import picture as photograph
from playwright.sync_api import Page, Playwright, expect
from story_begins import (
    finance_confirms_and_approves,
    finance_sees_why_and_releases,
    purchasing_asks_for_quotes_and_orders,
    sales_brings_contract_and_voucher,
    sales_enters_the_order_and_it_is_frozen,
    the_supplier_confirms_by_a_link,
)
from story_book import TOLD, picture, written
from story_ends import (
    another_order_comes_back,
    logistics_ships_and_quality_releases,
    the_customer_signs_on_the_phone,
    the_manager_finds_everything,
)
from story_people import BOOK, PICTURES, Story

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def story(serve: Any, page_as: Any, open_page: Any) -> Iterator[Story]:
    served = serve(ORDER_HUB)
    plug = Plug(served)
    made = Story(served, plug, page_as, open_page)
    yield made
    if made.camera:
        made.camera.close()
    plug.pull()


def test_an_order_from_entry_to_signature(
    story: Story, watch: Any, playwright: Playwright, tmp_path: Path, session_of: Any
) -> None:
    watch.expect("422", "409", "ERR_", "Failed to load")
    sales_enters_the_order_and_it_is_frozen(story)
    finance_sees_why_and_releases(story)
    sales_brings_contract_and_voucher(story)
    finance_confirms_and_approves(story)
    purchasing_asks_for_quotes_and_orders(story)
    the_supplier_confirms_by_a_link(story)
    planner = story.at("zhao", "/order?view=tower")
    the_warehouse_scans_what_came(story, planner, a_camera(story, watch, playwright, tmp_path, session_of))
    planning_schedules(story, planner)
    a_worker_reports_while_the_server_is_down(story)
    the_workshop_approves_on_the_phone(story)
    a_change_after_the_start_is_approved(story)
    the_workshop_sends_to_inspection(story)
    logistics_ships_and_quality_releases(story)
    the_customer_signs_on_the_phone(story)
    another_order_comes_back(story)
    the_manager_finds_everything(story)
    story.finish_book()


def test_the_book_is_the_story() -> None:
    assert BOOK.read_text(encoding="utf-8") == written(), "STORY=1 pytest tests/browser/test_whole_story.py writes it"
    pictures = list(PICTURES.iterdir())
    assert sorted(one.name for one in pictures) == sorted(picture(name) for name in TOLD)
    assert sum(one.stat().st_size for one in pictures) < 3_000_000


def a_camera(story: Story, watch: Any, playwright: Playwright, folder: Path, session_of: Any) -> Page:
    """The telephone of the warehouse: its camera looks at the code on the supplier's pallet."""
    number = story.value("purchase", "number")
    story.camera = looking_at(playwright, number, folder)
    context = story.camera.new_context(
        viewport=PHONE,
        is_mobile=True,
        has_touch=True,
        permissions=["camera"],
        locale="en-US",
        timezone_id="Asia/Shanghai",
    )
    context.add_cookies([{"name": "appmill", "value": session_of(story.served, "wu"), "url": story.plug.url}])
    page = story.pages["wu", "phone"] = context.new_page()
    page.set_default_timeout(10_000)
    watch.follow(page, story.plug.url)
    return page


def the_warehouse_scans_what_came(story: Story, planner: Page, page: Page) -> None:
    row = planner.locator(f"tr#r{story.id}")
    expect(row).to_contain_text("备料中")
    expect(row).to_contain_text("缺料")
    story.shoot(planner, "the_planner_sees_it_wait")
    story.at("wu", size="phone")
    expect(page.locator("#show-amount")).to_have_count(0)
    expect(page.locator('[data-closed="material_ready"]')).to_contain_text("Some material is still missing")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{story.plug.url}/goods_receipt/new")
    ready(page)
    page.locator("[data-field=purchase] .scan-field").click()
    expect(page.locator("#scanner")).to_be_visible()
    page.wait_for_function("() => !scanner.open || scanner.querySelector('video').currentTime > 0")
    story.shoot(page, "the_warehouse_scans_the_pallet", at_once=True)
    expect(page.locator("[data-field=purchase] input[role=combobox], #f-purchase").first).to_have_value(
        re.compile("PO2|1"), timeout=15_000
    )
    choose(page, "#f-lines-0-product", "RAW-ABS")
    page.locator("#f-lines-0-lot").fill("H2611-7")
    choose(page, "#f-lines-0-location", "A1-03")
    page.locator("#f-lines-0-quantity").fill("40")
    upload(page, "photo", "pallet.jpg", photograph(), "image/jpeg")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("GR2")
    press(open_step(page, "post", ".rec-phone-bar"))
    expect(page.locator("[data-state=posted]").first).to_be_visible()
    story.shoot(page, "the_receipt_is_posted")
    expect(row).to_contain_text("生产排程", timeout=10_000)  # nobody reloaded the planner's screen
    story.shoot(planner, "the_planner_sees_it_queued")


def planning_schedules(story: Story, page: Page) -> None:
    page.locator(f"tr#r{story.id} a.open").click()
    ready(page)
    dialog = open_step(page, "release_schedule")
    choose(page, "dialog #f-line", "二号线")
    dialog.locator("#f-planned_start").fill(in_days(6))
    dialog.locator("#f-planned_end").fill(in_days(2))
    press(dialog)
    expect(dialog.locator(".form-errors")).to_contain_text("计划完工不能早于计划开工")
    dialog.locator("#f-planned_end").fill(in_days(12))
    story.shoot(page, "planning_schedules")
    press(dialog)
    story.stands_at(page, "工序进度")


def a_worker_reports_while_the_server_is_down(story: Story) -> None:
    page = story.at("ma", "/tasks", size="phone")
    story.shoot(page, "the_worker_has_large_buttons")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    wait_until_kept(page, {"/tasks", "/tasks/waiting", "/tasks/report_work", "/tasks/report_work/data"})
    story.plug.pull()
    reported(story, page, "HS-2050", 200, scrap=3)
    reported(story, page, "GR-0318", 500)
    page.go_back()  # whatever people press
    other = page.context.new_page()
    other.goto(f"{story.plug.url}/tasks/waiting")
    expect(other.locator("[data-queue] li")).to_have_count(2)
    other.reload()
    expect(other.locator("[data-queue] li")).to_have_count(2)
    story.shoot(other, "the_server_is_down_and_work_waits")
    story.plug.put_back()
    for one in (page, other, page):
        one.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(other.locator("[data-queue-empty]")).to_be_visible()
    assert story.values("work_report", "good") == [200, 500]
    other.close()


def reported(story: Story, page: Page, product: str, good: int, scrap: int = 0) -> None:
    page.goto(f"{story.plug.url}/tasks/report_work", timeout=30_000)
    page.locator("form[data-ready]").wait_for()
    job = page.locator("[data-task-field=job]")
    job.locator("[data-lookup]").fill("JB2")
    job.locator("[data-options] > *").nth(0 if product == "HS-2050" else 1).click()
    machine = page.locator("[data-task-field=machine]")
    machine.locator("[data-lookup]").fill("M01")
    machine.locator("[data-options] > *").first.click()
    page.locator("#f-good").fill(str(good))
    page.locator("#f-minutes").fill("180")
    if scrap:
        page.locator("#f-scrap").fill(str(scrap))
        page.locator("#f-scrap").press("Tab")
        page.get_by_text("飞边").click()
        page.locator("#f-photo").set_input_files(
            {"name": "flash.jpg", "mimeType": "image/jpeg", "buffer": photograph()}
        )
        story.shoot(page, "the_worker_reports_scrap_with_a_photo")
    page.locator("[data-send]").click()
    expect(page.locator("[data-done-text]")).to_contain_text("已保存在本机")


def the_workshop_approves_on_the_phone(story: Story) -> None:
    page = story.at("sun", "/tasks/approve_work", size="phone")
    approved(page)
    assert "完工数量还不够" in story.refused_post(
        story.at("sun", size="phone"), "finish_production", {"produced": "200"}
    )
    story.at("sun", "/tasks/approve_work", size="phone")
    story.shoot(page, "the_workshop_approves_reports")
    approved(page)
    page = story.at("sun", size="phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def approved(page: Page) -> None:
    page.locator("form[data-ready]").wait_for()
    page.locator("[data-records] button, [data-records] a").first.click()
    page.locator("[data-send]").click()
    expect(page.locator("[data-done-text]")).to_have_text("已保存")


def a_change_after_the_start_is_approved(story: Story) -> None:
    page = story.at("li", f"/order_change/new?order={story.id}")
    page.locator("[data-field=what]").get_by_text("交期").click()
    page.locator("#f-new_due_on").fill(in_days(25))
    page.locator("#f-why").fill("客户提前开线，要求早五天到货")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("CO2")
    story.shoot(page, "sales_asks_for_a_change")
    page = story.at("lin", "/approvals", size="phone", language="en")
    page.locator("[data-approval] .btn-primary").first.click()
    ready(page)
    expect(page.locator("main")).to_contain_text("360")  # minutes worked already
    story.shoot(page, "the_director_sees_what_it_costs")
    page.locator(".approval-yes button").click()
    ready(page)
    story.go_on()
    page = story.at("li")
    expect(page.locator("#show-due_on")).to_contain_text(in_days(25))


def the_workshop_sends_to_inspection(story: Story) -> None:
    page = story.at("sun", size="phone")
    dialog = open_step(page, "finish_production", ".rec-phone-bar")
    expect(dialog.locator("#f-produced")).to_have_value("700")
    press(dialog)
    expect(page.locator("[data-state=inspected]").first).to_be_visible()
