"""Given a server that is killed, or a person who stops it, then whole rows only, a true count, and no row twice."""

import pytest
from desk import DESK, Importing, counts, tickets

from engine.errors import Refused
from engine.imports import jobs, running
from engine.imports.rows import Bringer

ROWS = 130
FILE = "Reference,Subject\n" + "".join(f"R{n},Ticket {n}\n" for n in range(1, ROWS + 1))


class Killed(BaseException):
    """What no handler catches, like the end of a process."""


@pytest.fixture
def lea(make_app):
    return Importing(make_app(DESK, people={"lea": "lead"}))


def form_of(lea):
    return lea.app.definition.forms["ticket"]


def killed_at(monkeypatch, count):
    """The process ends in the middle of the walk number ``count``."""
    real, seen = Bringer.bring, []

    def bring(self, walks, bundle):
        seen.append(bundle)
        outcome = real(self, walks, bundle)
        if len(seen) == count:
            raise Killed
        return outcome

    monkeypatch.setattr(Bringer, "bring", bring)
    return lambda: monkeypatch.setattr(Bringer, "bring", real)


def test_a_killed_import_leaves_whole_rows_and_goes_on_behind_them(lea, monkeypatch):
    job = running.claim_import(lea.app, lea.actor, form_of(lea), lea.check(lea.upload("ticket", FILE)))
    heal = killed_at(monkeypatch, 77)
    with pytest.raises(Killed):
        running.work(lea.app, lea.actor, form_of(lea), job)
    heal()
    job = jobs.load(lea.app, lea.actor, job.id)
    assert job.state == "importing"
    assert 0 < job.progress < 77
    assert job.progress == job.counts["created"] == lea.made.count("ticket")

    with pytest.raises(Refused) as busy:
        running.claim_rest(lea.app, lea.actor, form_of(lea), job)
    assert str(busy.value) == "This is being worked on already."
    lea.made.clock.advance(seconds=21)
    assert job.still(lea.app.clock())
    running.work(lea.app, lea.actor, form_of(lea), running.claim_rest(lea.app, lea.actor, form_of(lea), job))
    job = jobs.load(lea.app, lea.actor, job.id)
    assert (job.state, job.progress, counts(job)) == ("imported", ROWS, {"created": ROWS})
    assert [row["reference"] for row in tickets(lea.made)] == [f"R{n}" for n in range(1, ROWS + 1)]


def test_two_that_work_on_one_import_bring_no_row_in_twice(lea, monkeypatch):
    job = running.claim_import(
        lea.app, lea.actor, form_of(lea), lea.check(lea.upload("ticket", "Subject\n" + "a\n" * 60))
    )
    real, begun = Bringer.bring, []

    def bring(self, walks, bundle):
        return real(self, walks, bundle)

    def overtaken(self, bringer):
        if not begun:  # before the first transaction of this one, another has done everything
            begun.append(True)
            running.work(lea.app, lea.actor, form_of(lea), job)
        return pieces(self, bringer)

    pieces = running._Run._pieces
    monkeypatch.setattr(Bringer, "bring", bring)
    monkeypatch.setattr(running._Run, "_pieces", overtaken)
    running.work(lea.app, lea.actor, form_of(lea), job)
    assert lea.made.count("ticket") == 60
    assert jobs.load(lea.app, lea.actor, job.id).state == "imported"


def test_a_stopped_import_can_be_gone_on_with_or_taken_back(lea):
    job = running.claim_import(lea.app, lea.actor, form_of(lea), lea.check(lea.upload("ticket", FILE)))
    jobs.cancel(lea.app, job)
    running.work(lea.app, lea.actor, form_of(lea), job)
    job = jobs.load(lea.app, lea.actor, job.id)
    assert job.state == "cancelled"
    assert 0 < job.progress == lea.made.count("ticket") < ROWS
    running.work(lea.app, lea.actor, form_of(lea), running.claim_rest(lea.app, lea.actor, form_of(lea), job))
    job = jobs.load(lea.app, lea.actor, job.id)
    assert (job.state, lea.made.count("ticket")) == ("imported", ROWS)
    assert (lea.undo(job).state, lea.made.count("ticket")) == ("undone", 0)


def test_a_defect_is_said_and_what_came_in_before_stays(lea, monkeypatch):
    job = running.claim_import(lea.app, lea.actor, form_of(lea), lea.check(lea.upload("ticket", FILE)))
    real, seen = Bringer.bring, []

    def bring(self, walks, bundle):
        seen.append(bundle)
        if len(seen) == 77:
            raise ZeroDivisionError
        return real(self, walks, bundle)

    monkeypatch.setattr(Bringer, "bring", bring)
    running.work(lea.app, lea.actor, form_of(lea), job)
    job = jobs.load(lea.app, lea.actor, job.id)
    assert (job.state, job.error) == ("failed", "ZeroDivisionError")
    assert 0 < job.progress == lea.made.count("ticket") < 77


def test_a_file_comes_in_once(lea):
    job = lea.bring_in(lea.upload("ticket", FILE))
    with pytest.raises(Refused) as refused:
        lea.check(job)
    assert str(refused.value) == "This is being worked on already."
    with pytest.raises(Refused) as refused:
        lea.set(job, mode="both")
    assert str(refused.value) == "This file has been brought in already. Upload it again to bring it in once more."
