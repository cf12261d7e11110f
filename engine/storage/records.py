"""Records of a form: read, insert, update with compare-and-set, delete softly.

A row is a plain dict: system columns and one entry per field with a column. Every function takes the connection of the
caller's transaction first, then the tables, then the form's name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.errors import Missing, Stale, message
from engine.storage.prepared import Prepared, Row, among, listed, value
from engine.storage.tables import Tables

DEFAULTS: Mapping[str, Any] = {"version": 1, "_title": "", "_position": 0}


def get(conn: sa.Connection, tables: Tables, form: str, id: int, *, lock: bool = False) -> Row | None:
    """The row, deleted or not; None when there is none. ``lock`` keeps other writers off it until the commit."""
    table = tables.form[form]
    locked = lock and conn.dialect.name == "postgresql"

    def build() -> Any:
        select = sa.select(table).where(table.c.id == value("id_"))
        return select.with_for_update() if locked else select

    return tables.statements.get(("get", form, locked), conn.dialect, build).first(conn, {"id_": id})


def fetch_many(conn: sa.Connection, tables: Tables, form: str, ids: Iterable[int]) -> dict[int, Row]:
    """The rows of these ids, deleted or not, by id."""
    table = tables.form[form]
    found = _by_ids(conn, tables, ("fetch", form), lambda: sa.select(table), table.c.id, ids)
    return {row["id"]: row for row in found}


def titles(conn: sa.Connection, tables: Tables, form: str, ids: Iterable[int]) -> dict[int, str]:
    """The titles of these records of a form, or the names of users for the form ``_user``."""
    table = tables.user if form == "_user" else tables.form[form]
    text = table.c.name if form == "_user" else table.c["_title"]

    def select() -> Any:
        return sa.select(table.c.id, text.label("title"))

    return {row["id"]: row["title"] for row in _by_ids(conn, tables, ("titles", form), select, table.c.id, ids)}


def lines_of(conn: sa.Connection, tables: Tables, form: str, parents: Iterable[int]) -> dict[int, list[Row]]:
    """The lines (rows of the line form ``form``) of these parents, in order; every parent has an entry."""
    table = tables.form[form]
    wanted = list(parents)

    def select() -> Any:
        alive = sa.select(table).where(table.c.deleted_at.is_(None))
        return alive.order_by(table.c["_parent"], table.c["_position"])

    found: dict[int, list[Row]] = {parent: [] for parent in wanted}
    for row in _by_ids(conn, tables, ("lines", form), select, table.c["_parent"], wanted):
        found[row["_parent"]].append(row)
    return found


def links_of(
    conn: sa.Connection, tables: Tables, form: str, field: str, ids: Iterable[int]
) -> dict[int, tuple[int, ...]]:
    """The targets of a links field of these records, in order; every record has an entry."""
    table = tables.link[form, field]
    wanted = list(ids)

    def select() -> Any:
        return sa.select(table).order_by(table.c.record_id, table.c.position)

    found: dict[int, list[int]] = {id: [] for id in wanted}
    for row in _by_ids(conn, tables, ("links", form, field), select, table.c.record_id, wanted):
        found[row["record_id"]].append(row["target_id"])
    return {id: tuple(targets) for id, targets in found.items()}


# --- writing ---------------------------------------------------------------------------------------------------------


def insert(conn: sa.Connection, tables: Tables, form: str, row: Mapping[str, Any]) -> int:
    """Insert one row and answer its id; columns that are not named are empty, the version is 1."""
    result = _insert(conn, tables, form, one=True).execute(conn, _complete(tables.form[form], row))
    if conn.dialect.name == "sqlite":
        return int(result.lastrowid)
    return int(result.fetchone()[0])


def insert_many(conn: sa.Connection, tables: Tables, form: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one batch; for lines, which nobody needs the ids of at once."""
    table = tables.form[form]
    _insert(conn, tables, form, one=False).execute_many(conn, [_complete(table, row) for row in rows])


def update(
    conn: sa.Connection, tables: Tables, form: str, id: int, version: int | None, changes: Mapping[str, Any]
) -> int:
    """Write the changes if the stored version still is ``version`` (None: whatever it is) and answer the new one.

    Raises Stale when someone else saved first, Missing when there is no such record.
    """
    table = tables.form[form]
    names = tuple(sorted(changes))

    def build() -> Any:
        statement = sa.update(table).where(table.c.id == value("id_"))
        if version is not None:
            statement = statement.where(table.c.version == value("version_"))
        new = {name: value(f"new_{name}", table.c[name].type) for name in names}
        statement = statement.values({**new, "version": table.c.version + 1})
        return statement.returning(table.c.version) if version is None else statement

    prepared = tables.statements.get(("update", form, names, version is None), conn.dialect, build)
    result = prepared.execute(conn, {"id_": id, "version_": version, **_new(changes)})
    if version is None:
        written = result.fetchone()
        if written is None:
            raise _lost(conn, tables, form, id, version)
        return int(written[0])
    if result.rowcount != 1:
        raise _lost(conn, tables, form, id, version)
    return version + 1


def update_rows(conn: sa.Connection, tables: Tables, form: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that all have an ``id`` and the same other columns, in one batch; for lines, under their parent."""
    if not rows:
        return
    table = tables.form[form]
    names = tuple(sorted(rows[0].keys() - {"id"}))

    def build() -> Any:
        new = {name: value(f"new_{name}", table.c[name].type) for name in names}
        statement = sa.update(table).where(table.c.id == value("id_"))
        return statement.values({**new, "version": table.c.version + 1})

    prepared = tables.statements.get(("update rows", form, names), conn.dialect, build)
    prepared.execute_many(conn, [{"id_": row["id"], **_new({name: row[name] for name in names})} for row in rows])


def delete_rows(conn: sa.Connection, tables: Tables, form: str, ids: Collection[int]) -> None:
    """Remove rows for good; for lines only, whose content the event of their parent keeps."""
    if ids:
        table = tables.form[form]
        statement = sa.delete(table).where(table.c.id == value("id_"))
        prepared = tables.statements.get(("delete rows", form), conn.dialect, lambda: statement)
        prepared.execute_many(conn, [{"id_": id} for id in ids])


def set_links(conn: sa.Connection, tables: Tables, form: str, field: str, id: int, targets: Sequence[int]) -> None:
    """Make these, in this order, the targets of a links field."""
    table = tables.link[form, field]
    gone = tables.statements.get(
        ("unlink", form, field),
        conn.dialect,
        lambda: sa.delete(table).where(table.c.record_id == value("id_")),
    )
    gone.execute(conn, {"id_": id})
    rows = [{"record_id": id, "target_id": target, "position": n} for n, target in enumerate(dict.fromkeys(targets))]
    tables.statements.get(("link", form, field), conn.dialect, lambda: sa.insert(table)).execute_many(conn, rows)


# --- the parts -------------------------------------------------------------------------------------------------------


def _by_ids(
    conn: sa.Connection, tables: Tables, key: tuple[str, ...], select: Callable[[], Any], column: Any,
    ids: Iterable[int],
) -> list[Row]:  # fmt: skip
    """One statement text however many ids there are, so that it is prepared once."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    prepared = tables.statements.get(key, conn.dialect, lambda: select().where(among(column, conn.dialect)))
    return prepared.rows(conn, listed(wanted, conn.dialect))


def _insert(conn: sa.Connection, tables: Tables, form: str, one: bool) -> Prepared:
    table = tables.form[form]
    returning = one and conn.dialect.name != "sqlite"

    def build() -> Any:
        binds = {c.name: value(f"new_{c.name}", c.type) for c in table.c if c.name != "id"}
        statement = sa.insert(table).values(binds)
        return statement.returning(table.c.id) if returning else statement

    return tables.statements.get(("insert", form, one), conn.dialect, build)


def _complete(table: sa.Table, row: Mapping[str, Any]) -> Row:
    blank: Row | None = table.info.get("blank")
    if blank is None:
        blank = {f"new_{column.name}": None for column in table.c if column.name != "id"}
        blank.update((f"new_{name}", usual) for name, usual in DEFAULTS.items() if name in table.c)
        table.info["blank"] = blank
    given = ((f"new_{name}", new) for name, new in row.items())
    return {**blank, **{name: new for name, new in given if name in blank}}


def _new(changes: Mapping[str, Any]) -> Row:
    return {f"new_{name}": new for name, new in changes.items()}


def _lost(conn: sa.Connection, tables: Tables, form: str, id: int, version: int | None) -> Stale | Missing:
    row = get(conn, tables, form, id)
    if row is None:
        return Missing(message("There is no record {id}.", id=id))
    return Stale(
        message(
            "Someone else saved this record first: it is at version {current}, you started from {version}.",
            current=row["version"],
            version=version,
        ),
        row["version"],
    )
