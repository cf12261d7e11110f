from __future__ import annotations

import datetime as dt

import pytest
from contracts.asking import ask, content, nos, over_http
from contracts.graphql_shop import GraphQLShop
from contracts.trade import SoldOut
from contracts.vendor import Bucket, serving
from fake_clock import FakeClock

ORDERS = """query Orders($first: Int!, $after: String, $updatedAfter: String, $status: OrderStatus) {
  orders(first: $first, after: $after, updatedAfter: $updatedAfter, status: $status) {
    edges { cursor node { number } } pageInfo { hasNextPage endCursor } totalCount } }"""
SHIP = """mutation Ship($input: ShipOrder!) { shipOrder(input: $input) {
  order { number status trackingNumber } userErrors { field code message } } }"""
STOCK = "mutation M($input: SetStock!) { setStock(input: $input) { product { stock } userErrors { code } } }"
LISTED = "mutation M($input: SetListed!) { setListed(input: $input) { product { listed } userErrors { code } } }"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock):
    return GraphQLShop(clock)


def call(shop, query, token=None, **variables):
    headers = {"Authorization": f"Bearer {token or shop.token}"}
    said = ask(shop, "POST", "/graphql", data={"query": query, "variables": variables}, headers=headers)
    return content(said)


def orders(shop, first=100, **variables):
    return call(shop, ORDERS, first=first, **variables)["data"]["orders"]


def numbers(connection):
    return [edge["node"]["number"] for edge in connection["edges"]]


def error(data):
    return data["errors"][0].get("extensions", {}).get("code"), data["errors"][0]["message"]


def test_orders_come_by_cursors(shop):
    assert orders(shop) == {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}, "totalCount": 0}
    placed = nos(shop.bulk(5))
    first = orders(shop, 3)
    second = orders(shop, 3, after=first["pageInfo"]["endCursor"])
    assert numbers(first) + numbers(second) == placed
    assert first["edges"][-1]["cursor"] == first["pageInfo"]["endCursor"]
    assert [first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"], first["totalCount"]] == [True, False, 5]
    assert numbers(orders(shop, 9, after=first["edges"][0]["cursor"])) == placed[1:]


def test_an_order_is_exact(shop):
    number = shop.order(("TEA-500", 2), ("CUP-RU", 1)).no
    query = "query O($n: ID!) { order(number: $n) { total updatedAt recipient { name city } lines { sku quantity amount } } }"
    assert call(shop, query, n=number)["data"]["order"] == {
        "total": "888.90", "updatedAt": "2026-03-04T01:30:00Z", "recipient": {"name": "王伟", "city": "杭州市"},
        "lines": [{"sku": "TEA-500", "quantity": 2, "amount": "799.00"}, {"sku": "CUP-RU", "quantity": 1, "amount": "89.90"}],
    }  # fmt: skip
    assert call(shop, query, n="1")["data"] == {"order": None}


def test_what_changed_since(shop, clock):
    first, second = nos(shop.bulk(2))
    clock.advance(minutes=1)
    shop.cancel(shop.orders[first])
    assert numbers(orders(shop, updatedAfter=(clock() - dt.timedelta(seconds=30)).isoformat())) == [first]
    assert numbers(orders(shop, status="paid")) == [second]


@pytest.mark.parametrize(("query", "says"), [
    ("{ orders { totalCount } }", "Argument 'Query.orders(first:)' of type 'Int!' is required, but it was not provided."),
    ("{ orders(first: 101) { totalCount } }", "first must be 1 to 100."),
    ("{ orders(first: 1, updatedAfter: \"2026-03-04\") { totalCount } }", "updatedAfter needs its zone."),
    ("{ orders(first: 1, after: \"AAAA\") { totalCount } }", "after is not a cursor of this shop."),
    ("{ orders(first: 1) { totalCount rows } }", "Cannot query field 'rows' on type 'OrderConnection'."),
    ("{", "Syntax Error: Expected Name, found <EOF>."),
])  # fmt: skip
def test_a_wrong_query_is_an_error_inside_http_200(shop, query, says):
    shop.order()
    assert error(call(shop, query))[1] == says
    assert shop.refused == [says]


def test_a_shipment_happens_once_with_a_key_and_without(shop):
    one, two = nos(shop.bulk(2))
    given = {"number": one, "carrier": "SF", "trackingNumber": "SF1001", "key": "k1"}
    first = call(shop, SHIP, input=given)
    assert first["data"]["shipOrder"] == {
        "order": {"number": one, "status": "shipped", "trackingNumber": "SF1001"}, "userErrors": []}  # fmt: skip
    assert call(shop, SHIP, input=given) == first
    again = call(shop, SHIP, input={**given, "key": "k2"})["data"]["shipOrder"]
    assert again["userErrors"] == [
        {"field": ["input", "number"], "code": "ALREADY_SHIPPED", "message": f"Order {one} is shipped."}]  # fmt: skip
    reused = call(shop, SHIP, input={**given, "number": two})["data"]["shipOrder"]
    assert reused["userErrors"][0]["code"] == "KEY_REUSED"
    assert [(effect.kind, effect.key, effect.call) for effect in shop.effects] == [("ship", one, "k1")]


@pytest.mark.parametrize(("over", "code"), [
    ({"number": "1"}, "NOT_FOUND"), ({"carrier": "POST"}, "UNKNOWN_CARRIER"), ({"trackingNumber": ""}, "BLANK"),
])  # fmt: skip
def test_a_wrong_shipment_is_a_user_error(shop, over, code):
    given = {"number": shop.order().no, "carrier": "SF", "trackingNumber": "1", **over}
    assert call(shop, SHIP, input=given)["data"]["shipOrder"]["userErrors"][0]["code"] == code
    assert shop.effects == []


def test_what_is_paused_or_sold_out_is_not_bought(shop):
    assert call(shop, LISTED, input={"sku": "CUP-RU", "listed": False})["data"]["setListed"]["product"] == {"listed": False}
    with pytest.raises(SoldOut, match="paused"):
        shop.sell("CUP-RU")
    call(shop, LISTED, input={"sku": "CUP-RU", "listed": True})
    call(shop, STOCK, input={"sku": "CUP-RU", "quantity": 0})
    with pytest.raises(SoldOut, match="0 left"):
        shop.sell("CUP-RU")
    query = "{ product(sku: \"CUP-RU\") { stock listed } products(first: 2) { nodes { sku } totalCount } }"
    assert call(shop, query)["data"] == {
        "product": {"stock": 0, "listed": True}, "products": {"nodes": [{"sku": "CLOTH"}, {"sku": "CUP-RU"}], "totalCount": 8}}  # fmt: skip
    assert call(shop, STOCK, input={"sku": "CUP-RU", "quantity": -1})["data"]["setStock"]["userErrors"] == [{"code": "NEGATIVE"}]
    assert [effect.kind for effect in shop.effects] == ["pause", "resume", "stock"]


def test_the_door(shop):
    said = ask(shop, "POST", "/graphql", data={"query": ORDERS}, headers={"Authorization": "Bearer x"})
    assert (said.status, error(content(said))[0]) == (401, "UNAUTHENTICATED")
    said = ask(shop, "POST", "/graphql", data=[], headers={"Authorization": f"Bearer {shop.token}"})
    assert (said.status, error(content(said))[0]) == (400, "BAD_REQUEST")
    assert ask(shop, "GET", "/graphql").status == 404
    shop.limit = Bucket(1, 1)
    orders(shop)
    assert error(call(shop, ORDERS, first=1)) == ("THROTTLED", "Throttled")


def test_mishaps(shop, clock):
    placed = nos(shop.bulk(6))
    first = orders(shop, 3)
    after = first["pageInfo"]["endCursor"]
    shop.mishaps.next("duplicate_page")
    assert numbers(orders(shop, 3, after=after)) == placed
    shop.mishaps.next("missing_page")
    missing = orders(shop, 3)
    assert (numbers(missing), missing["pageInfo"]["hasNextPage"], missing["totalCount"]) == ([], True, 6)
    shop.mishaps.next("error_inside")
    assert error(call(shop, ORDERS, first=1))[0] == "INTERNAL"
    clock.advance(minutes=1)
    shop.mishaps.next("moving_page")
    assert numbers(orders(shop, 9, after=after)) == [*placed[3:], placed[0]]  # a cursor loses nothing
    old = shop.token
    shop.mishaps.next("expired_token")
    assert error(call(shop, ORDERS, first=1))[0] == "UNAUTHENTICATED"
    assert shop.token != old
    assert orders(shop)["totalCount"] == 6


def test_over_http(shop):
    number = shop.order().no
    with serving(shop) as served:
        status, data, _ = over_http("POST", f"{served.url}/graphql", data={"query": "{ orders(first: 1) { nodes { number } } }"},
                                    headers={"Authorization": f"Bearer {shop.token}"})  # fmt: skip
    assert (status, data) == (200, {"data": {"orders": {"nodes": [{"number": number}]}}})
