from __future__ import annotations

import base64
import datetime as dt

import pytest
from contracts.asking import ask, content, nos, over_http
from contracts.rest_shop import RestShop, signature
from contracts.trade import SoldOut
from contracts.vendor import Bucket, serving
from fake_clock import FakeClock

BEARER = {"Authorization": "Bearer shop-secret"}
SHIPMENT = {"carrier": "SF", "tracking_number": "SF1001"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock):
    return RestShop(clock)


def get(shop, path, headers=None, **query):
    said = ask(shop, "GET", path, query=query, headers=BEARER if headers is None else headers)
    return said.status, content(said), said.headers


def write(shop, method, path, data, key=""):
    said = ask(shop, method, path, data=data, headers={**BEARER, **({"Idempotency-Key": key} if key else {})})
    return said.status, content(said)


def numbers(data):
    return [order["number"] for order in data["orders"]]


def problem(answer):
    return answer[0], answer[1]["error"]["code"]


def every_page(shop, size=4):
    """All orders, the way a connector goes on from page to page."""
    found: list[str] = []
    query = {"per_page": size} if shop.pages == "page" else {"limit": size}
    for turn in range(1, 50):
        status, data, headers = get(shop, "/api/orders", **query)
        assert status == 200
        found += numbers(data)
        if shop.pages == "page":
            query["page"] = turn + 1
        elif shop.pages == "offset":
            query["offset"] = turn * size
        elif shop.pages == "cursor":
            query["cursor"] = data["next_cursor"]
        else:
            query["cursor"] = headers.get("Link", "").partition("cursor=")[2].partition(">")[0].replace("%3D", "=")
        if not (data.get("has_more") or query.get("cursor")):
            return found
    raise AssertionError("no end")


@pytest.mark.parametrize("pages", ["page", "offset", "cursor", "link"])
def test_each_way_of_pages_brings_every_order_once(clock, pages):
    shop = RestShop(clock, pages=pages)
    assert every_page(shop) == []
    placed = nos(shop.bulk(10))
    assert every_page(shop) == placed
    assert every_page(shop, 5) == placed
    other = "cursor" if pages == "page" else "page"
    assert problem(get(shop, "/api/orders", **{other: 1})) == (400, "unknown_parameter")


def test_an_order_is_exact_and_says_who_gets_it(shop):
    number = shop.order(("TEA-500", 2), ("CUP-RU", 1), note="😊 送礼").no
    _, order, _ = get(shop, f"/api/orders/{number}")
    assert (order["total"], order["shipping"], order["status"]) == ("888.90", "0.00", "paid")
    assert order["created_at"] == order["updated_at"] == "2026-03-04T01:30:00Z"
    assert order["recipient"]["province"] + order["recipient"]["district"] == "浙江省西湖区"
    assert [(line["sku"], line["quantity"], line["price"], line["amount"]) for line in order["lines"]] == [
        ("TEA-500", 2, "399.50", "799.00"), ("CUP-RU", 1, "89.90", "89.90")]  # fmt: skip
    assert problem(get(shop, "/api/orders/1")) == (404, "not_found")


def test_what_changed_since(shop, clock):
    first, second = nos(shop.bulk(2))
    since = (clock() + dt.timedelta(seconds=1)).isoformat()
    assert numbers(get(shop, "/api/orders", updated_after=since)[1]) == []
    clock.advance(minutes=1)
    shop.cancel(shop.orders[first])
    assert numbers(get(shop, "/api/orders", updated_after=since)[1]) == [first]
    assert numbers(get(shop, "/api/orders", status="paid")[1]) == [second]
    assert problem(get(shop, "/api/orders", status="new"))[1] == "invalid_parameter"
    assert problem(get(shop, "/api/orders", updated_after="2026-03-04 09:30"))[1] == "invalid_parameter"
    assert problem(get(shop, "/api/orders", per_page=101))[1] == "invalid_parameter"


BASIC = {"Authorization": "Basic " + base64.b64encode(b"shop-client:shop-secret").decode()}
SIGNED = {"X-Timestamp": "1772587800", "X-Signature": signature("shop-secret", "1772587800", "GET", "/api/products", b"")}


@pytest.mark.parametrize(("auth", "right", "wrong"), [
    ("none", {}, None),
    ("basic", BASIC, {"Authorization": "Basic x"}),
    ("bearer", BEARER, {"Authorization": "Bearer other"}),
    ("header", {"X-Api-Key": "shop-secret"}, BEARER),
    ("hmac", SIGNED, {**SIGNED, "X-Timestamp": "1772587801"}),
    ("hmac", SIGNED, {}),
])  # fmt: skip
def test_each_way_to_say_who_one_is(clock, auth, right, wrong):
    shop = RestShop(clock, auth=auth)
    assert get(shop, "/api/products", right)[0] == 200
    if wrong is not None:
        assert problem(get(shop, "/api/products", wrong)) == (401, "unauthorized")
        assert len(shop.refused) == 1


def test_the_hmac_is_that_of_openssl():
    """printf '1772587800.GET./api/products.' | openssl dgst -sha256 -hmac shop-secret"""
    assert SIGNED["X-Signature"] == "f87d6dca1bee3d98eb21154a6f57fecd0ebfbf763424cc376622c70687a2c57c"


def test_a_signature_is_of_the_body_and_of_now(clock):
    shop = RestShop(clock, auth="hmac")
    path, stamp = "/api/products/CUP-RU", "1772587800"
    headers = {"X-Timestamp": stamp, "X-Signature": signature("shop-secret", stamp, "PATCH", path, b'{"listed": false}')}
    assert ask(shop, "PATCH", path, data={"listed": True}, headers=headers).status == 401
    assert ask(shop, "PATCH", path, data={"listed": False}, headers=headers).status == 200
    clock.advance(minutes=6)
    assert ask(shop, "PATCH", path, data={"listed": False}, headers=headers).status == 401
    assert shop.effected("pause") == {"CUP-RU": 1}


def test_a_client_gets_a_token_for_an_hour(clock):
    shop = RestShop(clock, auth="oauth2_client")
    wrong = ask(shop, "POST", "/oauth/token", form={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"})
    assert (wrong.status, content(wrong)["error"]["code"]) == (401, "invalid_client")
    assert ask(shop, "POST", "/oauth/token", form={"grant_type": "password"}).status == 400
    token = content(ask(shop, "POST", "/oauth/token", form={"grant_type": "client_credentials"}, headers=BASIC))
    assert token == {"access_token": "shop-token-1", "token_type": "Bearer", "expires_in": 3600}
    bearer = {"Authorization": "Bearer shop-token-1"}
    assert get(shop, "/api/products", bearer)[0] == 200
    clock.advance(hours=1)
    assert get(shop, "/api/products", bearer)[0] == 401
    form = {"grant_type": "client_credentials", "client_id": "shop-client", "client_secret": "shop-secret"}
    assert content(ask(shop, "POST", "/oauth/token", form=form))["access_token"] == "shop-token-2"


def test_a_shipment_happens_once_with_a_key_and_without(shop):
    one, two = nos(shop.bulk(2))
    first = write(shop, "POST", f"/api/orders/{one}/shipments", SHIPMENT, "key-1")
    assert write(shop, "POST", f"/api/orders/{one}/shipments", SHIPMENT, "key-1") == first
    assert first[0] == 201
    assert problem(write(shop, "POST", f"/api/orders/{one}/shipments", SHIPMENT)) == (409, "already_shipped")
    assert problem(write(shop, "POST", f"/api/orders/{two}/shipments", SHIPMENT, "key-1")) == (422, "key_reused")
    assert [(effect.kind, effect.key, effect.call) for effect in shop.effects] == [("ship", one, "key-1")]
    shop.cancel(shop.orders[two])
    assert problem(write(shop, "POST", f"/api/orders/{two}/shipments", SHIPMENT)) == (409, "wrong_status")


@pytest.mark.parametrize(("method", "path", "data", "wrong"), [
    ("POST", "/api/orders/700001/shipments", {"carrier": "POST", "tracking_number": "1"}, (422, "unknown_carrier")),
    ("POST", "/api/orders/700001/shipments", {"carrier": "SF"}, (422, "missing")),
    ("POST", "/api/orders/700001/shipments", [1], (400, "invalid_body")),
    ("PUT", "/api/products/CUP-RU/stock", {"quantity": -1}, (422, "invalid")),
    ("PUT", "/api/products/CUP-RU/stock", {"quantity": "3"}, (422, "invalid")),
    ("PUT", "/api/products/GONE/stock", {"quantity": 3}, (404, "not_found")),
    ("PATCH", "/api/products/CUP-RU", {"listed": "no"}, (422, "invalid")),
    ("DELETE", "/api/products/CUP-RU", {}, (404, "not_found")),
])  # fmt: skip
def test_a_wrong_write_is_refused(shop, method, path, data, wrong):
    shop.order()
    assert problem(write(shop, method, path, data)) == wrong
    assert shop.effects == []


def test_what_is_paused_or_sold_out_is_not_bought(shop):
    assert write(shop, "PATCH", "/api/products/CUP-RU", {"listed": False})[1]["listed"] is False
    with pytest.raises(SoldOut, match="CUP-RU is paused"):
        shop.sell("CUP-RU")
    write(shop, "PATCH", "/api/products/CUP-RU", {"listed": True})
    write(shop, "PUT", "/api/products/CUP-RU/stock", {"quantity": 1})
    shop.sell("CUP-RU")
    with pytest.raises(SoldOut, match="0 left"):
        shop.sell("CUP-RU")
    assert get(shop, "/api/products/CUP-RU")[1]["stock"] == 0
    assert [effect.kind for effect in shop.effects] == ["pause", "resume", "stock"]


def test_too_many_calls_are_told_when_to_come_again(shop, clock):
    shop.limit = Bucket(0.5, 1)
    get(shop, "/api/products")
    status, _, headers = get(shop, "/api/products")
    assert (status, headers["Retry-After"], shop.limited, shop.refused) == (429, "2", 1, [])
    clock.advance(seconds=2)
    assert get(shop, "/api/products")[0] == 200


def test_mishaps(shop, clock):
    placed = nos(shop.bulk(6))
    shop.mishaps.next("duplicate_page")
    assert numbers(get(shop, "/api/orders", page=2, per_page=3)[1]) == placed
    shop.mishaps.next("missing_page")
    _, missing, _ = get(shop, "/api/orders", page=1, per_page=3)
    assert (numbers(missing), missing["total"], missing["has_more"]) == ([], 6, True)
    shop.mishaps.next("error_inside")
    status, data, _ = get(shop, "/api/orders")
    assert (status, data["error"]["code"]) == (200, "temporarily_unavailable")
    shop.mishaps.next("expired_token")
    assert problem(get(shop, "/api/orders")) == (401, "invalid_token")
    clock.advance(minutes=1)
    shop.mishaps.next("moving_page")
    assert placed[3] not in numbers(get(shop, "/api/orders", page=2, per_page=3)[1])
    hmac = RestShop(clock, auth="hmac")
    hmac.mishaps.next("clock_skew")
    assert get(hmac, "/api/products", SIGNED)[0] == 401


def test_a_cursor_loses_nothing_when_orders_move(clock):
    shop = RestShop(clock, pages="cursor")
    placed = nos(shop.bulk(6))
    _, first, _ = get(shop, "/api/orders", limit=3)
    clock.advance(minutes=1)
    shop.mishaps.next("moving_page")
    _, second, _ = get(shop, "/api/orders", limit=9, cursor=first["next_cursor"])
    assert set(numbers(first) + numbers(second)) == set(placed)
    assert problem(get(shop, "/api/orders", cursor="???")) == (400, "invalid_cursor")


def test_a_link_leads_over_the_wire(clock):
    shop = RestShop(clock, pages="link")
    placed = nos(shop.bulk(3))
    with serving(shop) as served:
        _, first, headers = over_http("GET", f"{served.url}/api/orders?limit=2", headers=BEARER)
        address = headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
        _, second, headers = over_http("GET", address, headers=BEARER)
        assert over_http("GET", f"{served.url}/api/orders", headers={})[0] == 401
    assert numbers(first) + numbers(second) == placed
    assert "Link" not in headers
