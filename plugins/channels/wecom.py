"""企业微信: the bot of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from engine.api import QueryCredential, Secret, Surroundings, Task, option
from plugins.channels.bots import Bot, Note, cut, links

PATH = "/cgi-bin/webhook/send"
MOST_TEXT, MOST_MARKDOWN = 2048, 4096  # bytes
CARD_TITLE, CARD_TEXT, CARD_LINKS = 26, 112, 3  # characters a card shows, and how many links


@dataclass(frozen=True, kw_only=True)
class WeComConnection(Bot):
    """A bot of a group in 企业微信 (WeCom): messages, with buttons that open a page."""

    type: ClassVar[str] = "wecom"
    base_url: str = option("Where it is called.", "https://qyapi.weixin.qq.com", minLength=8)
    key: Secret = option("The key at the end of the bot's address.")

    def body(self, note: Note, surroundings: Surroundings) -> Any:
        if note.plain:
            return {"msgtype": "text", "text": _text(note)}
        if _fits_card(note):
            return {"msgtype": "template_card", "template_card": _card(note)}
        return {"msgtype": "markdown", "markdown": {"content": _markdown(note)}}

    def empty(self, surroundings: Surroundings) -> Any:
        return {"msgtype": "none"}

    def empty_is(self) -> frozenset[int]:
        return frozenset({40008, 44004, 40035})

    def said(self, body: Any, task: Task, surroundings: Surroundings) -> tuple[int, str]:
        auth = QueryCredential(values={"key": self.key})  # type: ignore[dict-item]
        told = self.posted(self.base_url, auth, PATH, body, task, surroundings)
        return int(told.get("errcode", -2)), str(told.get("errmsg"))

    def waits(self, code: int, words: str) -> float | None:
        return {45009: 60.0, -1: 5.0}.get(code)


def _text(note: Note) -> dict[str, Any]:
    everybody = ["@all"] if note.everybody else []
    return {"content": cut(note.text, MOST_TEXT), "mentioned_list": [*note.users, *everybody],
            "mentioned_mobile_list": note.mobiles}  # fmt: skip


def _fits_card(note: Note) -> bool:
    """A card has buttons, but shows little text and mentions nobody."""
    return 0 < len(note.buttons) <= CARD_LINKS and not note.mentions and len(note.text) <= CARD_TEXT


def _card(note: Note) -> dict[str, Any]:
    jumps = [{"type": 1, "title": label, "url": url} for label, url in note.buttons]
    title = note.title if len(note.title) <= CARD_TITLE else f"{note.title[: CARD_TITLE - 1]}…"
    return {"card_type": "text_notice", "main_title": {"title": title}, "sub_title_text": note.text,
            "jump_list": jumps, "card_action": {"type": 1, "url": note.buttons[0][1]}}  # fmt: skip


def _markdown(note: Note) -> str:
    """Links and mentions are never cut, the text is."""
    calls = " ".join(f"<@{one}>" for one in [*note.users, *note.mobiles, *(["all"] if note.everybody else [])])
    head = f"**{cut(note.title, 300)}**\n" if note.title else ""
    tail = "".join(f"\n{part}" for part in (links(note.buttons), calls) if part)
    return head + cut(note.text, MOST_MARKDOWN - len((head + tail).encode())) + tail
