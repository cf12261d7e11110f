"""From definition to definition: nothing is lost, and nothing is taken away unasked."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from storing import NOW, TICKETS, define, insert, install

from engine.errors import Refused
from engine.storage import events, migrate, page, records, search, series
from engine.storage.database import Database
from engine.storage.events import Event
from engine.storage.tables import Tables, build_tables


def change(text: str, *replacements: tuple[str, str]) -> str:
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


def planned(database: Database, text: str) -> migrate.Plan:
    definition = define(text)
    with database.read() as conn:
        return migrate.plan_migration(conn, definition, build_tables(definition), NOW)


def refused(database: Database, text: str) -> str:
    with pytest.raises(Refused) as error:
        install(database, text)
    return str(error.value)


def filled(database: Database) -> Tables:
    tables = install(database)
    with database.write() as conn:
        roof = insert(conn, tables, "project", name="Roof", _title="Roof")
        for number, size in (("1", "small"), ("x2", "large"), ("3", None)):
            insert(
                conn, tables, "ticket", number=number, project=roof, size=size, hours=Decimal("1.50"),
                colours=("red",) if size else None, place=number, due_on=dt.date(2026, 1, 2), note="long " * 20,
            )  # fmt: skip
        red = insert(conn, tables, "tag", name="red")
        records.set_links(conn, tables, "ticket", "tags", 1, [red])
        insert(conn, tables, "step", _parent=1, name="first", cost=Decimal("9.99"))
        events.append(conn, tables, Event(at=NOW, form="ticket", record_id=1, kind="created"))
        series.draw(conn, tables, "ticket.number")
    return tables


def values(database: Database, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with database.read() as conn:
        source = sa.table(table, *(sa.column(name) for name in ("id", *columns)))
        select = sa.select(*(source.c[name] for name in columns)).order_by(source.c.id)
        return [tuple(row) for row in conn.execute(select)]


def column(database: Database, tables: Tables, form: str, name: str) -> list[Any]:
    table = tables.form[form]
    with database.read() as conn:
        return list(conn.execute(sa.select(table.c[name]).order_by(table.c.id)).scalars())


def test_the_same_definition_needs_nothing(database: Database) -> None:
    install(database)
    plan = planned(database, TICKETS)
    assert (plan.empty, plan.known, plan.describe("en")) == (True, True, [])


def test_new_forms_fields_and_indexes_come_by_themselves_with_their_defaults(database: Database) -> None:
    filled(database)
    text = change(
        TICKETS,
        ("      place: {type: text}", "      place: {type: text, index: true}\n"
         "      weight: {type: decimal, default: 2}\n      helper: {type: user}\n"
         "      owner_project: {type: link, form: project}\n"
         "      others: {type: links, form: project}"),
        ("  step:\n", "  room:\n    label: Room\n    fields: {name: {type: text}}\n"
         "    permissions: {worker: {create: true, read: true, update: true}}\n  step:\n"),
    )  # fmt: skip
    plan = planned(database, text)
    assert plan.explicit == ()
    tables = install(database, text)
    assert column(database, tables, "ticket", "weight") == [Decimal(2)] * 3
    assert column(database, tables, "ticket", "place") == ["1", "x2", "3"]
    with database.write() as conn:
        insert(conn, tables, "room", name="A")
        insert(conn, tables, "ticket", number="4", owner_project=1)
    assert planned(database, text).empty


def test_renames_keep_every_value(database: Database) -> None:
    filled(database)
    text = change(
        TICKETS,
        ("  ticket:\n    label: Ticket", "  issue:\n    id: ticket\n    label: Issue"),
        ("of: ticket.hours", "of: issue.hours"), ("of: ticket,", "of: issue,"),
        ("      number: {type: text, unique: true}", "      code: {type: text, unique: true, renamed_from: number}"),
        ("title: record.number", "title: record.code"), ("columns: [number, due_on]", "columns: [code, due_on]"),
        ("      tags: {type: links, form: tag}", "      labels: {type: links, form: tag, id: tags}"),
        ("  tag:\n    label: Tag", "  label:\n    renamed_from: tag\n    label: Label"), ("form: tag", "form: label"),
        ("small: {label: Small}", "little: {label: Little, renamed_from: small}"), ("== 'small'", "== 'little'"),
        ("red: {label: Red}", "rouge: {label: Rouge, id: red}"),
        ("fresh: {label: Fresh}", "open: {label: Open, renamed_from: fresh}"),
        ("initial: fresh", "initial: open"), ("from: [fresh]", "from: [open]"),
    )  # fmt: skip
    plan = planned(database, text)
    assert plan.explicit == ()
    assert "Form ticket is now called issue." in plan.describe("en")
    tables = install(database, text)
    assert column(database, tables, "issue", "code") == ["1", "x2", "3"]
    assert column(database, tables, "issue", "size") == ["little", "large", None]
    assert column(database, tables, "issue", "colours") == [("rouge",), ("rouge",), None]
    assert column(database, tables, "issue", "state") == ["open"] * 3
    with database.write() as conn:
        assert records.links_of(conn, tables, "issue", "labels", [1]) == {1: (1,)}
        assert [line["name"] for line in records.lines_of(conn, tables, "step", [1])[1]] == ["first"]
        assert [event.kind for event in events.of_record(conn, tables, "issue", 1)] == ["created"]
        assert series.draw(conn, tables, "issue.number") == 2
        query = page.Query("issue", ("code",), (search.clause(tables, "issue", "x2"),))
        assert [row["code"] for row in page.page(conn, tables, query).rows] == ["x2"]
        with pytest.raises(Exception, match="never changed"), conn.begin_nested():
            conn.execute(sa.text("DELETE FROM _event"))
    assert planned(database, text).empty


def test_two_fields_can_exchange_their_names(database: Database) -> None:
    filled(database)
    text = change(
        TICKETS,
        ("      note: {type: long_text}", "      place: {type: long_text, id: note}"),
        ("      place: {type: text}", "      note: {type: text, id: place}"),
    )
    tables = install(database, text)
    assert column(database, tables, "ticket", "note") == ["1", "x2", "3"]
    assert column(database, tables, "ticket", "place")[0].startswith("long long")


def test_a_field_that_is_gone_needs_a_word_and_its_values_stay(database: Database) -> None:
    filled(database)
    text = change(TICKETS, ("      place: {type: text}\n", ""))
    assert refused(database, text) == (
        "The definition takes away things that hold data: Field place of form ticket is gone; 3 records have a value in"
        " it, kept in the column _gone_place_20260304. To go on, run: appmill migrate --apply. The data is kept in the"
        " database."
    )
    assert values(database, "ticket", "place") == [("1",), ("x2",), ("3",)]
    install(database, text, allow_explicit=True)
    assert values(database, "ticket", "_gone_place_20260304") == [("1",), ("x2",), ("3",)]
    assert planned(database, text).empty
    back = install(database, TICKETS)
    assert column(database, back, "ticket", "place") == ["1", "x2", "3"]


def test_a_form_that_is_gone_is_kept_under_another_name(database: Database) -> None:
    filled(database)
    text = change(
        TICKETS,
        ("  tag:\n    label: Tag\n    fields:\n      name: {type: text, unique: true}\n"
         "    permissions: {worker: {create: true, read: true, update: true}}\n", ""),
        ("      tags: {type: links, form: tag}\n", ""),
    )  # fmt: skip
    assert [
        step.message.values["form"] for step in planned(database, text).explicit if "form" in step.message.values
    ] == ["tag"]
    install(database, text, allow_explicit=True)
    assert values(database, "_gone_tag_20260304", "name") == [("red",)]
    back = install(database, TICKETS)
    assert values(database, "tag", "name") == [("red",)]
    with database.read() as conn:
        assert records.links_of(conn, back, "ticket", "tags", [1]) == {1: (1,)}


@pytest.mark.parametrize(
    ("old", "new", "said", "after"),
    [
        ("place: {type: text}", "place: {type: integer}", "1 of 3", [1, None, 3]),
        ("hours: {type: decimal}", "hours: {type: text}", "0 of 3", ["1.5", "1.5", "1.5"]),
        ("due_on: {type: date}", "due_on: {type: text}", "0 of 3", ["2026-01-02"] * 3),
        ("note: {type: long_text}", "note: {type: text, max_length: 20}", "3 of 3", [None] * 3),
    ],
)
def test_another_type_is_tried_first_and_keeps_the_old_values(
    database: Database, old: str, new: str, said: str, after: list[Any]
) -> None:
    filled(database)
    name = old.partition(":")[0]
    before = values(database, "ticket", name)
    text = change(TICKETS, (old, new))
    if name == "hours":
        text = change(text, ("      hours: {type: rollup, of: ticket.hours, via: project, fold: sum}\n", ""))
    assert f"{said} values do not fit" in refused(database, text)
    tables = install(database, text, allow_explicit=True)
    converted = column(database, tables, "ticket", name)
    assert [value.rstrip("0") if name == "hours" else value for value in converted] == after
    assert values(database, "ticket", f"_gone_{name}_20260304") == before


def test_a_longer_text_needs_no_word(database: Database) -> None:
    filled(database)
    text = change(TICKETS, ("place: {type: text}", "place: {type: text, max_length: 2000}"))
    assert planned(database, text).explicit == ()
    tables = install(database, text)
    with database.write() as conn:
        records.update(conn, tables, "ticket", 1, None, {"place": "p" * 1500})


def test_options_in_use_stay_and_states_in_use_lead_back_to_the_start(database: Database) -> None:
    tables = filled(database)
    with database.write() as conn:
        records.update(conn, tables, "ticket", 2, None, {"state": "done"})
    text = change(
        TICKETS,
        ("large: {label: Large}", "huge: {label: Huge}"),
        ("done: {label: Done, final: true}", "closed: {label: Closed, final: true}"), ("to: done", "to: closed"),
    )  # fmt: skip
    plan = planned(database, text)
    assert plan.describe("en")[-2:] == [
        "! Option large of field size of form ticket is gone; 1 records have it and keep it.",
        "! State done of form ticket is gone; its 1 records go to fresh.",
    ]
    install(database, text, allow_explicit=True)
    assert values(database, "ticket", "size", "state") == [("small", "fresh"), ("large", "fresh"), (None, "fresh")]
    with database.read() as conn:
        event = events.of_record(conn, tables, "ticket", 2)[0]
    assert (event.kind, event.from_state, event.to_state) == ("migrated", "done", "fresh")


def test_values_that_occur_twice_cannot_become_unique(database: Database) -> None:
    tables = filled(database)
    with database.write() as conn:
        records.update(conn, tables, "ticket", 2, None, {"place": "1"})
    text = change(TICKETS, ("place: {type: text}", "place: {type: text, unique: true}"))
    assert refused(database, text) == (
        "The definition does not fit the data: place of form ticket must be unique, but 1 values occur several times;"
        " change those records first."
    )
    with pytest.raises(Refused):
        install(database, text, allow_explicit=True)
    with database.write() as conn:
        records.update(conn, tables, "ticket", 1, None, {"deleted_at": NOW})
    install(database, text)


def test_a_migration_that_fails_leaves_everything_as_it_was(database: Database) -> None:
    filled(database)
    definition = define(change(TICKETS, ("place: {type: text}", "spot: {type: text, renamed_from: place}")))
    tables = build_tables(definition)
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        migrate.upgrade(conn, definition, tables, source="", now=NOW)
        raise ZeroDivisionError
    assert values(database, "ticket", "place") == [("1",), ("x2",), ("3",)]
    assert planned(database, TICKETS).empty


def test_a_workflow_can_be_added_to_records_there_are(database: Database) -> None:
    flow = TICKETS[TICKETS.index("    workflow:") : TICKETS.index("  step:\n")]
    bare = install(database, change(TICKETS, (flow, "")))
    with database.write() as conn:
        insert(conn, bare, "ticket", number="1")
    tables = install(database)
    assert column(database, tables, "ticket", "state") == ["fresh"]
    assert column(database, tables, "ticket", "state_since") == [NOW]


def test_the_source_of_every_definition_is_kept(database: Database) -> None:
    install(database)
    other = change(TICKETS, ("label: Tickets", "label: Tasks"))
    install(database, other)
    with database.read() as conn:
        assert migrate.source_of(conn, define(TICKETS).hash) == TICKETS
        assert migrate.source_of(conn, define(other).hash) == other
        assert migrate.source_of(conn, "none") is None


def test_what_is_worked_out_otherwise_is_named(database: Database) -> None:
    filled(database)
    text = change(
        TICKETS, ("title: record.number", "title: record.place"), ("via: project, fold: sum", "via: project, fold: max")
    )
    assert set(planned(database, text).recompute) == {("ticket", "_title"), ("project", "hours")}
