"""People outside in stories and walks: they stand for a record of the story, and open what only they open."""

from pathlib import Path

from engine.builtin import default_registry
from engine.load import load_file
from engine.scenarios.running import run_scenarios
from engine.walks import walking
from engine.walks.budget import Budget

YARD = Path(__file__).parents[1] / "apps" / "yard.yaml"


def test_a_person_outside_stands_for_a_record_of_the_story():
    registry = default_registry()
    (result,) = run_scenarios(load_file(YARD, registry), registry)
    assert result.passed, result.failures


def test_a_step_that_only_people_outside_take_holds_nothing_up():
    registry = default_registry()
    found = walking.walk(
        load_file(YARD, registry), registry, forms=["job"], budget=Budget(seconds=20, records=3, steps=60)
    )
    assert [one.sentence for one in found] == []
