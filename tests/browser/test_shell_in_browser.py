"""The frame in a real browser: signing in, language, theme, menus, palette, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from engine.demo import PASSWORD

MAINTENANCE = Path(__file__).parents[2] / "tests/apps/maintenance.yaml"


@pytest.fixture
def served(serve):
    return serve(MAINTENANCE)


def first_login(served):
    return next(iter(served.app.definition.demo_users))


def test_a_wrong_password_is_said_and_the_right_one_opens_the_home_page(served, open_page, watch):
    watch.expect("401")
    page = open_page(served, language="en")
    page.goto(served.url)
    page.get_by_label("Sign-in name").fill(first_login(served))
    page.get_by_label("Password").fill("not the right one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The sign-in name or the password is not right.")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()
    expect(page).to_have_url(f"{served.url}/")


def test_the_language_is_changed_in_the_user_menu_and_stays(served, page_as):
    page = page_as(served, "admin")
    page.locator(".user-button").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Home").first).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"


def test_the_theme_changes_at_once_and_comes_with_the_next_page(served, page_as):
    page = page_as(served, "admin")
    page.locator(".user-button").click()
    page.locator("[data-set-theme=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto(f"{served.url}/me")
    assert 'data-bs-theme="dark"' in page.content()[:200]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 24, 38)"


def test_the_theme_of_the_device_is_followed(served, page_as):
    page = page_as(served, "admin", theme="auto", color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_the_phone_menu_slides_in_and_leads_on(served, page_as):
    page = page_as(served, "admin", size="phone", language="en")
    menu = page.locator("#sidebar")
    expect(menu).not_to_be_in_viewport()
    page.get_by_role("button", name="Open the menu").click()
    expect(menu).to_be_in_viewport()
    menu.get_by_role("link", name="Audit").click()
    expect(page.locator("h1")).to_have_text("Audit")
    expect(menu).not_to_be_in_viewport()


@pytest.mark.parametrize(
    "path",
    ["/", "/me", "/me/tokens", "/admin/users", "/admin/roles", "/admin/audit", "/designer", "/notifications"],
)
def test_nothing_is_wider_than_a_phone(served, page_as, path):
    page = page_as(served, "admin", size="phone", path=path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_palette_finds_places_by_typing(served, page_as):
    page = page_as(served, "admin", language="en")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.type("aud")
    expect(page.locator("#palette-commands .palette-item")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{served.url}/admin/audit")


def test_the_palette_leaves_pinyin_alone_while_it_is_composed(served, page_as):
    page = page_as(served, "admin")
    page.keyboard.press("Control+k")
    composed = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true})"
    page.evaluate(f"document.getElementById('palette-input').dispatchEvent({composed})")
    expect(page.locator("#palette")).to_be_visible()
    assert page.url == f"{served.url}/"


def test_the_keys_are_explained_and_escape_closes(served, page_as):
    page = page_as(served, "admin", language="en")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_the_side_bar_folds_and_stays_folded(served, page_as):
    page = page_as(served, "admin")
    page.locator("[data-fold]").click()
    page.goto(f"{served.url}/me")
    assert page.locator(".sidebar").bounding_box()["width"] < 70


def test_the_bell_opens_with_what_is_new(served, page_as):
    page = page_as(served, "admin", language="en")
    page.get_by_role("button", name="Notifications").click()
    expect(page.locator("#bell-list")).to_contain_text("Nothing new.")


def test_a_saved_change_is_said_in_passing(served, page_as):
    page = page_as(served, "admin", language="en", path="/me")
    page.get_by_label("Name", exact=True).fill("The boss")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast-note")).to_contain_text("Saved.")


def test_the_keyboard_reaches_the_content_first(served, page_as):
    page = page_as(served, "admin", language="en")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_looking_as_a_role_cannot_be_overlooked(served, page_as):
    page = page_as(served, "admin", language="en")
    page.locator(".user-button").click()
    page.get_by_role("button", name="Look as this role").click()
    expect(page.locator(".looking-as")).to_contain_text("Nothing can be changed.")
    page.get_by_role("button", name="Stop looking").click()
    expect(page.locator(".looking-as")).to_have_count(0)


def test_a_question_is_asked_before_somebody_is_deactivated(served, page_as):
    page = page_as(served, "admin", language="en", path="/admin/users")
    page.locator(".person", has_text=served.app.definition.demo_users[first_login(served)].name).click()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.locator("#confirm")).to_be_visible()
    page.locator("#confirm").get_by_role("button", name="Cancel").click()
    expect(page.locator("#confirm")).not_to_be_visible()
    page.get_by_role("button", name="Deactivate").click()
    page.locator("#confirm [data-yes]").click()
    expect(page.locator(".card-header .pill-bad").first).to_have_text("deactivated")
