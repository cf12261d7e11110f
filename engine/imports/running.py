"""Checking a file and bringing it in: a few dozen records per transaction, with the note of how far it is.

A check takes the same walks and keeps nothing of them. Whatever ends the process between two transactions leaves whole
records and a true count; going on begins behind the last of them.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, Refused, message
from engine.imports import jobs
from engine.imports.bundles import Bundle, below, bundles
from engine.imports.jobs import Job
from engine.imports.mapping import obstacles, targets_of
from engine.imports.rows import CREATED, UPDATED, Bringer, Outcome
from engine.people import Actor
from engine.permissions import may
from engine.together import Offers, together

CHUNK = 400  # records looked up at once
TOGETHER = 50  # records in one transaction at most
LONGEST = 0.12  # seconds of one transaction, so that people who save meanwhile wait no longer
PAUSE = 0.004  # between two, so that they get their turn
TRIES = 4
log = logging.getLogger("appmill.imports")


class Overtaken(Exception):
    """Somebody else works on this job, or stopped it."""


# --- starting --------------------------------------------------------------------------------------------------------


def check(app: Application, actor: Actor, form: Form, job: Job) -> None:
    """Let every row take its walk, and keep nothing of it. In the background; ``work`` does it here and now."""
    start(app, actor, form, claim_check(app, actor, form, job))


def bring_in(app: Application, actor: Actor, form: Form, job: Job) -> None:
    """Bring the rows in, those with mistakes left out."""
    start(app, actor, form, claim_import(app, actor, form, job))


def go_on(app: Application, actor: Actor, form: Form, job: Job) -> None:
    """Work on where it was left: the server was restarted, or the import was stopped."""
    start(app, actor, form, claim_rest(app, actor, form, job))


def start(app: Application, actor: Actor, form: Form, job: Job) -> None:
    threading.Thread(target=work, args=(app, actor, form, job), name=f"import {job.id}", daemon=True).start()


def claim_check(app: Application, actor: Actor, form: Form, job: Job) -> Job:
    may(app, actor, "import", form).demand()
    found = obstacles(app, form, targets_of(app, actor, form), job.settings)
    if found:
        raise Refused(found[0])
    return _claim(app, actor, job, jobs.CHECKING, (jobs.DRAFT, jobs.CHECKED, jobs.CANCELLED, jobs.FAILED), fresh=True)


def claim_import(app: Application, actor: Actor, form: Form, job: Job) -> Job:
    may(app, actor, "import", form).demand()
    return _claim(app, actor, job, jobs.IMPORTING, (jobs.CHECKED,), fresh=True)


def claim_rest(app: Application, actor: Actor, form: Form, job: Job) -> Job:
    may(app, actor, "import", form).demand()
    if job.state not in (jobs.CANCELLED, jobs.FAILED) and not job.still(app.clock()):
        raise Refused(message("This is being worked on already."))
    checking = job.phase == jobs.CHECKING  # what it knew of the rows before is gone: from the beginning
    return _claim(app, actor, job, job.phase, (job.state,), fresh=checking)


def _claim(app: Application, actor: Actor, job: Job, phase: str, before: tuple[str, ...], *, fresh: bool) -> Job:
    """Only one can: the job is moved from a state it may be in, and from the last word that was heard of it."""
    table, now = app.tables.job, app.clock()
    with app.database.write() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == job.id)).mappings().one()
        present = jobs.job_of(row)
        if present.state not in before or (present.batch is not None and fresh) or present.heard_at != job.heard_at:
            raise Refused(message("This is being worked on already."))
        params = {**row["params"], "phase": phase}
        if phase == jobs.IMPORTING and present.batch is None:
            params["batch"] = _new_batch(conn, app, actor, present, now)
        result = {"heard_at": now.isoformat()} if fresh else {**(row["result"] or {}), "heard_at": now.isoformat()}
        values: dict[str, Any] = {"state": phase, "params": params, "result": result, "cancel": False, "error": None,
                                  "started_at": now, "finished_at": None}  # fmt: skip
        if fresh:
            values["progress"] = 0
            conn.execute(sa.delete(app.tables.import_row).where(app.tables.import_row.c.job_id == job.id))
        conn.execute(sa.update(table).where(table.c.id == job.id).values(values))
    return jobs.load(app, actor, job.id)


def _new_batch(conn: sa.Connection, app: Application, actor: Actor, job: Job, now: dt.datetime) -> int:
    made = conn.execute(sa.insert(app.tables.batch).values(form=job.form, name=job.name, user_id=actor.id, at=now))
    return int(made.inserted_primary_key[0])  # type: ignore[index]


# --- working ---------------------------------------------------------------------------------------------------------


def work(app: Application, actor: Actor, form: Form, job: Job) -> None:
    """Check the file or bring it in, from where the job stands to its end. The job must have been claimed."""
    from engine.imports.undoing import undo

    try:
        if job.state == jobs.UNDOING:
            undo(app, actor, form, job)
        else:
            _Run(app, actor, form, job).run()
    except Overtaken:
        log.info("import %s is worked on by somebody else", job.id)
    except Exception as broken:
        finish(app, job, jobs.FAILED, str(broken) if isinstance(broken, AppmillError) else type(broken).__name__)
        log.exception("import %s failed", job.id)


def finish(app: Application, job: Job, state: str, error: str | None = None) -> None:
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(
            sa.update(table)
            .where(table.c.id == job.id, table.c.state.in_(jobs.WORKING))
            .values(state=state, error=error, finished_at=app.clock(), cancel=False)
        )


@dataclass
class _Run:
    app: Application
    actor: Actor
    form: Form
    job: Job
    offers: Offers = field(default_factory=dict)

    def run(self) -> None:
        job, rehearsing = self.job, self.job.state == jobs.CHECKING
        targets = targets_of(self.app, self.actor, self.form)
        bringer = Bringer(self.app, self.actor, self.form, targets, job.settings, rehearsing=rehearsing)
        state = jobs.CHECKED if rehearsing else jobs.IMPORTED
        for piece in self._pieces(bringer):
            if self._carry_out(bringer, piece):
                state = jobs.CANCELLED
                break
            time.sleep(PAUSE)
        finish(self.app, job, state)
        if state == jobs.IMPORTED:
            self.app.database.analyse()

    def _pieces(self, bringer: Bringer) -> Iterator[list[Bundle]]:
        """Records nobody has brought in yet, looked up a few hundred at a time."""
        with jobs.opened_rows(self.app, self.job.rows) as rows:
            waiting = bundles(below(rows, self.job.settings.heading), self.job.settings)
            for chunk in _in_chunks(_behind(waiting, self.job.progress, bringer), CHUNK):
                with self.app.database.read() as conn:
                    bringer.lookup.prepare(conn, chunk)
                yield from self._in_turn(chunk)

    def _in_turn(self, chunk: list[Bundle]) -> Iterator[list[Bundle]]:
        self._left = chunk
        while self._left:
            yield self._left[:TOGETHER]

    def _carry_out(self, bringer: Bringer, piece: list[Bundle]) -> bool:
        """Bring these in, as many as there is time for; answers whether to stop."""
        for attempt in range(TRIES):
            try:
                return self._in_one_transaction(bringer, piece)
            except OperationalError as error:
                code = getattr(error.orig, "sqlstate", None)
                if code not in ("40001", "40P01") or attempt == TRIES - 1:
                    raise
                with self.app.database.read() as conn:
                    bringer.lookup.prepare_again(conn, self._left)
        raise AssertionError("the loop returns or raises")

    def _in_one_transaction(self, bringer: Bringer, piece: list[Bundle]) -> bool:
        rehearsing = self.job.state == jobs.CHECKING
        walking = together(self.app, self.actor, batch=self.job.batch, rehearsal=rehearsing, offers=self.offers)
        with walking as walks:
            outcomes = _as_long_as(LONGEST, (bringer.bring(walks, one) for one in piece))
            walks.end_rehearsal()
            stop = advance(walks.conn, self.app, self.job, outcomes)
            jobs.note_rows(walks.conn, self.app, self.job.id, outcomes, all=not rehearsing)
        self.job = moved(self.job, outcomes)
        self._left = self._left[len(outcomes) :]
        return stop


def _as_long_as(seconds: float, outcomes: Iterable[Outcome]) -> list[Outcome]:
    end = time.monotonic() + seconds
    done = []
    for one in outcomes:
        done.append(one)
        if time.monotonic() > end:
            break
    return done


def _behind(found: Iterator[Bundle], rows: int, bringer: Bringer) -> Iterator[Bundle]:
    """What follows the records that took the first ``rows`` rows; their keys are still known."""
    while rows > 0:
        passed = next(found, None)
        if passed is None:
            return iter(())
        bringer.lookup.repeated(passed)
        rows -= len(passed.rows)
    return found


def _in_chunks(found: Iterator[Bundle], size: int) -> Iterator[list[Bundle]]:
    while chunk := list(islice(found, size)):
        yield chunk


# --- how far it is ---------------------------------------------------------------------------------------------------


def moved(job: Job, outcomes: Iterable[Outcome]) -> Job:
    done = list(outcomes)
    return replace(job, progress=job.progress + sum(one.rows for one in done), counts=_added(job.counts, done))


def _added(counts: Mapping[str, int], outcomes: Iterable[Outcome]) -> dict[str, int]:
    found = dict(counts)
    for one in outcomes:
        found[one.kind] = found.get(one.kind, 0) + 1
    return found


def advance(conn: sa.Connection, app: Application, job: Job, outcomes: list[Outcome]) -> bool:
    """Move the job on, from exactly where it was; answers whether it is to stop. Raises Overtaken."""
    table = app.tables.job
    after = moved(job, outcomes)
    done = conn.execute(
        sa.update(table)
        .where(table.c.id == job.id, table.c.state == job.state, table.c.progress == job.progress)
        .values(progress=after.progress, result={**after.counts, "heard_at": app.clock().isoformat()})
    )
    if done.rowcount != 1:
        raise Overtaken
    if job.state == jobs.IMPORTING:
        kinds = [one.kind for one in outcomes]
        batch = app.tables.batch
        conn.execute(
            sa.update(batch)
            .where(batch.c.id == job.batch)
            .values(created=batch.c.created + kinds.count(CREATED), updated=batch.c.updated + kinds.count(UPDATED))
        )
    return bool(conn.scalar(sa.select(table.c.cancel).where(table.c.id == job.id)))
