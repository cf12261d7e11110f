"""JSON Schemas of records for one actor: as they are read, created, changed and brought in.

What is read is described loosely (a value kept from before a limit was set stays readable), what is sent as strictly as
``parse`` reads it: typed text is taken wherever a person could type it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.application import Application
from engine.columns import system_columns
from engine.definition import Form
from engine.errors import message
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import in_scope, may, readable_fields, updatable_fields
from engine.texts import say

Schema = dict[str, Any]
LIMITS = frozenset(
    {"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "uniqueItems", "minProperties", "readOnly"}
)
ID: Schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
MOMENT: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
TITLES: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "array"], "items": {"type": ["string", "null"]}},
}
NAMES: Schema = {"type": "array", "items": TEXT}
TYPED = ("number", "boolean", "date", "time", "datetime", "duration", "link", "links", "user", "users", "files")


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """The same or null; an enumeration has to name null too."""
    if "$ref" in schema or not isinstance(schema.get("type"), (str, list)):
        return schema if not schema else {"anyOf": [schema, {"type": "null"}]}
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    wider = {**schema, "type": [*kinds, "null"]}
    return {**wider, "enum": [*schema["enum"], None]} if "enum" in schema else wider


@dataclass(frozen=True)
class Schemas:
    """What the schemas of one actor are made from."""

    app: Application
    actor: Actor

    @property
    def language(self) -> str:
        return self.actor.language

    def said(self, pattern: str, **values: Any) -> str:
        return say(message(pattern, **values), self.language)

    def reaches(self, verb: str, *forms: str) -> bool:
        """Whether the scopes of a token reach this; what belongs to a person, no form, needs ``read`` or ``write``."""
        return self.actor.scopes is None or in_scope(self.actor.scopes, verb, *forms)

    # --- read

    def record(self, form: Form) -> Schema:
        readable = readable_fields(self.app, self.actor, form)
        fields = {one.name: self.shown(one) for one in form.fields.values() if readable.ever(one.name)}
        return _closed({**self._head(form), **fields, "titles": TITLES, "masked": NAMES}, ("id", "version"))

    def line(self, form: Form) -> Schema:
        readable = readable_fields(self.app, self.actor, form)
        own = [one for one in form.fields.values() if one.kind != "lines" and readable.ever(one.name)]
        fields = {one.name: self.shown(one) for one in own}
        return _closed({"id": ID, **fields, "titles": TITLES, "masked": NAMES}, ("id", "titles"))

    def _head(self, form: Form) -> Schema:
        head: Schema = {"id": ID, "version": {"type": "integer", "minimum": 1}, "title": TEXT}
        for name, column in system_columns(form).items():
            if name != "id":
                head[name] = nullable(loose(column)) | {"title": column.label_in(self.language)}
        head["owner_role"] = nullable(TEXT)
        head["deleted_at"] = MOMENT
        return head if form.workflow is None else {**head, "state": head["state"]}

    def shown(self, one: Field) -> Schema:
        """A field as it is read."""
        if one.kind == "lines":
            told: Schema = {"type": "array", "items": ref(f"{one.form}.line")}  # type: ignore[attr-defined]
        elif one.sensitive:
            told = nullable(TEXT) | {"description": self.said("Masked; reveal shows it.")}
        else:
            told = nullable(loose(one))
        return {**told, "title": one.label_in(self.language), **self._note(one)}

    def _note(self, one: Field) -> Schema:
        return {"description": one.help.text(self.language)} if one.help else {}

    # --- sent

    def create(self, form: Form) -> Schema:
        allowed = updatable_fields(self.app, self.actor, form, creating=True)
        names = [one.name for one in form.fields.values() if _settable(one) and allowed.ever(one.name)]
        return _closed(self._inputs(form, names, "create"), self._needed(form, names))

    def update(self, form: Form) -> Schema:
        allowed = updatable_fields(self.app, self.actor, form)
        names = [one.name for one in form.fields.values() if _settable(one) and allowed.ever(one.name)]
        version = {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31 - 1,
                   "description": self.said("The version the change was made over.")}  # fmt: skip
        return _closed({**self._inputs(form, names, "update"), "version": version})

    def asked(self, form: Form, names: Iterable[str]) -> Schema:
        """The values a transition takes: what it asks for, and whatever else the actor may change."""
        allowed = updatable_fields(self.app, self.actor, form)
        both = [one.name for one in form.fields.values()
                if _settable(one) and (one.name in names or allowed.ever(one.name))]  # fmt: skip
        return _closed(self._inputs(form, both, "update"))

    def brought(self, form: Form) -> Schema:
        names = [one.name for one in form.fields.values() if one.writable or one.type == "series"]
        return _closed(self._inputs(form, names, "import"), self._needed(form, names))

    def row(self, form: Form, verb: str) -> Schema:
        """One line of the input."""
        if verb == "import":
            names = [one.name for one in form.fields.values() if one.writable or one.type == "series"]
        else:
            allowed = updatable_fields(self.app, self.actor, form, creating=verb == "create")
            names = [one.name for one in form.fields.values() if _settable(one) and allowed.ever(one.name)]
        id_of_line = {"anyOf": [ID, {"type": ["string", "null"]}], "description": self.said("Of a line that is there.")}
        return _closed({"id": id_of_line, **self._inputs(form, names, verb)})

    def _inputs(self, form: Form, names: Iterable[str], verb: str) -> Schema:
        return {name: self.input(form.fields[name], verb) for name in names}

    def _needed(self, form: Form, names: Iterable[str]) -> list[str]:
        return [name for name in names if _always_needed(form.fields[name])]

    def input(self, one: Field, verb: str) -> Schema:
        needed = verb != "update" and _always_needed(one)
        if one.kind == "lines":
            rows = {"type": "array", "items": ref(f"{one.form}.{verb}_line"), "maxItems": one.max}  # type: ignore[attr-defined]
            told = {**rows, "minItems": one.min} if one.min else {"anyOf": [rows, {"type": "null"}, {"const": ""}]}  # type: ignore[attr-defined]
        else:
            told = taken(one)
            told = told if needed else {"anyOf": [told, {"type": "null"}, {"const": ""}]} if told else told
        return {**told, "title": one.label_in(self.language), **self._note(one)}


# --- parts -----------------------------------------------------------------------------------------------------------


def _closed(properties: Schema, required: Iterable[str] = ()) -> Schema:
    needed = [name for name in required if name in properties]
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }  # fmt: skip


def _settable(one: Field) -> bool:
    return one.writable and not one.readonly


def _always_needed(one: Field) -> bool:
    given = one.default is not None or one.default_expression is not None
    return one.required and not given and one.visible_when is None and one.writable


def loose(one: Field) -> Schema:
    """A kept value, whatever the limits are by now."""
    schema = {key: value for key, value in one.value_schema().items() if key not in LIMITS}
    if schema.get("format") != "decimal" and one.kind != "time":
        schema.pop("pattern", None)
    return schema


def taken(one: Field) -> Schema:
    """What ``parse`` reads: the value, or what a person would type for it."""
    schema = {key: value for key, value in one.value_schema().items() if key != "readOnly"}
    if one.kind in TYPED or one.type in ("choice", "choices", "address", "colour", "duration", "signature"):
        return {"anyOf": [schema, {"type": ["string", "number", "boolean"]}]}
    if schema.get("type") == "string":
        return {**schema, "type": ["string", "number"]}
    return schema


def offers(app: Application, actor: Actor, form: Form, verb: str) -> bool:
    return bool(may(app, actor, verb, form))  # type: ignore[arg-type]
