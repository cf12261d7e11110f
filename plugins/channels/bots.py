"""What bots of groups have in common: a message is cut to what they take, and never in the middle of a character.

A bot knows no keys, so a message whose answer was lost may come twice. That is a small thing beside asking an
administrator about it, so it is repeated. Nor can a bot hear of a click: a button opens an address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.api import (
    Answer,
    Call,
    Credential,
    DeliveryFailed,
    Duration,
    Label,
    Message,
    Operation,
    Rate,
    Surroundings,
    Task,
    message,
    option,
    send,
)
from plugins.channels.asking import data_of, refused
from plugins.channels.channel import TEXT, Channel

BUTTON: Mapping[str, Any] = {
    "type": "object", "required": ["label", "url"], "additionalProperties": False,
    "properties": {"label": TEXT, "url": {"type": "string", "pattern": "^https?://"}},
}  # fmt: skip
SEND = Operation(
    Label({"zh": "发送群消息", "en": "Send a message to the group"}),
    {"text": TEXT, "title": {"type": "string"}, "mentions": {"type": "array", "items": TEXT},
     "buttons": {"type": "array", "items": BUTTON, "maxItems": 5}},
    frozenset({"text"}),
)  # fmt: skip
EVERYBODY = "all"
OUR_CLOCK = 60.0  # seconds until a call that was too old or too early is made again


@dataclass(frozen=True)
class Note:
    """What is to be said. With a ``title`` or ``buttons`` the text is Markdown. ``mentions``: mobile numbers, ids of
    users, or `all`."""

    text: str
    title: str
    mentions: tuple[str, ...]
    buttons: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> bool:
        return not self.title and not self.buttons

    @property
    def headline(self) -> str:
        """A title where one has to be: the first line of the text."""
        return self.title or cut(self.text.strip().partition("\n")[0], 60)

    @property
    def mobiles(self) -> list[str]:
        return [one for one in self.mentions if _is_mobile(one)]

    @property
    def users(self) -> list[str]:
        return [one for one in self.mentions if one != EVERYBODY and not _is_mobile(one)]

    @property
    def everybody(self) -> bool:
        return EVERYBODY in self.mentions


@dataclass(frozen=True, kw_only=True)
class Bot(Channel):
    """A bot of a group."""

    keyword: str = option("A word that every message must have, where the bot was given one.", "")
    unsure: Literal["ask", "repeat"] = option(
        "What to do when the answer to a message was lost: `repeat` it, which at worst is read twice, or `ask` an "
        "administrator.",
        "repeat",
    )

    def operations(self) -> Mapping[str, Operation]:
        return {"send": SEND}

    def usual_limits(self) -> Mapping[str, Rate]:
        """Twenty messages in any minute: five at once, and fifteen more by and by."""
        return {"all": Rate(calls=15, per=Duration(1, "m"), burst=5)}

    def perform(
        self, operation: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        note = self.note(values)
        surroundings.turn(operation)
        code, words = self.said(self.body(note, surroundings), task, surroundings)
        if code:
            raise self.no(code, words)
        return {"sent": True}

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        """A message without content: the bot refuses it, but not before it has looked who sends it."""
        surroundings.turn("send")
        code, words = self.said(self.empty(surroundings), task, surroundings)
        if code not in self.empty_is():
            raise self.no(code, words)
        return message("The bot is there and lets us in; nothing was sent.")

    def note(self, values: Mapping[str, Any]) -> Note:
        text, title = str(values["text"]), str(values.get("title") or "").strip()
        if self.keyword and self.keyword not in text + title:
            text = f"{self.keyword}\n{text}"
        buttons = tuple((str(one["label"]), str(one["url"])) for one in values.get("buttons") or ())
        return Note(text, title, tuple(map(str, values.get("mentions") or ())), buttons)

    def posted(self, base_url: str, auth: Credential | None, path: str, body: Any, task: Task,
               surroundings: Surroundings) -> Mapping[str, Any]:  # fmt: skip
        answer: Answer = send(self.line(base_url, auth), Call(path=path, json=body), task, surroundings)
        told = data_of(answer, self.name, writes=True)
        if not isinstance(told, dict):
            raise refused(self.name, answer.status, str(told), again=True, unsure=True)
        return told

    def no(self, code: int, words: str) -> DeliveryFailed:
        """The no of a bot, and whether it passes."""
        after = self.waits(code, words)
        return refused(f"'{self.name}'", code, words, again=after is not None, after=after)

    # --- what each of them says for itself

    def body(self, note: Note, surroundings: Surroundings) -> Any:
        """The JSON that is sent."""
        raise NotImplementedError

    def empty(self, surroundings: Surroundings) -> Any:
        """The JSON of no message at all."""
        raise NotImplementedError

    def empty_is(self) -> frozenset[int]:
        """The codes that say so."""
        raise NotImplementedError

    def said(self, body: Any, task: Task, surroundings: Surroundings) -> tuple[int, str]:
        """(code, words) of the answer; 0 where it was taken."""
        raise NotImplementedError

    def waits(self, code: int, words: str) -> float | None:
        """After how many seconds an error has passed; None for one that does not pass."""
        raise NotImplementedError


def cut(text: str, most: int) -> str:
    """The beginning of a text in at most so many bytes of UTF-8, with an ellipsis where something is missing."""
    whole = text.encode()
    if len(whole) <= most:
        return text
    return whole[: max(most - 3, 0)].decode(errors="ignore").rstrip() + "…" if most >= 3 else ""


def fitted(build: Callable[[str], Any], text: str, most: int) -> Any:
    """``build(text)`` with as much of the text as makes its JSON no longer than so many bytes."""
    if size(build(text)) <= most:
        return build(text)
    least, room = 0, len(text.encode())
    while room - least > 1:
        middle = (least + room) // 2
        least, room = (middle, room) if size(build(cut(text, middle))) <= most else (least, middle)
    return build(cut(text, least))


def size(body: Any) -> int:
    """Bytes of a body as it is sent."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def links(buttons: Sequence[tuple[str, str]]) -> str:
    """Buttons as Markdown, where a message can have none."""
    return "\n".join(f"[{label.replace('[', '(').replace(']', ')')}]({url})" for label, url in buttons)


def _is_mobile(text: str) -> bool:
    return text.removeprefix("+").isdecimal() and len(text) >= 8
