"""Paper formats: what stands on them, and that it is only what the person may read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.builtin import default_registry
from engine.errors import DefinitionError, DeliveryFailed, Missing
from engine.language import Label, Template
from engine.load import load_text
from engine.paper import formats
from engine.paper.document import documents_of
from engine.prints import PrintFormat, TextPart
from engine.web import print_jobs

YARD = Path(__file__).parents[1] / "apps" / "yard.yaml"


@pytest.fixture
def yard(make_app: Callable[..., Any]) -> Any:
    made = make_app(YARD, people={"ann": "clerk", "bob": "boss"})
    made.sea = made.create("party", name="Sea").id
    made.job = made.create("job", what="Mast", party=made.sea, promised="2030-05-01", cost="777.77", lines=[
        {"part": "Rope", "quantity": "10", "price": "5"}, {"part": "Sail", "quantity": "2", "price": "7"}]).id  # fmt: skip
    return made


def words(document: Any) -> str:
    body = document.text.partition("<body")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_parts_stand_one_below_the_other_with_names_in_both_languages(yard: Any) -> None:
    document = documents_of(yard.application, yard.actor("ann"), "job", [yard.job], "traveller")
    shown = words(document)
    for there in (
        "J0001 Mast",
        "船坞 / Boat Yard",
        "内容 / What Mast",
        "零件 / Part",
        "Rope",
        "12",
        "制单 / Made by",
        "777.77",
    ):
        assert there in shown, there
    assert "field-code-qr" in document.text
    assert "size: 210mm 148mm" in document.text
    assert document.title == "card J0001"


def test_what_may_not_be_read_is_not_printed_neither_in_fields_nor_in_words(yard: Any, make_app: Any) -> None:
    text = YARD.read_text().replace("clerk: {create: true, read: true, update: true, delete: true}",
                                    "clerk: {create: true, read: true, fields: {cost: {read: false}}}")  # fmt: skip
    text = text.replace("maker: {fields:", "clerk: {fields: {price: {read: false}}}\n      maker: {fields:")
    yard.redefine(text)
    document = documents_of(yard.application, yard.actor("ann"), "job", [yard.job], "traveller")
    assert "777" not in document.text
    assert "Costs •••" in words(document)
    assert "价 / Price" not in words(document)


def test_a_record_that_may_not_be_seen_is_left_out_and_nothing_left_is_said(yard: Any) -> None:
    with pytest.raises(DeliveryFailed, match="no record to print"):
        documents_of(yard.application, yard.actor("bob"), "job", [yard.job], "traveller")


def test_one_label_for_each_line_in_rows_on_a_sheet(yard: Any) -> None:
    document = documents_of(yard.application, yard.actor("ann"), "job", [yard.job], "tag")
    assert document.text.count('<td class="label">') == 2
    shown = words(document)
    assert "Rope" in shown
    assert "J0001-Sail" in shown
    assert "field-code-bars" in document.text


@pytest.mark.parametrize(
    ("size", "orientation", "paper"),
    [("A4", "portrait", (210, 297)), ("A5", "landscape", (210, 148)), ("100x60mm", "portrait", (100, 60))],
)
def test_paper_has_its_size(size: str, orientation: Any, paper: tuple[int, int]) -> None:
    made = PrintFormat(label=Label({"": "x"}), size=size, orientation=orientation,
                       parts=(TextPart(text=Template({"": "x"})),))  # fmt: skip
    assert made.paper == paper


def test_only_its_roles_print_a_format(yard: Any) -> None:
    form = yard.application.definition.forms["job"]
    assert [one.name for one in formats.formats_of(form, yard.actor("bob"))] == ["traveller", "plate"]
    with pytest.raises(Missing):
        formats.format_of(form, yard.actor("bob"), "tag")


def test_several_records_become_one_file_of_whoever_asked(yard: Any) -> None:
    app, ann = yard.application, yard.actor("ann")
    second = yard.create("job", what="Keel", party=yard.sea).id
    form = app.definition.forms["job"]
    with app.database.write() as conn:
        job = int(conn.execute(app.tables.job.insert().values(
            kind="print", state="running", total=2, params={"form": "job", "heard_at": "2026-01-01"}, user_id=ann.id,
            created_at=app.clock())).inserted_primary_key[0])  # fmt: skip
    print_jobs.work(app, ann, form.name, "traveller", [yard.job, second], job)
    row = next(one for one in yard.ledger("job") if one["id"] == job)
    assert (row["state"], row["result"]["pages"]) == ("done", 2)
    file = next(one for one in yard.ledger("attachment") if one["id"] == row["result"]["file"])
    assert (file["name"], file["media_type"], file["created_by"], file["record_id"]) == (
        "traveller.pdf", "application/pdf", ann.id, None)  # fmt: skip


def test_a_rule_prints_on_a_format(yard: Any) -> None:
    yard.redefine(YARD, rules="""
      card:
        trigger: {type: created, form: job}
        actions: [{type: print, into: secret_file, print: traveller, language: en}]
    """)  # fmt: skip
    job = yard.create("job", what="Rudder", party=yard.sea)
    yard.deliver()
    [id] = yard.get("job", job)["secret_file"]
    file = next(one for one in yard.ledger("attachment") if one["id"] == id)
    assert (file["name"], file["media_type"]) == ("card J0002.pdf", "application/pdf")


def test_a_format_that_is_not_there_is_said_with_what_may_be_meant() -> None:
    rule = "rules:\n  card:\n    trigger: {type: created, form: job}\n    actions: [{type: print, into: drawing, print: travller}]\n"
    with pytest.raises(DefinitionError) as error:
        load_text(YARD.read_text() + rule, default_registry(), file="yard.yaml")
    assert "'job' has no paper format 'travller'; did you mean 'traveller'?" in str(error.value)
