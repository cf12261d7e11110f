"""Rules that ask people and wait: whom they ask, what the answers come to, and how the run goes on."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent
from typing import Any

import pytest
from making import Made, MakeApp, reasons

from engine import answering, faults, going_on
from engine.builtin import default_registry
from engine.errors import Denied, Invalid, Missing, Refused
from engine.jobs import mending
from engine.load import examine
from engine.trying.back import back_test
from engine.trying.dry import dry_run

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
            values: {note: "(results.decision.answer or '-') + ' ' + (results.decision.comment or '-')", said_by: results.decision.by}
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


@pytest.mark.parametrize(
    ("needs", "answers", "note"),
    [
        ("all", ["yes", "yes", "yes"], "yes -"),
        ("all", ["yes", "no", "yes"], "- -"),  # everybody was heard, and they do not agree
        ("2", ["yes", "no", "yes"], "yes -"),
        ("2", ["no", "no"], "no x"),
        ("3", ["yes", "no"], "- -"),  # three equal answers cannot be reached any more
    ],
)
def test_several_people_answer(make_app: MakeApp, needs: str, answers: list[str], note: str) -> None:
    made = desk(make_app, asks(needs))
    ticket = made.create("ticket", name="A", as_="kim")
    for place, (who, name) in enumerate(zip(("ann", "bob", "eve"), answers, strict=False), 1):
        given = reply(made, who, name, "x" if name == "no" else None)
        assert given.settled == (place == len(answers)), (who, name)
    made.deliver()
    assert made.get("ticket", ticket)["note"] == note
    kept = made.ledger("run")[0]["results"]["decision"]
    assert [one["answer"] for one in kept["answers"]] == answers
    assert len(kept["missing"]) == 3 - len(answers)


def test_a_decisive_answer_ends_it_at_once(make_app: MakeApp) -> None:
    made = desk(make_app, asks("all", reject="decisive: true"))
    ticket = made.create("ticket", name="A", as_="kim")
    assert not reply(made, "ann", "yes").settled
    assert reply(made, "bob", "no").settled
    made.deliver()
    assert made.get("ticket", ticket)["note"] == "no -"


def test_without_an_answer_it_goes_on_when_the_time_is_over(make_app: MakeApp) -> None:
    made = desk(make_app, asks(more="at_most: 3d"))
    ticket = made.create("ticket", name="A", as_="kim")
    made.clock.advance(days=3)
    with pytest.raises(Refused) as late:
        reply(made, "ann", "yes")
    assert reasons(late) == ["The time to answer is over."]
    made.deliver()
    assert made.get("ticket", ticket)["note"] == "- -"
    kept = made.ledger("run")[0]["results"]["decision"]
    assert (kept["timed_out"], kept["answer"], len(kept["missing"])) == (True, None, 3)
    assert made.ledger("question")[0]["state"] == "timed_out"


def test_the_same_answer_twice_is_one(make_app: MakeApp) -> None:
    made = desk(make_app, asks("2"))
    ticket = made.create("ticket", name="A", as_="kim")
    assert [reply(made, "ann", "yes").again for _ in range(3)] == [False, True, True]
    with pytest.raises(Refused) as changed:
        reply(made, "ann", "no", "I changed my mind")
    assert reasons(changed) == ["You have answered already: Approve."]
    assert [one.kind for one in made.events("ticket", ticket)] == ["created", "answered"]


def test_only_those_who_are_asked_may_answer(make_app: MakeApp) -> None:
    made = desk(make_app, asks())
    ticket = made.create("ticket", name="A", as_="kim")
    for who in ("kim", "admin"):
        with pytest.raises(Missing):
            reply(made, who, "yes")
    with pytest.raises(Missing):
        reply(made, "ann", "yes", question=99)
    with pytest.raises(Denied):
        answering.answer(made.application, made.actor("ann").looking_as("chief"), 1, "yes")
    for name, comment, said in (
        ("perhaps", None, "answer: There is no answer “perhaps”; expected one of yes, no."),
        ("no", "  ", "comment: “Reject” needs a comment."),
        ("yes", "x" * 2001, "comment: A comment has at most 2000 characters."),
    ):
        with pytest.raises(Invalid) as wrong:
            reply(made, "ann", name, comment)
        assert reasons(wrong) == [said]
    made.update("ticket", ticket, closed=True)  # chiefs do not see closed tickets
    with pytest.raises(Missing):
        reply(made, "ann", "yes")


def test_a_deleted_record_withdraws_its_question(make_app: MakeApp) -> None:
    made = desk(make_app, asks())
    ticket = made.create("ticket", name="A", as_="kim")
    made.delete("ticket", ticket)
    with pytest.raises(Refused) as gone:
        reply(made, "ann", "yes")
    assert reasons(gone) == ["The record was deleted, so the question is withdrawn."]
    made.deliver()
    run = made.ledger("run")[0]
    assert (run["state"], run["error"]) == ("cancelled", "The record was deleted, so the question is withdrawn.")
    made.restore("ticket", ticket)
    assert (made.ledger("question")[0]["state"], made.ledger("rule_state")) == ("withdrawn", [])


def test_a_cancelled_run_withdraws_its_question(make_app: MakeApp) -> None:
    made = desk(make_app, asks())
    made.create("ticket", name="A", as_="kim")
    mending.cancel_run(made.application, made.actor("admin"), 1)
    with pytest.raises(Refused) as cancelled:
        reply(made, "ann", "yes")
    assert reasons(cancelled) == ["The run of the rule was cancelled, so the question is withdrawn."]
    assert made.deliver() == []


def test_a_new_run_takes_the_place_of_the_question_before(make_app: MakeApp) -> None:
    again = asks().replace("type: created, form: ticket", "type: updated, form: ticket, field: name")
    made = desk(make_app, again.replace("        actions:", "        mode: restart\n        actions:", 1))
    ticket = made.create("ticket", name="A", as_="kim")
    made.update("ticket", ticket, name="B")
    made.update("ticket", ticket, name="C")
    assert [(one["texts"][""], one["state"]) for one in made.ledger("question")] == [
        ("Do B?", "withdrawn"), ("Do C?", "open"),
    ]  # fmt: skip


def test_where_nobody_can_be_asked_nothing_is_saved(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=asks("2"), people={"kim": "clerk", "ann": "chief"})
    with pytest.raises(Refused) as refused:
        made.create("ticket", name="A", as_="kim")
    assert "2 equal answers are needed, but only 1 people can be asked." in str(refused.value.reason)
    assert (made.count("ticket"), made.ledger("question"), made.ledger("notification")) == (0, [], [])


def test_other_changes_of_the_record_do_not_disturb_the_question(make_app: MakeApp) -> None:
    made = desk(make_app, asks() + """
      look:
        trigger: {type: created, form: ticket}
        actions: [{type: wait, holds: record.closed}, {type: set, values: {name: "'closed'"}}]
    """)  # fmt: skip
    ticket = made.create("ticket", name="A", as_="kim")
    made.update("ticket", ticket, name="B")
    made.deliver()
    assert [one["state"] for one in made.ledger("message")] == ["parked", "parked"]
    assert reply(made, "ann", "yes").settled


def test_a_person_who_left_is_not_waited_for(make_app: MakeApp) -> None:
    made = desk(make_app, asks("all"))
    ticket = made.create("ticket", name="A", as_="kim")
    reply(made, "ann", "yes")
    reply(made, "bob", "yes")
    app = made.application
    user = app.tables.user
    with app.database.write() as conn:
        conn.execute(user.update().where(user.c.id == made.id_of("eve")).values(active=False))
    answering.no_longer_asked(app, made.id_of("eve"))
    made.deliver()
    assert made.get("ticket", ticket)["note"] == "yes -"


def test_of_two_at_the_same_moment_one_decides(make_app: MakeApp) -> None:
    made = desk(make_app, asks())
    tickets = [made.create("ticket", name=str(number), as_="kim") for number in range(8)]
    actors = {who: made.actor(who) for who in ("ann", "bob", "eve")}

    def both(question: int, who: str, name: str) -> str:
        try:
            answering.answer(made.application, actors[who], question, name, "so")
        except Refused as late:
            return str(late.reason)
        return "won"

    with ThreadPoolExecutor(3) as pool:
        for number in range(1, 9):
            tries = [pool.submit(both, number, who, name) for who, name in
                     (("ann", "yes"), ("bob", "no"), ("eve", "no"))]  # fmt: skip
            assert sum(one.result() == "won" for one in tries) == 1
    made.deliver()
    kept = made.ledger("question")
    for ticket, question in zip(tickets, kept, strict=True):
        assert made.get("ticket", ticket)["note"] == f"{question['answer']} so"
    assert sum(one["answer"] is not None for one in made.ledger("asked")) == 8


def test_a_rule_in_the_shadow_asks_nobody(make_app: MakeApp) -> None:
    made = desk(make_app, asks().replace("        actions:", "        shadow: true\n        actions:", 1))
    made.create("ticket", name="A", as_="kim")
    assert (made.ledger("question"), made.messages()) == ([], [])
    assert made.ledger("run")[0]["trace"]["effects"][0]["ask"] == ["chief"]


def test_a_dry_run_says_whom_it_would_ask(make_app: MakeApp) -> None:
    made = desk(make_app, asks(more="at_most: 3d"))
    made.person("zoe")
    ticket = made.create("ticket", name="A", as_="kim")
    before = [made.ledger(name) for name in ("question", "asked", "message", "notification")]
    trial = dry_run(made.application, made.actor("admin"), "approve", "ticket", ticket.id)
    asking, setting = trial.steps
    assert (asking.kind, asking.effect["ask"], asking.effect["message"]) == ("Ask", ["chief"], {"": "Do A?"})
    assert (setting.after, setting.depends) == (({"answer": "decision", "of": "ask"},), ("results.decision",))
    assert [made.ledger(name) for name in ("question", "asked", "message", "notification")] == before


def test_a_question_may_be_about_no_record(make_app: MakeApp) -> None:
    made = desk(make_app, """
      stock_taking:
        trigger: {type: schedule, at: ["08:00"]}
        actions:
          - type: ask
            to: [clerk]
            message: Is the stock counted?
            answers: {yes: {label: "Yes"}, no: {label: "No"}}
            as: counted
          - {type: create, form: ticket, values: {name: "'Counted: ' + results.counted.answer"}}
    """)  # fmt: skip
    with made.application.database.write() as conn:
        going_on.fire(made.application, conn, "stock_taking", "schedule:1")
    assert made.messages() == [("kim", "Is the stock counted?")]
    reply(made, "kim", "no")
    made.deliver()
    assert made.get("ticket", 1)["name"] == "Counted: no"


def test_each_record_of_many_has_a_question_of_its_own(make_app: MakeApp) -> None:
    made = desk(make_app, """
      close_all:
        trigger: {type: button, form: ticket, label: Close all, roles: [clerk]}
        actions:
          - type: for_each
            form: ticket
            where: not record.closed
            actions:
              - type: ask
                to: [chief]
                message: "Close {{ record.name }}?"
                answers: {yes: {label: "Yes"}, no: {label: "No"}}
                as: decision
              - {type: branch, when: "results.decision.answer == 'yes'", then: [{type: set, values: {closed: true}}]}
    """)  # fmt: skip
    first, second = made.create("ticket", name="A"), made.create("ticket", name="B")
    made.press("ticket", first, "close_all", as_="kim")
    made.deliver()
    texts = [(one["record_id"], one["texts"][""]) for one in made.ledger("question")]
    assert texts == [(first.id, "Close A?"), (second.id, "Close B?")]
    reply(made, "ann", "yes", question=2)
    reply(made, "ann", "no", question=1)
    made.deliver()
    assert (made.get("ticket", first)["closed"], made.get("ticket", second)["closed"]) == (None, True)
    assert {one["state"] for one in made.ledger("run")} == {"done"}


def test_a_back_test_counts_whom_it_would_have_asked(make_app: MakeApp) -> None:
    made = desk(make_app, asks())
    for name in "AB":
        made.create("ticket", name=name, as_="kim")
    app, admin = made.application, made.actor("admin")
    before = [made.ledger(name) for name in ("question", "asked", "message", "notification")]
    told = back_test(app, admin, app.definition.rules["approve"], 7).json()["found"]
    assert told["effects"] == {"ask": 2}
    assert sorted((one["who"], one["total"]) for one in told["messages"]) == [("Ann", 2), ("Bob", 2), ("Eve", 2)]
    assert [made.ledger(name) for name in ("question", "asked", "message", "notification")] == before


@pytest.mark.parametrize("point", ["question asked", "answer kept", "question settled", "outcome kept", "going on"])
def test_whatever_dies_in_between_leaves_one_decision(make_app: MakeApp, point: str, monkeypatch: Any) -> None:
    """What has to be committed together is; what died is done again and comes to the same."""

    class Died(BaseException):
        pass

    def die(name: str) -> None:
        if name == point:
            raise Died

    def dying(work: Any) -> None:
        monkeypatch.setattr(faults, "watcher", die)
        with contextlib.suppress(Died):
            work()
        monkeypatch.setattr(faults, "watcher", None)

    made = desk(make_app, asks())
    dying(lambda: made.create("ticket", name="A", as_="kim"))
    if not made.count("ticket"):
        assert (made.ledger("question"), made.messages()) == ([], [])
        made.create("ticket", name="A", as_="kim")
    question = made.ledger("question")[0]
    id, ticket = question["id"], question["record_id"]
    dying(lambda: reply(made, "ann", "yes", question=id))
    reply(made, "ann", "yes", question=id)
    dying(made.deliver)
    made.deliver()
    assert made.get("ticket", ticket)["note"] == "yes -"
    assert [one.kind for one in made.events("ticket", ticket)] == ["created", "answered", "updated"]
    assert [one["state"] for one in (*made.ledger("run"), *made.ledger("question"))] == ["done", "answered"]


# --- the definition --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("to: [chief]", "to: [chef]", "There is no role 'chef'; did you mean 'chief'?"),
        (", no: {label: Reject, style: danger, comment: required}}", "}", "at least 2"),
        ("needs: any", "needs: 1", "at least 2"),
        ("needs: any", "needs: most", "any"),
        ("results.decision.answer", "results.decison.answer", "did you mean 'decision'?"),
        ("results.decision.answer", "(results.decision.answer == 'yess')", "did you mean 'yes'?"),
        ("results.decision.by}", "results.decision.who}", "has no 'who'; expected one of answer, by"),
    ],
)
def test_mistakes_are_told_when_it_is_loaded(old: str, new: str, said: str) -> None:
    text = dedent(DESK) + "rules:\n" + dedent(asks()).replace("\n", "\n  ")
    assert not [one for one in examine(text, default_registry(), "desk")[2] if one.severity == "error"]
    assert old in text
    findings = examine(text.replace(old, new, 1), default_registry(), "desk")[2]
    assert any(said in str(one) for one in findings), [str(one) for one in findings]
