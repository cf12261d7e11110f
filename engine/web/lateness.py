"""When a record will be late, or since when it is, in words: told ahead of time and on the reader's clock."""

from __future__ import annotations

import datetime as dt

from engine import formats
from engine.errors import Message, message
from engine.formats import Reader

_WEEKDAYS = (
    message("Monday {time}"), message("Tuesday {time}"), message("Wednesday {time}"), message("Thursday {time}"),
    message("Friday {time}"), message("Saturday {time}"), message("Sunday {time}"),
)  # fmt: skip
_NEAR = {-1: message("yesterday {time}"), 0: message("today {time}"), 1: message("tomorrow {time}")}


def when(moment: dt.datetime, now: dt.datetime, reader: Reader) -> Message:
    """``tomorrow 14:00``, ``Friday 14:00`` within the next days, ``12 Mar 2026 14:00`` otherwise."""
    local, today = moment.astimezone(reader.zone), now.astimezone(reader.zone).date()
    days = (local.date() - today).days
    time = formats.time(local.time().replace(second=0, microsecond=0))
    if days in _NEAR:
        return Message(_NEAR[days].pattern, {"time": time})
    if 1 < days < 7:
        return Message(_WEEKDAYS[local.weekday()].pattern, {"time": time})
    return message("{moment}", moment=formats.moment(moment, reader))


def lateness(due: dt.datetime, now: dt.datetime, reader: Reader) -> Message:
    """``late since yesterday 14:00``, ``will be late tomorrow 14:00``, ``due Friday 14:00``."""
    moment = when(due, now, reader)
    if due < now:
        return message("late since {when}", when=moment)
    if is_near(due, now, reader):
        return message("will be late {when}", when=moment)
    return message("due {when}", when=moment)


def is_near(due: dt.datetime, now: dt.datetime, reader: Reader) -> bool:
    """Late already, or today or tomorrow: what the words then say is that it will be late."""
    return due < now or (due.astimezone(reader.zone).date() - now.astimezone(reader.zone).date()).days <= 1
