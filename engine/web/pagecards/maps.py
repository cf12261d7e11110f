"""A map of steps on a plane: states in layers from top to bottom, and the ways between them as curves.

A small layered drawing after Sugiyama, Tagawa and Toda (1981): layers by the longest way from the beginning over the
steps that lead forward in the order of the definition, places in a layer by the mean of the places before. What leads
back goes around at the side. Sizes are px of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDE, TALL = 150, 46  # of a state
ACROSS, DOWN = 40, 58  # between states
EDGE = 14  # around the picture
BEGIN, END = "", "."  # not names of states

Edge = tuple[str, str]


@dataclass(frozen=True)
class Place:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Curve:
    """A path and the point its words stand at: in their middle, or where they begin (``beside``)."""

    path: str
    x: float
    y: float
    beside: bool = False


@dataclass(frozen=True)
class Map:
    width: float
    height: float
    places: Mapping[str, Place]
    curves: Mapping[Edge, Curve]


def drawn_map(names: Sequence[str], edges: Sequence[Edge]) -> Map:
    """``names`` in the order of the definition; ``edges`` may begin at BEGIN and end at END."""
    order = {BEGIN: -1, **{name: place for place, name in enumerate(names)}, END: len(names)}
    forward = [edge for edge in edges if order[edge[0]] < order[edge[1]]]
    layer = _layers([BEGIN, *names, END], forward)
    rows = _rows(layer, forward, order)
    widest = max(len(row) for row in rows)
    around = [edge for edge in edges if edge not in forward or layer[edge[1]] - layer[edge[0]] > 1]
    around.sort(key=lambda edge: abs(layer[edge[0]] - layer[edge[1]]))
    lefts = [edge for edge in around if _on_the_left(edge, rows, edge in forward)]
    rights = [edge for edge in around if edge not in lefts]
    left, right = 44 + 14 * len(lefts), 44 + 14 * len(rights)
    inner = widest * WIDE + (widest - 1) * ACROSS
    places = _places(rows, left, inner)
    height = max(place.y + place.height for place in places.values()) + EDGE
    sides = {edge: 24.0 + 14 * at for at, edge in enumerate(rights)}
    sides |= {edge: -24.0 - 14 * at for at, edge in enumerate(lefts)}
    curves = {edge: _curve(places, edge, sides.get(edge), left, left + inner) for edge in edges}
    return Map(left + inner + right + EDGE, height, places, curves)


def _on_the_left(edge: Edge, rows: Sequence[Sequence[str]], forward: bool) -> bool:
    """What leads back goes around on the right and what skips layers on the left, unless states stand in the way there
    and not on the other side."""
    in_way = {"left": 0, "right": 0}
    for name in edge:
        row = next(row for row in rows if name in row)
        in_way["left"] += row.index(name)
        in_way["right"] += len(row) - 1 - row.index(name)
    return in_way["left"] < in_way["right"] or (forward and in_way["left"] == in_way["right"])


def _layers(names: Sequence[str], forward: Sequence[Edge]) -> dict[str, int]:
    """The longest way from the beginning; the end stands below everything."""
    layer = dict.fromkeys(names, 0)
    for name in names:
        before = [layer[one] + 1 for one, other in forward if other == name]
        layer[name] = max(before, default=0 if name == BEGIN else 1)
    layer[END] = max(layer.values(), default=0) if layer[END] == max(layer.values()) else max(layer.values()) + 1
    return layer


def _rows(layer: Mapping[str, int], forward: Sequence[Edge], order: Mapping[str, int]) -> list[list[str]]:
    count = max(layer.values()) + 1
    rows = [sorted((name for name in layer if layer[name] == at), key=lambda name: order[name]) for at in range(count)]
    seat: dict[str, float] = {}
    for row in rows:
        wanted = {name: _wish(name, forward, seat, at) for at, name in enumerate(row)}
        row.sort(key=lambda name: (wanted[name], order[name]))
        seat |= {name: at - (len(row) - 1) / 2 for at, name in enumerate(row)}
    return [row for row in rows if row]


def _wish(name: str, forward: Sequence[Edge], seat: Mapping[str, float], at: int) -> float:
    before = [seat[one] for one, other in forward if other == name and one in seat]
    return sum(before) / len(before) if before else float(at)


def _places(rows: Sequence[Sequence[str]], left: float, inner: float) -> dict[str, Place]:
    places, y = {}, float(EDGE)
    for row in rows:
        small = set(row) <= {BEGIN, END}
        width, height = (22.0, 22.0) if small else (float(WIDE), float(TALL))
        x = left + (inner - len(row) * width - (len(row) - 1) * ACROSS) / 2
        for at, name in enumerate(row):
            places[name] = Place(round(x + at * (width + ACROSS), 1), y, width, height)
        y += height + DOWN
    return places


def _curve(places: Mapping[str, Place], edge: Edge, side: float | None, left: float, right: float) -> Curve:
    start, end = places[edge[0]], places[edge[1]]
    if side is not None:
        return _around(start, end, side, left, right)
    x1, y1, x2, y2 = start.middle, start.y + start.height, end.middle, end.y
    half = (y2 - y1) / 2
    path = f"M{x1} {y1}C{x1} {y1 + half} {x2} {y2 - half} {x2} {y2}"
    straight = abs(x1 - x2) < 1
    return Curve(path, (x1 + x2) / 2 + (8 if straight else 0), (y1 + y2) / 2 + 4, straight)


def _around(start: Place, end: Place, side: float, left: float, right: float) -> Curve:
    """Out at the side of one state and in at that of the other: backwards on the right, over layers on the left."""
    if side > 0:
        x1, x2, far = start.x + start.width, end.x + end.width, right + side
    else:
        x1, x2, far = start.x, end.x, left + side
    y1, y2 = start.y + start.height * 0.7, end.y + end.height * 0.3
    if start is end:
        y1, y2 = start.y + start.height * 0.75, start.y + start.height * 0.25
    path = f"M{x1} {y1}C{far} {y1} {far} {y2} {x2} {y2}"
    raised = 14 if int(abs(side) - 24) // 14 % 2 else 0  # words of ways beside each other are not
    return Curve(path, round(x1 * 0.125 + far * 0.75 + x2 * 0.125, 1), (y1 + y2) / 2 + raised)
