"""A rush order written into the plan, exactly as it was shown, or not at all; and taken back.

Nobody holds the plan while people decide. So each line that an answer changes has to be as it was when it was worked
out, nothing may begin in the past by now, no rule of the plan may be broken and every order has to be ready when it was
said to be. Otherwise it is refused, and simulated again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from engine.api import (
    Application,
    AppmillError,
    Refused,
    Together,
    get,
    look_at_work,
    message,
    records,
    say,
    together,
)
from plugins.planning import rush
from plugins.planning.checked import violations
from plugins.planning.floor.errands import Deciding
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import PLANNER, Floor, Row, read
from plugins.planning.floor.rush_answers import KIND, alternative_of, assignment, changes_of
from plugins.planning.floor.rushing import FORM, NEW, Question, bare, enter_order, question
from plugins.planning.floor.time import moment
from plugins.planning.floor.writing import values_of, write_in
from plugins.planning.measure import ends
from plugins.planning.repair import repaired
from plugins.planning.sealing import Change, applied, late, undoable
from plugins.planning.shapes import Problem, Schedule

STEP = "rush_order_step"


@dataclass(frozen=True, kw_only=True)
class RushOrder(Deciding):
    """Write the chosen answer to a rush order into the plan, or take it back, as the state of the record says."""

    type: ClassVar[str] = KIND
    errand: ClassVar[str] = STEP


def follow_up(app: Application, _data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The errand: everything that is to be applied or undone now."""
    done = []
    for case in records(app, PLANNER, FORM, where="record.state in ('applying', 'undoing')", sort=["state_since"]):
        apply_it = case["state"] == "applying"
        try:
            (apply if apply_it else take_back)(app, get(app, PLANNER, FORM, case["id"]))
        except AppmillError as refused:
            reason = say(refused.args[0], app.definition.languages[0])[:500]
            with together(app, PLANNER) as walks:
                walks.take(FORM, case["id"], "stale" if apply_it else "too_late", reason=reason)
        done.append(case["number"])
    return {"cases": done}


# --- applying --------------------------------------------------------------------------------------------------------


def apply(app: Application, case: Row) -> None:
    """Raises Refused with what has changed since."""
    answer = answer_of(app, case)
    with together(app, PLANNER) as walks:
        asked = question(app, case, walks)
        whole, after = _checked(asked, answer)
        ids, order = _made(walks, app, asked, case)
        floor = _plain(asked, whole)
        names = say(message("Rush order {number}", number=case["number"]), app.definition.languages[0])
        _overtime(walks, case, answer)
        write_in(walks, app, floor, _without(after, asked), names, case["updated_by"])
        _write_own(walks, app, asked, whole, after, ids)
        walks.save("order", {"priority": "rush", "due_on": case["wanted_on"]}, id=order)
        if asked.jobs:
            walks.save(FORM, {"made_order": order}, id=case["id"])
        walks.take(FORM, case["id"], "written")


def answer_of(app: Application, case: Row) -> Mapping[str, Any]:
    found = look_at_work(app, case["chosen_work"] or 0, KIND).result
    for answer in found.get("alternatives", ()):
        if answer["name"] == case["choice"]:
            return dict(answer)
    raise Refused(message("The simulation this was chosen from is gone; simulate again."))


def _checked(asked: Question, answer: Mapping[str, Any]) -> tuple[Problem, Schedule]:
    """The problem with what is bought, and the plan that is written; raises Refused."""
    lines = changes_of(answer)
    try:
        after = applied(asked.plan, lines)
    except ValueError as broken:
        raise Refused(message("The plan has changed since it was simulated.")) from broken
    if late(lines, asked.problem.now):
        raise Refused(message("Something would have to begin at a time that has passed by now."))
    whole = rush.measured(asked.problem, asked.rush, asked.operations, alternative_of(answer, after))
    before = {(one.operation, one.rule) for one in violations(asked.problem, asked.plan)}
    broken_now = [one for one in violations(whole, after) if (one.operation, one.rule) not in before]
    if broken_now:
        raise Refused(message("It no longer fits: machines, moulds, material or times have changed."))
    settled = repaired(whole, after)  # with the reasons of its starts
    if bare(settled) != bare(after):
        raise Refused(message("It no longer fits: machines, moulds, material or times have changed."))
    new = ends(whole, after)
    told = {asked.rush.id: answer["end"], **{order: end for order, _old, end, *_rest in answer["impacts"]}}
    if any(new.get(order) != end for order, end in told.items()):
        raise Refused(message("Orders would be ready at other times than were shown."))
    return whole, settled


def _plain(asked: Question, whole: Problem) -> Floor:
    """The floor without the rush order, with the calendars that count now."""
    own = {one.id for one in asked.operations}
    operations = {id: one for id, one in whole.operations.items() if id not in own}
    orders = {id: one for id, one in whole.orders.items() if id != asked.rush.id}
    kept = {id: line for id, line in asked.floor.plan.assignments.items() if id not in own}
    return replace(asked.floor, problem=replace(whole, operations=operations, orders=orders), plan=Schedule(kept))


def _without(after: Schedule, asked: Question) -> Schedule:
    own = {one.id for one in asked.operations}
    return Schedule({id: line for id, line in after.assignments.items() if id not in own})


def _made(walks: Together, app: Application, asked: Question, case: Row) -> tuple[dict[str, Row], int]:
    """The steps of the rush order by the id they have in the plan, made now where there were none; and the order."""
    if not asked.jobs:
        ids = {one.id: asked.floor.rows[one.id] for one in asked.operations}
        return ids, int(asked.rush.id)
    order = int(asked.rush.id) if asked.rush.id != str(NEW) else enter_order(walks, app, case)
    found: dict[str, Row] = {}
    planned = {id: row for id, row in asked.floor.rows.items() if row["job"] in asked.jobs}
    for id, job in asked.jobs.items():
        made = walks.save("job", {"order": order, "product": job["product"], "quantity": job["quantity"]}).id
        steps = walks.found("job_step", {"job": made})
        names = [op for op, row in sorted(planned.items(), key=lambda each: -int(each[0])) if row["job"] == id]
        found |= dict(zip(names, steps, strict=True))
    walks.save("order", {"planned": True}, id=order)
    return found, order


def _write_own(
    walks: Together, app: Application, asked: Question, whole: Problem, after: Schedule, ids: Mapping[str, Row]
) -> None:
    floor = replace(asked.floor, problem=whole)
    for one in asked.operations:
        if ids[one.id]["work"] != asked.floor.rows[one.id]["work"]:
            raise Refused(message("The routing of the product has changed."))
        walks.save("job_step", values_of(app, floor, after.assignments[one.id]), id=ids[one.id]["id"])


def _overtime(walks: Together, case: Row, answer: Mapping[str, Any]) -> None:
    for machine, start, end in answer["added"]:
        values = {"machine": int(machine), "begins_at": moment(start), "ends_at": moment(end), "rush_order": case["id"]}
        walks.save("extra_shift", values)


# --- taking back -----------------------------------------------------------------------------------------------------


def take_back(app: Application, case: Row) -> None:
    """Everything stands where it stood, and what was made is gone; raises Refused once something of it has begun."""
    answer, stood = answer_of(app, case), look_at_work(app, case["chosen_work"], KIND).result["own"]
    order = case["made_order"] or case["order"]
    with together(app, PLANNER) as walks:
        floor = read(app, ready(app))
        own = {id: row for id, row in floor.rows.items() if row["order"] == order}
        lines = [one for one in changes_of(answer) if one.operation in floor.rows and one.operation not in own]
        _refuse_begun(floor, lines, own)
        for extra in walks.found("extra_shift", {"rush_order": case["id"]}):
            walks.delete("extra_shift", extra["id"], extra["version"])
        if case["made_order"] is not None:
            _unmake(walks, own.values(), order)
            floor = _rest(floor, own)
        back = {one.operation: one.before for one in lines if one.before is not None}
        stood_there = ((id, assignment(id, line)) for id, line in stood.items() if id in floor.problem.operations)
        own_back = {id: line for id, line in stood_there if line is not None}
        after = Schedule({**bare(floor.plan).assignments, **back, **own_back})
        why = say(message("Rush order {number} taken back", number=case["number"]), app.definition.languages[0])
        write_in(walks, app, floor, after, why, case["updated_by"])
        walks.take(FORM, case["id"], "taken_back")


def _refuse_begun(floor: Floor, lines: Sequence[Change], own: Mapping[str, Row]) -> None:
    begun = {id for id, row in floor.rows.items() if row["reports"]}
    if any(id in begun or _is_locked(floor, id) for id in own):
        raise Refused(message("Work on the rush order has begun."))
    if not undoable(floor.problem, bare(floor.plan), lines, floor.problem.now, begun):
        raise Refused(message("Something that was moved for it has begun, or was moved again since."))


def _is_locked(floor: Floor, operation: str) -> bool:
    one = floor.problem.operations.get(operation)
    return one is not None and one.locked is not None


def _unmake(walks: Together, own: Iterable[Row], order: int) -> None:
    """The jobs that were made when it was applied, with what hangs on them."""
    for job in {row["job"] for row in own}:
        for form in ("job_step", "requirement"):
            for row in walks.found(form, {"job": job}):
                walks.delete(form, row["id"], row["version"])
        (made,) = walks.found("job", {"id": job})
        walks.delete("job", job, made["version"])
    walks.save("order", {"planned": False}, id=order)


def _rest(floor: Floor, own: Collection[str]) -> Floor:
    operations = {id: one for id, one in floor.problem.operations.items() if id not in own}
    kept = {id: line for id, line in floor.plan.assignments.items() if id not in own}
    left = {one.order for one in operations.values()}
    orders = {id: one for id, one in floor.problem.orders.items() if id in left}
    return replace(floor, problem=replace(floor.problem, operations=operations, orders=orders), plan=Schedule(kept))
