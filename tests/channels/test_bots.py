"""Bots of groups: messages take the shape that fits, no message is too long, and what goes wrong is heard."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from contracts.vendor import Said, said
from driving import TROUBLE
from driving_china import BOTS, Around, desk_of

from engine.errors import DeliveryFailed, Throttled
from plugins.channels.bots import cut, fitted, size

URL = "https://erp.example.com/approve/1?token=abc&x=1"
BUTTON = [{"label": "批准", "url": URL}]
MOST = {"wecom": 2048, "dingtalk": 20_000, "feishu": 20_000}


@pytest.fixture(params=BOTS)
def desk(request):
    with desk_of(request.param) as desk:
        yield desk


def send(desk, **values):
    return desk.does("send", **{"text": "库存不足：明前龙井 3 罐"} | values)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, ("text", "text", "text")),
        ({"mentions": ["13800138000", "li.si", "all"]}, ("text", "text", "text")),
        ({"title": "缺货"}, ("markdown", "markdown", "interactive")),
        ({"title": "缺货", "mentions": ["13800138000", "li.si", "all"]}, ("markdown", "markdown", "interactive")),
        ({"title": "审批", "buttons": BUTTON}, ("template_card", "actionCard", "interactive")),
        ({"buttons": BUTTON}, ("template_card", "actionCard", "interactive")),
        ({"title": "审批", "buttons": BUTTON, "mentions": ["li.si"]}, ("markdown", "actionCard", "interactive")),
        ({"title": "审批", "buttons": [*BUTTON, {"label": "拒绝", "url": URL}]}, ("template_card", "actionCard", "interactive")),
        ({"title": "审批", "buttons": BUTTON * 5, "text": "一行\n" * 60}, ("markdown", "actionCard", "interactive")),
    ],
)
def test_a_message_takes_the_shape_that_fits(desk, values, kinds):
    assert send(desk, **values) == {"sent": True}
    (message,) = desk.vendor.messages
    assert message.kind == dict(zip(BOTS, kinds, strict=True))[desk.connection.name]
    told = str(dict(message.body))
    assert all(one["url"] in told for one in values.get("buttons", ()))
    assert all(name in told for name in values.get("mentions", ()) if name != "all")
    assert values.get("title", "") in told
    assert desk.vendor.refused == []


def test_everybody_is_called():
    for kind, word in (("wecom", "@all"), ("dingtalk", "'isAtAll': True"), ("feishu", 'user_id="all"')):
        with desk_of(kind) as desk:
            send(desk, mentions=["all"])
            assert word in str(desk.vendor.messages[0].body)


@pytest.mark.parametrize("text", ["字" * 30_000, "é" * 30_000, "😀" * 9_000, "a" * 60_000, '"\\\n' * 9_000, "\x01" * 9_000])
@pytest.mark.parametrize("more", [{}, {"title": "标题" * 300}, {"buttons": BUTTON, "title": "x"}, {"mentions": ["li.si"], "title": "x"}])
def test_no_message_is_too_long_and_no_character_is_cut(desk, text, more):
    send(desk, text=text, **more)
    (message,) = desk.vendor.messages
    assert "…" in message.text
    assert "\ufffd" not in message.text
    assert desk.vendor.refused == []
    told = str(dict(message.body))
    assert all(one["url"] in told for one in more.get("buttons", ()))
    assert all(name in told for name in more.get("mentions", ()))
    assert len(message.text.encode()) > 1000  # as much as there is room for


@pytest.mark.parametrize(("text", "most", "left"), [
    ("abc", 3, "abc"), ("abcd", 3, "…"), ("字字字", 9, "字字字"), ("字字字", 8, "字…"), ("😀😀", 7, "😀…"), ("😀😀", 6, "…"), ("ab", 1, ""), ("", 0, ""),
])  # fmt: skip
def test_a_text_is_cut_at_a_character(text, most, left):
    assert cut(text, most) == left
    assert len(cut(text, most).encode()) <= most


def test_what_is_fitted_is_as_long_as_it_may_be():
    made = fitted(lambda text: {"text": text}, "字" * 1000, 300)
    assert 290 < size(made) <= 300
    assert fitted(lambda text: {"text": text}, "short", 300) == {"text": "short"}


@pytest.mark.parametrize("name", [*TROUBLE, "error_inside"])
def test_a_message_comes_at_least_once_and_at_most_once_for_each_attempt(desk, name):
    desk.vendor.mishaps.next(name)
    desk.until_done("send", text="hello")
    assert len(desk.vendor.messages) == (2 if name in ("lost", "late_error", "half") else 1)
    assert desk.connection.unsure == "repeat"


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_a_clock_that_differs_is_waited_for(kind):
    with desk_of(kind) as desk:
        desk.vendor.mishaps.next("clock_skew")
        with pytest.raises(DeliveryFailed) as caught:
            send(desk)
        assert (caught.value.again, caught.value.after) == (True, 60.0)
        send(desk)


def test_our_own_limit_is_stricter_than_theirs(desk):
    for _ in range(150):
        try:
            send(desk)
        except Throttled as later:
            desk.clock.advance(seconds=later.after)
    assert desk.vendor.limited == 0
    assert len(desk.vendor.messages) > 50


@pytest.mark.parametrize(("kind", "after"), [("wecom", 60.0), ("dingtalk", 600.0), ("feishu", 65.0)])
def test_a_bot_that_was_called_too_often_is_left_alone_as_long_as_it_wants(kind, after):
    with desk_of(kind) as desk:
        desk.around.turn = lambda operation: None
        with pytest.raises(DeliveryFailed) as caught:
            for _ in range(30):
                send(desk)
        assert (caught.value.again, caught.value.after) == (True, after)
        assert not caught.value.unsure
        sent = len(desk.vendor.messages)
        desk.clock.advance(seconds=after)
        send(desk)
        assert len(desk.vendor.messages) == sent + 1


@pytest.mark.parametrize(("kind", "name", "code"), [
    ("wecom", "WECOM_KEY", "93000"), ("dingtalk", "DING_TOKEN", "300005"), ("dingtalk", "DING_SECRET", "310000"),
    ("feishu", "FS_TOKEN", "19001"), ("feishu", "FS_SECRET", None),
])  # fmt: skip
def test_a_wrong_key_is_said_and_never_shown(kind, name, code):
    with desk_of(kind) as desk:
        desk.secrets[name] = "a-wrong-value"
        for ask in (lambda: send(desk), lambda: desk.connection.try_out(desk.task(), desk.around)):
            with pytest.raises(DeliveryFailed) as caught:
                ask()
            assert code is None or (code in str(caught.value) and not caught.value.again)
        send_again = pytest.raises(DeliveryFailed)
        with send_again as caught:
            send(desk)
        assert "a-wrong-value" not in str(caught.value)
        assert desk.vendor.messages == []


def test_trying_it_out_sends_nothing(desk):
    assert "nothing was sent" in str(desk.connection.try_out(desk.task(), desk.around))
    assert desk.vendor.messages == []


@pytest.mark.parametrize(("kind", "values"), [("dingtalk", {"secret": "", "keywords": ("仓库",)}), ("feishu", {"secret": "", "keywords": ("仓库",)})])
def test_the_word_a_bot_wants_is_put_in_front(kind, values):
    with desk_of(kind, values, secret=None) as desk:
        with pytest.raises(DeliveryFailed) as caught:
            send(desk)
        assert not caught.value.again
        desk.connection = dataclasses.replace(desk.connection, keyword="仓库")
        desk.around = Around(desk)
        send(desk)
        send(desk, text="仓库很满")
        assert [message.text.count("仓库") for message in desk.vendor.messages] == [1, 1]


@pytest.mark.parametrize("answer", [{}, {"message": "ok"}, None, [], {"errcode": 5, "code": 5}])
def test_http_200_is_not_yet_a_success(desk, answer):
    desk.vendor.answer = lambda asked: said(answer)
    with pytest.raises(DeliveryFailed):
        send(desk)
    desk.vendor.answer = lambda asked: Said(200, b"<html>", {"Content-Type": "text/html"})
    with pytest.raises(DeliveryFailed) as caught:
        send(desk)
    assert caught.value.again


def test_times_are_those_of_now():
    with desk_of("dingtalk") as desk:
        desk.clock.advance(days=3)
        send(desk)
        stamp = dt.datetime.fromtimestamp(int(desk.vendor.asked[-1].params["timestamp"]) / 1000, dt.UTC)
        assert stamp == desk.clock()
