"""Putting what was prepared in force: planned again and compared with what was seen, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable

import sqlalchemy as sa

from engine import audit
from engine.application import Application
from engine.errors import Denied, Invalid, Message, Refused, Stale, message
from engine.faults import point
from engine.load import Loaded
from engine.people import Actor
from engine.publishing.file import follow
from engine.publishing.guarding import refuse_others
from engine.publishing.history import Version, latest_of
from engine.publishing.inforce import Entry, Told, hash_in_force, put_in_force, silent
from engine.publishing.preparing import Prepared, plan_of
from engine.publishing.sealing import changed_since, sentences_of
from engine.storage.catalog import quoted, read_catalog
from engine.storage.migrate import Plan, lock
from engine.storage.tables import build_tables

LOG = logging.getLogger("appmill.definition")
TRIES = 3  # a deadlock with somebody's change is not the end of it
BUSY = {"40P01", "55P03", "40001"}  # deadlock, lock not available, not serializable
Also = Callable[[sa.Connection, int], None]  # (connection, publication)


def publish(
    app: Application, prepared: Prepared, *, by: Actor, reason: str | None = None, change_id: int | None = None,
    told: Told = silent, also: Also = lambda _conn, _publication: None,
) -> Application:  # fmt: skip
    """Put it in force; answers the application under it, which the caller makes the current one.

    ``also`` is done in the same transaction. Raises Invalid (mistakes), Denied, Refused (open questions, the same as
    now, the database is busy) and Stale (the definition or the data changed since it was prepared); nothing was changed
    then.
    """
    refuse_unready(prepared, by)
    assert prepared.loaded is not None  # what has no mistakes was loaded
    fresh = _under(app, prepared.loaded)
    entry = Entry(prepared.kind, by.id, (reason or "").strip() or None, change_id, prepared.decisions or {})
    for turn in range(1, TRIES + 1):
        try:
            _in_one(fresh, prepared, entry, by, told, also)
            break
        except sa.exc.OperationalError as error:
            refuse_busy(error, last=turn == TRIES)
    LOG.info("%s put %s in force", by.login, fresh.definition.hash)
    follow(app.file, prepared.loaded.source.text, fresh.definition.hash, app.database)
    return fresh


def refuse_unready(prepared: Prepared, by: Actor) -> None:
    """What can be said without asking the database again. Raises Invalid, Denied, Refused."""
    if prepared.loaded is None or prepared.plan is None:
        raise Invalid(message("The definition has mistakes; check it again."))
    if by.view_as is not None:
        raise Denied(message("You are looking as somebody else; nothing can be changed so."))
    refuse_others(by, prepared.running, prepared.guards)
    if prepared.same:
        raise Refused(message("This is in force already; there is nothing to publish."))


def _under(app: Application, loaded: Loaded) -> Application:
    """The application a definition makes, over the same database."""
    tables = build_tables(loaded.definition, app.registry)
    return Application(
        loaded.definition, app.registry, app.database, tables, app.files, app.clock, app.sources, app.file
    )


def _in_one(app: Application, prepared: Prepared, entry: Entry, by: Actor, told: Told, also: Also) -> None:
    """The one transaction; when it is over, all of it is there."""
    point("publish")
    former = app.database.in_force
    try:
        _put(app, prepared, entry, by, told, also)
    except BaseException:
        app.database.in_force = former
        raise
    point("published")


def _put(app: Application, prepared: Prepared, entry: Entry, by: Actor, told: Told, also: Also) -> None:
    with app.database.write() as conn:
        lock(conn)
        told(0, 0, message("Looking at the data once more"))
        plan = _planned_again(app, conn, prepared)
        if plan.order and hold_still(conn):
            plan = _planned_again(app, conn, prepared)
        point("planned again")
        source = prepared.loaded.source.text if prepared.loaded else prepared.text
        id = put_in_force(conn, app, plan, source=source, entry=entry, before=prepared.base_hash, told=told,
                          allow_explicit=True)  # fmt: skip
        assert id is not None  # what is in force already was refused
        _close_draft(conn, app, entry)
        audit.note(conn, app, by, f"definition.{entry.kind}", id, form=audit.WHOLE, reason=entry.reason,
                   changes={"definition": [prepared.base_hash, app.definition.hash]})  # fmt: skip
        also(conn, id)
        point("audited")
        app.database.in_force = app.definition.hash  # whoever waits to write by the former definition is told


def hold_still(conn: sa.Connection) -> bool:
    """PostgreSQL: nobody writes records until the end of the transaction, so that what was counted stays so; reading
    goes on. Answers whether it had to be said: SQLite has one writer anyway."""
    if conn.dialect.name != "postgresql":
        return False
    tables = [quoted(conn, name) for name in sorted(read_catalog(conn).columns) if not name.startswith("_")]
    if tables:
        conn.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    return True


# --- has anything changed since? -----------------------------------------------------------------------------------


def _planned_again(app: Application, conn: sa.Connection, prepared: Prepared) -> Plan:
    """Raises Stale where it is not the plan people saw, Refused where something is to be decided still."""
    now = hash_in_force(conn)
    if now != prepared.base_hash:
        raise Stale(_overtaken(latest_of(conn, now) if now else None))
    decisions = prepared.decisions or {}
    plan = plan_of(app, conn, app.definition, decisions)
    refuse_open(plan)
    if plan.seal != prepared.seal:
        raise Stale(changed_since(sentences_of(prepared.plan), plan))
    return plan


def refuse_open(plan: Plan) -> None:
    """Raises Refused naming what nobody decided yet."""
    if plan.problems:
        raise Refused(message("What was decided cannot be done: {problems}", problems=tuple(plan.problems.values())))
    if plan.open_questions:
        raise Refused(message("Something is to be decided first: {questions}",
                              questions=tuple(each.message for each in plan.open_questions)))  # fmt: skip


def _overtaken(newest: Version | None) -> Message:
    if newest is None:
        return message("Another definition was put in force meanwhile. Nothing was changed; look at it again.")
    return message(
        "{who} put another definition in force at {at} meanwhile ({why}). Nothing was changed; look at the"
        " difference again.",
        who=newest.by_name or message("Somebody"), at=f"{newest.at:%Y-%m-%d %H:%M} UTC",
        why=newest.reason or newest.hash,
    )  # fmt: skip


def refuse_busy(error: sa.exc.OperationalError, *, last: bool) -> None:
    """Raises Refused where the database had no room, the error itself where it is something else."""
    state = getattr(error.orig, "sqlstate", None)
    locked = "locked" in str(error.orig)
    if state not in BUSY and not locked:
        raise error
    if last or locked:
        raise Refused(
            message("The database is busy with other work and made no room. Nothing was changed; try again later.")
        ) from error


# --- the draft --------------------------------------------------------------------------------------------------------


def _close_draft(conn: sa.Connection, app: Application, entry: Entry) -> None:
    """Raises Stale where somebody else closed it."""
    if entry.change_id is None:
        return
    table = app.tables.change
    mine = (table.c.id == entry.change_id, table.c.state == "open")
    values = {"state": "published", "version": table.c.version + 1, "updated_at": app.clock()}
    if not conn.execute(sa.update(table).where(*mine).values(values)).rowcount:
        raise Stale(message("This draft was published or discarded meanwhile."))
