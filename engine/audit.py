"""What happened, to be looked through by administrators; and entries for what happens beside the records.

Records and people share one append-only table: events of people stand under the form ``_user``, of the application
under ``_app``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.people import Actor
from engine.storage import events

PEOPLE, WHOLE = "_user", "_app"


def note(
    conn: sa.Connection,
    app: Application,
    actor: Actor | None,
    kind: str,
    record_id: int = 0,
    *,
    form: str = PEOPLE,
    changes: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Append what ``actor`` did to a person (or to the application), in the caller's transaction. No secrets here."""
    entry = events.Event(
        at=app.clock(),
        form=form,
        record_id=record_id,
        kind=kind,
        actor_id=actor.id if actor else None,
        actor_kind="system" if actor is None or actor.system else "user",
        reason=reason,
        changes=changes,
        definition=app.definition.hash,
    )
    events.append(conn, app.tables, entry)


@dataclass(frozen=True)
class Search:
    """What to look for; empty parts look for everything. ``since`` and ``until`` are aware, ``until`` excluded."""

    form: str = ""
    kind: str = ""
    actor_id: int | None = None
    record_id: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    before: int | None = None


def found(conn: sa.Connection, app: Application, search: Search, limit: int) -> list[Any]:
    """Matching events with the name of who did it, the newest first; rows have every column of ``_event``."""
    event, user = app.tables.event, app.tables.user
    statement = (
        sa.select(event, user.c.name.label("actor_name"))
        .outerjoin_from(event, user, user.c.id == event.c.actor_id)
        .order_by(event.c.id.desc())
        .limit(limit)
    )
    return list(conn.execute(statement.where(*_clauses(event, search))))


def _clauses(event: sa.Table, search: Search) -> list[sa.ColumnElement[bool]]:
    equal = {"form": search.form, "kind": search.kind, "actor_id": search.actor_id, "record_id": search.record_id}
    clauses = [event.c[name] == value for name, value in equal.items() if value not in (None, "")]
    if search.since is not None:
        clauses.append(event.c.at >= search.since)
    if search.until is not None:
        clauses.append(event.c.at < search.until)
    if search.before is not None:
        clauses.append(event.c.id < search.before)
    return clauses


def subject_names(conn: sa.Connection, app: Application, rows: list[Any]) -> dict[tuple[str, int], str]:
    """(form, id) → title of the records and people that the events are about; one query per form."""
    ids: dict[str, set[int]] = {}
    for row in rows:
        ids.setdefault(row.form, set()).add(row.record_id)
    names: dict[tuple[str, int], str] = {}
    for form, wanted in ids.items():
        if form == PEOPLE:
            table, column = app.tables.user, app.tables.user.c.name
        elif form in app.tables.form:
            table, column = app.tables.form[form], app.tables.form[form].c["_title"]
        else:
            continue
        for key, name in conn.execute(sa.select(table.c.id, column).where(table.c.id.in_(wanted))):
            names[form, key] = name
    return names
