"""The last pieces of an article, on sale at three shops at once: through their interfaces, sold once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from contracts.amazon import MARKETPLACE, SELLER, Amazon
from contracts.buyers import BUYERS
from contracts.jd import JD
from contracts.kingdee_k3wise import KingdeeK3Wise
from contracts.shop import Refused
from contracts.shopify import Shopify
from contracts.trade import SoldOut
from contracts.vendor import Served, serving
from fake_clock import FakeClock
from making import Made, MakeApp
from racing import together
from reading import hub_registry

from engine import service
from engine.feeding import looking
from engine.jobs.delivering import deliver
from engine.jobs.desk import Desk
from engine.people import system_actor
from engine.secrets import Kept, Sources

HUB = Path(__file__).parents[2] / "apps/order_hub.yaml"
SKU = "CAP-1"
SOURCES = ("web_shop", "jd", "amazon")


@pytest.fixture
def shops(clock: FakeClock) -> Iterator[dict[str, Served]]:
    vendors = {"web_shop": Shopify(clock), "jd": JD(clock), "amazon": Amazon(clock), "erp": KingdeeK3Wise(clock)}
    with ExitStack() as open_:
        served = {name: open_.enter_context(serving(vendor)) for name, vendor in vendors.items()}
        for name in SOURCES:
            vendor = vendors[name]
            (vendor.good if name == "jd" else vendor.offer)(SKU, "瓶盖", "5.00", 50)
        yield served


def connections(shops: dict[str, Served]) -> dict[str, str]:
    shop, jd, amazon, erp = (shops[name] for name in (*SOURCES, "erp"))
    return {
        "web_shop": f"type: shopify, shop: {shop.vendor.domain}, base_url: '{shop.url}', token: {{secret: SHOP}}",
        "jd": f"type: jd, base_url: '{jd.url}', token_url: '{jd.url}', app_key: {jd.vendor.app_key}, "
              "app_secret: {secret: JD}, refresh_token: {secret: JD_REFRESH}, carriers: {SF: '467'}",
        "amazon": f"type: amazon_sp, base_url: '{amazon.url}', token_url: '{amazon.url}/auth/o2/token', "
                  f"seller_id: {SELLER}, marketplaces: [{MARKETPLACE}], client_id: amzn1.application-oa2-client.test, "
                  "client_secret: {secret: LWA}, refresh_token: {secret: LWA_REFRESH}",
        "erp": f"type: kingdee_k3wise, base_url: '{erp.url}', authority_code: {{secret: K3}}, database_url: {{secret: K3_DB}}",
    }  # fmt: skip


def hub(make_app: MakeApp, shops: dict[str, Served], stock: str) -> Made:
    """The Order Hub with its practice shops made real; ``stock``: the address of the ERP's database."""
    text = HUB.read_text("utf-8")
    for name, said in connections(shops).items():
        text, count = re.subn(rf"^  {name}: {{type: practice,", f"  {name}: {{{said}, private: true,", text, flags=re.M)
        assert count == 1
    made = make_app(text, registry=hub_registry())
    jd, k3 = shops["jd"].vendor, shops["erp"].vendor
    keys = {
        "SHOP": "shpat_of_the_test", "JD": jd.secret, "JD_REFRESH": jd.refresh_token, "LWA": "amzn1.oa2-cs.v1.test",
        "LWA_REFRESH": "Atzr|test", "K3": k3.authority_code, "K3_DB": stock,
    }  # fmt: skip
    sources = Sources(environment={name: Kept(value) for name, value in keys.items()})
    made.application = replace(made.application, sources=sources)
    with made.application.database.read() as conn:
        made.application.waivers.take_up(conn)
    return made


def market(made: Made, pieces: int) -> None:
    """One warehouse with so many pieces, three channels, and the article on sale at each."""

    def put(form: str, **values: Any) -> int:
        return service.save(made.application, system_actor("market"), form, values).id

    for currency, rate in (("USD", "7.1"), ("CNY", "1")):
        put("exchange_rate", currency=currency, day=made.clock().date().isoformat(), rate=rate)
    own = put("warehouse", code="OWN", name="Own", kind="own", province="江苏省", city="苏州市")
    shelf = put("location", code="F1", zone="finished", warehouse=own)
    product = put("product", sku=SKU, name="瓶盖", family="cap", price="5")
    put("movement", kind="production", product=product, lot="L1", location=shelf, quantity=pieces)
    for code in SOURCES:
        channel = put("channel", code=code, name=code, sales_person=made.id_of("li"), warehouses=[{"warehouse": own}])
        put("listing", channel=channel, product=product, sku=SKU)
    made.deliver()


def at_once(made: Made) -> None:
    """Everything that is due, by twenty threads at the same moment, and what follows from it."""
    desk = Desk()
    while due := made._due():
        for start in range(0, len(due), 20):
            together(*[lambda id=id: deliver(made.application, id, desk) for id in due[start : start + 20]])
        if made._due() == due:
            return


def states(made: Made, form: str) -> Counter[str]:
    table = made.application.tables.form[form]
    with made.application.database.read() as conn:
        return Counter(conn.scalars(sa.select(table.c.state)))


def buy(shops: dict[str, Served], name: str, number: int) -> None:
    """Somebody else each time."""
    if name == "jd":
        shops[name].vendor.order((SKU, 1))
    else:
        buyer = replace(BUYERS[number % len(BUYERS)], phone=f"+1 415 555 {number:04}", street=f"{number} Market Street")
        shops[name].vendor.order((SKU, 1), buyer=buyer)


def tells_of(made: Made, feed: str) -> set[bool]:
    """Whether the connections of a feed failed at the last look."""
    return {row["error"] is not None for row in made.ledger("feed") if row["feed"] == feed}


def test_fifty_orders_at_three_shops_for_ten_pieces_while_the_erp_is_away(
    make_app: MakeApp, shops: dict[str, Served], clock: FakeClock
) -> None:
    made = hub(make_app, shops, "sqlite:////nowhere/k3.db")
    market(made, 10)
    for number in range(50):
        buy(shops, SOURCES[number % 3], number)
    clock.advance(minutes=5)
    looking.collect(made.application)
    at_once(made)
    clock.advance(minutes=3)  # Amazon shows later what it has accepted
    at_once(made)

    assert states(made, "pool_order") == {"converted": 10, "short": 40}
    assert states(made, "listing") == {"paused": 3}
    assert tells_of(made, "channel_orders") == {False}
    assert tells_of(made, "erp_stock") == {True}
    for name in SOURCES:
        vendor = shops[name].vendor
        assert vendor.effected("pause") == {SKU: 1}
        assert vendor.refused == []
        with pytest.raises((Refused, SoldOut)):
            vendor.sell(SKU)


def test_after_replenishment_the_shops_sell_again_as_before(
    make_app: MakeApp, shops: dict[str, Served], clock: FakeClock
) -> None:
    made = hub(make_app, shops, shops["erp"].vendor.database_url)
    market(made, 1)
    buy(shops, "web_shop", 1)
    clock.advance(minutes=5)
    looking.collect(made.application)
    for _ in range(2):
        made.deliver()
        clock.advance(minutes=3)
    assert tells_of(made, "erp_stock") == {False}
    assert states(made, "listing") == {"paused": 3}
    more = {"kind": "production", "product": 1, "lot": "L2", "location": 1, "quantity": 20}
    service.save(made.application, system_actor("market"), "movement", more)
    for _ in range(3):
        made.deliver()
        clock.advance(minutes=3)
    assert states(made, "listing") == {"listed": 3}
    for name in SOURCES:
        shops[name].vendor.sell(SKU)
