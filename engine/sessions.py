"""Who a cookie or an API token belongs to, in one query with the roles, so that taking something away works at once.

Cookies and tokens are 256 random bits; the database holds their SHA-256 only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine import passwords
from engine.accounts import ONE_TIME_LASTS, normal_login
from engine.people import Actor, inside
from engine.storage import upsert
from engine.storage.prepared import Row, value
from engine.storage.tables import Tables

TOUCH_EVERY = dt.timedelta(minutes=1)
LOOKING = dt.timedelta(hours=1)  # somebody inside looks at a portal as one of its people
TRIES, TRIES_WINDOW = 20, 15 * 60  # wrong sign-ins per account and per address, seconds
TOKEN_MARK = "appmill_"  # noqa: S105 - what tokens begin with, so that they are recognised where they leak
SEPARATOR = "\x1f"


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class SignedIn:
    """A session as one request needs it."""

    actor: Actor
    unread: int
    must_change: bool
    view_as: str | None
    is_admin: bool
    touch: bool
    last_event: int  # the number of the last event there was when the request began
    second_factor: bool  # whether a code was asked for
    link_id: int | None = None


# --- finding


def _people_columns(tables: Tables) -> list[sa.ColumnElement[Any]]:
    user, own, held = tables.user, tables.user_role, tables.group_role
    member, group, notice, outsider = tables.group_member, tables.group, tables.notification, tables.outsider

    def joined(column: sa.ColumnElement[Any], source: sa.FromClause, clause: sa.ColumnElement[bool]) -> Any:
        separator = sa.literal_column(f"'{SEPARATOR}'", sa.Text)
        together = sa.func.aggregate_strings(column, separator)  # type: ignore[arg-type]
        return sa.select(together).select_from(source).where(clause).correlate(user).scalar_subquery()

    return [
        user.c.id,
        user.c.login,
        user.c.name,
        user.c.language,
        user.c.timezone,
        user.c.must_change,
        outsider.c.portal,
        outsider.c.stands_for,
        joined(own.c.role, own, own.c.user_id == user.c.id).label("own_roles"),
        joined(
            held.c.role, held.join(member, member.c.group_id == held.c.group_id), member.c.user_id == user.c.id
        ).label("group_roles"),
        joined(group.c.name, group.join(member, member.c.group_id == group.c.id), member.c.user_id == user.c.id).label(
            "group_names"
        ),
        sa.select(sa.func.count())
        .select_from(notice)
        .where(notice.c.user_id == user.c.id, notice.c.read_at.is_(None))
        .correlate(user)
        .scalar_subquery()
        .label("unread"),
    ]


def _session_query(tables: Tables) -> sa.Select[Any]:
    session, user = tables.session, tables.user
    return (
        sa.select(
            session.c.seen_at,
            session.c.view_as,
            last_event(tables),
            session.c.portal,
            session.c.link_id,
            _has_second_factor(tables),
            *_people_columns(tables),
        )
        .select_from(_with_outsider(tables, session.join(user, user.c.id == session.c.user_id)))
        .where(
            session.c.token_hash == value("digest", session.c.token_hash.type),
            # a session of a portal is none of the inside, nor of another portal, and the other way round
            sa.func.coalesce(session.c.portal, "") == value("portal", session.c.portal.type),
            sa.func.coalesce(tables.outsider.c.portal, "") == value("portal", session.c.portal.type),
            session.c.expires_at > value("now", session.c.expires_at.type),
            session.c.seen_at > value("idle_since", session.c.seen_at.type),
            user.c.active,
        )
    )


def _has_second_factor(tables: Tables) -> sa.ColumnElement[Any]:
    second = tables.second_factor
    found = sa.select(second.c.user_id).where(second.c.user_id == tables.user.c.id).correlate(tables.user)
    return found.exists().label("second_factor")


def last_event(tables: Tables) -> sa.ColumnElement[Any]:
    return sa.select(sa.func.max(tables.event.c.id)).scalar_subquery().label("last_event")


def _with_outsider(tables: Tables, source: sa.FromClause) -> sa.FromClause:
    return source.outerjoin(tables.outsider, tables.outsider.c.user_id == tables.user.c.id)


def _token_query(tables: Tables) -> sa.Select[Any]:
    token, user = tables.token, tables.user
    return (
        sa.select(token.c.id.label("token_id"), token.c.scopes, token.c.last_used_at, *_people_columns(tables))
        .select_from(_with_outsider(tables, token.join(user, user.c.id == token.c.user_id)))
        .where(
            token.c.token_hash == value("digest", token.c.token_hash.type),
            token.c.revoked_at.is_(None),
            tables.outsider.c.portal.is_(None),  # programs are never outside
            sa.or_(token.c.expires_at.is_(None), token.c.expires_at > value("now", token.c.created_at.type)),
            user.c.active,
        )
    )


def _words(text: str | None) -> frozenset[str]:
    return frozenset(text.split(SEPARATOR)) if text else frozenset()


def _actor(row: Row, language: str, timezone: str, scopes: frozenset[str] | None = None) -> Actor:
    return Actor(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        roles=_words(row["own_roles"]) | _words(row["group_roles"]),
        groups=_words(row["group_names"]),
        language=row["language"] or language,
        timezone=row["timezone"] or timezone,
        scopes=scopes,
        portal=row["portal"],
        stands_for=row["stands_for"],
    )


def _looking(actor: Actor, role: str) -> Actor:
    """Somebody who looks as a role, or in a portal as this very person."""
    return replace(actor, view_as=role) if actor.portal else actor.looking_as(role)


def find_session(
    conn: sa.Connection,
    tables: Tables,
    secret: str,
    *,
    now: dt.datetime,
    idle: dt.timedelta,
    language: str,
    timezone: str,
    portal: str = "",
) -> SignedIn | None:
    """The session this cookie stands for, if it is alive. ``language``, ``timezone``: of people who chose none.
    ``portal``: the one it is a session of; empty for the inside."""
    values = {"digest": digest(secret), "now": now, "idle_since": now - idle, "portal": portal}
    query = tables.statements.get(("session",), conn.dialect, lambda: _session_query(tables))
    row = query.first(conn, values)
    if row is None:
        return None
    actor = _actor(row, language, timezone)
    looking = row["view_as"] if actor.is_admin or portal else None
    return SignedIn(
        actor=_looking(actor, looking) if looking else actor,
        unread=row["unread"],
        must_change=row["must_change"],
        view_as=looking,
        is_admin=actor.is_admin,
        touch=now - row["seen_at"] > TOUCH_EVERY,
        last_event=row["last_event"] or 0,
        second_factor=bool(row["second_factor"]),
        link_id=row["link_id"],
    )


def find_token(
    conn: sa.Connection, tables: Tables, secret: str, *, now: dt.datetime, language: str, timezone: str
) -> tuple[Actor, int | None] | None:
    """The person an API token acts for, and the token's id when its last use should be noted again."""
    query = tables.statements.get(("token",), conn.dialect, lambda: _token_query(tables))
    row = query.first(conn, {"digest": digest(secret), "now": now})
    if row is None:
        return None
    stale = row["last_used_at"] is None or now - row["last_used_at"] > dt.timedelta(minutes=10)
    scopes = frozenset(row["scopes"]) if row["scopes"] is not None else None
    return _actor(row, language, timezone, scopes), row["token_id"] if stale else None


# --- beginning and ending


def open_session(
    conn: sa.Connection,
    tables: Tables,
    user_id: int,
    *,
    now: dt.datetime,
    lasts: dt.timedelta,
    agent: str,
    address: str,
    portal: str | None = None,
    link_id: int | None = None,
    view_as: str | None = None,
) -> str:
    """A new session; answers the cookie's secret. Sessions that are over are swept away on the way."""
    session = tables.session
    conn.execute(session.delete().where(session.c.expires_at < now))
    secret = secrets.token_urlsafe(32)
    conn.execute(
        session.insert().values(
            token_hash=digest(secret),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + lasts,
            csrf="",
            agent=agent[:300],
            address=address[:60],
            portal=portal,
            link_id=link_id,
            view_as=view_as,
        )
    )
    if view_as is None:
        conn.execute(tables.user.update().where(tables.user.c.id == user_id).values(last_seen_at=now))
    return secret


def touch_session(conn: sa.Connection, tables: Tables, secret: str, now: dt.datetime) -> None:
    conn.execute(tables.session.update().where(tables.session.c.token_hash == digest(secret)).values(seen_at=now))


def close_session(conn: sa.Connection, tables: Tables, secret: str) -> None:
    conn.execute(tables.session.delete().where(tables.session.c.token_hash == digest(secret)))


def look_as(conn: sa.Connection, tables: Tables, secret: str, role: str | None) -> None:
    conn.execute(tables.session.update().where(tables.session.c.token_hash == digest(secret)).values(view_as=role))


def alive(tables: Tables, now: dt.datetime, idle: dt.timedelta) -> tuple[sa.ColumnElement[bool], ...]:
    """Neither over nor forgotten by whoever opened it."""
    session = tables.session
    return session.c.expires_at > now, session.c.seen_at > now - idle


def everybodys(conn: sa.Connection, tables: Tables, now: dt.datetime, idle: dt.timedelta, most: int) -> list[Any]:
    """The living sessions of all with the name of their person, the latest first, at most ``most`` of them."""
    session, user = tables.session, tables.user
    statement = (
        sa.select(session, user.c.name.label("user_name"), user.c.login)
        .join_from(session, user, user.c.id == session.c.user_id)
        .where(*alive(tables, now, idle))
        .order_by(session.c.seen_at.desc(), session.c.token_hash)
    )
    return list(conn.execute(statement.limit(most)))


def count_alive(conn: sa.Connection, tables: Tables, now: dt.datetime, idle: dt.timedelta) -> tuple[int, int]:
    """(how many sessions, of how many people)"""
    people = sa.func.count(sa.distinct(tables.session.c.user_id))
    found = conn.execute(sa.select(sa.func.count(), people).where(*alive(tables, now, idle))).one()
    return int(found[0]), int(found[1])


def sessions_of(conn: sa.Connection, tables: Tables, user_id: int, now: dt.datetime) -> list[Any]:
    """The living sessions, the latest first. ``token_hash`` may be shown in part only."""
    session = tables.session
    clause = (session.c.user_id == user_id, session.c.expires_at > now)
    return list(conn.execute(sa.select(session).where(*clause).order_by(session.c.seen_at.desc())))


def close_sessions(conn: sa.Connection, tables: Tables, user_id: int, *, mark: str | None = None) -> int:
    """End the session whose hash begins with ``mark`` (at least 16 digits), or all of the person; answers how many."""
    session = tables.session
    statement = session.delete().where(session.c.user_id == user_id)
    if mark is not None:
        statement = statement.where(sa.func.substr(session.c.token_hash, 1, 16) == mark[:16])
    return int(conn.execute(statement).rowcount)


# --- API tokens


def create_token(
    conn: sa.Connection,
    tables: Tables,
    user_id: int,
    *,
    name: str,
    scopes: Iterable[str] | None,
    now: dt.datetime,
    expires_at: dt.datetime | None = None,
) -> str:
    """A new API token; the text is shown once and cannot be had again. ``scopes`` None: all its person may do."""
    secret = TOKEN_MARK + secrets.token_urlsafe(32)
    conn.execute(
        tables.token.insert().values(
            token_hash=digest(secret),
            name=name,
            user_id=user_id,
            scopes=None if scopes is None else sorted(set(scopes)),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return secret


def tokens_of(conn: sa.Connection, tables: Tables, user_id: int | None = None) -> list[Any]:
    """Tokens with their person, the newest first; of everybody for administrators."""
    token, user = tables.token, tables.user
    statement = (
        sa.select(token, user.c.name.label("user_name"), user.c.login)
        .join_from(token, user, user.c.id == token.c.user_id)
        .order_by(token.c.id.desc())
    )
    return list(conn.execute(statement if user_id is None else statement.where(token.c.user_id == user_id)))


def revoke_token(
    conn: sa.Connection, tables: Tables, token_id: int, *, now: dt.datetime, user_id: int | None = None
) -> bool:
    """End a token, only if it is ``user_id``'s when that is given; answers whether there was one."""
    token = tables.token
    statement = token.update().where(token.c.id == token_id, token.c.revoked_at.is_(None)).values(revoked_at=now)
    if user_id is not None:
        statement = statement.where(token.c.user_id == user_id)
    return bool(conn.execute(statement).rowcount)


def note_token_use(conn: sa.Connection, tables: Tables, token_id: int, now: dt.datetime) -> None:
    conn.execute(tables.token.update().where(tables.token.c.id == token_id).values(last_used_at=now))


# --- trying passwords


@dataclass(frozen=True)
class Candidate:
    """Whose password is to be compared; everything empty for a name that nobody has."""

    user_id: int | None
    password_hash: str | None


def candidate(
    conn: sa.Connection, tables: Tables, login: str, now: dt.datetime, *, portal: str | None = None
) -> Candidate:
    """The person who may sign in by this name, inside or in a portal. A one-time password that nobody used for a week
    is none."""
    user, outsider = tables.user, tables.outsider
    there = (
        inside(tables)
        if portal is None
        else user.c.id.in_(sa.select(outsider.c.user_id).where(outsider.c.portal == portal))
    )
    columns = (user.c.id, user.c.password_hash, user.c.must_change, user.c.password_changed_at)
    row = conn.execute(sa.select(*columns).where(user.c.login == normal_login(login), user.c.active, there)).first()
    if row is None or (row.must_change and now - row.password_changed_at > ONE_TIME_LASTS):
        return Candidate(None, None)
    return Candidate(row.id, row.password_hash)


def try_keys(login: str, address: str) -> tuple[str, str]:
    """What wrong sign-ins are counted by: the account, and the address they come from."""
    return f"login:{digest(normal_login(login))[:32]}", f"address:{address}"


def tried_too_often(conn: sa.Connection, tables: Tables, keys: Iterable[str], now: dt.datetime) -> bool:
    rate, window = tables.rate, upsert.window_of(now, TRIES_WINDOW)
    clause = (rate.c.key.in_(list(keys)), rate.c.window == window, rate.c.hits >= TRIES)
    return conn.execute(sa.select(rate.c.key).where(*clause).limit(1)).first() is not None


def count_try(conn: sa.Connection, tables: Tables, keys: Iterable[str], now: dt.datetime) -> None:
    rate = tables.rate
    conn.execute(rate.delete().where(rate.c.expires_at < now))
    for key in sorted(keys):
        upsert.count(conn, tables, key, now, TRIES_WINDOW)


def forget_tries(conn: sa.Connection, tables: Tables, key: str) -> None:
    conn.execute(tables.rate.delete().where(tables.rate.c.key == key))


def renew_hash(conn: sa.Connection, tables: Tables, user_id: int, stored: str, password: str) -> None:
    """Keep the password under today's cost when it was hashed under another."""
    if passwords.outdated(stored):
        values = {"password_hash": passwords.hashed(password)}
        conn.execute(tables.user.update().where(tables.user.c.id == user_id).values(**values))
