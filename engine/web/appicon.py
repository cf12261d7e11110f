"""The icon of the application for home screens: its drawing in white on its colour, with room for any mask."""

from __future__ import annotations

import cmath
import io
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw

from engine.web import statics

GRID = 24  # of the drawings in the sprite
SHARE = 0.5  # of the side: masks may cut off everything outside the middle 80 %
STROKE = 1.75
FINER = 4  # drawn so many times larger, then shrunk
STEPS = 12  # straight pieces of a curve

Point = tuple[float, float]
_TOKENS = re.compile(r"[MmLlHhVvCcSsQqTtAaZz]|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")


@lru_cache(maxsize=32)
def picture(icon: str, colour: str, size: int) -> bytes:
    """A PNG of ``size`` pixels. An icon there is not is drawn as the application's usual one."""
    side = size * FINER
    image = Image.new("RGB", (side, side), colour)
    draw = ImageDraw.Draw(image)
    for line in lines(drawing(icon) or drawing("stack-2")):
        _stroke(draw, line, side)
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _stroke(draw: Any, line: Sequence[Point], side: int) -> None:
    scale, edge = side * SHARE / GRID, side * (1 - SHARE) / 2
    points = [(edge + x * scale, edge + y * scale) for x, y in line]
    width = round(STROKE * scale)
    if len(points) > 1:
        draw.line(points, fill="white", width=width, joint="curve")
    for x, y in (points[0], points[-1]):  # round ends
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill="white")


@lru_cache(maxsize=1)
def _sprite() -> dict[str, str]:
    text = (statics.FOLDER / "icons.svg").read_text()
    return dict(re.findall(r'<symbol id="([^"]+)"[^>]*>(.*?)</symbol>', text, re.S))


def drawing(icon: str) -> list[str]:
    """The paths of an icon of the sprite."""
    return re.findall(r'<path d="([^"]+)"', _sprite().get(icon, ""))


def lines(paths: Sequence[str]) -> Iterator[list[Point]]:
    """SVG path data → lines of points. Every curve is as many straight pieces; arcs by ``arc``."""
    for path in paths:
        yield from _Pen().draw(_TOKENS.findall(path))


class _Pen:
    """Reads path data; https://www.w3.org/TR/SVG2/paths.html#PathData."""

    TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}

    def __init__(self) -> None:
        self.at: Point = (0.0, 0.0)
        self.line: list[Point] = []
        self.control: Point | None = None

    def draw(self, tokens: list[str]) -> Iterator[list[Point]]:
        command, place = "M", 0
        while place < len(tokens):
            if tokens[place].isalpha():
                command, place = tokens[place], place + 1
            count = self.TAKES[command.upper()]
            numbers = [float(one) for one in tokens[place : place + count]]
            place += count
            if command in "Mm" and len(self.line) > 0:
                yield self.line
            self._step(command, numbers)
            command = {"M": "L", "m": "l"}.get(command, command)
        if self.line:
            yield self.line

    def _step(self, command: str, numbers: list[float]) -> None:
        kind, relative = command.upper(), command.islower()
        if kind == "Z":
            self._to(self.line[0])
            return
        if kind in "HV":
            x, y = self.at
            value = numbers[0] + ((x if kind == "H" else y) if relative else 0)
            self._to((value, y) if kind == "H" else (x, value))
            return
        points = self._points(numbers[-2:] if kind == "A" else numbers, relative)
        if kind == "M":
            self.at, self.line, self.control = points[0], [points[0]], None
        elif kind == "L":
            self._to(points[0])
        elif kind == "A":
            self._along(arc(self.at, numbers[0], numbers[1], numbers[2], bool(numbers[3]), bool(numbers[4]), points[0]))
        else:
            self._curve(kind, points)

    def _points(self, numbers: list[float], relative: bool) -> list[Point]:
        dx, dy = self.at if relative else (0.0, 0.0)
        return [(numbers[at] + dx, numbers[at + 1] + dy) for at in range(0, len(numbers), 2)]

    def _to(self, point: Point) -> None:
        self.line.append(point)
        self.at, self.control = point, None

    def _along(self, points: Iterator[Point]) -> None:
        for point in points:
            self._to(point)

    def _curve(self, kind: str, points: list[Point]) -> None:
        """Smooth ones begin with the mirrored control point of the curve before."""
        if kind in "ST":
            before = self.control or self.at
            points = [(2 * self.at[0] - before[0], 2 * self.at[1] - before[1]), *points]
        shape = [self.at, *points]
        self._along(bezier(shape, step / STEPS) for step in range(1, STEPS + 1))
        self.control = shape[-2]


def bezier(points: Sequence[Point], share: float) -> Point:
    """De Casteljau: the point of a curve of any degree at a share of it."""
    rest = list(points)
    while len(rest) > 1:
        rest = [
            (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
            for a, b in itertools.pairwise(rest)
        ]  # fmt: skip
    return rest[0]


def arc(start: Point, rx: float, ry: float, turned: float, large: bool, sweep: bool, end: Point) -> Iterator[Point]:
    """Points of an elliptical arc, from its ends to its centre as in SVG 2, appendix B.2.4."""
    if start == end or not rx or not ry:
        yield end
        return
    spin = cmath.exp(1j * math.radians(turned))
    first, last = (complex(*point) / spin for point in (start, end))
    half = (first - last) / 2
    wide, high = abs(rx), abs(ry)
    over = (half.real / wide) ** 2 + (half.imag / high) ** 2
    if over > 1:
        wide, high = wide * math.sqrt(over), high * math.sqrt(over)
    rest = max(0.0, 1 / max(over, 1e-12) - 1) if over <= 1 else 0.0
    sign = 1 if large != sweep else -1
    middle = sign * math.sqrt(rest) * complex(wide * half.imag / high, -high * half.real / wide)
    centre = middle + (first + last) / 2
    begin, finish = (
        cmath.phase(complex((point - centre).real / wide, (point - centre).imag / high)) for point in (first, last)
    )
    span = (finish - begin) % math.tau if sweep else -((begin - finish) % math.tau)
    for step in range(1, STEPS + 1):
        angle = begin + span * step / STEPS
        point = (centre + complex(wide * math.cos(angle), high * math.sin(angle))) * spin
        yield point.real, point.imag
