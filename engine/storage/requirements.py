"""What is asked about records that lack what a definition wants of them, and about data it does not name any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.definition import Form, State
from engine.errors import message
from engine.fields.base import Field
from engine.storage import asking, history, steps
from engine.storage.decisions import Choice, MigrationQuestion
from engine.storage.shape import Shape, field_shape, read_type
from engine.storage.tables import link_table_name, stands_apart
from engine.yamlfile import Path

if TYPE_CHECKING:
    from engine.storage.changes import Changes

INDEX, VALUES = 5, 6
ARCHIVE = "archive"
NOT_TYPED = ("link", "user", "files", "lines", "links", "users")  # kinds nobody gives all records the same value of
FROM_NOW_ON = Choice("from_now_on", message("Only new records must; those that are there stay as they are."))


def find(changes: Changes, old: Shape, form: Form) -> None:
    """After the fields and states of the form were gone through."""
    for field in form.fields.values():
        _required(changes, old, form, field)
    for state in form.workflow.states.values() if form.workflow else ():
        _deliverables(changes, old, form, state)


# --- required fields -------------------------------------------------------------------------------------------------


def _required(changes: Changes, old: Shape, form: Form, field: Field) -> None:
    entry = old["fields"].get(field.stable_id) or _by_column(changes, old, form, field)
    before = bool(entry.get("required", True)) if entry else False
    required = bool(field_shape(field)["required"])
    if before and not required:
        changes.notes.end(form.stable_id, field.stable_id)
    if required and not before and not (entry is None and field.default is not None):
        lacking = _lacking(changes, old, form, field)
        if lacking.count:
            _ask_required(changes, form, field, lacking)


def _by_column(changes: Changes, old: Shape, form: Form, field: Field) -> Shape | None:
    """The old entry of a field that was renamed by hand."""
    name = changes.column_now.get((form.name, field.name))
    return next((entry for entry in old["fields"].values() if entry["name"] == name), None)


def _lacking(changes: Changes, old: Shape, form: Form, field: Field, *only: str) -> asking.Group:
    """Records outside the bin without a value; ``only``: in one of these states."""
    here, columns = old["name"], {"deleted_at": sa.Text(), **({"state": sa.Text()} if only else {})}
    column, kind = _column_now(changes, old, form, field)
    columns |= {column: kind} if column else {}

    def condition(table: sa.FromClause) -> sa.ColumnElement[bool]:
        wanted = [table.c["state"].in_(only)] if only else []
        empty = table.c[column].is_(None) if column else _without_rows(changes, form, field, table)
        return sa.and_(table.c["deleted_at"].is_(None), empty, *wanted)

    return asking.group(changes.conn, here, columns, condition)


def _column_now(changes: Changes, old: Shape, form: Form, field: Field) -> tuple[str, Any]:
    place = (form.name, field.name)
    column = changes.column_now.get(place, "")
    if column in changes.catalog.columns[old["name"]] and (place not in changes.replaced or place in changes.converted):
        return column, sa.Text()
    return "", None


def _without_rows(changes: Changes, form: Form, field: Field, table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Links and lines stand in a table of their own; a field that is new is empty everywhere."""
    found = None
    if stands_apart(field):
        name = changes.table_now.get(link_table_name(form.name, field.name))
        found = steps.lightweight(name, (("record_id", sa.BigInteger()),)).c.record_id if name else None
    elif field.kind == "lines":
        name = changes.table_now.get(str(getattr(field, "form", "")), str(getattr(field, "form", "")))
        present = "_parent" in changes.catalog.columns.get(name, ())
        found = steps.lightweight(name, (("_parent", sa.BigInteger()),)).c["_parent"] if present else None
    return sa.true() if found is None else table.c["id"].not_in(sa.select(found))


def _ask_required(changes: Changes, form: Form, field: Field, lacking: asking.Group) -> None:
    fills = field.kind not in NOT_TYPED and not field.unique and field.column_type() is not None
    choices = (
        *([Choice("fill", message("All of them get the same value."), takes="value")] if fills else []),
        Choice("ask", message("Whoever saves such a record next must fill it.")),
        FROM_NOW_ON,
    )
    text = message(
        "{field} of form {form} must be filled from now on; {count} records have no value.",
        field=field.title, form=form.label, count=lacking.count,
    )  # fmt: skip
    id = f"required {form.name}.{field.name}"
    about = ("forms", form.name, "fields", field.name, "required")
    question = MigrationQuestion(id, about, text, lacking.count, lacking.rows, choices)
    answer = changes.asking.ask(question, lambda typed: field.parse(typed, changes.reader))
    if answer.choice == "from_now_on":
        changes.notes.waive(form.stable_id, field.stable_id, form.name)
    elif answer.choice == "fill":
        _fill(changes, form, field, answer.value, lacking.count)


def _fill(changes: Changes, form: Form, field: Field, value: Any, count: int) -> None:
    text = message(
        "{count} records of form {form} get {value} as {field}; they keep it when the definition goes back.",
        count=count, form=form.name, value=field.format(value, changes.reader), field=field.title,
    )  # fmt: skip
    changes.touched.add(form.name)
    changes.add(VALUES, text, partial(_write, changes=changes, form=form, field=field, value=value))


def _write(conn: sa.Connection, changes: Changes, form: Form, field: Field, value: Any) -> None:
    table = changes.tables.form[form.name]
    empty = table.c[field.name].is_(None)
    history.of_values(conn, changes, form, field, table, empty, None, field.dump(value))
    conn.execute(sa.update(table).where(empty).values({field.name: value}))


# --- deliverables ----------------------------------------------------------------------------------------------------


def _deliverables(changes: Changes, old: Shape, form: Form, state: State) -> None:
    if "leave_with" not in old or "state" not in changes.catalog.columns[old["name"]]:
        return
    before = set(old["leave_with"].get(state.stable_id, ()))
    now = {form.fields[name].stable_id: form.fields[name] for name in state.leave_with}
    for identity in sorted(before - now.keys()):
        changes.notes.end(form.stable_id, identity, state.stable_id)
    known = state.stable_id in old["states"]
    for field in [field for identity, field in now.items() if identity not in before and known]:
        _ask_deliverable(changes, old, form, state, field)


def _ask_deliverable(changes: Changes, old: Shape, form: Form, state: State, field: Field) -> None:
    lacking = _lacking(changes, old, form, field, *_unfinished(old, form))
    if not lacking.count:
        return
    choices = (Choice("ask", message("They need it as well before they go on.")), FROM_NOW_ON)
    text = message(
        "{field} must be there before the state {state} of form {form} is left; {count} unfinished records lack it.",
        field=field.title, state=state.label, form=form.label, count=lacking.count,
    )  # fmt: skip
    about = ("forms", form.name, "workflow", "states", state.name, "leave_with")
    id = f"deliverable {form.name}.{state.name}.{field.name}"
    question = MigrationQuestion(id, about, text, lacking.count, lacking.rows, choices, "ask")
    if changes.asking.ask(question).choice == "from_now_on":
        changes.notes.waive(form.stable_id, field.stable_id, form.name, state.stable_id)


def _unfinished(old: Shape, form: Form) -> Sequence[str]:
    """The states that are not final, as they are called in the table."""
    states = form.workflow.states.values() if form.workflow else ()
    final = {state.stable_id for state in states if state.final}
    return [name for identity, name in old["states"].items() if identity not in final] or [""]


# --- what is named no more -------------------------------------------------------------------------------------------


def form_gone(changes: Changes, old: Shape) -> str:
    """Asks whether its records may be put aside; answers the id of the question."""
    found = asking.group(changes.conn, old["name"], {}, lambda table: table.c["id"].is_not(None))
    text = message("Form {form} is gone; {count} records are in it.", form=old["name"], count=found.count)
    return _put_aside(changes, f"form {old['name']}", text, found)


def field_gone(changes: Changes, old: Shape, entry: Shape) -> str:
    column = entry["name"]
    found = asking.group(
        changes.conn, old["name"], {column: read_type(entry["type"])}, lambda table: table.c[column].is_not(None),
        shown=column, concealed=bool(entry.get("sensitive")),
    )  # fmt: skip
    text = message(
        "Field {field} of form {form} is gone; {count} records have a value in it.",
        field=column, form=old["name"], count=found.count,
    )  # fmt: skip
    return _put_aside(changes, f"field {old['name']}.{column}", text, found)


def links_gone(changes: Changes, old: Shape, entry: Shape, table: str) -> str:
    links = steps.lightweight(table, (("record_id", sa.BigInteger()),))
    having = sa.select(links.c.record_id)
    found = asking.group(changes.conn, old["name"], {}, lambda source: source.c["id"].in_(having))
    text = message(
        "Field {field} of form {form} is gone; {count} records have a value in it.",
        field=entry["name"], form=old["name"], count=found.count,
    )  # fmt: skip
    return _put_aside(changes, f"field {old['name']}.{entry['name']}", text, found)


def _put_aside(changes: Changes, id: str, text: Any, found: asking.Group) -> str:
    choice = Choice(ARCHIVE, message("It is put into the archive and comes back when it is defined again."), loses=True)
    changes.asking.ask(MigrationQuestion(id, (), text, found.count, found.rows, (choice,)))
    return id


# --- unique ----------------------------------------------------------------------------------------------------------


def unique(changes: Changes, table: sa.Table, here: str, index: sa.Index, names: Iterable[str]) -> None:
    """Values that occur several times: nothing can be chosen, the records must be changed first."""
    columns = list(names)
    now = steps.lightweight(here, ((name, sa.Text()) for name in dict.fromkeys((*columns, "deleted_at"))))
    same = sa.select(sa.literal(1)).where(now.c.deleted_at.is_(None), *(now.c[name].is_not(None) for name in columns))
    several = same.group_by(*(now.c[name] for name in columns)).having(sa.func.count() > 1).subquery()
    count = changes.conn.execute(sa.select(sa.func.count()).select_from(several)).scalar_one()
    if not count:
        return
    fields = ", ".join(column.name for column in index.columns)
    text = message(
        "{fields} of form {form} must be unique, but {count} values occur several times; change those records first.",
        fields=fields, form=table.name, count=count,
    )  # fmt: skip
    changes.add(INDEX, text, _nothing, impossible=True)
    form = changes.definition.forms[table.name]
    found = _shared(changes, here, columns, form)
    id = f"unique {form.name}.{'+'.join(column.name for column in index.columns)}"
    about: Path = ("forms", form.name, "unique")
    if len(columns) == 1:
        about = ("forms", form.name, "fields", fields, "unique")
    changes.asking.ask(MigrationQuestion(id, about, text, found.count, found.rows, ()))


def _shared(changes: Changes, here: str, names: list[str], form: Form) -> asking.Group:
    """The records whose values others have as well."""
    field = form.fields.get(names[0])
    kind = field.column_type() if field and field.column_type() is not None else sa.Text()
    inner = steps.lightweight(here, ((name, sa.Text()) for name in (*names, "deleted_at"))).alias("other")
    alive = [inner.c[name].is_not(None) for name in names]
    repeated = sa.select(*(inner.c[name] for name in names)).where(inner.c.deleted_at.is_(None), *alive)
    repeated = repeated.group_by(*(inner.c[name] for name in names)).having(sa.func.count() > 1)

    def condition(table: sa.FromClause) -> sa.ColumnElement[bool]:
        own: Any = sa.tuple_(*(table.c[name] for name in names)) if len(names) > 1 else table.c[names[0]]
        return sa.and_(table.c["deleted_at"].is_(None), own.in_(repeated))

    columns = {**dict.fromkeys(names, sa.Text()), "deleted_at": sa.Text(), names[0]: kind}
    concealed = bool(field and field.sensitive)
    return asking.group(changes.conn, here, columns, condition, shown=names[0], concealed=concealed)


def _nothing(conn: sa.Connection) -> None:
    """It cannot be done."""
