"""The application whose process is killed, and the process itself: `python tests/faults/scene.py STORY DATABASE HTTP SMTP`.

STORY is a module beside this one: ``definition(http, smtp)``, ``registry()``, ``begin(app, name)`` answers the record,
``act(app, id)`` is what people do and did not do yet, ``tell(app, id)`` everything that is there afterwards.

It reads one command per line, lets a child of its own do it and answers with a line of JSON: {"code": …, "said": …}.
A child begins where the last one ended, as a restarted server does. Commands:

    prepare                     make the tables
    story NAME KILL SIGNAL      do what people do about the record NAME if nobody did, deliver everything, tell what
                                is there; KILL: at which point to die (0: never), SIGNAL: exit or KILL
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/outside"), str(Path(__file__).parent)]

from engine import faults, pausing  # noqa: E402, F401
from engine.application import Application, start  # noqa: E402
from engine.jobs import delivering, mending, sweeping  # noqa: E402
from engine.jobs.desk import Desk, Terms  # noqa: E402
from engine.load import load_text  # noqa: E402
from engine.outside import calling, http, mail  # noqa: E402, F401 - loaded before the children are made
from engine.people import system_actor  # noqa: E402
from engine.storage.automation import OPEN_MESSAGES, in_state  # noqa: E402
from engine.storage.database import Database  # noqa: E402
from engine.storage.files import FileStore  # noqa: E402

BEGIN = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)
AT_LAST = dt.timedelta(days=10)  # what is due later waits for people
WRITES = ("INSERT", "UPDATE", "DELETE")


class Clock:
    """Stands still until everything due is done, then goes on to what is due next."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> dt.datetime:
        return self.now


def opened(url: str, text: str, clock: Clock) -> Application:
    registry = STORY.registry()
    files = FileStore(tempfile.gettempdir())
    return start(LOADED or load_text(text, registry), Database(url, synchronous="NORMAL", pool=2), registry=registry,
                 files=files, clock=clock)  # fmt: skip


LOADED: Any = None
STORY: Any = None


# --- dying -----------------------------------------------------------------------------------------------------------


class Death:
    """Counts the points where the process may die, and dies at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, list[str]()
        self.written = False

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) == self.at:
            faults.die()

    def before_statement(self, _conn: Any, _cursor: Any, text: str, *_more: Any) -> None:
        if text.lstrip().upper().startswith(WRITES):
            self.written = True
            self(" ".join(text.split()[:4]))

    def before_commit(self, _conn: Any) -> None:
        if self.written:
            self.written = False
            self("COMMIT")


@contextlib.contextmanager
def watched(death: Death) -> Iterator[None]:
    faults.watcher = death
    sa.event.listen(sa.Engine, "before_cursor_execute", death.before_statement)
    sa.event.listen(sa.Engine, "commit", death.before_commit)
    yield
    faults.watcher = None
    sa.event.remove(sa.Engine, "before_cursor_execute", death.before_statement)
    sa.event.remove(sa.Engine, "commit", death.before_commit)


# --- the story -------------------------------------------------------------------------------------------------------


def story(url: str, text: str, http_port: int, name: str, kill: int) -> dict[str, Any]:
    clock = Clock()
    app = opened(url, text, clock)
    id = STORY.begin(app, name)
    death = Death(kill)
    with watched(death):
        clock.now = _later_than_all(app)
        for _ in range(2):  # what rules asked is answered
            STORY.act(app, id)
            drain(app, clock)
    settle(app, http_port)
    drain(app, clock)
    told = STORY.tell(app, id)
    app.database.close()
    return {"passed": death.passed, **told}


def _later_than_all(app: Application) -> dt.datetime:
    """A restarted process comes later than what the dead one did and claimed."""
    table = app.tables.message
    with app.database.read() as conn:
        last = conn.execute(sa.select(sa.func.max(table.c.created_at), sa.func.max(table.c.lease_until))).one()
    return max([BEGIN, *(each + dt.timedelta(seconds=1) for each in last if each is not None)])


def drain(app: Application, clock: Clock) -> None:
    desk, table = Desk(Terms(chance=lambda: 0.5)), app.tables.message
    sweeping.sweep(app, desk, orphans=True, ring=False)
    while True:
        is_open = in_state(table, *OPEN_MESSAGES)
        with app.database.read() as conn:
            row = conn.execute(sa.select(table.c.id, table.c.due_at).where(is_open).order_by(table.c.due_at).limit(1)).first()
        if row is None or row.due_at > BEGIN + AT_LAST:
            return
        clock.now = max(clock.now, row.due_at)
        delivering.deliver(app, row.id, desk)


def settle(app: Application, http_port: int) -> None:
    """What nobody knew is looked up where it should have arrived."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/_arrivals") as answer:
        arrived = {each["key"] for each in json.load(answer) if each["taken"]}
    table = app.tables.message
    with app.database.read() as conn:
        unsure = conn.execute(sa.select(table.c.id, table.c.key).where(table.c.state == "unsure")).all()
    for row in unsure:
        there = row.key in arrived
        mending.settle(app, system_actor(), row.id, there, {"status": 200} if there else None)


# --- the process that makes the children -----------------------------------------------------------------------------


def serve(name: str, url: str, http_port: int, smtp_port: int) -> None:
    global LOADED, STORY
    STORY = importlib.import_module(name)
    text = STORY.definition(http_port, smtp_port)
    LOADED = load_text(text, STORY.registry())
    for line in sys.stdin:
        command, *more = line.split()
        code, said = in_child(lambda command=command, more=more: _do(url, text, http_port, command, more))
        print(json.dumps({"code": code, "said": said}), flush=True)


def _do(url: str, text: str, http_port: int, command: str, more: list[str]) -> Any:
    if command == "prepare":
        opened(url, text, Clock()).database.close()
        return None
    name, kill, how = more
    os.environ["APPMILL_FAULT_SIGNAL"] = how
    return story(url, text, http_port, name, int(kill))


def in_child(work: Any) -> tuple[int, Any]:
    """(how the child ended, what it said)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            said = json.dumps(work())
            with os.fdopen(writing, "w") as pipe:
                pipe.write(said)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(said) if said else None


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
