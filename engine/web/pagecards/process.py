"""The map of the paths records took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine import formats
from engine.cards import ProcessCard
from engine.columns import Columns
from engine.errors import message
from engine.fields.visited import written
from engine.spans import Span
from engine.texts import say
from engine.visits import Steps, dwells, steps
from engine.web.pagecards.look import Look
from engine.web.pagecards.maps import BEGIN, END, Edge, drawn_map
from engine.web.pagecards.numbers import said_now
from engine.web.pagecards.ways import length_text

THIN, THICK = 1.5, 7.0  # of a way, by how often it was taken
WARMTH = 4  # shades, by how long records waited before the step


@dataclass(frozen=True)
class Node:
    """A state on the map. ``name`` empty: where records begin or end."""

    name: str
    label: str
    count: str
    mean: str
    colour: str
    url: str | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Way:
    """A step from state to state. ``part``: how often it was taken, in percent of the most frequent; ``warm``: 0 to
    ``WARMTH``, by the mean time before it."""

    start: str
    end: str
    count: str
    mean: str
    part: int
    warm: int
    wide: float
    url: str | None
    path: str
    x: float
    y: float
    beside: bool


def draw(look: Look, card: ProcessCard) -> Mapping[str, Any]:
    workflow = look.form.workflow
    assert workflow is not None
    now, zone = look.period(card.period), look.reader.zone
    final = [name for name, state in workflow.states.items() if state.final]
    taken = steps(look.asking, now, zone, final)
    look.weigh(sum(count for count, _mean in taken.edges.values()))
    edges = _edges(taken)
    if not edges:
        return {"empty": True, "period": said_now(look, now)}
    names = [name for name in workflow.states if any(name in edge for edge in edges) or name in taken.came]
    plan = drawn_map(names, list(edges))
    means = {name: one.mean for name, one in dwells(look.asking, now, zone).items()}
    nodes = [_node(look, name, now, taken, means.get(name), plan.places[name]) for name in names]
    ends = [plan.places[name] for name in (BEGIN, END)]
    ways = [_way(look, edge, edges, now, plan.curves[edge]) for edge in edges]
    ways.sort(key=lambda way: way.part)
    return {"nodes": nodes, "ways": ways, "ends": ends, "width": plan.width, "height": plan.height,
            "period": said_now(look, now), "table": [way for way in reversed(ways) if way.mean]}  # fmt: skip


def _edges(taken: Steps) -> dict[Edge, tuple[int, Decimal | None]]:
    found: dict[Edge, tuple[int, Decimal | None]] = {}
    found |= {(BEGIN, name): (count, None) for name, count in taken.began.items()}
    found |= taken.edges
    return found | {(name, END): (count, None) for name, count in taken.ended.items()}


def _label(look: Look, name: str) -> str:
    workflow = look.form.workflow
    if workflow is None or name not in workflow.states:
        return say(_ENDS.get(name, message("{name}", name=name)), look.reader.language)
    return workflow.states[name].label.text(look.reader.language)


_ENDS = {BEGIN: message("Begin"), END: message("End")}


def _node(look: Look, name: str, now: Span, taken: Steps, mean: Decimal | None, place: Any) -> Node:
    came = taken.came.get(name, 0)
    url = look.behind(("where.state.came", written(name, "", now.first, now.end))) if came else None
    assert look.form.workflow is not None
    text = length_text(mean, look.reader) if mean is not None else ""
    return Node(name, _label(look, name), formats.integer(came), text,
                look.form.workflow.states[name].colour, url, place.x, place.y, place.width, place.height)  # fmt: skip


def _way(look: Look, edge: Edge, edges: Mapping[Edge, Any], now: Span, curve: Any) -> Way:
    count, mean = edges[edge]
    most = max(each[0] for each in edges.values())
    longest = max((each[1] for each in edges.values() if each[1] is not None), default=Decimal(0))
    part = max(1, round(count * 100 / most))
    warm = round(mean * WARMTH / longest) if mean is not None and longest else 0
    wide = round(THIN + (THICK - THIN) * count / most, 1)
    text = length_text(mean, look.reader) if mean is not None else ""
    return Way(_label(look, edge[0]), _label(look, edge[1]), formats.integer(count), text, part, int(warm), wide,
               look.behind(_pair(edge, now)), curve.path, curve.x, curve.y, curve.beside)  # fmt: skip


def _pair(edge: Edge, now: Span) -> tuple[str, str]:
    start, end = edge
    if start == BEGIN:
        return "where.state.began", written(end, "", now.first, now.end)
    if end == END:
        return "where.state.ended", written(start, "", now.first, now.end)
    return "where.state.went", written(start, end, now.first, now.end)


def needs(card: ProcessCard, columns: Columns) -> tuple[str | None, ...]:
    return ("state",)
