"""Form controls and shown values: finds the template of a field's widget and hands it what it needs.

``templates/widgets/<widget>.html`` has two macros, ``edit(field, value, name, reader, state)``: the bare control, and
``show(field, value, reader, extra)``: the value on a record's page. Labels, help and errors stand around them and are
drawn by whoever places the control. A plugin brings its template through ``registry.template_folders``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from engine.definition import Role
from engine.fields.base import Field
from engine.formats import Reader, size


@dataclass(frozen=True)
class State:
    """How one control stands on its page.

    ``id``: of the input (default: ``f-`` + name); ``described_by``: ids of help and errors; ``label``: said to those
    who do not see a label, needed when ``compact`` (in a table cell); ``titles``: what the value alone does not tell
    (id → title for links and users); ``files``: id, name, size, url of each file in the value; ``options``: (value,
    title) pairs offered without a script (links, users, roles); ``options_url``: where a search for more is sent.
    """

    id: str = ""
    required: bool = False
    readonly: bool = False
    invalid: bool = False
    autofocus: bool = False
    compact: bool = False
    described_by: str = ""
    label: str = ""
    titles: Mapping[int, str] = field(default_factory=dict)
    files: Sequence[Mapping[str, Any]] = ()
    options: Sequence[tuple[Any, str]] = ()
    options_url: str = ""
    form: str = ""  # the form the field belongs to: uploads name it


PLAIN = State()


class Widgets:
    """The widgets of one template environment; every template is compiled once and its macros are kept."""

    def __init__(
        self, environment: Environment, roles: Callable[[], Iterable[Role]] = tuple, *, on_paper: bool = False
    ) -> None:
        """``roles`` answers the roles of the definition in force, for role fields; ``on_paper``: nothing is clicked."""
        self.environment = environment
        self.roles = roles
        environment.globals.update(
            widget_attributes=attributes,
            picked=picked,
            picked_ids=picked_ids,
            address_parts=address_parts,
            known_file=known_file,
            on_paper=on_paper,
            file_size=size,
            show_field=self.show,
            role_options=lambda reader: [(role.name, role.label.text(reader.language)) for role in self.roles()],
        )

    def edit(self, field: Field, value: Any, name: str, reader: Reader, state: State = PLAIN) -> Markup:
        """The control. ``value`` is ``field.text(…)``'s, or what was typed: ``Field.raw``'s answer."""
        macro = self._macros(field.widget).edit
        return Markup(macro(field, "" if value is None else value, name, reader, state))  # noqa: S704 - escaped there

    def show(self, field: Field, value: Any, reader: Reader, extra: Any = None) -> Markup:
        """A kept value on a record's page; ``extra`` as in ``Field.format``, or files as in ``State``."""
        if value is None:
            return Markup("")
        return Markup(str(self._macros(field.widget).show(field, value, reader, extra)).strip())  # noqa: S704 - escaped there

    def _macros(self, widget: str) -> Any:
        return self.environment.get_template(f"widgets/{widget}.html").module


def attributes(field: Field, name: str, reader: Reader, state: State, **more: Any) -> Markup:
    """The attributes every input has, those of its field, and ``more``: None and False are left out."""
    placeholder = field.placeholder.text(reader.language) if field.placeholder else None
    given: dict[str, Any] = {
        "id": control_id(name, state),
        "name": name,
        "placeholder": placeholder,
        **field.html_attributes(),
        "readonly": state.readonly,
        "autofocus": state.autofocus,
        **aria(field, reader, state),
        **more,
    }
    return Markup(" ").join(Markup('{}="{}"').format(key, text) for key, text in _written(given))


def aria(field: Field, reader: Reader, state: State) -> Mapping[str, Any]:
    # aria-required, not required: the server says everything that is wrong at once, in the reader's language
    return {
        "aria-required": "true" if state.required else None,
        "aria-invalid": "true" if state.invalid else None,
        "aria-describedby": state.described_by or None,
        "aria-label": (state.label or field.label_in(reader.language)) if state.compact else None,
    }


def _written(given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in given.items():
        if value is not None and value is not False:
            yield key.rstrip("_").replace("_", "-"), "" if value is True else str(value)


def control_id(name: str, state: State) -> str:
    return state.id or "f-" + name.replace(".", "-")


def picked(value: Any) -> tuple[str, ...]:
    """The names chosen, out of typed text with commas or a list."""
    parts = value.replace("，", ",").split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts if part not in ("", None)) if parts else ()


def picked_ids(value: Any) -> tuple[int, ...]:
    """The ids chosen; what is no id is left out, its message stands beside the control."""
    if isinstance(value, int):
        return (value,)
    return tuple(int(part) for part in picked(value) if part.isascii() and part.isdigit() and len(part) < 20)


def known_file(files: Iterable[Mapping[str, Any]], wanted: int) -> Mapping[str, Any]:
    return next((file for file in files if file["id"] == wanted), {})


def address_parts(value: Any) -> Mapping[str, str]:
    """The parts of an address as typed, or out of the JSON that ``Field.text`` answers."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.startswith("{") else {"street": value}
        except ValueError:
            value = {"street": value}
    return {key: str(part) for key, part in value.items() if part is not None} if isinstance(value, Mapping) else {}


__all__ = ["PLAIN", "State", "Widgets", "attributes"]
