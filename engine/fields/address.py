"""Postal addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine.fields import operators
from engine.fields.base import Field, Operator, got
from engine.fields.columns import json_type
from engine.fields.text import typed_text
from engine.formats import Reader, country

PARTS = ("country", "province", "city", "district", "street", "postcode")
LONGEST = 200
_KNOWN = ", ".join(PARTS)


@dataclass(frozen=True, kw_only=True)
class AddressField(Field):
    """A postal address: country, province, city, district, street, postcode."""

    type: ClassVar[str] = "address"
    icon: ClassVar[str] = "map-pin"
    category: ClassVar[str] = "contact"
    kind: ClassVar[str] = "json"
    widget: ClassVar[str] = "address"
    operators: ClassVar[tuple[Operator, ...]] = (*operators.FILLED,)
    parts: ClassVar[tuple[str, ...]] = PARTS
    sortable: ClassVar[bool] = False
    full_text: ClassVar[bool] = True

    def column_type(self) -> TypeEngine[Any]:
        return json_type()

    def parse(self, raw: Any, reader: Reader) -> dict[str, str] | None:
        """A mapping of parts, its JSON text, or one text that becomes the street."""
        if raw is None or raw == "":
            return None
        parts = _from_text(raw) if isinstance(raw, str) else raw
        if not isinstance(parts, Mapping):
            raise self.wrong("{label} must be an address with {parts}; got “{got}”.", parts=_KNOWN, got=got(raw))
        unknown = [str(key) for key in parts if key not in PARTS]
        if unknown:
            raise self.wrong("{label} has no part “{got}”; an address has {parts}.", got=unknown[0], parts=_KNOWN)
        read = {part: typed_text(self, parts.get(part), LONGEST) for part in PARTS}
        return {part: text for part, text in read.items() if text} or None

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        """zh from the large to the small, en from the small to the large; a country given by its code by its name."""
        if not isinstance(value, Mapping):
            return ""
        parts = {**value, "country": country(value.get("country", ""), reader.language)}
        if reader.language == "zh":
            texts = (parts.get(part, "") for part in PARTS[:-1])
            return "".join(texts) + (f" {parts['postcode']}" if parts.get("postcode") else "")
        order = ("street", "district", "city", "province", "postcode", "country")
        return ", ".join(str(parts[part]) for part in order if parts.get(part))

    def value_schema(self) -> Mapping[str, Any]:
        properties = {part: {"type": "string", "maxLength": LONGEST} for part in PARTS}
        return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _from_text(raw: str) -> Any:
    if raw.lstrip().startswith("{") and len(raw) < 10_000:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            return {"street": raw}
    return {"street": raw}
