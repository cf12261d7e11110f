"""Mails come in: each acts once, whatever is in it, and nothing that cannot be taken is lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from imap_world import PASSWORD, Server, imap_server
from making import Made, MakeApp
from surroundings import certificate
from timing_world import DESK, messages

from engine import faults
from engine.builtin import default_registry
from engine.load import examine
from engine.outside.arriving import Unreadable, read_mail
from engine.outside.network import Network
from engine.secrets import Kept, Sources
from engine.timing import mails

FILES = DESK.replace("note: {type: text}", "note: {type: long_text}\n          papers: {type: attachment, accept: [pdf, text]}")
BOX = """
    connections:
      inbox: {type: imap, host: 127.0.0.1, port: %s, security: %s, user: desk, password: {secret: BOX}, private: true,
              largest: 1, largest_file: 1, every: 1m}
"""
RULES = """
  take_in:
    trigger: {type: mail, connection: inbox%s}
    when: mail.subject != 'nothing'
    actions: [{type: create, form: ticket, values: {name: mail.subject, note: mail.text, papers: mail.attachments}}]
"""


@pytest.fixture(scope="module")
def server_process() -> Iterator[Server]:
    with imap_server() as running:
        yield running


@pytest.fixture
def server(server_process: Server) -> Server:
    server_process.clear()
    return server_process


def desk(make_app: MakeApp, port: int, more: str = "", *, security: str = "none", password: str = PASSWORD) -> Made:
    made = make_app(FILES + BOX % (port, security), rules=RULES % more)
    made.application = replace(made.application, sources=Sources(environment={"BOX": Kept(password)}))
    return made


def letter(subject: str = "Drill", text: str = "Please drill", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Li Lei <li@example.com>", "desk@example.com", subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def collect(made: Made) -> None:
    made.clock.advance(minutes=1)
    mails.collect(made.application)


def tickets(made: Made) -> list[tuple[str, str | None]]:
    table = made.application.tables.form["ticket"]
    with made.application.database.read() as conn:
        return [tuple(row) for row in conn.execute(sa.select(table.c.name, table.c.note).order_by(table.c.id))]


def kept(made: Made) -> list[tuple[int, str | None, int]]:
    table = made.application.tables.delivery
    with made.application.database.read() as conn:
        return [tuple(row) for row in conn.execute(
            sa.select(table.c.status, table.c.reason, table.c.repeats).order_by(table.c.id))]  # fmt: skip


def test_a_mail_becomes_a_record_with_its_attachments(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    mail = letter("钻孔 3", "请钻孔。\n谢谢")
    mail.add_attachment(b"%PDF-1.7 plan", maintype="application", subtype="pdf", filename="图纸.pdf")
    server.put(mail.as_bytes())
    collect(made)
    assert server.flags() == ["\\Seen"]
    made.deliver()
    assert tickets(made) == [("钻孔 3", "请钻孔。\n谢谢")]
    table = made.application.tables.attachment
    with made.application.database.read() as conn:
        (file,) = conn.execute(sa.select(table)).all()
    assert (file.form, file.field, file.name, file.media_type) == ("ticket", "papers", "图纸.pdf", "application/pdf")
    assert made.application.files.path(file.sha256).read_bytes() == b"%PDF-1.7 plan"
    (message,) = messages(made)
    told = message["effect"]["given"]["mail"]
    assert (told["sender"], told["sender_name"], told["to"]) == ("li@example.com", "Li Lei", ["desk@example.com"])


def test_a_mail_acts_once_though_it_was_not_marked(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    server.put(letter().as_bytes())
    for _ in range(3):
        server.unread()
        collect(made)
        made.deliver()
    assert (len(tickets(made)), server.flags()) == (1, ["\\Seen"])


def test_the_same_mail_under_another_number_acts_once(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    same = letter(Message_ID="<1@example.com>").as_bytes()
    server.put(same, same)
    collect(made)
    made.deliver()
    assert (len(tickets(made)), kept(made)) == (1, [(202, None, 1)])


def test_two_processes_take_each_mail_once(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    server.put(*(letter(f"Drill {number}").as_bytes() for number in range(6)))
    app, rules = made.application, made.application.plans.timed.mails["inbox"]
    box: Any = app.definition.connections["inbox"]
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: mails.look(app, box, rules), range(2)))
    made.deliver()
    assert sorted(name for name, _note in tickets(made)) == [f"Drill {number}" for number in range(6)]


def test_of_several_processes_one_looks_when_the_time_has_come(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    app = made.application
    box: Any = app.definition.connections["inbox"]
    now = app.clock()
    assert [mails._claim(app, box, now), mails._claim(app, box, now)] == [True, False]
    later = now + dt.timedelta(minutes=1)
    assert [mails._claim(app, box, later), mails._claim(app, box, later)] == [True, False]


@pytest.mark.parametrize("moment", ["mail read", "before mail is committed", "mail kept"])
def test_a_process_that_ends_half_way_loses_and_doubles_nothing(
    make_app: MakeApp, server: Server, moment: str, monkeypatch: Any
) -> None:
    made = desk(make_app, server.port)
    server.put(letter().as_bytes())

    class Ended(BaseException):
        pass

    def point(name: str) -> None:
        if name == moment:
            raise Ended

    with monkeypatch.context() as here, pytest.raises(Ended):
        here.setattr(mails, "point", point)
        app = made.application
        mails.look(app, app.definition.connections["inbox"], app.plans.timed.mails["inbox"])  # type: ignore[arg-type]
    assert faults.point is not point
    assert server.flags() == [""]
    collect(made)
    made.deliver()
    assert (len(tickets(made)), server.flags()) == (1, ["\\Seen"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_answers_of_machines_and_our_own_mails_are_counted_and_wake_nothing(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    machine = [letter(Auto_Submitted="auto-replied"), letter(Precedence="bulk"), letter(X_Autoreply="yes"),
               letter(X_Appmill_Key="run:1", Auto_Submitted="auto-generated")]  # fmt: skip
    server.put(*(each.as_bytes() for each in machine), letter(Auto_Submitted="no").as_bytes())
    collect(made)
    made.deliver()
    assert len(tickets(made)) == 1
    assert [(status, reason) for status, reason, _ in kept(made)] == [
        (204, "Not taken: a machine wrote it (Auto-Submitted: auto-replied)."),
        (204, "Not taken: a machine wrote it (Precedence: bulk)."),
        (204, "Not taken: a machine wrote it (X-Autoreply)."),
        (204, "Not taken: this application wrote it."),
        (202, None),
    ]
    assert server.flags() == ["\\Seen"] * 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_rule_may_ask_for_mails_of_machines_but_never_for_our_own(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port, ", automatic: true")
    server.put(letter(Auto_Submitted="auto-generated").as_bytes(), letter(X_Appmill_Key="run:1").as_bytes())
    collect(made)
    assert [status for status, _reason, _ in kept(made)] == [202, 204]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_mail_that_is_too_large_stays_in_the_mailbox_flagged(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    server.put(letter(text=("x" * 900 + "\n") * 1_200).as_bytes(), letter("Next").as_bytes())
    collect(made)
    made.deliver()
    (first, _second) = kept(made)
    assert first[:2] == (413, "The mail has 1.1 MB; at most 1 are taken. It is still in the mailbox, flagged.")
    assert server.flags() == ["\\Flagged \\Seen", "\\Seen"]
    assert [name for name, _note in tickets(made)] == ["Next"]


def test_a_file_the_field_does_not_take_refuses_the_record_and_can_be_mended(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    mail = letter()
    mail.add_attachment(b"MZ\x00\x01", maintype="application", subtype="octet-stream", filename="virus.exe")
    server.put(mail.as_bytes())
    collect(made)
    made.deliver()
    (message,) = messages(made)
    assert (tickets(made), message["state"]) == ([], "dead")
    assert "Papers takes pdf, text; got “virus.exe”." in message["error"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_mail_nobody_can_read_does_not_keep_those_behind_it(make_app: MakeApp, server: Server, monkeypatch: Any) -> None:
    made = desk(make_app, server.port)
    nested = b"From: a@example.com\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 3000
    server.put(nested, b"Content-Type: text/plain;" + b' a="b;";' * 9000 + b"\r\n\r\nx", letter("Next").as_bytes())
    collect(made)
    made.deliver()
    assert [status for status, _reason, _ in kept(made)] == [422, 422, 202]
    assert kept(made)[1][1] == "Nobody can read this mail: a header without end. It is still in the mailbox, flagged."
    assert [name for name, _note in tickets(made)] == ["Next"]
    assert server.flags() == ["\\Flagged \\Seen", "\\Flagged \\Seen", "\\Seen"]


def health(made: Made) -> dict[str, Any]:
    (row,) = made.ledger("connection")
    return row


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_how_the_mailbox_fares_is_noted(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port)
    collect(made)
    assert (health(made)["last_ok"], health(made)["failures"]) == (made.clock(), 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_wrong_password_is_noted_without_the_password(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port, password="not this one")
    collect(made)
    assert health(made)["failures"] == 1
    assert health(made)["last_error"].startswith("The mailbox 127.0.0.1 said no: ")
    assert "not this one" not in health(made)["last_error"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_mailbox_on_this_machine_must_be_allowed(make_app: MakeApp, server: Server) -> None:
    text = FILES + (BOX % (server.port, "none")).replace(", private: true", "")
    made = make_app(text, rules=RULES % "")
    made.application = replace(made.application, sources=Sources(environment={"BOX": Kept(PASSWORD)}))
    collect(made)
    assert "private" in health(made)["last_error"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
@pytest.mark.parametrize(("said", "reason"), [
    (b"* OK hello\r\n", "The line to the mailbox 127.0.0.1 was lost: "),
    (b"garbage\r\n" * 3, "The line to the mailbox 127.0.0.1 was lost: "),
    (b"* BYE no\r\n", "The mailbox 127.0.0.1 said no: "),
    (b"* OK " + b"x" * 2_000_000, "The line to the mailbox 127.0.0.1 was lost: "),
])  # fmt: skip
def test_a_hostile_server_is_an_error_and_no_more(make_app: MakeApp, said: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve() -> None:
            line = listening.accept()[0]
            with line:
                try:
                    line.sendall(said)
                    line.shutdown(socket.SHUT_WR)
                    line.recv(100)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        made = desk(make_app, listening.getsockname()[1])
        collect(made)
        thread.join(10)
    assert health(made)["last_error"].startswith(reason)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_the_line_is_encrypted_and_the_certificate_checked(
    make_app: MakeApp, server: Server, tmp_path: Path, security: str
) -> None:
    theirs, trusting = certificate(tmp_path, "127.0.0.1")
    server.put(letter().as_bytes())
    with encrypting(server.port, theirs, start=security == "starttls") as port:
        made = desk(make_app, port, security=security)
        collect(made)
        assert health(made)["last_error"] == "No secure connection to 127.0.0.1: self-signed certificate"
        made.clock.advance(minutes=1)
        mails.collect(made.application, Network(tls=lambda: trusting))
    assert (health(made)["failures"], server.flags()) == (0, ["\\Seen"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database
def test_a_server_without_starttls_never_sees_the_password(make_app: MakeApp, server: Server) -> None:
    made = desk(make_app, server.port, security="starttls")
    collect(made)
    assert health(made)["last_error"] == "The mailbox 127.0.0.1 said no: it offers no STARTTLS"


@contextlib.contextmanager
def encrypting(port: int, tls: ssl.SSLContext, *, start: bool) -> Iterator[int]:
    """TLS in front of the server; ``start``: only after STARTTLS, with a word slipped in before it."""
    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as behind:
            if start:
                _agree(plain, behind)
            with tls.wrap_socket(plain, server_side=True) as line:
                back = threading.Thread(target=_pass_on, args=(behind, line))
                back.start()
                _pass_on(line, behind)
                behind.shutdown(socket.SHUT_RDWR)
                back.join(10)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with listening.accept()[0] as plain:
                        serve(plain)

        thread = threading.Thread(target=listen)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _agree(plain: socket.socket, behind: socket.socket) -> None:
    behind.recv(1000)
    plain.sendall(b"* OK hello\r\n")
    while True:
        tag, _, word = plain.recv(1000).strip().partition(b" ")
        if word == b"STARTTLS":
            plain.sendall(tag + b" OK go on\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n")
            return
        plain.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK done\r\n")


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            target.sendall(part)


# --- reading ---------------------------------------------------------------------------------------------------------


def read(raw: bytes, largest: int = 1 << 20) -> Any:
    return read_mail(raw, largest=largest)


@pytest.mark.parametrize(("raw", "subject", "text"), [
    (b"Subject: =?gb2312?B?xOO6ww==?=\n\nhello", "你好", "hello"),
    (b"Subject: =?utf-8?B?!!!?= x\n\nhello", "x", "hello"),
    (b"Subject: =?nonsense?B?xOO6ww==?=\n\nhello", "你好", "hello"),
    (b"Subject: a\n\tb\x00c\n\nhello", "a bc", "hello"),
    (b"Subject: \xc4\xe3\n\n\xc4\xe3\xba\xc3", "��", "你好"),
    (b"Content-Type: text/plain; charset=punycode\n\nhello", "", "hello"),
    (b"Content-Type: text/plain; charset=\"unicode_escape\"\n\n\\ud800", "", "\\ud800"),
    (b"Content-Type: text/html\n\n<style>x{}</style><p>one &amp; <b>two</b></p><script>alert(1)</script><div>three<br>four</div>",
     "", "one & two\nthree\nfour"),
    (b"Content-Type: multipart/mixed\n\nno boundary", "", "no boundary"),
    (b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain\n\none\n--b\n", "", "one\n--b"),
    (b"Content-Transfer-Encoding: base64\n\n!!!!", "", ""),
    (b"", "", ""),
    (b"\x00\xff" * 2000, "", None),
])  # fmt: skip
def test_whatever_is_broken_in_a_mail_becomes_text_with_gaps(raw: bytes, subject: str, text: str | None) -> None:
    mail = read(raw)
    assert mail.subject == subject
    assert text is None or mail.text == text


def test_ten_thousand_headers_are_read_like_ten() -> None:
    heads = b"".join(b"X-%d: y\n" % number for number in range(10_000))
    assert read(heads + b"Subject: last\n\nhello").subject == "last"
    many = b"To: " + b", ".join(b"a%d@example.com" % number for number in range(50_000))
    assert len(read(many + b"\n\nx").to) == 100


@pytest.mark.parametrize("raw", [
    b"Content-Type: text/plain; " + b'a="b;";' * 5000 + b"\n\nx",
    b"Content-Disposition: attachment;\n" + b' filename*0="aaaa";\n' * 5000 + b"\n\nx",
    b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 9000,
    b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 400,
])  # fmt: skip
def test_what_costs_more_than_its_size_is_not_read(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read(raw)


def test_files_are_named_by_text_alone_and_logos_are_no_files() -> None:
    mail = letter()
    mail.add_attachment(b"a" * 2000, maintype="application", subtype="pdf", filename="../../etc/x\u202efdp.pdf")
    mail.add_attachment(b"b" * 3000, maintype="application", subtype="pdf", filename="large.pdf")
    mail.add_attachment(b"logo", maintype="image", subtype="png", cid="<logo>", disposition="inline")
    mail.add_attachment(letter("inner"))
    found = read(mail.as_bytes(), largest=2500)
    assert [file.name for file in found.files] == ["../../etc/xfdp.pdf", "mail.eml"]
    assert found.left_out == ("large.pdf",)
    assert b"Subject: inner" in found.files[1].content


# --- what is said at load --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("connection", "trigger", "said"), [
    ("type: http, base_url: 'https://example.com'", "",
     ["'inbox' is a connection of type http; mails come in at one of type imap."]),
    ("type: imap, host: imap.example.com, user: a, password: {secret: A}, every: 1s", "",
     ["A mailbox is looked into every 10 seconds at most, and once in 24 hours at least."]),
    ("type: imap, host: imap.example.com, user: a, password: {secret: A}, security: none", "",
     ["The password travels unencrypted; use starttls or tls."]),
    ("type: imap, host: imap.example.com, user: a, password: {secret: A}, largest: 1", "",
     ["An attachment is no larger than its mail."]),
    ("type: imap, host: imap.example.com, user: a, password: {secret: A}", ", automatic: true", []),
])  # fmt: skip
def test_what_is_wrong_with_a_mailbox_is_said_at_load(connection: str, trigger: str, said: list[str]) -> None:
    import textwrap

    text = textwrap.dedent(DESK) + f"connections: {{inbox: {{{connection}}}}}\nrules:\n" + (RULES % trigger).replace(
        "papers: mail.attachments", "steps: none")  # fmt: skip
    found = examine(text.replace(", steps: none", ""), default_registry(), "definition.yaml")[2]
    assert [str(one.message) for one in found if one.severity != "note"] == said
