"""Who stands in for whom, for a time: the other is asked instead, and everybody sees for whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import audit
from engine.application import Application
from engine.errors import Denied, Invalid, Message, Missing, Problem, message
from engine.people import Actor
from engine.storage.tables import Tables

LONGEST = dt.timedelta(days=366)
AT_ONCE = 20  # delegations one person may have that are not over


@dataclass(frozen=True)
class Delegation:
    """A row of ``_delegation`` with the names of both."""

    id: int
    user_id: int
    user_name: str
    to_id: int
    to_name: str
    forms: tuple[str, ...]
    from_at: dt.datetime
    until_at: dt.datetime
    reason: str | None
    set_by: int | None

    def is_in_force(self, now: dt.datetime) -> bool:
        return self.from_at <= now < self.until_at


def standing_in(
    app: Application, conn: sa.Connection, people: Collection[int], form: str, own: int | None
) -> dict[int, int]:
    """person → who is asked instead of them now, followed from one to the next. Whoever would stand in for themselves
    in a circle, or is the applicant ``own``, does not."""
    chosen: dict[int, int] = {}
    ahead, known = set(people), set[int]()
    while ahead - known:
        known |= ahead
        chosen.update(_chosen(app, conn, ahead, form))
        ahead = {chosen[one] for one in known if one in chosen}
    return {one: last for one in people if (last := _last(one, chosen)) not in (one, own)}


def _last(person: int, chosen: Mapping[int, int]) -> int:
    seen, here = {person}, person
    while here in chosen:
        here = chosen[here]
        if here in seen:
            return person
        seen.add(here)
    return here


def _chosen(app: Application, conn: sa.Connection, people: Collection[int], form: str) -> dict[int, int]:
    """The newest delegation of each that is in force, to somebody who is active."""
    table, user, now = app.tables.delegation, app.tables.user, app.clock()
    query = (
        sa.select(table.c.user_id, table.c.to_id, table.c.forms)
        .join(user, user.c.id == table.c.to_id)
        .where(table.c.user_id.in_(sorted(people)), table.c.ended_at.is_(None), user.c.active)
        .where(table.c.from_at <= now, table.c.until_at > now)
        .order_by(table.c.id)
    )
    return {row.user_id: row.to_id for row in conn.execute(query) if not row.forms or form in row.forms}


# --- setting ---------------------------------------------------------------------------------------------------------


def delegations_of(
    conn: sa.Connection, tables: Tables, now: dt.datetime, *, user_id: int | None = None, to_id: int | None = None
) -> list[Delegation]:
    """Those that are not over, of a person or to a person; of everybody where neither is said."""
    table, user, other = tables.delegation, tables.user, tables.user.alias()
    query = (
        sa.select(table, user.c.name.label("user_name"), other.c.name.label("to_name"))
        .join_from(table, user, user.c.id == table.c.user_id)
        .join(other, other.c.id == table.c.to_id)
        .where(table.c.ended_at.is_(None), table.c.until_at > now)
        .order_by(table.c.from_at, table.c.id)
        .limit(200)
    )
    if user_id is not None:
        query = query.where(table.c.user_id == user_id)
    if to_id is not None:
        query = query.where(table.c.to_id == to_id)
    return [_delegation(row) for row in conn.execute(query).mappings()]


def _delegation(row: Any) -> Delegation:
    names = ("id", "user_id", "user_name", "to_id", "to_name", "from_at", "until_at", "reason", "set_by")
    return Delegation(forms=tuple(row["forms"]), **{name: row[name] for name in names})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody asks for: ``user_id`` is stood in for by ``to_id``."""

    user_id: int
    to_id: int | None
    from_at: dt.datetime | None
    until_at: dt.datetime | None
    forms: Sequence[str] = ()
    reason: str | None = None


def delegate(app: Application, conn: sa.Connection, actor: Actor, wanted: Wanted) -> int:
    """Keep it, in the caller's transaction; answers its id. Raises Invalid with everything that is wrong, Denied for
    somebody else's unless by an administrator."""
    _demand_own(actor, wanted.user_id)
    problems = [Problem(name, said) for name, said in _mistakes(app, conn, wanted)]
    if problems:
        raise Invalid(problems[0].message, problems)
    row = {
        "user_id": wanted.user_id, "to_id": wanted.to_id, "forms": list(wanted.forms), "from_at": wanted.from_at,
        "until_at": wanted.until_at, "reason": wanted.reason, "set_by": actor.id, "created_at": app.clock(),
    }  # fmt: skip
    table = app.tables.delegation
    id = conn.execute(sa.insert(table).values(row).returning(table.c.id)).scalar_one()
    audit.note(conn, app, actor, "user.delegated", wanted.user_id, reason=wanted.reason)
    return int(id)


def end(app: Application, conn: sa.Connection, actor: Actor, delegation_id: int) -> None:
    """It is over from now on. Raises Missing, Denied."""
    table = app.tables.delegation
    open_one = (table.c.id == delegation_id, table.c.ended_at.is_(None))
    owner = conn.scalar(sa.select(table.c.user_id).where(*open_one))
    if owner is None or (owner != actor.id and not actor.is_admin):
        raise Missing(message("There is no such delegation."))
    _demand_own(actor, owner)
    conn.execute(sa.update(table).where(*open_one).values(ended_at=app.clock()))
    audit.note(conn, app, actor, "user.delegation_ended", owner)


def _demand_own(actor: Actor, user_id: int) -> None:
    if actor.view_as is not None or (actor.id != user_id and not actor.is_admin):
        raise Denied(message("Only they themselves or an administrator may say who stands in for a person."))


def _mistakes(app: Application, conn: sa.Connection, wanted: Wanted) -> list[tuple[str, Message]]:
    table, user, now = app.tables.delegation, app.tables.user, app.clock()
    found: list[tuple[str, Message]] = []
    known = wanted.to_id is not None and conn.scalar(
        sa.select(user.c.id).where(user.c.id == wanted.to_id, user.c.active)
    )
    if not known:
        found.append(("to", message("Choose who stands in.")))
    elif wanted.to_id == wanted.user_id:
        found.append(("to", message("Nobody stands in for themselves.")))
    if wanted.from_at is None or wanted.until_at is None:
        found.append(("until", message("Say from when and until when.")))
    elif wanted.until_at <= max(wanted.from_at, now):
        found.append(("until", message("The end must lie after the beginning, and ahead.")))
    elif wanted.until_at - wanted.from_at > LONGEST:
        found.append(("until", message("A delegation lasts a year at most.")))
    if unknown := sorted(set(wanted.forms) - app.definition.forms.keys()):
        found.append(("forms", message("There is no form {name}.", name=unknown[0])))
    living = (table.c.user_id == wanted.user_id, table.c.ended_at.is_(None), table.c.until_at > now)
    if (conn.scalar(sa.select(sa.func.count()).select_from(table).where(*living)) or 0) >= AT_ONCE:
        found.append(("to", message("There are too many delegations already; end one first.")))
    return found
