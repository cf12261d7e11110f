"""Controls and shown values: complete, accessible, and deaf to whatever is put into them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal as D
from html.parser import HTMLParser
from pathlib import Path

import pytest
from field_samples import EN, SAMPLES, ZH
from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from engine import fields
from engine.fields.base import Field
from engine.fields.rich_text import clean
from engine.formats import Reader
from engine.language import Label
from engine.registry import Registry
from engine.web.widgets import State, Widgets

TEMPLATES = Path("engine/web/templates")
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "</textarea><script>alert(1)</script>", "{{ 7 * 7 }}", "<svg/onload=alert(1)>", "<p hx-get='/x' onclick=x>t</p>",
    "<a href='javascript:alert(1)'>x</a>", "<div data-hx-get=/x style=position:fixed class=modal id=app>t</div>",
]  # fmt: skip
FORBIDDEN_TAGS = {"script", "iframe", "object", "style"}
VALUES = {
    "text": "a", "long_text": "a\nb", "rich_text": "<p>a</p>", "integer": 7, "decimal": D("1.250"),
    "money": D("1234.50"), "percent": D("12.5"), "quantity": D("2.500"), "boolean": True,
    "choice": "red", "choices": ("red", "blue"),
    "date": dt.date(2026, 11, 22), "time": dt.time(9, 5), "datetime": dt.datetime(2026, 11, 22, 6, 30, tzinfo=dt.UTC),
    "duration": dt.timedelta(hours=36), "series": "T1", "link": 4, "links": (4, 5), "user": 5, "role": "sales",
    "phone": "110", "email": "a@b.cn", "url": "https://b.cn", "address": {"city": "厦门"}, "colour": "#aabbcc",
    "rating": 3, "barcode": "X1", "signature": (9,), "attachment": (4, 12), "image": (1,), "json": {"a": 1},
    "computed": D("3.00"), "rollup": 3, "lookup": "x", "lines": [{}, {}],
}  # fmt: skip


class Page(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def widgets():
    loader = ChoiceLoader([FileSystemLoader(TEMPLATES), DictLoader({"widgets/stamp.html": STAMP})])
    environment = Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True)
    environment.globals.update(
        _=lambda pattern, **values: pattern.format(**values) if values else pattern,
        icon=lambda name, extra="": Markup(f'<svg class="icon"><use href="/static/icons.svg#{name}"/></svg>'),
    )
    return Widgets(environment)


STAMP = """{% macro edit(field, value, name, reader, state) %}<input {{ widget_attributes(field, name, reader, state, value=value) }}>{% endmacro %}
{% macro show(field, value, reader, extra) %}<b>{{ value }}</b>{% endmacro %}"""


def assert_harmless(html):
    for tag, attributes in Page(html).tags:
        assert tag not in FORBIDDEN_TAGS
        for name, value in attributes.items():
            assert not name.startswith(("on", "hx-", "data-hx", "style")), (tag, name)
            if name in ("href", "src", "action"):
                assert re.match(r"(https?:|mailto:|tel:|/|#)", value or ""), (tag, name, value)


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_hostile_text_stays_text_in_the_control(widgets, name, compact):
    for text in HOSTILE:
        field = replace_texts(SAMPLES[name], text)
        files = [{"id": 4, "name": text, "size": 9000, "url": "/files/4"}]
        state = State(label=text, compact=compact, described_by=text, titles={4: text}, options=[(text, text)],
                      files=files, options_url=text, form=text)  # fmt: skip
        for value in (text, [text, "4"], {"city": text, "street": text}):
            assert_harmless(widgets.edit(field, typed_by(field, value), "x", EN, state))


def typed_by(field, value):
    """Only what a form of that field can post."""
    if isinstance(value, dict):
        return value if field.parts else ""
    return value if isinstance(value, str) or field.multiple else ""


def replace_texts(field, text):
    from dataclasses import replace

    changed = replace(field, label=Label({"": text}), help=Label({"": text}), placeholder=Label({"": text}))
    if hasattr(field, "options"):
        changed = replace(changed, options={"a": fields.Option(name=text, label=Label({"": text}))})
    return replace(changed, unit=text) if hasattr(field, "unit") else changed


@pytest.mark.parametrize(
    "name",
    [
        "text",
        "long_text",
        "rich_text",
        "series",
        "role",
        "phone",
        "email",
        "url",
        "barcode",
        "colour",
        "choice",
        "lookup",
    ],
)
def test_hostile_rows_are_harmless_where_they_are_shown(widgets, name):
    """Values that came past ``parse``, as by another program writing to the database."""
    for text in HOSTILE:
        assert_harmless(SAMPLES[name].cell(text, ZH))
        assert_harmless(widgets.show(SAMPLES[name], text, ZH))


def test_hostile_titles_parts_and_files_are_harmless(widgets):
    for text in HOSTILE:
        for name, value in {
            "link": 4,
            "links": (4,),
            "user": 4,
            "attachment": (4,),
            "image": (4,),
            "signature": (4,),
        }.items():
            assert_harmless(SAMPLES[name].cell(value, ZH, {4: text}))
            assert_harmless(widgets.show(SAMPLES[name], value, ZH, {4: text}))
        assert_harmless(widgets.show(SAMPLES["address"], {"city": text}, ZH))
        assert_harmless(widgets.show(SAMPLES["json"], {"a": text}, ZH))
        assert_harmless(widgets.show(SAMPLES["choices"], (text,), ZH))


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("lines", "computed", "rollup", "lookup")])
def test_a_control_has_the_id_of_its_label_and_posts_its_name(widgets, name):
    field = SAMPLES[name]
    html = widgets.edit(field, field.text(VALUES[name], ZH), "rows.0.x", ZH, State(required=True, invalid=True))
    ids = [attributes.get("id") for _, attributes in Page(html).tags]
    assert ids.count("f-rows-0-x") == 1
    assert len([one for one in ids if one]) == len({one for one in ids if one})
    if name != "series":
        assert 'name="rows.0.x"' in html
        assert "is-invalid" in html
    if field.placeholder is None:
        assert 'placeholder="None"' not in html


@pytest.mark.parametrize(
    "name", [name for name in SAMPLES if name not in ("lines", "computed", "rollup", "lookup", "series")]
)
def test_what_the_control_posts_unchanged_is_the_value(widgets, name):
    field = SAMPLES[name]
    html = widgets.edit(field, field.text(VALUES[name], ZH), "x", ZH, State(titles={4: "t", 5: "u"}))
    assert field.parse(field.raw(posted(html), "x"), ZH) == VALUES[name]
    empty = widgets.edit(field, "", "x", ZH)
    assert field.parse(field.raw(posted(empty), "x"), ZH) == (False if name == "boolean" else None)
    assert "x" in posted(empty) or name in ("link", "user")


class Controls(HTMLParser):
    """What a browser would send, without scripts."""

    def __init__(self, html):
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self.area = self.select = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        if tag == "input" and "name" in at and at.get("type") not in ("file",) and "disabled" not in at:
            if at.get("type") not in ("radio", "checkbox") or "checked" in at:
                self.sent.append((at["name"], at.get("value") or ""))
        elif tag == "textarea":
            self.area = at.get("name")
            self.sent.append((self.area, ""))
        elif tag == "select":
            self.select = (at["name"], "multiple" in at)
            self.first = True
        elif tag == "option" and self.select:
            chosen, many = "selected" in at, self.select[1]
            if chosen or (self.first and not many):
                if not many:
                    self.sent = [one for one in self.sent if one[0] != self.select[0]]
                self.sent.append((self.select[0], at["value"]))
            self.first = False

    def handle_endtag(self, tag):
        self.area = None if tag == "textarea" else self.area

    def handle_data(self, data):
        if self.area:
            self.sent[-1] = (self.area, self.sent[-1][1] + data)


def posted(html):
    sent = Controls(str(html)).sent
    return MultiDict([(name, value.removeprefix("\n")) for name, value in sent])


def test_limits_reach_the_browser(widgets):
    html = widgets.edit(fields.TextField(name="code", min_length=2, max_length=8), "ab", "code", ZH)
    assert 'maxlength="8" minlength="2"' in html
    html = widgets.edit(fields.DateField(name="due", min="2026-01-01"), "", "due", ZH)
    assert 'type="date"' in html
    assert 'min="2026-01-01"' in html
    html = widgets.edit(fields.ImageField(name="photo", camera=True), "", "photo", ZH)
    assert 'accept="image/*"' in html
    assert 'capture="environment"' in html
    assert 'data-shrink="1600"' in html


def test_a_read_only_control_posts_nothing_it_could_change(widgets):
    for name in ("choice", "choices", "boolean", "rating", "link", "links", "attachment", "role"):
        field = SAMPLES[name]
        html = widgets.edit(field, field.text(VALUES[name], ZH), "x", ZH, State(readonly=True))
        assert [at for tag, at in Page(html).tags
                if tag in ("input", "select") and at.get("name") and "disabled" not in at] == [], name  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "cell"),
    [
        ("choice", "red", '<span class="badge bg-red-lt">红</span>'),
        ("choice", "gone", '<span class="badge bg-gray-lt">gone</span>'),
        (
            "choices",
            ("red", "blue"),
            '<span class="badge bg-red-lt">红</span> <span class="badge bg-gray-lt">blue</span>',
        ),
        ("money", D("1234.50"), "¥1,234.50"),
        ("quantity", D("2.500"), "2.5 kg"),
        ("percent", D("12.5"), "12.5%"),
        ("email", "a@b.cn", '<a href="mailto:a@b.cn">a@b.cn</a>'),
        ("phone", "0592 51转8", '<a href="tel:0592518">0592 51转8</a>'),
        ("url", "https://b.cn/", '<a href="https://b.cn/" rel="noopener noreferrer" target="_blank">b.cn</a>'),
        ("link", 4, '<a href="/ticket/4">Four</a>'),
        ("links", (4, 5), '<a href="/ticket/4">Four</a>, <a href="/ticket/5">#5</a>'),
        ("address", {"city": "厦门", "province": "福建", "street": "湖滨路1号"}, "福建厦门湖滨路1号"),
    ],
)
def test_cells(name, value, cell):
    assert SAMPLES[name].cell(value, ZH, {4: "Four"}) == cell


@pytest.mark.parametrize(
    ("country", "zh", "en"),
    [
        ("CN", "中国广东省深圳市 518000", "深圳市, 广东省, 518000, China"),
        ("de", "德国广东省深圳市 518000", "深圳市, 广东省, 518000, Germany"),
        ("Atlantis", "Atlantis广东省深圳市 518000", "深圳市, 广东省, 518000, Atlantis"),
        ("??", "??广东省深圳市 518000", "深圳市, 广东省, 518000, ??"),
    ],
)
def test_a_country_kept_as_its_code_is_shown_by_its_name(country, zh, en):
    address = {"country": country, "province": "广东省", "city": "深圳市", "postcode": "518000"}
    assert [SAMPLES["address"].format(address, Reader(language)) for language in ("zh", "en")] == [zh, en]
    assert SAMPLES["address"].parse(address, ZH)["country"] == country


def test_sensitive_values_keep_their_last_four():
    assert SAMPLES["phone"].masked("13800138000", ZH) == "••••8000"


def test_rich_text_keeps_marks_and_drops_what_acts():
    dirty = '<p class="x" hx-get="/a" data-hx-post="/b" onclick="c">Hi <b>you</b> <a href="https://a.cn" target=x>a</a>'
    assert clean(dirty) == '<p>Hi <b>you</b> <a href="https://a.cn" rel="noopener noreferrer nofollow">a</a></p>'
    assert SAMPLES["rich_text"].parse("<p><br></p><script>x</script>", ZH) is None
    assert SAMPLES["rich_text"].format("<p>a</p><ul><li>b &lt; c</li></ul>", ZH) == "a b < c"


@pytest.mark.parametrize("symbology", ["qr", "code128"])
def test_a_code_is_drawn_without_style_or_script(symbology):
    svg = fields.BarcodeField(name="code", symbology=symbology).svg("A-12<>&")
    assert svg.startswith("<svg")
    assert "path" in svg
    assert_harmless(svg)


def test_bars_say_what_python_barcode_says():
    svg = fields.BarcodeField(name="code", symbology="ean13").svg("6901234567892")
    assert 'viewBox="0 0 115 40"' in svg


def test_templates_have_no_inline_script_style_or_handler():
    for path in sorted((TEMPLATES / "widgets").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|\|\s*safe|hx-on|hx-vals=.js", text), path.name


def test_a_plugin_adds_a_type_like_the_built_ins(widgets):
    from dataclasses import dataclass
    from typing import ClassVar

    import sqlalchemy as sa

    registry = Registry()
    fields.register(registry)

    @registry.field
    @dataclass(frozen=True, kw_only=True)
    class StampField(Field):
        """A stamp: always in capitals."""

        type: ClassVar[str] = "stamp"
        widget: ClassVar[str] = "stamp"

        def column_type(self):
            return sa.String(20)

        def parse(self, raw, reader):
            return str(raw).upper() if raw else None

        def value_schema(self):
            return {"type": "string"}

    stamp = registry.fields["stamp"](name="mark")
    assert stamp.parse("ok", ZH) == "OK"
    assert stamp.cell("<OK>", ZH) == "&lt;OK&gt;"
    assert widgets.edit(stamp, "OK", "mark", ZH) == '<input id="f-mark" name="mark" value="OK">'
    assert widgets.show(stamp, "OK", ZH).strip() == "<b>OK</b>"
