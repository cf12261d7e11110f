"""Many people at once, on SQLite and PostgreSQL: nothing lost, nothing double, no number missing or twice."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import servers
from making import Made
from racing import create_many, together
from visiting import HASH, Visitor

from engine import service
from engine.errors import Invalid, Refused, Stale
from engine.web.factory import make_web

YAML = """
app: desk
label: Desk
languages: [en, zh]
roles: {clerk: {label: Clerk}, lead: {label: Lead}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    title: record.subject
    fields:
      number: {type: series, pattern: "T{0000}", label: Number, unique: true, gapless: true}
      ticket_code: {type: series, pattern: "K{0000}", label: Code, unique: true}
      subject: {type: text, label: Subject, required: true}
      serial: {type: text, label: Serial, unique: true}
      note: {type: long_text, label: Note}
      level: {type: integer, label: Level, default: 0}
      parts: {type: lines, form: part, label: Parts}
      total: {type: computed, label: Total, result: {type: integer}, stored: true, value: "sum(p.quantity for p in record.parts)"}
    permissions:
      clerk: {create: true, read: true, update: true}
      lead: {create: true, read: true, update: true, delete: true}
    workflow:
      initial: open
      states: {open: {label: Open}, approved: {label: Approved, final: true}, rejected: {label: Rejected, final: true}}
      transitions:
        approve: {label: Approve, from: [open], to: approved, roles: [lead]}
        reject: {label: Reject, from: [open], to: rejected, roles: [lead]}
  part:
    label: Part
    fields:
      name: {type: text, label: Name, required: true}
      quantity: {type: integer, label: Quantity, required: true}
"""
PEOPLE = {"ann": "clerk", "bea": "clerk", "lena": "lead", "lou": "lead"}


@pytest.fixture
def desk(make_app: Any) -> Made:
    return make_app(YAML, people=PEOPLE)


def won(answers: list[Any]) -> list[Any]:
    return [answer for answer in answers if not isinstance(answer, Exception)]


def lost(answers: list[Any]) -> list[Any]:
    return [answer for answer in answers if isinstance(answer, Exception)]


def saving(desk: Made, login: str, values: dict[str, Any], **more: Any) -> Callable[[], Any]:
    actor = desk.actor(login)
    return lambda: service.save(desk.application, actor, "ticket", values, **more)


def taking(desk: Made, login: str, id: int, transition: str) -> Callable[[], Any]:
    actor = desk.actor(login)
    return lambda: service.take(desk.application, actor, "ticket", id, transition)


# --- one record, several people


def test_of_two_saves_of_the_same_version_one_wins_and_the_other_is_told(desk: Made) -> None:
    for turn in range(3):
        id = desk.create("ticket", subject=f"Pump {turn}", note="as it was").id
        answers = together(
            saving(desk, "ann", {"subject": "by Ann"}, id=id, version=1),
            saving(desk, "bea", {"note": "by Bea"}, id=id, version=1),
        )
        assert len(won(answers)) == 1
        assert [type(answer) for answer in lost(answers)] == [Stale]
        row = desk.get("ticket", id)
        pair = (row["subject"], row["note"])
        assert pair in [("by Ann", "as it was"), (f"Pump {turn}", "by Bea")]
        assert row["version"] == len(desk.events("ticket", id)) == 2


def test_changes_of_different_fields_without_a_version_are_both_kept(desk: Made) -> None:
    id = desk.create("ticket", subject="Pump").id
    answers = together(
        saving(desk, "ann", {"subject": "by Ann"}, id=id), saving(desk, "bea", {"note": "by Bea"}, id=id)
    )
    assert not lost(answers)
    row = desk.get("ticket", id)
    assert (row["subject"], row["note"], row["version"]) == ("by Ann", "by Bea", 3)


def test_a_transition_two_take_happens_once(desk: Made) -> None:
    for turn in range(3):
        id = desk.create("ticket", subject=f"Pump {turn}").id
        answers = together(taking(desk, "lena", id, "approve"), taking(desk, "lou", id, "approve"))
        assert (len(won(answers)), len(lost(answers))) == (1, 1)
        assert isinstance(lost(answers)[0], Stale | Refused)
        taken = [event for event in desk.events("ticket", id) if event.transition]
        assert [event.to_state for event in taken] == ["approved"]
        assert [stay["state"] for stay in desk.stays("ticket", id)] == ["open", "approved"]


def test_approved_or_rejected_never_both(desk: Made) -> None:
    for turn in range(3):
        id = desk.create("ticket", subject=f"Pump {turn}").id
        answers = together(taking(desk, "lena", id, "approve"), taking(desk, "lou", id, "reject"))
        assert (len(won(answers)), len(lost(answers))) == (1, 1)
        taken = [event for event in desk.events("ticket", id) if event.transition]
        assert [event.to_state for event in taken] == [won(answers)[0].state] == [desk.get("ticket", id)["state"]]


def test_lines_two_edit_are_those_of_one_and_the_total_is_theirs(desk: Made) -> None:
    id = desk.create("ticket", subject="Pump", parts=[{"name": "Bolt", "quantity": 1}]).id
    bolt = desk.lines("part", id)[0]["id"]
    mine = {"parts": [{"id": bolt, "quantity": 10}, {"name": "Nut", "quantity": 5}]}
    yours = {"parts": [{"id": bolt, "quantity": 20}, {"name": "Seal", "quantity": 7}]}
    answers = together(saving(desk, "ann", mine, id=id, version=1), saving(desk, "bea", yours, id=id, version=1))
    assert [type(answer) for answer in lost(answers)] == [Stale]
    lines = [(line["name"], line["quantity"]) for line in desk.lines("part", id)]
    assert lines in [[("Bolt", 10), ("Nut", 5)], [("Bolt", 20), ("Seal", 7)]]
    assert desk.get("ticket", id)["total"] == sum(quantity for _name, quantity in lines)


# --- many records


def test_twenty_draw_numbers_without_gap_or_double(desk: Made) -> None:
    """Every fourth is refused: a gapless series gives its number back, a plain one need not."""
    acts = [
        saving(desk, "ann", {"subject": f"s{place}"} if place % 4 else {"subject": f"s{place}", "serial": "taken"})
        for place in range(20)
    ]
    answers = together(*acts)
    assert {type(answer) for answer in lost(answers)} == {Invalid}
    assert len(won(answers)) == 16  # 15 without a serial, and one of the five who wanted the same
    rows = [answer.row for answer in won(answers)]
    assert sorted(row["number"] for row in rows) == [f"T{n:04d}" for n in range(1, 17)]
    assert len({row["ticket_code"] for row in rows}) == 16


def test_a_unique_value_goes_to_one_of_twenty(desk: Made) -> None:
    answers = together(*[saving(desk, "ann", {"subject": f"s{place}", "serial": "X-1"}) for place in range(20)])
    assert len(won(answers)) == 1
    assert {str(answer) for answer in lost(answers)} == {
        f"Serial: X-1 is taken by Ticket {won(answers)[0].row['subject']}."
    }
    assert desk.count("ticket") == 1


def test_the_same_form_posted_twice_makes_one_record(desk: Made) -> None:
    web = make_web(desk.application, secret_key="for tests only")
    user = desk.application.tables.user
    with desk.application.database.write() as conn:
        conn.execute(user.update().values(password_hash=HASH, password_changed_at=desk.clock(), language="en"))
    first = Visitor(web)
    first.sign_in("ann")
    doubles = [first, Visitor(web)]
    doubles[1].client.set_cookie("appmill", first.cookie)
    form = {"subject": "Once only", "_once": "onlyonceonlyonceonlyonce", "_version": ""}
    answers = together(*[lambda one=one: one.post("/ticket/new", form) for one in doubles])
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.location for answer in answers}) == 1
    assert desk.count("ticket") == 1


# --- several processes on one PostgreSQL


def test_two_processes_of_ten_threads_create_on_postgresql(tmp_path: Path) -> None:
    """Both processes want the same ten serials: each goes to one of them, and the numbers have no gap."""
    file = tmp_path / "desk.yaml"
    file.write_text(YAML, encoding="utf-8")
    with servers.postgresql_database() as url:
        spawn = multiprocessing.get_context("spawn")
        gate, answers = spawn.Barrier(2), spawn.Queue()
        workers = [
            spawn.Process(
                target=create_many, args=(url, str(file), str(tmp_path / "files"), gate, answers, number), daemon=True
            )
            for number in range(2)
        ]
        for worker in workers:
            worker.start()
        found = [answer for _worker in workers for answer in answers.get(timeout=30)]
        for worker in workers:
            worker.join(30)
            assert worker.exitcode == 0
    numbers = sorted(answer for answer in found if answer != "Invalid")
    assert numbers == [f"T{n:04d}" for n in range(1, 11)]
    assert found.count("Invalid") == 10
