"""When a definition comes into force: records that are in a state or have a date already get their messages, and what
rules that are gone left waiting is taken back.

Only for rules that are new or whose trigger changed: which is in force stands in ``_timer``. The records are gone
through in batches, each a transaction that also keeps how far it is, so that it goes on where it was interrupted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Rule
from engine.storage.migrate import last_hash
from engine.storage.upsert import insert
from engine.timers import DateReached, Timeout
from engine.timing import dates, timeouts

BATCH = 500
LAG = dt.timedelta(seconds=10)  # by then every process has taken up a new definition, see engine.current
LOG = logging.getLogger("appmill.timers")


@dataclass(frozen=True)
class Progress:
    """How far one rule is: ``seen`` of ``total`` records looked at, ``posted`` messages left."""

    rule: str
    seen: int
    total: int
    posted: int


def trigger_hash(rule: Rule) -> str:
    """Of what decides when the rule wakes; its actions and its condition may change freely."""
    calendar = {"calendar": rule.calendar} if rule.calendar else {}
    words = {"type": rule.trigger.type, **asdict(rule.trigger), **calendar}
    return hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()[:16]


def reconcile(
    app: Application, told: Callable[[Progress], None] = lambda progress: None, *, batch: int = BATCH
) -> list[Progress]:
    """Bring what waits for time to what the definition says; answers what was done per rule that had to be looked at.

    Several processes may do it at once: each batch belongs to one of them. Schedules are begun by their clockwork.
    """
    with app.database.read() as conn:
        if last_hash(conn) != app.definition.hash:
            return []
    _take_back(app)
    return [_post_all(app, rule, told, batch) for rule in _of_records(app) if _begin(app, rule)]


def catch_up(app: Application) -> int:
    """Records that another process changed under the former definition, in the seconds before it took up this one: they
    get their messages too. Answers how many messages were left; to be called once ``LAG`` is over."""
    timer = app.tables.timer
    with app.database.read() as conn:
        began = {row.rule: row.began_at for row in conn.execute(sa.select(timer.c.rule, timer.c.began_at))}
    posted, recent = 0, app.clock() - 4 * LAG
    for rule in _of_records(app):
        since = began.get(rule.stable_id)
        if since is not None and since > recent:
            posted += _catch_up(app, rule, since)
    return posted


def _catch_up(app: Application, rule: Rule, since: dt.datetime) -> int:
    trigger = rule.trigger
    assert isinstance(trigger, Timeout | DateReached)  # only timed rules are kept in the table
    place = app.tables.stay.c.entered_at
    if isinstance(trigger, DateReached):
        place = app.tables.form[trigger.form].c.updated_at
    with app.database.write() as conn:
        rows = conn.execute(_records(app, rule).where(place >= since)).mappings().all()
        return sum(_post(app, conn, rule, row) for row in rows)


def again(app: Application, conn: sa.Connection, written: Sequence[tuple[str, str]]) -> None:
    """These fields were worked out anew for every record: their dates are gone through once more."""
    table = app.tables.timer
    touched = [
        rule.stable_id
        for form, rules in app.plans.timed.dates.items()
        for rule in rules
        if (form, getattr(rule.trigger, "field", "")) in written
    ]
    if touched:
        conn.execute(sa.delete(table).where(table.c.rule.in_(touched)))


def _of_records(app: Application) -> Iterator[Rule]:
    for rules in (*app.plans.timed.timeouts.values(), *app.plans.timed.dates.values()):
        yield from rules


# --- rules that are gone ---------------------------------------------------------------------------------------------


def _take_back(app: Application) -> None:
    """What waits for rules that are gone, switched off or due at other times now."""
    timer, message = app.tables.timer, app.tables.message
    hashes = {rule.stable_id: trigger_hash(rule) for rule in (*_of_records(app), *app.plans.timed.schedules)}
    with app.database.read() as conn:
        known = {row.rule: row.hash for row in conn.execute(sa.select(timer.c.rule, timer.c.hash))}
    changed = [rule for rule, hash in known.items() if hashes.get(rule) != hash]
    if not changed:
        return
    now = app.clock()
    with app.database.write() as conn:
        for rule in changed:
            of_rule = sa.or_(*(message.c.key.startswith(f"{kind}:{rule}:", autoescape=True) for kind in _KINDS))
            ahead = (message.c.kind == "fire", message.c.state == "waiting", message.c.due_at > now, of_rule)
            conn.execute(sa.update(message).where(*ahead).values(state="cancelled", done_at=now))
        gone = [rule for rule in changed if rule not in hashes]
        conn.execute(sa.delete(timer).where(timer.c.rule.in_(gone)))


_KINDS = ("timeout", "date", "schedule")


# --- rules that are new ----------------------------------------------------------------------------------------------


def _begin(app: Application, rule: Rule) -> bool:
    """Whether records are still to be gone through; notes the rule as it is in force."""
    table, now, hash = app.tables.timer, app.clock(), trigger_hash(rule)
    with app.database.read() as conn:
        row = conn.execute(sa.select(table.c.hash, table.c.upto).where(table.c.rule == rule.stable_id)).first()
    if row is not None and row.hash == hash:
        return row.upto is not None
    new = {"rule": rule.stable_id, "hash": hash, "began_at": now, "last_at": now, "upto": 0, "posted": 0}
    with app.database.write() as conn:
        first = insert(conn, table).values(new)
        conn.execute(first.on_conflict_do_update(index_elements=["rule"], set_=new, where=table.c.hash != hash))
    return True


def _post_all(app: Application, rule: Rule, told: Callable[[Progress], None], batch: int) -> Progress:
    with app.database.read() as conn:
        total = conn.scalar(sa.select(sa.func.count()).select_from(_records(app, rule).subquery())) or 0
    progress = Progress(rule.stable_id, 0, total, 0)
    while True:
        seen, posted, more = _batch(app, rule, batch)
        progress = Progress(rule.stable_id, progress.seen + seen, total, progress.posted + posted)
        told(progress)
        if not more:
            LOG.info("%s", progress)
            return progress


def _batch(app: Application, rule: Rule, size: int) -> tuple[int, int, bool]:
    """(records seen, messages left, whether there may be more); the row of the rule is held meanwhile, so that of two
    processes one does it and the other goes on after it."""
    table = app.tables.timer
    with app.database.write() as conn:
        mine = (table.c.rule == rule.stable_id, table.c.hash == trigger_hash(rule))
        upto = conn.scalar(sa.select(table.c.upto).where(*mine).with_for_update())
        if upto is None:
            return 0, 0, False
        query = _records(app, rule)
        id = query.selected_columns["id"]
        rows = conn.execute(query.where(id > upto).order_by(id).limit(size)).mappings().all()
        posted = sum(_post(app, conn, rule, row) for row in rows)
        more = len(rows) == size
        values = {"upto": rows[-1]["id"] if more else None, "posted": table.c.posted + posted}
        conn.execute(sa.update(table).where(*mine).values(values))
    return len(rows), posted, more


def _records(app: Application, rule: Rule) -> sa.Select[Any]:
    """The open visits to the state, or the records that have the date."""
    trigger = rule.trigger
    if isinstance(trigger, Timeout):
        stay, record = app.tables.stay, app.tables.form[trigger.form]
        here = (stay.c.form == trigger.form, stay.c.state == trigger.state, stay.c.left_at.is_(None))
        joined = sa.select(stay).join(record, record.c.id == stay.c.record_id)
        return joined.where(*here, record.c.deleted_at.is_(None))
    assert isinstance(trigger, DateReached)  # only rules about records are gone through
    table = app.tables.form[trigger.form]
    query = sa.select(table.c.id, table.c[trigger.field].label("value"))
    return query.where(table.c[trigger.field].is_not(None), table.c.deleted_at.is_(None))


def _post(app: Application, conn: sa.Connection, rule: Rule, row: Any) -> bool:
    if isinstance(rule.trigger, Timeout):
        return timeouts.leave(app, conn, rule, row, None) or timeouts.go_on(app, conn, rule, row)
    return dates.leave(app, conn, rule, row["id"], row["value"], None)
