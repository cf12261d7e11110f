"""How values that no database keeps well are kept: exact numbers, moments in UTC, durations, tags and lists of ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

# Every exact number is kept with six digits after the point, whatever its own scale: columns of different scales then
# compare and add in SQL as they are, and a changed scale needs no migration. 18 digits fit SQLite's 64-bit integer.
KEPT_SCALE = 6
DIGITS_BEFORE = 12


class Exact(TypeDecorator[Decimal]):
    """A decimal without rounding: NUMERIC on PostgreSQL; on SQLite, where NUMERIC is a float, millionths as an integer.

    Sums of up to nine trillion stay exact on SQLite. ``scale`` is the number of digits a value has at least.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, scale: int = 2) -> None:
        super().__init__(DIGITS_BEFORE + KEPT_SCALE, KEPT_SCALE)
        self.scale = scale
        self._step = 10 ** (KEPT_SCALE - scale)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(DIGITS_BEFORE + KEPT_SCALE, KEPT_SCALE))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        return int(number.scaleb(KEPT_SCALE)) if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        millionths = int(value if dialect.name == "sqlite" else value.scaleb(KEPT_SCALE))
        whole, rest = divmod(millionths, self._step)
        if rest:  # kept under a larger scale: show all of it rather than round
            return Decimal(millionths).scaleb(-KEPT_SCALE).normalize()
        return Decimal(whole).scaleb(-self.scale)


class Moment(TypeDecorator[dt.datetime]):
    """An aware datetime, kept in UTC. ``whole_seconds`` cuts the fraction off, as typed moments have none."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, whole_seconds: bool = False) -> None:
        super().__init__()
        self.whole_seconds = whole_seconds

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"a moment needs its time zone, got the naive {value!r}")
        moment = value.astimezone(dt.UTC)
        if self.whole_seconds and moment.microsecond:
            moment = moment.replace(microsecond=0)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        # One step instead of three on SQLite: lists read thousands of moments.
        return _moment_of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _moment_of_text(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


class Seconds(TypeDecorator[dt.timedelta]):
    """A duration, kept as whole seconds."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.timedelta | None, dialect: Dialect) -> int | None:
        return None if value is None else value.days * 86400 + value.seconds

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.timedelta | None:
        return None if value is None else dt.timedelta(seconds=int(value))


class Tags(TypeDecorator[tuple[str, ...]]):
    """Several names in one text, ``|a|b|``, so that ``LIKE '%|a|%'`` finds each."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | str | None, dialect: Dialect) -> str | None:
        if not value:
            return None
        return value if isinstance(value, str) else f"|{'|'.join(value)}|"

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return tuple(value[1:-1].split("|")) if value else None


class Ids(TypeDecorator[tuple[int, ...]]):
    """Several record or file ids in one text, ``|4|12|``."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[int] | str | None, dialect: Dialect) -> str | None:
        if not value:
            return None
        return value if isinstance(value, str) else f"|{'|'.join(map(str, value))}|"

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[int, ...] | None:
        return tuple(int(part) for part in value[1:-1].split("|")) if value else None


def json_type() -> TypeEngine[Any]:
    """JSON that keeps None as NULL; JSONB on PostgreSQL."""
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
