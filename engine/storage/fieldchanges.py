"""What differs in the fields of one form that was there before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import message
from engine.fields.base import Field
from engine.fields.relations import POINTING
from engine.storage import casts, requirements, steps
from engine.storage.archive import COLUMN, with_identities, with_names
from engine.storage.comebacks import identities, link_table
from engine.storage.options import find_option_changes
from engine.storage.shape import Shape, field_shape, paired
from engine.storage.tables import link_table_name

if TYPE_CHECKING:
    from engine.storage.changes import Changes

MOVE_AWAY, RENAME, CREATE, FILL = 1, 2, 3, 4
FieldPairs = list[tuple[str | None, str | None]]


def find_field_changes(changes: Changes, old: Shape, form: Form) -> None:
    renames: dict[str, str] = {}
    for identity, name in pair_fields(changes, old, form):
        if identity is None:
            continue
        entry = {**old["fields"][identity], "identity": identity}
        if name is None:
            _gone(changes, old, entry)
            continue
        changes.notes.rename(identity, form.fields[name].stable_id, form.stable_id)
        if _same_column(changes, old, entry, form, form.fields[name]) and entry["name"] != name:
            renames[entry["name"]] = name
    if renames:
        _rename(changes, form.name, renames)


def pair_fields(changes: Changes, old: Shape, form: Form) -> FieldPairs:
    """Fields that come back from the archive are entered into ``old``, as if they had been there all the time."""
    was = {identity: entry.get("was", {}).get("") for identity, entry in old["fields"].items()}
    pairs = paired(old["fields"], form.fields, lambda entry: entry["name"], was)
    return [pair if pair[0] is not None else _from_archive(changes, old, form, str(pair[1])) for pair in pairs]


def _from_archive(changes: Changes, old: Shape, form: Form, name: str) -> tuple[str | None, str | None]:
    field = form.fields[name]
    if field.stable_id in old["fields"]:
        return None, name
    names = {identity: each for each, identity in identities(changes.old.values()).items()}
    for kept in changes.archives.fields(old["identity"], field.stable_id, old["name"]):
        entry = with_names(kept.shape, names)
        if casts.comes_back(changes, old, entry, field) and _same_target(changes, entry, field_shape(field)):
            changes.archives.bring_back(kept)
            back = {**entry, "back": True, "up_to": kept.up_to, **_place(kept)}
            old["fields"] = {**old["fields"], field.stable_id: back}
            return field.stable_id, name
    return None, name


def _place(kept: Any) -> Shape:
    return {"name": kept.name} if kept.kind == COLUMN else {"table": kept.name}


def _same_column(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field) -> bool:
    """Whether the field keeps its column; otherwise what is needed instead is added to the changes."""
    new = field_shape(field)
    if entry["type"] == "links" or new["type"] == "links":
        _links(changes, old, entry, form, new)
        return False
    if entry["type"] is None or new["type"] is None or entry["name"] not in changes.catalog.columns[old["name"]]:
        if new["type"] is None:
            _gone(changes, old, entry)
        return False
    changes.column_now[form.name, field.name] = entry["name"]
    if (entry["kind"] in ("link", "user") or new["kind"] in ("link", "user")) and not _same_target(changes, entry, new):
        _other_target(changes, old, entry, form, field)
        return False
    if not casts.find_type_change(changes, old, entry, form, field, new["type"]):
        return False
    if "back" in entry:
        _back(changes, entry, form, field)
    find_option_changes(changes, old, entry, form, field)
    if new["value"] != entry["value"] and new["value"] is not None:
        text = message("{field} of form {form} is worked out anew.", field=field.title, form=form.name)
        changes.add(FILL, text, _keep)
        changes.recompute.append((form.name, field.name))
    return True


def _same_target(changes: Changes, entry: Shape, new: Shape) -> bool:
    if POINTING.isdisjoint((entry["kind"], new["kind"])):
        return True
    target = entry["target"] if entry["target"] == "_user" else changes.present_name(entry["target"])
    same: bool = entry["kind"] == new["kind"] and target == new["target"]
    return same


def _other_target(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field) -> None:
    """The ids of other records mean nothing here; those from before may be in the archive."""
    _gone(changes, old, entry)
    changes.replaced.add((form.name, field.name))
    names = {identity: each for each, identity in identities(changes.old.values()).items()}
    found = changes.archives.fields(old["identity"], field.stable_id, old["name"])
    wanted = field_shape(field)
    columns = (one for one in found if one.kind == COLUMN)
    kept = next((one for one in columns if _same_target(changes, with_names(one.shape, names), wanted)), None)
    if kept is not None:
        changes.archives.bring_back(kept)
        changes.returned.add((form.name, field.name))
        text = message("Field {field} of form {form} comes back with its values.", field=field.title, form=form.name)
        changes.add(CREATE, text, partial(steps.rename_column, table=form.name, old=kept.name, new=field.name))


def _gone(changes: Changes, old: Shape, entry: Shape) -> None:
    table = old["name"]
    if entry["type"] == "links":
        changes.move_away(link_table(old, entry), old, entry)
        return
    if entry["type"] is None or entry["name"] not in changes.catalog.columns[table]:
        return
    count, kept = changes.count(table, entry["name"]), changes.free_name(entry["name"], table)
    text = message(
        "Field {field} of form {form} is gone; {count} records have a value in it, kept in the column {kept}.",
        field=entry["name"], form=table, count=count, kept=kept,
    )  # fmt: skip
    do = partial(steps.rename_column, table=table, old=entry["name"], new=kept)
    wanted = count > 0 and entry["value"] is None  # what is worked out can be worked out again
    question = requirements.field_gone(changes, old, entry) if wanted else ""
    changes.add(MOVE_AWAY, text, do, explicit=wanted, question=question)
    changes.archives.keep(
        COLUMN, changes.identity_now(old), kept, with_identities(entry, identities(changes.old.values())),
        field=entry["identity"], table=changes.name_of_key[old["key"]],
    )  # fmt: skip


def _links(changes: Changes, old: Shape, entry: Shape, form: Form, new: Shape) -> None:
    before, after = link_table(old, entry), link_table_name(form.name, new["name"])
    if entry["type"] != new["type"] or not _same_target(changes, entry, new):
        _gone(changes, old, entry)
    elif before in changes.catalog.columns:
        changes.table_now[after] = before
        if before != after:
            changes.moved.add(before)
            text = message("The table {old} is now called {new}.", old=before, new=after)
            changes.add(RENAME, text, partial(steps.rename_table, old=before, new=after))


def _back(changes: Changes, entry: Shape, form: Form, field: Field) -> None:
    """Records made while it was away have the field's default, as new records would."""
    text = message("Field {field} of form {form} comes back with its values.", field=field.title, form=form.name)
    changes.add(FILL, text, _keep)
    if field.type in ("computed", "rollup"):
        changes.recompute.append((form.name, field.name))
    elif field.default is not None:
        table: Any = changes.tables.form[form.name]
        missing = (table.c.id > entry["up_to"], table.c[field.name].is_(None))
        content = field.parse(field.default, changes.reader)
        statement = sa.update(table).where(*missing).values({field.name: content})
        text = message("{column} of {table} is filled for all records.", column=field.name, table=form.name)
        changes.add(FILL, text, partial(_execute, statement=statement))


def _rename(changes: Changes, table: str, renames: Mapping[str, str]) -> None:
    for old, new in renames.items():
        changes.column_now[table, new] = old
    names = ", ".join(f"{old} → {new}" for old, new in renames.items())
    text = message("Fields of form {form} are renamed: {names}.", form=table, names=names)

    def do(conn: sa.Connection) -> None:
        steps.rename_all(dict(renames), partial(steps.rename_column, conn, table))

    changes.add(RENAME, text, do)


def _execute(conn: sa.Connection, statement: Any) -> None:
    conn.execute(statement)


def _keep(conn: sa.Connection) -> None:
    """It is said to people; there is nothing to do."""
