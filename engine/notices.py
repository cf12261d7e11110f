"""Telling people in the application: one notice per person, however many of their roles were named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from engine.effects import Notify
from engine.passage import Walk
from engine.people import people_with_roles


def notify(walk: Walk, effect: Notify, event_id: int | None) -> None:
    """Notify the active people of the effect's roles, and the users it names."""
    people = people_with_roles(walk.conn, walk.app.tables, effect.roles) | effect.users
    write(walk, people, effect.form, effect.id, effect.texts, event_id)


def write(
    walk: Walk, people: Iterable[int], form: str, id: int, texts: Mapping[str, str], event_id: int | None
) -> dict[int, int]:
    """Answers the ids of the notices by person."""
    table = walk.app.tables.notification
    rows = [
        {
            "user_id": person, "form": form, "record_id": id, "message": dict(texts), "at": walk.now,
            "event_id": event_id,
        }
        for person in sorted(people)
    ]  # fmt: skip
    if not rows:
        return {}
    written = walk.conn.execute(sa.insert(table).returning(table.c.user_id, table.c.id), rows)
    return {row.user_id: row.id for row in written}
