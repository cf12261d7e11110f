"""What follows from a change in other records: rollups over the changed rows, and what is worked out from rollups.

Nobody changed those records, so they get no new version and no event, and no rule is woken for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import sqlalchemy as sa

from engine import stays
from engine.differences import Differences
from engine.forecasts import expect
from engine.passage import Passage, Walk
from engine.plans import FormPlan
from engine.promises import TIMES
from engine.recomputing import recompute_rows
from engine.sight import Row
from engine.storage import rollups
from engine.timing import dates, timeouts

Pair = tuple[Row | None, Row | None]  # a changed row before and after
MOST_ROUNDS = 8  # a figure over figures over figures …


def follow(passage: Passage) -> None:
    """Everything that looks at the record or its lines."""
    refresh(passage.walk, passage.plan, [(passage.before, passage.row)])
    for name, rows in passage.lines.items():
        refresh(passage.walk, passage.plan.lines[name].plan, _pairs(passage.stored_lines[name], rows))
    if passage.plan.deadlines_fed:
        stored = passage.walk.sight.load(passage.plan.form.name, passage.row["id"]) or passage.row
        passage.row.update({name: stored[name] for name in TIMES})


def _pairs(stored: dict[int, Row], rows: Sequence[Row]) -> list[Pair]:
    changed: list[Pair] = [(stored.get(row["id"]), row) for row in rows if stored.get(row["id"]) != row]
    kept = {row["id"] for row in rows}
    return changed + [(row, None) for id, row in stored.items() if id not in kept]


def refresh(walk: Walk, plan: FormPlan, pairs: Sequence[Pair]) -> None:
    waiting: list[tuple[str, Sequence[Pair]]] = [(plan.form.name, pairs)] if pairs else []
    for _round in range(MOST_ROUNDS):
        if not waiting:
            return
        waiting = [
            (form, again)
            for name, changed in waiting
            for form, ids in rollups.refresh(walk.conn, walk.app.tables, name, changed, Differences(walk)).items()
            if (again := _worked_out_from_rollups(walk, form, ids))
        ]


def _worked_out_from_rollups(walk: Walk, form: str, ids: Iterable[int]) -> list[Pair]:
    """The rows whose computed fields changed with their rollups, before and after."""
    plan = walk.app.plans.form(form)
    walk.sight.forget(form, ids)
    pairs = recompute_rows(walk.sight, plan, ids, plan.fed) if plan.fed else []
    if plan.deadlines_fed:
        _follow_deadlines(walk, plan, ids)
    for before, after in pairs if form in walk.app.plans.timed.dates else ():
        if after is not None:
            dates.follow(walk, form, before, after, None)
    return pairs


def _follow_deadlines(walk: Walk, plan: FormPlan, ids: Iterable[int]) -> None:
    """Where what a state is to be done by reads a sum over other records, it moves with them, timers and all."""
    for id in ids:
        row = walk.sight.load(plan.form.name, id)
        if row is None or row["deleted_at"] is not None or (row["state"] not in plan.deadlines and not plan.planned):
            continue
        new, view = dict(row), walk.sight.view(plan.form, row)
        left = stays.left_of(walk, plan, row) if plan.pausing else None
        expect(plan, new, partial(walk.sight.with_record, view), left)
        times = {name: new[name] for name in TIMES if new[name] != row[name]}
        if times:
            walk.conn.execute(sa.update(plan.table).where(plan.table.c.id == id).values(times))
            walk.sight.remember(plan.form.name, new)
            stays.move_due(walk, plan, new)
            timeouts.moved(walk, plan.form.name, new, None)
