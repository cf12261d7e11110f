"""Calendars: whether their texts mean something, whether one is followed where working hours are counted, and whether
what a state says about its time can be."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zoneinfo import available_timezones

from engine.calendars import Calendar, Mistake, read_days, read_shift, read_weekdays
from engine.calendars.declared import WEEKDAYS
from engine.checks.expressions import scope_of
from engine.checks.review import Leaf, Review
from engine.definition import Rule, State
from engine.errors import message
from engine.expressions import ExpressionRefused, compile_expression
from engine.expressions.check import examine
from engine.holidays import public_holidays
from engine.language import Duration, Expression
from engine.yamlfile import Path


def check_calendars(review: Review) -> None:
    for name, calendar in review.definition.calendars.items():
        _calendar(review, calendar, ("calendars", name))
    defaults = [name for name, calendar in review.definition.calendars.items() if calendar.default]
    for name in defaults[1:]:
        said = message("The calendar '{name}' is the default one already; only one can be.", name=defaults[0])
        review.error(("calendars", name, "default"), said)
    for leaf in review.leaves:
        _length(review, leaf, bool(defaults))
        _deadline(review, leaf)
    for form in review.forms:
        for state in form.workflow.states.values() if form.workflow else ():
            _state(review, state, ("forms", form.name, "workflow", "states", state.name))


# --- one calendar


def _calendar(review: Review, calendar: Calendar, path: Path) -> None:
    taken: dict[int, str] = {}
    for days, shifts in calendar.shifts.items():
        at = (*path, "shifts", days)
        found: Sequence[int] | None = _read(review, at, days, read_weekdays, at_key=True)
        for day in found or ():
            if day in taken:
                said = message("{day} has its shifts in '{other}' already.", day=WEEKDAYS[day], other=taken[day])
                review.error(at, said, at_key=True)
                break
            taken[day] = days
        _shifts(review, at, shifts)
    for place, text in enumerate(calendar.closed):
        _read(review, (*path, "closed", place), text, read_days)
    for day, shifts in calendar.open.items():
        at = (*path, "open", day)
        if _read(review, at, day, read_days, at_key=True) and ".." in day:
            review.error(at, message("One day at a time: '{text}' are several.", text=day), at_key=True)
        _shifts(review, at, shifts)
    if calendar.timezone is not None and calendar.timezone not in available_timezones():
        said = message("There is no time zone '{name}'; expected one such as Asia/Shanghai.", name=calendar.timezone)
        review.error((*path, "timezone"), said)
    _announced(review, calendar, path)


def _shifts(review: Review, path: Path, shifts: Sequence[str]) -> None:
    """Each of them, and whether they stand apart from each other."""
    if not shifts:
        review.error(path, message("Without shifts nothing is worked; leave it out, or name the days in `closed`."))
    read = [_read(review, (*path, place), text, read_shift) for place, text in enumerate(shifts)]
    known = sorted((span, place) for place, span in enumerate(read) if span is not None)
    for (before, one), (after, other) in itertools.pairwise(known):
        if after[0] < before[1]:
            said = message("The shifts {one} and {other} overlap.", one=shifts[one], other=shifts[other])
            review.error((*path, other), said)


def _read(review: Review, path: Path, text: str, read: Callable[[str], Any], *, at_key: bool = False) -> Any:
    try:
        return read(text)
    except Mistake as mistake:
        review.error(path, mistake.said, at_key=at_key)
        return None


def _announced(review: Review, calendar: Calendar, path: Path) -> None:
    """A year that nobody announced yet has no holidays: whoever plans with it is told."""
    if calendar.holidays is None:
        return
    last = max(public_holidays(calendar.holidays).years)
    said = message(
        "The public holidays {name} are known up to {year}; in later years only weekdays count, and what `closed` and "
        "`open` say.", name=calendar.holidays, year=last,
    )  # fmt: skip
    (review.warning if review.now.year > last else review.note)((*path, "holidays"), said)


# --- where time is counted


def _length(review: Review, leaf: Leaf, default: bool) -> None:
    """Working hours without shifts would mean nothing."""
    if not isinstance(leaf.value, Duration) or leaf.value.unit != "wh" or default:
        return
    around: Any = leaf.inside(State) or leaf.inside(Rule)
    watched = _watched(review, around) if isinstance(around, Rule) else None
    if not getattr(around, "calendar", None) and not getattr(watched, "calendar", None):
        said = message("Working hours need a calendar: name one here, or make one of them the default.")
        review.error(leaf.path, said)


def _watched(review: Review, rule: Rule) -> State | None:
    form = review.form(rule.form)
    name = getattr(rule.trigger, "state", None)
    return form.workflow.states.get(name) if form and form.workflow and name else None


def _deadline(review: Review, leaf: Leaf) -> None:
    """``due_by`` gives a date or a moment, which stays the same until a field changes."""
    if leaf.hint is not Expression or leaf.path[-1] != "due_by" or not isinstance(leaf.owner, State):
        return
    try:
        compiled = compile_expression(leaf.value, review.registry)
    except ExpressionRefused:
        return  # the check of expressions says so
    if compiled.reads_time:
        review.error(leaf.path, message("A time to be done by cannot follow the clock; take it from fields."))
    for said in _no_date(review, leaf):
        review.error(leaf.path, said)


def _no_date(review: Review, leaf: Leaf) -> Iterator[Any]:
    kind, mistakes = examine(str(leaf.value), scope_of(review, leaf), review.registry)
    if not mistakes and kind.name not in _MOMENTS:
        yield message("Expected a date or a moment, such as record.due_on - days(3).")


_MOMENTS = ("date", "datetime", "any", "none")


def _state(review: Review, state: State, path: Path) -> None:
    if state.pauses and not state.aside:
        review.error((*path, "pauses"), message("Only an aside state can let the time of another stand still."))
