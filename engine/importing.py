"""Records that began their life elsewhere: brought in whatever state they are in, with what happened before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine import checking, computing, following, matching, moving, stays, walking, writing
from engine.errors import Invalid, Problem, message
from engine.forecasts import expect
from engine.intake import Given
from engine.passage import Passage, Walk
from engine.people import load_people
from engine.plans import FormPlan
from engine.storage import series
from engine.timing import dates, timeouts
from engine.walking import Saved


def adopt(walk: Walk, plan: FormPlan, given: Given, state: str | None, history: Sequence[Mapping[str, Any]]) -> Saved:
    """The checks of a save, but no rule is woken, and what is required on the way is not asked for again."""
    passage = Passage(walk, plan, None, computing.empty_row(plan), kind="adopted")
    visits = _place(passage, state, history)
    computing.lay_over(passage, given)
    for lines in plan.lines.values():
        computing.read_lines(passage, lines)
    computing.fill_in(passage)
    _reserve_numbers(passage)
    computing.draw_numbers(passage)
    matching.find_links(passage, walking.make)
    computing.compute(passage)
    checking.require(passage)
    checking.check(passage)
    checking.check_links(passage)
    checking.check_people(passage)
    checking.check_files(passage)
    checking.check_unique(passage)
    passage.refuse_problems()
    _settle(passage, visits)
    writing.write(passage)
    following.follow(passage)
    event_id = writing.append_event(passage, None)
    if passage.row.get("state") is not None:
        stays.write_history(walk, plan, passage.row["id"], visits)
        visit = stays.enter(walk, plan, passage.row, by=_entered_by(visits))
        timeouts.adopted(walk, plan.form.name, passage.row, visit, event_id)
    dates.follow(walk, plan.form.name, None, passage.row, event_id)
    walking.index(passage)
    return walking.saved(passage, event_id)


def _place(passage: Passage, state: str | None, history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    plan = passage.plan
    if plan.form.workflow is None:
        if state is not None or history:
            raise _wrong("state", "{form} has no states.", form=plan.form.label)
        return []
    state = state or plan.form.workflow.initial
    if state not in plan.states:
        raise _wrong("state", "There is no state {state}.", state=state)
    passage.row["state"] = state
    visits = stays.read_history(plan, history, state, passage.walk.now)
    _refuse_strangers(passage, visits)
    if plan.states[state].aside:
        earlier = [visit["state"] for visit in visits if not plan.states[visit["state"]].aside]
        passage.row["_previous"] = earlier[-1] if earlier else None
    return visits


def _refuse_strangers(passage: Passage, visits: Sequence[Mapping[str, Any]]) -> None:
    named = {visit[name] for visit in visits for name in ("entered_by", "left_by")} - {None, passage.walk.actor.id}
    unknown = named - load_people(passage.walk.conn, passage.walk.app.tables, named).keys() if named else ()
    for id in sorted(unknown):
        passage.problem("history", message("There is no user {who}.", who=id))


def _entered_by(visits: Sequence[Mapping[str, Any]]) -> int | None:
    """Who brought the record into its present state: who left the last one, or who began the open visit."""
    if not visits:
        return None
    by: int | None = visits[-1]["entered_by" if visits[-1]["left_at"] is None else "left_by"]
    return by


def _wrong(where: str, pattern: str, **values: Any) -> Invalid:
    reason = message(pattern, **values)
    return Invalid(reason, [Problem(where, reason)])


def _settle(passage: Passage, visits: Sequence[Mapping[str, Any]]) -> None:
    """It is in its state since the last visit said so, and was created when the first began."""
    moving.settle_state(passage)
    row = passage.row
    if not visits:
        return
    last = visits[-1]
    row["created_at"] = visits[0]["entered_at"]
    row["state_since"] = last["left_at"] or last["entered_at"]
    expect(passage.plan, row, lambda: passage.names(passage.view()))


def _reserve_numbers(passage: Passage) -> None:
    """Numbers that came along are not drawn a second time."""
    walk, plan = passage.walk, passage.plan
    for field in plan.series:
        given = passage.row.get(field.name)
        number = _number_in(field, given)
        if number is not None:
            period = _period_in(field, given)
            if period is not None:
                name = series.series_name(plan.form.name, field)
                series.reserve(walk.conn, walk.app.tables, name, period, number)


def _number_in(field: Any, text: str | None) -> int | None:
    """The count inside a text of the series; None when the text does not look like one of it."""
    found = _matched(field, text)
    return int(found["number"]) if found else None


def _matched(field: Any, text: str | None) -> dict[str, str] | None:
    if not text:
        return None
    widths = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2, "%V": 2}
    pattern = "".join(
        re.escape(piece) if kind == "text" else rf"(?P<number>\d{{{len(piece)},18}})" if kind == "number"
        else rf"(?P<{piece[1:]}>\d{{{widths[piece]}}})"
        for kind, piece in field.pieces
    )  # fmt: skip
    found = re.fullmatch(pattern, text, re.ASCII)
    return found.groupdict() if found else None


def _period_in(field: Any, text: str | None) -> str | None:
    """The period the text was drawn in, as ``field.period`` writes it."""
    found = _matched(field, text)
    if found is None:
        return None
    return "-".join(found[piece[1:]] for kind, piece in field.pieces if kind == "date")
