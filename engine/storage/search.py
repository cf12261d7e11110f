"""Full-text search: an FTS5 table per form on SQLite, a table of tsvectors on PostgreSQL, both over our own tokens.

Neither database's own parser is used: both then find the same, Chinese without spaces included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from engine.definition import AppDefinition, Form
from engine.fields.base import Field
from engine.formats import Reader
from engine.language import Condition
from engine.storage import records
from engine.storage.catalog import quoted
from engine.storage.prepared import Row, value
from engine.storage.tables import Tables, linked_form, short
from engine.storage.tokens import LONGEST_INITIALS, is_chinese, tokens, words

NEWEST = 1000  # matches a search looks among
MOST_TERMS = 8
CHUNK = 500
MOST_WORDS = 32  # of one term
_LETTERS = re.compile(r"[a-z]{1,12}")


def index_name(form: str) -> str:
    return short(f"_fts_{form}")


# --- what is searched ------------------------------------------------------------------------------------------------


def searched_fields(form: Form) -> tuple[Field, ...]:
    """The fields whose text is in the index: never one that somebody who sees the record may not see."""
    return tuple(
        field
        for field in form.fields.values()
        if (field.full_text if field.searchable is None else field.searchable)
        and field.column_type() is not None
        and not field.sensitive
        and not _hidden_from_some(form, field.name)
    )


def _hidden_from_some(form: Form, name: str) -> bool:
    grants = (grant.fields.get(name) for grant in form.permissions.values())  # type: ignore[call-overload]
    return any(grant is not None and grant.read not in (None, Condition.ALWAYS) for grant in grants)


def texts_of(fields: Sequence[Field], row: Mapping[str, Any], titles: Mapping[str, str], reader: Reader) -> list[str]:
    """The texts of a row; ``titles``: field name → title of what the link names."""
    found = [str(row.get("_title") or "")]
    for field in fields:
        content = row.get(field.name)
        if content is None:
            continue
        if linked_form(field):
            found.append(titles.get(field.name, ""))
        else:
            found.append(field.format(content, reader))
    return [text for text in dict.fromkeys(found) if text]


def _searched(tables: Tables, form: Form) -> tuple[Field, ...]:
    """As ``searched_fields``; worked out once per definition."""
    kept: dict[str, tuple[Field, ...]] = tables.kept.setdefault("searched", {})
    found = kept.get(form.name)
    if found is None:
        found = kept[form.name] = searched_fields(form)
    return found


# --- writing ---------------------------------------------------------------------------------------------------------


def index(
    conn: sa.Connection,
    tables: Tables,
    form: Form,
    row: Mapping[str, Any],
    titles: Mapping[str, str] | None = None,
    *,
    fresh: bool = False,
) -> None:
    """Put a row into the index of its form. ``titles`` of its links are fetched if they are not given.

    ``fresh``: the record was inserted just now, so nothing of it stands in the index yet.
    """
    if form.parent_form:
        return
    known = _titles(conn, tables, form, [row])[row["id"]] if titles is None else titles
    _write(
        conn, tables, form.name, [(row["id"], texts_of(_searched(tables, form), row, known, _reader(tables)))], fresh
    )


def index_many(conn: sa.Connection, tables: Tables, form: Form, rows: Sequence[Row], *, fresh: bool = False) -> None:
    """As ``index`` for many rows at once."""
    if form.parent_form or not rows:
        return
    titles, reader, fields = _titles(conn, tables, form, rows), _reader(tables), _searched(tables, form)
    entries = [(row["id"], texts_of(fields, row, titles[row["id"]], reader)) for row in rows]
    _write(conn, tables, form.name, entries, fresh)


def rebuild(conn: sa.Connection, tables: Tables, form: Form) -> int:
    """Make the index of a form anew from its records; answers how many."""
    if form.parent_form:
        return 0
    table = tables.form[form.name]
    conn.execute(sa.delete(_table(form.name, conn.dialect.name)))
    last = count = 0
    while True:
        select = sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
        rows = [dict(row) for row in conn.execute(select).mappings()]
        index_many(conn, tables, form, rows, fresh=True)
        count += len(rows)
        if len(rows) < CHUNK:
            return count
        last = rows[-1]["id"]


def _reader(tables: Tables) -> Reader:
    definition = tables.definition
    return Reader(definition.languages[0], definition.timezone, definition.currency)


def _titles(conn: sa.Connection, tables: Tables, form: Form, rows: Sequence[Mapping[str, Any]]) -> dict[int, Row]:
    found: dict[int, Row] = {row["id"]: {} for row in rows}
    for field in _searched(tables, form):
        target = linked_form(field)
        if target is None:
            continue
        names = records.titles(conn, tables, target, {row[field.name] for row in rows if row.get(field.name)})
        for row in rows:
            if row.get(field.name) in names:
                found[row["id"]][field.name] = names[row[field.name]]
    return found


def _write(
    conn: sa.Connection, tables: Tables, form: str, entries: Sequence[tuple[int, list[str]]], fresh: bool = False
) -> None:
    dialect = conn.dialect
    if not fresh:
        tables.statements.get(("unindex", form), dialect, lambda: _without(form, dialect.name)).execute_many(
            conn, [{"id_": id} for id, _texts in entries]
        )
    statement = tables.statements.get(("index", form), dialect, lambda: _with(form, dialect.name))
    write = " ".join if dialect.name == "sqlite" else _as_vector
    statement.execute_many(conn, [{"id_": id, "words_": write(tokens(texts))} for id, texts in entries])


def _without(form: str, dialect: str) -> sa.Delete:
    table = _table(form, dialect)
    return sa.delete(table).where(table.c[_key(dialect)] == value("id_"))


def _with(form: str, dialect: str) -> sa.Insert:
    table = _table(form, dialect)
    return sa.insert(table).values({_key(dialect): value("id_"), "words": value("words_", table.c.words.type)})


def _as_vector(found: Sequence[str]) -> str:
    """``'so':1 '2026':2``; initials need no place. A lexeme knows at most 256 places, the last 16383."""
    return " ".join(
        f"'{token}'" if token.startswith("~") else f"'{token}':{place}" for place, token in enumerate(found, 1)
    )


def strays(tables: Tables, form: str, dialect: str) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The ids of records that are not in the index of their form, and those in the index there is no record of."""
    kept, table = _table(form, dialect), tables.form[form]
    key = kept.c[_key(dialect)]
    without = sa.select(table.c.id).where(table.c.id.not_in(sa.select(key))).order_by(table.c.id)
    return without, sa.select(key).where(key.not_in(sa.select(table.c.id))).order_by(key)


# --- searching -------------------------------------------------------------------------------------------------------


class Found(sa.ColumnElement[bool]):
    """The ids that match, in the words of whichever database is asked."""

    inherit_cache = True
    type = sa.Boolean()
    _traverse_internals = [
        ("sqlite", InternalTraversal.dp_clauseelement),
        ("postgresql", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, sqlite: Any, postgresql: Any) -> None:
        self.sqlite, self.postgresql = sqlite, postgresql


@compiles(Found)
def _found(element: Found, compiler: SQLCompiler, **kw: Any) -> str:
    return str(compiler.process(getattr(element, compiler.dialect.name), **kw))


def clause(tables: Tables, form: str, query: str) -> sa.ColumnElement[bool]:
    """The records of a form in which every word of the query occurs, among the newest 1,000 such records.

    The last part of each word may go on: ``so2026`` finds SO202611-00042, ``jgs`` finds 甲公司.
    """
    terms = [words(term)[:MOST_WORDS] for term in query.split()[:MOST_TERMS]]
    terms = [term for term in terms if term]
    if not terms:
        return sa.false()
    key = tables.form[form].c.id
    sqlite, postgresql = _table(form, "sqlite"), _table(form, "postgresql")
    asked = sa.bindparam(None, " AND ".join(_sqlite_term(term) for term in terms), type_=sa.Text)
    words_asked = sa.bindparam(None, " & ".join(_postgresql_term(term) for term in terms), type_=sa.Text)
    return Found(
        key.in_(_newest(sqlite, sqlite.c.rowid, sa.column(index_name(form)).op("MATCH")(asked))),
        key.in_(_newest(postgresql, postgresql.c.id, postgresql.c.words.op("@@")(sa.cast(words_asked, TSQUERY)))),
    )


def _newest(table: sa.TableClause, key: Any, matches: Any) -> sa.Select[Any]:
    return sa.select(key).select_from(table).where(matches).order_by(key.desc()).limit(sa.literal_column(str(NEWEST)))


def _sqlite_term(term: Sequence[str]) -> str:
    phrase = _sqlite_phrase(term)
    return f"({phrase} OR {_sqlite_phrase([_initials(term)])})" if _initials(term) else phrase


def _postgresql_term(term: Sequence[str]) -> str:
    phrase = _postgresql_phrase(term)
    return f"({phrase} | {_postgresql_phrase([_initials(term)])})" if _initials(term) else f"({phrase})"


def _initials(term: Sequence[str]) -> str:
    """The token of pinyin initials a word may be meant as, ``""`` if none."""
    return f"~{term[0][:LONGEST_INITIALS]}" if len(term) == 1 and _LETTERS.fullmatch(term[0]) else ""


def _sqlite_phrase(found: Sequence[str]) -> str:
    return f'"{" ".join(found)}"' + ("" if is_chinese(found[-1]) else " *")


def _postgresql_phrase(found: Sequence[str]) -> str:
    return " <-> ".join(f"'{token}'" for token in found) + ("" if is_chinese(found[-1]) else ":*")


# --- the tables ------------------------------------------------------------------------------------------------------


def prepare(conn: sa.Connection, definition: AppDefinition, tables: Tables, stale: Iterable[str] = ()) -> None:
    """Make the indexes that are missing, remove those of forms that are gone, rebuild new and ``stale`` ones."""
    wanted = {index_name(form.name): form for form in definition.forms.values() if not form.parent_form}
    present = _present(conn)
    for name in present - wanted.keys():
        conn.exec_driver_sql(f"DROP TABLE {quoted(conn, name)}")
    for name, form in wanted.items():
        if name not in present:
            for statement in _create(conn, name):
                conn.exec_driver_sql(statement)
        if name not in present or form.name in set(stale):
            rebuild(conn, tables, form)


def _present(conn: sa.Connection) -> set[str]:
    if conn.dialect.name == "sqlite":
        select = (
            "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%' AND substr(name, 1, 5) = '_fts_'"
        )
    else:
        select = (
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND left(relname, 5) = '_fts_'"
            " AND relnamespace = current_schema()::regnamespace"
        )
    return set(conn.execute(sa.text(select.replace("::", "\\:\\:"))).scalars())


def _create(conn: sa.Connection, name: str) -> tuple[str, ...]:
    table = quoted(conn, name)
    if conn.dialect.name == "sqlite":
        tokenizer = """tokenize = "unicode61 remove_diacritics 0 tokenchars '~'" """
        return (f"CREATE VIRTUAL TABLE {table} USING fts5(words, {tokenizer})",)
    return (
        f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
        f"CREATE INDEX {quoted(conn, short('ix_' + name))} ON {table} USING gin (words)",
    )


def _table(form: str, dialect: str) -> sa.TableClause:
    kind: Any = sa.Text() if dialect == "sqlite" else TSVECTOR()
    return sa.table(index_name(form), sa.column(_key(dialect), sa.BigInteger()), sa.column("words", kind))


def _key(dialect: str) -> str:
    return "rowid" if dialect == "sqlite" else "id"
