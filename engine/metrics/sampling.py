"""How the database and what waits in it stand, read when somebody asks: a few indexed reads.

These figures are of the whole application, so that every process tells the same: take their ``max``, not their sum.
"""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from engine import scripting
from engine.application import Application
from engine.jobs import health
from engine.longwork import WAITING, WORKING
from engine.sessions import alive
from engine.storage.automation import OPEN_MESSAGES, TROUBLE, in_state
from engine.storage.database import GONE

STATES = {"waiting": "waiting", "parked": "parked", "claimed": "running", "dead": "failed", "unsure": "unsure"}
BREAKER = ("closed", "half_open", "open")
Family = GaugeMetricFamily | CounterMetricFamily | InfoMetricFamily


class Sampling(Collector):
    """``held``: the application in force; ``trouble``: why the database need not be asked, if there is a reason;
    ``idle``: after how long somebody who does nothing is signed out."""

    def __init__(self, held: Callable[[], Application], trouble: Callable[[], str | None], idle: dt.timedelta) -> None:
        self._held, self._trouble, self._idle = held, trouble, idle

    def describe(self) -> Iterable[Family]:
        return ()  # nothing is read before somebody asks

    def collect(self) -> Iterable[Family]:
        app = self._held()
        yield _build(app)
        yield from _pool(app)
        yield from _scripts()
        found = [] if self._trouble() == "database" else self._stored(app)
        yield _gauge("appmill_database_up", "Whether the database answers.", float(bool(found)))
        yield from found

    def _stored(self, app: Application) -> list[Family]:
        try:
            with app.database.read() as conn:
                now = app.clock()
                return [*_messages(app, conn, now), _long_work(app, conn), *_connections(app, conn),
                        _sessions(app, conn, now, self._idle)]  # fmt: skip
        except GONE:
            return []


def _gauge(name: str, text: str, value: float) -> Family:
    return GaugeMetricFamily(name, text, value=value)


def _build(app: Application) -> Family:
    told = {"version": version("appmill"), "python": platform.python_version(), "database": app.database.dialect,
            "app": app.definition.app, "definition": app.definition.hash[:12]}  # fmt: skip
    return InfoMetricFamily("appmill_build", "What runs here.", value=told)


def _pool(app: Application) -> Iterator[Family]:
    used = GaugeMetricFamily("appmill_database_connections", "Connections to the database.", labels=["pool", "state"])
    for name, engine in app.database.engines.items():
        pool: Any = engine.pool
        used.add_metric([name, "in_use"], pool.checkedout())
        used.add_metric([name, "free"], pool.checkedin())
    yield used
    most = GaugeMetricFamily("appmill_database_connections_most", "As many there may be.", labels=["pool"])
    for name, engine in app.database.engines.items():
        pool = engine.pool
        most.add_metric([name], pool.size() + pool._max_overflow)
    yield most


def _scripts() -> Iterator[Family]:
    pool = scripting.pool().health()
    yield CounterMetricFamily("appmill_script_processes_started", "Processes for scripts.", value=pool.started)
    yield CounterMetricFamily("appmill_scripts_stopped", "Scripts and templates ended by a limit.", value=pool.stopped)
    yield _gauge("appmill_scripts_waiting", "Scripts that wait for a process.", pool.waiting)
    yield _gauge("appmill_scripts_resting", "Scripts not run for a while: limits ended them.", pool.resting)


def _messages(app: Application, conn: sa.Connection, now: dt.datetime) -> Iterator[Family]:
    table = app.tables.message
    jobs = GaugeMetricFamily("appmill_jobs", "What rules left to be done.", labels=["kind", "state"])
    for states in (OPEN_MESSAGES, ("claimed",), TROUBLE):  # each by the index that holds these alone
        which = sa.select(table.c.kind, table.c.state, sa.func.count()).where(in_state(table, *states))
        for kind, state, number in conn.execute(which.group_by(table.c.kind, table.c.state)):
            jobs.add_metric([kind, STATES[state]], number)
    yield jobs
    due = (in_state(table, *OPEN_MESSAGES), table.c.due_at <= now, table.c.state == "waiting")
    oldest = GaugeMetricFamily("appmill_jobs_oldest_seconds", "Since when the first is due.", labels=["kind"])
    first = sa.select(table.c.kind, sa.func.min(table.c.due_at)).where(*due).group_by(table.c.kind)
    for kind, since in conn.execute(first):
        oldest.add_metric([kind], (now - since).total_seconds())
    yield oldest


def _long_work(app: Application, conn: sa.Connection) -> Family:
    table = app.tables.job
    works = GaugeMetricFamily("appmill_long_jobs", "Imports, plans and other long work.", labels=["kind", "state"])
    open_ones = table.c.state.in_((WAITING, WORKING))
    counted = sa.select(table.c.kind, table.c.state, sa.func.count()).where(open_ones)
    for kind, state, number in conn.execute(counted.group_by(table.c.kind, table.c.state)):
        works.add_metric([kind, state], number)
    return works


def _connections(app: Application, conn: sa.Connection) -> Iterator[Family]:
    states = GaugeMetricFamily(
        "appmill_connection_state", "1 for the state of its breaker: closed lets calls through.",
        labels=["connection", "state"],
    )  # fmt: skip
    for one in health.connections(app, conn):
        for state in BREAKER:
            states.add_metric([one["name"], state], float(one["state"] == state))
    yield states
    paused = sa.select(sa.func.count()).where(app.tables.rule_state.c.paused_at.is_not(None))
    yield _gauge("appmill_rules_paused", "Rules paused after failing again and again.", conn.scalar(paused) or 0)


def _sessions(app: Application, conn: sa.Connection, now: dt.datetime, idle: dt.timedelta) -> Family:
    table = app.tables.session
    kinds = sa.case((table.c.portal.is_(None), "inside"), else_="portal").label("kind")
    living = sa.select(kinds, sa.func.count()).where(*alive(app.tables, now, idle)).group_by(kinds)
    sessions = GaugeMetricFamily("appmill_sessions", "People who are signed in.", labels=["kind"])
    for kind, number in conn.execute(living):
        sessions.add_metric([kind], number)
    return sessions
