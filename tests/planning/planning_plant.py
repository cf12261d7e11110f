"""A small plant of the Order Hub: two presses, a bench, a cap that is moulded and then packed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from making import Made

from engine.api import every, system_actor

HUB = Path(__file__).parents[2] / "apps/order_hub.yaml"
MONDAY = dt.datetime(2026, 6, 1, 0, 0, tzinfo=dt.UTC)  # eight o'clock where the plant stands
LOOKER = system_actor("looker")


class Plant:
    """Two presses and a bench; a cap that is moulded and then packed."""

    def __init__(self, made: Made) -> None:
        self.made, self.app = made, made.application
        self.line = self.make("production_line", name="一号线")
        self.presses, self.benches = self.make("machine_group", name="注塑机"), self.make("machine_group", name="包装台")
        self.press = [self.machine(code, self.presses) for code in ("M01", "M02")]
        self.machine("P01", self.benches)
        self.mould = self.make("mould", code="MD-1", name="瓶盖模")
        self.supplier = self.make("supplier", name="树脂厂")
        self.resin = self.make("product", sku="RAW-1", name="树脂", kind="material", unit="kg", cost="10", lead_days=3,
                               supplier=self.supplier)  # fmt: skip
        self.cap = self.make(
            "product", sku="CAP-1", name="瓶盖", family="cap", price="1",
            bom=[{"component": self.resin, "quantity": "0.1"}],
            operations=[
                {"number": 10, "name": "注塑", "group": self.presses, "mould": self.mould, "cycle": "30s", "setup": "30m",
                 "wait": "1h"},
                {"number": 20, "name": "包装", "group": self.benches, "cycle": "6s"},
            ],
        )  # fmt: skip
        self.customer = self.make("customer", name="佳美")

    def make(self, form: str, **values: Any) -> int:
        return self.made.create(form, **values).id

    def machine(self, code: str, group: int) -> int:
        return self.make("machine", code=code, name=code, line=self.line, group=group, shifts="two_shifts")

    def order(self, quantity: int, due: str = "2026-06-10", sales_person: str = "li") -> int:
        """An order that is being prepared, with its job."""
        values = {"customer": self.customer, "sales_person": self.made.id_of(sales_person), "due_on": due,
                  "ordered_on": "2026-06-01", "planned": True,
                  "lines": [{"product": self.cap, "quantity": quantity, "price": "1"}]}  # fmt: skip
        order = self.made.adopt("order", state="preparing", **values).id
        self.make("job", order=order, product=self.cap, quantity=quantity)
        return order

    def steps(self, order: int) -> list[dict[str, Any]]:
        return [row for row in every(self.app, LOOKER, "job_step") if row["order"] == order]

    def changes(self) -> list[dict[str, Any]]:
        return list(every(self.app, LOOKER, "plan_change"))




def stocked(plant: Plant, quantity: int = 1000) -> None:
    place = plant.make("location", code="A1", zone="raw")
    plant.make("movement", kind="count", product=plant.resin, lot="L1", location=place, quantity=quantity)
