"""What Amazon says of orders and listings: the shapes of its published models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from contracts.shop import Line, Listing, Order

Shape = dict[str, Any]
DATASETS = ("BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX", "PAYMENT", "FULFILLMENT_ORDERS")
STATUS = {"unpaid": "PENDING", "paid": "UNSHIPPED", "partial": "PARTIALLY_SHIPPED", "shipped": "SHIPPED", "cancelled": "CANCELLED"}


def stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(amount: Decimal, currency: str) -> Shape:
    return {"amount": f"{amount:.2f}", "currencyCode": currency}


def order_of(order: Order, wanted: Collection[str], pii: bool) -> Shape:
    """An order with the data sets asked for; the items are always there."""
    parts = {
        "BUYER": lambda: {"buyer": _buyer(order)} if pii else {},
        "RECIPIENT": lambda: {"recipient": {"deliveryAddress": _address(order, pii)}} if order.paid else {},
        "PROCEEDS": lambda: {"proceeds": {"grandTotal": money(order.total, order.currency), "breakdowns": [{"type": "ITEM", "subtotal": money(order.items, order.currency)}, {"type": "SHIPPING", "subtotal": money(order.shipping, order.currency)}]}} if order.paid else {},
        "FULFILLMENT": lambda: {"fulfillment": {"fulfillmentStatus": STATUS[order.state], "fulfilledBy": "MERCHANT", "fulfillmentServiceLevel": "STANDARD", "shipByWindow": {"earliestDateTime": stamp(order.created), "latestDateTime": stamp(order.created + dt.timedelta(days=2))}}},
        "PACKAGES": lambda: {"packages": [_package(order, reference) for reference in order.packages]},
    }
    made: Shape = {
        "orderId": order.no,
        "orderAliases": [],
        "createdTime": stamp(order.created),
        "lastUpdatedTime": stamp(order.updated),
        "programs": [],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com"},
        "orderItems": [_item(order, line, wanted) for line in order.lines],
    }
    for name, part in parts.items():
        if name in wanted:
            made |= part()
    return made


def _buyer(order: Order) -> Shape:
    """The e-mail address is Amazon's own, which forwards."""
    return {"buyerName": order.buyer.name, "buyerEmail": f"b{order.id}x@marketplace.amazon.com", **({"buyerCompanyName": order.buyer.company} if order.buyer.company else {})}


def _address(order: Order, pii: bool) -> Shape:
    buyer = order.buyer
    public = {"city": buyer.city, "stateOrRegion": buyer.province, "postalCode": buyer.zip, "countryCode": buyer.country}
    return {**public, "name": buyer.name, "addressLine1": buyer.street, "districtOrCounty": buyer.district, "phone": buyer.phone, "addressType": "RESIDENTIAL"} if pii else public


def _item(order: Order, line: Line, wanted: Collection[str]) -> Shape:
    shape: Shape = {
        "orderItemId": str(line.id),
        "quantityOrdered": line.quantity,
        "product": {"asin": f"B0{line.id:08d}", "title": line.title, "sellerSku": line.sku, "condition": {"conditionType": "NEW"}, "price": {"unitPrice": money(line.price, order.currency)}},
    }
    if "PROCEEDS" in wanted:
        shape["proceeds"] = {"proceedsTotal": money(line.total, order.currency), "breakdowns": [{"type": "ITEM", "subtotal": money(line.total, order.currency)}]}
    if "FULFILLMENT" in wanted:
        gift = {"packing": {"giftOption": {"giftMessage": order.gift, "giftWrapLevel": "Classic"}}} if order.gift else {}
        shape["fulfillment"] = {"quantityFulfilled": line.shipped, "quantityUnfulfilled": 0 if order.cancelled else line.left, **gift}
    return shape


def _package(order: Order, reference: str) -> Shape:
    package = order.packages[reference]
    return {
        "packageReferenceId": reference,
        "createdTime": stamp(package.at),
        "packageStatus": {"status": "SHIPPED"},
        "carrier": package.carrier,
        "shipTime": stamp(package.at),
        "trackingNumber": package.number,
        "packageItems": [{"orderItemId": str(key), "quantity": quantity} for key, quantity in package.lines.items()],
    }


def item(listing: Listing, marketplace: str, buyable: bool, quantity: int, wanted: Collection[str], now: dt.datetime) -> Shape:
    parts: dict[str, Any] = {
        "summaries": [{"marketplaceId": marketplace, "asin": f"B0{listing.id:08d}", "productType": "PRODUCT", "conditionType": "new_new", "status": ["BUYABLE", "DISCOVERABLE"] if buyable else ["DISCOVERABLE"], "itemName": listing.title, "createdDate": stamp(now - dt.timedelta(days=90)), "lastUpdatedDate": stamp(now)}],
        "attributes": {"item_name": [{"value": listing.title, "marketplace_id": marketplace}], "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity, "lead_time_to_ship_max_days": 2}]},
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": quantity}],
        "issues": [],
        "offers": [{"marketplaceId": marketplace, "offerType": "B2C", "price": {"currencyCode": "USD", "amount": f"{listing.price:.2f}"}}],
        "productTypes": [{"marketplaceId": marketplace, "productType": "PRODUCT"}],
        "procurement": [],
        "relationships": [],
    }
    return {"sku": listing.sku, **{name: parts[name] for name in parts if name in wanted}}
