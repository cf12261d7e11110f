"""From when a record is late, will be late and is at risk, as moments that are worked out when it is saved.

Whether it is so at any later time is then a comparison with the clock, which an index answers: nothing has to be
worked out for a hundred thousand records when a screen is drawn, and time alone changes nothing that is stored.

late: the promise is past. will be late: the forecast lies behind the promise. at risk: the present step is over its
time, or less than the slack lies between forecast and promise. What the present step takes too long moves the forecast,
which is never in the past: a step due at d, which leaves the promise p a margin of p - f, breaks it when it is still
under way at d + (p - f). A promise that is a date lasts until that day is over where the application is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from engine.calendars import Times
from engine.language import Duration

AT_RISK, WILL_BE_LATE, LATE = "_at_risk", "_will_be_late", "_late"
MOMENTS = (AT_RISK, WILL_BE_LATE, LATE)  # each at or before the next; None: never
TIMES = ("state_due", "forecast_at", *MOMENTS)  # all that follows from when a record entered its state


def ranked_by(promised: str | None) -> str:
    """The moment that puts open records in the order of their promise, or of their present step where none is given."""
    return LATE if promised else AT_RISK


def indexed(promised: str | None) -> tuple[tuple[str, ...], ...]:
    """The moments of each index: the first is a range and the order, the others are compared on the way."""
    if not promised:
        return ((AT_RISK, WILL_BE_LATE, LATE),)
    return (LATE, WILL_BE_LATE, AT_RISK), (AT_RISK, WILL_BE_LATE), (WILL_BE_LATE, LATE)


@dataclass(frozen=True)
class Promise:
    """``field``: the date or moment that is promised; without one only the present step can be late."""

    field: str | None
    slack: Duration
    times: Times

    def end(self, promised: dt.date | dt.datetime) -> dt.datetime:
        """The moment from which the promise is broken."""
        if isinstance(promised, dt.datetime):
            return promised
        return dt.datetime.combine(promised + dt.timedelta(days=1), dt.time(), self.times.zone).astimezone(dt.UTC)


def mark(promise: Promise, row: MutableMapping[str, Any], *, is_over: bool) -> None:
    """Fill in the three moments of a record whose ``state_due`` and ``forecast_at`` are known."""
    promised = row.get(promise.field) if promise.field else None
    if is_over:
        found: tuple[dt.datetime | None, ...] = (None, None, None)
    elif promised is None:
        found = (row["state_due"], None, None)
    else:
        found = _moments(promise, promise.end(promised), row["state_since"], row["state_due"], row["forecast_at"])
    row.update(zip(MOMENTS, found, strict=True))


def _moments(
    promise: Promise, end: dt.datetime, since: dt.datetime, due: dt.datetime | None, forecast: dt.datetime | None
) -> tuple[dt.datetime, ...]:
    near = promise.times.before(end, promise.slack)
    late = min(end, _overrun(end, since, due, forecast))
    risk = min(near, _overrun(near, since, due, forecast), late, due or late)
    return risk, late, end


def _overrun(
    end: dt.datetime, since: dt.datetime, due: dt.datetime | None, forecast: dt.datetime | None
) -> dt.datetime:
    """From when the forecast lies behind ``end``: since the state was entered, or once the step used up the margin."""
    if forecast is None:
        return end
    if forecast > end:
        return since
    return end if due is None else due + (end - forecast)
