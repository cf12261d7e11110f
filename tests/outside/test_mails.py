"""What becomes of a mail, against a server that takes, refuses, hangs or breaks off."""

from __future__ import annotations

import email
import email.policy
import time
from functools import partial

import pytest
from recorders import SmtpRecorder
from surroundings import World, certificate, mail, password, smtp_to, task

from engine.errors import DeliveryFailed
from engine.outside import mail as mail_kind
from engine.outside.network import Network


@pytest.fixture
def post():
    with SmtpRecorder() as recorder:
        yield recorder


def failure(connection, world=None, **how):
    with pytest.raises(DeliveryFailed) as caught:
        mail(connection, world, **how)
    return str(caught.value), caught.value.again, caught.value.unsure


def opened(recorder, index=-1):
    return email.message_from_string(recorder.arrivals[index]["content"], policy=email.policy.default)


def test_a_mail_arrives_as_it_was_written(post):
    world = World(files={4: ("报价 单.pdf", "application/pdf", b"%PDF"), 5: ("a.eml", "message/rfc822", b"x")})
    result = mail(
        smtp_to(post, reply_to="office@appmill.example"), world,
        to=["李 <li@example.com>", "wang@example.com"], cc=["Boss <boss@example.com>"], bcc=["li@EXAMPLE.com", "x@example.com"],
        subject="订单 17 – late", text="您好\n.\nEnd", html="<p>您好</p>", attachments=[4, 5], key="m-1",
    )  # fmt: skip
    [arrival] = post.arrivals
    assert arrival["sender"] == "desk@appmill.example"
    assert arrival["receivers"] == ["li@EXAMPLE.com", "wang@example.com", "boss@example.com", "x@example.com"]
    assert (arrival["key"], arrival["message_id"]) == ("m-1", result["message_id"])
    letter = opened(post)
    assert letter["From"] == "Desk <desk@appmill.example>"
    assert letter["To"] == "李 <li@example.com>, wang@example.com"
    assert (letter["Cc"], letter["Bcc"]) == ("Boss <boss@example.com>", None)
    assert (letter["Subject"], letter["Reply-To"]) == ("订单 17 – late", "office@appmill.example")
    assert (letter["Date"], letter["Auto-Submitted"]) == ("Wed, 04 Mar 2026 01:30:00 +0000", "auto-generated")
    assert letter.get_body(("plain",)).get_content() == "您好\r\n.\r\nEnd\r\n"
    assert letter.get_body(("html",)).get_content() == "<p>您好</p>\r\n"
    assert [(part.get_filename(), part.get_content_type()) for part in letter.iter_attachments()] == [
        ("报价 单.pdf", "application/pdf"), ("a.eml", "application/octet-stream"),
    ]  # fmt: skip
    assert result == {
        "message_id": result["message_id"], "accepted": arrival["receivers"], "refused": [], "answer": "250 taken",
    }  # fmt: skip
    assert world.sent == 1


def test_the_message_id_and_key_are_the_same_at_every_attempt(post):
    post.behave("status", status=451, times=2)
    for attempt in (1, 2, 3):
        try:
            mail(smtp_to(post), key="m-9", attempt=attempt)
        except DeliveryFailed:
            continue
    assert len({one["message_id"] for one in post.arrivals}) == 1
    assert post.arrivals[0]["message_id"].endswith("@appmill.example>")
    assert [one["key"] for one in post.arrivals] == ["m-9"] * 3
    assert post.log.keys(taken=True) == {"m-9": 1}
    mail(smtp_to(post), key="m-10")
    assert post.arrivals[-1]["message_id"] != post.arrivals[0]["message_id"]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(("code", "again"), [(451, True), (421, True), (550, False), (554, False)])
def test_a_refusal_for_now_and_one_for_good(post, stage, code, again):
    post.behave("status", status=code, stage=stage)
    said = f"it refused li@example.com ({code} told so)" if stage == "rcpt" else f"{code} told so"
    assert failure(smtp_to(post)) == (f"The mail server 127.0.0.1 said no: {said}", again, False)
    assert post.log.keys(taken=True) == {}


def test_some_receivers_refused_for_good_are_listed(post):
    post.behave("status", status=550, stage="rcpt", only="nobody")
    result = mail(smtp_to(post), to=["li@example.com", "nobody@example.com"])
    assert (result["accepted"], result["refused"]) == (
        ["li@example.com"], [{"address": "nobody@example.com", "code": 550, "said": "told so"}],
    )  # fmt: skip
    assert post.arrivals[0]["receivers"] == ["li@example.com"]


def test_some_receivers_refused_for_now_are_waited_for_until_the_last_attempt(post):
    post.behave("status", status=450, stage="rcpt", only="grey")
    to, connection = ["li@example.com", "grey@example.com"], smtp_to(post, attempts=3)
    assert failure(connection, to=to, attempt=2) == (
        "The mail server 127.0.0.1 said no: it refused grey@example.com (450 told so)", True, False,
    )  # fmt: skip
    assert post.arrivals == []
    assert mail(connection, to=to, attempt=3)["refused"] == [
        {"address": "grey@example.com", "code": 450, "said": "told so"}
    ]


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt"])
def test_a_line_lost_before_the_mail_went_out_is_no_doubt(post, stage):
    post.behave("drop", stage=stage)
    world = World()
    _said, again, unsure = failure(smtp_to(post), world)
    assert (again, unsure, world.sent) == (True, False, 0)


def test_a_line_lost_after_the_mail_went_out_is_unsure(post):
    post.behave("drop")
    world = World()
    said, again, unsure = failure(smtp_to(post), world)
    assert said == "The line to the mail server 127.0.0.1 was lost: Connection unexpectedly closed"
    assert (again, unsure, world.sent) == (True, True, 1)
    assert post.log.keys() == {"k-1": 1}


@pytest.mark.parametrize(("stage", "unsure"), [("mail", False), ("data", True)])
def test_a_server_that_hangs_is_left_at_the_limit(post, stage, unsure):
    post.behave("hang", stage=stage)
    began = time.monotonic()
    assert failure(smtp_to(post), seconds=0.3) == (
        "The line to the mail server 127.0.0.1 was lost: no answer within 0.3 s", True, unsure,
    )  # fmt: skip
    assert time.monotonic() - began < 1.5


def test_nobody_there():
    with SmtpRecorder() as gone:
        connection = smtp_to(gone)
    assert failure(connection) == (f"127.0.0.1:{gone.port} cannot be reached: Connection refused", True, False)


def test_a_private_server_must_be_meant(post):
    said, again, unsure = failure(smtp_to(post, private=False))
    assert (again, unsure) == (False, False)
    assert said == (
        "127.0.0.1: The address 127.0.0.1 is private; if that is meant, say `private: true` in the connection."
    )


def test_starttls_and_a_sign_in(tmp_path):
    server, client = certificate(tmp_path, "localhost")
    with SmtpRecorder(tls=server, users={"desk": "geheim-1"}) as post:
        connection = smtp_to(post, host="localhost", security="starttls", user="desk", password=password())
        send = partial(mail_kind.perform, network=Network(tls=lambda: client))
        data = {"to": ["li@example.com"], "subject": "S", "text": "T"}
        assert send(task("mail", connection, **data), World({"MAIL_PASSWORD": "geheim-1"}))["refused"] == []
        assert post.signed_in == ["desk"]
        with pytest.raises(DeliveryFailed) as caught:
            send(task("mail", connection, **data), World({"MAIL_PASSWORD": "wrong-12"}))
        assert (str(caught.value), caught.value.again) == (
            "The mail server localhost said no: 535 5.7.8 wrong password", False,
        )  # fmt: skip
        said, again, unsure = failure(connection, World({"MAIL_PASSWORD": "geheim-1"}))
        assert (said, again, unsure) == (
            "No secure connection to localhost: self-signed certificate", True, False,
        )  # fmt: skip
        post.behave("hang")
        with pytest.raises(DeliveryFailed) as caught:
            send(task("mail", connection, seconds=0.5, **data), World({"MAIL_PASSWORD": "geheim-1"}))
        assert (str(caught.value), caught.value.unsure) == (
            "The line to the mail server localhost was lost: no answer within 0.5 s", True,
        )  # fmt: skip


def test_tls_from_the_start(tmp_path):
    server, client = certificate(tmp_path, "127.0.0.1")
    with SmtpRecorder(tls=server, secure=True) as post:
        connection = smtp_to(post, security="tls")
        sent = mail_kind.perform(
            task("mail", connection, to=["li@example.com"], subject="S", text="T"), World(),
            network=Network(tls=lambda: client),
        )  # fmt: skip
        assert sent["accepted"] == ["li@example.com"]


def test_a_server_without_starttls_gets_no_mail(post):
    assert failure(smtp_to(post, security="starttls")) == (
        "The mail server 127.0.0.1 said no: it offers no STARTTLS", False, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"subject": "Hi\r\nBcc: x@example.com"}, "The subject of the mail has a line break or a control character."),
        ({"subject": "Hi\u2028Bcc: x"}, "The subject of the mail has a line break or a control character."),
        ({"to": ["a@example.com\r\nRCPT TO:<x@example.com>"]}, "'a@example.com??RCPT TO:<x@example.com>' is no mail address."),
        ({"to": ["A\nBcc: x@example.com <a@example.com>"]}, "'A?Bcc: x@example.com <a@example.com>' is no mail address."),
        ({"to": ["a@example.com, b@example.com"]}, "'a@example.com, b@example.com' is no mail address."),
        ({"to": ["a@b@example.com"]}, "'a@b@example.com' is no mail address."),
        ({"to": ["李@example.com"]}, "'李@example.com' is no mail address."),
        ({"to": [""]}, "'' is no mail address."),
        ({"to": []}, "The mail has no receiver."),
        ({"reply_to": "x\ny@example.com"}, "'x?y@example.com' is no mail address."),
        ({"key": "k\r\nX: y"}, "The key of the mail has a line break or a control character."),
        ({"attachments": [9]}, "The file is not in the store any more."),
    ],
)  # fmt: skip
def test_nothing_can_be_smuggled_into_the_head(post, how, said):
    assert failure(smtp_to(post), **how) == (said, False, False)
    assert post.arrivals == []


def test_one_wrong_address_does_not_keep_the_mail_from_the_others(post):
    people = [{"name": "李 \"Li\" <x>", "address": "li@example.com", "language": "zh"}, {"name": "", "address": "a@b@c"}]
    result = mail(smtp_to(post), to=people)
    assert (result["accepted"], result["refused"]) == (
        ["li@example.com"], [{"address": "a@b@c", "code": 553, "said": "no mail address"}],
    )  # fmt: skip
    [to] = opened(post)["To"].addresses
    assert (to.display_name, to.addr_spec) == ('李 "Li" <x>', "li@example.com")


def test_a_persons_name_cannot_smuggle(post):
    people = [{"name": "Li\r\nBcc: x@example.com", "address": "li@example.com"}]
    assert failure(smtp_to(post), to=people) == ("'li@example.com' is no mail address.", False, False)


def test_a_file_name_cannot_smuggle_either(post):
    world = World(files={1: ("a\r\nX-Evil: 1.pdf", "application/pdf", b"x")})
    assert failure(smtp_to(post), world, attachments=[1]) == (
        "The file name of the mail has a line break or a control character.", False, False,
    )  # fmt: skip


def test_a_domain_of_any_letters_is_written_in_ascii(post):
    mail(smtp_to(post), to=["li@例子.example"], bcc=[])
    assert post.arrivals[0]["receivers"] == ["li@xn--fsqu00a.example"]


def test_half_characters_are_replaced(post):
    mail(smtp_to(post), subject="a\ud800b", text="c\ud800d\0e", to=["li@example.com"])
    assert (opened(post)["Subject"], opened(post).get_content()) == ("a?b", "c?de\r\n")


def test_only_hidden_receivers(post):
    mail(smtp_to(post), to=[], bcc=["x@example.com"])
    assert (opened(post)["To"], post.arrivals[0]["receivers"]) == ("undisclosed-recipients:;", ["x@example.com"])
