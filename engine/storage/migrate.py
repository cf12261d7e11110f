"""From the tables as they are to the tables a definition asks for.

What cannot lose anything (new tables and columns, indexes, renames by stable id or ``renamed_from``) happens at the
start. What takes something away that holds data is *explicit*: printed, and done only when asked for; even then the
data is kept, under a name that begins with ``_gone_``. Everything happens in one transaction, on both databases.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from engine.definition import AppDefinition
from engine.errors import Message, Refused, message
from engine.faults import point
from engine.storage import automation as _automation  # noqa: F401 - enters its tables
from engine.storage import events, search
from engine.storage import keeping as _keeping  # noqa: F401 - enters its tables
from engine.storage import portals as _portals  # noqa: F401 - enters its tables
from engine.storage import publishing as _publishing  # noqa: F401 - enters its tables
from engine.storage import timing as _timing  # noqa: F401 - enters its tables
from engine.storage.catalog import Catalog, read_catalog
from engine.storage.changes import Changes
from engine.storage.decisions import Decisions, MigrationQuestion
from engine.storage.locks import wait_for_backups
from engine.storage.shape import Shape, shape_of
from engine.storage.steps import Step
from engine.storage.system import MAKERS
from engine.storage.tables import Tables
from engine.texts import say

Told = Callable[[int, int, Message], None]  # steps done, steps in all, what is done next


@dataclass(frozen=True)
class Plan:
    """What a definition needs of a database.

    ``additive`` loses nothing and is applied at the start; ``explicit`` takes something away from people. ``order``
    is the order in which all of them are done. ``recompute``: (form, field or ``_title``) whose stored values are
    worked out from others and must be worked out again by the walk.
    """

    definition: AppDefinition
    tables: Tables
    shape: Shape
    additive: tuple[Step, ...] = ()
    explicit: tuple[Step, ...] = ()
    order: tuple[Step, ...] = ()
    recompute: tuple[tuple[str, str], ...] = ()
    reindex: tuple[str, ...] = ()  # forms whose full-text index holds other fields now
    restated: tuple[tuple[str, str], ...] = ()  # (form, state) that records are moved to
    questions: tuple[MigrationQuestion, ...] = ()  # what has to be decided about the data
    decisions: Decisions = field(default_factory=dict)  # what was decided about them
    problems: Mapping[str, Message] = field(default_factory=dict)  # what is wrong with a decision, by its question
    base: str | None = None  # the hash of the definition that was applied last
    now: dt.datetime | None = None
    reforecast: tuple[str, ...] = ()  # forms whose records are expected at other times
    known: bool = False  # the very same definition was applied before

    @property
    def empty(self) -> bool:
        return not self.order

    @property
    def open_questions(self) -> tuple[MigrationQuestion, ...]:
        """Those that somebody still has to answer, or answer otherwise."""
        answered = self.decisions.keys() - self.problems.keys()
        return tuple(
            one for one in self.questions
            if one.id not in answered and (one.default is None or one.id in self.problems)
        )  # fmt: skip

    @property
    def seal(self) -> str:
        """Of everything that was looked at and decided: another one means that something else would be done."""
        said = {
            "base": self.base,
            "definition": self.definition.hash,
            "steps": [str(step.message) for step in self.order],
            "questions": [[one.id, one.count] for one in self.questions],
            "decisions": {id: decision.as_data() for id, decision in sorted(self.decisions.items())},
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    def describe(self, language: str) -> list[str]:
        """One line per step, the explicit ones marked."""
        lines = [say(step.message, language) for step in self.additive]
        return lines + [f"! {say(step.message, language)}" for step in self.explicit]


def plan_migration(
    conn: sa.Connection,
    definition: AppDefinition,
    tables: Tables,
    now: dt.datetime,
    decisions: Decisions = MappingProxyType({}),
) -> Plan:
    """Compare the definition with what the database was built from and with what really is in it; changes nothing.

    ``decisions`` answer the questions of an earlier plan; those about nothing any more are left out of this one.
    """
    shape = shape_of(definition)
    catalog = read_catalog(conn)
    old = stored_shape(conn, catalog)
    base = last_hash(conn) if old is not None else None
    if old is not None and old == shape and _complete(tables, catalog):
        return Plan(definition, tables, shape, base=base, now=now, known=base == definition.hash)
    changes = Changes(conn, definition, tables, catalog, old or {"forms": {}}, now, decisions)
    changes.find()
    asked = {question.id for question in changes.asking.questions}
    return Plan(
        definition,
        tables,
        shape,
        tuple(step for step, explicit in changes.steps() if not explicit),
        tuple(step for step, explicit in changes.steps() if explicit),
        tuple(step for step, _explicit in changes.steps()),
        tuple(changes.recompute),
        tuple(changes.reindex),
        tuple(changes.restated),
        tuple(changes.asking.questions),
        {id: decision for id, decision in decisions.items() if id in asked},
        changes.asking.problems,
        base,
        now,
        tuple(changes.reforecast),
    )


def apply(
    conn: sa.Connection,
    plan: Plan,
    *,
    source: str,
    now: dt.datetime,
    by: int | None = None,
    allow_explicit: bool = False,
    told: Told = lambda done, total, message: None,
) -> None:
    """Carry out the plan in the caller's transaction and remember the definition with its source text.

    ``told(done, total, message)`` is called before each step and at the end; what it raises ends the migration, and
    the caller's transaction undoes it. Raises Refused as ``refuse_explicit`` does, having changed nothing. A question
    that nobody answered is settled as a plain start does: nothing is filled in, what is gone is put aside.
    """
    refuse_explicit(plan, allow_explicit)
    if plan.order:
        wait_for_backups(conn)
    total = len(plan.order) + 1
    for done, step in enumerate(plan.order):
        told(done, total, step.message)
        point("migration step")
        step.do(conn)
    told(len(plan.order), total, message("The definition is kept."))
    if plan.order:
        events.guard(conn, *events.GUARDED)
        search.prepare(conn, plan.definition, plan.tables, plan.reindex)
    point("migration indexed")
    if not plan.known:
        _remember(conn, plan, source, now, by)
    point("migration remembered")
    told(total, total, message("The database fits the definition."))


def refuse_explicit(plan: Plan, allow_explicit: bool = False) -> None:
    """Raises Refused where a decision is wrong, where the data does not fit, or where something that holds data goes
    away and nobody decided about it."""
    impossible = [step for step in plan.explicit if step.impossible]
    if impossible:
        raise Refused(
            message("The definition does not fit the data: {steps}", steps=tuple(step.message for step in impossible))
        )
    if plan.problems:
        raise Refused(message("What was decided cannot be done: {problems}", problems=tuple(plan.problems.values())))
    undecided = [step for step in plan.explicit if not step.question or step.question not in plan.decisions]
    if undecided and not allow_explicit:
        raise Refused(
            message(
                "The definition takes away things that hold data: {steps} To go on, run: appmill migrate --apply."
                " The data is kept in the database.",
                steps=tuple(step.message for step in undecided),
            )
        )


_MIGRATING = 0x6D69677261746521  # any number nobody else takes: "migrate!"


def lock(conn: sa.Connection) -> None:
    """One at a time puts a definition in force, until the end of the caller's transaction."""
    if conn.dialect.name == "postgresql":  # SQLite's write transaction is alone anyway
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))


def upgrade(
    conn: sa.Connection,
    definition: AppDefinition,
    tables: Tables,
    *,
    source: str,
    now: dt.datetime,
    by: int | None = None,
    allow_explicit: bool = False,
    decisions: Decisions = MappingProxyType({}),
) -> Plan:
    """Plan and apply in one; what the start of an application calls. Of several processes that start at once one does
    the work, the others wait and find it done."""
    lock(conn)
    plan = plan_migration(conn, definition, tables, now, decisions)
    apply(conn, plan, source=source, now=now, by=by, allow_explicit=allow_explicit)
    return plan


# --- what was in force -----------------------------------------------------------------------------------------------

_stored = MAKERS["published"](sa.MetaData())


def stored_shape(conn: sa.Connection, catalog: Catalog | None = None) -> Shape | None:
    """The shape the tables have now, None for a database nothing was ever applied to."""
    if "_definition" not in (catalog or read_catalog(conn)).columns:
        return None
    found = conn.execute(sa.select(_stored.c.shape).order_by(_stored.c.serial.desc()).limit(1)).scalar()
    return dict(found) if found else None


def source_of(conn: sa.Connection, hash: str) -> str | None:
    """The text of a definition that was ever in force."""
    return conn.execute(sa.select(_stored.c.source).where(_stored.c.hash == hash)).scalar()


def last_hash(conn: sa.Connection) -> str | None:
    """The hash of the definition that was applied last."""
    return conn.execute(sa.select(_stored.c.hash).order_by(_stored.c.serial.desc()).limit(1)).scalar()


def _remember(conn: sa.Connection, plan: Plan, source: str, now: dt.datetime, by: int | None) -> None:
    table = plan.tables.published
    serial = (conn.execute(sa.select(sa.func.max(table.c.serial))).scalar() or 0) + 1
    row: dict[str, Any] = {"shape": plan.shape, "applied_at": now, "applied_by": by, "serial": serial, "source": source}
    again = conn.execute(sa.update(table).where(table.c.hash == plan.definition.hash).values(row))
    if not again.rowcount:
        conn.execute(sa.insert(table).values(hash=plan.definition.hash, **row))


def _complete(tables: Tables, catalog: Catalog) -> bool:
    return all(
        table.name in catalog.columns
        and catalog.columns[table.name].issuperset(table.c.keys())
        and all(index.name in catalog.indexes for index in table.indexes)
        for table in tables.all()
    )
