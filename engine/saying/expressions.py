"""Expressions and values in the words people know: field labels instead of names, ≤ instead of <=."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.definition import AppDefinition, Form
from engine.expressions import Compiled, EvaluationFailed, View
from engine.expressions.view import attribute
from engine.fields.base import Field
from engine.formats import Reader
from engine.language import LANGUAGES, Label
from engine.permissions import may_record, readable_fields

_PATH = re.compile(r"\brecord((?:\.[a-z_][a-z0-9_]*)+)")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_SIGNS = (
    (re.compile(r"\s+is not None\b"), {"en": " is filled", "zh": " 已填"}),
    (re.compile(r"\s+is None\b"), {"en": " is empty", "zh": " 为空"}),
    (re.compile(r"<="), {"en": "≤", "zh": "≤"}),
    (re.compile(r">="), {"en": "≥", "zh": "≥"}),
    (re.compile(r"!="), {"en": "≠", "zh": "≠"}),
    (re.compile(r"=="), {"en": "=", "zh": "="}),
    (re.compile(r"\bnot in\b"), {"en": "not in", "zh": "不在"}),
    (re.compile(r"\bin\b"), {"en": "in", "zh": "在"}),
    (re.compile(r"\bnot\b"), {"en": "not", "zh": "非"}),
    (re.compile(r"\bor\b"), {"en": "or", "zh": "或"}),
    (re.compile(r"\band\b"), {"en": "and", "zh": "且"}),
)  # fmt: skip
SYSTEM = {
    "state": {"en": "State", "zh": "状态"}, "owner": {"en": "Owner", "zh": "负责人"},
    "created_by": {"en": "Created by", "zh": "创建人"}, "created_at": {"en": "Created", "zh": "创建时间"},
    "updated_by": {"en": "Changed by", "zh": "修改人"}, "updated_at": {"en": "Changed", "zh": "修改时间"},
    "state_since": {"en": "In this state since", "zh": "进入状态时间"}, "state_due": {"en": "Due", "zh": "到期"},
    "forecast_at": {"en": "Expected end", "zh": "预计完成"},
}  # fmt: skip
HIDDEN = object()  # stands for a value that is not for the eyes of the actor


def clause_text(clause: Compiled, form: Form, definition: AppDefinition) -> Label:
    """A condition as people read it: ``Amount ≤ Project › Budget``."""
    return Label({language: _said(clause.source, form, definition, language) for language in LANGUAGES})


def _said(source: str, form: Form, definition: AppDefinition, language: str) -> str:
    said = _PATH.sub(lambda found: path_label(found[1][1:].split("."), form, definition, language), source)
    pieces, last = [], 0
    for quoted in _TEXT.finditer(said):
        pieces += [_signs(said[last : quoted.start()], language), _option(quoted[0], source, form, language)]
        last = quoted.end()
    return "".join([*pieces, _signs(said[last:], language)]).strip()


def _signs(text: str, language: str) -> str:
    for pattern, words in _SIGNS:
        text = pattern.sub(words[language], text)
    return text


def _option(quoted: str, source: str, form: Form, language: str) -> str:
    """The label of an option or state that a text names; the text itself when it names none."""
    name = quoted[1:-1]
    if "record.state" in source and form.workflow and name in form.workflow.states:
        return form.workflow.states[name].label.text(language)
    for found in _PATH.finditer(source):
        options = getattr(form.fields.get(found[1].split(".")[1]), "options", None)
        if options and name in options:
            label: Label = options[name].label
            return label.text(language)
    return quoted


def path_label(names: list[str], form: Form | None, definition: AppDefinition, language: str) -> str:
    """``project.budget`` → ``Project › Budget``."""
    words = []
    for name in names:
        field = form.fields.get(name) if form else None
        words.append(field.label_in(language) if field else SYSTEM.get(name, {}).get(language, name))
        form = _next_form(form, field, name, definition)
    return " › ".join(words)


def _next_form(form: Form | None, field: Field | None, name: str, definition: AppDefinition) -> Form | None:
    if field is not None and field.kind in ("link", "links", "lines"):
        return definition.forms.get(getattr(field, "form", ""))
    if name == "parent" and form is not None and form.parent_form:
        return definition.forms[form.parent_form]
    return None


def values_text(clause: Compiled, names: Mapping[str, Any], form: Form, loader: Any) -> Label:
    """What the condition read: ``Amount 1,500.00, Project › Budget 1,000.00``; of what the actor may not read
    only that it is hidden."""
    read = [
        (path, value if _may_tell(path, names["record"], loader) else HIDDEN)
        for path, value in _values(clause, names)
        if path[0] == "record"
    ]
    texts = {}
    for language in LANGUAGES:
        reader = Reader(language, loader.names["reader"].timezone, loader.definition.currency)
        said = [
            f"{path_label(list(path[1:]), form, loader.definition, language)}: "
            f"{value_text(path, value, form, loader, reader)}"
            for path, value in read
        ]
        texts[language] = ("，" if language == "zh" else ", ").join(said)
    return Label(texts)


def _may_tell(path: tuple[str, ...], thing: Any, loader: Any) -> bool:
    """Whether everything on the way to the value may be read by the one it would be told to."""
    actor = loader.actor
    if actor.boundless:
        return True
    for hop, name in enumerate(path[1:]):
        if not isinstance(thing, View):
            return True
        if hop and not may_record(loader.app, actor, "read", thing.form, thing):
            return False
        field = thing.form.fields.get(name)
        if field is not None and (
            field.sensitive or not readable_fields(loader.app, actor, thing.form).has(name, thing)
        ):
            return False
        thing = attribute(thing, name)
    return True


def _values(clause: Compiled, names: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    try:
        return [(tuple(path.split(".")), value) for path, value in clause.values_read(names)]
    except EvaluationFailed:
        return []


def value_text(path: tuple[str, ...], value: Any, form: Form, loader: Any, reader: Reader) -> str:
    """A value the way its field shows it."""
    nothing = "空" if reader.language == "zh" else "empty"
    if value is HIDDEN:
        return "不可见" if reader.language == "zh" else "hidden"
    if value is None:
        return nothing
    target: Form | None = form
    field: Field | None = None
    for name in path[1:]:
        field = target.fields.get(name) if target else None
        if name == "state" and field is None and target is not None and target.workflow is not None:
            state = target.workflow.states.get(str(value))
            return state.label.text(reader.language) if state else str(value)
        target = _next_form(target, field, name, loader.definition)
    if field is None:
        return str(value)
    return value_of(field, value, loader, reader) or nothing


def value_of(field: Field, value: Any, loader: Any, reader: Reader) -> str:
    """A field's value with the titles of what it points to; ``""`` for None."""
    return field.format(value, reader, _title(field, value, loader))


def _title(field: Field, value: Any, loader: Any) -> Any:
    if field.kind == "link" and isinstance(value, int):
        row = loader.load(field.form, value)  # type: ignore[attr-defined]
        return (row or {}).get("_title")
    if field.kind == "user" and isinstance(value, int):
        person = loader.user(value)
        return (person or {}).get("name")
    return None
