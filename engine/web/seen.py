"""Records as the person of this request may see them. What they may not see is answered like what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import fully_readable
from engine.definition import Form
from engine.errors import Missing, message
from engine.expressions import View
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, may_record, readable_fields
from engine.sight import Row, Sight
from engine.storage import records
from engine.titles import visible_titles
from engine.web.context import actor, application, definition

NOT_THERE = message("There is nothing here, or nothing you may see.")


@dataclass(frozen=True)
class Seen:
    """A record the actor may read. ``fields`` are the names of the fields they may read of it."""

    form: Form
    row: Row
    view: View
    fields: frozenset[str]
    sight: Sight

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def title(self) -> str:
        return str(self.row["_title"] or f"#{self.id}")


def form_named(name: str) -> Form:
    """A form with pages of its own that the actor may see or create records of; raises Missing."""
    app, who = application(), actor()
    form = definition().forms.get(name)
    if form is None or form.parent_form:
        raise Missing(NOT_THERE)
    if not may(app, who, "read", form) and not may(app, who, "create", form):
        raise Missing(NOT_THERE)
    return form


def see(conn: sa.Connection, form: Form, record_id: int, *, deleted: bool = False) -> Seen:
    """The record; raises Missing when there is none, it is deleted, or the actor may not read it."""
    return see_as(conn, application(), actor(), form, record_id, deleted=deleted)


def see_as(
    conn: sa.Connection, app: Application, who: Actor, form: Form, record_id: int, *, deleted: bool = False
) -> Seen:
    """The same where no request says who asks."""
    loader = Sight(app, conn, who)
    row = loader.load(form.name, record_id)
    if row is None or (row["deleted_at"] is not None and not deleted):
        raise Missing(NOT_THERE)
    view = View(form, row, loader)
    if not may_record(app, who, "read", form, view):
        raise Missing(NOT_THERE)
    if row["deleted_at"] is not None and not may_record(app, who, "delete", form, view):
        raise Missing(NOT_THERE)
    return Seen(
        form, {**row, **_links(conn, app, form, record_id)}, view, readable_fields(app, who, form).of(view), loader
    )


def _links(conn: sa.Connection, app: Application, form: Form, record_id: int) -> dict[str, tuple[int, ...]]:
    """Links fields have a table of their own."""
    many = app.plans.form(form).many
    return {name: records.links_of(conn, app.tables, form.name, name, [record_id])[record_id] for name in many}


# --- what values point at --------------------------------------------------------------------------------------------


def points_at(field: Field) -> str | None:
    """The form a link points to, ``_user`` or ``_file``; None for plain values."""
    if field.kind in ("link", "links"):
        return str(getattr(getattr(field, "like", field), "form", "")) or None
    return _SYSTEM_TARGETS.get(field.kind)


_SYSTEM_TARGETS = {"user": "_user", "users": "_user", "files": "_file"}


def collect(fields: Iterable[Field], row: Mapping[str, Any], wanted: dict[str, set[int]]) -> None:
    """Add the ids the row's values point at."""
    for field in fields:
        target = points_at(field)
        value = row.get(field.name) if target else None
        if value is not None and target:
            wanted.setdefault(target, set()).update(value if isinstance(value, (tuple, list)) else (value,))


def titles_of(
    conn: sa.Connection, app: Application, who: Actor, wanted: Mapping[str, set[int]], sight: Sight | None = None
) -> dict[str, dict[int, str]]:
    """Titles by target and id; of records the actor may not read there is none. ``sight`` has read some already."""
    return {target: _titles(conn, app, who, target, ids, sight) for target, ids in wanted.items() if ids}


def _titles(
    conn: sa.Connection, app: Application, who: Actor, target: str, ids: set[int], sight: Sight | None
) -> dict[int, str]:
    if target == "_user":
        return records.titles(conn, app.tables, "_user", ids)
    if target == "_file":
        table = app.tables.attachment
        found = conn.execute(sa.select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
        return {row[0]: row[1] for row in found}
    form = app.definition.forms[target]
    known = _known_titles(sight, target, ids) if sight is not None and fully_readable(app, who, form) else {}
    return {**known, **visible_titles(app, who, conn, form, ids.difference(known))}


def _known_titles(sight: Sight, target: str, ids: set[int]) -> dict[int, str]:
    return {id: row["_title"] for id in ids if (row := sight.known(target, id)) is not None}
