"""Options of one field that were renamed, are gone, or are there again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import message
from engine.fields.base import Field
from engine.language import Named
from engine.storage import asking, history, steps
from engine.storage.archive import OPTION, Kept
from engine.storage.decisions import Choice, MigrationQuestion
from engine.storage.shape import Shape, paired

if TYPE_CHECKING:
    from engine.storage.changes import Changes

VALUES = 6


def find_option_changes(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field) -> None:
    options: Mapping[str, Named] = getattr(field, "options", None) or {}
    if not entry["options"] or not options:
        return
    pairs = paired(entry["options"], options, lambda name: name, entry.get("was", {}))
    names = {entry["options"][old]: new for old, new in pairs if old and new and entry["options"][old] != new}
    if names:
        _rename(changes, old, entry, form, field, names)
    for identity, name in pairs:
        if identity is not None and name is None:
            _gone(changes, old, entry, form, field, identity)
    _back(changes, old, entry, form, field, [options[name].stable_id for key, name in pairs if key is None and name])


def _rename(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, names: Mapping[str, str]) -> None:
    rename = steps.replace_tags if entry["type"] == "Tags" else steps.replace_values
    target: Any = changes.tables.form[form.name]
    text = message("Options of {field} are renamed: {names}.", field=field.title, names=", ".join(names.values()))
    changes.add(VALUES, text, partial(rename, table=target, column=field.name, names=names))
    for kept in changes.archives.of_field(old["identity"], entry["identity"], OPTION):
        for column in (kept.name, str(kept.after)):
            if column in changes.catalog.columns[old["name"]]:
                table: Any = sa.table(form.name, sa.column(column, sa.Text()))
                changes.add(VALUES, text, partial(rename, table=table, column=column, names=names))


# --- gone ------------------------------------------------------------------------------------------------------------


def _gone(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, identity: str) -> None:
    option, tagged = entry["options"][identity], entry["type"] == "Tags"
    column = entry["name"]
    found = asking.group(
        changes.conn, old["name"], {column: sa.Text()}, lambda table: uses(table.c[column], option, tagged)
    )
    if not found.count:
        return
    question = _question(form, field, option, found)
    answer = changes.asking.ask(question)
    text = message(
        "Option {option} of field {field} of form {form} is gone; {count} records have it and keep it.",
        option=option, field=column, form=form.name, count=found.count,
    )  # fmt: skip
    if answer.choice not in ("replace", "clear"):
        changes.add(VALUES, text, _keep, explicit=True, question=question.id)
        return
    _write_over(changes, old, form, field, identity, option, answer.value if answer.choice == "replace" else "")


def uses(column: Any, option: str, tagged: bool) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = column.contains(f"|{option}|", autoescape=True) if tagged else column == option
    return found


def _question(form: Form, field: Field, option: str, found: asking.Group) -> MigrationQuestion:
    options: Any = getattr(field, "options", {})
    known = {name: one.label for name, one in options.items()}
    choices = (
        Choice("keep", message("They keep it; people see its name.")),
        Choice("replace", message("They get another option; the old one comes back with it."), "option", known, True),
        Choice("clear", message("It is taken from them; it comes back with the option."), loses=True),
    )
    text = message(
        "Option {option} of {field} of form {form} is gone; {count} records have it.",
        option=option, field=field.title, form=form.label, count=found.count,
    )  # fmt: skip
    id = f"option {form.name}.{field.name}.{option}"
    about = ("forms", form.name, "fields", field.name, "options")
    return MigrationQuestion(id, about, text, found.count, found.rows, choices, "keep")


def _write_over(changes: Changes, old: Shape, form: Form, field: Field, identity: str, option: str, other: str) -> None:
    """The values are kept beside, with what they became."""
    kept = changes.free_name(field.name, old["name"])
    after = changes.beside(kept, old["name"])
    changes.touched.add(form.name)
    said = {"option": option, "field": field.title, "form": form.name}
    text = message("Records that had option {option} of {field} of form {form} have none now.", **said)
    if other:
        text = message("Records that had option {option} of {field} of form {form} get {other}.", **said, other=other)
    do = partial(_replace, changes=changes, form=form, field=field, option=option, other=other, kept=kept, after=after)
    changes.add(VALUES, text, do, explicit=True, question=f"option {form.name}.{field.name}.{option}")
    shape = {"type": "Text", "after": "Text"}
    changes.archives.keep(
        OPTION, form.stable_id, kept, shape, field=field.stable_id, what=identity, after=after, table=form.name
    )


def _replace(
    conn: sa.Connection, changes: Changes, form: Form, field: Field, option: str, other: str, kept: str, after: str
) -> None:
    steps.add_texts(conn, form.name, kept, after)
    names = (field.name, kept, after)
    table = steps.lightweight(form.name, (("id", sa.BigInteger()), *((name, sa.Text()) for name in names)))
    tagged = type(field.column_type()).__name__ == "Tags"
    column: Any = table.c[field.name]
    where = uses(column, option, tagged)
    for value in conn.scalars(sa.select(column).where(where).distinct()).all():
        new = without(value, option, other) if tagged else other or None
        of_value = column == value
        history.of_values(conn, changes, form, field, table, of_value, value, new, tagged)
        conn.execute(sa.update(table).where(of_value).values({kept: column, after: new, field.name: new}))


def without(tags: str, option: str, other: str) -> str | None:
    """``|a|b|`` with another option in place of one, or without it; none stands there twice."""
    left = dict.fromkeys(other if tag == option else tag for tag in tags.strip("|").split("|"))
    return f"|{'|'.join(tag for tag in left if tag)}|" if any(left) else None


# --- there again -----------------------------------------------------------------------------------------------------


def _back(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, identities: Sequence[str]) -> None:
    """What was written over last comes back first."""
    find = partial(changes.archives.written_over, OPTION, old["identity"], entry["identity"], old["name"])
    for kept in sorted((kept for each in identities for kept in find(each)), key=lambda kept: -kept.id):
        changes.archives.bring_back(kept)
        changes.touched.add(form.name)
        text = message(
            "Records that had option {option} of {field} of form {form} have it again, unless they were changed since.",
            option=kept.what, field=field.title, form=form.name,
        )  # fmt: skip
        changes.add(VALUES, text, partial(_put_back, form=form, field=field, kept=kept))


def _put_back(conn: sa.Connection, form: Form, field: Field, kept: Kept) -> None:
    columns = {"now": field.name, "kept": kept.name, "after": str(kept.after)}
    steps.put_back(conn, form.name, field.name, **columns, up_to=kept.up_to, filled=True)


def _keep(conn: sa.Connection) -> None:
    """The value stays in the records; people see its name."""
