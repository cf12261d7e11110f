"""Which form of the database is which of the definition, those included that were put aside and come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.storage.archive import LINKS, Kept, with_identities, with_names
from engine.storage.shape import Shape, paired
from engine.storage.tables import link_table_name

if TYPE_CHECKING:
    from engine.storage.changes import Changes

Pairs = list[tuple[str | None, str | None]]  # key in ``changes.old``, name in the definition


def pair_forms(changes: Changes) -> Pairs:
    """Also enters the forms that come back into ``changes.old``, as if they had been there all the time."""
    was = {key: entry.get("was", {}).get("") for key, entry in changes.old.items()}
    pairs = paired(changes.old, changes.definition.forms, lambda entry: entry["name"], was)
    pairs = [pair for each in pairs for pair in _same_parent(changes, pairs, *each)]
    pairs = [_from_archive(changes, *pair) for pair in pairs]
    names = {changes.old[key]["identity"]: changes.old[key]["name"] for key, name in pairs if key and name}
    for key, entry in changes.old.items():
        if "back" in entry:
            changes.old[key] = with_names(entry, names)
    return pairs


def _same_parent(changes: Changes, pairs: Pairs, key: str | None, name: str | None) -> Pairs:
    """Lines of another record are another form: the old one is gone, the new one is new."""
    if key is None or name is None:
        return [(key, name)]
    parent = changes.old[key]["parent"]
    now = next((new for old, new in pairs if old and new and changes.old[old]["name"] == parent), None)
    same = (now if parent else None) == changes.definition.forms[name].parent_form
    return [(key, name)] if same and (now or not parent) else [(key, None), (None, name)]


def _from_archive(changes: Changes, key: str | None, name: str | None) -> tuple[str | None, str | None]:
    if key is not None or name is None:
        return key, name
    form = changes.definition.forms[name]
    parent = changes.definition.forms[form.parent_form].stable_id if form.parent_form else None
    kept = changes.archives.form(form.stable_id)
    if kept is None or kept.shape["parent"] != parent:
        return None, name
    key = form.stable_id if form.stable_id not in changes.old else f"{form.stable_id} {kept.id}"
    changes.old[key] = _returned(changes, changes.archives.bring_back(kept), key)
    return key, name


def _returned(changes: Changes, kept: Kept, key: str) -> Shape:
    fields = {
        identity: _with_links(changes, kept, identity, entry) if entry["type"] == "links" else entry
        for identity, entry in kept.shape["fields"].items()
    }
    return {**kept.shape, "name": kept.name, "identity": kept.form, "key": key, "back": True, "fields": fields}


def _with_links(changes: Changes, kept: Kept, identity: str, entry: Shape) -> Shape:
    """The links of a form that was put aside were put aside as tables of their own."""
    found = changes.archives.fields(kept.form, identity, kept.name)
    links = next((one for one in found if one.kind == LINKS), None)
    return entry if links is None else {**entry, "table": changes.archives.bring_back(links).name}


def kept_shape(changes: Changes, old: Shape) -> Shape:
    """A form's shape as the archive keeps it."""
    plain = {key: value for key, value in old.items() if key not in ("identity", "key", "back")}
    fields = {identity: {**entry, "identity": identity} for identity, entry in old["fields"].items()}
    return with_identities({**plain, "fields": fields}, identities(changes.old.values()))


def identities(entries: Iterable[Shape]) -> dict[str, str]:
    return {entry["name"]: entry["identity"] for entry in entries}


def link_table(old: Shape, entry: Shape) -> str:
    """Where the links of a field of the old shape stand."""
    return str(entry.get("table") or link_table_name(old["name"], entry["name"]))
