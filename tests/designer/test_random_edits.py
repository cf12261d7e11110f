"""Random sequences of edits over real files: the file says what plain data would say, nothing else has moved, and
undoing everything gives the same bytes. 100 sequences and 33 merges, 1,000 of each with DESIGNER=full."""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from designer.text import (
    Document,
    EditRefused,
    Insert,
    Move,
    Remove,
    RenameKey,
    ReplaceText,
    SetValue,
    SpliceFailed,
    apply,
    edited,
    merge,
    spliced,
)
from designer.text.edits import look
from designer.text.scalars import plain_data
from designer.text.tree import _read
from engine.yamlfile import read_source

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("DESIGNER") == "full"
SEQUENCES, MERGES = (1_000, 1_000) if FULL else (100, 33)

REMARKED = """\
# The file's own remark

app: remarks  # at the end of a line
label: {zh: 备注, en: Remarks}  # flow
roles:
  # about the clerk
  clerk: {label: {zh: 文员, en: Clerk}}
  # about the boss
  # in two lines
  boss:
    label: Boss   # a text

  # apart from everything

  guest: {}

menu:   # one per line
  - {label: A, items: [a, b]}
  # second
  - label: "B"
    items: [
      c,  # first
      'd',
      # before e
      e
    ]
texts:
- |
  # no remark
  two lines

- >-
  folded
  text
- "quoted # no remark"
- 'it''s'
empty:
# the last remark
"""
FILES = {
    "order_hub": (ROOT / "apps/order_hub.yaml").read_text(encoding="utf-8"),
    **{path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests/apps").glob("*.yaml"))},
    "remarked": REMARKED,
    "windows": REMARKED.replace("\n", "\r\n"),
    "no last line end": REMARKED.removesuffix("\n"),
    "byte order mark": "\ufeff" + REMARKED,
}
# Everything YAML can do to a small file; each was a defect once, or might be.
SHAPES = {
    "nested lists": "a:\n  - - x\n    - y\n  -\n    - z\n  - - - q\n",
    "deep dash": "-   a: 1\n    b: 2\n-   c: 3 # c\n\n-   [x, {y: z}]\n",
    "wide": "a:\n      b: 1\n      c:\n            d: [1,\n              2,\n              3]\n      e: { x: 1 , y : 2 }\n",
    "flow root": "{a: 1, b: [x, y], c: {d: 1}}\n",
    "flow lines": "a: {\n  x: 1,   # one\n  # two\n  y: {z: 1,\n      w: 2},\n}\nb: [\n  [1, 2],\n  {k: v}\n]  # end\nc: [a, b,\n    # mid\n    c, d,]\n",
    "anchors": "base: &base {x: 1, y: 2}\nuse:\n  <<: *base\n  z: 3\nlist:\n  - *base\n  - &one 1\n  - q\nother: 5\n",
    "multi plain": "a: some words\n  going on\nb: \"quoted\n  over\n  lines\"  # c\nc: 'x\n\n  y'\nd: >+\n  keep\n\n\ne: |2\n    two\n   one\nf: |-\n  x\n",
    "keep end": "a: 1\nb: |+\n  x\n\n\n",
    "keep end no nl": "a: 1\nb: |\n  x",
    "pair": "a: [x: 1, y]\nb: {c, d: , e: }\n",
    "quoted keys": "'a b': 1\n\"c\\td\": 2\ne: {'f': 1, \"g\":2}\n",
    "tags": "a: !!str 12\nb: !x {c: 1}\nd: !!int '3'\n",
    "null items": "a:\n  -\n  - # c\n  - x\n  -\nb:\nc: ~\n",
    "doc": "%YAML 1.1\n---\n# c\na: 1\nb:\n- x\n- y\n...\n",
    "comments": "# 1\n\n# 2\na: # 3\n  # 4\n\n  # 5\n  b: 1 # 6\n   # 7\n  # 8\n\n# 9\nc: 2\n# 10\n",
    "cr": "a: 1\r\nb:\r\n  - x # c\r\n  - y: |\r\n      t\r\n      u\r\n    z: 1\r\nc: {d: 1,\r\n    e: 2}",
    "anchor block": "a: &k\n  x: 1\n  y: 2\nb: &l\n- 1\n- 2\nc: &m |\n  t\nd: &n\n",
    "empty": "",
    "comment only": "# c",
    "null root": "---\n",
    "scalar root": "x\n",
    "list root": "- a\n# c\n- b: 1\n  c: 2\n",
    "dash under key item": "a:\n- b:\n  - c\n  - d\n  e: 1\n- f\n",
}  # fmt: skip
FILES |= SHAPES
READABLE = {name: text for name, text in FILES.items() if name in SHAPES or not read_source(text).findings}

KEYS = st.sampled_from(["note", "label", "zh", "where", "a b", "yes", "12", "名", "x: y", "fields", "#"])
TEXTS = st.one_of(
    st.sampled_from(["", "yes", "12", "a: b", "x #y", "-", "- a", "it's", '"q"', "{a}", "[", "名称", "one\ntwo\n", "one\ntwo", " a", "a ", "\n", "?", "a\tb", "# x", "record.state == 'x'", "| x", "&a", "*a", "!t", "2026-11-01", "null", "~", "😀", "a\u200bb", "C:\\x"]),
    st.text(max_size=12).filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text)),
)  # fmt: skip
SCALARS = st.one_of(TEXTS, st.integers(-999, 10**9), st.booleans(), st.none(), st.decimals(-99, 99, places=2))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def places(data, path=()):
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*path, key))


def drawn_edit(draw, document):
    """An edit at a random place; where it makes no sense it is refused."""
    every = list(places(document.data))
    path = draw(st.sampled_from(every))
    kind = draw(st.sampled_from([SetValue, Insert, Remove, Move, RenameKey, ReplaceText]))
    if kind is SetValue:
        return SetValue(path, draw(VALUES))
    if kind is Insert:
        at = draw(st.integers(-1, 5))
        key = at if isinstance(look(document.data, path), list) else draw(KEYS)
        return Insert(path, key, draw(VALUES), index=at)
    if kind is Remove:
        return Remove(path, emptied=draw(st.booleans()))
    if kind is Move:
        return Move(path, draw(st.sampled_from([path[:-1], path[:-1], *every])), index=draw(st.integers(-1, 5)))
    if kind is RenameKey:
        return RenameKey(path, draw(KEYS))
    value = look(document.data, path)
    size = len(value) if isinstance(value, str) else 1
    start = draw(st.integers(0, size))
    return ReplaceText(path, start, draw(st.integers(start, size)), draw(TEXTS))


def plain(edit):
    """The edit with its value as it reads when it was written."""
    return replace(edit, value=plain_data(edit.value)) if isinstance(edit, (SetValue, Insert)) else edit


REAL = [name for name in READABLE if name not in SHAPES]


@pytest.mark.parametrize("name", REAL)
def test_reading_gives_the_same_data_as_the_engine(name):
    assert Document.read(READABLE[name]).data == read_source(READABLE[name]).data


@settings(
    max_examples=SEQUENCES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
@given(st.data())
def test_random_edits_of_real_files(data):
    start = READABLE[data.draw(st.sampled_from([*REAL, *REAL, *SHAPES]))]
    document, undo, wanted = Document.read(start), [], Document.read(start).data
    for _ in range(data.draw(st.integers(1, 6))):
        edit = drawn_edit(data.draw, document)
        try:
            applied = apply(document, [edit])
        except EditRefused as refused:
            assert not isinstance(refused, SpliceFailed), edit
            continue
        wanted = edited(wanted, plain(edit))
        assert repr(applied.document.data) == repr(wanted)
        untouched(document, edit, applied)
        undo.append(applied.inverse)
        document = applied.document
    text = document.text
    for inverse in reversed(undo):
        text = spliced(text, inverse)
    assert text.encode() == start.encode()


def untouched(document, edit, applied):
    """Every line the edit is not about is there, in its order; every comment outside of what was taken is too."""
    lines, touched = document.text.split("\n"), touched_lines(document, edit) | text_at_the_end(document)
    left = iter(line.rstrip("\r") for line in applied.text.split("\n"))
    for number, line in enumerate(lines):
        assert number in touched or any(line.rstrip("\r") == other for other in left), (edit, number, line)
    if "\n" in document.text and document.text.count("\n") == document.text.count("\r\n"):
        assert applied.text.count("\n") == applied.text.count("\r\n"), edit
    gone = remarks(document.text, document.comments()) - remarks(applied.text, applied.document.comments())
    taken = range(0) if not isinstance(edit, (SetValue, Remove)) or not document.has(edit.path) else touched
    assert not gone - remarks(document.text, [at for at in document.comments() if line_of(document, at[0]) in taken])


def text_at_the_end(document):
    """A ``|`` text that ends with the file, without a line end, becomes ``|-`` when something comes behind it."""
    node = document.root
    while node.entries:
        node = node.entries[-1].node
    return set() if document.text.endswith("\n") or node.style not in ("|", ">") else {line_of(document, node.start)}


def remarks(text, places):
    return Counter(text[start:end].rstrip() for start, end in places)


def line_of(document, offset):
    return document.text.count("\n", 0, offset)


def touched_lines(document, edit):
    """The lines an edit may change: those of what it takes or sets, with the comments above and below it, and of what
    it puts something into, unless that is a block, which just gets more lines."""
    if isinstance(edit, Insert):
        return into(document, edit.parent)
    if isinstance(edit, SetValue) and not document.has(edit.path):
        return into(document, edit.path[:-1])
    if isinstance(edit, (RenameKey, ReplaceText)):
        entry = document.entry(edit.path)
        return set(range(line_of(document, entry.start), line_of(document, entry.node.end) + 1))
    path = edit.path
    while getattr(edit, "emptied", False) and len(path) > 1 and len(document.find(path[:-1]).value) == 1:
        path = path[:-1]
    out = own_lines(document, path) if isinstance(edit, SetValue) else taken_out(document, path)
    return out | into(document, edit.parent) if isinstance(edit, Move) else out


def into(document, path):
    entry = document.entry(path)
    if entry.node.is_block:
        first = entry.node.entries[0].start  # a first key of an item goes before the one that has the dash
        return {line_of(document, first)}
    return set(range(line_of(document, entry.start), line_of(document, max(entry.node.end, entry.key_end)) + 1))


def taken_out(document, path):
    parent = document.entry(path[:-1])
    at = parent.node.entries.index(document.entry(path))
    found = own_lines(document, path)
    if len(parent.node.entries) == 1:
        found |= {line_of(document, parent.start), line_of(document, max(parent.node.start - 1, 0))}
    if at + 1 < len(parent.node.entries) and parent.node.is_block:
        found.add(line_of(document, parent.node.entries[1].start))  # it may become the one that has the dash
    if at and not parent.node.is_block:
        found.add(line_of(document, parent.node.entries[at - 1].node.end))  # the comma
    return found


def own_lines(document, path):
    """The lines of an entry, with the comments and blank lines directly above and below it."""
    entry, lines = document.entry(path), document.text.split("\n")
    first, last = line_of(document, entry.start), line_of(document, max(entry.node.end, entry.key_end))
    while first and (not (line := lines[first - 1].strip()) or line[0] == "#"):
        first -= 1
    while last + 1 < len(lines) and (not (line := lines[last + 1].strip()) or line[0] == "#"):
        last += 1
    return set(range(first, last + 1))


@settings(max_examples=MERGES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(st.data())
def test_edits_of_different_sections_merge_into_both(data):
    """Mine in one half of the sections, theirs in the other."""
    base = Document.read(READABLE[data.draw(st.sampled_from(REAL))])
    sections = list(base.data)
    mine, theirs = (edited_below(data.draw, base, sections[half::2]) for half in (0, 1))
    merged = merge(base.text, mine.text, theirs.text)
    assert merged.conflicts == ()
    wanted = {key: (mine if at % 2 == 0 else theirs).data[key] for at, key in enumerate(sections)}
    assert repr(Document.read(merged.text).data) == repr(wanted)
    assert merged.lost == ()


def edited_below(draw, document, sections):
    for _ in range(draw(st.integers(1, 4))):
        section = draw(st.sampled_from(sections))
        path = draw(st.sampled_from([path for path in places(document.data) if path[:1] == (section,)]))
        edit = draw(st.sampled_from([SetValue(path, draw(VALUES)), Remove(path), RenameKey(path, draw(KEYS))]))
        if len(path) == 1 and not isinstance(edit, SetValue):
            continue
        with suppress(EditRefused):
            document = apply(document, [edit]).document
    return document


def test_an_edit_of_a_large_file_is_quick():
    """Below 20 ms of processor time for 500 lines; the bound here leaves room for a busy machine."""
    document = Document.read(FILES["order_hub"])
    edits = [
        SetValue(("forms", "order", "label", "en"), "Sales order"),
        Insert(("forms", "order", "fields"), "extra", {"type": "text", "label": {"zh": "x", "en": "X"}}, after="customer"),
        Remove(("forms", "order", "fields", "due_on")),
        Move(("forms", "shipment"), ("forms",), index=0),
        RenameKey(("forms", "customer", "fields", "level"), "grade"),
    ]  # fmt: skip
    took = {type(edit).__name__: min(_seconds(document, edit) for _ in range(5)) for edit in edits}
    print("an edit: " + ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in took.items()))
    assert max(took.values()) < 0.040 * FILES["order_hub"].count("\n") / 500


def _seconds(document, edit):
    _read.cache_clear()
    began = process_time()
    apply(document, [edit])
    return process_time() - began
