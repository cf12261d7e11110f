from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from contracts.asking import nos
from contracts.trade import CANCELLED, PAID, SHIPPED, Index, Shop, SoldOut, buyer, from_local, local
from fake_clock import FakeClock

START = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)


def at(minute):
    return START + dt.timedelta(minutes=minute)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_an_index_finds_a_span_of_some_states_in_the_order_of_time():
    index = Index()
    for minute, state in ((5, PAID), (1, PAID), (3, SHIPPED), (3, PAID), (9, CANCELLED)):
        index.add(state, (at(minute), f"{state}{minute}"))
    assert [no for _, no in index.between(at(1), at(5), [PAID])] == ["paid1", "paid3", "paid5"]
    assert [no for _, no in index.between(at(2), at(9))] == ["paid3", "shipped3", "paid5", "cancelled9"]
    index.remove(PAID, (at(3), "paid3"))
    assert [no for _, no in index.between(at(2), at(9), [PAID, SHIPPED])] == ["shipped3", "paid5"]
    assert index.between(at(2), at(9), ["other"]) == []


def test_many_orders_are_spread_over_the_time_up_to_now(clock):
    shop = Shop(clock)
    placed = shop.bulk(5, span=dt.timedelta(hours=4))
    assert [clock() - sold.placed for sold in placed] == [dt.timedelta(hours=hours) for hours in (4, 3, 2, 1, 0)]
    assert len({sold.buyer for sold in placed}) == 5
    assert [sold.total == sold.goods_amount + sold.freight - sold.discount for sold in placed] == [True] * 5
    assert all(isinstance(line.amount, Decimal) for sold in placed for line in sold.lines)


def test_a_change_moves_an_order_to_the_end(clock):
    shop = Shop(clock)
    first, second = shop.bulk(2)
    clock.advance(minutes=1)
    shop.cancel(first)
    keys = shop.by_change.between(START, clock())
    assert [no for _, no in keys] == nos([second, first])
    assert [no for _, no in shop.by_placing.between(START - dt.timedelta(days=1), clock(), [CANCELLED])] == [first.no]


def test_what_is_set_as_it_was_is_no_effect(clock):
    shop = Shop(clock)
    shop.set_stock("CUP-RU", 100)
    shop.set_listed(["CUP-RU"], True)
    assert shop.effects == []
    shop.set_listed(["CUP-RU"], False)
    shop.set_listed(["CUP-RU"], False)
    assert shop.effected("pause") == {"CUP-RU": 1}


def test_a_shop_sells_what_it_has_and_not_more(clock):
    shop = Shop(clock)
    shop.stock["CUP-RU"] = 2
    assert shop.sell("CUP-RU", 2).lines[0].quantity == 2
    with pytest.raises(SoldOut, match="CUP-RU: 0 left, 1 wanted"):
        shop.sell("CUP-RU")


def test_people_live_somewhere_and_times_are_of_beijing():
    assert buyer(3) == buyer(3)
    assert buyer(3).address.startswith("新疆维吾尔自治区乌鲁木齐市天山区")
    assert {len(buyer(number).mobile) for number in range(50)} == {11}
    assert local(START) == "2026-03-04 08:00:00"
    assert from_local("2026-03-04 08:00:00") == START
    assert [from_local(text) for text in ("2026-3-4 8:00:00", "2026-03-04T08:00:00", "", None)] == [None] * 4
