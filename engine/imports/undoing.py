"""Taking an import back: what it made is deleted, what it changed is as before, where nobody has changed it since."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Message, Refused, Stale, message
from engine.formats import MASK
from engine.imports import jobs, running
from engine.imports.jobs import Job
from engine.imports.rows import CREATED, UPDATED
from engine.people import Actor
from engine.permissions import may
from engine.plans import FormPlan
from engine.storage import events, records
from engine.texts import say
from engine.together import Together, together

TOGETHER = 25
UNDONE, KEPT = "undone", "kept"  # what the rows of an import become


def begin(app: Application, actor: Actor, form: Form, job: Job) -> None:
    """Take back what this import did, in the background."""
    running.start(app, actor, form, claim(app, actor, form, job))


def claim(app: Application, actor: Actor, form: Form, job: Job) -> Job:
    may(app, actor, "import", form).demand()
    if job.batch is None:
        raise Refused(message("Nothing was brought in."))
    table, now = app.tables.job, app.clock()
    ended = (jobs.IMPORTED, jobs.CANCELLED, jobs.FAILED)
    with app.database.write() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == job.id)).mappings().one()
        still = jobs.job_of(row).still(now)
        if row["state"] not in ended and not still:
            raise Refused(message("This is being worked on already."))
        changes = {"state": jobs.UNDOING, "cancel": False, "error": None, "progress": 0, "finished_at": None,
                   "total": _left(conn, app, job.id), "params": {**row["params"], "phase": jobs.UNDOING},
                   "result": {**(row["result"] or {}), "heard_at": now.isoformat()}}  # fmt: skip
        conn.execute(sa.update(table).where(table.c.id == job.id).values(changes))
    return jobs.load(app, actor, job.id)


def _left(conn: sa.Connection, app: Application, job: int) -> int:
    table = app.tables.import_row
    query = sa.select(sa.func.count()).where(table.c.job_id == job, table.c.outcome.in_((CREATED, UPDATED)))
    return int(conn.scalar(query) or 0)


def undo(app: Application, actor: Actor, form: Form, job: Job) -> None:
    """Last row first, so that what later rows link to goes after them.

    The system acts on the person's behalf: who may import may take the import back, and nothing else.
    """
    behalf = replace(actor, system=True)
    while True:
        with together(app, behalf, batch=job.batch) as walks:
            rows = _next(walks.conn, app, job.id)
            results = [(row, _take_back(app, walks, form, row)) for row in rows]
            if results:
                _note(walks.conn, app, job, results)
            stop = _moved(walks.conn, app, job, results)
        job = replace(job, progress=job.progress + len(results), counts=_counts(job, results))
        if not rows or stop:
            break
        time.sleep(running.PAUSE)
    if not rows:
        batch = app.tables.batch
        with app.database.write() as conn:
            conn.execute(
                sa.update(batch).where(batch.c.id == job.batch).values(undone_at=app.clock(), undone_by=actor.id)
            )
    running.finish(app, job, jobs.CANCELLED if rows else jobs.UNDONE)


Result = tuple[Mapping[str, Any], "Message | None"]


def _next(conn: sa.Connection, app: Application, job: int) -> list[Mapping[str, Any]]:
    table = app.tables.import_row
    query = sa.select(table).where(table.c.job_id == job, table.c.outcome.in_((CREATED, UPDATED)))
    return [dict(row) for row in conn.execute(query.order_by(table.c.line.desc()).limit(TOGETHER)).mappings()]


def _take_back(app: Application, walks: Together, form: Form, row: Mapping[str, Any]) -> Message | None:
    """None when it is as before; else why not."""
    try:
        if row["outcome"] == CREATED:
            walks.delete(form, row["record_id"], row["version"])
            return None
        return _restore(app, walks, form, row)
    except Stale:
        return message("It was changed since.")
    except Invalid as invalid:
        return invalid.problems[0].message if invalid.problems else invalid.reason
    except AppmillError as refused:
        return refused.reason


def _restore(app: Application, walks: Together, form: Form, row: Mapping[str, Any]) -> Message | None:
    """Every field that still holds what the import wrote gets back what it held before."""
    plan = app.plans.form(form)
    event = events.get_event(walks.conn, app.tables, row["event_id"])
    stored = records.get(walks.conn, app.tables, form.name, row["record_id"])
    if event is None or stored is None or stored["deleted_at"] is not None:
        return message("It was deleted since.")
    values, kept = _former(plan, event.changes or {}, stored, unchanged=stored["version"] == row["version"])
    if values:
        walks.save(form, values, id=row["record_id"])
    return message("Not put back: {fields}.", fields=kept) if kept else None


def _former(
    plan: FormPlan, changes: Mapping[str, Any], stored: Mapping[str, Any], *, unchanged: bool
) -> tuple[dict[str, Any], list[Any]]:
    """(values to put back, labels of the fields that cannot be)."""
    values: dict[str, Any] = {}
    kept: list[Any] = []
    for name, one in plan.fields.items():
        pair = changes.get(one.stable_id)
        if pair is None or not one.writable:
            continue
        before, after = pair
        if name in plan.lines:
            former = _former_lines(plan, name, before, after) if unchanged else None
        elif name in plan.many:
            former = before if unchanged else None
        elif MASK in (before, after) or (not unchanged and one.dump(stored.get(name)) != after):
            former = None
        else:
            values[name] = before
            continue
        if former is None:
            kept.append(one.title)
        else:
            values[name] = former
    return values, kept


def _former_lines(plan: FormPlan, name: str, before: Any, after: Any) -> list[dict[str, Any]] | None:
    """The lines an import replaced, as new ones; None where it is not known what they were."""
    whole = not any("id" in line for line in after)
    if not whole:
        return None
    fields = {one.stable_id: field for field, one in plan.lines[name].plan.fields.items() if one.writable}
    former = [{fields[key]: value for key, value in line.items() if key in fields} for line in before]
    return None if any(MASK in line.values() for line in former) else former


# --- what became of it -----------------------------------------------------------------------------------------------


def _note(conn: sa.Connection, app: Application, job: Job, results: list[Result]) -> None:
    table = app.tables.import_row
    for row, problem in results:
        told = None if problem is None else [[row["line"], None, {one: say(problem, one) for one in ("zh", "en")}]]
        conn.execute(
            sa.update(table)
            .where(table.c.job_id == job.id, table.c.line == row["line"])
            .values(outcome=UNDONE if problem is None else KEPT, problems=told)
        )


def _counts(job: Job, results: list[Result]) -> dict[str, int]:
    counts = dict(job.counts)
    for _row, problem in results:
        kind = UNDONE if problem is None else KEPT
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def _moved(conn: sa.Connection, app: Application, job: Job, results: list[Result]) -> bool:
    table = app.tables.job
    done = conn.execute(
        sa.update(table)
        .where(table.c.id == job.id, table.c.state == jobs.UNDOING, table.c.progress == job.progress)
        .values(
            progress=job.progress + len(results),
            result={**_counts(job, results), "heard_at": app.clock().isoformat()},
        )
    )
    if done.rowcount != 1:
        raise running.Overtaken
    return bool(conn.scalar(sa.select(table.c.cancel).where(table.c.id == job.id)))
