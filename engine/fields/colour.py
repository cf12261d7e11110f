"""Colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.formats import Reader

_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE | re.ASCII)
# an svg attribute, since style attributes are forbidden by the content security policy
_SWATCH = Markup(
    '<svg class="field-swatch" viewBox="0 0 16 16" aria-hidden="true">'
    '<rect width="16" height="16" rx="4" fill="{0}"/></svg> <span class="font-monospace">{0}</span>'
)


@dataclass(frozen=True, kw_only=True)
class ColourField(Field):
    """A colour, such as #2fb344."""

    type: ClassVar[str] = "colour"
    icon: ClassVar[str] = "palette"
    category: ClassVar[str] = "choice"
    widget: ClassVar[str] = "colour"
    operators: ClassVar[tuple[Operator, ...]] = operators.ONE_OF

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(7)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        if raw is None or raw == "":
            return None
        found = _HEX.fullmatch(reading.narrow(raw)) if isinstance(raw, str) and len(raw) < 40 else None
        if found is None:
            raise self.wrong("{label} must be a colour such as #2fb344; got “{got}”.", got=got(raw))
        digits = found[1].lower()
        return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup("") if value is None else _SWATCH.format(value)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "pattern": "^#[0-9a-f]{6}$"}
