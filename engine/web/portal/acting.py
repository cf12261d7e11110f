"""What people outside do with a record: fill in, take a step, write, bring a new one. By the one walk, as everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import outsiders, service
from engine.definition import Form
from engine.errors import AppmillError, Denied, Invalid, Missing, Problem, Refused, Stale, message
from engine.once import new_token, once_of
from engine.permissions import may
from engine.portals import Portal, PortalForm
from engine.web import comments, conversation, take, uploads
from engine.web.boxes import Sheet
from engine.web.context import actor, application
from engine.web.failures import said
from engine.web.forms import sheet_maker, shown_problems
from engine.web.numbers import whole
from engine.web.portal.frame import address_of, base_of, draw, label_of, portal_of_request, see_there, shown_form
from engine.web.portal.screens import page_of
from engine.web.render import go, toast, translate
from engine.web.seen import NOT_THERE, Seen
from engine.web.typed import Typed, read_typed

STALE = message("This was changed meanwhile. Look at it again, then repeat what you wanted to do.")


def add_to(blueprint: Blueprint) -> None:
    at = "/<form_name>/<int:record_id>"
    blueprint.add_url_rule(at, "save", save, methods=["POST"])
    blueprint.add_url_rule(f"{at}/messages", "write", write, methods=["POST"])
    blueprint.add_url_rule(f"{at}/take/<transition_name>", "ask", ask)
    blueprint.add_url_rule(f"{at}/take/<transition_name>", "take", take_step, methods=["POST"])
    blueprint.add_url_rule("/<form_name>/new", "new", new)
    blueprint.add_url_rule("/<form_name>/new", "create", create, methods=["POST"])


# --- filling in ------------------------------------------------------------------------------------------------------


def _of_page(shown: PortalForm, typed: Typed) -> Typed:
    """Only what the page asks for; whether it may be set is for the walk to say."""
    return Typed({name: raw for name, raw in typed.raw.items() if name in shown.fields},
                 {name: rows for name, rows in typed.lines.items() if name in shown.fields})  # fmt: skip


def _typed(conn: sa.Connection, shown: PortalForm, form: Form, seen: Seen | None) -> tuple[Typed, frozenset[str]]:
    read = read_typed(application().definition, form, request.form)
    return _of_page(shown, sheet_maker(conn, form).without_untouched(read)), uploads.receiving(form, seen)


def save(portal_name: str, form_name: str, record_id: int) -> Response:
    portal, app, who = portal_of_request(), application(), actor()
    shown, form = shown_form(portal, form_name)
    with app.database.read() as conn:
        seen = see_there(conn, shown, form, record_id)
        typed, files = _typed(conn, shown, form, seen)
    typed = uploads.with_posted_files(form, files & set(shown.fields), typed)
    try:
        service.save(app, who, form.name, typed.values(), id=record_id, version=whole(request.form.get("_version")),
                     once=once_of(who.id, request.form.get("_once")))  # fmt: skip
    except Stale:
        toast(STALE, "warning")
        return go(address_of(portal, form, record_id))
    except (Invalid, Refused, Denied) as error:
        with app.database.read() as conn:
            seen = see_there(conn, shown, form, record_id)
            page = replace(page_of(conn, portal, shown, seen, typed, error), problem_heading=said(error.reason))
            return draw("record.html", portal, error.status, page=page, heading=page.title)
    toast(message("Saved"))
    return go(address_of(portal, form, record_id))


# --- steps -----------------------------------------------------------------------------------------------------------


def _step(portal: Portal, form_name: str, name: str) -> tuple[PortalForm, Form, Any]:
    shown, form = shown_form(portal, form_name)
    transition = form.workflow.transitions.get(name) if form.workflow else None
    if transition is None or actor().roles.isdisjoint(transition.roles):
        raise Missing(NOT_THERE)
    return shown, form, transition


def ask(portal_name: str, form_name: str, record_id: int, transition_name: str) -> Response:
    portal = portal_of_request()
    shown, form, transition = _step(portal, form_name, transition_name)
    with application().database.read() as conn:
        seen = see_there(conn, shown, form, record_id)
        page = _ours(take.page_of(conn, seen, transition, Typed()), portal, form, record_id)
        if not page.open:
            toast(message("This cannot be done now."), "warning")
            return go(page.back)
        return draw("take.html", portal, page=page, heading=page.label)


def _ours(page: take.TakePage, portal: Portal, form: Form, record_id: int) -> take.TakePage:
    """The question as people outside get it: with the portal's addresses, and nothing of the inside."""
    at = address_of(portal, form, record_id)
    action = page.action.rpartition("/")[2]
    return replace(page, action=f"{at}/take/{action}", back=at, key_facts=(), obstacles=(), moved="", dialog=False)


def take_step(portal_name: str, form_name: str, record_id: int, transition_name: str) -> Response:
    portal, app, who = portal_of_request(), application(), actor()
    shown, form, transition = _step(portal, form_name, transition_name)
    with app.database.read() as conn:
        seen = see_there(conn, shown, form, record_id)
        files = (uploads.receiving(form, seen) | take.asked_files(form, transition)) & set(transition.ask)
    typed = take.asked_only(
        transition, uploads.with_posted_files(form, files, read_typed(app.definition, form, request.form))
    )
    reason = request.form.get("_reason", "").strip()[: take.LONGEST_REASON]
    try:
        service.take(app, who, form.name, record_id, transition.name, version=whole(request.form.get("_version")),
                     values=typed.values(), reason=reason or None,
                     once=once_of(who.id, request.form.get("_once")))  # fmt: skip
    except Stale:
        toast(STALE, "warning")
        return go(address_of(portal, form, record_id))
    except (Invalid, Refused, Denied) as error:
        return _asked_again(portal, shown, form, record_id, transition, typed, error)
    toast(message("Thank you. It is noted."))
    return go(_still_there(portal, shown, form, record_id))


def _still_there(portal: Portal, shown: PortalForm, form: Form, record_id: int) -> str:
    """The record, or the list where the step took it out of sight."""
    try:
        with application().database.read() as conn:
            see_there(conn, shown, form, record_id)
    except Missing:
        return f"{base_of(portal)}/{form.name}"
    return address_of(portal, form, record_id)


def _asked_again(
    portal: Portal, shown: PortalForm, form: Form, record_id: int, transition: Any, typed: Typed, error: AppmillError
) -> Response:
    with application().database.read() as conn:
        seen = see_there(conn, shown, form, record_id)
        page = _ours(take.page_of(conn, seen, transition, typed), portal, form, record_id)
        summary, by_path = take.sorted_out(error.problems or (Problem("", error.reason),), transition)
        sheet = replace(take.asking(sheet_maker(conn, form).make(seen, typed, {}), transition), problems=by_path)
        page = replace(
            page, boxes=take.boxes(sheet, transition), problems=summary, open=True,
            problem_heading=translate("“{label}” was not taken", label=page.label),
            reason_problem=by_path.get("_reason", [""])[0],
        )  # fmt: skip
        return draw("take.html", portal, error.status, page=page, heading=page.label)


# --- a new record ----------------------------------------------------------------------------------------------------


def _creatable(portal: Portal, form_name: str) -> tuple[PortalForm, Form]:
    shown, form = shown_form(portal, form_name)
    may(application(), actor(), "create", form).demand()
    return shown, form


def _new_page(
    portal: Portal, shown: PortalForm, sheet: Sheet, status: int = 200, problems: Any = (), heading: str = ""
) -> Response:
    form = sheet.form
    via = outsiders.link_to(application(), portal, shown)
    fields = [form.fields[name] for name in shown.fields if name in form.fields and name != via]
    boxes = tuple(sheet.box(form, one, sheet.view, one.name, sheet.typed.raw) for one in fields
                  if sheet.may_type(form, one))  # fmt: skip
    return draw(
        "new.html", portal, status, form=form, boxes=boxes, wrong=problems, problem_heading=heading,
        token=new_token(), action=f"{base_of(portal)}/{form.name}/new", back=f"{base_of(portal)}/{form.name}",
        heading=label_of(shown, form),
    )  # fmt: skip


def new(portal_name: str, form_name: str) -> Response:
    portal = portal_of_request()
    shown, form = _creatable(portal, form_name)
    with application().database.read() as conn:
        maker = sheet_maker(conn, form)
        return _new_page(portal, shown, maker.make(None, maker.with_first_rows(Typed()), {}))


def create(portal_name: str, form_name: str) -> Response:
    """The new record belongs to whom the person stands for, whatever is posted."""
    portal, app, who = portal_of_request(), application(), actor()
    shown, form = _creatable(portal, form_name)
    with app.database.read() as conn:
        typed, files = _typed(conn, shown, form, None)
    typed = uploads.with_posted_files(form, files & set(shown.fields), typed)
    via = outsiders.link_to(app, portal, shown)
    values = {**typed.values(), **({via: who.stands_for} if via else {})}
    try:
        saved = service.save(app, who, form.name, values, once=once_of(who.id, request.form.get("_once")))
    except (Invalid, Refused, Denied) as error:
        with app.database.read() as conn:
            sheet = sheet_maker(conn, form).make(None, typed, {})
            problems, by_path = shown_problems(error.problems or (Problem("", error.reason),), typed, sheet)
            return _new_page(
                portal, shown, replace(sheet, problems=by_path), error.status, problems, said(error.reason)
            )
    toast(message("Thank you. It is noted."))
    return go(_still_there(portal, shown, form, saved.id))


# --- the conversation ------------------------------------------------------------------------------------------------


def write(portal_name: str, form_name: str, record_id: int) -> Response:
    portal, app = portal_of_request(), application()
    shown, form = shown_form(portal, form_name)
    if not shown.messages:
        raise Missing(NOT_THERE)
    with app.database.read() as conn:
        seen = see_there(conn, shown, form, record_id)
    body = request.form.get("body", "").strip()
    posted = [one for one in request.files.getlist("files") if one.filename][: uploads.MOST_AT_ONCE]
    try:
        comments.refuse_unfit(body, posted)
    except Invalid as invalid:
        toast(invalid.reason, "danger")
        return go(f"{address_of(portal, form, record_id)}#talk")
    with app.database.write() as conn:
        conversation.write(conn, portal, seen, body, posted, once=request.form.get("_once", ""))
    toast(message("Sent"))
    return go(f"{address_of(portal, form, record_id)}#talk")
