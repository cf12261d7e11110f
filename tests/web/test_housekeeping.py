"""What is cleared away, and what stays."""

from __future__ import annotations

import io
import logging
import threading

import sqlalchemy as sa
from werkzeug.datastructures import FileStorage

from engine import housekeeping
from engine.housekeeping import Cleared, clear, clear_and_tell
from engine.web.uploads import take_in


def test_uploads_nobody_kept_ended_sessions_and_old_counters_go(grounds):
    app = grounds.app
    grounds.visitor("ann")
    who = grounds.made.actor("ann")
    with app.database.write() as conn:
        upload = FileStorage(io.BytesIO(b"left behind"), "note.txt")
        kept = take_in(conn, app, who, "ticket", "comment", upload, 1000)
        conn.execute(sa.insert(app.tables.rate).values(key="k", window=1, hits=1, expires_at=app.clock()))
    path = app.files.path(kept.sha256)

    assert clear(app) == Cleared(uploads=0, sessions=0, counters=0, deliveries=0)
    assert path.exists()

    grounds.made.clock.advance(days=400)
    assert clear(app) == Cleared(uploads=1, sessions=1, counters=1, deliveries=0)
    assert not path.exists()
    assert clear(app) == Cleared(uploads=0, sessions=0, counters=0, deliveries=0)


def test_a_failure_is_logged_and_does_not_end_the_thread(caplog):
    broken = type("Broken", (), {"clock": staticmethod(lambda: 1 / 0)})()
    with caplog.at_level(logging.ERROR, logger="appmill.housekeeping"):
        clear_and_tell(broken)
    assert caplog.messages == ["clearing away failed; it is tried again in 1 day, 0:00:00"]


def test_it_begins_with_the_server_and_ends_with_it(grounds):
    ran = threading.Event()
    end = housekeeping.start(grounds.app, lambda app: ran.set())
    assert ran.wait(10)
    end()
    assert not [each for each in threading.enumerate() if "APScheduler" in each.name]
