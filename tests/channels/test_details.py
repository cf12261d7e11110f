"""What only one vendor has."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal

import pytest
from contracts.vendor import Said, said
from driving import desk_of
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connectors import Item, Span
from engine.credentials import Secret, Signing
from engine.errors import DeliveryFailed
from plugins.channels import following
from plugins.channels.amazon_items import of_listing, package_reference
from plugins.channels.items import exact, utc, whole
from plugins.channels.oauth1 import OAuth1, base_string
from plugins.channels.woocommerce import WooCommerceConnection

# --- values


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_an_amount_stays_exact_and_is_written_in_one_way(number):
    assert Decimal(exact(number)) == number
    assert exact(f"{number:f}000") == exact(number) if number % 1 else True
    assert "E" not in exact(number)


def test_amounts_and_moments():
    assert [exact(value) for value in ("68.00", "68.0", 68, 68.0, "-0", "1E+3", "", None)] == ["68", "68", "68", "68", "0", "1000", None, None]
    assert [utc(value) for value in ("2026-03-04T09:30:00+08:00", "2026-03-04T01:30:00", "2026-03-04T01:30:00.5Z", "")] == [
        "2026-03-04T01:30:00.000Z", "2026-03-04T01:30:00.000Z", "2026-03-04T01:30:00.500Z", None,
    ]  # fmt: skip
    assert [whole(value) for value in ("3.99", "0", "-2", 7)] == [3, 0, 0, 7]
    for wrong in ("twelve", "NaN", "inf"):
        with pytest.raises(ValueError, match="no number"):
            exact(wrong)


# --- following a list in the order of change


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=40), st.integers(1, 7), st.data())
def test_a_list_that_changes_while_it_is_read_is_read_whole(moments, size, data):
    """Ids and seconds of change; between two calls any of them may change, and then it has a newer moment."""
    changed = dict(enumerate(moments))
    clock, cursor, newest = 100, {**following.begin(Span(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), size)}, {}

    def at(second):
        return utc(dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=second))

    looks = 0  # the second one is made when nothing changes any more
    for turn in range(400):
        wanted = following.wanted(json.loads(json.dumps(cursor)))
        rows = sorted((at(second), str(id)) for id, second in changed.items() if at(second) >= wanted.since and str(id) not in wanted.seen)
        page = [(id, moment) for moment, id in rows[: wanted.size]]
        newest.update(dict(page))
        part = following.onward(cursor, page, len(rows), [Item(id, moment, {}) for id, moment in page])
        cursor = part.cursor
        looks += not part.more
        if looks == 2:
            break
        if changed and not looks and turn < 10 and data.draw(st.booleans()):
            clock += 1
            changed[data.draw(st.sampled_from(sorted(changed)))] = clock
    assert newest == {str(id): at(second) for id, second in changed.items()}


def test_changes_that_are_counted_and_not_shown_are_no_empty_list():
    cursor = following.begin(Span(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), 10)
    with pytest.raises(DeliveryFailed, match="tells of 4 changes and shows none"):
        following.onward(cursor, [], 4, [])


# --- WooCommerce


def test_the_base_string_is_that_of_the_standard():
    """RFC 5849, 3.4.1.1: its example, with the two parameters that a shop would not send left as they stand there."""
    params = [("b5", "=%3D"), ("a3", "a"), ("c@", ""), ("a2", "r b"), ("oauth_consumer_key", "9djdj82h48djs9d2"), ("oauth_token", "kkk9d7dh3k39sjv7"),
              ("oauth_signature_method", "HMAC-SHA1"), ("oauth_timestamp", "137131201"), ("oauth_nonce", "7d8f3e4a"), ("c2", ""), ("a3", "2 q")]  # fmt: skip
    assert base_string("POST", "http://example.com/request", params) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26"
        "oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def signing_with(secrets) -> Signing:
    return Signing("k", 1_772_588_000, "GET", "/x", b"", lambda secret: secrets[secret.secret], lambda call: "")


def test_every_signature_has_a_nonce_of_its_own():
    signing = signing_with({"K": "ck_1", "S": "cs_1"})
    signed = OAuth1(method="GET", url="http://shop.example/x", query_sent=(), key=Secret("K"), secret=Secret("S"))
    assert signed.query(signing)["oauth_nonce"] != signed.query(signing)["oauth_nonce"]
    assert "cs_1" not in str(signed.query(signing))


def test_over_tls_it_is_let_in_by_password():
    shop = WooCommerceConnection(name="shop", base_url="https://shop.example/", key=Secret("K"), secret=Secret("S"))
    line = shop._line("GET", "https://shop.example/wp-json/wc/v3/orders", {})
    signing = signing_with({"K": "ck_1", "S": "cs_1"})
    assert line.auth.headers(signing) == {"Authorization": "Basic Y2tfMTpjc18x"}
    assert line.auth.query(signing) == {}


def test_more_orders_in_one_second_than_a_page_holds_arrive():
    with desk_of("woocommerce", page=4) as desk:
        for _ in range(9):
            desk.vendor.order(at=desk.clock())
        excluded = leave_out(desk)
        desk.clock.advance(minutes=5)
        items, _ = desk.pull()
        assert {item.data["number"] for item in items} == {order.no for order in desk.vendor.orders.values()}
        assert excluded


def leave_out(desk) -> list[str]:
    """The contract server does not know `exclude`, which WooCommerce has; answers what was left out."""
    whole, excluded = desk.vendor._between, []

    def between(told, by):
        seen = set(filter(None, told.get("exclude", "").split(",")))
        excluded.extend(seen)
        return [row for row in whole(told, by) if str(row[1]) not in seen]

    desk.vendor._between = between
    return excluded


def test_an_answer_that_is_too_long_is_asked_for_in_halves():
    with desk_of("woocommerce", page=100) as desk:
        for _ in range(60):
            desk.vendor.order(note="x" * 200_000)
            desk.clock.advance(seconds=1)
        desk.clock.advance(minutes=5)
        items, cursor = desk.pull()
        assert len({item.key for item in items}) == 60
        assert cursor["size"] < 40


class Catalogue:
    """WooCommerce's list of products, which the contract server does not have by change: one is variable."""

    def __init__(self) -> None:
        shirt = {"id": 7, "name": "Shirt", "sku": "", "type": "variable", "status": "publish", "date_modified_gmt": "2026-03-01T10:00:00"}
        cup = {"id": 8, "name": "Cup", "sku": "CUP", "type": "simple", "status": "publish", "date_modified_gmt": "2026-03-01T11:00:00",
               "price": "25.50", "stock_quantity": 3, "stock_status": "instock"}  # fmt: skip
        variants = [{"id": 70 + size, "name": f"Size {size}", "sku": f"SHIRT-{size}", "type": "variation", "parent_id": 7, "status": "publish",
                     "date_modified_gmt": f"2026-03-02T1{size}:00:00", "price": "19.00", "stock_quantity": size, "stock_status": "instock" if size else "outofstock"}
                    for size in range(3)]  # fmt: skip
        self.lists = {"/products": [shirt, cup], "/products/7/variations": variants}
        self.written: list[tuple[str, object]] = []

    def answer(self, asked) -> Said:
        path = asked.path.removeprefix("/wp-json/wc/v3")
        if asked.method == "PUT":
            self.written.append((path, asked.json))
            return said({})
        if "sku" in asked.params:
            found = [one for rows in self.lists.values() for one in rows if one["sku"] == asked.params["sku"]]
        else:
            found = [one for one in self.lists[path] if f"{one['date_modified_gmt']}" > asked.params.get("modified_after", "")]
        return said(found, X_WP_Total=str(len(found)))


def test_variations_are_articles_of_their_own():
    with desk_of("woocommerce") as desk:
        catalogue = Catalogue()
        desk.vendor.answer = catalogue.answer
        items, _ = desk.pull("products", desk.begin("products", back=dt.timedelta(days=9)))
        assert [(item.data["sku"], item.data["name"], item.data["listed"], item.data["quantity"]) for item in items] == [
            ("SHIRT-0", "Shirt - Size 0", False, "0"), ("SHIRT-1", "Shirt - Size 1", True, "1"),
            ("SHIRT-2", "Shirt - Size 2", True, "2"), ("CUP", "Cup", True, "3"),
        ]  # fmt: skip
        desk.does("set_stock", sku="SHIRT-1", quantity="5")
        assert catalogue.written == [("/products/7/variations/71", {"manage_stock": True, "stock_quantity": 5})]


def test_what_was_not_counted_is_not_counted_again_after_a_pause():
    with desk_of("woocommerce") as desk:
        desk.vendor.managed["TEA-01"] = False
        paused = desk.does("pause", sku="TEA-01")
        assert paused["was"]["manage_stock"] is False
        assert not desk.vendor.buyable("TEA-01")
        desk.clock.advance(seconds=5)
        resumed = desk.does("resume", key="k-2", sku="TEA-01", was=paused["was"])
        assert resumed["verified"]
        assert desk.vendor.managed["TEA-01"] is False
        assert desk.vendor.buyable("TEA-01", 1000)


# --- Shopify


def test_an_order_of_many_lines_comes_whole():
    with desk_of("shopify") as desk:
        for number in range(130):
            desk.vendor.offer(f"SKU-{number}", f"Thing {number}", "1.00")
        desk.vendor.order(*[(f"SKU-{number}", 1) for number in range(130)])
        (item,) = desk.pull()[0]
        assert [one["sku"] for one in item.data["lines"]] == [f"SKU-{number}" for number in range(130)]


def test_a_whole_product_is_paused_and_its_stock_stays():
    with desk_of("shopify", pausing="product") as desk:
        paused = desk.until_done("pause", sku="TEA-01")
        assert (paused["was"], paused["verified"]) == ({"status": "ACTIVE"}, True)
        assert (desk.vendor.status["TEA-01"], desk.vendor.stock["TEA-01"]) == ("DRAFT", 120)
        desk.clock.advance(seconds=5)
        assert desk.until_done("resume", key="k-2", sku="TEA-01", was=paused["was"])["verified"]
        assert desk.vendor.status["TEA-01"] == "ACTIVE"


def test_what_somebody_else_took_off_sale_stays_off_sale():
    with desk_of("shopify", pausing="product") as desk:
        desk.vendor.status["TEA-01"] = "ARCHIVED"
        paused = desk.until_done("pause", sku="TEA-01")
        desk.clock.advance(seconds=5)
        desk.until_done("resume", key="k-2", sku="TEA-01", was=paused["was"])
        assert desk.vendor.status["TEA-01"] == "ARCHIVED"


def test_a_policy_of_selling_without_stock_comes_back():
    with desk_of("shopify") as desk:
        desk.vendor.policy["TEA-01"] = "CONTINUE"
        paused = desk.until_done("pause", sku="TEA-01")
        assert not desk.vendor.buyable("TEA-01")
        desk.clock.advance(seconds=5)
        desk.until_done("resume", key="k-2", sku="TEA-01", was=paused["was"])
        assert desk.vendor.policy["TEA-01"] == "CONTINUE"
        assert desk.vendor.stock["TEA-01"] == 120


@pytest.mark.parametrize(("location", "found"), [("主仓 Main warehouse", True), ("9001", True), ("Attic", False)])
def test_stock_is_set_at_the_location_that_is_named(location, found):
    with desk_of("shopify", location=location) as desk:
        if found:
            assert desk.does("set_stock", sku="TEA-01", quantity="7")["verified"]
        else:
            with pytest.raises(DeliveryFailed, match="not clear at which location"):
                desk.does("set_stock", sku="TEA-01", quantity="7")


# --- Amazon


def test_a_package_has_one_number():
    assert package_reference("00340434161094021501") == package_reference("00340434161094021501")
    assert len({package_reference(f"A{number}") for number in range(1000)}) == 1000
    assert all(package_reference(f"A{number}").isdigit() and int(package_reference(f"A{number}")) > 0 for number in range(100))


def test_pages_that_amazon_has_forgotten_are_begun_anew():
    with desk_of("amazon") as desk:
        desk.vendor.bulk(250)
        desk.clock.advance(minutes=5)
        part = desk.read("orders", desk.begin())
        desk.clock.advance(hours=25)
        later, _ = desk.pull(cursor=part.cursor)
        assert len({item.key for item in later}) == 250
        part = desk.read("orders", desk.begin(back=dt.timedelta(days=3)))
        desk.vendor.pages.clear()
        desk.clock.advance(hours=1)
        later, _ = desk.pull(cursor=part.cursor)
        assert len({item.key for item in later}) == 250


def test_without_consent_no_names_are_asked_for():
    with desk_of("amazon", personal=False) as desk:
        desk.vendor.bulk(3)
        desk.clock.advance(minutes=5)
        items, _ = desk.pull()
        assert len(items) == 3
        assert all(item.data["buyer"]["name"] is None and item.data["recipient"]["street"] is None for item in items)
    with desk_of("amazon") as desk:
        desk.vendor.pii = False
        desk.vendor.bulk(3)
        desk.clock.advance(minutes=5)
        assert len(desk.pull()[0]) == 3


def test_what_lies_at_amazon_is_counted_by_amazon():
    with desk_of("amazon") as desk:
        desk.vendor.answer = fulfilled_by_amazon(desk.vendor.answer)
        with pytest.raises(DeliveryFailed, match="which counts it by itself") as caught:
            desk.does("set_stock", sku="TEA-01", quantity="3")
        assert not caught.value.again


def fulfilled_by_amazon(answer):
    def answered(asked):
        made = answer(asked)
        body = made.body.replace(b'"fulfillmentChannelCode": "DEFAULT"', b'"fulfillmentChannelCode": "AMAZON_NA"')
        return dataclasses.replace(made, body=body)

    return answered


def test_a_listing_becomes_an_article():
    told = {
        "sku": "TEA-01", "summaries": [{"status": ["BUYABLE"], "itemName": "Oolong", "lastUpdatedDate": "2026-03-01T10:00:00Z"}],
        "offers": [{"offerType": "B2C", "price": {"amount": "8.80", "currencyCode": "USD"}}],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}],
    }  # fmt: skip
    item = of_listing(told)
    assert (item.key, item.version) == ("TEA-01", "2026-03-01T10:00:00.000Z")
    assert {name: item.data[name] for name in ("sku", "name", "listed", "quantity", "price")} == {
        "sku": "TEA-01", "name": "Oolong", "listed": True, "quantity": "4", "price": "8.8",
    }  # fmt: skip


# --- Vendure


def test_carts_are_no_orders():
    with desk_of("vendure") as desk:
        desk.vendor.order(paid=False)
        paid = desk.vendor.order()
        desk.clock.advance(minutes=5)
        assert [item.data["number"] for item in desk.pull()[0]] == [paid.no]


def test_what_is_sold_and_not_shipped_lies_on_the_shelf_too():
    with desk_of("vendure") as desk:
        desk.vendor.order(("TEA-01", 3))
        desk.does("set_stock", sku="TEA-01", quantity="10")
        assert desk.vendor.stock["TEA-01"] == 13
        assert desk.vendor.saleable("TEA-01") == 10
