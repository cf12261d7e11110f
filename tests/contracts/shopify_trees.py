"""What Shopify says of its things, as trees for contracts.graph."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contracts.buyers import Buyer
from contracts.graph import Wrong
from contracts.shop import Line, Listing, Order, Package

if TYPE_CHECKING:
    from contracts.shopify import Shopify

Tree = dict[str, Any]
LOCATION, PUBLICATION = 9001, 9101
COUNTRIES = {"CN": "China", "US": "United States", "ES": "Spain", "DE": "Germany", "GB": "United Kingdom", "HK": "Hong Kong SAR"}
FULFILLED = {"paid": "UNFULFILLED", "unpaid": "UNFULFILLED", "cancelled": "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "shipped": "FULFILLED"}
ORDERED = {"paid": "OPEN", "unpaid": "OPEN", "cancelled": "CANCELLED", "partial": "IN_PROGRESS", "shipped": "CLOSED"}


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(amount: Decimal, currency: str) -> Tree:
    """Shopify drops the zeros at the end but one: 12.90 is "12.9"."""
    whole, _, part = f"{amount:.2f}".partition(".")
    one = {"__typename": "MoneyV2", "amount": f"{whole}.{part.rstrip('0') or '0'}", "currencyCode": currency}
    return {"__typename": "MoneyBag", "shopMoney": one, "presentmentMoney": one}


def cursor(**where: Any) -> str:
    return base64.b64encode(json.dumps(where, separators=(",", ":")).encode()).decode()


def uncursor(text: str) -> dict[str, Any]:
    """Raises Wrong."""
    try:
        return dict(json.loads(base64.b64decode(text, validate=True)))
    except ValueError:
        raise Wrong(f"Invalid cursor for current pagination sort: {text}", "INVALID_CURSOR") from None


def pages(kind: str, nodes: Sequence[Tree], cursors: Sequence[str], more: bool = False, before: bool = False) -> Tree:
    ends = {"startCursor": cursors[0] if cursors else None, "endCursor": cursors[-1] if cursors else None}
    return {
        "__typename": f"{kind}Connection",
        "nodes": list(nodes),
        "edges": [{"__typename": f"{kind}Edge", "cursor": at, "node": node} for at, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {"__typename": "PageInfo", "hasNextPage": more, "hasPreviousPage": before, **ends},
    }


def size(first: int | None, last: int | None) -> int:
    """How many rows a page may have. Raises Wrong."""
    if first is None and last is None:
        raise Wrong("you must provide one of first or last", "BAD_REQUEST")
    wanted = first if first is not None else last
    assert wanted is not None
    if wanted > 250:
        raise Wrong("first cannot exceed 250. To query larger amounts of data with fewer limits, bulk operations should be used instead.", "BAD_REQUEST")
    if wanted < 0 or last is not None:
        raise Wrong("this server pages forwards, by first", "BAD_REQUEST")
    return wanted


def listing_of(kind: str, all_nodes: Callable[[], Sequence[Tree]]) -> Callable[..., Tree]:
    """A connection of few: the field's arguments choose of the nodes by place."""

    def chosen(first: int | None = None, last: int | None = None, after: str | None = None, **_: Any) -> Tree:
        nodes, room = all_nodes(), size(first, last)
        start = uncursor(after)["place"] + 1 if after else 0
        part = nodes[start : start + room]
        return pages(kind, part, [cursor(place=start + place) for place in range(len(part))], start + room < len(nodes), start > 0)

    return chosen


class Trees:
    """Of one shop."""

    def __init__(self, shop: Shopify) -> None:
        self.shop = shop
        self.location: Tree = {"__typename": "Location", "id": gid("Location", LOCATION), "name": "主仓 Main warehouse", "isActive": True, "fulfillsOnlineOrders": True, "shipsInventory": True}
        self.publication: Tree = {"__typename": "Publication", "id": gid("Publication", PUBLICATION), "autoPublish": True}

    def whole(self) -> Tree:
        shop = self.shop
        return {"__typename": "Shop", "id": gid("Shop", 1), "name": "Tea & Cups", "currencyCode": shop.currency, "ianaTimezone": "Asia/Shanghai", "myshopifyDomain": shop.domain}

    def order(self, order: Order) -> Tree:
        made, state = stamp(order.created), order.state
        bag, address = money(order.total, order.currency), self.address(order.buyer, order.id)
        return {
            "__typename": "Order",
            "id": gid("Order", order.id),
            "legacyResourceId": str(order.id),
            "name": order.no,
            "number": order.id,
            "createdAt": made,
            "updatedAt": stamp(order.updated),
            "processedAt": made,
            "closedAt": None,
            "cancelledAt": stamp(order.updated) if order.cancelled else None,
            "cancelReason": "CUSTOMER" if order.cancelled else None,
            "confirmed": True,
            "test": False,
            "currencyCode": order.currency,
            "presentmentCurrencyCode": order.currency,
            "displayFinancialStatus": "PAID" if order.paid else "PENDING",
            "displayFulfillmentStatus": FULFILLED[state],
            "email": order.buyer.email,
            "phone": order.buyer.phone,
            "note": order.note or None,
            "tags": ["gift"] if order.gift else [],
            "customAttributes": [{"__typename": "Attribute", "key": "gift_message", "value": order.gift}] if order.gift else [],
            "customer": self.customer(order),
            "shippingAddress": address,
            "billingAddress": address,
            "shippingLine": {"__typename": "ShippingLine", "id": gid("ShippingLine", order.id), "title": "Standard", "code": "STD", "originalPriceSet": money(order.shipping, order.currency), "discountedPriceSet": money(order.shipping, order.currency)},
            "currentTotalPriceSet": bag,
            "totalPriceSet": bag,
            "subtotalPriceSet": lambda: money(order.items, order.currency),
            "totalShippingPriceSet": lambda: money(order.shipping, order.currency),
            "totalTaxSet": lambda: money(Decimal(0), order.currency),
            "totalDiscountsSet": lambda: money(Decimal(0), order.currency),
            "lineItems": listing_of("LineItem", lambda: [self.line(order, line) for line in order.lines]),
            "fulfillmentOrders": listing_of("FulfillmentOrder", lambda: [self.fulfillment_order(order)]),
            "fulfillments": lambda **_: [self.fulfillment(order, package) for package in order.packages.values()],
        }

    def customer(self, order: Order) -> Tree:
        buyer = order.buyer
        return {"__typename": "Customer", "id": gid("Customer", 1 + order.id % 97), "displayName": buyer.name, "firstName": buyer.first, "lastName": buyer.last, "locale": "zh-CN" if buyer.country == "CN" else "en"}

    def address(self, buyer: Buyer, number: int) -> Tree:
        return {
            "__typename": "MailingAddress",
            "id": gid("MailingAddress", number),
            "address1": buyer.street,
            "address2": buyer.district or None,
            "city": buyer.city,
            "company": buyer.company or None,
            "country": COUNTRIES[buyer.country],
            "countryCodeV2": buyer.country,
            "firstName": buyer.first,
            "lastName": buyer.last,
            "name": buyer.name,
            "phone": buyer.phone,
            "province": buyer.province,
            "provinceCode": buyer.code,
            "zip": buyer.zip or None,
        }

    def line(self, order: Order, line: Line) -> Tree:
        each, total = money(line.price, order.currency), money(line.total, order.currency)
        return {
            "__typename": "LineItem",
            "id": gid("LineItem", line.id),
            "name": line.title,
            "title": line.title,
            "variantTitle": None,
            "sku": line.sku,
            "quantity": line.quantity,
            "currentQuantity": 0 if order.cancelled else line.quantity,
            "unfulfilledQuantity": 0 if order.cancelled else line.left,
            "requiresShipping": True,
            "customAttributes": [],
            "originalUnitPriceSet": each,
            "discountedUnitPriceSet": each,
            "originalTotalSet": total,
            "discountedTotalSet": lambda **_: total,
            "product": lambda: self.product(self.shop.listings[line.sku]),
            "variant": lambda: self.variant(self.shop.listings[line.sku]),
        }

    def fulfillment_order(self, order: Order) -> Tree:
        status = ORDERED[order.state]
        return {
            "__typename": "FulfillmentOrder",
            "id": gid("FulfillmentOrder", order.id),
            "orderId": gid("Order", order.id),
            "orderName": order.no,
            "createdAt": stamp(order.created),
            "updatedAt": stamp(order.updated),
            "status": status,
            "requestStatus": "CLOSED" if status == "CLOSED" else "UNSUBMITTED",
            "lineItems": listing_of("FulfillmentOrderLineItem", lambda: [self.fulfillment_line(order, line) for line in order.lines]),
        }

    def fulfillment_line(self, order: Order, line: Line) -> Tree:
        return {
            "__typename": "FulfillmentOrderLineItem",
            "id": gid("FulfillmentOrderLineItem", line.id),
            "sku": line.sku,
            "productTitle": line.title,
            "remainingQuantity": 0 if order.cancelled else line.left,
            "totalQuantity": line.quantity,
            "lineItem": lambda: self.line(order, line),
        }

    def fulfillment(self, order: Order, package: Package) -> Tree:
        info = {"__typename": "FulfillmentTrackingInfo", "company": package.carrier or None, "number": package.number or None, "url": None}
        return {
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", package.id),
            "name": f"{order.no}-F{list(order.packages).index(package.reference) + 1}",
            "createdAt": stamp(package.at),
            "updatedAt": stamp(package.at),
            "status": "SUCCESS",
            "totalQuantity": sum(package.lines.values()),
            "trackingInfo": lambda **_: [info],
        }

    def product(self, listing: Listing) -> Tree:
        shop, sku = self.shop, listing.sku
        return {
            "__typename": "Product",
            "id": gid("Product", listing.id),
            "legacyResourceId": str(listing.id),
            "handle": f"p-{listing.id}",
            "title": listing.title,
            "status": shop.status[sku],
            "totalInventory": shop.stock[sku],
            "updatedAt": stamp(shop.now()),
            "publishedOnPublication": lambda publicationId: publicationId == self.publication["id"] and shop.published[sku],
            "variants": listing_of("ProductVariant", lambda: [self.variant(listing)]),
        }

    def variant(self, listing: Listing) -> Tree:
        shop, sku = self.shop, listing.sku
        return {
            "__typename": "ProductVariant",
            "id": gid("ProductVariant", listing.id),
            "legacyResourceId": str(listing.id),
            "sku": sku,
            "barcode": None,
            "title": "Default Title",
            "displayName": f"{listing.title} - Default Title",
            "price": f"{listing.price:.2f}",
            "availableForSale": shop.buyable(sku),
            "inventoryPolicy": shop.policy[sku],
            "inventoryQuantity": shop.stock[sku],
            "inventoryItem": lambda: self.item(listing),
            "product": lambda: self.product(listing),
            "updatedAt": stamp(shop.now()),
        }

    def item(self, listing: Listing) -> Tree:
        return {
            "__typename": "InventoryItem",
            "id": gid("InventoryItem", listing.id),
            "sku": listing.sku,
            "tracked": True,
            "inventoryLevel": lambda locationId: self.level(listing) if locationId == self.location["id"] else None,
            "inventoryLevels": listing_of("InventoryLevel", lambda: [self.level(listing)]),
        }

    def level(self, listing: Listing) -> Tree:
        return {
            "__typename": "InventoryLevel",
            "id": f"{gid('InventoryLevel', listing.id)}?inventory_item_id={listing.id}",
            "isActive": True,
            "item": lambda: self.item(listing),
            "location": self.location,
            "updatedAt": stamp(self.shop.now()),
            "quantities": lambda names: [self.quantity(listing, name) for name in names],
        }

    def quantity(self, listing: Listing, name: str) -> Tree:
        """Raises Wrong for a name that is none."""
        committed, available = self.shop.committed[listing.sku], self.shop.stock[listing.sku]
        amounts = {"available": available, "committed": committed, "on_hand": available + committed, "incoming": 0, "reserved": 0, "damaged": 0, "safety_stock": 0, "quality_control": 0}
        if name not in amounts:
            raise Wrong(f"The specified quantity name '{name}' is invalid.", "INVALID_NAME")
        return {"__typename": "InventoryQuantity", "id": f"{gid('InventoryQuantity', listing.id)}?name={name}", "name": name, "quantity": amounts[name], "updatedAt": stamp(self.shop.now())}
