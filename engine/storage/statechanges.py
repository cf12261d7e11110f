"""What differs in the states of one form that was there before."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import message
from engine.storage import steps
from engine.storage.shape import Shape, paired

if TYPE_CHECKING:
    from engine.storage.changes import Changes

VALUES = 6


def find_state_changes(changes: Changes, old: Shape, form: Form) -> None:
    states = form.workflow.states if form.workflow else {}
    if not old["states"] or not states or "state" not in changes.catalog.columns[old["name"]]:
        return
    pairs = paired(old["states"], states, lambda name: name)
    names = {old["states"][was]: now for was, now in pairs if was and now and old["states"][was] != now}
    gone = [old["states"][was] for was, now in pairs if was is not None and now is None]
    if names:
        said = ", ".join(f"{was} → {now}" for was, now in names.items())
        text = message("States of form {form} are renamed: {names}.", form=form.name, names=said)
        changes.add(VALUES, text, partial(_rename, changes=changes, form=form, names=names))
    for state in gone:
        _gone(changes, old["name"], form, state)


def _rename(conn: sa.Connection, changes: Changes, form: Form, names: dict[str, str]) -> None:
    table = changes.tables.form[form.name]
    steps.replace_values(conn, table, "state", names)
    steps.replace_values(conn, table, "_previous", names)
    stay = changes.tables.stay
    steps.replace_values(conn, stay, "state", names, stay.c.form == form.name)
    event = changes.tables.event
    with steps.events_unguarded(conn):
        for column in ("from_state", "to_state"):
            steps.replace_values(conn, event, column, names, event.c.form == form.name)


def _gone(changes: Changes, table: str, form: Form, state: str) -> None:
    """Records cannot stay where no transition leads out: they go back to the start, and their history says so."""
    assert form.workflow is not None
    now = steps.lightweight(table, (("state", sa.Text()),))
    select = sa.select(sa.func.count()).select_from(now).where(now.c.state == state)
    count = changes.conn.execute(select).scalar_one()
    if count:
        text = message(
            "State {state} of form {form} is gone; its {count} records go to {initial}.",
            state=state, form=form.name, count=count, initial=form.workflow.initial,
        )  # fmt: skip
        do = partial(_restart, changes=changes, form=form, state=state, initial=form.workflow.initial)
        changes.add(VALUES, text, do, explicit=True)


def _restart(conn: sa.Connection, changes: Changes, form: Form, state: str, initial: str) -> None:
    table, stay, event, now = changes.tables.form[form.name], changes.tables.stay, changes.tables.event, changes.now
    there = sa.select(table.c.id).where(table.c.state == state)
    said: dict[str, Any] = {
        "at": now, "form": form.name, "kind": "migrated", "from_state": state, "to_state": initial,
        "actor_kind": "system", "depth": 0, "definition": changes.definition.hash,
    }  # fmt: skip
    literals = [sa.literal(content, event.c[name].type) for name, content in said.items()]
    conn.execute(sa.insert(event).from_select([*said, "record_id"], there.with_only_columns(*literals, table.c.id)))
    here = (stay.c.form == form.name, stay.c.left_at.is_(None), stay.c.state == state)
    conn.execute(sa.update(stay).where(*here).values(left_at=now))
    columns = ["form", "record_id", "state", "entered_at"]
    entered = (sa.literal(form.name), table.c.id, sa.literal(initial), sa.literal(now, stay.c.entered_at.type))
    conn.execute(sa.insert(stay).from_select(columns, there.with_only_columns(*entered)))
    conn.execute(sa.update(table).where(table.c.state == state).values(state=initial, state_since=now, state_due=None))
