"""What people do with an approval beside deciding: hand over, ask others to sign, send back, withdraw, remind."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from approval_desk import approves, asked, decide, desk, did, question_of
from making import Made, MakeApp, reasons

from engine import answering
from engine.accounts import find_user, set_active
from engine.approvals import deeds, delegating
from engine.errors import AppmillError, Denied, Invalid, Missing, Refused

LEAD = "- {label: Lead, to: [lead]}\n- {label: Money, to: [money]}\n- {label: Boss, to: [boss]}"


def hand_over(made: Made, who: str, to: str, comment: str | None = None) -> None:
    deeds.hand_over(made.application, made.actor(who), question_of(made, who), made.id_of(to), comment)


def sign(made: Made, who: str, to: str, when: Any) -> None:
    deeds.add_signer(made.application, made.actor(who), question_of(made, who), made.id_of(to), when)


def test_handed_over_the_other_is_asked_and_the_first_no_longer(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", as_="kim")
    first = question_of(made, "lea")
    hand_over(made, "lea", "dan", "on leave")
    assert sorted(asked(made)) == ["dan", "leo"]
    with pytest.raises(Refused) as late:
        answering.answer(made.application, made.actor("lea"), first, "approve")
    assert reasons(late) == ["You handed this over; somebody else is asked now."]
    event = made.events("paper", paper)[-1]
    assert (event.trace["did"], event.trace["person"], event.reason) == ("hand_over", "Dan", "on leave")
    hand_over(made, "dan", "lea")
    assert sorted(asked(made)) == ["lea", "leo"]
    decide(made, "lea")
    assert sorted(asked(made)) == ["max", "may"]


@pytest.mark.parametrize(
    ("to", "said"),
    [("leo", "Leo is asked here already."), ("kim", "Nobody decides about their own request."), ("?", "Choose a person."),
     ("guest", "Guest may not see this record.")],
)  # fmt: skip
def test_not_everybody_can_be_asked_instead(make_app: MakeApp, to: str, said: str) -> None:
    made = desk(make_app)
    made.person("guest")
    made.create("paper", name="A", as_="kim")
    id = made.id_of(to) if to != "?" else 999
    with pytest.raises(Invalid) as refused:
        deeds.hand_over(made.application, made.actor("lea"), question_of(made, "lea"), id)
    assert reasons(refused) == [f"to: {said}"]


def test_whoever_is_not_asked_does_nothing(make_app: MakeApp) -> None:
    made = desk(make_app)
    made.create("paper", name="A", as_="kim")
    question = question_of(made, "lea")
    for attempt in (
        lambda: deeds.hand_over(made.application, made.actor("max"), question, made.id_of("may")),
        lambda: deeds.add_signer(made.application, made.actor("kim"), question, made.id_of("may"), "before"),
    ):
        with pytest.raises(Missing):
            attempt()
    for deed in (deeds.withdraw, deeds.remind):
        with pytest.raises(Denied):
            deed(made.application, made.actor("lea"), 1)


def test_what_the_definition_does_not_allow_is_denied(make_app: MakeApp) -> None:
    made = desk(make_app, approves(powers="[remind]"))
    made.create("paper", name="A", as_="kim")
    for attempt in (lambda: hand_over(made, "lea", "dan"), lambda: sign(made, "lea", "dan", "after"),
                    lambda: deeds.withdraw(made.application, made.actor("kim"), 1)):  # fmt: skip
        with pytest.raises(Denied):
            attempt()
    with pytest.raises(Invalid):
        decide(made, "lea", "return")


def test_a_signer_before_decides_first(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    made.create("paper", name="A", as_="kim")
    question = question_of(made, "lea")
    sign(made, "lea", "dan", "before")
    with pytest.raises(Refused) as early:
        answering.answer(made.application, made.actor("lea"), question, "approve")
    assert reasons(early) == ["Dan signs first; you decide after that."]
    decide(made, "dan")
    decide(made, "lea")
    assert sorted(asked(made)) == ["max", "may"]


def test_a_signer_before_who_refuses_ends_it(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", as_="kim")
    sign(made, "lea", "dan", "before")
    decide(made, "dan", "refuse", "no")
    assert made.get("paper", paper)["outcome"] == "refused no"


def test_a_signer_after_decides_before_the_next_step(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    made.create("paper", name="A", as_="kim")
    sign(made, "lea", "dan", "after")
    assert sorted(asked(made)) == ["lea", "leo"]
    decide(made, "lea")
    assert asked(made) == {"dan": "Lead (after)"}
    decide(made, "dan")
    assert sorted(asked(made)) == ["max", "may"]


def test_sent_back_to_the_applicant_who_mends_and_submits_again(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", as_="kim")
    decide(made, "lea")
    decide(made, "max", "return", "which customer?")
    assert asked(made) == {"kim": "Money (mending)"}
    assert ("kim", "“Contract approval” was sent back to you: which customer?") in made.messages()
    made.update("paper", paper, note="B", as_="kim")
    decide(made, "kim", "submit", "now it says")
    assert sorted(asked(made)) == ["lea", "leo"]
    assert did(made, paper) == ["mending", "submitted"]


@pytest.mark.parametrize(("on_return", "waits"), [("go_on", ["max", "may"]), ("end", [])])
def test_what_sending_back_leads_to_is_the_definitions(make_app: MakeApp, on_return: str, waits: list[str]) -> None:
    made = desk(make_app, approves(LEAD, on_return=on_return))
    paper = made.create("paper", name="A", as_="kim")
    decide(made, "lea")
    decide(made, "max", "return", "why")
    if on_return == "end":
        assert made.get("paper", paper)["outcome"] == "returned why"
    else:
        decide(made, "kim", "submit")
    assert sorted(asked(made)) == waits


def test_sent_back_to_an_earlier_step(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", as_="kim")
    for who in ("lea", "max"):
        decide(made, who)
    with pytest.raises(Invalid):
        decide(made, "bea", "return", back_to=2)
    decide(made, "bea", "return", "look again", back_to=1)
    assert sorted(asked(made)) == ["max", "may"]
    assert did(made, paper) == ["send_back"]
    decide(made, "may")
    decide(made, "bea")
    assert made.get("paper", paper)["outcome"] == "approved -"


def test_the_applicant_withdraws(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", as_="kim")
    question = question_of(made, "lea")
    deeds.withdraw(made.application, made.actor("kim"), 1, "no longer needed")
    with pytest.raises(Refused):
        answering.answer(made.application, made.actor("lea"), question, "approve")
    made.deliver()
    assert (asked(made), made.get("paper", paper)["outcome"]) == ({}, "withdrawn no longer needed")
    with pytest.raises(Refused) as over:
        deeds.withdraw(made.application, made.actor("kim"), 1)
    assert reasons(over) == ["The approval is over: Withdrawn."]


def test_reminding_is_limited(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    made.create("paper", name="A", as_="kim")
    assert deeds.remind(made.application, made.actor("kim"), 1) == ("Lea", "Leo")
    assert ("leo", "Please decide: May A be signed?") in made.messages()
    with pytest.raises(Refused) as often:
        deeds.remind(made.application, made.actor("kim"), 1)
    assert reasons(often)[0].startswith("They were reminded lately")
    made.clock.advance(hours=4)
    assert deeds.remind(made.application, made.actor("kim"), 1) == ("Lea", "Leo")


def test_a_comment_stands_with_the_record(make_app: MakeApp) -> None:
    made = desk(make_app)
    paper = made.create("paper", name="A", as_="kim")
    deeds.comment(made.application, made.actor("kim"), 1, " see page 3 ")
    event = made.events("paper", paper)[-1]
    assert (event.trace["did"], event.reason) == ("comment", "see page 3")
    with pytest.raises(Denied):
        deeds.comment(made.application, made.actor("may"), 1, "me too")


# --- what was seen ---------------------------------------------------------------------------------------------------


def test_what_the_record_showed_is_kept_within_rights(make_app: MakeApp) -> None:
    made = desk(make_app)
    made.create("paper", name="A", cost="5000", secret="s", as_="admin")
    decide(made, "lea")
    (row,) = [one for one in made.ledger("asked") if one["answer"]]
    assert (row["saw"]["texts"]["cost"], sorted(row["saw"]["texts"])) == ("€5,000.00", ["cost", "name"])


def test_those_who_approved_are_told_of_a_change(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", cost="10", as_="kim")
    decide(made, "lea")
    made.update("paper", paper, note="unseen", as_="kim")
    assert not [who for who, text in made.messages() if "changed" in text]
    made.update("paper", paper, cost="20", as_="kim")
    told = [who for who, text in made.messages() if "changed" in text]
    assert (told, sorted(asked(made))) == (["lea"], ["max", "may"])


def test_or_everybody_is_asked_again(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD, changes="again"))
    paper = made.create("paper", name="A", cost="10", as_="kim")
    decide(made, "lea")
    made.update("paper", paper, cost="20", as_="kim")
    assert sorted(asked(made)) == ["lea", "leo"]
    assert did(made, paper) == ["again"]
    for who in ("leo", "may", "bea"):
        decide(made, who)
    assert made.get("paper", paper)["outcome"] == "approved -"


# --- standing in -----------------------------------------------------------------------------------------------------


def stand_in(made: Made, who: str, to: str, days: int = 5, by: str | None = None, forms: tuple[str, ...] = ()) -> int:
    now = made.clock()
    wanted = delegating.Wanted(user_id=made.id_of(who), to_id=made.id_of(to), from_at=now,
                               until_at=now + dt.timedelta(days=days), forms=forms)  # fmt: skip
    with made.application.database.write() as conn:
        return delegating.delegate(made.application, conn, made.actor(by or who), wanted)


def test_whoever_stands_in_is_asked_instead_for_the_time(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    stand_in(made, "lea", "dan")
    paper = made.create("paper", name="A", as_="kim")
    assert sorted(asked(made)) == ["dan", "leo"]
    decide(made, "dan")
    answered = next(one for one in made.events("paper", paper) if one.kind == "answered")
    assert (answered.trace["for_name"], answered.trace["step"]) == ("Lea", {"": "Lead"})
    made.clock.advance(days=5)
    made.create("paper", name="B", as_="kim")
    assert "lea" in asked(made)


@pytest.mark.parametrize(
    ("chain", "waits"),
    [([("lea", "dan"), ("dan", "bea")], ["bea", "leo"]), ([("lea", "dan"), ("dan", "lea")], ["lea", "leo"]),
     ([("lea", "kim")], ["lea", "leo"]), ([("lea", "leo")], ["leo"])],
)  # fmt: skip
def test_standing_in_is_followed_but_never_to_the_applicant(
    make_app: MakeApp, chain: list[tuple[str, str]], waits: list[str]
) -> None:
    made = desk(make_app, approves(LEAD))
    for who, to in chain:
        stand_in(made, who, to)
    made.create("paper", name="A", as_="kim")
    assert sorted(asked(made)) == waits


def test_administrators_set_it_for_somebody_and_what_waits_goes_over(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    made.create("paper", name="A", as_="kim")
    with pytest.raises(Denied):
        stand_in(made, "lea", "dan", by="leo")
    stand_in(made, "lea", "dan", by="admin", forms=("paper",))
    admin = made.actor("admin")
    assert deeds.delegate_waiting(made.application, admin, made.id_of("lea"), made.id_of("dan"), ("paper",)) == 1
    assert sorted(asked(made)) == ["dan", "leo"]


def test_a_person_who_is_kept_out_holds_nothing_up(make_app: MakeApp) -> None:
    made = desk(make_app, approves("- {label: Boss, to: [boss], nobody: ask, instead: [money]}"))
    made.create("paper", name="A", as_="kim")
    app = made.application
    with app.database.write() as conn:
        set_active(conn, app.tables, find_user(conn, app.tables, id=made.id_of("bea")), False, now=app.clock())
    answering.no_longer_asked(app, made.id_of("bea"))
    made.deliver()
    assert sorted(asked(made)) == ["max", "may"]


# --- at the same time ------------------------------------------------------------------------------------------------


def at_once(*attempts: Any) -> list[str]:
    def one(attempt: Any) -> str:
        try:
            attempt()
        except AppmillError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(one, attempts))


def test_two_answers_at_once_count_one(make_app: MakeApp) -> None:
    made = desk(make_app, approves(LEAD))
    paper = made.create("paper", name="A", as_="kim")
    question, app = question_of(made, "lea"), made.application
    actors = [made.actor("lea"), made.actor("leo")]
    ends = at_once(
        lambda: answering.answer(app, actors[0], question, "approve"),
        lambda: answering.answer(app, actors[1], question, "refuse", "no"),
        lambda: deeds.hand_over(app, actors[0], question, made.id_of("dan")),
    )
    assert ends.count("done") in (1, 2), ends  # handing over may come first, and then one answer
    made.deliver()
    answers = [one for one in made.ledger("asked") if one["answer"] and one["question_id"] == question]
    assert len(answers) == 1
    states = {one["state"] for one in made.ledger("question") if one["id"] == question}
    assert states == {"answered"}
    assert made.get("paper", paper)["outcome"] in (None, "refused no")


def test_withdrawing_while_answering_ends_in_one_of_them(make_app: MakeApp) -> None:
    made = desk(make_app, approves("- {label: Lead, to: [lead]}"))
    paper = made.create("paper", name="A", as_="kim")
    question, app, lea, kim = question_of(made, "lea"), made.application, made.actor("lea"), made.actor("kim")
    at_once(lambda: answering.answer(app, lea, question, "approve"), lambda: deeds.withdraw(app, kim, 1))
    made.deliver()
    assert made.get("paper", paper)["outcome"] in ("approved -", "withdrawn -")
    assert [run["state"] for run in made.ledger("run")] == ["done"]
