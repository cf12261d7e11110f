"""When machines work: clock minutes ↔ minutes of work, both by binary search over prefix sums."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

Interval = tuple[int, int]


@dataclass(frozen=True)
class Calendar:
    """Open intervals [start, end) in clock minutes: sorted, apart from each other, none empty; from ``until`` on, the
    intervals of ``cycle`` (counted from 0) repeat every ``length`` minutes for ever, so that no plan runs out of time.

    ``Calendar()`` is always open.
    """

    intervals: tuple[Interval, ...] = ()
    until: int = 0
    cycle: tuple[Interval, ...] = ((0, 1),)
    length: int = 1
    _first: _Spans = field(init=False, repr=False, compare=False)
    _again: _Spans = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _demand_order(self.intervals, self.until)
        _demand_order(self.cycle, self.length)
        if not self.cycle:
            raise ValueError("a calendar is open at some time of its cycle")
        # A frozen dataclass keeps what is worked out once beside its fields.
        for name, spans in (("_first", self.intervals), ("_again", self.cycle)):
            object.__setattr__(self, name, _Spans.of(spans))

    def work_at(self, minute: int) -> int:
        """How many minutes of work lie between the calendar's beginning and a clock minute."""
        if minute <= self.until:
            return self._first.work_at(minute)
        rounds, rest = divmod(minute - self.until, self.length)
        return self._first.total + rounds * self._again.total + self._again.work_at(rest)

    def begins(self, work: int) -> int:
        """The clock minute in which the minute of work number ``work`` (from 0) is done."""
        return self._clock(work, after=False)

    def ends(self, work: int) -> int:
        """The clock minute at which ``work`` minutes of work are over: the end of the minute number ``work - 1``."""
        return self._clock(work - 1, after=True)

    def _clock(self, work: int, *, after: bool) -> int:
        first, again = self._first, self._again
        if work < first.total:
            return first.clock(work) + after
        rounds, rest = divmod(work - first.total, again.total)
        return self.until + rounds * self.length + again.clock(rest) + after

    def opens(self, minute: int) -> int:
        """The first open minute that is not before this one."""
        return self.begins(self.work_at(minute))

    def segments(self, start: int, end: int) -> tuple[Interval, ...]:
        """The open parts of [start, end) in clock minutes."""
        parts: list[Interval] = []
        at = self.opens(start)
        while at < end:
            stop = min(end, self.closes(at))
            parts.append((at, stop))
            at = self.opens(stop)
        return joined(parts)

    def closes(self, minute: int) -> int:
        """The end of the open interval this open minute lies in; of one that repeats without a gap, its round's end."""
        if minute < self.until:
            return self._first.close_of(minute)
        rounds, rest = divmod(minute - self.until, self.length)
        if self.cycle == ((0, self.length),):
            return 1 << 62  # open for ever
        return self.until + rounds * self.length + self._again.close_of(rest)


@dataclass(frozen=True)
class _Spans:
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]  # minutes of work before each interval
    total: int

    @classmethod
    def of(cls, spans: tuple[Interval, ...]) -> _Spans:
        sums = tuple(accumulate((end - start for start, end in spans), initial=0))
        return cls(tuple(start for start, _ in spans), tuple(end for _, end in spans), sums[:-1], sums[-1])

    def work_at(self, minute: int) -> int:
        at = bisect_right(self.starts, minute) - 1
        return self.before[at] + min(minute, self.ends[at]) - self.starts[at] if at >= 0 else 0

    def clock(self, work: int) -> int:
        at = bisect_right(self.before, work) - 1
        return self.starts[at] + work - self.before[at]

    def close_of(self, minute: int) -> int:
        return self.ends[bisect_left(self.ends, minute + 1)]


def joined(spans: Iterable[Interval]) -> tuple[Interval, ...]:
    """Sorted intervals that neither overlap nor touch, covering the same minutes."""
    found: list[Interval] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _demand_order(spans: tuple[Interval, ...], limit: int) -> None:
    last = -1
    for start, end in spans:
        if not last < start < end <= limit:
            raise ValueError(f"intervals of a calendar are sorted, apart and within [0, {limit}): got {start}–{end}")
        last = end
