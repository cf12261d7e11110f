"""WooCommerce's contract server refuses what WooCommerce refuses, and ignores what it ignores."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from contracts.calls import Reply, call
from contracts.shop import Refused
from contracts.vendor import Effect, Served, serving
from contracts.woocommerce import BASE, WooCommerce, signature
from fake_clock import FakeClock

NONCES = itertools.count()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock: FakeClock) -> Iterator[Served]:
    vendor = WooCommerce(clock)
    vendor.hang = 0.2
    with serving(vendor) as served:
        yield served


def ask(shop: Served, path: str, method: str = "GET", told: Any = None, oauth: dict[str, str] | None = None, secret: str = "cs_test", **query: str) -> Reply:
    stamp = str(int(shop.vendor.clock().timestamp()))
    given = {"oauth_consumer_key": "ck_test", "oauth_timestamp": stamp, "oauth_nonce": f"n{next(NONCES)}", "oauth_signature_method": "HMAC-SHA256", **(oauth or {})}
    pairs = [*query.items(), *given.items()]
    pairs.append(("oauth_signature", signature(method, shop.url + BASE + path, pairs, secret)))
    return call(method, f"{shop.url}{BASE}{path}?{urlencode(pairs)}", told=told)


def code(reply: Reply, status: int) -> str:
    assert reply.status == status, reply.body
    return str(reply.json["code"])


def test_the_signature_is_what_the_vendors_client_makes() -> None:
    """Recorded from the PyPI client woocommerce 3.0.0 with this time and nonce."""
    query = [
        ("status", "processing,completed"),
        ("modified_after", "2026-03-04T01:30:00"),
        ("q", "a b c~&"),
        ("oauth_consumer_key", "ck_test"),
        ("oauth_timestamp", "1772587800"),
        ("oauth_nonce", "0123456789abcdef"),
        ("oauth_signature_method", "HMAC-SHA256"),
    ]
    assert signature("GET", "http://shop.example/wp-json/wc/v3/orders", query, "cs_test") == "UwU+Bk0iAdZAB3e44aiFl1dPb0mkDu3NfWStjviLPtI="


def test_over_http_only_a_signed_call_is_let_in(shop: Served) -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(b"ck_test:cs_test").decode()}
    assert code(call("GET", shop.url + BASE + "/orders", headers=basic), 401) == "woocommerce_rest_cannot_view"
    assert code(ask(shop, "/orders", secret="cs_other"), 401) == "woocommerce_rest_authentication_error"
    assert code(ask(shop, "/orders", oauth={"oauth_consumer_key": "ck_other"}), 401) == "woocommerce_rest_authentication_error"
    assert code(ask(shop, "/orders", oauth={"oauth_timestamp": "1700000000"}), 401) == "woocommerce_rest_authentication_error"
    assert code(ask(shop, "/orders", oauth={"oauth_nonce": ""}), 401) == "woocommerce_rest_authentication_error"
    assert ask(shop, "/orders", oauth={"oauth_nonce": "once"}).status == 200
    assert "nonce" in ask(shop, "/orders", oauth={"oauth_nonce": "once"}).json["message"]
    with serving(WooCommerce(shop.vendor.clock, tls=True)) as safe:
        assert call("GET", safe.url + BASE + "/orders", headers=basic).status == 200
        wrong = {"Authorization": "Basic " + base64.b64encode(b"ck_test:x").decode()}
        assert call("GET", safe.url + BASE + "/orders", headers=wrong).status == 401


def test_orders_come_by_page_and_the_link_is_a_trap(shop: Served, clock: FakeClock) -> None:
    orders = shop.vendor.bulk(5)
    clock.advance(minutes=1)
    shop.vendor.touch(orders[0])
    query = {"per_page": "2", "orderby": "modified", "order": "asc"}
    first = ask(shop, "/orders", **query)
    assert (first.headers["x-wp-total"], first.headers["x-wp-totalpages"]) == ("5", "3")
    assert [each["number"] for page in "123" for each in ask(shop, "/orders", **query, page=page).json] == [order.no for order in [*orders[1:], orders[0]]]
    followed = call("GET", first.headers["link"].split(">")[0].lstrip("<"))
    assert code(followed, 401) == "woocommerce_rest_authentication_error"
    assert [each["number"] for each in ask(shop, "/orders").json] == [order.no for order in reversed(orders)]
    assert code(ask(shop, "/orders", per_page="101"), 400) == "rest_invalid_param"
    assert code(ask(shop, "/orders", status="open"), 400) == "rest_invalid_param"
    assert code(ask(shop, "/customers"), 404) == "rest_no_route"


def test_changed_after_is_in_the_shops_own_time_unless_said(shop: Served, clock: FakeClock) -> None:
    shop.vendor.order()
    clock.advance(hours=1)
    late = shop.vendor.order()
    shop.vendor.cancel(shop.vendor.order())
    moment = "2026-03-04T02:00:00"
    gmt = {"modified_after": moment, "dates_are_gmt": "true", "order": "asc"}
    assert [each["number"] for each in ask(shop, "/orders", **gmt, status="processing,completed").json] == [late.no]
    assert len(ask(shop, "/orders", **gmt, orderby="modified").json) == 2
    assert len(ask(shop, "/orders", modified_after=moment).json) == 3
    assert ask(shop, "/orders", modified_after=late.updated.strftime("%Y-%m-%dT%H:%M:%S"), dates_are_gmt="true").json == []
    shown = ask(shop, "/orders", **gmt).json[0]
    assert (shown["date_modified_gmt"], shown["date_modified"]) == ("2026-03-04T02:30:00", "2026-03-04T10:30:00")


def test_an_order_carries_its_buyer_and_exact_amounts(shop: Served) -> None:
    order = shop.vendor.order(("TEA-02", 3), note="请尽快发货", gift="Happy birthday", shipping="4.95")
    told = ask(shop, f"/orders/{order.id}").json
    assert (told["total"], told["customer_note"], told["billing"]["email"]) == ("43.65", "请尽快发货", order.buyer.email)
    assert [(line["sku"], line["quantity"], line["total"]) for line in told["line_items"]] == [("TEA-02", 3, "38.70")]
    assert {"key": "_gift_message", "value": "Happy birthday"}.items() <= told["meta_data"][0].items()
    assert code(ask(shop, "/orders/7"), 404) == "woocommerce_rest_shop_order_invalid_id"


def test_stock_status_is_ignored_while_stock_is_managed(shop: Served) -> None:
    number = ask(shop, "/products", sku="SET/8").json[0]["id"]
    path = f"/products/{number}"
    assert ask(shop, path, "PUT", {"stock_status": "outofstock"}).json["stock_status"] == "instock"
    assert shop.vendor.effects == []
    assert "ignored" in shop.vendor.refused[0]
    assert ask(shop, path, "PUT", {"stock_quantity": 0, "backorders": "no"}).json["stock_status"] == "outofstock"
    with pytest.raises(Refused):
        shop.vendor.sell("SET/8")
    ask(shop, path, "PUT", {"stock_quantity": 2})
    ask(shop, path, "PUT", {"manage_stock": False, "stock_status": "outofstock"})
    ask(shop, path, "PUT", {"manage_stock": True})
    ask(shop, path, "PUT", {"status": "draft"})
    assert shop.vendor.effected("pause") == {"SET/8": 3}
    assert shop.vendor.effected("resume") == {"SET/8": 2}
    assert code(ask(shop, "/products/1", "PUT", {"stock_quantity": 0}), 400) == "woocommerce_rest_product_invalid_id"
    assert code(ask(shop, "/products/1"), 404) == "woocommerce_rest_product_invalid_id"
    assert code(ask(shop, path, "PUT", {"stock_quantity": "2"}), 400) == "rest_invalid_param"
    assert ask(shop, "/products", sku="NONE").json == []


def test_a_batch_says_of_each_item_how_it_went(shop: Served) -> None:
    number = shop.vendor.listings["TEA-01"].id
    reply = ask(shop, "/products/batch", "POST", {"update": [{"id": number, "stock_quantity": 7}, {"id": 1, "stock_quantity": 7}]})
    assert reply.status == 200
    assert [each.get("stock_quantity", each.get("error", {}).get("code")) for each in reply.json["update"]] == [7, "woocommerce_rest_product_invalid_id"]
    assert code(ask(shop, "/products/batch", "POST", {"update": [{"id": number}] * 101}), 413) == "woocommerce_rest_request_entity_too_large"
    shop.vendor.mishaps.next("error_inside")
    assert "error" in ask(shop, "/products/batch", "POST", {"update": [{"id": number, "stock_quantity": 8}]}).json["update"][0]
    assert shop.vendor.effects == [Effect("stock", "TEA-01", {"quantity": 7, "before": 120})]


def test_an_order_is_completed_once(shop: Served) -> None:
    order = shop.vendor.order(("TEA-01", 2))
    meta = [{"key": "_tracking_provider", "value": "SF"}, {"key": "_tracking_number", "value": "SF9"}]
    for _ in range(2):
        assert ask(shop, f"/orders/{order.id}", "PUT", {"status": "completed", "meta_data": meta}).json["status"] == "completed"
    assert shop.vendor.effects == [Effect("ship", order.no, {"carrier": "SF", "number": "SF9", "lines": {"TEA-01": 2}})]
    assert code(ask(shop, f"/orders/{order.id}", "PUT", {"status": "shipped"}), 400) == "rest_invalid_param"
    assert ask(shop, f"/orders/{order.id}/notes", "POST", {"note": "SF9", "customer_note": True}).status == 201
    assert [note["note"] for note in ask(shop, f"/orders/{order.id}/notes").json] == ["SF9"]
    assert code(ask(shop, f"/orders/{order.id}/notes", "POST", {}), 400) == "rest_missing_callback_param"


def test_a_webhook_begins_with_an_unsigned_ping(shop: Served) -> None:
    made = ask(shop, "/webhooks", "POST", {"topic": "order.updated", "delivery_url": "http://127.0.0.1/hook", "secret": "s3"})
    assert made.status == 201
    ask(shop, "/webhooks", "POST", {"topic": "order.created", "delivery_url": "http://127.0.0.1/hook", "secret": "s3"})
    order = shop.vendor.order()
    ping, _, created, updated = shop.vendor.deliveries()
    assert ping == ({"Content-Type": "application/x-www-form-urlencoded"}, b"webhook_id=1")
    assert [headers["X-WC-Webhook-Topic"] for headers, _ in (created, updated)] == ["order.created", "order.updated"]
    assert created[0]["X-WC-Webhook-Signature"] == base64.b64encode(hmac.new(b"s3", created[1], hashlib.sha256).digest()).decode()
    assert json.loads(created[1])["id"] == order.id
    assert code(ask(shop, "/webhooks", "POST", {"topic": "orders", "delivery_url": "http://x"}), 400) == "woocommerce_rest_webhook_topic_invalid"


def test_what_goes_wrong_on_command(shop: Served) -> None:
    orders, query = shop.vendor.bulk(4), {"per_page": "2", "orderby": "modified", "order": "asc"}
    shop.vendor.mishaps.next("missing_page")
    seen = [each["number"] for page in "12" for each in ask(shop, "/orders", **query, page=page).json]
    assert seen == [orders[0].no, orders[1].no, orders[3].no, orders[0].no]  # the third is passed over
    shop.vendor.mishaps.next("duplicate_page")
    assert len(ask(shop, "/orders", **query, page="2").json) == 4
    shop.vendor.mishaps.next("clock_skew")
    assert "timestamp" in ask(shop, "/orders").json["message"]
    assert ask(shop, "/orders").status == 200
    shop.vendor.skew = dt.timedelta(minutes=16)
    assert "timestamp" in ask(shop, "/orders").json["message"]


def test_a_page_among_twenty_thousand_orders_is_quick() -> None:
    vendor = WooCommerce()
    vendor.bulk(20_000, dt.timedelta(hours=12))
    with serving(vendor) as shop:
        began = time.perf_counter()
        query = {"per_page": "100", "order": "asc", "modified_after": "2026-01-01T00:00:00", "dates_are_gmt": "true", "status": "processing"}
        pages = [ask(shop, "/orders", **query, page=str(page)) for page in range(1, 11)]
        assert pages[9].headers["x-wp-totalpages"] == "200"
        assert pages[9].json[0]["number"] == "1901"
        assert time.perf_counter() - began < 2
