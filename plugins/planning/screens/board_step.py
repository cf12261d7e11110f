"""What stands behind a bar of the board: the order, why it does not begin earlier, what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.api import every, get
from engine.api.screens import actor, application, render, shown_moment, translate
from plugins.planning.floor.by_hand import may_move
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import Floor, read
from plugins.planning.floor.time import moment
from plugins.planning.floor.writing import WHY
from plugins.planning.indexed import Indexed
from plugins.planning.reasons import schedule
from plugins.planning.shapes import Operation, Reason
from plugins.planning.timeline import Board


@dataclass(frozen=True)
class Behind:
    """``why`` is empty for what is not in the plan; ``waits``: what has to be there before it, and until when."""

    row: Mapping[str, Any]
    order: Mapping[str, Any]
    machine: str
    span: str
    why: str
    waits: tuple[tuple[str, str], ...]
    begun: bool
    pinned: bool
    may_release: bool


def behind_bar(id: int) -> str:
    app, who = application(), actor()
    row = get(app, who, "job_step", id)
    orders = list(every(app, who, "order", ids=[row["order"]]))
    machines = list(every(app, who, "machine", ids=[row["machine"]] if row["machine"] else []))
    floor, start = read(app, ready(app)), row["planned_start"]
    one = floor.problem.operations.get(str(id))
    begun = bool(row.get("reports") or (start and start <= app.clock()))
    found = Behind(
        row, orders[0] if orders else {}, str(machines[0]["_title"]) if machines else "–",
        f"{shown_moment(start)} – {shown_moment(row['planned_end'])}" if start else "", _why(floor, str(id)),
        tuple(_waits(floor, one)) if one else (), begun, bool(row.get("frozen")), may_move(app, who),
    )  # fmt: skip
    return render("planning_board_step.html", layout="fragment.html", found=found)


def _why(floor: Floor, operation: str) -> str:
    """Worked out of the plan in force: what is kept with the record is in one language, and may have changed since."""
    if operation not in floor.plan.assignments:
        return ""
    plan = schedule(Board.of(Indexed.of(floor.problem), floor.plan))
    return reason_said(floor, plan.assignments[operation].reason)


def reason_said(floor: Floor, reason: Reason) -> str:
    """With the name of the other operation where the reader may see it."""
    of = _name(floor, reason.of) if reason.of in floor.problem.operations else reason.of
    pattern = WHY[reason.kind]
    return translate(pattern, **({"of": of} if "{of}" in pattern else {}))


def _name(floor: Floor, operation: str) -> str:
    row = floor.rows.get(operation)
    if row is None or row["id"] < 0:  # a promise that is held
        return translate("another operation")
    found = list(every(application(), actor(), "job_step", ids=[row["id"]]))
    return str(found[0]["_title"]) if found else translate("another operation")


def _waits(floor: Floor, one: Operation) -> Iterable[tuple[str, str]]:
    for wait in one.after:
        line = floor.plan.assignments.get(wait.operation)
        if line is not None:
            yield _name(floor, wait.operation), shown_moment(moment(line.end))
    if one.earliest > floor.problem.now:
        yield one.material or translate("The mould"), shown_moment(moment(one.earliest))
