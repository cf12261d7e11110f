"""A record that is changed while it is being approved: those who approved are told, or everybody is asked again."""

from __future__ import annotations

import sqlalchemy as sa

from engine import going_on
from engine.application import Application
from engine.approvals import model, noting, outcomes, running
from engine.approvals.asking import Way
from engine.errors import message
from engine.passage import Walk


def record_changed(walk: Walk, form: str, id: int, changed: frozenset[str]) -> None:
    """Told by the walk, after the record was written."""
    for approval in model.open_of_record(walk.conn, walk.app.tables, form, id):
        if approval.state != "open" or not changed.intersection(_shown(walk.app, walk.conn, approval)):
            continue
        way = running.way_of(walk.app, walk.conn, model.locked(walk.conn, walk.app.tables, approval.id))
        way = Way(_of(walk), way.run, way.action, way.approval, way.context)
        if way.approval.state == "open" and outcomes.approvers(way):
            _changed(way, walk.actor.id)


def _of(walk: Walk) -> Walk:
    return going_on.system_walk(walk.app, walk.conn, cause=walk.cause, chain=walk.chain)


def _shown(app: Application, conn: sa.Connection, approval: model.Approval) -> tuple[str, ...]:
    return tuple(str(name) for name in model.action_of(app, conn, approval).shows)


def _changed(way: Way, by: int | None) -> None:
    if way.action.changes == "again":
        noting.note(way.app, way.conn, way.approval, "again", by)
        running.again(way, 0)
        running.over(way)
        return
    people = {voice.user_id for voice in outcomes.approvers(way)} - {by}
    texts: dict[str, str] = {
        language: outcomes.said(
            message("“{approval}”: something you saw was changed after you approved.",
                    approval=way.approval.name(language)), language)
        for language in way.app.definition.languages
    }  # fmt: skip
    noting.tell(way.walk, way.approval, people, texts)
