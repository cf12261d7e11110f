"""Webhooks: what is signed by the shop is believed, what is not is refused, and a pushed order reads like a pulled one."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from driving import desk_of

from engine.connectors import Forged, Pushed
from plugins.channels.channel import ORDER

TOPICS = {"shopify": ("orders/create", "orders/updated"), "woocommerce": ("order.created", "order.updated")}
SIGNED = {"shopify": "x_shopify_hmac_sha256", "woocommerce": "x_wc_webhook_signature"}
SOURCE = {"shopify": ("x_shopify_shop_domain", "other.myshopify.com"), "woocommerce": ("x_wc_webhook_source", "https://other.example/")}
TOPIC = {"shopify": ("x_shopify_topic", "products/update"), "woocommerce": ("x_wc_webhook_resource", "product")}


@pytest.fixture(params=["shopify", "woocommerce"])
def desk(request):
    with desk_of(request.param) as desk:
        desk.vendor.topics.update(TOPICS[request.param])
        yield desk


def test_a_pushed_order_is_the_one_that_is_pulled(desk):
    for _ in range(20):
        desk.vendor.order()
        desk.clock.advance(minutes=1)
    pushed = {told.items[0].key: told.items[0] for told in map(desk.told, desk.vendor.deliveries())}
    desk.clock.advance(minutes=5)
    pulled = {item.key: item for item in desk.pull()[0]}
    assert set(pushed) == set(pulled)
    thin = {"raw"} if desk.connection.name == "woocommerce" else {"raw", "shipping", "discount", "buyer"}
    for key, item in pushed.items():
        assert item.version == pulled[key].version
        assert set(item.data) == set(ORDER)
        assert {name: item.data[name] for name in ORDER if name not in thin} == {
            name: pulled[key].data[name] for name in ORDER if name not in thin
        }  # fmt: skip
        assert item.data["buyer"]["email"] == pulled[key].data["buyer"]["email"]


def test_a_delivery_that_comes_twice_has_one_name(desk):
    desk.vendor.order()
    names = [desk.told(sent).delivery for sent in desk.vendor.deliveries(twice=True)]
    assert len(names) == 4
    assert len(set(names)) == 2
    assert all(names)


def test_a_later_change_has_a_later_version_whatever_comes_first(desk):
    order = desk.vendor.order()
    desk.clock.advance(seconds=90)
    desk.vendor.cancel(order)
    items = [desk.told(sent).items[0] for sent in desk.vendor.deliveries(backwards=True)]
    newest = max(items, key=lambda item: item.version)
    assert newest.data["status"] == "cancelled"
    assert len({item.key for item in items}) == 1


@pytest.mark.parametrize("signature", ["", "x", "Zm9yZ2Vk", "ключ"])
def test_what_is_not_signed_by_the_shop_is_refused(desk, signature):
    desk.vendor.order()
    with pytest.raises(Forged):
        desk.told(desk.vendor.deliveries()[0], **{SIGNED[desk.connection.name]: signature})


def test_what_was_changed_on_the_way_is_refused(desk):
    desk.vendor.order()
    headers, body = desk.vendor.deliveries()[0]
    with pytest.raises(Forged):
        desk.told((headers, body.replace(b"TEA", b"tea").replace(b"CUP", b"cup").replace(b"KET", b"ket").replace(b"SET", b"set")))
    with pytest.raises(Forged):
        desk.told((headers, b""))


def test_what_another_shop_tells_is_refused(desk):
    desk.vendor.order()
    name, other = SOURCE[desk.connection.name]
    with pytest.raises(Forged, match="another shop"):
        desk.told(desk.vendor.deliveries()[0], **{name: other})


def test_what_is_told_of_other_things_is_nothing(desk):
    desk.vendor.order()
    name, other = TOPIC[desk.connection.name]
    assert desk.told(desk.vendor.deliveries()[0], **{name: other}) is None


def test_without_a_secret_nothing_is_believed(desk):
    import dataclasses

    name = {"shopify": "client_secret", "woocommerce": "webhook_secret"}[desk.connection.name]
    desk.connection = dataclasses.replace(desk.connection, **{name: None})
    desk.vendor.order()
    with pytest.raises(Forged, match=name):
        desk.told(desk.vendor.deliveries()[0])


def test_the_ping_of_a_new_webhook_is_nothing():
    with desk_of("woocommerce") as desk:
        assert desk.told(desk.vendor.ping()) is None
        with pytest.raises(Forged):
            desk.told(({}, b'{"id": 1}'))


def test_a_webhook_of_last_week_is_too_old():
    with desk_of("shopify") as desk:
        desk.vendor.topics.update(TOPICS["shopify"])
        desk.vendor.order()
        sent = desk.vendor.deliveries()[0]
        desk.clock.advance(hours=5)
        assert desk.told(sent) is not None
        desk.clock.advance(days=7)
        with pytest.raises(Forged, match="too old"):
            desk.told(sent)


def test_nobody_believes_amazon_without_webhooks():
    with desk_of("amazon") as desk, pytest.raises(Forged):
        desk.connection.told("orders", Pushed(b"{}", {}, {}, dt.datetime.now(dt.UTC)), desk.around)


def test_an_order_that_was_deleted_tells_a_number_only():
    import base64
    import hashlib
    import hmac

    with desk_of("shopify") as desk:
        body = json.dumps({"id": 1001}).encode()
        signature = base64.b64encode(hmac.new(b"client-secret", body, hashlib.sha256).digest()).decode()
        headers = {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Shop-Domain": desk.vendor.domain, "X-Shopify-Topic": "orders/delete"}
        assert desk.told((headers, body)) is None
