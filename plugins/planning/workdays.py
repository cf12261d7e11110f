"""Working days counted by prefix sums, for lead times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(frozen=True)
class Workdays:
    """``table``: from day ``first`` on, whether each is a working day; before and after, the table repeats, so that
    seven entries are a week for ever. A day stands for its beginning: released on a Friday, one working day later is
    Saturday, when Friday's work is done.

    Calling it shifts: ``workdays(day, n)`` is the first day before which ``n`` working days lie from ``day`` on, and
    ``workdays(day, -n)`` the last day from which ``n`` working days lie before ``day``.
    """

    table: Sequence[bool]
    first: int = 0
    _open: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _before: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not any(self.table):
            raise ValueError("no day of the table is a working day")
        object.__setattr__(self, "_open", tuple(place for place, works in enumerate(self.table) if works))
        object.__setattr__(self, "_before", tuple(accumulate(map(bool, self.table), initial=0))[:-1])

    def __call__(self, day: int, days: int) -> int:
        if days == 0:
            return day
        number = self._number(day)
        return self._day(number + days - 1) + 1 if days > 0 else self._day(number + days)

    def _number(self, day: int) -> int:
        rounds, rest = divmod(day - self.first, len(self.table))
        return rounds * len(self._open) + self._before[rest]

    def _day(self, number: int) -> int:
        rounds, rest = divmod(number, len(self._open))
        return self.first + rounds * len(self.table) + self._open[rest]
