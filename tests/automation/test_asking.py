"""Rules that ask people and wait: whom they ask, what the answers come to, and how the run goes on."""

from __future__ import annotations

from typing import Any

import pytest
from making import Made, MakeApp, reasons

from engine import answering
from engine.errors import Denied, Invalid, Missing, Refused
from engine.jobs import mending

DESK = """
    app: desk
    label: Desk
    languages: [en]
    timezone: UTC
    roles: {clerk: {label: Clerk}, chief: {label: Chief}}
    forms:
      ticket:
        label: Ticket
        title: record.name
        fields:
          name: {type: text, required: true}
          closed: {type: boolean}
          note: {type: text}
          said_by: {type: user}
        permissions:
          clerk: {create: true, read: true, update: true, delete: true}
          chief: {read: not record.closed}
"""
PEOPLE = {"kim": "clerk", "ann": "chief", "bob": "chief", "eve": "chief"}
THEN = """
          - type: set
            values: {note: "str(results.decision.answer) + ' ' + str(results.decision.comment)", said_by: results.decision.by}
"""


def asks(needs: Any = "any", *, more: str = "", reject: str = "style: danger, comment: required") -> str:
    return f"""
      approve:
        trigger: {{type: created, form: ticket}}
        actions:
          - type: ask
            to: [chief]
            message: "Do {{{{ record.name }}}}?"
            answers: {{yes: {{label: Approve, style: primary}}, no: {{label: Reject, {reject}}}}}
            needs: {needs}
            as: decision
            {more}
{THEN}"""


def desk(make_app: MakeApp, rules: str) -> Made:
    return make_app(DESK, rules=rules, people=PEOPLE)


def reply(made: Made, who: str, name: str, comment: str | None = None, question: int = 1) -> answering.Answered:
    return answering.answer(made.application, made.actor(who), question, name, comment)


def test_the_first_answer_settles_it_and_the_run_goes_on(make_app: MakeApp) -> None:
    made = desk(make_app, asks())
    ticket = made.create("ticket", name="A", as_="kim")
    assert made.messages() == [(who, "Do A?") for who in ("ann", "bob", "eve")]
    assert (made.deliver(), made.get("ticket", ticket)["note"]) == ([], None)
    assert reply(made, "bob", "yes", " fine ").settled
    assert [one.state for one in made.deliver()] == ["done"]
    row = made.get("ticket", ticket)
    assert (row["note"], row["said_by"]) == ("yes fine", made.id_of("bob"))
    run = made.ledger("run")[0]
    assert (run["state"], run["results"]["decision"]["by_name"]) == ("done", "Bob")
    event = next(one for one in made.events("ticket", ticket) if one.kind == "answered")
    assert (event.actor_id, event.reason, event.trace["answer"], event.cause) == (
        made.id_of("bob"), "fine", "yes", made.events("ticket", ticket)[0].id,
    )  # fmt: skip
    assert all(notice["read_at"] for notice in made.ledger("notification"))
    with pytest.raises(Refused) as late:
        reply(made, "ann", "no", "too dear")
    assert reasons(late) == ["Bob has answered already: Approve."]
