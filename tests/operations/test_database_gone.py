"""The database goes away under a running site: everybody is told so in words, and all is well when it is back."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest
import servers
from making import make
from visiting import PEOPLE, TICKETS, Grounds, text

ASK_NO_DATABASE = ("/static", "/health", "/metrics", "/api/ingest", "/favicon", "/sw.js", "/offline", "/manifest",
                   "/sign_in", "/icon")  # fmt: skip
WRITES = {"/ticket/new": {"subject": "Printer"}, "/me/profile": {"name": "Ann", "timezone": "UTC"}}


@pytest.fixture
def grounds(tmp_path: Any, clock: Any) -> Any:
    with servers.postgresql_place() as url:
        made = make(TICKETS, url, tmp_path, clock, "", PEOPLE, None)
        yield Grounds(made)
        made.application.database.close()


def gone(app: Any, is_gone: bool) -> None:
    """Nobody can connect any more and whoever was connected is thrown out, as when a server stops; or it is back."""
    name, conn = app.database.url.database, servers._administration()
    conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'false' if is_gone else 'true'}")
    if is_gone:
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def pages(grounds: Grounds) -> list[str]:
    rules = [rule for rule in grounds.web.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    found = {rule.rule for rule in rules if not rule.rule.startswith(ASK_NO_DATABASE)}
    return [*sorted(found), "/ticket", "/ticket/1"]


def refused(answer: Any, path: str, log: str) -> None:
    assert answer.status_code == 503, (path, answer.status_code, text(answer)[:300])
    assert answer.headers["Retry-After"], path
    assert answer.headers["X-Request-Id"] in log, path
    for word in ("Traceback", "psycopg", "sqlite3", "SELECT"):
        assert word not in answer.text, path


def test_everybody_is_told_to_come_again_and_finds_everything_there(grounds: Grounds, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "appmill")
    id = grounds.made.create("ticket", subject="Printer", as_="ann").id
    ann = grounds.visitor("ann")
    assert ann.get(f"/ticket/{id}").status_code == 200
    assert ann.get("/health/ready").status_code == 200
    grounds.web.extensions["appmill"].readiness._until = -1.0
    gone(grounds.app, True)
    try:
        for path in pages(grounds):
            caplog.clear()
            refused(ann.get(path), path, caplog.text)
        for path, data in WRITES.items():
            caplog.clear()
            refused(ann.post(path, data), path, caplog.text)
        page = ann.get(f"/ticket/{id}")
        assert "The database is busy. Please try again in a moment." in text(page)
        assert f'href="/ticket/{id}"' in page.text
        assert page.headers["X-Request-Id"] in page.text
        assert ann.get("/health/live").status_code == 200
        not_ready = ann.get("/health/ready")
        assert (not_ready.status_code, not_ready.json["why"]) == (503, "database")
        assert not_ready.headers["Retry-After"]
    finally:
        gone(grounds.app, False)
    grounds.web.extensions["appmill"].readiness._until = -1.0
    assert "Printer" in text(ann.get(f"/ticket/{id}"))
    assert ann.get("/health/ready").status_code == 200


def test_who_writes_while_another_program_holds_the_file_is_told_to_come_again(
    tmp_path: Any, clock: Any, sqlite_url: str, caplog: Any
) -> None:
    made = make(TICKETS, sqlite_url, tmp_path, clock, "", PEOPLE, None)
    grounds = Grounds(made)
    ann = grounds.visitor("ann")
    assert ann.get("/ticket/new").status_code == 200
    with made.application.database.write() as conn:
        conn.exec_driver_sql("PRAGMA busy_timeout = 20")  # instead of 15 seconds
    with closing(sqlite3.connect(made.application.database.url.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.INFO, "appmill"):
            refused(ann.post("/ticket/new", {"subject": "Printer"}), "/ticket/new", caplog.text)
        assert "Traceback" not in caplog.text
        assert ann.get("/ticket").status_code == 200  # reading goes on
        other.execute("ROLLBACK")
    assert ann.post("/ticket/new", {"subject": "Printer"}).status_code == 303
    made.application.database.close()
