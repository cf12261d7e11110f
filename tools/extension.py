"""Packs the browser extension: ``python tools/extension.py [folder]`` writes appmill-extension-VERSION.zip, the same
bytes from the same files. ``--icons`` draws its icons anew from the project's own set."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw

from engine.web.appicon import drawing, lines

HOME = Path(__file__).resolve().parent.parent
SOURCE = HOME / "plugins" / "browser_extension"
PACKED = (".css", ".html", ".js", ".json", ".png")
BEGINNING = (1980, 1, 1, 0, 0, 0)  # of the time a ZIP knows
SIZES, COLOUR, ICON = (16, 32, 48, 128), "#2f5bd8", "package-import"
GRID, FINER = 24, 8


def pack(folder: Path) -> Path:
    version = json.loads((SOURCE / "manifest.json").read_text())["version"]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"appmill-extension-{version}.zip"
    with zipfile.ZipFile(target, "w") as packed:
        for path in packed_files():
            entry = zipfile.ZipInfo(path.relative_to(SOURCE).as_posix(), BEGINNING)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            packed.writestr(entry, path.read_bytes(), compresslevel=9)
    return target


def packed_files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in PACKED)


def draw_icons() -> None:
    for size in SIZES:
        icon(size).save(SOURCE / "icons" / f"{size}.png", optimize=True)


def icon(size: int) -> Image.Image:
    """White on a rounded square; drawn larger and shrunk. Small ones have thicker strokes."""
    side = size * FINER
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, side - 1, side - 1), side // 5, fill=COLOUR)
    share = 0.76 if size < 48 else 0.66
    edge, step = side * (1 - share) / 2, side * share / GRID
    width = round((2.4 if size < 32 else 2) * step)
    for line in lines(drawing(ICON)):
        points = [(edge + x * step, edge + y * step) for x, y in line]
        draw.line(points, fill="white", width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill="white")
    return image.resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    given = sys.argv[1:]
    if given == ["--icons"]:
        draw_icons()
    else:
        print(pack(Path(given[0]) if given else HOME / "var"))
