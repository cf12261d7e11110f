"""Somebody decides about an entry that could not be carried out: it is taken, changed and taken, or dropped.

Whoever decides acts under their own rights; the history of the record says whose entry it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine import service
from engine.application import Application
from engine.entries.finding import Open, may_decide
from engine.entries.judging import added
from engine.entries.reachable import adding, asked_fields
from engine.entries.receiving import carry, present, tell, with_codes
from engine.errors import Denied, Invalid, Problem, Refused, Stale, message
from engine.once import Once
from engine.people import Actor
from engine.task import Task
from engine.walking import Saved

CHOICES = ("mine", "theirs", "edit")  # the entry as it is, the record as it is, something else
TRIES = 8
_OUTCOMES = {"mine": "taken", "edit": "changed", "theirs": "dropped"}
_DECIDED = message("Somebody has decided about this entry already.")


def settle(
    app: Application, who: Actor, open_: Open, choice: str, values: Mapping[str, Any] | None = None, note: str = ""
) -> Saved | None:
    """``values``: what it is to be, by field, where the choice is ``edit``. Raises what keeps the change from being
    saved; then the entry stays open. Answers None where the record stays as it is."""
    if choice == "theirs":
        return _drop(app, who, open_, note)
    if not may_decide(app, who, open_.task, open_.user_id):
        raise Denied(message("Somebody else decides about this entry."))
    if open_.task is None:
        raise Refused(message("This task is gone; what was entered can only be read and dropped."))
    if choice not in CHOICES:
        raise Invalid(message("Choose what is to become of the entry."))
    return _take(app, who, open_, open_.task, choice, values, note)


def _drop(app: Application, who: Actor, open_: Open, note: str) -> None:
    """Its maker may withdraw it, too."""
    if open_.user_id != who.id and not may_decide(app, who, open_.task, open_.user_id):
        raise Denied(message("Somebody else decides about this entry."))
    with app.database.write() as conn:
        close(conn, app, who, open_, "dropped", note, None)


def close(
    conn: sa.Connection, app: Application, who: Actor, open_: Open, outcome: str, note: str, record: int | None
) -> None:
    """In the transaction of whatever was decided; raises Refused where somebody else was first."""
    table = app.tables.entry
    done = {"outcome": outcome, "decided_by": who.id, "decided_at": app.clock(), "note": note or None}
    if record is not None:
        done["record_id"] = record
    changed = conn.execute(sa.update(table).where(table.c.id == open_.id, table.c.outcome == "open").values(**done))
    if changed.rowcount != 1:
        raise Refused(_DECIDED)
    conn.execute(sa.delete(app.tables.entry_file).where(app.tables.entry_file.c.entry_id == open_.id))
    if open_.user_id is not None and open_.user_id != who.id:
        said = message(_SAID[outcome].pattern, task=open_.task.label if open_.task else open_.task_name, name=who.name)
        tell(conn, app, {open_.user_id}, open_.id, said)


_SAID = {
    "taken": message("{task}: {name} took over your entry."),
    "changed": message("{task}: {name} took over your entry with changes."),
    "dropped": message("{task}: {name} did not take over your entry."),
}


@dataclass(frozen=True)
class _Settling(Once):
    """The entry is closed in the transaction that saves the record."""

    who: Any = None
    open_: Any = None
    outcome: str = ""
    note_: str = ""

    def earlier(self, app: Application, conn: sa.Connection, form: str) -> Saved | None:
        _lend_files(conn, app, self.who, self.open_.id)
        return None

    def note(self, app: Application, conn: sa.Connection, saved: Saved) -> None:
        close(conn, app, self.who, self.open_, self.outcome, self.note_, saved.id)


def _lend_files(conn: sa.Connection, app: Application, who: Actor, entry: int) -> None:
    """Its files become those of whoever decides: only who uploaded a file may attach it."""
    kept, files = app.tables.entry_file, app.tables.attachment
    ids = sa.select(kept.c.attachment_id).where(kept.c.entry_id == entry)
    conn.execute(sa.update(files).where(files.c.id.in_(ids), files.c.record_id.is_(None)).values(created_by=who.id))


def _take(
    app: Application, who: Actor, open_: Open, task: Task, choice: str, values: Mapping[str, Any] | None, note: str
) -> Saved:
    entry = open_.entry
    if values and choice == "edit":  # what was chosen by hand needs no code any more
        codes = {name: code for name, code in entry.codes.items() if not values.get(name)}
        entry = replace(entry, values={**entry.values, **values}, codes=codes)
    entry = with_codes(app, who, task, entry)
    once = _Settling(f"entry:{open_.id}", who=who, open_=open_, outcome=_OUTCOMES[choice], note_=note)
    if task.kind == "create":
        return service.save(app, who, task.form, dict(entry.values), once=once)
    for attempt in range(TRIES):
        row = present(app, who, task, entry)
        try:
            return carry(app, who, task, row, _wanted(app, who, task, entry.values, row), _reason(open_, note), once)
        except Stale:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the loop returns or raises")


def _wanted(app: Application, who: Actor, task: Task, raw: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they were entered, over whatever is there; what adds up is added to what is there now."""
    reader, adds, problems = who.reader(app.definition), adding(app, task), []
    values: dict[str, Any] = {}
    for one in asked_fields(app, task):
        if one.name not in raw:
            continue
        try:
            typed = one.parse(raw[one.name], reader)
        except Invalid as wrong:
            problems.append(Problem(one.name, wrong.reason))
            continue
        values[one.name] = added(row.get(one.name), typed) if one.name in adds else typed
    if problems:
        raise Invalid(problems[0].message, problems)
    return values


def _reason(open_: Open, note: str) -> str:
    """What the history of the record says of it: whose entry it was, and what was said to it."""
    parts = (open_.maker, open_.entry.reason or "", note)
    return " · ".join(part for part in parts if part)[:2000]
