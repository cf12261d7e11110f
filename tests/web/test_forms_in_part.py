"""Forms that are somebody's only in part, what follows from what is chosen, and exceptions that say why."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from visiting import Grounds, text

DEPOT = """
app: depot
label: Depot
languages: [en, zh]
roles: {clerk: {label: Clerk}, boss: {label: Boss}, picker: {label: Picker}}
forms:
  part:
    label: Part
    title: record.name
    fields:
      name: {type: text, label: Name, required: true}
      pack: {type: integer, label: Pack}
      secret: {type: boolean, label: Secret}
    permissions: {clerk: {create: true, read: not record.secret}, boss: {read: true}, picker: {read: true}}
  need:
    label: Need
    title: record.name
    fields:
      name: {type: text, label: Name, required: true}
      part: {type: link, form: part, label: Part, required: true}
      count: {type: integer, label: Count, required: true, default_expression: record.part.pack}
      wanted: {type: integer, label: Wanted, default_expression: record.part.pack}
      checked: {type: boolean, label: Checked}
      packed: {type: computed, label: Packed, result: {type: integer}, value: record.part.pack + 1}
      rows: {type: lines, form: row, label: Rows}
    sections:
      - {label: What, fields: [name, part, count, wanted, packed, rows]}
      - {label: Control, fields: [checked]}
    views:
      all: {type: list, label: All, columns: [name, part, count], card: [name, part, count]}
    permissions:
      clerk: {create: true, read: true, update: "record.state == 'open'"}
      boss: {read: true, fields: {checked: {update: true}}}
      picker: {read: true}
    workflow:
      initial: open
      states:
        open: {label: Open}
        held: {label: Held, aside: true}
        done: {label: Done, final: true}
      transitions:
        hold: {label: Hold, from: [open], to: held, roles: [boss], reason: required}
        go_on: {label: Go on, from: [held], to: open, roles: [boss]}
        finish: {label: Finish, from: [open], to: done, roles: [picker]}
  row:
    label: Row
    fields:
      part: {type: link, form: part, label: Part, required: true}
      count: {type: integer, label: Count, required: true, default_expression: record.part.pack}
      packed: {type: computed, label: Packed, result: {type: integer}, value: record.part.pack + 1}
tasks:
  pick: {label: Pick, roles: [picker], form: need, transition: finish}
"""
PEOPLE = {"ann": "clerk", "bob": "boss", "pat": "picker"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def depot(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(DEPOT, people=PEOPLE)
    found.made.create("part", name="Bolt", pack=12, as_="ann")
    return found


def posted(page: str) -> dict[str, str]:
    """What a browser would send of the inputs that stand on a page."""
    form = page[page.index('id="record-form"') :]
    inputs = re.findall(r"<input[^>]*>", form[: form.index("</form>")])
    found = {}
    for one in inputs:
        name, value = re.search(r'\bname="([^"]+)"', one), re.search(r'\bvalue="([^"]*)"', one)
        if name and not ("checkbox" in one and "checked" not in one):
            found[name[1]] = html.unescape(value[1]) if value else ""
    return found


def test_rows_somebody_may_not_change_do_not_keep_the_rest_from_being_saved(depot: Grounds) -> None:
    need = depot.made.create("need", name="A", part=1, rows=[{"part": 1}], as_="ann")
    bob = depot.visitor("bob")
    assert re.findall(r'edit-jump" href="([^"]+)', bob.get(f"/need/{need.id}").text) == ["/need/1/edit#field-checked"]
    page = bob.get(f"/need/{need.id}/edit").text
    assert "Bolt" in page
    assert "line-handle" not in page
    answer = bob.post(f"/need/{need.id}", {**posted(page), "checked": "true"})
    assert answer.status_code == 303, text(answer)
    row = depot.made.get("need", need.id)
    assert row["checked"]


def test_what_is_required_and_left_empty_follows_from_what_was_chosen(depot: Grounds) -> None:
    ann = depot.visitor("ann")
    assert posted(ann.get("/need/new?part=1").text)["count"] == "12"  # chosen by the address
    typing = {"part": "1", "count": "", "rows": "1", "rows.0.part": "1", "rows.0.count": ""}
    assert ann.post("/need/react", typing).get_json()["defaults"] == {"count": "12", "rows.0.count": "12"}
    answer = ann.post("/need/new", {
        "name": "B", "part": "1", "count": "", "wanted": "", "rows": "1", "rows.0.id": "", "rows.0.part": "1",
        "rows.0.count": "",
    })  # fmt: skip
    assert answer.status_code == 303, text(answer)
    row = depot.made.get("need", int(answer.location.rsplit("/", 1)[-1]))
    assert (row["count"], row["wanted"]) == (12, None)  # what need not be filled was emptied on purpose
    again = ann.post(f"/need/{row['id']}", {"name": "B", "part": "1", "count": "", "_version": str(row["version"])})
    assert again.status_code == 422


def test_nothing_follows_from_what_may_not_be_seen(depot: Grounds) -> None:
    depot.made.create("part", name="Safe", pack=4711, secret=True)
    ann = depot.visitor("ann")
    assert "4711" not in ann.get("/need/new?part=2").text
    typing = {"part": "2", "count": "", "rows": "1", "rows.0.part": "2", "rows.0.count": ""}
    seen = ann.post("/need/react", typing | {"part": "1", "rows.0.part": "1"}).text
    assert "13" in seen  # the packed ones of what may be seen
    unseen = ann.post("/need/react", typing).text
    assert not re.search("4,?71[12]", unseen)


def test_an_exception_says_why(depot: Grounds) -> None:
    need = depot.made.create("need", name="C", part=1, as_="ann")
    depot.made.take("need", need, "hold", reason="The truck is late", as_="bob")
    assert "Reason: The truck is late" in text(depot.visitor("ann").get(f"/need/{need.id}"))
    depot.made.take("need", need.id, "go_on", as_="bob")
    page = depot.visitor("ann").get(f"/need/{need.id}").text
    assert "path-why" not in page


def test_a_task_tells_its_records_apart(depot: Grounds) -> None:
    depot.made.create("need", name="D", part=1, count=5, as_="ann")
    (told,) = depot.visitor("pat").get("/tasks/pick/data").get_json()["records"]
    assert told["about"] == "Bolt · Count 5"
