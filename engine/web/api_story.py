"""What can be done with a record, and what happened to it, as JSON: doors with their obstacles, buttons, comments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.definition import Form, Rule
from engine.fields.base import Field
from engine.formats import MASK
from engine.people import Actor
from engine.storage import events
from engine.storage.events import Event
from engine.triggers import Button
from engine.web import comments
from engine.web.api_shape import Json, moment
from engine.web.context import actor, application
from engine.web.failures import said
from engine.web.render import label
from engine.web.seen import Seen, titles_of
from engine.workflow import Door, doors

Readable = Callable[[str, str], bool]


# --- what can be done ------------------------------------------------------------------------------------------------


def doors_json(seen: Seen) -> Json:
    """Every transition out of the present state, open or closed and why, and the buttons of rules for the actor."""
    app, who, form = application(), actor(), seen.form
    living = seen.row["deleted_at"] is None
    ways = doors(app, who, form, seen.view) if form.workflow and living else ()
    return {
        "state": seen.row.get("state"),
        "version": seen.row["version"],
        "transitions": [_door(one) for one in ways],
        "buttons": [_button(rule) for rule in buttons_of(form.name, who)] if living else [],
    }


def _door(door: Door) -> Json:
    step = door.transition
    return {
        "name": step.name,
        "label": label(step),
        "to": step.to,
        "open": door.open,
        "ask": list(step.ask),
        "reason": step.reason,
        "confirm": label(step.confirm) if step.confirm else None,
        "obstacles": [
            {"kind": one.kind, "message": said(one.message), "field": one.field, "asked": one.asked}
            for one in door.obstacles
        ],
    }


def buttons_of(form: str, who: Actor) -> list[Rule]:
    """The rules that a person of these roles may wake by a button."""
    return [
        rule
        for rule in application().definition.rules.values()
        if rule.enabled and isinstance(rule.trigger, Button) and rule.form == form
        and (who.is_admin or who.roles.intersection(rule.trigger.roles))
    ]  # fmt: skip


def _button(rule: Rule) -> Json:
    assert isinstance(rule.trigger, Button)  # buttons_of chose it
    confirm = rule.trigger.confirm
    return {"name": rule.name, "label": label(rule.trigger), "confirm": label(confirm) if confirm else None}


# --- what happened ---------------------------------------------------------------------------------------------------


def events_json(conn: sa.Connection, seen: Seen, *, before: int | None, limit: int) -> Json:
    """Newest first; ``before`` of the answer continues, None at the beginning of the story."""
    app = application()
    found = events.of_record(conn, app.tables, seen.form.name, seen.id, before=before, limit=limit + 1)
    shown = found[:limit]
    people = titles_of(conn, app, actor(), {"_user": {one.actor_id for one in shown if one.actor_id is not None}})
    names, readable = people.get("_user", {}), comments.readable_of(seen)
    return {
        "events": [_event(one, seen.form, names, readable) for one in shown],
        "before": shown[-1].id if len(found) > limit else None,
    }


def _event(event: Event, form: Form, names: Mapping[int, str], readable: Readable) -> Json:
    return {
        "id": event.id,
        "at": moment(event.at),
        "kind": event.kind,
        "actor": person_json(event.actor_id, names),
        "transition": _transition(form, event.transition),
        "from_state": event.from_state,
        "to_state": event.to_state,
        "reason": event.reason,
        "rule": event.rule,
        "cause": event.cause,
        "changes": _changes(event.changes or {}, form, readable),
    }


def person_json(id: int | None, names: Mapping[int, str]) -> Json | None:
    return None if id is None else {"id": id, "name": names.get(id, "")}


def _transition(form: Form, stable_id: str | None) -> str | None:
    steps = form.workflow.transitions.values() if form.workflow else ()
    return next((one.name for one in steps if one.stable_id == stable_id), stable_id)


def _changes(changes: Mapping[str, Any], form: Form, readable: Readable) -> list[Json]:
    """What the actor may not see is left out, what is sensitive is masked."""
    fields = {field.stable_id: field for field in form.fields.values()}
    told = []
    for key, pair in changes.items():
        field = fields.get(key)
        if field is not None and isinstance(pair, (list, tuple)) and len(pair) == 2 and readable(form.name, field.name):
            before, after = (_value(field, one, readable) for one in pair)
            told.append({"field": field.name, "before": before, "after": after})
    return told


def _value(field: Field, dumped: Any, readable: Readable) -> Any:
    if dumped is not None and field.sensitive:
        return MASK
    if field.kind != "lines" or not isinstance(dumped, list):
        return dumped
    rows = application().definition.forms[field.form]  # type: ignore[attr-defined]
    return [_line(rows, row, readable) for row in dumped if isinstance(row, Mapping)]


def _line(form: Form, row: Mapping[str, Any], readable: Readable) -> Json:
    told: Json = {"id": row["id"]} if "id" in row else {}
    for field in form.fields.values():
        if field.stable_id in row and readable(form.name, field.name):
            told[field.name] = _value(field, row[field.stable_id], readable)
    return told


# --- what was said ---------------------------------------------------------------------------------------------------


def comments_json(conn: sa.Connection, seen: Seen, *, before: int | None, limit: int) -> Json:
    """Newest first, as events."""
    table = application().tables.comment
    query = sa.select(table).where(
        table.c.form == seen.form.name, table.c.record_id == seen.id, table.c.deleted_at.is_(None)
    )
    if before is not None:
        query = query.where(table.c.id < before)
    found = list(conn.execute(query.order_by(table.c.id.desc()).limit(limit + 1)))
    shown = found[:limit]
    return {
        "comments": comment_list(conn, seen, shown),
        "before": shown[-1].id if len(found) > limit else None,
    }


def comment_list(conn: sa.Connection, seen: Seen, rows: Sequence[Any]) -> list[Json]:
    who = actor()
    names = titles_of(conn, application(), who, {"_user": {row.author for row in rows}}).get("_user", {})
    files = comments.files_of(conn, seen, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "at": moment(row.at),
            "author": person_json(row.author, names),
            "mine": row.author == who.id,
            "body": row.body,
            "edited": row.edited_at is not None,
            "portal": row.portal,  # whose people read it too
            "files": [{"id": file["id"], "name": file["name"]} for file in files.get(row.id, ())],
        }
        for row in rows
    ]
