"""Search finds the same on both databases: words by their beginning, Chinese, pinyin initials, numbers."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from storing import TICKETS, define, insert, install

from engine.storage import page as pages
from engine.storage import records, search
from engine.storage.database import Database
from engine.storage.page import Query
from engine.storage.tables import Tables
from engine.storage.tokens import tokens

RECORDS = {
    "SO202611-00042": ("深圳市华强电子", "Ship before Friday"),
    "SO202611-00043": ("甲公司", 'Über-Größe; it\'s "fragile" 100%'),
    "SO202612-00001": ("重庆钢铁", "甲方要求"),
}


def fill(conn: sa.Connection, tables: Tables) -> None:
    for number, (project, note) in RECORDS.items():
        owner = insert(conn, tables, "project", name=project, _title=project)
        id = insert(conn, tables, "ticket", number=number, project=owner, note=note, _title=number)
        row = records.get(conn, tables, "ticket", id)
        assert row is not None
        search.index(conn, tables, tables.definition.forms["ticket"], row, fresh=True)


def found(conn: sa.Connection, tables: Tables, text: str) -> list[str]:
    query = Query("ticket", ("number",), where=(search.clause(tables, "ticket", text),))
    return [row["number"] for row in pages.page(conn, tables, query).rows]


def test_what_people_type_is_found(database: Database) -> None:
    tables = install(database)
    one, two, three = RECORDS
    expected = {
        "SO202611": [one, two], "so202611-00042": [one], "00043": [two], "2026": [one, two, three],
        "so2026": [one, two, three],
        "华强": [one], "强华": [], "公司": [two], "甲": [two, three], "甲公司 fragile": [two], "甲公司 friday": [],
        "hqdz": [one], "szs": [one], "jgs": [two], "cqgt": [three], "GT": [three], "ship": [one], "fri": [one],
        "über": [two], "größe": [two], "it's": [two], "100": [two], "Ｓｈｉｐ": [one],
        "公司 深": [], "%": [], "' OR 1": [], '"': [], "a AND b": [], "*": [], ":*": [], "~jgs": [two],
    }  # fmt: skip
    with database.write() as conn:
        fill(conn, tables)
        assert {text: found(conn, tables, text) for text in expected} == expected


def test_a_changed_record_is_found_by_its_new_words_only(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        fill(conn, tables)
        row = dict(records.get(conn, tables, "ticket", 1) or {}) | {"note": "at once"}
        search.index(conn, tables, tables.definition.forms["ticket"], row)
        assert found(conn, tables, "friday") == []
        assert found(conn, tables, "once") == ["SO202611-00042"]
        assert found(conn, tables, "华强") == ["SO202611-00042"]


def test_a_rebuilt_index_finds_the_same(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        fill(conn, tables)
        assert search.rebuild(conn, tables, tables.definition.forms["ticket"]) == 3
        assert found(conn, tables, "甲公司") == ["SO202611-00043"]


def test_search_is_limited_to_the_newest_matches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = install(database)
    monkeypatch.setattr(search, "NEWEST", 2)
    with database.write() as conn:
        fill(conn, tables)
        assert found(conn, tables, "so2026") == ["SO202611-00043", "SO202612-00001"]


def test_what_some_may_not_see_is_not_searched() -> None:
    hidden = TICKETS.replace(
        "{create: true, read: true, update: true}}\n    workflow",
        "{create: true, read: true, update: true, fields: {place: {read: false}}}}\n    workflow",
    ).replace("note: {type: long_text}", "note: {type: long_text, sensitive: true}")
    names = [field.name for field in search.searched_fields(define(TICKETS).forms["ticket"])]
    assert names == ["number", "project", "note", "place"]
    assert [field.name for field in search.searched_fields(define(hidden).forms["ticket"])] == ["number", "project"]


def test_tokens_of_a_text() -> None:
    assert tokens(["甲公司 SO2026-7", "Ａb"]) == ["甲", "公", "司", "so", "2026", "7", "~", "ab", "~jgs", "~gs", "~s"]
