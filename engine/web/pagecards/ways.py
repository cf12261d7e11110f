"""How long records take and where they wait: lead times, and the states in which time is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from engine import formats
from engine.calendars import seconds_of
from engine.cards import CycleCard, DwellCard, Point
from engine.columns import Columns
from engine.definition import State
from engine.errors import Message, message
from engine.fields.visited import written
from engine.formats import Reader
from engine.spans import Span, earlier, own_span
from engine.texts import say
from engine.visits import Cycle, Spread, Visits, cycle_times, dwells, losses
from engine.web.pagecards import charts
from engine.web.pagecards.look import Look
from engine.web.pagecards.numbers import Goal, in_percent, said_before, said_now, way_of
from engine.web.pagecards.values import NONE, during, groups_of

MINUTE, HOUR, DAY = 60, 3600, 86_400
Pairs = tuple[tuple[str, str], ...]


def length_text(seconds: Decimal | float | None, reader: Reader, like: Decimal | float | None = None) -> str:
    """3.2 d, 5.5 h, 12 min: in one unit. ``like``: a length whose unit is taken, exact enough to be worked with."""
    if seconds is None:
        return NONE
    measure = abs(seconds if like is None else like)
    _least, size, en, zh = next(each for each in _SIZES if measure >= each[0])
    digits = 3 if like is not None else 0 if size == MINUTE else 1
    return formats.decimal(round(Decimal(seconds) / size, digits)) + (zh if reader.language == "zh" else en)


# Below two of a unit the smaller one says more.
_SIZES: tuple[tuple[int, int, str, str], ...] = (
    (2 * DAY, DAY, " d", "天"), (2 * HOUR, HOUR, " h", "小时"), (0, MINUTE, " min", "分钟"),
)  # fmt: skip


# --- lead times ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Times:
    """One span or group: how many records, and the three figures as they are read."""

    label: str
    count: int
    mean: str
    median: str
    p90: str
    share: int
    url: str | None


@dataclass(frozen=True)
class Compression:
    """What the mean is compared with: (old − new) / old."""

    label: str
    text: str
    formula: str
    good: bool | None
    old: Times


def cycle(look: Look, card: CycleCard) -> Mapping[str, Any]:
    asked = _cycle(look, card)
    now = look.period(card.period)
    past = max(card.trend - 1, 1 if card.compare else 0)
    along = [earlier(now, count) for count in range(past, 0, -1)] + [now]
    found = cycle_times(look.asking, asked, along, look.reader.zone)
    look.weigh(sum(one.count for one in found.values()))
    times = [found.get((place, None)) for place in range(len(along))]
    drawn: dict[str, Any] = {
        "times": _times(look, asked, "", times[-1], now), "period": said_now(look, now),
        "goal": _goal(look, card, times[-1]), "compression": _compression(look, asked, times[-1], now),
    }  # fmt: skip
    if card.compare and times[-1] is not None and times[-2] is not None:
        way, good, change = way_of("less", times[-1].mean, times[-2].mean)
        drawn["then"] = {"said": said_before(look, along[-2]), "way": way, "good": good, "change": change,
                         "times": _times(look, asked, "", times[-2], along[-2])}  # fmt: skip
    if card.trend > 1:
        drawn |= _line(look, asked, along[-card.trend :], times[-card.trend :])
    return {**drawn, **(_by_group(look, card, now) if card.group else {})}


def _cycle(look: Look, card: CycleCard, group: str | None = None) -> Cycle:
    return Cycle(card, look.field(card.start.field), look.field(card.to.field), group)


def _times(
    look: Look, asked: Cycle, label: str, one: Spread | None, span: Span, more: Pairs = (), share: int = 0
) -> Times:
    if one is None:
        return Times(label, 0, NONE, NONE, NONE, 0, None)
    mean, median, p90 = (length_text(each, look.reader) for each in (one.mean, one.median, one.p90))
    return Times(label, one.count, mean, median, p90, share, look.behind(*ended_in(asked, span), *more))


def ended_in(asked: Cycle, span: Span) -> Pairs:
    """The filters that find the records whose time ended in the span."""
    card, start, end = asked.card, asked.start, asked.end
    came = written(str(card.to.state), "", span.first, span.end)
    to = during(end, span) if end else (("where.state.came_last", came),)
    since = (f"where.{start.name}.not_empty", "1") if start else ("where.state.been", written(str(card.start.state)))
    return (*to, since)


def _goal(look: Look, card: CycleCard, one: Spread | None) -> Goal | None:
    if card.target is None or one is None:
        return None
    wanted = seconds_of(card.target)
    return in_percent("less", one.mean, Decimal(wanted), length_text(wanted, look.reader))


def _compression(look: Look, asked: Cycle, new: Spread | None, now: Span) -> Compression | None:
    baseline = asked.card.baseline
    if baseline is None or new is None:
        return None
    span = own_span(dt.date.fromisoformat(baseline.start), dt.date.fromisoformat(baseline.until))
    old = cycle_times(look.asking, asked, [span], look.reader.zone).get((0, None))
    label = span.label(look.reader)
    times = _times(look, asked, label, old, span)
    if old is None or not old.mean:
        return Compression(label, NONE, "", None, times)
    part = (old.mean - new.mean) / old.mean
    text = formats.percent(round(part * 100, 1))
    was, is_now = (length_text(mean, look.reader, like=old.mean) for mean in (old.mean, new.mean))
    return Compression(label, text, f"({was} − {is_now}) / {was} × 100% = {text}", part > 0 if part else None, times)


def _line(look: Look, asked: Cycle, along: Sequence[Span], times: Sequence[Spread | None]) -> Mapping[str, Any]:
    scale = charts.scale_over([float(one.mean) for one in times if one is not None], False)
    cells = [(place, float(one.mean), f"{span.label(look.reader)}: {length_text(one.mean, look.reader)}")
             for place, (span, one) in enumerate(zip(along, times, strict=True)) if one is not None]  # fmt: skip
    table = [_times(look, asked, span.label(look.reader), one, span) for span, one in zip(along, times, strict=True)]
    return {"line": charts.broken_line(scale, "blue", cells, len(along)), "table": table,
            "from": along[0].label(look.reader), "to": along[-1].label(look.reader)}  # fmt: skip


def _by_group(look: Look, card: CycleCard, now: Span) -> Mapping[str, Any]:
    field = look.field(card.group)
    assert field is not None
    asked = _cycle(look, card, field.name)
    found = {key[1]: one for key, one in cycle_times(look.asking, asked, [now], look.reader.zone).items()}
    largest = sorted(found, key=lambda value: -found[value].count)[: card.limit]
    groups = groups_of(look, field, largest)
    longest = max((found[value].mean for value in largest), default=Decimal(0))
    rows = []
    for value, group in groups.items():
        one, share = found[value], int(found[value].mean * 100 / longest) if longest > 0 else 0
        shown = _times(look, asked, group.label, one, now, group.pairs or (), max(0, share))
        rows.append(shown if group.pairs is not None else replace(shown, url=None))
    return {"rows": rows, "corner": field.label_in(look.reader.language), "left_out": len(found) - len(largest)}


def cycle_needs(card: CycleCard, columns: Columns) -> tuple[str | None, ...]:
    return *(need for point in (card.start, card.to) for need in _named(point)), card.group


def _named(point: Point) -> tuple[str | None, ...]:
    return (point.field,) if point.field else ("state",)


# --- where time is lost ----------------------------------------------------------------------------------------------

Figure = tuple[str, str | None]  # text, address


@dataclass(frozen=True)
class Waited:
    """A state: its bar, and its figures with the lists behind them."""

    label: str
    colour: str
    share: int
    bar: str
    expected: str
    cells: tuple[Figure, ...]
    over: bool


HEADS: tuple[Message, ...] = (
    message("Visits"), message("Mean"), message("9 of 10 below"), message("All together"), message("Too long"),
    message("Handed on"), message("Came back"),
)  # fmt: skip


def dwell(look: Look, card: DwellCard) -> Mapping[str, Any]:
    workflow = look.form.workflow
    assert workflow is not None
    now, zone = look.period(card.period), look.reader.zone
    found, lost = dwells(look.asking, now, zone), losses(look.asking, now, zone)
    look.weigh(sum(one.count for one in found.values()))
    names = [name for name in workflow.states if name in found]
    longest = max((_length(found[name], card.bars) for name in names), default=Decimal(0))
    rows = [_waited(look, card, name, workflow.states[name], now, found[name], lost[name], longest) for name in names]
    return {"rows": rows, "heads": [say(head, look.reader.language) for head in HEADS], "period": said_now(look, now),
            "bars": say(_BARS[card.bars], look.reader.language)}  # fmt: skip


_BARS = {"sum": message("All together"), "mean": message("Mean"), "p90": message("9 of 10 below")}


def _length(one: Spread, which: str) -> Decimal:
    return {"sum": Decimal(one.total), "mean": one.mean, "p90": Decimal(one.p90)}[which]


def _waited(
    look: Look, card: DwellCard, name: str, state: State, now: Span, one: Spread, lost: Visits, longest: Decimal
) -> Waited:
    def lengths(seconds: Any) -> str:
        return length_text(seconds, look.reader)

    def counted(count: int, operator: str) -> Figure:
        pair = (f"where.state.{operator}", written(name, "", now.first, now.end))
        return formats.integer(count), look.behind(pair) if count else None

    stayed = counted(one.count, "stayed")
    times = ((lengths(each), stayed[1]) for each in (one.mean, one.p90, one.total))
    lost_there = (counted(lost.late, "late"), counted(lost.handed_on, "handed_on"), counted(lost.again, "again"))
    length = _length(one, card.bars)
    expected = seconds_of(state.within) if state.within else None
    return Waited(state.label.text(look.reader.language), state.colour, int(length * 100 / longest) if longest else 0,
                  lengths(length), lengths(expected) if expected else "", (stayed, *times, *lost_there),
                  expected is not None and one.mean > Decimal(expected))  # fmt: skip


def dwell_needs(card: DwellCard, columns: Columns) -> tuple[str | None, ...]:
    return "state", "owner"
