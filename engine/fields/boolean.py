"""Yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.formats import Reader

_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "1", "on", "t", "是", "对", "有", "√", "✓", "真"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off", "f", "否", "错", "无", "×", "✗", "假"), False),
}
_SHOWN = {"zh": ("否", "是"), "en": ("No", "Yes")}
_CELLS = {
    (language, value): Markup(  # noqa: S704 - constants
        f'<span class="field-boolean{" text-green" if value else " text-secondary"}" title="{_SHOWN[language][value]}">'
        f'<span aria-hidden="true">{"✓" if value else "–"}</span>'
        f'<span class="visually-hidden">{_SHOWN[language][value]}</span></span>'
    )
    for language in _SHOWN
    for value in (False, True)
}


@dataclass(frozen=True, kw_only=True)
class BooleanField(Field):
    """Yes or no."""

    type: ClassVar[str] = "boolean"
    icon: ClassVar[str] = "square-check"
    category: ClassVar[str] = "choice"
    kind: ClassVar[str] = "boolean"
    widget: ClassVar[str] = "boolean"
    operators: ClassVar[tuple[Operator, ...]] = (
        # an empty box is an unticked one
        Operator("eq", "is", lambda column, value: column.is_(True) if value else column.is_distinct_from(True)),
        *operators.FILLED,
    )

    def column_type(self) -> TypeEngine[Any]:
        return sa.Boolean()

    def parse(self, raw: Any, reader: Reader) -> bool | None:
        if raw is None or isinstance(raw, bool):
            return raw
        if isinstance(raw, int | float) and raw in (0, 1):
            return bool(raw)
        text = reading.narrow(raw).lower() if isinstance(raw, str) and len(raw) <= 20 else None
        if text == "":
            return None
        value = _WORDS.get(text or "?")
        if value is None:
            raise self.wrong("{label} must be yes or no; got “{got}”.", got=got(raw))
        return value

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else ("true" if value else "false")

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else _SHOWN.get(reader.language, _SHOWN["en"])[bool(value)]

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        if value is None:
            return Markup("")
        return _CELLS[reader.language if reader.language in _SHOWN else "en", bool(value)]

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "boolean"}
