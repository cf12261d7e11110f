"""What a definition does not name any more is put aside under another name, and comes back when a later one names it.

A row of ``_archive`` remembers one thing that was put aside: a table, a column, a link table, or the values a migration
wrote over. ``shape`` is what it was (see ``engine.storage.shape``), with stable ids instead of names of other forms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.storage import keeping as _keeping  # noqa: F401 - enters its tables
from engine.storage.catalog import Catalog
from engine.storage.shape import Shape
from engine.storage.steps import largest_id
from engine.storage.system import MAKERS

FORM, COLUMN, LINKS = "form", "column", "links"  # whole: the thing itself stands under another name
CAST, OPTION, STATE = "cast", "option", "state"  # values that were written over


@dataclass(frozen=True)
class Kept:
    """A row of ``_archive``; ``what``: the stable id of the option or state the values were about."""

    id: int
    kind: str
    form: str
    field: str | None
    what: str | None
    name: str
    after: str | None
    shape: Shape
    up_to: int
    at: dt.datetime


_stored = MAKERS["archive"](sa.MetaData())
_COLUMNS = ("id", "kind", "form", "field", "what", "name", "after", "shape", "up_to", "at")


class Archives:
    """What can come back, newest first; and what one plan puts aside (``new``) and brings back (``back``)."""

    def __init__(self, conn: sa.Connection, catalog: Catalog) -> None:
        self.kept = tuple(_read(conn)) if "_archive" in catalog.columns else ()
        self.catalog = catalog
        self.new: list[dict[str, Any]] = []
        self.back: list[int] = []

    def form(self, form: str) -> Kept | None:
        return next((one for one in self._of(form, FORM) if one.name in self.catalog.columns), None)

    def fields(self, form: str, field: str, table: str) -> Iterator[Kept]:
        """The columns and link tables of a field that were put aside, newest first: it may have had several types."""
        for one in self._of(form, COLUMN, LINKS):
            present = self.catalog.columns if one.kind == LINKS else self.catalog.columns[table]
            if one.field == field and one.name in present:
                yield one

    def written_over(self, kind: str, form: str, field: str | None, table: str, what: str | None = None) -> list[Kept]:
        """The values of a field that were written over, newest first."""
        present = self.catalog.columns[table]
        return [
            one for one in self._of(form, kind)
            if (one.field, one.what) == (field, what) and one.name in present and (one.after or one.name) in present
        ]  # fmt: skip

    def of_field(self, form: str, field: str | None, *kinds: str) -> Iterator[Kept]:
        return (one for one in self._of(form, *kinds) if one.field == field)

    def _of(self, form: str, *kinds: str) -> Iterator[Kept]:
        return (one for one in self.kept if one.form == form and one.kind in kinds and one.id not in self.back)

    def keep(
        self, kind: str, form: str, name: str, shape: Shape, *, field: str | None = None, what: str | None = None,
        after: str | None = None, table: str | None = None,
    ) -> None:  # fmt: skip
        """Remember, once the plan is applied; ``table``: where the largest id is looked up."""
        row = {"kind": kind, "form": form, "field": field, "what": what, "name": name, "after": after, "shape": shape}
        self.new.append({**row, "table": table})

    def bring_back(self, kept: Kept) -> Kept:
        self.back.append(kept.id)
        return kept

    def write(self, conn: sa.Connection, table: sa.Table, now: dt.datetime, definition: str) -> None:
        if self.back:
            conn.execute(sa.update(table).where(table.c.id.in_(self.back)).values(restored_at=now))
        for row in self.new:
            place = row["table"]
            said = {**row, "up_to": largest_id(conn, place) if place else 0, "definition": definition, "at": now}
            said.pop("table")
            conn.execute(sa.insert(table).values(said))


def _read(conn: sa.Connection) -> Iterator[Kept]:
    query = sa.select(*(_stored.c[name] for name in _COLUMNS)).where(_stored.c.restored_at.is_(None))
    for row in conn.execute(query.order_by(_stored.c.id.desc())).mappings():
        yield Kept(**row)


# --- names of other forms inside a shape -----------------------------------------------------------------------------


def with_identities(entry: Shape, identity_of: Mapping[str, str]) -> Shape:
    """A form's or field's shape that means other forms by their stable ids, as it is kept."""
    return _translated(entry, identity_of)


def with_names(entry: Shape, name_of: Mapping[str, str]) -> Shape:
    """A kept shape as it would stand among the present ones; forms that are gone have no name."""
    return _translated(entry, name_of)


def _translated(entry: Shape, words: Mapping[str, str]) -> Shape:
    changed = dict(entry)
    for place in ("parent", "target"):
        if entry.get(place) not in (None, "_user"):
            changed[place] = words.get(entry[place], "")
    if "fields" in entry:
        changed["fields"] = {identity: _translated(field, words) for identity, field in entry["fields"].items()}
    return changed
