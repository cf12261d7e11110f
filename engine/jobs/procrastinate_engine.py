"""Delivery by several processes and hosts, on PostgreSQL, through procrastinate.

Its job is inserted on the connection that leaves the message, so both are committed or neither. A job says only "look
at message 12": what is true stands in ``_message``, and a job that was lost, repeated or came too early does no harm.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
import sqlalchemy as sa
from procrastinate.schema import SchemaManager

from engine.jobs import sweeping
from engine.jobs.claiming import IN_A_ROW, After, Outcome
from engine.jobs.delivering import deliver
from engine.jobs.desk import Desk, Terms
from engine.jobs.engine import Current
from engine.jobs.trying import is_lost
from engine.storage.automation import OPEN_MESSAGES, in_state
from engine.storage.database import Database

LOG = logging.getLogger("appmill.delivery")
TASK = "deliver"
POLL = 1.0  # seconds; its notifications may be lost while it fetches, so it does not rely on them
HEARTBEAT, STALLED = 1.5, 5.0  # seconds: how often a worker says that it lives, and when it is taken for dead
SCHEMA_LOCK = 0x41505050


class ProcrastinateEngine:
    """``threads`` = 0: this process leaves jobs and mends, and delivers nothing."""

    def __init__(self, current: Current, *, threads: int = 0, terms: Terms | None = None) -> None:
        self.desk = Desk(terms or Terms(), threads)
        self._current, self._threads = current, threads
        self._deferring = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())  # never opened
        self._ending = threading.Event()
        self._running: list[threading.Thread] = []
        self._delivered, self._restarts, self._failing = 0, 0, ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        prepare(current().database)

    # --- the doorbell

    def note(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None:
        later = due if due > self._current().clock() else None
        driver = conn.connection.driver_connection
        self._deferring.configure_task(TASK, connection=driver, schedule_at=later).defer(message_id=message_id)

    def ring(self, posted: Sequence[tuple[int, dt.datetime]]) -> None:
        return  # the job was committed with the message, and the database told the workers

    # --- the engine

    def start(self) -> None:
        self._begin(self._keep)
        if self._threads:
            self._begin(self._work)

    def _begin(self, work: Any) -> None:
        thread = threading.Thread(target=work, name=f"delivery {work.__name__.strip('_')}", daemon=True)
        self._running.append(thread)
        thread.start()

    def stop(self, timeout: float) -> bool:
        self._ending.set()
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        for thread in self._running:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._running)

    def health(self) -> Mapping[str, Any]:
        return {
            "engine": "procrastinate", "name": self.desk.name, "threads": self._threads,
            "alive": all(thread.is_alive() for thread in self._running), "hanging": self.desk.overdue(),
            "delivered": self._delivered, "restarts": self._restarts, "trouble": self._failing,
        }  # fmt: skip

    # --- the worker

    def _work(self) -> None:
        """A worker ends when its database goes away; another one takes its place."""
        while not self._ending.is_set():
            try:
                asyncio.run(self._serve())
            except Exception as error:
                self._trouble(error)
            self._restarts += 1
            self._ending.wait(0.5)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        connector = procrastinate.PsycopgConnector(conninfo=conninfo(self._current().database), min_size=1, max_size=4)
        app = procrastinate.App(connector=connector)
        with ThreadPoolExecutor(self._threads, "delivery") as pool:

            async def work(message_id: int) -> None:
                await asyncio.get_running_loop().run_in_executor(pool, self._work_off, message_id)

            app.task(name=TASK)(work)
            async with app.open_async():
                await self._until_stopped(app)

    async def _until_stopped(self, app: procrastinate.App) -> None:
        assert self._stop is not None
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=self._threads, install_signal_handlers=False, delete_jobs="always",
                fetch_job_polling_interval=POLL, update_heartbeat_interval=HEARTBEAT, stalled_worker_timeout=STALLED,
                shutdown_graceful_timeout=self.desk.terms.lease,
            )
        )  # fmt: skip
        rescue, stopped = asyncio.create_task(_rescue(app)), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([worker, rescue, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (worker, rescue, stopped):
                task.cancel()
            ended = await asyncio.gather(worker, rescue, stopped, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def _work_off(self, message_id: int) -> None:
        """Deliver a message, and a few of those that waited for it: their jobs are taken with one statement, which
        costs less than to fetch them one by one."""
        mine, turn = [message_id], 0
        while mine and (turn == 0 or not self._ending.is_set()):
            turn += 1
            id = mine.pop(0)
            after: After = "leave" if mine else "tell" if turn < IN_A_ROW else "ring"
            outcome = self._deliver(id, after)
            if not mine and outcome is not None and outcome.next is not None:
                mine = self._guarded(lambda it=outcome: self._take_jobs(it)) or [outcome.next]  # type: ignore[misc]
        if mine:
            self._guarded(lambda: self._put_back(mine))

    def _put_back(self, ids: list[int]) -> None:
        app = self._current()
        with app.database.write() as conn:
            for id in ids:
                self.note(conn, id, app.clock())

    def _take_jobs(self, outcome: Outcome) -> list[int]:
        """The messages of a connection that are next, their jobs deleted; whatever is not delivered after all is found
        by the sweeper."""
        given = {"connection": outcome.connection, "now": self._current().clock(), "most": IN_A_ROW}
        with self._current().database.write() as conn:
            return sorted(set(conn.scalars(_TAKE, given)))

    def _deliver(self, message_id: int, after: After) -> Outcome | None:
        """Deliver it; None when the database went away, and then the sweeper finds the message."""
        outcome: Outcome | None = self._guarded(lambda: deliver(self._current(), message_id, self.desk, after=after))
        if outcome is not None:
            self._delivered += 1
        if outcome is not None and outcome.state == "gone":
            self._guarded(lambda: self._too_early(message_id))
        return outcome

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            done = work()
        except Exception as error:
            self._trouble(error)
            return None
        self._failing = ""
        return done

    def _too_early(self, message_id: int) -> Outcome | None:
        """The clocks of the database and of this host differ: look again when it is due here."""
        app, table = self._current(), self._current().tables.message
        early = (table.c.id == message_id, in_state(table, *OPEN_MESSAGES), table.c.due_at > app.clock())
        with app.database.read() as conn:
            due = conn.scalar(sa.select(table.c.due_at).where(*early))
        if due is None or due > app.clock() + dt.timedelta(minutes=1):
            return None
        with app.database.write() as conn:
            self.note(conn, message_id, due + dt.timedelta(seconds=0.2))
        return Outcome("gone", due=due)

    # --- keeping claims alive, and mending

    def _keep(self) -> None:
        beat = 0.0  # at once: what the process before this one held is free
        while not self._ending.wait(beat):
            beat = min(sweeping.EVERY, self.desk.terms.lease / 3)
            try:
                app = self._current()
                self.desk.renew(app)
                sweeping.sweep(app, self.desk, ring=False)
                ring_forgotten(self)
            except Exception as error:
                self._trouble(error)

    def forgotten(self, conn: sa.Connection) -> list[int]:
        """Messages that are overdue and free, and that no job is there for."""
        app = self._current()
        given = {"due": app.clock() - sweeping.OVERDUE, "rested": app.clock()}
        given["rested"] -= dt.timedelta(seconds=self.desk.terms.probe_after)
        return list(conn.scalars(_FORGOTTEN, given))

    def _trouble(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        if said != self._failing:
            LOG.warning("%s", said) if is_lost(error) else LOG.error("delivery failed", exc_info=error)
        self._failing = said


_TAKE = sa.text("""
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT j.id FROM _message m JOIN procrastinate_jobs j ON (j.args ->> 'message_id')::bigint = m.id
        WHERE m.state IN ('waiting', 'parked') AND m.connection = :connection AND m.due_at <= :now AND j.status = 'todo'
        ORDER BY m.due_at, m.id LIMIT :most FOR UPDATE OF j SKIP LOCKED)
    RETURNING (args ->> 'message_id')::bigint
""")
_INDEX = "CREATE INDEX ix__jobs_message ON procrastinate_jobs (((args ->> 'message_id')::bigint)) WHERE status = 'todo'"
_FORGOTTEN = sa.text("""
    SELECT m.id FROM _message m
    WHERE m.state IN ('waiting', 'parked') AND m.due_at < :due
    AND (m.lane IS NULL OR NOT EXISTS (
        SELECT 1 FROM _message e WHERE e.lane = m.lane AND e.id < m.id AND e.state IN ('waiting', 'claimed')))
    AND (m.connection IS NULL OR NOT EXISTS (
        SELECT 1 FROM _connection c WHERE c.name = m.connection AND c.state <> 'closed' AND c.opened_at > :rested))
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j  -- apart from the next, as the index knows only these
        WHERE j.status = 'todo' AND (j.args ->> 'message_id')::bigint = m.id)
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
        WHERE j.status = 'doing' AND (j.args ->> 'message_id')::bigint = m.id)
    ORDER BY m.due_at, m.id LIMIT 100
""")


def ring_forgotten(engine: ProcrastinateEngine) -> int:
    """Leave jobs for messages that have none; one process at a time."""
    app = engine._current()
    with app.database.write() as conn:
        if not conn.scalar(sa.text(f"SELECT pg_try_advisory_xact_lock({SCHEMA_LOCK + 1})")):
            return 0
        found = engine.forgotten(conn)
        for id in found:
            engine.note(conn, id, app.clock())
    return len(found)


async def _rescue(app: procrastinate.App) -> None:
    """Jobs of workers that died are done by others."""
    while True:
        await asyncio.sleep(sweeping.EVERY)
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
            try:
                await app.job_manager.retry_job(job)
            except procrastinate.exceptions.ConnectorException as error:
                LOG.debug("job %s was taken care of by another process: %s", job.id, error.__cause__)


def prepare(database: Database) -> None:
    """Make procrastinate's tables where they are missing; processes that start together do it one after the other."""
    with database.write() as conn:
        conn.execute(sa.text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"))
        if conn.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is None:
            driver: Any = conn.connection.driver_connection
            driver.execute(SchemaManager.get_schema())
            driver.execute(_INDEX)


def conninfo(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)
