"""Entries that wait for a decision: who may see them, and what is known of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import AppDefinition
from engine.entries.receiving import Entry
from engine.errors import Missing, message
from engine.language import text_in
from engine.people import Actor
from engine.task import Task

MOST_SHOWN = 200


@dataclass(frozen=True)
class Open:
    """One that waits. ``task`` is None where the definition has it no more; its texts are kept all the same."""

    id: int
    task: Task | None
    task_name: str
    user_id: int | None
    maker: str
    form: str
    made_at: dt.datetime
    received_at: dt.datetime
    outcome: str
    why: Mapping[str, str]
    entry: Entry

    def why_in(self, language: str) -> str:
        return text_in(self.why, language)


def task_called(definition: AppDefinition, stable_id: str) -> Task | None:
    return next((task for task in definition.tasks.values() if task.stable_id == stable_id), None)


def may_decide(app: Application, who: Actor, task: Task | None, maker: int | None) -> bool:
    """The role the task names, administrators, and the maker where nobody is named."""
    if who.is_admin:
        return True
    if task is None or task.decides is None:
        return maker == who.id
    return task.decides in who.roles


def open_for(conn: sa.Connection, app: Application, who: Actor) -> list[Open]:
    """Those the person may decide about and their own, the oldest first."""
    table = app.tables.entry
    deciding = [task.stable_id for task in app.definition.tasks.values() if task.decides in who.roles]
    mine = sa.or_(table.c.user_id == who.id, table.c.task.in_(deciding))
    clause = sa.true() if who.is_admin else mine
    rows = conn.execute(_select(app).where(table.c.outcome == "open", clause).order_by(table.c.id).limit(MOST_SHOWN))
    return [_open(app, row) for row in rows]


def my_open(conn: sa.Connection, app: Application, who: Actor) -> int:
    """How many the person is to decide about."""
    return sum(may_decide(app, who, one.task, one.user_id) for one in open_for(conn, app, who))


def open_entry(conn: sa.Connection, app: Application, who: Actor, id: int) -> Open:
    """One entry, decided ones too; raises Missing alike for what is not there and what is not this person's."""
    row = conn.execute(_select(app).where(app.tables.entry.c.id == id)).first()
    found = _open(app, row) if row is not None else None
    if found is None or not (found.user_id == who.id or may_decide(app, who, found.task, found.user_id)):
        raise Missing(message("There is nothing here, or nothing you may see."))
    return found


def _select(app: Application) -> Any:
    table, user = app.tables.entry, app.tables.user
    return sa.select(table, user.c.name.label("maker")).select_from(table.outerjoin(user, user.c.id == table.c.user_id))


def _open(app: Application, row: Any) -> Open:
    sent = row.sent
    entry = Entry(
        key=row.once.partition(":")[2], made_at=row.made_at, values=sent["values"], record=row.record_id,
        version=row.version, state=row.state, base=sent["base"], codes=sent["codes"], reason=sent["reason"],
        waited=True,
    )  # fmt: skip
    return Open(row.id, task_called(app.definition, row.task), row.task, row.user_id, row.maker or "", row.form,
                row.made_at, row.received_at, row.outcome, row.why or {}, entry)  # fmt: skip
