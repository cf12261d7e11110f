"""One executor for what rules want: every effect takes the same walk as a person's change, one level deeper."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import matching, notices
from engine.application import Application
from engine.definition import Rule
from engine.effects import CreateRecord, Effect, Notify, Reassign, Refuse, SetValues, TakeTransition, UpdateMatching
from engine.errors import AppmillError, Invalid, Missing, Problem, Refused, message
from engine.expressions import Compiled, EvaluationFailed, NotInSql, to_sql
from engine.language import Label
from engine.passage import Walk
from engine.plans import FormPlan
from engine.program import Stretch
from engine.rules import Decision, broken, name_of, of_run
from engine.runs import LATER, Opening, Run, open_run, post
from engine.timing import finished


@dataclass(frozen=True)
class Request:
    """One change asked of the walk. ``values`` are plain values out of expressions."""

    form: str
    id: int | None
    values: Mapping[str, Any]
    transition: str | None = None
    reason: str | None = None
    owner: tuple[int | None, str | None] | None = None  # who is responsible from now on: a user, or a role


Change = Callable[[Walk, Request], Any]


def perform(
    walk: Walk, decisions: Sequence[Decision], event_id: int, change: Change, *, form: str, record_id: int
) -> None:
    """Do what the rules decided, in order. An effect that is refused refuses the change that woke the rule."""
    for decision in decisions:
        if decision.stretch.wanted:
            opening = Opening(
                rule=decision.rule, key=f"e{event_id}:{decision.rule.stable_id}", form=form, record_id=record_id,
                event_id=event_id, lane=lane_of(walk, decision, form, record_id),
                trace=of_run(decision.stretch, decision.trace),
                later=leaves_something(decision.stretch), next=decision.stretch.next,
            )  # fmt: skip
            carry_out(walk, open_run(walk, opening), decision.rule, decision.stretch, event_id, change)


def leaves_something(stretch: Stretch) -> bool:
    """Whether the run is not over with what is done at once."""
    return any(isinstance(wanted.effect, LATER) for wanted in stretch.wanted)


def lane_of(walk: Walk, decision: Decision, form: str | None, record_id: int | None) -> str | None:
    """What runs of the rule share that its mode keeps apart."""
    return decision.key if decision.rule.key else f"{form}:{record_id}" if form else ""


def carry_out(walk: Walk, run: Run, rule: Rule, stretch: Stretch, event_id: int | None, change: Change) -> None:
    """Do what can be done at once and leave messages for the rest; nothing where the run stands aside."""
    if run.state not in ("working", "done"):
        return
    for wanted in stretch.wanted:
        if isinstance(wanted.effect, LATER):
            post(walk, run, wanted)
        else:
            _do(walk, run, rule, wanted.effect, event_id, change)
    if run.state == "done":
        finished.tell(walk.app, walk.conn, run.id, walk.chain)


def _do(walk: Walk, run: Run, rule: Rule, effect: Effect, event_id: int | None, change: Change) -> None:
    deeper = walk.deeper(rule.name, event_id, run.id)
    try:
        _PERFORM[type(effect)](deeper, effect, change, event_id)
    except Refused as refused:
        if isinstance(effect, Refuse) or refused.reason.pattern.startswith(_ALREADY_NAMED):
            raise
        raise _because_of(rule, refused) from refused
    except (Invalid, Missing) as refused:
        raise _because_of(rule, refused) from refused
    except EvaluationFailed as failed:
        raise broken(rule, failed) from failed


_ALREADY_NAMED = ("Rules wake each other", "The rule “{rule}”", "{text}")


def _because_of(rule: Rule, refused: AppmillError) -> Refused:
    reasons: tuple[Any, ...] = tuple(problem.message for problem in refused.problems) or (refused.reason,)
    return Refused(
        message("The rule “{rule}” could not do its part, so nothing was saved: {reasons}",
                rule=name_of(rule), reasons=reasons)
    )  # fmt: skip


def _set(walk: Walk, effect: SetValues, change: Change, event_id: int | None) -> None:
    change(walk, Request(effect.form, effect.id, effect.values))


def _create(walk: Walk, effect: CreateRecord, change: Change, event_id: int | None) -> None:
    same = {name: effect.values.get(name) for name in effect.once}
    if not same or not matching.is_there(walk, effect.form, same):
        change(walk, Request(effect.form, None, effect.values))


def _take(walk: Walk, effect: TakeTransition, change: Change, event_id: int | None) -> None:
    change(walk, Request(effect.form, effect.id, {}, effect.transition, effect.reason))


def _reassign(walk: Walk, effect: Reassign, change: Change, event_id: int | None) -> None:
    owner = (effect.user, None if effect.user is not None else effect.role)
    change(walk, Request(effect.form, effect.id, {}, reason=effect.reason, owner=owner))


def _refuse(walk: Walk, effect: Refuse, change: Change, event_id: int | None) -> None:
    said = message("{text}", text=Label(effect.texts))
    raise Refused(said, [Problem("", said)])


def _notify(walk: Walk, effect: Notify, change: Change, event_id: int | None) -> None:
    notices.notify(walk, effect, event_id)


# --- changing all that match -----------------------------------------------------------------------------------------


def _update(walk: Walk, effect: UpdateMatching, change: Change, event_id: int | None) -> None:
    for id in _matching(walk, effect):
        row = walk.sight.load(effect.form, id)
        if row is None:
            continue
        view = walk.sight.view(walk.app.plans.form(effect.form).form, row)
        names = {**effect.names, "record": view}
        values = {name: walk.app.plans.compile(source).evaluate(names) for name, source in effect.values.items()}
        change(walk, Request(effect.form, id, values))


def _matching(walk: Walk, effect: UpdateMatching) -> list[int]:
    """The ids for which ``where`` holds, by SQL where it can be said in SQL; more than the limit is refused."""
    plan, app = walk.app.plans.form(effect.form), walk.app
    only = _the_one(app, effect.where)
    if only is not None:
        id = only.evaluate(effect.names)
        row = walk.sight.load(effect.form, id) if isinstance(id, int) else None
        return [] if row is None or row["deleted_at"] is not None else [row["id"]]
    compiled = app.plans.compile(effect.where)
    query = sa.select(plan.table.c.id).where(plan.table.c.deleted_at.is_(None)).order_by(*_order(plan, effect.sort))
    try:
        names = {name: thing for name, thing in effect.names.items() if name not in ("record", "user")}
        query = query.where(to_sql(compiled, plan.form, app.tables, walk.actor, app.clock, names=names))
        found = [row[0] for row in walk.conn.execute(query.limit(effect.limit + 1))]
    except NotInSql:
        found = _matching_one_by_one(walk, effect, [row[0] for row in walk.conn.execute(query)])
    if len(found) > effect.limit:
        raise Refused(
            message("More than {limit} records of {form} match; the rule changes at most that many.",
                    limit=effect.limit, form=plan.form.label)
        )  # fmt: skip
    return found


def _order(plan: FormPlan, sort: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """Empty values come last, on both databases."""
    columns = [(plan.table.c[key.removeprefix("-")], key.startswith("-")) for key in sort]
    found = [column.desc().nulls_last() if down else column.asc().nulls_last() for column, down in columns]
    return [*found, plan.table.c.id.asc()]


def _the_one(app: Application, where: str) -> Compiled | None:
    """Of ``record == source.project`` the right side: one known record is asked for, and no search is needed."""
    kept: dict[str, Compiled | None] = app.plans.kept.setdefault("the one record", {})
    if where not in kept:
        body = app.plans.compile(where).tree.body
        kept[where] = None
        if isinstance(body, ast.Compare) and len(body.ops) == 1 and isinstance(body.ops[0], ast.Eq):
            right = body.comparators[0]
            named = {node.id for node in ast.walk(right) if isinstance(node, ast.Name)}
            if isinstance(body.left, ast.Name) and body.left.id == "record" and "record" not in named:
                kept[where] = app.plans.compile(ast.unparse(right))
    return kept[where]


def _matching_one_by_one(walk: Walk, effect: UpdateMatching, ids: list[int]) -> list[int]:
    compiled, form = walk.app.plans.compile(effect.where), walk.app.plans.form(effect.form).form
    walk.sight.prime(effect.form, ids)
    return [
        id
        for id in ids
        if (row := walk.sight.load(effect.form, id)) is not None
        and compiled.holds({**effect.names, "record": walk.sight.view(form, row)})
    ]


_PERFORM: Mapping[type[Effect], Callable[[Walk, Any, Change, int | None], None]] = {
    SetValues: _set,
    CreateRecord: _create,
    UpdateMatching: _update,
    TakeTransition: _take,
    Reassign: _reassign,
    Refuse: _refuse,
    Notify: _notify,
}
