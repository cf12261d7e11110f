"""A bar that was dragged: what it would do, shown as a difference of plans; then written, or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import Invalid, every, message
from engine.api.screens import Response, actor, application, render, request, shown_moment, toast
from plugins.planning.floor import by_hand
from plugins.planning.floor.by_hand import Asked, Trial
from plugins.planning.floor.holding import is_held
from plugins.planning.floor.reading import OUTSIDE
from plugins.planning.floor.time import minute, moment
from plugins.planning.screens.board_step import reason_said
from plugins.planning.sealing import Change
from plugins.planning.shapes import Assignment, Impact

MOST = 60  # lines of each list; behind them they are counted
FAR = dt.timedelta(days=400)


@dataclass(frozen=True)
class Line:
    """An operation that moves. ``own``: the one that was dragged; ``other``: it stands on another machine then."""

    step: str
    name: str
    before: str
    after: str
    from_machine: str
    machine: str
    own: bool

    @property
    def other(self) -> bool:
        return self.from_machine != self.machine


@dataclass(frozen=True)
class Touched:
    """An order that is late before or after. ``became``: late, on_time, later or sooner."""

    id: str
    number: str
    before: str
    after: str
    days: int
    became: str


@dataclass(frozen=True)
class Difference:
    """``later``: why it does not begin at the minute asked for, empty where it does."""

    seal: str
    name: str
    start: str
    machine: str
    asked: str
    landed: str
    later: str
    lines: Sequence[Line]
    more: int
    orders: Sequence[Touched]
    unharmed: int
    late: tuple[int, int]
    changeovers: tuple[int, int]


def try_it() -> str:
    asked = _asked(_body())
    trial = by_hand.tried(application(), actor(), asked)
    return render("planning_board_difference.html", layout="fragment.html", found=_difference(trial, asked))


def apply_it() -> Response:
    body = _body()
    by_hand.apply(application(), actor(), _asked(body), str(body.get("seal", "")))
    toast(message("The plan is changed."))
    return Response(status=204)


def release_it(id: int) -> Response:
    by_hand.release(application(), actor(), id)
    toast(message("Planning may move it again."))
    return Response(status=204)


# --- what is asked ---------------------------------------------------------------------------------------------------


def _body() -> Mapping[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise _unclear()
    return body


def _asked(body: Mapping[str, Any]) -> Asked:
    return Asked(_id(body.get("step")), _id(body.get("machine")), _moment(body.get("start")))


def _id(value: Any) -> int:
    if type(value) is int and 0 < value < 2**31:
        return value
    raise _unclear()


def _moment(value: Any) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not _is_near(found):
        raise _unclear()
    return found


def _is_near(at: dt.datetime) -> bool:
    return abs(at - application().clock()) < FAR


def _unclear() -> Invalid:
    return Invalid(message("Say which operation goes to which machine, and when: step, machine, start."), [])


# --- what is shown ---------------------------------------------------------------------------------------------------


def _difference(trial: Trial, asked: Asked) -> Difference:
    found, floor = trial.moved, trial.floor
    lines = [one for one in found.lines if not is_held(one.operation)]
    orders = list(_orders(trial))
    before, after = found.late
    names = _names(one.operation for one in lines[:MOST])
    return Difference(
        found.seal, names.get(found.operation, ""), asked.start.isoformat(), found.landed.machine,
        shown_moment(asked.start), shown_moment(moment(found.landed.start)),
        reason_said(floor, found.landed.reason) if found.landed.start > minute(asked.start) else "",
        [_line(trial, one, names) for one in lines[:MOST]], max(0, len(lines) - MOST),
        orders[:MOST], _unharmed(trial), (_count(before), _count(after)), found.changeovers,
    )  # fmt: skip


def _names(operations: Iterable[str]) -> dict[str, str]:
    rows = every(application(), actor(), "job_step", ids=[int(each) for each in operations])
    return {str(row["id"]): str(row["_title"]) for row in rows}


def _line(trial: Trial, one: Change, names: Mapping[str, str]) -> Line:
    assert one.after is not None  # what is gone is not among the lines
    return Line(
        one.operation, names.get(one.operation, "–"), _span(one.before), _span(one.after), _machine(trial, one.before),
        _machine(trial, one.after), one.operation == trial.moved.operation,
    )  # fmt: skip


def _span(one: Assignment | None) -> str:
    return f"{shown_moment(moment(one.start))} – {shown_moment(moment(one.end))}" if one else ""


def _machine(trial: Trial, one: Assignment | None) -> str:
    if one is None or one.machine.startswith(OUTSIDE):
        return "–"
    return str(trial.floor.machines[one.machine]["_title"])


def _orders(trial: Trial) -> Iterable[Touched]:
    """Those that are late before or after, what becomes worse first."""
    before, after = trial.moved.late
    told = [one for one in trial.moved.impacts if one.order in before | after and not is_held(one.order)]
    rows = every(application(), actor(), "order", ids=[int(one.order) for one in told])
    numbers = {str(row["id"]): str(row["number"]) for row in rows}
    for one in sorted(told, key=lambda one: (one.order not in after, one.order in before, -one.late)):
        yield Touched(one.order, numbers.get(one.order, "–"), shown_moment(moment(one.old_end)),
                      shown_moment(moment(one.new_end)), one.late, _became(one, before, after))  # fmt: skip


def _became(one: Impact, before: frozenset[str], after: frozenset[str]) -> str:
    if one.order not in after:
        return "on_time"
    if one.order not in before:
        return "late"
    return "later" if one.new_end > one.old_end else "sooner"


def _unharmed(trial: Trial) -> int:
    before, after = trial.moved.late
    return sum(one.order not in before | after and not is_held(one.order) for one in trial.moved.impacts)


def _count(orders: Iterable[str]) -> int:
    return sum(not is_held(one) for one in orders)
