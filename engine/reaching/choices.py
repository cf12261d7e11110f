"""What people chose: on which way each kind reaches them, when it is quiet, and what names them there.

What is decided here is pure: of a person as they stand in the database, and the definition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Connection
from engine.reach import Reach, Way
from engine.reaching.quiet import Hours, next_digest, out_at, read_time
from engine.storage.upsert import insert

Mode = Literal["at_once", "digest", "never"]
MODES: tuple[Mode, ...] = ("at_once", "digest", "never")
LONGEST_ADDRESS = 100


@dataclass(frozen=True)
class Person:
    """Somebody who may be reached, with what they chose (see ``_reach_wish``); ``quiet`` None: the usual hours."""

    id: int
    name: str
    login: str
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    timezone: str | None = None
    active: bool = True
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    quiet: Mapping[str, Any] | None = None
    digest_at: str | None = None
    paused_until: dt.datetime | None = None
    tried: Mapping[str, int] = field(default_factory=dict)

    def zone(self, app: Application) -> ZoneInfo:
        return ZoneInfo(self.timezone or app.definition.timezone)


@dataclass(frozen=True)
class Going:
    """That something goes out on a way, when, and what names the person there."""

    way: Way
    mode: str
    due: dt.datetime


# --- reading and writing


_CHOSEN = ("choices", "addresses", "quiet", "digest_at", "paused_until", "tried")


def people_of(app: Application, conn: sa.Connection, ids: Iterable[int]) -> dict[int, Person]:
    """The active ones of these people, by id."""
    user, wish = app.tables.user, app.tables.reach_wish
    query = (
        sa.select(user.c.id, user.c.name, user.c.login, user.c.email, user.c.phone, user.c.language, user.c.timezone,
                  user.c.active, *(wish.c[name] for name in _CHOSEN))
        .join_from(user, wish, wish.c.user_id == user.c.id, isouter=True)
        .where(user.c.id.in_(sorted(ids)), user.c.active)
    )  # fmt: skip
    return {row["id"]: person_of(row) for row in conn.execute(query).mappings()}


def person_of(row: Any) -> Person:
    """``row``: a mapping of the columns of both tables."""
    values = {name: row[name] for name in Person.__dataclass_fields__}
    return Person(**{**values, **{name: values[name] or {} for name in ("choices", "addresses", "tried")}})


def keep(app: Application, conn: sa.Connection, user_id: int, **values: Any) -> None:
    """Keep what somebody chose: some of the columns of ``_reach_wish``."""
    row = {**values, "at": app.clock()}
    made = insert(conn, app.tables.reach_wish).values(user_id=user_id, **row)
    conn.execute(made.on_conflict_do_update(index_elements=["user_id"], set_=row))


# --- deciding


def is_mail(connection: Connection | None) -> bool:
    return connection is not None and "mail" in connection.serves


def connection_of(app: Application, way: Way) -> Connection | None:
    return app.definition.connections.get(way.connection)


def needs_address(app: Application, way: Way) -> bool:
    """Whether nothing can go out without knowing who somebody is there; in a group it is only not mentioned."""
    return way.alone or is_mail(connection_of(app, way))


def usual_address(app: Application, way: Way, person: Person) -> str:
    """What the account says of somebody on this way; "" for nothing."""
    part = way.person or ("email" if is_mail(connection_of(app, way)) else "phone")
    return str(getattr(person, part) or "")


def address_of(app: Application, way: Way, person: Person) -> str:
    """Mails go to the address of the account and nowhere else."""
    usual = usual_address(app, way, person)
    return usual if is_mail(connection_of(app, way)) else person.addresses.get(way.stable_id) or usual


def has(app: Application, way: Way, person: Person) -> bool:
    """Whether the person can be reached on this way."""
    return bool(address_of(app, way, person)) or not needs_address(app, way)


def usual_mode(reach: Reach, kind: str, way: Way) -> Mode:
    said = reach.of(kind)
    if said is None:
        return "never"
    return "at_once" if way.name in said.at_once else "digest" if way.name in said.digest else "never"


def mode_of(reach: Reach, kind: str, way: Way, person: Person) -> Mode:
    """When this kind goes out to somebody on this way: what they chose, where they may."""
    said, chosen = reach.of(kind), person.choices.get(kind, {}).get(way.stable_id)
    locked = said is not None and said.locked
    return chosen if chosen in MODES and not locked else usual_mode(reach, kind, way)


def hours_of(reach: Reach, person: Person) -> Hours | None:
    """The quiet hours of somebody: their own, none, or the usual ones."""
    own, usual = person.quiet, reach.quiet
    if own is not None:
        return _hours(own["from"], own["to"], bool(own.get("days_off"))) if own else None
    return _hours(usual.from_, usual.to, usual.days_off) if usual is not None else None


def _hours(begin: str, end: str, days_off: bool) -> Hours:
    return Hours(read_time(begin), read_time(end), days_off)


def ways_of(app: Application, reach: Reach, kind: str, person: Person) -> Iterator[tuple[Way, Mode]]:
    """On which ways a kind goes out to somebody, whether or not they can be reached there. Where none of those at once
    reaches them, the next one they have takes its place."""
    modes = {way.name: mode_of(reach, kind, way, person) for way in reach.ways.values()}
    at_once = [name for name, mode in modes.items() if mode == "at_once"]
    if at_once and not any(has(app, reach.ways[name], person) for name in at_once):
        instead = next_way(app, reach, kind, person, at_once)
        modes |= {instead.name: "at_once"} if instead else {}
    return ((reach.ways[name], mode) for name, mode in modes.items() if mode != "never")


def next_way(app: Application, reach: Reach, kind: str, person: Person, tried: Iterable[str]) -> Way | None:
    """The first way beside those that somebody has and does not refuse; what is locked finds any."""
    said, known = reach.of(kind), set(tried)
    locked = said is not None and said.locked
    for way in reach.ways.values():
        open_ = locked or mode_of(reach, kind, way, person) != "never"
        if way.name not in known and open_ and has(app, way, person):
            return way
    return None


def due_of(app: Application, reach: Reach, kind: str, person: Person, mode: str) -> dt.datetime:
    """When something goes out that somebody is told now."""
    now, said, zone = app.clock(), reach.of(kind), person.zone(app)
    hours, workday = (
        hours_of(reach, person),
        app.plans.times.of(reach.quiet.calendar if reach.quiet else None).is_workday,
    )
    start = max(now, person.paused_until) if person.paused_until else now
    if mode == "digest":
        return next_digest(start, read_time(person.digest_at or reach.digest_at), hours, zone, workday)
    return now if said is not None and said.urgent else out_at(start, hours, zone, workday)


def going(app: Application, reach: Reach, kind: str, person: Person) -> list[Going]:
    """Everything that goes out to somebody who is told something of this kind now."""
    return [Going(way, mode, due_of(app, reach, kind, person, mode)) for way, mode in ways_of(app, reach, kind, person)]
