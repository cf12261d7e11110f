"""Deleting and restoring: a record leaves every list with its lines, and comes back as it was."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine import checking, following, performing, questions, walking, writing
from engine.definition import Form
from engine.errors import Refused, message
from engine.intake import Given
from engine.passage import Passage, Walk
from engine.permissions import may_record
from engine.plans import FormPlan
from engine.sight import Row
from engine.timing import dates, timeouts
from engine.walking import Saved


def delete(walk: Walk, plan: FormPlan, id: int, version: int | None, reason: str | None) -> Saved:
    before = walking.stored(walk, plan, id)
    walking.refuse_stale(before, version)
    if not walk.actor.boundless:
        view = walk.sight.view(plan.form, before)
        may_record(walk.app, walk.actor, "delete", plan.form, view).demand()
    _let_go(walk, plan, before)
    passage = Passage(walk, plan, before, {**before, "deleted_at": walk.now}, reason=reason, kind="deleted")
    return _store(passage, frozenset({"deleted"}))


def restore(walk: Walk, plan: FormPlan, id: int) -> Saved:
    before = walking.stored(walk, plan, id, deleted=True)
    if not walk.actor.boundless:
        view = walk.sight.view(plan.form, before)
        may_record(walk.app, walk.actor, "delete", plan.form, view).demand()
    passage = Passage(walk, plan, before, {**before, "deleted_at": None}, kind="restored")
    passage.problems.extend(checking.taken(passage, plan, passage.row, None))
    passage.refuse_problems()
    return _store(passage, frozenset({"restored"}))


def _store(passage: Passage, kinds: frozenset[str]) -> Saved:
    walk, plan, before, row = passage.walk, passage.plan, passage.before, passage.row
    assert before is not None  # only stored records are deleted or restored
    writing.write(passage)
    _with_lines(passage)
    alive_before, alive_after = (before, None) if row["deleted_at"] else (None, row)
    following.refresh(walk, plan, [(alive_before, alive_after)])
    plans = walk.app.plans.rules(plan.form.name, kinds)
    decisions = walking.decide(walk, plan, plans, kinds, before, row) if plans else []
    event_id = writing.append_event(passage, [decision.trace for decision in decisions] or None)
    _keep_time(passage, event_id)
    performing.perform(walk, decisions, event_id, walking.obey, form=plan.form.name, record_id=row["id"])
    return walking.saved(passage, event_id)


def _keep_time(passage: Passage, event_id: int) -> None:
    """What waits for a moment of a deleted record says nothing; what is still to come comes back with the record."""
    walk, form, row = passage.walk, passage.plan.form.name, passage.row
    if row["deleted_at"] is None:
        dates.follow(walk, form, None, row, event_id)
        if row.get("state") is not None:
            timeouts.resume(walk, form, row)
    else:
        questions.record_gone(walk, form, row["id"])


def _with_lines(passage: Passage) -> None:
    """Lines are deleted and restored with the record around them, recognised by the moment."""
    walk, row, before = passage.walk, passage.row, passage.before or {}
    for lines in passage.plan.lines.values():
        table = lines.plan.table
        moment = before.get("deleted_at")
        then = table.c.deleted_at.is_(None) if moment is None else table.c.deleted_at == moment
        walk.conn.execute(
            sa.update(table).where(table.c["_parent"] == row["id"], then).values(deleted_at=row["deleted_at"])
        )
        walk.sight.forget_lines(lines.plan.form.name, row["id"])


# --- what links to a record that goes --------------------------------------------------------------------------------


def _let_go(walk: Walk, plan: FormPlan, row: Row) -> None:
    """Links to the record are emptied or forbid it, as each link field says."""
    for form, field in links_to(walk, plan.form):
        holders = _holders(walk, form, field, row["id"])
        if not holders:
            continue
        if getattr(field, "on_delete", "restrict") == "restrict":
            raise Refused(_still_linked(walk, plan, row, form, holders))
        for holder in holders:
            _empty(walk, form, field.name, holder)


def links_to(walk: Walk, target: Form) -> list[tuple[Form, Any]]:
    """The link fields of all forms that point to ``target``."""
    kept = walk.app.plans.kept
    found: list[tuple[Form, Any]] | None = kept.get(("links to", target.name))
    if found is None:
        found = kept["links to", target.name] = [
            (form, field)
            for form in walk.app.definition.forms.values()
            for field in form.fields.values()
            if field.type == "link" and getattr(field, "form", None) == target.name
        ]
    return found


def _holders(walk: Walk, form: Form, field: Any, id: int) -> list[Row]:
    table = walk.app.tables.form[form.name]
    query = sa.select(table).where(table.c[field.name] == id, table.c.deleted_at.is_(None)).order_by(table.c.id)
    limit = 3 if field.on_delete == "restrict" else None
    return [dict(row) for row in walk.conn.execute(query.limit(limit)).mappings()]


def _still_linked(walk: Walk, plan: FormPlan, row: Row, form: Form, holders: list[Row]) -> Any:
    """Only records the actor may see are named; that there are others is said without their names."""
    title = row["_title"] or f"#{row['id']}"
    seen = [
        holder["_title"] or f"#{holder['id']}"
        for holder in holders
        if may_record(walk.app, walk.actor, "read", form, walk.sight.view(form, holder)).allowed
    ]
    if seen:
        return message("{form} {title} cannot be deleted: it is used by {other} {titles}.",
                       form=plan.form.label, title=title, other=form.label, titles=seen)  # fmt: skip
    return message("{form} {title} cannot be deleted: other records use it.", form=plan.form.label, title=title)


def _empty(walk: Walk, form: Form, name: str, holder: Row) -> None:
    """A change like any other, in the name of the system; a line's goes through the record around it."""
    system = walk.as_system()
    plan = walk.app.plans.form(form)
    if form.parent_form:
        walking.change_line(system, plan, holder["id"], {name: None}, None)
    else:
        walking.change(system, plan, holder["id"], Given(values={name: None}))
