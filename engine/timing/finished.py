"""A rule's run is over: rules that watch for it wake, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.timers import Finished
from engine.timing.posting import post

if TYPE_CHECKING:
    from engine.application import Application

OVER = ("done", "failed", "cancelled")


def tell(app: Application, conn: sa.Connection, run_id: int, chain: Sequence[str] = ()) -> None:
    """Leave messages for the rules that watch the rule of this run. ``chain``: the rules that led to it, so
    that rules that wake each other come to an end. Runs of single records of many are not told."""
    watched = app.plans.timed.finished
    if not watched:
        return
    table = app.tables.run
    row = conn.execute(sa.select(table).where(table.c.id == run_id)).mappings().one()
    if row["rule"] not in watched or row["parent_id"] is not None or row["state"] not in OVER:
        return
    name = app.plans.rule[row["rule"]].rule.name
    run = {
        "id": run_id, "rule": name, "outcome": row["state"], "form": row["form"],
        "record_id": row["record_id"], "error": row["error"],
    }  # fmt: skip
    for rule in watched[row["rule"]]:
        assert isinstance(rule.trigger, Finished)  # planning sorted the rules
        if rule.trigger.outcome in (row["state"], "any"):
            given = {"run": run, "chain": [*chain, name]}
            key = f"finished:{rule.stable_id}:{run_id}"
            post(app, conn, key, rule.stable_id, app.clock(), given=given, event_id=row["event_id"])
