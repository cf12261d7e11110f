"""The records of a task and the options of its links as a phone holds them: few, and with their codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.codes import codes_of
from engine.definition import Form
from engine.entries import Reach
from engine.entries.reachable import asked_fields, card_fields, form_of
from engine.fields.base import Field
from engine.task import Task
from engine.web.context import actor, application, reader
from engine.web.options import offered
from engine.web.render import label
from engine.web.seen import collect, points_at, titles_of

OFFERED = 300  # options of a link


def told(conn: sa.Connection, task: Task, records: Sequence[Reach]) -> list[dict[str, Any]]:
    """What their links point to is read at once for all."""
    fields, wanted = asked_fields(application(), task), dict[str, set[int]]()
    shown = card_fields(form_of(application(), task))
    for one in records:
        collect(fields, one.values, wanted)
        collect([field for field in shown if field.name in one.card], one.card, wanted)
    titles = titles_of(conn, application(), actor(), {name: ids for name, ids in wanted.items() if name != "_file"})
    return [_told(task, one, titles) for one in records]


def _told(task: Task, one: Reach, titles: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    form, app = form_of(application(), task), application()
    fields = [field for field in asked_fields(app, task) if field.name in one.values and field.kind != "files"]
    state = form.workflow.states.get(one.state or "") if form.workflow else None
    values = one.values
    return {
        "id": one.id, "title": one.title, "version": one.version, "state": one.state,
        "state_label": label(state) if state else "", "about": _about(form, one, titles), "codes": one.codes,
        "base": {field.name: _dump(field, values[field.name]) for field in fields},
        "texts": {field.name: field.text(values[field.name], reader()) for field in fields},
        "shown": {field.name: field.format(values[field.name], reader(), titles.get(points_at(field) or ""))
                  for field in fields},
    }  # fmt: skip


def _about(form: Form, one: Reach, titles: Mapping[str, Mapping[int, str]]) -> str:
    """Its card in one line; numbers say what they count."""
    said_so = []
    for field in card_fields(form):
        value = one.card.get(field.name)
        text = "" if value is None else str(field.format(value, reader(), titles.get(points_at(field) or "")))
        if text and text not in one.title:
            said_so.append(f"{label(field)} {text}" if field.kind == "number" else text)
    return " · ".join(said_so)


def _dump(field: Field, value: Any) -> Any:
    return None if value is None else field.dump(value)


def options_of(conn: sa.Connection, field: Field) -> list[dict[str, Any]]:
    app, who = application(), actor()
    found = offered(conn, app, who, field, "", None, limit=OFFERED)
    form = app.definition.forms[field.form]  # type: ignore[attr-defined]
    codes = codes_of(conn, app, who, form, [id for id, _title in found])
    return [{"id": id, "title": title or f"#{id}", "codes": codes.get(id, ())} for id, title in found]
