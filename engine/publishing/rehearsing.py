"""There and back on a copy: what a change does to the data, and whether going back gives all of it again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import AppDefinition
from engine.errors import AppmillError, Message, message
from engine.publishing.copying import copied
from engine.publishing.inforce import Entry, Told, as_data, of_data, put_in_force, silent
from engine.publishing.preparing import Prepared, plan_of
from engine.publishing.publish import refuse_open
from engine.storage.catalog import quoted, read_catalog
from engine.storage.database import Database
from engine.storage.decisions import Decision, Decisions
from engine.storage.migrate import Plan, source_of
from engine.storage.tables import build_tables

# What a publication writes about itself; going back adds to it.
BOOKKEEPING = frozenset({"_definition", "_publication", "_archive", "_waiver", "_timer", "_job"})
CHUNK = 2000


@dataclass(frozen=True)
class Rehearsal:
    """``ok``: it can be done and undone; ``lossless``: every table is byte-identical after going back; ``sentences``:
    what was seen."""

    ok: bool
    lossless: bool
    sentences: tuple[Message, ...]
    tables: int = 0
    records: int = 0

    def as_data(self) -> dict[str, Any]:
        said = [as_data(each) for each in self.sentences]
        return {"ok": self.ok, "lossless": self.lossless, "sentences": said, "tables": self.tables,
                "records": self.records}  # fmt: skip

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Rehearsal:
        said = tuple(of_data(each) for each in data["sentences"])
        return Rehearsal(data["ok"], data["lossless"], said, data["tables"], data["records"])


@dataclass(frozen=True)
class Content:
    """What a table holds: its columns, how many rows, and a hash over all of them."""

    columns: tuple[str, ...]
    rows: int
    hash: str


def rehearse(app: Application, prepared: Prepared, told: Told = silent) -> Rehearsal:
    """Put it in force on a copy, go back, and compare every table with what it was. The live tables are only read."""
    if prepared.loaded is None or prepared.plan is None:
        return _failed(message("The definition has mistakes; check it again."))
    try:
        with copied(app.database, told) as copy:
            return _there_and_back(replace(app, database=copy, file=None), prepared, told)
    except AppmillError as refusal:
        return _failed(refusal.reason)


def _failed(why: Message) -> Rehearsal:
    return Rehearsal(False, False, (why,))


def _there_and_back(app: Application, prepared: Prepared, told: Told) -> Rehearsal:
    assert prepared.loaded is not None  # the caller looked
    before = contents(app.database, told, message("The data is looked at"))
    with app.database.read() as conn:
        old = source_of(conn, str(prepared.base_hash)) or ""
    there = _put(app, prepared.loaded.definition, prepared.text, prepared.decisions or {}, told)
    archived = _archived(app.database, before)
    back = _put(app, prepared.running, old, {}, told, choosing=True)
    after = contents(app.database, told, message("The data is compared"))
    changed = [name for name, kept in before.items() if not _same(app.database, kept, after.get(name), name)]
    rows = sum(each.rows for each in before.values())
    said = [_went(there), *archived, *_verdict(changed, before, after, rows)]
    if back.questions:
        said.append(message("Going back asks: {questions}", questions=tuple(each.message for each in back.questions)))
    lost = [name for name in changed if name not in after or after[name].rows < before[name].rows]
    return Rehearsal(not lost, not changed, tuple(said), len(before), rows)


def _put(
    app: Application, definition: AppDefinition, text: str, decisions: Decisions, told: Told, choosing: bool = False
) -> Plan:
    """In force on the copy, as a publication would; ``choosing``: what would be asked is answered so that least is
    lost."""
    tables = build_tables(definition, app.registry)
    fresh = Application(definition, app.registry, app.database, tables, app.files, app.clock, app.sources)
    with app.database.write() as conn:
        plan = plan_of(fresh, conn, definition, decisions)
        if choosing and plan.questions:
            plan = plan_of(fresh, conn, definition, _gentlest(plan))
        refuse_open(plan)
        before = None  # the copy keeps no history worth reading
        put_in_force(conn, fresh, plan, source=text, entry=Entry("published"), before=before, told=told,
                     allow_explicit=True)  # fmt: skip
    return plan


def _gentlest(plan: Plan) -> Decisions:
    found: dict[str, Decision] = {}
    for question in plan.questions:
        choices = sorted(question.choices, key=lambda choice: (choice.loses, choice.takes != ""))
        if question.default is None and choices:
            first = choices[0]
            value = next(iter(first.options or ()), "") if first.takes == "option" else ""
            found[question.id] = Decision(first.name, value)
    return found


# --- what was seen ----------------------------------------------------------------------------------------------------


def _went(plan: Plan) -> Message:
    return message("It was put in force on a copy in {count} steps, and taken back.", count=len(plan.order))


def _archived(database: Database, before: Mapping[str, Content]) -> list[Message]:
    """What is kept under another name while it is in force."""
    with database.read() as conn:
        now = read_catalog(conn).columns
    found = [name for name in now if name.startswith("_gone_") and name not in before]
    found += [
        f"{table}.{column}" for table, columns in now.items() for column in columns
        if column.startswith("_gone_") and (table not in before or column not in before[table].columns)
    ]  # fmt: skip
    if not found:
        return []
    return [message("What is taken away is archived: {places}.", places=tuple(sorted(found)))]


def _verdict(
    changed: list[str], before: Mapping[str, Content], after: Mapping[str, Content], rows: int
) -> list[Message]:
    if not changed:
        return [
            message("Lossless: all {tables} tables with {rows} rows are byte-identical after going back.",
                    tables=len(before), rows=rows)
        ]  # fmt: skip
    said = [_difference(name, before[name], after.get(name)) for name in changed]
    same = message("The other {count} tables are byte-identical after going back.", count=len(before) - len(changed))
    return [*said, same]


def _difference(name: str, before: Content, after: Content | None) -> Message:
    if after is None:
        return message("{table} is not there any more after going back.", table=name)
    missing = tuple(column for column in before.columns if column not in after.columns)
    if missing:
        return message("{table} has no {columns} any more after going back.", table=name, columns=missing)
    if before.rows != after.rows:
        return message("{table} has {now} rows after going back, and had {then}.", table=name, now=after.rows,
                       then=before.rows)  # fmt: skip
    return message("Some values in {table} are others after going back.", table=name)


# --- contents ---------------------------------------------------------------------------------------------------------


def contents(database: Database, told: Told, what: Message) -> dict[str, Content]:
    """Every table but the bookkeeping and what is worked out from others."""
    with database.read() as conn:
        columns = read_catalog(conn).columns
        names = sorted(name for name in columns if name not in BOOKKEEPING and not name.startswith("_fts_"))
        found: dict[str, Content] = {}
        for number, name in enumerate(names):
            told(number, len(names), what)
            found[name] = content(conn, name, tuple(sorted(columns[name])))
    return found


def content(conn: sa.Connection, table: str, columns: tuple[str, ...]) -> Content:
    """Over the values as the database keeps them, whatever order rows and columns stand in."""
    as_text = "" if conn.dialect.name == "sqlite" else "::text"
    chosen = [quoted(conn, column) + as_text for column in columns]
    rows, total = 0, 0
    cursor = conn.exec_driver_sql(f"SELECT {', '.join(chosen)} FROM {quoted(conn, table)}")  # noqa: S608
    while part := cursor.fetchmany(CHUNK):
        rows += len(part)
        for row in part:
            digest = hashlib.blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
            total = (total + int.from_bytes(digest, "big")) % (1 << 128)
    return Content(columns, rows, f"{total:032x}")


def _same(database: Database, before: Content, after: Content | None, name: str) -> bool:
    """Columns that were added on the way (archives that stay) do not count."""
    if after is None or before.rows != after.rows or not set(before.columns) <= set(after.columns):
        return False
    if before.columns == after.columns:
        return before.hash == after.hash
    with database.read() as conn:
        return content(conn, name, before.columns).hash == before.hash
