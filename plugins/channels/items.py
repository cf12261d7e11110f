"""How what a shop wrote becomes an item: the names of ``channel``, exact amounts, moments in UTC, none for nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from plugins.channels.channel import ORDER, PRODUCT, STOCK


def exact(value: Any) -> str | None:
    """A decimal number as text, one text for one number: no exponent, no zeros at its end (shops write 68.0 in one
    place and 68.00 in another). None for nothing. Raises ValueError for what is no number."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return format(number.normalize() + 0, "f")


def whole(value: Any) -> int:
    """How many whole pieces a decimal text promises: never more than there are."""
    return max(int(Decimal(str(value))), 0)


def moment(text: Any) -> dt.datetime | None:
    """A moment of ISO 8601; without a zone it is UTC."""
    if not text:
        return None
    read = dt.datetime.fromisoformat(str(text))
    return read.astimezone(dt.UTC) if read.tzinfo else read.replace(tzinfo=dt.UTC)


def utc(value: Any) -> str | None:
    """A moment as every item writes it: always with milliseconds, so that moments sort as texts do."""
    at = value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else moment(value)
    return None if at is None else at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def said(value: Any) -> str | None:
    """What was written, None where that is nothing."""
    text = "" if value is None else str(value).strip()
    return text or None


def together(*parts: Any, between: str = " ") -> str | None:
    """The parts that say something."""
    return said(between.join(text for text in map(said, parts) if text))


def last_part(gid: Any) -> str | None:
    """``1001`` of ``gid://shopify/Order/1001``."""
    return said(str(gid or "").rpartition("/")[2].partition("?")[0])


def order(**known: Any) -> dict[str, Any]:
    """An item of the reading ``orders``."""
    return _full(ORDER, known)


def product(**known: Any) -> dict[str, Any]:
    return _full(PRODUCT, known)


def stock(**known: Any) -> dict[str, Any]:
    return _full(STOCK, known)


def buyer(**known: Any) -> dict[str, Any]:
    return _full(("id", "name", "phone", "email"), known)


def recipient(**known: Any) -> dict[str, Any]:
    return _full(("name", "phone", "country", "province", "city", "district", "street", "postcode"), known)


def line(**known: Any) -> dict[str, Any]:
    return _full(("id", "sku", "name", "quantity", "price", "total"), known)


def _full(names: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    full: dict[str, Any] = dict.fromkeys(names)
    if unknown := known.keys() - full.keys():
        raise TypeError(f"unknown: {sorted(unknown)}")
    return {**full, **known}
