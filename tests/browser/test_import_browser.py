"""The import wizard in a real browser, on a desk and on a phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from deep import DEEP
from playwright.sync_api import expect

MAINTENANCE = Path(__file__).parents[2] / "tests/apps/maintenance.yaml"
TABLE = "Name,Inside\nPlant,\nHall 1,Plant\nHall 2,Nowhere\n"


@pytest.fixture
def served(serve):
    return serve(MAINTENANCE)


def data(text):
    return {"name": "areas.csv", "mimeType": "text/csv", "buffer": text.encode()}


@pytest.mark.parametrize("size", ["phone", "desktop"] if DEEP else ["phone"])
def test_a_table_is_brought_in_and_taken_back(served, page_as, size):
    page = page_as(served, "admin", path="/area/import", size=size, language="en")
    page.locator("#import-file").set_input_files(data(TABLE))
    expect(page.get_by_text("1 of 2 go into a field")).to_be_visible()
    page.get_by_label("Inside").select_option("within")
    expect(page.get_by_text("2 of 2 go into a field")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    page.get_by_role("button", name="Check 3 rows").click()
    expect(page.get_by_role("heading", name="Checked: nothing is saved yet")).to_be_visible()
    expect(page.get_by_text("Within: there is no Area “Nowhere”.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    page.reload()
    page.get_by_role("button", name="Bring in the 2 without mistakes").click()
    expect(page.get_by_role("heading", name="Brought in")).to_be_visible()
    page.get_by_role("link", name="Result per row").click()
    expect(page.get_by_role("link", name="Hall 1")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Take the import back").click()
    page.locator("#confirm [data-yes]").click()
    expect(page.get_by_role("heading", name="Taken back")).to_be_visible()
    page.goto(f"{served.url}/area?view=all")
    expect(page.locator("body")).not_to_contain_text("Hall 1")


def test_the_wizard_is_found_in_the_menu_of_the_list(served, page_as):
    page = page_as(served, "admin", path="/area?view=all", language="en")
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("link", name="Import").first.click()
    expect(page).to_have_url(re.compile("/area/import$"))
    expect(page.get_by_text("Choose a file or drop it here")).to_be_visible()
