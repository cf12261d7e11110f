"""The whole story at the desks: an order is entered, frozen, released, paid, and its material bought."""

from __future__ import annotations

from order_world import PDF, choose, in_days, open_step, press, ready, save_page, upload
from order_world import picture as photograph
from playwright.sync_api import expect
from story_people import Story


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
