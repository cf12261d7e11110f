"""Boards: their screens enter themselves here, and the door their moves go through."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from engine import queries, service
from engine.columns import columns_of
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Refused, message
from engine.fields.base import Field
from engine.permissions import may_record, updatable_fields
from engine.queries import view_named
from engine.texts import say
from engine.views import CalendarView, KanbanView, View
from engine.web import gantt, kanban, months, nudge, tower, tree
from engine.web.cards import card_plan, group_field, rows_of
from engine.web.context import actor, application, reader
from engine.web.screens import SCREENS, form_named
from engine.web.seen import Seen, see
from engine.workflow import Door, doors

blueprint = Blueprint("boards", __name__)
SCREENS.update(kanban=kanban.show, calendar=months.show, gantt=gantt.show, tree=tree.show, tower=tower.show)
blueprint.add_url_rule("/<form_name>/cards", view_func=kanban.more)
blueprint.add_url_rule("/<form_name>/children", view_func=tree.children)
blueprint.add_url_rule("/<form_name>/<int:record_id>/nudge", view_func=nudge.nudge)


# --- moving a card ---------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/<int:record_id>/move")
def move(form_name: str, record_id: int) -> Response:
    """A card dropped elsewhere: ``to`` is the column's value or the day.

    Answers JSON: ``card`` (the fresh card), ``dialog`` (where to ask for what the step needs), or, with status 409,
    ``refused`` (sentences).
    """
    form = form_named(form_name)
    view = view_named(form, request.args.get("view", ""), columns_of(application(), actor(), form))
    to = request.form.get("to", "")[:200]
    try:
        if isinstance(view, KanbanView) and view.group == "state":
            dialog = _take(form, record_id, to)
            if dialog is not None:
                return jsonify(dialog=dialog)
        elif isinstance(view, KanbanView):
            _set(form, record_id, view.group, to)
        elif isinstance(view, CalendarView):
            _set(form, record_id, view.date, to)
        else:
            raise Refused(message("Cards of this view cannot be moved."))
    except AppmillError as refused:
        return _refusal(refused)
    return jsonify(card=_fresh_card(form, view, record_id))


def _refusal(refused: AppmillError) -> Response:
    reasons = [problem.message for problem in refused.problems] or [refused.reason]
    said = dict.fromkeys(say(reason, reader().language) for reason in reasons)
    answer = jsonify(refused=list(said))
    answer.status_code = refused.status if refused.status in (403, 404) or refused.status >= 500 else 409
    return answer


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text[:12]) if text.isascii() and text.isdigit() else None


def _take(form: Form, record_id: int, to: str) -> str | None:
    """Take the step that leads to the state; the address of its dialog when it asks for something; else Refused."""
    app, who = application(), actor()
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        here = seen.row.get("state")
        door = None if here == to else _door_to(seen, to)
        asks = door is not None and _asks(door)
    if door is None:
        return None
    if not door.open:
        closed = [obstacle.message for obstacle in door.obstacles if not obstacle.asked]
        raise Refused(message("{step}: {why}", step=door.transition.label, why=closed))
    if asks:
        return f"/{form.name}/{record_id}/take/{door.transition.name}"
    service.take(app, who, form, record_id, door.transition.name, version=_version())
    return None


def _door_to(seen: Seen, to: str) -> Door:
    """The step from here to that state, an open one if there is one; raises Refused when there is none."""
    app, who = application(), actor()
    workflow = seen.form.workflow
    states = workflow.states if workflow else {}
    if to not in states:
        raise Invalid(queries.unknown("There is no state “{got}”; there is {known}.", to, list(states)))
    ways = [door for door in doors(app, who, seen.form, seen.view) if _target(door, seen) == to]
    if not ways:
        here = states.get(seen.row.get("state") or "")
        raise Refused(
            message("No step leads from {here} to {there}.", here=here.label if here else "–", there=states[to].label)
        )
    return next((door for door in ways if door.open), ways[0])


def _target(door: Door, seen: Seen) -> Any:
    return seen.row.get("_previous") if door.transition.to == "previous" else door.transition.to


def _asks(door: Door) -> bool:
    """Something is to be typed or confirmed first."""
    step = door.transition
    return bool(door.obstacles) or step.reason == "required" or step.confirm is not None or bool(step.ask)


def _set(form: Form, record_id: int, name: str, to: str) -> None:
    """Save the one field the column or day stands for; a moment keeps its time of day."""
    app, who = application(), actor()
    columns = columns_of(app, who, form)
    field = group_field(columns, name)
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        may_record(app, who, "update", form, seen.view).demand()
        if not updatable_fields(app, who, form).has(name, seen.view):
            raise Refused(message("{label} cannot be changed on this record.", label=field.title))
        value = _moved_moment(field, seen.row[name], to) if field.kind == "datetime" else to
    service.save(app, who, form, {name: value}, id=record_id, version=_version())


def _moved_moment(field: Field, before: dt.datetime | None, day: str) -> str:
    time = field.text(before, reader())[11:16] if before is not None else "00:00"
    return f"{day}T{time}"


def _fresh_card(form: Form, view: View | None, record_id: int) -> str | None:
    """The card after the move; None when the actor may not see the record any more."""
    app = application()
    columns = columns_of(app, actor(), form)
    plan = card_plan(form, columns, getattr(view, "card", ()))
    only = queries.by_id(form, columns, record_id)
    with app.database.read() as conn:
        page, found = rows_of(conn, only, columns, plan.names)
    return str(plan.draw(page.rows[0], found, app.clock())) if page.rows else None
