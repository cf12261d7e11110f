"""Putting a definition in force, in the caller's transaction: tables, values that follow from others, history.

All of it is one transaction, whoever asks for it, so a process that dies on the way leaves what was there before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import Message, message
from engine.faults import point
from engine.language import Label
from engine.recomputing import recompute
from engine.reforecasting import reforecast
from engine.resettling import resettle
from engine.storage.decisions import Decision
from engine.storage.migrate import Plan, apply, last_hash
from engine.timing.reconcile import again

Told = Callable[[int, int, Message], None]  # (done, total, what is being done)


def silent(done: int, total: int, what: Message) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class Entry:
    """What history keeps of it beside the definition; ``by`` is the id of a person."""

    kind: str  # started, published, rolled_back, migrated
    by: int | None = None
    reason: str | None = None
    change_id: int | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)


def hash_in_force(conn: sa.Connection) -> str | None:
    """None in a database nothing was ever applied to."""
    return last_hash(conn) if sa.inspect(conn).has_table("_definition") else None


def put_in_force(
    conn: sa.Connection, app: Application, plan: Plan, *, source: str, entry: Entry, before: str | None,
    told: Told = silent, allow_explicit: bool = False,
) -> int | None:  # fmt: skip
    """Carry out the plan of ``app``'s definition; answers the publication, None where the same definition was in force
    ``before``. Raises Refused as ``apply`` does."""
    apply(conn, plan, source=source, now=app.clock(), by=entry.by, allow_explicit=allow_explicit, told=told)
    app.waivers.take_up(conn)
    point("tables migrated")
    changed = recompute(app, conn, plan.recompute, told)
    resettle(app, conn, plan)
    reforecast(app, conn, plan.reforecast)
    again(app, conn, plan.recompute)
    if before == app.definition.hash:
        return None
    told(0, 0, message("Writing it into history"))
    id = _keep(conn, app, plan, entry, before, {"recomputed": changed})
    point("publication kept")
    return id


def _keep(
    conn: sa.Connection, app: Application, plan: Plan, entry: Entry, before: str | None, figures: Mapping[str, Any]
) -> int:
    table = app.tables.publication
    report = {"steps": [as_data(step.message) for step in plan.order], **figures}
    row = {
        "hash": app.definition.hash, "before": before, "kind": entry.kind, "reason": entry.reason,
        "decisions": {id: decision.as_data() for id, decision in entry.decisions.items()}, "report": report,
        "change_id": entry.change_id, "by_id": entry.by, "at": app.clock(),
    }  # fmt: skip
    return int(conn.execute(sa.insert(table).values(row).returning(table.c.id)).scalar_one())


# --- sentences, kept -------------------------------------------------------------------------------------------------


def as_data(said: Message) -> list[Any]:
    """A message as JSON, so that it is said in the language of whoever reads it."""
    return [said.pattern, {name: _plain(value) for name, value in said.values.items()}]


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return {"message": as_data(value)}
    if isinstance(value, Label):
        return {"label": dict(value.texts)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def of_data(data: Any) -> Message:
    """What ``as_data`` made."""
    pattern, values = data
    return Message(pattern, {name: _restored(value) for name, value in values.items()})


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return Label(value["label"]) if "label" in value else of_data(value["message"])
    return tuple(_restored(each) for each in value) if isinstance(value, list) else value


def as_text(data: Any) -> str:
    """Stable JSON, to be hashed."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False)
