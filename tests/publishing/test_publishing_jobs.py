"""Gates, rehearsals and publications in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from shop import PEOPLE, SHOP, TRIPLED, WIDER, history, seen

from engine.current import Current
from engine.errors import Denied, Message, Missing, Refused
from engine.load import hash_of
from engine.publishing import changes, jobs
from engine.publishing.gate import Gate, gate
from engine.publishing.preparing import prepare_rollback
from engine.publishing.publish import publish
from engine.publishing.rehearsing import rehearse
from engine.storage.decisions import Decision

STORIED = (
    SHOP
    + """\
scenarios:
  doubled:
    label: Twice as many
    given: [{create: ticket, as: t, values: {name: A, pieces: 2}}]
    steps: [{by: sales, update: t, values: {pieces: 3}}]
    then: [{of: t, values: {twice: 6}}]
"""
)


def run(made: Made, kind: str, text: str, *, by: str = "admin", **more: Any) -> jobs.Job:
    current = Current(made.application)
    id = jobs.begin(made.application, made.actor(by), kind, seen(made, text), **more)
    jobs.work(current, made.actor(by), id)
    made.application = current.application()
    return jobs.load(made.application, made.actor(by), id)


def said(sentences: tuple[Message, ...]) -> list[str]:
    return [str(each) for each in sentences]


def test_published_in_the_background(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    ticket = made.create("ticket", name="A", pieces="4")
    job = run(made, jobs.PUBLISH, TRIPLED, reason="Three", by="pan")
    assert (job.state, job.kind, job.error) == ("done", "publish", None)
    assert job.result == {"hash": hash_of(TRIPLED), "publication": history(made)[0].id}
    assert made.application.definition.hash == hash_of(TRIPLED)
    assert made.get("ticket", ticket)["twice"] == 12
    assert [each.id for each in jobs.recent(made.application, made.actor("pan"))] == [job.id]


def test_the_jobs_of_a_draft_are_found_among_many_others(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    app, planner = made.application, made.actor("pan")
    prepared = seen(made, WIDER)
    mine = jobs.begin(app, planner, jobs.GATE, prepared, change_id=7)
    other = [jobs.begin(app, planner, jobs.GATE, prepared, change_id=8) for _ in range(60)][-1]
    assert [job.id for job in jobs.recent(app, planner, change_id=7)] == [mine]
    assert [job.id for job in jobs.recent(app, planner, change_id=8, most=1)] == [other]


def test_a_draft_is_listed_for_whoever_may_work_on_it_however_many_others_there_are(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    tables, now = made.application.tables, made.clock()
    li, pan = made.actor("li").id, made.actor("pan").id

    def begin(conn: sa.Connection, by: int | None) -> changes.Change:
        return changes.begin(conn, tables, title="T", base="h", base_text=SHOP, text=SHOP, by=by, now=now)

    with made.application.database.write() as conn:
        own, shared = begin(conn, pan), begin(conn, li)
        changes.join(conn, tables, shared.token, pan or 0)
        for _ in range(3):
            begin(conn, li)
        found = changes.listed(conn, tables, user=pan, limit=2)
        assert [each.id for each in found] == [shared.id, own.id]
        assert len(changes.listed(conn, tables, limit=4)) == 4


def test_what_is_refused_is_said_by_the_job(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    current, actor = Current(made.application), made.actor("pan")
    ids = [jobs.begin(made.application, actor, jobs.PUBLISH, seen(made, text)) for text in (WIDER, TRIPLED)]
    for id in ids:
        jobs.work(current, actor, id)
    first, second = (jobs.load(current.application(), actor, id) for id in ids)
    assert (first.state, second.state, second.code) == ("done", "failed", "stale")
    assert str(second.error).startswith("Pan put another definition in force at ")
    with pytest.raises(Denied, match="Only administrators and designers may publish"):
        jobs.begin(made.application, made.actor("li"), jobs.GATE, seen(made, TRIPLED))
    with pytest.raises(Missing):
        jobs.load(made.application, made.actor("li"), ids[0])
    with pytest.raises(Refused, match="This is in force already"):
        jobs.begin(current.application(), actor, jobs.PUBLISH, seen(made, WIDER))


def test_the_data_changed_between_the_click_and_the_job(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    without = "".join(line for line in SHOP.splitlines(True) if "pieces" not in line)
    made.create("ticket", name="A", pieces="4")
    actor, current = made.actor("admin"), Current(made.application)
    id = jobs.begin(made.application, actor, jobs.PUBLISH, seen(made, without))
    made.create("ticket", name="B", pieces="5")
    jobs.work(current, actor, id)
    job = jobs.load(made.application, actor, id)
    assert (job.state, job.code) == ("failed", "stale")
    assert str(job.error).startswith("The data changed since this was prepared: ")


def test_a_job_can_be_cancelled_and_leaves_nothing(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_app(SHOP, people=PEOPLE)
    made.create("ticket", name="A", pieces="4")
    current, actor = Current(made.application), made.actor("admin")
    id = jobs.begin(made.application, actor, jobs.PUBLISH, seen(made, TRIPLED))
    told, reached = jobs._Live.told, threading.Event()

    def press(live: Any, done: int, total: int, what: Message) -> None:
        if not reached.is_set():
            reached.set()
            jobs.cancel(made.application, actor, id)
        told(live, done, total, what)

    monkeypatch.setattr(jobs._Live, "told", press)
    jobs.work(current, actor, id)
    assert jobs.load(made.application, actor, id).state == "cancelled"
    assert current.application().definition.hash == hash_of(SHOP)
    assert len(history(made)) == 1


def test_a_job_whose_process_died_is_over(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    app, actor = made.application, made.actor("admin")
    id = jobs.begin(app, actor, jobs.GATE, seen(made, TRIPLED))
    with app.database.write() as conn:
        heard = {"heard_at": made.clock().isoformat(), "sentence": ["Scenarios are played", {}]}
        conn.execute(sa.update(app.tables.job).values(state="working", progress=2, total=5, result=heard))
    alone = app.database.dialect == "sqlite"  # nobody else works on it
    job = jobs.load(app, actor, id)
    assert (job.state, job.done, job.total) == ("ended" if alone else "working", 2, 5)
    assert str(job.sentence) == "Scenarios are played"
    made.clock.advance(seconds=21)
    assert jobs.load(app, actor, id).state == "ended"


def test_a_job_under_way_is_never_taken_for_a_dead_one(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """However early or late one looks: between any two of its writes, and with a row read before it was over."""
    made = make_app(SHOP, people=PEOPLE)
    app, admin = made.application, made.actor("admin")
    id = jobs.begin(app, admin, jobs.REHEARSE, seen(made, WIDER))
    states, rows, write, look = [jobs.load(app, admin, id).state], [], app.database.write, jobs._row

    @contextmanager
    def watched() -> Iterator[sa.Connection]:
        with write() as conn:
            yield conn
        states.append(jobs.load(app, admin, id).state)
        rows.append(look(app, id))

    monkeypatch.setattr(app.database, "write", watched)
    jobs.work(Current(app), admin, id)
    assert sorted(set(states)) == ["done", "waiting", "working"]
    monkeypatch.setattr(jobs, "_row", lambda app, id: rows.pop(0) if rows else look(app, id))
    assert rows[0]["state"] == "working"
    del rows[1:]
    assert jobs.load(app, admin, id).state != "ended"


def test_the_gate_plays_stories_and_walks(make_app: MakeApp) -> None:
    made = make_app(STORIED, people=PEOPLE)
    job = run(made, jobs.GATE, STORIED.replace("pieces * 2", "pieces * 3"))
    assert (job.state, job.result["ok"]) == ("done", False)
    checks, stories, walks = jobs.gates_of(job)
    assert (checks, walks.ok) == (Gate("checks", True, checks.sentences), True)
    assert (stories.ok, stories.places[0]["line"]) == (False, 22)
    assert said(stories.sentences) == ["Twice as many: expected Twice is 6, got Twice is 9"]
    whole = gate(made.application, seen(made, STORIED + "# a remark\n"))
    assert [said(each.sentences) for each in whole[:2]] == [["Nothing is wrong with it."], ["1 scenarios went as told."]]


def test_a_rehearsal_that_loses_nothing(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    for number in range(3):
        made.create("ticket", name=f"T{number}", pieces=str(number))
    job = run(made, jobs.REHEARSE, TRIPLED)
    assert job.state == "done", job.error
    found = jobs.rehearsal_of(job)
    assert found is not None
    assert (found.ok, found.lossless) == (True, True)
    assert said(found.sentences)[-1] == (
        f"Lossless: all {found.tables} tables with {found.records} rows are byte-identical after going back."
    )
    assert made.application.definition.hash == hash_of(SHOP)
    assert made.get("ticket", 1)["twice"] == 0


def test_a_rehearsal_leaves_no_copy(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    rehearse(made.application, seen(made, WIDER))
    if made.application.database.dialect == "postgresql":
        with made.application.database.read() as conn:
            left = conn.scalars(sa.text("SELECT nspname FROM pg_namespace WHERE nspname LIKE '\\_appmill%'")).all()
        assert not left


def test_what_is_taken_away_is_archived_and_comes_back(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    made.create("ticket", name="A", pieces="4")
    without = "".join(line for line in SHOP.splitlines(True) if "pieces" not in line)
    undecided = seen(made, without)
    (question,) = undecided.open_questions
    assert said(rehearse(made.application, undecided).sentences) == [
        "Something is to be decided first: Field pieces of form ticket is gone; 1 records have a value in it."
    ]
    print(question)
    decided = seen(made, without, decisions={question.id: Decision(question.choices[0].name)})
    found = rehearse(made.application, decided)
    assert (found.ok, found.lossless) == (True, True), said(found.sentences)
    assert said(found.sentences)[1].startswith("What is taken away is archived: ticket._gone_pieces_")
    made.application = publish(made.application, decided, by=made.actor("admin"))
    assert history(made)[0].decisions == {question.id: {"choice": question.choices[0].name, "value": ""}}
    back = prepare_rollback(made.application, hash_of(SHOP))
    assert rehearse(made.application, back).ok
    made.application = publish(made.application, back, by=made.actor("admin"))
    assert made.get("ticket", 1)["pieces"] == 4


def test_undecided_is_not_published(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    made.create("ticket", name="A", pieces="4")
    without = "".join(line for line in SHOP.splitlines(True) if "pieces" not in line)
    with pytest.raises(Refused, match=r"^Something is to be decided first: Field pieces of form ticket is gone"):
        publish(made.application, seen(made, without), by=made.actor("admin"))
