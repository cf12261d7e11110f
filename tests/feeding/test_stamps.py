"""A feed says up to when it has read everything, also when nothing was new."""

from __future__ import annotations

import datetime as dt

from feeding_world import DESK, FakeConnection, desk, item, part, registry
from making import Made, MakeApp

from engine.errors import DeliveryFailed, message
from engine.feeding import looking, stamping
from engine.load import examine

STAMPED = DESK.replace("from: [east, west]", "from: [east]").replace(
    "forms:\n", """forms:
  system:
    label: {en: System, zh: 系统}
    title: record.name
    fields:
      name: {type: text, required: true, unique: true, label: {en: Name, zh: 名}}
      read_at: {type: datetime, label: {en: Read at, zh: 读取时间}}
      size: {type: integer, label: {en: Size, zh: 大小}}
    permissions: {clerk: {read: true}}
""", 1).rstrip() + "\n    stamp: {form: system, match: {name: source}, field: read_at}\n"


def read_at(made: Made) -> list[dt.datetime]:
    return [made.get("system", number + 1)["read_at"] for number in range(made.count("system"))]


def look(made: Made) -> dt.datetime:
    made.clock.advance(minutes=6)
    looking.collect(made.application)
    made.deliver()
    return made.clock()


def test_each_round_that_read_everything_is_stamped_and_no_other(make_app: MakeApp) -> None:
    made = desk(make_app, STAMPED)
    FakeConnection.script.update(east=[part(item("1"), more=True), part(item("2"))])
    first = look(made)
    assert read_at(made) == [first]
    FakeConnection.script.update(east=[DeliveryFailed(message("away"))])
    look(made)
    assert read_at(made) == [first]
    look(made)  # rests after the failure, or reads again
    again = look(made)
    assert read_at(made) == [again]  # nothing was new
    assert made.count("ticket") == 2


def test_a_stamp_that_is_refused_keeps_no_feed_from_reading(make_app: MakeApp) -> None:
    made = desk(make_app, STAMPED.replace("size: {type: integer,", "size: {type: integer, required: true,"))
    FakeConnection.script.update(east=[part(item("1"))])
    look(made)
    assert made.count("system") == 0
    assert made.count("ticket") == 1


def test_the_field_has_to_hold_a_moment() -> None:
    _definition, _source, findings = examine(STAMPED.replace("field: read_at", "field: size"), registry())
    assert [str(one.message) for one in findings if one.severity == "error"] == [
        "'size' is no field for a moment; its type has to be datetime."
    ]


def test_the_same_moment_told_twice_is_stamped_once(make_app: MakeApp) -> None:
    made = desk(make_app, STAMPED)
    app, feed = made.application, next(iter(made.application.definition.feeds.values()))
    for _ in range(2):
        with app.database.write() as conn:
            stamping.post(app, conn, feed, "east", made.clock())
    assert [row["kind"] for row in made.ledger("message")] == ["stamp"]
    made.deliver()
    assert read_at(made) == [made.clock()]
