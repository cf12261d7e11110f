"""What a rule did once: its run, kept beside the change that woke it, and the messages it left to be delivered.

A run is opened in the transaction of that change. What it wants at once is done there; what leaves the process or takes
time becomes messages, and the run is taken up again when they are done (``going_on``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from engine import causes, questions
from engine.definition import Rule
from engine.effects import Approve, Ask, Effect, ForEach, Outside, Wait
from engine.faults import point
from engine.passage import Walk
from engine.program import Wanted
from engine.storage.approving import OPEN_APPROVALS
from engine.storage.automation import OPEN_MESSAGES, OPEN_RUNS, in_state
from engine.storage.locks import one_at_a_time
from engine.storage.prepared import value
from engine.timing.firing import dumped

NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
LATER: tuple[type[Effect], ...] = (Outside, Wait, ForEach, Ask, Approve)
OPEN = OPEN_RUNS


@dataclass(frozen=True)
class Run:
    """A row of ``_run``, as far as going on needs it. ``chain``: the rules that led here without a pause."""

    id: int
    key: str
    rule: str
    form: str | None
    record_id: int | None
    event_id: int | None
    lane: str | None = None
    inner: tuple[int, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    chain: tuple[str, ...] = ()
    state: str = "working"
    definition: str = ""
    actor_id: int | None = None
    trace: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a new run begins with. ``trace``: how the rule decided; ``later``: whether something will be left to do;
    ``next``: the step that follows what has to be waited for."""

    rule: Rule
    key: str
    form: str | None = None
    record_id: int | None = None
    event_id: int | None = None
    parent_id: int | None = None
    lane: str | None = None
    inner: tuple[int, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    trace: Any = None
    later: bool = False
    next: int | None = None
    child: bool = False  # one record of many: the run above it was asked for the mode and the pause


# --- opening ---------------------------------------------------------------------------------------------------------


def open_run(walk: Walk, opening: Opening) -> Run:
    """Keep that the rule acts; the run's ``state`` says whether it acts now: working or done."""
    state = _state_of(walk, opening)
    over = state in ("done", "skipped", "shadow", "paused")
    row = {
        "key": opening.key, "rule": opening.rule.stable_id, "form": opening.form, "record_id": opening.record_id,
        "event_id": opening.event_id, "parent_id": opening.parent_id, "definition": walk.app.definition.hash,
        "state": state, "lane": opening.lane, "inner": list(opening.inner),
        "next": 0 if state == "queued" else opening.next, "given": {**dumped(opening.given), "chain": list(walk.chain)},
        "results": {}, "trace": opening.trace, "actor_id": walk.actor.id, "depth": walk.depth,
        "started_at": walk.now, "ended_at": walk.now if over else None,
    }  # fmt: skip
    point("run opened")
    id = _insert(walk, "run", row)
    walk.app.database.meter.ran(opening.rule.stable_id, state)
    run = Run(id, opening.key, opening.rule.stable_id, opening.form, opening.record_id, opening.event_id,
              opening.lane, opening.inner, opening.given, chain=walk.chain, state=state)  # fmt: skip
    if state == "queued":
        post_go_on(walk, run, 0, due=NEVER, state="parked")
    return run


def _state_of(walk: Walk, opening: Opening) -> str:
    rule = opening.rule
    if opening.child:
        return "working" if opening.later else "done"
    if rule.shadow:
        return "shadow"
    if _is_paused(walk, rule.stable_id):
        return "paused"
    if rule.mode != "parallel" or rule.cap is not None:
        refused = _beside_others(walk, opening)
        if refused:
            return refused
    return "working" if opening.later else "done"


def _beside_others(walk: Walk, opening: Opening) -> str | None:
    """What the unfinished runs of the same rule and key make of a new one; None: it goes ahead."""
    rule, table = opening.rule, walk.app.tables.run
    one_at_a_time(walk.conn, f"{rule.stable_id} {opening.lane}")
    others = [
        row.id
        for row in walk.conn.execute(
            sa.select(table.c.id).where(
                table.c.rule == rule.stable_id, table.c.lane == opening.lane, in_state(table, *OPEN)
            )
        )
    ]
    if rule.mode == "restart":
        for other in others:
            cancel(walk.conn, walk.app.tables, other, walk.now)
        return None
    if not others:
        return None
    if rule.mode == "single":
        return "skipped"
    if rule.mode == "queued" or (rule.cap is not None and len(others) >= rule.cap):
        return "queued"
    return None


def _is_paused(walk: Walk, rule: str) -> bool:
    table = walk.app.tables.rule_state

    def build() -> Any:
        return sa.select(table.c.paused_at).where(table.c.rule == sa.bindparam("rule_"))

    found = walk.app.tables.statements.get(("rule paused",), walk.conn.dialect, build).first(walk.conn, {"rule_": rule})
    return found is not None and found["paused_at"] is not None


def cancel(conn: sa.Connection, tables: Any, run_id: int, now: dt.datetime) -> None:
    """End a run: what it left to be delivered is not delivered any more, except what is under way."""
    run, message = tables.run, tables.message
    conn.execute(sa.update(run).where(run.c.id == run_id).values(state="cancelled", ended_at=now))
    open_ones = (message.c.run_id == run_id, in_state(message, *OPEN_MESSAGES))
    conn.execute(sa.update(message).where(*open_ones).values(state="cancelled", done_at=now))
    questions.withdraw(conn, tables, now, "cancelled", tables.question.c.run_id == run_id)
    approval = tables.approval
    under_way = (approval.c.run_id == run_id, in_state(approval, *OPEN_APPROVALS))
    conn.execute(sa.update(approval).where(*under_way).values(state="cancelled", closed_at=now))


# --- leaving messages ------------------------------------------------------------------------------------------------


def post(walk: Walk, run: Run, wanted: Wanted) -> int | None:
    """Leave a message for what the step wants; answers its id. An approval leaves one for every question."""
    effect = wanted.effect
    key = f"{run.key}/{'.'.join(str(each) for each in (*run.inner, wanted.step))}.{wanted.turn}"
    if isinstance(effect, Outside):
        data = {**effect.data, **({"saved_as": effect.saved_as} if effect.saved_as else {})}
        return _post(walk, run, key, wanted.step, effect.kind, data, connection=effect.connection)
    if isinstance(effect, ForEach):
        data = {"form": effect.form, "where": effect.where, "batch": effect.batch}
        return _post(walk, run, key, wanted.step, "for_each", data)
    if isinstance(effect, Ask):
        data = {"saved_as": effect.saved_as} if effect.saved_as else {}
        id = post_ask(walk, run, key, wanted.step, data, due=effect.due)
        questions.put(walk, effect, run_id=run.id, rule=run.rule, message_id=id, event_id=run.event_id)
        return id
    if isinstance(effect, Approve):
        from engine.approvals.running import begin

        begin(walk, effect, run, wanted.step, key)
        return None
    assert isinstance(effect, Wait)  # LATER holds no other
    due, state = effect.due or NEVER, "parked" if effect.holds else "waiting"
    data = {"holds": effect.holds, "paused": True, "until": due.isoformat()}
    return _post(walk, run, key, wanted.step + 1, "go_on", data, due=due, state=state)


def post_ask(
    walk: Walk, run: Run, key: str, step: int, data: Mapping[str, Any], *, due: dt.datetime | None
) -> int:  # fmt: skip
    """Leave the message a question waits behind: until it is settled or ``due``."""
    return _post(walk, run, key, step, "ask", data, due=due or NEVER, state="waiting" if due else "parked")


def post_mail(walk: Walk, run: Run, key: str, connection: str, data: Mapping[str, Any]) -> int:
    """Leave a mail that nothing waits for: what becomes of it is not the run's concern."""
    return _post(walk, replace(run, id=None), key, 0, "mail", data, connection=connection)  # type: ignore[arg-type]


def post_go_on(
    walk: Walk, run: Run, step: int, *, due: dt.datetime | None = None, state: str = "waiting", again: str = ""
) -> int:
    """Leave a message that takes the run up again at a step."""
    key = f"{run.key}/{'.'.join(str(each) for each in (*run.inner, step))}.on{again}"
    return _post(walk, run, key, step, "go_on", {}, due=due, state=state)


def _post(
    walk: Walk, run: Run, key: str, step: int, kind: str, effect: Mapping[str, Any], *,
    connection: str | None = None, due: dt.datetime | None = None, state: str = "waiting",
) -> int:  # fmt: skip
    outside = kind not in ("go_on", "fire", "for_each", "ask")
    lane = f"{connection or kind}|{run.form}:{run.record_id}" if outside and run.record_id is not None else None
    row = {
        "key": key, "run_id": run.id, "step": step, "kind": kind, "connection": connection, "lane": lane,
        "form": run.form, "record_id": run.record_id, "effect": dict(effect), "due_at": due or walk.now,
        "state": state, "definition": walk.app.definition.hash, "event_id": run.event_id, "created_at": walk.now,
        "request": causes.request_id(),
    }  # fmt: skip
    id = _insert(walk, "message", row)
    point("message left")
    if state == "waiting":
        walk.app.database.posted(walk.conn, id, due or walk.now)
    return id


def _insert(walk: Walk, name: str, row: Mapping[str, Any]) -> int:
    table = walk.app.tables.system[name]
    sqlite = walk.conn.dialect.name == "sqlite"

    def build() -> Any:
        new = {column: value(f"new_{column}", table.c[column].type) for column in row}
        statement = sa.insert(table).values(new)
        return statement if sqlite else statement.returning(table.c.id)

    prepared = walk.app.tables.statements.get(("insert", name, tuple(row)), walk.conn.dialect, build)
    result = prepared.execute(walk.conn, {f"new_{column}": each for column, each in row.items()})
    return int(result.lastrowid if sqlite else result.fetchone()[0])


def wake_parked(walk: Walk, form: str, id: int) -> None:
    """The record changed: runs that wait for something to hold look again."""
    table = walk.app.tables.message
    here = (table.c.form == form, table.c.record_id == id, in_state(table, "parked"), table.c.kind == "go_on")
    waiting = walk.conn.execute(sa.select(table.c.id).where(*here, table.c.due_at > walk.now)).scalars().all()
    if waiting:
        walk.conn.execute(sa.update(table).where(table.c.id.in_(waiting)).values(state="waiting", due_at=walk.now))
        for message in waiting:
            walk.app.database.posted(walk.conn, message, walk.now)
