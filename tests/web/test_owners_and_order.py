"""Who is responsible as lists name them, the order of bars, second lines, and links found by pinyin."""

from __future__ import annotations

import csv
import io
import re

import pytest
from list_world import PEOPLE, YAML, body_rows, fill


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def test_a_role_that_is_responsible_is_named_where_no_person_is(desk):
    bob = desk.visitor("bob")
    desk.made.take("ticket", desk.ids["A2"], "start", as_="bob")
    rows = body_rows(bob.get("/ticket?columns=number,owner&sort=owner,number"))
    assert [row[1:3] for row in rows] == [
        ["A2", "Boss"], ["A1", "Clerk"], ["A3", "Clerk"], ["B1", "Clerk"], ["B2", "Clerk"], ["B3", "Clerk"],
    ]  # fmt: skip


def test_an_export_names_the_role_too(desk):
    text = desk.visitor("bob").get("/ticket/export.csv?columns=number,owner&sort=number").text.lstrip("\ufeff")
    assert list(csv.reader(io.StringIO(text)))[:2] == [["Number", "Owner"], ["A1", "Clerk"]]


def test_bars_stand_in_the_order_of_the_states_not_of_their_length(desk):
    for number in ("A1", "A2", "A3", "B1"):
        desk.made.take("ticket", desk.ids[number], "start", as_="bob")
    page = desk.visitor("bob").get("/pages/wall/cards/2").text
    assert list(dict.fromkeys(re.findall(r"Open|In work|Done", page))) == ["Open", "In work"]


def test_a_waiting_record_tells_the_second_field_of_its_card(desk):
    page = desk.visitor("ann").get("/").text
    found = re.findall(r'work-title">(A\d)</span><span class="work-sub">([^<]*)</span>', page)
    assert sorted(found) == [("A1", "Ticket · Acme"), ("A2", "Ticket · Beta"), ("A3", "Ticket")]


def test_a_link_is_found_by_pinyin_initials_and_by_letters_inside_a_word(desk):
    bob = desk.visitor("bob")
    desk.made.create("client", as_="bob", name="上海精工")
    assert [one["title"] for one in bob.get("/ticket/options/client?q=shjg").json] == ["上海精工"]
    assert [one["title"] for one in bob.get("/ticket/options/client?q=cme").json] == ["Acme"]
