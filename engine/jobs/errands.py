"""Work of plugins that follows a change: carried out after it is saved, with the whole application at hand.

One run of an errand serves every message of its kind that waits when it begins: whoever changes a hundred records makes
it run once or twice, not a hundred times. What such a message tells stands in the records, which are read after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application

Conclude = Callable[[Application, sa.Connection, Any, Any], None]
MOST = 1000  # messages served by one run; the rest makes it run again


def waiting(app: Application, row: Any) -> Sequence[Any]:
    """The other messages of this kind that wait, as (id, effect): what they tell is saved by now."""
    table = app.tables.message
    alike = (table.c.kind == row.kind, table.c.state == "waiting", table.c.id != row.id)
    with app.database.read() as conn:
        return conn.execute(sa.select(table.c.id, table.c.effect).where(*alike).order_by(table.c.id).limit(MOST)).all()


def run(app: Application, row: Any) -> Mapping[str, Any]:
    """Carry it out; the result names the messages it served as well. ``also``: what these tell."""
    served = waiting(app, row)
    data = {**row.effect, "served": len(served) + 1, "also": [each.effect for each in served]}
    found = app.registry.errands[row.kind](app, data) or {}
    return {**found, "served": [each.id for each in served]}


def end_served(app: Application, conn: sa.Connection, row: Any, result: Mapping[str, Any], conclude: Conclude) -> None:
    """The messages that were served end with it, unless another process has taken one meanwhile."""
    table = app.tables.message
    served = result.get("served") or ()
    mine = (table.c.id.in_(served), table.c.state == "waiting")
    rows = conn.execute(sa.select(table).where(*mine).with_for_update(skip_locked=True)).all()
    ended = sa.update(table).where(table.c.id.in_([one.id for one in rows]))
    conn.execute(ended.values(state="done", done_at=app.clock(), result={"by": row.id}))
    for one in rows:
        conclude(app, conn, one, {"by": row.id})
