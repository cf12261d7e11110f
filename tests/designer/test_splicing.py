"""Given a text and an edit, then this text: nothing else has changed."""

import pytest

from designer.text import (
    Document,
    EditRefused,
    Insert,
    Move,
    Remove,
    RenameKey,
    ReplaceText,
    SetValue,
    Unreadable,
    apply,
    spliced,
    usual_place,
)

CASES = {
    # values
    "a value": ("a: 1\nb: 2  # two\n", SetValue(("b",), 3), "a: 1\nb: 3  # two\n"),
    "a value keeps its quotes": ("a: \"x\"\nb: 'y'\n", SetValue(("b",), "z"), "a: \"x\"\nb: 'z'\n"),
    "a text that looks like a number is quoted": ("a: x\n", SetValue(("a",), "12"), 'a: "12"\n'),
    "a text that an older reader takes for yes": ("a: x\n", SetValue(("a",), "yes"), 'a: "yes"\n'),
    "a colon needs quotes": ("a: x\n", SetValue(("a",), "to: x"), 'a: "to: x"\n'),
    "a comma needs quotes between brackets": ("a: {b: x}\n", SetValue(("a", "b"), "1, 2"), 'a: {b: "1, 2"}\n'),
    "a comma needs none outside": ("a: x\n", SetValue(("a",), "one, two"), "a: one, two\n"),
    "double quotes inside": ("a: x\n", SetValue(("a",), '"x" is: 1'), "a: '\"x\" is: 1'\n"),
    "aligned values stay aligned": ("paid:    x\nfrozen:  y\n", SetValue(("paid",), "z"), "paid:    z\nfrozen:  y\n"),
    "an empty value": ("a:  # nothing yet\nb: 1\n", SetValue(("a",), "x"), "a: x  # nothing yet\nb: 1\n"),
    "a value becomes nothing": ("a: 1\n", SetValue(("a",), None), "a: null\n"),
    "a new key by its value": ("a: {b: 1}\n", SetValue(("a", "c"), True), "a: {b: 1, c: true}\n"),
    "several lines": ("a: x  # why\nb: 1\n", SetValue(("a",), "one\ntwo\n"), "a: |  # why\n  one\n  two\nb: 1\n"),
    "several lines without the last end": ("a: x\n", SetValue(("a",), "one\ntwo"), "a: |-\n  one\n  two\n"),
    "other lines": ("a: |\n  one\n  two\n\n# b\nb: 1\n", SetValue(("a",), "1\n2\n"), "a: |\n  1\n  2\n\n# b\nb: 1\n"),
    "lines become a word": ("a: |\n  one\n  two\nb: 1\n", SetValue(("a",), "x"), "a: x\nb: 1\n"),
    "lines between brackets": ("a: {b: x}\n", SetValue(("a", "b"), "1\n2"), 'a: {b: "1\\n2"}\n'),
    "a block becomes a value": ("a:  # c\n  x: 1\n  # in a\n  y: 2\nb: 1\n", SetValue(("a",), 5), "a: 5  # c\nb: 1\n"),
    "a value becomes a block": (
        "a: 1  # c\nb:\n  x: 1\n",
        SetValue(("a",), {"x": {"y": {"z": {"w": 1}}}}),
        "a:  # c\n  x:\n    y: {z: {w: 1}}\nb:\n  x: 1\n",
    ),
    "an item becomes a map": ("a:\n  - x  # c\n  - y\n", SetValue(("a", 0), {"b": 1}), "a:\n  - {b: 1}  # c\n  - y\n"),
    "a part of a map": (
        "a: {x: 1, 'y': \"2\", z: [1,2]}\n",
        SetValue(("a",), {"x": 5, "y": "2", "z": [1, 2], "w": 0}),
        "a: {x: 5, 'y': \"2\", z: [1,2], w: 0}\n",
    ),
    "a part of a list": ("a: [ x,  y, z ]\n", SetValue(("a",), ["x", "z", "w"]), "a: [ x,  z, w ]\n"),
    "a list in another order": ("a: [x,  y, z]\n", SetValue(("a",), ["z", "x", "y"]), "a: [z, x,  y]\n"),
    # putting in
    "at the end": ("a:\n  x: 1\n  # in a\nb: 1\n", Insert(("a",), "y", 2), "a:\n  x: 1\n  y: 2\n  # in a\nb: 1\n"),
    "below what is deeper": (
        "a:\n  x:\n    z: 1\n    # in x\nb: 1\n",
        Insert(("a",), "y", 2),
        "a:\n  x:\n    z: 1\n    # in x\n  y: 2\nb: 1\n",
    ),
    "before": ("a:\n  # x\n  x: 1\n", Insert(("a",), "y", 2, before="x"), "a:\n  y: 2\n  # x\n  x: 1\n"),
    "after": ("x: 1 # x\nz: 1\n", Insert((), "y", 2, after="x"), "x: 1 # x\ny: 2\nz: 1\n"),
    "set off as its neighbours": (
        "forms:\n  a:\n    x: 1\n\n  b:\n    x: 1\n\nrules: {}\n",
        Insert(("forms",), "c", {"x": 2}),
        "forms:\n  a:\n    x: 1\n\n  b:\n    x: 1\n\n  c:\n    x: 2\n\nrules: {}\n",
    ),
    "between brackets": ("a: {x: 1, y: 2}\n", Insert(("a",), "z", 3, after="x"), "a: {x: 1, z: 3, y: 2}\n"),
    "first between brackets": ("a: [x, y]\n", Insert(("a",), 0, "z"), "a: [z, x, y]\n"),
    "between wide brackets": ("a: { x: 1 }\n", Insert(("a",), "z", 3), "a: { x: 1, z: 3 }\n"),
    "into empty brackets": ("a: {}  # none\nb: {x: 1}\n", Insert(("a",), "z", 3), "a: {z: 3}  # none\nb: {x: 1}\n"),
    "into nothing": ("a:\nb: 1\n", Insert(("a",), "z", 3), "a: {z: 3}\nb: 1\n"),
    "into nothing, as the others are": (
        "f:\n  a:\n    v: {}  # c\n  b:\n    v:\n      x: {t: 1}\n",
        Insert(("f", "a", "v"), "y", {"t": 2}),
        "f:\n  a:\n    v:  # c\n      y: {t: 2}\n  b:\n    v:\n      x: {t: 1}\n",
    ),
    "an item": ("a:\n  - x\n  - y  # c\n", Insert(("a",), -1, "z"), "a:\n  - x\n  - y  # c\n  - z\n"),
    "an item of a list that stands under its key": ("a:\n- x\nb: 1\n", Insert(("a",), 1, "z"), "a:\n- x\n- z\nb: 1\n"),
    "an item with keys": (
        "a:\n  - type: x\n    to: y\n",
        Insert(("a",), 1, {"type": "z", "to": "w"}),
        "a:\n  - type: x\n    to: y\n  - type: z\n    to: w\n",
    ),
    "a first key of an item": (
        "a:\n  - x: 1\n    y: 2\n",
        Insert(("a", 0), "z", 3, before="x"),
        "a:\n  - z: 3\n    x: 1\n    y: 2\n",
    ),
    "one per line": (
        "a: [\n  x,  # x\n  y,  # y\n]\n",
        Insert(("a",), -1, "z"),
        "a: [\n  x,  # x\n  y,  # y\n  z,\n]\n",
    ),
    "one per line without a last comma": (
        "a: [\n  x,\n  y  # y\n]\n",
        Insert(("a",), -1, "z"),
        "a: [\n  x,\n  y,  # y\n  z\n]\n",
    ),
    "what is long becomes a block": (
        "f:\n  a: {t: 1}\n",
        Insert(("f",), "b", {"t": 2, "label": "x" * 60, "help": "y" * 60}),
        "f:\n  a: {t: 1}\n  b:\n    t: 2\n    label: " + "x" * 60 + "\n    help: " + "y" * 60 + "\n",
    ),
    "quotes as the neighbours have them": (
        "v: {a: {where: \"x > 1\"}, b: {where: \"y > 1\"}, c: {}}\n",
        Insert(("v", "c"), "where", "z"),
        "v: {a: {where: \"x > 1\"}, b: {where: \"y > 1\"}, c: {where: \"z\"}}\n",
    ),
    "a new section": ("app: x\n", Insert((), "forms", {"a": {"b": {"c": {"d": 1}}}}), "app: x\n\nforms:\n  a:\n    b: {c: {d: 1}}\n"),
    # taking out
    "with its comment": ("a: 1\n# b\nb: 2  # two\nc: 3\n", Remove(("b",)), "a: 1\nc: 3\n"),
    "a comment apart stays": ("a: 1\n# apart\n\nb: 2\nc: 3\n", Remove(("b",)), "a: 1\n# apart\n\nc: 3\n"),
    "a deeper comment belongs to the one above": (
        "a:\n  x: 1\n  # y: 2\nb: 2\nc: 3\n", Remove(("b",)), "a:\n  x: 1\n  # y: 2\nc: 3\n"
    ),
    "the comment that begins the file stays": ("# file\na: 1\nb: 2\n", Remove(("a",)), "# file\nb: 2\n"),
    "the last of a map": ("a:\n  # x\n  x: 1\nb: 2\n", Remove(("a", "x")), "a: {}\nb: 2\n"),
    "the last of a map, and the map": ("a:\n  # x\n  x: 1\nb: 2\n", Remove(("a", "x"), emptied=True), "b: 2\n"),
    "the last of a list": ("a:  # c\n  - x\nb: 2\n", Remove(("a", 0)), "a: []  # c\nb: 2\n"),
    "the last of an item": ("a:\n  - x: 1  # c\n  - y\n", Remove(("a", 0, "x")), "a:\n  - {}  # c\n  - y\n"),
    "the last of the file": ("# file\n\na: 1\n", Remove(("a",)), "# file\n\n{}\n"),
    "the first key of an item": ("a:\n  - x: 1\n    y: 2\n", Remove(("a", 0, "x")), "a:\n  - y: 2\n"),
    "between brackets, first": ("a: {x: 1, y: 2}\n", Remove(("a", "x")), "a: {y: 2}\n"),
    "between brackets, last": ("a: { x: 1, y: 2 }\n", Remove(("a", "y")), "a: { x: 1 }\n"),
    "between brackets, only": ("a: { x: 1 }\n", Remove(("a", "x")), "a: {}\n"),
    "an item with its own line": ("a: [\n  x,  # x\n  y,  # y\n]\n", Remove(("a", 0)), "a: [\n  y,  # y\n]\n"),
    "a comment in the middle stays": ("a: [x, # x\n  y]\n", Remove(("a", 1)), "a: [x, # x\n  ]\n"),
    "groups are not glued": ("a: 1\n\nb: 2\nc: 3\n", Remove(("b",)), "a: 1\n\nc: 3\n"),
    "groups are not driven apart": ("a: 1\n\nb: 2\n\nc: 3\n", Remove(("b",)), "a: 1\n\nc: 3\n"),
    "the first of several blocks": ("f:\n  a:\n    x: 1\n\n  b:\n    x: 1\n", Remove(("f", "a")), "f:\n  b:\n    x: 1\n"),
    "a line that looks like a comment": ("a: |\n  x\n  # text\nb: 1\nc: 2\n", Remove(("b",)), "a: |\n  x\n  # text\nc: 2\n"),
    # moving
    "up, with its comment": ("a: 1\n# b\nb: 2  # two\n", Move(("b",), (), index=0), "# b\nb: 2  # two\na: 1\n"),
    "deeper": (
        "a:\n  x:\n    # y\n    y:\n      z: 1\nb:\n  w: 1\n",
        Move(("a", "x", "y"), ("b",), before="w"),
        "a:\n  x: {}\nb:\n  # y\n  y:\n    z: 1\n  w: 1\n",
    ),
    "items": ("a: [x, y, z]\n", Move(("a", 0), ("a",), index=2), "a: [y, z, x]\n"),
    "an item to another list": ("a: [x, 'y']\nb: [z]\n", Move(("a", 1), ("b",), index=0), "a: [x]\nb: ['y', z]\n"),
    "an item with lines": (
        "a:\n  - t: x\n    u: 1\n  # second\n  - t: y\n",
        Move(("a", 1), ("a",), index=0),
        "a:\n  # second\n  - t: y\n  - t: x\n    u: 1\n",
    ),
    "the first key of an item goes down": (
        "a:\n  - x: 1  # x\n    y: 2\n",
        Move(("a", 0, "x"), ("a", 0)),
        "a:\n  - y: 2\n    x: 1  # x\n",
    ),
    "into brackets": ("a:\n  x: 'q'\n  y: 1\nb: {z: 1}\n", Move(("a", "x"), ("b",)), "a:\n  y: 1\nb: {z: 1, x: 'q'}\n"),
    "out of brackets": ("a: {x: 'q', y: 1}\nb:\n  z: 1\n", Move(("a", "x"), ("b",)), "a: {y: 1}\nb:\n  z: 1\n  x: 'q'\n"),
    "lines of text": (
        "a:\n  x:\n    t: |\n      one\n\n        two\n  y: 1\nb: 1\n",
        Move(("a", "x", "t"), ()),
        "a:\n  x: {}\n  y: 1\nb: 1\nt: |\n  one\n\n    two\n",
    ),
    # names
    "a key": ("a:\n  'x': 1  # c\n", RenameKey(("a", "x"), "y"), "a:\n  'y': 1  # c\n"),
    "a key between brackets": ("a: {x: 1}\n", RenameKey(("a", "x"), "y, z"), 'a: {"y, z": 1}\n'),
    # a part of a text
    "in quotes": ('a: "x.due == x.end"\n', ReplaceText(("a",), 9, 10, "y"), 'a: "x.due == y.end"\n'),
    "with escapes": ('a: "1\\n \\"x\\" x"\n', ReplaceText(("a",), 7, 8, "y"), 'a: "1\\n \\"x\\" y"\n'),
    "in lines": ("a: |\n  x\n  x # x\n", ReplaceText(("a",), 2, 3, "y"), "a: |\n  x\n  y # x\n"),
    "in folded lines": ("a: >\n  x and\n  x\n", ReplaceText(("a",), 6, 7, "y"), "a: >\n  x and\n  y\n"),
    "that needs quotes then": ("a: x\n", ReplaceText(("a",), 1, 1, ": y"), 'a: "x: y"\n'),
    "put in": ("a: 'xz'\n", ReplaceText(("a",), 1, 1, "y"), "a: 'xyz'\n"),
    # the shape of files
    "line ends of Windows": ("a: 1\r\n# c\r\nb: 2\r\n", Insert((), "c", "1\n2\n", after="a"), "a: 1\r\nc: |\r\n  1\r\n  2\r\n# c\r\nb: 2\r\n"),
    "line ends of Windows, taken out": ("a: 1\r\n# c\r\nb: 2 # d\r\nc: 3\r\n", Remove(("b",)), "a: 1\r\nc: 3\r\n"),
    "a byte order mark": ("\ufeffa: 1\nb: 2\n", Remove(("a",)), "\ufeffb: 2\n"),
    "a byte order mark before the only key": ("\ufeffa: 1\n", Remove(("a",)), "\ufeff{}\n"),
    "tabs in comments": ("a: 1\t#\tx\nb: 2\n", SetValue(("a",), 2), "a: 2\t#\tx\nb: 2\n"),
    "no last line end": ("a: 1\nb: 2", Insert((), "c", 3), "a: 1\nb: 2\nc: 3"),
    "no last line end, taken out": ("a: 1\nb: 2", Remove(("b",)), "a: 1"),
    "no last line end, moved": ("a: 1\nb: 2", Move(("a",), ()), "b: 2\na: 1"),
    "an empty file": ("", Insert((), "app", "x"), "app: x\n"),
    "only comments": ("# file\n", Insert((), "app", "x"), "# file\napp: x\n"),
    "only empty brackets": ("# file\n{}\n", Insert((), "app", "x"), "# file\napp: x\n"),
    "other characters": ("名: {标: 😀, x: 1}\n", SetValue(("名", "x"), "好：是"), "名: {标: 😀, x: 好：是}\n"),
    "a start of document": ("---\na: 1\n", Insert((), "b", 2, before="a"), "---\nb: 2\na: 1\n"),
    "a text that ended with the file": ("a: |\n  x", Insert((), "b", 1), "a: |-\n  x\nb: 1"),
    "a text that keeps its blank lines": ("a: |+\n  x\n\n", Insert((), "b", 1), "a: |+\n  x\n\nb: 1\n"),
    "an empty place between brackets": ("a: {b: , c}\n", SetValue(("a", "b"), 1), "a: {b: 1 , c}\n"),
    "a key without a colon": ("a: {b: , c}\n", SetValue(("a", "c"), 1), "a: {b: , c: 1}\n"),
    "a pair without brackets": ("a: [b: 1, c]\n", Remove(("a", 0, "b")), "a: [{}, c]\n"),
    "an item below its dash": ("a:\n  -\n    b: 1\n", Insert(("a", 0), "c", 2), "a:\n  -\n    b: 1\n    c: 2\n"),
    # anchors
    "beside an anchor": ("a: &x {b: 1}\nc: *x\nd: 1\n", SetValue(("d",), 2), "a: &x {b: 1}\nc: *x\nd: 2\n"),
    "an alias itself": ("a: &x {b: 1}\nc: *x\n", SetValue(("c",), 2), "a: &x {b: 1}\nc: 2\n"),
    "an anchor nobody uses": ("a: &x\n  b: 1\n", SetValue(("a", "b"), 2), "a: &x\n  b: 2\n"),
    "an anchor nobody uses, emptied": ("a: &x\n  b: 1\n", Remove(("a", "b")), "a: &x {}\n"),
    "beside a merge": ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", SetValue(("c", "b"), 2), "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n  b: 2\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_edit_changes_its_place_and_nothing_else(name):
    before, edit, after = CASES[name]
    applied = apply(before, [edit])
    assert applied.text == after
    assert spliced(before, applied.splices) == after
    assert spliced(after, applied.inverse) == before


# A refusal says why, where and what to do.
REFUSED = {
    "below an alias": (
        "a: &x {b: 1}\nc: *x\n", SetValue(("c", "b"), 2), "c.b stands below the alias '*x'; edit it where '&x' stands."
    ),
    "into an alias": (
        "a: &x {b: 1}\nc: *x\n", Insert(("c",), "d", 2), "c stands below the alias '*x'; edit it where '&x' stands."
    ),
    "what an alias shows": (
        "a: &x {b: 1}\nc: *x\n", SetValue(("a", "b"), 2), "a.b is shared by '&x': the alias in line 2 shows the same."
    ),
    "an anchor that is used": (
        "a: {b: &x 1}\nc: *x\n", Remove(("a",)), "a is shared by '&x': the alias in line 2 shows the same."
    ),
    "what is merged in": (
        "a: &x {b: 1}\nc: {<<: *x}\n", Remove(("c", "b")), "b comes from '<<: *x'; edit it where '&x' stands."
    ),
    "nothing there": ("a: {b: 1}\n", Remove(("a", "c")), "There is no c in a."),
    "no such item": ("a: [1]\n", SetValue(("a", 1), 2), "There is no 1 in a."),
    "a parent that is missing": ("a: 1\n", SetValue(("b", "c"), 2), "There is no b in the file."),
    "a name that is taken": ("a: {b: 1}\n", Insert(("a",), "b", 2), "b is already in a."),
    "a new name that is taken": ("a: 1\nb: 2\n", RenameKey(("a",), "b"), "b is already in the file."),
    "a key in a list": ("a: [1]\n", Insert(("a",), "b", 2), "a is no map; it takes no key."),
    "an item in a map": ("a: {b: 1}\n", Insert(("a",), 0, 2), "a is no list; it takes no item."),
    "a name for an item": ("a: [1]\n", RenameKey(("a", 0), "b"), "a.0 has no name."),
    "into itself": ("a: {b: {}}\n", Move(("a",), ("a", "b")), "a cannot be moved into itself."),
    "an item among names": (
        "a: [1]\nb: {}\n",
        Move(("a", 0), ("b",)),
        "a.0 cannot go to b: one has a name, the other takes none (or the reverse).",
    ),
    "the whole file": ("a: 1\n", Remove(()), "The whole file cannot be removed."),
    "beside nothing": ("a: 1\n", Insert((), "b", 2, after="c"), "There is no c in the file."),
    "beyond a text": ("a: abc\n", ReplaceText(("a",), 2, 5, ""), "a has 3 characters; 2 to 5 is no part of it."),
    "a part of a number": ("a: 12\n", ReplaceText(("a",), 0, 1, "3"), "a is no text."),
    "comments between brackets": (
        "a:\n  x:\n    # y\n    y: 1\nb: {z: 1}\n",
        Move(("a", "x"), ("b",)),
        "What holds comments cannot go between the brackets of b.",
    ),
    "a kind that YAML does not know": ("a: 1\n", SetValue(("a",), object()), "A object cannot be written into the file."),
    "a number without end": ("a: 1\n", SetValue(("a",), float("inf")), "Infinity cannot be written as a number."),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_edit_that_cannot_be_made_says_why(name):
    before, edit, reason = REFUSED[name]
    with pytest.raises(EditRefused) as refused:
        apply(before, [edit])
    assert str(refused.value) == reason


UNREADABLE = {
    "a: 1\n b: 2\n": "A ':' where none can stand: check the indentation, or put the text in quotes. 2:3",
    "a: 1\na: 2\n": "The key 'a' stands here twice. 2:1",
    "? [a]\n: 1\n": "A key must be a plain name, not a list, a mapping or an alias. 1:3",
    "a: 1\n---\nb: 2\n": "A second document starts here; a file holds one definition. 2:1",
    "a: *x\n": "'*x' is used before '&x' stands. 1:4",
    "a: " + "[" * 50 + "]" * 50: "Nested deeper than 40 levels. 1:44",
    b"a: \xff\n": "The file is not UTF-8 text: byte 0xff cannot be read. 1:4",
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_is_not_edited(text):
    with pytest.raises(Unreadable) as unreadable:
        Document.read(text)
    assert f"{unreadable.value} {unreadable.value.line}:{unreadable.value.column}" == UNREADABLE[text]


def test_a_hundred_thousand_brackets_do_not_end_the_process():
    with pytest.raises(Unreadable, match="Nested deeper than 40 levels"):
        Document.read("a: " + "[" * 100_000)


def test_several_edits_are_made_one_after_the_other_and_undone_together():
    before = "forms:\n  a: {x: 1}  # a\n  # b\n  b: {x: 2}\n"
    applied = apply(before, [RenameKey(("forms", "a"), "c"), Remove(("forms", "b")), SetValue(("forms", "c", "x"), 3)])
    assert applied.text == "forms:\n  c: {x: 3}  # a\n"
    assert spliced(before, applied.splices) == applied.text
    assert spliced(applied.text, applied.inverse) == before


def test_an_edit_that_changes_nothing_leaves_the_same_text():
    before = "a: {x: '1',  y: [1,2]}\n"
    applied = apply(before, [SetValue(("a",), {"x": "1", "y": [1, 2]}), SetValue(("a", "x"), "1")])
    assert (applied.text, applied.splices, applied.inverse) == (before, (), ())


def test_a_new_key_goes_where_things_of_its_kind_have_it():
    document = Document.read("forms:\n  a: {label: A, fields: {}, views: {}}\n  b: {label: B, views: {}}\n")
    assert usual_place(document, ("forms", "b"), "fields") == "label"
    assert usual_place(document, ("forms", "b"), "rules") is None
    after = usual_place(document, ("forms", "b"), "fields")
    assert apply(document, [Insert(("forms", "b"), "fields", {}, after=after)]).text == (
        "forms:\n  a: {label: A, fields: {}, views: {}}\n  b: {label: B, fields: {}, views: {}}\n"
    )
