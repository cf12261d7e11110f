"""Screens that are not tables: what kanban, calendar, Gantt and tree share, and the doors their moves go through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, jsonify, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from engine import queries, service
from engine.columns import Columns, columns_of, rights
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Refused, message
from engine.fields.base import Field
from engine.filling import fill
from engine.permissions import may, may_record, updatable_fields
from engine.queries import ListQuery, parse_query, view_named
from engine.texts import say
from engine.titles import extras
from engine.views import CalendarView, KanbanView, View
from engine.web.context import actor, application, reader
from engine.web.lists import Around, look_around
from engine.web.render import render
from engine.web.rows import Row, Show, is_late, link_target, shower
from engine.web.screens import form_named
from engine.web.seen import Seen, see
from engine.workflow import Door, doors

blueprint = Blueprint("boards", __name__)


# --- a card ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CardPlan:
    """How one record is shown on a board: its title opens it, the other fields stand below."""

    form: str
    names: tuple[str, ...]
    facts: tuple[tuple[str, str, Show], ...]  # name, label, show
    title: Callable[[Row, Any], str]

    def draw(self, row: Row, found: Any, now: dt.datetime) -> Markup:
        late = " overdue" if is_late(row, now) else ""
        hidden = row.get("_hidden", ())
        facts = [
            f'<span class="card-fact" title="{label}">{show(row[name], row, found)}</span>'
            for name, label, show in self.facts
            if row[name] is not None and name not in hidden
        ]
        return Markup(  # noqa: S704 - every part is escaped
            f'<article class="board-card{late}" id="r{row["id"]}" data-id="{row["id"]}" data-v="{row["version"]}"'
            f' tabindex="0"><a class="open" href="/{self.form}/{row["id"]}" draggable="false">{self.title(row, found)}</a>'
            f'<span class="card-facts">{"".join(facts)}</span></article>'
        )


def card_plan(form: Form, columns: Columns, card: Sequence[str]) -> CardPlan:
    """Kept per definition, fields, rights and reader."""
    app, who, person = application(), actor(), reader()
    names = tuple(name for name in card if name in columns)
    key = ("card", form.name, names, rights(who), person)
    found: CardPlan | None = app.plans.kept.get(key)
    if found is None:
        open_forms = frozenset(name for name in app.definition.forms if may(app, who, "read", name))
        plain = next((name for name in names if columns[name].kind not in ("link", "links", "user", "files")), None)
        facts = tuple(
            (
                name,
                escape(columns[name].label_in(person.language)),
                shower(columns[name], person, link_target(app.definition, form, columns[name], open_forms)),
            )
            for name in names
            if name != plain
        )
        found = app.plans.kept[key] = CardPlan(form.name, names, facts, _titled(columns.get(plain or "")))
    return found


def _titled(field: Field | None) -> Callable[[Row, Any], str]:
    person = reader()

    def title(row: Row, found: Any) -> str:
        value = row[field.name] if field is not None and field.name not in row.get("_hidden", ()) else None
        if value is None or field is None:
            return str(escape(row["_title"] if field is None and row.get("_title") else f"#{row['id']}"))
        text = field.masked if field.sensitive else field.format
        return str(escape(text(value, person, found.get(field.name))))

    return title


# --- asking ----------------------------------------------------------------------------------------------------------


def asked(form: Form, args: Any, also: Sequence[str] = ()) -> tuple[ListQuery, Columns]:
    app, who = application(), actor()
    return parse_query(app, who, form, args, also=("saved", *also)), columns_of(app, who, form)


def group_field(columns: Columns, name: str) -> Field:
    """A field that may make columns, days or lanes: readable on every record; else the answer of an unknown one."""
    field = columns.get(name)
    if field is None or field.column_type() is None or field.sensitive:
        raise Invalid(queries.unknown(queries.NO_FIELD, name, list(columns)))
    if name in columns.sometimes:
        raise Invalid(queries.sometimes(field))
    return field


def rows_of(conn: sa.Connection, query: ListQuery, columns: Columns, names: Sequence[str]) -> tuple[Any, Any]:
    """A page of complete rows, and what their cells need beside them."""
    app, who = application(), actor()
    page = queries.run(app, who, query, conn, names or ("id",))
    fill(app, who, conn, query.form, columns, names, page.rows)
    return page, extras(app, who, conn, query.form, columns, names, page.rows)


def show_board(template: str, conn: sa.Connection, query: ListQuery, columns: Columns, **more: Any) -> str:
    """The board inside tabs, search and chips."""
    around = Around(**look_around(conn, query.form, query, columns))
    return render(template, form=query.form, query=query, screen=around, view=query.view, **more)


# --- moving a card ---------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/<int:record_id>/move")
def move(form_name: str, record_id: int) -> Response:
    """A card dropped elsewhere: ``to`` is the column's value or the day.

    Answers JSON: ``card`` (the fresh card), ``dialog`` (where to ask for what the step needs), or ``refused`` (sentences)
    with status 409.
    """
    form = form_named(form_name)
    view = view_named(form, request.args.get("view", ""))
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
    answer.status_code = 409 if refused.status < 500 else refused.status
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


# The screens enter themselves; imported last, because they build on what stands above.
from engine.web import gantt, kanban, months, tree  # noqa: E402, F401
