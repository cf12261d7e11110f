"""The answers to a rush order as JSON: what the screen shows, and exactly what applying one of them will write."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.api import Application, Word, get
from plugins.planning import rush
from plugins.planning.budget import Budget
from plugins.planning.floor.reading import PLANNER
from plugins.planning.floor.rushing import FORM, Question, bare, question
from plugins.planning.measure import ends
from plugins.planning.measures import Overtime, with_order
from plugins.planning.rush import RedList
from plugins.planning.sealing import Change, changes
from plugins.planning.shapes import Alternative, Assignment, Impact, Schedule

KIND = "rush_order"
MACHINES, BARS = 14, 1500  # what of the plan as it was is kept for the picture


def simulate(app: Application, params: Mapping[str, Any], word: Word) -> Mapping[str, Any]:
    """The long work: ``case``, ``seconds``, and for a mix by hand ``may_move``, ``outside`` and ``longer``."""
    asked = question(app, get(app, PLANNER, FORM, params["case"]))
    found: dict[str, Any] = {
        "now": asked.problem.now, "order": asked.rush.id, "wanted": asked.rush.due, "movable": _movable(asked),
        "may_leave": _may_leave(asked), "longer": bool(asked.measures.overtime), "own": _stood(asked),
        "alternatives": [],
    }  # fmt: skip

    def told(one: RedList | Alternative) -> None:
        if isinstance(one, RedList):
            found["red"] = _red(asked, one)
        else:
            found["alternatives"].append(shown(asked, one))
        word.found(found)
        word.progress(len(found["alternatives"]) + 1, len(rush.NAMES) + 1)

    budget = Budget(float(params["seconds"]), time.monotonic, word.cancelled)
    plan = (asked.problem, asked.plan, asked.rush, asked.operations)
    if "may_move" in params:
        overtime = asked.measures.overtime if params["longer"] else Overtime()
        told(rush.mixed(*plan, may_move=params["may_move"], overtime=overtime, outside=params["outside"],
                        budget=budget))  # fmt: skip
    else:
        rush.alternatives(*plan, asked.measures, budget, told=told)
    return {**found, **_picture(asked, found["alternatives"])}


def _stood(asked: Question) -> dict[str, Any]:
    """Where the operations of the rush order stand in the plan as it is."""
    lines = asked.floor.plan.assignments
    return {one.id: _line(lines[one.id]) for one in asked.operations if one.id in lines}


def _movable(asked: Question) -> list[str]:
    return sorted((order.id for order in asked.problem.orders.values() if order.movable), key=int)


def _may_leave(asked: Question) -> list[list[str]]:
    """[operation, name, order] of what may be done outside, the rush order's own first."""
    own = {one.id for one in asked.operations}
    every = {**{one.id: one for one in asked.operations}, **asked.problem.operations}
    able = [one for one in every.values() if one.outside is not None and one.locked is None]
    able.sort(key=lambda one: (one.id not in own, int(one.order), one.id))
    return [[one.id, asked.floor.names.get(one.id, one.id), one.order] for one in able[:100]]


def _red(asked: Question, red: RedList) -> dict[str, Any]:
    lines = [[*_impact(one.impact), one.key] for one in red.delayed]
    why = rush.why_order(with_order(asked.problem, asked.rush, asked.operations), red.schedule, asked.rush.id)
    chain = [[asked.floor.names.get(link.operation, ""), link.reason.kind,
              asked.floor.names.get(link.reason.of, link.reason.of)] for link in why]  # fmt: skip
    return {"end": red.end, "lines": lines, "why": chain}


def _impact(one: Impact) -> list[Any]:
    return [one.order, one.old_end, one.new_end, one.late, one.penalty]


def shown(asked: Question, one: Alternative) -> dict[str, Any]:
    """What somebody compares, and the lines it would write."""
    whole = rush.measured(asked.problem, asked.rush, asked.operations, one)
    moved = [each for each in changes(asked.plan, bare(one.schedule)) if each.moves]
    orders = asked.problem.orders
    return {
        "name": one.name, "end": ends(whole, one.schedule)[asked.rush.id], "cost": one.cost, "overtime": one.overtime,
        "outside": list(one.outside), "added": [list(each) for each in one.added], "changeovers": one.changeovers,
        "late_orders": one.late_orders, "moved_promises": one.moved_promises, "same_as": one.same_as,
        "why_not": one.why_not,
        "impacts": [[*_impact(each), orders[each.order].key] for each in one.impacts
                    if each.order in orders and each.new_end != each.old_end],
        "changes": [[each.operation, _line(each.before), _line(each.after)] for each in moved],
    }  # fmt: skip


def _line(line: Assignment | None) -> list[Any] | None:
    return None if line is None else [line.machine, line.start, line.end]


def changes_of(answer: Mapping[str, Any]) -> tuple[Change, ...]:
    """The lines of ``shown`` as the core knows them."""
    return tuple(
        Change(operation, assignment(operation, before), assignment(operation, after))
        for operation, before, after in answer["changes"]
    )


def assignment(operation: str, line: Sequence[Any] | None) -> Assignment | None:
    return None if line is None else Assignment(operation, str(line[0]), int(line[1]), int(line[2]))


def alternative_of(answer: Mapping[str, Any], schedule: Schedule) -> Alternative:
    added = tuple((str(machine), int(start), int(end)) for machine, start, end in answer["added"])
    blank = Alternative(answer["name"], schedule, (), answer["cost"])
    return replace(blank, overtime=answer["overtime"], outside=tuple(answer["outside"]), added=added)


# --- the picture -----------------------------------------------------------------------------------------------------


def _picture(asked: Question, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The machines on which most changes, and what stood on them; the names of operations and their orders."""
    counts: dict[str, int] = {}
    for answer in answers:
        for _operation, *lines in answer["changes"]:
            for line in lines:
                if line is not None and line[0] in asked.floor.machines:
                    counts[line[0]] = counts.get(line[0], 0) + 1
    machines = sorted(counts, key=lambda id: (-counts[id], int(id)))[:MACHINES]
    last = max((line[2] for answer in answers for _o, *lines in answer["changes"] for line in lines if line), default=0)
    before = [
        [one.operation, one.machine, one.start, one.end]
        for one in sorted(asked.plan.assignments.values(), key=lambda one: one.start)
        if one.machine in machines and one.end > asked.problem.now and one.start < last
    ][:BARS]
    seen = {line[0] for line in before} | {line[0] for answer in answers for line in answer["changes"]}
    operations = {**asked.problem.operations, **{one.id: one for one in asked.operations}}
    names = {id: [asked.floor.names.get(id, id), operations[id].order] for id in seen if id in operations}
    return {"machines": machines, "before": before, "names": names, "until": last}
