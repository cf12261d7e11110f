"""Given a task, when entries arrive late, twice or against somebody else's, then nothing is lost and nothing counts twice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.entries import Entry, open_entry, open_for, reach, receive, settle, task_for, tasks_for
from engine.errors import Denied, Missing, Refused

WORKSHOP = Path(__file__).parents[1] / "apps" / "workshop.yaml"


@pytest.fixture
def shop(make_app):
    made = make_app(WORKSHOP)
    made.job = made.create("job", number="J1", name="Shaft", good="10", place="A", as_="lena").id
    return made


def entry(shop, key="k1", waited=True, **more):
    return Entry(key=key, made_at=shop.clock(), record=more.pop("record", shop.job), waited=waited, **more)


def send(shop, login, task, made):
    return receive(shop.application, shop.actor(login), shop.application.definition.tasks[task], made)


def opened(shop, login):
    with shop.application.database.read() as conn:
        return open_for(conn, shop.application, shop.actor(login))


def decide(shop, login, choice, values=None, note=""):
    (one,) = opened(shop, login)
    return settle(shop.application, shop.actor(login), one, choice, values, note)


def job(shop):
    return shop.get("job", shop.job)


def test_a_person_has_the_tasks_their_role_and_rights_let_them_do(shop):
    app = shop.application
    assert [one.name for one in tasks_for(app, shop.actor("wu"))] == [
        "report_work", "note_fault", "release_lot", "set_place"]  # fmt: skip
    assert [one.name for one in tasks_for(app, shop.actor("lena"))] == ["release_lot", "set_place"]
    with pytest.raises(Missing):
        task_for(app, shop.actor("lena"), "report_work")


def test_two_phones_report_over_the_same_version_and_both_count(shop):
    first = send(shop, "wu", "report_work", entry(shop, "a", version=1, state="running", values={"good": "5"}))
    second = send(shop, "wei", "report_work", entry(shop, "b", version=1, state="running", values={"good": "7"}))
    assert (first.outcome, second.outcome, job(shop)["good"]) == ("saved", "merged", 22)


def test_the_same_entry_twice_counts_once(shop):
    made = entry(shop, "again", version=1, values={"good": "5"})
    answers = [send(shop, "wu", "report_work", made) for _time in range(3)]
    assert job(shop)["good"] == 15
    assert len({one.id for one in answers}) == 1
    send(shop, "wei", "report_work", made)  # the same key of somebody else is another entry
    assert job(shop)["good"] == 20


def test_what_was_changed_meanwhile_waits_for_the_leader_who_takes_it_over(shop):
    shop.update("job", shop.job, place="B", as_="lena")
    made = entry(shop, version=1, state="running", base={"place": "A"}, values={"place": "C"})
    outcome = send(shop, "wu", "set_place", made)
    assert (outcome.outcome, job(shop)["place"]) == ("open", "B")
    assert opened(shop, "wei") == []
    assert [one.why_in("en") for one in opened(shop, "lena")] == ["Somebody else changed the same thing meanwhile."]
    decide(shop, "lena", "mine", note="Wu is right")
    assert job(shop)["place"] == "C"
    assert shop.events("job", shop.job)[-1].reason == "Wu Gang · Wu is right"
    assert opened(shop, "lena") == []


def test_the_maker_may_withdraw_but_not_decide_where_the_task_names_a_role(shop):
    shop.update("job", shop.job, place="B", as_="lena")
    send(shop, "wu", "set_place", entry(shop, version=1, base={"place": "A"}, values={"place": "C"}))
    with pytest.raises(Denied):
        decide(shop, "wu", "mine")
    decide(shop, "wu", "theirs")
    assert (opened(shop, "lena"), job(shop)["place"]) == ([], "B")


def test_a_decision_is_made_once(shop):
    shop.update("job", shop.job, place="B", as_="lena")
    send(shop, "wu", "set_place", entry(shop, version=1, base={"place": "A"}, values={"place": "C"}))
    (one,) = opened(shop, "lena")
    settle(shop.application, shop.actor("lena"), one, "edit", {"place": "D"})
    with pytest.raises(Refused):
        settle(shop.application, shop.actor("admin"), one, "mine")
    assert job(shop)["place"] == "D"


def test_a_state_that_moved_on_is_told_and_what_was_typed_is_kept(shop):
    shop.take("job", shop.job, "stop", as_="lena")
    outcome = send(shop, "wu", "report_work", entry(shop, version=1, state="running", values={"good": "5", "scrap": "1"}))
    assert outcome.outcome == "open"
    (one,) = opened(shop, "lena")
    assert one.entry.values == {"good": "5", "scrap": "1"}
    assert one.why_in("en") == "It is not among the records of this task any more."
    decide(shop, "lena", "mine")
    assert (job(shop)["good"], job(shop)["scrap"]) == (15, 1)


def test_rights_are_those_of_the_moment_of_sending(shop):
    user_role = shop.application.tables.user_role
    with shop.application.database.write() as conn:
        conn.execute(sa.delete(user_role).where(user_role.c.user_id == shop.id_of("wu")))
    outcome = send(shop, "wu", "report_work", entry(shop, version=1, values={"good": "5"}))
    assert (outcome.outcome, job(shop)["good"]) == ("open", 10)


def test_whoever_looks_on_is_told_instead(shop):
    shop.take("job", shop.job, "stop", as_="lena")
    with pytest.raises(Refused):
        send(shop, "wu", "report_work", entry(shop, waited=False, version=1, state="running", values={"good": "5"}))
    assert opened(shop, "lena") == []


def test_a_code_scanned_without_network_is_looked_up_when_it_arrives(shop):
    made = entry(shop, record=None, codes={"": "J1"}, values={"good": "3"})
    assert send(shop, "wu", "report_work", made).outcome == "merged" or job(shop)["good"] == 13
    fault = entry(shop, "f", record=None, codes={"job": "J1"}, values={"what": "Noise"})
    record = send(shop, "wu", "note_fault", fault).record
    assert shop.get("fault", record)["job"] == shop.job
    unknown = send(shop, "wu", "report_work", entry(shop, "u", record=None, codes={"": "J9"}, values={"good": "1"}))
    assert unknown.outcome == "open"


def test_records_of_a_task_are_those_it_is_for_with_their_codes(shop):
    shop.create("job", number="J2", name="Stopped", as_="lena")
    shop.take("job", 2, "stop", as_="lena")
    with shop.application.database.read() as conn:
        task = shop.application.definition.tasks["report_work"]
        (one,) = reach(conn, shop.application, shop.actor("wu"), task)
    assert (one.id, one.codes, one.values["good"], one.state) == (shop.job, ("J1",), 10, "running")


def test_a_stranger_sees_no_entry(shop):
    shop.update("job", shop.job, place="B", as_="lena")
    id = send(shop, "wu", "set_place", entry(shop, version=1, base={"place": "A"}, values={"place": "C"})).id
    with shop.application.database.read() as conn:
        with pytest.raises(Missing):
            open_entry(conn, shop.application, shop.actor("wei"), id)
        assert open_entry(conn, shop.application, shop.actor("lena"), id).maker == "Wu Gang"


def test_the_clock_of_a_phone_is_written_down_as_it_is(shop):
    made_at = shop.clock() - dt.timedelta(hours=9)
    made = Entry(key="late", made_at=made_at, record=shop.job, version=1, values={"good": "1"}, waited=True)
    send(shop, "wu", "report_work", made)
    table = shop.application.tables.entry
    with shop.application.database.read() as conn:
        row = conn.execute(sa.select(table)).one()
    assert (row.made_at, row.received_at) == (made_at, shop.clock())
