"""What open records wait for: what their control tower declares, open questions, and what stands in the way of the next
step of the main path. For a page of records at once: a fixed number of statements however many there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import questions
from engine.application import Application
from engine.definition import Form
from engine.errors import Message, message
from engine.expressions import Compiled, EvaluationFailed
from engine.expressions.view import View, target_of
from engine.language import Label
from engine.people import Actor
from engine.permissions import FieldSet, readable_fields
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Sight
from engine.storage.automation import in_state
from engine.views import TowerView
from engine.workflow import Obstacle, what_is_missing
from engine.workflow import target_of as state_after

Row = Mapping[str, Any]
ICONS = {"declared": "hourglass", "question": "message-question", "deliverable": "paperclip", "guard": "lock"}


@dataclass(frozen=True)
class Wait:
    """One thing a record waits for; ``whole`` says it with what was read and needed."""

    kind: str  # of ICONS
    text: Label | Message
    whole: Label | Message | None = None

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


def waits_of(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, view: TowerView, rows: Sequence[Row]
) -> dict[int, tuple[Wait, ...]]:
    """Record id → what it waits for, what was declared first. ``rows`` carry id, state and _previous."""
    plan, ids = app.plans.form(form), [row["id"] for row in rows]
    if not ids:
        return {}
    readable = readable_fields(app, actor, form)
    declared = [(wait.label, compiled) for wait in view.waits
                if _may_be_told(compiled := app.plans.compile(wait.when), form, readable)]  # fmt: skip
    ahead = {row["id"]: next_step(plan, row) for row in rows}
    sight = Sight(app, conn, actor)
    guards = {step.transition.name: step.guard for step in ahead.values() if step and step.guard}
    foresee(sight, plan, [*(compiled for _label, compiled in declared), *guards.values()], ids)
    asked = _questions(app, conn, form, ids, app.clock())
    return {id: (*_declared(declared, sight, form, id), *asked.get(id, ()),
                 *_obstacles(app, actor, plan, ahead[id], sight, id)) for id in ids}  # fmt: skip


def next_step(plan: FormPlan, row: Row) -> TransitionPlan | None:
    """The step to the nearest later state of the main path; of a record that stands aside, the one back to it."""
    here = row.get("state") or ""
    state = plan.states.get(here)
    if state is None:
        return None
    steps = ((state_after(step, row) or "", step) for step in plan.leaving.get(here, ()))
    ways = [(plan.order[to], step) for to, step in steps if to in plan.states and not plan.states[to].aside
            and (state.aside or plan.order[to] > plan.order[here])]  # fmt: skip
    return min(ways, key=lambda way: (way[0], not way[1].transition.roles))[1] if ways else None


def _may_be_told(compiled: Compiled, form: Form, readable: FieldSet) -> bool:
    """Whoever may not see a field is not told what depends on it."""
    own = (path[1] for path in compiled.paths if path[0] == "record" and len(path) > 1)
    return all(readable.always(name) for name in own if name in form.fields)


def _declared(declared: Sequence[tuple[Label, Compiled]], sight: Sight, form: Form, id: int) -> Iterator[Wait]:
    view = _view(sight, form, id)
    names = sight.with_record(view)
    for label, compiled in declared:
        try:
            if compiled.holds(names):
                yield Wait("declared", label)
        except EvaluationFailed as failed:
            yield Wait("declared", message("{label}: {why}", label=label, why=failed.reason))


def _view(sight: Sight, form: Form, id: int) -> View:
    return sight.view(form, sight.load(form.name, id) or {"id": id})


def _obstacles(
    app: Application, actor: Actor, plan: FormPlan, step: TransitionPlan | None, sight: Sight, id: int
) -> Iterator[Wait]:
    """What the next step lacks beside what it asks for itself."""
    if step is None:
        return
    waivers = app.waivers.of(plan.form.name)
    for obstacle in what_is_missing(actor, plan, step, _view(sight, plan.form, id), waivers):
        if not obstacle.asked:
            yield _wait(plan, obstacle)


def _wait(plan: FormPlan, obstacle: Obstacle) -> Wait:
    field = plan.fields.get(obstacle.field or "") if obstacle.kind == "deliverable" else None
    if field is not None:
        return Wait("deliverable", field.title, obstacle.message)
    because = obstacle.message.values.get("because")
    return Wait("guard", because if isinstance(because, Label) else obstacle.message, obstacle.message)


def _questions(
    app: Application, conn: sa.Connection, form: Form, ids: Sequence[int], now: dt.datetime
) -> dict[int, tuple[Wait, ...]]:
    table = app.tables.question
    clauses = (in_state(table, "open"), table.c.form == form.name, table.c.record_id.in_(ids))
    found: dict[int, tuple[Wait, ...]] = {}
    for one in questions.found(conn, app.tables, *clauses):
        if one.record_id is not None and one.is_open(now):
            said = message("Answer of {people}", people=[voice.name for voice in one.missing][:3] or ["–"])
            found[one.record_id] = (*found.get(one.record_id, ()), Wait("question", said, Label(one.texts)))
    return found


# --- reading ahead ---------------------------------------------------------------------------------------------------


def foresee(sight: Sight, plan: FormPlan, asked: Iterable[Compiled], ids: Sequence[int]) -> None:
    """Read the records, and what these conditions reach from them, with one statement per link or lines field."""
    form, definition = plan.form, sight.definition
    sight.prime(form.name, ids)
    paths = {path[1:] for compiled in asked for path in compiled.paths if path[0] == "record" and len(path) > 2}
    for name in dict.fromkeys(path[0] for path in paths):
        field = form.fields.get(name)
        if field is None:
            continue
        if field.kind == "lines":
            sight.prime_lines(field.form, ids)  # type: ignore[attr-defined]
        elif field.kind == "link":
            rows = (sight.load(form.name, id) or {} for id in ids)
            linked = [row[name] for row in rows if row.get(name) is not None]
            target = target_of(form, field, definition)
            deeper = [path for path in paths if path[0] == name and len(path) > 2]
            sight.prime(target, linked)
            _further(sight, target, deeper, linked)


def _further(sight: Sight, form: str, paths: Sequence[tuple[str, ...]], ids: Sequence[int]) -> None:
    """One link more, as in ``record.equipment.area.name``."""
    for name in dict.fromkeys(path[1] for path in paths):
        field = sight.definition.forms[form].fields.get(name)
        if field is not None and field.kind == "link":
            rows = (sight.load(form, id) or {} for id in dict.fromkeys(ids))
            target = target_of(sight.definition.forms[form], field, sight.definition)
            sight.prime(target, [row[name] for row in rows if row.get(name) is not None])
