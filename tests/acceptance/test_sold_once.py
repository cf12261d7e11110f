"""What is sold over several channels at once is sold once: fifty orders for ten pieces, all at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from making import Made, MakeApp
from racing import together
from reading import hub_registry

from engine import service
from engine.errors import Invalid
from engine.people import system_actor

HUB = Path(__file__).parents[2] / "apps/order_hub.yaml"
RULES = system_actor("pool")


@pytest.fixture
def hub(make_app: MakeApp) -> Made:
    return make_app(HUB, registry=hub_registry())


def made(hub: Made, form: str, **values: Any) -> int:
    return service.save(hub.application, RULES, form, values).id


CHANNELS = ("web_shop", "jd", "amazon")


def market(hub: Made, pieces: dict[str, int]) -> None:
    """Three channels served from one warehouse with so many pieces of each product."""
    own = made(hub, "warehouse", code="OWN", name="Own", kind="own", province="江苏省", city="苏州市")
    shelf = made(hub, "location", code="F1", zone="finished", warehouse=own)
    for sku, quantity in pieces.items():
        product = made(hub, "product", sku=sku, name=sku, family="cap", price="5")
        made(hub, "movement", kind="production", product=product, lot="L1", location=shelf, quantity=quantity)
    seller = hub.id_of("li")
    for code in CHANNELS:
        made(hub, "channel", code=code, name=code, sales_person=seller, warehouses=[{"warehouse": own}])


def ordering(hub: Made, channel: str, number: str, *skus: str) -> Callable[[], Any]:
    values = {"source": channel, "number": number, "buyer": f"Buyer {number}",
              "lines": [{"sku": sku, "quantity": 1, "price": 5} for sku in skus]}  # fmt: skip
    return lambda: service.save(hub.application, RULES, "pool_order", values)


def states(hub: Made, answers: list[Any]) -> Counter[str]:
    return Counter(hub.get("pool_order", saved.id)["state"] for saved in answers)


def test_of_fifty_orders_for_ten_pieces_ten_are_accepted(hub: Made) -> None:
    market(hub, {"CAP-1": 10})
    answers = together(*[ordering(hub, CHANNELS[place % 3], f"N{place}", "CAP-1") for place in range(50)])
    assert states(hub, answers) == {"accepted": 10, "short": 40}
    cap = hub.get("product", 1)
    assert (cap["held"], cap["free"]) == (Decimal(10), Decimal(0))
    told = Counter(login for login, text in hub.messages() if "not accepted" in text)
    assert told == {"li": 40, "feng": 40}


def test_products_locked_in_different_turns_are_not_oversold_and_no_order_arrives_twice(hub: Made) -> None:
    market(hub, {"CAP-1": 8, "CAP-2": 8, "CAP-3": 10})
    turns = (("CAP-1", "CAP-2"), ("CAP-2", "CAP-1"))
    answers = together(*[ordering(hub, CHANNELS[place % 3], f"N{place}", *turns[place % 2]) for place in range(20)])
    assert states(hub, answers) == {"accepted": 8, "short": 12}
    assert [hub.get("product", id)["free"] for id in (1, 2)] == [Decimal(0), Decimal(0)]
    again = together(*[ordering(hub, "jd", "M1", "CAP-3") for _ in range(8)])
    assert Counter(type(answer) for answer in again if isinstance(answer, Exception)) == {Invalid: 7}
    assert (hub.count("pool_order"), hub.get("product", 3)["held"]) == (21, Decimal(1))
