"""Shopify's contract server refuses what Shopify refuses, and does what it does."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import graphql
import pytest
from contracts.calls import Reply, call
from contracts.schemas import differences
from contracts.shop import Refused
from contracts.shopify import GRAPH, Shopify
from contracts.vendor import Effect, Served, serving
from fake_clock import FakeClock

PATH = "/admin/api/2026-10/graphql.json"
TOKEN = {"X-Shopify-Access-Token": "shpat_of_the_test"}
ORDERS = """
query($after: String, $q: String, $n: Int = 2) {
  orders(first: $n, after: $after, query: $q, sortKey: UPDATED_AT) {
    nodes { name updatedAt totalPriceSet { shopMoney { amount currencyCode } } lineItems(first: 10) { nodes { sku quantity } } }
    pageInfo { hasNextPage endCursor }
  }
}"""
SET = """
mutation($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { reason changes { delta quantityAfterChange name } }
    userErrors { code field message }
  }
}"""
GIVEN = {"first": "2", "names": '["available"]', "locationId": '"gid://shopify/Location/9001"', "publicationId": '"gid://shopify/Publication/9101"'}
SHIP = """
mutation($f: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $f) { fulfillment { id status trackingInfo { company number } } userErrors { field message } }
}"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock: FakeClock) -> Iterator[Served]:
    vendor = Shopify(clock)
    vendor.hang = 0.2
    with serving(vendor) as served:
        yield served


def ask(shop: Served, query: str, headers: dict[str, str] | None = None, path: str = PATH, **variables: Any) -> Reply:
    return call("POST", shop.url + path, told={"query": query, "variables": variables}, headers=TOKEN if headers is None else headers)


def told(shop: Served, query: str, **variables: Any) -> Any:
    answer = ask(shop, query, **variables).json
    assert "errors" not in answer, answer
    return answer["data"]


def codes(reply: Reply) -> list[str]:
    assert reply.status == 200
    return [error["extensions"].get("code") for error in reply.json["errors"]]


def quantity(shop: Served, sku: str, amount: int, **more: Any) -> dict[str, Any]:
    each = {"inventoryItemId": f"gid://shopify/InventoryItem/{shop.vendor.listings[sku].id}", "locationId": "gid://shopify/Location/9001", "quantity": amount, "changeFromQuantity": None, **more}
    return {"name": "available", "reason": "correction", "quantities": [each]}


def all_pages(shop: Served, **variables: Any) -> list[str]:
    names, after = [], None
    while True:
        page = told(shop, ORDERS, after=after, **variables)["orders"]
        names += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return names
        after = page["pageInfo"]["endCursor"]


def test_without_the_token_or_with_another_version_nothing_is_answered(shop: Served) -> None:
    assert ask(shop, "{ shop { name } }", headers={}).status == 401
    assert ask(shop, "{ shop { name } }", headers={"X-Shopify-Access-Token": "wrong"}).status == 401
    assert ask(shop, "{ shop { name } }", path="/admin/api/2025-10/graphql.json").status == 404
    assert call("GET", shop.url + PATH, headers=TOKEN).status == 406
    assert call("POST", shop.url + PATH, form={"query": "{ shop { name } }"}, headers=TOKEN).status == 400
    assert told(shop, "{ shop { currencyCode } }") == {"shop": {"currencyCode": "USD"}}


def test_a_token_of_client_credentials_lives_a_day(shop: Served, clock: FakeClock) -> None:
    asked = {"client_id": "client-id", "client_secret": "client-secret", "grant_type": "client_credentials"}
    address = shop.url + "/admin/oauth/access_token"
    assert call("POST", address, form={**asked, "client_secret": "no"}).status == 401
    assert call("POST", address, form={**asked, "grant_type": "password"}).status == 400
    granted = call("POST", address, form=asked).json
    headers = {"X-Shopify-Access-Token": granted["access_token"]}
    assert granted["expires_in"] == 86399
    assert ask(shop, "{ shop { name } }", headers=headers).status == 200
    clock.advance(hours=24)
    assert ask(shop, "{ shop { name } }", headers=headers).status == 401


def test_an_operation_is_held_against_the_schema(shop: Served) -> None:
    assert "Cannot query field 'total'" in ask(shop, "{ orders(first: 1) { nodes { total } } }").json["errors"][0]["message"]
    assert "Unknown argument" in ask(shop, "{ orders(first: 1, page: 2) { nodes { id } } }").json["errors"][0]["message"]
    assert "Syntax Error" in ask(shop, "{ orders(first: 1 }").json["errors"][0]["message"]
    assert codes(ask(shop, ORDERS, n="two")) == ["INVALID_VARIABLE"]
    assert codes(ask(shop, "{ orders(sortKey: UPDATED_AT) { nodes { id } } }")) == ["BAD_REQUEST"]
    assert codes(ask(shop, "{ orders(first: 251, sortKey: UPDATED_AT) { nodes { id } } }")) == ["BAD_REQUEST"]
    assert codes(ask(shop, "{ orders(first: 1, after: \"x\", sortKey: UPDATED_AT) { nodes { id } } }")) == ["INVALID_CURSOR"]
    assert len(shop.vendor.refused) == 7


def test_orders_come_page_by_page_in_the_order_of_their_change(shop: Served, clock: FakeClock) -> None:
    orders = shop.vendor.bulk(7)
    clock.advance(minutes=1)
    shop.vendor.touch(orders[2])
    assert all_pages(shop) == [order.no for order in [*orders[:2], *orders[3:], orders[2]]]
    since = orders[5].updated.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert all_pages(shop, q=f"updated_at:>='{since}'") == [orders[5].no, orders[6].no, orders[2].no]
    assert all_pages(shop, q=f"updated_at:>'{since}' status:open") == [orders[6].no, orders[2].no]
    shop.vendor.cancel(orders[0])
    assert all_pages(shop, q="status:cancelled") == [orders[0].no]


def test_an_order_carries_its_buyer_and_exact_amounts(shop: Served) -> None:
    order = shop.vendor.order(("TEA-02", 3), ("SET/8", 1), gift="生日快乐", note="", shipping="4.95")
    found = told(shop, ORDERS)["orders"]["nodes"][0]
    assert found["totalPriceSet"]["shopMoney"] == {"amount": "232.53", "currencyCode": "USD"}
    assert found["lineItems"]["nodes"] == [{"sku": "TEA-02", "quantity": 3}, {"sku": "SET/8", "quantity": 1}]
    query = "query($id: ID!) { order(id: $id) { note customAttributes { key value } shippingAddress { ...where } } } fragment where on MailingAddress { name province city address2 phone }"
    one = told(shop, query, id=f"gid://shopify/Order/{order.id}")["order"]
    assert (one["note"], one["customAttributes"]) == (None, [{"key": "gift_message", "value": "生日快乐"}])
    assert one["shippingAddress"] == {"name": order.buyer.name, "province": order.buyer.province, "city": order.buyer.city, "address2": order.buyer.district or None, "phone": order.buyer.phone}


def test_what_is_asked_for_twice_and_in_fragments_is_one(shop: Served) -> None:
    shop.vendor.order(("TEA-01", 2))
    query = """
    query($gift: Boolean!) {
      orders(first: 1, sortKey: UPDATED_AT) { nodes { number: name } nodes { ... on Order { currencyCode } ...rest @skip(if: $gift) } }
    }
    fragment rest on Order { test @include(if: $gift) closedAt }"""
    assert told(shop, query, gift=False)["orders"]["nodes"] == [{"number": "#1001", "currencyCode": "USD", "closedAt": None}]
    assert told(shop, query, gift=True)["orders"]["nodes"] == [{"number": "#1001", "currencyCode": "USD"}]


def test_a_filter_that_is_none_is_ignored_with_a_warning(shop: Served) -> None:
    shop.vendor.bulk(2)
    answer = ask(shop, ORDERS, q="changed:>'2026-01-01'").json
    assert len(answer["data"]["orders"]["nodes"]) == 2
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_points_run_out_and_come_back(clock: FakeClock) -> None:
    with serving(Shopify(clock, points=30, restored=1)) as shop:
        shop.vendor.bulk(3)
        first = ask(shop, ORDERS, n=20).json["extensions"]["cost"]
        assert first["requestedQueryCost"] == 14
        assert first["throttleStatus"] == {"maximumAvailable": 30, "currentlyAvailable": 16, "restoreRate": 1}
        assert "errors" not in ask(shop, ORDERS, n=20).json
        throttled = ask(shop, ORDERS, n=20)
        assert codes(throttled) == ["THROTTLED"]
        assert throttled.json["extensions"]["cost"]["actualQueryCost"] is None
        clock.advance(seconds=14)
        assert "errors" not in ask(shop, ORDERS, n=20).json
        assert shop.vendor.limited == 1
    deep = "{ orders(first: 250, sortKey: UPDATED_AT) { nodes { lineItems(first: 250) { nodes { originalUnitPriceSet { shopMoney { amount } } } } } } }"
    with serving(Shopify(clock)) as shop:
        assert codes(ask(shop, deep)) == ["MAX_COST_EXCEEDED"]


def test_stock_is_set_once_for_a_key(shop: Served) -> None:
    asked = quantity(shop, "TEA-01", 0, changeFromQuantity=120)
    first = told(shop, SET, input=asked, key="k1")
    assert first["inventorySetQuantities"]["inventoryAdjustmentGroup"]["changes"] == [{"delta": -120, "quantityAfterChange": 0, "name": "available"}]
    assert told(shop, SET, input=asked, key="k1") == first
    assert shop.vendor.effects == [
        Effect("stock", "TEA-01", {"quantity": 0, "before": 120}, "k1"),
        Effect("pause", "TEA-01", {"quantity": 0}, "k1"),
    ]
    with pytest.raises(Refused):
        shop.vendor.sell("TEA-01")
    other = told(shop, SET, input=quantity(shop, "TEA-01", 5), key="k1")["inventorySetQuantities"]
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    told(shop, SET, input=quantity(shop, "TEA-01", 5), key="k2")
    assert shop.vendor.effected("resume") == {"TEA-01": 1}
    assert shop.vendor.sell("TEA-01", 2).lines[0].quantity == 2
    assert shop.vendor.stock["TEA-01"] == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"changeFromQuantity": 7}, "CHANGE_FROM_QUANTITY_STALE"),
        ({"inventoryItemId": "gid://shopify/InventoryItem/1"}, "INVALID_INVENTORY_ITEM"),
        ({"locationId": "gid://shopify/Location/1"}, "INVALID_LOCATION"),
        ({"quantity": -1}, "INVALID_QUANTITY_NEGATIVE"),
    ],
)
def test_stock_that_cannot_be_set_says_why(shop: Served, change: dict[str, Any], code: str) -> None:
    answer = told(shop, SET, input=quantity(shop, "TEA-01", 5, **change), key="k")["inventorySetQuantities"]
    assert [error["code"] for error in answer["userErrors"]] == [code]
    again = told(shop, SET, input=quantity(shop, "TEA-01", 5, **change), key="k")["inventorySetQuantities"]
    assert [error["code"] for error in again["userErrors"]] == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
    assert shop.vendor.effects == []


def test_stock_needs_the_directive_and_the_quantity_it_starts_from(shop: Served) -> None:
    without = "mutation($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) { userErrors { code } } }"
    reply = ask(shop, without, input=quantity(shop, "TEA-01", 5))
    assert reply.json["errors"][0]["message"] == "The @idempotent directive is required for this mutation but was not provided."
    blind = quantity(shop, "TEA-01", 5)
    del blind["quantities"][0]["changeFromQuantity"]
    assert codes(ask(shop, SET, input=blind, key="k")) == ["INVALID_FIELD_ARGUMENTS"]
    assert shop.vendor.effects == []


def test_a_listing_is_found_by_its_sku_and_paused_three_ways(shop: Served) -> None:
    query = "query($q: String!) { productVariants(first: 5, query: $q) { nodes { id sku inventoryPolicy inventoryQuantity product { id status } inventoryItem { id inventoryLevels(first: 1) { nodes { location { id } quantities(names: [\"available\", \"committed\"]) { name quantity } } } } } } }"
    found = told(shop, query, q="sku:'SET/8'")["productVariants"]["nodes"]
    assert [(each["sku"], each["inventoryQuantity"]) for each in found] == [("SET/8", 3)]
    product, variant = found[0]["product"]["id"], found[0]["id"]
    status = "mutation($id: ID!, $s: ProductStatus!) { productUpdate(product: {id: $id, status: $s}) { product { status } userErrors { message } } }"
    for _ in range(2):
        told(shop, status, id=product, s="DRAFT")
    assert shop.vendor.listed["SET/8"] is False
    told(shop, status, id=product, s="ACTIVE")
    publish = "mutation($id: ID!) { %s(id: $id, input: [{publicationId: \"gid://shopify/Publication/9101\"}]) { publishable { publishedOnPublication(publicationId: \"gid://shopify/Publication/9101\") } userErrors { message } } }"
    assert told(shop, publish % "publishableUnpublish", id=product)["publishableUnpublish"]["publishable"] == {"publishedOnPublication": False}
    told(shop, publish % "publishablePublish", id=product)
    policy = "mutation($p: ID!, $v: ID!, $w: ProductVariantInventoryPolicy!) { productVariantsBulkUpdate(productId: $p, variants: [{id: $v, inventoryPolicy: $w}]) { productVariants { inventoryPolicy } userErrors { code } } }"
    assert shop.vendor.effected("pause") == shop.vendor.effected("resume") == {"SET/8": 2}
    shop.vendor.stock["SET/8"] = 0
    told(shop, policy, p=product, v=variant, w="CONTINUE")
    assert shop.vendor.sell("SET/8").lines[0].sku == "SET/8"
    told(shop, policy, p=product, v=variant, w="DENY")
    assert shop.vendor.effected("pause") == shop.vendor.effected("resume") == {"SET/8": 3}
    wrong = told(shop, policy, p=product, v="gid://shopify/ProductVariant/1", w="DENY")["productVariantsBulkUpdate"]
    assert wrong["userErrors"] == [{"code": "PRODUCT_VARIANT_DOES_NOT_EXIST"}]


def test_an_order_is_shipped_once(shop: Served) -> None:
    order = shop.vendor.order(("TEA-01", 2), ("TEA-02", 1))
    query = "query($id: ID!) { order(id: $id) { displayFulfillmentStatus fulfillmentOrders(first: 5) { nodes { id status lineItems(first: 9) { nodes { id sku remainingQuantity } } } } } }"
    part = told(shop, query, id=f"gid://shopify/Order/{order.id}")["order"]["fulfillmentOrders"]["nodes"][0]
    lines = [{"id": part["lineItems"]["nodes"][0]["id"], "quantity": 2}]
    parcel = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"], "fulfillmentOrderLineItems": lines}], "trackingInfo": {"company": "SF Express", "number": "SF1"}}
    sent = told(shop, SHIP, f=parcel)["fulfillmentCreate"]
    assert (sent["fulfillment"]["status"], sent["fulfillment"]["trackingInfo"], sent["userErrors"]) == ("SUCCESS", [{"company": "SF Express", "number": "SF1"}], [])
    assert "quantity" in told(shop, SHIP, f=parcel)["fulfillmentCreate"]["userErrors"][0]["message"]
    rest = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"]}]}
    assert told(shop, SHIP, f=rest)["fulfillmentCreate"]["userErrors"] == []
    assert "unfulfillable status= closed" in told(shop, SHIP, f=rest)["fulfillmentCreate"]["userErrors"][0]["message"]
    assert told(shop, query, id=f"gid://shopify/Order/{order.id}")["order"]["displayFulfillmentStatus"] == "FULFILLED"
    assert [(effect.key, effect.values["lines"]) for effect in shop.vendor.effects] == [(order.no, {"TEA-01": 2}), (order.no, {"TEA-02": 1})]


def test_a_webhook_is_signed_over_its_very_bytes(shop: Served) -> None:
    shop.vendor.topics |= {"orders/create", "orders/updated"}
    order = shop.vendor.order(("TEA-01", 2))
    shop.vendor.cancel(order)
    waiting = shop.vendor.deliveries(twice=True, backwards=True)
    assert [headers["X-Shopify-Topic"] for headers, _ in waiting] == ["orders/updated"] * 4 + ["orders/create"] * 2
    assert [json.loads(body)["cancelled_at"] is None for _, body in waiting] == [False, False, True, True, True, True]
    assert waiting[0][0]["X-Shopify-Event-Id"] == waiting[1][0]["X-Shopify-Event-Id"] != waiting[2][0]["X-Shopify-Event-Id"]
    headers, body = shop.vendor.webhook(order, "orders/create")
    assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(hmac.new(b"client-secret", body, hashlib.sha256).digest()).decode()
    assert json.loads(body)["total_price"] == f"{order.total:.2f}"
    assert shop.vendor.deliveries() == []


def test_what_goes_wrong_on_command(shop: Served) -> None:
    orders, mishaps = shop.vendor.bulk(4), shop.vendor.mishaps
    mishaps.next("duplicate_page", only=lambda asked: b'"after": null' not in asked.body)
    names = all_pages(shop)
    assert sorted(set(names)) == sorted(order.no for order in orders)
    assert len(names) == 6
    mishaps.next("missing_page")
    assert all_pages(shop)[-1] == orders[0].no  # it changed meanwhile: by cursor nothing is passed over
    mishaps.next("limited")
    assert codes(ask(shop, ORDERS)) == ["THROTTLED"]
    mishaps.next("error_inside")
    assert codes(ask(shop, ORDERS)) == ["INTERNAL_SERVER_ERROR"]
    mishaps.next("lost", only=lambda asked: b"inventorySetQuantities" in asked.body)
    with pytest.raises(OSError):  # noqa: PT011 - the line is cut, in whatever words
        ask(shop, SET, input=quantity(shop, "TEA-01", 1), key="k")
    told(shop, SET, input=quantity(shop, "TEA-01", 1), key="k")
    assert shop.vendor.effected("stock") == {"TEA-01": 1}
    mishaps.next("expired_token")
    assert ask(shop, ORDERS).status == 401
    assert ask(shop, ORDERS).status == 401


def test_every_field_of_the_schema_is_answered(shop: Served) -> None:
    order = shop.vendor.order(("TEA-01", 1), gift="x", note="y")
    shop.vendor.mishaps.share.clear()
    part = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": f"gid://shopify/FulfillmentOrder/{order.id}"}]}
    told(shop, SHIP, f=part)
    shop.vendor.bucket.burst = shop.vendor.bucket.left = 10_000
    kinds = {"orders": "first: 1, sortKey: UPDATED_AT", "products": "first: 1", "productVariants": "first: 1", "locations": "first: 1", "publications": "first: 1", "shop": ""}
    for name, arguments in kinds.items():
        assert told(shop, f"{{ {name}{f'({arguments})' if arguments else ''} {selected(GRAPH.schema.query_type.fields[name].type, 3)} }}")[name]


def selected(kind: Any, depth: int) -> str:
    """A selection of all fields of a type, as deep as said; empty for a scalar."""
    fields = getattr(graphql.get_named_type(kind), "fields", {})
    shown = []
    for name, field in fields.items():
        below = graphql.get_named_type(field.type)
        inner = selected(below, depth - 1) if depth else ""
        if inner or not hasattr(below, "fields"):
            arguments = ", ".join(f"{each}: {GIVEN[each]}" for each in field.args if each in GIVEN)
            shown.append(f"{name}{f'({arguments})' if arguments else ''} {inner}")
    return f"{{ {' '.join(shown)} }}" if shown else ""


def test_a_page_among_twenty_thousand_orders_is_quick() -> None:
    vendor = Shopify()
    vendor.bulk(20_000, dt.timedelta(hours=12))
    with serving(vendor) as shop:
        began = time.perf_counter()
        page = told(shop, ORDERS, n=50, q="status:open")["orders"]
        for _ in range(9):
            page = told(shop, ORDERS, n=50, q="status:open", after=page["pageInfo"]["endCursor"])["orders"]
        assert page["nodes"][0]["name"] == "#1451"
        assert time.perf_counter() - began < 2


def test_a_difference_of_schemas_is_told() -> None:
    real = graphql.build_schema("type Query { a(b: Int, c: String!): Int! d: String }")
    ours = graphql.build_schema("type Query { a(b: String, e: Int): Int f: Int }")
    assert differences(ours, real) == [
        "Query.a: Int!, not Int",
        "Query.a(b): Int, not String",
        "Query.a(e): no such argument",
        "Query.a(c): required, and missing in ours",
        "Query.f: no such field",
    ]
