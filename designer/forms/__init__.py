"""Forms as the designer draws and changes them.

    canvas_of(workspace, form) -> Canvas     # tabs of sections of fields, with everything the canvas shows of them
    palette(registry, language) -> [Shelf]   # the field types by category, each with icon, name and what it is for

The operations (``field.add`` …) enter themselves when this package is imported; each is a pure function from a
workspace to edits of its text.
"""

from designer.forms import copies, fields, many, rights, sections, types, whole
from designer.forms.canvas import Canvas, CanvasField, CanvasSection, CanvasTab, canvas_of
from designer.forms.palette import Piece, Shelf, palette, type_name

__all__ = [
    "Canvas", "CanvasField", "CanvasSection", "CanvasTab", "Piece", "Shelf", "canvas_of", "copies", "fields", "many",
    "palette", "rights", "sections", "type_name", "types", "whole",
]  # fmt: skip
