"""Links that are found by what is in the records, records made once, one for each line, and changes in an order: given
a parts store, when parts move, then balances follow."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from engine.errors import AppmillError

STORE = """
app: store
label: Store
languages: [en]
roles: {keeper: {label: Keeper}}
forms:
  part:
    label: Part
    fields:
      name: {type: text, required: true}
      there: {type: rollup, of: shelf.there, via: part, fold: sum}
      promised: {type: rollup, of: wish.given, via: part, fold: sum}
    permissions: {keeper: {create: true, read: true}}
  shelf:
    label: Shelf
    title: "record.place"
    fields:
      part: {type: link, form: part, required: true}
      place: {type: text, required: true}
      there: {type: rollup, of: move.pieces, via: shelf, fold: sum}
    unique: [[part, place]]
    permissions: {keeper: {read: true}}
  move:
    label: Move
    title: record.place
    fields:
      part: {type: link, form: part, required: true}
      place: {type: text}
      pieces: {type: integer, required: true}
      shelf: {type: link, form: shelf, match: {part: record.part, place: record.place}, make: true}
    permissions: {keeper: {create: true, read: true, update: true}}
  wish:
    label: Wish
    title: "text(record.pieces)"
    fields:
      part: {type: link, form: part, required: true}
      pieces: {type: integer, required: true}
      given: {type: integer, default: 0}
      rank: {type: integer, default: 0}
    permissions: {keeper: {create: true, read: true}}
  bill:
    label: Bill
    title: "text(record.id)"
    fields:
      rows: {type: lines, form: row}
    permissions: {keeper: {create: true, read: true, update: true}}
  row:
    label: Row
    title: "text(record.pieces)"
    fields:
      part: {type: link, form: part, required: true}
      pieces: {type: integer, required: true}
      shelf: {type: link, form: shelf, match: {part: record.part, place: "'hall'"}}
  tally:
    label: Tally
    title: "text(record.id)"
    fields:
      part: {type: link, form: part, required: true}
    permissions: {keeper: {read: true}}
rules:
  never_below_nothing:
    trigger: {type: created, form: move}
    when: record.shelf.there < 0
    actions: [{type: refuse, message: "Only {{ record.shelf.there - record.pieces }} are there."}]
  give:
    trigger: {type: created, form: move}
    when: record.pieces > 0
    actions:
      - type: update
        form: wish
        where: record.part == source.part and record.given < record.pieces
        sort: [-rank]
        values: {given: "record.given + max(0, min(record.pieces - record.given, record.part.there - record.part.promised))"}
  bill_moves:
    trigger: {type: created, form: bill}
    actions:
      - {type: create, form: move, each: record.rows, values: {part: line.part, place: "'hall'", pieces: -line.pieces}}
      - {type: create, form: tally, each: record.rows, once: [part], values: {part: line.part}}
"""


@pytest.fixture
def store(make_app):
    app = make_app(STORE)
    app.person("kim", "keeper")
    return app


def move(store, part, place, pieces):
    return store.create("move", as_="kim", part=part.id, place=place, pieces=pieces)


def test_the_record_is_found_or_made_and_never_chosen(store):
    bolt = store.create("part", as_="kim", name="Bolt")
    first, second, other = (
        move(store, bolt, place, pieces) for place, pieces in (("hall", 5), ("hall", 2), ("yard", 1))
    )
    assert (first.row["shelf"] == second.row["shelf"], store.count("shelf")) == (True, 2)
    assert store.get("shelf", first.row["shelf"])["there"] == 7
    assert store.get("part", bolt)["there"] == 8
    assert store.events("shelf", other.row["shelf"])[0].kind == "created"  # made by the walk, whoever caused it
    with pytest.raises(AppmillError, match="read-only"):
        store.create("move", as_="kim", part=bolt.id, place="yard", pieces=1, shelf=first.row["shelf"])


def test_it_follows_what_it_is_found_by(store):
    bolt = store.create("part", as_="kim", name="Bolt")
    made = move(store, bolt, "hall", 5)
    moved = store.update("move", made, as_="kim", place="yard")
    assert [store.get("shelf", each.row["shelf"])["there"] for each in (made, moved)] == [0, 5]
    assert store.update("move", made, as_="kim", place=None).row["shelf"] is None
    assert store.count("shelf") == 2


def test_what_does_not_fit_leaves_nothing_behind(store):
    bolt = store.create("part", as_="kim", name="Bolt")
    with pytest.raises(AppmillError, match="Only 0 are there"):
        move(store, bolt, "hall", -1)
    assert (store.count("move"), store.count("shelf")) == (0, 0)


def test_wishes_are_given_in_their_order_until_nothing_is_left(store):
    bolt = store.create("part", as_="kim", name="Bolt")
    wishes = [store.create("wish", as_="kim", part=bolt.id, pieces=4, rank=rank) for rank in (1, 3, 2)]
    move(store, bolt, "hall", 6)
    assert [store.get("wish", wish)["given"] for wish in wishes] == [0, 4, 2]
    move(store, bolt, "hall", 9)
    assert [store.get("wish", wish)["given"] for wish in wishes] == [4, 4, 4]


def test_one_for_each_line_and_each_only_once(store):
    bolt, nut = (store.create("part", as_="kim", name=name) for name in ("Bolt", "Nut"))
    hall = move(store, bolt, "hall", 9).row["shelf"]
    move(store, nut, "hall", 9)
    rows = [{"part": bolt.id, "pieces": 2}, {"part": nut.id, "pieces": 3}, {"part": bolt.id, "pieces": 1}]
    bill = store.create("bill", as_="kim", rows=rows)
    assert [row["shelf"] for row in store.lines("row", bill)][0::2] == [hall, hall]
    assert (store.get("part", bolt)["there"], store.get("part", nut)["there"], store.count("tally")) == (6, 6, 2)


def test_two_at_once_find_the_same_record_and_take_no_more_than_there_is(store):
    bolt = store.create("part", as_="kim", name="Bolt")
    refused: list[str] = []

    def act(pieces: int) -> None:
        try:
            move(store, bolt, "hall", pieces)
        except AppmillError as error:
            refused.append(str(error))

    def together(*several: int) -> None:
        threads = [threading.Thread(target=act, args=(pieces,)) for pieces in several]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    together(4, 3, 2, 1)
    assert (store.count("shelf"), store.get("part", bolt)["there"], refused) == (1, Decimal(10), [])
    together(-6, -6, -6)
    assert (store.get("part", bolt)["there"], len(refused)) == (4, 2)


WRONG = {
    "make: true, match": (
        "match: {part: record.part, place: record.place}, make: true",
        "make: true",
        "Say with 'match'",
    ),
    "no field": ("place: record.place}, make", "plaice: record.place}, make", "has no field 'plaice'"),
    "worked out": ("place: record.place}, make", "there: record.pieces}, make", "cannot be found by 'there'"),
    "once without": ("once: [part]", "once: [part, id]", "has no field 'id'"),
    "no such line": ("place: \"'hall'\", pieces: -line.pieces", "place: \"'hall'\", pieces: -line.pices", "pices"),
    "sorted by nothing": ("sort: [-rank]", "sort: [-rang]", "has no field 'rang'"),
}


@pytest.mark.parametrize(("there", "instead", "said"), WRONG.values(), ids=WRONG)
def test_mistakes_are_told(there, instead, said):
    from engine.builtin import default_registry
    from engine.errors import DefinitionError
    from engine.load import load_text

    assert there in STORE
    with pytest.raises(DefinitionError, match=said):
        load_text(STORE.replace(there, instead), default_registry())
