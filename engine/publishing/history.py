"""Everything that was ever put in force: who, when, why, what it did, and the text itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.errors import Message, Missing, message
from engine.publishing.inforce import of_data
from engine.storage.migrate import source_of
from engine.storage.system import MAKERS
from engine.storage.tables import Tables

BY_PEOPLE = ("published", "rolled_back")  # put in force in the application, not by its file
_kept = MAKERS["publication"](sa.MetaData())  # to be read before anything is known of the definition
_people = sa.table("_user", sa.column("id"), sa.column("name"))


@dataclass(frozen=True)
class Version:
    """One publication. ``before``: the hash in force until then, None for the first; ``by_name`` of the person, None
    where the file was applied."""

    id: int
    hash: str
    before: str | None
    kind: str
    at: dt.datetime
    by_id: int | None
    by_name: str | None
    reason: str | None
    change_id: int | None
    decisions: Mapping[str, Mapping[str, str]]
    report: Mapping[str, Any]

    @property
    def steps(self) -> list[Message]:
        """What was done to the database."""
        return [of_data(each) for each in self.report.get("steps", ())]

    @property
    def by_people(self) -> bool:
        return self.kind in BY_PEOPLE


def versions(
    conn: sa.Connection, tables: Tables | None = None, limit: int = 50, *, before: int | None = None
) -> list[Version]:
    """The latest publications, the newest first; those older than the publication ``before``."""
    if tables is None and not sa.inspect(conn).has_table("_publication"):
        return []
    return list(_versions(conn, () if before is None else (_kept.c.id < before,), limit))


def version(conn: sa.Connection, id: int) -> Version:
    """Raises Missing."""
    for found in _versions(conn, (_kept.c.id == id,), 1):
        return found
    raise Missing(message("There is no such publication."))


def latest_of(conn: sa.Connection, hash: str) -> Version | None:
    """When a definition was last put in force; None where nobody kept it."""
    return next(_versions(conn, (_kept.c.hash == hash,), 1), None)


def _versions(conn: sa.Connection, where: Sequence[sa.ColumnElement[bool]], limit: int) -> Iterator[Version]:
    columns = [_kept.c[each] for each in Version.__dataclass_fields__ if each != "by_name"]
    query = (
        sa.select(*columns, _people.c.name.label("by_name"))
        .outerjoin_from(_kept, _people, _people.c.id == _kept.c.by_id)
        .where(*where)
        .order_by(_kept.c.id.desc())
        .limit(limit)
    )
    for row in conn.execute(query).mappings():
        yield Version(**row)


def text_of(conn: sa.Connection, hash: str) -> str:
    """The text of a definition that was ever in force. Raises Missing."""
    found = source_of(conn, hash)
    if found is None:
        raise Missing(message("No definition with the hash {hash} was ever in force here.", hash=hash))
    return found


def hash_of_prefix(conn: sa.Connection, prefix: str) -> str:
    """The whole hash that begins so, as people type it. Raises Missing where none or several do."""
    known = MAKERS["published"](sa.MetaData())
    query = sa.select(known.c.hash).where(known.c.hash.startswith(prefix, autoescape=True)).limit(2)
    found = list(conn.scalars(query)) if prefix else []
    if len(found) != 1:
        raise Missing(message("No definition, or several, with the hash {hash} were in force here.", hash=prefix))
    return str(found[0])
