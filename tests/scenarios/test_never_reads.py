"""What a role must not read is looked for at every door; whatever lets it out fails the story."""

import re
from pathlib import Path

import pytest
from reading import loaded
from story_world import played, registry, said
from werkzeug.exceptions import HTTPException

from engine.scenarios.doors import addresses
from engine.scenarios.world import opened

ROOT = Path(__file__).parents[2]
STORY = """
a:
    label: A clerk never reads a cost
    given: [{create: project, as: house, values: {name: House}},
            {create: ticket, as: door, values: {name: Door, project: house, cost: 20, proof: paper.pdf}}]
    then: [{role: clerk, form: ticket, never_reads: [cost]}]
"""
COST = "then.0.never_reads.0: Clerk never reads Cost of Ticket / "


def test_what_is_hidden_everywhere_passes():
    assert said(played(STORY)) == []


def test_a_grant_that_lets_it_out_fails():
    assert said(played(STORY, cost="true")) == [COST + "its grant lets it read the field"]
    conditional = "\"record.state == 'closed'\""
    assert said(played(STORY, cost=conditional)) == [COST + "its grant lets it read the field"]


@pytest.mark.parametrize(
    "copy",
    [
        "copy: {type: computed, result: {type: money}, value: record.cost}",
        "copy: {type: computed, result: {type: money}, value: record.cost, stored: false}",
        "copy: {type: computed, result: {type: text}, value: \"'costs ' + text(record.cost)\"}",
    ],
    ids=["stored", "worked out", "in a text"],
)
def test_another_field_that_tells_it_fails(copy):
    (found,) = said(played(STORY, extra_fields=copy))
    assert re.fullmatch(re.escape(COST) + r"\S+ shows [\d.,]+", found)


@pytest.mark.parametrize(
    ("action", "door"),
    [
        ('{type: notify, to: [clerk], message: "It costs {{ record.cost }}"}', "/ shows"),
        (
            '{type: mail, connection: post, to: [clerk], subject: Cost, message: "It costs {{ record.cost }}"}',
            "a mail to ",
        ),
        ("{type: update, form: project, where: record == source.project, values: {name: text(source.cost)}}", "/"),
    ],
    ids=["notice", "mail", "copy"],
)
def test_a_rule_that_tells_it_fails(action, door):
    rules = f"  tell:\n    trigger: {{type: updated, form: ticket, field: name}}\n    actions: [{action}]\n"
    steps = "steps: [{by: boss, update: door, values: {name: Window}}]\n    then:"
    story = STORY.replace("cost: 20", "cost: 7318.43").replace("then:", steps)
    (found,) = said(played(story, rules=rules))
    assert found.startswith(COST + door)
    assert "7,318.43" in found or "7318.43" in found


def test_a_sum_on_another_record_fails():
    text = STORY.replace("never_reads: [cost]", "never_reads: [cost]").replace("a:", "a:", 1)
    rollup = "budget: {type: money}\n      spent: {type: rollup, of: ticket.cost, via: project, fold: sum}"
    from story_world import DESK, load_text, run_scenarios

    base = DESK.replace("EXTRA_FIELDS", "").replace("COST", "false").replace("budget: {type: money}", rollup)
    indented = "\n".join(f"  {line}" for line in text.strip("\n").splitlines())
    summed = load_text(f"{base}scenarios:\n{indented}\n", registry())
    (found,) = said(run_scenarios(summed, registry()))
    assert re.fullmatch(re.escape(COST) + r"\S+ shows [\d.,]+", found)


def test_files_texts_and_figures_without_a_column_are_looked_for():
    fields = ("secret: {type: text}\n      paper: {type: attachment}\n      double: {type: computed, stored: false, "
              "result: {type: money}, value: record.cost * 2}")  # fmt: skip
    grants = "false}, secret: {read: false}, paper: {read: false}, double: {read: false"
    every = STORY.replace("[cost]", "[cost, secret, paper, double]")
    assert said(played(every, extra_fields=fields, cost=grants)) == []
    open_ = grants.replace("paper: {read: false}", "paper: {read: true}")
    assert len(said(played(every, extra_fields=fields, cost=open_))) == 1


def test_what_was_not_tried_is_no_success():
    nobody = STORY.replace(
        "{create: ticket, as: door, values: {name: Door, project: house, cost: 20, proof: paper.pdf}}", ""
    )
    assert said(played(nobody.replace("}},\n            ]", "}}]"))) == [
        COST + "there is no Ticket in the scenario to look for"
    ]


def test_verbs_are_tried_at_page_and_api():
    story = STORY.replace("never_reads: [cost]", "never: [delete, export, import]")
    assert said(played(story)) == []
    boss = story.replace("role: clerk", "role: boss")
    (found,) = said(played(boss))
    assert found.startswith("then.0.never.0: Boss never may delete Ticket / it is granted: ")


SHOW_NO_RECORDS = frozenset({
    "progress",  # of a bulk change: the starter's own
    "rows",  # of an import: the starter's own
    "file",  # of an import: the starter's own
    "follow",  # a notification leads to its record
    "deciding.show",  # a link for one decision: nobody has its secret here
    "style",  # of a paper format: lengths
    "pdf",  # what on_paper shows, pressed
    "enter",  # a wall screen is led to its tower
    "as_pdf",  # the sheet of …/print, which is asked
    "docs",  # the page around openapi.json
    "manifest", "app_icon", "worker", "offline",  # the application on a home screen: open to everybody
    "live", "ready", "metrics",  # whether the process lives and takes work, and how often; by the operator's token
    "list_sites",  # what stands where on pages of others; by token alone
    "behind",  # hours of machine groups; tests/planning/test_planning_screens.py asks them
    "behind_bar",  # of the planner's board: the record as its own page shows it; tests/planning/test_planning_board.py
    "of_order",  # operations of an order, for whoever may read both; there too
    "waiting", "scan", "dialog", "me",  # pages that a script of the device fills; who is signed in
})  # fmt: skip


def test_every_door_that_shows_records_is_asked():
    """A new page or call that is read fails here until it is asked, or named as showing no record."""
    file = ROOT / "apps" / "order_hub.yaml"
    with opened(loaded(file, registry()), registry(), "en") as world:
        routes = world.web.url_map
        ids = {form: [1] for form in world.definition.forms}
        asked = set()
        yard = loaded(ROOT / "tests" / "apps" / "yard.yaml", registry()).definition  # it has paper formats
        every = (*addresses(world.definition, ids, [1], {"order": ["cost"]}), *addresses(yard, {"job": [1]}, [], {}))
        for address in every:
            try:
                asked.add(routes.bind("localhost").match(address.partition("?")[0] or "/")[0].rpartition(".")[2])
            except HTTPException:
                continue
        shown = {rule.endpoint.rpartition(".")[2] for rule in routes.iter_rules() if "GET" in (rule.methods or ())
                 # nobody inside has a session in a portal; tests/web/test_portals.py asks its doors
                 and not rule.rule.startswith(("/admin", "/static", "/sign_in", "/favicon", "/me", "/portal"))}  # fmt: skip
    assert shown - asked - SHOW_NO_RECORDS == set()
