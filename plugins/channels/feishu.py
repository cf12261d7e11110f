"""飞书 and Lark: the bot of a group."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

from engine.api import Duration, Rate, Secret, Surroundings, Task, option
from plugins.channels.asking import secret
from plugins.channels.bots import OUR_CLOCK, Bot, Note, cut, fitted

PATH = "/open-apis/bot/v2/hook/"
MOST = 20_000  # bytes of a body


@dataclass(frozen=True, kw_only=True)
class FeishuConnection(Bot):
    """A bot of a group in 飞书 (Feishu, Lark): messages, with buttons that open a page."""

    type: ClassVar[str] = "feishu"
    base_url: str = option(
        "Where it is called; for Lark https://open.larksuite.com.", "https://open.feishu.cn", minLength=8
    )
    token: Secret = option("What stands at the end of the bot's address, behind /hook/.")
    secret: Secret | None = option("The secret of a bot that wants signatures.", None)

    def usual_limits(self) -> Mapping[str, Rate]:
        """Five in a second and a hundred in a minute: three at once, and ninety more by and by."""
        return {"all": Rate(calls=90, per=Duration(1, "m"), burst=3)}

    def body(self, note: Note, surroundings: Surroundings) -> Any:
        signed = self._signed(surroundings)
        return fitted(lambda text: {**signed, **_shape(note, text)}, note.text, MOST)

    def empty(self, surroundings: Surroundings) -> Any:
        return {**self._signed(surroundings), "msg_type": "none"}

    def empty_is(self) -> frozenset[int]:
        return frozenset({9499, 19002})

    def said(self, body: Any, task: Task, surroundings: Surroundings) -> tuple[int, str]:
        path = PATH + secret(self.token, self.base_url, surroundings)
        told = self.posted(self.base_url, None, path, body, task, surroundings)
        return int(told.get("code", told.get("StatusCode", -2))), str(told.get("msg") or told.get("StatusMessage"))

    def waits(self, code: int, words: str) -> float | None:
        """The whole and the half hour are when Feishu is busy with everybody's reminders."""
        return {11232: 65.0, 19021: OUR_CLOCK}.get(code)

    def _signed(self, surroundings: Surroundings) -> dict[str, str]:
        """HMAC-SHA256 over nothing; its key are time and secret."""
        if self.secret is None:
            return {}
        stamp = str(int(surroundings.now().timestamp()))
        key = f"{stamp}\n{secret(self.secret, self.base_url, surroundings)}"
        return {"timestamp": stamp, "sign": b64encode(hmac.new(key.encode(), b"", sha256).digest()).decode()}


def _shape(note: Note, text: str) -> dict[str, Any]:
    """Feishu knows people by id, not by mobile number; a number is written as it is."""
    numbers = "".join(f" @{one}" for one in note.mobiles)
    if note.plain:
        ids = [*note.users, *(["all"] if note.everybody else [])]
        calls = "".join(f' <at user_id="{one}"></at>' for one in ids)
        return {"msg_type": "text", "content": {"text": text + numbers + calls}}
    calls = "".join(f" <at id={one}></at>" for one in [*note.users, *(["all"] if note.everybody else [])])
    elements: list[dict[str, Any]] = [{"tag": "markdown", "content": text + numbers + calls}]
    if note.buttons:
        elements.append({"tag": "action", "actions": [_button(place, *one) for place, one in enumerate(note.buttons)]})
    title = {"tag": "plain_text", "content": cut(note.headline, 300)}
    return {"msg_type": "interactive", "card": {"header": {"title": title}, "elements": elements}}


def _button(place: int, label: str, url: str) -> dict[str, Any]:
    return {"tag": "button", "text": {"tag": "plain_text", "content": label}, "url": url,
            "type": "default" if place else "primary"}  # fmt: skip
