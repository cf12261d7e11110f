"""A field that gets another type: every value is tried first; the old ones are kept and come back with the old type."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import message
from engine.fields.base import Field
from engine.storage import asking, convert, steps
from engine.storage.archive import CAST, Kept
from engine.storage.asking import Answer
from engine.storage.catalog import quoted
from engine.storage.decisions import Choice, MigrationQuestion
from engine.storage.shape import Shape, write_type

if TYPE_CHECKING:
    from engine.storage.changes import Changes

MOVE_AWAY, FILL, VALUES = 1, 4, 6


def comes_back(changes: Changes, old: Shape, entry: Shape, field: Field) -> bool:
    """Whether a field from the archive is the one the definition names: of the same type, or of one that it was
    converted from."""
    kind = field.column_type()
    if entry["type"] in (None, "links") or kind is None:
        return kind is None and entry["type"] == "links"
    new = write_type(kind)
    same = convert.is_widening(entry["type"], new) or convert.is_widening(new, entry["type"])
    return same or _original(changes, old, entry, new) is not None


def find_type_change(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, new: str) -> bool:
    """Whether the column can stay; a conversion that changes values is explicit."""
    if entry["type"] == new:
        return True
    original = _original(changes, old, entry, new)
    if convert.is_widening(entry["type"], new):
        _alter(changes, form, field)
        if original is not None:
            _as_they_were(changes, form, field, changes.archives.bring_back(original), field.name)
        return True
    _cast(changes, old, entry, form, field, original)
    return False


def _original(changes: Changes, old: Shape, entry: Shape, new: str) -> Kept | None:
    """The values as they were before this column was converted from the type that is wanted again; rather of that very
    type than of a narrower one, which they may have passed through on the way."""
    found = [
        kept for kept in changes.archives.written_over(CAST, old["identity"], entry["identity"], old["name"])
        if kept.shape["after"] == entry["type"] or convert.is_widening(kept.shape["after"], entry["type"])
    ]  # fmt: skip
    exact = (kept for kept in found if kept.shape["type"] == new)
    wider = (kept for kept in found if convert.is_widening(kept.shape["type"], new))
    return next(exact, None) or next(wider, None)


def _cast(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, original: Kept | None) -> None:
    table = old["name"]
    trial = convert.attempt(changes.conn, table, entry["name"], entry["type"], field, changes.reader, original)
    kept = changes.free_name(entry["name"], table)
    after = changes.beside(kept, table)
    answer, question = _asked(changes, old, entry, form, field, trial)
    changes.add(
        MOVE_AWAY,
        message(
            "Field {field} of form {form} gets another type: {failing} of {filled} values do not fit and will be empty;"
            " the old values are kept in the column {kept}.",
            field=field.name, form=form.name, failing=trial.failing, filled=trial.filled, kept=kept,
        ),
        partial(steps.rename_column, table=table, old=entry["name"], new=kept),
        explicit=trial.filled > 0, question=question,
    )  # fmt: skip
    place = (form.name, field.name)
    changes.replaced.add(place)
    changes.converted.add(place)
    changes.touched.add(form.name)
    otherwise = answer.value if answer.choice == "fill" else None
    fill = partial(
        convert.rewrite, table=form.name, source=kept, old=entry["type"], field=field, reader=changes.reader,
        otherwise=otherwise,
    )  # fmt: skip
    changes.add(FILL, message("{field} is converted.", field=field.title), fill)
    if original is not None:
        _as_they_were(changes, form, field, changes.archives.bring_back(original), kept)
    _remember(changes, old, entry, form, field, kept, after)


def _remember(changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, kept: str, after: str) -> None:
    """``after`` holds what the values became, so that a way back sees which were changed since."""
    copy = partial(_copy, table=form.name, source=field.name, target=after, kind=field.column_type())
    changes.add(FILL, message("{field}: the old values can come back.", field=field.title), copy)
    kind: Any = field.column_type()
    shape = {"type": entry["type"], "after": write_type(kind)}
    changes.archives.keep(
        CAST, changes.identity_now(old), kept, shape, field=field.stable_id, after=after, table=form.name
    )


def _copy(conn: sa.Connection, table: str, source: str, target: str, kind: Any) -> None:
    ddl = kind.compile(dialect=conn.dialect)
    conn.exec_driver_sql(f"ALTER TABLE {quoted(conn, table)} ADD COLUMN {quoted(conn, target)} {ddl}")
    both = steps.lightweight(table, ((source, None), (target, None)))
    conn.execute(sa.update(both).values({target: both.c[source]}))


def _as_they_were(changes: Changes, form: Form, field: Field, kept: Kept, now: str) -> None:
    """Records whose value was not changed since get back the one they had; ``now`` is the column to compare."""
    changes.touched.add(form.name)
    text = message(
        "{field} of form {form} has its old values again where they were not changed since; others are converted.",
        field=field.title, form=form.name,
    )  # fmt: skip
    changes.add(FILL, text, partial(steps.put_back, table=form.name, column=field.name, now=now, kept=kept.name,
                                    after=str(kept.after), up_to=kept.up_to))  # fmt: skip


def _alter(changes: Changes, form: Form, field: Field) -> None:
    if changes.conn.dialect.name != "postgresql":
        return  # SQLite keeps any length in any text column
    ddl = field.column_type()
    assert ddl is not None
    kind = ddl.compile(dialect=changes.conn.dialect)

    def do(conn: sa.Connection) -> None:
        table, column = quoted(conn, form.name), quoted(conn, field.name)
        conn.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")

    changes.add(FILL, message("{field} takes longer values.", field=field.title), do)


def _asked(
    changes: Changes, old: Shape, entry: Shape, form: Form, field: Field, trial: convert.Trial
) -> tuple[Answer, str]:
    if not trial.failing:
        return Answer(), ""
    id = f"type {form.name}.{field.name}"
    concealed = field.sensitive or entry.get("sensitive", False)
    rows = asking.named(changes.conn, old["name"], trial.first, concealed)
    choices = [Choice("empty", message("They become empty; the old values are kept and come back with the old type."),
                      loses=True)]  # fmt: skip
    if field.kind not in ("link", "user", "files") and not field.unique:
        choices.append(Choice("fill", message("They all get the same new value."), takes="value", loses=True))
    text = message(
        "{field} of form {form} gets another type; {count} of {filled} values do not fit.",
        field=field.title, form=form.label, count=trial.failing, filled=trial.filled,
    )  # fmt: skip
    question = MigrationQuestion(id, _path(form, field), text, trial.failing, rows, tuple(choices))
    return changes.asking.ask(question, lambda typed: field.parse(typed, changes.reader)), id


def _path(form: Form, field: Field) -> tuple[str, ...]:
    return ("forms", form.name, "fields", field.name, "type")
