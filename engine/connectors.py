"""Connections to the world outside: what a definition says of them, and what a connector offers.

A connection names a connector by ``type`` and holds its settings; whatever is secret stands in it by name only
(``{secret: ERP_TOKEN}``) and is looked up when it is used, by ``engine.secrets``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from engine.credentials import CREDENTIALS, Credential, HeaderName, Secret
from engine.errors import AppmillError, DeliveryFailed, Message, Problem, message
from engine.language import Duration, Label, Named, option
from engine.registry import Registry

if TYPE_CHECKING:
    from engine.outside.task import Surroundings, Task


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something may be done."""

    calls: int = option("So many times …", minimum=1)
    per: Duration = option("… in this time.")
    burst: int = option("So many at once, after a rest.", 1, minimum=1)


@dataclass(frozen=True, kw_only=True)
class Connection(Named):
    """A system outside that rules send to or call."""

    type: ClassVar[str]
    serves: ClassVar[frozenset[str]] = frozenset({"call"})  # the actions that may name it
    label: Label | None = option("What people call it.", None)
    timeout: Duration = option("How long one call may take.", Duration(30, "s"))
    limits: Mapping[str, Rate] = option(
        "How often an operation or reading may be called, where it differs from what the connector knows; `all` is all "
        "together.",
        {},
    )
    attempts: int = option("How often a call is tried before it becomes a dead letter.", 8, minimum=1, maximum=50)
    together: int = option("How many calls may be under way at once.", 4, minimum=1, maximum=64)
    unsure: Literal["ask", "repeat"] = option(
        "What to do when the answer to a call was lost: `repeat` it, where the other side knows a call by its key, or "
        "`ask` an administrator.",
        "ask",
    )

    def operations(self) -> Mapping[str, Operation]:
        """What ``call`` may name on this connection."""
        return {}

    def usual_limits(self) -> Mapping[str, Rate]:
        """What the other side allows, per operation or reading; ``all`` for all together."""
        return {}

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        """Sign in and look at something harmless; answers in words what was found, such as the name of the shop.
        Raises DeliveryFailed, whose reason says what to mend."""
        raise DeliveryFailed(message("'{connection}' cannot be tried out.", connection=self.name), again=False)

    def mistakes(self) -> Sequence[tuple[str, Message]]:
        """What is wrong with options that are fine one by one: (option, why)."""
        return ()

    # --- what feeds read

    def readings(self) -> Mapping[str, Reading]:
        """What a feed may ``read`` of this connection."""
        return {}

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        """The cursor from which everything that changed in the span is read."""
        raise NotImplementedError(reading)

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """One call's worth of what changed. Raises DeliveryFailed, and then the same cursor is read again: an answer
        that is broken or says no must never look like one without items."""
        raise NotImplementedError(reading)

    def told(self, reading: str, pushed: Pushed, surroundings: Surroundings) -> Told | None:
        """What a webhook of the other side tells; None for one that tells nothing, such as a first ping. Raises Forged
        for what is not signed by it, or too old; DeliveryFailed where more had to be asked for and nobody answered."""
        raise Forged(message("'{connection}' is not told by webhook.", connection=self.name))

    def awaits(self, reading: str, cursor: Mapping[str, Any]) -> Sequence[str]:
        """The versions of items read up to this cursor whose fate the connector tells the other side, by ``settled``;
        few, and usually none."""
        return ()

    def settled(
        self, reading: str, cursor: Mapping[str, Any], version: str, failures: Sequence[Failure], task: Task,
        surroundings: Surroundings,
    ) -> Mapping[str, Any]:  # fmt: skip
        """Nothing of an awaited version is waiting to be taken any more; ``failures`` are those of its items that
        became nothing. Answers the cursor to go on from, which awaits the version no longer. May be called again with
        the same, after a crash. Raises DeliveryFailed, and then it is called again later."""
        return cursor

    def perform(
        self, operation: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        """Carry out one of ``operations``; answers its JSON result. Raises DeliveryFailed."""
        raise DeliveryFailed(message("'{connection}' cannot be called.", connection=self.name), again=False)


# --- what connectors read


@dataclass(frozen=True)
class Reading:
    """Something a connector reads. ``gives``: what stands in an item, name → in words. ``pulled``: it is looked for
    every so often; ``pushed``: the other side tells it by webhook; ``spans``: any span of time can be read again."""

    label: Label
    gives: Mapping[str, str]
    pulled: bool = True
    pushed: bool = False
    spans: bool = True


@dataclass(frozen=True)
class Span:
    """A span of time, in UTC: ``since`` is in it, ``until`` is not; without ``until`` it goes on for ever."""

    since: dt.datetime
    until: dt.datetime | None = None


@dataclass(frozen=True)
class Item:
    """A thing the other side told of. ``key`` names it there; ``version`` sorts, as text, like its changes (a moment in
    UTC as ISO 8601, a number with leading zeros), "" where none is told; ``data`` is JSON as expressions read it."""

    key: str
    version: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """What one call read. ``cursor`` is JSON; the next call goes on from it, perhaps in another process. ``more``:
    there is more to read at once, otherwise the cursor waits for what will change."""

    items: Sequence[Item]
    cursor: Mapping[str, Any]
    more: bool


@dataclass(frozen=True)
class Failure:
    """An item that was not taken. ``key`` of the item; each of ``problems`` names a field of the record it should have
    become (``amount``, ``lines.2.amount`` with lines counted from 0, or ""), and ``sources`` the expressions those
    fields are filled from, without the number of the line: ``lines.amount`` → ``line["金额"]``."""

    key: str
    problems: Sequence[Problem]
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Pushed:
    """What came to a webhook. ``headers`` by lower-case name; ``at``: when, in UTC."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    at: dt.datetime


@dataclass(frozen=True)
class Told:
    """``delivery``: by which the other side names this delivery, so that a repeated one acts once; "" where it does
    not, and then its bytes do."""

    items: Sequence[Item]
    delivery: str = ""


class Forged(AppmillError):
    """A webhook that nobody has to believe."""

    status = 401
    code = "forged"


@dataclass(frozen=True)
class Operation:
    """One thing a connector can do. ``takes``: name → JSON Schema of each value; ``needs``: which must be given."""

    label: Label
    takes: Mapping[str, Any]
    needs: frozenset[str] = frozenset()
    writes: bool = True


# --- mail


@dataclass(frozen=True, kw_only=True)
class SmtpConnection(Connection):
    """A mail server that mails are handed to."""

    type: ClassVar[str] = "smtp"
    serves: ClassVar[frozenset[str]] = frozenset({"mail", "report"})
    host: str = option("The name of the mail server, such as smtp.example.com.", minLength=1)
    port: int = option("Its port: usually 587 with starttls, 465 with tls, 25 without.", 587, minimum=1, maximum=65535)
    security: Literal["starttls", "tls", "none"] = option("How the line is encrypted.", "starttls")
    user: str | None = option("The user to sign in as. Default: no sign-in.", None)
    password: Secret | None = option("The user's password.", None)
    sender: str = option("Who mails come from: `Name <address>` or an address.", minLength=3)
    reply_to: str | None = option("Where answers go. Default: to the sender.", None)
    private: bool = option("The server may stand in a private network, or be this machine.", False)


@dataclass(frozen=True, kw_only=True)
class ImapConnection(Connection):
    """A mailbox whose new mails wake rules; it is read by this application alone."""

    type: ClassVar[str] = "imap"
    serves: ClassVar[frozenset[str]] = frozenset()
    host: str = option("The name of the mail server, such as imap.example.com.", minLength=1)
    port: int = option("Its port: usually 993 with tls, 143 with starttls.", 993, minimum=1, maximum=65535)
    security: Literal["starttls", "tls", "none"] = option("How the line is encrypted.", "tls")
    user: str = option("The user to sign in as.", minLength=1)
    password: Secret = option("The user's password.")
    folder: str = option("The folder that is looked into.", "INBOX", minLength=1, maxLength=200)
    every: Duration = option("How often it is looked into.", Duration(1, "m"))
    largest: int = option("The most megabytes of one mail.", 25, minimum=1, maximum=100)
    largest_file: int = option("The most megabytes of one attachment.", 20, minimum=1, maximum=100)
    private: bool = option("The server may stand in a private network, or be this machine.", False)


# --- HTTP


@dataclass(frozen=True, kw_only=True)
class HttpConnection(Connection):
    """A system that is called by HTTP."""

    type: ClassVar[str] = "http"
    serves: ClassVar[frozenset[str]] = frozenset({"http", "call"})
    base_url: str = option("What every path is appended to, such as https://erp.example.com/api.", minLength=8)
    auth: Credential | None = option("How we show who we are; goes to the host of base_url only.", None)
    headers: Mapping[str, str] = option("Headers of every call; what is secret belongs into auth.", {})
    hosts: tuple[str, ...] = option("Other hosts calls and redirects may go to, without auth.", ())
    private: bool = option("The hosts may stand in a private network, or be this machine.", False)
    redirects: int = option("How many redirects are followed.", 0, minimum=0, maximum=3)
    key_header: HeaderName = option(
        "The header by which the other side can know a repeated call.", HeaderName("Idempotency-Key")
    )


def secrets_in(thing: Any) -> frozenset[str]:
    """The names of all secrets that a connection, or a whole definition, uses."""
    if isinstance(thing, Secret):
        return frozenset({thing.secret})
    if isinstance(thing, (Mapping, tuple)):
        return frozenset().union(*map(secrets_in, thing.values() if isinstance(thing, Mapping) else thing))
    if is_dataclass(thing):
        return frozenset().union(*(secrets_in(getattr(thing, item.name)) for item in fields(thing)))
    return frozenset()


def register(registry: Registry) -> None:
    for connector in (SmtpConnection, ImapConnection, HttpConnection):
        registry.connector(connector)
    for credential in CREDENTIALS:
        registry.credential(credential)
