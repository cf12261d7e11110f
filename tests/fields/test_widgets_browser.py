"""The widgets in a real browser, under the site's content security policy: nothing may be reported on the console."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from field_samples import SAMPLES, ZH
from flask import Flask, jsonify, request, send_from_directory
from jinja2 import FileSystemLoader
from markupsafe import Markup
from PIL import Image
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from engine.web.security import CSP
from engine.web.widgets import State, Widgets

NAMES = ("link", "links", "rich_text", "attachment", "image", "signature", "rating", "colour", "barcode", "text")
PAGE = """<!doctype html><html lang="en"><head><title>t</title><meta name="icons" content="/static/icons.svg">
<link rel="stylesheet" href="/static/css/widgets.css">
<script type="module" src="/static/js/widgets.js"></script></head>
<body hx-headers:inherited='{"X-CSRF-Token": "t"}'><form method="post" action="/save">%s<button id="send">Send</button>
</form></body></html>"""


class Site:
    """One page with the widgets, and what it was sent."""

    def __init__(self) -> None:
        self.flask = Flask("site", static_folder=None)
        self.uploads: list[tuple[str, bytes]] = []
        self.saved: dict[str, list[str]] = {}
        environment = self.flask.jinja_env
        environment.loader = FileSystemLoader("engine/web/templates")
        environment.globals.update(_=lambda pattern, **values: pattern.format(**values) if values else pattern)
        environment.globals.update(icon=lambda name: Markup('<svg class="icon"></svg>'))
        self.widgets = Widgets(environment)
        for rule, view in (("/", self.page), ("/static/<path:name>", self.static), ("/options", self.options)):
            self.flask.add_url_rule(rule, rule, view)
        self.flask.add_url_rule("/files", "files", self.take, methods=["POST"])
        self.flask.add_url_rule("/files/<int:id>", "file", lambda id: (b"", 200, {"Content-Type": "image/png"}))
        self.flask.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        self.flask.add_url_rule("/save", "save", self.save, methods=["POST"])
        self.flask.after_request(self.guard)

    def guard(self, response):
        response.headers["Content-Security-Policy"] = CSP
        return response

    def page(self):
        controls = (
            self.widgets.edit(SAMPLES[name], "", name, ZH, State(options_url="/options", form="sheet"))
            for name in NAMES
        )
        return PAGE % "".join(
            f'<label for="f-{name}">{name}</label>{control}' for name, control in zip(NAMES, controls, strict=True)
        )

    def static(self, name):
        return send_from_directory(Path("static").resolve(), name)

    def options(self):
        found = [{"id": id, "title": f"Machine {id}<b>"} for id in range(1, 40)]
        return jsonify([one for one in found if request.args["q"].lower() in one["title"].lower()][:10])

    def take(self):
        assert request.headers["X-CSRF-Token"] == "t"
        self.uploads.append((request.form["field"], request.files["file"].read()))
        return jsonify(id=len(self.uploads), name=request.files["file"].filename, size=1, url="/x")

    def save(self):
        self.saved = {name: [one for one in values if one] for name, values in request.form.lists()}
        return "saved"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    server = make_server("127.0.0.1", 0, made.flask, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}/"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium, site) -> Iterator[Page]:
    opened = chromium.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("response", lambda answer: said.append(answer.url) if answer.status >= 400 else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(site.address)
    yield opened
    opened.close()
    assert said == []


def send(page: Page, site: Site) -> dict[str, list[str]]:
    page.locator("#send").click()
    expect(page.get_by_text("saved")).to_be_visible()
    return site.saved


def test_a_record_is_found_and_chosen_by_keyboard_alone(page, site):
    box = page.get_by_role("combobox", name="link", exact=True)
    box.focus()
    page.keyboard.type("machine 3")
    expect(page.get_by_role("option")).to_have_count(10)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Machine 30<b>")
    expect(box).to_have_attribute("aria-expanded", "false")
    assert send(page, site)["link"] == ["30"]


def test_escape_keeps_the_choice_and_an_emptied_box_is_empty(page, site):
    box = page.get_by_role("combobox", name="link", exact=True)
    box.click()
    page.get_by_role("option", name="Machine 2<b>", exact=True).click()
    box.fill("else")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_have_value("Machine 2<b>")
    box.fill("")
    page.keyboard.press("Tab")
    assert send(page, site)["link"] == []


def test_several_records_become_tokens_that_can_be_removed(page, site):
    box = page.get_by_role("combobox", name="links")
    for number in ("11", "12", "13"):
        box.fill(number)
        page.get_by_role("option", name=f"Machine {number}<b>").click()
    page.get_by_role("button", name="Remove Machine 12<b>").click()
    box.press("Backspace")
    assert send(page, site)["links"] == ["11"]


def test_files_are_sent_at_once_and_the_form_carries_their_ids(page, site):
    before = len(site.uploads)
    paper = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    page.locator('[name="attachment:files"]').set_input_files([paper, paper | {"name": "b.pdf"}])
    expect(page.locator("[data-name=attachment] li[data-file]")).to_have_count(2)
    page.locator("[data-name=attachment] li").first.get_by_role("button").click()
    kept = page.locator("[data-name=attachment] li[data-file]").get_attribute("data-file")
    assert send(page, site)["attachment"] == [kept]
    assert site.uploads[before:] == [("attachment", b"%PDF")] * 2


def test_a_large_picture_is_made_smaller_before_it_is_sent(page, site):
    drawn = io.BytesIO()
    Image.effect_noise((2400, 1200), 90).save(drawn, "PNG")
    page.locator('[name="image:files"]').set_input_files(
        [{"name": "a.png", "mimeType": "image/png", "buffer": drawn.getvalue()}]
    )
    expect(page.locator("[data-name=image] li[data-file]")).to_have_count(1)
    field, body = site.uploads[-1]
    with Image.open(io.BytesIO(body)) as picture:
        assert (field, picture.format, picture.size) == ("image", "JPEG", (1600, 800))


def test_a_signature_is_sent_before_the_form_goes(page, site):
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 120, steps=4)
    page.mouse.up()
    saved = send(page, site)
    assert saved["signature"] == [str(len(site.uploads))]
    field, body = site.uploads[-1]
    with Image.open(io.BytesIO(body)) as picture:
        assert (field, picture.format) == ("signature", "PNG")
        assert picture.getbbox() is not None


def test_rich_text_stars_colour_and_scan(page, site):
    page.get_by_role("textbox", name="Rich text").click()
    page.keyboard.type("One ")
    page.get_by_role("button", name="Bold").click()
    page.keyboard.type("two")
    page.locator("label[for=f-rating-4]").click()
    page.locator("input[type=color]").fill("#00ff88")
    page.locator("#f-barcode").focus()
    page.keyboard.type("ABC")
    page.keyboard.press("Enter")  # as a hand scanner does: on to the next field, the form stays
    expect(page.locator("#f-text")).to_be_focused()
    saved = send(page, site)
    assert SAMPLES["rich_text"].parse(saved["rich_text"][0], ZH) == "<p>One <b>two</b></p>"
    assert (saved["rating"], saved["colour"], saved["barcode"]) == (["4"], ["#00ff88"], ["ABC"])
