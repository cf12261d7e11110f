"""Connections to the world outside: where they lead, whether their secrets are set, how they fare, and a test."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint
from werkzeug.wrappers import Response

from engine import accounts, audit
from engine.connectors import Connection, HttpConnection, ImapConnection, SmtpConnection
from engine.credentials import Secret
from engine.errors import DeliveryFailed, Message, Missing, Refused, message
from engine.jobs.allowance import ALL, Use, used
from engine.jobs.health import connections
from engine.jobs.surroundings import Usual
from engine.outside.carrying import carry_out
from engine.outside.task import Task
from engine.storage.exchanges import keep
from engine.timing.mails import last_look
from engine.web.automation.feedlines import Standing, behind, feeds_tag, standings
from engine.web.automation.frame import ROOT, polled, show, words_of
from engine.web.automation.telling import masked
from engine.web.automation.words import Badge
from engine.web.context import actor, application
from engine.web.render import go, toast

blueprint = Blueprint("connections", __name__, url_prefix="/connections")
TEST_SECONDS = 10.0
NO_CONNECTION = message("There is no such connection.")
BREAKER: Mapping[str, Badge] = {
    "closed": Badge(message("works"), "good", "circle-check"),
    "open": Badge(message("rests after failures"), "bad", "alert-circle"),
    "half_open": Badge(message("is being tried"), "warn", "progress"),
    "failing": Badge(message("failed last"), "warn", "alert-circle"),
    "unknown": Badge(message("not used yet"), "", "circle"),
}


ORIGINS = {
    "environment": message("set in the environment"),
    "file": message("set in the secrets file"),
    "database": message("set in the application"),
}


@dataclass(frozen=True)
class SecretLine:
    """A secret a connection needs: its name and where it comes from, never its value."""

    name: str
    origin: str


@dataclass(frozen=True)
class MailboxLine:
    """When a mailbox was looked into last, and when the last mail came."""

    looked: dt.datetime | None
    mail: dt.datetime | None


@dataclass(frozen=True)
class ConnectionLine:
    name: str
    label: str
    type: str
    address: str
    secrets: tuple[SecretLine, ...]
    badge: Badge
    fares: Mapping[str, Any]
    testable: bool
    mailbox: MailboxLine | None = None
    limits: tuple[LimitLine, ...] = ()
    feeds: tuple[Standing, ...] = ()


@dataclass(frozen=True)
class LimitLine:
    """How much of a limit is used up. ``share`` in hundredths of what may be done at once; ``wait``: seconds until the
    next call, 0 where it may be made now."""

    operation: str
    allowed: str
    share: int
    wait: int


@dataclass(frozen=True)
class Room:
    """All connections together: how many rest, how many feeds are behind, and what waits or failed."""

    lines: tuple[ConnectionLine, ...]

    @property
    def feeds(self) -> list[Standing]:
        return [feed for line in self.lines for feed in line.feeds]

    @property
    def resting(self) -> int:
        return sum(line.badge in (BREAKER["open"], BREAKER["half_open"]) for line in self.lines)

    @property
    def behind(self) -> int:
        return behind(self.feeds)

    @property
    def waiting(self) -> int:
        return sum(line.fares["waiting"] for line in self.lines)

    @property
    def came(self) -> int:
        return sum(feed.day.came for feed in self.feeds)

    @property
    def failed(self) -> int:
        return sum(feed.line.failed for feed in self.feeds)


def connection_lines() -> list[ConnectionLine]:
    app = application()
    known = {entry.name: entry.origin for entry in app.secrets.entries()}
    with app.database.read() as conn:
        fares, limits, feeds = connections(app, conn), used(app, conn), standings(conn)
    lines = [_line(app.definition.connections[one["name"]], one, known) for one in fares]
    return [
        replace(line, limits=tuple(map(_limit, limits[line.name])),
                feeds=tuple(one for one in feeds if one.line.connection.name == line.name))
        for line in lines
    ]  # fmt: skip


def _limit(use: Use) -> LimitLine:
    words, rate = words_of(), use.rate
    allowed = message("{calls} in {length}", calls=rate.calls, length=words.length(rate.per)) if rate else ""
    share = round(100 * use.used / rate.burst) if rate else 100
    operation = words.say(message("all together")) if use.operation == ALL else use.operation
    return LimitLine(operation, words.say(allowed), share, math.ceil(use.wait))


def _line(connection: Connection, fares: Mapping[str, Any], known: Mapping[str, str]) -> ConnectionLine:
    used = any(fares[name] for name in ("last_ok", "last_failed"))
    closed = ("failing" if fares["failures"] else "closed") if used else "unknown"
    state = closed if fares["state"] == "closed" else fares["state"]
    label = words_of().connection_label(connection.name)
    needed = tuple(SecretLine(name, known.get(name, "")) for name in dict.fromkeys(secrets_of(connection)))
    return ConnectionLine(connection.name, label, connection.type, address_of(connection), needed, BREAKER[state],
                          {**fares, "last_error": masked(fares["last_error"])},
                          task_of(connection, "") is not None,
                          _mailbox(connection) if isinstance(connection, ImapConnection) else None)  # fmt: skip


def _mailbox(connection: ImapConnection) -> MailboxLine:
    app, table = application(), application().tables.delivery
    rules = [rule.stable_id for rule in app.plans.timed.mails.get(connection.name, ())]
    with app.database.read() as conn:
        mail = conn.scalar(sa.select(sa.func.max(table.c.at)).where(table.c.rule.in_(rules)))
        return MailboxLine(last_look(app, conn, connection.name), mail)


def secrets_of(thing: Any) -> Iterator[str]:
    """The names of the secrets a connection uses, wherever in it they stand."""
    if isinstance(thing, Secret):
        yield thing.secret
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from secrets_of(value)
    elif isinstance(thing, (tuple, list)):
        for value in thing:
            yield from secrets_of(value)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for one in fields(thing):
            yield from secrets_of(getattr(thing, one.name))


def address_of(connection: Connection) -> str:
    if isinstance(connection, SmtpConnection | ImapConnection):
        return f"{connection.host}:{connection.port}"
    return str(getattr(connection, "base_url", "") or getattr(connection, "host", ""))


@blueprint.get("")
def index() -> str:
    room = Room(tuple(connection_lines()))
    return show("connections", "connections", room=room, lines=room.lines, origins=ORIGINS, ptag="")


@blueprint.get("/how-they-stand")  # no name of a connection has a hyphen
def again() -> Response:
    """The figures and cards alone, as long as they say something else."""
    room = Room(tuple(connection_lines()))
    return polled("connection_cards", "connections", _tag(room), room=room, lines=room.lines, origins=ORIGINS)


def _tag(room: Room) -> tuple[object, ...]:
    """What is drawn; since when is told to the minute."""
    minute = application().clock().replace(second=0, microsecond=0)
    cards = [(line.badge.tone, line.limits, line.mailbox, *(line.fares[name] for name in SHOWN)) for line in room.lines]
    return minute, cards, feeds_tag(room.feeds)


SHOWN = ("last_ok", "last_failed", "failures", "last_error", "waiting")


# --- a test ----------------------------------------------------------------------------------------------------------


class _Tried(Usual):
    """The surroundings of a test: one call that a person asks for, and that signs in anew to find out whether that
    works."""

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        raise Missing(message("A test sends no files."))

    def turn(self, operation: str) -> None:
        return

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        return get()[0]


def task_of(connection: Connection, address: str) -> Task | None:
    """What a test sends: a mail to ``address``, a GET, or an operation that only reads and needs nothing."""
    key = f"test-{secrets.token_hex(8)}"
    if isinstance(connection, SmtpConnection):
        words = words_of()
        text = words.say(message("This is a test of the connection {name}.", name=connection.name))
        data: dict[str, Any] = {"to": [address], "subject": words.say(message("Test")), "text": text}
        return Task("mail", data, connection, key, connection.attempts, TEST_SECONDS)
    if type(connection).try_out is not Connection.try_out:
        return Task("try", {"operation": "try_out"}, connection, key, 1, TEST_SECONDS)
    if isinstance(connection, HttpConnection):
        return Task("http", {"method": "GET", "path": ""}, connection, key, 1, TEST_SECONDS)
    for name, operation in connection.operations().items():
        if not operation.writes and not operation.needs:
            return Task("call", {"operation": name, "values": {}}, connection, key, 1, TEST_SECONDS)
    return None


@blueprint.post("/<name>/test")
def test(name: str) -> Response:
    said, went_well = tried(name)
    toast(said, "success" if went_well else "danger")
    return go(f"{ROOT}/connections")


def tried(name: str) -> tuple[str, bool]:
    """Try a connection now; answers what came of it in words, and whether it went well."""
    app = application()
    connection = app.definition.connections.get(name)
    if connection is None:
        raise Missing(NO_CONNECTION)
    task = task_of(connection, _my_address(connection))
    if task is None:
        raise Refused(message("This kind of connection has nothing harmless to try."))
    around = _Tried(app, connection)
    try:
        result = carry_out(app.registry, task, around)
    except DeliveryFailed as failed:
        outcome, well = words_of().say(failed.reason), False
    else:
        outcome, well = _good(connection, result), True
    with app.database.write() as conn:
        keep(conn, app.tables, name, around.exchanges)
        audit.note(conn, app, actor(), "connection.tested", form=audit.WHOLE, reason=name)
    return app.secrets.mask(outcome), well


def _good(connection: Connection, result: Mapping[str, Any]) -> str:
    if isinstance(connection, SmtpConnection):
        return words_of().say(message("The mail server took the test mail. Look into your mailbox."))
    if isinstance(said := result.get("said"), Message):
        return words_of().say(said)
    return words_of().say(message("It answered ({status}).", status=result.get("status", "OK")))


def _my_address(connection: Connection) -> str:
    """Where a test mail goes: to whoever asks for it."""
    if not isinstance(connection, SmtpConnection):
        return ""
    app = application()
    with app.database.read() as conn:
        mine = accounts.find_user(conn, app.tables, login=actor().login)
    if mine is None or not mine.email:
        raise Refused(message("You have no e-mail address yet; a test mail goes to yourself."))
    return mine.email
