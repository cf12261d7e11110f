"""The Order Hub's plant with a product of three levels: a case is made of a shell and a box, a shell of resin."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

from making import Made, MakeApp
from reading import hub_registry

from engine.api import every, system_actor

HUB = Path(__file__).parents[2] / "apps/order_hub.yaml"
MONDAY = dt.datetime(2026, 6, 1, 0, 0, tzinfo=dt.UTC)  # eight o'clock where the plant stands
LOOKER = system_actor("looker")


def june(day: int) -> dt.date:
    return dt.date(2026, 6, day)


class MaterialPlant:
    """Without routings, so that nothing is planned: what is needed is needed when its order is due."""

    def __init__(self, make_app: MakeApp) -> None:
        self.made: Made = make_app(HUB, registry=hub_registry(), now=MONDAY)
        self.app = self.made.application
        self.plastics, self.paper = self.make("supplier", name="树脂厂"), self.make("supplier", name="纸箱厂")
        self.resin = self.product("RAW-1", "树脂", unit="kg", lead_days=3, supplier=self.plastics, lot_multiple="25")
        self.box = self.product("BOX-1", "纸箱", kind="packaging", lead_days=2, supplier=self.paper)
        self.shell = self.product(
            "SH-1", "壳体", kind="semi", lead_days=2, bom=[{"component": self.resin, "quantity": "0.1", "scrap": "5"}]
        )
        self.case = self.product(
            "CASE-1", "成品箱", kind="finished", family="housing", price="9",
            bom=[{"component": self.shell, "quantity": "1"}, {"component": self.box, "quantity": "0.1"}],
        )  # fmt: skip
        self.customer = self.make("customer", name="佳美")
        self.place = self.make("location", code="A1", zone="raw")

    def make(self, form: str, **values: Any) -> int:
        return self.made.create(form, **values).id

    def product(self, sku: str, name: str, **values: Any) -> int:
        return self.make("product", **{"sku": sku, "name": name, "kind": "material", "cost": "10", **values})

    def order(self, quantity: int, due: int = 20, product: int | None = None) -> int:
        """An order that is being prepared, with its job, due on a day of June."""
        product = product or self.case
        values = {"customer": self.customer, "sales_person": self.made.id_of("li"), "due_on": june(due),
                  "ordered_on": june(1), "planned": True,
                  "lines": [{"product": product, "quantity": quantity, "price": "9"}]}  # fmt: skip
        order = self.made.adopt("order", state="preparing", **values).id
        self.job(order, quantity, product)
        return order

    def job(self, order: int, quantity: int, product: int) -> int:
        return self.make("job", order=order, product=product, quantity=quantity)

    def stock(self, product: int, quantity: int) -> None:
        self.make("movement", kind="count", product=product, lot="L1", location=self.place, quantity=quantity)

    def purchase(self, product: int, quantity: int, promised: int, needed: int, state: str = "confirmed") -> int:
        return self.made.adopt(
            "purchase", state=state, supplier=self.plastics, product=product, quantity=quantity, price="10",
            needed_on=june(needed), promised_on=june(promised), confirmed_quantity=quantity,
        ).id  # fmt: skip

    # --- what planning wrote

    def rows(self, form: str, where: str | None = None) -> list[dict[str, Any]]:
        return list(every(self.app, LOOKER, form, where=where))

    def requests(self) -> dict[int, tuple[Decimal, dt.date, dt.date]]:
        """By product of the requests that are open: how much, for when, and until when it is to be ordered."""
        found = self.rows("purchase_request", "record.state == 'open'")
        assert len({row["product"] for row in found}) == len(found)
        return {row["product"]: (row["quantity"], row["needed_on"], row["order_by"]) for row in found}

    def differences(self) -> list[tuple[str, int]]:
        """(kind, product) of what became different, in order."""
        return [(row["kind"], row["product"]) for row in self.rows("material_difference")]

    def pegs(self, order: int | None = None) -> dict[tuple[int, str], tuple[Decimal, dt.date, int | None]]:
        """By what comes and from where, for an order: how much, when, and how many days of slack."""
        found = [row for row in self.rows("pegging") if order is None or row["order"] == order]
        return {(row["product"], row["kind"]): (row["quantity"], row["day"], row["slack"]) for row in found}
