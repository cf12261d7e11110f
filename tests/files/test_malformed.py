"""Files as people and systems really drop them: the good rows come in, the others go back with row, column and reason,
and a second try makes nothing twice."""

from __future__ import annotations

import pytest
from drops import Drop, copies_in

QUOTE = "A quote is opened and not closed, or closed in the middle of a cell."
LETTERS = "Some letters cannot be read: the file mixes encodings."
WHOLE = "Another row of {} is wrong; it is taken as a whole or not at all."
GOOD = "No,Name,Qty\nA1,Li,1\n"

# name → (content, options, key → one column of each good row, what is written back)
FILES = {
    "gb18030": ("单号,名称,数量\nA1,镕基㐂,1\nA2,𠮷,2\n".encode("gb18030"), {"key": ("单号",)},
                {"A1": ["镕基㐂"], "A2": ["𠮷"]}, []),
    "utf-8 with a mark": ("\ufeffNo,名称\nA1,木\n".encode(), {}, {"A1": ["木"]}, []),
    "utf-16": ("No\t名称\nA1\t木\nA2\t水\n".encode("utf-16"), {}, {"A1": ["木"], "A2": ["水"]}, []),
    "utf-16 without a mark": ("No;Name\r\nA1;x\r\n".encode("utf-16-le"), {}, {"A1": ["x"]}, []),
    "two encodings": ("No,名称\nA1,木材\nA2,".encode() + "钢铁".encode("gb18030") + "\nA3,水泥\n".encode(), {},
                      {"A1": ["木材"], "A3": ["水泥"]}, [["3", "名称", LETTERS]]),
    "gb18030 with a letter cut": ("No,名称\nA1,木材\nA2,".encode("gb18030") + b"\xc4\nA3,\xff\n" + "A4,水泥\n".encode("gb18030"), {},
                                  {"A1": ["木材"], "A4": ["水泥"]}, [["3", "名称", LETTERS], ["4", "名称", LETTERS]]),
    "broken quotes": ('No,Name,Qty\nA1,"Li, Wei",1\nA2,"open,2\nA3,"a"b,3\nA4,5" pipe,4\nA5,"two\nlines",5\n', {},
                      {"A1": ["Li, Wei"], "A4": ['5" pipe'], "A5": ["two\nlines"]}, [["3", "", QUOTE], ["4", "", QUOTE]]),
    "merged heading": ("Report of March,,,\n,,,\nNo,Buyer,,Qty\n,Name,Phone,\nA1,Li,138,1\n", {}, {"A1": ["Li"]}, []),
    "empty and repeated headings": ("No,Qty,,Qty,file\nA1,1,x,2,f\nNo,Qty,,Qty,file\nA2,3,,4,\n", {},
                                    {"A1": ["1"], "A2": ["3"]}, []),
    "wrong number of cells": ("No;Name;Qty\nA1;Li;1\nA2;Wu\nA3;Xu;3;4\nA4;Yu;5\n", {}, {"A1": ["Li"], "A4": ["Yu"]},
                              [["3", "", "The row has 2 cells, the heading 3."],
                               ["4", "", "The row has 4 cells, the heading 3. (… 4)"]]),
    "formulas": ('No,Name,Qty\nA1,=1+1,1\nA2,"=HYPERLINK(""http://x"")",2\n="003",@x,3\nA4,-5\n', {},
                 {"A1": ["=1+1"], "A2": ['=HYPERLINK("http://x")'], "003": ["@x"]},
                 [["5", "", "The row has 2 cells, the heading 3."]]),
    "zeros and mixed line ends": (b"No,Name,Qty\r\nA1,Li,1\rA2,W\0u,2\n\nA3,Xu,3\r\n", {}, {"A1": ["Li"], "A3": ["Xu"]},
                                  [["3", "Name", "The cell holds zeros (NUL) instead of letters."]]),
    "a huge cell": ("No,Name,Qty\nA1,Li,1\nA2," + "x" * 100_001 + ",2\nA3," + "y" * 1_200_000 + ",3\nA4,Yu,4\n", {},
                    {"A1": ["Li"], "A4": ["Yu"]},
                    [["3", "Name", "The cell holds more than 100000 characters."],
                     ["4", "", "The row has more than 1000000 characters."]]),
    "things as a whole": ("No,SKU,Qty\nA1,X,1\nA2,X,1\nA2,Y\nA2,Z,3\nA1,Y,2\n,Q,1\nA3,W,1\n", {},
                          {"A1": ["X", "Y"], "A3": ["W"]},
                          [["3", "", WHOLE.format("A2")], ["4", "", "The row has 2 cells, the heading 3."],
                           ["5", "", WHOLE.format("A2")], ["7", "No", "The cell that names the thing is empty."]]),
    "amounts as they are": ('No\tAmount\tEuro\nA1\t1,234.50\t1.234,50\n', {}, {"A1": ["1,234.50"]}, []),
    "only the delimiter first": ("sep=|\nNo|Name\nA1|Li\n", {}, {"A1": ["Li"]}, []),
    "no such column": ("Nr,Name\nA1,Li\n", {}, {}, [["", "", "None of the first 20 rows has the columns No."]]),
    "an archive": (b"PK\x03\x04" + bytes(200), {}, {},
                   [["", "", "The file is no text but an archive, a picture or the like; drop CSV or XLSX."]]),
    "nothing": (b"", {}, {}, [["", "", "The file is empty."]]),
}  # fmt: skip


@pytest.fixture
def drop(tmp_path, monkeypatch):
    folder = tmp_path / "drop"
    folder.mkdir()
    with copies_in(monkeypatch, tmp_path, folder):
        yield lambda **options: Drop(folder, **options)


@pytest.mark.parametrize("name", FILES)
def test_good_rows_come_in_and_the_others_go_back(drop, name):
    content, options, good, faults = FILES[name]
    place = drop(**options)
    place.put("x.csv", content)
    items = place.look()
    assert {item.key: [list(line.values())[1] for line in item.data["lines"]] for item in items} == good
    assert place.errors("x.csv") == faults
    place.put("again.csv", content)
    assert place.look() == []
    if good:
        assert place.errors("again.csv") == [
            ["", "", "A file with the same content was read already; nothing was taken from this one."]
        ]


def test_columns_are_named_as_their_headings_say(drop):
    place = drop()
    place.put("merged.csv", FILES["merged heading"][0])
    place.put("twice.csv", FILES["empty and repeated headings"][0])
    first, second, _third = place.look()
    assert first.data | {"lines": 1} == {"No": "A1", "Name": "Li", "Phone": "138", "Qty": "1", "row": 5, "file": "merged.csv", "lines": 1}
    assert second.data["lines"] == [{"No": "A1", "Qty": "1", "column 3": "x", "Qty 2": "2", "file 2": "f", "row": 2}]


def test_files_may_call_a_column_by_other_headings(drop):
    place = drop(key=("number",), columns={"number": ("订单号", "Order No"), "quantity": ("数量",)})
    place.put("a.csv", "订单 号,数量\nA1,1\n")
    place.put("b.csv", "quantity,ORDER NO\n2,A2\n")
    place.put("c.csv", "Order No,Name\nA3,Li\n")
    assert [(item.data["number"], item.data["quantity"]) for item in place.look()] == [("A1", "1"), ("A2", "2")]
    assert place.errors("c.csv") == [["", "", "The columns quantity are missing."]]


def test_what_goes_back_is_run_by_no_spreadsheet_and_can_be_dropped_again(drop):
    place = drop()
    place.put("x.csv", "No,Name,Qty\n=1,+2\n@A,-3,x\n")
    assert [item.key for item in place.look()] == ["@A"]
    text = (place.folder / "x.csv.errors.csv").read_text("utf-8-sig")
    assert text.splitlines()[1].startswith("'=1,'+2,,2,,")
    place.put("mended.csv", text)
    assert [(item.key, item.data["Name"]) for item in place.look()] == [("=1", "+2")]


def test_a_workbook_is_read_like_a_text(drop):
    import xlsxwriter

    place = drop(pattern="*.xlsx")
    book = xlsxwriter.Workbook(place.folder / "x.xlsx")
    for number, row in enumerate([["No", "Name", "Qty"], ["A1", "Li", 1.5], ["A1", "Wu", 2], ["", "Xu", 3], ["A2"]]):
        book.add_worksheet() if not number else None
        book.worksheets()[0].write_row(number, 0, row)
    book.close()
    place.now = place.now.fromtimestamp((place.folder / "x.xlsx").stat().st_mtime + 60, place.now.tzinfo)
    assert [(item.key, [line["Qty"] for line in item.data["lines"]]) for item in place.look()] == [("A1", ["1.5", "2"]), ("A2", [""])]
    assert place.errors("x.xlsx") == [["4", "No", "The cell that names the thing is empty."]]


def test_the_reasons_are_in_the_language_of_the_place(drop):
    place = drop(language="zh")
    place.put("x.csv", "No,Name\nA1\n")
    place.look()
    assert place.errors("x.csv") == [["2", "", "该行有 1 个单元格，表头有 2 个。"]]
    heading = (place.folder / "x.csv.errors.csv").read_text("utf-8-sig").splitlines()[0]
    assert heading == "No,Name,行,列,原因"
