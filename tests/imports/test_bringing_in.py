"""Given a file, when a person brings it in, then these records."""

import pytest
from desk import DESK, Importing, counts, tickets

from engine.imports import jobs


@pytest.fixture
def made(make_app):
    return make_app(DESK, people={"lea": "lead", "ann": "agent"})


@pytest.fixture
def lea(made):
    return Importing(made)


def test_columns_are_guessed_by_name_and_by_label_in_both_languages(lea):
    job = lea.upload("ticket", "主题,Due on,pay,等级*,Nobody knows,任务.内容\na,,,,,\n")
    assert job.settings.columns == ("subject", "due_on", "pay", "level", None, "tasks.what")


def test_a_check_keeps_nothing_and_draws_no_number(lea, made):
    job = lea.check(lea.upload("ticket", "Subject,Pay\nOne,1\nTwo,2\n"))
    assert (job.state, counts(job)) == ("checked", {"created": 2})
    assert made.count("ticket") == 0
    assert made.messages() == []
    assert made.create("ticket", subject="Three").row["number"] == "T0001"


def test_rows_become_records_that_woke_rules_and_carry_the_batch(lea, made):
    job = lea.bring_in(lea.upload("ticket", "Subject,Level,Urgent\nOne,高,是\nTwo,,No\n"))
    assert (job.state, counts(job)) == ("imported", {"created": 2})
    one, two = tickets(made)
    assert (one["subject"], one["level"], one["urgent"], one["number"]) == ("One", "high", True, "T0001")
    assert (two["level"], two["urgent"], two["created_by"]) == ("low", False, made.id_of("lea"))
    assert made.messages() == [("lea", "New ticket One"), ("lea", "New ticket Two")]
    assert [event.batch for event in made.events("ticket", one["id"])] == [job.batch]


def test_every_problem_is_said_at_its_cell_with_what_was_got(lea, made):
    job = lea.check(
        lea.upload(
            "ticket",
            "Subject,Due on,Pay,Level,Project\n,never,-1,middle,Nowhere\nFine,2026-11-22,1,low,\nMuch,,2000000,,\n",
        )
    )
    assert counts(job) == {"created": 1, "wrong": 2}
    assert lea.problems(job) == [
        (2, "Project", "Project: there is no Project “Nowhere”."),
        (2, "Due on", "Due on must be a date such as 2026-11-22; got “never”."),
        (2, "Pay", "Pay must be at least ¥0.00; got -¥1.00."),
        (2, "Level", "Level must be one of Low, High; got “middle”."),
        (2, "Subject", "Subject is required."),
        (4, "Pay", "The pay is too high"),
    ]


def test_rows_with_mistakes_are_left_out_and_the_others_come_in(lea, made):
    job = lea.bring_in(lea.upload("ticket", "Subject,Pay\nOne,1\nTwo,x\nThree,3\n"))
    assert counts(job) == {"created": 2, "wrong": 1}
    assert [row["subject"] for row in tickets(made)] == ["One", "Three"]


def test_links_are_recognised_by_title_by_a_unique_field_and_by_number(lea, made):
    made.create("project", code="P1", name="Bridge")
    made.create("project", code="P2", name="Tower")
    made.create("project", code="P3", name="Tower")
    job = lea.check(lea.upload("ticket", "Subject,Project\na,Bridge\nb,P2\nc,#3\nd,Tower\n"))
    assert lea.problems(job) == [(5, "Project", "Project: 2 records are called “Tower”; say which one by #number.")]
    lea.bring_in(job)
    assert [row["project"] for row in tickets(made)] == [1, 2, 3]


def test_a_row_may_link_to_a_record_of_an_earlier_row(lea, made):
    job = lea.upload("project", "Code,Name,Within\nA,World,\nB,Country,World\nC,Town,B\n")
    assert counts(lea.check(job)) == {"created": 3}
    lea.bring_in(jobs.load(lea.app, lea.actor, job.id))
    world, country, town = tickets(made, "project")
    assert [world["within"], country["within"], town["within"]] == [None, world["id"], country["id"]]


def test_people_are_recognised_by_login_and_by_name(lea, made):
    lea.bring_in(lea.upload("ticket", "Subject,Agent\na,ann\nb,Lea\nc,Nobody\n"))
    assert [row["agent"] for row in tickets(made)] == [made.id_of("ann"), made.id_of("lea")]


def test_rows_that_follow_each_other_are_one_record_with_lines(lea, made):
    job = lea.upload(
        "ticket", "Reference,Subject,What,Tasks.Hours\nR1,One,dig,1.5\nR1,One,fill,2\n,,rest,0.5\nR2,Two,wait,\n"
    )
    assert (job.settings.group, job.settings.columns[2:]) == ("reference", ("tasks.what", "tasks.hours"))
    job = lea.bring_in(job)
    assert (counts(job), job.progress, job.total) == ({"created": 2}, 4, 4)
    one, _two = tickets(made)
    assert [line["what"] for line in made.lines("task", one["id"])] == ["dig", "fill", "rest"]
    assert str(one["hours"]) == "4.00"


def test_what_is_wrong_with_a_line_is_said_at_its_row(lea):
    job = lea.check(
        lea.upload("ticket", "Reference,Subject,What,Tasks.Hours\nR1,One,dig,1\nR1,Other,,x\nR2,Two,a,1\nR1,One,b,1\n")
    )
    assert (
        lea.problems(job)
        == [
            (3, "Subject", "“Other” differs from “One” in row 2, which is the same record."),
            (3, "Tasks.Hours", "Hours must be a number such as 12.5; got “x”."),
            (3, "What", "What is required."),
            (5, "Reference", "The rows of “R1” must follow each other; it began in row 2."),
            (5, "Reference", "Reference: R1 stands in row 2 already."),
        ][: len(lea.problems(job))]
    )


def test_records_are_changed_where_the_key_is_known_and_made_where_it_is_not(lea, made):
    made.create("ticket", reference="R1", subject="Old", pay="5")
    job = lea.upload("ticket", "Reference,Subject,Pay\nR1,New,\nR2,Two,2\nR1,Again,\n", mode="both", key="reference")
    job = lea.check(job)
    assert counts(job) == {"created": 1, "updated": 1, "wrong": 1}
    assert lea.problems(job) == [(4, "Reference", "Reference: “R1” stands in row 2 already.")]
    lea.bring_in(job)
    assert [(row["subject"], str(row["pay"])) for row in tickets(made)] == [("New", "5.00"), ("Two", "2.00")]


def test_an_empty_cell_empties_the_field_where_that_was_said(lea, made):
    made.create("ticket", reference="R1", subject="Old", pay="5")
    lea.bring_in(lea.upload("ticket", "Reference,Pay\nR1,\n", mode="update", key="reference", clear=True))
    assert made.get("ticket", 1)["pay"] is None


def test_only_records_that_are_there_are_changed_by_an_update(lea):
    job = lea.check(lea.upload("ticket", "Reference,Pay\nR9,1\n", mode="update", key="reference"))
    assert lea.problems(job) == [(2, "Reference", "There is no Ticket with Reference “R9”.")]


def test_records_come_in_with_their_state_and_number_and_wake_no_rule(lea, made):
    job = lea.bring_in(
        lea.upload("ticket", "Number,Subject,State,In this state since\nT0041,Old,完成,2026-01-02 08:00\n,New,,\n")
    )
    assert counts(job) == {"created": 2}
    old, new = tickets(made)
    assert (old["number"], old["state"], old["state_since"].isoformat()) == (
        "T0041", "done", "2026-01-02T00:00:00+00:00",
    )  # fmt: skip
    assert (new["number"], new["state"]) == ("T0042", "open")
    assert made.messages() == [("lea", "New ticket New")]


def test_a_state_is_never_changed_by_a_file(lea, made):
    made.create("ticket", reference="R1", subject="Old")
    job = lea.check(lea.upload("ticket", "Reference,State\nR1,Done\n", mode="update", key="reference"))
    assert lea.problems(job) == [
        (2, "State", "The state of a record that is there is changed by its steps, not by a file.")
    ]


def test_what_a_person_may_not_set_is_no_target(made):
    ann = Importing(made, "ann")
    job = ann.upload("ticket", "Number,Subject,Pay,State,Level\nT9,a,1,Done,high\n")
    assert job.settings.columns == (None, "subject", None, None, "level")
    assert ann.problems(ann.check(job)) == [(2, "", "You may not create this Ticket.")]


def test_undo_deletes_what_was_made_and_restores_what_was_changed(lea, made):
    made.create("ticket", reference="R1", subject="Old", pay="5", tasks=[{"what": "keep", "hours": "1"}])
    text = "Reference,Subject,Pay,What\nR1,New,6,dig\nR2,Two,2,fill\nR3,Three,3,rest\n"
    job = lea.bring_in(lea.upload("ticket", text, mode="both", key="reference"))
    assert counts(job) == {"created": 2, "updated": 1}
    one, two, three = (row["id"] for row in tickets(made))
    made.update("ticket", two, subject="Two and a half")
    job = lea.undo(job)
    assert (job.state, counts(job)) == ("undone", {"created": 2, "updated": 1, "undone": 2, "kept": 1})
    assert (made.get("ticket", one)["subject"], str(made.get("ticket", one)["pay"])) == ("Old", "5.00")
    assert [line["what"] for line in made.lines("task", one)] == ["keep"]
    assert made.get("ticket", two)["deleted_at"] is None
    assert made.get("ticket", three)["deleted_at"] is not None
    assert lea.problems(job) == [(3, "", "It was changed since.")]


def test_undo_puts_back_the_fields_nobody_touched_since(lea, made):
    made.create("ticket", reference="R1", subject="Old", pay="5")
    job = lea.bring_in(lea.upload("ticket", "Reference,Subject,Pay\nR1,New,6\n", mode="update", key="reference"))
    made.update("ticket", 1, pay="7")
    job = lea.undo(job)
    one = made.get("ticket", 1)
    assert (one["subject"], str(one["pay"])) == ("Old", "7.00")
    assert lea.problems(job) == [(2, "", "Not put back: Pay.")]


def test_columns_are_remembered_for_the_next_file(lea):
    job = lea.upload("ticket", "What it is about,Cost\na,1\n", columns=("subject", "pay"))
    lea.check(job)
    assert lea.upload("ticket", "Cost,What it is about\n1,a\n").settings.columns == ("pay", "subject")


def test_a_title_above_the_headings_is_passed_over(lea, made):
    job = lea.upload("ticket", "Tickets of this year\n\nSubject,Pay\nOne,1\n")
    assert (job.settings.heading, job.total) == (3, 1)
    lea.bring_in(job)
    assert made.count("ticket") == 1
