"""Whether what stands somewhere is of the right sort: a date in a calendar, figures in a total, rows of one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.checks.names import linked_form
from engine.checks.review import Review
from engine.definition import Form
from engine.errors import Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.fields.base import Field
from engine.language import SYSTEM_FIELDS
from engine.views import CalendarView, GanttView, KanbanView, ListView, TowerView, TreeView, View
from engine.yamlfile import Path

_DAYS = ("date", "datetime")
_FIGURES = ("number", "duration")
_SYSTEM_DAYS = ("state_since", "state_due", "forecast_at", "created_at", "updated_at")


def check_shapes(review: Review) -> None:
    for form in review.forms:
        for view in form.views.values():
            for cls, look in _VIEWS.items():
                if isinstance(view, cls):
                    look(review, form, view, ("forms", form.name, "views", view.name))
        _title(review, form)
        _lines(review, form)
        _links(review, form)
        _unique(review, form)
    _parents(review)


# --- views


def _list(review: Review, form: Form, view: Any, path: Path) -> None:
    for index, name in enumerate(view.totals):
        expect(review, (*path, "totals", index), form, name, is_figure, message("a number"))


def _kanban(review: Review, form: Form, view: Any, path: Path) -> None:
    expect(review, (*path, "group"), form, view.group, _makes_columns, message("the state or a choice field"))


def _calendar(review: Review, form: Form, view: Any, path: Path) -> None:
    expect(review, (*path, "date"), form, view.date, is_day, message("a date"))


def _gantt(review: Review, form: Form, view: Any, path: Path) -> None:
    expect(review, (*path, "start"), form, view.start, is_day, message("a date"))
    expect(review, (*path, "end"), form, view.end, is_day, message("a date"))


def _tree(review: Review, form: Form, view: Any, path: Path) -> None:
    field = form.fields.get(view.parent)
    if field is not None and (field.kind != "link" or getattr(field, "form", None) != form.name):
        said = message("Expected a link to '{form}' itself; '{field}' is none.", form=form.name, field=view.parent)
        review.error((*path, "parent"), said)


def _tower(review: Review, form: Form, view: Any, path: Path) -> None:
    if form.workflow is None and not review.is_lost("workflow"):
        review.error((*path, "type"), message("A control tower shows steps; '{form}' has no workflow.", form=form.name))
    for index, name in enumerate(view.groups):
        expect(review, (*path, "groups", index), form, name, makes_groups, message("a choice, a link or a person"))


def is_stored_day(name: str, field: Field | None) -> bool:
    return is_day(name, field) and (field is None or field.column_type() is not None)


_VIEWS: Mapping[type[View], Callable[[Review, Form, Any, Path], None]] = {
    ListView: _list,
    KanbanView: _kanban,
    CalendarView: _calendar,
    GanttView: _gantt,
    TreeView: _tree,
    TowerView: _tower,
}


def expect(
    review: Review, path: Path, form: Form, name: str, fits: Callable[[str, Field | None], bool], what: Message
) -> None:
    field = form.fields.get(name)
    if (field is not None or name in SYSTEM_FIELDS) and not fits(name, field) and not review.is_lost(name):
        sort = field.type if field is not None else name
        said = message("Expected {what}; '{field}' is of type {type}.", what=what, field=name, type=sort)
        review.error(path, said)


def is_day(name: str, field: Field | None) -> bool:
    return name in _SYSTEM_DAYS if field is None else field.kind in _DAYS


def is_figure(name: str, field: Field | None) -> bool:
    return field is not None and field.kind in _FIGURES and field.column_type() is not None


def _makes_columns(name: str, field: Field | None) -> bool:
    return name == "state" if field is None else field.type == "choice"


def makes_groups(name: str, field: Field | None) -> bool:
    if field is None:
        return name in ("state", "owner", "owner_role", "created_by", "updated_by")
    return field.column_type() is not None and (field.type in ("choice", "role") or field.kind in _GROUPS)


_GROUPS = ("link", "user", "boolean")


# --- forms


def _title(review: Review, form: Form) -> None:
    """The title is kept in the record's row, so it may read only what is in that row."""
    try:
        paths = compile_expression(form.title or "''", review.registry).paths
    except ExpressionRefused:
        return  # reported with all expressions
    for path in paths:
        field = form.fields.get(path[1]) if len(path) > 1 and path[0] == "record" else None
        if field is None:
            continue
        if field.column_type() is None or (len(path) > 2 and field.kind in ("link", "links", "lines", "user")):
            said = message(
                "A title is made of the record's own stored fields; '{path}' is not one.", path=".".join(path)
            )
            review.error(("forms", form.name, "title"), said)


def _lines(review: Review, form: Form) -> None:
    for field in form.fields.values():
        if field.kind != "lines":
            continue
        lines = linked_form(review, field)
        path = ("forms", form.name, "fields", field.name, "form")
        if lines is form:
            review.error(path, message("A form cannot be its own lines."))
        elif lines is not None and lines.workflow:
            said = message(
                "'{form}' has a workflow, so its records cannot be lines; link to them instead.", form=lines.name
            )
            review.error(path, said)
        elif lines is not None and any(inner.kind == "lines" for inner in lines.fields.values()):
            said = message("'{form}' has lines of its own; lines cannot be nested.", form=lines.name)
            review.error(path, said)


def _links(review: Review, form: Form) -> None:
    for field in form.fields.values():
        path = ("forms", form.name, "fields", field.name)
        via = form.fields.get(getattr(field, "via", None) or "")
        if field.type == "lookup" and via is not None and via.kind != "link":
            review.error((*path, "via"), message("'{field}' is no link to another record.", field=via.name))
        if field.type == "rollup":
            _rollup(review, form, field, path)


def _rollup(review: Review, form: Form, field: Any, path: Path) -> None:
    source = review.form(field.source_form)
    via = source.fields.get(field.via) if source is not None else None
    if source is None or field.over_lines(form):
        return
    if via is not None and (via.kind not in ("link", "links") or getattr(via, "form", None) != form.name):
        said = message(
            "'{field}' of '{source}' is no link to '{form}'.", field=field.via, source=source.name, form=form.name
        )
        review.error((*path, "via"), said)
    rolled = source.fields.get(field.source_field or "")
    if rolled is not None and rolled.column_type() is None:
        said = message("'{field}' has no stored value to roll up.", field=f"{source.name}.{rolled.name}")
        review.error((*path, "of"), said)


def _unique(review: Review, form: Form) -> None:
    for index, names in enumerate(form.unique):
        for place, name in enumerate(names):
            field = form.fields.get(name)
            if field is not None and field.column_type() is None:
                said = message("'{field}' has no stored value of its own, so it cannot be unique.", field=name)
                review.error(("forms", form.name, "unique", index, place), said)


def _parents(review: Review) -> None:
    users: dict[str, list[tuple[str, str]]] = {}
    for form, field in _line_fields(review):
        users.setdefault(getattr(field, "form", ""), []).append((form.name, field.name))
    for name, places in users.items():
        for form_name, field_name in places[1:]:
            said = message(
                "'{form}' already holds the lines of '{first}'; each lines field needs a form of its own.",
                form=name,
                first=".".join(places[0]),
            )
            review.error(("forms", form_name, "fields", field_name, "form"), said)
    for form in review.forms:
        for role, grant in form.permissions.items() if form.parent_form else ():
            _line_grant(review, form, role, grant)


def _line_grant(review: Review, form: Form, role: str, grant: Any) -> None:
    for verb, attribute in _VERBS.items():
        if getattr(grant, attribute).constant is not False or getattr(grant, attribute).expression is not None:
            said = message(
                "Lines follow the permissions of '{form}'; only 'fields' counts here.", form=form.parent_form
            )
            review.warning(("forms", form.name, "permissions", role, verb), said, at_key=True)


_VERBS = {verb: verb for verb in ("create", "read", "update", "delete", "export")} | {"import": "imports"}


def _line_fields(review: Review) -> Iterator[tuple[Form, Field]]:
    return ((form, field) for form in review.forms for field in form.fields.values() if field.kind == "lines")
