"""What is asked of suppliers, and what became different since the last time."""

from dataclasses import replace
from decimal import Decimal

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from material_scenes import bought, line, made, material, materials, order, pushed

from plugins.planning.material_shapes import Lot
from plugins.planning.netting import netted
from plugins.planning.requests import difference, productions, requests

EXAMPLES = 500 if DEEP else 20


def needs(*given):
    """Orders named after the letters, for (day, quantity) of a bolt."""
    return [order(name, "bolt", day, quantity) for name, (day, quantity) in zip("ABCDEFG", given, strict=False)]


def bolts(demands, **given):
    return material(bought("bolt", lead=3), demands=demands, **given)


def asked(demands, window=1, **given):
    return requests(netted(bolts(demands, **given)), window)


def told(changes):
    """(what, day before, day after, quantity before, quantity after)."""
    return [
        (one.kind, *(side and side.day for side in (one.before, one.after)), *(side and int(side.quantity) for side in (one.before, one.after)))
        for one in changes
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("window", "found"),
    [
        (1, [(4, 1), (6, 2), (10, 4), (11, 8)]),
        (3, [(4, 3), (10, 12)]),
        (6, [(4, 3), (10, 12)]),
        (7, [(4, 7), (11, 8)]),
        (30, [(4, 15)]),
    ],
)
def test_requests_of_an_item_within_a_window_become_one_on_its_first_day(window, found):
    proposals = asked(needs((4, 1), (6, 2), (10, 4), (11, 8)), window)
    assert [(one.day, int(one.quantity)) for one in proposals] == found


def test_a_request_says_when_it_is_to_be_released_and_whom_it_serves():
    (one,) = asked(needs((1, 3), (2, 2)), window=7)
    assert (one.supplier, one.item, one.release, one.overdue, one.plans) == (
        "S",
        "bolt",
        -2,
        2,
        ("plan:bolt:1", "plan:bolt:2"),
    )
    assert [(share.order, share.quantity) for share in one.shares] == [("A", 3), ("B", 2)]


def test_two_items_of_one_supplier_stay_two_requests_and_what_is_made_is_none():
    found = netted(
        material(
            made("a"), bought("x"), bought("y"), lines=[line("a", "x"), line("a", "y")], demands=[order("o", "a", 3, 1)]
        )
    )
    assert [(one.supplier, one.item) for one in requests(found, 9)] == [("S", "x"), ("S", "y")]
    assert [(one.supplier, one.item) for one in productions(found)] == [("", "a")]


BEFORE = ((4, 1), (20, 2), (40, 4))


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (BEFORE, []),
        ((*BEFORE, (60, 3)), [("added", None, 60, None, 3)]),
        (BEFORE[:2], [("removed", 40, None, 4, None)]),
        (((4, 1), (25, 2), (40, 4)), [("moved", 20, 25, 2, 2)]),
        (((4, 1), (20, 7), (40, 4)), [("changed", 20, 20, 2, 7)]),
        (((4, 1), (50, 3), (40, 4)), [("moved", 20, 50, 2, 3), ("changed", 20, 50, 2, 3)]),
        (((40, 1), (20, 2), (4, 4)), [("moved", 40, 4, 4, 4), ("moved", 4, 40, 1, 1)]),
    ],
)
def test_only_what_is_different_is_told(after, found):
    assert told(difference(asked(needs(*BEFORE)), asked(needs(*after)))) == found


def test_a_request_that_is_split_is_one_that_became_smaller_and_one_more():
    one, two = asked(needs((4, 5), (6, 1)), window=7), asked(needs((4, 5), (30, 1)), window=7)
    assert told(difference(one, two)) == [("changed", 4, 4, 6, 5), ("added", None, 30, None, 1)]


def test_the_same_request_is_the_one_with_most_in_common_not_the_nearest():
    one, two = asked(needs((10, 1), (12, 9)), window=7), asked(needs((10, 1), (14, 9)))
    assert told(difference(one, two)) == [
        ("added", None, 10, None, 1),
        ("moved", 10, 14, 10, 9),
        ("changed", 10, 14, 10, 9),
    ]


def test_another_supplier_is_another_request():
    elsewhere = bought("bolt", lead=3)
    other = material(replace(elsewhere, supplier="T"), demands=needs((4, 1)))
    assert sorted(one.kind for one in difference(asked(needs((4, 1))), requests(netted(other)))) == ["added", "removed"]


def test_a_request_for_nobody_is_the_same_one_on_another_day():
    (one,) = asked(needs((4, 1)))
    idle = replace(one, shares=())
    assert told(difference([idle], [replace(idle, day=9)])) == [("moved", 4, 9, 1, 1)]


def test_what_was_pushed_is_supply_and_no_longer_a_difference():
    given_material = bolts(needs(*BEFORE))
    first = netted(given_material)
    proposals = requests(first)
    then = netted(pushed(given_material, first, proposals[0].plans))
    assert then.supplies["firm plan:bolt:4"].kind == "request"
    assert difference(proposals[1:], requests(then)) == ()


def test_a_confirmed_day_that_is_later_asks_for_nothing_else():
    given_material = bolts(needs((20, 5)))
    firm = pushed(given_material, netted(given_material), ["plan:bolt:20"])
    later = replace(firm, receipts=[replace(firm.receipts[0], day=33)])
    found = netted(later)
    assert requests(found) == ()
    assert [(peg.supply, peg.late) for peg in found.pegs] == [("firm plan:bolt:20", 13)]


def test_more_in_stock_takes_from_the_first_request():
    before, after = asked(needs(*BEFORE)), asked(needs(*BEFORE), stock={"bolt": 2})
    assert told(difference(before, after)) == [("removed", 4, None, 1, None), ("changed", 20, 20, 2, 1)]


@given(materials(), st.integers(1, 10))
@settings(deadline=None, max_examples=EXAMPLES)
def test_planning_the_same_again_shows_nothing(given_material, window):
    first, second = netted(given_material), netted(given_material)
    assert difference(requests(first, window), requests(second, window)) == ()
    assert difference(productions(first), productions(second)) == ()


@given(materials(), materials())
@settings(deadline=None, max_examples=EXAMPLES)
def test_a_difference_leads_from_the_one_to_the_other(one, other):
    before, after = requests(netted(one)), requests(netted(other))
    changes = difference(before, after)
    gone = {(side.item, side.day) for change in changes if (side := change.before)}
    come = {(side.item, side.day, side.quantity) for change in changes if (side := change.after)}
    kept = {(side.item, side.day, side.quantity) for side in before if (side.item, side.day) not in gone}
    assert kept | come == {(side.item, side.day, side.quantity) for side in after}


@given(materials(), st.integers(2, 15))
@settings(deadline=None, max_examples=EXAMPLES)
def test_merging_keeps_quantities_and_delivers_nothing_later(given_material, window):
    found = netted(given_material)
    single, together = requests(found), requests(found, window)
    assert sum(one.quantity for one in single) == sum((one.quantity for one in together), Decimal(0))
    for one in together:
        assert one.day == min(found.supplies[plan].day for plan in one.plans)
        assert max(found.supplies[plan].day for plan in one.plans) < one.day + window


def test_lots_that_are_too_large_have_shares_of_what_is_needed_only():
    found = netted(material(bought("x", lot=Lot(minimum=Decimal(100))), demands=[order("A", "x", 5, 30)]))
    (one,) = requests(found)
    assert (one.quantity, [share.quantity for share in one.shares]) == (100, [30])
