"""What Vendure is asked for in GraphQL, and what its orders and levels of stock say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.api import Item
from plugins.channels.items import said, stock, utc, whole

_ORDER = """
  id code state active createdAt updatedAt orderPlacedAt currencyCode totalWithTax shippingWithTax
  subTotalWithTax customer { id firstName lastName emailAddress phoneNumber }
  shippingAddress { fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber }
  lines { id quantity unitPriceWithTax discountedUnitPriceWithTax linePriceWithTax productVariant { id sku name } }
"""
_VARIANT = """
  id sku name enabled updatedAt priceWithTax trackInventory product { id enabled }
  stockLevels { updatedAt stockOnHand stockAllocated stockLocation { id name } }
"""
ORDERS_DOCUMENT = f"""query Orders($options: OrderListOptions) {{
  orders(options: $options) {{ totalItems items {{ {_ORDER} }} }}
}}"""
VARIANTS_DOCUMENT = f"""query Variants($options: ProductVariantListOptions) {{
  productVariants(options: $options) {{ totalItems items {{ {_VARIANT} }} }}
}}"""
TO_SHIP = """query ToShip($options: OrderListOptions) {
  orders(options: $options) { totalItems items {
    id code state lines { id quantity productVariant { sku } }
    fulfillments { id state trackingCode lines { orderLineId quantity } }
  } }
}"""
ME = "query Me { me { identifier } activeChannel { code defaultCurrencyCode } }"
LOGIN = """mutation SignIn($username: String!, $password: String!) {
  login(username: $username, password: $password) {
    __typename ... on CurrentUser { id } ... on ErrorResult { errorCode message }
  }
}"""
CHANGE = """mutation Change($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) { id }
}"""
FULFIL = """mutation Fulfil($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename ... on Fulfillment { id state } ... on ErrorResult { errorCode message }
  }
}"""
SENT = """mutation Sent($id: ID!) {
  transitionFulfillmentToState(id: $id, state: "Shipped") {
    __typename ... on Fulfillment { id state } ... on ErrorResult { errorCode message }
  }
}"""


def stocks(told: Mapping[str, Any]) -> list[Item]:
    """One item for each place that has the article."""
    return [
        Item(f"{told['id']}@{level['stockLocation']['id']}", str(utc(level["updatedAt"])), stock(
            sku=told["sku"], name=said(told["name"]), place=level["stockLocation"]["name"], quantity=str(free(level)),
            updated_at=utc(level["updatedAt"]), raw=level,
        ))
        for level in told["stockLevels"]
    ]  # fmt: skip


def free(level: Mapping[str, Any]) -> int:
    return int(level["stockOnHand"]) - int(level["stockAllocated"])


def left_of(
    told: Mapping[str, Any], shipped: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]] | None
) -> list[Mapping[str, Any]]:
    """The lines of a package: what is left of the order, or what is ``wanted`` of that."""
    sent = Counter[str]()
    for one in shipped:
        sent.update({str(part["orderLineId"]): part["quantity"] for part in one["lines"]})
    left = {str(one["id"]): one["quantity"] - sent[str(one["id"])] for one in told["lines"]}
    if wanted:
        by_sku = {one["productVariant"]["sku"]: str(one["id"]) for one in told["lines"]}
        asked = {str(one.get("id") or by_sku.get(one.get("sku"))): whole(one["quantity"]) for one in wanted}
        left = {id: min(asked.get(id, 0), count) for id, count in left.items()}
    return [{"orderLineId": id, "quantity": count} for id, count in left.items() if count > 0]
