"""A date for what a customer asks for, with capacity and material held until somebody says yes or the time is over.

The operations are put into gaps of the present plan; nobody moves. Nothing of it begins before the hold is over, so
that the date can be kept whenever in between the customer agrees. How sure the date is comes from what reports took
beside the standards: of the same operation of the same product where they are enough (``good``), else of its machine
group (``fair``), else of whatever there is (``thin``). A ratio is that of a report; a job of several reports varies
less than they do, which makes the later dates somewhat careful.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from engine.api import (
    Application,
    Refused,
    Stale,
    every,
    say,
    together,
)
from plugins.planning.floor.errands import Deciding
from plugins.planning.floor.reading import PLANNER, Floor, Row
from plugins.planning.floor.rushing import Question, question
from plugins.planning.floor.time import day_of, minute, moment
from plugins.planning.floor.work_times import Key, Standard, standards, times
from plugins.planning.floor.writing import words_of
from plugins.planning.promise import Promise, promised
from plugins.planning.shapes import Assignment, Operation
from plugins.planning.spread import Spread, Spreads, spreads
from plugins.planning.standards import Report, typical

KIND = "promise_date"
ASKED = "record.state == 'asked'"
FAR = dt.timedelta(days=365)  # when it is wanted, where nobody said: what is due later gives way
LINKS = 6  # of the chain of reasons that is shown


@dataclass(frozen=True, kw_only=True)
class PromiseDate(Deciding):
    """Work out the earliest date for what is asked for, and hold capacity and material for it."""

    type: ClassVar[str] = KIND


@dataclass(frozen=True)
class Lengths:
    """How far real times lie from the standard, by operation."""

    known: Mapping[Key, Standard]
    found: Spreads

    def of(self, key: Key) -> tuple[Spread, str]:
        """The spread, and the mark of its confidence."""
        own = self.found.groups.get(_narrow(key))
        if own is not None and not own.thin:
            return own, "good"
        wide = self.found.of(_wide(self.known.get(key)))
        return wide, "thin" if wide.thin else "fair"


def promise(app: Application, _data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The errand: all that are asked for, one after the other, each beside what is held by then."""
    rows = list(every(app, PLANNER, "promise", where=ASKED))
    if not rows:
        return {"promised": 0}
    lengths = lengths_of(app)
    return {"promised": sum(_answer(app, row, lengths) for row in rows)}


def lengths_of(app: Application) -> Lengths:
    known = standards(app)
    ratios = [
        (group, each / known[key].each)
        for key, reports in times(app, known).reports.items()
        for each in _usual(reports)
        for group in (_narrow(key), _wide(known[key]))
    ]
    return Lengths(known, spreads(ratios))


def _usual(reports: Sequence[Report]) -> Sequence[float]:
    """Minutes per piece without slips of the pen."""
    values = [report.each for report in reports if report.usable]
    return typical(values) if values else ()


def _narrow(key: Key) -> str:
    return f"product {key[0]} {key[1]}"


def _wide(standard: Standard | None) -> str:
    return f"group {standard.group or f'of machine {standard.machine}'}" if standard else ""


def _answer(app: Application, row: Row, lengths: Lengths) -> bool:
    """Whether it is held now. What somebody changed meanwhile is asked for again by that change."""
    until = app.clock() + dt.timedelta(days=row["hold_days"])
    language = app.definition.languages[0]
    try:
        asked = question(app, {**row, "order": None, "penalty": None, "wanted_on": _wanted(app, row)})
    except Refused as refused:
        with together(app, PLANNER) as walks:
            walks.save("promise", {"problem": say(refused.reason, language)}, id=row["id"])
        return False
    values = _values(app, asked, row, until, lengths)
    try:
        with together(app, PLANNER) as walks:
            saved = walks.save("promise", values, id=row["id"], version=row["version"])
            walks.take("promise", row["id"], "hold", version=saved.version)
    except Stale:
        return False
    return True


def _wanted(app: Application, row: Row) -> dt.date:
    today = app.clock().astimezone(ZoneInfo(app.definition.timezone)).date()
    return row["wanted_on"] or today + FAR


def _values(app: Application, asked: Question, row: Row, until: dt.datetime, lengths: Lengths) -> dict[str, Any]:
    floor, zone = asked.floor, asked.floor.zone
    order = replace(asked.rush, released=minute(until) + 1)
    keys = {one.id: _key(floor, one) for one in asked.problem.operations.values()}
    keys |= {one.id: _key(floor, one) for one in asked.operations}
    made = promised(asked.problem, asked.plan, order, asked.operations, lambda one: lengths.of(keys[one.id])[0],
                    seed=row["id"])  # fmt: skip
    marks = {lengths.of(keys[one.id])[1] for one in asked.operations}
    return {
        "problem": None, "held_until": until, "begins_at": moment(min(one.start for one in made.held)),
        "earliest_on": day_of(made.end, zone), "likely_on": day_of(made.likely, zone),
        "safe_on": day_of(made.safe, zone), "why": _why(app, asked, made),
        "confidence": next(mark for mark in ("thin", "fair", "good") if mark in marks),
        "lines": [_line(floor, one) for one in made.held],
    }  # fmt: skip


def _key(floor: Floor, one: Operation) -> Key:
    row = floor.rows[one.id]
    return floor.jobs[row["job"]]["product"], row["name"]


def _why(app: Application, asked: Question, made: Promise) -> str:
    """From the last operation back to what it all waits for."""
    language = app.definition.languages[0]
    links = [
        f"{asked.floor.rows[link.operation]['name']}: {say(words_of(asked.floor, link.reason), language)}"
        for link in made.reasons[:LINKS]
    ]
    return " ← ".join(links)


def _line(floor: Floor, one: Assignment) -> dict[str, Any]:
    row = floor.rows[one.operation]
    return {"number": row["number"], "name": row["name"], "machine": int(one.machine), "mould": row["mould"],
            "work": row["work"], "begins_at": moment(one.start), "ends_at": moment(one.end)}  # fmt: skip
