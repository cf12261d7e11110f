"""Standard times out of work reports: a robust estimate, how sure it is, a proposal, and whether the level drifts."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

# A value whose modified z-score is above 3.5 is an outlier: Iglewicz and Hoaglin, How to Detect and Handle Outliers
# (ASQC, 1993). Where more than half of the values are equal the MAD is 0; the mean deviation takes its place, with the
# factor that makes it a standard deviation for a normal distribution, as they advise.
FAR = 3.5
_MAD_TO_SIGMA = 1.4826
_MEAN_TO_SIGMA = 1.2533

Mark = Literal["", "wider", "thin"]


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reported of one stretch of work: ``good`` and ``scrap`` pieces in ``minutes`` without set-up."""

    product: str
    operation: str
    machine: str
    good: int
    scrap: int
    minutes: float
    day: dt.date

    @property
    def usable(self) -> bool:
        """Only good pieces in a time above nothing say how long a piece takes."""
        return self.good > 0 and self.minutes > 0

    @property
    def each(self) -> float:
        """Minutes per good piece: the time lost on scrap is part of what a good one takes."""
        return self.minutes / self.good


@dataclass(frozen=True, slots=True)
class Rules:
    """``enough``: reports below which an estimate is thin; ``confidence`` of its interval; ``band``: the difference in
    percent up to which a proposal may be taken by itself."""

    enough: int = 8
    confidence: float = 0.95
    band: float = 15.0


USUAL = Rules()


@dataclass(frozen=True, slots=True)
class Estimate:
    """``minutes`` per good piece, the median of ``n`` reports, between ``low`` and ``high`` (None: too few for the
    confidence asked for). ``spread``: robust standard deviation in percent of the median. ``outliers`` and ``unusable``
    reports were left out. ``mark``: ``wider`` where all machines had to be taken together, ``thin`` where even those
    are too few."""

    product: str
    operation: str
    machine: str
    minutes: float
    low: float | None
    high: float | None
    n: int
    spread: float
    outliers: int
    unusable: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new standard beside the old one; ``difference`` in percent of the old. ``accepted``: inside the band and with
    enough data of this very machine, so that nobody needs to look."""

    old: float
    new: float
    difference: float
    n: int
    spread: float
    mark: Mark
    inside: bool
    accepted: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One point of the chart: ``outside`` where the month's median leaves the band around the standard; ``thin`` where
    it has too few reports to say so with weight."""

    month: str
    minutes: float
    low: float | None
    high: float | None
    n: int
    outside: bool
    thin: bool


def estimates(reports: Iterable[Report], rules: Rules = USUAL) -> tuple[Estimate, ...]:
    """One estimate for each (product, operation, machine) with a usable report, sorted by these."""
    wide: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in reports:
        wide[report.product, report.operation].append(report)
    return tuple(
        _estimate((*group, machine), members, rules)
        for group, members in sorted(wide.items())
        for machine in sorted({report.machine for report in members if report.usable})
    )


def proposal(old: float, estimate: Estimate, rules: Rules = USUAL) -> Proposal:
    """What an estimate proposes in place of a standard of ``old`` minutes per piece, above 0."""
    difference = 100 * (estimate.minutes - old) / old
    inside = abs(difference) <= rules.band
    return Proposal(
        old,
        estimate.minutes,
        difference,
        estimate.n,
        estimate.spread,
        estimate.mark,
        inside,
        accepted=inside and not estimate.mark and estimate.n >= rules.enough,
    )


def drift(reports: Iterable[Report], standard: float, rules: Rules = USUAL) -> tuple[Month, ...]:
    """The months of one group's reports in order, beside its ``standard``. Each month has outliers of its own: beside
    the whole year, a change of level would look like outliers and be hidden."""
    months: dict[str, list[float]] = defaultdict(list)
    for report in reports:
        if report.usable:
            months[report.day.strftime("%Y-%m")].append(report.each)
    return tuple(_month(name, values, standard, rules) for name, values in sorted(months.items()))


def typical(values: Sequence[float]) -> tuple[float, ...]:
    """The values, all above 0, that are no outliers, sorted. Judged on logarithms: half and twice the time are equally
    far, and times are skewed to the right."""
    logs = [math.log(value) for value in values]
    middle = median(logs)
    far = FAR * _sigma(logs, middle)
    return tuple(sorted(value for value, at in zip(values, logs, strict=True) if abs(at - middle) <= far + 1e-12))


def interval(values: Sequence[float], confidence: float) -> tuple[float, float] | None:
    """The confidence interval of the median of sorted ``values`` between two order statistics, whatever the
    distribution (David and Nagaraja, Order Statistics, 2003, 7.1): of all symmetric pairs the closest that still covers
    ``confidence``; None where not even the least and the greatest do."""
    n = len(values)
    limit, term, below, place = (1 - confidence) / 2, 1, 0, -1
    for at in range(n // 2):
        below += term
        if below / 2**n > limit:
            break
        term, place = term * (n - at) // (at + 1), at
    return (values[place], values[n - 1 - place]) if place >= 0 else None


def _estimate(group: tuple[str, str, str], members: Collection[Report], rules: Rules) -> Estimate:
    product, operation, machine = group
    own = [report for report in members if report.machine == machine]
    found, values, mark = _narrowest(own, members, rules.enough)
    middle = median(values)
    low, high = interval(values, rules.confidence) or (None, None)
    usable = sum(report.usable for report in found)
    return Estimate(
        product,
        operation,
        machine,
        middle,
        low,
        high,
        len(values),
        100 * _sigma(values, middle) / middle,
        usable - len(values),
        len(found) - usable,
        mark,
    )


def _narrowest(
    own: Collection[Report], members: Collection[Report], enough: int
) -> tuple[Collection[Report], tuple[float, ...], Mark]:
    """The reports of the machine if they are enough, else those of all machines; still too few, those marked thin."""
    widths: tuple[tuple[Collection[Report], Mark], ...] = ((own, ""), (members, "wider"))
    for reports, mark in widths:
        values = typical([report.each for report in reports if report.usable])
        if len(values) >= enough:
            return reports, values, mark
    return members, values, "thin"


def _month(name: str, values: Sequence[float], standard: float, rules: Rules) -> Month:
    kept = typical(values)
    middle = median(kept)
    low, high = interval(kept, rules.confidence) or (None, None)
    outside = abs(middle - standard) > standard * rules.band / 100
    return Month(name, middle, low, high, len(kept), outside, len(kept) < rules.enough)


def _sigma(values: Sequence[float], middle: float) -> float:
    """A standard deviation that outliers do not move: from the median of the deviations, else from their mean."""
    deviations = [abs(value - middle) for value in values]
    return _MAD_TO_SIGMA * median(deviations) or _MEAN_TO_SIGMA * fmean(deviations)
