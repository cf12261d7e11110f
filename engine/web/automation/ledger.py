"""What is kept of rules, read for the screens and the API: always by an index, never counted whole.

Numbers of rows grow with time, so "since a moment" is "from a number on", found by halving.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.storage.automation import ODD_RUNS, OPEN_MESSAGES, OPEN_RUNS, TROUBLE, in_state

Row = Mapping[str, Any]
STATES = ("working", "queued", "done", "failed", "skipped", "shadow", "paused", "cancelled")
MOST_COUNTED = 100_000
MOST_LISTED = 50


def _rows(conn: sa.Connection, query: Any) -> list[Row]:
    return [dict(row) for row in conn.execute(query).mappings()]


def first_since(conn: sa.Connection, table: sa.Table, column: str, moment: dt.datetime) -> int:
    """The smallest number a row written at ``moment`` or later can have."""
    low, high = 1, int(conn.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        later = sa.select(table.c[column]).where(table.c.id >= middle).order_by(table.c.id).limit(1)
        at = conn.scalar(later)
        if at is None or at >= moment:
            high = middle
        else:
            low = middle + 1
    return low


# --- rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """How many runs of a rule there were lately, by state."""

    counts: Mapping[str, int]

    def of(self, *states: str) -> int:
        return sum(self.counts.get(state, 0) for state in states)


def tallies(conn: sa.Connection, app: Application, since: dt.datetime) -> dict[str, Tally]:
    """rule → its runs since then; of the latest ``MOST_COUNTED`` runs only."""
    table = app.tables.run
    newest = int(conn.scalar(sa.select(sa.func.max(table.c.id))) or 0)
    first = max(first_since(conn, table, "started_at", since), newest - MOST_COUNTED)
    grouped = (
        sa.select(table.c.rule, table.c.state, sa.func.count())
        .where(table.c.id >= first, table.c.parent_id.is_(None))
        .group_by(table.c.rule, table.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for rule, state, count in conn.execute(grouped):
        found.setdefault(rule, {})[state] = count
    return {rule: Tally(counts) for rule, counts in found.items()}


def last_runs(conn: sa.Connection, app: Application, rules: Iterable[str]) -> dict[str, Row]:
    """rule → the last run of it: one look into the index each, in one statement."""
    table, names = app.tables.run, list(rules)
    if not names:
        return {}
    own = [sa.select(sa.func.max(table.c.id)).where(table.c.rule == name).scalar_subquery() for name in names]
    ids = [id for part in _parts(own, 200) for id in conn.execute(sa.select(*part)).one() if id is not None]
    columns = (table.c.id, table.c.rule, table.c.state, table.c.started_at)
    rows = [row for part in _parts(ids, 500) for row in _rows(conn, sa.select(*columns).where(table.c.id.in_(part)))]
    return {row["rule"]: row for row in rows}


def _parts(things: list[Any], size: int) -> list[list[Any]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def paused(conn: sa.Connection, app: Application) -> dict[str, Row]:
    """rule → its row of ``_rule_state``, for those that failed lately or are paused."""
    table = app.tables.rule_state
    return {row["rule"]: row for row in _rows(conn, sa.select(table))}


# --- runs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RunSearch:
    """What to look for; what is None is not asked about. ``rules``: only of these. ``before``: the number the page
    above ended with."""

    rule: str | None = None
    rules: Collection[str] | None = None
    state: str | None = None
    form: str | None = None
    record_id: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    before: int | None = None
    parent_id: int | None = None


def runs(conn: sa.Connection, app: Application, search: RunSearch, limit: int = MOST_LISTED) -> list[Row]:
    """Matching runs, the newest first; of the runs inside a ``for_each`` only those of ``parent_id``."""
    table = app.tables.run
    query = sa.select(table, app.tables.user.c.name.label("actor_name")).outerjoin_from(
        table, app.tables.user, app.tables.user.c.id == table.c.actor_id
    )
    clauses = _clauses(conn, table, search)
    return _rows(conn, query.where(*clauses).order_by(table.c.id.desc()).limit(limit))


def _clauses(conn: sa.Connection, table: sa.Table, search: RunSearch) -> list[sa.ColumnElement[bool]]:
    clauses: list[Any] = []
    if search.record_id is None:
        clauses.append(
            table.c.parent_id.is_(None) if search.parent_id is None else table.c.parent_id == search.parent_id
        )
    same = {"rule": search.rule, "form": search.form, "record_id": search.record_id}
    clauses += [table.c[name] == value for name, value in same.items() if value is not None]
    if search.rules is not None:
        clauses.append(table.c.rule.in_(sorted(search.rules)))
    if search.state is not None:
        clauses += _state_clauses(table, search.state)
    if search.since is not None:
        clauses.append(table.c.id >= first_since(conn, table, "started_at", search.since))
    if search.until is not None:
        clauses.append(table.c.id < first_since(conn, table, "started_at", search.until))
    if search.before is not None:
        clauses.append(table.c.id < search.before)
    return clauses


def _state_clauses(table: sa.Table, state: str) -> list[Any]:
    """With the words of the partial indexes beside, which no bound value would meet."""
    held = OPEN_RUNS if state == "working" else ODD_RUNS if state in ODD_RUNS else ()
    return [table.c.state == state, *([in_state(table, *held)] if held else [])]


def run(conn: sa.Connection, app: Application, id: int) -> Row | None:
    table, user = app.tables.run, app.tables.user
    query = sa.select(table, user.c.name.label("actor_name")).outerjoin_from(table, user, user.c.id == table.c.actor_id)
    return next(iter(_rows(conn, query.where(table.c.id == id))), None)


def messages_of(conn: sa.Connection, app: Application, run_ids: Collection[int], limit: int = 200) -> list[Row]:
    table = app.tables.message
    query = sa.select(table).where(table.c.run_id.in_(sorted(run_ids))).order_by(table.c.run_id, table.c.id)
    return _rows(conn, query.limit(limit))


# --- causes and what followed ----------------------------------------------------------------------------------------

EVENT = ("id", "at", "form", "record_id", "kind", "transition", "from_state", "to_state", "actor_id", "rule", "run_id",
         "changes")  # fmt: skip
MOST_HOPS = 12


@dataclass(frozen=True)
class Cause:
    """One step back: the event that woke a run, and the run that made the event, if a rule did."""

    event: Row
    run: Row | None


def events(conn: sa.Connection, app: Application, ids: Collection[int]) -> dict[int, Row]:
    table = app.tables.event
    wanted = sorted({id for id in ids if id})
    if not wanted:
        return {}
    query = sa.select(*(table.c[name] for name in EVENT)).where(table.c.id.in_(wanted))
    return {row["id"]: row for row in _rows(conn, query)}


def causes(conn: sa.Connection, app: Application, start: Row) -> list[Cause]:
    """What led to the run, the nearest first."""
    found: list[Cause] = []
    event_id = start["event_id"]
    while event_id is not None and len(found) < MOST_HOPS:
        event = events(conn, app, [event_id]).get(event_id)
        if event is None:
            break
        earlier = run(conn, app, event["run_id"]) if event["run_id"] else None
        found.append(Cause(event, earlier))
        event_id = earlier["event_id"] if earlier else None
    return found


def made(conn: sa.Connection, app: Application, run_ids: Collection[int], limit: int = MOST_LISTED) -> list[Row]:
    """The events these runs made, in their order."""
    table = app.tables.event
    query = sa.select(*(table.c[name] for name in EVENT)).where(table.c.run_id.in_(sorted(run_ids)))
    return _rows(conn, query.order_by(table.c.id).limit(limit))


def woken_by(conn: sa.Connection, app: Application, event_ids: Collection[int]) -> list[Row]:
    """The runs these events woke: their keys begin with the event."""
    table = app.tables.run
    if not event_ids:
        return []
    ranges = [sa.and_(table.c.key >= f"e{id}:", table.c.key < f"e{id};") for id in event_ids]
    query = sa.select(table).where(sa.or_(*ranges), table.c.parent_id.is_(None)).order_by(table.c.id)
    return _rows(conn, query.limit(MOST_LISTED))


@dataclass(frozen=True)
class Branch:
    """A run and the runs it led to; ``within``: it is one record of many of the run above."""

    run: Row
    within: bool = False
    branches: tuple[Branch, ...] = ()


def followed(conn: sa.Connection, app: Application, run_id: int, depth: int = 4) -> tuple[Branch, ...]:
    """The runs that run led to, and those they led to: two statements for each level."""
    below: dict[int, list[tuple[Row, bool]]] = {}
    level = [run_id]
    for _ in range(depth):
        if not level:
            break
        found = _next_level(conn, app, level)
        for parent, row, within in found:
            below.setdefault(parent, []).append((row, within))
        level = [row["id"] for _parent, row, _within in found]
    return _branches(run_id, below)


def _next_level(conn: sa.Connection, app: Application, run_ids: list[int]) -> list[tuple[int, Row, bool]]:
    maker = {event["id"]: event["run_id"] for event in made(conn, app, run_ids)}
    woken = [(maker[row["event_id"]], row, False) for row in woken_by(conn, app, maker) if row["event_id"] in maker]
    table = app.tables.run
    query = sa.select(table).where(table.c.parent_id.in_(run_ids)).order_by(table.c.parent_id, table.c.id)
    within = [(row["parent_id"], row, True) for row in _rows(conn, query.limit(MOST_LISTED))]
    return within + woken


def _branches(id: int, below: Mapping[int, list[tuple[Row, bool]]]) -> tuple[Branch, ...]:
    return tuple(Branch(row, within, _branches(row["id"], below)) for row, within in below.get(id, ()))


# --- messages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heap:
    """Messages of one state, kind and connection."""

    state: str
    kind: str
    connection: str | None
    count: int
    oldest: dt.datetime | None


def heaps(conn: sa.Connection, app: Application) -> list[Heap]:
    """What is still to be delivered or in trouble, each read from its partial index."""
    table = app.tables.message
    found = []
    for held in (OPEN_MESSAGES, ("claimed",), TROUBLE):
        columns = (table.c.state, table.c.kind, table.c.connection)
        query = sa.select(*columns, sa.func.count(), sa.func.min(table.c.due_at)).where(in_state(table, *held))
        found += [Heap(*row) for row in conn.execute(query.group_by(*columns))]
    return found


@dataclass(frozen=True, kw_only=True)
class MessageSearch:
    state: str | None = None
    kind: str | None = None
    connection: str | None = None
    before: int | None = None


def messages(conn: sa.Connection, app: Application, search: MessageSearch, limit: int = MOST_LISTED) -> list[Row]:
    """Messages that are not done, the newest first; ``state`` None: those in trouble."""
    table, run_ = app.tables.message, app.tables.run
    held = OPEN_MESSAGES if search.state in OPEN_MESSAGES else ("claimed",) if search.state == "claimed" else TROUBLE
    clauses: list[Any] = [in_state(table, *held)]
    for name in ("state", "kind", "connection"):
        wanted = getattr(search, name)
        if wanted is not None:
            clauses.append(table.c[name] == wanted)
    if search.before is not None:
        clauses.append(table.c.id < search.before)
    query = sa.select(table, run_.c.rule).outerjoin_from(table, run_, run_.c.id == table.c.run_id).where(*clauses)
    return _rows(conn, query.order_by(table.c.id.desc()).limit(limit))


def message(conn: sa.Connection, app: Application, id: int) -> Row | None:
    table, run_ = app.tables.message, app.tables.run
    query = sa.select(table, run_.c.rule).outerjoin_from(table, run_, run_.c.id == table.c.run_id)
    return next(iter(_rows(conn, query.where(table.c.id == id))), None)


def open_of_record(conn: sa.Connection, app: Application, form: str, id: int, limit: int = 20) -> list[Row]:
    """What runs of the record still have to do, the next first."""
    table, run_ = app.tables.message, app.tables.run
    query = (
        sa.select(table.c.id, table.c.run_id, table.c.kind, table.c.connection, table.c.due_at, table.c.state,
                  table.c.effect, run_.c.rule)
        .join_from(run_, table, table.c.run_id == run_.c.id)
        .where(run_.c.form == form, run_.c.record_id == id, run_.c.state.in_(OPEN_RUNS),
               table.c.state.in_((*OPEN_MESSAGES, "claimed", *TROUBLE)))
        .order_by(table.c.due_at, table.c.id)
    )  # fmt: skip
    return _rows(conn, query.limit(limit))
