"""Rules built in the browser: by mouse, by keyboard, on a phone; the file says what was meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deep import DEEP
from playwright.sync_api import Page, expect
from test_accessibility import faults

from engine import service
from engine.load import load_text
from engine.people import load_actor
from engine.publishing import changes

APP = """\
app: workshop
label: {zh: 工坊, en: Workshop}
languages: [zh, en]
designers: [planner]
roles:
  planner: {label: {zh: 计划员, en: Planner}}
  finance: {label: {zh: 财务, en: Finance}}
  production: {label: {zh: 生产经理, en: Production manager}}
connections:
  post: {type: smtp, label: {zh: 邮局, en: Post}, host: 127.0.0.1, port: 9, sender: desk@example.com}
forms:
  order:
    label: {zh: 订单, en: Order}
    title: record.number
    fields:
      number: {type: text, label: {zh: 单号, en: Number}, required: true}
      voucher: {type: attachment, label: {zh: 付款凭证, en: Payment voucher}}
      approved: {type: boolean, label: {zh: 财务已审核, en: Finance approved}}
    permissions:
      planner: {create: true, read: true, update: true}
      finance: {read: true, update: true}
    workflow:
      initial: pending
      states:
        pending: {label: {zh: 待确认, en: Pending}}
        preparing: {label: {zh: 备料中, en: Preparing}}
        shipped: {label: {zh: 已发货, en: Shipped}, final: true}
      transitions:
        prepare: {label: {zh: 开始备料, en: Prepare}, from: [pending], to: preparing, roles: [planner]}
        ship: {label: {zh: 发货, en: Ship}, from: [preparing], to: shipped, roles: [planner]}
# What happens by itself.
rules:
  hello:
    label: {zh: 新订单, en: New order}
    trigger: {type: created, form: order}
    actions:
      - type: branch
        when: record.approved
        then: [{type: notify, to: [production], message: {zh: 可以开工, en: Go ahead}}]
      - {type: wait, for: 2h}
"""


@pytest.fixture
def served(serve: Callable[..., Any], tmp_path: Path) -> Any:
    path = tmp_path / "workshop.yaml"
    path.write_text(APP, encoding="utf-8")
    found = serve(path, people={"pia": ["planner"], "sun": ["production"]})
    with found.app.database.write() as conn:
        user = found.app.tables.user
        pia = conn.execute(user.select().with_only_columns(user.c.id).where(user.c.login == "pia")).scalar_one()
        made = changes.begin(conn, found.app.tables, title="规则", base=found.app.definition.hash, base_text=APP,
                             text=APP, by=pia, now=found.app.clock())  # fmt: skip
    with found.app.database.read() as conn:
        actor = load_actor(conn, found.app.tables, pia)
    service.save(found.app, actor, "order", {"number": "SO-1"})
    return found, made.id


def text_of(served: Any, draft: int) -> str:
    with served.app.database.read() as conn:
        return changes.find(conn, served.app.tables, draft).text


def rule_of(served: Any, draft: int, name: str) -> Any:
    return load_text(text_of(served, draft), served.app.registry).definition.rules[name]


SENTENCE = (
    "When anything about an Order changes, if State is “Pending” and Payment voucher is filled in and Finance approved: "
    "yes: take “Prepare”; then send Production manager the mail “Ready: ‹Number›” (through Post)."
)


def is_what_was_meant(page: Page, found: Any, draft: int) -> None:
    expect(page.locator(".rule-sentence [lang=en]")).to_contain_text(SENTENCE)
    expect(page.locator(".rule-sentence [lang=zh]")).to_contain_text("订单有任何变化时，如果状态为“待确认”且付款凭证已填写且")
    rule = rule_of(found, draft, "voucher_and_approval")
    assert (rule.trigger.type, rule.form) == ("changed", "order")
    take, mail = rule.actions
    assert (take.type, take.transition) == ("take", "prepare")
    assert (mail.type, mail.connection, mail.to) == ("mail", "post", ("production",))
    assert mail.subject.text("en") == "Ready: {{ record.number }}"
    assert text_of(found, draft).startswith(APP)  # nothing else was touched


# --- by mouse --------------------------------------------------------------------------------------------------------


def test_the_rule_of_voucher_and_approval_by_mouse(served: Any, page_as: Any) -> None:
    found, draft = served
    page = page_as(found, "pia", path=f"/designer/{draft}/rule", language="en")
    page.locator(".rule-side [data-new-rule]").click()
    page.get_by_label("What people call it").fill("Voucher and approval")
    page.locator("#new-rule-form").select_option("order")
    page.locator("#new-rule-trigger").select_option("changed")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/rule/voucher_and_approval")
    page.locator("#rule-when-begin").click()
    build_condition(page)

    page.locator("#rule-canvas .rule-add").first.click()
    page.locator("#pick-step [data-filter-types]").fill("transition")
    page.locator("#pick-step [data-pick=take]").click()
    expect(page.locator("#rule-panel [data-prop=transition] select")).to_have_value("prepare")
    page.locator("[data-step-palette] [data-add-kind=mail]").click()
    expect(page.locator(".rule-step")).to_have_count(3)
    write_mail(page)
    page.locator("#step-actions-0").hover()
    page.locator("#step-actions-0 [data-do=remove]").click()
    expect(page.locator(".rule-step")).to_have_count(2)
    is_what_was_meant(page, found, draft)


def build_condition(page: Page) -> None:
    """The first comparison is there already; the whole is opened as text and completed."""
    panel = page.locator("#rule-panel")
    expect(panel.locator("[data-cond] [data-left]")).to_have_value("record.state")
    panel.locator("[data-as-text]").click()
    box = panel.locator("textarea[data-kind=expression]")
    box.fill("record.state == 'pending' and record.voucher and record.approved")
    box.blur()
    expect(page.locator(".rule-sentence [lang=en]")).to_contain_text("is filled in and Finance approved: yes")


def write_mail(page: Page) -> None:
    panel = page.locator("#rule-panel")
    to = panel.locator("[data-prop=to]")
    to.locator("[data-part=add]").select_option("production")
    expect(to.locator(".chip")).to_have_count(2)
    to.get_by_label("Take out Planner").click()
    expect(to.locator(".chip")).to_have_count(1)
    for language, text in (("en", "Ready: {{ record.number }}"), ("zh", "可以备料：{{ record.number }}")):
        box = panel.locator(f"[data-prop=subject] [data-language={language}]")
        box.fill(text)
        box.blur()
    expect(page.locator(".rule-sentence [lang=zh]")).to_contain_text("可以备料：‹单号›")


def test_steps_are_dragged_into_branches_and_tried(served: Any, page_as: Any) -> None:
    found, draft = served
    page = page_as(found, "pia", path=f"/designer/{draft}/rule/hello", language="en")
    page.locator(".rule-lane[data-sorted]").first.wait_for()
    drag(page, "#step-actions-1 [data-grip]", ".rule-way.is-otherwise .rule-lane")
    expect(page.locator("#step-actions-0-otherwise-0")).to_contain_text("Wait 2 hours")
    assert [one.type for one in rule_of(found, draft, "hello").actions] == ["branch"]
    drag(page, "[data-step-palette] [data-kind=notify]", ".rule-way.is-otherwise .rule-lane")
    expect(page.locator("#step-actions-0-otherwise-1")).to_be_visible()
    page.locator("button[data-step=undo]").click()
    expect(page.locator("#step-actions-0-otherwise-1")).to_have_count(0)
    page.locator("#rule-try-open").click()
    page.locator("#rule-try-body form").wait_for()
    page.locator("#rule-try-body select[name=record]").evaluate("one => { one.value = '1'; }")
    page.locator("#rule-try-body form").get_by_role("button", name="Try", exact=True).click()
    expect(page.locator(".rule-outlook")).to_contain_text("It would do this:")
    expect(page.locator(".rule-outlook")).to_contain_text("Waits until")


def drag(page: Page, what: str, where: str) -> None:
    one, other = page.locator(what).first.bounding_box(), page.locator(where).first.bounding_box()
    assert one is not None
    assert other is not None
    x, y = other["x"] + other["width"] / 2, other["y"] + 6
    page.mouse.move(one["x"] + 8, one["y"] + 8)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=8)
    page.mouse.move(x, y, steps=8)
    page.wait_for_timeout(250)  # the list makes room in a moment
    page.mouse.move(x + 2, y + 1, steps=2)
    page.mouse.up()


# --- by keyboard -----------------------------------------------------------------------------------------------------


def test_the_rule_of_voucher_and_approval_by_keyboard(served: Any, page_as: Any) -> None:
    found, draft = served
    page = page_as(found, "pia", path=f"/designer/{draft}/rule", language="en")
    keys = page.keyboard
    reach(page, ".rule-new")
    keys.press("Enter")
    keys.type("Voucher and approval")
    reach(page, "#new-rule-trigger")
    keys.type("Anything")
    reach(page, "#new-rule [type=submit]")
    keys.press("Enter")
    page.wait_for_url("**/rule/voucher_and_approval")

    reach(page, "#rule-when-begin")
    keys.press("Enter")
    expect(page.locator("#rule-when")).to_be_focused()
    keys.press("Enter")
    reach(page, "#rule-panel [data-as-text]")
    keys.press("Enter")
    reach(page, "#rule-panel textarea[data-kind=expression]", back=False)
    keys.press("Control+a")
    keys.type("record.state == 'pending' and record.voucher and record.approved ")
    leave_panel(page)
    expect(page.locator("#rule-when")).to_be_focused()
    expect(page.locator(".rule-sentence [lang=en]")).to_contain_text("Payment voucher is filled in and")

    keys.press("ArrowDown")
    expect(page.locator("#step-actions-0")).to_be_focused()
    keys.press("a")
    keys.type("transition")
    keys.press("Enter")
    expect(page.locator("#step-actions-1")).to_be_focused()
    keys.press("Alt+ArrowUp")
    expect(page.locator("#step-actions-0")).to_be_focused()
    expect(page.locator("#step-actions-0")).to_contain_text("Take “Prepare”")
    keys.press("a")
    keys.type("e-mail")
    keys.press("Enter")
    expect(page.locator("#step-actions-1")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Delete")
    expect(page.locator(".rule-step")).to_have_count(2)
    expect(page.locator("#step-actions-1")).to_be_focused()
    keys.press("Enter")
    reach(page, "#rule-panel [data-prop=to] [data-drop]")
    reach(page, "#rule-panel [data-prop=to] [data-part=add]")
    keys.type("Production")
    expect(page.locator("#rule-panel [data-prop=to] .chip")).to_have_count(2)
    reach(page, "#rule-panel [data-prop=to] [data-drop='0']", back=True)
    keys.press("Enter")
    expect(page.locator("#rule-panel [data-prop=to] .chip")).to_have_count(1)
    reach(page, "#rule-panel [data-prop=subject] [data-language=en]")
    keys.press("Control+a")
    keys.type("Ready: {{ record.number }}")
    leave_panel(page)
    is_what_was_meant(page, found, draft)


def leave_panel(page: Page) -> None:
    """Esc closes what is offered while typing, then leads back to the block."""
    for _ in range(3):
        if page.evaluate("!document.activeElement.closest('#rule-panel')"):
            return
        page.keyboard.press("Escape")


def reach(page: Page, where: str, back: bool = False) -> None:
    """By Tab alone."""
    wanted = page.locator(where).first
    wanted.wait_for()
    for _ in range(90):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"{where} is not reached")


# --- on a phone, and for everybody -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["phone", "desktop"] if DEEP else ["phone"])
def test_nothing_keeps_people_out_and_nothing_is_cut_off(served: Any, page_as: Any, size: str) -> None:
    found, draft = served
    page = page_as(found, "pia", path=f"/designer/{draft}/rule/hello", language="zh", size=size)
    page.locator("#step-actions-0").wait_for()
    assert not faults(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("#rule-try-open").click()
    page.locator("#rule-try-body form").wait_for()
    assert not faults(page)
