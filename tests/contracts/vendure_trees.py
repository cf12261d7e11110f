"""What Vendure says of its things, as trees for contracts.graph. Amounts are whole numbers of the smallest unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contracts.shop import Line, Listing, Order, Package

if TYPE_CHECKING:
    from contracts.vendure import Vendure

Tree = dict[str, Any]
LOCATION: Tree = {"__typename": "StockLocation", "id": "1", "name": "Default Stock Location", "description": ""}
MOVES = {"Pending": ["Shipped", "Delivered", "Cancelled"], "Shipped": ["Delivered", "Cancelled"], "Delivered": ["Cancelled"], "Cancelled": []}
NEXT = {"ArrangingPayment": ["PaymentAuthorized", "PaymentSettled", "AddingItems", "Cancelled"], "Cancelled": []}
COUNTRIES = {"CN": "China", "US": "United States of America", "ES": "Spain", "DE": "Germany", "GB": "United Kingdom", "HK": "Hong Kong"}


def stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def cents(amount: Decimal) -> int:
    return int((amount * 100).to_integral_value())


class Trees:
    """Of one shop."""

    def __init__(self, shop: Vendure) -> None:
        self.shop = shop

    def order(self, order: Order) -> Tree:
        state, address = self.shop.state_of(order), self.address(order)
        items, total, shipping = cents(order.items), cents(order.total), cents(order.shipping)
        return {
            "__typename": "Order",
            "id": str(order.id),
            "code": order.no,
            "type": "Regular",
            "createdAt": stamp(order.created),
            "updatedAt": stamp(order.updated),
            "orderPlacedAt": stamp(order.created) if order.paid else None,
            "state": state,
            "active": not order.paid and not order.cancelled,
            "nextStates": NEXT.get(state, ["PartiallyShipped", "Shipped", "PartiallyDelivered", "Delivered", "Cancelled"]),
            "customer": {"__typename": "Customer", "id": str(1 + order.id % 97), "title": None, "firstName": order.buyer.first, "lastName": order.buyer.last, "phoneNumber": order.buyer.phone, "emailAddress": order.buyer.email},
            "shippingAddress": address,
            "billingAddress": address,
            "lines": lambda: [self.line(order, line) for line in order.lines],
            "fulfillments": lambda: [self.fulfillment(order, package) for package in order.packages.values()],
            "totalQuantity": sum(line.quantity for line in order.lines),
            "currencyCode": order.currency,
            "subTotal": items,
            "subTotalWithTax": items,
            "shipping": shipping,
            "shippingWithTax": shipping,
            "total": total,
            "totalWithTax": total,
            "customFields": None,
        }

    def address(self, order: Order) -> Tree:
        buyer = order.buyer
        return {
            "__typename": "OrderAddress",
            "fullName": buyer.name,
            "company": buyer.company or None,
            "streetLine1": buyer.street,
            "streetLine2": buyer.district or None,
            "city": buyer.city,
            "province": buyer.province,
            "postalCode": buyer.zip or None,
            "country": COUNTRIES[buyer.country],
            "countryCode": buyer.country,
            "phoneNumber": buyer.phone,
        }

    def line(self, order: Order, line: Line) -> Tree:
        price, total = cents(line.price), cents(line.total)
        return {
            "__typename": "OrderLine",
            "id": str(line.id),
            "createdAt": stamp(order.created),
            "updatedAt": stamp(order.updated),
            "productVariant": lambda: self.variant(self.shop.listings[line.sku]),
            "quantity": 0 if order.cancelled else line.quantity,
            "orderPlacedQuantity": line.quantity,
            "unitPrice": price,
            "unitPriceWithTax": price,
            "discountedUnitPriceWithTax": price,
            "linePrice": total,
            "linePriceWithTax": total,
            "fulfillmentLines": lambda: [each for package in order.packages.values() for each in self.contents(package) if each["orderLineId"] == str(line.id)],
        }

    def contents(self, package: Package) -> list[Tree]:
        return [{"__typename": "FulfillmentLine", "orderLineId": str(key), "quantity": quantity, "fulfillmentId": str(package.id)} for key, quantity in package.lines.items()]

    def fulfillment(self, order: Order, package: Package) -> Tree:
        state = self.shop.sent[package.id][1]
        return {
            "__typename": "Fulfillment",
            "id": str(package.id),
            "createdAt": stamp(package.at),
            "updatedAt": stamp(order.updated),
            "state": state,
            "nextStates": MOVES[state],
            "method": package.carrier,
            "trackingCode": package.number or None,
            "lines": lambda: self.contents(package),
        }

    def product(self, listing: Listing) -> Tree:
        made = stamp(self.shop.opened)
        return {
            "__typename": "Product",
            "id": str(listing.id),
            "createdAt": made,
            "updatedAt": made,
            "name": listing.title,
            "slug": f"p-{listing.id}",
            "enabled": self.shop.enabled[listing.sku],
            "variants": lambda: [self.variant(listing)],
        }

    def variant(self, listing: Listing) -> Tree:
        shop, sku, price, made = self.shop, listing.sku, cents(listing.price), stamp(self.shop.opened)
        left = shop.saleable(sku)
        product: Callable[[], Tree] = lambda: self.product(listing)  # noqa: E731
        return {
            "__typename": "ProductVariant",
            "id": str(listing.id),
            "productId": str(listing.id),
            "product": product,
            "createdAt": made,
            "updatedAt": made,
            "sku": sku,
            "name": listing.title,
            "enabled": shop.variant_enabled[sku],
            "price": price,
            "priceWithTax": price,
            "currencyCode": shop.currency,
            "trackInventory": shop.tracked[sku],
            "outOfStockThreshold": 0,
            "stockLevel": "IN_STOCK" if left > 2 else "LOW_STOCK" if left > 0 else "OUT_OF_STOCK",
            "stockLevels": lambda: [self.level(listing)],
        }

    def level(self, listing: Listing) -> Tree:
        made = stamp(self.shop.opened)
        return {
            "__typename": "StockLevel",
            "id": str(listing.id),
            "createdAt": made,
            "updatedAt": made,
            "stockLocationId": LOCATION["id"],
            "stockLocation": LOCATION,
            "stockOnHand": self.shop.stock[listing.sku],
            "stockAllocated": self.shop.committed[listing.sku],
        }
