"""Time on the wall and moments, both ways without ever going backwards, where the clocks are changed too.

When clocks are put forward an hour is missing: its times are the moment of the change. When they are put back an hour
comes twice: the second time it is no later than its end.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

_SECOND = dt.timedelta(seconds=1)


def on_the_wall(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The naive local time of an aware moment."""
    local = moment.astimezone(zone)
    wall = local.replace(tzinfo=None, fold=0)
    if not local.fold:
        return wall
    first = local.replace(fold=0)
    changed = _change(zone, first.astimezone(dt.UTC), moment)
    return changed.replace(tzinfo=None) + (first.utcoffset() or dt.timedelta())


def moment_of(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The aware UTC moment of a naive local time; of one that comes twice, the first."""
    there = wall.replace(tzinfo=zone)
    moment = there.astimezone(dt.UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return moment
    return _change(zone, there.replace(fold=1).astimezone(dt.UTC), moment)


def _change(zone: ZoneInfo, before: dt.datetime, after: dt.datetime) -> dt.datetime:
    """The moment between the two at which the clocks are changed."""
    offset = before.astimezone(zone).utcoffset()
    low, high = before.replace(microsecond=0), after.replace(microsecond=0) + _SECOND
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
