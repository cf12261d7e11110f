"""Which order waits for which receipt, and which receipt serves which orders."""

from decimal import Decimal
from itertools import pairwise

import pytest
from deep import DEEP
from hypothesis import given, settings
from material_scenes import bought, line, made, material, materials, order, receipt

from plugins.planning.material_shapes import Demand, Lot
from plugins.planning.netting import netted
from plugins.planning.pegging import Awaited, Served, earliest, serves, waits_for
from plugins.planning.requests import requests
from plugins.planning.shares import spread

EXAMPLES = 500 if DEEP else 20


@pytest.fixture
def carts():
    """Two orders for carts; frames are welded of tube, of which a purchase comes late; wheels are in stock."""
    return netted(
        material(
            made("cart", lead=2), made("frame", lead=3), bought("tube", lead=20), bought("wheel", lead=5),
            lines=[line("cart", "frame"), line("cart", "wheel", 4), line("frame", "tube", "2.5")],
            demands=[order("A", "cart", 8, 2, operation="A/10"), order("B", "cart", 15, 4, operation="B/10")],
            stock={"wheel": 100, "tube": 2}, receipts=[receipt("P1", "tube", 6, 13)],
        )
    )  # fmt: skip


def chain(found):
    return [(peg.demand, peg.supply, str(peg.quantity), peg.late) for peg in found.chain]


def test_a_late_purchase_serves_the_orders_above_it_with_the_chain_between(carts):
    first, second = serves(carts, "P1")
    assert (first.order, first.late) == ("A", 3)
    assert chain(first) == [
        ("plan:frame:6/tube", "P1", "3", 3),
        ("plan:cart:8/frame", "plan:frame:6", "2", 3),
        ("A:cart", "plan:cart:8", "2", 3),
    ]
    assert (second.order, second.late) == ("B", 0)


def test_an_order_waits_for_what_is_made_and_bought_for_it_but_not_for_stock(carts):
    assert [(one.supply, one.expected, one.late) for one in waits_for(carts, "A")] == [
        ("plan:cart:8", 11, 3),
        ("plan:frame:6", 9, 3),
        ("P1", 6, 3),
    ]
    assert chain(waits_for(carts, "A")[2])[-1] == ("plan:frame:6/tube", "P1", "3", 3)


def test_the_earliest_day_of_an_operation_names_the_purchase_that_is_last(carts):
    assert earliest(carts) == {"A/10": (11, "tube"), "B/10": (15, "cart")}


def test_an_order_without_an_operation_is_its_own_key_and_stock_is_there_today():
    found = netted(material(bought("x"), demands=[order("A", "x", 9, 1)], stock={"x": 1}, today=4))
    assert earliest(found) == {"A": (4, "x")}


def test_the_last_of_several_materials_decides():
    needs = [order("A", item, 3, 1, operation="A/20") for item in ("quick", "slow", "there")]
    found = netted(
        material(bought("quick", lead=5), bought("slow", lead=8), bought("there"), demands=needs, stock={"there": 5})
    )
    assert earliest(found) == {"A/20": (8, "slow")}


def test_who_serves_safety_stock_serves_no_order():
    found = netted(material(bought("x", safety=Decimal(5))))
    (only,) = serves(found, "plan:x:0")
    assert (only.order, only.demand) == ("", "safety:x")


def test_a_supply_that_is_not_there_is_refused_and_an_unknown_order_waits_for_nothing(carts):
    with pytest.raises(KeyError, match="P9"):
        serves(carts, "P9")
    assert waits_for(carts, "Z") == ()


def test_a_rework_order_draws_what_it_makes():
    draws = Demand("M1/x", "x", 1, Decimal(2), supply="M1")
    found = netted(
        material(
            made("x", lead=1), demands=[draws, order("A", "x", 5, 2)], receipts=[receipt("M1", "x", 5, 2, "production")]
        )
    )
    assert [(peg.demand, peg.supply) for peg in found.pegs] == [("M1/x", "plan:x:1"), ("A:x", "M1")]
    assert [one.order for one in serves(found, "plan:x:1")] == ["A"]


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_who_serves_is_waited_for(given_material):
    found = netted(given_material)
    serving = {
        (id, one.order) for id, supply in found.supplies.items() if supply.kind != "stock" for one in serves(found, id)
    }
    waiting = {(one.supply, order) for order in found.of_order for one in waits_for(found, order)}
    assert {pair for pair in serving if pair[1]} == waiting


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_every_chain_leads_from_the_supply_to_the_order(given_material):
    found = netted(given_material)
    chains = [(id, one) for id in found.supplies for one in serves(found, id)]
    chains += [(one.supply, one) for order in found.of_order for one in waits_for(found, order)]
    for supply, one in chains:
        assert _links(found, one) == supply


def _links(found, one: Served | Awaited) -> str:
    """The supply at the lower end of a chain, every link of which goes into what the next is of."""
    upwards = one.chain if isinstance(one, Served) else one.chain[::-1]
    for lower, upper in pairwise(upwards):
        assert found.demands[lower.demand].supply == upper.supply
    return upwards[0].supply


@given(materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_the_shares_of_a_request_are_no_more_than_it(given_material):
    for one in requests(netted(given_material), window=5):
        assert sum(share.quantity for share in one.shares) <= one.quantity
        assert all(share.quantity > 0 for share in one.shares)


@pytest.mark.parametrize(
    ("quantity", "weights", "unit", "found"),
    [
        (10, {"a": 1, "b": 1}, 1, {"a": 5, "b": 5}),
        (10, {"a": 1, "b": 1, "c": 1}, 1, {"a": 3, "b": 3, "c": 4}),
        (3000, {"a": 1, "b": 3}, 1000, {"b": 3000}),
        (5, {}, 1, {}),
    ],
)
def test_a_quantity_is_spread_in_proportion_in_whole_units(quantity, weights, unit, found):
    assert spread(quantity, weights, unit) == found


def test_a_lot_for_two_orders_is_theirs_in_proportion_through_the_level_between():
    found = netted(
        material(
            made("frame", lot=Lot(days=5)), bought("tube"), lines=[line("frame", "tube", 3)],
            demands=[order("A", "frame", 2, 1), order("B", "frame", 4, 3)],
        )
    )  # fmt: skip
    (one,) = requests(found)
    assert [(share.order, share.quantity) for share in one.shares] == [("A", 3), ("B", 9)]
