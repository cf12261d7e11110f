"""Gates, rehearsals and publications in the background: one row each, with progress, cancel and what came of it.

waiting → working → done, failed or cancelled; ended when the process that worked on it is gone. The worker itself
writes nothing about its progress: a publication on SQLite holds the only writer. It is kept in memory, and a pulse
beside it writes it down now and then, so that other processes and a page that is loaded again see it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from engine.application import Application
from engine.current import Current
from engine.errors import AppmillError, Denied, Message, Missing, Stale, message
from engine.load import hash_of
from engine.people import Actor
from engine.publishing.gate import Gate, gate
from engine.publishing.guarding import may_design
from engine.publishing.inforce import as_data, of_data
from engine.publishing.preparing import Prepared, prepare
from engine.publishing.publish import publish, refuse_unready
from engine.publishing.rehearsing import Rehearsal, rehearse
from engine.publishing.sealing import changed_since, sentences_of
from engine.storage.database import Database
from engine.storage.decisions import Decision

GATE, REHEARSE, PUBLISH = "gate", "rehearse", "publish"
KINDS = (GATE, REHEARSE, PUBLISH)
WAITING, WORKING, DONE, CANCELLED, FAILED, ENDED = "waiting", "working", "done", "cancelled", "failed", "ended"
STILL_AFTER = dt.timedelta(seconds=20)  # without a word, whoever worked on it is gone
PULSE = 0.5  # seconds
LOG = logging.getLogger("appmill.publishing")
_PREFIX = "definition."


@dataclass(frozen=True)
class Job:
    """``done`` of ``total`` (0: nobody knows) of what ``sentence`` says. ``result``: {"gates"}, {"rehearsal"} or
    {"hash", "publication"}; see ``gates_of`` and ``rehearsal_of``. ``error``: why it failed, with the code of the
    refusal (``stale``, ``refused``, ``denied``, ``invalid``), empty for a defect."""

    id: int
    kind: str
    state: str
    user_id: int | None
    change_id: int | None
    done: int
    total: int
    sentence: Message | None
    result: Mapping[str, Any]
    error: Message | None
    code: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    hash: str = ""  # of the definition it is about

    @property
    def running(self) -> bool:
        return self.state in (WAITING, WORKING)


def begin(
    app: Application, actor: Actor, kind: str, prepared: Prepared, *, reason: str | None = None,
    change_id: int | None = None,
) -> int:  # fmt: skip
    """Keep a job to be run; answers its id. Raises Denied, and for a publication what ``publish`` raises before it
    looks at the data."""
    refuse_strangers(app, actor)
    if kind not in KINDS:
        raise Missing(message("There is nothing to do called {kind}.", kind=kind))
    if kind == PUBLISH:
        refuse_unready(prepared, actor)
    params = {
        "text": prepared.text, "kind": prepared.kind, "seal": prepared.seal, "base": prepared.base_hash,
        "decisions": {id: each.as_data() for id, each in (prepared.decisions or {}).items()},
        "seen": sentences_of(prepared.plan), "reason": reason, "change": change_id,
    }  # fmt: skip
    row = {"kind": _PREFIX + kind, "state": WAITING, "user_id": actor.id, "created_at": app.clock(), "params": params}
    table = app.tables.job
    with app.database.write() as conn:
        return int(conn.execute(sa.insert(table).values(row).returning(table.c.id)).scalar_one())


def refuse_strangers(app: Application, actor: Actor) -> None:
    if not may_design(actor, app.definition):
        raise Denied(message("Only administrators and designers may publish."))


def start(current: Current, actor: Actor, id: int) -> None:
    """Run it in the background; ``work`` does it here and now."""
    threading.Thread(target=work, args=(current, actor, id), name=f"definition job {id}", daemon=True).start()


def load(app: Application, actor: Actor, id: int) -> Job:
    """Raises Missing, also for whoever may not see it."""
    row = _row(app, id)
    if row is None or not may_design(actor, app.definition):
        raise Missing(message("There is nothing here, or nothing you may see."))
    return _known(app, row)


def recent(app: Application, actor: Actor, *, change_id: int | None = None, most: int = 10) -> list[Job]:
    """The latest jobs, the newest first; of one draft, or all."""
    if not may_design(actor, app.definition):
        return []
    table = app.tables.job
    query = sa.select(table).where(table.c.kind.startswith(_PREFIX)).order_by(table.c.id.desc()).limit(most)
    if change_id is not None:
        query = query.where(table.c.params["change"].as_integer() == change_id)
    with app.database.read() as conn:
        rows = conn.execute(query).mappings().all()
    return [_known(app, row) for row in rows]


def cancel(app: Application, actor: Actor, id: int) -> None:
    """It stops at its next step; a publication that is written already stays."""
    load(app, actor, id)
    live = _live(app.database).get(id)
    if live is not None:
        live.stop.set()
        return  # the database may be busy with the very job
    table = app.tables.job
    with app.database.write() as conn:
        waiting = (table.c.id == id, table.c.state == WAITING)
        conn.execute(sa.update(table).where(*waiting).values(state=CANCELLED, finished_at=app.clock()))
        conn.execute(sa.update(table).where(table.c.id == id, table.c.state == WORKING).values(cancel=True))


def gates_of(job: Job) -> list[Gate]:
    return [Gate.from_data(each) for each in job.result.get("gates", ())]


def rehearsal_of(job: Job) -> Rehearsal | None:
    kept = job.result.get("rehearsal")
    return Rehearsal.from_data(kept) if kept else None


# --- what is known of it ----------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Live:
    """A job this process works on."""

    done: int = 0
    total: int = 0
    sentence: Message | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def told(self, done: int, total: int, what: Message) -> None:
        self.done, self.total, self.sentence = done, total, what
        if self.stop.is_set():
            raise _Cancelled


class _Cancelled(Exception):
    """Somebody does not want it any more."""


_LIVES: WeakKeyDictionary[Database, dict[int, _Live]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _live(database: Database) -> dict[int, _Live]:
    with _LOCK:
        return _LIVES.setdefault(database, {})


def _row(app: Application, id: int) -> Any:
    table = app.tables.job
    query = sa.select(table).where(table.c.id == id, table.c.kind.startswith(_PREFIX))
    with app.database.read() as conn:
        return conn.execute(query).mappings().first()


def _known(app: Application, row: Any) -> Job:
    """It may have finished between the row and the look at who works on it: only what is so twice is believed."""
    job = _job(app, row)
    return job if job.state != ENDED else _job(app, _row(app, job.id))


def _job(app: Application, row: Any) -> Job:
    kept, live = dict(row["result"] or {}), _live(app.database).get(row["id"])
    sentence, error = kept.pop("sentence", None), kept.pop("error", None)
    heard, code = kept.pop("heard_at", None), kept.pop("code", "")
    state = row["state"]
    if state == WORKING and live is None and _is_gone(app, heard):
        state = ENDED
    done, total = (live.done, live.total) if live else (row["progress"], row["total"])
    said = live.sentence if live else of_data(sentence) if sentence else None
    return Job(
        row["id"], row["kind"].removeprefix(_PREFIX), state, row["user_id"], row["params"].get("change"), done, total,
        said, kept, of_data(error) if error else None, code, row["created_at"], row["finished_at"],
        hash_of(row["params"]["text"]),
    )  # fmt: skip


def _is_gone(app: Application, heard: str | None) -> bool:
    """A SQLite file has one server, and that is this process."""
    silent = heard is None or app.clock() - dt.datetime.fromisoformat(heard) > STILL_AFTER
    return silent or app.database.dialect == "sqlite"


# --- working ----------------------------------------------------------------------------------------------------------


def work(current: Current, actor: Actor, id: int) -> None:
    """Run the job from its beginning; one that is over, or that another works on, is left alone."""
    app, live = current.application(), _Live()
    # Known before the row says "working", and until it says what came of it: who works on it is never in doubt.
    if _live(app.database).setdefault(id, live) is not live:
        return
    try:
        params = _claimed(app, id)
        if params is not None:
            _carry_out(current, actor, id, params, live)
    finally:
        _live(app.database).pop(id, None)


def _carry_out(current: Current, actor: Actor, id: int, params: Mapping[str, Any], live: _Live) -> None:
    app = current.application()
    pulse = threading.Thread(target=_pulse, args=(app, id, live), name=f"pulse of job {id}", daemon=True)
    pulse.start()
    try:
        found = _WORK[_kind_of(app, id)](current, actor, params, live, id)
        _finish(app, id, DONE, found)
    except _Cancelled:
        _finish(app, id, CANCELLED, {})
    except AppmillError as refusal:
        _finish(app, id, FAILED, {"error": as_data(refusal.reason), "code": refusal.code}, error=str(refusal))
    except Exception as broken:
        LOG.exception("definition job %s failed", id)
        said = message("Something went wrong ({kind}); the log of the server says more.", kind=type(broken).__name__)
        _finish(app, id, FAILED, {"error": as_data(said)}, error=type(broken).__name__)
    finally:
        live.over.set()
        pulse.join()


def _kind_of(app: Application, id: int) -> str:
    return str(_row(app, id)["kind"]).removeprefix(_PREFIX)


def _claimed(app: Application, id: int) -> Mapping[str, Any] | None:
    table, now = app.tables.job, app.clock()
    with app.database.write() as conn:
        waiting = (table.c.id == id, table.c.state == WAITING)
        values = {"state": WORKING, "started_at": now, "result": {"heard_at": now.isoformat()}}
        claimed = conn.execute(sa.update(table).where(*waiting).values(values)).rowcount
        found = conn.execute(sa.select(table.c.params).where(table.c.id == id)).scalar()
    return dict(found) if claimed and found else None


def _prepared(app: Application, params: Mapping[str, Any]) -> Prepared:
    decisions = {id: Decision.from_data(each) for id, each in params["decisions"].items()}
    return prepare(app, params["text"], decisions, kind=params["kind"])


def _gate(current: Current, actor: Actor, params: Mapping[str, Any], live: _Live, id: int) -> dict[str, Any]:
    app = current.application()
    found = gate(app, _prepared(app, params), live.told, actor.language)
    return {"gates": [each.as_data() for each in found], "ok": all(each.ok for each in found)}


def _rehearse(current: Current, actor: Actor, params: Mapping[str, Any], live: _Live, id: int) -> dict[str, Any]:
    app = current.application()
    return {"rehearsal": rehearse(app, _prepared(app, params), live.told).as_data()}


def _publish(current: Current, actor: Actor, params: Mapping[str, Any], live: _Live, id: int) -> dict[str, Any]:
    """What people saw when they agreed is what counts, not what it would mean by now."""
    app = current.application()
    now = _prepared(app, params)
    agreed = replace(now, base_hash=params["base"])
    if now.base_hash == params["base"] and now.plan is not None and now.seal != params["seal"]:
        raise Stale(changed_since(params["seen"], now.plan))
    told: dict[str, Any] = {"hash": now.hash}

    def also(conn: sa.Connection, publication: int) -> None:
        told["publication"] = publication
        _note_done(app, conn, id, told)

    fresh = publish(app, agreed, by=actor, reason=params["reason"], change_id=params["change"], told=live.told,
                    also=also)  # fmt: skip
    current.replace(fresh)
    return told


Work = Callable[[Current, Actor, Mapping[str, Any], _Live, int], dict[str, Any]]
_WORK: Mapping[str, Work] = {GATE: _gate, REHEARSE: _rehearse, PUBLISH: _publish}


def _note_done(app: Application, conn: sa.Connection, id: int, result: Mapping[str, Any]) -> None:
    """In the transaction of the publication: whoever is killed after it leaves no doubt."""
    table = app.tables.job
    values = {"state": DONE, "result": dict(result), "finished_at": app.clock()}
    conn.execute(sa.update(table).where(table.c.id == id).values(values))


def _finish(app: Application, id: int, state: str, result: Mapping[str, Any], **values: Any) -> None:
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(
            sa.update(table)
            .where(table.c.id == id, table.c.state == WORKING)
            .values(state=state, result=json.loads(json.dumps(result)), finished_at=app.clock(), **values)
        )


def _pulse(app: Application, id: int, live: _Live) -> None:
    """How far it is, written down now and then; and whether another process wants it to stop."""
    while not live.over.wait(PULSE):
        try:
            _beat(app, id, live)
        except sa.exc.OperationalError as error:  # the database is busy with the very job
            LOG.debug("the pulse of job %s was missed: %s", id, error)


def _beat(app: Application, id: int, live: _Live) -> None:
    table = app.tables.job
    said = {"heard_at": app.clock().isoformat(), "sentence": as_data(live.sentence) if live.sentence else None}
    with app.database.write() as conn:
        mine = (table.c.id == id, table.c.state == WORKING)
        conn.execute(sa.update(table).where(*mine).values(progress=live.done, total=live.total, result=said))
        if conn.scalar(sa.select(table.c.cancel).where(table.c.id == id)):
            live.stop.set()
