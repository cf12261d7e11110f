"""What differs in the fields of one form that was there before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import message
from engine.fields.base import Field
from engine.language import Named
from engine.storage import convert, steps
from engine.storage.shape import Shape, field_shape, paired
from engine.storage.tables import link_table_name

if TYPE_CHECKING:
    from engine.storage.changes import Changes

MOVE_AWAY, RENAME, FILL, VALUES = 1, 2, 4, 6


def find_field_changes(changes: Changes, old: Shape, form: Form) -> None:
    pairs = paired(old["fields"], form.fields, lambda entry: entry["name"])
    renames: dict[str, str] = {}
    for identity, name in pairs:
        if identity is None:
            continue
        entry = old["fields"][identity]
        if name is None:
            _gone(changes, old["name"], entry)
        elif _same_column(changes, old["name"], entry, form, form.fields[name]) and entry["name"] != name:
            renames[entry["name"]] = name
    if renames:
        _rename(changes, form.name, renames)


def _same_column(changes: Changes, table: str, entry: Shape, form: Form, field: Field) -> bool:
    """Whether the field keeps its column; otherwise what is needed instead is added to the changes."""
    new = field_shape(field)
    if entry["type"] == "links" or new["type"] == "links":
        _links(changes, table, entry, form, new)
        return False
    if entry["type"] is None or new["type"] is None or entry["name"] not in changes.catalog.columns[table]:
        if new["type"] is None:
            _gone(changes, table, entry)
        return False
    changes.column_now[form.name, field.name] = entry["name"]
    if (entry["kind"] in ("link", "user") or new["kind"] in ("link", "user")) and not _same_target(changes, entry, new):
        _gone(changes, table, entry)
        changes.replaced.add((form.name, field.name))
        return False
    if not _type(changes, table, entry, form, field, new["type"]):
        return False
    _options(changes, table, entry, form, field)
    if new["value"] != entry["value"] and new["value"] is not None:
        text = message("{field} of form {form} is worked out anew.", field=field.title, form=form.name)
        changes.add(FILL, text, _keep)
        changes.recompute.append((form.name, field.name))
    return True


def _same_target(changes: Changes, entry: Shape, new: Shape) -> bool:
    target = entry["target"] if entry["target"] == "_user" else changes.present_name(entry["target"])
    same: bool = entry["kind"] == new["kind"] and target == new["target"]
    return same


def _gone(changes: Changes, table: str, entry: Shape) -> None:
    if entry["type"] == "links":
        changes.move_away(link_table_name(table, entry["name"]))
        return
    if entry["type"] is None or entry["name"] not in changes.catalog.columns[table]:
        return
    count, kept = changes.count(table, entry["name"]), changes.free_name(entry["name"], table)
    text = message(
        "Field {field} of form {form} is gone; {count} records have a value in it, kept in the column {kept}.",
        field=entry["name"], form=table, count=count, kept=kept,
    )  # fmt: skip
    do = partial(steps.rename_column, table=table, old=entry["name"], new=kept)
    changes.add(MOVE_AWAY, text, do, explicit=count > 0)


def _links(changes: Changes, table: str, entry: Shape, form: Form, new: Shape) -> None:
    before, after = link_table_name(table, entry["name"]), link_table_name(form.name, new["name"])
    if entry["type"] != new["type"] or not _same_target(changes, entry, new):
        _gone(changes, table, entry)
    elif before in changes.catalog.columns:
        changes.table_now[after] = before
        if before != after:
            changes.moved.add(before)
            text = message("The table {old} is now called {new}.", old=before, new=after)
            changes.add(RENAME, text, partial(steps.rename_table, old=before, new=after))


def _rename(changes: Changes, table: str, renames: Mapping[str, str]) -> None:
    for old, new in renames.items():
        changes.column_now[table, new] = old
    names = ", ".join(f"{old} → {new}" for old, new in renames.items())
    text = message("Fields of form {form} are renamed: {names}.", form=table, names=names)

    def do(conn: sa.Connection) -> None:
        steps.rename_all(dict(renames), partial(steps.rename_column, conn, table))

    changes.add(RENAME, text, do)


# --- another type ----------------------------------------------------------------------------------------------------


def _type(changes: Changes, table: str, entry: Shape, form: Form, field: Field, new: str) -> bool:
    """Whether the column can stay; a conversion that changes values is explicit."""
    old = entry["type"]
    if old == new:
        return True
    if convert.is_widening(old, new):
        _alter(changes, form, field)
        return True
    trial = convert.attempt(changes.conn, table, entry["name"], old, field, changes.reader)
    kept = changes.free_name(entry["name"], table)
    text = message(
        "Field {field} of form {form} gets another type: {failing} of {filled} values do not fit and will be empty; the"
        " old values are kept in the column {kept}.",
        field=field.name, form=form.name, failing=trial.failing, filled=trial.filled, kept=kept,
    )  # fmt: skip
    move = partial(steps.rename_column, table=table, old=entry["name"], new=kept)
    changes.add(MOVE_AWAY, text, move, explicit=trial.filled > 0)
    place = (form.name, field.name)
    changes.replaced.add(place)
    changes.converted.add(place)
    fill = partial(convert.rewrite, table=form.name, source=kept, old=old, field=field, reader=changes.reader)
    changes.add(FILL, message("{field} is converted.", field=field.title), fill)
    return False


def _alter(changes: Changes, form: Form, field: Field) -> None:
    if changes.conn.dialect.name != "postgresql":
        return  # SQLite keeps any length in any text column
    ddl = field.column_type()
    assert ddl is not None
    kind = ddl.compile(dialect=changes.conn.dialect)

    def do(conn: sa.Connection) -> None:
        table, column = steps.quoted(conn, form.name), steps.quoted(conn, field.name)
        conn.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")

    changes.add(FILL, message("{field} takes longer values.", field=field.title), do)


# --- options ---------------------------------------------------------------------------------------------------------


def _options(changes: Changes, table: str, entry: Shape, form: Form, field: Field) -> None:
    options: Mapping[str, Named] = getattr(field, "options", None) or {}
    if not entry["options"] or not options:
        return
    pairs = paired(entry["options"], options, lambda name: name)
    names = {entry["options"][old]: new for old, new in pairs if old and new and entry["options"][old] != new}
    if names:
        rename = steps.replace_tags if entry["type"] == "Tags" else steps.replace_values
        target: Any = changes.tables.form[form.name]
        text = message("Options of {field} are renamed: {names}.", field=field.title, names=", ".join(names.values()))
        changes.add(VALUES, text, partial(rename, table=target, column=field.name, names=names))
    for old, new in pairs:
        if old is not None and new is None:
            _option_gone(changes, table, entry, form, entry["options"][old])


def _option_gone(changes: Changes, table: str, entry: Shape, form: Form, option: str) -> None:
    now = steps.lightweight(table, ((entry["name"], sa.Text()),))
    column = now.c[entry["name"]]
    tagged = entry["type"] == "Tags"
    uses = column.contains(f"|{option}|", autoescape=True) if tagged else column == option
    count = changes.conn.execute(sa.select(sa.func.count()).select_from(now).where(uses)).scalar_one()
    if count:
        text = message(
            "Option {option} of field {field} of form {form} is gone; {count} records have it and keep it.",
            option=option, field=entry["name"], form=form.name, count=count,
        )  # fmt: skip
        changes.add(VALUES, text, _keep, explicit=True)


def _keep(conn: sa.Connection) -> None:
    """The value stays in the records; people see its name."""
