"""Standard times out of reports, and how far real times lie from them."""

import datetime as dt
import math
import random
from statistics import median

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.planning.spread import NOTHING_KNOWN, spread, spreads
from plugins.planning.standards import Report, Rules, drift, estimates, interval, proposal, typical

MORE = settings(max_examples=1000 if DEEP else 60, deadline=None)
TIMES = st.lists(st.floats(0.1, 100), min_size=1, max_size=60)


def report(minutes, good=10, machine="M1", product="cup", scrap=0, day=dt.date(2026, 3, 2)):
    return Report(product, "moulding", machine, good, scrap, minutes, day)


def reports(*each, machine="M1", day=dt.date(2026, 3, 2)):
    return [report(10 * minutes, machine=machine, day=day) for minutes in each]


# --- the estimate ----------------------------------------------------------------------------------------------------


def test_the_standard_is_the_median_of_the_good_reports():
    (found,) = estimates(reports(1.0, 1.1, 0.9, 1.2, 1.0, 1.05, 0.95, 1.0))
    assert found.minutes == pytest.approx(1.0)
    assert (found.n, found.outliers, found.mark) == (8, 0, "")


def test_a_slip_of_the_pen_is_left_out_and_counted():
    (found,) = estimates(reports(1.0, 1.1, 0.9, 1.2, 1.0, 1.05, 0.95, 1.0, 60.0, 0.016))
    assert (found.n, found.outliers) == (8, 2)
    assert found.minutes == pytest.approx(1.0)


def test_one_different_value_beside_equal_ones_is_an_outlier_though_the_mad_is_nothing():
    assert typical([2.0] * 9 + [20.0]) == (2.0,) * 9
    assert typical([2.0] * 9) == (2.0,) * 9


def test_reports_without_a_good_piece_or_without_time_say_nothing_of_a_piece():
    (found,) = estimates([*reports(1.0, 1.0), report(50, good=0), report(0)], Rules(enough=2))
    assert (found.n, found.unusable) == (2, 2)


def test_the_time_lost_on_scrap_is_part_of_what_a_good_piece_takes():
    (found,) = estimates([report(30, good=10, scrap=5)] * 8)
    assert found.minutes == 3.0


def test_a_machine_with_few_reports_takes_those_of_all_machines_and_says_so():
    first, second = estimates(reports(*[1.0] * 8) + reports(2.0, 2.0, machine="M2"))
    assert (first.machine, first.minutes, first.mark) == ("M1", 1.0, "")
    assert (second.machine, second.mark) == ("M2", "wider")
    assert second.n + second.outliers == 10


def test_too_few_on_all_machines_together_are_marked_thin_and_have_no_interval():
    (found,) = estimates(reports(1.0, 1.2, 1.1))
    assert (found.mark, found.low, found.high, found.n) == ("thin", None, None, 3)


def test_products_are_never_mixed():
    found = estimates([report(10, product="cup")] * 8 + [report(90, product="jug")] * 2)
    assert [(each.product, each.minutes, each.mark) for each in found] == [("cup", 1.0, ""), ("jug", 9.0, "thin")]


@pytest.mark.parametrize(
    ("n", "places"), [(5, None), (6, (1, 6)), (9, (2, 8)), (10, (2, 9)), (20, (6, 15)), (100, (40, 61))]
)
def test_the_interval_of_the_median_lies_between_the_order_statistics_of_the_tables(n, places):
    values = [float(place) for place in range(1, n + 1)]
    assert interval(values, 0.95) == (places and tuple(map(float, places)))


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    dice, hits, rounds = random.Random(4), 0, 2000 if DEEP else 400
    for _ in range(rounds):
        low, high = interval(sorted(dice.lognormvariate(0, 0.4) for _ in range(15)), 0.95)
        hits += low <= 1.0 <= high
    assert hits / rounds >= 0.93


@MORE
@given(TIMES, st.floats(0.01, 100))
def test_the_unit_of_time_does_not_matter(values, factor):
    plain, scaled = typical(values), typical([value * factor for value in values])
    assert len(plain) == len(scaled)
    assert all(math.isclose(a * factor, b, rel_tol=1e-9) for a, b in zip(plain, scaled, strict=True))


@MORE
@given(TIMES)
def test_the_median_itself_is_never_an_outlier_and_most_of_the_values_stay(values):
    kept = typical(values)
    assert len(kept) >= len(values) / 2
    assert kept[0] <= median(values) * (1 + 1e-9)
    assert kept[-1] >= median(values) * (1 - 1e-9)


# --- the proposal ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "many", "inside", "accepted"),
    [(1.0, 8, True, True), (1.1, 8, True, True), (1.3, 8, False, False), (0.8, 8, False, False), (1.0, 3, True, False)],
)
def test_a_proposal_is_taken_by_itself_only_inside_the_band_and_with_enough_data(old, many, inside, accepted):
    (found,) = estimates(reports(*[1.0] * many))
    made = proposal(old, found, Rules(band=15))
    assert (made.old, made.new, made.n) == (old, 1.0, many)
    assert made.difference == pytest.approx(100 * (1.0 - old) / old)
    assert (made.inside, made.accepted) == (inside, accepted)


def test_what_other_machines_reported_is_proposed_but_not_taken_by_itself():
    _, second = estimates(reports(*[1.0] * 8) + reports(1.0, machine="M2"))
    assert not proposal(1.0, second).accepted


# --- the drift -------------------------------------------------------------------------------------------------------


def test_a_change_of_level_shows_in_its_month_and_is_not_taken_for_outliers():
    year = [
        one
        for month in range(1, 7)
        for one in reports(*[1.0 + 0.01 * step for step in range(10)], day=dt.date(2026, month, 3))
    ]
    year += reports(*[1.9 + 0.01 * step for step in range(10)], day=dt.date(2026, 7, 3))
    series = drift(year, 1.0, Rules(band=15))
    assert [point.month for point in series] == [f"2026-0{month}" for month in range(1, 8)]
    assert [point.outside for point in series] == [False] * 6 + [True]
    assert not any(point.thin for point in series)


def test_a_month_with_two_reports_is_marked_thin():
    (point,) = drift(reports(1.0, 1.1), 1.0)
    assert (point.thin, point.n, point.low) == (True, 2, None)


# --- the spread ------------------------------------------------------------------------------------------------------


@MORE
@given(st.lists(st.floats(0.3, 3), min_size=1, max_size=200), st.floats(0, 1), st.floats(0, 1))
def test_a_spread_stays_within_what_was_seen_and_grows_with_the_share(ratios, one, other):
    found = spread(ratios)
    low, high = sorted((one, other))
    assert min(ratios) - 1e-9 <= found.at(low) <= found.at(high) + 1e-9 <= max(ratios) + 2e-9


def test_the_quantiles_kept_are_those_of_the_ratios():
    dice = random.Random(7)
    ratios = sorted(dice.lognormvariate(0.1, 0.3) for _ in range(2001))
    found = spread(ratios)
    assert len(found.quantiles) == 21
    assert found.at(0.5) == pytest.approx(ratios[1000])
    assert found.at(0.8) == pytest.approx(ratios[1600])


def test_a_thin_group_takes_the_next_wider_one_that_has_enough_else_all_and_is_marked():
    known = spreads([("cup", 1.5)] * 3 + [("moulding", 1.2)] * 30 + [("paint", 0.9)] * 5)
    assert known.of("moulding").at(0.5) == pytest.approx(1.2)
    assert not known.of("cup", "moulding").thin
    assert known.of("cup", "moulding") == known.of("moulding")
    assert known.of("cup").thin
    assert known.of("cup").n == 38


def test_with_nothing_known_a_job_takes_as_long_as_its_standard_says():
    assert spreads([]).of("cup") == NOTHING_KNOWN
    assert NOTHING_KNOWN.at(0.8) == 1.0
    assert NOTHING_KNOWN.thin
