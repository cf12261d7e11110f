"""An approval goes from step to step: whom it asks, what their answers come to, and what the rule goes on with."""

from __future__ import annotations

import pytest
from approval_desk import approves, asked, decide, desk, did
from making import MakeApp

from engine.questions import vote


def test_step_after_step_until_it_is_approved(make_app: MakeApp) -> None:
    made = desk(make_app)
    paper = made.create("paper", name="A", cost="5000", as_="kim")
    assert asked(made) == {"lea": "Lead", "leo": "Lead"}
    decide(made, "lea", comment="fine")
    assert asked(made) == {"max": "Money", "may": "Money", "bea": "Money"}
    decide(made, "max")
    decide(made, "bea")
    assert asked(made) == {"may": "Money"}
    assert made.get("paper", paper)["outcome"] is None
    decide(made, "may", comment="agreed")
    assert made.get("paper", paper)["outcome"] == "approved agreed"
    kept = made.ledger("run")[0]["results"]["approval"]
    assert (kept["by_name"], kept["rounds"], [len(step["answers"]) for step in kept["steps"]]) == ("May", 1, [1, 3])
    assert made.ledger("run")[0]["state"] == "done"
    assert ("kim", "“Contract approval”: Approved") in made.messages()


def test_a_step_whose_condition_does_not_hold_is_skipped(make_app: MakeApp) -> None:
    made = desk(make_app)
    paper = made.create("paper", name="A", cost="10", as_="kim")
    decide(made, "leo")
    assert made.get("paper", paper)["outcome"] == "approved -"
    assert did(made, paper) == ["skipped", "approved"]
    assert made.ledger("run")[0]["results"]["approval"]["steps"][1]["skipped"]


def test_one_refusal_ends_it_and_the_others_are_no_longer_asked(make_app: MakeApp) -> None:
    made = desk(make_app)
    paper = made.create("paper", name="A", cost="5000", as_="kim")
    decide(made, "lea")
    decide(made, "bea", "refuse", "too dear")
    assert made.get("paper", paper)["outcome"] == "refused too dear"
    assert asked(made) == {}
    assert all(row["read_at"] for row in made.ledger("notification") if row["user_id"] == made.id_of("max"))


def test_parts_of_a_step_are_asked_at_the_same_time(make_app: MakeApp) -> None:
    parts = """
- label: Both
  parts:
    - {label: Law, to: [lead]}
    - {label: Money, to: [money], needs: 2}
    - {label: Never, to: [boss], when: record.cost > 100}
"""
    made = desk(make_app, approves(parts))
    paper = made.create("paper", name="A", cost="10", as_="kim")
    assert sorted(asked(made)) == ["lea", "leo", "max", "may"]
    decide(made, "max")
    decide(made, "lea")
    assert sorted(asked(made)) == ["may"]
    decide(made, "may")
    assert made.get("paper", paper)["outcome"] == "approved -"


@pytest.mark.parametrize(
    ("needs", "given", "missing", "answer"),
    [
        ("any", [], 2, None), ("any", ["refuse"], 2, "refuse"), ("any", ["approve"], 2, "approve"),
        ("all", ["approve"], 1, None), ("all", ["approve", "approve"], 0, "approve"), ("all", ["refuse"], 5, "refuse"),
        ("2", ["approve", "refuse"], 1, None), ("2", ["approve", "refuse", "approve"], 0, "approve"),
        ("2", ["refuse", "refuse"], 1, "refuse"), ("60%", ["approve", "approve"], 3, None),
        ("60%", ["approve"] * 3, 2, "approve"), ("60%", ["refuse"] * 3, 2, "refuse"), ("60%", ["refuse"] * 2, 3, None),
        ("50%", ["approve", "refuse", "approve"], 0, "approve"), ("100%", ["approve", "refuse"], 0, "refuse"),
        ("60%", ["approve", "return"], 3, "return"), ("all", ["return"], 3, "return"),
    ],
)  # fmt: skip
def test_what_votes_come_to(needs: str, given: list[str], missing: int, answer: str | None) -> None:
    reached = vote(needs, given, missing)
    assert (reached.answer if reached else None) == answer


@pytest.mark.parametrize(("own", "waits"), [("refused", ["lea", "leo"]), ("allowed", ["kim", "lea", "leo"])])
def test_nobody_approves_their_own_request(make_app: MakeApp, own: str, waits: list[str]) -> None:
    made = desk(make_app, approves("- {label: Clerks, to: [clerk, lead]}", own=own))
    made.create("paper", name="A", as_="kim")
    assert sorted(asked(made)) == waits


@pytest.mark.parametrize(
    ("more", "waits", "outcome"),
    [("", [], "refused -"), (", nobody: skip", [], "approved -"), (", nobody: ask, instead: [boss]", ["bea"], None)],
)
def test_a_step_with_nobody_to_ask(make_app: MakeApp, more: str, waits: list[str], outcome: str | None) -> None:
    made = desk(make_app, approves(f"- {{label: Clerks, to: [clerk]{more}}}"))
    paper = made.create("paper", name="A", as_="kim")
    made.deliver()
    assert (sorted(asked(made)), made.get("paper", paper)["outcome"]) == (waits, outcome)


@pytest.mark.parametrize(
    ("late", "outcome", "waits"),
    [
        ("end", "timed_out -", []), ("approve", "approved -", []), ("refuse", "refused -", []),
        ("escalate, instead: [boss]", None, ["bea"]),
    ],
)  # fmt: skip
def test_when_nobody_answers_in_time(make_app: MakeApp, late: str, outcome: str | None, waits: list[str]) -> None:
    made = desk(make_app, approves(f"- {{label: Lead, to: [lead], at_most: 2d, late: {late}}}"))
    paper = made.create("paper", name="A", as_="kim")
    made.clock.advance(days=2)
    made.deliver()
    assert (made.get("paper", paper)["outcome"], sorted(asked(made))) == (outcome, waits)
    if waits:
        made.clock.advance(days=2)
        made.deliver()
        assert made.get("paper", paper)["outcome"] == "timed_out -"


@pytest.mark.parametrize(("twice", "waits"), [("once", {"bea": "Boss"}), ("ask", {"lea": "Again", "leo": "Again"})])
def test_whoever_approved_the_step_before(make_app: MakeApp, twice: str, waits: dict[str, str]) -> None:
    steps = "- {label: Lead, to: [lead]}\n- {label: Again, to: [lead], needs: any}\n- {label: Boss, to: [boss]}"
    made = desk(make_app, approves(steps, twice=twice))
    made.create("paper", name="A", as_="kim")
    decide(made, "lea")
    assert asked(made) == waits


def test_deleting_the_record_ends_it(make_app: MakeApp) -> None:
    made = desk(make_app)
    paper = made.create("paper", name="A", as_="kim")
    made.delete("paper", paper)
    made.deliver()
    assert (made.ledger("approval")[0]["state"], made.ledger("run")[0]["state"]) == ("cancelled", "cancelled")
