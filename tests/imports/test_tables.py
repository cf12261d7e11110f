"""Files of other programs: every way they write a table."""

import datetime as dt

import openpyxl
import pytest

from engine.errors import Invalid
from engine.imports import tables


def read(tmp_path, content, sheet=None):
    source, target = tmp_path / "source", tmp_path / "rows"
    source.write_bytes(content)
    table = tables.convert(source, target, sheet)
    with target.open("rb") as stream:
        return table, [(row.number, row.cells) for row in tables.rows(stream)]


def workbook(tmp_path, fill):
    book = openpyxl.Workbook()
    fill(book)
    book.save(tmp_path / "book.xlsx")
    return (tmp_path / "book.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("名称,价\n张三,1\n".encode(), "utf-8"),
        ("名称,价\n张三,1\n".encode("utf-8-sig"), "utf-8-sig"),
        ("名称,价\n张三,1\n".encode("gb18030"), "gb18030"),
        ("名称,价\n张三,1\n".encode("utf-16"), "utf-16"),
    ],
)
def test_csv_in_every_usual_encoding(tmp_path, content, encoding):
    table, rows = read(tmp_path, content)
    assert (table.encoding, rows) == (encoding, [(1, ["名称", "价"]), (2, ["张三", "1"])])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_whatever_stands_between_the_cells(tmp_path, delimiter):
    content = (
        delimiter.join(["a", "b", '"x,;y"']) + "\n" + delimiter.join(["1", "2,5" if delimiter == ";" else "2", "3"])
    )
    table, rows = read(tmp_path, content.encode())
    assert (table.delimiter, len(rows[0][1]), rows[0][1][2]) == (delimiter, 3, "x,;y")


def test_a_first_line_that_says_the_delimiter(tmp_path):
    assert read(tmp_path, b"sep=;\na;b\n1;2\n")[1] == [(1, ["a", "b"]), (2, ["1", "2"])]


def test_lines_in_cells_and_empty_rows_keep_the_numbers_right(tmp_path):
    assert read(tmp_path, b'a,b\n"1\n2",x\n\n,,\n3,\n')[1] == [(1, ["a", "b"]), (2, ["1\n2", "x"]), (5, ["3"])]


def test_the_apostrophe_of_an_export_is_taken_away_and_no_other(tmp_path):
    assert read(tmp_path, b"'=1+1,'tis,''=2,-5\n")[1] == [(1, ["=1+1", "'tis", "'=2", "-5"])]


def test_cells_of_a_workbook_are_read_as_they_would_be_typed(tmp_path):
    def fill(book):
        book.active.append(["007", 12.0, 0.1 + 0.2, True, dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, 3, 4, 5)])
        book.active.append([dt.time(9, 30), 123456789012345, None, 1e16, "=1+1x"])
        book.active["E2"].data_type = "s"

    assert read(tmp_path, workbook(tmp_path, fill))[1] == [
        (1, ["007", "12", "0.3", "TRUE", "2026-01-02", "2026-01-02 03:04:05"]),
        (2, ["09:30:00", "123456789012345", "", "10000000000000000", "=1+1x"]),
    ]


def test_the_first_sheet_with_rows_or_the_one_that_is_asked_for(tmp_path):
    def fill(book):
        book.create_sheet("Two").append(["b"])
        book.create_sheet("Three").append(["c"])
        book.create_sheet("Hidden").append(["d"])
        book["Hidden"].sheet_state = "hidden"

    content = workbook(tmp_path, fill)
    table, rows = read(tmp_path, content)
    assert (table.sheets, table.sheet, rows) == (("Sheet", "Two", "Three"), "Two", [(1, ["b"])])
    assert read(tmp_path, content, "Three")[1] == [(1, ["c"])]


def test_a_workbook_that_asks_for_terabytes_is_refused(tmp_path):
    def fill(book):
        book.active["A1"] = "a"
        book.active["XFD1048576"] = "z"

    with pytest.raises(Invalid) as refused:
        read(tmp_path, workbook(tmp_path, fill))
    assert str(refused.value) == (
        "The workbook is too large to be read; remove empty rows and columns, or save it as CSV."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\n\n", "The file has no rows."),
        (b"PK\x03\x04nonsense", "The file cannot be read. It should be XLSX, XLS, ODS or CSV."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "The file cannot be read. It should be XLSX, XLS, ODS or CSV."),
        ((",".join("x" * 301) + "\n").encode(), "The table has more than 300 columns."),
    ],
)
def test_what_is_no_table_is_said_in_words(tmp_path, content, words):
    with pytest.raises(Invalid) as refused:
        read(tmp_path, content)
    assert str(refused.value) == words
