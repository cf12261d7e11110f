"""What people do to pages, cards and the menu in the designer: YAML in, an operation, YAML out."""

from __future__ import annotations

import random

import pytest
from drafting import after, draft, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from designer.operations import perform
from designer.text import EditRefused, Undo, apply
from engine.errors import AppmillError
from engine.texts import say

TEXT = """\
app: desk
label: {zh: 服务台, en: Desk}
languages: [zh, en]
roles: {agent: {label: {zh: 客服, en: Agent}}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    fields:
      subject: {type: text}
      cost: {type: money}
      due_on: {type: date}
      client: {type: link, form: client}
    permissions: {agent: {create: true, read: true, update: true}}
    workflow:
      initial: open
      states: {open: {label: Open}, done: {label: Done, final: true}}
      transitions: {finish: {label: Finish, from: [open], to: done, roles: [agent]}}
  client:
    label: {zh: 客户, en: Client}
    fields: {name: {type: text}, due_on: {type: date}}
    permissions: {agent: {create: true, read: true}}
pages:
  start:
    label: {zh: 总览, en: Overview}
    cards:
      # what is open
      - {type: number, label: {zh: 在途, en: Open}, form: ticket, where: "not record.state.final"}
      - {type: breakdown, label: {zh: 状态, en: By state}, form: ticket, group: state, width: 6}  # the bars
      - {type: records, label: {zh: 新, en: New}, form: ticket, columns: [subject]}
"""
MENU = """\
menu:
  - {label: {zh: 工作, en: Work}, items: [start, ticket]}
  # rarely
  - {label: {zh: 其他, en: Other}, items: [client]}
"""


def cards(workspace):
    return [one["label"]["en"] for one in workspace.at(("pages", "start", "cards"))]


def lines_that_differ(before, after):
    return [line for line in after.splitlines() if line not in before.splitlines()]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("number", "      - {type: number, label: {zh: 工单, en: Tickets}, form: ticket}"),
        ("trend", "      - {type: trend, label: {zh: 工单按月, en: Tickets by month}, form: ticket, date: created_at,"
                  " by: month, width: 6}"),
        ("breakdown", "      - {type: breakdown, label: {zh: 工单分布, en: Tickets by group}, form: ticket, group: state,"
                      " width: 6}"),
        ("records", "      - {type: records, label: {zh: 工单, en: Tickets}, form: ticket,"
                    " columns: [subject, cost, due_on, client], width: 6}"),
        ("text", "      - {type: text, label: {zh: 标题, en: Heading}, width: 12}"),
    ],
)  # fmt: skip
def test_a_new_card_shows_something_and_is_written_as_its_neighbours(kind, line):
    before = draft(TEXT)
    found = after(before, "card.add", page="start", kind=kind)
    assert lines_that_differ(before.text, found.text) == [line]
    assert found.findings == before.findings


@pytest.mark.parametrize("kind", ["table", "board", "gantt"])
def test_a_card_that_needs_a_view_gets_one(kind):
    found = after(draft(TEXT), "card.add", page="start", kind=kind, at=0)
    assert not found.reading.errors
    assert found.at(("pages", "start", "cards", 0, "type")) == kind
    view = found.at(("pages", "start", "cards", 0, "view"))
    assert view is None if kind == "table" else view in found.at(("forms", "ticket", "views"))


def test_a_card_that_cannot_show_anything_is_refused():
    said = refusal(draft(TEXT), "card.add", page="start", kind="board", form="client")
    assert isinstance(said, EditRefused)
    assert say(said.reason, "en") == "A board needs states or a choice: Client has neither."
    assert say(refusal(draft(TEXT), "card.add", page="x", kind="number").reason, "en") == "There is no page x."


def test_a_card_is_moved_with_its_comments():
    found = after(draft(TEXT), "card.move", page="start", card=0, to=2)
    assert cards(found) == ["By state", "New", "Open"]
    assert "      # what is open\n      - {type: number" in found.text
    assert "width: 6}  # the bars" in found.text


def test_a_width_is_written_unless_it_is_the_usual_one():
    before = draft(TEXT)
    wide = after(before, "card.resize", page="start", card=2, width=20)
    assert wide.at(("pages", "start", "cards", 2, "width")) == 12
    assert after(wide, "card.resize", page="start", card=2, width=3).text == before.text


def test_a_card_is_doubled_and_taken_out():
    before = draft(TEXT)
    twice = after(before, "card.duplicate", page="start", card=1)
    assert cards(twice) == ["Open", "By state", "By state", "New"]
    assert cards(after(twice, "card.remove", page="start", card=2)) == cards(before)


def test_a_page_is_made_named_after_its_label_and_put_into_the_menu():
    found = after(draft(TEXT + MENU), "page.add", label="Quality of work")
    assert found.at(("pages", "quality_of_work")) == {"label": {"en": "Quality of work"}, "cards": []}
    assert found.at(("menu", 0, "items")) == ["start", "ticket", "quality_of_work"]
    assert not found.reading.errors
    gone = after(found, "page.remove", page="quality_of_work")
    assert gone.text == TEXT + MENU
    alone = after(draft(TEXT), "page.remove", page="start")
    assert alone.at(("pages",)) is None


def test_pages_are_put_in_order_and_doubled():
    found = after(after(draft(TEXT), "page.add", label="B"), "page.duplicate", page="start")
    assert list(found.at(("pages",))) == ["start", "start_2", "b"]
    assert list(after(found, "page.move", page="b", to=0).at(("pages",))) == ["b", "start", "start_2"]
    assert list(after(found, "page.move", page="start", to=2).at(("pages",))) == ["start_2", "b", "start"]


def test_a_filter_takes_the_fields_of_the_same_name_along():
    both = after(draft(TEXT), "card.add", page="start", kind="number", form="client")
    found = after(both, "filter.add", page="start", form="ticket", field="due_on")
    assert found.at(("pages", "start", "filters")) == [
        {"fields": [{"form": "ticket", "field": "due_on"}, {"form": "client", "field": "due_on"}]}
    ]
    assert not found.reading.errors
    assert isinstance(refusal(both, "filter.add", page="start", form="ticket", field="cost"), EditRefused)


# --- the menu --------------------------------------------------------------------------------------------------------


def test_a_menu_nobody_wrote_is_written_down_by_the_first_change():
    found = after(draft(TEXT), "menu.move", group=0, item=2, to_group=0, at=0)
    assert found.at(("menu",)) == [{"label": {"zh": "服务台", "en": "Desk"}, "items": ["client", "start", "ticket"]}]
    assert not found.reading.errors


def test_entries_move_between_groups_and_comments_stay():
    found = after(draft(TEXT + MENU), "menu.move", group=0, item=1, to_group=1, at=0)
    assert [group["items"] for group in found.at(("menu",))] == [["start"], ["ticket", "client"]]
    assert "  # rarely\n" in found.text
    assert after(found, "menu.move", group=1, item=0, to_group=0).text == TEXT + MENU


def test_groups_are_added_named_moved_and_taken_out():
    found = after(draft(TEXT + MENU), "menu.group", label="Later")
    assert found.at(("menu", 2)) == {"label": {"en": "Later"}, "items": []}
    assert not found.reading.errors
    named = after(found, "menu.label", group=2, text="Soon")
    assert named.at(("menu", 2, "label")) == {"en": "Soon"}
    first = after(named, "menu.group_move", group=2, to=0)
    assert [group["label"]["en"] for group in first.at(("menu",))] == ["Soon", "Work", "Other"]
    assert after(first, "menu.group_remove", group=0).text == TEXT + MENU


def test_what_is_out_of_the_menu_can_be_put_back():
    found = after(draft(TEXT + MENU), "menu.remove", group=1, item=0)
    assert found.at(("menu", 1, "items")) == []
    assert after(found, "menu.add", entry="client", group=0, at=0).at(("menu", 0, "items")) == [
        "client", "start", "ticket",
    ]  # fmt: skip
    assert isinstance(refusal(found, "menu.add", entry="nothing"), EditRefused)


# --- any of them, one after the other --------------------------------------------------------------------------------


def some_step(dice, workspace):
    number = len(workspace.at(("pages", "start", "cards")) or ()) or 1
    card, groups = dice.randrange(number), len(workspace.at(("menu",)) or [1])
    kinds = ["number", "trend", "breakdown", "table", "records", "board", "gantt", "text"]
    return dice.choice([
        ("card.add", {"page": "start", "kind": dice.choice(kinds), "at": dice.randrange(number + 1)}),
        ("card.move", {"page": "start", "card": card, "to": dice.randrange(number)}),
        ("card.resize", {"page": "start", "card": card, "width": dice.randrange(1, 13)}),
        ("card.duplicate", {"page": "start", "card": card}),
        ("card.remove", {"page": "start", "card": card}),
        ("page.add", {"label": dice.choice(["质量", "Work", ""])}),
        ("page.move", {"page": "start", "to": dice.randrange(3)}),
        ("filter.add", {"page": "start", "form": "ticket", "field": dice.choice(["due_on", "client", "state"])}),
        ("menu.group", {"label": dice.choice(["", "New"])}),
        ("menu.move", {"group": 0, "item": 0, "to_group": dice.randrange(groups), "at": dice.randrange(3)}),
        ("menu.group_move", {"group": 0, "to": dice.randrange(groups)}),
    ])  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**9))
def test_any_steps_leave_a_file_that_loads_and_are_undone_to_the_last_byte(seed):
    dice = random.Random(seed)
    text = TEXT + (MENU if dice.random() < 0.6 else "")
    workspace, undo = draft(text), Undo()
    for _ in range(8):
        name, arguments = some_step(dice, workspace)
        try:
            made = perform(workspace, name, arguments)
        except (EditRefused, AppmillError):
            continue
        if not made.edits:
            continue
        applied = apply(workspace.document, made.edits)
        undo.add(name, applied)
        workspace = workspace.with_text(applied.text)
        assert workspace.reading.errors == 0, (name, arguments, workspace.findings, applied.text)
    if all(one.label != "card.remove" for one in undo.done):
        assert "# what is open" in workspace.text
        assert "# the bars" in workspace.text
    found = workspace.text
    while undo.done:
        found, _label = undo.undo(found)
    assert found == text
