"""The whole story from the truck on: shipped, released, signed for; another order comes back; the manager looks."""

from __future__ import annotations

import re

from order_world import PDF, choose, open_step, press, ready, save_page, upload
from order_world import picture as photograph
from playwright.sync_api import Page, expect
from story_people import Story

STATES = ["待确认", "已收款", "备料中", "生产排程", "工序进度", "质检完成", "物流发运", "客户签收"]
LEFT_BY = ["王芳", "王芳", "吴磊", "赵敏", "孙强", "钱丽", "周经理", ""]


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
