"""Each invariant holds on what people did, and tells record and sentence once the database is corrupted in one way."""

from __future__ import annotations

import datetime as dt

import making
import pytest
import sqlalchemy as sa

from engine import answering
from engine.cli import main
from engine.errors import Missing
from engine.invariants.examining import NAMES, examine
from engine.storage import events

STORE = """
app: store
label: Store
languages: [en]
roles: {clerk: {label: Clerk}, boss: {label: Boss}}
forms:
  box:
    label: Box
    title: record.name
    fields:
      name: {type: text, required: true}
      limit: {type: integer, min: 0}
      things: {type: lines, form: thing, label: Things}
      pieces: {type: computed, result: {type: integer}, value: "sum(line.count for line in record.things)", stored: true}
      tags: {type: links, form: tag, label: Tags}
      secret: {type: text, sensitive: true}
    permissions:
      clerk: {create: true, read: true, update: true, fields: {limit: {update: false}}}
      boss: {create: true, read: true, update: true, delete: true}
    workflow:
      initial: open
      states:
        open: {label: Open}
        held: {label: Held, aside: true}
        closed: {label: Closed, final: true}
      transitions:
        close: {label: Close, from: [open], to: closed, roles: [boss]}
        hold: {label: Hold, from: [open], to: held, roles: [clerk]}
        resume: {label: Resume, from: [held], to: previous, roles: [clerk]}
  thing:
    label: Thing
    fields: {count: {type: integer, required: true}}
  tag:
    label: Tag
    title: record.name
    fields:
      name: {type: text, required: true}
      boxes: {type: rollup, of: note, via: tag, fold: count}
    permissions: {clerk: {create: true, read: true}, boss: {read: true}}
  note:
    label: Note
    title: record.name
    fields: {name: {type: text}, tag: {type: link, form: tag}}
    permissions: {clerk: {create: true, read: true}, boss: {read: true}}
rules:
  label_it:
    trigger: {type: entered, form: box, state: closed}
    actions:
      - {type: create, form: note, values: {name: record.name}}
      - {type: wait, for: 1d}
      - {type: ask, to: [boss], message: Sure?, as: sure, answers: {yes: {label: "Yes"}, no: {label: "No"}}}
      - {type: create, form: note, values: {name: "'later'"}}
"""


PEOPLE = {"ann": "clerk", "bob": "boss"}


@pytest.fixture
def filled(sqlite_url, tmp_path, clock):
    made = making.make(STORE, sqlite_url, tmp_path, clock, people=PEOPLE)
    yield used(made)
    made.application.database.close()


def used(made):
    """Two boxes that were used in every way, a note beside a tag, and a question that was answered."""
    tag = made.create("tag", name="red", as_="ann")
    made.create("note", name="n", tag=tag.id, as_="ann")
    box = made.create("box", name="b", secret="x", things=[{"count": 2}], tags=[tag.id], as_="ann")
    made.update("box", box, name="bb", as_="ann", things=[{"count": 2}, {"count": 3}])
    made.update("box", box, limit=5, tags=[], as_="bob")
    made.take("box", box, "hold", as_="ann")
    made.clock.advance(hours=2)
    made.take("box", box, "resume", as_="ann")
    made.take("box", box, "close", as_="bob")
    gone = made.create("box", name="gone", as_="bob")
    made.delete("box", gone, as_="bob")
    made.restore("box", gone, as_="bob")
    made.clock.advance(days=2)
    made.deliver()
    [question] = made.ledger("question")
    answering.answer(made.application, made.actor("bob"), question["id"], "yes")
    made.deliver()
    return made


def broken(made, *only):
    """(invariant, form, record, event, sentence) of everything that does not hold."""
    return [
        (result.name, one["form"], one["record"], one["event"], one["sentence"])
        for result in examine(made.application, only)
        for one in result.as_json()["broken"]
    ]


def corrupt(made, *statements):
    """As somebody with the database's own tools would."""
    app = made.application
    with app.database.write() as conn:
        events.unguard(conn)
        for statement in statements:
            conn.execute(statement)
        events.guard(conn)


def test_everything_holds_on_what_people_did_and_each_looks_at_both_databases(make_app):
    made = used(make_app(STORE, people=PEOPLE))
    results = examine(made.application)
    assert [result.as_json()["broken"] for result in results if not result.holds] == []
    assert [result.name for result in results] == list(NAMES)
    _corrupt_everything(made)
    told = {result.name for result in examine(made.application) if not result.holds}
    assert told == set(NAMES)


def _corrupt_everything(made):
    tables = made.application.tables
    event, form = tables.event, tables.form
    by_rule = sa.and_(event.c.actor_kind == "rule", event.c.depth == 1)
    key = "rowid" if made.application.database.dialect == "sqlite" else "id"
    corrupt(
        made,
        sa.update(event).where(event.c.transition == "close").values(actor_id=made.id_of("ann"), from_state="held"),
        sa.update(event).where(by_rule).values(cause=None, run_id=None),
        sa.update(tables.stay).where(tables.stay.c.state == "held").values(dwell_seconds=1),
        sa.update(form["box"]).where(form["box"].c.id == 1).values(version=9, name="other"),
        sa.update(form["tag"]).values(boxes=9),
        sa.update(form["thing"]).values(count=7),
        sa.delete(tables.asked),
        sa.text(f"UPDATE _fts_box SET {key} = 77 WHERE {key} = 1"),
        sa.update(tables.run).values(state="failed"),
        sa.update(tables.message).where(tables.message.c.kind == "ask").values(state="dead", error=None),
    )
    with made.application.database.write() as conn:
        events.unguard(conn)


def rows(made):
    """Tables, and the one event of each kind of the first box."""
    tables = made.application.tables
    return tables, {event.kind if event.kind != "taken" else event.transition: event for event in made.events("box", 1)}


def test_a_step_the_workflow_does_not_have(filled):
    tables, of = rows(filled)
    corrupt(filled, sa.update(tables.event).where(tables.event.c.id == of["close"].id).values(transition="hold"))
    sentence = "“hold” does not lead from open to closed."
    assert broken(filled, "paths") == [("paths", "box", 1, of["close"].id, sentence)]


def test_a_state_the_history_does_not_lead_to(filled):
    tables, of = rows(filled)
    box = tables.form["box"]
    corrupt(filled, sa.update(box).where(box.c.id == 1).values(state="open"))
    sentence = "The record is in the state open, but its last step led to closed."
    assert broken(filled, "paths") == [("paths", "box", 1, of["close"].id, sentence)]
    told = "The record is in the state open, but its last visit is to closed."
    assert broken(filled, "visits") == [("visits", "box", 1, None, told)]


def test_a_way_back_that_leads_elsewhere(filled):
    tables, of = rows(filled)
    event = tables.event
    corrupt(filled, sa.update(event).where(event.c.id == of["hold"].id).values(to_state="closed"))
    assert [one[4] for one in broken(filled, "paths")] == [
        "“hold” does not lead from open to closed.",
        "The step begins in the state held, but the one before ended in closed.",
    ]


def test_a_visit_that_is_gone_or_took_another_time(filled):
    tables, _of = rows(filled)
    stay = tables.stay
    held = sa.and_(stay.c.form == "box", stay.c.state == "held")
    corrupt(filled, sa.update(stay).where(held).values(dwell_seconds=1))
    assert broken(filled, "visits") == [
        ("visits", "box", 1, None, "A visit to held took 7200 seconds, but 1 are kept.")
    ]
    corrupt(filled, sa.delete(stay).where(held))
    assert broken(filled, "visits") == [
        (
            "visits",
            "box",
            1,
            None,
            "Its visits are open, open, closed; by its events they would be open, held, open, closed.",
        )
    ]


def test_a_value_that_was_changed_beside_the_walk(filled):
    box = filled.application.tables.form["box"]
    corrupt(filled, sa.update(box).where(box.c.id == 1).values(name="other"))
    assert broken(filled, "images") == [("images", "box", 1, None, 'name is "other", but the last event left "bb".')]


def test_an_event_that_tells_another_past(filled):
    tables, of = rows(filled)
    event = tables.event
    changed = {**of["created"].changes, "name": [None, "forged"]}
    corrupt(filled, sa.update(event).where(event.c.id == of["created"].id).values(changes=changed))
    [told] = broken(filled, "images")
    assert told[4] == 'name was "b" before this event, but the one before left "forged".'


def test_links_that_were_cut_beside_the_walk(filled):
    tables = filled.application.tables
    corrupt(filled, sa.insert(tables.link["box", "tags"]).values(record_id=1, target_id=1, position=0))
    assert broken(filled, "images") == [("images", "box", 1, None, "tags is [1], but the last event left null.")]


def test_a_version_without_its_event_and_a_record_without_any(filled):
    tables, _of = rows(filled)
    tag, note = tables.form["tag"], tables.form["note"]
    corrupt(
        filled,
        sa.update(tag).values(version=3),
        sa.delete(note).where(note.c.id == 1),
    )
    assert broken(filled, "versions") == [
        ("versions", "tag", 1, None, "It is at version 3, but there are events of 1 versions."),
        ("versions", "note", 1, None, "There are events of it, but the record is not there."),
    ]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("close", "Ann took “Close”, which is for: boss."),
        ("updated", "Ann changed limit, which none of their roles may."),
        ("deleted", "Ann may not do this with any Box: delete."),
    ],
)
def test_somebody_did_what_they_may_not(filled, kind, sentence):
    event = filled.application.tables.event
    [one] = [
        each for record in (1, 2) for each in filled.events("box", record)
        if kind in (each.kind, each.transition) and each.actor_id == filled.id_of("bob")
    ]  # fmt: skip
    corrupt(filled, sa.update(event).where(event.c.id == one.id).values(actor_id=filled.id_of("ann")))
    assert [(told[3], told[4].replace("Boss", "boss")) for told in broken(filled, "rights")] == [(one.id, sentence)]


def test_somebody_whom_there_is_not(filled):
    tables, of = rows(filled)
    event = tables.event
    corrupt(filled, sa.update(event).where(event.c.id == of["hold"].id).values(actor_id=None))
    assert broken(filled, "rights") == [("rights", "box", 1, of["hold"].id, "A person did it whom there is not: None.")]
    assert broken(filled, "causes") == [("causes", "box", 1, of["hold"].id, "A person did it, but nobody knows who.")]


def test_an_answer_of_somebody_who_was_not_asked(filled):
    asked = filled.application.tables.asked
    corrupt(filled, sa.delete(asked))
    assert [one[4] for one in broken(filled, "answers")] == ["Somebody answered who was not asked."]


def test_what_a_rule_did_without_a_cause(filled):
    event = filled.application.tables.event
    by_rule = sa.and_(event.c.actor_kind == "rule", event.c.depth == 1)
    corrupt(filled, sa.update(event).where(by_rule).values(cause=None, run_id=None))
    told = broken(filled, "causes")
    assert {one[4] for one in told} == {"A rule did it, but nothing says what woke the rule."}
    assert {one[1] for one in told} == {"note"}


def test_a_cause_that_came_later(filled):
    event = filled.application.tables.event
    with filled.application.database.read() as conn:
        last = conn.scalar(sa.select(sa.func.max(event.c.id)))
        one = conn.scalar(sa.select(event.c.id).where(event.c.actor_kind == "rule").limit(1))
    corrupt(filled, sa.update(event).where(event.c.id == one).values(cause=last))
    assert [told[3:] for told in broken(filled, "causes")] == [
        (one, "The event that caused it is not there, or came later.")
    ]


def test_events_that_are_gone_and_a_database_that_lets_them_go(filled):
    tables, of = rows(filled)
    event = tables.event
    app = filled.application
    with app.database.write() as conn:
        events.unguard(conn)
        conn.execute(sa.delete(event).where(event.c.id == of["hold"].id))
    told = [one[4] for one in broken(filled, "trail")]
    assert told[0].startswith("The database does not refuse to change events: ")
    assert told[1:] == (["1 events after this one are gone."] if app.database.dialect == "sqlite" else [])
    assert [one[4] for one in broken(filled, "versions")] == ["It is at version 6, but there are events of 5 versions."]


def test_figures_that_drifted(filled):
    tables = filled.application.tables
    corrupt(filled, sa.update(tables.form["tag"]).values(boxes=9), sa.update(tables.form["thing"]).values(count=7))
    assert broken(filled, "rollups") == [("rollups", "tag", 1, None, "boxes is 9, but worked out anew it is 1.")]
    assert broken(filled, "computed") == [("computed", "box", 1, None, "pieces is 5, but worked out anew it is 14.")]


def test_a_record_nobody_finds_and_one_there_is_not(filled):
    corrupt(filled, sa.text("UPDATE _fts_box SET rowid = 77 WHERE rowid = 1"))
    assert broken(filled, "index") == [
        ("index", "box", 1, None, "It cannot be found by its words: it is not in the index."),
        ("index", "box", 77, None, "The index finds it, but there is no such record."),
    ]


def test_a_run_that_nothing_takes_up(filled):
    run = filled.application.tables.run
    corrupt(filled, sa.update(run).values(state="working"))
    assert [(one[0], one[1], one[4]) for one in broken(filled, "runs")] == [
        ("runs", "box", "The run of label_it is not over, but nothing is left that takes it up.")
    ]
    corrupt(filled, sa.update(run).values(state="failed"))
    assert [one[4] for one in broken(filled, "runs")] == ["The run of label_it failed, and nothing says why."]


def test_a_message_that_died_without_a_word(filled):
    message = filled.application.tables.message
    corrupt(filled, sa.update(message).where(message.c.kind == "ask").values(state="dead", error=None))
    assert [one[4] for one in broken(filled, "messages")] == ["“ask” was not done, and nothing says why."]


def test_a_plugin_has_its_own_and_a_name_nobody_knows_is_refused(filled):
    from engine.errors import message
    from engine.invariants.looking import Broken

    def find(looking):
        yield Broken(message("Boxes are never red."), "box", 1)

    filled.application.registry.invariants["store", "never_red"] = find
    try:
        assert broken(filled, "never_red") == [("never_red", "box", 1, None, "Boxes are never red.")]
        with pytest.raises(Missing) as refused:
            examine(filled.application, ["never_blue"])
        assert str(refused.value).startswith("There is no invariant never_blue; there are: paths, ")
    finally:
        del filled.application.registry.invariants["store", "never_red"]


def test_the_command_tells_what_is_broken(tmp_path, capsys):
    file, url = tmp_path / "store.yaml", f"sqlite:///{tmp_path}/store.db"
    file.write_text(STORE)
    assert main(["check-data", str(file), "--database", url]) == 0
    from engine.storage.database import Database

    database = Database(url)
    with database.write() as conn:
        now = dt.datetime.now(dt.UTC).isoformat()
        conn.execute(sa.text("INSERT INTO tag (name, version, created_at, updated_at, boxes, _title) VALUES "
                             f"('x', 1, '{now}', '{now}', 4, 'x')"))  # fmt: skip
    database.close()
    capsys.readouterr()
    assert main(["check-data", str(file), "--database", url, "--only", "rollups", "--language", "zh"]) == 1
    told = capsys.readouterr().out
    assert "BROKEN" in told
    assert "tag 1: " in told
