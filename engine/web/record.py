"""The page of a record: what it is, where it stands, what can be done with it and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from engine import formats, service
from engine.approvals import model as approval_model
from engine.definition import Form
from engine.errors import Message, Missing, message
from engine.fields.base import Field
from engine.forecasts import ExpectedStep, steps_of
from engine.paper.formats import formats_of
from engine.permissions import label_of_role, may, may_record, row_filter
from engine.storage import events
from engine.triggers import Button
from engine.web import access, comments, path, printing, questions, related, storyline, take
from engine.web.approval_picture import Picture, pictures_of
from engine.web.context import actor, application, fragment_wanted, reader
from engine.web.doors import ShownDoor, closed_doors, open_doors
from engine.web.failures import said as say
from engine.web.numbers import whole
from engine.web.path import Aside, Badge, Step
from engine.web.render import go, label, render, toast, translate
from engine.web.seen import NOT_THERE, Seen, form_named, see
from engine.web.showing import Showing, ShownSection
from engine.workflow import doors

blueprint = Blueprint("record", __name__)
for part in (comments, printing, related, storyline, take):  # the rest of the record's addresses
    blueprint.register_blueprint(part.blueprint)


@dataclass(frozen=True)
class Press:
    """A button of a rule."""

    name: str
    label: str
    confirm: str


@dataclass(frozen=True)
class StatusLine:
    label: str
    text: str
    late: bool = False


@dataclass(frozen=True)
class RecordPage:
    form: Form
    form_label: str
    id: int
    title: str
    deleted: bool
    state: Badge | None
    path: tuple[Step, ...]
    aside: Aside | None
    doors: tuple[ShownDoor, ...]
    closed: tuple[ShownDoor, ...]
    presses: tuple[Press, ...]
    status: tuple[StatusLine, ...]
    rev: str
    version: int
    sections: tuple[ShownSection, ...]
    related: tuple[Any, ...]
    may_update: bool
    may_delete: bool
    may_create: bool
    asked: tuple[questions.Shown, ...] = ()
    approvals: tuple[Picture, ...] = ()
    outside: bool = False
    prints: tuple[tuple[str, str], ...] = ()
    panels: tuple[str, ...] = ()


# --- the page --------------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/<int:record_id>")
def show(form_name: str, record_id: int) -> Answer:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id, deleted=True)
        page = page_of(conn, seen)
    return Response(render("record.html", page=page))


def page_of(conn: sa.Connection, seen: Seen) -> RecordPage:
    app, who, form, row = application(), actor(), seen.form, seen.row
    now = app.clock()
    stays = path.stays_of(conn, app, form, seen.id) if form.workflow else []
    people = path.people_of(stays) | {row[name] for name in ("owner", "created_by", "updated_by") if row.get(name)}
    showing = Showing(conn, app, who, seen, {"_user": people})
    deleted, why_aside = row["deleted_at"] is not None, path.why_aside(conn, app, form, row)
    may_update = not deleted and bool(may_record(app, who, "update", form, seen.view))
    ways = doors(app, who, form, seen.view) if form.workflow and not deleted else ()
    names = showing.titles.get("_user", {})
    expected = steps_of(app.plans.form(form), row, now) if form.workflow and row.get("forecast_at") else ()
    return RecordPage(
        form=form,
        form_label=label(form),
        id=seen.id,
        title=seen.title,
        deleted=deleted,
        state=path.badge(form, row, reader()),
        path=path.steps(form.workflow, row, stays, names, reader(), now, expected) if form.workflow else (),
        aside=path.aside(form.workflow, row, reader(), now, why_aside) if form.workflow else None,
        doors=open_doors(ways, form, row),
        closed=closed_doors(ways, form, row, may_update),
        presses=() if deleted else presses(form),
        status=_status(showing, row, expected),
        rev=_written(showing, row),
        version=row["version"],
        sections=showing.sections(editable=may_update),
        related=related.links_here(form),
        may_update=may_update,
        may_delete=bool(may_record(app, who, "delete", form, seen.view)),
        may_create=bool(may(app, who, "create", form)),
        asked=() if deleted else tuple(questions.mine(conn, form=form.name, record_id=seen.id)),
        approvals=_approvals(conn, seen),
        prints=tuple((one.name, label(one)) for one in formats_of(form, who)),
        outside=not deleted and access.anything(form, seen),
        panels=tuple(one.format(id=seen.id) for one in app.registry.panels.get(form.name, ())),
    )


def _approvals(conn: sa.Connection, seen: Seen) -> tuple[Picture, ...]:
    app = application()
    if seen.form.name not in app.plans.approving:
        return ()
    found = approval_model.of_record(conn, app.tables, seen.form.name, seen.id, limit=5)
    return tuple(picture for picture, _asked in pictures_of(app, conn, actor(), found))


def presses(form: Form) -> tuple[Press, ...]:
    """The buttons of rules on this form that are for the actor's roles."""
    who = actor()
    if who.view_as is not None:
        return ()
    return tuple(
        Press(rule.name, label(rule.trigger), label(rule.trigger.confirm) if rule.trigger.confirm else "")
        for rule in application().definition.rules.values()
        if rule.enabled and isinstance(rule.trigger, Button) and rule.form == form.name
        and (who.is_admin or who.roles.intersection(rule.trigger.roles))
    )  # fmt: skip


def _status(showing: Showing, row: Mapping[str, Any], expected: Sequence[ExpectedStep]) -> tuple[StatusLine, ...]:
    lines = []
    owner = showing.name_of(row.get("owner"))
    if not owner and row.get("owner_role"):
        owner = say(message("{role} (role)", role=label_of_role(application().definition, row["owner_role"])))
    if owner:
        lines.append(StatusLine(translate("Owner"), owner))
    due, late = path.due_note(row, reader(), application().clock())
    if due:
        lines.append(StatusLine(translate("Due"), due, late))
    end = expected[-1].end if expected else None
    if end is not None and end != row["state_due"]:
        lines.append(StatusLine(translate("Expected end"), formats.moment(end, reader())))
    return tuple(lines)


def _written(showing: Showing, row: Mapping[str, Any]) -> str:
    return translate(
        "Created {created} {creator} · changed {changed} {changer}",
        created=formats.moment(row["created_at"], reader()),
        creator=showing.name_of(row["created_by"]),
        changed=formats.moment(row["updated_at"], reader()),
        changer=showing.name_of(row["updated_by"]),
    )


# --- previous and next -----------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/<int:record_id>/step/<direction>")
def step(form_name: str, record_id: int, direction: str) -> Answer:
    """To the neighbour in the order of the numbers, among the records the person may see."""
    form = form_named(form_name)
    if direction not in ("previous", "next"):
        raise Missing(NOT_THERE)
    app = application()
    with app.database.read() as conn:
        see(conn, form, record_id, deleted=True)
        table = app.tables.form[form.name]
        further = table.c.id > record_id if direction == "next" else table.c.id < record_id
        query = sa.select(table.c.id).where(further, table.c.deleted_at.is_(None)).limit(1)
        condition = row_filter(app, actor(), "read", form)
        if condition is not None:
            query = query.where(condition)
        found = conn.scalar(query.order_by(table.c.id if direction == "next" else table.c.id.desc()))
    if found is None:
        toast(message("This is the last one.") if direction == "next" else message("This is the first one."), "info")
        return go(f"/{form.name}/{record_id}")
    return go(f"/{form.name}/{found}")


# --- in clear --------------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/<int:record_id>/reveal/<field_name>")
def reveal(form_name: str, record_id: int, field_name: str) -> Answer:
    """A sensitive field in clear, for this once; who looked is kept in the timeline."""
    form = form_named(form_name)
    app, who = application(), actor()
    with app.database.write() as conn:
        seen = see(conn, form, record_id)
        field = form.fields.get(field_name)
        if field is None or field.name not in seen.fields or not field.sensitive:
            raise Missing(NOT_THERE)
        events.append(conn, app.tables, events.Event(
            at=app.clock(), form=form.name, record_id=record_id, kind="revealed", actor_id=who.id,
            changes=None, trace={"field": field.stable_id}, definition=app.definition.hash,
        ))  # fmt: skip
        page = _revealed(conn, seen, field)
    return Response(page)


def _revealed(conn: sa.Connection, seen: Seen, field: Field) -> str:
    showing = Showing(conn, application(), actor(), seen)
    html = showing.html(field, showing.values[field.name], clear=True)
    if fragment_wanted():
        return str(html)
    page = {"form": seen.form, "id": seen.id, "title": seen.title}
    return render("record_clear.html", page=page, field=field, html=html)


# --- buttons of rules ------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/<int:record_id>/press/<rule_name>")
def press(form_name: str, record_id: int, rule_name: str) -> Answer:
    form = form_named(form_name)
    with application().database.read() as conn:
        see(conn, form, record_id)
    service.press(application(), actor(), form.name, record_id, rule_name)
    toast(message("Done"))
    return go(f"/{form.name}/{record_id}")


# --- delete and restore ----------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/<int:record_id>/delete")
def ask_delete(form_name: str, record_id: int) -> Answer:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
        may_record(application(), actor(), "delete", form, seen.view).demand()
    page = {"form": form, "form_label": label(form), "id": seen.id, "title": seen.title, "version": seen.row["version"]}
    return Response(render("record_delete.html", page=page))


@blueprint.post("/<form_name>/<int:record_id>/delete")
def delete(form_name: str, record_id: int) -> Answer:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
    version = whole(request.form.get("_version"))
    service.delete(application(), actor(), form.name, record_id, seen.row["version"] if version is None else version)
    told: Message = message("{title} was deleted", title=seen.title)
    toast(told, undo=f"/{form.name}/{record_id}/restore")
    return go(f"/{form.name}")


@blueprint.post("/<form_name>/<int:record_id>/restore")
def restore(form_name: str, record_id: int) -> Answer:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id, deleted=True)
    if seen.row["deleted_at"] is None:
        return go(f"/{form.name}/{record_id}")
    service.restore(application(), actor(), form.name, record_id)
    toast(message("{title} is back", title=seen.title))
    return go(f"/{form.name}/{record_id}")
