"""Vendure's contract server refuses what Vendure refuses, and does what it does."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from contracts.calls import Reply, call
from contracts.shop import Refused
from contracts.vendor import Effect, Served, serving
from contracts.vendure import GRAPH, Vendure
from fake_clock import FakeClock

LOGIN = 'mutation($p: String!) { login(username: "superadmin", password: $p) { __typename ... on CurrentUser { identifier channels { code } } ... on ErrorResult { errorCode message } } }'
ORDERS = """
query($o: OrderListOptions) {
  orders(options: $o) { totalItems items { code state active updatedAt totalWithTax lines { productVariant { sku } quantity unitPriceWithTax } shippingAddress { fullName province } } }
}"""
STOCK = "mutation($i: [UpdateProductVariantInput!]!) { updateProductVariants(input: $i) { enabled stockLevel stockLevels { stockOnHand stockAllocated } } }"
FULFIL = """
mutation($lines: [OrderLineInput!]!, $code: String = "manual-fulfillment") {
  addFulfillmentToOrder(input: {lines: $lines, handler: {code: $code, arguments: [{name: "method", value: "SF"}, {name: "trackingCode", value: "SF1"}]}}) {
    __typename
    ... on Fulfillment { id state nextStates method trackingCode }
    ... on ErrorResult { errorCode message }
    ... on InsufficientStockOnHandError { stockOnHand productVariantName }
  }
}"""
MOVE = """
mutation($id: ID!, $state: String!) {
  transitionFulfillmentToState(id: $id, state: $state) { __typename ... on Fulfillment { state } ... on FulfillmentStateTransitionError { errorCode transitionError } }
}"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock: FakeClock) -> Iterator[Served]:
    vendor = Vendure(clock)
    vendor.hang = 0.2
    with serving(vendor) as served:
        yield served


def ask(shop: Served, query: str, token: str | None = None, **variables: Any) -> Reply:
    return call("POST", shop.url + "/admin-api", told={"query": query, "variables": variables}, headers={"Authorization": f"Bearer {token}"} if token else {})


def signed_in(shop: Served) -> str:
    return ask(shop, LOGIN, p="superadmin").headers["vendure-auth-token"]


def told(shop: Served, query: str, **variables: Any) -> Any:
    if not shop.vendor.sessions:
        signed_in(shop)
    answer = ask(shop, query, next(iter(shop.vendor.sessions)), **variables)
    assert answer.status == 200, answer.body
    assert "errors" not in answer.json, answer.body
    (value,) = answer.json["data"].values()
    return value


def code(reply: Reply, status: int = 200) -> str:
    assert reply.status == status, reply.body
    return str(reply.json["errors"][0]["extensions"]["code"])


def variant(shop: Served, sku: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": str(shop.vendor.listings[sku].id), **more}]


def test_a_session_begins_with_a_login(shop: Served) -> None:
    assert code(ask(shop, ORDERS)) == "FORBIDDEN"
    assert ask(shop, LOGIN, p="wrong").json["data"]["login"] == {"__typename": "InvalidCredentialsError", "errorCode": "INVALID_CREDENTIALS_ERROR", "message": "The provided credentials are invalid"}
    assert code(ask(shop, ORDERS, "made-up")) == "FORBIDDEN"
    assert ask(shop, "{ me { id } }").json["data"] == {"me": None}
    token = signed_in(shop)
    assert ask(shop, ORDERS, token).json["data"]["orders"]["totalItems"] == 0
    shop.vendor.mishaps.next("expired_token")
    assert code(ask(shop, ORDERS, token)) == "FORBIDDEN"
    assert code(ask(shop, ORDERS, token)) == "FORBIDDEN"
    assert call("GET", shop.url + "/admin-api").status == 404
    assert code(call("POST", shop.url + "/admin-api", form={"query": ORDERS}), 400) == "BAD_REQUEST"


def test_an_operation_is_held_against_the_schema(shop: Served) -> None:
    token = signed_in(shop)
    assert code(ask(shop, "{ orders { items { total2 } } }", token), 400) == "GRAPHQL_VALIDATION_FAILED"
    assert code(ask(shop, "{ orders { items { id } }", token), 400) == "GRAPHQL_PARSE_FAILED"
    assert code(ask(shop, MOVE, token, id="1")) == "BAD_USER_INPUT"
    assert code(ask(shop, ORDERS, token, o={"take": 1001})) == "USER_INPUT_ERROR"
    assert code(ask(shop, ORDERS, token, o={"filter": {"updatedAt": {"after": "2026-03-04T01:00:00"}}})) == "BAD_USER_INPUT"
    assert code(ask(shop, '{ orders(options: {filter: {updatedAt: {after: "2026-03-04"}}}) { totalItems } }', token), 400) == "GRAPHQL_VALIDATION_FAILED"
    assert code(ask(shop, STOCK, token, i=[{"id": "9", "stockOnHand": 1}])) == "ENTITY_NOT_FOUND"
    assert code(ask(shop, STOCK, token, i=variant(shop, "TEA-01", stockOnHand=-1))) == "USER_INPUT_ERROR"


def test_orders_come_by_skip_and_take_in_the_order_of_their_change(shop: Served, clock: FakeClock) -> None:
    orders = shop.vendor.bulk(5)
    shop.vendor.order(paid=False)
    clock.advance(minutes=1)
    shop.vendor.touch(orders[1])
    options = {"sort": {"updatedAt": "ASC"}, "take": 2, "filter": {"active": {"eq": False}}}
    pages = [told(shop, ORDERS, o={**options, "skip": skip}) for skip in (0, 2, 4)]
    assert [each["code"] for page in pages for each in page["items"]] == [orders[place].no for place in (0, 2, 3, 4, 1)]
    assert {page["totalItems"] for page in pages} == {5}
    after = {"updatedAt": {"after": orders[3].updated.isoformat()}}
    assert [each["code"] for each in told(shop, ORDERS, o={**options, "filter": {**after, "active": {"eq": False}}})["items"]] == [orders[4].no, orders[1].no]
    assert told(shop, ORDERS, o={"filter": after, "take": 1})["totalItems"] == 3
    assert told(shop, ORDERS, o={"filter": {"_or": [{"code": {"eq": orders[0].no}}, {"state": {"eq": "ArrangingPayment"}}]}})["totalItems"] == 2


def test_amounts_are_in_cents(shop: Served) -> None:
    order = shop.vendor.order(("TEA-02", 3), shipping="4.95")
    found = told(shop, ORDERS)["items"][0]
    assert (found["totalWithTax"], found["state"]) == (4365, "PaymentSettled")
    assert found["lines"] == [{"productVariant": {"sku": "TEA-02"}, "quantity": 3, "unitPriceWithTax": 1290}]
    assert found["shippingAddress"] == {"fullName": order.buyer.name, "province": order.buyer.province}


def test_a_listing_is_paused_by_variant_product_or_stock(shop: Served) -> None:
    query = 'query($s: String!) { productVariants(options: {filter: {sku: {eq: $s}}}) { items { id productId stockLevels { stockLocationId stockOnHand } } } }'
    found = told(shop, query, s="SET/8")["items"]
    assert found[0]["stockLevels"] == [{"stockLocationId": "1", "stockOnHand": 3}]
    shop.vendor.sell("SET/8", 2)
    with pytest.raises(Refused):
        shop.vendor.sell("SET/8", 2)
    assert told(shop, STOCK, i=variant(shop, "SET/8", stockLevels=[{"stockLocationId": "1", "stockOnHand": 2}])) == [{"enabled": True, "stockLevel": "OUT_OF_STOCK", "stockLevels": [{"stockOnHand": 2, "stockAllocated": 2}]}]
    told(shop, STOCK, i=variant(shop, "SET/8", stockOnHand=9))
    product = "mutation($i: [UpdateProductInput!]!) { updateProducts(input: $i) { enabled } }"
    for _ in range(2):
        told(shop, product, i=[{"id": found[0]["productId"], "enabled": False}])
    assert shop.vendor.listed["SET/8"] is False
    told(shop, product, i=[{"id": found[0]["productId"], "enabled": True}])
    told(shop, STOCK, i=variant(shop, "SET/8", enabled=False))
    assert shop.vendor.effected("pause") == {"SET/8": 3}
    assert shop.vendor.effected("resume") == {"SET/8": 2}


def test_an_order_is_fulfilled_and_then_shipped(shop: Served) -> None:
    order = shop.vendor.order(("SET/8", 3))
    line = str(order.lines[0].id)
    assert told(shop, FULFIL, lines=[])["errorCode"] == "EMPTY_ORDER_LINE_SELECTION_ERROR"
    assert told(shop, FULFIL, lines=[{"orderLineId": line, "quantity": 9}])["errorCode"] == "ITEMS_ALREADY_FULFILLED_ERROR"
    assert told(shop, FULFIL, lines=[{"orderLineId": line, "quantity": 1}], code="other")["errorCode"] == "INVALID_FULFILLMENT_HANDLER_ERROR"
    told(shop, STOCK, i=variant(shop, "SET/8", stockOnHand=0))
    short = told(shop, FULFIL, lines=[{"orderLineId": line, "quantity": 1}])
    assert (short["__typename"], short["stockOnHand"]) == ("InsufficientStockOnHandError", 0)
    assert short["message"] == f'Cannot create a Fulfillment as "{order.lines[0].title}" has insufficient stockOnHand (0)'
    told(shop, STOCK, i=variant(shop, "SET/8", stockOnHand=3))
    made = told(shop, FULFIL, lines=[{"orderLineId": line, "quantity": 3}])
    assert (made["state"], made["nextStates"], made["trackingCode"]) == ("Pending", ["Shipped", "Delivered", "Cancelled"], "SF1")
    assert told(shop, FULFIL, lines=[{"orderLineId": line, "quantity": 3}])["errorCode"] == "ITEMS_ALREADY_FULFILLED_ERROR"
    assert shop.vendor.effected("ship") == {}
    assert told(shop, MOVE, id=made["id"], state="Shipped")["state"] == "Shipped"
    assert told(shop, MOVE, id=made["id"], state="Shipped")["transitionError"] == 'Cannot transition Fulfillment from "Shipped" to "Shipped"'
    assert [effect for effect in shop.vendor.effects if effect.kind == "ship"] == [Effect("ship", order.no, {"carrier": "SF", "number": "SF1", "lines": {"SET/8": 3}})]
    assert told(shop, ORDERS)["items"][0]["state"] == "Shipped"
    assert (shop.vendor.stock["SET/8"], shop.vendor.committed["SET/8"]) == (0, 0)


def test_what_goes_wrong_on_command(shop: Served) -> None:
    orders, options = shop.vendor.bulk(4), {"sort": {"updatedAt": "ASC"}, "take": 2}
    token = signed_in(shop)
    shop.vendor.mishaps.next("missing_page")
    seen = [each["code"] for skip in (0, 2) for each in told(shop, ORDERS, o={**options, "skip": skip})["items"]]
    assert seen == [orders[0].no, orders[1].no, orders[3].no, orders[0].no]  # the third is passed over
    shop.vendor.mishaps.next("duplicate_page")
    assert len(told(shop, ORDERS, o={**options, "skip": 2})["items"]) == 4
    shop.vendor.mishaps.next("error_inside")
    assert code(ask(shop, ORDERS, token)) == "INTERNAL_SERVER_ERROR"


def test_every_root_field_is_answered(shop: Served) -> None:
    order = shop.vendor.order(("TEA-01", 1))
    told(shop, FULFIL, lines=[{"orderLineId": str(order.lines[0].id), "quantity": 1}])
    number = shop.vendor.listings["TEA-01"].id
    kinds = {"order": f'id: "{order.id}"', "product": f'id: "{number}"', "productVariant": f'id: "{number}"', "me": "", "activeChannel": "", "orders": "options: {}", "productVariants": "options: {}"}
    assert set(kinds) == set(GRAPH.schema.query_type.fields)
    inner = {"order": "{ " + fields("Order") + " lines { " + fields("OrderLine") + " fulfillmentLines { orderLineId } } fulfillments { " + fields("Fulfillment") + " } customer { " + fields("Customer") + " } }"}
    for name, arguments in kinds.items():
        kind = str(GRAPH.schema.query_type.fields[name].type).strip("!")
        selection = inner.get(name) or "{ __typename " + fields(kind) + " }"
        assert told(shop, f"{{ {name}{f'({arguments})' if arguments else ''} {selection} }}")
    assert told(shop, "mutation { logout { success } }") == {"success": True}
    assert shop.vendor.sessions == set()


def fields(kind: str) -> str:
    return " ".join(name for name, field in GRAPH.schema.type_map[kind].fields.items() if not hasattr(GRAPH.schema.type_map[str(field.type).strip("[]!")], "fields"))


def test_a_page_among_twenty_thousand_orders_is_quick() -> None:
    vendor = Vendure()
    vendor.bulk(20_000, dt.timedelta(hours=12))
    with serving(vendor) as shop:
        began = time.perf_counter()
        options = {"sort": {"updatedAt": "ASC"}, "take": 100, "filter": {"active": {"eq": False}, "updatedAt": {"after": "2026-01-01T00:00:00Z"}}}
        pages = [told(shop, ORDERS, o={**options, "skip": skip}) for skip in range(0, 1000, 100)]
        assert {page["totalItems"] for page in pages} == {20_000}
        assert time.perf_counter() - began < 2
