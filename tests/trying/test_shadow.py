"""A rule in the shadow: its report, and its way out of the shadow."""

from __future__ import annotations

import pytest
from making import MakeApp
from trying_world import WORLD

from engine.errors import Refused
from engine.load import load_text
from engine.trying.shadow import promote, shadow_report

RULES = """
      quiet:
        shadow: true
        trigger: {type: created, form: ticket}
        when: record.amount > 5
        actions:
          - {type: set, values: {note: "'a'"}}
          - {type: notify, to: [chief, clerk], message: "x"}
      loud:
        trigger: {type: created, form: ticket}
        actions: [{type: set, values: {note: "'b'"}}]
"""


def test_the_report_tells_what_it_would_have_done(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=RULES)
    for number in range(3):
        made.create("ticket", name=f"T{number}", amount=str(number * 5))
        made.clock.advance(days=1)
    report = shadow_report(made.application, "quiet")
    assert (report["fired"], report["records"], report["days"]) == (1, 1, {"2026-03-06": 1})
    assert report["effects_by_day"] == {"2026-03-06": {"set ticket": 1, "notify": 1}}
    assert [(one["who"], one["total"]) for one in report["messages"]] == [("Ann", 1), ("Bob", 1)]
    assert report["conflicts"] == [
        {"rule": "loud", "kind": "sets", "what": "ticket.note", "count": 1,
         "examples": [{"event_id": report["shown"][0]["event_id"], "record_id": 3}]}
    ]  # fmt: skip
    assert shadow_report(made.application, "loud")["fired"] == 0


BLOCK = """# the file
rules:
  quiet:  # a rule
    # in the shadow for a week
    shadow: true   # until Friday
    trigger: {type: created, form: ticket}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BLOCK, BLOCK.replace("    shadow: true   # until Friday\n", "    # until Friday\n")),
        (BLOCK.replace("   # until Friday", ""), BLOCK.replace("    shadow: true   # until Friday\n", "")),
        ("rules: {quiet: {shadow: true, mode: single}}\n", "rules: {quiet: {mode: single}}\n"),
        ("rules: {quiet: {mode: single, shadow: true}}\n", "rules: {quiet: {mode: single}}\n"),
        ("rules:\n  quiet:\n    mode: single\n    shadow: true", "rules:\n  quiet:\n    mode: single\n"),
        ("rules:\n  quiet: {\n    mode: single,\n    shadow: true,  # yet\n    cap: 2 }\n",
         "rules:\n  quiet: {\n    mode: single,\n    # yet\n    cap: 2 }\n"),
    ],
)  # fmt: skip
def test_only_the_mark_is_cut_out_of_the_text(before: str, after: str) -> None:
    assert promote(before, "quiet") == after


def test_what_comes_out_is_a_definition_without_the_mark(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=RULES)
    app = made.application
    text = f"{WORLD}\n    rules:\n{RULES}"
    assert load_text(text, app.registry).definition.rules["quiet"].shadow
    assert not load_text(promote(text, "quiet"), app.registry).definition.rules["quiet"].shadow


@pytest.mark.parametrize("rule", ["loud", "nobody"])
def test_a_rule_that_is_not_in_the_shadow_stays_where_it_is(rule: str) -> None:
    with pytest.raises(Refused) as refused:
        promote("rules:\n  loud:\n    shadow: false\n", rule)
    assert str(refused.value) == f"The rule {rule} is not in the shadow."
