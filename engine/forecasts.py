"""When a record is expected where: the moment its state is due, and when it will have gone the rest of the main path.

The main path: the states that are not aside, in the order of the definition, up to the first final one. A state without
an expected time takes none. Pure functions: the walk, imports and migrations all ask here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.calendars import go_on
from engine.definition import State, Workflow
from engine.expressions import EvaluationFailed
from engine.plans import FormPlan
from engine.promises import mark


@dataclass(frozen=True)
class ExpectedStep:
    """A state of the main path. ``start`` and ``end`` are aware UTC moments, None where nothing can be said: behind
    the record, or while it stands aside."""

    state: State
    start: dt.datetime | None
    end: dt.datetime | None
    place: Literal["done", "here", "ahead"]


def expect(
    plan: FormPlan, row: MutableMapping[str, Any], names: Callable[[], Mapping[str, Any]],
    left: dt.timedelta | None = None,
) -> None:  # fmt: skip
    """Fill in when the record should leave the state it is in (``state_due``) and be done (``forecast_at``).

    ``names``: what expressions over it see; ``left``: what is left of the state's time where it stood still meanwhile.
    """
    state = plan.states[row["state"]]
    over = planned_of(plan, state, row) or _time_over(plan, state, row["state_since"], left)
    ends = (over, deadline_of(plan, state.name, names))
    row["state_due"] = min((end for end in ends if end is not None), default=None)
    row["forecast_at"] = forecast_of(plan, row)
    hold_against(plan, row)


def hold_against(plan: FormPlan, row: MutableMapping[str, Any]) -> None:
    """Fill in from when it is at risk and late, by what is promised."""
    if plan.promise is not None:
        mark(plan.promise, row, is_over=plan.states[row["state"]].final)


def _time_over(plan: FormPlan, state: State, since: dt.datetime, left: dt.timedelta | None) -> dt.datetime | None:
    if state.within is None:
        return None
    times = plan.times[state.name]
    return times.after(since, state.within) if left is None else go_on(times, state.within, since, left)


def deadline_of(plan: FormPlan, state: str, names: Callable[[], Mapping[str, Any]]) -> dt.datetime | None:
    """What ``due_by`` of the state gives; of a date, the end of work on that day."""
    watched = plan.deadlines.get(state)
    if watched is None:
        return None
    try:
        return _moment(plan, state, watched.compiled.evaluate(names()))
    except (EvaluationFailed, OverflowError):
        return None


def planned_of(plan: FormPlan, state: State, row: Mapping[str, Any]) -> dt.datetime | None:
    """When the state is planned to be left, whether the record is in it by now or not; of a date, the end of work."""
    field = plan.planned.get(state.name)
    return _moment(plan, state.name, row[field]) if field else None


def _moment(plan: FormPlan, state: str, value: Any) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    return plan.times[state].end_of(value) if isinstance(value, dt.date) else None


def forecast_of(plan: FormPlan, row: Mapping[str, Any]) -> dt.datetime | None:
    """When the record will have gone the main path, if it leaves its state when that is due and every later state
    takes its expected time, or lasts as it is planned. None in a final or aside state, and where no state from here on
    has a time."""
    here = plan.states.get(row["state"])
    since = row["state_since"]
    if here is None or since is None or here.final or here.aside:
        return None
    rest = ahead(plan.form.workflow, here.name)
    if row["state_due"] is None and not any(state.within or planned_of(plan, state, row) for state in rest):
        return None
    return _through(plan, rest, row["state_due"] or since, row)


def _through(
    plan: FormPlan, states: tuple[State, ...], moment: dt.datetime, row: Mapping[str, Any]
) -> dt.datetime:
    """What is planned counts unless the states before it take longer than that."""
    for state in states:
        planned = planned_of(plan, state, row)
        if planned is not None:
            moment = max(moment, planned)
        elif state.within is not None:
            moment = plan.times[state.name].after(moment, state.within)
    return moment


def main_path(workflow: Workflow | None) -> tuple[State, ...]:
    """The states that are not aside, in order, up to the first final one."""
    found: list[State] = []
    for state in workflow.states.values() if workflow else ():
        if not state.aside:
            found.append(state)
            if state.final:
                break
    return tuple(found)


def ahead(workflow: Workflow | None, name: str) -> tuple[State, ...]:
    """The states of the main path after this one; none after one that does not lie on it."""
    path = main_path(workflow)
    place = next((place for place, state in enumerate(path) if state.name == name), len(path))
    return path[place + 1 :]


def steps_of(plan: FormPlan, row: Mapping[str, Any], now: dt.datetime) -> tuple[ExpectedStep, ...]:
    """The main path of a record, with what is expected of the state it is in and of each to come.

    What is late is expected at ``now`` and moves everything after it: the last step's end is the forecast as it looks
    at this moment, where ``forecast_at`` is the one made when the state was entered. A record that stands aside comes
    back to the state it left, nobody knows when.
    """
    path = main_path(plan.form.workflow)
    aside = row["state"] in plan.states and plan.states[row["state"]].aside
    name = row.get("_previous") if aside else row["state"]
    place = next((place for place, state in enumerate(path) if state.name == name), len(path))
    done = tuple(ExpectedStep(state, None, None, "done") for state in path[:place])
    if aside:
        return done + tuple(ExpectedStep(state, None, None, "ahead") for state in path[place:])
    return done + _from_here(plan, row, now, path[place:])


def _from_here(
    plan: FormPlan, row: Mapping[str, Any], now: dt.datetime, states: tuple[State, ...]
) -> tuple[ExpectedStep, ...]:
    if not states:
        return ()
    here, *rest = states
    moment = max(row["state_due"] or now, now)
    found = [ExpectedStep(here, row["state_since"], None if here.final else moment, "here")]
    for state in rest:
        end = _through(plan, (state,), moment, row)
        found.append(ExpectedStep(state, moment, end, "ahead"))
        moment = end
    return tuple(found)
