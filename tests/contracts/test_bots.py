from __future__ import annotations

import base64
import hashlib
import json
import urllib.request

import pytest
from contracts.asking import ask, content, over_http
from contracts.bots import DingTalk, Feishu, WeCom, dingtalk_sign, feishu_sign
from contracts.vendor import serving
from fake_clock import FakeClock

MILLISECONDS, SECONDS = "1772587800000", "1772587800"  # of the clock's start


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


# WeCom


@pytest.fixture
def wecom(clock):
    return WeCom(clock)


def to_wecom(bot, body, **over):
    return content(ask(bot, "POST", bot.path, query={"key": bot.key, **over}, data=body))


def text_notice(**over):
    return {"msgtype": "template_card", "template_card": {
        "card_type": "text_notice", "main_title": {"title": "采购申请 PR-1"}, "card_action": {"type": 1, "url": "https://a.cn/1"}, **over}}  # fmt: skip


PICTURE = b"\x89PNG....."
IMAGE = {"base64": base64.b64encode(PICTURE).decode(), "md5": hashlib.md5(PICTURE).hexdigest()}


@pytest.mark.parametrize(("body", "text"), [
    ({"msgtype": "text", "text": {"content": "库存低于安全线", "mentioned_list": ["@all"]}}, "库存低于安全线"),
    ({"msgtype": "markdown", "markdown": {"content": "**低库存** <font color=\"warning\">3</font>"}},
     "**低库存** <font color=\"warning\">3</font>"),
    ({"msgtype": "markdown_v2", "markdown_v2": {"content": "| a | b |"}}, "| a | b |"),
    ({"msgtype": "image", "image": IMAGE}, ""),
    ({"msgtype": "news", "news": {"articles": [{"title": "日报", "url": "https://a.cn"}]}}, "日报"),
    (text_notice(), "采购申请 PR-1"),
])  # fmt: skip
def test_wecom_takes(wecom, body, text):
    assert to_wecom(wecom, body) == {"errcode": 0, "errmsg": "ok"}
    assert [(message.kind, message.text, message.body) for message in wecom.messages] == [(body["msgtype"], text, body)]


@pytest.mark.parametrize(("body", "number"), [
    ({"msgtype": "text", "text": {"content": "字" * 683}}, 40058),  # 2,049 bytes
    ({"msgtype": "markdown", "markdown": {"content": "x" * 4097}}, 40058),
    ({"msgtype": "text", "text": {"content": ""}}, 44004),
    ({"msgtype": "text", "content": "x"}, 44004),
    ({"msgtype": "text", "text": {"content": "x", "mentioned_list": "@all"}}, 40058),
    ({"msgtype": "post"}, 40008),
    (["text"], 47001),
    ({"msgtype": "image", "image": {**IMAGE, "md5": "0"}}, 301019),
    ({"msgtype": "news", "news": {"articles": [{"title": "x", "url": "a.cn"}]}}, 40058),
    ({"msgtype": "file", "file": {"media_id": "none"}}, 40007),
    (text_notice(card_action={"type": 1}), 42045),
    (text_notice(card_type="button_interaction"), 42045),
    (text_notice(card_type="news_notice"), 42045),
])  # fmt: skip
def test_wecom_refuses(wecom, body, number):
    assert to_wecom(wecom, body)["errcode"] == number
    assert (wecom.messages, len(wecom.refused)) == ([], 1)


def test_wecom_takes_what_is_just_not_too_long(wecom):
    assert to_wecom(wecom, {"msgtype": "text", "text": {"content": "字" * 682 + "ab"}})["errcode"] == 0
    assert to_wecom(wecom, {"msgtype": "markdown", "markdown": {"content": "x" * 4096}})["errcode"] == 0


def test_wecom_knows_its_key_and_counts_twenty_a_minute(wecom, clock):
    body = {"msgtype": "text", "text": {"content": "x"}}
    assert to_wecom(wecom, body, key="other")["errcode"] == 93000
    assert [to_wecom(wecom, body)["errcode"] for _ in range(21)] == [0] * 20 + [45009]
    clock.advance(seconds=60)
    assert to_wecom(wecom, body)["errcode"] == 0
    assert (len(wecom.messages), wecom.limited) == (21, 1)


def test_wecom_keeps_a_file_to_be_sent(wecom):
    lines = [b"--B", b'Content-Disposition: form-data; name="media"; filename="r.csv"', b"", b"a,b,c\n1,2,3", b"--B--", b""]
    with serving(wecom) as served:
        request = urllib.request.Request(
            f"{served.url}{wecom.upload}?key={wecom.key}&type=file", b"\r\n".join(lines),
            {"Content-Type": "multipart/form-data; boundary=B"})  # fmt: skip
        with urllib.request.urlopen(request, timeout=5) as answer:
            media = json.loads(answer.read())["media_id"]
    assert wecom.media == {media: b"a,b,c\n1,2,3"}
    assert to_wecom(wecom, {"msgtype": "file", "file": {"media_id": media}})["errcode"] == 0


# DingTalk


@pytest.fixture
def ding(clock):
    return DingTalk(clock, secret="SECtest")


def to_ding(bot, body, **over):
    stamp = str(int(bot.clock().timestamp() * 1000))
    query = {"access_token": bot.token, "timestamp": stamp, "sign": dingtalk_sign(bot.secret, stamp), **over}
    return content(ask(bot, "POST", bot.path, query=query, data=body))


BUTTONS = [{"title": "同意", "actionURL": "https://a.cn/yes"}, {"title": "看看", "actionURL": "dingtalk://a.cn/see"}]
HELLO = {"msgtype": "text", "text": {"content": "低库存"}}


def card(**over):
    inner = {"title": "审批", "text": "### 采购 PR-1\n12,000.00 元", "btnOrientation": "1", "btns": BUTTONS, **over}
    return {"msgtype": "actionCard", "actionCard": {name: value for name, value in inner.items() if value is not None}}


def test_the_signatures_of_dingtalk_and_feishu_are_those_of_openssl():
    """printf '1772587800000\\nSECtest' | openssl dgst -sha256 -hmac SECtest -binary | base64, and for Feishu of nothing
    with the key of '1772587800\\nfeishu-secret'."""
    assert dingtalk_sign("SECtest", MILLISECONDS) == "PJi2Jy5ONu9FCUduTvjxuWQkyGg+4fDPQRgFkrI0+WI="
    assert feishu_sign("feishu-secret", SECONDS) == "by1XelVF+jJLCGJGpRIC0JUWDnKf1sAWRsCSuvQUpHY="


@pytest.mark.parametrize(("body", "text"), [
    ({**HELLO, "at": {"atMobiles": ["13800000000"], "isAtAll": False}}, "低库存"),
    ({"msgtype": "markdown", "markdown": {"title": "低", "text": "#### 低库存"}}, "#### 低库存"),
    ({"msgtype": "link", "link": {"title": "a", "text": "b", "messageUrl": "https://a.cn"}}, "a"),
    (card(), "### 采购 PR-1\n12,000.00 元"),
    (card(btns=None, singleTitle="看", singleURL="https://a.cn"), "### 采购 PR-1\n12,000.00 元"),
    ({"msgtype": "feedCard", "feedCard": {"links": [{"title": "t", "messageURL": "https://a.cn", "picURL": "https://a.cn/p"}]}}, "t"),
])  # fmt: skip
def test_dingtalk_takes(ding, body, text):
    assert to_ding(ding, body) == {"errcode": 0, "errmsg": "ok"}
    assert [(message.kind, message.text) for message in ding.messages] == [(body["msgtype"], text)]


@pytest.mark.parametrize(("body", "number"), [
    ({"msgtype": "text", "text": {"content": " "}}, 40035),
    ({"msgtype": "markdown", "markdown": {"text": "x"}}, 40035),  # a title is needed for the list of chats
    ({"msgtype": "image"}, 400105),
    ({**HELLO, "at": {"atMobiles": "138"}}, 40035),
    ({**HELLO, "at": {"isAtAll": "true"}}, 40035),
    (card(singleTitle="x", singleURL="https://a.cn"), 40035),
    (card(btns=[]), 40035),
    (card(btns=[{"title": "x", "actionURL": "javascript:1"}]), 40035),
    (card(btnOrientation="2"), 40035),
    ({"msgtype": "text", "text": {"content": "x" * 20_000}}, 460101),
])  # fmt: skip
def test_dingtalk_refuses(ding, body, number):
    assert to_ding(ding, body)["errcode"] == number
    assert ding.messages == []


@pytest.mark.parametrize("over", [
    {"sign": "x"}, {"timestamp": SECONDS}, {"timestamp": "1772584100000"}, {"sign": dingtalk_sign("SECtest", "1772587800001")},
])  # fmt: skip
def test_dingtalk_knows_its_signature(ding, over):
    assert to_ding(ding, HELLO, **over)["errcode"] == 310000
    assert to_ding(ding, HELLO, access_token="x")["errcode"] == 300005


def test_dingtalk_without_a_secret_wants_a_keyword(clock):
    bot = DingTalk(clock, secret="", keywords=("库存",))
    assert to_ding(bot, HELLO)["errcode"] == 0
    assert to_ding(bot, {"msgtype": "text", "text": {"content": "x"}})["errcode"] == 310000


def test_dingtalk_blocks_for_ten_minutes(ding, clock):
    assert [to_ding(ding, HELLO)["errcode"] for _ in range(21)] == [0] * 20 + [130101]
    clock.advance(minutes=9, seconds=59)
    assert to_ding(ding, HELLO)["errcode"] == 130101  # and asking again does not make it longer
    clock.advance(seconds=1)
    assert to_ding(ding, HELLO)["errcode"] == 0


# Feishu


@pytest.fixture
def feishu(clock):
    return Feishu(clock)


def to_feishu(bot, body, **over):
    stamp = str(int(bot.clock().timestamp()))
    return content(ask(bot, "POST", bot.path, data={"timestamp": stamp, "sign": feishu_sign(bot.secret, stamp), **body, **over}))


LARK = {"msg_type": "text", "content": {"text": "低库存"}}


def lark_card(*elements, **over):
    return {"msg_type": "interactive", "card": {
        "header": {"title": {"tag": "plain_text", "content": "审批"}, "template": "blue"}, "elements": list(elements), **over}}  # fmt: skip


BUTTON = {"tag": "button", "text": {"tag": "plain_text", "content": "打开"}, "url": "https://a.cn", "type": "primary"}
POST = {"post": {"zh_cn": {"title": "日报", "content": [[{"tag": "text", "text": "3 单"}, {"tag": "a", "text": "看", "href": "https://a.cn"}]]}}}


@pytest.mark.parametrize(("body", "text"), [
    (LARK, "低库存"),
    ({"msg_type": "post", "content": POST}, "日报\n3 单\n看"),
    (lark_card({"tag": "div", "text": {"tag": "lark_md", "content": "**12,000.00**"}}, {"tag": "hr"},
               {"tag": "action", "actions": [BUTTON]}), "审批\n**12,000.00**\n打开"),
    (lark_card({"tag": "div", "fields": [{"text": {"tag": "lark_md", "content": "a"}}]}), "审批\na"),
    ({"msg_type": "interactive", "card": {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "x"}]}}}, "x"),
])  # fmt: skip
def test_feishu_takes(feishu, body, text):
    assert to_feishu(feishu, body) == {"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success", "data": {}}
    assert [(message.kind, message.text) for message in feishu.messages] == [(body["msg_type"], text)]


@pytest.mark.parametrize(("body", "number"), [
    ({"msg_type": "text", "content": {"text": ""}}, 9499),
    ({"msg_type": "markdown", "content": {"text": "x"}}, 9499),
    ({"msg_type": "post", "content": {"post": {"zh_cn": {"content": [{"tag": "text"}]}}}}, 9499),
    (lark_card(), 9499),
    (lark_card({"tag": "action", "actions": [{**BUTTON, "url": ""}]}), 9499),  # a bot does not hear of a click
    (lark_card({"tag": "div"}), 9499),
    (lark_card({"tag": "div", "text": {"tag": "html", "content": "x"}}), 9499),
    ({**LARK, "sign": "x"}, 19021),
    ({**LARK, "timestamp": MILLISECONDS}, 19021),
    ({**LARK, "timestamp": "1772584100", "sign": feishu_sign("feishu-secret", "1772584100")}, 19021),
    ({"msg_type": "text", "content": {"text": "x" * 20_480}}, 9499),
])  # fmt: skip
def test_feishu_refuses(feishu, body, number):
    assert to_feishu(feishu, body)["code"] == number
    assert feishu.messages == []


def test_feishu_counts_five_a_second_and_a_hundred_a_minute(feishu, clock):
    assert [to_feishu(feishu, LARK)["code"] for _ in range(6)] == [0] * 5 + [11232]
    for _ in range(19):
        clock.advance(seconds=1)
        assert [to_feishu(feishu, LARK)["code"] for _ in range(5)] == [0] * 5
    clock.advance(seconds=1)
    assert to_feishu(feishu, LARK)["code"] == 11232
    clock.advance(seconds=60)
    assert to_feishu(feishu, LARK)["code"] == 0


def test_feishu_wants_a_keyword_where_it_has_some(clock):
    bot = Feishu(clock, keywords=("库存",))
    assert [to_feishu(bot, LARK)["code"], to_feishu(bot, {"msg_type": "text", "content": {"text": "x"}})["code"]] == [0, 19024]


def test_mishaps(wecom, ding, feishu):
    for bot in (wecom, ding, feishu):
        bot.mishaps.next("error_inside")
    assert to_wecom(wecom, HELLO)["errcode"] == -1
    assert to_ding(ding, HELLO)["errcode"] == -1
    assert to_feishu(feishu, LARK)["code"] == 11232
    ding.mishaps.next("clock_skew")
    feishu.mishaps.next("clock_skew")
    feishu.mishaps.next("foreign_address")
    assert to_ding(ding, HELLO)["errcode"] == 310000
    assert [to_feishu(feishu, LARK)["code"] for _ in "12"] == [19022, 19021]
    assert wecom.messages + ding.messages + feishu.messages == []


def test_over_http(feishu):
    with serving(feishu) as served:
        body = {"timestamp": SECONDS, "sign": feishu_sign(feishu.secret, SECONDS), **LARK}
        assert over_http("POST", served.url + feishu.path, data=body)[:2] == (
            200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success", "data": {}})  # fmt: skip
        assert over_http("POST", f"{served.url}/open-apis/bot/v2/hook/other", data=body)[1]["code"] == 19001
