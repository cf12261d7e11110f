"""What has to be bought follows what is needed: requests, differences, and who waits for what, on both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from deep import DEEP
from making import MakeApp
from material_plant import MaterialPlant, june

from plugins.planning.floor.materials import needs, ready
from plugins.planning.floor.requesting import follow

D = Decimal


@pytest.fixture
def plant(make_app: MakeApp) -> MaterialPlant:
    return MaterialPlant(make_app)


def test_what_a_job_lacks_is_asked_for_through_all_levels(plant: MaterialPlant) -> None:
    order = plant.order(100)
    plant.made.deliver()
    # 100 shells by the 20th are begun on the 18th and draw 10.5 kg, of which 25 are ordered; ten boxes go in on the 20th
    assert plant.requests() == {plant.resin: (D(25), june(18), june(15)), plant.box: (D(10), june(20), june(18))}
    assert plant.pegs(order) == {
        (plant.shell, "make"): (D(100), june(20), 0),
        (plant.resin, "request"): (D("10.5"), june(18), 0),
        (plant.box, "request"): (D(10), june(20), 0),
    }
    requests = plant.rows("purchase_request")
    assert {row["supplier"] for row in requests} == {plant.plastics, plant.paper}
    assert {row["order"] for row in requests} == {order}
    assert all(row["planned"] for row in requests)
    assert sorted(plant.differences()) == sorted([("new", plant.resin), ("new", plant.box)])
    told = [text for who, text in plant.made.messages() if who == "chen"]
    assert any("2 new, 0 changed, 0 no longer needed" in text for text in told), told


def test_running_again_changes_nothing(plant: MaterialPlant) -> None:
    plant.order(100)
    plant.order(40, due=24)
    plant.made.deliver()
    before = (
        plant.rows("purchase_request"),
        plant.rows("pegging"),
        plant.rows("stock_outlook"),
        plant.rows("material_run"),
    )
    assert follow(plant.app, "again").is_nothing
    assert follow(plant.app, "and again").is_nothing
    after = (
        plant.rows("purchase_request"),
        plant.rows("pegging"),
        plant.rows("stock_outlook"),
        plant.rows("material_run"),
    )
    assert before == after


def test_another_order_is_a_difference_of_what_it_needs(plant: MaterialPlant) -> None:
    plant.order(100)
    plant.made.deliver()
    known = plant.rows("purchase_request")
    plant.order(200, due=22)
    plant.made.deliver()
    assert plant.requests() == {plant.resin: (D(50), june(18), june(15)), plant.box: (D(30), june(20), june(18))}
    assert [row["id"] for row in plant.rows("purchase_request")] == [row["id"] for row in known]
    assert sorted(plant.differences()[2:]) == sorted([("more", plant.resin), ("more", plant.box)])
    assert all(row["order"] is None for row in plant.rows("purchase_request"))  # they serve two


def test_stock_and_purchases_are_counted_and_what_they_cover_is_taken_back(plant: MaterialPlant) -> None:
    order = plant.order(100)
    plant.made.deliver()
    plant.stock(plant.box, 4)
    purchase = plant.purchase(plant.resin, 30, promised=16, needed=16)
    plant.made.update("purchase", purchase, promised_on=june(17))
    plant.made.deliver()
    assert plant.requests() == {plant.box: (D(6), june(20), june(18))}
    assert plant.pegs(order)[plant.resin, "purchase"] == (D("10.5"), june(17), 1)
    assert sorted(plant.differences()[2:]) == sorted([("less", plant.box), ("dropped", plant.resin)])
    dropped = next(row for row in plant.rows("purchase_request") if row["product"] == plant.resin)
    assert dropped["state"] == "dropped"


def test_a_purchase_that_slips_moves_what_waits_for_it_and_asks_for_nothing_twice(plant: MaterialPlant) -> None:
    order = plant.order(100)
    purchase = plant.purchase(plant.resin, 30, promised=16, needed=16)
    plant.made.deliver()
    assert plant.pegs(order)[plant.shell, "make"] == (D(100), june(20), 0)
    plant.made.update("purchase", purchase, promised_on=june(23))
    plant.made.deliver()
    assert set(plant.requests()) == {plant.box}
    assert plant.pegs(order)[plant.resin, "purchase"] == (D("10.5"), june(23), -5)
    assert plant.pegs(order)[plant.shell, "make"] == (D(100), june(25), -5)
    served = plant.made.get("purchase", purchase)
    assert (served["serves"], served["slack"]) == (1, -5)
    assert ready(plant.app)[plant.rows("job")[0]["id"]][1] == "树脂"


def test_an_order_that_is_cancelled_needs_nothing(plant: MaterialPlant) -> None:
    order, other = plant.order(100), plant.order(40, due=24)
    plant.made.deliver()
    plant.made.take("order", order, "freeze", as_="he", reason="欠款")
    plant.made.take("order", order, "cancel", as_="he", reason="客户取消")
    plant.made.deliver()
    assert plant.requests() == {plant.resin: (D(25), june(22), june(19)), plant.box: (D(4), june(24), june(22))}
    assert plant.pegs(order) == {}
    assert set(plant.pegs(other)) == {(plant.shell, "make"), (plant.resin, "request"), (plant.box, "request")}
    kinds = plant.differences()
    assert {("later", plant.resin), ("less", plant.box), ("later", plant.box)} <= set(kinds)


def test_what_people_ask_for_is_theirs_and_counts(plant: MaterialPlant) -> None:
    mine = plant.made.create("purchase_request", as_="zhao", product=plant.box, quantity="4", needed_on=june(18))
    plant.order(100)
    plant.made.deliver()
    boxes = [row for row in plant.rows("purchase_request") if row["product"] == plant.box]
    assert [(row["id"] == mine.id, row["quantity"], row["planned"]) for row in boxes] == [
        (True, D(4), False),
        (False, D(6), True),
    ]
    plant.made.take("order", plant.rows("order")[0]["id"], "freeze", as_="he", reason="欠款")
    plant.made.take("order", plant.rows("order")[0]["id"], "cancel", as_="he", reason="取消")
    plant.made.deliver()
    assert [row["id"] for row in plant.rows("purchase_request", "record.state == 'open'")] == [mine.id]


def test_a_request_that_somebody_changed_or_asked_quotes_for_stands(plant: MaterialPlant) -> None:
    plant.order(100)
    plant.made.deliver()
    asked = {row["product"]: row["id"] for row in plant.rows("purchase_request")}
    plant.made.update("purchase_request", asked[plant.resin], as_="chen", quantity="100")
    plant.made.take("purchase_request", asked[plant.box], "ask_quotes", as_="chen")
    plant.made.deliver()
    changed = plant.made.get("purchase_request", asked[plant.resin])
    assert (changed["quantity"], changed["state"], changed["planned"]) == (D(100), "open", False)
    assert len(plant.rows("purchase_request")) == 2
    plant.order(300, due=22)  # boxes for which quotes are asked cannot grow: the rest is asked for beside them
    plant.made.deliver()
    more = [row for row in plant.rows("purchase_request") if row["id"] not in asked.values()]
    assert [(row["product"], row["quantity"]) for row in more] == [(plant.box, D(30))]


def test_a_request_becomes_a_purchase_that_is_sent_and_is_not_asked_for_again(plant: MaterialPlant) -> None:
    order = plant.order(100)
    plant.made.deliver()
    resin = next(row for row in plant.rows("purchase_request") if row["product"] == plant.resin)
    plant.made.take("purchase_request", resin["id"], "buy", as_="chen")
    plant.made.deliver()
    [purchase] = plant.rows("purchase")
    assert (purchase["quantity"], purchase["price"], purchase["supplier"], purchase["state"], purchase["order"]) == (
        D(25), D(10), plant.plastics, "sent", order,
    )  # fmt: skip
    assert plant.pegs(order)[plant.resin, "purchase"] == (D("10.5"), june(18), 0)
    assert set(plant.requests()) == {plant.box}


def test_what_a_supplier_does_not_confirm_is_asked_for_once(plant: MaterialPlant) -> None:
    plant.order(300)
    plant.made.deliver()
    box = next(row for row in plant.rows("purchase_request") if row["product"] == plant.box)
    plant.made.take("purchase_request", box["id"], "buy", as_="chen")
    plant.made.take(
        "purchase",
        plant.rows("purchase")[0]["id"],
        "confirm",
        as_="chen",
        promised_on=june(19),
        confirmed_quantity="20",
    )
    plant.made.deliver()
    boxes = plant.rows("purchase_request", "record.state == 'open'")
    assert [(row["quantity"], row["planned"]) for row in boxes if row["product"] == plant.box] == [(D(10), True)]


def test_a_job_that_makes_the_shell_is_what_the_order_waits_for(plant: MaterialPlant) -> None:
    order = plant.order(100)
    plant.job(order, 100, plant.shell)
    plant.made.deliver()
    pegs = plant.pegs(order)
    assert (plant.shell, "make") not in pegs
    assert pegs[plant.shell, "job"] == (D(100), june(20), 0)
    assert plant.requests()[plant.resin] == (D(25), june(20), june(17))  # its own requirement, not doubled
    receipt = plant.make("goods_receipt", kind="production", order=order, job=plant.rows("job")[-1]["id"],
                         lines=[{"product": plant.shell, "location": plant.place, "quantity": "100"}])  # fmt: skip
    plant.made.take("goods_receipt", receipt, "post", as_="wu")
    plant.made.deliver()
    assert not any(product == plant.shell for product, _kind in plant.pegs(order))


def test_free_stock_of_an_alternative_is_used_before_anything_is_asked_for(plant: MaterialPlant) -> None:
    old_box = plant.product("BOX-0", "旧纸箱", kind="packaging")
    plant.stock(old_box, 6)
    plain = plant.product("PLAIN", "素箱", kind="finished", family="crate", price="5",
                          bom=[{"component": plant.box, "quantity": "1", "alternative": old_box}])  # fmt: skip
    order = plant.order(10, product=plain)
    plant.made.deliver()
    assert plant.requests() == {plant.box: (D(4), june(20), june(18))}
    needed = {row["product"]: (row["needed"], row["reserved"], row["instead_of"]) for row in plant.rows("requirement")}
    assert needed == {plant.box: (D(4), D(0), None), old_box: (D(6), D(6), plant.box)}
    assert ("instead", old_box) in plant.differences()
    assert plant.pegs(order) == {(plant.box, "request"): (D(4), june(20), 0)}
    assert follow(plant.app, "again").is_nothing


def test_safety_stock_is_kept_for_nobody(plant: MaterialPlant) -> None:
    plant.made.update("product", plant.resin, safety_stock="60")
    plant.stock(plant.resin, 40)
    follow(plant.app, "night")
    assert plant.requests() == {plant.resin: (D(25), june(1), dt.date(2026, 5, 29))}
    [peg] = plant.rows("pegging")
    assert (peg["order"], peg["requirement"], peg["slack"], peg["quantity"]) == (None, None, None, D(20))
    plant.made.clock.advance(days=2)  # nobody ordered: it is as late as it was, and says nothing new
    assert not follow(plant.app, "night").changes
    assert plant.requests() == {plant.resin: (D(25), june(1), dt.date(2026, 5, 29))}


def test_a_bill_of_materials_in_a_circle_is_told_and_stops_nothing_else(plant: MaterialPlant) -> None:
    plant.made.update("product", plant.resin, kind="semi", bom=[{"component": plant.shell, "quantity": "1"}])
    plant.order(100)
    plant.made.deliver()
    assert set(plant.requests()) == {plant.shell, plant.box}
    run = plant.rows("material_run")[-1]
    assert (
        run["problem"] == "用料成环，已跳过：壳体 → 树脂 → 壳体"
        or run["problem"] == "用料成环，已跳过：树脂 → 壳体 → 树脂"
    )


def test_somebody_asks_and_is_told_that_nothing_is_different(plant: MaterialPlant) -> None:
    plant.order(100)
    plant.made.deliver()
    run = plant.made.create("material_run", as_="zhao", why="早会前再算一次").id
    plant.made.deliver()
    found = plant.made.get("material_run", run)
    assert found["ran_at"] is not None
    assert (found["added"], found["changed"], found["dropped"], found["problem"]) == (0, 0, 0, None)


def test_stock_ahead_tells_what_runs_out(plant: MaterialPlant) -> None:
    plant.stock(plant.resin, 5)
    plant.made.update("product", plant.box, safety_stock="2")
    plant.stock(plant.box, 20)
    plant.order(100)
    plant.made.deliver()
    days = [
        (row["product"], row["day"], row["change"], row["projected"], row["short"])
        for row in plant.rows("stock_outlook")
    ]
    assert [one[1:] for one in days if one[0] == plant.resin] == [
        (june(1), D(5), D(5), True), (june(18), D("-10.5"), D("19.5"), True),
    ]  # fmt: skip
    assert not any(short for product, _day, _change, _projected, short in days if product == plant.box)


# --- many of them ----------------------------------------------------------------------------------------------------

PRODUCTS = 40


def test_three_thousand_requirements_are_read_in_a_handful_of_statements(plant: MaterialPlant) -> None:
    many(plant, 3000)
    with statements() as said:
        found = needs(plant.app)
    assert len(found.requirements) == 3000
    assert len(said) < 20, said


def test_many_requirements_are_pegged_once(plant: MaterialPlant) -> None:
    lines = 3000 if DEEP else 200
    many(plant, lines)
    assert follow(plant.app, "first").changes
    assert sum(row["quantity"] for row in plant.rows("pegging")) == sum(n % 7 + 1 for n in range(lines))
    assert follow(plant.app, "again").is_nothing


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    said: list[str] = []

    def hear(_conn: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        said.append(text)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def many(plant: MaterialPlant, lines: int) -> None:
    """Requirements of many jobs, written to their tables at once: no rule looks at them."""
    order = plant.order(1)
    job = plant.rows("job")[0]["id"]
    [like] = plant.rows("requirement", f"record.product == {plant.box}")
    products = [plant.product(f"M-{n}", f"料 {n}", supplier=plant.paper, lead_days=n % 9) for n in range(PRODUCTS)]
    table = plant.app.tables.form["requirement"]
    with plant.app.database.write() as conn:
        row = dict(conn.execute(sa.select(table).where(table.c.id == like["id"])).mappings().one())
        row.pop("id")
        conn.execute(sa.delete(table))
        conn.execute(sa.insert(table), [
            {**row, "order": order, "job": job, "product": products[n % PRODUCTS], "needed": D(n % 7 + 1),
             "missing": D(n % 7 + 1), "due_on": june(2 + n % 28)}
            for n in range(lines)
        ])  # fmt: skip
