"""Charts as shapes: numbers in, places on a plane of 100 by 100 out. Words stand around the picture, in the page, so
that they keep their size whatever the width of the card."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

TICKS = 4
GAP = 0.22  # of a bar's room


@dataclass(frozen=True)
class Scale:
    """From the lowest to the highest line, ``step`` apart; figures are between them."""

    low: float
    high: float
    step: float

    def y(self, value: float) -> float:
        """How far down of 100."""
        return round(100 - (value - self.low) * 100 / (self.high - self.low), 2)

    @property
    def lines(self) -> list[float]:
        """The lines, highest first."""
        count = round((self.high - self.low) / self.step)
        return [self.high - place * self.step for place in range(count + 1)]


@dataclass(frozen=True)
class Shape:
    """One point or bar: where it stands, what it says, where it leads."""

    x: float
    y: float
    width: float
    height: float
    title: str
    url: str | None


@dataclass(frozen=True)
class Series:
    label: str
    colour: str
    path: str  # the line through its points, as an SVG path
    shapes: tuple[Shape, ...]


def scale_over(values: Sequence[float], whole: bool) -> Scale:
    """Round lines around zero and all values; ``whole``: no fractions between them."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if low == high:
        high = 1.0
    step = _round_step((high - low) / TICKS)
    if whole:
        step = max(1.0, float(math.ceil(step)))
    return Scale(math.floor(low / step) * step, math.ceil(high / step) * step, step)


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * one for one in (1, 2, 2.5, 5, 10) if rough <= size * one * 1.000001)


Cell = tuple[float | None, str, str | None]  # value, title, address; without a value nothing is drawn there


def lines_of(scale: Scale, series: Sequence[tuple[str, str, Sequence[Cell]]]) -> tuple[Series, ...]:
    """Each series as a line through the middles of equal columns, broken where a cell has no value."""
    return tuple(Series(label, colour, _path(scale, cells), _points(scale, cells)) for label, colour, cells in series)


def _path(scale: Scale, cells: Sequence[Cell]) -> str:
    there = [(place, _middle(place, len(cells)), scale.y(value)) for place, (value, *_rest) in enumerate(cells)
             if value is not None]  # fmt: skip
    return " ".join(_stretches(there))


def _stretches(points: Sequence[tuple[int, float, float]]) -> tuple[str, ...]:
    """(place, x, y), in order → one path for each stretch in which no place is missing."""
    stretches: list[list[str]] = []
    for at, (place, x, y) in enumerate(points):
        if not at or points[at - 1][0] != place - 1:
            stretches.append([])
        stretches[-1].append(f"{x} {y}")
    return tuple("M" + " L".join(stretch) for stretch in stretches)


def _middle(place: int, count: int) -> float:
    return round((place + 0.5) * 100 / count, 2)


def _points(scale: Scale, cells: Sequence[Cell]) -> tuple[Shape, ...]:
    room = 100 / len(cells)
    return tuple(
        Shape(_middle(place, len(cells)), scale.y(value), round(room, 2), 0, title, url)
        for place, (value, title, url) in enumerate(cells)
        if value is not None
    )


@dataclass(frozen=True)
class SmallLine:
    """A line without an axis: one path for each stretch without a gap, and its points."""

    colour: str
    paths: tuple[str, ...]
    points: tuple[tuple[float, float, str], ...]  # x, y, what it says


def broken_line(scale: Scale, colour: str, cells: Sequence[tuple[int, float, str]], count: int) -> SmallLine:
    """``cells``: (place among ``count``, value, title), in order; where a place is missing the line is broken."""
    points = [(place, _middle(place, count), scale.y(value), title) for place, value, title in cells]
    paths = _stretches([(place, x, y) for place, x, y, _title in points])
    return SmallLine(colour, paths, tuple((x, y, title) for _place, x, y, title in points))


def bars_of(scale: Scale, series: Sequence[tuple[str, str, Sequence[Cell]]]) -> tuple[Series, ...]:
    """The series side by side in each column; no bar where a cell has no value."""
    return tuple(
        Series(label, colour, "", tuple(_bars(scale, cells, at, len(series))))
        for at, (label, colour, cells) in enumerate(series)
    )


def _bars(scale: Scale, cells: Sequence[Cell], at: int, beside: int) -> Iterator[Shape]:
    room = 100 / len(cells)
    width = room * (1 - GAP) / beside
    for place, (value, title, url) in enumerate(cells):
        if value is not None:
            top, foot = sorted((scale.y(value), scale.y(0.0)))
            x = place * room + room * GAP / 2 + at * width
            yield Shape(round(x, 2), top, round(width, 2), round(foot - top, 2), title, url)


@dataclass(frozen=True)
class Slice:
    """A piece of a ring; ``start`` and ``length`` in percent of its way around."""

    start: float
    length: float
    colour: str
    title: str
    url: str | None


def ring_of(parts: Sequence[tuple[float, str, str, str | None]]) -> tuple[Slice, ...]:
    """(value, colour, title, address) → the pieces; what is not above zero has none."""
    whole = sum(value for value, *_rest in parts if value > 0)
    found, start = [], 0.0
    for value, colour, title, url in parts:
        if value > 0:
            length = value * 100 / whole
            found.append(Slice(round(start, 2), round(length, 2), colour, title, url))
            start += length
    return tuple(found)


def every(count: int, most: int) -> Callable[[int], bool]:
    """Which of ``count`` labels stand where there is room for ``most``: every second, third …, the last among them."""
    step = -(-count // most)
    return lambda place: (count - 1 - place) % step == 0
