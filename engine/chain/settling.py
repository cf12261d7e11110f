"""Up to which event nothing can appear any more that is not there yet.

SQLite has one writer, and its numbers are drawn in the order of the commits. On PostgreSQL a number is drawn before the
commit, so a lower one may become visible after a higher one. Whoever inserts an event holds a lock on the table from
before the number is drawn until after the commit is visible; so once everybody who held one when a number was seen has
let go, all that is below that number is there, or never will be. Nobody waits for it but the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.tables import SYSTEM

# FOR KEY SHARE of foreign keys, VACUUM and CREATE INDEX lock the table too, and insert nothing.
_WRITERS = sa.text("""
    SELECT DISTINCT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = CAST('_event' AS regclass) AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
""")


@dataclass(frozen=True)
class Mark:
    """The largest event that was visible, and who wrote events just after that was read."""

    upto: int = 0
    writers: frozenset[str] = frozenset()


def look(database: Database) -> Mark:
    """The order matters: first the event, then the writers."""
    with database.read() as conn:
        upto = conn.scalar(sa.select(sa.func.max(SYSTEM["event"].c.id))) or 0
        writers = conn.scalars(_WRITERS) if database.dialect == "postgresql" else ()
        return Mark(upto, frozenset(writers))


class Settling:
    """Remembers from one look to the next who is still being waited for; ``waiting`` says whether anybody is."""

    def __init__(self) -> None:
        self._upto = 0
        self._awaited = Mark()

    @property
    def waiting(self) -> bool:
        return bool(self._awaited.writers)

    def upto(self, database: Database) -> int:
        """The event up to which all are there; to be read in a later transaction than this one."""
        seen = look(database)
        if not seen.writers:
            self._upto, self._awaited = seen.upto, Mark()
        elif not self._awaited.writers & seen.writers:
            self._upto, self._awaited = max(self._upto, self._awaited.upto), seen
        return self._upto
