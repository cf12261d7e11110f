"""Net requirements: records worked out by hand, what holds for every factory, and the same by SQL."""

from dataclasses import replace
from decimal import Decimal
from textwrap import dedent, indent

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from material_scenes import (
    WEEK,
    bought,
    line,
    made,
    material,
    materials,
    order,
    pegged,
    pushed,
    receipt,
    table,
)

from benchmarks.netting import differences, factory, recorded, worked_out
from plugins.planning.material_shapes import BadMaterial, Demand, Lot, Reservation
from plugins.planning.netting import netted
from plugins.planning.requests import requests
from plugins.planning.workdays import Workdays

EXAMPLES = 1000 if DEEP else 30


def record(text):
    return indent(dedent(text).strip("\n"), " ")


# --- one item, by hand ------------------------------------------------------------------------------------------------


def test_a_textbook_record_in_multiples_of_twenty_above_a_safety_stock_of_ten():
    item = bought("bolt", lead=2, lot=Lot(multiple=Decimal(20)), safety=Decimal(10))
    needs = [order("a", "bolt", 1, 10), order("b", "bolt", 2, 15), order("c", "bolt", 3, 25),
             order("d", "bolt", 5, 30), order("e", "bolt", 6, 5), order("f", "bolt", 8, 41)]  # fmt: skip
    found = netted(material(item, demands=needs, stock={"bolt": 35}, receipts=[receipt("P1", "bolt", 3, 20)]))
    assert table(found, "bolt") == record("""
        day  gross  receipts  planned  projected  release
          1     10         0                  25
          2     15         0                  10
          3     25        20       20         25        1
          5     30         0       20         15        3
          6      5         0                  10
          8     41         0       60         29        6
    """)


@pytest.mark.parametrize(
    ("lot", "planned"),
    [
        (Lot(), {1: "7", 2: "4", 5: "9", 9: "1"}),
        (Lot(multiple=Decimal(6)), {1: "12", 5: "12"}),
        (Lot(minimum=Decimal(10)), {1: "10", 2: "10", 9: "10"}),
        (Lot(days=2), {1: "11", 5: "9", 9: "1"}),
        (Lot(days=5), {1: "20", 9: "1"}),
        (Lot(days=4), {1: "11", 5: "9", 9: "1"}),
        (Lot(minimum=Decimal(15), multiple=Decimal(4), days=2), {1: "16", 5: "16"}),
    ],
)
def test_every_lot_rule_for_the_needs_7_4_9_and_1(lot, planned):
    needs = [order(str(day), "x", day, quantity) for day, quantity in ((1, 7), (2, 4), (5, 9), (9, 1))]
    found = netted(material(bought("x", lot=lot), demands=needs))
    assert {row.day: str(row.planned) for row in found.records["x"] if row.planned} == planned


def test_a_safety_stock_is_filled_up_today_without_any_demand():
    found = netted(material(bought("x", safety=Decimal(10)), stock={"x": 4}, today=50))
    assert [(row.day, row.planned, row.projected) for row in found.records["x"]] == [(50, 6, 10)]
    assert pegged(found) == [("safety:x", "stock:x", "4", 0), ("safety:x", "plan:x:50", "6", 0)]


def test_what_is_there_without_a_demand_plans_nothing():
    found = netted(material(bought("x"), stock={"x": 4}))
    assert (found.records["x"], found.pegs) == ((), ())


def test_stock_below_zero_is_covered_before_anything_else():
    found = netted(material(bought("x"), stock={"x": -3}, demands=[order("a", "x", 4, 2)]))
    assert pegged(found) == [("debt:x", "plan:x:0", "3", 0), ("a:x", "plan:x:4", "2", 0)]


def test_needs_of_days_that_are_over_are_needs_of_today_and_their_lateness_counts_from_their_day():
    found = netted(material(bought("x", lead=3), demands=[order("a", "x", -2, 5)]))
    assert [(row.day, row.planned) for row in found.records["x"]] == [(0, 5)]
    assert pegged(found) == [("a:x", "plan:x:0", "5", 5)]


# --- through the levels -----------------------------------------------------------------------------------------------


def test_a_table_of_four_legs_through_two_levels_with_scrap_and_lead_times():
    found = netted(
        material(
            made("table", lead=2),
            bought("leg", lead=3, lot=Lot(multiple=Decimal(50))),
            bought("lacquer", lead=1, decimals=2),
            lines=[line("table", "leg", 4, "2"), line("table", "lacquer", "0.125", "7.5")],
            demands=[order("a", "table", 10, 10), order("b", "table", 12, 5)],
            stock={"table": 3, "leg": 20},
        )
    )
    assert table(found, "table") == record("""
        day  gross  receipts  planned  projected  release
         10     10         0        7          0        8
         12      5         0        5          0       10
    """)
    # 7 × 4 × 1.02 = 28.56 → 29, 5 × 4 × 1.02 = 20.4 → 21
    assert [(row.day, row.gross, row.planned, row.projected) for row in found.records["leg"]] == [
        (8, 29, 50, 41),
        (10, 21, 0, 20),
    ]
    # 7 × 0.125 × 1.075 = 0.940625 → 0.95, 5 × 0.125 × 1.075 = 0.671875 → 0.68
    assert [(row.day, str(row.planned)) for row in found.records["lacquer"]] == [(8, "0.95"), (10, "0.68")]


def test_an_item_on_two_levels_is_netted_once_on_the_lower():
    found = netted(
        material(
            made("a"), made("b"), bought("screw", lot=Lot(multiple=Decimal(100))),
            lines=[line("a", "b"), line("a", "screw", 2), line("b", "screw", 3)], demands=[order("o", "a", 5, 10)],
        )
    )  # fmt: skip
    assert found.levels == {"a": 0, "b": 1, "screw": 2}
    assert [(row.day, row.gross, row.planned) for row in found.records["screw"]] == [(5, 50, 100)]


def test_lead_times_count_working_days():
    # Day 0 is a Monday: what is needed on Monday of the next week, three working days later, begins on Wednesday.
    found = netted(material(bought("x", lead=3), demands=[order("a", "x", 7, 1)], shift=WEEK))
    assert found.supplies["plan:x:7"].release == 2


@pytest.mark.parametrize(
    ("day", "days", "there"),
    [(4, 1, 5), (5, 1, 8), (0, 5, 5), (7, -1, 4), (5, -5, 0), (6, 0, 6), (-3, -1, -4), (0, -1, -3)],
)
def test_working_days_of_a_week_in_both_directions(day, days, there):
    assert WEEK(day, days) == there


@given(
    st.lists(st.booleans(), min_size=1, max_size=20).filter(any),
    st.integers(-50, 50),
    st.integers(-30, 30),
    st.integers(-9, 9),
)
@settings(deadline=None, max_examples=EXAMPLES)
def test_working_days_by_counting(table_of_days, day, days, first):
    shift = Workdays(table_of_days, first)
    there = shift(day, days)
    passed = range(min(day, there), max(day, there))
    works = [table_of_days[(one - first) % len(table_of_days)] for one in passed]
    assert sum(works) == abs(days)
    assert not works or (works[-1] if days > 0 else works[0])


# --- what is late -----------------------------------------------------------------------------------------------------


def test_a_purchase_that_comes_before_a_new_one_could_is_waited_for():
    found = netted(material(bought("x", lead=10), demands=[order("a", "x", 3, 5)], receipts=[receipt("P1", "x", 6, 5)]))
    assert pegged(found) == [("a:x", "P1", "5", 3)]


def test_a_purchase_that_comes_after_a_new_one_could_is_not():
    found = netted(material(bought("x", lead=2), demands=[order("a", "x", 3, 5)], receipts=[receipt("P1", "x", 6, 5)]))
    assert pegged(found) == [("a:x", "plan:x:3", "5", 0)]


def test_a_purchase_that_became_late_still_covers_what_it_was_wanted_for():
    given = material(
        bought("x", lead=2), demands=[order("a", "x", 3, 5)], receipts=[receipt("P1", "x", 60, 5, wanted=3)]
    )
    assert pegged(netted(given)) == [("a:x", "P1", "5", 57)]


def test_a_release_in_the_past_is_told_in_days_and_comes_late():
    found = netted(
        material(made("a", lead=2), bought("x", lead=9), lines=[line("a", "x")], demands=[order("o", "a", 5, 1)])
    )
    plan = found.supplies["plan:x:3"]
    assert (plan.release, plan.overdue, plan.expected) == (-6, 6, 9)
    above = found.supplies["plan:a:5"]
    assert (above.release, above.overdue, above.expected, above.last) == (3, 0, 11, "x")
    assert pegged(found) == [("plan:a:5/x", "plan:x:3", "1", 6), ("o:a", "plan:a:5", "1", 6)]


def test_an_open_production_is_as_late_as_what_it_still_has_to_draw():
    draws = Demand("M1/x", "x", 4, Decimal(2), supply="M1")
    found = netted(
        material(
            made("a", lead=3), bought("x", lead=6), lines=[line("a", "x")], demands=[order("o", "a", 7, 1), draws],
            receipts=[receipt("M1", "a", 7, 1, "production")],
        )
    )  # fmt: skip
    assert pegged(found) == [("M1/x", "plan:x:4", "2", 2), ("o:a", "M1", "1", 2)]
    assert (found.supplies["M1"].expected, found.supplies["M1"].last) == (9, "x")


def test_an_open_production_may_draw_what_its_bill_of_materials_does_not_name():
    draws = Demand("M1/b", "b", 4, Decimal(2), supply="M1")
    given = material(made("z"), bought("b", lead=6), demands=[draws], receipts=[receipt("M1", "z", 7, 1, "production")])
    assert netted(given).supplies["M1"].expected == 9


# --- reservations and alternatives ------------------------------------------------------------------------------------


def test_a_reservation_serves_its_demand_though_another_needs_it_first():
    needs = [order("early", "x", 1, 10), order("late", "x", 30, 10)]
    given = material(
        bought("x"), demands=needs, stock={"x": 12}, reservations=[Reservation("late:x", "x", Decimal(10))]
    )
    found = netted(given)
    assert pegged(found) == [
        ("late:x", "stock:x", "10", 0),
        ("early:x", "stock:x", "2", 0),
        ("early:x", "plan:x:1", "8", 0),
    ]
    assert [(row.day, row.gross, row.reserved, row.planned) for row in found.records["x"]] == [
        (1, 10, 0, 8),
        (30, 10, 10, 0),
    ]


def test_a_reservation_of_a_purchase_and_one_for_more_than_is_needed():
    needs = [order("a", "x", 9, 4), order("b", "x", 9, 4)]
    given = material(
        bought("x", lead=1), demands=needs, receipts=[receipt("P1", "x", 5, 10)],
        reservations=[Reservation("b:x", "x", Decimal(9), "P1")],
    )  # fmt: skip
    assert pegged(netted(given)) == [("b:x", "P1", "4", 0), ("a:x", "P1", "1", 0), ("a:x", "plan:x:9", "3", 0)]


def bikes(**given):
    """Bikes with a red or, if need be, a blue or a black saddle."""
    return material(
        made("bike", lead=1), made("trike", lead=1), bought("red"), bought("blue"), bought("black"),
        lines=[line("bike", "red", alternatives=("blue", "black")), line("trike", "blue", 3, alternatives=("red",))], **given,
    )  # fmt: skip


def test_what_is_missing_of_a_component_is_taken_from_its_alternatives_before_it_is_requested():
    found = netted(bikes(demands=[order("o", "bike", 5, 10)], stock={"red": 2, "blue": 3, "black": 4}))
    taken = [(peg.supply, str(peg.quantity), peg.instead) for peg in found.pegs if peg.demand == "plan:bike:5/red"]
    assert sorted(taken) == [
        ("plan:red:4", "1", ""),
        ("stock:black", "4", "red"),
        ("stock:blue", "3", "red"),
        ("stock:red", "2", ""),
    ]
    assert [(row.gross, row.planned) for row in found.records["red"]] == [(3, 1)]
    assert [(row.gross, row.reserved, row.projected) for row in found.records["blue"]] == [(3, 3, 0)]


def test_stock_that_an_alternative_needs_itself_is_not_free():
    needs = [order("o", "bike", 5, 2), order("p", "trike", 20, 1)]
    found = netted(bikes(demands=needs, stock={"blue": 4}))
    taken = {(peg.demand, peg.supply): str(peg.quantity) for peg in found.pegs if peg.supply == "stock:blue"}
    assert taken == {("plan:bike:5/red", "stock:blue"): "1", ("plan:trike:20/blue", "stock:blue"): "3"}


def test_stock_that_an_alternative_needs_until_its_purchase_comes_is_not_free():
    needs = [order("o", "bike", 3, 2), order("p", "trike", 5, 1)]
    found = netted(bikes(demands=needs, stock={"blue": 4}, receipts=[receipt("P1", "blue", 10, 9)]))
    taken = [str(peg.quantity) for peg in found.pegs if peg.instead]
    assert taken == ["1"]


def test_what_an_alternative_is_needed_for_further_down_is_not_free():
    found = netted(
        material(
            made("bike"), made("trike"), made("rear"), bought("red"), bought("blue"), stock={"blue": 5},
            lines=[line("bike", "red", alternatives=("blue",)), line("trike", "rear"), line("rear", "blue", 2)],
            demands=[order("o", "bike", 3, 5), order("p", "trike", 9, 2)],
        )
    )  # fmt: skip
    assert found.levels["red"] > found.levels["rear"]
    assert {(peg.demand, str(peg.quantity)) for peg in found.pegs if peg.supply == "stock:blue"} == {
        ("plan:bike:3/red", "1"), ("plan:rear:9/blue", "4"),
    }  # fmt: skip


def test_of_an_alternative_that_is_counted_in_pieces_whole_pieces_are_taken():
    found = netted(
        material(
            made("a"), bought("oil", decimals=1), bought("can"), stock={"can": 9},
            lines=[line("a", "oil", "0.5", alternatives=("can",))], demands=[order("o", "a", 3, 3)],
        )
    )  # fmt: skip
    taken = {(peg.supply, str(peg.quantity)) for peg in found.pegs if peg.demand == "plan:a:3/oil"}
    assert taken == {("stock:can", "1"), ("plan:oil:3", "0.5")}


def test_the_earlier_need_has_what_is_there_sooner_in_whatever_order_they_are_told():
    found = netted(material(bought("x"), demands=[order("late", "x", 9, 5), order("early", "x", 2, 5)], stock={"x": 5}))
    assert pegged(found) == [("early:x", "stock:x", "5", 0), ("late:x", "plan:x:9", "5", 0)]


def test_two_items_are_alternatives_to_each_other():
    found = netted(bikes(demands=[order("o", "bike", 5, 2), order("p", "trike", 20, 1)], stock={"red": 9}))
    assert [(peg.supply, str(peg.quantity)) for peg in found.pegs if peg.instead] == [("stock:red", "3")]


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_circle_is_refused_with_its_items():
    given = material(made("a"), made("b"), made("c"), lines=[line("a", "b"), line("b", "c"), line("c", "b")])
    with pytest.raises(BadMaterial) as refused:
        netted(given)
    assert refused.value.problems[0] in (
        "the bill of materials leads in a circle: b → c → b",
        "the bill of materials leads in a circle: c → b → c",
    )


def test_everything_wrong_is_told_at_once():
    given = material(
        bought("a", lead=-1, lot=Lot(days=0)),
        lines=[line("a", "ghost", 0, -1), line("a", "a", alternatives=("a",))],
        demands=[order("o", "a", 1, 0), order("o", "a", 1, 1), Demand("p", "a", 1, Decimal(1), supply="M9")],
        stock={"wind": 1},
        reservations=[Reservation("o", "a", Decimal(1), "P9")],
    )
    with pytest.raises(BadMaterial) as refused:
        netted(given)
    assert refused.value.problems == (
        "item a: a lead time is 0 or more working days, got -1",
        "item a: a lot covers 1 day or more, got 0",
        "line a → ghost: the quantity is above 0, got 0",
        "line a → ghost: scrap is 0 percent or more, got -1",
        "line a → a: a is no alternative to itself",
        "line a → ghost: there is no item ghost",
        "stock: there is no item wind",
        "demand p: there is no receipt M9",
        "reservation for o: there is no receipt P9 of a",
        "demand o:a is there 2 times",
        "demand o:a: the quantity is above 0, got 0",
    )


# --- what holds for every factory -------------------------------------------------------------------------------------


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_records_add_up_and_keep_the_safety_stock_where_lead_times_allow(given_material):
    found = netted(given_material)
    for item, rows in found.records.items():
        projected, fence = found.free[item], WEEK(0, found.items[item].lead)
        for row in rows:
            projected += row.receipts + row.planned - row.gross + row.reserved
            assert row.projected == projected
            assert row.day < fence or projected >= found.items[item].safety


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_pegs_give_every_demand_its_quantity_and_no_supply_more_than_it_has(given_material):
    found = netted(given_material)
    for id, demand in found.demands.items():
        assert sum(peg.quantity for peg in found.by_demand[id]) == demand.quantity
    for id, supply in found.supplies.items():
        assert sum(peg.quantity for peg in found.by_supply.get(id, ())) <= supply.quantity
        assert all(peg.late == max(0, supply.expected - found.demands[peg.demand].day)
                   for peg in found.by_supply.get(id, ()) if peg.demand in found.demands)  # fmt: skip


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_nothing_is_planned_of_what_nobody_needs(given_material):
    found = netted(given_material)
    needed = {demand.item for demand in found.demands.values()}
    needed |= {id for id, item in found.items.items() if item.safety or given_material.stock.get(id, 0) < 0}
    assert {supply.item for supply in found.supplies.values() if "planned" in supply.kind} <= needed


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_a_production_ends_no_earlier_than_its_lead_time_after_all_its_material(given_material):
    found = netted(given_material)
    for id, needs in found.needs_of.items():
        there = max(found.supplies[peg.supply].expected for need in needs for peg in found.by_demand[need.id])
        assert found.supplies[id].expected >= WEEK(max(0, there), found.items[found.supplies[id].item].lead)


@given(materials(lots=st.just(Lot())), st.sampled_from("ABCDEF"), st.integers(1, 50))
@settings(deadline=None, max_examples=EXAMPLES)
def test_more_stock_never_asks_for_more(given_material, item, more):
    there = given_material.stock.get(item, Decimal(0))
    richer = replace(given_material, stock={**given_material.stock, item: there + more})
    assert _asked(netted(richer)) <= _asked(netted(given_material))


def _asked(netting):
    return sum(one.quantity for one in netting.supplies.values() if one.kind == "planned purchase")


@given(materials(alternatives=False))
@settings(deadline=None, max_examples=EXAMPLES)
def test_what_was_pushed_is_not_proposed_again(given_material):
    before = netted(given_material)
    plans = [plan for one in requests(before) for plan in one.plans]
    assert requests(netted(pushed(given_material, before, plans))) == ()


# --- the same by SQL --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12) if DEEP else [1, 2])
def test_the_same_records_come_out_of_sql(seed):
    given_material = factory(orders=300, seed=seed, share=12)
    found = recorded(netted(given_material))
    assert len(found) > 1000
    assert differences(found, worked_out(given_material)) == []


def test_sql_sees_a_single_thousandth():
    given_material = factory(orders=20, seed=3, share=4)
    right = worked_out(given_material)
    first = given_material.demands[0]
    other = replace(first, quantity=first.quantity + Decimal("0.001"))
    assert differences(recorded(netted(replace(given_material, demands=[other, *given_material.demands[1:]]))), right)
