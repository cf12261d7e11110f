"""How what Amazon wrote becomes items, and what its listings and orders say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from engine.api import Item
from plugins.channels.items import buyer, exact, line, order, product, recipient, said, stock, together, utc, whole

STATUS = {
    "PENDING_AVAILABILITY": "new", "PENDING": "new", "UNSHIPPED": "paid", "PARTIALLY_SHIPPED": "paid",
    "SHIPPED": "shipped", "CANCELLED": "cancelled", "UNFULFILLABLE": "cancelled",
}  # fmt: skip


def of_order(told: Mapping[str, Any]) -> Item:
    fulfilment = told.get("fulfillment") or {}
    there = str(fulfilment.get("fulfillmentStatus") or "")
    items, people = told["orderItems"], told.get("buyer") or {}
    total = (told.get("proceeds") or {}).get("grandTotal") or {}
    parts = {one["type"]: one["subtotal"]["amount"] for one in (told.get("proceeds") or {}).get("breakdowns") or ()}
    updated, status = str(utc(told["lastUpdatedTime"])), STATUS.get(there, "new")
    return Item(str(told["orderId"]), updated, order(
        number=told["orderId"], status=status, status_there=there,
        placed_at=utc(told["createdTime"]),
        paid_at=utc(told["createdTime"]) if status in ("paid", "shipped") else None,
        updated_at=updated,
        currency=total.get("currencyCode") or _currency(items),
        total=exact(total.get("amount")), shipping=exact(parts.get("SHIPPING")), discount=_off(parts.get("DISCOUNT")),
        buyer=buyer(name=said(people.get("buyerName")), email=said(people.get("buyerEmail"))),
        recipient=_address((told.get("recipient") or {}).get("deliveryAddress") or {}),
        lines=[_line(one) for one in items],
        note=said(((told.get("recipient") or {}).get("deliveryPreference") or {}).get("addressInstruction")),
        gift=any(((one.get("fulfillment") or {}).get("packing") or {}).get("giftOption") for one in items),
        raw=told,
    ))  # fmt: skip


def _off(amount: Any) -> str | None:
    """Amazon writes a discount as a negative part of the proceeds."""
    text = exact(amount)
    return text.removeprefix("-") if text else None


def _currency(items: Sequence[Mapping[str, Any]]) -> str | None:
    prices = [(one["product"].get("price") or {}).get("unitPrice") or {} for one in items]
    return next((price["currencyCode"] for price in prices if price.get("currencyCode")), None)


def _address(told: Mapping[str, Any]) -> dict[str, Any]:
    return recipient(
        name=said(told.get("name")), phone=said(told.get("phone")), country=said(told.get("countryCode")),
        province=said(told.get("stateOrRegion")), city=said(told.get("city")) or said(told.get("municipality")),
        district=said(told.get("districtOrCounty")),
        street=together(told.get("addressLine1"), told.get("addressLine2"), told.get("addressLine3"), between=", "),
        postcode=said(told.get("postalCode")),
    )  # fmt: skip


def _line(told: Mapping[str, Any]) -> dict[str, Any]:
    thing, proceeds = told["product"], told.get("proceeds") or {}
    return line(
        id=told["orderItemId"], sku=said(thing.get("sellerSku")), name=said(thing.get("title")),
        quantity=exact(told["quantityOrdered"]),
        price=exact(((thing.get("price") or {}).get("unitPrice") or {}).get("amount")),
        total=exact((proceeds.get("proceedsTotal") or {}).get("amount")),
    )  # fmt: skip


def of_listing(told: Mapping[str, Any]) -> Item:
    summary: Mapping[str, Any] = next(iter(told.get("summaries") or ()), {})
    offer: Mapping[str, Any] = next((one for one in told.get("offers") or () if one.get("offerType") == "B2C"), {})
    updated, state = utc(summary.get("lastUpdatedDate")) or "", shown(told)
    return Item(str(told["sku"]), updated, product(
        sku=told["sku"], name=said(summary.get("itemName")), listed=state["listed"], quantity=state["quantity"],
        price=exact((offer.get("price") or {}).get("amount")), updated_at=updated or None, raw=told,
    ))  # fmt: skip


def of_stock(told: Mapping[str, Any]) -> Item:
    updated, details = utc(told.get("lastUpdatedTime")), told.get("inventoryDetails") or {}
    key = f"{told.get('sellerSku')}@{told.get('fnSku') or ''}@{told.get('condition') or ''}"
    return Item(key, updated or "", stock(
        sku=said(told.get("sellerSku")), name=said(told.get("productName")), place="FBA",
        quantity=exact(details.get("fulfillableQuantity", told.get("totalQuantity"))), updated_at=updated, raw=told,
    ))  # fmt: skip


def package_reference(tracking: str) -> str:
    """The number by which Amazon knows a package: the same for the same tracking number, so that telling of it twice is
    telling of it once. Amazon takes digits only."""
    return str(int.from_bytes(sha256(tracking.encode()).digest()[:6], "big") + 1)


def left(told: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    left = {one["orderItemId"]: ((one.get("fulfillment") or {}).get("quantityUnfulfilled", one["quantityOrdered"]),
                                 one["product"].get("sellerSku")) for one in told["orderItems"]}  # fmt: skip
    if not wanted:
        return [{"orderItemId": key, "quantity": count} for key, (count, _) in left.items() if count > 0]
    packed: list[Mapping[str, Any]] = []
    for one in wanted:
        key = (
            str(one["id"])
            if one.get("id")
            else next((key for key, (_, sku) in left.items() if sku == one.get("sku")), "")
        )
        packed.append({"orderItemId": key, "quantity": whole(one["quantity"])})
    return packed


def availability(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return told.get("fulfillmentAvailability") or ()


def own(told: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The stock that the seller ships himself."""
    return next((one for one in availability(told) if one.get("fulfillmentChannelCode") == "DEFAULT"), None)


def shown(told: Mapping[str, Any]) -> dict[str, Any]:
    buyable = any("BUYABLE" in (one.get("status") or ()) for one in told.get("summaries") or ())
    mine = own(told)
    quantity = None if mine is None else mine.get("quantity", 0)
    return {"listed": buyable and quantity != 0, "quantity": exact(quantity)}
