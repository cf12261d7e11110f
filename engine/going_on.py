"""Waking rules without a person, and taking up runs that had something to wait for.

Both happen in a transaction of their own, as the system on behalf of the rule, through the same walk as every change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine import pausing, performing, rules, walking
from engine.application import Application
from engine.definition import Rule
from engine.errors import Missing, message
from engine.expressions import View
from engine.faults import point
from engine.passage import Walk
from engine.people import system_actor
from engine.plans import Plans, RulePlan
from engine.program import inner_program, unfold
from engine.rules import Asking
from engine.runs import NEVER, OPEN, Opening, Run, open_run, post_go_on
from engine.sight import Sight
from engine.storage.automation import in_state
from engine.storage.prepared import value
from engine.timing import finished, firing


def system_walk(
    app: Application, conn: sa.Connection, *, cause: int | None = None, chain: tuple[str, ...] = ()
) -> Walk:
    actor = system_actor()
    return Walk(app, conn, actor, app.clock(), Sight(app, conn, actor), cause, chain)


# --- waking ----------------------------------------------------------------------------------------------------------


def fire(
    app: Application,
    conn: sa.Connection,
    rule: str,
    key: str,
    *,
    form: str | None = None,
    record_id: int | None = None,
    given: Mapping[str, Any] | None = None,
) -> bool:
    """Wake a rule by its stable id, as a schedule, a time-out or a message from outside does. ``key`` is unique for
    what woke it; ``given`` are the names its expressions have beside the record. Answers whether it acted."""
    plan = app.plans.rule.get(rule)
    if plan is None or not plan.rule.enabled:
        return False
    brought = dict(given or {})
    if not firing.comes_due(app, conn, plan.rule, record_id, brought):
        return False
    walk = system_walk(app, conn, chain=tuple(brought.pop("chain", ())))
    view = _record(walk, form, record_id)
    if record_id is not None and view is None:
        return False
    names = _names(walk, view, firing.names_of(plan.rule.trigger, brought, app.definition.timezone), {})
    decision = rules.woken(plan, Asking(walk, view, names))
    if not decision.stretch.wanted:
        return False
    opening = Opening(
        rule=plan.rule, key=key, form=form, record_id=record_id, given=brought,
        trace=rules.of_run(decision.stretch, decision.trace),
        lane=performing.lane_of(walk, decision, form, record_id),
        later=performing.leaves_something(decision.stretch), next=decision.stretch.next,
    )  # fmt: skip
    performing.carry_out(walk, open_run(walk, opening), plan.rule, decision.stretch, None, walking.obey)
    return True


def _record(walk: Walk, form: str | None, record_id: int | None) -> View | None:
    """The record as it is now; None when there is none any more."""
    if form is None or record_id is None or form not in walk.app.definition.forms:
        return None
    row = walk.sight.load(form, record_id)
    if row is None or row["deleted_at"] is not None:
        return None
    return walk.sight.view(walk.app.plans.form(form).form, row)


def _names(
    walk: Walk, view: View | None, given: Mapping[str, Any], results: Mapping[str, Any], source: View | None = None
) -> dict[str, Any]:
    more = {"source": source} if source is not None else {}
    return {**walk.sight.names, "record": view, "old": view, **more, **given, "results": dict(results)}


# --- taking up -------------------------------------------------------------------------------------------------------


def go_on(app: Application, conn: sa.Connection, run_id: int, step: int, *, paused: bool = False) -> None:
    """Do what the run wants from a step up to the next wait, and end it where nothing follows. ``paused``: time has
    passed since, so what it wakes begins a chain of its own."""
    run = load_run(app, conn, run_id)
    if run is None or run.state not in OPEN:
        return
    walk = system_walk(app, conn, cause=run.event_id, chain=() if paused else run.chain)
    rule, program = as_begun(app, conn, run)
    view = _record(walk, run.form, run.record_id)
    if run.record_id is not None and view is None:
        raise Missing(message("The record is gone."))
    source = _source(walk, conn, run)
    context = Asking(walk, view, _names(walk, view, run.given, run.results, source), rule)
    stretch = unfold(inner_program(program.program, run.inner), step, context)
    table = app.tables.run
    trace = {**run.trace, "later": [*run.trace.get("later", ()), rules.of_stretch(stretch, walk.now)]}
    went_on = {"state": "working", "next": stretch.next, "trace": trace}
    conn.execute(sa.update(table).where(table.c.id == run.id).values(went_on))
    performing.carry_out(walk, run, rule, stretch, run.event_id, walking.obey)
    if stretch.next is None:
        end_if_over(app, conn, run.id)


def still_waits(app: Application, conn: sa.Connection, run_id: int, holds: str) -> bool:
    """Whether a run has to go on waiting for an expression to hold for its record."""
    run = load_run(app, conn, run_id)
    if run is None or run.state not in OPEN:
        return False
    walk = system_walk(app, conn)
    view = _record(walk, run.form, run.record_id)
    if view is None:
        return False
    names = _names(walk, view, run.given, run.results, _source(walk, conn, run))
    return not app.plans.compile(holds).holds(names)


def load_run(app: Application, conn: sa.Connection, run_id: int) -> Run | None:
    def build() -> Any:
        return sa.select(app.tables.run).where(app.tables.run.c.id == value("id_"))

    row = app.tables.statements.get(("run",), conn.dialect, build).first(conn, {"id_": run_id})
    if row is None:
        return None
    given = dict(row["given"])
    chain = tuple(given.pop("chain", ()))
    plan = app.plans.rule.get(row["rule"])
    if plan is not None:
        given = firing.names_of(plan.rule.trigger, given, app.definition.timezone)
    return Run(
        row["id"], row["key"], row["rule"], row["form"], row["record_id"], row["event_id"], row["lane"],
        tuple(row["inner"]), given, row["results"], chain, "working" if row["state"] == "queued" else row["state"],
        row["definition"], row["actor_id"], row["trace"] or {},
    )  # fmt: skip


def _source(walk: Walk, conn: sa.Connection, run: Run) -> View | None:
    """For the run of one record of many: the record that woke the rule."""
    if not run.inner:
        return None
    table = walk.app.tables.run
    parent = sa.select(table.c.parent_id).where(table.c.id == run.id).scalar_subquery()
    row = conn.execute(sa.select(table.c.form, table.c.record_id).where(table.c.id == parent)).first()
    return _record(walk, row.form, row.record_id) if row else None


def as_begun(app: Application, conn: sa.Connection, run: Run) -> tuple[Rule, RulePlan]:
    """The rule as it was when the run began: changing a rule does not change what is under way."""
    plan = plans_of(app, conn, run.definition).rule.get(run.rule)
    if plan is None:
        raise Missing(message("The rule {rule} is no longer in the definition.", rule=run.rule))
    return plan.rule, plan


def plans_of(app: Application, conn: sa.Connection, hash: str) -> Plans:
    """The plans of the definition with this hash: the present one, or an earlier one from the text that was kept, with
    what was renamed since under its present name. Raises Missing when it is not kept."""
    from engine.load import load_text
    from engine.uses.today import in_todays_names

    if hash == app.definition.hash:
        return app.plans
    kept = app.plans.kept.setdefault("earlier definitions", {})
    if hash not in kept:
        table = app.tables.published
        text = conn.execute(sa.select(table.c.source).where(table.c.hash == hash)).scalar()
        if text is None:
            raise Missing(message("The definition this run began with is not kept."))
        earlier = in_todays_names(load_text(text, app.registry, file="earlier"), app.definition, app.registry)
        kept[hash] = Plans(earlier, app.registry, app.tables)
    return kept[hash]  # type: ignore[no-any-return]


# --- one record of many ----------------------------------------------------------------------------------------------


def run_for_record(app: Application, conn: sa.Connection, run: Run, step: int, form: str, record_id: int) -> None:
    """Do the steps inside a ``for_each`` for one record, as a run of its own under ``run``."""
    rule, plan = as_begun(app, conn, run)
    inner = (*run.inner, step)
    walk = system_walk(app, conn, cause=run.event_id, chain=run.chain)
    view = _record(walk, form, record_id)
    if view is None:
        return
    source = _record(walk, run.form, run.record_id)
    context = Asking(walk, view, _names(walk, view, run.given, run.results, source), rule)
    stretch = unfold(inner_program(plan.program, inner), 0, context)
    opening = Opening(
        rule=rule, key=_child_key(run, inner, record_id), form=form, record_id=record_id,
        event_id=run.event_id, parent_id=run.id, inner=inner, given=run.given,
        trace=rules.of_stretch(stretch, walk.now),
        later=performing.leaves_something(stretch), next=stretch.next, child=True,
    )  # fmt: skip
    performing.carry_out(walk, open_run(walk, opening), rule, stretch, run.event_id, walking.obey)


def fail_for_record(
    app: Application, conn: sa.Connection, run: Run, step: int, form: str, record_id: int, reason: str
) -> None:
    """Keep that the steps inside a ``for_each`` could not be done for one record."""
    rule, _plan = as_begun(app, conn, run)
    inner = (*run.inner, step)
    opening = Opening(
        rule=rule, key=_child_key(run, inner, record_id), form=form, record_id=record_id, event_id=run.event_id,
        parent_id=run.id, inner=inner, given=run.given, later=True, child=True,
    )  # fmt: skip
    fail(app, conn, open_run(system_walk(app, conn, cause=run.event_id, chain=run.chain), opening).id, reason)


def _child_key(run: Run, inner: tuple[int, ...], record_id: int) -> str:
    return f"{run.key}/{'.'.join(str(each) for each in inner)}:{record_id}"


def names_of_run(app: Application, conn: sa.Connection, run: Run) -> tuple[Walk, dict[str, Any]]:
    """What the expressions of a ``for_each`` may read: the record of the run is their ``source``."""
    walk = system_walk(app, conn, cause=run.event_id, chain=run.chain)
    view = _record(walk, run.form, run.record_id)
    return walk, _names(walk, view, run.given, run.results, view)


# --- ending ----------------------------------------------------------------------------------------------------------


def end_if_over(app: Application, conn: sa.Connection, run_id: int) -> bool:
    """A run without a next step is over when none of its messages is still to be delivered; it failed when one of
    them is a dead letter. Takes up the run that waited for it."""
    message_ = app.tables.message
    # Locked: of two messages that end at the same moment, the second has to see that the first is done.
    row = _standing(app, conn, run_id, lock=True)
    if row is None or row.state != "working" or row.next is not None:
        return False
    states = _states_left(app, conn, run_id)
    if states & {"waiting", "parked", "claimed", "unsure"}:
        return False
    if "dead" in states:
        dead = sa.select(message_.c.error).where(message_.c.run_id == run_id, message_.c.state == "dead")
        fail(app, conn, run_id, conn.scalar(dead.order_by(message_.c.id.desc()).limit(1)) or "")
        return True
    _done(app, conn, run_id)
    point("run over")
    if row.parent_id is None:
        pausing.succeeded(app, conn, row.rule)
    _tell_of(app, conn, run_id, row)
    return True


def _standing(app: Application, conn: sa.Connection, run_id: int, *, lock: bool = False) -> Any:
    """Where a run stands, kept from other processes when it is locked."""

    def build() -> Any:
        run = app.tables.run
        columns = (run.c.state, run.c.next, run.c.rule, run.c.lane, run.c.parent_id, run.c.given)
        found = sa.select(*columns).where(run.c.id == value("id_"))
        return found.with_for_update() if lock else found

    return app.tables.statements.get(("run stands", lock), conn.dialect, build).one(conn, {"id_": run_id})


def _states_left(app: Application, conn: sa.Connection, run_id: int) -> set[str]:
    def build() -> Any:
        table = app.tables.message
        return sa.select(table.c.state).where(table.c.run_id == value("id_")).distinct()

    rows = app.tables.statements.get(("states of messages",), conn.dialect, build).rows(conn, {"id_": run_id})
    return {row["state"] for row in rows}


def _done(app: Application, conn: sa.Connection, run_id: int) -> None:
    def build() -> Any:
        run = app.tables.run
        new = {"state": "done", "ended_at": value("now_", run.c.ended_at.type)}
        return sa.update(run).where(run.c.id == value("id_")).values(new)

    app.tables.statements.get(("run done",), conn.dialect, build).execute(conn, {"id_": run_id, "now_": app.clock()})


def ended(app: Application, conn: sa.Connection, run_id: int) -> None:
    """The run is done, failed or cancelled: whichever waits for it in its lane is next, and rules that watch for its
    end wake."""
    _tell_of(app, conn, run_id, _standing(app, conn, run_id))


def _tell_of(app: Application, conn: sa.Connection, run_id: int, row: Any) -> None:
    if row.parent_id is None:
        finished.tell(app, conn, run_id, row.given.get("chain", ()))
        wake_next(app, conn, row.rule, row.lane)


def wake_next(app: Application, conn: sa.Connection, rule: str, lane: str | None) -> bool:
    """Let the first run that is queued in a lane begin; answers whether there was one that did not begin yet."""
    parked = app.tables.message
    queued = _first_queued(app, conn, rule, lane)
    if queued is None:
        return False
    now = app.clock()
    go = sa.update(parked).where(parked.c.run_id == queued, parked.c.state == "parked", parked.c.due_at == NEVER)
    woken = bool(conn.execute(go.values(state="waiting", due_at=now)).rowcount)
    for id in conn.scalars(sa.select(parked.c.id).where(parked.c.run_id == queued, parked.c.state == "waiting")):
        app.database.posted(conn, id, now)
    return woken


def _first_queued(app: Application, conn: sa.Connection, rule: str, lane: str | None) -> int | None:
    if lane is None:
        return None  # runs without a key wait for nobody

    def build() -> Any:
        run = app.tables.run
        here = (run.c.rule == value("rule_"), run.c.lane == value("lane_"), in_state(run, *OPEN))
        return sa.select(run.c.id).where(*here, in_state(run, "queued")).order_by(run.c.id).limit(1)

    prepared = app.tables.statements.get(("first queued",), conn.dialect, build)
    found: int | None = prepared.scalar(conn, {"rule_": rule, "lane_": lane})
    return found


def fail(app: Application, conn: sa.Connection, run_id: int, reason: str) -> None:
    """The run cannot go on; its rule is paused when that happened too often in a row."""
    table = app.tables.run
    row = conn.execute(
        sa.select(table.c.rule, table.c.form, table.c.record_id, table.c.parent_id, table.c.state).where(
            table.c.id == run_id
        )
    ).first()
    if row is None or row.state not in OPEN:
        return
    conn.execute(
        sa.update(table).where(table.c.id == run_id).values(state="failed", error=reason, ended_at=app.clock())
    )
    if row.parent_id is None:  # one record of many is no failure of the rule
        pausing.failed(app, conn, row.rule, reason, form=row.form, record_id=row.record_id)
    ended(app, conn, run_id)


def keep_result(app: Application, conn: sa.Connection, run_id: int, name: str, result: Any, step: int) -> None:
    """What a step answered is there for those after it, which are taken up next."""
    table = app.tables.run
    row = conn.execute(sa.select(table.c.results).where(table.c.id == run_id)).one()
    conn.execute(sa.update(table).where(table.c.id == run_id).values(results={**row.results, name: result}))
    run = load_run(app, conn, run_id)
    if run is not None:
        post_go_on(system_walk(app, conn), run, step + 1)
