"""Secrets by name: passwords, tokens and keys of connections, looked up when they are used and shown nowhere.

Three places, in this order: the environment (``APPMILL_SECRET_<NAME>``), a file (``--secrets FILE`` or
``APPMILL_SECRETS``) and the application's database, there encrypted under ``APPMILL_KEY``. A secret can be bound to
hosts: it is then shown to no other, whatever a connection says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from engine.errors import NOTHING, DeliveryFailed, Missing, Refused, message
from engine.language import frozen
from engine.outside.masking import Mask
from engine.storage.database import Database
from engine.storage.tables import Tables

VARIABLE, HOSTS, FILE, KEY = "APPMILL_SECRET_", "APPMILL_HOSTS_OF_", "APPMILL_SECRETS", "APPMILL_KEY"
ADDRESS = "APPMILL_ADDRESS"
METRICS_TOKEN = "APPMILL_METRICS_TOKEN"  # noqa: S105 - the name of a variable
SURELY_SECRET = 8  # characters; a shorter one, such as a weak password, may be a word that the log needs
NAME = re.compile("[A-Z][A-Z0-9_]{0,62}")
RESERVED = frozenset({"KEY"})  # APPMILL_SECRET_KEY signs the sessions of people: no connection may send it away
Origin = Literal["environment", "file", "database"]


@dataclass(frozen=True)
class Kept:
    """A value and the hosts it may be shown to; empty: any."""

    value: str = field(repr=False)
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sources:
    """What the operator gave this process. ``key``: what values in the database are encrypted under; ``address``: where
    people reach the application, such as https://work.example.com, for links in mails; ``hidden``: what else must
    never stand in a log."""

    environment: Mapping[str, Kept] = field(default_factory=frozen)
    file: Mapping[str, Kept] = field(default_factory=frozen)
    key: MultiFernet | None = None
    address: str = ""
    hidden: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Entry:
    """A secret as a list may show it."""

    name: str
    origin: Origin
    hosts: frozenset[str]
    set_at: datetime | None = None


# --- what the operator gives


def read_sources(environ: Mapping[str, str], file: str | Path | None = None) -> Sources:
    """Environment and secrets file; raises Refused for a file that others may read, or that cannot be understood."""
    path = file or environ.get(FILE)
    environment = {
        name: Kept(value, read_hosts(environ.get(HOSTS + name, "")))
        for name, value in _named(environ)
        if value and name not in RESERVED
    }
    return Sources(
        environment, _read_file(Path(path)) if path else NOTHING, _read_key(environ.get(KEY, "")),
        read_address(environ.get(ADDRESS, "")), tuple(_hidden(environ)),
    )  # fmt: skip


def _hidden(environ: Mapping[str, str]) -> Iterable[str]:
    """What the operator gave this process beside the secrets of connections."""
    for name in (VARIABLE + "KEY", METRICS_TOKEN, KEY):
        yield from (value for value in re.split(r"[\s,]+", environ.get(name, "")) if len(value) >= SURELY_SECRET)


def read_address(text: str) -> str:
    """Where people reach the application, without a slash at the end; raises Refused for what is no web address."""
    parts = urlsplit(text.strip())
    if not text.strip():
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Refused(message("{text} is no address such as https://work.example.com.", text=text.strip()[:200]))
    return text.strip().rstrip("/")


def _named(environ: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    names = ((key.removeprefix(VARIABLE), value) for key, value in environ.items() if key.startswith(VARIABLE))
    return ((name, value) for name, value in names if NAME.fullmatch(name))


def read_hosts(text: str) -> frozenset[str]:
    """``a.example.com, b.example.com`` → the hosts."""
    return frozenset(host.lower() for host in re.split(r"[\s,]+", text) if host)


def _read_file(path: Path) -> Mapping[str, Kept]:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused(message("The secrets file {file} cannot be read: {reason}", file=path, reason=reason)) from None
    if mode & 0o077:
        raise Refused(message("Others may read the secrets file {file}. Protect it: chmod 600 {file}", file=path))
    values: dict[str, str] = {}
    hosts: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        name, dot, what = key.strip().partition(".")
        if not equals or not NAME.fullmatch(name) or name in RESERVED or (dot and what != "hosts"):
            raise Refused(
                message("{file}, line {number}: expected NAME=value or NAME.hosts=…, names such as ERP_TOKEN.",
                        file=path, number=number)
            )  # fmt: skip
        (hosts if dot else values)[name] = value.strip()
    return {name: Kept(value, read_hosts(hosts.get(name, ""))) for name, value in values.items() if value}


def _read_key(text: str) -> MultiFernet | None:
    """One key or several: the first encrypts, all decrypt."""
    keys = read_keys(text)
    return MultiFernet(keys.values()) if keys else None


def read_keys(text: str) -> dict[str, Fernet]:
    """The keys of ``APPMILL_KEY`` by their fingerprints, which tell which one it is and nothing else of it."""
    try:
        return {_fingerprint(key): Fernet(key) for key in re.split(r"[\s,]+", text.strip()) if key}
    except ValueError:
        raise Refused(message("{variable} holds no key; `appmill secret key` makes one.", variable=KEY)) from None


def _fingerprint(key: str) -> str:
    return hashlib.sha256(f"appmill key {key.rstrip('=')}".encode()).hexdigest()[:16]


def new_key() -> str:
    return Fernet.generate_key().decode()


# --- the secrets of an application


class Secrets:
    """All secrets of an application. What was read once is masked from then on in ``mask``, and so in logs."""

    def __init__(self, sources: Sources, database: Database, tables: Tables) -> None:
        self._sources, self._database, self._table = sources, database, tables.secret
        self._given: dict[str, str] = {}
        given = (kept.value for place in (sources.environment, sources.file) for kept in place.values())
        self._mask = Mask((*given, *sources.hidden))

    def value(self, name: str, host: str) -> str:
        """The value, to be shown to ``host``. Raises DeliveryFailed when there is none, or none for that host."""
        kept = self._find(name)
        if kept is None:
            raise DeliveryFailed(
                message("The secret {name} is not set. Set {variable}, or use `appmill secret set`.",
                        name=name, variable=VARIABLE + name)
            )  # fmt: skip
        if kept.hosts and host.lower() not in kept.hosts:
            raise DeliveryFailed(
                message("The secret {name} is bound to {hosts} and is not shown to {host}.",
                        name=name, hosts=tuple(sorted(kept.hosts)), host=host),
                again=False,
            )  # fmt: skip
        return kept.value

    def latest(self, name: str, host: str) -> str:
        """As ``value``, or what the other side gave in its place since."""
        entered = self.value(name, host)
        place = _place_after(name, entered)
        given = self._stored(place) if self._sources.key is not None else None
        return self._given.get(place, entered) if given is None else given.value

    def succeed(self, conn: sa.Connection, name: str, value: str, *, now: datetime) -> None:
        """Keep what the other side gave in the place of a secret; it counts until somebody enters another one. Raises
        Refused where there is no secret of this name, or no key; without a key this process alone knows it."""
        entered = self._find(name)
        if entered is None:
            raise Refused(message("There is no secret {name} to put another in the place of.", name=name))
        place = _place_after(name, entered.value)
        self._given[place] = value
        self._mask.learn(value)
        self._put(conn, place, value, entered.hosts, now, None)

    def to_compare(self, name: str) -> str | None:
        """The value, to compare with what others send: it is shown to nobody. None when there is none."""
        kept = self._find(name)
        return None if kept is None else kept.value

    def _find(self, name: str) -> Kept | None:
        if name in RESERVED:
            return None
        return self._sources.environment.get(name) or self._sources.file.get(name) or self._stored(name)

    def _stored(self, name: str) -> Kept | None:
        columns = self._table.c
        with self._database.read() as conn:
            row = conn.execute(sa.select(columns.value, columns.hosts).where(columns.name == name)).first()
        if row is None:
            return None
        try:
            value = self._key.decrypt(row.value.encode()).decode()
        except Refused as refusal:
            raise DeliveryFailed(refusal.reason) from None
        except InvalidToken:
            raise DeliveryFailed(
                message("The secret {name} was stored under another {variable}.", name=name, variable=KEY)
            ) from None
        self._mask.learn(value)
        return Kept(value, read_hosts(row.hosts))

    @property
    def _key(self) -> MultiFernet:
        if self._sources.key is None:
            raise Refused(
                message("Stored secrets need a key in {variable}; `appmill secret key` makes one.", variable=KEY)
            )
        return self._sources.key

    def entries(self) -> list[Entry]:
        """Every secret once, from the place it is read from; names only."""
        columns = self._table.c
        with self._database.read() as conn:
            rows = conn.execute(sa.select(columns.name, columns.hosts, columns.set_at)).all()
        found = {
            row.name: Entry(row.name, "database", read_hosts(row.hosts), row.set_at) for row in rows
            if NAME.fullmatch(row.name)
        }  # fmt: skip
        found |= {name: Entry(name, "file", kept.hosts) for name, kept in self._sources.file.items()}
        found |= {name: Entry(name, "environment", kept.hosts) for name, kept in self._sources.environment.items()}
        return [found[name] for name in sorted(found)]

    def store(
        self,
        conn: sa.Connection,
        name: str,
        value: str,
        *,
        now: datetime,
        hosts: Iterable[str] = (),
        by: int | None = None,
    ) -> None:
        """Keep a value encrypted, in the place of one of this name. Raises Refused without a key or a usable name."""
        if not NAME.fullmatch(name) or name in RESERVED:
            raise Refused(message("'{name}' is no name of a secret; expected one such as ERP_TOKEN.", name=name))
        if not value:
            raise Refused(message("A secret cannot be empty."))
        self.remove_given(conn, name)
        self._put(conn, name, value, hosts, now, by)

    def _put(
        self, conn: sa.Connection, name: str, value: str, hosts: Iterable[str], now: datetime, by: int | None
    ) -> None:
        token = self._key.encrypt(value.encode()).decode()
        conn.execute(sa.delete(self._table).where(self._table.c.name == name))
        conn.execute(
            sa.insert(self._table).values(
                name=name, value=token, hosts=" ".join(sorted({host.lower() for host in hosts})), set_at=now, set_by=by
            )
        )
        self._mask.learn(value)

    # What is kept for a purpose of the product itself, under a name that is none of a connection's secrets.

    def keep(self, conn: sa.Connection, place: str, value: str, *, now: datetime) -> None:
        """Raises Refused without a key."""
        self._put(conn, place, value, (), now, None)

    def kept(self, conn: sa.Connection, place: str) -> str | None:
        """Raises Refused without a key, or under another one."""
        token = conn.execute(sa.select(self._table.c.value).where(self._table.c.name == place)).scalar()
        if token is None:
            return None
        try:
            return self._key.decrypt(token.encode()).decode()
        except InvalidToken:
            raise Refused(message("This was stored under another {variable}.", variable=KEY)) from None

    def forget(self, conn: sa.Connection, place: str) -> None:
        conn.execute(sa.delete(self._table).where(self._table.c.name == place))

    @property
    def can_keep(self) -> bool:
        return self._sources.key is not None

    def remove_given(self, conn: sa.Connection, name: str) -> None:
        """Forget what the other side gave in the place of a secret."""
        conn.execute(sa.delete(self._table).where(self._table.c.name.startswith(f"{name}@", autoescape=True)))

    def remove(self, conn: sa.Connection, name: str) -> None:
        """Raises Missing when the database holds none of this name."""
        self.remove_given(conn, name)
        if not conn.execute(sa.delete(self._table).where(self._table.c.name == name)).rowcount:
            raise Missing(message("The database holds no secret {name}.", name=name))

    def renew(self, conn: sa.Connection) -> int:
        """Encrypt everything anew under the first key, so that older keys can be taken away; answers how many."""
        columns = self._table.c
        rows = conn.execute(sa.select(columns.name, columns.value)).all()
        for row in rows:
            try:
                token = self._key.rotate(row.value.encode()).decode()
            except InvalidToken:
                raise Refused(
                    message("The secret {name} was stored under another {variable}.", name=row.name, variable=KEY)
                ) from None
            conn.execute(sa.update(self._table).where(columns.name == row.name).values(value=token))
        return len(rows)

    # --- masking

    def mask(self, text: str) -> str:
        return self._mask.text(text)


def _place_after(name: str, entered: str) -> str:
    """Under which name it is kept what came in the place of a secret: another one that is entered has another."""
    return f"{name}@{hashlib.sha256(entered.encode()).hexdigest()[:16]}"
