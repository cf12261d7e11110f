"""Files of a list: exactly the view, streamed, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io

import openpyxl
import pytest
from list_world import PEOPLE, YAML, fill

from engine.spreadsheets import guarded


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def read_csv(answer):
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_a_csv_holds_the_columns_conditions_and_order_of_the_list(desk):
    answer = desk.visitor("bob").get(
        "/ticket/export.csv?columns=number,amount,due_on,client,level&where.level.eq=high&sort=-number"
    )
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="ticket-2026-03-04.csv"')
    assert read_csv(answer) == [
        ["Number", "Amount", "Due on", "Client", "Level"],
        ["B2", "7.00", "2026-03-05", "", "High"],
        ["A3", "", "2026-03-20", "Hush", "High"],
        ["A1", "10.00", "2026-03-02", "Acme", "High"],
    ]


def test_an_xlsx_holds_typed_cells(desk):
    answer = desk.visitor("bob").get("/ticket/export.xlsx?columns=number,amount,due_on,created_at&where.number.eq=A1")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == ("Number", "Amount", "Due on", "Created")
    assert rows[1][:3] == ("A1", 10, dt.datetime(2026, 3, 2))
    assert rows[1][3] == dt.datetime(2026, 3, 4, 9, 30)
    assert sheet["B2"].number_format == "#,##0.00"


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1", " =1", '"=1', "'=1"])
def test_a_text_is_never_a_formula(evil):
    assert guarded(evil) == "'" + evil


@pytest.mark.parametrize("harmless", ["", "a=1", "12-3", "李雷", "1 + 1"])
def test_other_texts_stay_as_they_are(harmless):
    assert guarded(harmless) == harmless


def test_a_formula_in_a_record_reaches_neither_file(desk):
    evil = "=HYPERLINK(1)"
    desk.made.update("ticket", desk.ids["A1"], as_="bob", report=evil)
    bob = desk.visitor("bob")
    assert read_csv(bob.get("/ticket/export.csv?columns=report&where.number.eq=A1"))[1] == ["'" + evil]
    sheet = openpyxl.load_workbook(
        io.BytesIO(bob.get("/ticket/export.xlsx?columns=report&where.number.eq=A1").data)
    ).active
    assert (sheet["A2"].value, sheet["A2"].data_type) == (evil, "s")


def test_more_than_a_chunk_is_exported_whole_and_once(desk):
    import sqlalchemy as sa

    table = desk.app.tables.form["ticket"]
    now = desk.made.clock()
    rows = [
        {"number": f"N{n:05}", "created_at": now, "updated_at": now, "_title": "", "version": 1, "state": "open"}
        for n in range(2500)
    ]
    with desk.app.database.write() as conn:
        conn.execute(sa.insert(table), rows)
    found = read_csv(desk.visitor("bob").get("/ticket/export.csv?columns=number&sort=number&where.number.starts=N"))
    assert [row[0] for row in found[1:]] == [f"N{n:05}" for n in range(2500)]
