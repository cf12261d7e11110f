"""How long a record was where: one row per visit to a state, closed when it leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from typing import Any

import sqlalchemy as sa

from engine.calendars import left_over
from engine.errors import Invalid, Problem, message
from engine.passage import Walk
from engine.plans import FormPlan
from engine.storage.prepared import value

LATEST = 200  # visits that are looked at: more interruptions of one state are not added up


def enter(walk: Walk, plan: FormPlan, row: Mapping[str, Any], *, by: int | None = None) -> int:
    """The record is in its state; ``by``: who brought it there, if not the actor. Answers the id of the visit."""
    table, sqlite = walk.app.tables.stay, walk.conn.dialect.name == "sqlite"
    names = ("form", "record_id", "state", "entered_at", "entered_by", "due_at", "owner", "owner_role")

    def build() -> Any:
        new = {name: value(f"new_{name}", table.c[name].type) for name in names}
        statement = sa.insert(table).values(new)
        return statement if sqlite else statement.returning(table.c.id)

    stay = {
        "form": plan.form.name, "record_id": row["id"], "state": row["state"], "entered_at": row["state_since"],
        "entered_by": by or walk.actor.id, "due_at": row["state_due"], "owner": row["owner"],
        "owner_role": row["owner_role"],
    }  # fmt: skip
    prepared = walk.app.tables.statements.get(("enter state",), walk.conn.dialect, build)
    result = prepared.execute(walk.conn, {f"new_{name}": stay[name] for name in names})
    return int(result.lastrowid if sqlite else result.fetchone()[0])


def leave(walk: Walk, plan: FormPlan, before: Mapping[str, Any]) -> None:
    """The record is no longer in the state it was in."""
    table = walk.app.tables.stay

    def build() -> Any:
        new = {name: value(f"new_{name}", table.c[name].type) for name in ("left_at", "left_by", "dwell_seconds")}
        return sa.update(table).where(*_of_record(table), table.c.left_at.is_(None)).values(new)

    values = {
        **_record(plan, before),
        "new_left_at": walk.now,
        "new_left_by": walk.actor.id,
        "new_dwell_seconds": seconds_between(before.get("state_since"), walk.now),
    }
    walk.app.tables.statements.get(("leave state",), walk.conn.dialect, build).execute(walk.conn, values)


def _of_record(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.form == value("form_", sa.Text), table.c.record_id == value("record_", sa.BigInteger)


def _record(plan: FormPlan, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"form_": plan.form.name, "record_": row["id"]}


def hand_over(walk: Walk, plan: FormPlan, row: Mapping[str, Any], *, reassigned: bool) -> None:
    """The same visit, another owner; one it was ``reassigned`` to stays until the state is left."""
    table = walk.app.tables.stay
    here = (table.c.form == plan.form.name, table.c.record_id == row["id"], table.c.left_at.is_(None))
    values = {"owner": row["owner"], "owner_role": row["owner_role"]}
    reassigned_at = {"reassigned_at": walk.now} if reassigned else {}
    walk.conn.execute(sa.update(table).where(*here).values(values | reassigned_at))


def is_reassigned(walk: Walk, plan: FormPlan, id: int) -> bool:
    """Whether a rule handed the record over during the present visit."""
    table = walk.app.tables.stay
    here = (table.c.form == plan.form.name, table.c.record_id == id, table.c.left_at.is_(None))
    return walk.conn.scalar(sa.select(table.c.id).where(*here, table.c.reassigned_at.is_not(None)).limit(1)) is not None


def move_due(walk: Walk, plan: FormPlan, row: Mapping[str, Any]) -> None:
    """The same visit, which is to be over at another moment."""
    table = walk.app.tables.stay

    def build() -> Any:
        here = (*_of_record(table), table.c.left_at.is_(None))
        return sa.update(table).where(*here).values(due_at=value("new_due_at", table.c.due_at.type))

    prepared = walk.app.tables.statements.get(("move due",), walk.conn.dialect, build)
    prepared.execute(walk.conn, {**_record(plan, row), "new_due_at": row["state_due"]})


def left_of(walk: Walk, plan: FormPlan, row: Mapping[str, Any]) -> dt.timedelta | None:
    """What was left of the expected time of the state a record is in when it stepped aside to where time stands still;
    negative when it was late by then. None where it was not aside."""
    table, state = walk.app.tables.stay, plan.states[row["state"]]

    def build() -> Any:
        query = sa.select(table.c.state, table.c.entered_at, table.c.left_at).where(*_of_record(table))
        return query.order_by(table.c.id.desc()).limit(LATEST)

    prepared = walk.app.tables.statements.get(("latest visits",), walk.conn.dialect, build)
    latest = [tuple(visit.values()) for visit in prepared.rows(walk.conn, _record(plan, row))]
    visits = interrupted(latest, state.name, plan.pausing)
    return left_over(plan.times[state.name], state.within, visits) if visits and state.within else None


Visit = tuple[dt.datetime, dt.datetime]  # entered, left


def interrupted(visits: Sequence[Sequence[Any]], state: str, pausing: Set[str]) -> list[Visit]:
    """The visits to ``state`` that were interrupted only by ones in which time stands still, first to last.

    ``visits``: (state, entered, left) of the record, the latest first; left is None of the present one.
    """
    found: list[Visit] = []
    aside = False
    for name, entered, left in visits:
        if name in pausing:
            aside = True
        elif name == state and aside and left is not None:
            found.append((entered, left))
            aside = False
        elif name != state or left is not None:
            break
    return found[::-1]


def seconds_between(start: dt.datetime | None, end: dt.datetime) -> int:
    return 0 if start is None else max(0, int((end - start).total_seconds()))


# --- history that comes with an import -------------------------------------------------------------------------------


def read_history(
    plan: FormPlan, history: Sequence[Mapping[str, Any]], state: str, now: dt.datetime
) -> list[dict[str, Any]]:
    """Visits before the present one: ``state``, ``entered_at``, ``left_at`` (aware datetimes or ISO texts), and the
    ids ``entered_by`` and ``left_by`` where they are known. The last may be the present one, without ``left_at``.

    Each begins where the one before ended or later, and ends in the past; raises Invalid naming the place.
    """
    visits: list[dict[str, Any]] = []
    problems: list[Problem] = []
    last: dt.datetime | None = None
    for place, one in enumerate(history):
        where = f"history.{place}"
        name, entered, left = one.get("state"), _moment(one.get("entered_at")), _moment(one.get("left_at"))
        if name not in plan.states:
            problems.append(Problem(f"{where}.state", message("There is no state {state}.", state=name)))
        if entered is None or (left is None and place < len(history) - 1):
            problems.append(Problem(where, message("A visit needs the moments it began and ended.")))
            continue
        if (last is not None and entered < last) or (left is not None and left < entered) or (left or entered) > now:
            problems.append(Problem(where, message("The visits must follow each other and lie in the past.")))
        last = left
        visits.append({"state": name, "entered_at": entered, "left_at": left, **_who(one)})
    if visits and visits[-1]["left_at"] is None and visits[-1]["state"] != state:
        problems.append(Problem("history", message("The open visit must be to the state {state}.", state=state)))
    if problems:
        raise Invalid(problems[0].message, problems)
    return visits


def _who(one: Mapping[str, Any]) -> dict[str, int | None]:
    return {name: one[name] if isinstance(one.get(name), int) else None for name in ("entered_by", "left_by")}


def _moment(raw: Any) -> dt.datetime | None:
    if isinstance(raw, str):
        try:
            raw = dt.datetime.fromisoformat(raw)
        except ValueError:
            return None
    return raw.astimezone(dt.UTC) if isinstance(raw, dt.datetime) and raw.tzinfo is not None else None


def write_history(walk: Walk, plan: FormPlan, id: int, visits: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        {
            "form": plan.form.name, "record_id": id, "state": visit["state"], "entered_at": visit["entered_at"],
            "left_at": visit["left_at"], "dwell_seconds": seconds_between(visit["entered_at"], visit["left_at"]),
            "entered_by": visit["entered_by"], "left_by": visit["left_by"],
        }
        for visit in visits
        if visit["left_at"] is not None
    ]  # fmt: skip
    if rows:
        walk.conn.execute(sa.insert(walk.app.tables.stay), rows)
