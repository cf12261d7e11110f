"""What people do to rules in the designer: YAML in, an operation, YAML out."""

from __future__ import annotations

from typing import Any

import pytest
from drafting import after, draft, refusal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from designer.operations import Breaks
from designer.rules.places import every_step
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.builtin import default_registry
from engine.errors import AppmillError
from engine.texts import say

REGISTRY = default_registry()
HOST = """\
app: desk
label: {zh: 服务台, en: Desk}
roles:
  agent: {label: {zh: 客服, en: Agent}}
  lead: {label: {zh: 主管, en: Lead}}
forms:
  project:
    label: {zh: 项目, en: Project}
    fields:
      name: {type: text}
      closed: {type: boolean}
    permissions:
      agent: {create: true, read: true, update: true}
  ticket:
    label: {zh: 工单, en: Ticket}
    fields:
      subject: {type: text}
      priority: {type: choice, options: {low: {}, high: {}}}
      due_on: {type: date}
      cost: {type: money}
      project: {type: link, form: project}
      papers: {type: attachment}
    permissions:
      agent: {create: true, read: true, update: true}
    workflow:
      initial: open
      states: {open: {label: Open, within: 8h}, done: {label: Done, final: true}}
      transitions: {finish: {label: Finish, from: [open], to: done, roles: [agent]}}
connections:
  inbox: {type: imap, host: imap.example.com, user: desk, password: {secret: INBOX}}
  post: {type: smtp, host: smtp.example.com, sender: desk@example.com}
  hub: {type: http, base_url: https://hub.example.com}
rules:
  # The costly ones.
  costly:
    label: {zh: 贵的工单, en: Costly tickets}
    trigger: {type: created, form: ticket}
    when: record.cost > 1000
    actions:
      - {type: notify, to: [lead], message: "{{ record.subject }}"}  # first
      - type: branch
        when: record.priority == 'high'
        then:
          - {type: take, transition: finish}
        otherwise:
          - {type: wait, for: 2d}

  other:
    trigger: {type: updated, form: project, field: name}
    actions: [{type: notify, to: [agent], message: Renamed}]
pages:
  start: {label: Start, cards: [{type: number, label: Tickets, form: ticket}]}
"""
NEW = """
  overdue_tickets:
    label: {en: Overdue tickets}
    trigger: {type: entered, form: ticket, state: done}
    actions: [{type: notify, to: [agent], message: {zh: 有新情况需要您看一下, en: Something needs your attention}}]
"""
COSTLY = ("rules", "costly", "actions")


@pytest.fixture
def desk() -> Workspace:
    return draft(HOST)


def rules_of(workspace: Workspace) -> str:
    text = workspace.text
    return text[text.index("rules:") : text.index("pages:")]


def said(error: Exception) -> str:
    assert isinstance(error, AppmillError)
    return say(error.reason, "en")


def loads(workspace: Workspace) -> bool:
    return workspace.reading.errors == 0


# --- rules -----------------------------------------------------------------------------------------------------------


def test_without_a_form_there_is_no_rule_about_records() -> None:
    empty = draft("app: desk\nlabel: Desk\nroles: {lead: {label: Lead}}\n")
    for trigger in ("created", "entered", "date", "button"):
        refused = refusal(empty, "rule.add", label="First", trigger=trigger, form="")
        assert said(refused) == "There is no form yet; add one first."
    assert loads(after(empty, "rule.add", label="Every morning", trigger="schedule", form=""))


def test_a_new_rule_is_named_by_its_label_and_stands_behind_the_others(desk: Workspace) -> None:
    new = after(desk, "rule.add", label="Overdue tickets", trigger="entered", form="ticket")
    assert loads(new)
    assert rules_of(new) == rules_of(desk) + NEW


def test_the_first_rule_of_a_file_stands_before_its_pages() -> None:
    bare = draft(HOST[: HOST.index("rules:")] + HOST[HOST.index("pages:") :])
    new = after(bare, "rule.add", label="逾期工单")
    assert loads(new)
    assert new.text.index("rules:\n  yu_qi_gong_dan:") < new.text.index("pages:")
    assert new.definition is not None
    assert new.definition.rules["yu_qi_gong_dan"].label is not None


def test_a_copy_stands_below_and_is_switched_off(desk: Workspace) -> None:
    new = after(desk, "rule.duplicate", rule="costly")
    assert loads(new)
    assert list(new.at(("rules",))) == ["costly", "costly_copy", "other"]
    assert new.at(("rules", "costly_copy")) == {**desk.at(("rules", "costly")), "enabled": False}


def test_a_removed_rule_takes_its_comment_along(desk: Workspace) -> None:
    new = after(desk, "rule.remove", rule="costly")
    assert list(new.at(("rules",))) == ["other"]
    assert "The costly ones" not in new.text
    assert "rules:" not in after(new, "rule.remove", rule="other").text


def test_a_rule_another_waits_for_is_removed_only_when_insisted_on(desk: Workspace) -> None:
    waiting = after(desk, "trigger.set", rule="other", type="finished")
    error = refusal(waiting, "rule.remove", rule="costly")
    assert isinstance(error, Breaks)
    assert [path for path, _said in error.places] == [("rules", "other", "trigger", "rule")]
    assert list(after(waiting, "rule.remove", rule="costly", force=True).at(("rules",))) == ["other"]


def test_off_on_and_watching_only_are_one_line_each(desk: Workspace) -> None:
    off = after(desk, "rule.enable", rule="costly", on=False)
    assert "    enabled: false\n" in off.text
    assert after(off, "rule.enable", rule="costly", on=True).text == desk.text
    watching = after(desk, "rule.shadow", rule="costly", on=True)
    assert "    shadow: true\n" in watching.text
    assert after(watching, "rule.shadow", rule="costly", on=False).text == desk.text


def test_a_rule_is_called_something_else_in_one_language(desk: Workspace) -> None:
    new = after(desk, "rule.label", rule="costly", label="Dear ones")
    assert "label: {zh: 贵的工单, en: Dear ones}" in new.text
    assert said(refusal(desk, "rule.label", rule="costly", label=" ")) == "A rule needs a name people know it by."


# --- what wakes it ---------------------------------------------------------------------------------------------------


def test_a_trigger_that_knows_no_record_is_refused_while_steps_speak_of_one(desk: Workspace) -> None:
    error = refusal(desk, "trigger.set", rule="costly", type="schedule")
    assert isinstance(error, Breaks)
    assert ("rules", "costly", "when") in [path for path, _said in error.places]
    error = refusal(desk, "trigger.set", rule="other", type="date")
    assert said(error) == "Project has no date that is stored; add one first."


@pytest.mark.parametrize("kind", sorted(set(REGISTRY.triggers) - {"date"}))
def test_every_type_of_trigger_loads_as_it_is_made(desk: Workspace, kind: str) -> None:
    new = after(desk, "rule.add", label="New", trigger=kind, form="ticket")
    assert loads(new), [str(one) for one in new.findings]
    switched = after(after(desk, "rule.add", label="New", form="ticket"), "trigger.set", rule="new", type=kind)
    assert loads(switched)


def test_a_state_stays_when_the_form_does(desk: Workspace) -> None:
    entered = after(desk, "trigger.set", rule="costly", type="entered")
    assert entered.at(("rules", "costly", "trigger")) == {"type": "entered", "form": "ticket", "state": "done"}
    assert after(entered, "trigger.set", rule="costly", type="left").at(("rules", "costly", "trigger", "state")) == "done"
    waited = after(entered, "trigger.set", rule="costly", type="timeout")  # the state has no time of its own
    assert waited.at(("rules", "costly", "trigger")) == {"type": "timeout", "form": "ticket", "state": "open"}
    assert "The costly ones" in waited.text


def test_another_form_is_refused_while_the_condition_speaks_of_the_old_one(desk: Workspace) -> None:
    error = refusal(desk, "trigger.set", rule="costly", type="created", form="project")
    assert isinstance(error, Breaks)
    assert ("rules", "costly", "when") in [path for path, _said in error.places]
    forced = after(desk, "trigger.set", rule="costly", type="created", form="project", force=True)
    assert forced.at(("rules", "costly", "trigger")) == {"type": "created", "form": "project"}


# --- steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(set(REGISTRY.actions) - {"call"}))
def test_every_type_of_step_loads_as_it_is_made(desk: Workspace, kind: str) -> None:
    new = after(desk, "action.add", parent=list(COSTLY), type=kind, at=1)
    assert loads(new), [str(one) for one in new.findings]
    assert [one["type"] for one in new.at(COSTLY)] == ["notify", kind, "branch"]
    assert "# first" in new.text


def test_what_a_step_needs_and_is_not_there_is_said(desk: Workspace) -> None:
    error = refusal(desk, "action.add", parent=list(COSTLY), type="call")
    assert said(error) == "There is no connection this could use; set one up first."
    error = refusal(desk, "action.add", parent=["rules", "other", "actions"], type="take")
    assert said(error) == "Project has no flow with transitions; draw one first."
    error = refusal(desk, "action.add", parent=["rules", "other", "trigger"], type="wait")
    assert said(error) == "No step can stand here."


def test_a_step_is_added_to_an_empty_otherwise(desk: Workspace) -> None:
    bare = after(desk, "action.remove", path=[*COSTLY, 1, "otherwise", 0])
    assert "otherwise" not in bare.at((*COSTLY, 1))
    new = after(bare, "action.add", parent=[*COSTLY, 1, "otherwise"], type="wait")
    assert new.at((*COSTLY, 1, "otherwise")) == [{"type": "wait", "for": "1d"}]
    assert list(new.at((*COSTLY, 1))) == ["type", "when", "then", "otherwise"]


def test_the_last_step_of_a_rule_stays(desk: Workspace) -> None:
    error = refusal(desk, "action.remove", path=["rules", "other", "actions", 0])
    assert said(error) == "A rule does at least one thing; add another step first."
    error = refusal(desk, "action.remove", path=[*COSTLY, 1, "then", 0])
    assert said(error) == "At least one step stands here; add another one first."


def test_a_step_moves_within_its_list_and_into_a_branch_with_its_comment(desk: Workspace) -> None:
    last = after(desk, "action.move", path=[*COSTLY, 0], parent=list(COSTLY), at=1)
    assert [one["type"] for one in last.at(COSTLY)] == ["branch", "notify"]
    inside = after(desk, "action.move", path=[*COSTLY, 0], parent=[*COSTLY, 1, "then"], at=1)
    assert loads(inside)
    assert [one["type"] for one in inside.at((*COSTLY, 0, "then"))] == ["take", "notify"]
    assert "# first" in inside.text
    out = after(inside, "action.move", path=[*COSTLY, 0, "then", 1], parent=list(COSTLY), at=0)
    assert out.at(COSTLY) == desk.at(COSTLY)


def test_an_otherwise_that_is_emptied_goes(desk: Workspace) -> None:
    new = after(desk, "action.move", path=[*COSTLY, 1, "otherwise", 0], parent=list(COSTLY), at=0)
    assert [one["type"] for one in new.at(COSTLY)] == ["wait", "notify", "branch"]
    assert "otherwise" not in new.at((*COSTLY, 2))
    back = after(new, "action.move", path=[*COSTLY, 0], parent=[*COSTLY, 2, "otherwise"], at=0)
    assert back.at(COSTLY) == desk.at(COSTLY)
    assert said(refusal(desk, "action.move", path=[*COSTLY, 1], parent=[*COSTLY, 1, "then"], at=0)) == (
        "A step cannot stand inside itself."
    )


def test_a_copied_question_keeps_its_answer_under_a_name_of_its_own(desk: Workspace) -> None:
    asked = after(desk, "action.add", parent=list(COSTLY), type="ask", at=0)
    twice = after(asked, "action.duplicate", path=[*COSTLY, 0])
    assert [one.get("as") for one in twice.at(COSTLY)][:2] == ["decision", "decision_2"]
    assert loads(twice)


def test_what_later_steps_read_is_not_taken_away(desk: Workspace) -> None:
    asked = after(desk, "action.add", parent=list(COSTLY), type="ask", at=0)
    read = after(asked, "condition.set", path=[*COSTLY, 2, "when"], text="results.decision.answer == 'agree'")
    assert loads(read)
    error = refusal(read, "action.remove", path=[*COSTLY, 0])
    assert isinstance(error, Breaks)


def test_keys_lead_a_step_through_branches_and_back(desk: Workspace) -> None:
    """Down: into the first way, into the other, out behind; up: the same places backwards."""
    places = [[*COSTLY, 0, "then", 0], [*COSTLY, 0, "then", 1], [*COSTLY, 0, "otherwise", 0], [*COSTLY, 0, "otherwise", 1],
              [*COSTLY, 1]]  # fmt: skip
    here, workspace = [*COSTLY, 0], desk
    for place in places:
        workspace = after(workspace, "action.shift", path=here, down=True)
        assert workspace.at(tuple(place))["type"] == "notify"
        here = place
    assert said(refusal(workspace, "action.shift", path=here, down=True)) == "It is the last step already."
    for place in [*reversed(places[:-1]), [*COSTLY, 0]]:
        workspace = after(workspace, "action.shift", path=here, down=False)
        assert workspace.at(tuple(place))["type"] == "notify"
        here = place
    assert workspace.at(COSTLY) == desk.at(COSTLY)
    assert said(refusal(workspace, "action.shift", path=here, down=False)) == "It is the first step already."


def test_one_choice_says_how_a_rule_stands(desk: Workspace) -> None:
    watching = after(desk, "rule.standing", rule="costly", standing="shadow")
    assert watching.at(("rules", "costly", "shadow")) is True
    off = after(watching, "rule.standing", rule="costly", standing="off")
    assert off.at(("rules", "costly", "enabled")) is False
    assert after(off, "rule.standing", rule="costly", standing="on").text == desk.text


# --- branches and conditions -----------------------------------------------------------------------------------------


def test_a_step_is_put_under_a_condition_and_taken_out_again(desk: Workspace) -> None:
    under = after(desk, "branch.add", path=[*COSTLY, 0])
    assert under.at((*COSTLY, 0)) == {
        "type": "branch", "when": "record.priority == 'low'",
        "then": [{"type": "notify", "to": ["lead"], "message": "{{ record.subject }}"}],
    }  # fmt: skip
    assert loads(under)
    assert after(under, "branch.remove", path=[*COSTLY, 0]).at(COSTLY) == desk.at(COSTLY)
    assert said(refusal(desk, "branch.remove", path=[*COSTLY, 1])) == (
        "Steps stand under “otherwise”; move or remove them first."
    )


def test_a_condition_is_built_written_and_taken_away(desk: Workspace) -> None:
    built = {"all": [{"left": "record.cost", "operator": "more", "values": [{"number": "5"}]}]}
    new = after(desk, "condition.set", path=["rules", "other", "when"], condition={"all": []})
    assert new.text == desk.text
    new = after(desk, "condition.set", path=["rules", "costly", "when"], condition=built)
    assert new.at(("rules", "costly", "when")) == "record.cost > 5"
    begun = after(desk, "condition.begin", rule="other")
    assert begun.at(("rules", "other", "when")) == "record.name is not None"
    assert list(begun.at(("rules", "other"))) == ["trigger", "when", "actions"]
    none = after(new, "condition.set", path=["rules", "costly", "when"], text="")
    assert "when" not in none.at(("rules", "costly"))
    wrong = refusal(desk, "condition.set", path=["rules", "costly", "when"], text="record.price > 1")
    assert isinstance(wrong, EditRefused)
    assert said(refusal(desk, "condition.set", path=[*COSTLY, 1, "when"], text="")) == "A condition is needed here."


# --- any order of them -----------------------------------------------------------------------------------------------

QUICK = settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate],
                 suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


def _lists(workspace: Workspace) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for name, rule in (workspace.at(("rules",)) or {}).items():
        root = ("rules", name, "actions")
        found.append(root)
        for path, step in every_step(root, rule["actions"]):
            if step["type"] == "branch":
                found += [(*path, "then"), (*path, "otherwise")]
            if step["type"] == "for_each":
                found.append((*path, "actions"))
    return found


def _steps(workspace: Workspace) -> list[tuple[Any, ...]]:
    return [(*parent, index) for parent in _lists(workspace) for index in range(len(workspace.at(parent) or ()))]


def _operation(data: st.DataObject, workspace: Workspace) -> tuple[str, dict[str, Any]]:
    pick = lambda found: data.draw(st.sampled_from(found))  # noqa: E731
    rules, lists, steps = list(workspace.at(("rules",)) or {}), _lists(workspace), _steps(workspace)
    forms, index = ("ticket", "project"), data.draw(st.integers(-1, 3))
    offers: list[tuple[str, dict[str, Any]]] = [
        ("rule.add", {"label": pick(("新规则", "Rule", "9")), "trigger": pick(sorted(REGISTRY.triggers)), "form": pick(forms)})
    ]  # fmt: skip
    if rules:
        rule = pick(rules)
        offers += [
            ("rule.duplicate", {"rule": rule}), ("rule.remove", {"rule": rule}),
            ("rule.shadow", {"rule": rule, "on": pick((True, False))}),
            ("rule.enable", {"rule": rule, "on": pick((True, False))}),
            ("trigger.set", {"rule": rule, "type": pick(sorted(REGISTRY.triggers)), "form": pick(forms)}),
            ("condition.set", {"path": ["rules", rule, "when"], "text": pick(("", "record.cost > 5", "user.id == 1"))}),
        ]  # fmt: skip
    if steps:
        step = pick(steps)
        offers += [
            *[("action.add", {"parent": list(pick(lists)), "type": kind, "at": index}) for kind in sorted(REGISTRY.actions)],
            *[("action.move", {"path": list(step), "parent": list(pick(lists)), "at": index})] * 6,
            ("action.duplicate", {"path": list(step)}), ("action.remove", {"path": list(step)}),
            ("branch.add", {"path": list(step)}), ("branch.remove", {"path": list(step)}),
        ]  # fmt: skip
    return pick(offers)


@QUICK
@given(st.data())
def test_any_sequence_keeps_the_file_loading_or_is_refused_with_a_sentence(data: st.DataObject) -> None:
    workspace = draft(HOST)
    for _ in range(data.draw(st.integers(1, 8))):
        name, arguments = _operation(data, workspace)
        try:
            workspace = after(workspace, name, **arguments)
        except AppmillError as refused:
            assert refused.code != "splice_failed", (name, arguments)
            assert say(refused.reason, "zh")
        assert loads(workspace), (name, arguments, [str(one) for one in workspace.findings])
