"""The shapes of messages that bots of groups take, and how they are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

URL = re.compile(r"(https?|dingtalk)://\S+")


class Wrong(Exception):
    """A refusal with the vendor's own number and sentence."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


def object_of(value: object, wrong: Wrong) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong
    return value


def _list(value: object, wrong: Wrong) -> list[Any]:
    """A list with something in it."""
    if not isinstance(value, list) or not value:
        raise wrong
    return value


def texts_of(value: object, wrong: Wrong) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise wrong


def is_url(value: object) -> bool:
    return isinstance(value, str) and URL.fullmatch(value) is not None


def sized(inner: Mapping[str, Any], most: int) -> str:
    text = inner.get("content")
    if not isinstance(text, str) or not text:
        raise Wrong(44004, "empty content")
    if len(text.encode()) > most:
        raise Wrong(40058, f"content exceed max length {most}")
    return text


def titled(values: object, *names: str, code: int = 40035) -> str:
    """The first of ``names``; each must be text that is not empty, one whose name ends with URL an address."""
    given = object_of(values, Wrong(code, f"缺少参数 {names[0]}"))
    for name in names:
        value = given.get(name)
        if not isinstance(value, str) or not value.strip() or (name.lower().endswith("url") and not is_url(value)):
            raise Wrong(code, f"缺少参数 {name}")
    return str(given[names[0]])


def _ding_text(inner: Mapping[str, Any]) -> str:
    return titled(inner, "content")


def _ding_markdown(inner: Mapping[str, Any]) -> str:
    titled(inner, "title")
    return titled(inner, "text")


def _ding_link(inner: Mapping[str, Any]) -> str:
    return titled(inner, "title", "text", "messageUrl")


def _ding_card(inner: Mapping[str, Any]) -> str:
    """One button over the whole card (singleTitle, singleURL) or several in ``btns``, never both."""
    titled(inner, "title", "text")
    if str(inner.get("btnOrientation", "0")) not in ("0", "1"):
        raise Wrong(40035, "btnOrientation 须为 0 或 1")
    if ("btns" in inner) == ("singleTitle" in inner or "singleURL" in inner):
        raise Wrong(40035, "singleTitle/singleURL 与 btns 须有且只有一种")
    buttons = inner["btns"] if "btns" in inner else [{"title": inner.get("singleTitle"), "actionURL": inner.get("singleURL")}]
    for button in _list(buttons, Wrong(40035, "btns 不能为空")):
        titled(button, "title", "actionURL")
    return str(inner["text"])


def _ding_feed(inner: Mapping[str, Any]) -> str:
    links = _list(inner.get("links"), Wrong(40035, "links 不能为空"))
    for link in links:
        titled(link, "title", "messageURL", "picURL")
    return str(links[0]["title"])


def check_at(at: object) -> None:
    given = object_of(at, Wrong(40035, "at 须为对象"))
    for name in ("atMobiles", "atUserIds"):
        texts_of(given.get(name, []), Wrong(40035, f"{name} 须为字符串列表"))
    if not isinstance(given.get("isAtAll", False), bool):
        raise Wrong(40035, "isAtAll 须为布尔值")


DINGTALK: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "text": _ding_text, "markdown": _ding_markdown, "link": _ding_link, "actionCard": _ding_card, "feedCard": _ding_feed,
}  # fmt: skip


def _feishu_text(body: Mapping[str, Any]) -> str:
    return titled(object_of(body.get("content"), Wrong(9499, "Bad Request: content")), "text", code=9499)


def _feishu_post(body: Mapping[str, Any]) -> str:
    bad = Wrong(9499, "Bad Request: content.post")
    post = object_of(object_of(body.get("content"), bad).get("post"), bad)
    tongue = object_of(post.get("zh_cn") or post.get("en_us"), bad)
    lines = tongue.get("content")
    if not isinstance(lines, list) or not all(isinstance(line, list) for line in lines):
        raise bad
    parts = [part for line in lines for part in line]
    if not all(isinstance(part, dict) and part.get("tag") in ("text", "a", "at", "img") for part in parts):
        raise bad
    if not all(is_url(part.get("href")) for part in parts if part["tag"] == "a"):
        raise bad
    return "\n".join([str(tongue.get("title", "")), *(str(part.get("text", "")) for part in parts)])


def _feishu_card(body: Mapping[str, Any]) -> str:
    card = object_of(body.get("card"), Wrong(9499, "Bad Request: card"))
    inside = object_of(card.get("body", {}), Wrong(9499, "Bad Request: card.body")) if card.get("schema") == "2.0" else card
    elements = _list(inside.get("elements"), Wrong(9499, "Bad Request: card.elements"))
    header = object_of(card.get("header", {}), Wrong(9499, "Bad Request: card.header"))
    texts = [_card_text(header.get("title"))] if header else []
    return "\n".join(texts + [text for element in elements for text in _element(element)])


def _element(element: object) -> list[str]:
    bad = Wrong(9499, "Bad Request: card element")
    one = object_of(element, bad)
    tag = one.get("tag")
    if tag == "div":
        fields = [object_of(field, bad).get("text") for field in _list(one.get("fields"), bad)] if "text" not in one else []
        return [_card_text(text) for text in fields or [one.get("text")]]
    if tag == "markdown":
        return [titled(one, "content", code=9499)]
    if tag in ("action", "note"):
        inner = _list(one.get("actions" if tag == "action" else "elements"), bad)
        return [text for part in inner for text in (_element(part) if tag == "action" else [_card_text(part)])]
    if tag == "button":
        return [_button(one)]
    if tag in ("hr", "img"):
        return []
    raise bad


def _button(button: Mapping[str, Any]) -> str:
    """A button opens an address: a bot cannot hear of a click."""
    if not is_url(button.get("url")) or button.get("type", "default") not in ("default", "primary", "danger"):
        raise Wrong(9499, "Bad Request: button")
    return _card_text(button.get("text"))


def _card_text(text: object) -> str:
    one = object_of(text, Wrong(9499, "Bad Request: text"))
    if one.get("tag") not in ("plain_text", "lark_md"):
        raise Wrong(9499, "Bad Request: text.tag")
    return titled(one, "content", code=9499)


FEISHU: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "text": _feishu_text, "post": _feishu_post, "interactive": _feishu_card,
}  # fmt: skip
