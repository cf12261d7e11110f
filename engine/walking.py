"""The one walk of a record, from its parsed input to its event, inside the caller's transaction.

The order: read → version → lay the input over → defaults → hidden and read-only → numbers and found links →
worked-out values → the transition's obstacles → the state → required, checks, unique, links, files → write → rollups →
rules decide → event → stays → rules' effects → search. Everything wrong with the input is said together, before
anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import checking, computing, following, matching, moving, notices, performing, rules, runs, stays, writing
from engine.errors import Missing, Refused, Stale, message
from engine.feeding import parking
from engine.intake import Given, read_input, read_values
from engine.offering import offer
from engine.passage import Passage, Walk
from engine.performing import Request
from engine.permissions import may_record, updatable_fields
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Row
from engine.storage import search
from engine.timing import dates, timeouts
from engine.triggers import Change


@dataclass(frozen=True)
class Saved:
    """What a walk left: ``row`` is the stored row; ``event_id`` is None when there was nothing to change."""

    id: int
    version: int
    state: str | None
    row: Mapping[str, Any]
    event_id: int | None


# --- the walk --------------------------------------------------------------------------------------------------------


def create(walk: Walk, plan: FormPlan, given: Given) -> Saved:
    """A new record. The actor's right to create it is asked once it is worked out."""
    return _finish(creating(walk, plan, given))


def creating(walk: Walk, plan: FormPlan, given: Given) -> Passage:
    """A new record on its way: the input and defaults laid into an empty row."""
    row = computing.empty_row(plan)
    if plan.form.workflow:
        row["state"] = plan.form.workflow.initial
    passage = Passage(walk, plan, None, row, kind="created")
    computing.lay_over(passage, given)
    for lines in plan.lines.values():
        computing.read_lines(passage, lines)
    computing.fill_in(passage)
    return passage


def change(
    walk: Walk,
    plan: FormPlan,
    id: int,
    given: Given,
    *,
    version: int | None = None,
    transition: str | None = None,
    reason: str | None = None,
) -> Saved:
    """Change a stored record, and take a transition of it if one is named."""
    before = stored(walk, plan, id)
    refuse_stale(before, version)
    return _finish(changing(walk, plan, before, given, transition, reason))


def changing(
    walk: Walk, plan: FormPlan, before: Row, given: Given, transition: str | None, reason: str | None
) -> Passage:
    """A stored record on its way: the input laid over it, and the step it takes."""
    step = moving.find_transition(plan, transition, before) if transition else None
    passage = Passage(walk, plan, before, dict(before), transition=step, reason=reason)
    if step is not None:
        passage.kind = "taken"
        moving.refuse_stranger(passage, step)
    _demand_update(passage, given, step)
    computing.lay_over(passage, given)
    for lines in plan.lines.values():
        if lines.follow and given.values:
            computing.read_lines(passage, lines)
    computing.fill_in(passage)
    return passage


def _finish(passage: Passage) -> Saved:
    settle(passage)
    if not passage.creating and passage.transition is None and not passage.changed():
        return _unchanged(passage)
    return store(passage)


def settle(passage: Passage, *, numbers: bool = True) -> None:
    """Work out what the record becomes and refuse everything that is wrong with it. Nothing is written, but the next
    number of a series is drawn; without ``numbers`` not even that."""
    checking.put_back_hidden(passage)
    if not passage.walk.actor.system:
        checking.refuse_read_only(passage)
    if numbers and not passage.problems:  # else nothing will be saved, and nobody has to wait for the series
        computing.draw_numbers(passage)
    computing.take_out_stale(passage)
    matching.find_links(passage, make if numbers and not passage.problems else None)
    moving.refuse_obstacles(passage)
    moving.enter_target(passage)
    computing.compute(passage)
    passage.settled = passage.view()
    if passage.creating and not passage.walk.actor.boundless:
        _demand_create(passage)
    checking.require(passage)
    checking.check(passage)
    checking.check_links(passage)
    checking.check_people(passage)
    checking.check_files(passage)
    checking.check_unique(passage)
    passage.refuse_problems()


def store(passage: Passage) -> Saved:
    """What passed every check is written, and wakes rules."""
    moving.settle_state(passage)
    writing.write(passage)
    following.follow(passage)
    decisions = _decisions(passage)
    event_id = writing.append_event(passage, [decision.trace for decision in decisions] or None)
    _write_stays(passage, event_id)
    dates.follow(passage.walk, passage.plan.form.name, passage.before, passage.row, event_id)
    index(passage)
    _tell_waiting_runs(passage)
    performing.perform(
        passage.walk, decisions, event_id, obey, form=passage.plan.form.name, record_id=passage.row["id"]
    )
    return saved(passage, event_id)


def _tell_waiting_runs(passage: Passage) -> None:
    walk, form = passage.walk, passage.plan.form.name
    parking.record_saved(walk, form, passage.row)
    if form in walk.app.plans.parking and not passage.creating:
        runs.wake_parked(walk, form, passage.row["id"])
    if not passage.creating and form in walk.app.plans.approving:
        from engine.approvals.watching import record_changed

        record_changed(walk, form, passage.row["id"], passage.changed())


def saved(passage: Passage, event_id: int | None) -> Saved:
    """The row as rules left it, if they changed it further."""
    row = passage.walk.sight.load(passage.plan.form.name, passage.row["id"]) or passage.row
    return Saved(row["id"], row["version"], row.get("state"), row, event_id)


def _unchanged(passage: Passage) -> Saved:
    assert passage.before is not None  # a new record always differs
    passage.walk.sight.remember(passage.plan.form.name, passage.before)
    return Saved(passage.before["id"], passage.before["version"], passage.before.get("state"), passage.before, None)


def obey(walk: Walk, request: Request) -> Saved:
    """The walk of a rule's effect."""
    plan = walk.app.plans.form(request.form)
    if request.owner is not None and request.id is not None:
        return hand_over(walk, plan, request.id, request.owner, request.reason)
    if plan.form.parent_form and request.transition is None:
        return _obey_on_line(walk, plan, request)
    given = read_values(plan, request.values, walk.sight.names["reader"])
    if request.id is None:
        return create(walk, plan, given)
    return change(walk, plan, request.id, given, transition=request.transition, reason=request.reason)


def hand_over(walk: Walk, plan: FormPlan, id: int, owner: tuple[int | None, str | None], reason: str | None) -> Saved:
    """Another person or role is responsible until the record leaves its state; nothing else changes."""
    before = stored(walk, plan, id)
    passage = Passage(walk, plan, before, dict(before), reason=reason, owner=owner, kind="reassigned")
    if (before.get("owner"), before.get("owner_role")) == owner:
        return _unchanged(passage)
    passage.settled = passage.view()
    return store(passage)


def make(walk: Walk, form: str, values: Mapping[str, Any]) -> int:
    """A record that something needs to point to; nobody has to be allowed to create it."""
    return obey(walk.as_system(), Request(form, None, values)).id


def _obey_on_line(walk: Walk, plan: FormPlan, request: Request) -> Saved:
    if request.id is None:
        raise closed_door(plan)
    return change_line(walk, plan, request.id, request.values, None)


# --- reading and demanding -------------------------------------------------------------------------------------------


def stored(walk: Walk, plan: FormPlan, id: int, *, deleted: bool = False) -> Row:
    """The stored row, if the actor may read it; raises Missing in the same words when there is none."""
    row = walk.sight.load(plan.form.name, id)
    if row is None or (row["deleted_at"] is not None) is not deleted:
        raise missing(plan, id)
    if not walk.actor.boundless:
        view = walk.sight.view(plan.form, row)
        if not may_record(walk.app, walk.actor, "read", plan.form, view).allowed:
            raise missing(plan, id)
    return row


def missing(plan: FormPlan, id: int) -> Missing:
    return Missing(message("There is no {form} {id}, or you may not see it.", form=plan.form.label, id=id))


def refuse_stale(row: Row, version: int | None) -> None:
    if version is not None and row["version"] != version:
        raise Stale(
            message("Someone else saved this record first: it is at version {current}, you started from {version}.",
                    current=row["version"], version=version),
            row["version"],
        )  # fmt: skip


def _demand_update(passage: Passage, given: Given, step: TransitionPlan | None) -> None:
    """The record as it is, and each field that depends on it. What a transition asks for comes with the transition."""
    walk, plan = passage.walk, passage.plan
    if walk.actor.boundless:
        return
    asked = step.asked if step else frozenset()
    own = given.names - asked
    if step is None or own:
        view = walk.sight.view(plan.form, passage.before or {})
        may_record(walk.app, walk.actor, "update", plan.form, view).demand()
        allowed = updatable_fields(walk.app, walk.actor, plan.form)
        for name in own:
            if name in plan.fields and plan.fields[name].writable and not allowed.has(name, view):
                passage.problem(name, message("You may not change {label}.", label=plan.fields[name].title))
    _demand_lines(passage, given, asked, creating=False)


def _demand_create(passage: Passage) -> None:
    walk, plan = passage.walk, passage.plan
    view = passage.view()
    may_record(walk.app, walk.actor, "create", plan.form, view).demand()
    allowed = updatable_fields(walk.app, walk.actor, plan.form, creating=True)
    if allowed.constant is not None:
        return
    for name in passage.given[""]:
        if not allowed.has(name, view):
            passage.problem(name, message("You may not change {label}.", label=plan.fields[name].title))


def _demand_lines(passage: Passage, given: Given, asked: frozenset[str], *, creating: bool) -> None:
    """Fields of lines whose right depends on the record; constant ones were asked while the input was read."""
    walk = passage.walk
    for name, rows in given.lines.items():
        plan = passage.plan.lines[name].plan
        allowed = updatable_fields(walk.app, walk.actor, plan.form, creating=creating)
        if name in asked or allowed.constant is not None:
            continue
        stored_rows = {row["id"]: row for row in walk.sight.lines(plan.form.name, (passage.before or {}).get("id", 0))}
        for line in rows:
            view = walk.sight.view(
                plan.form, stored_rows.get(line.id or 0, {"_parent": (passage.before or {}).get("id")})
            )
            for field in line.values:
                if not allowed.has(field, view):
                    passage.problem(
                        f"{name}.{line.place}.{field}",
                        message("You may not change {label}.", label=plan.fields[field].title),
                    )


# --- after the write -------------------------------------------------------------------------------------------------


def _decisions(passage: Passage) -> list[rules.Decision]:
    kinds = kinds_of(passage)
    plans = passage.walk.app.plans.rules(passage.plan.form.name, kinds)
    if not plans:
        return []
    return decide(passage.walk, passage.plan, plans, kinds, passage.before, passage.row, passage)


def decide(
    walk: Walk,
    plan: FormPlan,
    plans: Sequence[Any],
    kinds: frozenset[str],
    before: Row | None,
    after: Row | None,
    passage: Passage | None = None,
    button: str | None = None,
) -> list[rules.Decision]:
    """What the rules that may be woken by a change answer."""
    row = after or before or {}
    current = walk.sight.load(plan.form.name, row["id"]) or row
    view = walk.sight.view(plan.form, current)
    old = walk.sight.view(plan.form, before) if before is not None else None
    names = walk.sight.with_record(view, old=old)
    woken = Change(
        form=plan.form.name,
        kinds=kinds,
        before=before,
        after=after,
        changed=passage.changed() if passage else frozenset(),
        evaluate=lambda source: walk.app.plans.compile(source).evaluate(names),
        transition=passage.transition.transition.name if passage and passage.transition else None,
        button=button,
    )
    return rules.decide(walk, plans, woken, view, old)


def kinds_of(passage: Passage) -> frozenset[str]:
    """Every kind of change this was at once."""
    if passage.creating:
        return frozenset({"created", "entered"}) if passage.row.get("state") else frozenset({"created"})
    kinds = set()
    if passage.changed() - {"state"}:
        kinds.add("updated")
    if passage.transition is not None:
        kinds |= {"taken", "left", "entered"}
    return frozenset(kinds)


def _write_stays(passage: Passage, event_id: int) -> None:
    _stay(passage, event_id)
    notices.now_responsible(passage, event_id)


def _stay(passage: Passage, event_id: int) -> None:
    walk, plan, before, row = passage.walk, passage.plan, passage.before, passage.row
    if row.get("state") is None:
        return
    if before is None or passage.transition is not None:
        if before is not None:
            stays.leave(walk, plan, before)
        timeouts.entered(walk, plan.form.name, row, stays.enter(walk, plan, row), event_id)
        return
    if before.get("state_due") != row.get("state_due"):
        stays.move_due(walk, plan, row)
        timeouts.moved(walk, plan.form.name, row, event_id)
    if (before.get("owner"), before.get("owner_role")) != (row.get("owner"), row.get("owner_role")):
        stays.hand_over(walk, plan, row, reassigned=passage.owner is not None)


def index(passage: Passage) -> None:
    """Search finds the record by its texts as they are now."""
    plan, walk = passage.plan, passage.walk
    if plan.form.parent_form or not _index_touched(passage):
        return
    titles = {
        name: title for name, form in plan.searched.items() if form and (title := _title(walk, form, passage.row[name]))
    }
    search.index(walk.conn, walk.app.tables, plan.form, passage.row, titles, fresh=passage.creating)


def _index_touched(passage: Passage) -> bool:
    if passage.creating:
        return True
    before, row = passage.before or {}, passage.row
    return any(row.get(name) != before.get(name) for name in ("_title", *passage.plan.searched))


def _title(walk: Walk, form: str, id: int | None) -> str | None:
    if id is None:
        return None
    if form == "_user":
        return (walk.sight.user(id) or {}).get("name")
    return (walk.sight.load(form, id) or {}).get("_title")


# --- lines on their own ----------------------------------------------------------------------------------------------


def change_line(
    walk: Walk, plan: FormPlan, id: int, values: Mapping[str, Any], version: int | None, reason: str | None = None
) -> Saved:
    """Change one line as part of the record around it, so that totals, checks and the history stay whole."""
    row = stored(walk, plan, id)
    refuse_stale(row, version)
    parent = walk.app.plans.form(str(plan.form.parent_form))
    name = str(plan.form.parent_field)
    beside = walk.sight.lines(plan.form.name, row["_parent"])
    lines = [{"id": line["id"], **(values if line["id"] == id else {})} for line in beside]
    reader = walk.sight.names["reader"]
    if walk.actor.system:
        given = read_values(parent, {name: lines}, reader)
    else:
        given = read_input(parent, {name: lines}, offer(walk.app, walk.actor, parent, creating=False), reader)
    around = change(walk, parent, row["_parent"], given, reason=reason)
    line = walk.sight.load(plan.form.name, id) or row
    return Saved(id, line["version"], line.get("state"), line, around.event_id)


def closed_door(plan: FormPlan) -> Refused:
    return Refused(message("{form}: lines are added and removed with the record around them.", form=plan.form.label))
