"""What is stored under a name beside the records: roles of people, fields of files, columns and filters of saved views.

Records keep their values by themselves (``fieldchanges``, ``statechanges``); these follow them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from engine.errors import message
from engine.storage import steps
from engine.storage.shape import Shape, paired

if TYPE_CHECKING:
    from engine.storage.changes import Changes

VALUES = 6
Names = Mapping[str, str]  # old → new

_NAMING_FIELDS = ("sort", "columns")


@dataclass
class Renamed:
    """What of one form is called otherwise now; ``options`` by the new name of their field."""

    fields: dict[str, str] = field(default_factory=dict)
    options: dict[str, Names] = field(default_factory=dict)
    views: Names = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fields or self.options or self.views)


def changed_names(old: Mapping[str, str], new: Any, was: Mapping[str, str | None] = MappingProxyType({})) -> Names:
    """Old name → new name of what is there still; ``old`` is {identity: name}."""
    pairs = paired(old, new, lambda name: name, was)
    return {old[was]: now for was, now in pairs if was and now and old[was] != now}


# --- roles


def find_role_changes(changes: Changes, old: Shape) -> None:
    """``old`` knows no roles where an earlier version of the engine wrote it."""
    names = changed_names(old.get("roles", {}), changes.definition.roles)
    if names:
        said = ", ".join(f"{was} → {now}" for was, now in names.items())
        text = message("Roles are renamed: {names}. Whoever has them keeps them.", names=said)
        changes.add(VALUES, text, partial(_rename_roles, changes=changes, names=names))


def _rename_roles(conn: sa.Connection, changes: Changes, names: Names) -> None:
    tables = changes.tables
    for table in (tables.user_role, tables.group_role):
        # whoever had a role of that name long ago does not get this one
        conn.execute(sa.delete(table).where(table.c.role.in_(set(names.values()) - names.keys())))
        steps.replace_values(conn, table, "role", names)
    steps.replace_values(conn, tables.stay, "owner_role", names)
    for name, form in changes.definition.forms.items():
        holding = [each.name for each in form.fields.values() if each.type == "role"]
        for column in [*holding, *(["owner_role"] if form.workflow else [])]:
            steps.replace_values(conn, tables.form[name], column, names)


# --- fields, options and states


def find_stored_names(changes: Changes, old: Shape, form: Any) -> None:
    """Files know their field, saved views their columns and filters by name."""
    renamed = _renamed(old, form)
    if renamed:
        text = message("Files and saved views of form {form} follow the new names.", form=form.name)
        changes.add(VALUES, text, partial(_follow, changes=changes, form=form.name, renamed=renamed))


def _renamed(old: Shape, form: Any) -> Renamed:
    found = Renamed()
    was = {identity: entry.get("was", {}).get("") for identity, entry in old["fields"].items()}
    for identity, name in paired(old["fields"], form.fields, lambda entry: entry["name"], was):
        if identity is None or name is None:
            continue
        entry = old["fields"][identity]
        if entry["name"] != name:
            found.fields[entry["name"]] = name
        options = getattr(form.fields[name], "options", None) or {}
        if options := changed_names(entry["options"], options, entry.get("was", {})):
            found.options[name] = options
    if states := changed_names(old["states"], form.workflow.states if form.workflow else {}, old.get("was", {})):
        found.options["state"] = states
    found.views = changed_names(old.get("views", {}), form.views)
    return found


def _follow(conn: sa.Connection, changes: Changes, form: str, renamed: Renamed) -> None:
    files, views = changes.tables.attachment, changes.tables.saved_view
    if renamed.fields:
        steps.replace_values(conn, files, "field", renamed.fields, files.c.form == form)
    for id, query in conn.execute(sa.select(views.c.id, views.c.query).where(views.c.form == form)).all():
        followed = renamed_query(query, renamed)
        if followed != query:
            conn.execute(sa.update(views).where(views.c.id == id).values(query=followed))


def renamed_query(query: str, renamed: Renamed) -> str:
    """A list's query string under the new names: ``where.field.operator=value``, ``sort=-field``, ``columns=a,b``."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([_pair(key, value, renamed) for key, value in pairs])


def _pair(key: str, value: str, renamed: Renamed) -> tuple[str, str]:
    if key in _NAMING_FIELDS:
        return key, ",".join(_field(name, renamed.fields) for name in value.split(","))
    if key == "view":
        return key, renamed.views.get(value, value)
    head, _, rest = key.partition(".")
    if head != "where":
        return key, value
    name, _, operator = rest.partition(".")
    now = renamed.fields.get(name, name)
    options = renamed.options.get(now, {})
    return f"where.{now}.{operator}", ",".join(options.get(one, one) for one in value.split(","))


def _field(name: str, fields: Names) -> str:
    sign, own = ("-", name[1:]) if name.startswith("-") else ("", name)
    return sign + fields.get(own, own)
