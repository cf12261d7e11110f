"""Taking a transition: the question, what it asks for, the reason; and what to say when it cannot be taken any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from engine import service
from engine.definition import Form, Transition
from engine.errors import AppmillError, Denied, Invalid, Message, Missing, Problem, Refused, Stale, message
from engine.once import new_token, once_of
from engine.permissions import may_record
from engine.storage.events import of_record
from engine.web.boxes import Box, Sheet
from engine.web.context import actor, application, fragment_wanted
from engine.web.doors import CSS, ShownObstacle, shown_obstacle, target_label
from engine.web.failures import said as say
from engine.web.forms import ShownProblem, sheet_maker
from engine.web.numbers import whole
from engine.web.render import go, label, render, toast, translate
from engine.web.seen import NOT_THERE, Seen, form_named, see, titles_of
from engine.web.showing import Fact, Showing
from engine.web.typed import Typed, read_typed
from engine.web.uploads import receiving, with_posted_files
from engine.workflow import Door, doors

blueprint = Blueprint("take", __name__)

LONGEST_REASON = 2000
KEY_FACTS = 6
RANK = {"money": 0, "link": 1, "date": 2, "integer": 3, "decimal": 3, "quantity": 3, "choice": 4}


@dataclass(frozen=True)
class TakePage:
    form: Form
    form_label: str
    title: str
    label: str
    to: str
    css: str
    action: str
    back: str
    version: int
    token: str
    dialog: bool
    open: bool
    confirm: str
    reason: str
    typed_reason: str
    reason_problem: str
    boxes: tuple[Box, ...]
    key_facts: tuple[Fact, ...]
    obstacles: tuple[ShownObstacle, ...]
    problems: tuple[ShownProblem, ...] = ()
    problem_heading: str = ""
    moved: str = ""


@blueprint.get("/<form_name>/<int:record_id>/take/<transition_name>")
def ask(form_name: str, record_id: int, transition_name: str) -> Answer:
    form, transition = _transition(form_name, transition_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
        page = page_of(conn, seen, transition, Typed())
        return Response(render("take.html", page=page))


@blueprint.post("/<form_name>/<int:record_id>/take/<transition_name>")
def take(form_name: str, record_id: int, transition_name: str) -> Answer:
    form, transition = _transition(form_name, transition_name)
    app, who = application(), actor()
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        files = receiving(form, seen) | asked_files(form, transition)
    typed = asked_only(transition, with_posted_files(form, files, read_typed(app.definition, form, request.form)))
    reason = request.form.get("_reason", "").strip()[:LONGEST_REASON]
    try:
        saved = service.take(
            app, who, form.name, record_id, transition.name,
            version=whole(request.form.get("_version")),
            values=typed.values(), reason=reason or None, once=once_of(who.id, request.form.get("_once")),
        )  # fmt: skip
    except (Invalid, Refused, Stale, Denied) as error:
        return _again(form, record_id, transition, typed, error)
    toast(_done(form, transition, saved.state))
    return go(f"/{form.name}/{record_id}")


def _transition(form_name: str, name: str) -> tuple[Form, Transition]:
    form = form_named(form_name)
    transition = form.workflow.transitions.get(name) if form.workflow else None
    if transition is None:
        raise Missing(NOT_THERE)
    return form, transition


def asked_only(transition: Transition, typed: Typed) -> Typed:
    """A step changes what it asks for; the rest of the record is changed by editing it."""
    return Typed(
        {name: raw for name, raw in typed.raw.items() if name in transition.ask},
        {name: rows for name, rows in typed.lines.items() if name in transition.ask},
    )


def asked_files(form: Form, transition: Transition) -> frozenset[str]:
    """What a step asks for may be brought with it, whatever the grants for editing say."""
    return frozenset(name for name in transition.ask if form.fields[name].kind == "files"
                     and any(one.filename for one in request.files.getlist(f"{name}:files")))  # fmt: skip


def _done(form: Form, transition: Transition, state: str | None) -> Message:
    found = form.workflow.states.get(state or "") if form.workflow else None
    return message("{transition}: now {state}", transition=transition.label, state=found.label if found else "")


# --- the page --------------------------------------------------------------------------------------------------------


def page_of(conn: sa.Connection, seen: Seen, transition: Transition, typed: Typed) -> TakePage:
    form = seen.form
    door = _door(seen, transition)
    sheet = asking(sheet_maker(conn, form).make(seen, typed, {}), transition)
    address = f"/{form.name}/{seen.id}"
    return TakePage(
        form=form,
        form_label=label(form),
        title=seen.title,
        label=label(transition),
        to=target_label(form, transition.to, seen.row),
        css="primary" if transition.style == "primary" else CSS[transition.style].replace("outline-", ""),
        action=f"{address}/take/{transition.name}",
        back=address,
        version=seen.row["version"],
        token=new_token(),
        dialog=fragment_wanted(),
        open=door is not None and door.open,
        confirm=label(transition.confirm) if transition.confirm else "",
        reason=transition.reason,
        typed_reason=request.form.get("_reason", ""),
        reason_problem="",
        boxes=() if is_stranger(door) else boxes(sheet, transition),
        key_facts=_key_facts(conn, seen, transition),
        obstacles=_obstacles(seen, door),
        moved="" if door is not None else moved_note(conn, seen),
    )


def _door(seen: Seen, transition: Transition) -> Door | None:
    ways = doors(application(), actor(), seen.form, seen.view)
    return next((door for door in ways if door.transition.name == transition.name), None)


def is_stranger(door: Door | None) -> bool:
    """Whoever may not take the step, whatever the record holds, is not shown what it asks for."""
    return door is None or any(one.kind in ("role", "permission") for one in door.obstacles)


def _obstacles(seen: Seen, door: Door | None) -> tuple[ShownObstacle, ...]:
    """What the dialog itself does not ask for."""
    if door is None:
        return ()
    allowed = bool(may_record(application(), actor(), "update", seen.form, seen.view))
    return tuple(shown_obstacle(one, seen.form, seen.row, allowed) for one in door.obstacles if not one.asked)


def asking(sheet: Sheet, transition: Transition) -> Sheet:
    """What a transition asks for may be typed while taking it, whatever the grants for editing say."""
    name = sheet.form.name
    return replace(sheet, updatable={**sheet.updatable, name: sheet.updatable[name] | set(transition.ask)},
                   readable={**sheet.readable, name: sheet.readable[name] | set(transition.ask)})  # fmt: skip


def boxes(sheet: Sheet, transition: Transition) -> tuple[Box, ...]:
    form = sheet.form
    made = (sheet.box(form, form.fields[name], sheet.view, name, sheet.typed.raw) for name in transition.ask)
    return tuple(
        replace(box, standing=replace(box.standing, required=True, readonly=False, visible=True)) for box in made
    )


def _key_facts(conn: sa.Connection, seen: Seen, transition: Transition) -> tuple[Fact, ...]:
    """What somebody who decides wants before their eyes: figures and links first."""
    showing = Showing(conn, application(), actor(), seen)
    fields = [field for name, field in seen.form.fields.items()
              if name in showing.values and name not in transition.ask and showing.values[name] not in (None, (), "")
              and not field.sensitive]  # fmt: skip
    ranked = sorted((RANK[_type(field)], place) for place, field in enumerate(fields) if _type(field) in RANK)
    return tuple(showing.fact(fields[place]) for _rank, place in ranked[:KEY_FACTS])


def _type(field: Any) -> str:
    """A worked-out field counts as what it results in."""
    return str(getattr(field, "like", field).type)


# --- when it cannot be taken -----------------------------------------------------------------------------------------


def _again(form: Form, record_id: int, transition: Transition, typed: Typed, error: AppmillError) -> Answer:
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
        page = page_of(conn, seen, transition, typed)
        if isinstance(error, Stale):
            page = replace(page, moved=page.moved or moved_note(conn, seen))
            return Response(render("take.html", page=page), 409)
        summary, by_path = sorted_out(error.problems or (Problem("", error.reason),), transition)
        sheet = replace(asking(sheet_maker(conn, form).make(seen, typed, {}), transition), problems=by_path)
        page = replace(
            page, boxes=boxes(sheet, transition) if page.boxes else (), problems=summary,
            problem_heading=translate("“{label}” was not taken", label=page.label),
            reason_problem=by_path.get("_reason", [""])[0],
            obstacles=(),
        )  # fmt: skip
        return Response(render("take.html", page=page), error.status)


def sorted_out(
    problems: Sequence[Problem], transition: Transition
) -> tuple[tuple[ShownProblem, ...], dict[str, list[str]]]:
    by_path: dict[str, list[str]] = {}
    summary = []
    for problem in problems:
        where = "_reason" if problem.where in ("reason", "_reason") else problem.where
        text = say(problem.message)
        known = where == "_reason" or where.split(".")[0] in transition.ask
        if known:
            by_path.setdefault(where, []).append(text)
        summary.append(ShownProblem(text, where if known else None))
    return tuple(dict.fromkeys(summary)), by_path


def moved_note(conn: sa.Connection, seen: Seen) -> str:
    """Who changed the record meanwhile, and where it stands now."""
    app = application()
    last = next(iter(of_record(conn, app.tables, seen.form.name, seen.id, limit=1)), None)
    state = seen.form.workflow.states.get(str(seen.row.get("state"))) if seen.form.workflow else None
    now = label(state) if state else ""
    who: Any = None
    if last is not None and last.actor_id is not None:
        who = titles_of(conn, app, actor(), {"_user": {last.actor_id}}).get("_user", {}).get(last.actor_id)
    if who:
        return translate("{name} changed this record meanwhile; it is now “{state}”.", name=who, state=now)
    return translate("This record was changed meanwhile; it is now “{state}”.", state=now)
