"""The whole life of an order in a real browser: everybody who has a hand in it, at a desk, on a phone, or outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from floor import Plug, looking_at, wait_until_kept
from order_world import ORDER_HUB, PDF, choose, in_days, open_step, press, ready, save_page, upload
from order_world import picture as photograph
from playwright.sync_api import Page, Playwright, expect
from story_book import TOLD, picture, written
from story_world import BOOK, PICTURES, Story

PHONE = {"width": 390, "height": 844}
STATES = ["待确认", "已收款", "备料中", "生产排程", "工序进度", "质检完成", "物流发运", "客户签收"]
LEFT_BY = ["王芳", "王芳", "吴磊", "赵敏", "孙强", "钱丽", "周经理", ""]


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


def sales_enters_the_order_and_it_is_frozen(story: Story) -> None:
    page = story.at("li", "/order/new")
    choose(page, "#f-customer", "苏州精工")
    page.locator("#f-customer_po").fill("PO-88121")
    page.locator("#f-due_on").fill(in_days(30))
    choose(page, "#f-lines-0-product", "HS-2050")
    page.locator("#f-lines-0-quantity").fill("200")
    page.locator("#f-lines-0-quantity").press("Tab")
    page.locator("#f-lines-0-price").fill("12.5")
    page.locator("[data-line=add]").click()
    choose(page, "#f-lines-1-product", "GR-0318")
    page.locator("#f-lines-1-quantity").fill("500")
    page.locator("#f-lines-1-quantity").press("Tab")  # the list price is taken
    expect(page.locator("#f-lines-1-price")).to_have_attribute("placeholder", "3.2000")
    expect(page.locator('[data-total="lines.amount"]')).to_have_text("¥4,100.00")
    story.shoot(page, "sales_enters_the_order")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("SO2")
    story.order = page.url.removeprefix(story.plug.url).split("?")[0]
    story.number = page.locator("h1").inner_text().strip()
    expect(page.locator("[data-state=frozen]").first).to_be_visible()
    expect(page.locator('[data-closed="release"]')).to_contain_text("由以下角色执行：财务")
    assert "由以下角色执行：财务" in story.refused_post(page, "release", {"_reason": "客户急要"})
    expect(page.locator(".path-aside")).to_contain_text("在途 ¥4,100.00 > 3 × ¥1,000.00")
    story.shoot(page, "credit_check_freezes_it")


def finance_sees_why_and_releases(story: Story) -> None:
    page = story.at("wang", "/notifications", language="en")
    expect(page.locator("main")).to_contain_text(f"Order {story.number} is frozen")
    story.shoot(page, "finance_is_told")
    page = story.at("wang", language="en")
    dialog = open_step(page, "release")
    press(dialog)
    expect(dialog.locator(".invalid-feedback")).to_be_visible()  # a reason is required
    dialog.locator("#f-_reason").fill("The general manager vouches for them; deposit is on its way")
    story.shoot(page, "finance_releases_with_a_reason")
    press(dialog)
    story.stands_at(page, "To confirm")
    why = page.locator('[data-closed="confirm_payment"]')
    expect(why).to_contain_text("Contract or confirmation")
    expect(why).to_contain_text("Less than 30 % is received and the rest exceeds the credit limit")
    refused = story.refused_post(page, "confirm_payment")
    assert "Contract or confirmation" in refused
    assert "Payment voucher" in refused


def sales_brings_contract_and_voucher(story: Story) -> None:
    page = story.at("li")
    page.locator('[data-closed="confirm_payment"] a[href$="#field-contract_file"]').click()
    ready(page)
    upload(page, "contract_file", "购销合同.pdf", PDF)
    save_page(page)
    expect(page.locator("#show-contract_file")).to_contain_text("购销合同.pdf")
    page.locator("section", has=page.locator("#show-voucher")).locator(".edit-jump").click()
    ready(page)
    upload(page, "voucher", "银行回单.pdf", PDF)
    story.shoot(page, "sales_brings_the_voucher")
    save_page(page)
    expect(page.locator("#show-voucher")).to_contain_text("银行回单.pdf")


def finance_confirms_and_approves(story: Story) -> None:
    page = story.at("wang", f"/receipt/new?order={story.id}", language="en")
    page.locator("#f-amount").fill("3200")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("RC2")
    press(open_step(page, "confirm"))
    expect(page.locator("[data-state=confirmed]").first).to_be_visible()
    page = story.at("wang", language="en")
    expect(page.locator("#show-received")).to_contain_text("3,200.00")
    press(open_step(page, "confirm_payment"))
    story.stands_at(page, "Paid")
    page.locator("section", has=page.locator("#show-finance_approved")).locator(".edit-jump").click()
    ready(page)
    page.locator("#f-finance_approved").check()
    save_page(page)
    story.stands_at(page, "Preparing")
    story.shoot(page, "finance_approves")


def purchasing_asks_for_quotes_and_orders(story: Story) -> None:
    page = story.at("chen", "/order?view=waiting")
    page.locator("a.open").first.click()
    ready(page)
    expect(page.locator("#show-amount")).to_have_count(0)
    expect(page.locator("#show-voucher")).to_have_count(0)
    page.locator("section", has=page.locator("#show-picking_list")).locator(".edit-jump").click()
    ready(page)
    upload(page, "picking_list", "备料清单.jpg", photograph(), "image/jpeg")
    save_page(page)
    story.stands_at(page, "备料中")
    story.shoot(page, "the_order_waits_for_resin")
    page.goto(f"{story.plug.url}/purchase_request/new?order={story.id}")
    choose(ready(page), "#f-product", "RAW-ABS")
    page.locator("#f-quantity").fill("40")
    page.locator("#f-needed_on").fill(in_days(7))
    save_page(page)
    expect(page.locator("h1")).to_contain_text("PR2")
    request = page.url.split("?")[0].rsplit("/", 1)[-1]
    story.quoted(int(request), story.things.other_supplier, "11.8", 4)
    page.goto(f"{story.plug.url}/quotation/new?request={request}")
    choose(ready(page), "#f-supplier", "华塑")
    expect(page.locator("#f-quantity")).to_have_value("40.000")  # follows from the request
    save_page(page)
    expect(page.locator("h1")).to_contain_text("RQ2")
    dialog = open_step(page, "answer")
    dialog.locator("#f-price").fill("10.9")
    dialog.locator("#f-promised_on").fill(in_days(6))
    press(dialog)
    expect(page.locator("[data-door=choose]").first).to_be_visible()
    quotation = page.url
    page.goto(f"{story.plug.url}/quotation")
    story.shoot(ready(page), "purchasing_compares_two_quotes")
    page.goto(quotation)
    press(open_step(ready(page), "choose"))
    expect(page.locator("[data-state=chosen]").first).to_be_visible()


def the_supplier_confirms_by_a_link(story: Story) -> None:
    page = story.at("chen", "/purchase/1")
    press(open_step(page, "send"))
    expect(page.locator("[data-state=sent]").first).to_be_visible()
    page.locator(".rec-more summary").click()
    page.get_by_text("外部访问").click()
    ready(page)
    page.get_by_role("button", name="生成链接").click()
    address = page.locator("[data-secret]").input_value()
    story.shoot(page, "purchasing_gives_the_supplier_a_link")

    supplier = story.outside(address, "zh")
    supplier.locator(".sign-in-card button").click()
    expect(supplier.locator("h1")).to_contain_text("PO2")
    story.shoot(supplier, "the_supplier_opens_it_on_the_phone")
    supplier.get_by_role("link", name="确认交期和数量").click()
    supplier.locator("#f-promised_on").fill(in_days(6))
    supplier.locator("#f-confirmed_quantity").fill("40")
    story.shoot(supplier, "the_supplier_confirms_the_date")
    supplier.locator("button[data-save]").click()
    expect(supplier.locator("main")).to_contain_text("供应商已确认")


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


def logistics_ships_and_quality_releases(story: Story) -> None:
    page = story.at("qian", size="phone")
    refused = story.refused_post(page, "release_goods", {"inspection_result": "passed"})
    assert "物流须先登记发货单" in refused
    assert "检验报告照片" in refused
    truck = story.at("zheng", f"/shipment/new?order={story.id}")
    truck.get_by_text("顺丰").click()
    truck.locator("#f-tracking").fill("SF1408123456789")
    choose(truck, "#f-lines-0-product", "HS-2050")
    truck.locator("#f-lines-0-quantity").fill("200")
    truck.locator("[data-line=add]").click()
    choose(truck, "#f-lines-1-product", "GR-0318")
    truck.locator("#f-lines-1-quantity").fill("500")
    save_page(truck)
    expect(truck.locator("h1")).to_contain_text("DN2")
    truck.goto(f"{truck.url.split('?')[0]}/print/delivery_note")
    expect(truck.locator("body")).to_contain_text("送货单 DN2")
    story.shoot(truck, "logistics_prints_the_delivery_note")
    truck = story.at("zheng")
    assert "由以下角色执行：质检" in story.refused_post(truck, "release_goods")
    truck.locator("section", has=truck.locator("#show-delivery_note")).locator(".edit-jump").click()
    upload(ready(truck), "delivery_note", "送货单.pdf", PDF)
    save_page(truck)
    expect(truck.locator("#show-delivery_note")).to_contain_text("送货单.pdf")

    page = story.at("qian", f"/inspection/new?order={story.id}", size="phone")
    page.locator("#f-sample").fill("20")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("QC2")
    page.goto(f"{story.plug.url}/tasks/pass_inspection")
    page.locator("form[data-ready]").wait_for()
    page.locator("[data-records] button, [data-records] a").first.click()
    page.locator("#f-photos").set_input_files({"name": "report.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    story.shoot(page, "quality_takes_a_photo")
    page.locator("[data-send]").click()
    expect(page.locator("[data-done-text]")).to_have_text("已保存")
    page = story.at("qian", size="phone")
    expect(page.locator("[data-state=shipped]").first).to_be_visible()


def the_customer_signs_on_the_phone(story: Story) -> None:
    page = story.at("li", "/customer/1/access")
    page.locator("#n-customers").fill("周经理")
    page.locator("#a-customers").fill("zhou@jinggong.example")
    page.get_by_role("button", name="显示链接").click()
    address = page.locator("[data-secret]").input_value()
    customer = story.outside(address, "zh")
    customer.locator("#password").fill("lanterns over the river")
    customer.locator(".sign-in-card button").click()
    expect(customer.locator(".outside-card")).to_have_count(1)
    story.shoot(customer, "the_customer_sees_the_eight_steps")
    customer.locator(".outside-card a").first.click()
    expect(customer.locator(".outside-steps li")).to_have_count(8)
    assert customer.evaluate("document.documentElement.scrollWidth") <= 390
    customer.get_by_role("link", name="客户签收").click()
    customer.locator("#f-signed_by").fill("周经理")
    customer.locator("button[data-save]").click()
    expect(customer.locator(".form-errors")).to_contain_text("签收签名")
    sign(customer)
    story.shoot(customer, "the_customer_signs")
    customer.locator("button[data-save]").click()
    expect(customer.locator(".outside-bar .badge")).to_have_text("客户签收")
    story.shoot(customer, "the_customer_has_signed")
    assert story.value("order", "state", int(story.id)) == "signed"
    assert customer.request.get(f"{story.plug.url}{story.order}", max_redirects=0).status in (302, 303, 401, 403, 404)


def sign(page: Page) -> None:
    pad = page.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 40 + step * 25, box["y"] + 60 + (step % 2) * 30)
    page.mouse.up()


def another_order_comes_back(story: Story) -> None:
    page = story.at("feng", f"/order/{story.things.other_order}")
    dialog = open_step(page, "send_back")
    dialog.locator("#f-return_reason").fill("颜色与样板不符，整批退回")
    press(dialog)
    expect(page.locator("[data-state=returned]").first).to_be_visible()
    story.shoot(page, "another_order_comes_back")
    page = story.at("lin", "/exception", size="phone", language="en")
    expect(page.locator("main")).to_contain_text("Returned")
    story.shoot(page, "the_return_waits_for_the_review")


def the_manager_finds_everything(story: Story) -> None:
    page = story.at("he", "/order?view=tower")
    expect(page.locator("main")).to_contain_text("退货")
    story.shoot(page, "the_manager_looks_from_the_tower")
    page.keyboard.press("Control+k")
    page.locator("#palette-input").fill(story.number)
    expect(page.locator("[data-exact]").first).to_be_visible()
    story.shoot(page, "typing_the_number_finds_it")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(story.number)
    everybody_is_in_the_story(story, ready(page))


def everybody_is_in_the_story(story: Story, page: Page) -> None:
    steps = page.locator(".path li")
    expect(steps).to_have_count(8)
    for place, (state, who) in enumerate(zip(STATES, LEFT_BY, strict=True)):
        expect(steps.nth(place)).to_contain_text(state)
        expect(steps.nth(place)).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d"))
        expect(steps.nth(place)).to_contain_text(who)
    story.shoot(page, "the_manager_opens_the_order")
    page.locator("#related").scroll_into_view_if_needed()
    expect(page.locator("#related")).to_contain_text("RC2")
    expect(page.locator("#show-signature img")).to_be_visible()
    page.evaluate("document.getElementById('story').scrollIntoView({behavior: 'instant'})")
    told = page.locator("#story-body .story")
    expect(told).to_be_visible()
    for name in ("李娜", "王芳", "陈刚", "吴磊", "赵敏", "孙强", "钱丽", "周经理"):
        expect(told).to_contain_text(name)
    story.shoot(page, "every_event_is_in_its_story")
