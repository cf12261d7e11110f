"""Group bots of 企业微信 (WeCom), 钉钉 (DingTalk) and 飞书 (Feishu): one address each that takes a message, checks its shape,
its signature and how often it is called. All answer HTTP 200 and say in the body whether it went well."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

from contracts.bot_shapes import DINGTALK, FEISHU, Wrong, check_at, is_url, object_of, sized, texts_of, titled
from contracts.vendor import Asked, Effect, Said, Vendor, said


@dataclass(frozen=True)
class Message:
    """What people in the group see: ``kind`` as the vendor names it, ``text`` the main text, ``body`` all of it."""

    kind: str
    text: str
    body: Mapping[str, Any]


class Window:
    """At most ``most`` calls in any ``seconds``."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.length = most, dt.timedelta(seconds=seconds)
        self.times: deque[dt.datetime] = deque()

    def take(self, now: dt.datetime) -> bool:
        while self.times and now - self.times[0] >= self.length:
            self.times.popleft()
        if len(self.times) >= self.most:
            return False
        self.times.append(now)
        return True


class Bot(Vendor):
    """``messages`` are those that arrived, in order."""

    path = ""

    def __init__(self, clock: Callable[[], dt.datetime] | None = None) -> None:
        super().__init__(clock)
        self.messages: list[Message] = []

    def answer(self, asked: Asked) -> Said:
        try:
            self.asked.append(asked)
            return self.outcome(0, "", self.take(asked))
        except Wrong as wrong:
            self.refused.append(str(wrong))
            return self.outcome(wrong.code, wrong.text, {})

    def take(self, asked: Asked) -> Mapping[str, Any]:
        """What more is answered. Raises Wrong."""
        raise NotImplementedError

    def outcome(self, code: int, text: str, more: Mapping[str, Any]) -> Said:
        return said({"errcode": code, "errmsg": text or "ok", **more})

    def keep(self, kind: str, text: str, body: Mapping[str, Any]) -> None:
        self.messages.append(Message(kind, text, body))
        self.effects.append(Effect("message", kind, body))

    def off(self, asked: Asked) -> dt.timedelta:
        """How far the vendor's clock is off for this call."""
        return dt.timedelta(hours=2) if self.strikes("clock_skew", asked) else dt.timedelta()


class WeCom(Bot):
    """20 messages a minute; text of 2,048 bytes, markdown of 4,096; pictures of 2 MB with their MD5."""

    own_mishaps = ("error_inside",)
    path = "/cgi-bin/webhook/send"
    upload = "/cgi-bin/webhook/upload_media"

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, key: str = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa") -> None:
        super().__init__(clock)
        self.key = key
        self.window = Window(20, 60)
        self.media: dict[str, bytes] = {}

    def take(self, asked: Asked) -> Mapping[str, Any]:
        if asked.method != "POST" or asked.path not in (self.path, self.upload):
            raise Wrong(404, "not found")
        if asked.params.get("key") != self.key:
            raise Wrong(93000, "invalid webhook url")
        if asked.path == self.upload:
            return self._keep_media(asked)
        if not self.window.take(self.clock()):
            self.limited += 1
            raise Wrong(45009, "api freq out of limit")
        if self.strikes("error_inside", asked):
            raise Wrong(-1, "system error")
        body = object_of(asked.json, Wrong(47001, "data format error"))
        kind = str(body.get("msgtype"))
        if kind not in WECOM:
            raise Wrong(40008, "invalid message type")
        inner = object_of(body.get(kind), Wrong(44004, "empty content"))
        self.keep(kind, WECOM[kind](self, inner), body)
        return {}

    def _keep_media(self, asked: Asked) -> Mapping[str, Any]:
        kind = asked.headers.get("content-type", "")
        form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + asked.body)
        parts = [part for part in form.walk() if part.get_param("name", header="content-disposition") == "media"]
        data = parts[0].get_payload(decode=True) if parts else None
        if asked.params.get("type") not in ("file", "voice") or not isinstance(data, bytes) or not parts[0].get_filename():
            raise Wrong(40058, "media, filename or type missing")
        if not 5 < len(data) <= 20 * 2**20:
            raise Wrong(40006, "invalid file size")
        media = f"media-{len(self.media) + 1:04d}"
        self.media[media] = data
        return {"type": "file", "media_id": media, "created_at": str(int(self.clock().timestamp()))}

    def _text(self, inner: Mapping[str, Any]) -> str:
        for name in ("mentioned_list", "mentioned_mobile_list"):
            texts_of(inner.get(name, []), Wrong(40058, f"{name} must be a list of strings"))
        return sized(inner, 2048)

    def _markdown(self, inner: Mapping[str, Any]) -> str:
        return sized(inner, 4096)

    def _image(self, inner: Mapping[str, Any]) -> str:
        try:
            data = base64.b64decode(str(inner.get("base64", "")), validate=True)
        except binascii.Error:
            raise Wrong(40058, "base64 invalid") from None
        if not 0 < len(data) <= 2 * 2**20:
            raise Wrong(40009, "invalid image size")
        if hashlib.md5(data).hexdigest() != inner.get("md5"):
            raise Wrong(301019, "media md5 not match")
        return ""

    def _news(self, inner: Mapping[str, Any]) -> str:
        articles = inner.get("articles")
        if not isinstance(articles, list) or not 1 <= len(articles) <= 8:
            raise Wrong(40058, "articles must be 1 to 8")
        for article in articles:
            titled(article, "title", "url", code=40058)
        return str(articles[0]["title"])

    def _file(self, inner: Mapping[str, Any]) -> str:
        if inner.get("media_id") not in self.media:
            raise Wrong(40007, "invalid media_id")
        return ""

    def _card(self, inner: Mapping[str, Any]) -> str:
        if inner.get("card_type") not in ("text_notice", "news_notice"):
            raise Wrong(42045, "template_card card_type invalid")
        title = object_of(inner.get("main_title"), Wrong(42045, "main_title missing")).get("title")
        action = object_of(inner.get("card_action"), Wrong(42045, "card_action missing"))
        if not title and not inner.get("sub_title_text"):
            raise Wrong(42045, "main_title.title and sub_title_text missing")
        if action.get("type") not in (1, 2) or (action["type"] == 1 and not is_url(action.get("url"))):
            raise Wrong(42045, "card_action invalid")
        picture = object_of(inner.get("card_image", {}), Wrong(42045, "card_image invalid"))
        if inner["card_type"] == "news_notice" and not is_url(picture.get("url")):
            raise Wrong(42045, "card_image.url invalid")
        for name, most in (("jump_list", 3), ("horizontal_content_list", 6)):
            entries = inner.get(name, [])
            if not isinstance(entries, list) or len(entries) > most:
                raise Wrong(42045, f"{name} invalid")
        return str(title or inner.get("sub_title_text"))


WECOM: dict[str, Callable[[WeCom, Mapping[str, Any]], str]] = {
    "text": WeCom._text, "markdown": WeCom._markdown, "markdown_v2": WeCom._markdown, "image": WeCom._image,
    "news": WeCom._news, "file": WeCom._file, "template_card": WeCom._card,
}  # fmt: skip


def dingtalk_sign(secret: str, timestamp: str) -> str:
    """base64 of HMAC-SHA256, the key is the secret and what is signed is timestamp, line feed, secret."""
    return base64.b64encode(hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()).decode()


class DingTalk(Bot):
    """20 messages a minute; one more and nothing goes for ten minutes (130101). Signed with ``secret`` when there is one,
    otherwise one of ``keywords`` must stand in the message."""

    own_mishaps = ("clock_skew", "error_inside")
    path = "/robot/send"

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, token: str = "dingtalk-access-token",
                 secret: str = "SEC5e1b0f7c2a", keywords: tuple[str, ...] = ()) -> None:  # fmt: skip
        super().__init__(clock)
        self.token, self.secret, self.keywords = token, secret, keywords
        self.window = Window(20, 60)
        self.blocked_until: dt.datetime | None = None

    def take(self, asked: Asked) -> Mapping[str, Any]:
        if asked.method != "POST" or asked.path != self.path:
            raise Wrong(404, "请求的URI地址不存在")
        if asked.params.get("access_token") != self.token:
            raise Wrong(300005, "token is not exist")
        self._check_rate()
        if self.secret:
            self._check_sign(asked)
        if self.strikes("error_inside", asked):
            raise Wrong(-1, "系统繁忙")
        if len(asked.body) > 20_000:
            raise Wrong(460101, "message too long, exceed 20000 bytes")
        body = object_of(asked.json, Wrong(40035, "缺少参数 json"))
        kind = str(body.get("msgtype") or "")
        if kind not in DINGTALK:
            raise Wrong(400105, f"unsupported msgtype:{kind}")
        inner = object_of(body.get(kind), Wrong(40035, f"缺少参数 {kind}"))
        text = DINGTALK[kind](inner)
        check_at(body.get("at", {}))
        if self.keywords and not any(word in asked.body.decode() for word in self.keywords):
            raise Wrong(310000, "description:机器人发送关键词不匹配;solution:请联系群管理员查看此机器人的关键词")
        self.keep(kind, text, body)
        return {}

    def _check_rate(self) -> None:
        now = self.clock()
        if (self.blocked_until is not None and now < self.blocked_until) or not self.window.take(now):
            self.blocked_until = self.blocked_until if self.blocked_until and now < self.blocked_until else (
                now + dt.timedelta(minutes=10))  # fmt: skip
            self.limited += 1
            raise Wrong(130101, "send too fast, exceed 20 times per minute")

    def _check_sign(self, asked: Asked) -> None:
        stamp, sign = asked.params.get("timestamp", ""), asked.params.get("sign", "")
        if not re.fullmatch(r"\d{13}", stamp):
            raise Wrong(310000, "description:timestamp 无效;solution:请使用毫秒")
        age = self.clock() + self.off(asked) - dt.datetime.fromtimestamp(int(stamp) / 1000, dt.UTC)
        if abs(age) > dt.timedelta(hours=1):
            raise Wrong(310000, "description:机器人发送签名过期;solution:签名生成时间和发送时间请保持在 timestampms 以内")
        if sign != dingtalk_sign(self.secret, stamp):
            raise Wrong(310000, "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中")


def feishu_sign(secret: str, timestamp: str) -> str:
    """base64 of HMAC-SHA256 of nothing; the key is timestamp, line feed, secret."""
    return base64.b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


class Feishu(Bot):
    """5 messages a second and 100 a minute (11232); bodies of 20 KB. ``foreign_address`` is a call from an address that is
    not on the bot's list."""

    own_mishaps = ("clock_skew", "error_inside", "foreign_address")

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, token: str = "feishu-hook-token",
                 secret: str = "feishu-secret", keywords: tuple[str, ...] = ()) -> None:  # fmt: skip
        super().__init__(clock)
        self.token, self.secret, self.keywords = token, secret, keywords
        self.path = f"/open-apis/bot/v2/hook/{token}"
        self.second, self.minute = Window(5, 1), Window(100, 60)

    def outcome(self, code: int, text: str, more: Mapping[str, Any]) -> Said:
        if code:
            return said({"code": code, "msg": text, "data": {}})
        return said({"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success", "data": {}})

    def take(self, asked: Asked) -> Mapping[str, Any]:
        if asked.method != "POST" or asked.path != self.path:
            raise Wrong(19001, "param invalid: incoming webhook access token invalid")
        if self.strikes("foreign_address", asked):
            raise Wrong(19022, "Ip Not Allowed")
        if not (self.second.take(self.clock()) and self.minute.take(self.clock())) or self.strikes("error_inside", asked):
            self.limited += 1
            raise Wrong(11232, "frequency limited psm[lark.oapi.app_platform_runtime] appID[1500]")
        body = object_of(asked.json, Wrong(9499, "Bad Request"))
        if len(asked.body) > 20 * 1024:
            raise Wrong(9499, "Bad Request: body larger than 20 KB")
        if self.secret:
            self._check_sign(body, asked)
        kind = str(body.get("msg_type") or "")
        if kind not in FEISHU:
            raise Wrong(9499, "Bad Request: msg_type")
        text = FEISHU[kind](body)
        if self.keywords and not any(word in text for word in self.keywords):
            raise Wrong(19024, "Key Words Not Found")
        self.keep(kind, text, body)
        return {}

    def _check_sign(self, body: Mapping[str, Any], asked: Asked) -> None:
        stamp, wrong = str(body.get("timestamp", "")), Wrong(
            19021, "sign match fail or timestamp is not within one hour from current time")  # fmt: skip
        if not re.fullmatch(r"\d{10}", stamp):
            raise wrong
        age = self.clock() + self.off(asked) - dt.datetime.fromtimestamp(int(stamp), dt.UTC)
        if abs(age) > dt.timedelta(hours=1) or body.get("sign") != feishu_sign(self.secret, stamp):
            raise wrong
