"""The import wizard over HTTP: given a file, when a person goes through its pages, then this."""

from __future__ import annotations

import io
import re
import threading

import openpyxl
import pytest
from desk import DESK
from visiting import Grounds, text

PEOPLE = {"lea": "lead", "ann": "agent", "gus": "guest"}
GUEST = "  guest: {label: {zh: 访客, en: Guest}}\nforms:"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def site(make_app):
    return Grounds(make_app(DESK.replace("forms:", GUEST, 1), people=PEOPLE))


@pytest.fixture
def lea(site):
    return site.visitor("lea")


def upload(visitor, content, name="tickets.csv", form="ticket"):
    """The address of the import."""
    data = {"file": (io.BytesIO(content.encode() if isinstance(content, str) else content), name)}
    answer = visitor.post(f"/{form}/import", data, content_type="multipart/form-data")
    assert answer.status_code == 303, text(answer)
    return answer.location


def done(visitor, address):
    """The page once nothing works in the background any more."""
    for thread in threading.enumerate():
        if thread.name.startswith("import "):
            thread.join(20)
    return text(visitor.get(address))


def checked(visitor, content, **options):
    address = upload(visitor, content, **options)
    assert visitor.post(f"{address}/check").status_code == 303
    return address, done(visitor, address)


def test_from_the_file_to_the_records_and_back(site, lea):
    address, said = checked(lea, "Subject,Level\nOne,High\nTwo,odd\n")
    assert "Checked: nothing is saved yet" in said
    assert "1 to be created 1 with mistakes" in said
    assert "3 Level odd Level must be one of Low, High; got “odd”." in said
    assert site.made.count("ticket") == 0
    lea.post(f"{address}/bring")
    assert "Brought in" in done(lea, address)
    assert site.made.count("ticket") == 1
    rows = text(lea.get(f"{address}/rows"))
    assert "2 created One" in rows
    assert "3 not brought in Level must be one of" in rows
    lea.post(f"{address}/undo")
    assert "1 taken back" in done(lea, address)
    assert site.made.count("ticket") == 0
    assert "tickets.csv" in text(lea.get("/ticket/import"))


def test_what_is_chosen_for_the_columns_is_kept_at_once(lea):
    address = upload(lea, "What,Who\nOne,ann\n")
    page = lea.get(address)
    assert "Subject is required and has no column." in text(page)
    assert re.search(r'<button class="btn btn-primary" disabled>', page.text)
    answer = lea.htmx("POST", f"{address}/columns", data={"column.0": "subject", "column.1": "agent", "mode": "create"})
    assert "<html" not in answer.text
    assert "Everything required has a column." in text(answer)
    assert '<option value="agent" selected>' in lea.get(address).text


def test_a_sheet_and_the_row_of_headings_are_chosen(lea):
    book = openpyxl.Workbook()
    book.active.append(["Tickets"])
    book.active.append(["Subject"])
    book.active.append(["One"])
    book.create_sheet("Others").append(["Subject"])
    book["Others"].append(["Two"])
    file = io.BytesIO()
    book.save(file)
    address = upload(lea, file.getvalue(), name="book.xlsx")
    page = lea.get(address).text
    assert 'id="heading" name="heading" type="number" min="1" max="100" inputmode="numeric" value="2"' in page
    lea.post(f"{address}/columns", {"sheet": "Others", "heading": "2"})
    page = lea.get(address)
    assert "<option selected>Others</option>" in page.text
    assert "Two" in text(page)


def test_the_rows_with_mistakes_are_given_back_and_can_be_brought_in_again(site, lea):
    address, _said = checked(lea, "Subject,Pay\n=1+1,x\nTwo,2\n")
    answer = lea.get(f"{address}/mistakes.csv", buffered=True)
    assert answer.data.decode("utf-8-sig").splitlines() == [
        "Subject,Pay,Result,What is wrong",
        "'=1+1,x,not brought in,Pay must be a number such as 1234.50; got “x”.",
    ]
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    book = openpyxl.load_workbook(io.BytesIO(lea.get(f"{address}/mistakes.xlsx", buffered=True).data))
    assert [cell.value for cell in book.active[2]][:2] == ["=1+1", "x"]
    assert book.active["A2"].data_type == "s"
    corrected = answer.data.decode("utf-8-sig").replace(",x,", ",5,")
    address, said = checked(lea, corrected)
    assert "1 to be created 0 with mistakes" in said
    lea.post(f"{address}/bring")
    done(lea, address)
    assert site.made.count("ticket") == 1
    result = lea.get(f"{address}/result.csv", buffered=True).data.decode("utf-8-sig")
    assert result.splitlines()[1].startswith("'=1+1,5,not brought in,")  # the column beside it was the first result
    assert result.splitlines()[1].endswith(",created,")


def test_the_template_names_what_can_be_brought_in(lea):
    book = openpyxl.load_workbook(io.BytesIO(lea.get("/ticket/import/template.xlsx", buffered=True).data))
    headings = [cell.value for cell in book.active[1]]
    assert headings[:3] == ["Reference", "Subject", "Project"]
    assert "Tasks / What" in headings
    assert "Hours" not in headings  # worked out by itself


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n\0\0", "The file cannot be read. It should be XLSX, XLS, ODS or CSV."),
    ],
)
def test_a_file_that_is_no_table_is_refused_on_the_page(lea, content, words):
    data = {"file": (io.BytesIO(content), "x.csv")}
    answer = lea.post("/ticket/import", data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert words in text(answer)


def test_without_a_file_the_page_says_so(lea):
    answer = lea.post("/ticket/import", {})
    assert (answer.status_code, "Choose a file first." in text(answer)) == (422, True)


def test_whoever_may_not_import_finds_no_wizard(site):
    gus = site.visitor("gus")
    assert gus.get("/ticket/import").status_code == 404  # may not even see tickets
    assert site.visitor("ann").get("/ticket/import").status_code == 200


def test_an_import_is_seen_by_who_began_it_and_by_administrators(site, lea):
    address, _said = checked(lea, "Subject\nOne\n")
    ann = site.visitor("ann")
    for path in (address, f"{address}/rows", f"{address}/mistakes.csv", f"{address}/result.xlsx"):
        assert ann.get(path).status_code == 404
    for verb in ("check", "bring", "cancel", "continue", "undo", "again", "columns"):
        assert ann.post(f"{address}/{verb}").status_code == 404
    assert lea.get(address.replace("/ticket/", "/project/")).status_code == 404
    assert site.visitor("admin").get(address).status_code == 200


def test_nothing_happens_without_the_token_of_the_page(site, lea):
    address, _said = checked(lea, "Subject\nOne\n")
    for verb in ("check", "bring", "undo"):
        assert lea.post(f"{address}/{verb}", token="").status_code in (400, 403)
    assert site.made.count("ticket") == 0


def test_bringing_in_twice_does_it_once(site, lea):
    address, _said = checked(lea, "Subject\nOne\n")
    assert lea.post(f"{address}/bring").status_code == 303
    assert lea.post(f"{address}/bring").status_code == 409
    done(lea, address)
    assert site.made.count("ticket") == 1


def test_fields_a_person_may_not_read_are_no_choice(site):
    page = site.visitor("ann").get(upload(site.visitor("ann"), "Subject,Pay\nOne,1\n")).text
    assert 'value="pay"' not in page
