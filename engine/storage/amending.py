"""The lawful changes of events, written down so that the chain can tell them from all others.

A migration renames forms and states in all events at once; a person's data may have to be erased from single events.
Whoever does either takes the turn of the chain first, so that nothing is sealed meanwhile.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.errors import Refused, message
from engine.storage import events, leaves
from engine.storage.leaves import Content, leaf
from engine.storage.locks import one_at_a_time
from engine.storage.seals import CHAIN, unpacked
from engine.storage.tables import Tables

ERASABLE = frozenset({"changes", "trace", "reason"})
MOST_CANDIDATES = 256  # what an event can have been called before; two states that became one make four


# --- names -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Renaming:
    """Old name → new name, all at once: of forms, or of the states of ``form`` as it was called then."""

    id: int
    at: str
    form: str | None
    names: Mapping[str, str]
    definition: str | None = None

    def called_before(self, name: str | None) -> list[str | None]:
        """Everything that is called ``name`` after it can have been called before it."""
        found: list[str | None] = [old for old, new in self.names.items() if new == name]
        return found if name in self.names else [*found, name]

    def undone(self, content: Content) -> list[Content]:
        """What the event can have been before it."""
        if self.form is None:
            return [{**content, "form": name} for name in self.called_before(content["form"])]
        if content["form"] != self.form:
            return [content]
        return [
            {**content, "from_state": old, "to_state": new}
            for old in self.called_before(content["from_state"])
            for new in self.called_before(content["to_state"])
        ]


def undone(content: Content, renamings: Sequence[Renaming]) -> list[Content]:
    """What an event can have been before these renamings, given in their order."""
    found = [content]
    for renaming in reversed(renamings):
        found = list(islice((was for one in found for was in renaming.undone(one)), MOST_CANDIDATES))
    return found


def note_renaming(
    conn: sa.Connection, tables: Tables, names: Mapping[str, str], *, now: dt.datetime, form: str | None = None
) -> None:
    """In the migration that renames, before it does: forms, or the states of ``form``."""
    one_at_a_time(conn, CHAIN)
    row = {"at": now, "kind": "renamed", "form": form, "names": dict(names), "definition": tables.definition.hash}
    conn.execute(sa.insert(tables.amendment).values(row))


def renamings(conn: sa.Connection, table: sa.Table) -> list[Renaming]:
    """All there ever were, in order: as few as there were such migrations."""
    found = (_renaming(row) for row in leaves.rows(conn, table, table.c.kind == "renamed"))
    return [one for one in found if one is not None]


def _renaming(row: Content) -> Renaming | None:
    """None for one that somebody made unreadable: then no event is excused by it."""
    try:
        names = json.loads(row["names"])
        return Renaming(row["id"], row["at"], row["form"], {**names}, row["definition"])
    except (ValueError, TypeError, RecursionError):
        return None


# --- single events ---------------------------------------------------------------------------------------------------


def amend(
    conn: sa.Connection,
    tables: Tables,
    wanted: Mapping[int, Mapping[str, Any]],
    *,
    reason_event: int,
    now: dt.datetime,
) -> None:
    """Change events for a reason that the law knows, such as erasing a person's data, in the caller's transaction.

    ``wanted``: {event id: {"changes", "trace" or "reason": the value from now on}}; ``reason_event``: the event that
    says who did it and why. Raises Refused for an event that is not what was sealed: it would hide what happened to it.
    """
    refused = {name for values in wanted.values() for name in values} - ERASABLE
    if refused:
        raise ValueError(f"of an event only {sorted(ERASABLE)} may be amended, not {sorted(refused)}")
    one_at_a_time(conn, CHAIN)
    stood = {id: _leaf_of(conn, tables, id) for id in wanted}
    event = tables.event
    events.unguard(conn)
    for id, values in wanted.items():
        conn.execute(sa.update(event).where(event.c.id == id).values(dict(values)))
    events.guard(conn)
    for id, before in stood.items():
        after = leaf(leaves.read(conn, event, event.c.id == id, most=1)[0])
        row = {"at": now, "kind": "changed", "event_id": id, "leaf_before": before.hex(), "leaf_after": after.hex(),
               "reason_event": reason_event}  # fmt: skip
        conn.execute(sa.insert(tables.amendment).values(row))


def _leaf_of(conn: sa.Connection, tables: Tables, id: int) -> bytes:
    """The leaf the chain knows of an event, its own where it is not sealed yet."""
    found = leaves.read(conn, tables.event, tables.event.c.id == id, most=1)
    if not found:
        raise Refused(message("There is no event {id}.", id=id))
    sealed = _sealed(conn, tables.seal, id)
    if sealed is None:
        return leaf(found[0])
    table = tables.amendment
    changed = leaves.rows(conn, table, table.c.event_id == id, table.c.id > sealed[1])
    standing = stands(found[0], *sealed, changed, renamings(conn, table))
    if standing is None:
        raise Refused(
            message("Event {id} is not what was sealed. Run appmill audit verify, and find out what happened.", id=id)
        )
    return standing


def _sealed(conn: sa.Connection, table: sa.Table, id: int) -> tuple[bytes, int] | None:
    """(the leaf in its seal, the last amendment known then); None for one that is not sealed."""
    query = sa.select(table.c.leaves, table.c.amendments).where(table.c.last_event >= id)
    seal = conn.execute(query.order_by(table.c.last_event, table.c.number).limit(1)).first()
    found = unpacked(seal.leaves).get(id, b"") if seal else None
    return None if seal is None or found is None else (found, int(seal.amendments))


def stands(
    content: Content, sealed: bytes, known: int, changed: Iterable[Content], renamed: Sequence[Renaming]
) -> bytes | None:
    """The leaf that the event must have by now, if it has it: the sealed one, but for what was amended since.

    ``known``: the last amendment when it was sealed; ``changed``: the amendments of this event since then, in order.
    None: it is not what it was.
    """
    expected = sealed
    for one in changed:
        if one["leaf_before"] != expected.hex():
            return None
        expected, known = _bytes_of(one["leaf_after"]), one["id"]
    later = [each for each in renamed if each.id > known]
    return expected if any(leaf(was) == expected for was in undone(content, later)) else None


def _bytes_of(text: Any) -> bytes:
    try:
        return bytes.fromhex(text)
    except (ValueError, TypeError):
        return b""  # the leaf of nothing
