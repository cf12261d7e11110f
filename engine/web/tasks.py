"""Task screens: large buttons, a few large inputs, done. The same screens work without network: what they need comes
as one answer (``…/data``), and what is filled in goes through ``engine.entries``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, g, jsonify, request
from werkzeug.wrappers import Response as Answer

from engine import entries
from engine.codes import resolve
from engine.definition import Form, Transition
from engine.entries import Entry, Outcome, Reach
from engine.entries.reachable import MOST, adding, asked_fields, form_of
from engine.entries.receiving import is_outdated
from engine.errors import AppmillError, Invalid, Missing, Problem, message
from engine.fields.base import Field
from engine.once import new_token
from engine.permissions import updatable_fields
from engine.storage.entries import latest
from engine.task import Task
from engine.web import questions, scanning
from engine.web.boxes import Box, Sheet
from engine.web.context import actor, application
from engine.web.failures import SignedOut, error_json, said
from engine.web.forms import ShownProblem, sheet_maker
from engine.web.numbers import whole
from engine.web.render import go, label, render, toast
from engine.web.seen import NOT_THERE, Seen, see
from engine.web.task_records import options_of, told
from engine.web.typed import Typed, read_typed
from engine.web.uploads import may_upload, with_posted_files

blueprint = Blueprint("tasks", __name__)

LONGEST_REASON = 2000
LONGEST_SENT = 20_000  # characters of what the screen says its record was like
OLDEST = dt.timedelta(days=60)  # a clock that says more is wrong
RECENT = 5


@dataclass(frozen=True)
class Input:
    """One large input. ``style`` picks its control in ``tasks/inputs.html``."""

    box: Box
    style: str
    adds: bool
    keep: bool
    first: bool
    target: str = ""

    @property
    def name(self) -> str:
        return self.box.name


@dataclass(frozen=True)
class Screen:
    task: Task
    form: Form
    inputs: tuple[Input, ...]
    token: str
    record: Reach | None = None
    records: tuple[Reach, ...] = ()
    reason: str = "none"
    confirm: str = ""
    problems: tuple[ShownProblem, ...] = ()


@blueprint.after_request
def mark(answer: Response) -> Response:
    """Whose page it is, so that a phone keeps it for nobody else; and leave to read codes."""
    who = g.get("actor")
    if who is not None:
        answer.headers["X-Person"] = str(who.id)
    return scanning.allow_reader(answer)


# --- the screens -----------------------------------------------------------------------------------------------------


@blueprint.get("/tasks")
def home() -> str:
    app, who = application(), actor()
    with app.database.read() as conn:
        open_ones = entries.open_for(conn, app, who)
        done = latest(conn, app.tables, who.id or 0, RECENT)
        asked = len(questions.mine(conn))
    named = {task.stable_id: task for task in app.definition.tasks.values()}
    return render(
        "tasks/home.html", tasks=entries.tasks_for(app, who), open=open_ones, asked=asked,
        done=[(named[row.task], row) for row in done if row.task in named],
    )  # fmt: skip


@blueprint.get("/tasks/me")
def me() -> Response:
    """Who would send now, and with which token: asked before anything that waited is sent."""
    who = actor()
    return jsonify(person=who.id, name=who.name, token=g.csrf_token, reads_only=bool(g.view_as))


@blueprint.get("/tasks/waiting")
def waiting() -> str:
    """What waits on this device; the page is the same for everybody, a script fills it."""
    return render("tasks/waiting.html")


@blueprint.get("/tasks/<task_name>")
def show(task_name: str) -> str:
    app, who = application(), actor()
    task = entries.task_for(app, who, task_name)
    with app.database.read() as conn:
        return render("tasks/task.html", screen=_screen(conn, task, whole(request.args.get("record"))))


def _screen(conn: sa.Connection, task: Task, record: int | None, typed: Typed | None = None) -> Screen:
    app, who, form = application(), actor(), form_of(application(), task)
    step = _step(form, task)
    records = tuple(entries.reach(conn, app, who, task)) if task.kind != "create" else ()
    chosen = next((one for one in records if one.id == record), None)
    if record is not None and chosen is None and task.kind != "create":
        chosen = next(iter(entries.reach(conn, app, who, task, only=record)), None)
    seen = see(conn, form, chosen.id) if chosen else None
    return Screen(
        task, form, _inputs(conn, task, form, seen, typed or Typed()), new_token(), chosen, records,
        step.reason if step else "none", label(step.confirm) if step and step.confirm else "",
    )  # fmt: skip


def _step(form: Form, task: Task) -> Transition | None:
    return form.workflow.transitions.get(task.transition or "") if form.workflow else None


def _inputs(conn: sa.Connection, task: Task, form: Form, seen: Seen | None, typed: Typed) -> tuple[Input, ...]:
    """The inputs over the record that was chosen; without one over an empty record, to be filled by the screen."""
    app = application()
    sheet, step, adds = sheet_maker(conn, form).make(seen, typed, {}), _step(form, task), adding(app, task)
    updatable = updatable_fields(app, actor(), form, creating=task.kind == "create")
    made = []
    for field in asked_fields(app, task):
        asked = step is not None and field.name in step.ask
        if not (asked or updatable.ever(field.name)):
            continue
        box = _box(sheet, form, field, typed, empty=field.name in adds or (task.kind != "create" and seen is None),
                   required=asked or None)  # fmt: skip
        first = field.name == task.scan and task.kind == "create"
        made.append(Input(box, style_of(field), field.name in task.adds, field.name in task.keep, first,
                          getattr(field, "form", "") if field.kind == "link" else ""))  # fmt: skip
    return tuple(made)


def _box(sheet: Sheet, form: Form, field: Field, typed: Typed, *, empty: bool, required: bool | None) -> Box:
    """Always shown and open: the server says what is wrong. ``empty``: what is there is not what is typed."""
    box = sheet.box(form, field, sheet.view, field.name, typed.raw)
    standing = replace(box.standing, visible=True, readonly=False)
    if required is not None:
        standing = replace(standing, required=required)
    return replace(box, editable=True, standing=standing, value=None if empty else box.value)


_STYLES = {
    **dict.fromkeys(("integer", "decimal", "quantity", "money", "percent"), "number"),
    **dict.fromkeys(("image", "attachment"), "photo"),
    "choice": "chips", "boolean": "switch", "link": "link", "barcode": "code", "text": "text", "long_text": "area",
    "date": "date", "rating": "rating",
}  # fmt: skip


def style_of(field: Field) -> str:
    """Fields without a large control of their own have the one every form has."""
    return _STYLES.get(field.type, "plain")


# --- what a screen holds to work alone -------------------------------------------------------------------------------


@blueprint.get("/tasks/<task_name>/data")
def data(task_name: str) -> Response:
    """The records and options of a task, few and with their codes, so that the screen works without network."""
    app, who = application(), actor()
    task = entries.task_for(app, who, task_name)
    with app.database.read() as conn:
        records = entries.reach(conn, app, who, task) if task.kind != "create" else []
        held = {
            "person": who.id,
            "records": told(conn, task, records),
            "all": len(records) < MOST,
            "options": {field.name: options_of(conn, field) for field in asked_fields(app, task)
                        if field.kind == "link"},
        }  # fmt: skip
    return jsonify(held)


@blueprint.get("/tasks/<task_name>/resolve")
def look_up(task_name: str) -> Response:
    """What a scanned code stands for: ``field`` names a link of the task, none the record itself."""
    app, who = application(), actor()
    task = entries.task_for(app, who, task_name)
    code, name = request.args.get("code", "")[:500], request.args.get("field", "")
    with app.database.read() as conn:
        form = _target(task, name)
        ids = resolve(conn, app, who, form, code)
        if len(ids) != 1:
            text = message("Nothing you may see has the code {code}.", code=code) if not ids else message(
                "More than one record has the code {code}.", code=code)  # fmt: skip
            return jsonify(found=None, text=said(text))
        if name:
            return jsonify(found={"id": ids[0], "title": see(conn, form, ids[0]).title})
        chosen = next(iter(told(conn, task, entries.reach(conn, app, who, task, only=ids[0]))), None)
    if chosen is None:
        return jsonify(found=None, text=said(message("It is not among the records of this task.")))
    return jsonify(found=chosen)


def _target(task: Task, name: str) -> Form:
    form = form_of(application(), task)
    if not name:
        return form
    asked = {field.name: field for field in asked_fields(application(), task)}
    if name not in asked or asked[name].kind != "link":
        raise Missing(NOT_THERE)
    return application().definition.forms[asked[name].form]  # type: ignore[attr-defined]


# --- what comes back -------------------------------------------------------------------------------------------------


@blueprint.post("/tasks/<task_name>")
def send(task_name: str) -> Answer:
    """An entry, from the screen or from what waited on the device. A script is answered in JSON."""
    app, who = application(), actor()
    task = app.definition.tasks.get(task_name)
    if task is None:
        return _refused(Missing(message("There is no such task any more.")), None)
    typed = read_typed(app.definition, form_of(app, task), request.form)
    try:
        done = entries.earlier(app, who, _key(request.form.get("_once", "")))  # its photos are here already
        return _answered(task, done or entries.receive(app, who, task, _entry(task, typed)))
    except AppmillError as error:
        if isinstance(error, SignedOut):
            raise
        return _refused(error, task, typed)


def _by_script() -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _entry(task: Task, typed: Typed) -> Entry:
    posted, form = request.form, form_of(application(), task)
    names = {field.name for field in asked_fields(application(), task)}
    typed = _with_files(task, form, Typed({name: raw for name, raw in typed.raw.items() if name in names}))
    codes = {name.removeprefix("_code").removeprefix("."): code for name, code in posted.items()
             if name.split(".")[0] == "_code" and code}  # fmt: skip
    return Entry(
        key=_key(posted.get("_once", "")), made_at=_moment(posted.get("_made_at", "")),
        values=_filled(task, typed.raw, names - codes.keys()), record=whole(posted.get("_record")),
        version=whole(posted.get("_version")), state=posted.get("_state") or None, base=_base(posted.get("_base", "")),
        codes=codes, reason=posted.get("_reason", "").strip()[:LONGEST_REASON] or None,
        waited=posted.get("_waited") == "yes",
    )  # fmt: skip


def _filled(task: Task, raw: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """What adds nothing is left out, so that it neither counts nor clashes."""
    adds = adding(application(), task)
    return {name: value for name, value in raw.items() if name in names and not (name in adds and not value)}


def _key(text: str) -> str:
    if not 16 <= len(text) <= 100 or not text.isascii():
        raise Invalid(message("This entry has no key; open the task again."))
    return text


def _moment(text: str) -> dt.datetime:
    """When it was made, by the clock of the device; one that is far off counts as now."""
    now = application().clock()
    try:
        made = dt.datetime.fromisoformat(text)
    except ValueError:
        return now
    return made.astimezone(dt.UTC) if made.tzinfo and now - OLDEST < made <= now else now


def _base(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text) if len(text) <= LONGEST_SENT else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Invalid(message("The entry does not say what its record was like; open the task again."))
    return found


def _with_files(task: Task, form: Form, typed: Typed) -> Typed:
    """Photos that come with the entry are taken in first. One that waited keeps them for whoever decides, even where
    its maker may not add them any more."""
    app, who = application(), actor()
    step, waited = _step(form, task), request.form.get("_waited") == "yes"
    names = frozenset(
        field.name
        for field in asked_fields(app, task)
        if field.kind == "files" and any(one.filename for one in request.files.getlist(f"{field.name}:files"))
        and (waited or (step and field.name in step.ask) or may_upload(app, who, form, field, None))
    )  # fmt: skip
    return with_posted_files(form, names, typed)


def _answered(task: Task, outcome: Outcome) -> Answer:
    address = f"/{task.form}/{outcome.record}" if outcome.record else ""
    text = _TEXTS[outcome.outcome]
    if _by_script():
        why = said(outcome.why) if outcome.why else ""
        return jsonify(outcome=outcome.outcome, record=outcome.record, version=outcome.version, state=outcome.state,
                       address=address, text=said(text), why=why, entry=outcome.id)  # fmt: skip
    toast(text, "warning" if outcome.outcome == "open" else "success")
    return go(_after(task, address))


def _after(task: Task, address: str) -> str:
    if task.then == "open" and address:
        return address
    return f"/tasks/{task.name}" if task.then == "again" else "/tasks"


_TEXTS = {
    "saved": message("Saved"),
    "merged": message("Saved; somebody else changed it meanwhile, and both count."),
    "open": message("Somebody has to decide about it; what you entered is kept."),
}


def _refused(error: AppmillError, task: Task | None, typed: Typed | None = None) -> Answer:
    if _by_script() and is_outdated(application()):
        return error_json(503, "unavailable", said(error.reason))  # it is sent again, to the new one
    if _by_script() or task is None:
        return error_json(error.status, error.code, said(error.reason), error.problems)
    found = error.problems or (Problem("", error.reason),)
    by_name: dict[str, Sequence[str]] = {one.where.split(".")[0]: [said(one.message)] for one in found}
    problems = tuple(ShownProblem(said(one.message), one.where or None) for one in found)
    with application().database.read() as conn:
        screen = _screen(conn, task, whole(request.form.get("_record")), typed)
        inputs = tuple(replace(one, box=replace(one.box, problems=by_name.get(one.name, ()))) for one in screen.inputs)
        screen = replace(screen, inputs=inputs, problems=problems)
        return Response(render("tasks/task.html", screen=screen), error.status)
