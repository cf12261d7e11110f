"""The life of an order, from the customer's call to the last payment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.api import Outcome
from plugins.order_hub.factory import BUSY, DAY, MINUTE, Customer, Plant, decided
from plugins.order_hub.factory_making import make_goods, ship_goods

Story = Iterator[dt.datetime]
PATIENCE = 30  # how often somebody looks again before they give an order up
DONE = ("signed", "cancelled")


def arrivals(plant: Plant, wanted: int) -> Story:
    """``wanted`` orders over the whole time, more of them in busy months, in the hours in which customers call."""
    simulation = plant.simulation
    days = [day for number in range(max(1, (simulation.end - simulation.start).days))
            if plant.hours["li"].is_workday(day := simulation.today + DAY * number)]  # fmt: skip
    last = len(days) - max(1, len(days) // 12)  # the last ones have some time to go on
    chosen = plant.random.choices(
        days[:last] or days, [BUSY.get(day.month, 1.0) for day in days[:last] or days], k=wanted
    )
    moments = sorted(plant.hours["li"].begin(day) + MINUTE * plant.random.randrange(510) for day in chosen)
    for moment in moments:
        yield moment
        customer = plant.random.choices(plant.customers, [one.weight for one in plant.customers])[0]
        simulation.follow(Life(plant, customer).go())


@dataclass
class Life:
    """One order. ``id`` is 0 until it is entered."""

    plant: Plant
    customer: Customer
    id: int = 0
    lines: list[tuple[int, int]] = field(default_factory=list)

    # --- looking

    @property
    def row(self) -> dict[str, Any]:
        return self.plant.simulation.row("order", self.id)

    @property
    def state(self) -> str:
        return str(self.row.get("state"))

    def take(self, who: str, transition: str, **more: Any) -> Outcome:
        return self.plant.simulation.take(who, "order", self.id, transition, **more)

    # --- the way

    def go(self) -> Story:
        yield self.plant.soon(self.customer.seller, 2, 60)
        if not self._enter():
            return
        yield from self._accident()
        yield from self._paid()
        if self.state in DONE:
            return
        yield from self._prepared()
        if self.state in DONE:
            return
        yield from make_goods(self)
        if self.state == "inspected":
            yield from ship_goods(self)
        if self.state == "shipped":
            yield from self._received()
        yield from self._settled()

    def _enter(self) -> bool:
        plant, random, seller = self.plant, self.plant.random, self.customer.seller
        priority = random.choices(("normal", "high", "rush"), (82, 13, 5))[0]
        due = {"normal": (14, 35), "high": (8, 14), "rush": (4, 8)}[priority]
        self.lines = [self._line() for _ in range(random.choices((1, 2, 3, 4), (45, 30, 17, 8))[0])]
        values = {
            "customer": self.customer.id, "due_on": plant.date(random.randint(*due)), "priority": priority,
            "customer_po": f"PO{random.randrange(10**7):07d}",
            "channel": random.choices(("direct", "web", "amazon", "jd"), (74, 10, 9, 7))[0],
            "lines": [{"product": product, "quantity": quantity} for product, quantity in self.lines],
            **({"contract_file": plant.paper(seller, "order", "contract_file")} if plant.chance(0.85) else {}),
        }  # fmt: skip
        made = plant.simulation.create(seller, "order", values)
        if made:
            self.id = made.saved.id
        return bool(made)

    def _line(self) -> tuple[int, int]:
        product = self.plant.random.choice(self.plant.products)
        quantity = self.plant.random.choice(
            (500, 1000, 2000, 3000, 5000) if product["price"] < 5 else (50, 100, 200, 300, 500)
        )
        return product["id"], quantity

    def _accident(self) -> Story:
        """Two people open it at the same time; some orders are called off."""
        plant, seller = self.plant, self.customer.seller
        if plant.chance(0.06):
            version = self.row["version"]
            yield plant.soon("zhao", 1, 20)
            plant.simulation.change("zhao", "order", self.id, {"priority": "high"}, version=version)
            yield plant.soon("wang", 1, 20)
            plant.simulation.change("wang", "order", self.id, {"note": "电话确认"}, version=version)
        if plant.chance(0.03):
            yield plant.soon(seller, 60, 600)
            self.take(seller, "cancel", reason="客户取消")

    # --- money first

    def _paid(self) -> Story:
        """Until it is being prepared: frozen ones are released, deposits come, papers are put in."""
        plant, simulation, seller = self.plant, self.plant.simulation, self.customer.seller
        for turn in range(PATIENCE):
            state = self.state
            if state not in ("pending", "paid", "frozen"):
                return
            if state == "frozen":
                yield from self._thaw(turn)
                continue
            row = self.row
            if not row["contract_file"]:
                yield plant.soon(seller, 30, 400)
                simulation.change(
                    seller, "order", self.id, {"contract_file": plant.paper(seller, "order", "contract_file")}
                )
                continue
            if state == "paid":
                yield plant.soon("chen", 10, 180)
                self.take("chen", "start_preparing")
                continue
            if row["received"] < row["amount"] * self.customer.deposit and not plant.chance(0.25):
                yield self._deposit_day()
                yield from self._pay(row["amount"] * self.customer.deposit - row["received"])
            yield plant.soon("wang", 10, 240)
            self._confirm()
        self.take(seller, "cancel", reason="一直没有付款")

    def _confirm(self) -> None:
        """Finance takes the step, or ticks what lets the order go on by itself."""
        plant, simulation = self.plant, self.plant.simulation
        voucher = {"voucher": plant.paper("wang", "order", "voucher")}
        row = self.row
        enough = row["received"] * 10 >= row["amount"] * 3
        if enough and plant.chance(0.5):
            simulation.change("wang", "order", self.id, {**voucher, "finance_approved": True})
        else:
            self.take("wang", "confirm_payment", values=voucher)

    def _deposit_day(self) -> dt.datetime:
        least, most = {"good": (0.2, 2), "slow": (1, 6), "bad": (3, 15)}[self.customer.pays]
        return self.plant.days("wang", least, most)

    def _thaw(self, turn: int) -> Story:
        plant, seller = self.plant, self.customer.seller
        yield plant.days("wang", 0.3, 3)
        if self.state != "frozen":
            return
        if turn > 4 and plant.chance(0.15):
            self.take(seller, "cancel", reason="信用不足")
        elif plant.chance(0.75):
            self.take(plant.random.choice(("wang", "wang", "he")), "release", reason="总经理同意放行")

    def _pay(self, amount: Decimal, invoice: int | None = None) -> Story:
        plant, simulation = self.plant, self.plant.simulation
        exact = amount.quantize(Decimal("0.01"))
        if exact <= 0:
            return
        method = plant.random.choice(("bank", "bank", "draft", "online"))
        values = {"order": self.id, "amount": str(exact), "method": method, "invoice": invoice}
        made = simulation.create("wang", "receipt", {name: one for name, one in values.items() if one is not None})
        if made:
            yield plant.soon("wang", 5, 200)
            simulation.take("wang", "receipt", made.saved.id, "confirm")

    # --- material

    def _prepared(self) -> Story:
        """The picking list, changes of the customer, and waiting for material, until it can be scheduled."""
        plant, simulation, seller = self.plant, self.plant.simulation, self.customer.seller
        yield plant.soon("chen", 20, 300)
        simulation.change("chen", "order", self.id, {"picking_list": plant.paper("chen", "order", "picking_list")})
        if plant.chance(0.08):
            yield from self._change()
        if plant.chance(0.03) and self.state in ("paid", "preparing", "scheduled"):
            self.take(seller, "change", reason="客户改包装")
            yield plant.days(seller, 0.2, 1.5)
            self.take(seller, "changed")
        for _turn in range(PATIENCE * 2):
            if self.state != "preparing":
                break
            yield plant.days("wu", 0.4, 1.2)
            if self.state == "preparing":
                self.take("wu", "material_ready")

    def _change(self) -> Story:
        """The customer wants it otherwise; whoever the policy and the amounts name decide."""
        plant, simulation, seller = self.plant, self.plant.simulation, self.customer.seller
        what = plant.random.choice(("due_date", "quantity", "delivery"))
        line, percent = simulation.rows("order_line", _parent=self.id)[0], plant.random.choice((80, 90, 120, 150))
        more = {
            "due_date": {"new_due_on": plant.date(plant.random.randint(10, 40))},
            "quantity": {"line": line["id"], "new_quantity": max(1, line["quantity"] * percent // 100)},
            "delivery": {"new_address": {"street": "新厂房 2 号门"}},
        }  # fmt: skip
        made = simulation.create(
            seller, "order_change", {"order": self.id, "what": what, "why": "客户要求", **more[what]}
        )
        if not made:
            return
        yield from decided(plant, "order_change", made.saved.id)

    # --- at the customer's

    def _received(self) -> Story:
        plant = self.plant
        yield plant.days("feng", 1, 5)
        if plant.chance(0.02) and self.take("feng", "send_back", values={"return_reason": "外观划伤"}):
            yield from self._returned()
        if self.state != "shipped":
            return
        values = {
            "delivery_note": plant.paper("feng", "order", "delivery_note"), "signed_by": "收货员",
            "signature": plant.paper("feng", "order", "signature", "signature.png"),
        }  # fmt: skip
        self.take("feng", "sign", values=values)
        if plant.chance(0.02):
            yield plant.days("feng", 1, 10)
            yield from self._complain()

    def _returned(self) -> Story:
        plant, simulation = self.plant, self.plant.simulation
        yield plant.days("wu", 1, 4)
        product, quantity = self.lines[0]
        values = {
            "kind": "customer_return", "order": self.id,
            "lines": [{"product": product, "lot": f"R{self.row['number']}", "location": plant.locations["Q-01"],
                       "quantity": max(1, quantity // 10)}],
        }  # fmt: skip
        made = simulation.create("wu", "goods_receipt", values)
        if made:
            simulation.take("wu", "goods_receipt", made.saved.id, "post")
        yield plant.days("feng", 1, 4)
        if plant.chance(0.1):
            self.take(self.customer.seller, "cancel", reason="退货退款")
        else:
            self.take("feng", "resend")
            yield plant.days("feng", 1, 3)

    def _complain(self) -> Story:
        plant, simulation = self.plant, self.plant.simulation
        kind = plant.random.choice(("quality", "quantity", "late"))
        made = simulation.create("feng", "complaint", {"order": self.id, "kind": kind, "description": "客户来电"})
        if made:
            yield plant.days("lin", 1, 4)
            cost = str(plant.random.randrange(0, 2000))
            simulation.take("lin", "complaint", made.saved.id, "close", {"answer": "已补货", "cost": cost})

    def _settled(self) -> Story:
        """The rest of the money, sooner or later, at once or in parts."""
        plant, simulation = self.plant, self.plant.simulation
        for invoice in simulation.rows("invoice", order=self.id):
            least, most = {"good": (-3, 3), "slow": (2, 25), "bad": (20, 90)}[self.customer.pays]
            due = (invoice["due_on"] - simulation.today).days
            yield plant.days("wang", max(0.5, due + least), max(1, due + most))
            row = simulation.row("invoice", invoice["id"])
            left = row["amount"] - (row["received"] or 0)
            if plant.chance(0.15):
                part = (left * Decimal("0.4")).quantize(Decimal("0.01"))
                yield from self._pay(part, invoice["id"])
                left -= part
                yield plant.days("wang", 3, 20)
            yield from self._pay(left, invoice["id"])
