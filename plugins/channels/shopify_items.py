"""What Shopify is asked for, and how what it wrote becomes items: in GraphQL and, otherwise spelled, in webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.api import Item
from plugins.channels.items import (
    buyer,
    exact,
    last_part,
    line,
    order,
    product,
    recipient,
    said,
    stock,
    together,
    utc,
    whole,
)  # fmt: skip

LINES = 10  # of an order, asked for with the order; an order with more is asked for the others by itself
_LINE = """
  id sku name quantity
  originalUnitPriceSet { shopMoney { amount } }
  discountedTotalSet { shopMoney { amount } }
"""
_ORDER = f"""
  id legacyResourceId name createdAt updatedAt processedAt closedAt cancelledAt currencyCode
  displayFinancialStatus displayFulfillmentStatus email phone note customAttributes {{ key value }}
  customer {{ id displayName }}
  shippingAddress {{ name phone countryCodeV2 province city address1 address2 zip }}
  currentTotalPriceSet {{ shopMoney {{ amount }} }}
  totalShippingPriceSet {{ shopMoney {{ amount }} }}
  totalDiscountsSet {{ shopMoney {{ amount }} }}
  lineItems(first: {LINES}) {{ nodes {{ {_LINE} }} pageInfo {{ hasNextPage endCursor }} }}
"""
ORDERS = f"""query Orders($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ {_ORDER} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
MORE_LINES = f"""query Lines($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 100, after: $after) {{
    nodes {{ {_LINE} }} pageInfo {{ hasNextPage endCursor }}
  }} }}
}}"""
VARIANTS = 50  # of a product; more are asked for by themselves
_VARIANT = "id sku displayName price updatedAt availableForSale inventoryQuantity"
PRODUCTS = f"""query Products($first: Int!, $after: String, $query: String!) {{
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ id title status updatedAt
      variants(first: {VARIANTS}) {{ nodes {{ {_VARIANT} }} pageInfo {{ hasNextPage endCursor }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
MORE_VARIANTS = f"""query Variants($id: ID!, $after: String) {{
  product(id: $id) {{ variants(first: 100, after: $after) {{
    nodes {{ {_VARIANT} }} pageInfo {{ hasNextPage endCursor }}
  }} }}
}}"""
_LEVELS = """inventoryLevels(first: 20) { nodes {
  isActive updatedAt location { id name isActive } quantities(names: ["available"]) { name quantity }
} }"""
STOCKS = f"""query Stock($first: Int!, $after: String) {{
  productVariants(first: $first, after: $after, sortKey: ID) {{
    nodes {{ id sku displayName inventoryItem {{ id tracked {_LEVELS} }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
LISTING = f"""query Listing($query: String!) {{
  productVariants(first: 10, query: $query) {{ nodes {{
    id sku inventoryPolicy availableForSale product {{ id status }} inventoryItem {{ id tracked {_LEVELS} }}
  }} }}
}}"""
SHOP = "query Shop { shop { name myshopifyDomain currencyCode } }"
SET_STOCK = """mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field message }
  }
}"""
SET_STATUS = """mutation SetStatus($product: ProductUpdateInput!) {
  productUpdate(product: $product) { product { id status } userErrors { field message } }
}"""
SET_POLICY = """mutation SetPolicy($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants) {
    productVariants { id inventoryPolicy } userErrors { code field message }
  }
}"""
FIND_ORDER = "query FindOrder($query: String!) { orders(first: 10, query: $query) { nodes { id name } } }"
TO_SHIP = """query ToShip($id: ID!) {
  order(id: $id) {
    fulfillmentOrders(first: 5) { nodes {
      id status lineItems(first: 50) { nodes { id sku remainingQuantity lineItem { id } } }
    } }
    fulfillments(first: 30) { id status trackingInfo(first: 5) { number } }
  }
}"""
SHIP = """mutation Ship($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } }
}"""

PAID = ("PAID", "PARTIALLY_REFUNDED")


def status_of(financial: str, fulfilment: str, *, cancelled: bool, closed: bool) -> str:
    """The state of an order. One that was refunded and not shipped is not to be shipped."""
    if cancelled or financial == "VOIDED" or (financial == "REFUNDED" and fulfilment != "FULFILLED"):
        return "cancelled"
    if fulfilment == "FULFILLED":
        return "done" if closed else "shipped"
    return "paid" if financial in PAID else "new"


def _gift(attributes: Sequence[Mapping[str, Any]]) -> bool:
    """Shopify has no field for it: themes and apps write an attribute of the cart that speaks of a gift."""
    empty = ("", "no", "false", "0")
    named = {str(one.get("key", one.get("name")) or ""): str(one.get("value") or "") for one in attributes}
    return any("gift" in name.lower() and value.lower() not in empty for name, value in named.items())


def _amount(node: Mapping[str, Any], name: str) -> str | None:
    return exact(((node.get(name) or {}).get("shopMoney") or {}).get("amount"))


def of_order(node: Mapping[str, Any]) -> Item:
    """An order as GraphQL writes it."""
    financial, fulfilment = str(node["displayFinancialStatus"] or ""), str(node["displayFulfillmentStatus"])
    customer, address = node["customer"] or {}, node["shippingAddress"]
    updated = str(utc(node["updatedAt"]))
    return Item(str(node["legacyResourceId"]), updated, order(
        number=node["name"],
        status=status_of(financial, fulfilment, cancelled=bool(node["cancelledAt"]), closed=bool(node["closedAt"])),
        status_there=f"{financial}/{fulfilment}",
        placed_at=utc(node["createdAt"]),
        paid_at=utc(node["processedAt"]) if financial in (*PAID, "REFUNDED") else None,
        updated_at=updated,
        currency=node["currencyCode"],
        total=_amount(node, "currentTotalPriceSet"),
        shipping=_amount(node, "totalShippingPriceSet"),
        discount=_amount(node, "totalDiscountsSet"),
        buyer=buyer(id=last_part(customer.get("id")), name=said(customer.get("displayName")),
                    phone=said(node["phone"]), email=said(node["email"])),
        recipient=_recipient(address, address["countryCodeV2"]) if address else recipient(),
        lines=[_line(one) for one in node["lineItems"]["nodes"]],
        note=said(node["note"]),
        gift=_gift(node["customAttributes"]),
        raw=node,
    ))  # fmt: skip


def _recipient(address: Mapping[str, Any], country: Any) -> dict[str, Any]:
    return recipient(
        name=said(address.get("name")), phone=said(address.get("phone")), country=said(country),
        province=said(address.get("province")), city=said(address.get("city")),
        street=together(address.get("address1"), address.get("address2"), between=", "),
        postcode=said(address.get("zip")),
    )  # fmt: skip


def _line(node: Mapping[str, Any]) -> dict[str, Any]:
    return line(
        id=last_part(node["id"]), sku=said(node["sku"]), name=said(node["name"]), quantity=exact(node["quantity"]),
        price=_amount(node, "originalUnitPriceSet"), total=_amount(node, "discountedTotalSet"),
    )  # fmt: skip


def of_webhook(body: Mapping[str, Any]) -> Item:
    """An order as webhooks write it."""
    financial = str(body.get("financial_status") or "").upper()
    fulfilment = _FULFILMENT.get(str(body.get("fulfillment_status") or ""), "UNFULFILLED")
    customer, address = body.get("customer") or {}, body.get("shipping_address")
    updated = str(utc(body["updated_at"]))
    closed, cancelled = bool(body.get("closed_at")), bool(body.get("cancelled_at"))
    return Item(str(body["id"]), updated, order(
        number=body["name"],
        status=status_of(financial, fulfilment, cancelled=cancelled, closed=closed),
        status_there=f"{financial}/{fulfilment}",
        placed_at=utc(body["created_at"]),
        paid_at=utc(body.get("processed_at") or body["created_at"]) if financial in (*PAID, "REFUNDED") else None,
        updated_at=updated,
        currency=body["currency"],
        total=exact(body.get("current_total_price", body.get("total_price"))),
        shipping=_amount_of_set(body, "total_shipping_price_set"),
        discount=exact(body.get("total_discounts")),
        buyer=buyer(id=said(customer.get("id")), name=together(customer.get("first_name"), customer.get("last_name")),
                    phone=said(body.get("phone")), email=said(body.get("email"))),
        recipient=_recipient(address, address.get("country_code")) if address else recipient(),
        lines=[_pushed_line(one) for one in body.get("line_items", ())],
        note=said(body.get("note")),
        gift=_gift(body.get("note_attributes") or ()),
        raw=body,
    ))  # fmt: skip


_FULFILMENT = {"fulfilled": "FULFILLED", "partial": "PARTIALLY_FULFILLED"}


def _amount_of_set(body: Mapping[str, Any], name: str) -> str | None:
    return exact(((body.get(name) or {}).get("shop_money") or {}).get("amount"))


def _pushed_line(body: Mapping[str, Any]) -> dict[str, Any]:
    """``total_discount`` is the discount of the line, as in discountedTotalSet."""
    price, quantity = Decimal(str(body["price"])), Decimal(str(body["quantity"]))
    return line(
        id=said(body["id"]), sku=said(body.get("sku")), name=said(body.get("name", body.get("title"))),
        quantity=exact(quantity), price=exact(price),
        total=exact(price * quantity - Decimal(str(body.get("total_discount") or 0))),
    )  # fmt: skip


def of_product(node: Mapping[str, Any]) -> list[Item]:
    """One item for each variant that has an article number."""
    return [
        Item(str(last_part(variant["id"])), max(str(utc(variant["updatedAt"])), str(utc(node["updatedAt"]))), product(
            sku=said(variant["sku"]), name=said(variant["displayName"]),
            listed=node["status"] == "ACTIVE" and variant["availableForSale"],
            quantity=exact(variant["inventoryQuantity"]), price=exact(variant["price"]),
            updated_at=max(str(utc(variant["updatedAt"])), str(utc(node["updatedAt"]))), raw=variant,
        ))
        for variant in node["variants"]["nodes"] if variant["sku"]
    ]  # fmt: skip


def of_stock(node: Mapping[str, Any]) -> list[Item]:
    """One item for each place that has the article."""
    return [
        Item(f"{last_part(node['id'])}@{last_part(level['location']['id'])}", str(utc(level["updatedAt"]) or ""), stock(
            sku=said(node["sku"]), name=said(node["displayName"]), place=level["location"]["name"],
            quantity=exact(available(level)), updated_at=utc(level["updatedAt"]), raw=level,
        ))
        for level in node["inventoryItem"]["inventoryLevels"]["nodes"] if node["sku"] and level["isActive"]
    ]  # fmt: skip


def available(level: Mapping[str, Any]) -> int:
    return sum(int(one["quantity"]) for one in level["quantities"] if one["name"] == "available")


def remaining(state: Mapping[str, Any]) -> bool:
    return any(line["remainingQuantity"] > 0 for one in state["fulfillmentOrders"]["nodes"]
               if one["status"] not in ("CANCELLED", "CLOSED") for line in one["lineItems"]["nodes"])  # fmt: skip


def packed(state: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """What is to be shipped of each fulfilment order that may be: all that is left, or the lines that are ``wanted``,
    each by ``id`` or ``sku`` and ``quantity``."""
    left = [[str(one.get("id") or ""), one.get("sku"), whole(one["quantity"])] for one in wanted or ()]
    groups: list[Mapping[str, Any]] = []
    for one in state["fulfillmentOrders"]["nodes"]:
        if one["status"] in ("OPEN", "IN_PROGRESS"):
            taken = [{"id": part["id"], "quantity": count} for part in one["lineItems"]["nodes"]
                     if (count := _taken(part, left) if wanted else part["remainingQuantity"]) > 0]  # fmt: skip
            if taken:
                groups.append({"fulfillmentOrderId": one["id"], "fulfillmentOrderLineItems": taken})
    return groups


def _taken(part: Mapping[str, Any], left: list[list[Any]]) -> int:
    """How many of a line go into the package; ``left`` is what is still wanted."""
    for one in left:
        id, sku, count = one
        if last_part(part["lineItem"]["id"]) == id if id else part["sku"] == sku:
            taken = min(int(part["remainingQuantity"]), int(count))
            one[2] -= taken
            return taken
    return 0
