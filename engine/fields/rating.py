"""Stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators
from engine.fields.base import Field, Operator, got
from engine.fields.number import typed_number
from engine.formats import Reader
from engine.language import option

_STARS = Markup(
    '<span class="field-stars" role="img" aria-label="{0} / {1}">'
    '<span class="text-yellow" aria-hidden="true">{2}</span>'
    '<span class="text-secondary" aria-hidden="true">{3}</span></span>'
)


@lru_cache(maxsize=128)
def _stars(value: int, most: int) -> Markup:
    return _STARS.format(value, most, "★" * value, "☆" * (most - value))


@dataclass(frozen=True, kw_only=True)
class RatingField(Field):
    """A number of stars."""

    type: ClassVar[str] = "rating"
    icon: ClassVar[str] = "star"
    category: ClassVar[str] = "choice"
    kind: ClassVar[str] = "number"
    widget: ClassVar[str] = "rating"
    operators: ClassVar[tuple[Operator, ...]] = operators.NUMBER

    max: int = option("How many stars there are.", 5, minimum=2, maximum=10)

    def column_type(self) -> TypeEngine[Any]:
        return sa.Integer()

    def parse(self, raw: Any, reader: Reader) -> int | None:
        number = typed_number(self, raw, "3")
        if number is None:
            return None
        if number != number.to_integral_value() or not 1 <= number <= self.max:
            raise self.wrong("{label} must be 1 to {limit} stars; got {got}.", limit=self.max, got=got(raw))
        return int(number)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else f"{value}/{self.max}"

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else str(value)

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        if value is None:
            return Markup("")
        return _stars(value, self.max)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": self.max}
