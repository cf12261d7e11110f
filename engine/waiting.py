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
from engine.columns import columns_of, rights
from engine.definition import Form
from engine.errors import Message, message
from engine.expressions import Compiled, EvaluationFailed
from engine.expressions.view import View, target_of
from engine.language import SYSTEM_MOMENTS, Label
from engine.people import Actor
from engine.permissions import FieldSet, readable_fields
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Sight
from engine.storage.automation import in_state
from engine.storage.prepared import among, listed, value
from engine.storage.waivers import FormWaivers
from engine.views import TowerView
from engine.workflow import Obstacle, what_is_missing
from engine.workflow import target_of as state_after

Row = Mapping[str, Any]
OWN = frozenset({"id", "state", *SYSTEM_MOMENTS})  # columns beside the fields that are in a row as they are stored
MOST_QUESTIONS = 200  # of one page
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


@dataclass(frozen=True)
class Watch:
    """What a tower looks at to tell what its records wait for; the same for everybody with the same rights.

    ``columns``: all it reads, where that is no more than some columns of the record itself; else None. Records with the
    same values in them wait for the same.
    """

    plan: FormPlan
    declared: tuple[tuple[Label, Compiled], ...]
    columns: tuple[str, ...] | None


def watch_of(app: Application, actor: Actor, form: Form, view: TowerView) -> Watch:
    """Kept per definition and rights."""
    key = ("waits", form.name, view.name, rights(actor))
    found: Watch | None = app.plans.kept.get(key)
    if found is None:
        plan, readable = app.plans.form(form), readable_fields(app, actor, form)
        compiled = ((wait.label, app.plans.compile(wait.when)) for wait in view.waits)
        declared = tuple((label, one) for label, one in compiled if _may_be_told(one, form, readable))
        read = _own_columns(plan, [one for _label, one in declared], columns_of(app, actor, form).sometimes)
        found = app.plans.kept[key] = Watch(plan, declared, read)
    return found


def _own_columns(plan: FormPlan, declared: Sequence[Compiled], hidden: frozenset[str]) -> tuple[str, ...] | None:
    """``hidden``: what is taken out of rows on the way to a screen."""
    guards = (step.guard for step in plan.transitions.values() if step.guard)
    paths = {path[1:] for one in (*declared, *guards) for path in one.paths if path[0] == "record"}
    wanted = {name for state in plan.states.values() for name in state.leave_with}
    wanted |= {name for step in plan.transitions.values() for name in step.transition.ask if name in plan.fields}
    own = plan.columns - hidden | OWN
    plain = all(path and path[0] in own and (len(path) == 1 or _holds_no_record(plan, path[0])) for path in paths)
    names = wanted.union(path[0] for path in paths if path)
    return tuple(sorted(names | {"state", "_previous"})) if plain and wanted <= own else None


def _holds_no_record(plan: FormPlan, name: str) -> bool:
    return name in OWN or plan.fields[name].kind not in ("link", "links", "user", "users")


def waits_of(
    app: Application, actor: Actor, conn: sa.Connection, form: Form, view: TowerView, rows: Sequence[Row]
) -> dict[int, tuple[Wait, ...]]:
    """Record id → what it waits for, what was declared first; the same tuple for records that wait for the same.

    ``rows`` carry id, state, _previous and the columns of the watch.
    """
    if not rows:
        return {}
    watch, ids, sight = watch_of(app, actor, form, view), [row["id"] for row in rows], Sight(app, conn, actor)
    if watch.columns is None:
        steps = filter(None, (next_step(watch.plan, row) for row in rows))
        guards = {step.transition.name: step.guard for step in steps if step.guard}
        foresee(sight, watch.plan, [*(compiled for _label, compiled in watch.declared), *guards.values()], ids)
        rows = [sight.load(form.name, row["id"]) or row for row in rows]
    asked = _questions(app, conn, form, ids, app.clock())
    told = _Told(watch, sight, app.waivers.of(form.name))
    return {row["id"]: told.of(row, asked.get(row["id"], ())) for row in rows}


class _Told:
    """What the records of a page wait for, worked out once for those that cannot differ."""

    def __init__(self, watch: Watch, sight: Sight, waivers: FormWaivers) -> None:
        self.watch, self.sight, self.waivers = watch, sight, waivers
        alike = watch.columns is not None and not waivers.deliverables
        self._columns = watch.columns if alike else None
        self._told: dict[tuple[Any, ...], tuple[Wait, ...]] = {}

    def of(self, row: Row, asked: tuple[Wait, ...]) -> tuple[Wait, ...]:
        if asked or self._columns is None:
            return self._anew(row, asked)
        try:
            key = tuple([row[name] for name in self._columns])
            found = self._told.get(key)
        except TypeError:  # lists and other values that are not told apart so quickly
            return self._anew(row, ())
        if found is None:
            found = self._told[key] = self._anew(row, ())
        return found

    def _anew(self, row: Row, asked: tuple[Wait, ...]) -> tuple[Wait, ...]:
        view = self.sight.view(self.watch.plan.form, row)
        return (*_declared(self.watch.declared, self.sight.with_record(view)), *asked, *self._obstacles(view))

    def _obstacles(self, view: View) -> Iterator[Wait]:
        """What the next step lacks beside what it asks for itself."""
        plan = self.watch.plan
        step = next_step(plan, view.row)
        if step is None:
            return
        for obstacle in what_is_missing(self.sight.actor, plan, step, view, self.waivers):
            if not obstacle.asked:
                yield _wait(plan, obstacle)


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


def _declared(declared: Sequence[tuple[Label, Compiled]], names: Mapping[str, Any]) -> Iterator[Wait]:
    for label, compiled in declared:
        try:
            if compiled.holds(names):
                yield Wait("declared", label)
        except EvaluationFailed as failed:
            yield Wait("declared", message("{label}: {why}", label=label, why=failed.reason))


def _wait(plan: FormPlan, obstacle: Obstacle) -> Wait:
    field = plan.fields.get(obstacle.field or "") if obstacle.kind == "deliverable" else None
    if field is not None:
        return Wait("deliverable", field.title, obstacle.message)
    because = obstacle.message.values.get("because")
    return Wait("guard", because if isinstance(because, Label) else obstacle.message, obstacle.message)


def _questions(
    app: Application, conn: sa.Connection, form: Form, ids: Sequence[int], now: dt.datetime
) -> dict[int, tuple[Wait, ...]]:
    found: dict[int, tuple[Wait, ...]] = {}
    open_ = _open_questions(app, conn, form, ids)
    for one in questions.found(conn, app.tables, app.tables.question.c.id.in_(open_)) if open_ else ():
        if one.record_id is not None and one.is_open(now):
            said = message("Answer of {people}", people=[voice.name for voice in one.missing][:3] or ["–"])
            found[one.record_id] = (*found.get(one.record_id, ()), Wait("question", said, Label(one.texts)))
    return found


def _open_questions(app: Application, conn: sa.Connection, form: Form, ids: Sequence[int]) -> list[int]:
    """Mostly there are none: to know that costs one prepared statement."""
    table = app.tables.question

    def build() -> Any:
        mine = (in_state(table, "open"), table.c.form == value("form_"), among(table.c.record_id, conn.dialect))
        return sa.select(table.c.id).where(*mine).order_by(table.c.id.desc()).limit(MOST_QUESTIONS)

    prepared = app.tables.statements.get(("open questions",), conn.dialect, build)
    return [row["id"] for row in prepared.rows(conn, {"form_": form.name, **listed(ids, conn.dialect)})]


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
