"""Scenarios say approvals, and a definition that gets one wrong is told where."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from approval_desk import DESK, LEAD_ONLY, approves
from making import Made, MakeApp

from engine.builtin import default_registry
from engine.load import examine, load_text
from engine.scenarios.running import run_scenarios
from engine.trying.back import back_test
from engine.trying.dry import dry_run

STORY = """
scenarios:
  approved:
    label: Approved
    given: [{create: paper, as: a, by: clerk, values: {name: A, cost: 5000}}]
    steps:
      - {by: lead, hand_over: deputy, of: a}
      - {by: lead, answer: approve, of: a, refused: true}
      - {by: clerk, remind: a}
      - {by: deputy, answer: approve, of: a}
      - {by: money, add_signer: lead, of: a, signs: after}
      - {by: boss, delegate: deputy, lasts: 5d}
      - {by: money, answer: approve, of: a}
      - {by: boss, answer: return, comment: again, back_to: 1, of: a}
      - {by: lead, answer: approve, of: a}
      - {by: clerk, withdraw: a, comment: never mind}
    then: [{of: a, values: {outcome: withdrawn never mind}}, {asked: boss}]
"""


def whole(rules: str, more: str = "") -> str:
    return dedent(DESK) + "rules:" + rules.replace("\n    ", "\n") + more


def test_a_story_goes_through_everything() -> None:
    loaded = load_text(whole(approves(), STORY), default_registry())
    (result,) = run_scenarios(loaded, default_registry())
    assert [str(one) for one in result.failures] == []


@pytest.mark.parametrize(
    ("steps", "more", "said"),
    [
        ("- {label: A}", {}, "A step says either `to` or `parts`: whom it asks."),
        ("- {label: A, to: [leed]}", {}, "There is no role 'leed'; did you mean 'lead'?"),
        ("- {label: A, to: [lead], nobody: ask}", {}, "`instead` is missing: say who is asked then."),
        ("- {label: A, to: [lead], late: refuse}", {}, "`late` says nothing without `at_most`."),
        (LEAD_ONLY, {"one_time": "2d"}, "Links for one decision go by mail; say which connection in `mail`."),
        (LEAD_ONLY, {"shows": "[coast]"}, "'paper' has no field 'coast'; did you mean 'cost'?"),
    ],
)
def test_mistakes_are_told(steps: str, more: dict[str, str], said: str) -> None:
    found = [str(one.message) for one in examine(whole(approves(steps, **more)), default_registry())[2]]
    assert said in found, found


def test_results_are_checked_where_they_are_read() -> None:
    wrong = whole(approves().replace("results.approval.answer +", "results.approval.anser +"))
    found = [str(one.message) for one in examine(wrong, default_registry())[2]]
    assert any("The outcome of a question has no 'anser'" in one for one in found), found


def test_trying_it_out_shows_the_steps_and_asks_nobody(make_app: MakeApp) -> None:
    from approval_desk import desk

    made: Made = desk(make_app)
    paper = made.create("paper", name="A", cost="10", as_="kim")
    before = len(made.ledger("question"))
    trial: Any = dry_run(made.application, made.actor("admin"), "approval", "paper", paper.id)
    asking, setting = trial.steps
    assert (asking.kind, asking.effect["approve"]) == ("Approve", ["lead"])
    assert [step["skipped"] for step in asking.effect["steps"]] == [False, True]
    assert setting.after == ({"answer": "approval", "of": "approve"},)
    assert len(made.ledger("question")) == before
    app = made.application
    told = back_test(app, made.actor("admin"), app.definition.rules["approval"], 7).json()["found"]
    assert told["effects"] == {"approve": 1}
