"""``make vendure``: the connector against Vendure itself, while people go on buying there.

Not called ``test_…``, so that nobody waits for it who has not asked: it needs Node.js and Vendure.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from vendure.hub import Hub
from vendure.shop import ARTICLES, Crowd, Shop, running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running(tmp_path_factory.mktemp("vendure")) as started:
        yield started


@pytest.fixture
def hub(shop: Shop, tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path, shop)
    made.begin()
    yield made
    made.end()


def test_every_order_arrives_once_while_goods_are_shipped_and_paused_and_the_feed_dies(shop: Shop, hub: Hub) -> None:
    paused, other = ARTICLES
    with Crowd(shop) as crowd:
        hub.wait(lambda: hub.rows("sale"), "the first order is in the pool")
        first = hub.rows("sale")[0]
        hub.take("sale", first.id, "ship", carrier="SF", tracking="SF1001")
        hub.wait(lambda: hub.rows("sale")[0].shipment, "the shipment is told")
        listing = hub.create("listing", sku=paused)
        hub.take("listing", listing, "pause")
        hub.wait(lambda: hub.rows("listing")[0].verified is True, "the listing is paused, and read back")
        assert shop.variant(paused)["enabled"] is False
        refused, bought = crowd.refused.get(paused, 0), len(crowd.placed)
        hub.wait(lambda: crowd.refused.get(paused, 0) > refused + 2 and len(crowd.placed) > bought + 2, "one is refused, the other bought")
        hub.kill()
        bought = len(crowd.placed)
        hub.wait(lambda: len(crowd.placed) > bought + 10, "people buy while nobody looks")
        hub.begin()
        hub.take("listing", listing, "resume")
        hub.wait(lambda: shop.variant(paused)["enabled"] is True, "the listing is resumed")
        bought = len(crowd.placed)
        hub.wait(lambda: len(crowd.placed) > bought + 10, "both are bought again")
    assert crowd.broken == []
    waited = hub.wait(lambda: len(hub.rows("sale")) >= len(crowd.placed), "every order is in the pool")
    hub.wait(lambda: {row.number: row.status for row in hub.rows("sale")}[first.number] == "shipped", "the shop says shipped, and the pool knows")
    time.sleep(11)  # one more look, which must bring nothing
    sales = hub.rows("sale")
    assert Counter(row.number for row in sales) == Counter(list(crowd.placed))
    assert {row.number: row.total for row in sales} == {
        code: Decimal(cents) / 100 for code, cents in crowd.placed.items()
    }
    assert [row.number for row in sales if row.status not in ("paid", "shipped")] == []
    assert {row.city for row in sales} == {"深圳"}
    assert len(hub.rows("piece")) == len(sales)
    assert {state for (state,) in hub.ledger("arrival", "state")} <= {"taken", "skipped"}
    there = shop.order(first.number)
    assert (there["state"], [(one["state"], one["trackingCode"]) for one in there["fulfillments"]]) == (
        "Shipped", [("Shipped", "SF1001")],
    )  # fmt: skip
    assert crowd.refused[paused] > 2
    assert other not in crowd.refused
    arrivals = len(hub.ledger("arrival", "id"))
    print(f"{len(sales)} orders, {arrivals} arrivals, {crowd.refused[paused]} refused, {waited:.1f} s behind at the end")
