"""What really is in a database: tables, columns and indexes, in two queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

_COLUMNS = {
    "sqlite": """SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p
        WHERE m.type = 'table' AND substr(m.name, 1, 5) <> '_fts_'""",
    "postgresql": """SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relnamespace = current_schema()::regnamespace""",
}
_INDEXES = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, tablename FROM pg_indexes WHERE schemaname = current_schema()",
}


@dataclass(frozen=True)
class Catalog:
    """``columns``: table → names of its columns; ``indexes``: name → table."""

    columns: Mapping[str, frozenset[str]]
    indexes: Mapping[str, str]


def read_catalog(conn: sa.Connection) -> Catalog:
    columns: dict[str, set[str]] = {}
    for table, column in conn.execute(sa.text(_COLUMNS[conn.dialect.name].replace("::", "\\:\\:"))):
        columns.setdefault(table, set()).add(column)
    indexes = dict(tuple(row) for row in conn.execute(sa.text(_INDEXES[conn.dialect.name])))
    return Catalog({table: frozenset(names) for table, names in columns.items()}, indexes)


def quoted(conn: sa.Connection, name: str) -> str:
    """The name of a table or column as it stands in SQL."""
    return conn.dialect.identifier_preparer.quote_identifier(name)
