"""Steps that need no deliverables, fields that take several, and links that find nothing."""

from __future__ import annotations

import pytest
from making import Made, MakeApp, reasons

from engine.errors import Refused

YARD = """
app: yard
label: Yard
languages: [en, zh]
roles: {clerk: {label: Clerk}}
forms:
  boat:
    label: Boat
    fields:
      code: {type: text, label: Code, required: true, unique: true, pattern: "[A-Z]+"}
    permissions: {clerk: {create: true, read: true}}
  repair:
    label: Repair
    title: record.code
    fields:
      code: {type: text, label: Code, required: true}
      boat: {type: link, form: boat, label: Boat, match: {code: record.code}}
      report: {type: text, label: Report}
      marks: {type: choices, label: Marks, options: {known: {}, urgent: {}}}
    permissions: {clerk: {create: true, read: true, update: true}}
    workflow:
      initial: open
      states: {open: {label: Open, leave_with: [report]}, done: {label: Done, final: true}, gone: {label: Gone, final: true}}
      transitions:
        finish: {label: Finish, from: [open], to: done, roles: [clerk]}
        give_up: {label: Give up, from: [open], to: gone, roles: [clerk], deliverables: false}
rules:
  mark:
    trigger: {type: created, form: repair}
    actions: [{type: set, values: {marks: "several('known' if record.boat else None, 'urgent' if record.report else '')"}}]
"""


@pytest.fixture
def yard(make_app: MakeApp) -> Made:
    return make_app(YARD, people={"ann": "clerk"})


def test_a_step_that_needs_no_deliverables_is_open_without_them(yard: Made) -> None:
    repair = yard.create("repair", code="SWAN", as_="ann")
    with pytest.raises(Refused) as refused:
        yard.take("repair", repair, "finish", as_="ann")
    assert "Report must be there before the state is left." in str(reasons(refused))
    doors = yard.doors("repair", repair, as_="ann")
    assert (doors["finish"].open, doors["give_up"].open) == (False, True)
    yard.take("repair", repair, "give_up", as_="ann")
    assert yard.get("repair", repair)["state"] == "gone"


def test_a_link_finds_nothing_where_no_record_can_have_such_a_value(yard: Made) -> None:
    boat = yard.create("boat", code="SWAN", as_="ann")
    found = [yard.get("repair", yard.create("repair", code=code, as_="ann")) for code in ("SWAN", "swan-2")]
    assert [row["boat"] for row in found] == [boat.id, None]


@pytest.mark.parametrize(("values", "marks"), [({"code": "x"}, None), ({"code": "SWAN"}, ("known",)),
                                               ({"code": "SWAN", "report": "-"}, ("known", "urgent"))])  # fmt: skip
def test_a_rule_fills_a_field_that_takes_several(yard: Made, values: dict[str, str], marks: object) -> None:
    yard.create("boat", code="SWAN", as_="ann")
    assert (yard.get("repair", yard.create("repair", as_="ann", **values))["marks"] or None) == marks
