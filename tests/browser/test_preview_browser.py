"""The preview in a real browser: an edit of the draft is seen on the phone, as somebody else, without a reload."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from order_world import ORDER_HUB, stock
from playwright.sync_api import FrameLocator, Page, expect

from designer.preview.worlds import worlds_over
from engine.api import save, system_actor
from engine.publishing import changes

RUN = """async ([operation, given]) => {
  const source = document.querySelector('script[src*="js/designer/workspace.js"]').src;
  return (await import(source)).run(operation, given);
}"""
Start = Callable[..., Any]


@pytest.fixture
def hub(serve: Start) -> Any:
    served = serve(ORDER_HUB)
    ready = stock(served.app)
    lines = [{"product": ready.housing, "quantity": "100", "price": "12.5"}]
    save(served.app, system_actor("setup"), "order", {
        "customer": ready.customer, "sales_person": ready.people["li"], "due_on": "2030-01-31", "lines": lines,
    })  # fmt: skip
    yield served
    worlds_over(served.app).close()


@pytest.fixture
def draft(hub: Any) -> int:
    """The id of a draft of the hub, of its administrator."""
    app, text = hub.app, ORDER_HUB.read_text()
    with app.database.write() as conn:
        user = app.tables.user
        author = conn.execute(user.select().with_only_columns(user.c.id).where(user.c.login == "admin")).scalar_one()
        began = changes.begin(
            conn, app.tables, title="A change", base=app.definition.hash, base_text=text, text=text, by=author,
            now=app.clock(),
        )  # fmt: skip
    return began.id


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe.preview-view:not(.is-waiting)")


def change(page: Page, operation: str, **given: Any) -> None:
    assert page.evaluate(RUN, [operation, given])


def test_an_edit_is_seen_on_the_phone_as_another_role(hub: Any, draft: int, page_as: Start) -> None:
    page = page_as(hub, "admin", path=f"/designer/{draft}/preview?what=new:order&who=sales&device=phone", language="en")
    view = inside(page)
    expect(view.locator("html[data-ready] h1")).to_have_text("New Order")
    expect(view.locator("[data-field=due_on] label")).to_contain_text("Due on")
    began = time.perf_counter()
    change(page, "set", path=["forms", "order", "fields", "due_on", "label", "en"], value="Wanted by")
    expect(inside(page).locator("[data-field=due_on] label")).to_contain_text("Wanted by")
    print(f"\nseen {time.perf_counter() - began:.2f} s after the edit")
    assert page.locator("iframe.preview-view").count() == 1
    box = page.locator("iframe.preview-view").bounding_box()
    assert box is not None
    assert round(box["width"]) == 390
    change(page, "set", path=["forms", "order", "fields", "priority", "visible_when"], value="record.channel == 'amazon'")
    expect(inside(page).locator("[data-field=priority]")).to_be_hidden()
    inside(page).locator("[data-field=channel]").get_by_text("Amazon").click()
    expect(inside(page).locator("[data-field=priority]")).to_be_visible()  # the live refresh asks the preview
    assert "Wanted by" not in page.request.get(f"{hub.url}/order/new").text()


def test_saving_in_the_preview_says_what_is_wrong_and_saves_nothing(hub: Any, draft: int, page_as: Start, watch: Any) -> None:
    watch.expect("422")
    page = page_as(hub, "admin", path=f"/designer/{draft}/preview?what=record:order&who=@1&device=desktop", language="en")
    page.locator("[name=who]").select_option(label="李娜")
    expect(page.locator("iframe.preview-view")).to_have_count(1)  # hers has taken the place of the former
    view = inside(page)
    expect(view.locator("h1")).to_contain_text("SO")
    view.locator("header a", has_text="Edit").click()
    form = view.locator("form.record-form")
    form.locator("[data-field=due_on] input").fill("2001-01-01")
    form.get_by_role("button", name="Save").click()
    expect(inside(page).locator(".form-errors")).to_contain_text("The due date cannot be before the order date")
    inside(page).locator("form.record-form [data-field=due_on] input").fill("2031-05-06")
    inside(page).locator("form.record-form").get_by_role("button", name="Save").click()
    expect(inside(page).locator(".toast-note")).to_contain_text("would have been saved. Nothing was.")
    expect(inside(page).locator("[data-field=due_on] input")).to_have_value("2031-05-06")
    assert "2031" not in page.request.get(f"{hub.url}/order/1").text()


def test_choices_lead_to_records_in_states_and_remember_themselves(hub: Any, draft: int, page_as: Start) -> None:
    page = page_as(hub, "admin", path=f"/designer/{draft}/preview", language="en")
    page.locator("[name=what]").select_option("record:order")
    page.locator("[name=who]").select_option("quality")
    page.locator("[name=state]").select_option(label="In production")
    expect(inside(page).locator("[data-state]")).to_have_text("In production")
    page.locator(".preview-dark").click()
    expect(inside(page).locator("html[data-theme=dark]")).to_be_attached()
    page.reload()
    expect(inside(page).locator("html[data-theme=dark] [data-state]")).to_have_text("In production")
    assert page.evaluate("document.cookie").count("theme=light") == 1


def test_it_is_a_panel_of_other_screens(hub: Any, draft: int, page_as: Start) -> None:
    page = page_as(hub, "admin", path=f"/designer/{draft}/yaml", language="en", size="phone")
    page.evaluate("""async (draft) => {
      const source = document.querySelector('script[src*="js/designer/workspace.js"]').src;
      const { startPreviews } = await import(new URL("preview.js", source).href);
      const place = Object.assign(document.createElement("div"), { id: "beside" });
      place.dataset.preview = `/designer/${draft}/preview/panel?what=list:order`;
      document.getElementById("designer-canvas").append(place);
      startPreviews();
    }""", draft)  # fmt: skip
    expect(page.frame_locator("#beside iframe").locator("h1")).to_have_text("Orders")
    change(page, "set", path=["forms", "order", "plural", "en"], value="Jobs")
    expect(page.frame_locator("#beside iframe:not(.is-waiting)").locator("h1")).to_have_text("Jobs")
