"""A migration asks about the data, and does what was decided."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp, reasons

from engine.application import Application
from engine.errors import Invalid, Message, Refused
from engine.load import load_text
from engine.publishing.inforce import Entry, put_in_force
from engine.publishing.publish import refuse_open
from engine.storage.decisions import Decision
from engine.storage.migrate import Plan, plan_migration
from engine.storage.tables import build_tables

DESK = """\
app: desk
label: Desk
languages: [en]
roles:
  worker: {label: Worker}
  chief: {label: Chief}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text, required: true}
      place: {type: text}
      size: {type: choice, options: {small: {label: Small}, middle: {label: Middle}, large: {label: Large}}}
      colours: {type: choices, options: {red: {label: Red}, blue: {label: Blue}, green: {label: Green}}}
      answer: {type: text}
      shout: {type: computed, result: {type: text}, value: "record.name + (record.size or '')"}
    workflow:
      initial: fresh
      states:
        fresh: {label: Fresh}
        doubtful: {label: Doubtful, owner: worker}
        checked: {label: Checked, owner: chief, within: 2d}
        done: {label: Done, final: true}
      transitions:
        doubt: {label: Doubt, from: [fresh], to: doubtful, roles: [worker]}
        check: {label: Check, from: [fresh, doubtful], to: checked, roles: [worker]}
        finish: {label: Finish, from: [checked], to: done, roles: [worker]}
    permissions: {worker: {create: true, read: true, update: true}, chief: {read: true}}
"""
PEOPLE = {"li": "worker"}


def changed(*replacements: tuple[str, str]) -> str:
    text = DESK
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


REQUIRED = changed(("answer: {type: text}", "answer: {type: text, required: true}"))
NO_LARGE = changed((", large: {label: Large}", ""))
NO_GREEN = changed((", green: {label: Green}", ""))
NUMBERED = changed(("place: {type: text}", "place: {type: integer, max: 99}"))
DELIVERED = changed(("fresh: {label: Fresh}", "fresh: {label: Fresh, leave_with: [answer]}"))
CERTAIN = changed(
    ("        doubtful: {label: Doubtful, owner: worker}\n", ""),
    ("        doubt: {label: Doubt, from: [fresh], to: doubtful, roles: [worker]}\n", ""),
    ("from: [fresh, doubtful]", "from: [fresh]"),
)


@pytest.fixture
def desk(make_app: MakeApp) -> Made:
    made = make_app(DESK, people=PEOPLE)
    made.create("ticket", name="A", place="12", size="large", colours=["red", "green"], as_="li")
    made.create("ticket", name="B", place="x", size="small", answer="Yes", as_="li")
    made.create("ticket", name="C", as_="li")
    return made


def plan(made: Made, text: str) -> Plan:
    return planned(made, text, {})


def decided(said: str) -> Decision:
    choice, _equals, value = said.partition("=")
    return Decision(choice, value)


def planned(made: Made, text: str, decisions: dict[str, Decision]) -> Plan:
    app = made.application
    definition = load_text(text, app.registry).definition
    with app.database.read() as conn:
        return plan_migration(conn, definition, build_tables(definition, app.registry), app.clock(), decisions)


def migrate(made: Made, text: str, decisions: dict[str, str] | None = None, **more: Any) -> Plan:
    """As publishing does it."""
    app = made.application
    loaded = load_text(text, app.registry)
    tables = build_tables(loaded.definition, app.registry)
    fresh = Application(loaded.definition, app.registry, app.database, tables, app.files, app.clock)
    given = {id: decided(said) for id, said in (decisions or {}).items()}
    with app.database.write() as conn:
        plan = plan_migration(conn, loaded.definition, tables, app.clock(), given)
        refuse_open(plan)
        more = {"entry": Entry("published"), "before": plan.base, "allow_explicit": True, **more}
        put_in_force(conn, fresh, plan, source=text, **more)
    made.application = fresh
    return plan


def asked(made: Made, text: str) -> list[Any]:
    return [
        (one.id, one.count, [(row.title, row.value) for row in one.rows], [each.name for each in one.choices], one.default)
        for one in plan(made, text).questions
    ]


def column(made: Made, name: str) -> list[Any]:
    table = made.application.tables.form["ticket"]
    with made.application.database.read() as conn:
        return list(conn.execute(sa.select(table.c[name]).order_by(table.c.id)).scalars())


# --- required --------------------------------------------------------------------------------------------------------


def test_a_field_that_becomes_required_asks_about_the_records_that_lack_it(desk: Made) -> None:
    assert asked(desk, REQUIRED) == [
        ("required ticket.answer", 2, [("A", ""), ("C", "")], ["fill", "ask", "from_now_on"], None)
    ]
    question = plan(desk, REQUIRED).questions[0]
    assert str(question.message) == "Answer of form Ticket must be filled from now on; 2 records have no value."
    assert question.about == ("forms", "ticket", "fields", "answer", "required")
    assert plan(desk, REQUIRED).open_questions == (question,)


def test_a_new_required_field_asks_about_all_records_unless_it_has_a_default(desk: Made) -> None:
    fresh = changed(("answer: {type: text}", "answer: {type: text}\n      floor: {type: integer, required: true}"))
    assert [each[:2] for each in asked(desk, fresh)] == [("required ticket.floor", 3)]
    assert asked(desk, fresh.replace("required: true}\n      shout", "required: true, default: 1}\n      shout")) == []
    migrate(desk, fresh, {"required ticket.floor": "fill=4"})
    assert column(desk, "floor") == [4, 4, 4]


def test_fill_gives_them_a_value_and_their_history_says_so(desk: Made) -> None:
    migrate(desk, REQUIRED, {"required ticket.answer": "fill=None yet"})
    assert column(desk, "answer") == ["None yet", "Yes", "None yet"]
    event = desk.events("ticket", 1)[-1]
    assert (event.kind, event.changes) == ("migrated", {"answer": [None, "None yet"]})
    assert [event.kind for event in desk.events("ticket", 2)] == ["created"]


def test_an_unreadable_value_is_a_sentence(desk: Made) -> None:
    fresh = changed(("answer: {type: text}", "answer: {type: text}\n      floor: {type: integer, required: true}"))
    wrong = planned(desk, fresh, {"required ticket.floor": Decision("fill", "high")})
    assert [str(problem) for problem in wrong.problems.values()] == ["Floor must be a number such as 12; got “high”."]
    assert wrong.open_questions == wrong.questions
    with pytest.raises(Refused, match="What was decided cannot be done: Floor must be a number"):
        migrate(desk, fresh, {"required ticket.floor": "fill=high"})
    for said, problem in (
        ("fill", "Say which value the records get."),
        ("guess", "There is no choice guess; there are: fill, ask, from_now_on."),
    ):
        found = planned(desk, fresh, {"required ticket.floor": decided(said)})
        assert [str(each) for each in found.problems.values()] == [problem]


def test_ask_has_whoever_saves_next_fill_it(desk: Made) -> None:
    migrate(desk, REQUIRED, {"required ticket.answer": "ask"})
    with pytest.raises(Invalid) as refusal:
        desk.update("ticket", 1, as_="li", name="A2", answer="")
    assert reasons(refusal.value) == ["answer: Answer is required."]
    desk.update("ticket", 1, as_="li", name="A2", answer="Now")


def test_from_now_on_exempts_the_records_that_are_there(desk: Made) -> None:
    migrate(desk, REQUIRED, {"required ticket.answer": "from_now_on"})
    desk.update("ticket", 1, as_="li", name="A2", answer="")
    desk.take("ticket", 1, "check", as_="li")
    with pytest.raises(Invalid):
        desk.create("ticket", name="D", as_="li")
    with pytest.raises(Invalid):
        desk.update("ticket", 2, as_="li", answer="")
    desk.update("ticket", 3, as_="li", answer="Yes")
    with pytest.raises(Invalid):
        desk.update("ticket", 3, as_="li", answer="")


def test_an_exemption_survives_renames_and_ends_with_the_requirement(desk: Made) -> None:
    migrate(desk, REQUIRED, {"required ticket.answer": "from_now_on"})
    renamed = REQUIRED.replace("answer: {type: text,", "reply: {type: text, id: answer,")
    renamed = renamed.replace("  ticket:\n", "  issue:\n    renamed_from: ticket\n")
    migrate(desk, renamed)
    desk.update("issue", 1, as_="li", name="A2", reply="")
    by_hand = renamed.replace("reply: {type: text, id: answer,", "word: {type: text, renamed_from: reply,")
    migrate(desk, by_hand.replace("    renamed_from: ticket\n", "    id: issue\n"))
    desk.update("issue", 1, as_="li", name="A3", word="")
    migrate(desk, by_hand.replace("    renamed_from: ticket\n", "    id: issue\n").replace(", required: true", "", 2))
    with desk.application.database.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(desk.application.tables.waiver)) == 0


# --- deliverables ----------------------------------------------------------------------------------------------------


def test_a_new_deliverable_asks_about_unfinished_records(desk: Made) -> None:
    desk.take("ticket", 3, "check", as_="li")
    desk.take("ticket", 3, "finish", as_="li")
    assert asked(desk, DELIVERED) == [
        ("deliverable ticket.fresh.answer", 1, [("A", "")], ["ask", "from_now_on"], "ask")
    ]
    assert plan(desk, DELIVERED).open_questions == ()


@pytest.mark.parametrize(("choice", "goes"), [("ask", False), ("from_now_on", True)])
def test_records_go_on_without_a_new_deliverable_if_so_decided(desk: Made, choice: str, goes: bool) -> None:
    migrate(desk, DELIVERED, {"deliverable ticket.fresh.answer": choice})
    assert desk.doors("ticket", 1, as_="li")["check"].open is goes
    if goes:
        desk.take("ticket", 1, "check", as_="li")
    fresh = desk.create("ticket", name="D", as_="li")
    with pytest.raises(Refused, match="Answer must be there before the state is left"):
        desk.take("ticket", fresh, "check", as_="li")


# --- options ---------------------------------------------------------------------------------------------------------


def test_an_option_that_is_gone_may_be_kept_replaced_or_cleared(desk: Made) -> None:
    assert asked(desk, NO_LARGE) == [
        ("option ticket.size.large", 1, [("A", "")], ["keep", "replace", "clear"], "keep")
    ]
    migrate(desk, NO_LARGE, {"option ticket.size.large": "replace=middle"})
    assert column(desk, "size") == ["middle", "small", None]
    assert column(desk, "shout")[0] == "Amiddle"
    assert desk.events("ticket", 1)[-1].changes == {"size": ["large", "middle"]}


def test_an_option_of_several_is_taken_out(desk: Made) -> None:
    migrate(desk, NO_GREEN, {"option ticket.colours.green": "clear"})
    assert column(desk, "colours") == [("red",), None, None]
    assert desk.events("ticket", 1)[-1].changes == {"colours": [["red", "green"], ["red"]]}
    migrate(desk, DESK)
    assert column(desk, "colours") == [("red", "green"), None, None]


def test_a_replacement_must_be_an_option(desk: Made) -> None:
    found = planned(desk, NO_LARGE, {"option ticket.size.large": Decision("replace", "large")})
    assert [str(each) for each in found.problems.values()] == ["There is no large; there are: small, middle."]


def test_an_option_that_returns_comes_back_where_nothing_was_changed_since(desk: Made) -> None:
    desk.create("ticket", name="D", size="large", as_="li")
    migrate(desk, NO_LARGE, {"option ticket.size.large": "replace=middle"})
    desk.update("ticket", 4, as_="li", size="small")
    migrate(desk, DESK)
    assert column(desk, "size") == ["large", "small", None, "small"]


# --- states ----------------------------------------------------------------------------------------------------------


def test_records_of_a_state_that_is_gone_go_where_it_was_decided(desk: Made) -> None:
    desk.take("ticket", 1, "doubt", as_="li")
    assert asked(desk, CERTAIN) == [("state ticket.doubtful", 1, [("A", "")], ["move"], None)]
    options = plan(desk, CERTAIN).questions[0].choices[0].options
    assert list(options or {}) == ["fresh", "checked", "done"]
    migrate(desk, CERTAIN, {"state ticket.doubtful": "move=checked"})
    row = desk.get("ticket", 1)
    assert (row["state"], row["owner_role"], row["state_due"] is not None) == ("checked", "chief", True)
    event = desk.events("ticket", 1)[-1]
    assert (event.kind, event.from_state, event.to_state) == ("migrated", "doubtful", "checked")
    stays = desk.stays("ticket", 1)
    assert [(stay["state"], stay["left_at"] is None) for stay in stays] == [
        ("fresh", False), ("doubtful", False), ("checked", True)
    ]  # fmt: skip
    assert stays[-1]["owner_role"] == "chief"


def test_they_come_back_with_the_state_unless_they_were_moved_since(desk: Made) -> None:
    for ticket in (1, 2):
        desk.take("ticket", ticket, "doubt", as_="li")
    migrate(desk, CERTAIN, {"state ticket.doubtful": "move=checked"})
    desk.clock.advance(hours=1)
    desk.take("ticket", 2, "finish", as_="li")
    migrate(desk, DESK)
    assert column(desk, "state") == ["doubtful", "done", "fresh"]
    assert desk.get("ticket", 1)["owner_role"] == "worker"
    assert [stay["state"] for stay in desk.stays("ticket", 1)] == ["fresh", "doubtful", "checked", "doubtful"]


# --- types, fields, forms --------------------------------------------------------------------------------------------


def test_values_that_do_not_fit_another_type_are_listed(desk: Made) -> None:
    assert asked(desk, NUMBERED) == [("type ticket.place", 1, [("B", "x")], ["empty", "fill"], None)]
    migrate(desk, NUMBERED, {"type ticket.place": "fill=7"})
    assert column(desk, "place") == [12, 7, None]
    desk.update("ticket", 1, as_="li", place="13")
    migrate(desk, DESK)
    assert column(desk, "place") == ["13", "x", None]


def test_fields_and_forms_that_are_gone_must_be_acknowledged(desk: Made) -> None:
    without = changed(("      place: {type: text}\n", ""))
    assert asked(desk, without) == [("field ticket.place", 2, [("A", "12"), ("B", "x")], ["archive"], None)]
    with pytest.raises(Refused, match="Something is to be decided first: Field place of form ticket is gone"):
        migrate(desk, without)
    migrate(desk, without, {"field ticket.place": "archive"})
    desk.create("ticket", name="D", as_="li")
    migrate(desk, DESK)
    assert column(desk, "place") == ["12", "x", None, None]


def test_sensitive_values_are_not_shown(make_app: MakeApp) -> None:
    made = make_app(DESK.replace("place: {type: text}", "place: {type: text, sensitive: true}"), people=PEOPLE)
    made.create("ticket", name="A", place="secret", as_="li")
    assert asked(made, changed(("      place: {type: text}\n", "")))[0][2] == [("A", "•••")]


def test_values_that_occur_twice_are_listed_and_nothing_can_be_chosen(desk: Made) -> None:
    desk.create("ticket", name="D", place="x", as_="li")
    unique = changed(("place: {type: text}", "place: {type: text, unique: true}"))
    assert asked(desk, unique) == [("unique ticket.place", 2, [("B", "x"), ("D", "x")], [], None)]
    with pytest.raises(Refused, match="Something is to be decided first: place of form ticket must be unique"):
        migrate(desk, unique)


# --- the plan --------------------------------------------------------------------------------------------------------


def test_the_seal_is_of_what_was_seen_and_decided(desk: Made) -> None:
    seal = plan(desk, REQUIRED).seal
    assert plan(desk, REQUIRED).seal == seal
    assert planned(desk, REQUIRED, {"required ticket.answer": Decision("ask")}).seal != seal
    assert planned(desk, REQUIRED, {"about nothing": Decision("ask")}).seal == seal
    desk.create("ticket", name="D", as_="li")
    assert plan(desk, REQUIRED).seal != seal


def test_whoever_is_told_may_end_it_and_nothing_was_done(desk: Made) -> None:
    seen: list[str] = []

    def told(done: int, total: int, what: Message) -> None:
        seen.append(str(what))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        migrate(desk, NO_LARGE, {"option ticket.size.large": "clear"}, told=told)
    assert column(desk, "size") == ["large", "small", None]
    assert plan(desk, DESK).known
    assert len(seen) == 3


def test_a_plain_start_asks_nothing_and_takes_nothing_away(desk: Made) -> None:
    desk.redefine(REQUIRED)
    assert column(desk, "answer") == [None, "Yes", None]
    with pytest.raises(Refused, match="run: appmill migrate --apply"):
        desk.redefine(NO_LARGE.replace("answer: {type: text}", "answer: {type: text, required: true}"))
