"""The action ``print``: a record's print page becomes a file of the record, once, as whoever caused it may see it."""

from __future__ import annotations

import io
import json
import re
import textwrap
import zlib
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from PIL import Image, ImageFile

from engine.builtin import default_registry
from engine.errors import DefinitionError, DeliveryFailed
from engine.jobs import delivering, mending
from engine.jobs.desk import Desk
from engine.load import examine
from engine.paper import printing, setting
from engine.paper.document import document_of
from engine.paper.press import Press
from engine.trying.dry import dry_run

CLUB = """
    app: club
    label: {zh: 俱乐部, en: Club}
    languages: [en, zh]
    roles: {clerk: {label: Clerk}, outsider: {label: Outsider}}
    forms:
      step:
        label: Step
        fields:
          what: {type: text, label: {zh: 内容, en: What}}
          hours: {type: integer}
      ticket:
        label: {zh: 单据, en: Ticket}
        title: record.name
        fields:
          name: {type: text, required: true, label: {zh: 名称, en: Name}}
          price: {type: money, currency: EUR, label: {zh: 价格, en: Price}}
          story: {type: rich_text}
          steps: {type: lines, form: step, totals: [hours]}
          photo: {type: image}
          papers: {type: attachment, accept: [pdf], max_count: 3}
          pages: {type: attachment}
        permissions:
          clerk: {create: true, read: true, update: true}
          outsider: {create: true, read: true, update: true, fields: {price: {read: false, update: false}}}
"""


def rule(action: str, more: str = "") -> str:
    return f"""
      paper:
        trigger: {{type: button, form: ticket, label: Print, roles: [clerk, outsider]}}
        actions:
          - {action}
{more}
    """


HTML = rule("{type: print, into: pages, format: html, name: 'Ticket {{ record.name }}'}")
PDF = rule("{type: print, into: papers, as: paper}")


@pytest.fixture(autouse=True)
def strict_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """WeasyPrint lets Pillow take damaged pictures; it is meant to be alone in its process."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)


@pytest.fixture(scope="module")
def press() -> Any:
    made = Press()
    yield made
    made.close()


def printed(made: Made, field: str, record: Any) -> list[tuple[str, bytes]]:
    ids = made.get("ticket", record)[field] or ()
    table = made.application.tables.attachment
    with made.application.database.read() as conn:
        rows = {row.id: row for row in conn.execute(sa.select(table).where(table.c.id.in_(ids)))}
    assert all(row.record_id == record.id and row.field == field for row in rows.values())
    return [(rows[id].name, made.application.files.path(rows[id].sha256).read_bytes()) for id in ids]


def error_of(made: Made) -> str | None:
    (row,) = [row for row in made.ledger("message") if row["kind"] == "print"]
    assert row["state"] == "dead"
    return str(row["error"])


def test_a_rule_prints_the_record_into_a_field(make_app: MakeApp) -> None:
    made = make_app(CLUB, rules=HTML, people={"li": "clerk"})
    ticket = made.create("ticket", name="Bolt & Nut", price="12.50", steps=[{"what": "drill", "hours": 3}])
    made.press("ticket", ticket, "paper", as_="li")
    assert made.get("ticket", ticket)["pages"] is None
    made.deliver()
    ((name, content),) = printed(made, "pages", ticket)
    text = content.decode()
    assert name == "Ticket Bolt & Nut.html"
    assert "<h1>Bolt &amp; Nut</h1>" in text
    assert "€12.50" in text
    assert "drill" in text
    assert "Printed by Li" in text
    assert "/static/" not in text
    assert "<script" not in text
    assert "<link" not in text
    (event,) = [each for each in made.events("ticket", ticket) if each.rule == "paper"]
    assert event.kind == "updated"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_it_prints_in_the_language_the_rule_names(make_app: MakeApp) -> None:
    made = make_app(CLUB, rules=rule("{type: print, into: pages, format: html, language: zh}"), people={"li": "clerk"})
    ticket = made.create("ticket", name="螺栓", price="1")
    made.press("ticket", ticket, "paper", as_="li")
    made.deliver()
    ((name, content),) = printed(made, "pages", ticket)
    assert name == "螺栓.html"
    assert '<html lang="zh-CN">' in content.decode()
    assert "<dt>价格</dt>" in content.decode()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
@pytest.mark.parametrize(("who", "role", "shown"), [("li", None, True), ("wu", None, False), ("li", "outsider", False),
                                                   ("wu", "clerk", True)])  # fmt: skip
def test_what_is_printed_is_what_the_person_or_the_role_may_see(
    make_app: MakeApp, who: str, role: str | None, shown: bool
) -> None:
    action = f"{{type: print, into: pages, format: html{f', role: {role}' if role else ''}}}"
    made = make_app(CLUB, rules=rule(action), people={"li": "clerk", "wu": "outsider"})
    ticket = made.create("ticket", name="A", price="98765")
    made.press("ticket", ticket, "paper", as_=who)
    made.deliver()
    ((_name, content),) = printed(made, "pages", ticket)
    assert (b"98,765" in content) is shown


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_pdf_is_a_pdf_with_chinese_and_repeated_heads(make_app: MakeApp, press: Press) -> None:
    made = make_app(CLUB, rules=PDF, people={"li": "clerk"})
    lines = [{"what": f"第{number}步：检查并记录", "hours": 1} for number in range(90)]
    ticket = made.create("ticket", name="采购单 7", steps=lines, story="<p>你好</p>" * 3)
    document = document_of(made.application, made.actor("li"), "ticket", ticket.id, "zh", "li").text
    one = press.pdf(document, 60)
    assert one.content.startswith(b"%PDF-")
    assert one.pages >= 3
    assert "Noto" in fonts_of(one.content)


def fonts_of(content: bytes) -> str:
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S)
    opened = [zlib.decompressobj().decompress(each) for each in packed if each[:1] == b"x"]
    return " ".join(re.findall(r"/FontName ?/([A-Za-z0-9+-]+)", b" ".join([content, *opened]).decode("latin-1")))


def test_a_printed_file_is_the_attachment_of_the_mail_after_it(make_app: MakeApp, monkeypatch: Any, press: Press) -> None:
    more = "          - {type: mail, connection: post, to: [\"'a@example.com'\"], subject: Paper, message: Here, attach: [papers]}"
    post = "    connections: {post: {type: smtp, host: mail.example.com, sender: a@example.com}}\n"
    made = make_app(CLUB + post, rules=rule("{type: print, into: papers, as: paper}", more), people={"li": "clerk"})
    monkeypatch.setattr(printing, "press", lambda: press)
    ticket = made.create("ticket", name="A")
    made.press("ticket", ticket, "paper", as_="li")
    (waiting,) = [row for row in made.ledger("message") if row["state"] == "waiting"]
    assert delivering.deliver(made.application, waiting["id"], Desk()).state == "done"
    ((name, content),) = printed(made, "papers", ticket)
    assert name == "A.pdf"
    assert content.startswith(b"%PDF-")
    (run,) = made.ledger("run")
    assert run["results"]["paper"]["file"] == made.get("ticket", ticket)["papers"][0]
    assert run["results"]["paper"]["pages"] == 1
    [ring] = [row for row in made.ledger("message") if row["state"] == "waiting"]
    delivering.deliver(made.application, ring["id"], Desk())
    (mail,) = [row for row in made.ledger("message") if row["kind"] == "mail"]
    assert mail["effect"]["attachments"] == list(made.get("ticket", ticket)["papers"])


def test_a_repeated_delivery_adds_nothing(make_app: MakeApp) -> None:
    made = make_app(CLUB, rules=HTML, people={"li": "clerk"})
    ticket = made.create("ticket", name="A")
    made.press("ticket", ticket, "paper", as_="li")
    made.deliver()
    (message,) = made.ledger("message")
    assert delivering.deliver(made.application, message["id"], Desk()).state == "gone"
    assert len(printed(made, "pages", ticket)) == 1


def test_replace_takes_the_place_of_what_is_there(make_app: MakeApp) -> None:
    action = "{type: print, into: pages, format: html, replace: true}"
    made = make_app(CLUB, rules=rule(action), people={"li": "clerk"})
    ticket = made.create("ticket", name="A")
    for _ in range(2):
        made.press("ticket", ticket, "paper", as_="li")
        made.deliver()
    assert len(printed(made, "pages", ticket)) == 1


def test_a_full_field_makes_a_dead_letter_that_can_be_sent_again(make_app: MakeApp, monkeypatch: Any) -> None:
    made = make_app(CLUB.replace("pages: {type: attachment}", "pages: {type: attachment, max_count: 1}"), rules=HTML,
                    people={"li": "clerk"})  # fmt: skip
    ticket = made.create("ticket", name="A")
    for _ in range(2):
        made.press("ticket", ticket, "paper", as_="li")
        made.deliver()
    *_, last = made.ledger("message")
    assert (last["state"], last["error"]) == ("dead", "Pages takes at most 1; got 2.")
    assert len(printed(made, "pages", ticket)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_pictures_stand_in_the_document_and_only_those_that_may_be_read(make_app: MakeApp) -> None:
    made = make_app(CLUB, rules=HTML, people={"li": "clerk"})
    picture = io.BytesIO()
    Image.new("RGB", (2000, 1000), "red").save(picture, "PNG")
    picture.seek(0)
    app = made.application
    stored = app.files.put(picture, name="a.png")
    with app.database.write() as conn:
        values = {"form": "ticket", "field": "photo", "sha256": stored.sha256, "name": "a.png", "size": stored.size,
                  "media_type": stored.media_type, "created_at": app.clock()}  # fmt: skip
        id = conn.execute(sa.insert(app.tables.attachment).values(**values)).inserted_primary_key[0]
    ticket = made.create("ticket", name="A", photo=[id])
    other = made.create("ticket", name='<img src="/files/1">', story=f'<img src="/files/{id}"><p>x</p>')
    assert "data:image/jpeg;base64," in document_of(app, made.actor("li"), "ticket", ticket.id, "en", None).text
    assert "data:image" not in document_of(app, made.actor("li"), "ticket", other.id, "en", None).text


HOSTILE = """<img src="http://127.0.0.1:9/x"><img src="file:///etc/passwd"><link rel="stylesheet" href="file:///etc/passwd">
<link rel="attachment" href="file:///etc/passwd"><style>@import url(http://127.0.0.1:9/x.css); body { background: url(file:///etc/passwd) }
@font-face { font-family: x; src: url(file:///etc/passwd) }</style><object data="file:///etc/passwd"></object>
<embed src="http://127.0.0.1:9/x"><iframe src="file:///etc/passwd"></iframe><svg><image href="file:///etc/passwd"/></svg>
<a rel="attachment" href="file:///etc/passwd">x</a><p style="background: url(http://127.0.0.1:9/x)">words</p>"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_hostile_text_has_nothing_fetched(make_app: MakeApp, press: Press, monkeypatch: Any) -> None:
    """Past the cleaning, too: the same marks laid into the document itself."""
    made = make_app(CLUB, rules=HTML, people={"li": "clerk"})
    ticket = made.create("ticket", name="A", story=HOSTILE)
    document = document_of(made.application, made.actor("li"), "ticket", ticket.id, "en", None).text
    assert "passwd" not in document.replace("&#", "")
    assert "words" in document
    secret = "A secret of this machine 4711"
    (made.application.files.folder.parent / "secret.txt").write_text(secret)
    beyond = HOSTILE.replace("/etc/passwd", str(made.application.files.folder.parent / "secret.txt"))
    content = press.pdf(document.replace("words", beyond), 60).content
    assert b"/EmbeddedFile" not in content
    assert secret.encode() not in content


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://127.0.0.1/x", "/etc/passwd", "//host/x",
    "data:image/svg+xml;base64,PHN2Zy8+", "data:text/css,a", "data:text/css;base64,YQ==", "DATA:image/png;base64,YQ==",
])  # fmt: skip
def test_the_press_fetches_nothing_but_pictures_in_the_document(url: str) -> None:
    with pytest.raises(setting.Refused):
        setting.fetch(url)
    assert setting.fetch("data:image/png;base64,YQ==").read() == b"a"


def test_the_process_of_the_press_opens_no_connection() -> None:
    code = """
from engine.paper import setting
import socket, json
def maker():
    def make(text):
        tried = []
        for what in (lambda: socket.socket(), lambda: __import__('subprocess').run(['/bin/true'])):
            try:
                what()
            except PermissionError as error:
                tried.append('refused')
        raise ValueError(json.dumps(tried))
    return make
setting._maker = maker
setting.begin()
"""
    press = Press(f"exec({code!r})")
    with pytest.raises(DeliveryFailed) as failed:
        press.pdf("x", 30)
    press.close()
    assert str(failed.value) == 'The page could not be printed: ValueError: ["refused", "refused"]'


BEGIN = "from engine.paper import setting; setting._maker = lambda: (lambda text: {what}); setting.begin()"


@pytest.mark.parametrize(("what", "said"), [
    ("__import__('time').sleep(60)", "Printing took longer than 0.5 s; print less of it."),
    ("__import__('os')._exit(1)", "The page is too much to print: it needs more memory or computing than it may have."),
    ("bytes(4 << 30)", "The page is too much to print: it needs more memory or computing than it may have."),
    ("type('x', (), {'pages': range(501)})()", "The print has 501 pages; at most 500 are made."),
])  # fmt: skip
def test_a_page_that_is_too_much_ends_the_press_and_not_the_server(what: str, said: str) -> None:
    press = Press(BEGIN.format(what=what))
    with pytest.raises(DeliveryFailed) as failed:
        press.pdf("x", 0.5 if "sleep" in what else 30)
    press.close()
    assert (str(failed.value), failed.value.again) == (said, False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_without_weasyprint_the_letter_is_dead_and_says_what_to_install(
    make_app: MakeApp, monkeypatch: Any, press: Press
) -> None:
    made = make_app(CLUB, rules=PDF, people={"li": "clerk"})
    without = Press("import sys; sys.modules['weasyprint'] = None; from engine.paper.setting import begin; begin()")
    monkeypatch.setattr(printing, "press", lambda: without)
    ticket = made.create("ticket", name="A")
    made.press("ticket", ticket, "paper", as_="li")
    made.deliver(desk=Desk())
    assert error_of(made) == (
        "PDF files need WeasyPrint and Pango on this machine: pip install 'appmill[pdf]', and on Debian apt install "
        "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk. Then send this again. What is missing: "
        "ModuleNotFoundError: import of weasyprint halted; None in sys.modules"
    )
    monkeypatch.setattr(printing, "press", lambda: press)  # it was installed
    (letter,) = [row["id"] for row in made.ledger("message") if row["kind"] == "print"]
    mending.replay(made.application, made.actor("admin"), letter)
    made.deliver()
    assert [name for name, _content in printed(made, "papers", ticket)] == ["A.pdf"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_record_the_cause_may_not_see_is_not_printed(make_app: MakeApp) -> None:
    closed = CLUB.replace("outsider: {create: true, read: true,", "outsider: {create: true, read: record.price > 5,")
    made = make_app(closed, rules=rule("{type: print, into: pages, format: html, role: outsider}"), people={"li": "clerk"})
    ticket = made.create("ticket", name="A", price="1")
    made.press("ticket", ticket, "paper", as_="li")
    made.deliver()
    assert error_of(made) == f"Ticket {ticket.id} is gone, or Outsider may not see it; so it is not printed."


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
@pytest.mark.parametrize(("action", "said"), [
    ("{type: print, into: name}", "'name' is no attachment field; a print goes into one."),
    ("{type: print, into: photo}", "'photo' is no attachment field; a print goes into one."),
    ("{type: print, into: papers, format: html}", "'papers' takes pdf only; a print of format html does not fit."),
    ("{type: print, into: papers, role: chief}", "There is no role 'chief'; expected one of clerk, outsider, admin."),
])  # fmt: skip
def test_what_cannot_be_printed_is_said_at_load(make_app: MakeApp, action: str, said: str) -> None:
    with pytest.raises(DefinitionError) as wrong:
        make_app(CLUB, rules=rule(action))
    assert [str(one.message) for one in wrong.value.findings if one.severity == "error"] == [said]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_mail_that_does_not_wait_for_the_print_is_warned_of(make_app: MakeApp) -> None:
    post = "    connections: {post: {type: smtp, host: mail.example.com, sender: a@example.com}}\n"
    mail = "          - {type: mail, connection: post, to: [\"'a@example.com'\"], subject: Paper, message: Here, attach: [papers]}"
    found = remarks(CLUB + post, rule("{type: print, into: papers}", mail))
    assert found == [
        "The print into 'papers' is not ready when the mail is written; give it `as:`, and the mail waits for it."
    ]
    assert remarks(CLUB + post, rule("{type: print, into: papers, as: paper}", mail)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_print_that_wakes_its_own_rule_is_an_error(make_app: MakeApp) -> None:
    looping = rule("{type: print, into: papers}").replace("type: button, form: ticket, label: Print, roles: [clerk, outsider]",
                                                          "type: updated, form: ticket")  # fmt: skip
    assert remarks(CLUB, looping) == ["These rules wake each other for ever: paper → paper."]


def remarks(text: str, rules: str) -> list[str]:
    whole = textwrap.dedent(text) + "rules:\n" + textwrap.indent(textwrap.dedent(rules), "  ")
    found = examine(whole, default_registry(), "definition.yaml")[2]
    return [str(one.message) for one in found if one.path.startswith("rules")]


def test_trying_it_out_prints_nothing(make_app: MakeApp) -> None:
    made = make_app(CLUB, rules=rule("{type: print, into: papers, name: 'Ticket {{ record.name }}'}"), people={"li": "clerk"})
    ticket = made.create("ticket", name="A")
    with made.application.database.read() as conn:
        before = conn.scalar(sa.select(sa.func.count()).select_from(made.application.tables.message))
    trial = dry_run(made.application, made.actor("admin"), "paper", "ticket", ticket.id)
    assert '"name": "Ticket A"' in json.dumps(trial.json("en"))
    with made.application.database.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(made.application.tables.message)) == before
    assert made.get("ticket", ticket)["papers"] is None
    assert not list(made.application.files.folder.glob("*/*/*"))
