"""An order from 待确认 to 客户签收 in a real browser: nine people, one after the other, and every refusal says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from order_world import (
    ORDER_HUB,
    PDF,
    Stock,
    choose,
    in_days,
    open_step,
    picture,
    press,
    ready,
    save_page,
    stock,
    upload,
)
from playwright.sync_api import Page, expect

from engine.api import adopt, system_actor

STATES = ["待确认", "已收款", "备料中", "生产排程", "工序进度", "质检完成", "物流发运", "客户签收"]

LEFT_BY = ["王芳", "陈刚", "吴磊", "赵敏", "孙强", "钱丽", "冯静", ""]


class Story:
    """One order, and whoever is at the keyboard. ``at(login)`` signs the next person in and opens the order."""

    def __init__(self, served: Any, page_as: Callable[..., Page], things: Stock, shots: Path) -> None:
        self.served, self.page_as, self.things, self.shots = served, page_as, things, shots
        self.path = ""
        self.number = 0
        self.pages: dict[str, Page] = {}

    def at(self, login: str) -> Page:
        if login not in self.pages:
            self.pages[login] = self.page_as(self.served, login)
        page = self.pages[login]
        page.goto(self.served.url + (self.path or "/"))
        return ready(page)

    def shoot(self, page: Page, name: str) -> None:
        self.number += 1
        page.screenshot(path=self.shots / f"{self.number:02d}_{name}.png")

    def stands_at(self, page: Page, state: str) -> None:
        expect(page.locator(".path .now")).to_contain_text(state)

    def refused_post(self, page: Page, transition: str, form: dict[str, Any] | None = None) -> str:
        """What the server answers to somebody who posts a step past the page; never a success."""
        token = page.locator("input[name=csrf_token]").first.get_attribute("value")
        address = f"{self.served.url}{self.path}/take/{transition}"
        answer = page.request.post(address, form={"csrf_token": token or "", **(form or {})}, max_redirects=0)
        assert answer.status in (403, 409, 422), (answer.status, answer.text()[:2000])
        return answer.text()


@pytest.fixture
def story(serve: Any, page_as: Any, tmp_path: Path) -> Story:
    served = serve(ORDER_HUB)
    return Story(served, page_as, stock(served.app), tmp_path)


def test_an_order_is_signed_for_after_eight_desks(story: Story, watch: Any) -> None:
    watch.expect("422", "409")
    sales_enters_the_order(story)
    finance_is_refused_twice_then_confirms(story)
    purchasing_begins(story)
    warehouse_brings_the_picking_list(story)
    planning_schedules(story)
    workshop_cannot_send_too_little(story)
    quality_waits_for_the_shipment_logistics_records(story)
    customer_service_has_it_signed(story)
    everybody_is_in_the_story(story)


def sales_enters_the_order(story: Story) -> None:
    page = story.at("li")
    page.goto(f"{story.served.url}/order/new")
    ready(page)
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
    page.locator("#f-lines-1-price").fill("3.2")
    page.locator("#f-lines-1-price").press("Tab")
    expect(page.locator('[data-total="lines.amount"]')).to_have_text("¥4,100.00")
    story.shoot(page, "new_order")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("SO2")
    story.path = page.url.removeprefix(story.served.url).split("?")[0]
    story.stands_at(page, "待确认")
    story.shoot(page, "order_pending")
    expect(page.locator("[data-door=confirm_payment]")).to_have_count(0)
    why = page.locator('[data-closed="confirm_payment"]')
    expect(why).to_contain_text("由以下角色执行：财务")
    assert "由以下角色执行：财务" in story.refused_post(page, "confirm_payment")


def finance_is_refused_twice_then_confirms(story: Story) -> None:
    page = story.at("wang")
    expect(page.locator("[data-door=confirm_payment]")).to_have_count(0)
    why = page.locator('[data-closed="confirm_payment"]')
    expect(why).to_contain_text("合同或订单确认")
    expect(why).to_contain_text("预付款不足 30%，且超出客户信用额度")
    expect(why).to_contain_text("¥4,100.00")
    story.shoot(page, "finance_why_not")
    assert "合同或订单确认" in story.refused_post(page, "confirm_payment")

    sales = story.at("li")
    sales.locator('[data-closed="confirm_payment"] a[href$="#field-contract_file"]').click()
    ready(sales)
    upload(sales, "contract_file", "购销合同.pdf", PDF)
    save_page(sales)
    expect(sales.locator("#show-contract_file")).to_contain_text("购销合同.pdf")

    page = story.at("wang")
    page.goto(f"{story.served.url}/receipt/new?order={story.path.rsplit('/', 1)[-1]}")
    ready(page)
    if not page.locator("#f-order").input_value().startswith("SO"):
        choose(page, "#f-order", "SO2")
    page.locator("#f-amount").fill("1500")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("RC2")
    press(open_step(page, "confirm"))
    expect(page.locator("[data-state=confirmed]").first).to_be_visible()

    page = story.at("wang")
    expect(page.locator("#show-received")).to_contain_text("¥1,500.00")
    dialog = open_step(page, "confirm_payment")
    press(dialog)
    expect(dialog.locator(".form-errors")).to_contain_text("付款凭证")
    story.shoot(page, "finance_dialog_refused")
    upload(dialog, "voucher", "银行回单.pdf", PDF)
    press(dialog)
    story.stands_at(page, "已收款")


def purchasing_begins(story: Story) -> None:
    page = story.at("chen")
    expect(page.locator("#show-amount")).to_have_count(0)
    expect(page.locator("#show-voucher")).to_have_count(0)
    press(open_step(page, "start_preparing"))
    story.stands_at(page, "备料中")


def warehouse_brings_the_picking_list(story: Story) -> None:
    page = story.at("wu")
    dialog = open_step(page, "material_ready")
    press(dialog)
    expect(dialog.locator(".form-errors")).to_contain_text("备料清单")
    upload(dialog, "picking_list", "备料清单.jpg", picture(), "image/jpeg")
    press(dialog)
    story.stands_at(page, "生产排程")


def planning_schedules(story: Story) -> None:
    page = story.at("zhao")
    dialog = open_step(page, "release_schedule")
    dialog.get_by_text("二号线").click()
    dialog.locator("#f-planned_start").fill(in_days(6))
    dialog.locator("#f-planned_end").fill(in_days(2))
    press(dialog)
    expect(dialog.locator(".form-errors")).to_contain_text("计划完工不能早于计划开工")
    dialog.locator("#f-planned_end").fill(in_days(12))
    story.shoot(page, "planner_dialog")
    press(dialog)
    story.stands_at(page, "工序进度")


def workshop_cannot_send_too_little(story: Story) -> None:
    page = story.at("sun")
    dialog = open_step(page, "finish_production")
    dialog.locator("#f-produced").fill("650")
    press(dialog)
    errors = dialog.locator(".form-errors")
    expect(errors).to_contain_text("完工数量还不够")
    expect(errors).to_contain_text("650")
    expect(errors).to_contain_text("700")
    story.shoot(page, "workshop_guard")
    dialog.locator("#f-produced").fill("700")
    press(dialog)
    story.stands_at(page, "质检完成")


def quality_waits_for_the_shipment_logistics_records(story: Story) -> None:
    page = story.at("qian")
    expect(page.locator('[data-closed="release_goods"], [data-door="release_goods"]').first).to_be_visible()
    refused = story.refused_post(page, "release_goods", {"inspection_result": "passed"})
    assert "检验须合格，且物流须先登记发货单" in refused
    assert "检验报告照片" in refused

    truck = story.at("zheng")
    expect(truck.locator("[data-door=release_goods]")).to_have_count(0)
    assert "由以下角色执行：质检" in story.refused_post(truck, "release_goods")
    truck.goto(f"{story.served.url}/shipment/new?order={story.path.rsplit('/', 1)[-1]}")
    ready(truck)
    if not truck.locator("#f-order").input_value().startswith("SO"):
        choose(truck, "#f-order", "SO2")
    truck.get_by_text("顺丰").click()
    truck.locator("#f-tracking").fill("SF1408123456789")
    choose(truck, "#f-lines-0-product", "HS-2050")
    truck.locator("#f-lines-0-quantity").fill("200")
    truck.locator("[data-line=add]").click()
    choose(truck, "#f-lines-1-product", "GR-0318")
    truck.locator("#f-lines-1-quantity").fill("500")
    story.shoot(truck, "shipment")
    save_page(truck)
    expect(truck.locator("h1")).to_contain_text("DN2")

    page = story.at("qian")
    dialog = open_step(page, "release_goods")
    dialog.get_by_text("合格", exact=True).click()
    upload(dialog, "inspection_report", "检验报告.jpg", picture(), "image/jpeg")
    press(dialog)
    story.stands_at(page, "物流发运")


def customer_service_has_it_signed(story: Story) -> None:
    page = story.at("feng")
    dialog = open_step(page, "sign")
    upload(dialog, "delivery_note", "送货单.pdf", PDF)
    dialog.locator("#f-signed_by").fill("周经理")
    press(dialog)
    expect(dialog.locator(".form-errors")).to_contain_text("签收签名")
    pad = dialog.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 60 + step * 25, box["y"] + 60 + (step % 2) * 30)
    page.mouse.up()
    story.shoot(page, "signature")
    press(dialog)
    expect(page.locator("[data-state=signed]").first).to_be_visible()


def everybody_is_in_the_story(story: Story) -> None:
    page = story.at("he")
    steps = page.locator(".path li")
    expect(steps).to_have_count(8)
    for place, (state, who) in enumerate(zip(STATES, LEFT_BY, strict=True)):
        expect(steps.nth(place)).to_contain_text(state)
        expect(steps.nth(place)).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d"))
        expect(steps.nth(place)).to_contain_text(who)
    page.locator("#story").scroll_into_view_if_needed()
    told = page.locator("#story-body .story")
    expect(told).to_be_visible()
    for name in ["李娜", "王芳", "陈刚", "吴磊", "赵敏", "孙强", "钱丽", "冯静"]:
        expect(told).to_contain_text(name)
    page.locator("#related").scroll_into_view_if_needed()
    expect(page.locator("#related")).to_contain_text("RC2")
    page.locator("#related").get_by_text("发货单").click()
    expect(page.locator("#related")).to_contain_text("DN2")
    expect(page.locator("#show-signature img")).to_be_visible()
    story.shoot(page, "signed")
    with story.served.app.database.read() as conn:
        kept = conn.exec_driver_sql('SELECT state, version FROM "order"').fetchall()
    assert [row[0] for row in kept] == ["signed"]


def test_the_warehouse_works_on_a_phone_in_english(story: Story, watch: Any) -> None:
    watch.expect("422")
    app, things = story.served.app, story.things
    adopt(
        app, system_actor("setup"), "order",
        {"customer": things.customer, "sales_person": things.people["li"], "due_on": in_days(20),
         "lines": [{"product": things.gear, "quantity": 40, "price": "3.2"}]},
        state="preparing",
    )  # fmt: skip
    page = story.page_as(story.served, "wu", size="phone", language="en")
    story.shoot(page, "phone_home")
    page.goto(f"{story.served.url}/order")
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    story.shoot(page, "phone_list")
    page.get_by_text("SO2").first.click()
    expect(page.locator("h1")).to_contain_text("SO2")
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    story.shoot(page, "phone_record")
    expect(page.locator("#show-amount")).to_have_count(0)
    dialog = open_step(page, "material_ready", ".rec-phone-bar")
    press(dialog)
    expect(dialog.locator(".form-errors")).to_contain_text("Picking list")
    upload(dialog, "picking_list", "picking.jpg", picture(), "image/jpeg")
    story.shoot(page, "phone_dialog")
    press(dialog)
    expect(page.locator("[data-state=scheduled]").first).to_be_visible()
