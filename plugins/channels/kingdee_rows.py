"""What is read of 金蝶云·星空: which rows are asked for, in which window of time, and what becomes of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import DeliveryFailed, Item, message, option
from plugins.channels.items import exact, moment, product, said, stock, utc
from plugins.channels.pages import LATE, OVERLAP, from_local, local

NAME = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
INVENTORY = "STK_Inventory"
APPROVED = "C"  # as FDocumentStatus tells it
PLACES = ("FMaterialId.FNumber", "FMaterialId.FName", "FStockId.FNumber", "FLot.FNumber", "FBaseQty",
          "FBaseUnitId.FNumber")  # fmt: skip
MATERIAL = ("FNumber", "FName", "FSpecification", "FBaseUnitId.FNumber", "FForbidStatus", "FDocumentStatus")
BILL: Mapping[str, str] = {
    "number": "the key of the bill", "fields": "its first row, with _ for the dots in names",
    "lines": "all its rows, alike", "updated_at": "when it was changed last", "raw": "what was read",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Bills:
    """A form of Kingdee that is read, such as SAL_SaleOrder."""

    form: str = option("The FormId.", pattern=r"^[A-Za-z0-9_]{1,80}$")
    fields: tuple[str, ...] = option("The fields that are read, such as FCustId.FNumber.", minItems=1)
    key: str = option("The field by which a bill is known.", "FBillNo", pattern=f"^{NAME}$")
    order: str = option("The field of its internal number, in whose order it is read.", "FID", pattern=f"^{NAME}$")
    changed: str | None = option(
        "The field that says when it was changed. Default: all of them are read each time.", "FModifyDate"
    )


MATERIALS = Bills(form="BD_MATERIAL", fields=MATERIAL, key="FNumber", order="FMATERIALID", changed="FModifyDate")
STOCK = Bills(form=INVENTORY, fields=PLACES, key="FID", order="FID", changed=None)


def is_same_row(bills: Bills, row: Sequence[Any], anchor: Sequence[Any]) -> bool:
    """Whether it is the row that was read before; what has a number of its own may have changed since."""
    return row == anchor or (bills.key == bills.order and row[0] == anchor[0])


def columns_of(bills: Bills) -> tuple[str, ...]:
    """What is asked of each row: first what tells bills apart."""
    wanted = (bills.key, *((bills.changed,) if bills.changed else ()), *map(field_name, bills.fields))
    return tuple(dict.fromkeys(wanted))


def window_of(bills: Bills, cursor: Mapping[str, Any], now: dt.datetime) -> tuple[dt.datetime, dt.datetime] | None:
    """What is read: changes from the first moment on and before the second. None where the span is over."""
    since, until, end = (moment(cursor.get(name)) for name in ("since", "until", "end"))
    start = since or now
    end = end or min(now - LATE, until or now).replace(microsecond=0)
    return (start, end) if end > start or bills.changed is None else None


def between(bills: Bills, start: dt.datetime, end: dt.datetime) -> str:
    if bills.changed is None:
        return ""
    return f"{bills.changed}>='{local(start)}' and {bills.changed}<'{local(end)}'"


def after(bills: Bills, cursor: Mapping[str, Any], end: dt.datetime) -> dict[str, Any]:
    """The next look begins a little earlier than this one ended: what is saved now may be seen later."""
    since, until = moment(cursor["since"]), moment(cursor.get("until"))
    back = dt.timedelta() if until is not None and end >= until.replace(microsecond=0) else OVERLAP
    last = end if bills.changed is None or since is None else max(since, end - back)
    return {"since": utc(last), "until": cursor.get("until"), "start": 0}


def field_name(name: Any) -> str:
    if not re.fullmatch(NAME, str(name)):
        raise DeliveryFailed(message("'{field}' is no name of a field.", field=str(name)[:100]), again=False)
    return str(name)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def head_of(model: Mapping[str, Any]) -> dict[str, Any]:
    """What the head of a bill says, by the field that a query finds it in."""
    found: dict[str, Any] = {}
    for name, value in model.items():
        if isinstance(value, Mapping) and "FNumber" in value:
            found[f"{field_name(name)}.FNumber"] = value["FNumber"]
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
            found[field_name(name)] = value
    return found


def same(mine: Any, theirs: Any) -> bool:
    """A date may come with a time, a number with zeros."""
    one, other = str(mine).replace("T", " "), str(theirs).replace("T", " ")
    if one == other or (re.match(r"\d{4}-\d\d-\d\d", other) and one[:10] == other[:10]):
        return True
    try:
        return exact(one) == exact(other)
    except ValueError:
        return False


def of_stock(row: Mapping[str, Any], now: dt.datetime) -> Item:
    sku, place, lot = (str(row.get(name) or "") for name in ("FMaterialId.FNumber", "FStockId.FNumber", "FLot.FNumber"))
    return Item(f"{sku}|{place}|{lot}", "", stock(
        sku=sku, name=said(row.get("FMaterialId.FName")), place=said(place), lot=said(lot),
        quantity=exact(row["FBaseQty"]), unit=said(row.get("FBaseUnitId.FNumber")), updated_at=utc(now), raw=dict(row),
    ))  # fmt: skip


def of_material(row: Mapping[str, Any]) -> Item:
    updated = str(from_local(row["FModifyDate"]))
    return Item(str(row["FNumber"]), updated, product(
        sku=str(row["FNumber"]), name=said(row.get("FName")),
        listed=row.get("FForbidStatus") == "A" and row.get("FDocumentStatus") == APPROVED, updated_at=updated,
        raw=dict(row),
    ))  # fmt: skip


def of_bill(bills: Bills, rows: Sequence[Mapping[str, Any]]) -> Item:
    times = [str(from_local(row[bills.changed])) for row in rows if bills.changed and row.get(bills.changed)]
    lines = [{name.replace(".", "_"): value for name, value in row.items()} for row in rows]
    number = str(rows[0][bills.key])
    return Item(number, max(times, default=""), {
        "number": number, "fields": lines[0], "lines": lines, "updated_at": max(times, default=None),
        "raw": [dict(row) for row in rows],
    })  # fmt: skip
