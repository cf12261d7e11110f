"""Amazon's contract server refuses what the Selling Partner API refuses, and does what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from contracts.amazon import MARKETPLACE, SELLER, Amazon
from contracts.calls import Reply, call
from contracts.shop import Refused
from contracts.vendor import Effect, Served, serving
from fake_clock import FakeClock

GRANT = {"grant_type": "refresh_token", "refresh_token": "Atzr|test", "client_id": "amzn1.application-oa2-client.test", "client_secret": "amzn1.oa2-cs.v1.test"}
ALL = "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,PACKAGES"
SEARCH = "/orders/2026-01-01/orders"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock: FakeClock) -> Iterator[Served]:
    vendor = Amazon(clock)
    vendor.hang = 0.2
    with serving(vendor) as served:
        yield served


def token(shop: Served) -> str:
    return str(call("POST", shop.url + "/auth/o2/token", form=GRANT).json["access_token"])


def ask(shop: Served, path: str, method: str = "GET", told: Any = None, key: str = "", **query: str) -> Reply:
    address = f"{shop.url}{path}{'?' if query else ''}{urlencode(query)}"
    return call(method, address, told=told, headers={"x-amz-access-token": key or token(shop)})


def why(reply: Reply, status: int = 400) -> str:
    assert reply.status == status, reply.body
    return str(reply.json["errors"][0]["message"])


def parcel(order: Any, reference: str = "1", number: str = "1Z1", **more: Any) -> dict[str, Any]:
    lines = [{"orderItemId": str(line.id), "quantity": line.quantity} for line in order.lines]
    detail = {"packageReferenceId": reference, "carrierCode": "UPS", "trackingNumber": number, "shipDate": "2026-03-04T01:30:00Z", "orderItems": lines, **more}
    return {"marketplaceId": MARKETPLACE, "packageDetail": detail}


def patch(quantity: Any, op: str = "merge", **more: Any) -> dict[str, Any]:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity, **more}]
    return {"productType": "PRODUCT", "patches": [{"op": op, "path": "/attributes/fulfillment_availability", "value": value}]}


def test_a_token_lives_an_hour(shop: Served, clock: FakeClock) -> None:
    assert call("POST", shop.url + "/auth/o2/token", form={**GRANT, "client_secret": "x"}).status == 401
    assert call("POST", shop.url + "/auth/o2/token", form={**GRANT, "refresh_token": "x"}).json["error"] == "invalid_grant"
    assert call("GET", f"{shop.url}{SEARCH}?lastUpdatedAfter=2026-01-01T00:00:00Z").status == 403
    key = token(shop)
    assert ask(shop, SEARCH, key=key, lastUpdatedAfter="2026-01-01T00:00:00Z").status == 200
    clock.advance(hours=1)
    assert "expired" in why(ask(shop, SEARCH, key=key, lastUpdatedAfter="2026-01-01T00:00:00Z"), 403)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "exactly one of"),
        ({"createdAfter": "2026-01-01T00:00:00Z", "lastUpdatedAfter": "2026-01-01T00:00:00Z"}, "exactly one of"),
        ({"lastUpdatedAfter": "2026-01-01"}, "no time zone"),
        ({"lastUpdatedAfter": "yesterday"}, "ISO 8601"),
        ({"lastUpdatedAfter": "2026-03-04T00:00:00Z", "lastUpdatedBefore": "2026-03-04T01:28:01Z"}, "two minutes"),
        ({"lastUpdatedAfter": "2026-03-04T00:00:00Z", "maxResultsPerPage": "101"}, "between 1 and 100"),
        ({"lastUpdatedAfter": "2026-03-04T00:00:00Z", "includedData": "buyer"}, "'buyer' is not a valid value"),
        ({"lastUpdatedAfter": "2026-03-04T00:00:00Z", "LastUpdatedAfter": "x"}, "not a known parameter"),
        ({"lastUpdatedAfter": "2026-03-04T00:00:00Z", "fulfillmentStatuses": "Unshipped"}, "not a valid value"),
        ({"lastUpdatedAfter": "2026-03-04T00:00:00Z", "paginationToken": "x"}, "paginationToken"),
    ],
)
def test_a_search_that_is_wrong_is_refused(shop: Served, query: dict[str, str], said: str) -> None:
    assert said in why(ask(shop, SEARCH, **query))
    assert len(shop.vendor.refused) == 1


def test_orders_come_page_by_page_with_what_was_asked_for(shop: Served, clock: FakeClock) -> None:
    orders = [shop.vendor.order(("TEA-02", 3), gift="Happy birthday", shipping="4.95"), *(shop.vendor.order() for _ in range(4))]
    clock.advance(minutes=5)
    query = {"lastUpdatedAfter": "2026-03-04T01:00:00Z", "maxResultsPerPage": "2", "marketplaceIds": MARKETPLACE, "includedData": ALL}
    first = ask(shop, SEARCH, **query)
    assert first.headers["x-amzn-ratelimit-limit"] == "0.0056"
    page, found = first.json, list(first.json["orders"])
    while token := page.get("pagination", {}).get("nextToken"):
        page = ask(shop, SEARCH, **query, paginationToken=token).json
        found += page["orders"]
    assert [order["orderId"] for order in found] == [order.no for order in orders]
    assert found[0]["proceeds"]["grandTotal"] == {"amount": "43.65", "currencyCode": "USD"}
    assert found[0]["recipient"]["deliveryAddress"]["stateOrRegion"] == orders[0].buyer.province
    assert found[0]["orderItems"][0]["fulfillment"]["packing"]["giftOption"]["giftMessage"] == "Happy birthday"
    assert "buyer" not in ask(shop, SEARCH, lastUpdatedAfter="2026-03-04T01:00:00Z").json["orders"][0]
    assert ask(shop, SEARCH, lastUpdatedAfter="2026-03-04T01:00:00Z", fulfillmentStatuses="SHIPPED").json["orders"] == []
    assert "another request" in why(ask(shop, SEARCH, paginationToken=first.json["pagination"]["nextToken"], maxResultsPerPage="3"))
    clock.advance(hours=25)
    assert "expired" in why(ask(shop, SEARCH, paginationToken=first.json["pagination"]["nextToken"]))


def test_the_last_two_minutes_come_later_and_what_changes_meanwhile_comes_again(shop: Served, clock: FakeClock) -> None:
    orders = [shop.vendor.order() for _ in range(4)]
    query = {"lastUpdatedAfter": "2026-03-04T01:00:00Z", "maxResultsPerPage": "2"}
    clock.advance(seconds=119)
    assert ask(shop, SEARCH, **query).json == {"orders": [], "lastUpdatedBefore": "2026-03-04T01:29:59Z"}
    clock.advance(seconds=1)
    first = ask(shop, SEARCH, **query).json
    assert first["lastUpdatedBefore"] == "2026-03-04T01:30:00Z"
    clock.advance(minutes=10)
    shop.vendor.mishaps.next("missing_page")
    second = ask(shop, SEARCH, paginationToken=first["pagination"]["nextToken"], **query).json
    assert [each["orderId"] for each in first["orders"] + second["orders"]] == [orders[place].no for place in (0, 1, 3)]
    assert second["lastUpdatedBefore"] == first["lastUpdatedBefore"]
    clock.advance(minutes=2)
    again = ask(shop, SEARCH, lastUpdatedAfter=second["lastUpdatedBefore"], includedData="BUYER").json["orders"]
    assert orders[2].no in [each["orderId"] for each in again]


def test_the_usage_plan_holds(shop: Served, clock: FakeClock) -> None:
    key = token(shop)
    replies = [ask(shop, SEARCH, key=key, lastUpdatedAfter="2026-03-04T01:00:00Z") for _ in range(21)]
    assert [reply.status for reply in replies] == [200] * 20 + [429]
    assert replies[20].json["errors"][0]["code"] == "QuotaExceeded"
    clock.advance(seconds=179)
    assert ask(shop, SEARCH, key=key, lastUpdatedAfter="2026-03-04T01:00:00Z").status == 200
    assert ask(shop, SEARCH, key=key, lastUpdatedAfter="2026-03-04T01:00:00Z").status == 429
    assert shop.vendor.limited == 2


def test_one_order_is_read(shop: Served) -> None:
    order = shop.vendor.order(paid=False)
    path = f"{SEARCH}/{order.no}"
    assert ask(shop, path, includedData="FULFILLMENT").json["order"]["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert "recipient" not in ask(shop, path, includedData=ALL).json["order"]
    assert why(ask(shop, f"{SEARCH}/111-1111111-1111111"), 404)
    assert why(ask(shop, f"{SEARCH}/17"))
    with serving(Amazon(shop.vendor.clock, pii=False)) as other:
        told = ask(other, f"{SEARCH}/{other.vendor.order().no}", includedData=ALL).json["order"]
        assert sorted(told["recipient"]["deliveryAddress"]) == ["city", "countryCode", "postalCode", "stateOrRegion"]


def test_a_shipment_is_confirmed_once_for_its_package(shop: Served) -> None:
    order = shop.vendor.order(("TEA-01", 2))
    path = f"/orders/v0/orders/{order.no}/shipmentConfirmation"
    for _ in range(2):
        reply = ask(shop, path, "POST", parcel(order))
        assert (reply.status, reply.body) == (204, b"")
    assert shop.vendor.effects == [Effect("ship", order.no, {"carrier": "UPS", "number": "1Z1", "lines": {"TEA-01": 2}})]
    assert ask(shop, path, "POST", parcel(order, number="1Z2")).status == 204
    assert [package.number for package in order.packages.values()] == ["1Z2"]
    assert "less left" in why(ask(shop, path, "POST", parcel(order, reference="2")))
    assert "carrierName" in why(ask(shop, path, "POST", parcel(order, carrierCode="Others")))
    assert "shipDate" in why(ask(shop, path, "POST", parcel(order, shipDate="2026-03-05T01:30:00Z")))
    assert "carrier is not known" in why(ask(shop, path, "POST", parcel(order, carrier="UPS")))
    without = parcel(order)
    del without["packageDetail"]["packageReferenceId"]
    assert "packageReferenceId is missing" in why(ask(shop, path, "POST", without))
    told = ask(shop, f"{SEARCH}/{order.no}", includedData=ALL).json["order"]
    assert (told["fulfillment"]["fulfillmentStatus"], told["packages"][0]["trackingNumber"]) == ("SHIPPED", "1Z2")


def test_a_quantity_is_accepted_and_seen_a_while_later(shop: Served, clock: FakeClock) -> None:
    path, query = f"/listings/2021-08-01/items/{SELLER}/SET%2F8", {"marketplaceIds": MARKETPLACE}
    accepted = ask(shop, path, "PATCH", patch(0), **query).json
    assert (accepted["sku"], accepted["status"], accepted["issues"]) == ("SET/8", "ACCEPTED", [])
    shown = ask(shop, path, includedData="summaries,fulfillmentAvailability", **query).json
    assert shown["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]
    shop.vendor.sell("SET/8")  # meanwhile shoppers still buy
    clock.advance(seconds=15)
    shown = ask(shop, path, includedData="summaries,fulfillmentAvailability", **query).json
    assert (shown["summaries"][0]["status"], shown["fulfillmentAvailability"][0]["quantity"]) == (["DISCOVERABLE"], 0)
    with pytest.raises(Refused):
        shop.vendor.sell("SET/8")
    ask(shop, path, "PATCH", patch(0), **query)
    ask(shop, path, "PATCH", patch(9), **query)
    assert [(effect.kind, effect.values["quantity"]) for effect in shop.vendor.effects] == [("stock", 0), ("pause", 0), ("stock", 9), ("resume", 9)]


def test_a_patch_that_is_wrong_changes_nothing(shop: Served) -> None:
    path, query = f"/listings/2021-08-01/items/{SELLER}/TEA-01", {"marketplaceIds": MARKETPLACE}
    assert "not a valid value of op" in why(ask(shop, path, "PATCH", patch(0, op="set"), **query))
    assert "marketplaceIds" in why(ask(shop, path, "PATCH", patch(0)))
    assert "productType is missing" in why(ask(shop, path, "PATCH", {"patches": []}, **query))
    assert why(ask(shop, path.replace("TEA-01", "NONE"), "PATCH", patch(0), **query), 404)
    assert call("PATCH", f"{shop.url}{path}?{urlencode(query)}", form={"a": "b"}, headers={"x-amz-access-token": token(shop)}).status == 415
    shop.vendor.buckets["patchListingsItem"].left = 5
    assert ask(shop, path, "PATCH", patch(-1), **query).json["status"] == "INVALID"
    assert ask(shop, path, "PATCH", patch(1, fulfillment_channel_code="AMAZON_NA"), **query).json["issues"][0]["severity"] == "ERROR"
    assert ask(shop, path, "PATCH", patch(0), **query, mode="VALIDATION_PREVIEW").json["status"] == "VALID"
    assert shop.vendor.effects == []


def test_stock_at_amazon_is_read(shop: Served) -> None:
    query = {"granularityType": "Marketplace", "granularityId": MARKETPLACE, "marketplaceIds": MARKETPLACE, "sellerSkus": "TEA-01,NONE", "details": "true"}
    rows = ask(shop, "/fba/inventory/v1/summaries", **query).json["payload"]["inventorySummaries"]
    assert [(row["sellerSku"], row["totalQuantity"]) for row in rows] == [("TEA-01", 120)]
    assert why(ask(shop, "/fba/inventory/v1/summaries", details="true"))


def test_what_goes_wrong_on_command(shop: Served, clock: FakeClock) -> None:
    shop.vendor.bulk(4)
    clock.advance(minutes=3)
    mishaps, query = shop.vendor.mishaps, {"lastUpdatedAfter": "2026-03-01T00:00:00Z", "maxResultsPerPage": "2"}
    first = ask(shop, SEARCH, **query).json
    mishaps.next("duplicate_page")
    second = ask(shop, SEARCH, paginationToken=first["pagination"]["nextToken"], **query).json
    assert len(second["orders"]) == 4
    assert second["orders"][:2] == first["orders"]
    mishaps.next("limited")
    assert ask(shop, SEARCH, **query).status == 429
    mishaps.next("error_inside")
    path = f"/listings/2021-08-01/items/{SELLER}/TEA-01"
    assert ask(shop, path, "PATCH", patch(0), marketplaceIds=MARKETPLACE).json["status"] == "INVALID"
    mishaps.next("clock_skew")
    assert "two minutes" in why(ask(shop, SEARCH, **query, lastUpdatedBefore="2026-03-04T01:30:30Z"))
    assert ask(shop, SEARCH, **query, lastUpdatedBefore="2026-03-04T01:30:30Z").status == 200
    mishaps.next("expired_token")
    assert ask(shop, SEARCH, paginationToken=first["pagination"]["nextToken"], **query).status == 403
    assert ask(shop, SEARCH, paginationToken=first["pagination"]["nextToken"], **query).status == 200
