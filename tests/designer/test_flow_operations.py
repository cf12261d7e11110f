"""Given a file, when somebody draws on its flow, then the file says it as a person would have written it."""

from __future__ import annotations

import pytest
from drafting import after, draft, refusal

from designer.flows import flow_of
from designer.operations import Breaks, perform
from designer.text import EditRefused

FILE = """\
app: desk
label: {en: Desk, zh: 服务台}
languages: [en, zh]
roles:
  agent: {label: {en: Agent, zh: 客服}}
  chief: {label: {en: Chief, zh: 主管}}
forms:
  ticket:
    label: {en: Ticket, zh: 工单}
    fields:
      subject: {type: text, label: {en: Subject, zh: 主题}, required: true}
      report: {type: attachment, label: {en: Report, zh: 报告}}
    permissions:
      agent: {create: true, read: true, update: true}
      chief: {read: true}
    workflow:
      initial: open
      states:
        # it begins here
        open: {label: {en: Open, zh: 待办}, owner: agent, within: 4h}
        working: {label: {en: In work, zh: 处理中}, owner: agent, leave_with: [report]}
        done: {label: {en: Done, zh: 完成}, final: true}
      transitions:
        begin: {label: {en: Begin, zh: 开始}, from: [open], to: working, roles: [agent]}
        finish: {label: {en: Finish, zh: 完成}, from: [working], to: done, roles: [chief], when: record.subject != ''}
        drop: {label: {en: Drop, zh: 放弃}, from: [open, working], to: done, roles: [chief]}
rules:
  told:
    trigger: {type: entered, form: ticket, state: working}
    actions: [{type: notify, to: [chief], message: Begun}]
"""
BARE = """\
app: desk
label: Desk
languages: [en, zh]
roles:
  agent: {label: Agent}
forms:
  ticket:
    label: Ticket
    fields:
      subject: {type: text, label: Subject}
    permissions:
      agent: {create: true, read: true, update: true}
"""


@pytest.fixture
def desk():
    return draft(FILE)


def test_a_form_gets_a_flow():
    found = after(draft(BARE), "flow.start", form="ticket")
    assert found.text == BARE + (
        "    workflow:\n"
        "      initial: open\n"
        "      states:\n"
        "        open: {label: {en: Open, zh: 待处理}}\n"
        "        done: {label: {en: Done, zh: 完成}, final: true, colour: green}\n"
        "      transitions:\n"
        "        finish: {label: {en: Finish, zh: 完成}, from: [open], to: done, roles: [agent]}\n"
    )
    assert found.findings == ()


def test_a_second_flow_is_refused(desk):
    error = refusal(desk, "flow.start", form="ticket")
    assert isinstance(error, EditRefused)
    assert str(error.reason) == "The form ticket has a flow already."


def test_a_state_comes_before_the_end(desk):
    found = after(desk, "state.add", form="ticket", label="Being tested")
    assert "report]}\n        being_tested: {label: {en: Being tested}}\n        done:" in found.text


def test_a_state_behind_another_is_connected_with_it():
    found = after(draft(FILE, language="zh"), "state.add", form="ticket", label="复核", after="open", connect=True)
    assert "within: 4h}\n        fu_he: {label: {zh: 复核}}\n        working:" in found.text
    assert (
        "        to_fu_he: {label: {en: To 复核, zh: 转到复核}, from: [open], to: fu_he, roles: [agent]}\n" in found.text
    )


def test_two_states_of_one_label_have_two_names(desk):
    once = after(desk, "state.add", form="ticket", label="Done")
    assert "        done_2: {label: {en: Done}}\n" in once.text


def test_what_needs_a_state_is_told_before_it_goes(desk):
    error = refusal(desk, "state.remove", form="ticket", state="working")
    assert isinstance(error, Breaks)
    assert ("rules", "told", "trigger", "state") in [path for path, _sentence in error.places]


def test_a_state_goes_with_the_transitions_that_lead_nowhere(desk):
    found = after(desk, "state.remove", form="ticket", state="working", force=True)
    assert "begin:" not in found.text
    assert "finish:" not in found.text
    assert "drop: {label: {en: Drop, zh: 放弃}, from: [open], to: done, roles: [chief]}" in found.text
    assert "# it begins here" in found.text


def test_without_its_first_state_a_flow_begins_with_the_next(desk):
    found = after(desk, "state.remove", form="ticket", state="open", force=True)
    assert "      initial: working\n" in found.text


def test_the_last_state_stays():
    only = FILE[: FILE.index("rules:")].replace("        done: {label: {en: Done, zh: 完成}, final: true}\n", "")
    only = only.replace("        working: {label: {en: In work, zh: 处理中}, owner: agent, leave_with: [report]}\n", "")
    assert str(refusal(draft(only), "state.remove", form="ticket", state="open", force=True).reason) == (
        "A flow has at least one state; remove the flow instead."
    )


def test_a_line_is_drawn_from_one_state_to_another(desk):
    made = perform(desk, "transition.add", {"form": "ticket", "source": "working", "target": "open"})
    assert made.select == ("forms", "ticket", "workflow", "transitions", "to_open")
    assert str(made.label) == "A transition from “In work” to “Open” is added"
    found = after(desk, "transition.add", form="ticket", source="working", target="open")
    assert (
        "        drop: {label: {en: Drop, zh: 放弃}, from: [open, working], to: done, roles: [chief]}\n"
        "        to_open: {label: {en: To Open, zh: 转到待办}, from: [working], to: open, roles: [agent]}\n"
    ) in found.text
    assert found.reading.errors == 0


def test_a_transition_has_the_label_that_was_typed(desk):
    found = after(desk, "transition.add", form="ticket", source="working", target="open", label="Send back")
    assert "        send_back: {label: {en: Send back}, from: [working], to: open, roles: [agent]}\n" in found.text


def test_only_one_way_of_several_is_taken_away(desk):
    found = after(desk, "transition.remove", form="ticket", transition="drop", source="open")
    assert found.text == FILE.replace("from: [open, working]", "from: [working]")
    gone = after(desk, "transition.remove", form="ticket", transition="drop")
    assert gone.text == FILE.replace(
        "        drop: {label: {en: Drop, zh: 放弃}, from: [open, working], to: done, roles: [chief]}\n", ""
    )


def test_a_transition_is_led_elsewhere(desk):
    found = after(desk, "transition.redirect", form="ticket", transition="begin", target="done")
    assert "begin: {label: {en: Begin, zh: 开始}, from: [open], to: done" in found.text
    found = after(desk, "transition.redirect", form="ticket", transition="drop", source="done", was="working")
    assert "from: [open, done], to: done" in found.text
    assert after(desk, "transition.redirect", form="ticket", transition="begin", target="working").text == FILE


def test_states_and_transitions_change_places(desk):
    found = after(desk, "state.reorder", form="ticket", state="open", index=1)
    assert "report]}\n        # it begins here\n        open: {" in found.text
    assert after(found, "state.reorder", form="ticket", state="open", index=0).text == FILE
    found = after(desk, "transition.reorder", form="ticket", transition="drop", index=0)
    assert "      transitions:\n        drop: {" in found.text


def test_records_begin_elsewhere(desk):
    assert after(desk, "initial.set", form="ticket", state="working").text == FILE.replace("initial: open", "initial: working")


def test_a_time_out_is_a_rule(desk):
    found = after(desk, "timeout.add", form="ticket", state="working")
    assert "    trigger: {type: timeout, form: ticket, state: working, within: 2d}\n" in found.text
    assert found.at(("rules", "ticket_working_too_long")) == {
        "label": {"en": "“In work” takes too long", "zh": "“处理中”超时"},
        "trigger": {"type": "timeout", "form": "ticket", "state": "working", "within": "2d"},
        "actions": [
            {"type": "notify", "to": ["agent"], "message": {"en": "“In work” takes too long", "zh": "“处理中”超时"}}
        ],
    }
    assert found.reading.errors == 0
    flow = flow_of(found, "ticket")
    assert [(one.kind, one.label, one.address) for one in flow.stages[1].badges] == [
        ("timeout", "“In work” takes too long", "/designer/1/rule/ticket_working_too_long")
    ]
    within = after(desk, "timeout.add", form="ticket", state="open")
    assert "trigger: {type: timeout, form: ticket, state: open}" in within.text
    assert within.reading.errors == 0


def test_a_flow_is_not_taken_away_from_under_its_rules(desk):
    assert isinstance(refusal(desk, "flow.remove", form="ticket"), Breaks)
    assert "workflow:" not in after(desk, "flow.remove", form="ticket", force=True).text


@pytest.mark.parametrize(("operation", "arguments", "said"), [
    ("state.add", {"form": "ticket", "label": " "}, "A state needs a label."),
    ("transition.add", {"form": "ticket", "source": "open", "target": "elsewhere"}, "There is no state elsewhere."),
    ("transition.remove", {"form": "ticket", "transition": "none"}, "There is no transition none."),
    ("initial.set", {"form": "other", "state": "open"}, "The form other has no flow yet."),
    ("flow.start", {"form": "other"}, "There is no form other."),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(desk, operation, arguments, said):
    assert str(refusal(desk, operation, **arguments).reason) == said


# --- what is drawn


def test_the_picture_says_what_the_file_says(desk):
    flow = flow_of(desk, "ticket")
    assert [(one.name, one.owner, one.expected, one.deliverables, one.initial, one.final) for one in flow.stages] == [
        ("open", "Agent", "4 h", (), True, False),
        ("working", "Agent", "", ("Report",), False, False),
        ("done", "", "", (), False, True),
    ]
    assert [(one.name, one.sources, one.target, one.roles, one.guard) for one in flow.arrows] == [
        ("begin", ("open",), "working", ("Agent",), ""),
        ("finish", ("working",), "done", ("Chief",), "Subject ≠ ''"),
        ("drop", ("open", "working"), "done", ("Chief",), ""),
    ]


def test_what_the_check_finds_stands_at_the_part_it_is_about(desk):
    lost = after(desk, "state.add", form="ticket", label="Lost")
    flow = flow_of(lost, "ticket")
    said = {one.name: [remark.text for remark in one.remarks] for one in flow.stages if one.remarks}
    assert said == {
        "lost": [
            "No record can get into the state 'lost': no transition leads there.",
            "No transition leaves the state 'lost'; let one leave it, or make it final.",
            "The text in 'zh' is missing.",
        ]
    }


def test_a_draft_that_cannot_be_understood_has_no_picture():
    assert flow_of(draft("forms: [1"), "ticket") is None
    assert flow_of(draft(BARE), "ticket") is None
