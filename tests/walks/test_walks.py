"""Given a workflow, when records with generated values walk through it, then those nobody can help are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from deep import DEEP

from engine.builtin import default_registry
from engine.extensions import registry_for
from engine.load import load_file, load_text
from engine.texts import say
from engine.walks import Budget, Step, walk

ROOT = Path(__file__).parents[2]
REGISTRY = default_registry()
HEAD = """
app: repairs
label: Repairs
languages: [en, zh]
roles:
  clerk: {label: Clerk}
  chief: {label: Chief}
forms:
  ticket:
    label: Ticket
    fields:
      name: {type: text, label: Name, required: true}
"""
FLOW = """
    permissions:
      clerk: {create: true, read: true}
      chief: {read: true}
    workflow:
      initial: open
      states:
        open: {label: Open}
        working: {label: Being worked on}
        done: {label: Done, final: true}
      transitions:
        begin: {label: Begin, from: [open], to: working, roles: [clerk]}
"""


def walked(fields="", finish="{label: Finish, from: [working], to: done, roles: [chief]}", flow=FLOW, more="", **how):
    text = f"{HEAD}{fields}{flow}        finish: {finish}\n{more}"
    return walk(load_text(text, REGISTRY), REGISTRY, **{"budget": Budget(seconds=20, records=12), **how})


def test_a_machine_that_everybody_can_walk_through_has_no_stuck_record():
    assert walked() == []


def test_a_value_that_nobody_can_change_is_found_with_the_shortest_path():
    (stuck,) = walked(
        "      size: {type: choice, label: Size, required: true, options: {small: {label: Small}, large: {label: Large}}}\n",
        "{label: Finish, from: [working], to: done, roles: [chief], when: record.size == 'small'}",
    )
    assert (stuck.form, stuck.state, stuck.by) == ("ticket", "working", "clerk")
    assert stuck.path == (Step("begin", role="clerk"),)
    assert dict(stuck.values) == {"name": "a", "size": "Large"}
    assert [(one.transition, one.clause, one.field) for one in stuck.blocked] == [("finish", "record.size == 'small'", "size")]
    assert str(stuck.sentence) == (
        "A record of Ticket gets stuck in “Being worked on” after “Begin” (Clerk): “Finish”: Size: Large; needed: "
        "Size = Small"
    )
    assert "卡在" in say(stuck.sentence, "zh")


def test_the_number_on_the_wrong_side_of_a_limit_is_found():
    (stuck,) = walked(
        "      amount: {type: integer, label: Amount, required: true, min: 0, max: 100000}\n",
        "{label: Finish, from: [working], to: done, roles: [chief], when: record.amount < 54321}",
    )
    assert stuck.state == "working"
    assert int(stuck.values["amount"].replace(",", "")) >= 54321


def test_what_somebody_may_fill_in_is_filled_in():
    fields = "      amount: {type: integer, label: Amount, required: true}\n      report: {type: attachment, label: Report}\n"
    flow = FLOW.replace("chief: {read: true}", "chief: {read: true, update: true}").replace(
        "{label: Being worked on}", "{label: Being worked on, leave_with: [report]}"
    )
    finish = "{label: Finish, from: [working], to: done, roles: [clerk], when: record.amount > 54321}"
    assert walked(fields, finish, flow) == []
    (stuck,) = walked(fields, finish, flow.replace("chief: {read: true, update: true}", "chief: {read: true}"))
    assert {(one.clause, one.field) for one in stuck.blocked} == {("record.amount > 54321", "amount")}


def test_a_deliverable_that_nobody_may_fill_in_any_more_blocks():
    fields = "      report: {type: attachment, label: Report}\n"
    flow = FLOW.replace("{label: Being worked on}", "{label: Being worked on, leave_with: [report]}").replace(
        "clerk: {create: true, read: true}", "clerk: {create: true, read: true, update: record.state == 'open'}"
    )
    (stuck,) = walked(fields, flow=flow)
    assert str(stuck.sentence) == (
        "A record of Ticket gets stuck in “Being worked on” after “Begin” (Clerk): “Finish”: Report must be there "
        "before the state is left."
    )


def test_the_shortest_of_several_ways_into_a_dead_end_is_told():
    flow = FLOW + (
        "        detour: {label: Detour, from: [open], to: waiting, roles: [clerk]}\n"
        "        onward: {label: Onward, from: [waiting], to: working, roles: [clerk]}\n"
    )
    flow = flow.replace("        done:", "        waiting: {label: Waiting}\n        done:")
    (stuck,) = walked(finish="{label: Finish, from: [working], to: done, roles: [chief], when: record.name == ''}", flow=flow)
    assert [step.transition for step in stuck.path] == ["begin"]


def test_time_that_passes_moves_a_record_on():
    rule = """
rules:
  over:
    trigger: {type: timeout, form: ticket, state: working, within: 2d}
    actions: [{type: take, transition: finish}]
"""
    assert walked(finish="{label: Finish, from: [working], to: done}", more=rule) == []
    held = rule.replace("    actions:", "    when: record.name == ''\n    actions:")
    (stuck,) = walked(finish="{label: Finish, from: [working], to: done}", more=held)
    assert str(stuck.blocked[0].sentence) == "only rules take “Finish”, and none does"


def test_a_button_and_an_answer_move_a_record_on():
    button = """
rules:
  close:
    trigger: {type: button, form: ticket, label: Close, roles: [chief]}
    actions: [{type: take, transition: finish}]
"""
    assert walked(finish="{label: Finish, from: [working], to: done}", more=button) == []
    question = """
rules:
  close:
    trigger: {type: entered, form: ticket, state: working}
    actions:
      - type: ask
        to: [chief]
        message: Close it?
        answers: {agree: {label: 'Yes'}, decline: {label: 'No'}}
        at_most: 400d
        as: said
      - type: branch
        when: results.said.answer == 'agree'
        then: [{type: take, transition: finish}]
"""
    assert walked(finish="{label: Finish, from: [working], to: done}", more=question) == []


APPROVAL = """
rules:
  close:
    trigger: {type: entered, form: ticket, state: working}
    actions:
      - type: approve
        as: approval
        label: Closing
        message: Close it?
        steps: [{label: Chief, to: [chief]}, {label: Clerk, to: [clerk], needs: all}]
        own: %s
      - type: branch
        when: results.approval.answer == 'approved'
        then: [{type: take, transition: finish}]
"""


@pytest.mark.parametrize(("own", "stuck"), [("allowed", []), ("refused", ["working"])])
def test_an_approval_moves_a_record_on_where_somebody_can_approve(own, stuck):
    found = walked(finish="{label: Finish, from: [working], to: done}", more=APPROVAL % own)
    assert [one.state for one in found] == stuck


PARTS = """
  part:
    label: Part
    fields:
      ticket: {type: link, form: ticket, label: Ticket, required: true}
      price: {type: integer, label: Price, required: true, min: 0}
    permissions:
      chief: {%s, read: true}
"""


@pytest.mark.parametrize(("grant", "stuck"), [("create: true", []), ("create: false", ["working"])])
def test_records_that_feed_a_figure_are_added_by_whoever_may(grant, stuck):
    fields = "      cost: {type: rollup, label: Cost, of: part.price, via: ticket, fold: sum}\n"
    finish = "{label: Finish, from: [working], to: done, roles: [chief], when: record.cost >= 500}"
    assert [one.state for one in walked(fields, finish, more=PARTS % grant)] == stuck


def test_a_record_of_another_form_moves_it_on():
    rule = """
  arrived:
    label: Arrived
    fields:
      ticket: {type: link, form: ticket, label: Ticket}
    workflow:
      initial: new
      states: {new: {label: New}, used: {label: Used, final: true}}
      transitions: {use: {label: Use, from: [new], to: used, roles: [clerk]}}
    permissions: {clerk: {create: true, read: true}}
rules:
  told:
    trigger: {type: entered, form: arrived, state: used}
    actions: [{type: take, transition: finish, of: ticket}]
"""
    assert walked(finish="{label: Finish, from: [working], to: done}", more=rule) == []


def test_what_another_system_sends_may_come_at_any_time():
    rule = """
rules:
  told:
    trigger: {type: webhook, path: told, open: true}
    actions: [{type: for_each, form: ticket, where: record.state == 'working', actions: [{type: take, transition: finish}]}]
"""
    assert walked(finish="{label: Finish, from: [working], to: done}", more=rule) == []


def test_the_same_definition_gives_the_same_record():
    about = (
        "      amount: {type: integer, label: Amount, required: true, min: 0, max: 100000}\n",
        "{label: Finish, from: [working], to: done, roles: [chief], when: record.amount < 500}",
    )
    assert walked(*about) == walked(*about)


def test_whoever_is_told_can_end_the_walk():
    class Enough(Exception):
        pass

    heard = []

    def told(done, total, what):
        heard.append((done, total))
        if len(heard) > 2:
            raise Enough

    with pytest.raises(Enough):
        walked(told=told)
    assert heard[0] == (0, 1)


def test_only_the_forms_that_are_named_are_walked():
    assert walked(finish="{label: Finish, from: [working], to: done, roles: [chief], when: record.name == ''}", forms=["other"]) == []


@pytest.mark.parametrize("file", ["tests/apps/maintenance.yaml", "apps/order_hub.yaml"])
def test_nothing_gets_stuck_in_our_applications(file):
    registry = registry_for(ROOT / file, ())
    assert walk(load_file(ROOT / file, registry), registry, budget=Budget(seconds=60 if DEEP else 3, records=2)) == []
