"""Operations on one field: add, move, duplicate, remove, name."""

from __future__ import annotations

from typing import Any

from designer.forms.layout import LAST, Layout
from designer.forms.removal import remove_fields
from designer.forms.starters import new_lines_form, starter, type_texts
from designer.forms.steps import (
    Steps,
    field_data,
    fields_data,
    label_of,
    languages,
    path_of,
    refuse_mistakes,
    sibling_labels,
)
from designer.generic import rename
from designer.naming import field_name, is_derived, label_value, labelled, text_of, texts_of, unique
from designer.operations import Made, operation
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.language import RESERVED_FIELDS
from engine.texts import say
from engine.yamlfile import Path

NEW_LINES = "+"  # instead of a form: a new one for the rows


@operation("field.add")
def add(
    workspace: Workspace, form: str, type: str, section: int = 0, at: int = LAST, label: str = "", name: str = "",
    of: str = "",
) -> Made:  # fmt: skip
    """A new field. ``of``: the form a link or lines point to, ``+`` for a new form of rows."""
    steps = Steps(workspace)
    layout = Layout(steps, form)
    texts = {workspace.language: label} if label.strip() else type_texts(workspace, type)
    if type == "lines" and of == NEW_LINES:
        of = new_lines_form(steps, form, texts)
        options: dict[str, Any] = {"form": of}
    else:
        options = starter(workspace, form, type, of)
    taken = fields_data(workspace, form)
    name = _given(name, taken) if name else field_name(texts.get("en") or next(iter(texts.values())), type, taken)
    siblings = [one["label"] for one in taken.values() if isinstance(one, dict) and "label" in one]
    shown = label_value(texts, siblings, languages(workspace)) or next(iter(texts.values()))
    put_new(layout, name, {"type": type, "label": shown, **options}, section, at)
    said = message("{label} is added", label=text_of(shown, workspace.language))
    return Made(steps.edits, said, path_of(form, name))


def _given(name: str, taken: dict[str, Any]) -> str:
    if name in taken or name in RESERVED_FIELDS:
        raise EditRefused(message("The name {name} is taken; choose another.", name=name))
    return name


def put_new(layout: Layout, name: str, data: Any, section: int, at: int) -> None:
    """A new field in ``fields``, behind the one it stands behind on the form, and on the form."""
    path = (*layout.path, "fields")
    after = layout.neighbour(section, at)
    if layout.fields:
        layout.steps.insert_key(path, name, data, after)
    else:
        layout.steps.set(path, {name: data})
    if layout.is_written:
        layout.put(name, section, at)


@operation("field.move")
def move(workspace: Workspace, form: str, field: str, section: int, at: int = LAST) -> Made:
    """Elsewhere on the form; section -1 takes it off the form. ``at`` counts among the others of that section."""
    field_data(workspace, form, field)
    steps = Steps(workspace)
    Layout(steps, form).move(field, section, at)
    if section < 0:
        refuse_mistakes(steps)
    return Made(steps.edits, message("{label} is moved", label=label_of(workspace, form, field)), path_of(form, field))


@operation("field.duplicate")
def duplicate(workspace: Workspace, form: str, field: str) -> Made:
    """A second field like this one, behind it."""
    steps = Steps(workspace)
    layout = Layout(steps, form)
    data = {key: value for key, value in field_data(workspace, form, field).items() if key not in _OWN}
    name = unique(field, {*layout.fields, *RESERVED_FIELDS})
    if "label" in data:
        data["label"] = _copied(data["label"], workspace.language)
    place = layout.place_of(field)
    steps.insert_key((*layout.path, "fields"), name, data, field)
    if layout.is_written and place is not None:
        layout.put(name, place[0], place[1] + 1)
    said = message("{label} is duplicated", label=label_of(workspace, form, field))
    return Made(steps.edits, said, path_of(form, name))


_OWN = ("id", "renamed_from")  # a copy is another field


def _copied(label: Any, language: str) -> Any:
    if isinstance(label, dict):
        return {one: say(message("{label} (copy)", label=text), one) for one, text in label.items()}
    return say(message("{label} (copy)", label=str(label)), language)


@operation("field.remove")
def remove(workspace: Workspace, form: str, field: str, force: bool = False) -> Made:
    """Refused with the places that need it, unless forced; sections, columns and rights that name it follow."""
    label = label_of(workspace, form, field)
    edits = remove_fields(workspace, form, (field,), force)
    return Made(edits, message("{label} is removed", label=label), ("forms", form))


@operation("field.label")
def label(workspace: Workspace, form: str, field: str, text: str, language: str = "") -> Made:
    """What people call it. The name of a field that is not in force yet follows, unless a person chose it."""
    language = language or workspace.language
    path, current = path_of(form, field), field_data(workspace, form, field).get("label")
    if not text.strip():
        raise EditRefused(message("A field needs a label that people can read."), (*path, "label"))
    steps = Steps(workspace)
    value = _relabelled(workspace, path, current, language, text.strip())
    said = message("{old} is now called {new}", old=text_of(current, language) or field, new=text.strip())
    new = _following_name(workspace, form, field, current, value)
    if new == field:
        steps.set((*path, "label"), value)
        return Made(steps.edits, said, path)
    renamed = rename(workspace, path, new)
    for edit in renamed.edits:
        steps.do(edit)
    steps.set((*path_of(form, new), "label"), value)
    return Made(steps.edits, said, path_of(form, new))


def _relabelled(workspace: Workspace, path: Path, current: Any, language: str, text: str) -> Any:
    """A label that only says the type gives way in all languages: nobody wrote it."""
    siblings = sibling_labels(workspace, path)
    if workspace.is_new(path) and _is_starting(workspace, path, current):
        return label_value({language: text}, siblings, languages(workspace)) or text
    return labelled(current, language, text, siblings, languages(workspace))


def _is_starting(workspace: Workspace, path: Path, current: Any) -> bool:
    type_ = str((workspace.at(path) or {}).get("type"))
    given = set(type_texts(workspace, type_).values())
    return set(texts_of(current)) <= given


def _following_name(workspace: Workspace, form: str, field: str, current: Any, value: Any) -> str:
    """The name a new field has after its label changed."""
    taken, type_ = fields_data(workspace, form), str(field_data(workspace, form, field).get("type"))
    if not workspace.is_new(path_of(form, field)) or not is_derived(field, texts_of(current), type_):
        return field
    texts = value if isinstance(value, dict) else {"": value}
    text = texts.get("en") or next(iter(texts.values()))
    others = {name: data for name, data in taken.items() if name != field}
    return field_name(text, type_, others)
