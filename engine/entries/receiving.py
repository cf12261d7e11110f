"""An entry arrives: once, under the rights its maker has now, by the same walk as any other change.

What cannot be done with an entry that was waiting on a phone is kept, for whoever may decide; what cannot be done with
one whose maker stands before the screen is told, and kept only where two people clash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from engine import fetching, notices, service, walking
from engine.application import Application
from engine.codes import resolve
from engine.definition import Form
from engine.entries.judging import Judgement, Made, judge
from engine.entries.reachable import adding, asked_fields, form_of, may_do
from engine.errors import AppmillError, Denied, Invalid, Message, Missing, Problem, Refused, Stale, message
from engine.expressions import View
from engine.language import LANGUAGES
from engine.once import Once, Repeated
from engine.people import Actor, people_with_roles
from engine.permissions import may_record
from engine.reach import Kind
from engine.sight import Sight
from engine.storage import records
from engine.task import Task
from engine.texts import say
from engine.walking import Saved

PLACE = "tasks/entries"  # where entries that are open stand on the site
TRIES = 8  # somebody else may save between the reading and the writing
MOST_OPEN = 500  # entries of one person that wait for a decision
MOVED = message("It stands in another state by now.")
CLASHED = message("Somebody else changed the same thing meanwhile.")
NOT_AMONG = message("It is not among the records of this task any more.")


@dataclass(frozen=True)
class Entry:
    """What was filled in. ``values`` and ``base`` are raw input by field; ``codes`` what was scanned without knowing
    what it stands for, by field, "" for the record itself. ``waited``: it was made earlier, and nobody looks on."""

    key: str
    made_at: dt.datetime
    values: Mapping[str, Any]
    record: int | None = None
    version: int | None = None
    state: str | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    waited: bool = False


@dataclass(frozen=True)
class Outcome:
    """``outcome``: saved, merged or open; for an open one ``why``, in words."""

    id: int
    outcome: str
    record: int | None
    version: int | None = None
    state: str | None = None
    why: Message | None = None


def receive(app: Application, who: Actor, task: Task, entry: Entry) -> Outcome:
    """Carry the entry out, or keep it for a decision. Raises what keeps it from that where its maker looks on."""
    done = earlier(app, who, entry.key)
    if done is not None:
        return done
    try:
        if not may_do(app, who, task):
            raise Denied(message("This task is not for you any more."))
        return _carry_out(app, who, task, with_codes(app, who, task, entry))
    except _Clashing as clashing:
        return _keep(app, who, task, replace(entry, record=clashing.record), clashing.why)
    except (Invalid, Refused, Denied, Missing, Stale) as error:
        if not entry.waited or is_outdated(app):  # by the definition that is in force now it may well be taken
            raise
        return _keep(app, who, task, entry, _whole(error))


def is_outdated(app: Application) -> bool:
    """Whether another definition came into force meanwhile."""
    return app.database.in_force not in (None, app.definition.hash)


class _Clashing(Exception):
    def __init__(self, record: int, why: Message) -> None:
        super().__init__(str(why))
        self.record, self.why = record, why


def _whole(error: AppmillError) -> Message:
    """Everything that is wrong, as one text."""
    said = [problem.message for problem in error.problems]
    problems = tuple(one for at, one in enumerate(said) if one not in said[:at])
    return message("{problems}", problems=problems) if len(problems) > 1 else error.reason


# --- once


def earlier(app: Application, who: Actor, key: str) -> Outcome | None:
    """What became of an entry that arrived before."""
    with app.database.read() as conn:
        return _noted(conn, app, key_of(who, key))


def key_of(who: Actor, key: str) -> str:
    """The same key of another person is another entry."""
    return f"{who.id}:{key}"


def _noted(conn: sa.Connection, app: Application, key: str) -> Outcome | None:
    table = app.tables.entry
    row = conn.execute(sa.select(table.c.id, table.c.outcome, table.c.record_id, table.c.form)
                       .where(table.c.once == key)).first()  # fmt: skip
    if row is None:
        return None
    outcome = row.outcome if row.outcome in ("saved", "merged") else "open"
    there = row.record_id is not None and row.form in app.tables.form
    stored = records.get(conn, app.tables, row.form, row.record_id) if there else None
    if stored is None:
        return Outcome(row.id, outcome, row.record_id)
    return Outcome(row.id, outcome, row.record_id, stored["version"], stored.get("state"))


@dataclass(frozen=True)
class _Noting(Once):
    """Notes the entry in the transaction that saves its record, so that either both are there or neither is."""

    row: Mapping[str, Any] = field(default_factory=dict)

    def earlier(self, app: Application, conn: sa.Connection, form: str) -> Saved | None:
        found = _noted(conn, app, self.key)
        row = records.get(conn, app.tables, form, found.record) if found and found.record is not None else None
        return None if row is None else Saved(row["id"], row["version"], row.get("state"), row, 0)

    def note(self, app: Application, conn: sa.Connection, saved: Saved) -> None:
        insert(conn, app, {**self.row, "record_id": saved.id})


def insert(conn: sa.Connection, app: Application, row: Mapping[str, Any]) -> int:
    """Raises Repeated where the same entry arrived a moment earlier."""
    try:
        made = conn.execute(sa.insert(app.tables.entry).values(**row)).inserted_primary_key
    except IntegrityError:
        raise Repeated from None
    return int(made[0]) if made else 0


def row_of(app: Application, who: Actor, task: Task, entry: Entry, outcome: str) -> dict[str, Any]:
    sent = {"values": dict(entry.values), "base": dict(entry.base), "codes": dict(entry.codes), "reason": entry.reason}
    return {
        "once": key_of(who, entry.key), "task": task.stable_id, "user_id": who.id, "form": task.form,
        "record_id": entry.record, "version": entry.version, "state": entry.state, "sent": sent,
        "made_at": entry.made_at, "received_at": app.clock(), "outcome": outcome, "why": None,
        "definition": app.definition.hash,
    }  # fmt: skip


# --- codes nobody could look up


def with_codes(app: Application, who: Actor, task: Task, entry: Entry) -> Entry:
    """What was scanned without network is looked up now."""
    if not entry.codes:
        return entry
    form, values, record = form_of(app, task), dict(entry.values), entry.record
    with app.database.read() as conn:
        for name, code in entry.codes.items():
            if name == "":
                record = _found(resolve(conn, app, who, form, code), code, "")
            elif name in form.fields and (target := getattr(form.fields[name], "form", None)):
                found = resolve(conn, app, who, app.definition.forms[target], code)
                values[name] = str(_found(found, code, name))
    return replace(entry, values=values, record=record)


def _found(ids: list[int], code: str, where: str) -> int:
    if len(ids) == 1:
        return ids[0]
    said = message("Nothing you may see has the code {code}.", code=code) if not ids else message(
        "More than one record has the code {code}.", code=code)  # fmt: skip
    raise Invalid(said, [Problem(where, said)])


# --- carrying out


def _carry_out(app: Application, who: Actor, task: Task, entry: Entry) -> Outcome:
    if task.kind == "create":
        once = _Noting(key_of(who, entry.key), row=row_of(app, who, task, entry, "saved"))
        saved = service.save(app, who, task.form, dict(entry.values), once=once)
        return _told(app, once.key, saved)
    for attempt in range(TRIES):
        try:
            return _change(app, who, task, entry)
        except Stale:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the loop returns or raises")


def _told(app: Application, key: str, saved: Saved) -> Outcome:
    with app.database.read() as conn:
        noted = _noted(conn, app, key)
    if noted is None:
        raise AssertionError("an entry that was carried out is noted")
    return replace(noted, version=saved.version, state=saved.state)


def _change(app: Application, who: Actor, task: Task, entry: Entry) -> Outcome:
    """Read, judge, save over what was read: somebody who comes between makes it begin again."""
    row = present(app, who, task, entry)
    judged = judged_entry(app, who, task, entry, row)
    if not judged.goes_through:
        raise _Clashing(row["id"], CLASHED if judged.clashes else MOVED)
    _refuse_foreign(app, who, task, row["id"])
    outcome = "merged" if judged.merged else "saved"
    once = _Noting(key_of(who, entry.key), row=row_of(app, who, task, entry, outcome))
    saved = carry(app, who, task, row, judged.values, entry.reason, once)
    return _told(app, once.key, saved)


def present(app: Application, who: Actor, task: Task, entry: Entry) -> Mapping[str, Any]:
    """The record as it is now; raises Missing alike for one that is gone and one that may not be seen."""
    if entry.record is None:
        raise Invalid(message("Say which record it is about: scan or choose it."))
    with app.database.read() as conn:
        return record_seen(conn, app, who, form_of(app, task), entry.record)


def record_seen(conn: sa.Connection, app: Application, who: Actor, form: Form, id: int) -> Mapping[str, Any]:
    sight = Sight(app, conn, who)
    row = sight.load(form.name, id)
    there = row is not None and row["deleted_at"] is None
    if row is None or not there or not may_record(app, who, "read", form, View(form, row, sight)):
        raise walking.missing(app.plans.form(form), id)
    many = app.plans.form(form).many
    return {**row, **{name: records.links_of(conn, app.tables, form.name, name, [id])[id] for name in many}}


def judged_entry(app: Application, who: Actor, task: Task, entry: Entry, row: Mapping[str, Any]) -> Judgement:
    """The entry against the record; raises Invalid with everything that cannot be read."""
    fields = {one.name: one for one in asked_fields(app, task)}
    reader, problems = who.reader(app.definition), []
    typed: dict[str, Any] = {}
    for name, raw in entry.values.items():
        if name not in fields:
            continue
        try:
            typed[name] = fields[name].parse(raw, reader)
        except Invalid as wrong:
            problems.append(Problem(name, wrong.reason))
    if problems:
        raise Invalid(problems[0].message, problems)
    base = {name: fields[name].parse(raw, reader) for name, raw in entry.base.items() if name in fields}
    made = Made(entry.version, entry.state, base)
    return judge(made, typed, adding(app, task), row, step=task.kind == "take")


def _refuse_foreign(app: Application, who: Actor, task: Task, record: int) -> None:
    if not task.where:
        return
    table = app.tables.form[task.form]
    meant = fetching.where_sql(app, who, form_of(app, task), task.where)
    with app.database.read() as conn:
        if conn.execute(sa.select(table.c.id).where(table.c.id == record, meant)).first() is None:
            raise Refused(NOT_AMONG)


def carry(
    app: Application, who: Actor, task: Task, row: Mapping[str, Any], values: Mapping[str, Any], reason: str | None,
    once: Once,
) -> Saved:  # fmt: skip
    """The change or the step, over the version that was read."""
    form = form_of(app, task)
    raw = dumped(form, values)
    if task.transition is not None:
        return service.take(app, who, form, row["id"], task.transition, version=row["version"], values=raw,
                            reason=reason, once=once)  # fmt: skip
    return service.save(app, who, form, raw, id=row["id"], version=row["version"], reason=reason, once=once)


def dumped(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value is None else form.fields[name].dump(value) for name, value in values.items()}


# --- keeping for a decision


def _keep(app: Application, who: Actor, task: Task, entry: Entry, why: Message) -> Outcome:
    """The entry waits for whoever may decide, and they are told."""
    table = app.tables.entry
    try:
        with app.database.write() as conn:
            open_ones = sa.select(sa.func.count()).where(table.c.user_id == who.id, table.c.outcome == "open")
            if (conn.scalar(open_ones) or 0) >= MOST_OPEN:
                raise Refused(message("Too many of your entries wait for a decision. Have those decided first."))
            texts = {language: say(why, language) for language in LANGUAGES}
            id = insert(conn, app, {**row_of(app, who, task, entry, "open"), "why": texts})
            _keep_files(conn, app, id, task, entry)
            needed = message("{task}: an entry of {name} needs a decision.", task=task.label, name=who.name)
            tell(conn, app, deciders(conn, app, task, who.id) - {who.id}, id, needed, "asked")
    except Repeated:
        return earlier(app, who, entry.key) or Outcome(0, "open", entry.record, why=why)
    return Outcome(id, "open", entry.record, why=why)


def _keep_files(conn: sa.Connection, app: Application, id: int, task: Task, entry: Entry) -> None:
    files = [field.name for field in asked_fields(app, task) if field.kind == "files"]
    rows = [
        {"entry_id": id, "attachment_id": int(one), "field": name}
        for name in files
        for one in dict.fromkeys(entry.values.get(name) or ())
    ]
    if rows:
        conn.execute(sa.insert(app.tables.entry_file), rows)


def deciders(conn: sa.Connection, app: Application, task: Task, maker: int | None) -> set[int]:
    """Who is to decide; the maker where the task names nobody."""
    if task.decides is None:
        return {maker} if maker is not None else set()
    return set(people_with_roles(conn, app.tables, [task.decides]))


def tell(
    conn: sa.Connection, app: Application, people: set[int], entry: int, said: Message, kind: Kind = "mentioned"
) -> None:  # fmt: skip
    """The notice leads to the entry."""
    texts = {language: say(said, language) for language in LANGUAGES}
    notices.put(app, conn, people, PLACE, entry, texts, kind)
