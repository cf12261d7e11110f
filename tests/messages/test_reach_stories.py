"""What reaches people outside is looked for in scenarios as any mail is."""

from __future__ import annotations

from reaching_world import HEAD, REACH, Outbox, registry_with

from engine.load import load_text
from engine.scenarios.running import run_scenarios

STORY = """
scenarios:
  told:
    label: Wu is told by mail
    given: [{create: job, as: saw, values: {name: Saw}}]
    steps: [{by: chen, press: tell, of: saw}]
    then:
      - {sent: mail, to: [wu], contains: "Look at Saw"}
"""


def test_a_story_sees_what_reaches_people() -> None:
    registry = registry_with(Outbox())
    (played,) = run_scenarios(load_text(HEAD + REACH + STORY, registry), registry)
    assert played.failures == ()
