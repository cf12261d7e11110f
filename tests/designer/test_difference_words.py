"""What differs between two definitions, as people read it: an edit of the text, and the sentences it makes."""

from pathlib import Path

import pytest

from designer.difference import Fold, differences, grouped, side_by_side
from engine.builtin import default_registry
from engine.load import Loaded, examine, load_text
from engine.texts import say

BASE = (Path(__file__).parent / "difference_base.yaml").read_text(encoding="utf-8")
REGISTRY = default_registry()
NOTE = "      note: {type: long_text, label: {zh: 备注, en: Note}}\n"
PHOTOS = "      photos: {type: image, label: {zh: 照片, en: Photos}}\n"
SPREAD = "      - {type: breakdown, label: {zh: 分布, en: Spread}, form: ticket, group: priority}\n"
SAME = "Only the text differs (remarks, layout, another way to say the same); the application is the same"


def loaded(text):
    definition, source, findings = examine(text, REGISTRY)
    return Loaded(definition, source, findings)


def edited(*pairs, text=BASE):
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, -1 if old.endswith("*") else 1)
    return text


def found(text, base=BASE):
    return differences(load_text(base, REGISTRY), loaded(text), REGISTRY)


def said(text, language="en", base=BASE):
    return [say(one.sentence, language) for one in found(text, base)]


CASES = [
    # --- text
    ([("languages:", "# a remark\nlanguages:")], [SAME]),
    ([("final: true", "final: true, aside: false")], [SAME]),
    # --- names
    ([("en: Note}", "en: Remark}")], ["Form “Ticket” › field “Note” is called “Remark” instead of “Note” in English"]),
    ([("{zh: 备注, en: Note}", "Remark")], ["Form “Ticket” › field “Note” is now called “Remark”"]),
    ([("      note:", "      remark:"), ("long_text,", "long_text, id: note,"), ("[note, cost", "[remark, cost"),
      ("leave_with: [note]", "leave_with: [remark]"), ("note: n}", "remark: n}")],
     ["Form “Ticket” › field “Note” has the name “remark” instead of “note” in calculations and addresses; "
      "its uses follow"]),
    ([("en: Desk}", "en: Help desk}")],
     ["Application “Desk” is called “Help desk” instead of “Desk” in English"]),
    # --- fields
    ([(PHOTOS, "      packaging: {type: text, label: {zh: 包装, en: Packaging}, required: true}\n" + PHOTOS),
      ("priority, project]}", "priority, project, packaging]}")],
     ["Form “Ticket”: new required field “Packaging” in section “Basics”"]),
    ([(PHOTOS, "      size: {type: text, label: Size}\n" + PHOTOS)], ["Form “Ticket”: new field “Size”"]),
    ([(PHOTOS, ""), (", photos]", "]")], ["Form “Ticket”: field “Photos” is removed"]),
    ([("en: Note}}", "en: Note}, required: true}")], ["Form “Ticket” › field “Note” must be filled now"]),
    ([("en: Note}}", "en: Note}, required_when: record.priority == 'high'}")],
     ["Form “Ticket” › field “Note” must be filled when Priority = High"]),
    ([("en: Note}}", "en: Note}, visible_when: record.amount > 1}")],
     ["Form “Ticket” › field “Note” is now shown only when Amount > 1"]),
    ([("type: long_text", "type: text")],
     ["Form “Ticket” › field “Note” is now of another kind: “One line of text, such as a name or a code” instead of "
      "“Text of several lines, such as a remark”"]),
    ([("        sensitive: true\n", "")], ["Form “Ticket” › field “Cost” is now shown in clear"]),
    ([("min: 1}", "min: 2, max: 9}")],
     ["Form “Ticket” › field “Amount”: “smallest value” is 2 instead of 1",
      "Form “Ticket” › field “Amount”: “largest value” is now 9"]),
    ([(NOTE, ""), (PHOTOS, NOTE + PHOTOS)], ["Form “Ticket”: field “Note” now comes after field “Project”"]),
    ([("en: Note}}", "en: Note}, help: {zh: 写清楚, en: Be clear}}")],
     ["Form “Ticket” › field “Note”: “help” is now Be clear"]),
    # --- options
    ([("          high: {", "          urgent: {label: {zh: 紧急, en: Urgent}}\n          high: {")],
     ["Form “Ticket” › field “Priority”: new option “Urgent”"]),
    ([("          low: {label: {zh: 低, en: Low}}\n", ""), ("        default: low\n", "")],
     ["Form “Ticket” › field “Priority”: option “Low” is removed",
      "Form “Ticket” › field “Priority” is no longer filled with “Low” in new records"]),
    ([("default: low", "default: high")],
     ["Form “Ticket” › field “Priority” is filled with “High” in new records, no longer with “Low”"]),
    ([("colour: red", "colour: orange")],
     ["Form “Ticket” › field “Priority” › option “High”: “colour” is orange instead of red"]),
    # --- sections, views, checks
    ([("priority, project]}", "priority]}"), ("[note, cost", "[note, project, cost")],
     ["Form “Ticket”: field “Project” moved from section “Basics” to section “Details”"]),
    ([("[name, priority, project]}", "[priority, name, project]}")],
     ["Form “Ticket” › section “Basics” shows its fields in another order"]),
    ([("columns: [name, priority, state]", "columns: [name, amount, state]")],
     ["Form “Ticket” › view “All” now shows “Amount”, no longer “Priority”"]),
    ([("sort: [-name]", "sort: [name]")],
     ["Form “Ticket” › view “All”: “order of records” now has “Name”, no longer “Name (descending)”"]),
    ([("    checks:\n", "    checks:\n      - {that: record.priority == 'high', message: Say it}\n")],
     ["Form “Ticket”: every record must now fulfil: Priority = High"]),
    ([("record.amount > 0,", "record.amount > 1,")],
     ["Form “Ticket” › check 1 now asks for Amount > 1 instead of Amount > 0"]),
    # --- flows
    ([("within: 2h", "within: 4h")],
     ["Form “Ticket” › state “Open” is expected to take 4 hours instead of 2 hours"]),
    ([("leave_with: [note]", "leave_with: [note, photos]")],
     ["Form “Ticket” › state “Open” can now be left only with “Photos”"]),
    ([("owner: clerk", "owner: boss")],
     ["Form “Ticket” › state “Open” is the responsibility of “Boss” instead of “Clerk”"]),
    ([("        checked: {", "        paused: {label: Paused, aside: true}\n        checked: {"),
      ("        check: {", "        pause: {label: Pause, from: [open], to: paused, roles: [clerk, guest]}\n"
                           "        resume: {label: Resume, from: [paused], to: previous, roles: [clerk]}\n"
                           "        check: {")],
     ["Form “Ticket”: new state “Paused”",
      "Form “Ticket”: new transition “Pause”",
      "Role “Clerk” may now take “Pause”, “Resume” of “Ticket”",
      "Role “Guest” may now take “Pause” of “Ticket”",
      "Form “Ticket”: new transition “Resume”"]),
    ([("from: [checked], to", "from: [checked, open], to")],
     ["Form “Ticket” › transition “Finish” can now also be taken from “Open”"]),
    ([(", when: record.amount > 1}", "}")],
     ["Form “Ticket” › transition “Finish” can now be taken always, not only when Amount > 1"]),
    ([("initial: open", "initial: checked")],
     ["Form “Ticket”: new records start in “Checked” instead of “Open”"]),
    # --- permissions
    ([("roles: [boss], when", "roles: [boss, clerk], when")], ["Role “Clerk” may now take “Finish” of “Ticket”"]),
    ([("clerk: {read: true}", "clerk: {read: true, update: true, export: true}")],
     ["Role “Clerk” may now also change, export “Project”"]),
    ([("clerk: {read: true}", "clerk: {read: true}\n      guest: {read: true}")],
     ["Role “Guest” may now see “Project”"]),
    ([("clerk: {read: true}", "clerk: {read: \"record.name == 'x'\"}")],
     ["Role “Clerk” may now see “Project” only where Name = 'x'"]),
    ([("record.state == 'open'\"", "record.state != 'done'\"")],
     ["Role “Clerk” may change “Ticket” where State ≠ Done, before where State = Open"]),
    ([("update: \"record.state == 'open'\"", "update: true")],
     ["Role “Clerk” may now change “Ticket” always, no longer only where State = Open"]),
    ([(", fields: {cost: {read: false}}", "")], ["Role “Clerk” may now see “Cost” of “Ticket”"]),
    ([("fields: {cost: {read: false}}", "fields: {cost: {read: false}, note: {update: false}}")],
     ["Role “Clerk” may no longer change “Note” of “Ticket” (before where State = Open)"]),
    ([("    roles: [boss]\n    cards", "    cards")], ["Everybody may now open page “Start”"]),
    ([("en: Go}, roles: [clerk]}", "en: Go}, roles: [clerk, boss]}")], ["Role “Boss” may now press “Go”"]),
    ([("designers: [boss]", "designers: [clerk]")],
     ["Role “Clerk” may now draft and publish changes of the application",
      "Role “Boss” may no longer draft and publish changes of the application"]),
    # --- rules
    ([("    when: record.amount > 10\n", "    when: record.amount > 20\n    enabled: false\n")],
     ["Rule “Tell” acts when Amount > 20, no longer when Amount > 10", "Rule “Tell” is switched off"]),
    ([("type: entered, form: ticket, state: checked", "type: created, form: ticket")],
     ["Rule “Tell” has another occasion: A Ticket is created (before: A Ticket enters “Checked”)"]),
    ([("      - {type: notify", "      - {type: set, values: {note: \"'x'\"}}\n      - {type: notify")],
     ["Rule “Tell”: new step 1 – Change the Ticket"]),
    ([("to: [boss], message", "to: [boss, clerk], message")],
     ["Rule “Tell” › step 1: “receivers” now also has “Clerk”"]),
    ([("{{ record.name }}", "{{ record.name }}!")],
     ["Rule “Tell” › step 1: “message” is ‹Name›! instead of ‹Name›"]),
    ([("record.amount + 1", "record.amount + 2")],
     ["Rule “Go” › step 1: values: “Amount” is “Amount + 2” instead of “Amount + 1”"]),
    ([("rules:\n", "rules:\n  stop:\n    trigger: {type: created, form: ticket}\n"
       "    actions: [{type: refuse, message: No}]\n")],
     ["New rule “stop”: A Ticket is created"]),
    # --- pages, menu, connections, roles, people, scenarios, forms
    ([(SPREAD, "      - {type: records, label: Latest, form: ticket, columns: [name]}\n")],
     ["Page “Start”: new card “Latest”", "Page “Start”: card “Spread” is removed"]),
    ([("en: Tickets}, form: ticket}", "en: Tickets}, form: ticket, where: record.state == 'open'}")],
     ["Page “Start” › card “Tickets” now counts only records with State = Open"]),
    ([("items: [start, ticket]", "items: [ticket, start]")], ["Menu “Work” has its entries in another order"]),
    ([("smtp.example.com", "mail.example.com")],
     ["Connection “Post”: “server” is mail.example.com instead of smtp.example.com"]),
    ([("roles:\n", "roles:\n  temp: {label: Temp}\n")], ["New role “Temp”"]),
    ([("name: Ann, roles: [clerk]", "name: Ann, roles: [boss]")],
     ["Demo user “ann”: “roles” now has “Boss”, no longer “Clerk”"]),
    ([("of: t, by: clerk}", "of: t, by: boss}")],
     ["Scenario “A ticket is checked” › step 1: “who does it” is Boss instead of Clerk"]),
    ([("forms:\n", "forms:\n  box:\n    label: Box\n    fields: {name: {type: text}}\n"
       "    permissions: {clerk: {create: true, read: true}}\n")],
     ["New form “Box” with Name", "Role “Clerk” may now see, create “Box”"]),
    ([("languages: [en, zh]", "languages: [zh, en]\ncurrency: EUR")],
     ["Application “Desk”: “languages” are in another order", "Application “Desk”: “currency” is EUR instead of CNY"]),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "sentences"), CASES, ids=[case[1][0][:60] for case in CASES])
def test_an_edit_in_words(pairs, sentences):
    text = edited(*pairs)
    assert said(text) == sentences
    assert all(one.isascii() is False for one in said(text, "zh"))


def test_in_chinese():
    text = edited(("within: 2h", "within: 4h"), ("clerk: {read: true}", "clerk: {read: true, update: true}"))
    assert said(text, "zh") == ["角色“文员”现在还可以修改“项目”", "表单“工单” › 状态“待处理”的预期时长由 2小时 改为 4小时"]


def test_equal_texts_do_not_differ():
    assert found(BASE) == []


def test_a_removed_form_takes_its_permissions_along():
    without = BASE.replace(BASE[BASE.index("  project:\n") : BASE.index("  ticket:\n")], "").replace(
        "      project: {type: link, form: project, label: {zh: 项目, en: Project}}\n", ""
    )
    text = without.replace(", project]", "]").replace("  - {label: {zh: 其他, en: Other}, items: [project]}\n", "")
    assert said(text) == ["Menu “Other” is removed", "Form “Project” is removed",
                          "Form “Ticket”: field “Project” is removed"]  # fmt: skip


def test_a_renamed_form_is_one_difference_and_what_changed_in_it_another():
    text = BASE.replace("  ticket:\n", "  issue:\n    id: ticket\n").replace("form: ticket", "form: issue")
    text = text.replace("create: ticket", "create: issue").replace("[start, ticket]", "[start, issue]")
    renamed, hours = found(text.replace("within: 2h", "within: 3h"))
    assert str(renamed.sentence).startswith("Form “Ticket” has the name “issue” instead of “ticket”")
    assert (renamed.kind, renamed.was, renamed.path) == ("renamed", ("forms", "ticket"), ("forms", "issue"))
    assert str(hours.sentence) == "Form “Ticket” › state “Open” is expected to take 3 hours instead of 2 hours"
    assert hours.was[:2] == ("forms", "ticket")
    assert (hours.before, hours.after, hours.line_before, hours.line_after) == ("within: 2h", "within: 3h", 56, 57)


def test_what_widens_is_marked():
    wide = edited(("clerk: {read: true}", "clerk: {read: true, update: true}"))
    narrow = edited(("clerk: {read: true}", "clerk: {read: \"record.name == 'x'\"}"))
    other = edited(("record.state == 'open'\"", "record.state != 'done'\""))
    clear = edited(("        sensitive: true\n", ""))
    assert [one.widened for text in (wide, narrow, other, clear) for one in found(text)] == [
        "wider", "", "perhaps", "wider",
    ]  # fmt: skip


def test_places_snippets_and_uses():
    (one,) = found(edited(("type: long_text", "type: text")))
    assert (one.before, one.after) == ("type: long_text", "type: text")
    assert str(one.thing) == "field ticket.note"
    assert [str(use.sentence) for use in one.uses] == [
        "form “Ticket” › section “Details” › “fields” names field “Note”.",
        "form “Ticket” › state “Open” › “leave_with” names field “Note”.",
        "scenario “A ticket is checked” › record 1 › “values” is about field “Note”.",
    ]


def test_a_block_is_shown_from_the_margin_and_shortened():
    grown = edited(("        default: low\n", "        default: low\n        help: x\n"))
    gone = "      priority:" + BASE.split("      priority:")[1].split("      project: {type")[0]
    removed = edited((gone, ""), ("[name, priority, project]}", "[name, project]}"), (SPREAD, ""),
                     ("columns: [name, priority, state]", "columns: [name, state]"))  # fmt: skip
    assert found(grown)[0].after == "help: x"
    before = next(one for one in found(removed) if one.kind == "removed" and one.area == "field").before
    assert before.splitlines()[:3] == ["priority:", "  type: choice", "  label: {zh: 优先级, en: Priority}"]


def test_grouped_by_area_with_permissions_first():
    text = edited(("clerk: {read: true}", "clerk: {read: true, update: true}"), ("within: 2h", "within: 4h"),
                  ("min: 1}", "min: 2, max: 9}"))  # fmt: skip
    assert [(group.area, str(group.title), len(group.differences)) for group in grouped(found(text))] == [
        ("permission", "Permissions", 1), ("field", "Fields", 2), ("flow", "Flows", 1),
    ]  # fmt: skip


def test_a_definition_with_mistakes_is_compared_as_far_as_it_goes():
    text = edited(("to: checked, roles", "to: nowhere, roles"), ("within: 2h", "within: 4h"))
    assert "Form “Ticket” › state “Open” is expected to take 4 hours instead of 2 hours" in said(text)


# --- side by side


def test_side_by_side_folds_what_is_equal():
    old = "".join(f"line {number}\n" for number in range(1, 31))
    new = old.replace("line 15\n", "line fifteen\nand more\n").replace("line 20\n", "")
    rows = side_by_side(old, new, context=1)
    assert [(row.mark, row.old_number, row.old, row.new_number, row.new) if not isinstance(row, Fold) else row.count
            for row in rows] == [
        13,
        ("same", 14, "line 14", 14, "line 14"),
        ("changed", 15, "line 15", 15, "line fifteen"),
        ("added", None, "", 16, "and more"),
        ("same", 16, "line 16", 17, "line 16"),
        2,
        ("same", 19, "line 19", 20, "line 19"),
        ("removed", 20, "line 20", None, ""),
        ("same", 21, "line 21", 21, "line 21"),
        9,
    ]  # fmt: skip


def test_side_by_side_is_bounded():
    old = "".join(f"a{number}\n" for number in range(5_000))
    rows = side_by_side(old, old.replace("a", "b"), longest=100)
    assert len(rows) == 101
    assert rows[-1] == Fold(4_900, True)


def test_equal_texts_have_no_rows():
    assert side_by_side(BASE, BASE) == []


def test_a_right_to_a_field_of_lines_follows_the_record_they_stand_in():
    lines = """
  part:
    label: Part
    fields:
      price: {type: money, label: Price}
    permissions:
      clerk: {fields: {price: {read: false}}}
"""
    child = ("forms:\n", f"forms:{lines}")
    field = (PHOTOS, PHOTOS + "      parts: {type: lines, form: part, label: Parts}\n")
    base = edited(child, field, (", photos]", ", photos, parts]"))
    turned = edited(("clerk: {fields: {price: {read: false}}}", "clerk: {fields: {price: {update: false}}}"), text=base)
    assert said(turned, base=base) == [
        "Role “Clerk” may no longer change “Price” of “Part” (before where State = 'open')",
        "Role “Clerk” may now also see “Price” of “Part”",
    ]
