"""A database to try an application on: its demo users, an administrator, and what its plugin seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from engine import accounts, outsiders, passwords
from engine.application import Application
from engine.definition import AppDefinition
from engine.language import ADMIN
from engine.portals import Portal

PASSWORD = "appmill demo 2026"  # noqa: S105 - printed at every start of a demo; refused on public addresses
RECORDS, SEED = 250, 1


@dataclass(frozen=True)
class Person:
    """Somebody to sign in as."""

    login: str
    name: str
    roles: tuple[str, ...]


def people(definition: AppDefinition) -> list[Person]:
    """The demo users of the definition and an administrator."""
    named = [Person(login, user.name, tuple(user.roles)) for login, user in definition.demo_users.items()]
    taken = {person.login for person in named}
    return named if ADMIN in taken else [*named, Person(ADMIN, "Administrator", (ADMIN,))]


def make_people(app: Application, wanted: Iterable[Person]) -> bool:
    """Make them if the database has nobody yet; answers whether it did."""
    digest = passwords.hashed(PASSWORD)
    with app.database.write() as conn:
        if not accounts.nobody_yet(conn, app.tables):
            return False
        for person in wanted:
            accounts.create_user(
                conn,
                app.tables,
                login=person.login,
                name=person.name,
                roles=person.roles,
                email=f"{person.login}@example.com",  # an address nobody has: rules can be tried, nobody is bothered
                password=PASSWORD,
                password_hash=digest,
                now=app.clock(),
            )
    return True


def seed(app: Application, count: int = RECORDS, number: int = SEED) -> bool:
    """Let the application's plugin fill it; answers whether there was one."""
    plant = app.registry.seeds.get(app.definition.app)
    if plant is None:
        return False
    plant(app, count, number)
    return True


def open_portals(app: Application) -> None:
    """One person to try each portal as, where it has nobody; whoever most of what is open there belongs to."""
    digest = passwords.hashed(PASSWORD)
    with app.database.write() as conn:
        for portal in app.definition.portals.values():
            record = _shown_most(conn, app, portal)
            if record is None or outsiders.outsiders_of(conn, app, portal):
                continue
            name = app.definition.roles[portal.role].label.text(app.definition.languages[0])
            id = outsiders.add(conn, app, portal, record, name=name, address=outside(portal))
            user = app.tables.user
            conn.execute(user.update().where(user.c.id == id).values(password_hash=digest))


def outside(portal: Portal) -> str:
    """The mail address to try a portal with; one that nobody has."""
    return f"{portal.name}@example.com"


def _shown_most(conn: sa.Connection, app: Application, portal: Portal) -> int | None:
    """The record its people could stand for; None where there is none yet."""
    for shown in portal.forms:
        if (via := outsiders.link_to(app, portal, shown)) is not None:
            table, workflow = app.tables.form[shown.form], app.definition.forms[shown.form].workflow
            here = [table.c.deleted_at.is_(None), table.c[via].is_not(None)]
            if workflow is not None:
                here.append(table.c.state.in_([one.name for one in workflow.states.values() if not one.final]))
            most = sa.select(table.c[via]).where(*here).group_by(table.c[via])
            found = conn.scalar(most.order_by(sa.func.count().desc(), table.c[via]).limit(1))
            if found is not None:
                return int(found)
    first: int | None = conn.scalar(sa.select(sa.func.min(app.tables.form[outsiders.stood_for(app, portal)].c.id)))
    return first


def table(definition: AppDefinition, language: str) -> str:
    """The demo users as text: sign-in name, roles, name."""
    heading = ("Sign-in name", "Roles", "Name")
    rows = [heading, *((one.login, _roles(definition, one, language), one.name) for one in people(definition))]
    widths = [max(width(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join(padded(cell, room) for cell, room in zip(row, widths, strict=True)) for row in rows)


def _roles(definition: AppDefinition, person: Person, language: str) -> str:
    known = definition.roles
    return ", ".join(known[name].label.text(language) if name in known else name for name in person.roles)


def padded(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
