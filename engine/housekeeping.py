"""What is cleared away beside the work: uploads that no record was saved with, sessions that are over, counters that
have run out. Once when the server starts and then every day."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.feeding import standing
from engine.storage import entries, exchanges
from engine.timing import receiving

EVERY = dt.timedelta(days=1)
ENTRIES_FOR = dt.timedelta(days=180)  # no phone waits longer to send something again
LOG = logging.getLogger("appmill.housekeeping")


@dataclass(frozen=True)
class Cleared:
    """How many of each are gone."""

    uploads: int
    sessions: int
    counters: int
    deliveries: int
    entries: int = 0
    arrivals: int = 0  # whose data is gone


def clear(app: Application) -> Cleared:
    """Everything that is over by the application's clock; and the database looks at its data anew, so that it goes on
    choosing the right indexes."""
    from engine.web.uploads import clean_up

    now = app.clock()
    with app.database.write() as conn:
        sessions = conn.execute(sa.delete(app.tables.session).where(app.tables.session.c.expires_at < now)).rowcount
        deliveries = receiving.clear(app, conn, now)
        counters = conn.execute(sa.delete(app.tables.rate).where(app.tables.rate.c.expires_at < now)).rowcount
        exchanges.forget(conn, app.tables, now)
        done = entries.forget(conn, app.tables, now - ENTRIES_FOR)
    cleared = Cleared(clean_up(app), sessions, counters, deliveries, done, arrivals=standing.clear(app, now))
    app.database.analyse()
    return cleared


def clear_and_tell(app: Application) -> None:
    """As ``clear``, for a thread of its own: what goes wrong is in the log, and the next day tries again."""
    try:
        LOG.info("cleared away: %s", clear(app))
    except Exception:
        LOG.exception("clearing away failed; it is tried again in %s", EVERY)


def start(app: Application, work: Callable[[Application], None] = clear_and_tell) -> Callable[[], None]:
    """Begin, in a thread of its own; answers what ends it, waiting for a run that is under way."""
    from apscheduler.schedulers.background import BackgroundScheduler

    scheduler: Any = BackgroundScheduler(timezone=dt.UTC)
    first = dt.datetime.now(dt.UTC)  # the scheduler's own clock is the machine's
    scheduler.add_job(work, "interval", [app], seconds=EVERY.total_seconds(), next_run_time=first,
                      misfire_grace_time=None, coalesce=True)  # fmt: skip
    scheduler.start()
    return scheduler.shutdown  # type: ignore[no-any-return]
