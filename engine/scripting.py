"""A script of a rule at work: what it reads is read with the rights of whoever caused it, what it writes is kept until
it has ended and then walks the one walk, everything or nothing, in the transaction that keeps its result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa

from engine import notices, reading, walking
from engine.application import Application
from engine.effects import Notify
from engine.errors import DeliveryFailed, Invalid, Missing, message
from engine.formats import Reader
from engine.going_on import system_walk
from engine.intake import read_input
from engine.offering import offer
from engine.outside.task import Performer, Task
from engine.passage import Walk
from engine.people import Actor, load_actor, system_actor
from engine.permissions import Verb, may
from engine.runs import Run
from engine.scripts.errors import ScriptFailed, ScriptRefused, ScriptStopped
from engine.scripts.pool import Pool
from engine.sight import Sight

MOST_FOUND = 1000
MOST_WRITES = 1000


@cache
def pool() -> Pool:
    """The processes of this process; they start when the first script runs."""
    return Pool()


# --- outside the transaction: it runs --------------------------------------------------------------------------------


def perform(task: Task, around: Any) -> Mapping[str, Any]:
    """The performer of ``script``. ``around``: a delivery's surroundings, which know application and message."""
    inner = getattr(around, "inner", around)
    app: Application = inner.app
    row = inner.message
    caller = caller_of(app, row.run_id)
    host = _Host(app, caller, task, around)
    try:
        ended = pool().run(task.data["source"], _names(app, caller, row, task), host.calls(), owner=row.key)
    except (ScriptRefused, ScriptFailed, ScriptStopped) as failed:
        raise DeliveryFailed(failed.reason, again=getattr(failed, "limit", "") == "busy") from failed
    return {"value": _json(ended.value), "logs": list(ended.logs), "writes": host.writes,
            "ms": round(ended.wall_seconds * 1000)}  # fmt: skip


def caller_of(app: Application, run_id: int) -> Actor:
    """Whoever caused the run; the application itself where nobody did."""
    table = app.tables.run
    with app.database.read() as conn:
        id = conn.scalar(sa.select(table.c.actor_id).where(table.c.id == run_id))
        return load_actor(conn, app.tables, id) if id is not None else system_actor()


def _names(app: Application, caller: Actor, row: Any, task: Task) -> dict[str, Any]:
    table = app.tables.run
    with app.database.read() as conn:
        run = conn.execute(sa.select(table.c.given, table.c.results).where(table.c.id == row.run_id)).one()
    now = app.clock().astimezone(Reader(caller.language, caller.timezone, app.definition.currency).zone)
    given = {name: value for name, value in run.given.items() if name in ("payload", "mail", "due")}
    record = _plain(reading.get(app, caller, row.form, row.record_id)) if row.record_id is not None else None
    person = {"id": caller.id, "name": caller.name, "login": caller.login, "roles": sorted(caller.roles)}
    return {"record": record, "old": record, "user": person, "values": dict(task.data["values"]), "now": now,
            "today": now.date(), "results": dict(run.results), **given}  # fmt: skip


@dataclass
class _Host:
    """What a script may ask. Reading answers at once, writing is kept for the end."""

    app: Application
    caller: Actor
    task: Task
    around: Any
    writes: list[dict[str, Any]] = field(default_factory=list)
    _http: int = 0

    def calls(self) -> dict[str, Any]:
        return {
            "find": self.find, "get": self.get, "create": self.create, "update": self.update, "take": self.take,
            "notify": self.notify, "http": self.http,
        }  # fmt: skip

    def find(self, form: str, where: Any = None, limit: int = 100) -> list[dict[str, Any]]:
        """The records for which an expression holds, or whose fields have the values of a mapping."""
        plan = self.app.plans.form(form)
        if isinstance(where, Mapping):
            where = " and ".join(f"record.{name} == {_literal(value)}" for name, value in where.items()) or None
        found = reading.records(self.app, self.caller, plan.form, where=where, limit=min(int(limit), MOST_FOUND))
        return [_plain(row) for row in found]

    def get(self, form: str, id: int) -> dict[str, Any]:
        return _plain(reading.get(self.app, self.caller, form, int(id)))

    def create(self, form: str, values: Mapping[str, Any]) -> None:
        self._write(do="create", form=form, values=_json(values))

    def update(self, form: str, id: int, values: Mapping[str, Any]) -> None:
        self._write(do="update", form=form, id=int(id), values=_json(values))

    def take(self, form: str, id: int, transition: str, reason: str | None = None) -> None:
        self._write(do="take", form=form, id=int(id), transition=transition, reason=reason)

    def notify(self, to: str, text: str) -> None:
        if to not in self.app.definition.roles:
            raise Missing(message("There is no role {name}.", name=to))
        self._write(do="notify", to=to, text=str(text)[:2000])

    def http(self, connection: str, method: str, path: str, json: Any = None) -> Any:
        """A call on the way, known to the other side by a key of its own at every attempt."""
        known = self.app.definition.connections.get(connection)
        performer: Performer | None = self.app.registry.performers.get("http")
        if known is None or performer is None:
            raise Missing(message("There is no connection {name}.", name=connection))
        self._http += 1
        data = {"method": method, "path": path, "query": {}, "json": _json(json)}
        task = Task("http", data, known, f"{self.task.key}.{self._http}", self.task.attempt, self.task.seconds)
        return _json(performer(task, self.around))

    def _write(self, **what: Any) -> None:
        self.app.plans.form(what["form"]) if "form" in what else None
        if len(self.writes) >= MOST_WRITES:
            raise Invalid(message("A script writes at most {most} times.", most=MOST_WRITES))
        self.writes.append(what)


# --- in the transaction that keeps the result ------------------------------------------------------------------------


def settle(app: Application, conn: sa.Connection, run: Run, result: Mapping[str, Any]) -> None:
    """Carry out what the script wants written, in its order; raises what forbids it, and then nothing is kept."""
    caller = load_actor(conn, app.tables, run.actor_id) if run.actor_id is not None else system_actor()
    actor = replace(caller, rule=app.plans.rule[run.rule].rule.name if run.rule in app.plans.rule else run.rule)
    base = system_walk(app, conn, cause=run.event_id, chain=run.chain)
    walk = replace(base, actor=actor, sight=Sight(app, conn, actor), run_id=run.id)
    for write in result["writes"]:
        _WRITE[write["do"]](walk, write, run)


def _create(walk: Walk, write: Mapping[str, Any], run: Run) -> None:
    _save(walk, write, "create")


def _update(walk: Walk, write: Mapping[str, Any], run: Run) -> None:
    _save(walk, write, "update")


def _save(walk: Walk, write: Mapping[str, Any], verb: Verb) -> None:
    plan = walk.app.plans.form(write["form"])
    if plan.form.parent_form:
        raise walking.closed_door(plan)
    may(walk.app, walk.actor, verb, plan.form).demand()
    allowed = offer(walk.app, walk.actor, plan, creating=verb == "create")
    given = read_input(plan, write["values"], allowed, walk.actor.reader(walk.app.definition))
    if verb == "create":
        walking.create(walk, plan, given)
    else:
        walking.change(walk, plan, write["id"], given)


def _take(walk: Walk, write: Mapping[str, Any], run: Run) -> None:
    plan = walk.app.plans.form(write["form"])
    may(walk.app, walk.actor, "take", plan.form).demand()
    allowed = offer(walk.app, walk.actor, plan, creating=False)
    given = read_input(plan, {}, allowed, walk.actor.reader(walk.app.definition))
    walking.change(walk, plan, write["id"], given, transition=write["transition"], reason=write["reason"])


def _notify(walk: Walk, write: Mapping[str, Any], run: Run) -> None:
    if run.form is not None and run.record_id is not None:
        texts = {"": write["text"]}
        effect = Notify(run.form, run.record_id, frozenset({write["to"]}), frozenset(), texts)
        notices.notify(walk, effect, run.event_id)


_WRITE = {"create": _create, "update": _update, "take": _take, "notify": _notify}


# --- plain data ------------------------------------------------------------------------------------------------------


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as scripts see it: the title under its name, moments and numbers as they are."""
    found = {name: _value(value) for name, value in row.items() if not name.startswith("_")}
    return {**found, "title": row.get("_title")}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return value


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    return value


def _literal(value: Any) -> str:
    """A value in the words of an expression; texts are quoted, so that nothing in them is read as one."""
    if value is None or isinstance(value, bool | int | str | Decimal):
        return str(value) if isinstance(value, Decimal) else repr(value)
    raise Invalid(message("Records are found by texts, numbers, yes and no."))
