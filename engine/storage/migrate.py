"""From the tables as they are to the tables a definition asks for.

What cannot lose anything (new tables and columns, indexes, renames by stable id or ``renamed_from``) happens at the
start. What takes something away that holds data is *explicit*: printed, and done only when asked for; even then the
data is kept, under a name that begins with ``_gone_``. Everything happens in one transaction, on both databases.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.definition import AppDefinition
from engine.errors import Refused, message
from engine.faults import point
from engine.storage import automation as _automation  # noqa: F401 - enters its tables
from engine.storage import events, search
from engine.storage import publishing as _publishing  # noqa: F401 - enters its tables
from engine.storage import timing as _timing  # noqa: F401 - enters its tables
from engine.storage.catalog import Catalog, read_catalog
from engine.storage.changes import Changes
from engine.storage.decisions import Decisions, MigrationQuestion
from engine.storage.shape import Shape, shape_of
from engine.storage.steps import Step
from engine.storage.system import MAKERS
from engine.storage.tables import Tables
from engine.texts import say


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
    questions: tuple[MigrationQuestion, ...] = ()  # what has to be decided about the data
    decisions: Decisions = field(default_factory=dict)  # what was decided
    known: bool = False  # the very same definition was applied before

    @property
    def empty(self) -> bool:
        return not self.order

    def describe(self, language: str) -> list[str]:
        """One line per step, the explicit ones marked."""
        lines = [say(step.message, language) for step in self.additive]
        return lines + [f"! {say(step.message, language)}" for step in self.explicit]


def plan_migration(conn: sa.Connection, definition: AppDefinition, tables: Tables, now: dt.datetime) -> Plan:
    """Compare the definition with what the database was built from and with what really is in it; changes nothing."""
    shape = shape_of(definition, tables)
    catalog = read_catalog(conn)
    old = stored_shape(conn, catalog)
    if old is not None and old == shape and _complete(tables, catalog):
        return Plan(definition, tables, shape, known=last_hash(conn) == definition.hash)
    changes = Changes(conn, definition, tables, catalog, old or {"forms": {}}, now)
    changes.find()
    return Plan(
        definition,
        tables,
        shape,
        tuple(step for step, explicit in changes.steps() if not explicit),
        tuple(step for step, explicit in changes.steps() if explicit),
        tuple(step for step, _explicit in changes.steps()),
        tuple(changes.recompute),
        tuple(changes.reindex),
    )


def apply(
    conn: sa.Connection,
    plan: Plan,
    *,
    source: str,
    now: dt.datetime,
    by: int | None = None,
    allow_explicit: bool = False,
) -> None:
    """Carry out the plan in the caller's transaction and remember the definition with its source text.

    Raises Refused, having changed nothing, when there are explicit steps and they were not allowed.
    """
    refuse_explicit(plan, allow_explicit)
    for step in plan.order:
        point("migration step")
        step.do(conn)
    if plan.order:
        events.guard(conn)
        search.prepare(conn, plan.definition, plan.tables, plan.reindex)
    if not plan.known:
        _remember(conn, plan, source, now, by)


def refuse_explicit(plan: Plan, allow_explicit: bool = False) -> None:
    impossible = [step for step in plan.explicit if step.impossible]
    if impossible:
        raise Refused(
            message("The definition does not fit the data: {steps}", steps=tuple(step.message for step in impossible))
        )
    if plan.explicit and not allow_explicit:
        raise Refused(
            message(
                "The definition takes away things that hold data: {steps} To go on, run: appmill migrate --apply."
                " The data is kept in the database.",
                steps=tuple(step.message for step in plan.explicit),
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
) -> Plan:
    """Plan and apply in one; what the start of an application calls. Of several processes that start at once one does
    the work, the others wait and find it done."""
    lock(conn)
    plan = plan_migration(conn, definition, tables, now)
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
        for table in tables.metadata.tables.values()
    )
