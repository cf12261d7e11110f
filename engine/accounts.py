"""People, their roles and their groups, in the tables of one application.

Every function takes the open connection: the caller's ``with database.write()`` shows the transaction. Times are aware
UTC datetimes and passed in.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import passwords
from engine.definition import AppDefinition
from engine.errors import Invalid, Missing, Problem, Refused, message
from engine.language import ADMIN
from engine.people import inside
from engine.storage.tables import Tables

LOGIN = re.compile(r"[\w][\w.@+-]{0,79}")
ONE_TIME_LASTS = dt.timedelta(days=7)


@dataclass(frozen=True)
class User:
    """A person as stored. ``roles`` are the person's own, ``groups`` the ids of groups."""

    id: int
    login: str
    name: str
    active: bool
    must_change: bool
    language: str | None
    timezone: str | None
    email: str | None
    last_seen_at: dt.datetime | None
    roles: frozenset[str] = frozenset()
    groups: frozenset[int] = frozenset()


def normal_login(text: str) -> str:
    """Sign-in names are compared without case and width."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def accept_login(text: str) -> str:
    login = normal_login(text)
    if not LOGIN.fullmatch(login):
        _invalid("login", "A sign-in name has letters, digits and . @ + - _ only, at most 80.")
    return login


def accept_name(text: str) -> str:
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= 120 or any(unicodedata.category(letter) == "Cc" for letter in name):
        _invalid("name", "A name has between 1 and 120 characters.")
    return name


def _invalid(where: str, pattern: str, **values: Any) -> None:
    reason = message(pattern, **values)
    raise Invalid(reason, [Problem(where, reason)])


# --- reading


def find_user(conn: sa.Connection, tables: Tables, *, id: int | None = None, login: str | None = None) -> User:
    """The person with this id or sign-in name; raises Missing."""
    table = tables.user
    clause = table.c.id == id if id is not None else table.c.login == normal_login(login or "")
    found = users_where(conn, tables, clause)
    if not found:
        raise Missing(message("There is no user {who}.", who=login or id))
    return found[0]


def find_inside(conn: sa.Connection, tables: Tables, id: int) -> User:
    """The same of people inside only; those of portals are invited, not managed here."""
    found = users_where(conn, tables, sa.and_(tables.user.c.id == id, inside(tables)))
    if not found:
        raise Missing(message("There is no user {who}.", who=id))
    return found[0]


def users_where(conn: sa.Connection, tables: Tables, clause: sa.ColumnElement[bool] | None = None) -> list[User]:
    """People inside (or those of a condition) with their roles and groups, by name; three queries for any number."""
    table = tables.user
    clause = inside(tables) if clause is None else clause
    statement = sa.select(table).order_by(table.c.active.desc(), table.c.name)
    rows = conn.execute(statement.where(clause)).mappings().all()
    ids = [row["id"] for row in rows]
    roles = _many(conn, tables.user_role, "user_id", "role", ids)
    groups = _many(conn, tables.group_member, "user_id", "group_id", ids)
    return [_user(row, frozenset(roles.get(row["id"], ())), frozenset(groups.get(row["id"], ()))) for row in rows]


def _user(row: Mapping[Any, Any], roles: frozenset[str], groups: frozenset[int]) -> User:
    own = ("id", "login", "name", "active", "must_change", "language", "timezone", "email", "last_seen_at")
    return User(**{name: row[name] for name in own}, roles=roles, groups=groups)


def _many(conn: sa.Connection, table: sa.Table, key: str, value: str, keys: list[int]) -> dict[int, set[Any]]:
    found: dict[int, set[Any]] = {}
    for start in range(0, len(keys), 500):
        clause = table.c[key].in_(keys[start : start + 500])
        for owner, one in conn.execute(sa.select(table.c[key], table.c[value]).where(clause)):
            found.setdefault(owner, set()).add(one)
    return found


def nobody_yet(conn: sa.Connection, tables: Tables) -> bool:
    return conn.execute(sa.select(tables.user.c.id).limit(1)).first() is None


# --- changing


def create_user(
    conn: sa.Connection,
    tables: Tables,
    *,
    login: str,
    name: str,
    password: str,
    now: dt.datetime,
    roles: Iterable[str] = (),
    must_change: bool = False,
    email: str | None = None,
    password_hash: str | None = None,
) -> int:
    """A new person; answers the id. Raises Invalid for a bad name or password, Refused for a name that is taken.

    ``password_hash`` saves hashing the same demo password many times.
    """
    login, name = accept_login(login), accept_name(name)
    text = passwords.accept(password, login)
    table = tables.user
    if conn.execute(sa.select(table.c.id).where(table.c.login == login)).first():
        reason = message("The sign-in name {login} is taken.", login=login)
        raise Refused(reason, [Problem("login", reason)])
    made = conn.execute(
        table.insert().values(
            login=login,
            name=name,
            email=email or None,
            password_hash=password_hash or passwords.hashed(text),
            must_change=must_change,
            password_changed_at=now,
            created_at=now,
        )
    )
    user_id = _new_id(made)
    _replace(conn, tables.user_role, "user_id", user_id, "role", roles)
    return user_id


def set_password(
    conn: sa.Connection, tables: Tables, user: User, password: str, *, now: dt.datetime, must_change: bool
) -> None:
    """A new password; every session and API token of the person ends."""
    text = passwords.accept(password, user.login)
    table = tables.user
    conn.execute(
        table.update()
        .where(table.c.id == user.id)
        .values(password_hash=passwords.hashed(text), must_change=must_change, password_changed_at=now)
    )
    end_access(conn, tables, user.id, now)


def set_roles(conn: sa.Connection, tables: Tables, user: User, roles: Iterable[str], known: Iterable[str]) -> None:
    """Replace the roles; raises Invalid for one the definition does not have, Refused for the last administrator."""
    wanted = frozenset(roles)
    _refuse_outsiders(conn, tables, [user.id])
    if unknown := sorted(wanted - {*known, ADMIN}):
        _invalid(
            "roles", "There is no role {role}. There are: {known}.", role=unknown[0], known=", ".join(sorted(known))
        )
    if ADMIN in user.roles and ADMIN not in wanted:
        _keep_one_administrator(conn, tables, user.id)
    _replace(conn, tables.user_role, "user_id", user.id, "role", wanted)


def _refuse_outsiders(conn: sa.Connection, tables: Tables, ids: Iterable[int]) -> None:
    outsider = tables.outsider
    if conn.execute(sa.select(outsider.c.user_id).where(outsider.c.user_id.in_(list(ids)))).first():
        raise Refused(message("This is a person of a portal. They have the role of the portal and no other."))


def inside_roles(definition: AppDefinition) -> list[str]:
    """The roles that people inside may be given."""
    return [name for name, role in definition.roles.items() if role.stands_for is None]


def set_active(conn: sa.Connection, tables: Tables, user: User, active: bool, *, now: dt.datetime) -> None:
    """Let the person in or keep them out; what they did stays. Keeping out ends all sessions and tokens."""
    if not active:
        if ADMIN in user.roles:
            _keep_one_administrator(conn, tables, user.id)
        end_access(conn, tables, user.id, now)
    conn.execute(tables.user.update().where(tables.user.c.id == user.id).values(active=active))


def _keep_one_administrator(conn: sa.Connection, tables: Tables, leaving: int) -> None:
    roles, user = tables.user_role, tables.user
    others = (
        sa.select(user.c.id)
        .join(roles, roles.c.user_id == user.c.id)
        .where(roles.c.role == ADMIN, user.c.active, user.c.id != leaving)
    )
    if conn.execute(others.limit(1)).first() is None:
        raise Refused(message("Somebody must remain an administrator. Make another person one first."))


def end_access(conn: sa.Connection, tables: Tables, user_id: int, now: dt.datetime) -> None:
    conn.execute(tables.session.delete().where(tables.session.c.user_id == user_id))
    token = tables.token
    conn.execute(token.update().where(token.c.user_id == user_id, token.c.revoked_at.is_(None)).values(revoked_at=now))


def set_profile(conn: sa.Connection, tables: Tables, user_id: int, **columns: str | None) -> None:
    """Change ``name``, ``email``, ``language``, ``timezone`` or ``theme``."""
    if columns.get("name") is not None:
        columns["name"] = accept_name(str(columns["name"]))
    conn.execute(tables.user.update().where(tables.user.c.id == user_id).values(**columns))


def _new_id(made: sa.CursorResult[Any]) -> int:
    key = made.inserted_primary_key
    return int(key[0]) if key else 0


# --- groups


@dataclass(frozen=True)
class Group:
    """People who share roles."""

    id: int
    name: str
    roles: frozenset[str]
    members: frozenset[int]


def groups_of(conn: sa.Connection, tables: Tables) -> list[Group]:
    table = tables.group
    rows = conn.execute(sa.select(table.c.id, table.c.name).order_by(table.c.name)).all()
    ids = [row.id for row in rows]
    roles = _many(conn, tables.group_role, "group_id", "role", ids)
    members = _many(conn, tables.group_member, "group_id", "user_id", ids)
    return [
        Group(row.id, row.name, frozenset(roles.get(row.id, ())), frozenset(members.get(row.id, ()))) for row in rows
    ]


def save_group(
    conn: sa.Connection,
    tables: Tables,
    *,
    id: int | None,
    name: str,
    roles: Iterable[str],
    members: Iterable[int],
    known: Iterable[str],
) -> int:
    """Create or replace a group; raises Invalid for a taken name or an unknown role. Groups cannot make administrators:
    that stays a decision about one person."""
    name, wanted, members = accept_name(name), frozenset(roles), list(members)
    _refuse_outsiders(conn, tables, members)
    table = tables.group
    taken = conn.execute(sa.select(table.c.id).where(table.c.name == name)).scalar()
    if taken is not None and taken != id:
        _invalid("name", "There is a group {name} already.", name=name)
    if unknown := sorted(wanted - set(known)):
        _invalid("roles", "A group cannot have the role {role}.", role=unknown[0])
    if id is None:
        id = _new_id(conn.execute(table.insert().values(name=name)))
    else:
        conn.execute(table.update().where(table.c.id == id).values(name=name))
    _replace(conn, tables.group_role, "group_id", id, "role", wanted)
    _replace(conn, tables.group_member, "group_id", id, "user_id", members)
    return id


def delete_group(conn: sa.Connection, tables: Tables, group_id: int) -> None:
    conn.execute(tables.group_role.delete().where(tables.group_role.c.group_id == group_id))
    conn.execute(tables.group_member.delete().where(tables.group_member.c.group_id == group_id))
    conn.execute(tables.group.delete().where(tables.group.c.id == group_id))


def set_groups(conn: sa.Connection, tables: Tables, user_id: int, groups: Iterable[int]) -> None:
    groups = list(groups)
    if groups:
        _refuse_outsiders(conn, tables, [user_id])
    _replace(conn, tables.group_member, "user_id", user_id, "group_id", groups)


def _replace(conn: sa.Connection, table: sa.Table, key: str, owner: int, column: str, values: Iterable[Any]) -> None:
    conn.execute(table.delete().where(table.c[key] == owner))
    rows = [{key: owner, column: value} for value in sorted(set(values))]
    if rows:
        conn.execute(table.insert(), rows)
