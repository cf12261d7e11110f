"""What the walk writes: the row by compare-and-set, lines by difference, files, links, and the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from engine import stays
from engine.checking import new_files
from engine.errors import AppmillError, Stale
from engine.fields.base import Field
from engine.forecasts import expect
from engine.formats import MASK
from engine.passage import Passage, Walk
from engine.plans import FormPlan, LinesPlan
from engine.promises import TIMES
from engine.sight import NEW, Row
from engine.storage import events, records
from engine.storage.violations import explain
from engine.timing import dates, timeouts
from engine.workflow import owner_of

# Beside the fields, what a save may change in a row.
KEPT = ("state", "state_since", *TIMES, "_previous", "owner", "owner_role", "_title", "deleted_at")


OWNER = "_owner"  # in the changes of an event: [user id, role] before and after; no field is called so


class Lost(Exception):
    """The database refused a write that the checks had let through: somebody else was faster."""

    def __init__(self, error: IntegrityError, passage: Passage, plan: FormPlan) -> None:
        super().__init__(str(error))
        self.error, self.passage, self.plan = error, passage, plan

    def said(self) -> AppmillError | None:
        return explain(self.error, self.plan.form, self.passage.walk.app.tables)


class Overtaken(Exception):
    """Between reading the record and writing it somebody else wrote it; possible on PostgreSQL only."""

    def __init__(self, stale: Stale) -> None:
        super().__init__(str(stale))
        self.stale = stale


def write(passage: Passage) -> None:
    """Store the record and everything that hangs on it; raises Overtaken, or Lost for a violated constraint."""
    plan = passage.plan
    try:
        _write_row(passage)
    except IntegrityError as error:
        raise Lost(error, passage, plan) from error
    except Stale as stale:
        raise Overtaken(stale) from stale
    files = new_files(passage)
    for name in passage.lines:
        try:
            _write_lines(passage, plan.lines[name])
        except IntegrityError as error:
            raise Lost(error, passage, plan.lines[name].plan) from error
    for name, targets in passage.links.items():
        if targets != passage.stored_links.get(name, ()):
            records.set_links(
                passage.walk.conn, passage.walk.app.tables, plan.form.name, name, passage.row["id"], targets
            )
    _claim_files(passage, files)


def _write_row(passage: Passage) -> None:
    walk, plan, row, before = passage.walk, passage.plan, passage.row, passage.before
    tables, form = walk.app.tables, plan.form.name
    row["updated_at"], row["updated_by"] = walk.now, walk.actor.id
    if before is None:
        row["created_at"] = row["created_at"] or walk.now
        row["created_by"] = walk.actor.id
        if plan.form.workflow is None and "owner" in row:
            row["owner"] = walk.actor.id
        row["version"] = 1
        row["id"] = records.insert(walk.conn, tables, form, row)
        walk.sight.forget(form, [NEW])
    else:
        row["version"] = records.update(walk.conn, tables, form, before["id"], before["version"], changes(passage))
    walk.sight.remember(form, row)


def changes(passage: Passage) -> dict[str, Any]:
    """The columns to write: those that differ, and who changed them when."""
    before, row = passage.before or {}, passage.row
    names = (*passage.plan.columns, *(name for name in KEPT if name in before))
    found = {name: row.get(name) for name in names if row.get(name) != before.get(name)}
    return {**found, "updated_at": row["updated_at"], "updated_by": row["updated_by"]}


# --- lines -----------------------------------------------------------------------------------------------------------


def _write_lines(passage: Passage, lines: LinesPlan) -> None:
    """Only what differs: new lines in one batch, changed ones grouped by what changed, removed ones in one batch."""
    walk, form = passage.walk, lines.plan.form.name
    stored, rows = passage.stored_lines[lines.name], passage.lines[lines.name]
    kept = {row["id"] for row in rows}
    conn, tables = walk.conn, walk.app.tables
    records.delete_rows(conn, tables, form, [id for id in stored if id not in kept])
    for group in _changed_groups(walk, rows, stored).values():
        records.update_rows(conn, tables, form, group)
    for row in rows:
        row["_parent"] = passage.row["id"]
    new = [_as_new(passage, row) for row in rows if row["id"] < 0]
    timed = form in walk.app.plans.timed.dates
    if lines.plan.form.workflow or timed:
        _insert_one_by_one(passage, lines, new)
    elif new:
        records.insert_many(conn, tables, form, new)
    for row in [*new, *(row for row in rows if row["id"] in stored)] if timed else ():
        dates.follow(walk, form, stored.get(row["id"]), row, None)
    walk.sight.forget_lines(form, passage.row["id"])
    walk.sight.forget(form, stored)


def _changed_groups(walk: Walk, rows: list[Row], stored: Mapping[int, Row]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        old = stored.get(row["id"])
        if old is None:
            continue
        changed = {name: value for name, value in row.items() if old.get(name) != value}
        if changed:
            changed |= {"id": row["id"], "updated_at": walk.now, "updated_by": walk.actor.id}
            groups.setdefault(tuple(sorted(changed)), []).append(changed)
    return groups


def _as_new(passage: Passage, row: Row) -> Row:
    walk = passage.walk
    stamp = {"created_at": walk.now, "created_by": walk.actor.id, "updated_at": walk.now, "updated_by": walk.actor.id}
    return {**row, **stamp}


def _insert_one_by_one(passage: Passage, lines: LinesPlan, rows: list[Row]) -> None:
    """Where the ids are needed at once: for visits to states and for what waits for a date."""
    walk, plan = passage.walk, lines.plan
    for row in rows:
        if plan.form.workflow:
            view = walk.sight.view(plan.form, row)
            row["state_since"] = walk.now
            names = walk.sight.with_record(view)
            expect(plan, row, lambda names=names: names)  # type: ignore[misc]
            row["owner"], row["owner_role"] = owner_of(plan, row["state"], names)
        row["id"] = records.insert(walk.conn, walk.app.tables, plan.form.name, row)
        if plan.form.workflow:
            timeouts.entered(walk, plan.form.name, row, stays.enter(walk, plan, row), None)


def _claim_files(passage: Passage, files: Mapping[int, tuple[str, str]]) -> None:
    """From now on whoever may see this record and field may see the file. Files of lines belong to the record."""
    if not files:
        return
    table = passage.walk.app.tables.attachment
    by_field: dict[str, list[int]] = {}
    for id, (where, _name) in files.items():
        by_field.setdefault(where.partition(".")[0], []).append(id)
    for field, ids in by_field.items():
        passage.walk.conn.execute(
            sa.update(table)
            .where(table.c.id.in_(ids), table.c.record_id.is_(None))
            .values(form=passage.plan.form.name, record_id=passage.row["id"], field=field)
        )


# --- the event -------------------------------------------------------------------------------------------------------


def append_event(passage: Passage, trace: Any) -> int:
    """What happened, with every field's value before and after under its stable id."""
    walk, before, row = passage.walk, passage.before or {}, passage.row
    moved = passage.transition is not None or passage.creating
    return events.append(
        walk.conn,
        walk.app.tables,
        events.Event(
            at=walk.now,
            form=passage.plan.form.name,
            record_id=row["id"],
            kind=passage.kind,
            transition=passage.transition.transition.stable_id if passage.transition else None,
            from_state=before.get("state") if moved else None,
            to_state=row.get("state") if moved else None,
            actor_id=walk.actor.id,
            actor_kind=actor_kind(walk),
            rule=walk.actor.rule or walk.actor.feed,
            cause=walk.cause,
            run_id=walk.run_id,
            depth=walk.depth,
            reason=passage.reason,
            batch=walk.batch,
            changes=differences(passage),
            trace=trace,
            definition=walk.app.definition.hash,
        ),
    )


def actor_kind(walk: Walk) -> str:
    if walk.actor.rule is not None:
        return "rule"
    if walk.actor.feed is not None:
        return "feed"
    if walk.actor.system:
        return "system"
    return "token" if walk.actor.scopes is not None else "user"


def differences(passage: Passage) -> dict[str, Any]:
    """{stable id: [before, after]} in JSON; of lines only those that differ; sensitive values are masked."""
    before, row, plan = passage.before or {}, passage.row, passage.plan
    found = _row_differences(plan, before, row)
    for name, targets in passage.links.items():
        old = passage.stored_links.get(name, ())
        if targets != old:
            found[plan.fields[name].stable_id] = [list(old), list(targets)]
    for name, rows in passage.lines.items():
        pair = _line_differences(plan.lines[name], passage.stored_lines[name], rows)
        if pair is not None:
            found[plan.fields[name].stable_id] = pair
    if passage.owner is not None:
        found[OWNER] = [[before.get("owner"), before.get("owner_role")], list(passage.owner)]
    return found


def _row_differences(plan: FormPlan, before: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field.stable_id: [dumped(field, before.get(name)), dumped(field, row.get(name))]
        for name, field in plan.fields.items()
        if name in plan.columns and field.type != "rollup" and row.get(name) != before.get(name)
    }


def dumped(field: Field, value: Any) -> Any:
    if value is None:
        return None
    return MASK if field.sensitive else field.dump(value)


def _line_differences(lines: LinesPlan, stored: Mapping[int, Row], rows: list[Row]) -> list[Any] | None:
    kept = {row["id"] for row in rows}
    before = [row for id, row in stored.items() if id not in kept]
    changed = [(stored.get(row["id"]), row) for row in rows if stored.get(row["id"]) != row]
    if not before and not changed:
        return None
    gone = [_whole_line(lines.plan, row) for row in before]
    return [
        gone + [_part_of_line(lines.plan, old, new) for old, new in changed if old is not None],
        [_whole_line(lines.plan, new) if old is None else _part_of_line(lines.plan, new, old) for old, new in changed],
    ]


def _whole_line(plan: FormPlan, row: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        field.stable_id: dumped(field, row[name])
        for name, field in plan.fields.items()
        if name in plan.columns and field.type != "rollup" and row.get(name) is not None
    }
    return values if row["id"] < 0 else {"id": row["id"], **values}


def _part_of_line(plan: FormPlan, row: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a line that differ from how it was or will be, and its place if that does."""
    values: dict[str, Any] = {"id": row["id"]}
    for name, field in plan.fields.items():
        if name in plan.columns and field.type != "rollup" and row.get(name) != other.get(name):
            values[field.stable_id] = dumped(field, row.get(name))
    if row.get("_position") != other.get("_position"):
        values["_position"] = row.get("_position")
    return values
