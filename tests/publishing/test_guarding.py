"""What designers may publish themselves, and what only administrators may."""

from __future__ import annotations

from functools import cache

import pytest

from engine.builtin import default_registry
from engine.definition import AppDefinition
from engine.load import load_text
from engine.publishing.guarding import guards

HUB = """\
app: hub
label: Hub
languages: [en]
roles: {clerk: {label: Clerk}, chief: {label: Chief}}
designers: [clerk]
connections:
  post: {type: http, base_url: "https://example.org"}
forms:
  team:
    label: Team
    fields:
      name: {type: text}
      budget: {type: integer}
    permissions: {chief: {read: true}}
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text}
      team: {type: link, form: team}
      cost: {type: integer}
      secret: {type: text, sensitive: true}
      open: {type: computed, result: {type: boolean}, value: record.cost > 3}
    permissions:
      clerk: {read: record.open, create: true, fields: {cost: {read: false}}}
      chief: {read: true}
    workflow:
      initial: new
      states: {new: {label: New}, held: {label: Held}, done: {label: Done, final: true}}
      transitions:
        hold: {label: Hold, from: [new], to: held, roles: [chief]}
        finish: {label: Finish, from: [new, held], to: done, roles: [chief]}
rules:
  greet:
    trigger: {type: created, form: ticket}
    actions: [{type: notify, to: [chief], message: "New: {{ record.name }}"}]
  push:
    trigger: {type: button, form: ticket, label: Push, roles: [chief]}
    actions: [{type: http, connection: post, method: POST, path: /x}]
pages:
  wall: {label: Wall, roles: [chief], cards: [{type: number, label: Tickets, form: ticket}]}
demo_users:
  ann: {name: Ann, roles: [clerk]}
"""


@cache
def read(text: str) -> AppDefinition:
    return load_text(text, default_registry()).definition


def said(*changes: tuple[str, str]) -> list[str]:
    text = HUB
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return [str(each) for each in guards(read(HUB), read(text))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("label: Hub", "label: The hub  # renamed"),
        ("clerk: {label: Clerk}", "clerk: {label: The clerk}"),
        ("      name: {type: text}\n      team", "      name: {type: text, required: true}\n      more: {type: date}\n      team"),
        ("states: {new: {label: New}", "states: {new: {label: Fresh, within: 2d}"),
        ('message: "New: {{ record.name }}"', 'message: "Look: {{ record.name }}"'),
        ("to: done, roles: [chief]", "to: done, when: record.name != 'x', roles: [chief]"),
        ("  wall: {label: Wall", "  more: {label: More, cards: [{type: number, label: N, form: ticket}]}\n  wall: {label: Wall"),
        ("      cost: {type: integer}", "      price: {type: integer, id: cost}"),
    ],
)  # fmt: skip
def test_designers_may(old: str, new: str) -> None:
    if "id: cost" in new:
        assert said((old, new), ("fields: {cost:", "fields: {price:"), ("record.cost > 3", "record.price > 3")) == [
            "how open of Ticket comes about, on which rights depend", "open of Ticket, which reads price",
        ]  # fmt: skip
    else:
        assert said((old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "guarded"),
    [
        ("chief: {label: Chief}}", "chief: {label: Chief}, boss: {label: Boss}}", ["the roles"]),
        ("designers: [clerk]", "designers: [clerk, chief]", ["who may design"]),
        ("https://example.org", "https://example.com", ["the systems outside"]),
        ("ann: {name: Ann, roles: [clerk]}", "ann: {name: Ann, roles: [chief]}", ["the people to try it as"]),
        ("clerk: {read: record.open, create: true", "clerk: {read: true, create: true", ["the permissions of Ticket"]),
        ("cost: {read: false}", "cost: {read: true}", ["the permissions of Ticket"]),
        ("secret: {type: text, sensitive: true}", "secret: {type: text}", ["who sees secret of Ticket"]),
        ("secret: {type: text, sensitive: true}", "plain: {type: text, renamed_from: secret}", ["who sees secret of Ticket"]),
        ("to: done, roles: [chief]", "to: done, roles: [chief, clerk]", ["who may take Finish of Ticket"]),
        ("        finish:", "        back: {label: Back, from: [held], to: new, roles: [clerk]}\n        finish:",
         ["who may take Back of Ticket"]),
        ("rules:\n", "rules:\n  close:\n    trigger: {type: created, form: ticket}\n    actions: [{type: take, transition: finish}]\n",
         ["who may take Finish of Ticket"]),
        ("path: /x", "path: /y", ["the rule push, which reaches outside or runs a script"]),
        ("wall: {label: Wall, roles: [chief]", "wall: {label: Wall, roles: [chief, clerk]", ["who may open Wall"]),
        ("record.cost > 3", "record.name != ''", ["how open of Ticket comes about, on which rights depend"]),
        ("New: {{ record.name }}", "New: {{ record.cost }}", ["the rule greet, which reads cost"]),
        ("title: record.name", "title: record.secret", ["the titles of Ticket, which read secret"]),
        ("      cost: {type: integer}", "      cost: {type: integer}\n      twice: {type: computed, result: {type: integer}, value: record.cost * 2}",
         ["twice of Ticket, which reads cost"]),
        ("      cost: {type: integer}", "      cost: {type: integer}\n      money: {type: lookup, via: team, field: budget}",
         ["money of Ticket, which reads team"]),
        ("rules:\n", "rules:\n  raise:\n    trigger: {type: created, form: ticket}\n    actions: [{type: set, values: {cost: '9'}}]\n",
         ["the rule raise, which sets cost, on which rights depend", "the rule raise, which reads cost"]),
    ],
)  # fmt: skip
def test_only_administrators_may(old: str, new: str, guarded: list[str]) -> None:
    assert said((old, new)) == guarded


def test_where_a_step_leads_is_guarded() -> None:
    steps = HUB.replace(
        "        finish:", "        park: {label: Park, from: [new], to: held, roles: [clerk]}\n        finish:"
    )
    shorter = steps.replace("label: Park, from: [new], to: held", "label: Park, from: [new], to: done")
    assert [str(each) for each in guards(read(steps), read(shorter))] == ["who may take Park of Ticket"]


def test_a_step_by_another_name_is_the_same_step() -> None:
    assert said(
        ("held: {label: Held}", "parked: {id: held, label: Held}"), ("to: held", "to: parked"),
        ("[new, held]", "[new, parked]"),
    ) == []  # fmt: skip


def test_a_rule_that_takes_a_step_may_be_changed_but_not_what_wakes_it() -> None:
    close = """rules:
  close:
    trigger: {type: created, form: ticket}
    when: record.name == 'done'
    actions: [{type: take, transition: finish}]
"""
    taking = HUB.replace("rules:\n", close)
    told = taking.replace(
        "    actions: [{type: take,", "    actions: [{type: notify, to: [chief], message: Closed}, {type: take,"
    )
    wider = taking.replace("record.name == 'done'", "record.name != ''")
    assert guards(read(taking), read(told)) == ()
    assert [str(each) for each in guards(read(taking), read(wider))] == ["who may take Finish of Ticket"]


def test_who_is_responsible_is_guarded_where_permissions_ask_for_it() -> None:
    asked = HUB.replace("read: record.open", "read: record.owner_role == 'clerk'")
    change = ("new: {label: New}", "new: {label: New, owner: clerk}")
    assert said(change) == []
    found = guards(read(asked), read(asked.replace(*change)))
    assert [str(each) for each in found] == ["who is responsible for Ticket in New, on which rights depend"]
