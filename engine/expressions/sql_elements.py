"""The few SQL pieces that SQLite and PostgreSQL write differently, and constants that always stand in the text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine


class Scaled(TypeDecorator[Decimal]):
    """A number times 10^scale as an integer on SQLite, where decimals are kept so; the number itself elsewhere."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.BigInteger() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        number = Decimal(value)
        return int(number.scaleb(self.scale)) if dialect.name == "sqlite" else number

    def process_literal_param(self, value: Any, dialect: Dialect) -> str:
        return str(self.process_bind_param(value, dialect))


class Constant(ColumnElement[Any]):
    """A value written into the SQL text, so that a partial index with the same condition is recognised."""

    inherit_cache = True
    _traverse_internals = [
        ("type", InternalTraversal.dp_type),
        ("key_text", InternalTraversal.dp_string),
    ]

    def __init__(self, value: Any, type_: TypeEngine[Any]) -> None:
        self.value = value
        self.type = type_
        self.key_text = repr(value)  # tells 1, True and Decimal(1) apart


@compiles(Constant)
def _constant(element: Constant, compiler: SQLCompiler, **kw: Any) -> str:
    if isinstance(element.type, Scaled):
        digits = element.type.process_literal_param(element.value, compiler.dialect)
        return f"({digits})" if digits.startswith("-") else digits
    return str(compiler.render_literal_value(element.value, element.type))


class Piece(ColumnElement[Any]):
    """An SQL piece over other elements; ``number`` is part of its text."""

    inherit_cache = True
    _traverse_internals = [
        ("parts", InternalTraversal.dp_clauseelement_tuple),
        ("number", InternalTraversal.dp_string),
        ("type", InternalTraversal.dp_type),
    ]

    def __init__(self, *parts: ColumnElement[Any], number: int = 0, type_: TypeEngine[Any] | None = None) -> None:
        self.parts = parts
        self.number = str(number)
        self.type = type_ or sa.Boolean()

    @property
    def _from_objects(self) -> list[Any]:
        return [found for part in self.parts for found in part._from_objects]

    def self_group(self, against: Any = None) -> Any:
        return self


class Rescaled(Piece):
    """The number with ``number`` more digits kept."""

    inherit_cache = True


class Contains(Piece):
    """Whether the first text holds the second."""

    inherit_cache = True


class StartsWith(Piece):
    """Whether the first text begins with the second."""

    inherit_cache = True


class EndsWith(Piece):
    """Whether the first text ends with the second."""

    inherit_cache = True


class DayShift(Piece):
    """The date ``number`` days later."""

    inherit_cache = True


class DaysApart(Piece):
    """How many days the first date lies after the second."""

    inherit_cache = True


class Rounded(Piece):
    """A number kept with 6 digits, rounded to ``number`` of them; halves go away from zero."""

    inherit_cache = True


class Ordered(Piece):
    """A text compared by its code points, as Python does, whatever the database's collation."""

    inherit_cache = True


def _texts(element: Piece, compiler: SQLCompiler, kw: dict[str, Any]) -> list[str]:
    return [compiler.process(part, **kw) for part in element.parts]


@compiles(Rescaled)
def _rescaled(element: Rescaled, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = _texts(element, compiler, kw)
    return f"({text}) * {10 ** int(element.number)}" if compiler.dialect.name == "sqlite" else text


@compiles(Contains)
def _contains(element: Contains, compiler: SQLCompiler, **kw: Any) -> str:
    whole, part = _texts(element, compiler, kw)
    function = "instr" if compiler.dialect.name == "sqlite" else "strpos"
    return f"({function}({whole}, {part}) > 0)"


@compiles(StartsWith)
def _starts_with(element: StartsWith, compiler: SQLCompiler, **kw: Any) -> str:
    whole, part = _texts(element, compiler, kw)
    return f"(substr({whole}, 1, length({_again(element, compiler, kw)})) = {part})"


@compiles(EndsWith)
def _ends_with(element: EndsWith, compiler: SQLCompiler, **kw: Any) -> str:
    whole, part = _texts(element, compiler, kw)
    size = f"length({_again(element, compiler, kw)})"
    if compiler.dialect.name == "sqlite":
        return f"(length({whole}) >= {size} AND substr({whole}, length({whole}) - {size} + 1) = {part})"
    return f"(right({whole}, {size}) = {part})"


def _again(element: Piece, compiler: SQLCompiler, kw: dict[str, Any]) -> str:
    return compiler.process(element.parts[1], **kw)


@compiles(DayShift)
def _day_shift(element: DayShift, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = _texts(element, compiler, kw)
    days = int(element.number)
    return f"date({text}, '{days:+d} days')" if compiler.dialect.name == "sqlite" else f"({text} + ({days}))"


@compiles(DaysApart)
def _days_apart(element: DaysApart, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = _texts(element, compiler, kw)
    if compiler.dialect.name == "sqlite":
        return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"
    return f"(CAST({later} AS DATE) - CAST({earlier} AS DATE))"


@compiles(Rounded)
def _rounded(element: Rounded, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = _texts(element, compiler, kw)
    scale, places = divmod(int(element.number), 100)
    if compiler.dialect.name != "sqlite":
        return f"round(({text})::numeric, {places})"
    step = 10 ** (scale - places)
    return f"(((abs({text}) + {step // 2}) / {step}) * {step} * CASE WHEN ({text}) < 0 THEN -1 ELSE 1 END)"


@compiles(Ordered)
def _ordered(element: Ordered, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = _texts(element, compiler, kw)
    return text if compiler.dialect.name == "sqlite" else f'({text} COLLATE "C")'
