"""钉钉: the bot of a group."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

from engine.api import Credential, Secret, Signing, Surroundings, Task, option
from plugins.channels.bots import OUR_CLOCK, Bot, Note, cut, fitted

PATH = "/robot/send"
MOST = 20_000  # bytes of a body
BLOCKED = 600.0  # after more than twenty messages in a minute nothing is taken for ten


@dataclass(frozen=True, kw_only=True)
class DingTalkConnection(Bot):
    """A bot of a group in 钉钉 (DingTalk): messages, with buttons that open a page."""

    type: ClassVar[str] = "dingtalk"
    base_url: str = option("Where it is called.", "https://oapi.dingtalk.com", minLength=8)
    token: Secret = option("The access_token at the end of the bot's address.")
    secret: Secret | None = option("The secret (SEC…) of a bot that wants signatures.", None)

    def body(self, note: Note, surroundings: Surroundings) -> Any:
        at = {"atMobiles": note.mobiles, "atUserIds": note.users, "isAtAll": note.everybody}
        return fitted(lambda text: {**_shape(note, text), "at": at}, note.text, MOST)

    def empty(self, surroundings: Surroundings) -> Any:
        return {"msgtype": "none"}

    def empty_is(self) -> frozenset[int]:
        return frozenset({400105, 40035, 43004})

    def said(self, body: Any, task: Task, surroundings: Surroundings) -> tuple[int, str]:
        told = self.posted(self.base_url, _Signed(token=self.token, secret=self.secret), PATH, body, task, surroundings)
        return int(told.get("errcode", -2)), str(told.get("errmsg"))

    def waits(self, code: int, words: str) -> float | None:
        if code == 310000:  # a keyword, a signature or an address: only an old signature passes
            return OUR_CLOCK if "过期" in words else None
        return {130101: BLOCKED, -1: 5.0}.get(code)


def _shape(note: Note, text: str) -> dict[str, Any]:
    """A mention has to stand in Markdown too, or nobody sees it."""
    if note.plain:
        return {"msgtype": "text", "text": {"content": text}}
    names = [*note.mobiles, *note.users]
    told = text + ("\n\n" + " ".join(f"@{name}" for name in names) if names else "")
    title, head = cut(note.headline, 200), f"### {cut(note.title, 200)}\n\n" if note.title else ""
    if not note.buttons:
        return {"msgtype": "markdown", "markdown": {"title": title, "text": head + told}}
    card: dict[str, Any] = {"title": title, "text": head + told}
    if len(note.buttons) == 1:
        card |= {"singleTitle": note.buttons[0][0], "singleURL": note.buttons[0][1]}
    else:
        card |= {"btnOrientation": "0", "btns": [{"title": label, "actionURL": url} for label, url in note.buttons]}
    return {"msgtype": "actionCard", "actionCard": card}


@dataclass(frozen=True, kw_only=True)
class _Signed(Credential):
    """The token, and what shows that we know the secret: HMAC-SHA256 over time and secret, its key the secret."""

    token: Secret
    secret: Secret | None

    def query(self, signing: Signing) -> Mapping[str, str]:
        known = {"access_token": signing.value(self.token)}
        if self.secret is None:
            return known
        stamp, key = str(signing.moment * 1000), signing.value(self.secret)
        digest = hmac.new(key.encode(), f"{stamp}\n{key}".encode(), sha256).digest()
        return {**known, "timestamp": stamp, "sign": b64encode(digest).decode()}
