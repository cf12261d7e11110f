"""Standard times follow the work: what the reports of half a year say is proposed where it differs from the routing.

Two errands. ``calibrate`` reads reports and writes proposals and the points of the drift chart; ``weigh`` works out
what accepting a proposal would do to the open orders, and accepts those that are inside the band of their machine
group, of enough reports, and make no order late. Everything else is for a person to decide.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from engine.api import Application, Together, every, say, together
from engine.api import message as msg
from plugins.planning.floor.errands import Errand
from plugins.planning.floor.reading import PLANNER, Row
from plugins.planning.floor.work_times import Key, Standard, standards, times
from plugins.planning.standards import Estimate, Month, Proposal, Report, drift, estimates, proposal

KIND = "calibrate"
WORTH = 2.0  # percent of difference below which nobody is bothered
FEWEST = 3  # reports below which an estimate is an anecdote

OPEN = "record.source == 'measured' and record.state == 'proposed'"
REFUSED = "record.source == 'measured' and record.state == 'rejected'"


@dataclass(frozen=True, kw_only=True)
class Calibrate(Errand):
    """Compare work reports with the standard times, and propose new ones."""

    type: ClassVar[str] = KIND


@dataclass(frozen=True)
class Found:
    """One operation: what its reports say on all its machines together, and on each."""

    standard: Standard
    estimate: Estimate
    machines: tuple[Estimate, ...]
    cycle: dt.timedelta
    proposal: Proposal

    @property
    def key(self) -> Key:
        return self.standard.product, self.standard.operation

    @property
    def worth(self) -> bool:
        """Whether it should be proposed: the standard lies outside what the reports allow for chance, by more than a
        trifle. Where reports are too few to say what chance is, it is proposed and marked."""
        if self.estimate.n < FEWEST or abs(self.proposal.difference) < WORTH:
            return False
        low, high = self.estimate.low, self.estimate.high
        return low is None or high is None or not low <= self.standard.each <= high


def calibrate(app: Application, _data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The errand. Done again it finds its own proposals and leaves them as they are."""
    known = standards(app)
    reported = times(app, known)
    found = [looked_at(known[key], reports) for key, reports in sorted(reported.reports.items())]
    usable = [one for one in found if one is not None]
    waiting = {_key(row): row for row in every(app, PLANNER, "standard_time", where=OPEN)}
    refused = {_key(row): row["cycle"] for row in every(app, PLANNER, "standard_time", where=REFUSED)}
    proposed = [one for one in usable if one.worth and not _alike(one.cycle, refused.get(one.key))]
    points = {key: drift(reports, known[key].each, known[key].rules) for key, reports in reported.reports.items()}
    stored = list(every(app, PLANNER, "standard_drift"))
    counts = Counter(
        reports=reported.count, left_out=reported.left_out, operations=len(reported.reports), proposed=len(proposed),
        thin=sum(one.estimate.mark == "thin" for one in usable), drifting=sum(_drifts(one) for one in points.values()),
    )  # fmt: skip
    with together(app, PLANNER) as walks:
        run = walks.save("calibration", dict(counts)).id
        _propose(walks, app, run, proposed, waiting)
        _draw(walks, points, known, stored)
    return dict(counts)


def looked_at(standard: Standard, reports: Sequence[Report]) -> Found | None:
    """None where no report says anything of a piece."""
    whole = estimates((replace(report, machine="") for report in reports), standard.rules)
    if not whole:
        return None
    (estimate,) = whole
    cycle = standard.cycle_of(estimate.minutes)
    rounded = replace(estimate, minutes=standard.minutes(cycle))  # judged by what would be written
    machines = tuple(estimates(reports, standard.rules))
    return Found(standard, estimate, machines, cycle, proposal(standard.each, rounded, standard.rules))


def _key(row: Row) -> Key:
    return row["product"], row["operation"]


def _alike(cycle: dt.timedelta, refused: dt.timedelta | None) -> bool:
    """Somebody said no to nearly the same: it is not asked again."""
    return refused is not None and abs(cycle / refused - 1) * 100 <= WORTH


def _drifts(months: Sequence[Month]) -> bool:
    return bool(months) and months[-1].outside and not months[-1].thin


# --- proposals -------------------------------------------------------------------------------------------------------


def _propose(
    walks: Together, app: Application, run: int, proposed: Iterable[Found], waiting: Mapping[Key, Row]
) -> None:
    """A proposal that still stands is brought up to date; one that the reports no longer bear out is set aside."""
    wanted = {one.key: one for one in proposed}
    for key, row in waiting.items():
        if key not in wanted or wanted[key].cycle != row["cycle"]:
            why = say(msg("The reports since then say something else"), app.definition.languages[0])
            walks.take("standard_time", row["id"], "supersede", reason=why)
    for key, one in wanted.items():
        row = waiting.get(key, {})
        kept = row.get("id") if row.get("cycle") == one.cycle else None
        walks.save("standard_time", {"calibration": run, "orders": None, **_values(one)}, id=kept)


def _values(one: Found) -> dict[str, Any]:
    standard, estimate = one.standard, one.estimate
    return {
        "product": standard.product, "operation": standard.operation, "group": standard.group,
        "machine": standard.machine, "source": "measured", "cycle": one.cycle, "old_cycle": standard.cycle,
        "cavities": standard.cavities, "setup": standard.setup, "automatic": one.proposal.accepted,
        "mark": "thin" if estimate.mark else "enough", "lines": [_line(each) for each in one.machines],
        **_figures(estimate),
    }  # fmt: skip


def _figures(estimate: Estimate) -> dict[str, Any]:
    return {
        "measured": _digits(estimate.minutes), "low": _digits(estimate.low), "high": _digits(estimate.high),
        "sample": estimate.n, "spread": round(estimate.spread, 1), "outliers": estimate.outliers,
        "unusable": estimate.unusable,
    }  # fmt: skip


def _line(estimate: Estimate) -> dict[str, Any]:
    figures = {name: value for name, value in _figures(estimate).items() if name not in ("low", "high", "unusable")}
    return {"machine": int(estimate.machine), "mark": estimate.mark or "enough", **figures}


def _digits(minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes, 4)


# --- the drift chart -------------------------------------------------------------------------------------------------


def _draw(
    walks: Together, points: Mapping[Key, Sequence[Month]], known: Mapping[Key, Standard], stored: Iterable[Row]
) -> None:
    """The months of each operation; only what differs is written."""
    there = {(row["product"], row["operation"], row["begins_on"]): row for row in stored}
    for key, months in points.items():
        for month in months:
            values = _point(known[key], month)
            row = there.get((*key, values["begins_on"]))
            if row is None:
                walks.save("standard_drift", {"product": key[0], "operation": key[1], **values})
            elif changed := {name: value for name, value in values.items() if _differ(row[name], value)}:
                walks.save("standard_drift", changed, id=row["id"])


def _point(standard: Standard, month: Month) -> dict[str, Any]:
    return {
        "begins_on": dt.date.fromisoformat(f"{month.month}-01"), "group": standard.group,
        "measured": _digits(month.minutes), "standard": _digits(standard.each), "sample": month.n,
        "outside": month.outside, "mark": "thin" if month.thin else "enough",
    }  # fmt: skip


def _differ(stored: Any, value: Any) -> bool:
    return abs(float(stored) - value) > 5e-5 if isinstance(value, float) and stored is not None else stored != value
