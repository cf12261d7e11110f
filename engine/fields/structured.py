"""Free JSON, for what has no schema or brings its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NewType

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.fields import operators
from engine.fields.base import Field, Operator, got
from engine.fields.columns import json_type
from engine.fields.text import too_long
from engine.formats import Reader
from engine.language import option

SchemaWord = NewType("SchemaWord", str)  # minLength, $ref …
LARGEST = 100_000
DEEPEST = 40


@dataclass(frozen=True, kw_only=True)
class JsonField(Field):
    """Structured data as JSON."""

    type: ClassVar[str] = "json"
    icon: ClassVar[str] = "braces"
    kind: ClassVar[str] = "json"
    widget: ClassVar[str] = "json"
    operators: ClassVar[tuple[Operator, ...]] = operators.FILLED
    sortable: ClassVar[bool] = False

    schema: Mapping[SchemaWord, Any] | None = option("A JSON Schema the data must fulfil.", None)

    def column_type(self) -> TypeEngine[Any]:
        return json_type()

    def parse(self, raw: Any, reader: Reader) -> Any:
        """JSON text, or data as it is. A bare JSON string must be typed with its quotes."""
        value = self._decoded(raw) if isinstance(raw, str) else raw
        if value is None:
            return None
        if not _plain(value, DEEPEST) or len(json.dumps(value)) > LARGEST:
            raise self.wrong(
                "{label} must be plain JSON of at most {limit} characters and {depth} levels; got “{got}”.",
                limit=LARGEST, depth=DEEPEST, got=got(raw),
            )  # fmt: skip
        return self.check(value)

    def _decoded(self, raw: str) -> Any:
        if not raw.strip():
            return None
        if len(raw) > LARGEST:
            raise too_long(self, len(raw), LARGEST)
        try:
            return json.loads(raw)
        except ValueError as error:
            raise self.wrong("{label} is not JSON: {error}; got “{got}”.", error=str(error), got=raw) from None
        except RecursionError:
            raise self.wrong("{label} is nested too deeply.") from None

    def check(self, value: Any) -> Any:
        if self._validator is None:
            return value
        first = next(iter(sorted(self._validator.iter_errors(value), key=lambda error: error.json_path)), None)
        if first is not None:
            raise self.wrong("{label}: {path}: {error}.", path=first.json_path, error=first.message)
        return value

    @cached_property
    def _validator(self) -> Draft202012Validator | None:
        return None if self.schema is None else Draft202012Validator(_thawed(self.schema))

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def value_schema(self) -> Mapping[str, Any]:
        return {} if self.schema is None else dict(_thawed(self.schema))

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        if self.schema is not None:
            try:
                Draft202012Validator.check_schema(_thawed(self.schema))
            except SchemaError as error:
                yield "schema", message("The JSON Schema is wrong: {error}.", error=error.message)
                return
        yield from super().mistakes()


def _plain(value: Any, depth: int) -> bool:
    """JSON's own types only, finite numbers, text that can be stored, not too deep."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < 10**30
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if not depth:
        return False
    if isinstance(value, list | tuple):
        return all(_plain(one, depth - 1) for one in value)
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(key, 1) and _plain(one, depth - 1) for key, one in value.items())
    return False


def _thawed(value: Any) -> Any:
    """jsonschema wants dicts and lists where the definition has mapping proxies and tuples."""
    if isinstance(value, Mapping):
        return {key: _thawed(one) for key, one in value.items()}
    return [_thawed(one) for one in value] if isinstance(value, list | tuple) else value
