"""What somebody typed outlives a session that ends, a connection that breaks off and a server that fails."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from engine import service
from engine.demo import PASSWORD
from engine.people import Actor

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))
from form_world import YAML

LI = Actor(id=1, login="li", name="Li", roles=frozenset({"agent"}), language="en")


@pytest.fixture
def served(serve: Callable[..., Any], tmp_path: Path) -> Any:
    file = tmp_path / "tickets.yaml"
    file.write_text(YAML, encoding="utf-8")
    started = serve(file, people={"li": ["agent"]})
    with started.app.database.write() as conn:
        conn.execute(started.app.tables.user.update().values(language="en"))
    return started


@pytest.fixture
def page(served: Any, page_as: Callable[..., Page]) -> Page:
    return page_as(served, "li", language="en")


def end_sessions(served: Any) -> None:
    with served.app.database.write() as conn:
        conn.execute(sa.delete(served.app.tables.session))


def subjects(served: Any) -> list[str]:
    with served.app.database.read() as conn:
        return list(conn.scalars(sa.select(served.app.tables.form["ticket"].c.subject)))


def begin(served: Any, page: Page) -> None:
    page.goto(f"{served.url}/ticket/new")
    page.locator("html[data-ready]").wait_for()
    page.fill("[name=subject]", "Typed with care")
    page.fill("[name=due_on]", "2026-12-10")


def sign_in_again(page: Page, password: str = PASSWORD) -> None:
    dialog = page.locator("dialog.sign-in-again")
    dialog.locator("[name=login]").fill("li")
    dialog.locator("[name=password]").fill(password)
    dialog.locator("button.btn-primary").click()


@pytest.mark.parametrize("forget", [False, True], ids=["session ended", "cookie gone"])
def test_saving_after_the_session_ended_asks_for_the_password_and_saves(
    served: Any, page: Page, watch: Any, forget: bool
) -> None:
    watch.expect("401")
    begin(served, page)
    end_sessions(served)
    if forget:
        page.context.clear_cookies(name="appmill")
    page.keyboard.press("Control+s")
    expect(page.locator("dialog.sign-in-again")).to_contain_text("What you typed is still here")
    sign_in_again(page, "not the password")
    expect(page.locator("dialog.sign-in-again [role=alert]")).to_have_text(
        "The sign-in name or the password is not right."
    )
    sign_in_again(page)
    page.wait_for_url(f"{served.url}/ticket/1")
    assert subjects(served) == ["Typed with care"]


def test_a_comment_is_still_there_after_signing_in_again(served: Any, page: Page, watch: Any) -> None:
    watch.expect("401")
    record = service.save(served.app, LI, "ticket", {"subject": "Pump", "due_on": "2026-12-10"}).id
    page.goto(f"{served.url}/ticket/{record}")
    page.locator("html[data-ready]").wait_for()
    page.locator("#story").scroll_into_view_if_needed()
    box = page.locator("#comment-body")
    box.fill("A long thought")
    end_sessions(served)
    page.locator(".comment-form .btn-primary").first.click()
    sign_in_again(page)
    expect(page.locator(".toast-note")).to_contain_text("repeat the last step")
    expect(box).to_have_value("A long thought")
    page.locator(".comment-form .btn-primary").first.click()
    expect(page.locator("#story-body")).to_contain_text("A long thought")


def test_without_a_connection_nothing_is_left_and_it_is_said(served: Any, page: Page, watch: Any) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED")
    begin(served, page)
    page.context.set_offline(True)
    page.keyboard.press("Control+s")
    expect(page.locator(".toast-note")).to_contain_text("What you typed is still here")
    expect(page.locator("[name=subject]")).to_have_value("Typed with care")
    page.context.set_offline(False)
    page.keyboard.press("Control+s")
    page.wait_for_url(f"{served.url}/ticket/1")
    assert subjects(served) == ["Typed with care"]


def test_a_server_that_fails_while_saving_leaves_a_draft(served: Any, page: Page, watch: Any) -> None:
    watch.expect("500", "ERR_CONNECTION", "ERR_FAILED")
    begin(served, page)
    page.route("**/ticket/new", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    with page.expect_event("requestfailed"):
        page.keyboard.press("Control+s")
    page.unroute("**/ticket/new")
    page.goto(f"{served.url}/ticket/new")
    expect(page.locator("[name=subject]")).to_have_value("Typed with care")


def test_a_double_click_saves_once(served: Any, page: Page) -> None:
    begin(served, page)
    page.locator(".save-bar .btn-primary").dblclick()
    page.wait_for_url(f"{served.url}/ticket/1")
    assert subjects(served) == ["Typed with care"]


def test_going_back_after_saving_does_not_offer_the_same_record_again(served: Any, page: Page) -> None:
    begin(served, page)
    page.keyboard.press("Control+s")
    page.wait_for_url(f"{served.url}/ticket/1")
    page.go_back()
    page.locator("html[data-ready]").wait_for()
    expect(page.locator("[name=subject]")).to_have_value("")
