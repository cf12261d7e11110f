"""What the database refused, said in the words of the form."""

from __future__ import annotations

import re

from sqlalchemy.exc import IntegrityError

from engine.definition import Form
from engine.errors import AppmillError, Invalid, Problem, Refused, message
from engine.language import Label
from engine.storage.tables import Tables

_SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (.+)")


def explain(error: IntegrityError, form: Form, tables: Tables) -> AppmillError | None:
    """The refusal people read for a violated constraint of the form's table; None for any other defect."""
    taken = _taken_columns(error, form, tables)
    if taken:
        return _taken(form, taken)
    if "FOREIGN KEY" in str(error.orig).upper():
        return Refused(message("Something this record refers to was removed meanwhile; load it again."))
    return None


def _taken(form: Form, names: list[str]) -> Invalid:
    fields = [form.fields[name] for name in names if name in form.fields]
    titles = tuple(field.title for field in fields) or (Label({"": ", ".join(names)}),)
    if len(titles) == 1:
        reason = message("{label}: another record has this value already.", label=titles[0])
    else:
        reason = message("{labels}: another record has the same values already.", labels=titles)
    return Invalid(reason, [Problem(name, reason) for name in names])


def _taken_columns(error: IntegrityError, form: Form, tables: Tables) -> list[str]:
    found = _SQLITE_COLUMNS.search(str(error.orig))
    if found:
        parts = [part.strip().rpartition(".") for part in found.group(1).split(",")]
        return [column for table, _dot, column in parts if table == form.name]
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    indexes = (index for index in tables.form[form.name].indexes if index.unique and index.name == name)
    return [column.name for index in indexes for column in index.columns]
