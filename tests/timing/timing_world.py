"""What tests of time share: a small application, and delivery as far as rules and records go."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from making import Made

from engine import going_on

DESK = """
    app: desk
    label: Desk
    languages: [en]
    timezone: Asia/Shanghai
    roles: {clerk: {label: Clerk}}
    forms:
      ticket:
        label: Ticket
        fields:
          name: {type: text, required: true}
          note: {type: text}
          due_on: {type: date}
          remind_on: {type: computed, result: {type: date}, value: "record.due_on - days(2)", stored: true}
          steps: {type: lines, form: step}
        permissions: {clerk: {create: true, read: true, update: true, delete: true}}
        workflow:
          initial: open
          states:
            open: {label: Open, owner: clerk, within: 4h}
            closed: {label: Closed}
          transitions:
            close: {label: Close, from: [open], to: closed, roles: [clerk]}
            reopen: {label: Reopen, from: [closed], to: open, roles: [clerk]}
      step:
        label: Step
        fields:
          what: {type: text}
          done_by: {type: date}
    demo_users: {li: {name: Li, roles: [clerk]}}
"""


def messages(made: Made) -> list[dict[str, Any]]:
    table = made.application.tables.message
    with made.application.database.read() as conn:
        return [dict(row) for row in conn.execute(sa.select(table).order_by(table.c.id)).mappings()]


def deliver(made: Made) -> int:
    """Wake the rules whose messages are due, and take up their runs; answers how many messages that were."""
    app, table, count = made.application, made.application.tables.message, 0
    open_ones = (table.c.state.in_(("waiting", "parked")), table.c.kind.in_(("fire", "go_on")))
    while True:
        with app.database.write() as conn:
            due = sa.select(table).where(*open_ones, table.c.due_at <= made.clock()).order_by(table.c.id).limit(1)
            row = conn.execute(due).mappings().first()
            if row is None:
                return count
            conn.execute(sa.update(table).where(table.c.id == row["id"]).values(state="done", done_at=made.clock()))
            if row["kind"] == "fire":
                effect = row["effect"]
                going_on.fire(app, conn, effect["rule"], row["key"], form=effect["form"],
                              record_id=effect["record_id"], given=effect["given"])  # fmt: skip
            else:
                going_on.go_on(app, conn, row["run_id"], row["step"], paused=True)
            count += 1


def notices(made: Made) -> list[tuple[str, str]]:
    return [(who, text) for who, text in made.messages()]
