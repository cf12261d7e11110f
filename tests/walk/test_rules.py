"""Rules react inside the change that woke them: same transaction, same checks, traced, never in silence."""

from pathlib import Path

import pytest
from making import reasons

from engine.errors import Denied, Refused

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"


@pytest.fixture
def ticket_of(make_app):
    """An application with these rules beside the others, and a ticket of Cleo's in it."""

    def make(rules, **values):
        app = make_app(TICKETS, rules=rules)
        project = app.create("project", name="Bridge", budget="1000", as_="bob")
        return app, app.create("ticket", subject="Paint", project=project.id, as_="cleo", **values)

    return make


def counted(app):
    return [(row["text"], row["count"]) for row in (app.get("note", id) for id in range(1, app.count("note") + 1))]


def test_a_created_record_makes_another_with_lines(ticket_of):
    app, ticket = ticket_of(
        """
        keep_note:
          trigger: {type: created, form: ticket}
          actions:
            - type: create
              form: note
              values: {text: "'About ' + record.number", ticket: record}
              lines: {items: {each: lines, values: {text: line.what, hours: line.hours * 2}}}
        """,
        lines=[{"what": "Scrape", "hours": "1.5"}, {"what": "Paint", "hours": "2"}],
    )

    note = app.get("note", 1)
    assert (note["text"], note["ticket"], note["created_by"]) == ("About T2026-001", ticket.id, app.id_of("cleo"))
    assert [(line["text"], str(line["hours"])) for line in app.lines("note_item", 1)] == [
        ("Scrape", "3.0"), ("Paint", "4.0"),
    ]  # fmt: skip
    event, cause = app.events("note", 1)[0], app.events("ticket", ticket)[0]
    assert (event.actor_kind, event.rule, event.cause, event.depth) == ("rule", "keep_note", cause.id, 1)
    assert event.actor_id == app.id_of("cleo")


def test_a_change_of_a_field_from_one_value_to_another(ticket_of):
    app, ticket = ticket_of("""
        is_urgent_now:
          trigger: {type: updated, form: ticket, field: urgent, from: "False", to: "True"}
          actions: [{type: create, form: note, values: {text: "'now'"}}]
        moved:
          trigger: {type: updated, form: ticket, field: due_on}
          when: old.due_on is not None
          actions:
            - {type: create, form: note, values: {text: "'from ' + text(old.due_on) + ' to ' + text(record.due_on)"}}
        touched:
          trigger: {type: updated, form: ticket}
          actions: [{type: create, form: note, values: {text: "'touched'"}}]
    """)
    app.update("ticket", ticket, urgent=True, why="x", as_="cleo")
    assert counted(app) == [("now", 0), ("touched", 0)]
    app.update("ticket", ticket, due_on="2026-04-01", as_="cleo")
    app.update("ticket", ticket, due_on="2026-04-02", urgent=False, as_="cleo")
    assert [text for text, _count in counted(app)][2:] == ["touched", "from 2026-04-01 to 2026-04-02", "touched"]


def test_states_left_and_entered_and_transitions_taken(ticket_of):
    app, ticket = ticket_of("""
        a:
          trigger: {type: left, form: ticket, state: open}
          actions: [{type: create, form: note, values: {text: "'left open'"}}]
        b:
          trigger: {type: entered, form: ticket, state: waiting}
          actions: [{type: create, form: note, values: {text: "'waits'"}}]
        c:
          trigger: {type: taken, form: ticket, transition: wait}
          actions: [{type: create, form: note, values: {text: "'wait taken'"}}]
        d:
          trigger: {type: entered, form: ticket, state: open}
          actions: [{type: create, form: note, values: {text: "'is open'"}}]
        e:
          trigger: {type: updated, form: ticket}
          actions: [{type: create, form: note, values: {text: "'never'"}}]
    """)
    assert counted(app) == [("is open", 0)]
    app.take("ticket", ticket, "wait", reason="r", as_="cleo")
    assert [text for text, _count in counted(app)][1:] == ["left open", "waits", "wait taken"]


def test_a_deletion_wakes_a_rule(ticket_of):
    app, ticket = ticket_of("""
        gone:
          trigger: {type: deleted, form: ticket}
          actions: [{type: create, form: note, values: {text: record.subject}}]
    """)
    app.delete("ticket", ticket, as_="bob")
    assert counted(app) == [("Paint", 0)]


def test_setting_values_walks_on_and_may_set_what_people_cannot(ticket_of):
    app, ticket = ticket_of("""
        stamp:
          trigger: {type: created, form: ticket}
          actions: [{type: set, values: {stamp: "'seen ' + user.name", worker: user, due_on: "today() + days(3)"}}]
    """)
    row = app.get("ticket", ticket)
    assert (row["stamp"], row["worker"], str(row["due_on"])) == ("seen Cleo", app.id_of("cleo"), "2026-03-07")
    assert (ticket.version, ticket.row["stamp"]) == (2, "seen Cleo")
    assert [event.rule for event in app.events("ticket", ticket)] == [None, "stamp"]


def test_taking_a_transition_of_the_record_or_of_a_linked_one(ticket_of):
    app, ticket = ticket_of("""
        hold_back:
          trigger: {type: created, form: ticket}
          when: record.price is None
          actions: [{type: take, transition: wait, reason: "'no price for ' + record.subject"}]
        go_on:
          trigger: {type: created, form: note}
          when: record.ticket is not None
          actions: [{type: take, transition: resume, of: ticket}]
    """)
    assert ticket.state == "waiting"
    assert app.events("ticket", ticket)[-1].reason == "no price for Paint"
    app.create("note", text="priced", ticket=ticket.id, as_="cleo")
    assert app.get("ticket", ticket)["state"] == "open"


def test_updating_all_that_match(ticket_of):
    app, ticket = ticket_of("""
        count_up:
          trigger: {type: updated, form: ticket, field: subject}
          actions:
            - type: update
              form: note
              where: record.ticket == source
              values: {count: record.count + 1}
              limit: 2
    """)
    for text in ("a", "b"):
        app.create("note", text=text, ticket=ticket.id, as_="cleo")
    app.create("note", text="other", as_="cleo")
    app.update("ticket", ticket, subject="Paint it", as_="cleo")
    assert counted(app) == [("a", 1), ("b", 1), ("other", 0)]

    app.create("note", text="one too many", ticket=ticket.id, as_="cleo")
    with pytest.raises(Refused) as error:
        app.update("ticket", ticket, subject="Paint it black", as_="cleo")
    assert reasons(error) == [
        "The rule “Count up” could not do its part, so nothing was saved: "
        "More than 2 records of Note match; the rule changes at most that many."
    ]
    assert app.get("ticket", ticket)["subject"] == "Paint it"


def test_refusing_with_a_message(ticket_of):
    app, ticket = ticket_of("""
        not_today:
          trigger: {type: updated, form: ticket}
          when: record.due_on == today()
          actions: [{type: refuse, message: {en: "{{ record.number }} cannot be due today", zh: "今天不行"}}]
    """)
    with pytest.raises(Refused) as error:
        app.update("ticket", ticket, due_on="2026-03-04", as_="cleo")
    assert reasons(error) == ["T2026-001 cannot be due today"]
    assert app.get("ticket", ticket)["due_on"] is None


def test_notifying_roles_and_people_once_each(ticket_of):
    app, _ticket = ticket_of("""
        tell:
          trigger: {type: created, form: ticket}
          actions:
            - type: notify
              to: [boss, clerk, record.created_by, record.worker]
              message: {en: "New: {{ record.subject }}", zh: "新"}
    """)
    assert app.messages() == [("cleo", "New: Paint"), ("carl", "New: Paint"), ("bob", "New: Paint")]


def test_what_a_rule_wants_passes_the_same_checks(ticket_of):
    app, ticket = ticket_of("""
        clumsy:
          trigger: {type: updated, form: ticket, field: urgent}
          actions: [{type: set, values: {opened_on: "record.due_on + days(1)"}}]
    """)
    app.update("ticket", ticket, due_on="2026-04-01", as_="cleo")
    with pytest.raises(Refused) as error:
        app.update("ticket", ticket, urgent=True, why="x", as_="cleo")
    assert reasons(error) == [
        "The rule “Clumsy” could not do its part, so nothing was saved: It cannot be due before it is opened"
    ]
    assert app.get("ticket", ticket)["urgent"] is False


def test_a_rule_that_cannot_be_worked_out_refuses_and_is_named(ticket_of):
    app, ticket = ticket_of("""
        broken:
          label: Far future
          trigger: {type: updated, form: ticket, field: subject}
          actions: [{type: set, values: {due_on: "add_months(today(), 12000 * 8)"}}]
    """)
    with pytest.raises(Refused) as error:
        app.update("ticket", ticket, subject="Other", as_="cleo")
    assert reasons(error) == [
        "The rule “Far future” cannot be worked out: The date lies too far away. "
        "Nothing was saved; tell an administrator."
    ]


def test_rules_that_wake_each_other_are_stopped_and_named(ticket_of):
    app, ticket = ticket_of("""
        ping:
          trigger: {type: updated, form: ticket, field: report}
          when: record.report != 'enough'
          actions: [{type: create, form: note, values: {text: "'x'", ticket: record}}]
        pong:
          trigger: {type: created, form: note}
          when: record.ticket is not None
          actions:
            - type: update
              form: ticket
              where: record == source.ticket
              values: {report: "coalesce(record.report, '') + '.'"}
    """)
    with pytest.raises(Refused) as error:
        app.update("ticket", ticket, report="x", as_="bob")
    assert reasons(error) == ["Rules wake each other without end: ping → pong → ping."]
    assert app.count("note") == 0


def test_a_button_is_pressed_by_its_roles_while_its_condition_holds(ticket_of):
    app, ticket = ticket_of("")
    with pytest.raises(Denied) as error:
        app.press("ticket", ticket, "drop_forgotten", as_="cleo")
    assert reasons(error) == ["“Give up” is for: Boss."]
    app.press("ticket", ticket, "drop_forgotten", as_="bob")
    events = [(event.kind, event.rule, event.cause) for event in app.events("ticket", ticket)]
    assert events[1:] == [("pressed", None, None), ("taken", "drop_forgotten", app.events("ticket", ticket)[1].id)]
    with pytest.raises(Refused) as error:
        app.press("ticket", ticket, "drop_forgotten", as_="bob")
    assert reasons(error) == ["“Give up” does nothing now; needed: State in (Open, Waiting) and Report is empty"]


def test_the_trace_tells_what_each_rule_saw_and_wanted(ticket_of):
    app, ticket = ticket_of("""
        watch:
          trigger: {type: updated, form: ticket, field: due_on}
          when: record.urgent and record.due_on > today()
          actions: [{type: set, values: {stamp: "'late'"}}]
    """)
    app.update("ticket", ticket, due_on="2026-04-01", as_="cleo")
    app.update("ticket", ticket, urgent=True, why="x", due_on="2026-04-02", as_="cleo")
    idle, busy, done = app.events("ticket", ticket)[1:]
    assert idle.trace == [
        {
            "rule": "watch", "matched": True, "held": False, "effects": [],
            "clauses": [{"text": "record.urgent", "holds": False, "values": {"record.urgent": False}}],
        }
    ]  # fmt: skip
    assert busy.trace == [
        {
            "rule": "watch", "matched": True, "held": True,
            "clauses": [
                {"text": "record.urgent", "holds": True, "values": {"record.urgent": True}},
                {"text": "record.due_on > today()", "holds": True, "values": {"record.due_on": "2026-04-02"}},
            ],
            "effects": [{"set": "ticket", "id": ticket.id, "values": {"stamp": "late"}}],
        }
    ]  # fmt: skip
    assert (done.rule, done.cause, done.trace) == ("watch", busy.id, [{"rule": "watch", "matched": False}])


def test_a_rule_that_is_switched_off_sleeps(ticket_of):
    app, _ticket = ticket_of("""
        off: {enabled: false, trigger: {type: created, form: ticket}, actions: [{type: refuse, message: no}]}
    """)
    assert app.count("ticket") == 1
