"""What every saved record must fulfil: hidden and read-only fields, required ones, checks, unique values, links, files.

Each function adds what is wrong to the passage; only ``refuse_problems`` raises, so everything is said at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.errors import Invalid, Message, Problem, message
from engine.expressions import Compiled, EvaluationFailed, View
from engine.fields.base import Field
from engine.language import ADMIN, Label
from engine.passage import Passage
from engine.permissions import may_record
from engine.plans import FormPlan, LinkPlan, Watched
from engine.saying import value_of
from engine.sight import Row

Place = tuple[FormPlan, Row, Row | None, str]  # plan, row, stored row, path in front of its fields


def places(passage: Passage) -> Iterator[Place]:
    """The record, then each of its lines that is new or changed."""
    yield passage.plan, passage.row, passage.before, ""
    for name, rows in passage.lines.items():
        stored, plan = passage.stored_lines[name], passage.plan.lines[name].plan
        for index, row in enumerate(rows):
            if row != stored.get(row["id"]):
                yield plan, row, stored.get(row["id"]), f"{name}.{index}."


def view_of(passage: Passage, plan: FormPlan, row: Row) -> View:
    return passage.view() if row is passage.row else passage.walk.sight.view(plan.form, row)


# --- hidden and read-only --------------------------------------------------------------------------------------------


def put_back_hidden(passage: Passage) -> None:
    """A field that is not shown keeps what it held: nobody can have meant to change it."""
    for plan, row, before, _where in places(passage):
        for name in plan.visible_when:
            kept = before.get(name) if before else plan.constants.get(name)
            if name in row and row[name] != kept and name not in plan.computed and not _shown(passage, plan, row, name):
                row[name] = kept


def _shown(passage: Passage, plan: FormPlan, row: Row, name: str) -> bool:
    conditions = plan.visible_when.get(name)
    if not conditions:
        return True
    names = passage.names(view_of(passage, plan, row))
    return all(holds(condition, names, otherwise=True) for condition in conditions)


def holds(compiled: Compiled, names: Mapping[str, Any], *, otherwise: bool) -> bool:
    """Whether a condition of a field holds; ``otherwise`` where it cannot be worked out."""
    try:
        return compiled.holds(names)
    except EvaluationFailed:
        return otherwise


def refuse_read_only(passage: Passage) -> None:
    """Read-only fields as the record was when the person looked at it; on a new record as it is becoming."""
    asked = passage.transition.asked if passage.transition else frozenset()
    for plan, row, before, where in places(passage):
        for field in plan.guarded:
            if where or field.name not in asked:
                _refuse_if_changed(passage, plan, row, before, where, field)


def _refuse_if_changed(
    passage: Passage, plan: FormPlan, row: Row, before: Row | None, where: str, field: Field
) -> None:
    name = field.name
    if name not in passage.given.get(where, ()) or row.get(name) == (before or {}).get(name):
        return
    if field.readonly:
        passage.problem(where + name, message("{label} is read-only.", label=field.title))
        return
    names = passage.names(view_of(passage, plan, before if before is not None else row))
    if holds(plan.readonly_when[name], names, otherwise=True):
        passage.problem(where + name, message("{label} is read-only now.", label=field.title))


# --- required and checks ---------------------------------------------------------------------------------------------


def require(passage: Passage) -> None:
    """Required fields are filled; on a stored record only those that were touched, or that people had before them, are
    asked for again. Records that were there before a field was required may be exempt."""
    broken = frozenset(problem.where for problem in passage.problems)
    for plan, row, before, where in places(passage):
        changed = None if before is None else _touched(passage, row, before, where)
        for name in _needed(passage, plan, row, changed):
            lacking = where + name not in broken and _empty(passage, plan, row, name)
            if lacking and _shown(passage, plan, row, name) and not _exempt(passage, plan, before, name):
                passage.problem(where + name, message("{label} is required.", label=plan.fields[name].title))
    _require_lines(passage)


def _touched(passage: Passage, row: Row, before: Row, where: str) -> frozenset[str]:
    """Rules and the system are held to what they change alone: nobody is there to fill in the rest."""
    changed = frozenset(name for name in row if row[name] != before.get(name))
    return changed if passage.walk.actor.system else changed | passage.given.get(where, frozenset())


def _exempt(passage: Passage, plan: FormPlan, before: Row | None, name: str) -> bool:
    """Without a value until now, and there before it was required; a value that is there may not be taken away."""
    if before is None or not passage.walk.app.waivers.of(plan.form.name).exempts(name, before["id"]):
        return False
    links = passage.stored_links.get(name, ()) if name in plan.many else before.get(name)
    return is_empty(links)


def _needed(passage: Passage, plan: FormPlan, row: Row, changed: frozenset[str] | None) -> Iterator[str]:
    for name in plan.required:
        if changed is None or name in changed or name in passage.links:
            yield name
    for name, watched in plan.required_when.items():
        if changed is None or name in changed or watched.needs.touched(changed):
            names = passage.names(view_of(passage, plan, row))
            if holds(watched.compiled, names, otherwise=False):
                yield name


def _empty(passage: Passage, plan: FormPlan, row: Row, name: str) -> bool:
    if row is passage.row and name in plan.lines:
        return passage.creating and not passage.lines.get(name)
    if row is passage.row and name in plan.many:
        return not passage.links.get(name)
    return is_empty(row.get(name))


def is_empty(value: Any) -> bool:
    """No is an answer, nothing is not."""
    return value is None or value == () or value == "" or value == {}


def _require_lines(passage: Passage) -> None:
    broken = passage.broken()
    for name, lines in passage.plan.lines.items():
        touched = passage.creating or name in passage.lines
        count = len(passage.lines.get(name, ()))
        if touched and lines.least and count < lines.least and name not in broken:
            passage.problem(
                name,
                message("{label} needs at least {limit} rows; got {count}.",
                        label=lines.field.title, limit=lines.least, count=count),
            )  # fmt: skip


def check(passage: Passage) -> None:
    """The form's checks, those of its lines too; on a stored record those that something touched."""
    broken = passage.broken()
    for plan, row, before, where in places(passage):
        if not plan.checks:
            continue
        changed = passage.changed() if not where else _line_changed(row, before)
        for one, watched in plan.checks:
            untouched = before is not None and not watched.needs.touched(changed)
            if untouched or (broken and not where and watched.needs.touched(broken)):
                continue
            _check_one(passage, plan, row, watched, one.message, where + (one.field or ""))


def _line_changed(row: Row, before: Row | None) -> frozenset[str]:
    return frozenset(name for name in row if row[name] != (before or {}).get(name))


def _check_one(passage: Passage, plan: FormPlan, row: Row, watched: Watched, said: Label, where: str) -> None:
    try:
        if watched.compiled.holds(passage.names(view_of(passage, plan, row))):
            return
    except EvaluationFailed as failed:
        passage.problem(
            where.rstrip("."), message("{check} cannot be checked: {reason}.", check=said, reason=failed.reason)
        )
        return
    passage.problem(where.rstrip("."), message("{text}", text=said))


# --- links, people, files --------------------------------------------------------------------------------------------


def check_links(passage: Passage) -> None:
    """What is newly linked exists, is not deleted, may be seen by the actor, and fulfils the field's condition."""
    wanted = [
        (plan, row, where, link, ids)
        for plan, row, before, where in places(passage)
        for name, link in plan.links.items()
        if (ids := _new_targets(passage, plan, row, before, name))
    ]
    by_form: dict[str, list[int]] = {}
    for _plan, _row, _where, link, ids in wanted:
        by_form.setdefault(link.target, []).extend(ids)
    for form, all_ids in by_form.items():
        passage.walk.sight.prime(form, all_ids)
    for plan, row, where, link, ids in wanted:
        for id in ids:
            _check_target(passage, plan, row, where, link, id)


def _new_targets(passage: Passage, plan: FormPlan, row: Row, before: Row | None, name: str) -> tuple[int, ...]:
    if name in plan.many:
        if row is not passage.row:
            return ()
        old = passage.stored_links.get(name, ())
        return tuple(id for id in passage.links.get(name, ()) if id not in old)
    id = row.get(name)
    return () if id is None or (before is not None and before.get(name) == id) else (id,)


def _check_target(passage: Passage, plan: FormPlan, row: Row, where: str, link: LinkPlan, id: int) -> None:
    walk, target = passage.walk, passage.walk.app.plans.form(link.target).form
    stored = walk.sight.load(link.target, id)
    view = walk.sight.view(target, stored) if stored else None
    if view is None or stored is None or stored["deleted_at"] is not None or not _may_see(passage, link, view):
        passage.problem(
            where + link.field.name,
            message("{label}: there is no {form} {id}.", label=link.field.title, form=target.label, id=id),
        )
    elif link.where is not None:
        names = passage.names(view, source=view_of(passage, plan, row))
        if not holds(link.where, names, otherwise=False):
            passage.problem(
                where + link.field.name,
                message("{label}: {form} {title} cannot be chosen here.",
                        label=link.field.title, form=target.label, title=view.title or id),
            )  # fmt: skip


def _may_see(passage: Passage, link: LinkPlan, view: View) -> bool:
    """What nobody can fill in was put there by the definition: whoever saves need not see where it leads."""
    app, actor = passage.walk.app, passage.walk.actor
    return link.field.readonly or actor.boundless or may_record(app, actor, "read", link.target, view).allowed


def check_people(passage: Passage) -> None:
    """People who are newly named exist, may sign in, and have one of the roles the field admits."""
    known = passage.walk.app.definition.roles
    for plan, row, before, where in places(passage):
        for name, roles in plan.users.items():
            id = row.get(name)
            if id is None or (before is not None and before.get(name) == id):
                continue
            field = plan.fields[name]
            person = passage.walk.sight.user(id)
            if person is None or not person.get("active", True):
                passage.problem(where + name, message("{label}: there is no user {id}.", label=field.title, id=id))
            elif roles and roles.isdisjoint(person["roles"]) and ADMIN not in person["roles"]:
                passage.problem(
                    where + name,
                    message("{label}: {person} does not have the role {roles}.",
                            label=field.title, person=person["name"], roles=_labels(passage, roles)),
                )  # fmt: skip
        for field in plan.roles:
            role = row.get(field.name)
            if role is not None and role != (before or {}).get(field.name) and role not in known:
                said = message("{label}: there is no role {role}.", label=field.title, role=role)
                passage.problem(where + field.name, said)


def _labels(passage: Passage, roles: Iterable[str]) -> list[Label]:
    known = passage.walk.app.definition.roles
    return [known[role].label for role in sorted(roles) if role in known]


def new_files(passage: Passage) -> dict[int, tuple[str, str]]:
    """Files that are newly attached: id → (path of the field, field name)."""
    found: dict[int, tuple[str, str]] = {}
    for plan, row, before, where in places(passage):
        for name in plan.files:
            old = (before or {}).get(name) or ()
            found.update({id: (where + name, name) for id in row.get(name) or () if id not in old})
    return found


def check_files(passage: Passage) -> None:
    """A file may be attached by whoever uploaded it, once: it then belongs to this record."""
    wanted = new_files(passage)
    if not wanted:
        return
    walk, table = passage.walk, passage.walk.app.tables.attachment
    query = sa.select(table).where(table.c.id.in_(list(wanted)), table.c.deleted_at.is_(None))
    stored = {row["id"]: row for row in walk.conn.execute(query).mappings()}
    for id, (where, name) in wanted.items():
        row = stored.get(id)
        free = row is not None and row["record_id"] is None
        mine = row is not None and (walk.actor.boundless or row["created_by"] == walk.actor.id)
        if row is None or not free or not mine or row["field"] not in (None, name):
            passage.problem(where, message("There is no uploaded file {id} that could be attached here.", id=id))
        elif row["field"] is None:
            _check_file(passage, where, name, row)


def _check_file(passage: Passage, where: str, name: str, row: Mapping[Any, Any]) -> None:
    """One that was not uploaded for this field, such as the attachment of a mail: it must be what the field takes."""
    lines = passage.plan.lines.get(where.partition(".")[0])
    field: Any = (lines.plan if lines else passage.plan).fields[name]
    try:
        field.check_file(row["name"], row["size"])
        field.check_content(row["name"], row["media_type"])
    except Invalid as wrong:
        passage.problem(where, wrong.reason)


# --- unique ----------------------------------------------------------------------------------------------------------


def check_unique(passage: Passage) -> None:
    """One query for all groups of unique fields that were touched; names the record that has the values."""
    if not passage.plan.unique:
        return
    found = taken(passage, passage.plan, passage.row, passage.before)
    passage.problems.extend(found)


def taken(passage: Passage, plan: FormPlan, row: Row, before: Row | None) -> list[Any]:
    groups = [group for group in plan.unique if _worth_asking(plan, group, row, before)]
    if not groups:
        return []
    table = plan.table
    same = [sa.and_(*(table.c[name] == row[name] for name in group)) for group in groups]
    query = sa.select(table).where(sa.or_(*same), table.c.deleted_at.is_(None))
    if before is not None:
        query = query.where(table.c.id != before["id"])
    others = passage.walk.conn.execute(query.limit(len(groups) * 2)).mappings().all()
    problems = []
    for group in groups:
        other = next((one for one in others if all(one[name] == row[name] for name in group)), None)
        if other is not None:
            problems.append(Problem(group[0], taken_message(passage, plan, group, row, other)))
    return problems


def _worth_asking(plan: FormPlan, group: tuple[str, ...], row: Row, before: Row | None) -> bool:
    if any(row.get(name) is None for name in group):
        return False
    if before is None:
        return not all(plan.fields[name].type == "series" for name in group)
    return any(row.get(name) != before.get(name) for name in group)


def taken_message(
    passage: Passage, plan: FormPlan, group: tuple[str, ...], row: Row, other: Mapping[Any, Any]
) -> Message:
    """Who may not see the other record is not told which one it is."""
    walk, labels = passage.walk, [plan.fields[name].title for name in group]
    reader = walk.sight.names["reader"]
    values = [value_of(plan.fields[name], row[name], walk.sight, reader) for name in group]
    view = walk.sight.view(plan.form, dict(other))
    if walk.actor.boundless or may_record(walk.app, walk.actor, "read", plan.form, view).allowed:
        return message(
            "{labels}: {values} is taken by {form} {title}.",
            labels=labels, values=values, form=plan.form.label, title=other["_title"] or f"#{other['id']}",
        )  # fmt: skip
    return message("{labels}: {values} is taken.", labels=labels, values=values)
