"""The application whose process is killed, and the process itself: `python tests/faults/scene.py DATABASE HTTP SMTP`.

It reads one command per line, lets a child of its own do it and answers with a line of JSON: {"code": …, "said": …}.
A child begins where the last one ended, as a restarted server does. Commands:

    prepare                     make the tables
    story NAME KILL SIGNAL      take the transition of the ticket NAME if nobody did, deliver everything, tell what is
                                there; KILL: at which point to die (0: never), SIGNAL: exit or KILL
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/outside")]

from engine import faults, pausing, service  # noqa: E402, F401
from engine.application import Application, start  # noqa: E402
from engine.builtin import default_registry  # noqa: E402
from engine.jobs import delivering, mending, sweeping  # noqa: E402
from engine.jobs.desk import Desk, Terms  # noqa: E402
from engine.load import load_text  # noqa: E402
from engine.outside import calling, http, mail  # noqa: E402, F401 - loaded before the children are made
from engine.people import system_actor  # noqa: E402
from engine.storage.automation import OPEN_MESSAGES, in_state  # noqa: E402
from engine.storage.database import Database  # noqa: E402
from engine.storage.files import FileStore  # noqa: E402

APP = """
app: desk
label: Desk
languages: [en]
timezone: UTC
roles: {{member: {{label: Member}}}}
connections:
  hub: {{type: http, base_url: "http://127.0.0.1:{http}", private: true, timeout: 5s}}
  echo: {{type: http, base_url: "http://127.0.0.1:{http}", private: true, timeout: 5s, unsure: repeat}}
  post: {{type: smtp, host: 127.0.0.1, port: {smtp}, security: none, sender: desk@example.com, private: true}}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {{type: text, required: true, unique: true}}
      note: {{type: text}}
      entries: {{type: rollup, of: entry.text, via: ticket, fold: count}}
    permissions: {{member: {{create: true, read: true, update: true}}}}
    workflow:
      initial: open
      states:
        open: {{label: Open}}
        approved: {{label: Approved, final: true}}
      transitions:
        approve: {{label: Approve, from: [open], to: approved, roles: [member]}}
  entry:
    label: Entry
    fields:
      ticket: {{type: link, form: ticket, required: true}}
      text: {{type: text}}
    permissions: {{member: {{create: true, read: true}}}}
rules:
  handle:
    trigger: {{type: taken, form: ticket, transition: approve}}
    actions:
      - {{type: set, values: {{note: "'approved'"}}}}
      - {{type: create, form: entry, values: {{ticket: record, text: "'of ' + record.name"}}}}
      - {{type: http, connection: hub, path: /tickets, json: {{name: record.name}}, as: answer}}
      - {{type: mail, connection: post, to: ["'someone@example.com'"], subject: Approved, message: "{{{{ record.name }}}}"}}
      - {{type: http, connection: echo, path: /echo, json: {{note: record.note}}}}
      - {{type: wait, for: 2h}}
      - {{type: set, values: {{note: "'answered ' + str(results.answer.status)"}}}}
"""
BEGIN = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)
WRITES = ("INSERT", "UPDATE", "DELETE")


class Clock:
    """Stands still until everything due is done, then goes on to what is due next."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> dt.datetime:
        return self.now


def opened(url: str, text: str, clock: Clock) -> Application:
    registry = default_registry()
    files = FileStore(tempfile.gettempdir())
    return start(LOADED or load_text(text, registry), Database(url, synchronous="NORMAL", pool=2), registry=registry,
                 files=files, clock=clock)  # fmt: skip


LOADED: Any = None


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
    id = _ticket(app, name)
    death = Death(kill)
    with watched(death):
        clock.now = _later_than_all(app)
        _take(app, id)
        drain(app, clock)
    settle(app, http_port)
    drain(app, clock)
    told = tell(app, id)
    app.database.close()
    return {"passed": death.passed, **told}


def _ticket(app: Application, name: str) -> int:
    table = app.tables.form["ticket"]
    with app.database.read() as conn:
        found = conn.scalar(sa.select(table.c.id).where(table.c.name == name))
    return found or service.save(app, system_actor(), "ticket", {"name": name}).id


def _later_than_all(app: Application) -> dt.datetime:
    """A restarted process comes later than what the dead one did and claimed."""
    table = app.tables.message
    with app.database.read() as conn:
        last = conn.execute(sa.select(sa.func.max(table.c.created_at), sa.func.max(table.c.lease_until))).one()
    return max([BEGIN, *(each + dt.timedelta(seconds=1) for each in last if each is not None)])


def _take(app: Application, id: int) -> None:
    """Whoever was not answered asks again."""
    table = app.tables.form["ticket"]
    with app.database.read() as conn:
        state = conn.scalar(sa.select(table.c.state).where(table.c.id == id))
    if state == "open":
        service.take(app, system_actor(), "ticket", id, "approve")


def drain(app: Application, clock: Clock) -> None:
    desk, table = Desk(Terms(chance=lambda: 0.5)), app.tables.message
    sweeping.sweep(app, desk, orphans=True, ring=False)
    while True:
        is_open = in_state(table, *OPEN_MESSAGES)
        with app.database.read() as conn:
            row = conn.execute(sa.select(table.c.id, table.c.due_at).where(is_open).order_by(table.c.due_at).limit(1)).first()
        if row is None:
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


def tell(app: Application, id: int) -> dict[str, Any]:
    """Everything about the ticket, without ids and times."""
    tables = app.tables
    ticket, entry, event, run, message = (
        tables.form["ticket"], tables.form["entry"], tables.event, tables.run, tables.message
    )  # fmt: skip
    with app.database.read() as conn:
        rows = conn.execute(sa.select(ticket.c.state, ticket.c.note, ticket.c.version, ticket.c.entries).where(ticket.c.id == id))
        entries = conn.execute(sa.select(entry.c.id, entry.c.text).where(entry.c.ticket == id)).all()
        ours = sa.or_(
            sa.and_(event.c.form == "ticket", event.c.record_id == id),
            sa.and_(event.c.form == "entry", event.c.record_id.in_([each.id for each in entries])),
        )
        events = conn.execute(sa.select(event.c.form, event.c.kind, event.c.rule, event.c.changes).where(ours).order_by(event.c.id))
        runs = conn.execute(sa.select(run.c.id, run.c.rule, run.c.state, run.c.next, run.c.results).where(run.c.record_id == id)).all()
        messages = conn.execute(
            sa.select(message.c.kind, message.c.connection, message.c.step, message.c.state, message.c.key, message.c.sending)
            .where(message.c.run_id.in_([each.id for each in runs]))
            .order_by(message.c.id)
        ).all()
        stays = conn.execute(sa.select(tables.stay.c.state).where(tables.stay.c.record_id == id).order_by(tables.stay.c.id))
        return {
            "ticket": [list(row) for row in rows],
            "entries": [each.text for each in entries],
            "events": [[each.form, each.kind, each.rule, sorted(each.changes or {})] for each in events],
            "runs": [[each.rule, each.state, each.next, {k: v["status"] for k, v in each.results.items()}] for each in runs],
            "messages": [[each.kind, each.connection, each.step, each.state, each.sending] for each in messages],
            "stays": [row.state for row in stays],
            "keys": sorted(each.key for each in messages if each.connection),
        }  # fmt: skip


# --- the process that makes the children -----------------------------------------------------------------------------


def serve(url: str, http_port: int, smtp_port: int) -> None:
    global LOADED
    text = APP.format(http=http_port, smtp=smtp_port)
    LOADED = load_text(text, default_registry())
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
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
