"""What differs in the states of one form that was there before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form, State
from engine.errors import message
from engine.promises import TIMES
from engine.storage import asking, history, steps
from engine.storage.archive import STATE, Kept
from engine.storage.decisions import Choice, MigrationQuestion
from engine.storage.shape import Shape, paired

if TYPE_CHECKING:
    from engine.storage.changes import Changes

VALUES = 6
CHUNK = 1000


def find_state_changes(changes: Changes, old: Shape, form: Form) -> None:
    states = form.workflow.states if form.workflow else {}
    if not old["states"] or not states or "state" not in changes.catalog.columns[old["name"]]:
        return
    pairs = paired(old["states"], states, lambda name: name, old.get("was", {}))
    names = {old["states"][was]: now for was, now in pairs if was and now and old["states"][was] != now}
    gone = [was for was, now in pairs if was is not None and now is None]
    if names:
        said = ", ".join(f"{was} → {now}" for was, now in names.items())
        text = message("States of form {form} are renamed: {names}.", form=form.name, names=said)
        changes.add(VALUES, text, partial(_rename, changes=changes, old=old, form=form, names=names))
    for identity in gone:
        _gone(changes, old, form, identity)
    _back(changes, old, form, [states[now].stable_id for was, now in pairs if was is None and now])


def _rename(conn: sa.Connection, changes: Changes, old: Shape, form: Form, names: dict[str, str]) -> None:
    table = changes.tables.form[form.name]
    for kept in changes.archives.of_field(old["identity"], None, STATE):
        for column in (kept.name, str(kept.after)):
            if column in changes.catalog.columns[old["name"]]:
                beside: Any = sa.table(form.name, sa.column(column, sa.Text()))
                steps.replace_values(conn, beside, column, names)
    steps.replace_values(conn, table, "state", names)
    steps.replace_values(conn, table, "_previous", names)
    stay = changes.tables.stay
    steps.replace_values(conn, stay, "state", names, stay.c.form == form.name)
    event = changes.tables.event
    with steps.renaming_events(conn, changes.tables, names, now=changes.now, form=form.name):
        for column in ("from_state", "to_state"):
            steps.replace_values(conn, event, column, names, event.c.form == form.name)


def _gone(changes: Changes, old: Shape, form: Form, identity: str) -> None:
    """Records cannot stay where no transition leads out: they go to another state, and their history says so."""
    assert form.workflow is not None
    state = old["states"][identity]
    found = asking.group(changes.conn, old["name"], {"state": sa.Text()}, lambda table: table.c["state"] == state)
    if not found.count:
        return
    question = _question(form, state, found)
    target = changes.asking.ask(question).value or form.workflow.initial
    text = message(
        "State {state} of form {form} is gone; its {count} records go to {initial}.",
        state=state, form=form.name, count=found.count, initial=target,
    )  # fmt: skip
    kept = changes.free_name("state", old["name"])
    after = changes.beside(kept, old["name"])
    do = partial(_move, changes=changes, form=form, state=state, target=target, kept=kept, after=after)
    changes.add(VALUES, text, do, explicit=True, question=question.id)
    changes.restated.append((form.name, target))
    changes.touched.add(form.name)
    shape = {"type": "Text", "after": "Text"}
    changes.archives.keep(STATE, form.stable_id, kept, shape, what=identity, after=after, table=form.name)


def _question(form: Form, state: str, found: asking.Group) -> MigrationQuestion:
    assert form.workflow is not None
    states = {name: one.label for name, one in form.workflow.states.items()}
    move = message("They go to another state; those still there come back with this one. Open questions stay open.")
    text = message(
        "State {state} of form {form} is gone; {count} records are in it.",
        state=state, form=form.label, count=found.count,
    )  # fmt: skip
    about = ("forms", form.name, "workflow", "states")
    choices = (Choice("move", move, "option", states, loses=True),)
    return MigrationQuestion(f"state {form.name}.{state}", about, text, found.count, found.rows, choices)


def _move(conn: sa.Connection, changes: Changes, form: Form, state: str, target: str, kept: str, after: str) -> None:
    """``kept`` holds the state they were in, ``after`` the one they went to."""
    steps.add_texts(conn, form.name, kept, after)
    table = changes.tables.form[form.name]
    restate(conn, changes, form, table, table.c.state == state, state, target)
    source = steps.lightweight(form.name, (("state", sa.Text()), ("id", sa.BigInteger()), (kept, sa.Text()),
                                           (after, sa.Text())))  # fmt: skip
    conn.execute(sa.update(source).where(source.c.state == state).values({kept: state, after: target, "state": target}))


def restate(
    conn: sa.Connection,
    changes: Changes,
    form: Form,
    table: sa.Table,
    where: sa.ColumnElement[bool],
    was: str,
    now: str,
) -> None:
    """Their visit to the one state is over, and one to the other begins; ``state`` itself is not written."""
    stay, at = changes.tables.stay, changes.now
    history.write(conn, changes, form, table, where, from_state=was, to_state=now)
    there = sa.select(table.c.id).where(where)
    open_ = (stay.c.form == form.name, stay.c.left_at.is_(None), stay.c.record_id.in_(there))
    conn.execute(sa.update(stay).where(*open_).values(left_at=at, dwell_seconds=_seconds(conn, stay, at)))
    columns = ["form", "record_id", "state", "entered_at"]
    entered = (sa.literal(form.name), table.c.id, sa.literal(now), sa.literal(at, stay.c.entered_at.type))
    conn.execute(sa.insert(stay).from_select(columns, there.with_only_columns(*entered)))
    conn.execute(sa.update(table).where(where).values(state_since=at, **dict.fromkeys(TIMES)))


def _seconds(conn: sa.Connection, stay: sa.Table, at: dt.datetime) -> sa.ColumnElement[int]:
    until = sa.literal(at, stay.c.entered_at.type)
    if conn.dialect.name == "sqlite":
        apart: Any = (sa.func.julianday(until) - sa.func.julianday(stay.c.entered_at)) * 86400
        return sa.cast(sa.func.max(sa.func.round(apart), 0), sa.BigInteger)
    return sa.cast(sa.func.greatest(sa.extract("epoch", until - stay.c.entered_at), 0), sa.BigInteger)


# --- there again -----------------------------------------------------------------------------------------------------


def _back(changes: Changes, old: Shape, form: Form, identities: Sequence[str]) -> None:
    find = partial(changes.archives.written_over, STATE, old["identity"], None, old["name"])
    for kept in sorted((kept for each in identities for kept in find(each)), key=lambda kept: -kept.id):
        changes.archives.bring_back(kept)
        changes.touched.add(form.name)
        name = next(state.name for state in _states(form) if state.stable_id == kept.what)
        changes.restated.append((form.name, name))
        text = message(
            "Records of form {form} that were in the state {state} go back to it, unless they were moved since.",
            form=form.name, state=name,
        )  # fmt: skip
        changes.add(VALUES, text, partial(_put_back, changes=changes, form=form, kept=kept, state=name))


def _states(form: Form) -> Iterable[State]:
    return form.workflow.states.values() if form.workflow else ()


def _put_back(conn: sa.Connection, changes: Changes, form: Form, kept: Kept, state: str) -> None:
    """Not moved since: still in the state they were sent to, since the moment they were sent there."""
    table = changes.tables.form[form.name]
    names = ("id", kept.name, str(kept.after))
    beside = steps.lightweight(form.name, ((name, None) for name in names)).alias("beside")
    joined = sa.select(table.c.id, table.c.state).join(beside, beside.c.id == table.c.id)
    still = (table.c.state == beside.c[str(kept.after)], table.c.state_since == kept.at)
    rows = conn.execute(joined.where(beside.c[kept.name].is_not(None), *still)).all()
    for after in dict.fromkeys(row.state for row in rows):
        ids = [row.id for row in rows if row.state == after]
        for start in range(0, len(ids), CHUNK):
            where = table.c.id.in_(ids[start : start + CHUNK])
            restate(conn, changes, form, table, where, after, state)
            conn.execute(sa.update(table).where(where).values(state=state))
