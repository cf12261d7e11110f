"""Telling people in the application, and outside as each of them wants it: one notice per person, however many of their
roles were named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.effects import Notify
from engine.errors import Missing, message
from engine.expressions import View
from engine.passage import Passage, Walk
from engine.people import load_actor, people_with_roles
from engine.permissions import may_record
from engine.reach import Kind
from engine.reaching.leaving import leave
from engine.sight import Sight
from engine.texts import say

if TYPE_CHECKING:
    from engine.application import Application


def notify(walk: Walk, effect: Notify, event_id: int | None) -> None:
    """Notify the active people of the effect's roles, and the users it names."""
    people = people_with_roles(walk.conn, walk.app.tables, effect.roles) | effect.users
    write(walk, people, effect.form, effect.id, effect.texts, event_id)


def write(
    walk: Walk, people: Iterable[int], form: str, id: int, texts: Mapping[str, str], event_id: int | None,
    kind: Kind = "told", question_id: int | None = None,
) -> dict[int, int]:  # fmt: skip
    """Answers the ids of the notices by person. ``question_id``: what they are asked."""
    return put(walk.app, walk.conn, people, form, id, texts, kind, at=walk.now, event_id=event_id,
               question_id=question_id)  # fmt: skip


def put(
    app: Application, conn: sa.Connection, people: Iterable[int], form: str, id: int | None, texts: Mapping[str, str],
    kind: Kind, *, at: dt.datetime | None = None, event_id: int | None = None, question_id: int | None = None,
) -> dict[int, int]:  # fmt: skip
    """The same outside a walk."""
    table = app.tables.notification
    rows = [
        {
            "user_id": person, "form": form, "record_id": id, "message": dict(texts), "at": at or app.clock(),
            "event_id": event_id, "kind": kind, "question_id": question_id,
        }
        for person in sorted(set(people))
    ]  # fmt: skip
    if not rows:
        return {}
    written = conn.execute(sa.insert(table).returning(table.c.user_id, table.c.id), rows)
    told = {row.user_id: row.id for row in written}
    leave(app, conn, kind, told)
    return told


def now_responsible(passage: Passage, event_id: int) -> None:
    """Tell whoever became responsible for the record through somebody else, where the definition asks for it. Imports
    tell nobody."""
    walk, row = passage.walk, passage.row
    owner, reach = row.get("owner"), walk.app.definition.reach
    before = passage.before["owner"] if passage.before else None
    if reach is None or reach.responsible is None or owner in (None, before, walk.actor.id) or walk.batch is not None:
        return
    form, workflow = passage.plan.form, passage.plan.form.workflow
    if workflow is not None and _may_see(walk, form, row, int(owner)):
        title, state = row.get("_title") or f"#{row['id']}", workflow.states[row["state"]].label
        said = message("You are responsible for {form} {title} now: {state}", form=form.label, title=title, state=state)
        texts: dict[str, str] = {language: say(said, language) for language in walk.app.definition.languages}
        write(walk, [int(owner)], form.name, row["id"], texts, event_id, "responsible")


def _may_see(walk: Walk, form: Form, row: Mapping[str, Any], person: int) -> bool:
    try:
        other = load_actor(walk.conn, walk.app.tables, person)
    except Missing:
        return False
    return bool(may_record(walk.app, other, "read", form, View(form, row, Sight(walk.app, walk.conn, other))))
