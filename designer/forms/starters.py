"""What a new field of each type begins with, so that it works at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from designer.forms.palette import type_name
from designer.forms.steps import Steps, fields_data, languages
from designer.naming import label_value
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.schema import keys_of
from engine.texts import say

Starter = Callable[[Workspace, str, str], Mapping[str, Any]]  # (workspace, form, wanted form) -> options


def starter(workspace: Workspace, form: str, type_: str, of: str) -> dict[str, Any]:
    """The options a type cannot do without. ``of``: the form a link or lines point to."""
    if type_ not in workspace.registry.fields:
        raise EditRefused(message("There is no field type {name}.", name=type_))
    found = _STARTERS.get(type_)
    return dict(found(workspace, form, of)) if found else {}


def missing_options(workspace: Workspace, type_: str, data: Mapping[str, Any]) -> list[str]:
    """The options a type needs and the data does not have."""
    cls: Any = workspace.registry.fields[type_]
    return [key.name for key in keys_of(cls) if key.required and key.name not in data]


def text_in(workspace: Workspace, pattern: str, number: int = 0) -> dict[str, str]:
    """A text in the application's languages."""
    found = {language: say(pattern, language) for language in languages(workspace)}
    return {language: f"{text} {number}" if number else text for language, text in found.items()}


def type_texts(workspace: Workspace, type_: str) -> dict[str, str]:
    """What a type is called in the application's languages: the label of a field nobody named yet."""
    return {language: type_name(type_, language) for language in languages(workspace)}


def title_texts(workspace: Workspace) -> dict[str, str]:
    """The label of the field that names a record: Name."""
    return type_texts(workspace, "name")


def _options(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    word = message("Option").pattern
    known = languages(workspace)
    labels = [label_value(text_in(workspace, word, number), [], known) for number in (1, 2)]
    return {"options": {f"option_{number}": {"label": label} for number, label in enumerate(labels, 1)}}


def _to_form(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    if not of:
        raise EditRefused(message("Choose the form it points to."))
    if of not in workspace.map_at(("forms",)):
        raise EditRefused(message("There is no form {name}.", name=of))
    return {"form": of}


def _series(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    initials = "".join(word[:1] for word in form.split("_"))[:3].upper()
    return {"pattern": initials + "{yyyy}{mm}-{0000}"}


def _quantity(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    return {"unit": say(message("pcs"), languages(workspace)[0])}


def _computed(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    return {"result": {"type": "decimal"}, "value": "0"}


def _links_of(workspace: Workspace, form: str, types: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(field, form it points to) of a form."""
    for name, data in fields_data(workspace, form).items():
        target = data.get("form") if isinstance(data, dict) and data.get("type") in types else None
        if isinstance(target, str) and target in workspace.map_at(("forms",)):
            yield name, target


def _lookup(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    for name, target in _links_of(workspace, form, ("link",)):
        for shown, data in fields_data(workspace, target).items():
            if isinstance(data, dict) and data.get("type") not in ("lines", "attachment", "image", "signature"):
                return {"via": name, "field": shown}
    raise EditRefused(message("It shows something of a linked record: add a link to a form first."))


def _rollup(workspace: Workspace, form: str, of: str) -> Mapping[str, Any]:
    for name, target in _links_of(workspace, form, ("lines",)):
        if of in ("", target) and (figure := next(iter(fields_data(workspace, target)), None)):
            return {"of": f"{target}.{figure}", "via": name, "fold": "count"}
    for other in workspace.map_at(("forms",)):
        for name, target in _links_of(workspace, other, ("link",)):
            if target == form and of in ("", other):
                return {"of": f"{other}.{next(iter(fields_data(workspace, other)))}", "via": name, "fold": "count"}
    raise EditRefused(message("It sums up what points here: let another form link to this one first, or add lines."))


_STARTERS: Mapping[str, Starter] = {
    "choice": _options, "choices": _options, "link": _to_form, "links": _to_form, "lines": _to_form,
    "series": _series, "quantity": _quantity, "computed": _computed, "lookup": _lookup, "rollup": _rollup,
}  # fmt: skip


def new_lines_form(steps: Steps, form: str, label: Mapping[str, str]) -> str:
    """A form for the rows of a new lines field; answers its name."""
    workspace, known = steps.workspace, languages(steps.workspace)
    forms: Mapping[str, Any] = steps.at(("forms",))
    name = next(found for count in range(1, 10_000)
                if (found := f"{form}_line" if count == 1 else f"{form}_line_{count}") not in forms)  # fmt: skip
    siblings = [one.get("label") for one in forms.values() if isinstance(one, dict)]
    field = label_value(title_texts(workspace), siblings, known)
    steps.insert_key(
        ("forms",),
        name,
        {"label": label_value(label, siblings, known), "fields": {"name": {"type": "text", "label": field}}},
        after=form,
    )
    return name
