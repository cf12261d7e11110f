"""Forward and back again: whatever is put aside comes back byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from deep import some
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from making import MakeApp
from storing import NOW, insert

from engine.builtin import default_registry
from engine.load import load_text
from engine.storage import migrate, records
from engine.storage.database import Database
from engine.storage.decisions import Decision
from engine.storage.migrate import Plan, plan_migration
from engine.storage.tables import Tables, build_tables

HOUSE = """\
app: house
label: House
languages: [en]
forms:
  tag:
    label: Tag
    fields:
      name: {type: text}
  project:
    label: Project
    title: record.name
    fields:
      name: {type: text, required: true}
      total: {type: rollup, of: ticket.hours, via: project, fold: sum}
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text}
      project: {type: link, form: project}
      due_on: {type: date}
      hours: {type: decimal}
      urgent: {type: boolean}
      size: {type: choice, options: {small: {label: Small}, large: {label: Large}}}
      colours: {type: choices, options: {red: {label: Red}, blue: {label: Blue}}}
      place: {type: text}
      address: {type: address}
      tags: {type: links, form: tag}
      steps: {type: lines, form: step}
  step:
    label: Step
    fields:
      name: {type: text}
      cost: {type: money}
"""
TAG = """  tag:
    label: Tag
    fields:
      name: {type: text}
"""
TAGS = "      tags: {type: links, form: tag}\n"
SYSTEM = ("_event", "_stay", "_attachment", "_comment", "_series")  # what belongs to records


def changed(*replacements: tuple[str, str]) -> str:
    text = HOUSE
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


def put(database: Database, text: str) -> tuple[Tables, Plan]:
    """Put a definition in force; whatever is asked gets its first answer, what is gone is put aside."""
    definition = load_text(text, default_registry()).definition
    tables = build_tables(definition)
    with database.write() as conn:
        asked = plan_migration(conn, definition, tables, NOW).questions
        plain = {one.id: one.choices[0].name for one in asked if one.choices and not one.choices[0].takes}
        decisions = {id: Decision(choice) for id, choice in plain.items()}
        plan = plan_migration(conn, definition, tables, NOW, decisions)
        migrate.apply(conn, plan, source=text, now=NOW, allow_explicit=True)
    with database.read() as conn:
        assert plan_migration(conn, definition, tables, NOW).empty
    return tables, plan


def filled(database: Database) -> Tables:
    tables, _plan = put(database, HOUSE)
    with database.write() as conn:
        roof = insert(conn, tables, "project", name="Roof", _title="Roof", total=3)
        for number, size in (("1", "small"), ("x2", "large"), ("3", None)):
            insert(
                conn, tables, "ticket", name=f"T{number}", project=roof, size=size, hours=1.5, urgent=bool(size),
                colours=("red", "blue") if size else None, place=number, address={"city": "Ulm"} if size else None,
            )  # fmt: skip
        red = insert(conn, tables, "tag", name="red")
        records.set_links(conn, tables, "ticket", "tags", 1, [red])
        insert(conn, tables, "step", _parent=1, name="first", cost=9)
        for form in ("tag", "ticket"):
            conn.execute(sa.insert(tables.comment).values(form=form, record_id=1, body="said", at=NOW))
            conn.execute(sa.insert(tables.series).values(name=f"{form}.name", period="", next=4))
    return tables


def content(database: Database, tables: Tables) -> dict[str, str]:
    """A hash per table of a definition, over every column it names."""
    found = {}
    with database.read() as conn:
        for table in tables.all():
            if table.name.startswith("_") and table.name not in SYSTEM:
                continue
            rows = conn.execute(sa.select(*(sa.type_coerce(column, column.type) for column in table.c)))
            said = sorted(json.dumps([str(value) for value in row]) for row in rows)
            found[table.name] = hashlib.sha256("\n".join(said).encode()).hexdigest()
    return found


WAYS = {
    "a field": changed(("      place: {type: text}\n", "")),
    "several fields": changed(
        ("      place: {type: text}\n", ""), ("      address: {type: address}\n", ""), ("      due_on: {type: date}\n", "")
    ),
    "links": changed((TAGS, "")),
    "a form": changed((TAG, ""), (TAGS, "")),
    "another form of that name": changed((TAG, TAG.replace("label: Tag", "id: other\n    label: Tag")), (TAGS, "")),
    "lines": changed(
        ("      steps: {type: lines, form: step}\n", ""), (HOUSE[HOUSE.index("  step:\n") :], "")
    ),
    "lines of another form": changed(
        ("      steps: {type: lines, form: step}\n", ""),
        ("      total: {type: rollup", "      steps: {type: lines, form: step}\n      total: {type: rollup"),
    ),
    "another type": changed(("place: {type: text}", "place: {type: integer}")),
    "a shorter text": changed(("place: {type: text}", "place: {type: text, max_length: 1}")),
    "a type and back by another": changed(("urgent: {type: boolean}", "urgent: {type: text}")),
    "a link to another form": changed(("project: {type: link, form: project}", "project: {type: link, form: tag}"),
                                      ("      total: {type: rollup, of: ticket.hours, via: project, fold: sum}\n", "")),
    "a field renamed by hand": changed(("place: {type: text}", "spot: {type: text, renamed_from: place}")),
    "a form renamed by hand": changed(("  tag:\n", "  label:\n    renamed_from: tag\n"), ("form: tag", "form: label")),
    "names exchanged": changed(
        ("name: {type: text}\n      project", "place: {type: text, id: name}\n      project"),
        ("place: {type: text}\n", "name: {type: text, id: place}\n"),
        ("title: record.name\n    fields:\n      place", "title: record.place\n    fields:\n      place"),
    ),
    "an option kept": changed((", large: {label: Large}", "")),
    "an option renamed by hand": changed(("large: {label: Large}", "huge: {label: Huge, renamed_from: large}")),
}  # fmt: skip


@pytest.mark.parametrize("way", some(list(WAYS), 5))
def test_forward_and_back_nothing_differs(database: Database, way: str) -> None:
    tables = filled(database)
    before = content(database, tables)
    put(database, WAYS[way])
    again, _plan = put(database, HOUSE)
    assert content(database, again) == before
    if database.dialect == "sqlite":  # a second time, over the archives of the first
        put(database, WAYS[way])
        again, _plan = put(database, HOUSE)
        assert content(database, again) == before


def test_options_that_were_written_over_come_back(database: Database) -> None:
    tables = filled(database)
    before = {name: hash for name, hash in content(database, tables).items() if name != "_event"}
    text = changed((", blue: {label: Blue}", ""), ("small: {label: Small}, ", ""))
    definition = load_text(text, default_registry()).definition
    new = build_tables(definition)
    decided = {"option ticket.colours.blue": Decision("clear"), "option ticket.size.small": Decision("replace", "large")}
    with database.write() as conn:
        migrate.apply(conn, plan_migration(conn, definition, new, NOW, decided), source=text, now=NOW)
    with database.read() as conn:
        table = new.form["ticket"]
        rows = conn.execute(sa.select(table.c.colours, table.c.size).order_by(table.c.id)).all()
    assert [tuple(row) for row in rows] == [(("red",), "large"), (("red",), "large"), (None, None)]
    again, _plan = put(database, HOUSE)
    assert {name: hash for name, hash in content(database, again).items() if name != "_event"} == before


def test_the_way_back_over_several_definitions(database: Database) -> None:
    tables = filled(database)
    before = content(database, tables)
    for text in (
        changed(("place: {type: text}", "place: {type: integer}")),
        changed(("place: {type: text}", "place: {type: integer}"), (TAG, ""), (TAGS, "")),
        changed(("      place: {type: text}\n", ""), (TAG, ""), (TAGS, "")),
    ):
        put(database, text)
    again, _plan = put(database, HOUSE)
    assert content(database, again) == before


def test_what_is_said_about_the_way_back(database: Database) -> None:
    filled(database)
    put(database, WAYS["another type"])
    _tables, plan = put(database, HOUSE)
    assert (
        "Place of form ticket has its old values again where they were not changed since; others are converted."
        in plan.describe("en")
    )
    put(database, WAYS["a form"])
    _tables, plan = put(database, HOUSE)
    assert "Form tag comes back with its 1 records." in plan.describe("en")


def test_a_field_of_another_kind_under_an_old_name_begins_empty(database: Database) -> None:
    filled(database)
    put(database, WAYS["a field"])
    tables, _plan = put(database, changed(("place: {type: text}", "place: {type: date}")))
    with database.read() as conn:
        assert conn.scalars(sa.select(tables.form["ticket"].c.place)).all() == [None] * 3


def test_sums_are_worked_out_for_records_there_are(make_app: MakeApp) -> None:
    bare = changed(("      total: {type: rollup, of: ticket.hours, via: project, fold: sum}\n", ""))
    made = make_app(bare, people={})
    made.create("project", name="Roof")
    made.create("ticket", name="A", project=1, hours="2")
    made.redefine(HOUSE)
    assert made.get("project", 1)["total"] == 2


# --- random pairs ----------------------------------------------------------------------------------------------------

TYPES = ("text", "long_text", "integer", "decimal", "date", "boolean", "choice", "choices", "json")
FIELDS = ("alpha", "beta", "gamma", "delta")
FORMS = ("one", "two", "three")
OPTIONS = ("low", "mid", "high")


@st.composite
def forms(draw: Any) -> dict[str, Any]:
    """A few forms of a few fields, over names that are often the same."""
    found: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(FORMS), min_size=1, unique=True)):
        kinds = {field: draw(st.sampled_from(TYPES)) for field in draw(st.lists(st.sampled_from(FIELDS), unique=True))}
        found[name] = {
            "fields": {field: _field(draw, kind) for field, kind in kinds.items()},
            "states": draw(st.lists(st.sampled_from(("new", "busy", "over")), max_size=3, unique=True)),
        }
    return found


def _field(draw: Any, kind: str) -> dict[str, Any]:
    if not kind.startswith("choice"):
        return {"type": kind}
    names = draw(st.lists(st.sampled_from(OPTIONS), min_size=1, unique=True))
    return {"type": kind, "options": {name: {"label": name.title()} for name in names}}


def renamed(draw: Any, made: dict[str, Any]) -> dict[str, Any]:
    """Some fields under another name, with their stable ids."""
    other: dict[str, Any] = {}
    for name, form in made.items():
        fields = {}
        for field, options in form["fields"].items():
            moved = draw(st.booleans())
            fields[f"{field}_too" if moved else field] = {**options, "id": field} if moved else options
        other[name] = {**form, "fields": fields}
    return other


def written(made: dict[str, Any]) -> str:
    return json.dumps(
        {
            "app": "any", "label": "Any", "languages": ["en"], "roles": {"worker": {"label": "Worker"}},
            "forms": {name: _form(form) for name, form in made.items()},
        }
    )  # fmt: skip


def _form(form: dict[str, Any]) -> dict[str, Any]:
    fields = {"title": {"type": "text"}, **form["fields"]}
    grants = {"worker": {"create": True, "read": True, "update": True}}
    return {"label": "F", "permissions": grants, "fields": fields, **({"workflow": _flow(form["states"])} if form["states"] else {})}


def _flow(states: list[str]) -> dict[str, Any]:
    """From each to the next."""
    return {
        "initial": states[0],
        "states": {state: {"label": state, "final": state == states[-1]} for state in states},
        "transitions": {
            f"to_{there}": {"label": there, "from": [here], "to": there, "roles": ["worker"]}
            for here, there in pairwise(states)
        },
    }


VALUES: dict[str, tuple[Any, ...]] = {
    "text": ("1", "low", "2026-01-02", "true", "word", "2.5"), "long_text": ("1", "mid", "x" * 300),
    "integer": (1, 0, 40), "decimal": (1, 2, 7), "boolean": (True, False), "choice": OPTIONS, "choices": (OPTIONS,),
    "date": (NOW.date(),), "json": ({"a": 1}, [1, 2]),
}  # fmt: skip


def fill(conn: sa.Connection, tables: Tables, made: dict[str, Any], draw: Any) -> None:
    for name, form in made.items():
        for number in range(draw(st.integers(1, 3))):
            row: dict[str, Any] = {"title": f"R{number}"}
            for field, options in form["fields"].items():
                known = options.get("options") or {}
                values = [one for one in VALUES[options["type"]] if not known or options["type"] == "choices" or one in known]
                row[field] = draw(st.sampled_from([None, *values]))
                if options["type"] == "choices" and row[field]:
                    row[field] = tuple(known)
            state = {"state": draw(st.sampled_from(form["states"]))} if form["states"] else {}
            records.insert(conn, tables, name, {"created_at": NOW, "updated_at": NOW, **state, **row})


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_random_pairs_of_definitions_lose_nothing(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    import servers

    examples = int(os.environ.get("WAYS_BACK", "6" if dialect == "sqlite" else "2"))
    number = iter(range(10**6))

    usual = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @settings(usual, phases=[Phase.generate])  # shrinking whole databases takes many minutes
    @given(st.data())
    def pair(data: Any) -> None:
        if dialect == "sqlite":
            forth_and_back(f"sqlite:///{tmp_path}/{next(number)}.db", data)
        else:
            with servers.postgresql_database() as url:
                forth_and_back(url, data)

    pair()


def forth_and_back(url: str, data: Any) -> None:
    first = data.draw(forms())
    second = data.draw(forms()) if data.draw(st.booleans()) else renamed(data.draw, first)
    third = data.draw(forms())
    database = Database(url, synchronous="OFF")
    try:
        tables, _plan = put(database, written(first))
        with database.write() as conn:
            fill(conn, tables, first, data.draw)
        before = content(database, tables)
        moved = False
        for other in (second, third, second) if data.draw(st.booleans()) else (second,):
            _tables, plan = put(database, written(other))
            moved = moved or bool(plan.restated)
        again, plan = put(database, written(first))
        if not moved and not plan.restated:
            assert content(database, again) == before
    finally:
        database.close()
