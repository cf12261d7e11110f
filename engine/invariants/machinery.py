"""What stands beside the records: the index of words, runs of rules, and what they left to be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.invariants.looking import Broken, Looking
from engine.storage import search
from engine.storage.automation import OPEN_MESSAGES, OPEN_RUNS, in_state

LONG = dt.timedelta(hours=1)  # a claim lasts seconds


def index(looking: Looking) -> Iterator[Broken]:
    """Every record can be found by its words, and nothing else can."""
    tables = looking.app.tables
    for name, form in looking.app.definition.forms.items():
        if form.parent_form:
            continue
        without, strange = search.strays(tables, name, looking.conn.dialect.name)
        for id in looking.conn.scalars(without):
            yield Broken(message("It cannot be found by its words: it is not in the index."), name, id)
        for id in looking.conn.scalars(strange):
            yield Broken(message("The index finds it, but there is no such record."), name, id)


def runs(looking: Looking) -> Iterator[Broken]:
    """A run that is not over has something left that takes it up; one that failed says why."""
    run, left = looking.app.tables.run, looking.app.tables.message
    child = run.alias("child")
    waiting = sa.exists().where(left.c.run_id == run.c.id, in_state(left, *OPEN_MESSAGES, "claimed", "unsure"))
    below = sa.exists().where(child.c.parent_id == run.c.id, in_state(child, *OPEN_RUNS))
    idle = sa.select(run).where(in_state(run, *OPEN_RUNS), ~waiting, ~below)
    yield from _of_runs(looking, idle, "The run of {rule} is not over, but nothing is left that takes it up.")
    silent = sa.select(run).where(in_state(run, "failed"), sa.or_(run.c.error.is_(None), run.c.error == ""))
    yield from _of_runs(looking, silent, "The run of {rule} failed, and nothing says why.")
    endless = sa.select(run).where(sa.not_(in_state(run, *OPEN_RUNS)), run.c.ended_at.is_(None))
    yield from _of_runs(looking, endless, "The run of {rule} is over, but not when.")


def _of_runs(looking: Looking, query: sa.Select[Any], pattern: str) -> Iterator[Broken]:
    for row in looking.rows(query):
        yield Broken(message(pattern, rule=row.rule), row.form, row.record_id, row.event_id)


def messages(looking: Looking) -> Iterator[Broken]:
    """What was to be done is done, still to come, or says why it is not."""
    table, run = looking.app.tables.message, looking.app.tables.run
    unexplained = sa.and_(in_state(table, "dead", "unsure"), sa.or_(table.c.error.is_(None), table.c.error == ""))
    yield from _of_messages(
        looking, sa.select(table).where(unexplained), "“{kind}” was not done, and nothing says why."
    )
    stopped = (in_state(table, "done"), table.c.done_at.is_(None))
    yield from _of_messages(looking, sa.select(table).where(*stopped), "“{kind}” is done, but not when.")
    gone = sa.select(table).outerjoin_from(table, run, run.c.id == table.c.run_id)
    taken_back = gone.where(in_state(table, "cancelled"), table.c.run_id.is_not(None), in_state(run, *OPEN_RUNS))
    yield from _of_messages(looking, taken_back, "“{kind}” was taken back, but its run goes on.")
    held = (in_state(table, "claimed"), table.c.lease_until < looking.app.clock() - LONG)
    yield from _of_messages(looking, sa.select(table).where(*held), "“{kind}” was begun long ago and nobody went on.")


def _of_messages(looking: Looking, query: sa.Select[Any], pattern: str) -> Iterator[Broken]:
    for row in looking.rows(query):
        yield Broken(message(pattern, kind=row.kind), row.form, row.record_id, row.event_id)
