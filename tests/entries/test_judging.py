"""Entries made over what the record was: quantities add up whoever came first, nothing else is written over unseen."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.entries.judging import Clash, Made, judge

ADDS = frozenset({"good"})
ROW = {"version": 3, "state": "running", "good": 10, "place": "A"}


def test_what_adds_up_is_added_to_what_is_there_by_now():
    judged = judge(Made(2, "running", {}), {"good": 5}, ADDS, ROW)
    assert (judged.values, judged.merged, judged.goes_through) == ({"good": 15}, True, True)


def test_a_change_of_one_side_alone_is_kept():
    judged = judge(Made(2, "running", {"place": "A"}), {"place": "B"}, ADDS, ROW)
    assert (judged.values, judged.clashes) == ({"place": "B"}, ())


def test_two_different_changes_of_one_field_clash():
    judged = judge(Made(2, "running", {"place": "C"}), {"place": "B", "good": 1}, ADDS, ROW)
    assert judged.clashes == (Clash("place", "C", "B", "A"),)
    assert (judged.values, judged.goes_through, judged.merged) == ({"good": 11}, False, False)


def test_the_same_change_by_both_is_no_clash():
    assert judge(Made(2, "running", {"place": "C"}), {"place": "A"}, ADDS, ROW).goes_through


def test_a_record_that_was_never_seen_is_not_written_over():
    scanned = Made(None, None, {})
    assert judge(scanned, {"place": "B"}, ADDS, ROW).clashes == (Clash("place", None, "B", "A"),)
    assert judge(scanned, {"place": "B"}, ADDS, {**ROW, "place": None}).goes_through
    assert judge(scanned, {"good": 2}, ADDS, ROW).values == {"good": 12}


def test_a_record_that_moved_on_takes_only_what_adds_up():
    moved = {**ROW, "state": "released"}
    assert judge(Made(2, "running", {}), {"good": 5}, ADDS, moved).goes_through
    assert judge(Made(2, "running", {"place": "A"}), {"place": "B"}, ADDS, moved).moved
    assert judge(Made(2, "running", {}), {"good": 5}, ADDS, moved, step=True).moved


def test_files_come_behind_those_that_are_there():
    judged = judge(Made(2, None, {}), {"photo": (7,)}, frozenset({"photo"}), {"version": 3, "photo": (4, 5)})
    assert judged.values == {"photo": (4, 5, 7)}


@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=8), st.one_of(st.none(), st.integers(0, 9)))
@settings(max_examples=50, deadline=None)
def test_the_order_of_arrival_changes_no_sum(counts, first):
    for order in (counts, counts[::-1]):
        row: dict[str, Any] = {"version": 1, "good": first}
        for count in order:
            row = {"version": row["version"] + 1, **judge(Made(1, None, {}), {"good": count}, ADDS, row).values}
        assert (row["good"] or 0) == (first or 0) + sum(one or 0 for one in counts)


class Phones(RuleBasedStateMachine):
    """Phones look at one record, fill in entries without network, and send them in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.row: dict[str, Any] = {"version": 1, "state": "running", "good": 0, "place": "A"}
        self.waiting: list[tuple[Made, dict[str, Any]]] = []
        self.sum = 0
        self.written = {"A"}

    def _made(self, *names: str) -> Made:
        return Made(self.row["version"], self.row["state"], {name: self.row[name] for name in names})

    @rule(count=st.integers(0, 20))
    def report(self, count):
        self.waiting.append((self._made(), {"good": count}))

    @rule(place=st.sampled_from("ABC"))
    def move(self, place):
        self.waiting.append((self._made("place"), {"place": place}))

    @rule(at=st.integers(0, 5))
    def send(self, at):
        if not self.waiting:
            return
        made, typed = self.waiting.pop(at % len(self.waiting))
        judged = judge(made, typed, ADDS, self.row)
        if judged.goes_through:
            if "place" in typed and self.row["place"] not in (made.base["place"], typed["place"]):
                raise AssertionError("written over unseen")
            self.sum += typed.get("good", 0)
            self.row = {**self.row, **judged.values, "version": self.row["version"] + 1}
        else:
            assert [clash.theirs for clash in judged.clashes] == [self.row["place"]]

    @invariant()
    def the_sum_is_of_everything_that_arrived(self):
        assert self.row["good"] == self.sum


TestPhones = Phones.TestCase
TestPhones.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
