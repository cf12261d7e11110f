"""What a definition leaves unsaid, filled in once, so that nobody asks later whether it was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from engine.definition import AppDefinition, Form, MenuGroup, Section
from engine.fields import resolve
from engine.fields.base import Field
from engine.language import EntryName, Expression, FieldName
from engine.views import ListView, View

COLUMNS = 6
_NO_COLUMN = ("lines", "files", "json", "links")
_NAMING = ("text", "series", "barcode", "email", "phone")


def complete(definition: AppDefinition, hash_: str) -> AppDefinition:
    """Every form gets a list view, a section, a title and its parent; the application a menu and its hash."""
    parents = dict(_parents(definition))
    forms = {name: _complete_form(form, parents.get(name, (None, None))) for name, form in definition.forms.items()}
    definition = resolve(replace(definition, forms=MappingProxyType(forms), hash=hash_))
    return definition if definition.menu else replace(definition, menu=_menu(definition))


def _parents(definition: AppDefinition) -> Iterator[tuple[str, tuple[str, str]]]:
    for form in definition.forms.values():
        for field in form.fields.values():
            lines = getattr(field, "form", None)
            if field.kind == "lines" and lines is not None:
                yield lines, (form.name, field.name)


def _complete_form(form: Form, parent: tuple[str | None, str | None]) -> Form:
    return replace(
        form,
        title=form.title or _title(form),
        sections=form.sections or (Section(fields=tuple(FieldName(name) for name in form.fields)),),
        views=_views(form),
        parent_form=parent[0],
        parent_field=parent[1],
    )


def _title(form: Form) -> Expression:
    """The first text or series names a record; else the first field with a column; a form of lines only its name."""
    named = next((field for field in form.fields.values() if field.type in _NAMING), None)
    named = named or next((field for field in form.fields.values() if _is_own(field)), None)
    return Expression(f"record.{named.name}" if named else repr(form.name))


def _is_own(field: Field) -> bool:
    return field.writable and field.kind not in _NO_COLUMN


def _views(form: Form) -> Mapping[str, View]:
    if any(isinstance(view, ListView) for view in form.views.values()):
        return form.views
    name = "all" if "all" not in form.views else "list"
    return MappingProxyType({**form.views, name: ListView(name=name, columns=_columns(form))})


def _columns(form: Form) -> tuple[FieldName, ...]:
    shown = [FieldName(field.name) for field in form.fields.values() if field.kind not in _NO_COLUMN][:COLUMNS]
    if form.workflow:
        shown.append(FieldName("state"))
    return tuple(shown) or (FieldName("created_at"),)


def _menu(definition: AppDefinition) -> tuple[MenuGroup, ...]:
    forms = tuple(form.name for form in definition.forms.values() if form.parent_form is None)
    return (MenuGroup(label=definition.label, items=tuple(EntryName(name) for name in (*definition.pages, *forms))),)
