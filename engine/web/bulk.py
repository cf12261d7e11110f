"""The same change to many records: what it would do is shown first, then each record takes the walk on its own.

Up to 200 records are changed in the request; more become a job in the background, with progress and a way to stop.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import fetching, queries
from engine.application import Application
from engine.bulk import Change, Outcome, Tally, make_change
from engine.columns import columns_of
from engine.definition import Form, Transition
from engine.errors import Invalid, Missing, message
from engine.fields.base import Field
from engine.paper.formats import format_of, formats_of
from engine.people import Actor
from engine.queries import Filter, ListQuery, parse_query
from engine.titles import visible_titles
from engine.web import print_jobs
from engine.web.context import actor, application, reader
from engine.web.lists import bulk_actions, editable_fields
from engine.web.render import go, render
from engine.web.screens import control, form_named
from engine.web.widgets import State

blueprint = Blueprint("bulk", __name__)
IN_REQUEST = 200
QUIET = dt.timedelta(minutes=2)  # a job nobody heard of for so long has lost its process
MOST = 10_000


@dataclass(frozen=True)
class Picked:
    """The records meant: ids one by one, or everything the list matches."""

    ids: tuple[int, ...]
    whole: bool


# --- asking ----------------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/bulk")
def ask(form_name: str) -> Any:
    """First the question (how many, which field or step); with ``go=1`` the change itself."""
    app, who, form = application(), actor(), form_named(form_name)
    query = parse_query(app, who, form, request.args, also=("saved",))
    action = request.form.get("action", "")
    if action not in {each.name for each in bulk_actions(form)}:
        raise Invalid(queries.unknown(NO_ACTION, action, [each.name for each in bulk_actions(form)]))
    picked = _picked(form, query)
    if request.form.get("go") == "1":
        return _carry_out(form, query, action, picked)
    return _question(form, query, action, picked)


NO_ACTION = "There is no such action “{got}” on several records; there is {known}."


def _picked(form: Form, query: ListQuery) -> Picked:
    """Only records of the list the actor may see count; raises Invalid for none or too many."""
    app, who = application(), actor()
    whole = request.form.get("all") == "1"
    if not whole:
        given = [one for one in request.form.getlist("id") if one.isascii() and one.isdigit() and len(one) < 19]
        wanted = [int(one) for one in dict.fromkeys(given)][: MOST + 1]
    with app.database.read() as conn:
        ids = _matching(app, who, conn, query) if whole else _visible(app, who, conn, form, wanted)
    if not ids:
        raise Invalid(message("Pick at least one record first."))
    if len(ids) > MOST:
        raise Invalid(message("That is more than {most} records; narrow the list first.", most=MOST))
    return Picked(tuple(ids), whole)


def _matching(app: Application, who: Actor, conn: sa.Connection, query: ListQuery) -> list[int]:
    found: list[int] = []
    for rows in fetching.run_all(app, who, query, conn):
        found.extend(row["id"] for row in rows)
        if len(found) > MOST:
            break
    return found


def _visible(app: Application, who: Actor, conn: sa.Connection, form: Form, ids: Sequence[int]) -> list[int]:
    if not ids:
        return []
    columns = columns_of(app, who, form)
    within = next(each for each in columns["id"].operators if each.name == "in")
    found: set[int] = set()
    for start in range(0, len(ids), 500):
        some = tuple(ids[start : start + 500])
        query = ListQuery(form=form, view=None, filters=(Filter("id", within, (), some),))
        found.update(row["id"] for rows in fetching.run_all(app, who, query, conn) for row in rows)
    return [one for one in ids if one in found]


def _question(form: Form, query: ListQuery, action: str, picked: Picked) -> str:
    more: dict[str, Any] = {}
    if action == "edit":
        more = _edit_question(form)
    elif action == "take":
        more = _take_question(form, picked)
    elif action == "print":
        more = {"prints": formats_of(form, actor()), "most": print_jobs.MOST}
    count = len(picked.ids)
    return render("bulk.html", form=form, control=control, action=action, picked=picked, count=count,
                  warn=count > 20 and action != "print",
                  address=f"/{form.name}/bulk{query.url()}", back=f"/{form.name}{query.url()}", **more)  # fmt: skip


def _edit_question(form: Form) -> dict[str, Any]:
    columns = columns_of(application(), actor(), form)
    fields = [columns[name] for name in columns if name in editable_fields(form, columns)]
    field = _field_chosen(fields)
    return {"fields": fields, "field": field, "state": _state(form, field) if field else None}


def _field_chosen(fields: Sequence[Field]) -> Field | None:
    name = request.form.get("field") or (fields[0].name if fields else "")
    found = next((each for each in fields if each.name == name), None)
    if found is None and name:
        raise Invalid(queries.unknown(queries.NO_FIELD, name, [each.name for each in fields]))
    return found


def _state(form: Form, field: Field) -> State:
    return State(
        id=f"bulk-{field.name}", compact=True, options_url=f"/{form.name}/options/{field.name}", form=form.name
    )


@dataclass(frozen=True)
class Step:
    """A transition with how many of the picked records stand where it begins."""

    transition: Transition
    count: int


def _take_question(form: Form, picked: Picked) -> dict[str, Any]:
    """The steps that lead on from the picked records' states; each record's own guard is asked when it is taken."""
    counts = _states_of(form, picked.ids)
    steps = [step for step in _steps(form, counts) if step.count]
    wanted = request.form.get("transition") or (steps[0].transition.name if steps else "")
    chosen = next((step for step in steps if step.transition.name == wanted), None)
    asked = [form.fields[name] for name in chosen.transition.ask] if chosen else []
    asked = [field for field in asked if field.kind not in ("lines", "files")]
    columns = columns_of(application(), actor(), form)
    boxes = [(field, _state(form, field)) for field in asked if field.name in columns]
    return {"steps": steps, "chosen": chosen, "boxes": boxes}


def _states_of(form: Form, ids: Sequence[int]) -> Mapping[str, int]:
    app = application()
    table = app.tables.form[form.name]
    counts: dict[str, int] = {}
    with app.database.read() as conn:
        for start in range(0, len(ids), 500):
            select = sa.select(table.c.state, sa.func.count()).where(table.c.id.in_(ids[start : start + 500]))
            for state, count in conn.execute(select.group_by(table.c.state)):
                counts[state] = counts.get(state, 0) + count
    return counts


def _steps(form: Form, counts: Mapping[str, int]) -> Iterable[Step]:
    who = actor()
    for transition in form.workflow.transitions.values() if form.workflow else ():
        if who.boundless or who.roles.intersection(transition.roles):
            yield Step(transition, sum(counts.get(state, 0) for state in transition.from_))


# --- doing -----------------------------------------------------------------------------------------------------------


def _carry_out(form: Form, query: ListQuery, action: str, picked: Picked) -> Any:
    app, who = application(), actor()
    if action == "print":
        return _print(form, query, picked)
    change = _change(form, action)
    back = f"/{form.name}{query.url()}"
    if len(picked.ids) <= IN_REQUEST:
        tally = Tally(len(picked.ids))
        for one in picked.ids:
            tally.add(change.apply(app, who, one))
        return render(
            "bulk_done.html", form=form, tally=tally, titles=_titles(form, tally.failures), back=back, job=None
        )
    job = _start(app, who, form, change, picked.ids, back)
    return go(f"/{form.name}/bulk/{job}")


def _print(form: Form, query: ListQuery, picked: Picked) -> Response:
    if len(picked.ids) > print_jobs.MOST:
        raise Invalid(message("At most {most} records are printed at once.", most=print_jobs.MOST))
    wanted = format_of(form, actor(), request.form.get("print", ""))
    job = print_jobs.start(application(), actor(), form, wanted.name, picked.ids, f"/{form.name}{query.url()}")
    return go(f"/{form.name}/prints/jobs/{job}")


def _change(form: Form, action: str) -> Change:
    values: dict[str, Any] = {}
    if action == "edit":
        field = _edit_question(form)["field"]
        if field is None:
            raise Invalid(message("There is no field here that you may change."))
        values = {field.name: field.raw(request.form, field.name)}
        field.parse(values[field.name], reader())  # what is wrong for all is said once
    elif action == "take":
        asked = form.workflow.transitions.get(request.form.get("transition", "")) if form.workflow else None
        for name in asked.ask if asked else ():
            if name in request.form:
                values[name] = form.fields[name].raw(request.form, name)
    return make_change(form, action, values, request.form.get("transition"), request.form.get("reason"))


def _titles(form: Form, failures: Sequence[Outcome]) -> Mapping[int, str]:
    with application().database.read() as conn:
        return visible_titles(application(), actor(), conn, form, [each.id for each in failures])


# --- in the background -----------------------------------------------------------------------------------------------


def _start(app: Application, who: Actor, form: Form, change: Change, ids: Sequence[int], back: str) -> int:
    now = app.clock()
    params = {"form": form.name, "back": back, "action": change.action, "heard_at": now.isoformat()}
    with app.database.write() as conn:
        made = conn.execute(
            sa.insert(app.tables.job).values(
                kind="bulk",
                state="running",
                total=len(ids),
                params=params,
                user_id=who.id,
                created_at=now,
                started_at=now,
            )
        )
    job = int(made.inserted_primary_key[0])  # type: ignore[index]
    threading.Thread(target=run_job, args=(app, who, change, tuple(ids), job), name=f"bulk {job}", daemon=True).start()
    return job


def run_job(app: Application, who: Actor, change: Change, ids: Sequence[int], job: int) -> None:
    """Change every record, noting progress every 25; stops between two records when asked to."""
    table = app.tables.job
    tally = Tally(len(ids))
    state, error = "done", None
    try:
        for place, one in enumerate(ids):
            if place % 25 == 0 and _note(app, job, tally):
                state = "cancelled"
                break
            tally.add(change.apply(app, who, one))
    except Exception as broken:  # a defect must not leave a job that runs for ever
        state, error = "failed", type(broken).__name__
        raise
    finally:
        with app.database.write() as conn:
            conn.execute(
                sa.update(table)
                .where(table.c.id == job)
                .values(state=state, error=error, progress=tally.seen, result=tally.dump(), finished_at=app.clock())
            )


def _note(app: Application, job: int, tally: Tally) -> bool:
    """Write down how far it is; whether it is to stop."""
    table = app.tables.job
    with app.database.write() as conn:
        params, cancel = conn.execute(sa.select(table.c.params, table.c.cancel).where(table.c.id == job)).one()
        heard = {**params, "heard_at": app.clock().isoformat()}
        values = {"progress": tally.seen, "result": tally.dump(), "params": heard}
        conn.execute(sa.update(table).where(table.c.id == job).values(**values))
        return bool(cancel)


def interrupted(row: Mapping[str, Any], now: dt.datetime) -> bool:
    """It should be working, and nobody does: its process ended."""
    heard = row["params"].get("heard_at")
    return row["state"] == "running" and (heard is None or now - dt.datetime.fromisoformat(heard) > QUIET)


def end_orphans(app: Application) -> int:
    """Note jobs whose process ended as interrupted; how many. A process that starts on an SQLite file is alone there,
    so none can be at work."""
    table, now = app.tables.job, app.clock()
    alone = app.database.dialect == "sqlite"
    with app.database.write() as conn:
        running = conn.execute(sa.select(table).where(table.c.kind == "bulk", table.c.state == "running")).mappings()
        ended = [row["id"] for row in running if alone or interrupted(dict(row), now)]
        if ended:
            end = sa.update(table).where(table.c.id.in_(ended), table.c.state == "running")
            conn.execute(end.values(state="interrupted", finished_at=now))
    return len(ended)


@blueprint.get("/<form_name>/bulk/<int:job>")
def progress(form_name: str, job: int) -> str:
    """How far a job of one's own is; polled until it has ended."""
    form = form_named(form_name)
    row = _own_job(form, job)
    tally = Tally.load(row["total"], row["progress"], row["result"], reader().language)
    return render("bulk_done.html", form=form, tally=tally, titles=_titles(form, tally.failures),
                  back=row["params"]["back"], job=row)  # fmt: skip


def _own_job(form: Form, job: int) -> Mapping[str, Any]:
    app, who = application(), actor()
    table = app.tables.job
    with app.database.read() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == job, table.c.kind == "bulk")).mappings().first()
    if row is None or row["user_id"] != who.id or row["params"]["form"] != form.name:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return {**row, "state": "interrupted"} if interrupted(dict(row), app.clock()) else dict(row)


@blueprint.post("/<form_name>/bulk/<int:job>/cancel")
def cancel(form_name: str, job: int) -> Response:
    form = form_named(form_name)
    _own_job(form, job)
    table = application().tables.job
    with application().database.write() as conn:
        conn.execute(sa.update(table).where(table.c.id == job).values(cancel=True))
    return go(f"/{form.name}/bulk/{job}")
