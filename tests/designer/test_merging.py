"""Given a text that two people edited, then one text with both edits, or what they disagree about."""

from pathlib import Path

import pytest

from designer.text import Document, Insert, Remove, RenameKey, SetValue, Undo, apply, merge
from engine.extensions import registry_for
from engine.load import load_text

FILE = Path(__file__).parents[2] / "apps/order_hub.yaml"
HUB = FILE.read_text(encoding="utf-8")

BASE = """\
# the application
app: x

forms:
  # who pays
  a:
    label: A
    fields:
      one: {type: text, max: 5}
      two: {type: text}
  b:
    label: B
    fields: {one: {type: text}}
    columns: [p, q, r]
"""

MERGED = {
    "one place each": (
        lambda text: text.replace("label: A", "label: Ah"),
        lambda text: text.replace("label: B", "label: Be  # said so"),
        BASE.replace("label: A", "label: Ah").replace("label: B", "label: Be  # said so"),
    ),
    "both the same": (
        lambda text: text.replace("label: A", "label: Ah"),
        lambda text: text.replace("label: A", "label: Ah").replace("[p, q", "[q"),
        BASE.replace("label: A", "label: Ah").replace("[p, q", "[q"),
    ),
    "a remark there, a value here": (
        lambda text: text.replace("label: A", "label: Ah"),
        lambda text: text.replace("# who pays", "# who pays, and who\n  # does not"),
        BASE.replace("label: A", "label: Ah").replace("# who pays", "# who pays, and who\n  # does not"),
    ),
    "two keys of one line": (
        lambda text: text.replace("{type: text, max: 5}", "{type: long, max: 5}"),
        lambda text: text.replace("{type: text, max: 5}", "{type: text,  max: 9}  # nine"),
        BASE.replace("{type: text, max: 5}", "{type: long,  max: 9}  # nine"),
    ),
    "two new fields: theirs first": (
        lambda text: text.replace("      two: {type: text}\n", "      two: {type: text}\n      three: {type: date}\n"),
        lambda text: text.replace("      two: {type: text}\n", "      two: {type: text}\n      four: {type: user}\n"),
        BASE.replace(
            "      two: {type: text}\n", "      two: {type: text}\n      four: {type: user}\n      three: {type: date}\n"
        ),
    ),
    "a rename here, a change there": (
        lambda text: text.replace("one: {type: text, max: 5}", "uno: {id: one, type: text, max: 5}"),
        lambda text: text.replace("one: {type: text, max: 5}", "one: {type: text, max: 7}"),
        BASE.replace("one: {type: text, max: 5}", "uno: {id: one, type: text, max: 7}"),
    ),
    "a rename by hand there, a change here": (
        lambda text: text.replace("one: {type: text, max: 5}", "one: {type: text, max: 7}"),
        lambda text: text.replace("one: {type: text, max: 5}", "uno: {renamed_from: one, type: text, max: 5}"),
        BASE.replace("one: {type: text, max: 5}", "uno: {renamed_from: one, type: text, max: 7}"),
    ),
    "another order here, a change there": (
        lambda text: text.replace("      one: {type: text, max: 5}\n      two: {type: text}\n", "      two: {type: text}\n      one: {type: text, max: 5}\n"),
        lambda text: text.replace("max: 5", "max: 7"),
        BASE.replace("      one: {type: text, max: 5}\n      two: {type: text}\n", "      two: {type: text}\n      one: {type: text, max: 7}\n"),
    ),
    "items of one list": (
        lambda text: text.replace("[p, q, r]", "[p, q, r, s]"),
        lambda text: text.replace("[p, q, r]", "[o, q, r]"),
        BASE.replace("[p, q, r]", "[o, q, r, s]"),
    ),
    "an item twice": (
        lambda text: text.replace("[p, q, r]", "[s, p, q, r]"),
        lambda text: text.replace("[p, q, r]", "[p, q, r, s]"),
        BASE.replace("[p, q, r]", "[p, q, r, s]"),
    ),
    "removed here, untouched there": (
        lambda text: text.replace("      two: {type: text}\n", ""),
        lambda text: text.replace("max: 5", "max: 7"),
        BASE.replace("      two: {type: text}\n", "").replace("max: 5", "max: 7"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MERGED)
def test_two_edits_of_one_text_become_one(name):
    mine, theirs, wanted = MERGED[name]
    merged = merge(BASE, mine(BASE), theirs(BASE))
    assert merged.conflicts == ()
    assert merged.text == wanted
    assert merged.lost == ()


@pytest.mark.parametrize(("mine", "theirs", "wanted"), [(BASE, "a: 1\n", "a: 1\n"), ("a: 1\n", BASE, "a: 1\n")])
def test_who_changed_nothing_gets_the_other_text(mine, theirs, wanted):
    assert merge(BASE, mine, theirs).text == wanted


CONFLICTS = {
    "one value": (
        lambda text: text.replace("label: A", "label: Ah"),
        lambda text: text.replace("label: A", "label: Oh").replace("app: x", "app: x\n"),
        ["forms.a.label was changed twice: Ah here (line 7), Oh in the file (line 8)."],
    ),
    "removed here, changed there": (
        lambda text: text.replace("      two: {type: text}\n", ""),
        lambda text: text.replace("two: {type: text}", "two: {type: date}"),
        ["forms.a.fields.two was removed here and changed in the file (line 10)."],
    ),
    "changed here, removed there": (
        lambda text: text.replace("two: {type: text}", "two: {type: date}"),
        lambda text: text.replace("      two: {type: text}\n", ""),
        ["forms.a.fields.two was changed here (line 10) and removed in the file."],
    ),
    "two new names": (
        lambda text: text.replace("two: {type: text}", "due: {id: two, type: text}"),
        lambda text: text.replace("two: {type: text}", "deux: {id: two, type: text}"),
        ["forms.a.fields.two was renamed twice: due here (line 10), deux in the file (line 10)."],
    ),
    "one new name for two things": (
        lambda text: text.replace("two: {type: text}", "new: {id: two, type: text}"),
        lambda text: text.replace("      two: {type: text}\n", "      two: {type: text}\n      new: {type: date}\n"),
        ["forms.a.fields.new is a new name for two things: here (line 10), in the file (line 11)."],
    ),
    "two new things of one name": (
        lambda text: text.replace("columns:", "colour: red\n    columns:"),
        lambda text: text.replace("columns:", "colour: blue\n    columns:"),
        ["forms.b.colour was changed twice: red here (line 14), blue in the file (line 14)."],
    ),
    "one item": (
        lambda text: text.replace("[p, q, r]", "[p, x, r]"),
        lambda text: text.replace("[p, q, r]", "[p, y, r]"),
        ["forms.b.columns.1 was changed twice: x here (line 14), y in the file (line 14)."],
    ),
    "two orders": (
        lambda text: text.replace("[p, q, r]", "{p: 1, q: 2, r: 3}"),
        lambda text: text.replace("[p, q, r]", "{r: 3, q: 2, p: 1}"),
        ["forms.b.columns was changed twice: {'p': 1, 'q': 2, 'r': 3} here (line 14), {'r': 3, 'q': 2, 'p': 1} in the file (line 14)."],
    ),
    "two, one of them merges": (
        lambda text: text.replace("label: A", "label: Ah").replace("label: B", "label: Bh"),
        lambda text: text.replace("label: A", "label: Oh"),
        ["forms.a.label was changed twice: Ah here (line 7), Oh in the file (line 7)."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_two_people_changed_differently_is_shown(name):
    mine, theirs, reasons = CONFLICTS[name]
    merged = merge(BASE, mine(BASE), theirs(BASE))
    assert merged.text is None
    assert [str(conflict.reason) for conflict in merged.conflicts] == reasons


SETTLED = ["one value", "removed here, changed there", "changed here, removed there", "two new names", "one item"]


@pytest.mark.parametrize("name", SETTLED)
def test_a_conflict_is_settled_by_choosing(name):
    mine, theirs, _ = CONFLICTS[name]
    conflicts = merge(BASE, mine(BASE), theirs(BASE)).conflicts
    for side, chosen in (("mine", mine(BASE)), ("theirs", theirs(BASE))):
        merged = merge(BASE, mine(BASE), theirs(BASE), {conflict.path: side for conflict in conflicts})
        assert merged.conflicts == ()
        assert Document.read(merged.text).data == Document.read(chosen).data


def test_a_conflict_holds_the_three_values_and_their_lines():
    conflict = merge("a: 1\nb: 1\n", "b: 2\n", "# c\na: 1\nb: 3\n").conflicts[0]
    assert conflict.path == ("b",)
    assert (conflict.base.value, conflict.mine.value, conflict.theirs.value) == (1, 2, 3)
    assert (conflict.base.line, conflict.mine.line, conflict.theirs.line) == (2, 1, 3)


def test_two_orders_of_one_map_are_a_conflict():
    merged = merge("a: 1\nb: 2\nc: 3\n", "b: 2\na: 1\nc: 3\n", "a: 1\nc: 3\nb: 2\n")
    assert [str(one.reason) for one in merged.conflicts] == [
        "the file has one order here (line 1) and another in the file (line 1)."
    ]


def test_remarks_of_mine_without_a_place_are_named():
    merged = merge("a: {b: 1, c: 2}\n", "a: {b: 3, c: 2}  # three\n", "a: {b: 1, c: 4}\n")
    assert (merged.text, merged.lost) == ("a: {b: 3, c: 4}\n", ("# three",))


def test_an_edit_in_the_designer_and_one_by_hand_of_a_real_application():
    mine = apply(
        HUB,
        [
            Insert(("forms", "order", "fields"), "packaging", {"type": "text", "label": {"zh": "包装", "en": "Packaging"}}, after="customer"),
            SetValue(("forms", "order", "label", "en"), "Sales order"),
            Remove(("forms", "product", "icon")),
        ],
    ).text  # fmt: skip
    by_hand = HUB.replace("label: {zh: 订单, en: Order}\n", "label: {zh: 销售订单, en: Order}  # as sales say\n", 1)
    by_hand = by_hand.replace("    title: \"record.sku", "    # by hand\n    title: \"record.sku")
    merged = merge(HUB, mine, by_hand)
    assert merged.conflicts == ()
    order = load_text(merged.text, registry_for(FILE)).definition.forms["order"]
    assert (order.label.texts["zh"], order.label.texts["en"]) == ("销售订单", "Sales order")
    assert "packaging" in order.fields
    assert "  # as sales say\n" in merged.text
    assert "    # by hand\n" in merged.text


def test_undo_and_redo_give_the_same_bytes():
    history, texts = Undo(), ["a: {x: 1,  y: 2}  # c\r\nb: 1"]
    for label, edit in [("set", SetValue(("a", "x"), 5)), ("rename", RenameKey(("b",), "c")), ("remove", Remove(("a",)))]:
        applied = apply(texts[-1], [edit])
        history.add(label, applied)
        texts.append(applied.text)
    history = Undo.from_data(history.as_data())
    text = texts[-1]
    for wanted, label in zip(texts[-2::-1], ["remove", "rename", "set"], strict=True):
        text, undone = history.undo(text)
        assert (text, undone) == (wanted, label)
    for wanted, label in zip(texts[1:], ["set", "rename", "remove"], strict=True):
        text, redone = history.redo(text)
        assert (text, redone) == (wanted, label)


def test_undo_keeps_the_newest_edits_and_says_when_there_are_none():
    history, text = Undo(limit=2), "a: 0\n"
    for number in (1, 2, 3, 3):
        applied = apply(text, [SetValue(("a",), number)])
        history.add(f"to {number}", applied)
        text = applied.text
    assert history.undo(text) == ("a: 2\n", "to 3")
    assert history.undo("a: 2\n") == ("a: 1\n", "to 2")
    with pytest.raises(Exception, match=r"^There is nothing to undo\.$"):
        history.undo("a: 1\n")
    history.add("else", apply("a: 1\n", [SetValue(("a",), 9)]))
    with pytest.raises(Exception, match=r"^There is nothing to redo\.$"):
        history.redo("a: 9\n")


def test_undo_refuses_a_text_that_somebody_else_changed():
    history = Undo()
    history.add("set", apply("a: 1\n", [SetValue(("a",), 2)]))
    with pytest.raises(
        Exception, match=r"^The text was changed by somebody else since; this step cannot be taken any more\.$"
    ):
        history.undo("a: 3\n")
