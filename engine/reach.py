"""How people are reached outside the application, as the definition declares it: the ways there are, what goes out on
which of them where a person chose nothing, and the words. ``engine.reaching`` carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import Message, message
from engine.language import CalendarName, ConnectionName, Label, Named, Template, WayName, option

Kind = Literal["asked", "responsible", "mentioned", "told"]
KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_LABELS: Mapping[Kind, Message] = {
    "asked": message("Asked to decide"),
    "responsible": message("Responsible for a record now"),
    "mentioned": message("Mentioned or answered"),
    "told": message("Told by a rule"),
}
TEXT_NAMES = ("notice", "title", "form", "name", "app", "kind")  # what words of one's own may name
SEND = "send"  # the operation of connections that chat messages go by
TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


@dataclass(frozen=True, kw_only=True)
class Way(Named):
    """A way to reach people outside: by mail, or by messages of a chat."""

    label: Label | None = option("What people call it.", None)
    connection: ConnectionName = option(
        "The connection it goes by: one that sends mails, or one with the operation `send`, such as a chat robot."
    )
    person: Literal["email", "phone", "login"] | None = option(
        "What of an account names the person there, unless they say something else. Default: `email` for mails, "
        "`phone` for chats.",
        None,
    )
    alone: bool = option(
        "A chat in which nobody but the person reads along; its operation `send` takes `to`. In any other chat a group "
        "does: what is said there is short, and its button asks to sign in.",
        False,
    )


@dataclass(frozen=True, kw_only=True)
class ReachText:
    """The words of one kind on one way."""

    title: Template | None = option(
        "The subject of a mail, the heading of a message, such as {{ app }}: {{ notice }}.", None
    )
    text: Template | None = option(
        "The text. It may name notice (what the person is told), title (of the record), form, name (of the person), "
        "app and kind.",
        None,
    )


@dataclass(frozen=True, kw_only=True)
class Reaching:
    """On which ways one kind goes out, where a person chose nothing."""

    at_once: tuple[WayName, ...] = option("The ways on which it goes out at once.", ())
    digest: tuple[WayName, ...] = option("The ways on which it waits for the daily digest.", ())
    locked: bool = option("Nobody chooses otherwise.", False)
    urgent: bool = option("It goes out in quiet hours, too.", False)
    texts: Mapping[WayName, ReachText] = option("Words of your own, by way.", {})


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """When nothing goes out, on the clock of each person."""

    from_: str = option('When they begin, such as "20:00".', alias="from", pattern=TIME)
    to: str = option('When they end, such as "07:00".', pattern=TIME)
    days_off: bool = option("All day on days that are no working days.", False)
    calendar: CalendarName | None = option("The calendar of working days. Default: the default one.", None)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How people are reached outside. Everybody can choose otherwise, under Messages in their account."""

    ways: Mapping[str, Way] = option(
        "The ways; where one fails, the next one the person has is taken.", minProperties=1, maxProperties=8
    )
    asked: Reaching | None = option("Who is asked to decide or to answer.", None)
    responsible: Reaching | None = option(
        "Whoever becomes responsible for a record through somebody else; they are told in the application, too.", None
    )
    mentioned: Reaching | None = option("Who is mentioned in a comment, or gets an answer.", None)
    told: Reaching | None = option("What rules and the application itself tell.", None)
    quiet: QuietHours | None = option("Quiet hours of those who chose none. Default: none.", None)
    digest_at: str = option("When the daily digest goes out, on the clock of each person.", "08:00", pattern=TIME)

    def of(self, kind: str) -> Reaching | None:
        found: Reaching | None = getattr(self, kind) if kind in KINDS else None
        return found
