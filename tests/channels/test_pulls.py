"""Every order of a shop arrives, whatever goes wrong on the way and wherever the process stops."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from driving import KINDS, TROUBLE, Desk, desk_of, versions

from engine.errors import DeliveryFailed
from plugins.channels.channel import ORDER, PRODUCT, STOCK

SHAPES = {"orders": ORDER, "products": PRODUCT, "stock": STOCK}
PEOPLE = {
    "buyer": {"id", "name", "phone", "email"},
    "recipient": {"name", "phone", "country", "province", "city", "district", "street", "postcode"},
}


@pytest.fixture(params=KINDS)
def desk(request):
    with desk_of(request.param) as desk:
        yield desk


def there(desk: Desk) -> dict[str, str]:
    """What the shop has: number → when it was changed."""
    return {order.no: f"{order.updated:%Y-%m-%dT%H:%M:%S}" for order in desk.vendor.orders.values()}


def arrived(items) -> dict[str, str]:
    """The newest of what came."""
    newest: dict[str, str] = {}
    for item in items:
        newest[item.data["number"]] = max(item.version[:19], newest.get(item.data["number"], ""))
    return newest


def test_every_order_arrives_and_a_second_look_finds_what_is_new(desk):
    desk.vendor.bulk(130)
    items, cursor = desk.pull()
    assert arrived(items) == there(desk)
    desk.clock.advance(minutes=5)
    order = desk.vendor.order()
    first = desk.vendor.orders[desk.vendor.first_id]
    desk.vendor.cancel(first)
    desk.clock.advance(minutes=5)
    items, _ = desk.pull(cursor=cursor)
    found = {item.data["number"]: item.data["status"] for item in items}
    assert found[first.no] == "cancelled"
    assert order.no in found
    assert len(found) < 10


def test_faults_of_every_kind_lose_nothing(desk):
    """Five calls of a hundred go wrong in each way there is, some of them after the shop has answered."""
    desk.vendor.bulk(400)
    desk.vendor.mishaps.share.update(dict.fromkeys((*TROUBLE, *desk.vendor.own_mishaps), 0.05))
    items, cursor = desk.pull()
    for _ in range(40):  # as long as it takes until what was moved has come too
        desk.clock.advance(minutes=10)
        more, cursor = desk.pull(cursor=cursor)
        items += more
    desk.vendor.mishaps.share.clear()
    desk.clock.advance(minutes=10)
    items += desk.pull(cursor=cursor)[0]
    assert arrived(items) == there(desk)
    assert sum(desk.vendor.mishaps.happened.values()) >= 5
    assert desk.vendor.effects == []


def test_another_process_can_go_on_after_every_call(desk):
    desk.vendor.bulk(120)
    as_one, _ = desk.pull()
    with desk_of(desk.connection.name) as other:
        other.vendor.bulk(120)
        in_parts, _ = other.pull(anew=True)
    assert versions(in_parts) == versions(as_one)


def test_a_part_that_is_read_twice_is_the_same(desk):
    desk.vendor.bulk(120)
    cursor = desk.begin()
    once, twice = desk.read("orders", cursor), desk.read("orders", cursor)
    assert [(item.key, item.version, item.data) for item in once.items] == [(item.key, item.version, item.data) for item in twice.items]
    desk.restart()
    assert versions([*desk.pull(cursor=once.cursor)[0], *once.items]) == versions([*desk.pull(cursor=twice.cursor)[0], *twice.items])


def test_orders_that_change_while_pages_are_turned_arrive(desk):
    desk.vendor.bulk(150)
    cursor, items = desk.begin(), []
    for turn in range(100):
        part = desk.read("orders", cursor)
        items, cursor = [*items, *part.items], part.cursor
        desk.clock.advance(seconds=30)
        if turn < 5:
            desk.vendor.touch(list(desk.vendor.orders.values())[turn * 20])
        if not part.more and turn > 20:
            break
        desk.around.limited = False
    assert arrived(items) == there(desk)


def test_an_item_has_the_names_of_the_common_shape_and_is_json(desk):
    desk.vendor.bulk(40)
    for reading in desk.connection.readings():
        if reading == "products" and desk.connection.name in ("amazon", "woocommerce"):
            continue  # their contract servers list no products; see test_products
        items, _ = desk.pull(reading)
        assert items
        for item in items:
            assert set(item.data) == set(SHAPES[reading])
            assert json.loads(json.dumps(item.data)) == item.data
            assert isinstance(item.key, str)
            assert item.version == "" or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item.version)


def test_an_order_says_what_the_shop_says(desk):
    order = desk.vendor.order(("TEA-01", 2), ("CUP-WH", 1), note="leave it", gift="", shipping="4.95")
    desk.clock.advance(minutes=5)
    (item,) = desk.pull()[0]
    data = item.data
    assert (data["number"], data["status"], data["gift"]) == (order.no, "paid", False)
    assert data["placed_at"] == data["paid_at"] == "2026-03-04T01:30:00.000Z"
    assert data["currency"] == order.currency
    assert (Decimal(data["total"]), Decimal(data["shipping"])) == (order.total, order.shipping)
    assert [(one["sku"], one["quantity"], Decimal(one["price"]), Decimal(one["total"])) for one in data["lines"]] == [
        (one.sku, str(one.quantity), one.price, one.total) for one in order.lines
    ]  # fmt: skip
    for name, keys in PEOPLE.items():
        assert set(data[name]) == keys
    assert data["recipient"]["country"] == order.buyer.country
    assert data["recipient"]["city"] == order.buyer.city
    assert order.buyer.street in data["recipient"]["street"]


def test_a_gift_is_one(desk):
    desk.vendor.order(gift="Happy birthday")
    desk.clock.advance(minutes=5)
    (item,) = desk.pull()[0]
    assert item.data["gift"] is (desk.connection.name != "vendure")  # which has no such thing


def test_a_span_of_the_past_is_read_again_and_ends(desk):
    desk.vendor.bulk(100)
    until = desk.clock() - dt.timedelta(hours=2)
    cursor = desk.begin(back=dt.timedelta(hours=5), until=until)
    items, cursor = desk.pull(cursor=cursor)
    since = desk.clock() - dt.timedelta(hours=5)
    wanted = {order.no for order in desk.vendor.orders.values() if since <= order.updated < until}
    assert wanted <= set(arrived(items))
    assert len(arrived(items)) <= len(wanted) + 1
    desk.clock.advance(hours=1)
    assert len(desk.pull(cursor=cursor)[0]) <= 1


def test_limits_that_are_kept_are_never_exceeded(desk):
    """A day of looking every five minutes, with a back-fill in between."""
    desk.vendor.bulk(300)
    _, cursor = desk.pull()
    for _ in range(60):
        desk.clock.advance(minutes=5)
        desk.vendor.order()
        _, cursor = desk.pull(cursor=cursor)
    assert desk.vendor.limited == 0
    assert all(failure.reason.pattern == "wait" for failure in desk.failures)


def test_a_token_that_runs_out_between_two_pages_is_asked_for_anew(desk):
    desk.vendor.bulk(260)
    if "expired_token" not in desk.vendor.own_mishaps:
        pytest.skip("it signs every call")
    cursor = desk.begin()
    part = desk.read("orders", cursor)
    desk.vendor.mishaps.next("expired_token")
    desk.clock.advance(seconds=10)
    assert desk.read("orders", part.cursor).items
    assert desk.vendor.mishaps.happened["expired_token"] == 1


@pytest.mark.parametrize("name", ["error", "half", "lost", "refuse", "timeout", "late_error"])
def test_a_failed_call_is_never_an_empty_list(desk, name):
    desk.vendor.bulk(3)
    desk.clock.advance(minutes=5)
    desk.pull()
    cursor, desk.around.limited = desk.begin(), False
    desk.vendor.mishaps.next(name)
    with pytest.raises(DeliveryFailed) as caught:
        desk.read("orders", cursor)
    assert caught.value.again
    assert not caught.value.unsure
    assert len(arrived(desk.read("orders", cursor).items)) == 3
