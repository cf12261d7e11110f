"""The made-up year, brought in through the door that imports use: every record is checked as any other."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from engine.api import Actor, Application, adopt, save, system_actor, users_of
from plugins.order_hub import demo, market, works
from plugins.order_hub.demo import OrderPlan
from plugins.order_hub.works import Plant
from plugins.planning.floor.replanning import follow

CHINA = ZoneInfo("Asia/Shanghai")
SHIPPED = ("shipped", "signed", "returned")
UNPAID = ("pending", "cancelled")


def plant(app: Application, count: int, seed: int) -> None:
    """Fill the application with ``count`` orders over the last year and what belongs to them.

    The same ``seed`` on the same day makes the same records. Customers and products that are there already are used.
    """
    random = Random(seed)  # noqa: S311 - a repeatable year, no secret
    actor = system_actor("seed")
    people = dict(users_of(app))
    sellers = [login for login in ("li", "zhou") if login in people] or list(people)[:1]
    floor = Plant(app, actor, Random(seed + 1), people)  # noqa: S311
    works.masters(floor)
    warehouses = market.places(floor)
    products = [_product(floor, values) for values in demo.products(random)]
    wanted = demo.customers(random)
    customers = [
        floor.kept("customer", "name", {**values, "sales_person": people[sellers[place % len(sellers)]]})
        for place, values in enumerate(wanted)
    ]
    contracts = [_contract(app, actor, random, id) for id in customers[:40]]
    numbers = _Numbers()
    sold = demo.products(Random(seed))  # noqa: S311
    prices, names = [Decimal(values["price"]) for values in sold], [str(values["name"]) for values in sold]
    levels = [str(values["level"]) for values in wanted]
    planned = list(demo.orders(random, count, app.clock(), levels, prices, sellers))
    made: list[tuple[int, OrderPlan]] = []
    gone = [place for place, plan in enumerate(planned) if plan.state in SHIPPED]
    sent, detailed = set(gone[-works.SENT :]), set(gone[-works.DONE :])
    for place, plan in enumerate(planned):
        plan = _with_line(plan, floor)
        plan = replace(plan, values={**plan.values, "delivery_address": wanted[plan.customer]["address"]})
        id = _order(app, actor, plan, people, customers, products, contracts, numbers)
        made.append((id, plan))
        _money(app, actor, random, plan, id, int(wanted[plan.customer]["payment_days"]), numbers, names)
        if place in sent or (plan.state == "inspected" and random.random() < 0.5):
            _goods(floor, random, plan, id, products, numbers, moved=plan.state in SHIPPED)
        if place in detailed or plan.state in works.ON_THE_FLOOR:
            works.works(floor, plan, id, products)
    if made:
        works.purchasing(floor)
        works.troubles(floor, made)
        market.trade(floor, warehouses, products, Random(seed + 2))  # noqa: S311
        follow(app, "演示数据")


def _product(floor: Plant, values: dict[str, Any]) -> int:
    made_of = works.recipe(floor, values)
    id = floor.kept("product", "sku", {**values, **made_of})
    works.remember(floor, id, made_of)
    return id


def _with_line(plan: OrderPlan, floor: Plant) -> OrderPlan:
    if "line" not in plan.values:
        return plan
    return replace(plan, values={**plan.values, "line": floor.lines[plan.values["line"]]})


class _Numbers:
    """Numbers as they would have been drawn at the time; the series go on after them."""

    def __init__(self) -> None:
        self._drawn: Counter[tuple[str, str]] = Counter()

    def next(self, prefix: str, at: dt.datetime, width: int) -> str:
        month = f"{at.astimezone(CHINA):%Y%m}"
        self._drawn[prefix, month] += 1
        return f"{prefix}{month}-{self._drawn[prefix, month]:0{width}d}"


def _contract(app: Application, actor: Actor, random: Random, customer: int) -> tuple[int, int]:
    signed = app.clock().date() - dt.timedelta(days=random.randrange(30, 400))
    values = {
        "customer": customer,
        "signed_on": signed.isoformat(),
        "valid_until": (signed + dt.timedelta(days=365)).isoformat(),
        "amount": str(random.randrange(20, 400) * 10_000),
        "deposit": random.choice((0, 20, 30, 50)),
        "terms": "<p>月结 30 天，含税含运费。</p>",
    }
    return customer, save(app, actor, "contract", values).id


def _order(
    app: Application,
    actor: Actor,
    plan: OrderPlan,
    people: dict[str, int],
    customers: list[int],
    products: list[int],
    contracts: list[tuple[int, int]],
    numbers: _Numbers,
) -> int:
    customer = customers[plan.customer]
    lines = [
        {"product": products[place], "quantity": quantity, "price": str(price)} for place, quantity, price in plan.lines
    ]
    contract = next((id for owner, id in contracts if owner == customer), None)
    values = {
        **plan.values,
        "number": numbers.next("SO", plan.created_at, 5),
        "customer": customer,
        "contract": contract,
        "sales_person": people[plan.sales],
        "lines": lines,
    }
    return adopt(app, actor, "order", values, state=plan.state, history=_history(plan, people)).id


def _history(plan: OrderPlan, people: dict[str, int]) -> list[dict[str, Any]]:
    """The visits to the states before the present one, with who moved the order on."""
    visits: list[dict[str, Any]] = []
    state, since, by = "pending", plan.created_at, plan.sales
    for step in plan.steps:
        visits.append(
            {
                "state": state,
                "entered_at": since,
                "left_at": step.at,
                "entered_by": people.get(by),
                "left_by": people.get(step.login),
            }
        )
        state, since, by = step.state, step.at, step.login
    visits.append({"state": state, "entered_at": since, "left_at": None, "entered_by": people.get(by)})
    return visits


def _money(
    app: Application, actor: Actor, random: Random, plan: OrderPlan, order: int, days: int, numbers: _Numbers,
    names: Sequence[str],
) -> None:  # fmt: skip
    """A deposit with the confirmation, the invoice with the goods, the rest by its due date; a few are late."""
    paid = next((step.at for step in plan.steps if step.transition == "confirm_payment"), None)
    if paid is None or plan.state in UNPAID:
        return
    share = (plan.amount * Decimal(random.choice(("0.3", "0.3", "0.5", "1")))).quantize(Decimal("0.01"))
    rest = plan.amount - share
    sent = next((step.at for step in plan.steps if step.state == "shipped"), None)
    if sent is None:
        _receipt(app, actor, order, None, numbers, paid, share)
        return
    due = sent + dt.timedelta(days=days)
    late = random.choices((-3, 0, 2, 15), (40, 35, 15, 10))[0]
    at = due + dt.timedelta(days=max(1, days + late) - days)
    settled = rest <= 0 or at < app.clock()
    invoice = _invoice(app, actor, plan, order, numbers, names, sent, due, at if settled else None)
    _receipt(app, actor, order, invoice, numbers, paid, share)
    if settled:
        _receipt(app, actor, order, invoice, numbers, at, rest)


def _invoice(
    app: Application, actor: Actor, plan: OrderPlan, order: int, numbers: _Numbers, names: Sequence[str],
    sent: dt.datetime, due: dt.datetime, paid: dt.datetime | None,
) -> int:  # fmt: skip
    values = {
        "number": numbers.next("IV", sent, 4),
        "order": order,
        "issued_on": sent.date().isoformat(),
        "due_on": due.date().isoformat(),
        "amount": str(plan.amount),
        "lines": [
            {"name": names[place], "quantity": quantity, "price": str(price), "amount": str(round(quantity * price, 2))}
            for place, quantity, price in plan.lines
        ],
        "paid_on": paid.date().isoformat() if paid else None,
    }
    state = "paid" if paid else "overdue" if due.date() < app.clock().date() else "open"
    return adopt(app, actor, "invoice", values, state=state).id


def _receipt(
    app: Application, actor: Actor, order: int, invoice: int | None, numbers: _Numbers, at: dt.datetime, amount: Decimal
) -> None:
    if amount <= 0:
        return
    method = "draft" if amount > 100_000 else "bank"
    number = numbers.next("RC", at, 4)
    values = {
        "number": number,
        "order": order,
        "invoice": invoice,
        "received_on": at.date().isoformat(),
        "amount": str(amount),
        "method": method,
    }
    history = [
        {"state": "entered", "entered_at": at - dt.timedelta(hours=2), "left_at": at},
        {"state": "confirmed", "entered_at": at, "left_at": None},
    ]
    adopt(app, actor, "receipt", values, state="confirmed", history=history)


def _goods(
    floor: Plant, random: Random, plan: OrderPlan, order: int, products: list[int], numbers: _Numbers, *, moved: bool
) -> None:
    at = next((step.at for step in reversed(plan.steps) if step.state in SHIPPED), None) or plan.steps[-1].at
    carrier = random.choice(demo.CARRIERS)
    values = {
        "number": numbers.next("DN", at, 4),
        "order": order,
        "shipped_on": at.date().isoformat(),
        "carrier": carrier,
        "tracking": f"{carrier.upper()}{random.randrange(10**11):011d}",
        "lines": [
            {"product": products[place], "quantity": quantity, "lot": f"L{at:%y%m%d}"}
            for place, quantity, _ in plan.lines
        ],
    }
    adopt(floor.app, floor.actor, "shipment", values)
    if moved:
        works.goods(floor, plan, order, products, at, f"L{at:%y%m%d}")
