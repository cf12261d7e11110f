"""The form to fill in: a new record, an edit, what answers to typing, and saving with nothing typed ever lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as Answer

from engine import service
from engine.definition import Form
from engine.errors import AppmillError, Denied, Invalid, Message, Problem, Refused, Stale, message
from engine.expressions import View
from engine.once import Once, new_token, once_of
from engine.permissions import may, may_record, readable_fields
from engine.storage.events import of_record
from engine.web import conflicts, drafts, options, uploads
from engine.web.boxes import Problems, Sheet, Tab, live_answer
from engine.web.context import actor, application, reader
from engine.web.failures import said as say
from engine.web.render import go, label, render, toast, translate
from engine.web.scanning import allow_reader
from engine.web.seen import Seen, form_named, see
from engine.web.sheets import SheetMaker
from engine.web.typed import Row, Typed, next_key, read_typed

blueprint = Blueprint("forms", __name__)
blueprint.register_blueprint(options.blueprint)
blueprint.after_request(allow_reader)  # codes and links are filled in by scanning


@dataclass(frozen=True)
class ShownProblem:
    """A line of the summary; ``anchor`` is the path of a field that is on the page."""

    text: str
    anchor: str | None


@dataclass(frozen=True)
class FormPage:
    form: Form
    heading: str
    tabs: tuple[Tab, ...]
    action: str
    back: str
    token: str
    id: int | None = None
    version: int | None = None
    since: int = 0
    draft: str | None = None
    dirty: bool = False
    keeps_drafts: bool = True
    problems: tuple[ShownProblem, ...] = ()
    problem_heading: str = ""
    clashes: tuple[conflicts.ShownClash, ...] = ()
    conflict: conflicts.Told | None = None


# --- drawing ---------------------------------------------------------------------------------------------------------


def sheet_maker(conn: sa.Connection, form: Form) -> SheetMaker:
    return SheetMaker(conn, application(), actor(), form)


def last_event(conn: sa.Connection, form: Form, record_id: int) -> int:
    found = of_record(conn, application().tables, form.name, record_id, limit=1)
    return found[0].id if found else 0


def page_of(sheet: Sheet, seen: Seen | None, **more: Any) -> FormPage:
    """The page around a sheet: a new record's when ``seen`` is None."""
    form = sheet.form
    if seen is None:
        heading = translate("New {form}", form=label(form))
        return FormPage(form, heading, sheet.tabs(), f"/{form.name}/new", f"/{form.name}", new_token(), **more)
    address = f"/{form.name}/{seen.id}"
    heading = translate("Edit {title}", title=seen.title)
    more.setdefault("version", seen.row["version"])
    return FormPage(form, heading, sheet.tabs(), address, address, new_token(), id=seen.id, **more)


def shown_problems(
    problems: Sequence[Problem], typed: Typed, sheet: Sheet
) -> tuple[tuple[ShownProblem, ...], Problems]:
    """For the summary, and per place. A place that is not on the page has no link but is told."""
    by_path: dict[str, list[str]] = {}
    summary = []
    for problem in problems:
        path = typed.input_path(problem.where)
        text = say(problem.message)
        anchor = path if path and on_page(sheet, path) else None
        if anchor:
            by_path.setdefault(path, []).append(text)
        summary.append(ShownProblem(text, anchor))
    return tuple(dict.fromkeys(summary)), by_path


def on_page(sheet: Sheet, path: str) -> bool:
    name, _, rest = path.partition(".")
    if name not in sheet.readable[sheet.form.name] or not any(name in section.fields for section in sheet.sections()):
        return False
    if not rest:
        return True
    field = sheet.form.fields[name]
    if field.kind != "lines":
        return False
    return rest.rpartition(".")[2] in {column.name for column in sheet.columns(field)}


def refused_page(form: Form, seen: Seen | None, typed: Typed, error: AppmillError, conn: sa.Connection) -> Answer:
    """The form again, with everything typed and everything wrong."""
    problems = error.problems or (Problem("", error.reason),)
    maker = sheet_maker(conn, form)
    plain = maker.make(seen, typed)
    summary, by_path = shown_problems(problems, typed, plain)
    sheet = replace(plain, problems=by_path)
    page = page_of(
        sheet, seen, problems=summary, problem_heading=_heading(error, summary), dirty=True,
        version=_number(request.form.get("_version")), since=_number(request.form.get("_seen")),
    )  # fmt: skip
    return Response(render("form.html", page=page), error.status)


def _heading(error: AppmillError, summary: Sequence[ShownProblem]) -> str:
    if isinstance(error, Invalid):
        return (
            translate("Not saved: {count} things to mend", count=len(summary))
            if len(summary) > 1
            else translate("Not saved: one thing to mend")
        )
    return translate("Not saved")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


# --- a new record ----------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/new")
def new(form_name: str) -> Answer:
    form = form_named(form_name)
    may(application(), actor(), "create", form).demand()
    with application().database.read() as conn:
        draft = None if request.args else drafts.find(conn, application(), actor(), form, drafts.NEW)
        maker = sheet_maker(conn, form)
        typed = draft.typed if draft else maker.with_first_rows(_prefilled(conn, form))
        sheet = maker.make(None, typed, {})
        page = page_of(sheet, None, draft=drafts.clock_text(draft.at) if draft else None, dirty=bool(draft),
                       keeps_drafts=_keeps_drafts())  # fmt: skip
        return Response(render("form.html", page=page))


def _keeps_drafts() -> bool:
    return actor().id is not None and actor().view_as is None


def _prefilled(conn: sa.Connection, form: Form) -> Typed:
    """``?from=12`` copies a record, ``?project=3`` fills a field; an address fills only what a person could type."""
    source = _number(request.args.get("from"))
    copied = _copy(see(conn, form, source)) if source else Typed()
    given = {
        name: field.raw(request.args, name)
        for name, field in form.fields.items()
        if field.writable and not field.readonly and field.kind not in ("lines", "files") and name in request.args
    }
    return Typed({**copied.raw, **given}, copied.lines)


def _copy(seen: Seen) -> Typed:
    """What a duplicate starts with: nothing unique, no files, nothing that is worked out."""
    app = application()
    raw = _copy_values(seen.form, seen.row, seen.fields)
    lines = {}
    for field in seen.form.fields.values():
        if field.kind == "lines" and field.name in seen.fields:
            rows_form = app.definition.forms[field.form]  # type: ignore[attr-defined]
            kept = seen.view.loader.lines(rows_form.name, seen.id)
            readable = frozenset(rows_form.fields) if actor().boundless else sheet_readable(rows_form, seen)
            lines[field.name] = tuple(
                Row(str(number), _copy_values(rows_form, row, readable)) for number, row in enumerate(kept)
            )
    return Typed(raw, lines)


def sheet_readable(rows_form: Form, seen: Seen) -> frozenset[str]:
    view = View(rows_form, {"_parent": seen.id}, seen.view.loader)
    return readable_fields(application(), actor(), rows_form).of(view)


def _copy_values(form: Form, row: Mapping[str, Any], readable: frozenset[str]) -> dict[str, Any]:
    unique = {name for group in form.unique for name in group}
    return {
        name: field.dump(row[name])
        for name, field in form.fields.items()
        if name in readable and name in row and row[name] is not None and field.writable and not field.readonly
        and not field.unique and not field.sensitive and name not in unique and field.kind not in ("files", "lines")
    }  # fmt: skip


@blueprint.post("/<form_name>/new")
def create(form_name: str) -> Answer:
    form = form_named(form_name)
    may(application(), actor(), "create", form).demand()
    with application().database.read() as conn:
        typed, files = _typed(conn, form, None)
    typed = uploads.with_posted_files(form, files, typed)
    if "_add" in request.form:
        return _with_another_row(form, None, typed)
    return _save(form, None, typed)


# --- an edit ---------------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/<int:record_id>/edit")
def edit(form_name: str, record_id: int) -> Answer:
    form = form_named(form_name)
    app, who = application(), actor()
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        may_record(app, who, "update", form, seen.view).demand()
        draft = drafts.find(conn, app, who, form, record_id)
        sheet = sheet_maker(conn, form).make(seen, draft.typed if draft else Typed(), {})
        more: dict[str, Any] = {"since": last_event(conn, form, record_id)}
        if draft:
            more = {"since": draft.seen, "version": draft.version, "draft": drafts.clock_text(draft.at), "dirty": True}
        page = page_of(sheet, seen, keeps_drafts=_keeps_drafts(), **more)
        return Response(render("form.html", page=page))


@blueprint.post("/<form_name>/<int:record_id>")
def save(form_name: str, record_id: int) -> Answer:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
        may_record(application(), actor(), "update", form, seen.view).demand()
        typed, files = _typed(conn, form, seen)
    typed = uploads.with_posted_files(form, files, typed)
    if "_add" in request.form:
        return _with_another_row(form, record_id, typed)
    return _save(form, seen, typed)


# --- saving ----------------------------------------------------------------------------------------------------------


def _typed(conn: sa.Connection, form: Form, seen: Seen | None) -> tuple[Typed, frozenset[str]]:
    """What was typed, choices of a conflict page made; and the fields files came for."""
    typed = read_typed(application().definition, form, request.form)
    maker = sheet_maker(conn, form)
    typed = maker.with_defaults(maker.without_untouched(typed), creating=seen is None)
    if seen:
        typed = conflicts.chosen(typed, request.form, seen)
    return typed, uploads.receiving(form, seen)


def _save(form: Form, seen: Seen | None, typed: Typed) -> Answer:
    app, who = application(), actor()
    record_id, version = (seen.id, _number(request.form.get("_version")) or None) if seen else (None, None)
    try:
        saved = service.save(
            app, who, form.name, typed.values(), id=record_id, version=version,
            once=_once(form, record_id),
        )  # fmt: skip
    except Stale:
        if seen is None:
            raise
        return _after_conflict(form, typed)
    except (Invalid, Refused, Denied) as error:
        with app.database.read() as conn:
            fresh = see(conn, form, seen.id) if seen else None
            return refused_page(form, fresh, typed, error, conn)
    return _saved(form, saved.id)


def _once(form: Form, record_id: int | None) -> Once | None:
    """The post is known by its page's token; what it saves needs no draft any more."""
    who = actor()
    draft = (who.id, form.name, record_id or drafts.NEW) if who.id is not None else None
    return once_of(who.id, request.form.get("_once"), draft)


def _saved(form: Form, record_id: int, told: Message | None = None) -> Answer:
    toast(told or message("Saved"))
    return go(f"/{form.name}/{record_id}")


def _after_conflict(form: Form, typed: Typed) -> Answer:
    """Somebody saved first: merge what can be merged and save it, ask about the rest."""
    app, who = application(), actor()
    record_id = int(request.view_args["record_id"]) if request.view_args else 0
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        maker = sheet_maker(conn, form)
        conflict = conflicts.compare(conn, maker, seen, typed, since=_number(request.form.get("_seen")))
        merged = conflicts.merged(conflict, typed)
        if conflict.clashes:
            sheet = maker.make(seen, merged, {})
            told = conflicts.tell(conn, conflict, sheet, seen)
            page = page_of(
                sheet, seen, dirty=True, clashes=told.clashes, conflict=told, since=last_event(conn, form, record_id)
            )
            return Response(render("form.html", page=page), 409)
    try:
        service.save(app, who, form.name, merged.values(), id=record_id, version=seen.row["version"],
                     once=_once(form, record_id))  # fmt: skip
    except (Invalid, Refused, Stale) as error:
        with app.database.read() as conn:
            return refused_page(form, see(conn, form, record_id), merged, error, conn)
    return _saved(form, record_id, conflicts.merged_note(conflict, form, reader().language))


def _with_another_row(form: Form, record_id: int | None, typed: Typed) -> Answer:
    """Without a script the button “add row” comes here; nothing is saved."""
    name = request.form["_add"]
    rows = typed.lines.get(name, ())
    typed = typed.with_lines(name, (*rows, Row(str(next_key(rows)), {})))
    with application().database.read() as conn:
        seen = see(conn, form, record_id) if record_id else None
        sheet = sheet_maker(conn, form).make(seen, typed, {})
        page = page_of(
            sheet, seen, dirty=True, version=_number(request.form.get("_version")),
            since=_number(request.form.get("_seen")),
        )  # fmt: skip
        return Response(render("form.html", page=page))


# --- while typing ----------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/react")
def react(form_name: str) -> Answer:
    """What the typed values make visible, required, read-only and what they come to. Saves nothing."""
    form = form_named(form_name)
    app, who = application(), actor()
    record_id = _number(request.args.get("id"))
    typed = read_typed(app.definition, form, request.form)
    with app.database.read() as conn:
        seen = see(conn, form, record_id) if record_id else None
        if seen:
            may_record(app, who, "update", form, seen.view).demand()
        else:
            may(app, who, "create", form).demand()
        maker = sheet_maker(conn, form)
        sheet = maker.make(seen, maker.with_defaults(typed, creating=seen is None))
        return jsonify({**live_answer(sheet), "options": maker.controls.moving_options(sheet)})
