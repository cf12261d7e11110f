"""Events: appended, read newest first, never changed by anybody."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from storing import NOW, install

from engine.storage import events
from engine.storage.database import Database
from engine.storage.events import Event


def test_events_of_a_record_come_newest_first_in_pages(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        ids = [
            events.append(
                conn,
                tables,
                Event(at=NOW, form="ticket", record_id=record, kind="updated", changes={"note": [None, n]}),
            )
            for n, record in enumerate([1, 2, 1, 1, 2])
        ]
        first = events.of_record(conn, tables, "ticket", 1, limit=2)
        rest = events.of_record(conn, tables, "ticket", 1, limit=2, before=first[-1].id)
        assert [event.id for event in (*first, *rest)] == [ids[3], ids[2], ids[0]]
        assert first[0] == Event(
            id=ids[3], at=NOW, form="ticket", record_id=1, kind="updated", changes={"note": [None, 3]}
        )
        assert events.get_event(conn, tables, ids[0]) == rest[0]
        assert events.get_event(conn, tables, 999) is None


@pytest.mark.parametrize("change", ["UPDATE _event SET kind = 'x'", "DELETE FROM _event"])
def test_the_database_itself_refuses_to_change_events(database: Database, change: str) -> None:
    tables = install(database)
    with database.write() as conn:
        events.append(conn, tables, Event(at=NOW, form="ticket", record_id=1, kind="created"))
    with pytest.raises(DBAPIError, match="events are never changed"), database.write() as conn:
        conn.execute(sa.text(change))
    with database.read() as conn:
        assert [event.kind for event in events.of_record(conn, tables, "ticket", 1)] == ["created"]
