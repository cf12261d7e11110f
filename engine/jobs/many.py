"""The steps a rule takes for every record that matches: in batches, one transaction each, with its progress kept.

A batch is committed together with how far it came, so that after a crash the rest is done and nothing twice. A record
whose steps are refused leaves a failed run of its own; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine import going_on, pausing
from engine.application import Application
from engine.expressions import NotInSql, to_sql
from engine.faults import point
from engine.jobs import claiming, failing
from engine.jobs.claiming import Claimed, Outcome
from engine.jobs.desk import Desk
from engine.jobs.trying import in_transaction, is_about_order, is_lost
from engine.passage import Walk
from engine.runs import OPEN, Run
from engine.writing import Lost

BATCH_SECONDS = 3600.0  # a batch may take long; as long as the process lives it is not taken over
LOOKED_AT = 500  # records read at once where the condition cannot be said in SQL
Progress = dict[str, Any]


def go_through(app: Application, desk: Desk, claimed: Claimed) -> Outcome:
    """Do batch after batch until all records had their turn, the run is cancelled, or a batch itself fails."""
    with desk.holding(claimed.token, None, BATCH_SECONDS):
        while True:
            try:
                outcome = in_transaction(app, lambda conn: _batch(app, conn, desk, claimed), patience=desk.terms.lease)
            except Exception as error:
                if is_lost(error):
                    raise
                return failing.failed(app, desk, claimed.id, claimed.token, error)
            if outcome is not None:
                return outcome


def _batch(app: Application, conn: sa.Connection, desk: Desk, claimed: Claimed) -> Outcome | None:
    """One batch; None while there may be more."""
    table, row = app.tables.message, claimed.row
    ours = (table.c.id == row.id, table.c.state == "claimed", table.c.token == claimed.token)
    progress = conn.execute(sa.select(table.c.result).where(*ours).with_for_update()).first()
    if progress is None:
        return Outcome("lost")
    run = going_on.load_run(app, conn, row.run_id)
    if run is None or run.state not in OPEN:
        claiming.finish(app, conn, claimed, progress.result, "cancelled")
        return Outcome("cancelled")
    walk, names = going_on.names_of_run(app, conn, run)
    so_far = progress.result or _beginning(walk, row.effect, names)
    ids = _matching(walk, row.effect, names, so_far)
    for id in ids:
        so_far["failed" if not _for_record(app, conn, run, row, id) else "done"] += 1
    so_far["after"] = ids[-1] if ids else so_far["upto"]
    point("batch")
    if len(ids) < row.effect["batch"]:
        return _end(app, conn, claimed, so_far, run)
    kept = {"result": so_far, "attempts": 1, "lease_until": desk.lease_until(app.clock())}
    conn.execute(sa.update(table).where(table.c.id == row.id).values(kept))
    return None


def _beginning(walk: Walk, effect: Mapping[str, Any], names: Mapping[str, Any]) -> Progress:
    """``upto``: records that come later than this are not gone through, or the steps could feed themselves for ever."""
    table = walk.app.plans.form(effect["form"]).table
    upto = walk.conn.scalar(sa.select(sa.func.max(table.c.id))) or 0
    return {"after": 0, "upto": upto, "done": 0, "failed": 0, "total": _total(walk, effect, names, upto)}


def _end(app: Application, conn: sa.Connection, claimed: Claimed, so_far: Progress, run: Run) -> Outcome:
    claiming.finish(app, conn, claimed, so_far)
    going_on.go_on(app, conn, run.id, claimed.row.step + 1, paused=True)
    return Outcome("done")


# --- which records ---------------------------------------------------------------------------------------------------


def _query(walk: Walk, effect: Mapping[str, Any], so_far: Mapping[str, Any]) -> Any:
    table = walk.app.plans.form(effect["form"]).table
    between = (table.c.deleted_at.is_(None), table.c.id > so_far["after"], table.c.id <= so_far["upto"])
    return sa.select(table.c.id).where(*between).order_by(table.c.id)


def _condition(walk: Walk, effect: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    app, form = walk.app, walk.app.plans.form(effect["form"]).form
    known = {name: thing for name, thing in names.items() if name not in ("record", "user")}
    return to_sql(app.plans.compile(effect["where"]), form, app.tables, walk.actor, app.clock, names=known)


def _matching(walk: Walk, effect: Mapping[str, Any], names: Mapping[str, Any], so_far: Mapping[str, Any]) -> list[int]:
    query = _query(walk, effect, so_far)
    try:
        query = query.where(_condition(walk, effect, names))
    except NotInSql:
        return _matching_one_by_one(walk, effect, names, query)
    return list(walk.conn.scalars(query.limit(effect["batch"])))


def _matching_one_by_one(walk: Walk, effect: Mapping[str, Any], names: Mapping[str, Any], query: Any) -> list[int]:
    compiled, plan = walk.app.plans.compile(effect["where"]), walk.app.plans.form(effect["form"])
    found: list[int] = []
    after = 0
    while len(found) < effect["batch"]:
        ids: Sequence[int] = walk.conn.scalars(query.where(plan.table.c.id > after).limit(LOOKED_AT)).all()
        if not ids:
            break
        walk.sight.prime(effect["form"], list(ids))
        for id in ids:
            row = walk.sight.load(effect["form"], id)
            if row is not None and compiled.holds({**names, "record": walk.sight.view(plan.form, row)}):
                found.append(id)
        after = ids[-1]
    return found[: effect["batch"]]


def _total(walk: Walk, effect: Mapping[str, Any], names: Mapping[str, Any], upto: int) -> int | None:
    """How many there are; None where that is not known before they were looked at."""
    query = _query(walk, effect, {"after": 0, "upto": upto})
    try:
        counted = query.where(_condition(walk, effect, names)).order_by(None).subquery()
    except NotInSql:
        return None
    return walk.conn.scalar(sa.select(sa.func.count()).select_from(counted))


# --- one of them -----------------------------------------------------------------------------------------------------


def _for_record(app: Application, conn: sa.Connection, run: Run, row: Any, id: int) -> bool:
    """The steps for one record, in a savepoint; answers whether they were done."""
    try:
        with conn.begin_nested():
            going_on.run_for_record(app, conn, run, row.step, row.effect["form"], id)
    except sa.exc.DBAPIError as error:
        if is_about_order(error) or is_lost(error):
            raise
        _note_failure(app, conn, run, row, id, error)
        return False
    except Exception as error:
        _note_failure(app, conn, run, row, id, (error.said() or error.error) if isinstance(error, Lost) else error)
        return False
    return True


def _note_failure(app: Application, conn: sa.Connection, run: Run, row: Any, id: int, error: BaseException) -> None:
    going_on.fail_for_record(app, conn, run, row.step, row.effect["form"], id, pausing.in_words(app, error))
