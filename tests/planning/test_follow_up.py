"""A purchase comes late: exactly what waits for it moves, exactly those it concerns are told, once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from making import MakeApp
from planning_plant import HUB, LOOKER, MONDAY, Plant
from reading import hub_registry

from engine.api import every
from plugins.planning.floor.replanning import follow

DAY = dt.timedelta(days=1)


class Waiting(Plant):
    """Three sellers, each with orders for a cap of their own: its own mould, press and insert that has to be bought."""

    def __init__(self, made: Any) -> None:
        super().__init__(made)
        made.person("xu", "sales")
        self.sellers = ("li", "zhou", "xu")
        self.caps, self.inserts = dict[str, int](), dict[str, int]()
        for seller in self.sellers:
            self._cap(seller)

    def _cap(self, seller: str) -> None:
        sku = seller.upper()
        insert = self.inserts[seller] = self.make("product", sku=f"IN-{sku}", name=f"嵌件 {seller}", kind="part",
                                                  cost="1", lead_days=3, supplier=self.supplier)  # fmt: skip
        groups = [self.make("machine_group", name=f"{what} {seller}") for what in ("注塑机", "包装台")]
        for place, group in enumerate(groups):
            self.machine(f"{'MP'[place]}-{sku}", group)
        mould = self.make("mould", code=f"MD-{sku}", name="瓶盖模")
        self.caps[seller] = self.make(
            "product", sku=f"CAP-{sku}", name="瓶盖", family="cap", price="1", bom=[{"component": insert, "quantity": "1"}],
            operations=[{"number": 10, "name": "注塑", "group": groups[0], "mould": mould, "cycle": "12s"},
                        {"number": 20, "name": "包装", "group": groups[1], "cycle": "6s"}],
        )  # fmt: skip

    def sold(self, seller: str) -> int:
        self.cap = self.caps[seller]
        return self.order(600, due="2026-06-20", sales_person=seller)

    def bought(self, seller: str, on: str, needed_on: str | None = None) -> int:
        return self.made.adopt(
            "purchase", state="sent", supplier=self.supplier, product=self.inserts[seller], quantity="5000", price="1",
            needed_on=needed_on or on, promised_on=on,
        ).id  # fmt: skip

    def days(self) -> dict[int, Any]:
        return {row["id"]: row["planned_end"] for row in every(self.app, LOOKER, "order")}

    def steps_of_all(self) -> dict[int, Any]:
        return {row["id"]: (row["machine"], row["planned_start"], row["planned_end"], row["version"])
                for row in every(self.app, LOOKER, "job_step")}  # fmt: skip

    def told(self) -> list[tuple[str, str]]:
        """(who, text) of the messages about the plan."""
        return [(who, text) for who, text in self.made.messages() if "ready on another day" in text]

    def put_off(self, purchase: int, to: str) -> str:
        self.made.update("purchase", purchase, promised_on=to)
        return str(self.made.get("purchase", purchase)["number"])


@pytest.fixture
def waiting(make_app: MakeApp) -> Waiting:
    return Waiting(make_app(HUB, registry=hub_registry(), now=MONDAY))


def test_exactly_what_waits_for_a_late_purchase_moves_and_its_seller_alone_is_told(waiting: Waiting) -> None:
    orders = {seller: [waiting.sold(seller), waiting.sold(seller)] for seller in waiting.sellers}
    purchases = {seller: waiting.bought(seller, "2026-06-04") for seller in waiting.sellers}
    waiting.made.deliver()
    days, steps = waiting.days(), waiting.steps_of_all()
    assert not waiting.told()  # to be planned for the first time is no news
    number = waiting.put_off(purchases["zhou"], "2026-06-09")
    waiting.made.deliver()
    after = waiting.steps_of_all()
    moved = {id for id in after if after[id] != steps[id]}
    assert moved == {row["id"] for order in orders["zhou"] for row in waiting.steps(order)}
    assert {id for id, day in waiting.days().items() if day != days[id]} == set(orders["zhou"])
    assert all(waiting.days()[order] == days[order] + 5 * DAY for order in orders["zhou"])
    ((who, text),) = waiting.told()
    assert who == "zhou"
    assert number in text
    assert "2 orders" in text


def test_two_purchases_late_at_once_are_one_change_and_nobody_hears_twice_of_an_order(waiting: Waiting) -> None:
    orders = {seller: waiting.sold(seller) for seller in waiting.sellers}
    purchases = {seller: waiting.bought(seller, "2026-06-04") for seller in waiting.sellers}
    waiting.made.deliver()
    changes = len(waiting.changes())
    numbers = [waiting.put_off(purchases["li"], "2026-06-09"), waiting.put_off(purchases["zhou"], "2026-06-10")]
    waiting.made.deliver()
    runs = waiting.changes()[changes:]
    assert len(runs) == 1
    assert all(number in runs[0]["why"] for number in numbers)
    assert sorted(who for who, _ in waiting.told()) == ["li", "zhou"]
    lines = [
        row["order"]
        for row in every(waiting.app, LOOKER, "plan_change_line")
        if row["_parent"] in {one["id"] for one in runs}
    ]
    assert sorted(lines) == sorted([orders["li"], orders["zhou"]])


def test_following_again_moves_nothing_and_tells_nobody(waiting: Waiting) -> None:
    waiting.sold("li")
    purchase = waiting.bought("li", "2026-06-04")
    waiting.made.deliver()
    waiting.put_off(purchase, "2026-06-09")
    waiting.made.deliver()
    steps, told = waiting.steps_of_all(), waiting.told()
    assert follow(waiting.app, "noch einmal").is_nothing
    assert (waiting.steps_of_all(), waiting.told()) == (steps, told)


def test_what_is_on_its_way_is_waited_for_although_a_new_purchase_could_come_sooner(waiting: Waiting) -> None:
    order = waiting.sold("li")
    waiting.bought("li", "2026-06-25", needed_on="2026-06-25")  # after the order is due; a new one takes three days
    waiting.made.deliver()
    moulding = waiting.steps(order)[0]
    assert moulding["planned_start"] == dt.datetime(2026, 6, 25, 0, 0, tzinfo=dt.UTC)
    assert moulding["why"] == "嵌件 li 到那时才到料"
