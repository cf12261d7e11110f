"""The plan before and after an answer, machine by machine, as a picture: what stays is grey, what moves is drawn where
it was and where it will be, the rush order stands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import Actor, Application, every, may
from engine.api.screens import reader
from plugins.planning.floor.time import minute, moment

HEAD, ROW, WIDTH = 34, 46, 1160
DAY = 24 * 60
SHORTEST = 2  # px


@dataclass(frozen=True)
class Bar:
    """``kind``: stays, was, moved or rush; ``upper``: drawn in the upper half of its machine's row."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    title: str
    label: str
    span: str


@dataclass(frozen=True)
class Mark:
    x: int
    label: str
    strong: bool


@dataclass(frozen=True)
class Picture:
    lanes: tuple[tuple[int, str], ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    now: int
    width: int
    height: int
    head: int = HEAD
    row: int = ROW


@dataclass(frozen=True)
class Scale:
    """Minutes to pixels: ``first`` is at 0, ``last`` at ``width``."""

    first: int
    last: int
    width: int

    def x(self, at: int) -> int:
        return (at - self.first) * self.width // (self.last - self.first)

    def within(self, at: int | None) -> int | None:
        """None for what lies outside the picture."""
        return None if at is None or not self.first <= at <= self.last else self.x(at)


def picture(
    app: Application, who: Actor, found: Mapping[str, Any], answer: Mapping[str, Any],
    orders: Mapping[str, tuple[str, str]],
) -> Picture | None:  # fmt: skip
    """``found``: the result of the simulation, ``answer`` the one that is looked at; None where nothing changes."""
    lanes = [id for id in found.get("machines", ()) if any(_on(id, line) for line in answer["changes"])]
    if not lanes or not may(app, who, "read", app.definition.forms["machine"]):
        return None
    names = {str(row["id"]): row["_title"] for row in every(app, who, "machine", ids=[int(id) for id in lanes])}
    scale = _scale(found["now"], max(line[2] for _o, *both in answer["changes"] for line in both if line))
    place = {id: row for row, id in enumerate(id for id in lanes if id in names)}
    bars = tuple(bar for bar in _bars(found, answer, orders, place, scale) if bar.x < scale.width)
    return Picture(
        tuple((row, names[id]) for id, row in place.items()), bars, tuple(_marks(scale)), scale.x(found["now"]),
        scale.width, HEAD + len(place) * ROW,
    )  # fmt: skip


def _on(machine: str, change: Sequence[Any]) -> bool:
    return any(line is not None and line[0] == machine for line in change[1:])


def _scale(now: int, last: int) -> Scale:
    """From a little before now; a pixel is no more than an hour, a day no less than 24 pixels."""
    first = now - min(DAY, max(60, (last - now) // 40))
    last = last + (last - first) // 30
    return Scale(first, last, max(WIDTH, (last - first) * 24 // DAY))


def _bars(
    found: Mapping[str, Any], answer: Mapping[str, Any], orders: Mapping[str, tuple[str, str]],
    place: Mapping[str, int], scale: Scale,
) -> Iterator[Bar]:  # fmt: skip
    changed = {one[0] for one in answer["changes"]}
    drawn = _Drawing(found["names"], orders, place, scale, found["order"])
    for operation, machine, start, end in found["before"]:
        if operation not in changed:
            yield from drawn.bar(operation, [machine, start, end], "stays")
    for operation, before, after in answer["changes"]:
        yield from drawn.bar(operation, before, "was")
        yield from drawn.bar(operation, after, "moved")


@dataclass(frozen=True)
class _Drawing:
    names: Mapping[str, Sequence[str]]
    orders: Mapping[str, tuple[str, str]]
    place: Mapping[str, int]
    scale: Scale
    rush: str

    def bar(self, operation: str, line: Sequence[Any] | None, kind: str) -> Iterator[Bar]:
        if line is None or line[0] not in self.place or line[2] < self.scale.first:
            return
        machine, start, end = line
        name, order = self.names.get(operation, (operation, ""))
        if order == self.rush:
            kind = "rush"
        x = max(0, self.scale.x(start))
        wide = max(SHORTEST, self.scale.x(end) - x - 1)
        top = HEAD + self.place[machine] * ROW
        upper, height = (4, 14) if kind == "was" else (21, 21) if kind in ("moved", "rush") else (12, 21)
        shown = self._label(name, order)
        yield Bar(x, top + upper, wide, height, kind, shown, shown if wide > 7 * len(shown) else "", _span(start, end))

    def _label(self, name: str, order: str) -> str:
        """The order's number, or none where the reader may not see it."""
        if order == self.rush:
            return name
        number = self.orders.get(order, ("", ""))[0]
        return f"{number} {name.partition(' ')[2]}" if number else "–"


def _span(start: int, end: int) -> str:
    zone = reader().zone
    begin, stop = moment(start).astimezone(zone), moment(end).astimezone(zone)
    return f"{begin:%m-%d %H:%M} – {stop:%m-%d %H:%M}"


def _marks(scale: Scale) -> Iterable[Mark]:
    """Days where the plant stands; hours of the day where there is room for them."""
    zone = reader().zone
    day = moment(scale.first).astimezone(zone).replace(hour=0, minute=0)
    px = DAY * scale.width // (scale.last - scale.first)
    every_hours = 6 if px >= 260 else 12 if px >= 130 else 24
    each = max(1, 50 // max(1, px))  # days between two labels
    for hours in range(0, 24 * 800, every_hours):
        at = day + dt.timedelta(hours=hours)
        x = scale.x(minute(at.astimezone(dt.UTC)))
        if x > scale.width:
            return
        if x >= 0 and (hours % 24 or hours // 24 % each == 0):
            yield Mark(x, f"{at:%m-%d}" if hours % 24 == 0 else f"{at:%H:%M}", hours % 24 == 0)
