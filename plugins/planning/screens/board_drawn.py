"""What the planner's board draws: lanes, bars, closed time, the scale.

Of what the reader may see that which touches the days asked for, each form read once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import Actor, Application, every, may, open_spans
from engine.api.screens import reader, shown_moment, translate
from plugins.planning.calendars import Interval, joined
from plugins.planning.floor.time import minute, moment, without
from plugins.planning.screens.load import WEEKDAYS

HEAD, GROUP, ROW, EDGE = 40, 26, 40, 4  # px
DAY = 24 * 60
MOST = 1500  # bars
SHORTEST = 3  # px
FORMS = ("job_step", "machine")  # what it is drawn from
COLOURS = ("blue", "teal", "purple", "cyan", "indigo", "green", "pink", "lime", "azure")


@dataclass(frozen=True)
class Zoom:
    """``hours``: between two lines of the scale; ``width``: px of a day."""

    name: str
    label: str
    days: int
    width: int
    hours: int


ZOOMS = {one.name: one for one in (
    Zoom("day", "One day", 1, 1536, 1), Zoom("week", "Week", 7, 240, 6), Zoom("weeks", "Three weeks", 21, 84, 24),
)}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """``kind``: free, pinned (put there by hand, or frozen) or begun."""

    id: int
    order: int
    machine: int
    x: int
    y: int
    width: int
    colour: str
    kind: str
    late: bool
    label: str
    name: str
    start: str
    end: str
    span: str


@dataclass(frozen=True)
class Lane:
    id: int
    group: str
    name: str
    y: int
    closed: str  # the path of what is shaded
    stops: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Mark:
    x: int
    label: str
    strong: bool


@dataclass(frozen=True)
class Board:
    """``first``: the moment at the left edge, as scripts read it."""

    zoom: Zoom
    first: str
    lanes: tuple[Lane, ...]
    groups: tuple[tuple[int, str], ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    now: int | None
    width: int
    height: int
    full: bool
    head: int = HEAD
    row: int = ROW
    group: int = GROUP


@dataclass(frozen=True)
class Window:
    """What is looked at, in minutes of the core, and how wide a minute is."""

    zoom: Zoom
    day: dt.date
    first: int
    last: int

    @property
    def width(self) -> int:
        return (self.last - self.first) * self.zoom.width // DAY

    def x(self, at: int) -> int:
        """Within the picture: what begins before it or ends behind it is cut."""
        return (min(max(at, self.first), self.last) - self.first) * self.zoom.width // DAY

    def cut(self, spans: Iterable[Interval]) -> list[Interval]:
        found = ((max(start, self.first), min(end, self.last)) for start, end in spans)
        return [(start, end) for start, end in found if start < end]


def may_look(app: Application, who: Actor) -> bool:
    forms = app.definition.forms
    return all(name in forms and may(app, who, "read", forms[name]).allowed for name in FORMS)


def draw(app: Application, who: Actor, window: Window) -> Board:
    steps = _steps(app, who, window)
    machines = _machines(app, who, {row["machine"] for row in steps})
    lanes, groups, height = _lanes(app, who, window, machines)
    place = {lane.id: lane for lane in lanes}
    drawn = [row for row in steps if row["machine"] in place][:MOST]
    bars = _Bars(app, who, window, place, drawn)
    now = minute(app.clock())
    return Board(
        window.zoom, moment(window.first).isoformat(), lanes, groups, tuple(bars.bar(row) for row in drawn),
        tuple(_marks(window)), window.x(now) if window.first <= now < window.last else None, window.width, height,
        len(steps) > MOST,
    )  # fmt: skip


def _steps(app: Application, who: Actor, window: Window) -> list[Mapping[str, Any]]:
    """A day more on both sides is read: the days of an expression begin where the reader of the record is."""
    low, high = (window.day + dt.timedelta(days=days) for days in (-1, window.zoom.days + 1))
    where = (
        "record.open and record.machine is not None and record.outside is None "
        f"and record.planned_start < date('{high}') and record.planned_end >= date('{low}')"
    )
    found = (row for row in every(app, who, "job_step", where=where) if _touches(window, row))
    return sorted(found, key=lambda row: (row["planned_start"], row["id"]))


def _touches(window: Window, row: Mapping[str, Any]) -> bool:
    return minute(row["planned_start"]) < window.last and minute(row["planned_end"]) > window.first


def _machines(app: Application, who: Actor, busy: set[int]) -> list[Mapping[str, Any]]:
    return [row for row in every(app, who, "machine") if row.get("usable", True) or row["id"] in busy]


def _read(app: Application, who: Actor, form: str, **options: Any) -> list[Mapping[str, Any]]:
    """Nothing where the reader may not see the form, or there is none."""
    forms = app.definition.forms
    seen = form in forms and may(app, who, "read", forms[form]).allowed
    return list(every(app, who, form, **options)) if seen else []


def _lanes(
    app: Application, who: Actor, window: Window, machines: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Lane, ...], tuple[tuple[int, str], ...], int]:
    names = {row["id"]: str(row["_title"]) for row in _read(app, who, "machine_group")}
    hours = _Hours(app, who, window)
    lanes, groups, y, last = [], [], 0, object()
    for row in sorted(machines, key=lambda row: (names.get(row.get("group"), "~"), str(row["_title"]), row["id"])):
        group = row.get("group")
        if group != last:
            groups.append((y, names.get(group, "")))
            y, last = y + GROUP, group
        closed, stops = hours.of(row, y)
        lanes.append(Lane(row["id"], str(group or f"machine {row['id']}"), str(row["_title"]), y, closed, stops))
        y += ROW
    return tuple(lanes), tuple(groups), y


class _Hours:
    """When machines are closed and when they stand, for the days of a window."""

    def __init__(self, app: Application, who: Actor, window: Window) -> None:
        self.window = window
        self.spans = {None: self._of(app, None)}
        self.app = app
        self.stops = _spans(_read(app, who, "machine_stop", where=f"record.ends_at >= date('{window.day}')"))
        self.longer = _spans(_read(app, who, "extra_shift", where=f"record.ends_at >= date('{window.day}')"))

    def _of(self, app: Application, shifts: str | None) -> list[Interval]:
        days = self.window.zoom.days + 2
        spans = open_spans(app.definition, shifts, self.window.day - dt.timedelta(days=1), days)
        return [(minute(start), minute(end)) for start, end in spans]

    def of(self, machine: Mapping[str, Any], y: int) -> tuple[str, tuple[tuple[int, int], ...]]:
        window, shifts = self.window, machine.get("shifts")
        if shifts not in self.spans:
            self.spans[shifts] = self._of(self.app, shifts)
        open_at = joined((*self.spans[shifts], *self.longer.get(machine["id"], ())))
        closed = without([(window.first, window.last)], open_at)
        stops = [(window.x(start), window.x(end)) for start, end in window.cut(self.stops.get(machine["id"], ()))]
        path = "".join(f"M{window.x(start)} {y}H{window.x(end)}V{y + ROW}H{window.x(start)}Z" for start, end in closed)
        return path, tuple((x, max(1, end - x)) for x, end in stops)


def _spans(rows: Iterable[Mapping[str, Any]]) -> dict[int, list[Interval]]:
    found: dict[int, list[Interval]] = {}
    for row in rows:
        found.setdefault(row["machine"], []).append((minute(row["begins_at"]), minute(row["ends_at"])))
    return found


class _Bars:
    """Steps as bars, with the names of what they are for, as far as the reader may see these."""

    def __init__(
        self, app: Application, who: Actor, window: Window, place: Mapping[int, Lane], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        self.window, self.place, self.now = window, place, app.clock()
        self.orders = _by_id(app, who, "order", {row["order"] for row in rows})
        self.jobs = _by_id(app, who, "job", {row["job"] for row in rows})
        self.products = _by_id(app, who, "product", {row.get("product") for row in self.jobs.values()})

    def bar(self, row: Mapping[str, Any]) -> Bar:
        start, end = minute(row["planned_start"]), minute(row["planned_end"])
        x = self.window.x(start)
        wide = max(SHORTEST, self.window.x(end) - x - 1)
        order = self.orders.get(row["order"], {})
        label = f"{order.get('number', '')} {row['name']}".strip()
        product = self.products.get(self.jobs.get(row["job"], {}).get("product"), {}).get("_title", "")
        y, colour = self.place[row["machine"]].y + EDGE, COLOURS[row["order"] % len(COLOURS)]
        return Bar(
            row["id"], row["order"], row["machine"], x, y, wide, colour,
            self._kind(row), _is_late(order), _fitting(label, str(product), wide), f"{label} {product}".strip(),
            row["planned_start"].isoformat(), row["planned_end"].isoformat(),
            f"{shown_moment(row['planned_start'])} – {shown_moment(row['planned_end'])}",
        )  # fmt: skip

    def _kind(self, row: Mapping[str, Any]) -> str:
        begun = row["planned_start"] <= self.now or row.get("reports")
        return "begun" if begun else "pinned" if row.get("frozen") else "free"


def _by_id(app: Application, who: Actor, form: str, ids: set[Any]) -> dict[int, Mapping[str, Any]]:
    return {row["id"]: row for row in _read(app, who, form, ids=ids - {None})}


def _is_late(order: Mapping[str, Any]) -> bool:
    end, due = order.get("planned_end"), order.get("due_on")
    return bool(end and due and end > due)


def _fitting(label: str, more: str, wide: int) -> str:
    """As much as has room, at 7 px a letter and 12 a wide one; nothing where the number does not."""
    for text in (f"{label} {more}".strip(), label, label.partition(" ")[0]):
        if sum(12 if letter > "ÿ" else 7 for letter in text) + 12 <= wide:
            return text
    return ""


def _marks(window: Window) -> Iterable[Mark]:
    zone = reader().zone
    midnight = dt.datetime.combine(window.day, dt.time(), zone)
    for hours in range(0, window.zoom.days * 24, window.zoom.hours):
        at = midnight + dt.timedelta(hours=hours)
        day = f"{at:%m-%d} {translate(WEEKDAYS[at.weekday()])}"
        yield Mark(window.x(minute(at.astimezone(dt.UTC))), f"{at:%H:%M}" if hours % 24 else day, hours % 24 == 0)
