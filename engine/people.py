"""Who acts: a person, a token of a person, or a rule on a person's behalf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.definition import AppDefinition
from engine.errors import Missing, message
from engine.formats import Reader
from engine.language import ADMIN
from engine.storage.prepared import among, listed, value
from engine.storage.tables import Tables


@dataclass(frozen=True)
class Only:
    """The one record somebody with a link to it reaches, and the forms they reach nothing of."""

    form: str
    id: int
    closed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Actor:
    """Who acts, with everything permissions ask about.

    ``system`` acts without permission checks; ``rule`` names the rule it acts for, and then ``id`` still is the person
    whose change woke the rule. ``scopes`` narrow an API token: ``read``, ``write`` or ``<form>:<verb>``; None narrows
    nothing. ``view_as`` is the role an administrator looks as; such an actor changes nothing.

    ``feed``: the stable id of the feed the system acts for.

    A person of a ``portal`` is outside: ``stands_for`` is the id of the record they stand for, and ``only`` narrows
    them to one record where they came by a link to it.
    """

    id: int | None
    login: str
    name: str
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    language: str = "zh"
    timezone: str = "Asia/Shanghai"
    system: bool = False
    rule: str | None = None
    scopes: frozenset[str] | None = None
    view_as: str | None = None
    portal: str | None = None
    stands_for: int | None = None
    only: Only | None = None
    feed: str | None = None

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles

    @property
    def boundless(self) -> bool:
        """No grant is asked: the system itself, or an administrator who is not looking as somebody else."""
        return self.system or ADMIN in self.roles

    def reader(self, definition: AppDefinition) -> Reader:
        return Reader(self.language, self.timezone, definition.currency)

    def for_rule(self, rule: str) -> Actor:
        """The system acting for ``rule``, woken by this actor's change."""
        return replace(self, system=True, rule=rule, scopes=None, view_as=None)

    def looking_as(self, role: str) -> Actor:
        """What a person of ``role`` would see; read only."""
        return replace(self, roles=frozenset({role}), groups=frozenset(), system=False, view_as=role)


def system_actor(name: str = "system", *, feed: str | None = None) -> Actor:
    """The application itself, for imports, seeds and schedules that nobody in particular started."""
    return Actor(id=None, login=name, name=name, system=True, feed=feed)


def load_actor(conn: sa.Connection, tables: Tables, user_id: int) -> Actor:
    """The active person with this id, with the roles of their groups; raises Missing."""
    found = load_people(conn, tables, [user_id]).get(user_id)
    if found is None or not found["active"]:
        raise Missing(message("There is no user {who}.", who=user_id))
    return Actor(
        id=user_id,
        login=found["login"],
        name=found["name"],
        roles=found["roles"],
        groups=found["groups"],
        language=found["language"] or "zh",
        timezone=found["timezone"] or "Asia/Shanghai",
        portal=found["portal"],
        stands_for=found["stands_for"],
    )


def load_people(conn: sa.Connection, tables: Tables, ids: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    """People by id: id, login, name, active, language, timezone, portal and stands_for (of people outside), and the
    sets roles and groups (their names)."""
    dialect = conn.dialect
    wanted = listed(list(ids), dialect)
    people = tables.statements.get(("people",), dialect, lambda: _people(tables, dialect))
    found: dict[int, dict[str, Any]] = {
        row["id"]: {**row, "roles": set(), "groups": set()} for row in people.rows(conn, wanted)
    }
    belongings = tables.statements.get(("belongings",), dialect, lambda: _belongings(tables, dialect))
    for row in belongings.rows(conn, wanted) if found else ():
        if row["user_id"] in found:
            found[row["user_id"]][row["kind"]].add(row["name"])
    return {
        id: {**row, "roles": frozenset(row["roles"]), "groups": frozenset(row["groups"])} for id, row in found.items()
    }


def _people(tables: Tables, dialect: sa.Dialect) -> sa.Select[Any]:
    user, outsider = tables.user, tables.outsider
    columns = (user.c.id, user.c.login, user.c.name, user.c.active, user.c.language, user.c.timezone)
    return (
        sa.select(*columns, outsider.c.portal, outsider.c.stands_for)
        .join_from(user, outsider, outsider.c.user_id == user.c.id, isouter=True)
        .where(among(user.c.id, dialect))
    )


def _belongings(tables: Tables, dialect: sa.Dialect) -> sa.CompoundSelect[Any]:
    """(user_id, kind "roles" or "groups", name), the roles also through groups."""
    own, held, member, group = tables.user_role, tables.group_role, tables.group_member, tables.group
    roles: sa.Label[str] = sa.literal_column("'roles'", sa.Text).label("kind")
    through = held.join(member, member.c.group_id == held.c.group_id)
    within = group.join(member, member.c.group_id == group.c.id)
    return sa.union_all(
        sa.select(own.c.user_id, roles, own.c.role.label("name")).where(among(own.c.user_id, dialect)),
        sa.select(member.c.user_id, roles, held.c.role).select_from(through).where(among(member.c.user_id, dialect)),
        sa.select(member.c.user_id, sa.literal_column("'groups'", sa.Text), group.c.name)
        .select_from(within)
        .where(among(member.c.user_id, dialect)),
    )


def people_with_roles(conn: sa.Connection, tables: Tables, roles: Iterable[str]) -> frozenset[int]:
    """The ids of the active people inside who have one of these roles, themselves or through a group."""
    wanted = {f"role_{place}": role for place, role in enumerate(roles)}
    if not wanted:
        return frozenset()
    key = ("people with roles", len(wanted))
    prepared = tables.statements.get(
        key, conn.dialect, lambda: _with_roles(tables, [value(one, sa.Text) for one in wanted])
    )
    return frozenset(row["id"] for row in prepared.rows(conn, wanted))


def _with_roles(tables: Tables, wanted: Sequence[Any]) -> sa.Select[Any]:
    own, held, member, user = tables.user_role, tables.group_role, tables.group_member, tables.user
    through = held.join(member, member.c.group_id == held.c.group_id)
    having = sa.union(
        sa.select(own.c.user_id).where(own.c.role.in_(wanted)),
        sa.select(member.c.user_id).select_from(through).where(held.c.role.in_(wanted)),
    )
    return sa.select(user.c.id).where(user.c.active, user.c.id.in_(having), inside(tables))


def inside(tables: Tables) -> sa.ColumnElement[bool]:
    """The condition on ``_user`` that somebody is no person of a portal."""
    return tables.user.c.id.not_in(sa.select(tables.outsider.c.user_id))


def addresses_of(conn: sa.Connection, tables: Tables, ids: Iterable[int]) -> list[dict[str, str]]:
    """{name, address, language} of the active ones who have an e-mail address."""
    user = tables.user
    wanted = sorted(ids)
    if not wanted:
        return []
    query = sa.select(user.c.name, user.c.email, user.c.language).where(
        user.c.id.in_(wanted), user.c.active, user.c.email.is_not(None), user.c.email != ""
    )
    return [{"name": row.name, "address": row.email, "language": row.language or ""} for row in conn.execute(query)]
