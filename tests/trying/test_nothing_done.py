"""Trying a rule out performs nothing: it works in a process that can neither write nor send, and leaves all as it was."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp, _definition_text
from shut_in import only_reading
from sqlalchemy.engine import make_url
from trying_world import RULES, WORLD, Life, tried

from engine.storage.database import Database

ROOT = Path(__file__).parents[2]


@contextmanager
def listening() -> Iterator[int]:
    """A server on the loopback, which a process without interfaces cannot reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def content(made: Made) -> dict[str, str]:
    """A digest of every table."""
    app = made.application
    with app.database.read() as conn:
        names = sa.inspect(conn).get_table_names()
        return {
            name: hashlib.sha256(
                "\n".join(sorted(str(tuple(row)) for row in conn.exec_driver_sql(f'SELECT * FROM "{name}"'))).encode()
            ).hexdigest()
            for name in names
        }


@contextmanager
def read_only(url: str) -> Iterator[str]:
    """The URL for a reader that the database itself lets write nothing."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(str(parsed.database))
        file.chmod(0o444)
        yield url
        file.chmod(0o644)
        return
    role = f"reader_{parsed.database}"
    database = Database(url)
    with database.write() as conn:
        conn.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        conn.exec_driver_sql(f"ALTER ROLE {role} SET default_transaction_read_only = on")
        conn.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    yield parsed.set(username=role).render_as_string(hide_password=False)
    with database.write() as conn:
        conn.exec_driver_sql(f"DROP OWNED BY {role}")
        conn.exec_driver_sql(f"DROP ROLE {role}")
    database.close()


def shut_in(url: str, folder: Path, now: str, port: int, text: str) -> Any:
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "tests", "tests/trying"))
    environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    command = [sys.executable, str(ROOT / "tests/trying/shut_in.py"), url, str(folder), now, str(port)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_trying_needs_neither_a_network_nor_a_database_that_can_be_written(
    make_app: MakeApp, database_url: str, tmp_path: Path, record_property: Any
) -> None:
    made = make_app(WORLD, rules=RULES)
    Life(made, 5).live(150)
    app, now = made.application, made.clock().isoformat()
    expected = tried(app, made.actor("admin"))
    before = content(made)
    app.database.close()
    file = Path(str(make_url(database_url).database)) if app.database.dialect == "sqlite" else None
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
    beside = sorted(each.name for each in tmp_path.rglob("*"))
    with listening() as port, read_only(database_url) as url:
        found = shut_in(url, tmp_path / "files", now, port, _definition_text(WORLD, RULES))
    record_property("network", found["how"])
    if found["how"] != "namespace":
        print("no network namespace is to be had here: sockets raised instead")
    assert not found["reachable"]
    assert sum(test[0]["found"]["fired"] for test in expected.values()) > 20
    assert found["found"] == expected
    if file:
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
    assert sorted(each.name for each in tmp_path.rglob("*")) == beside
    assert content(made) == before


def test_a_reader_of_the_database_cannot_write(make_app: MakeApp, database_url: str) -> None:
    """The lock is there: what the test above relies on refuses a write."""
    made = make_app(WORLD)
    made.create("project", name="P")
    made.application.database.close()
    with read_only(database_url) as url:
        database = only_reading(url)
        with pytest.raises(sa.exc.DBAPIError), database.read() as conn:
            conn.exec_driver_sql("UPDATE project SET name = 'Q'")
        database.close()
