"""Every event has a cause: a person's act, or a chain of rules that ends at a person, a moment or a message."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.errors import message
from engine.invariants.looking import Broken, Looking
from engine.storage.events import GUARDED, guards_of

WOKEN_BY = ("schedule:", "date:", "timeout:", "hook:", "mail:", "finished:")  # what runs without an event begin with


def causes(looking: Looking) -> Iterator[Broken]:
    """Events lead to later ones, so that every chain ends; what has no cause says who or what did it."""
    event = looking.app.tables.event
    earlier = event.alias("earlier")
    lost = (
        sa.select(event.c.id, event.c.form, event.c.record_id)
        .outerjoin_from(event, earlier, earlier.c.id == event.c.cause)
        .where(event.c.cause.is_not(None), sa.or_(earlier.c.id.is_(None), earlier.c.id >= event.c.id))
    )
    yield from _told(looking, lost, "The event that caused it is not there, or came later.")
    nobody = (event.c.actor_kind.in_(("user", "token")), event.c.actor_id.is_(None))
    of_form = event.c.form.in_(looking.form_names)
    yield from _told(looking, _of(event).where(*nobody, of_form), "A person did it, but nobody knows who.")
    yield from _told(looking, _without_run(looking), "A rule did it, but nothing says what woke the rule.")
    wrong = sa.or_(
        sa.and_(event.c.actor_kind == "rule", sa.or_(event.c.rule.is_(None), event.c.depth < 1)),
        sa.and_(event.c.actor_kind.in_(("user", "token")), event.c.depth > 0),
    )
    yield from _told(looking, _of(event).where(wrong), "How far it is from what a person did is not as it must be.")


def _of(event: sa.Table) -> sa.Select[tuple[int, str, int]]:
    return sa.select(event.c.id, event.c.form, event.c.record_id)


def _without_run(looking: Looking) -> sa.Select[tuple[int, str, int]]:
    """Rules that were woken by no event were woken by time or from outside, which the key of their run says; a run of
    one record of many has its key begin with that of the run above it."""
    event, run = looking.app.tables.event, looking.app.tables.run
    known = sa.or_(run.c.event_id.is_not(None), *(run.c.key.like(f"{word}%") for word in WOKEN_BY))
    return (
        _of(event)
        .outerjoin_from(event, run, run.c.id == event.c.run_id)
        .where(event.c.actor_kind == "rule", event.c.cause.is_(None), sa.or_(run.c.id.is_(None), sa.not_(known)))
    )


def _told(looking: Looking, query: sa.Select[tuple[int, str, int]], pattern: str) -> Iterator[Broken]:
    for id, form, record_id in looking.rows(query):
        yield Broken(message(pattern), form, record_id, id)


def trail(looking: Looking) -> Iterator[Broken]:
    """The database refuses to change events and seals, and on SQLite, where no number is left out, none is missing."""
    missing = _guards_missing(looking)
    if missing:
        yield Broken(message("The database does not refuse to change events: {missing} is gone.", missing=missing))
    if looking.conn.dialect.name != "sqlite":
        return
    event = looking.app.tables.event
    following = sa.func.lead(event.c.id).over(order_by=event.c.id).label("following")
    pairs = sa.select(event.c.id, event.c.form, event.c.record_id, following).subquery()
    for row in looking.rows(sa.select(pairs).where(pairs.c.following > pairs.c.id + 1)):
        yield Broken(message("{count} events after this one are gone.", count=row.following - row.id - 1), row.form,
                     row.record_id, row.id)  # fmt: skip


def _guards_missing(looking: Looking) -> tuple[str, ...]:
    dialect = looking.conn.dialect.name
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if dialect == "sqlite" else (
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT tgisinternal AND c.relnamespace = CAST(current_schema() AS regnamespace)"
    )  # fmt: skip
    present = set(looking.conn.scalars(sa.text(query)))
    return tuple(name for table in GUARDED for name in guards_of(dialect, table) if name not in present)
