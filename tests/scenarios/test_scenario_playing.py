"""Given this story, this is what came: time, questions, calls, mails, people, refusals."""

import json
import subprocess
import sys

from story_world import played, said, text

from engine import examples
from engine.cli import main

GIVEN = """
    label: A story
    given:
      - {create: project, as: house, values: {name: House}}
      - {create: ticket, as: door, values: {name: Door, project: house, worker: ann, due_on: in 3wd, proof: paper.pdf}}
"""


def story(steps="[]", then="[]", more=""):
    return f"a:{GIVEN}{more}    steps: {steps}\n    then: {then}\n"


def test_records_are_made_from_names_people_days_and_files():
    then = """[{of: door, state: open, values: {project: house, worker: ann, due_on: "2026-03-05"}},
               {of: door, holds: "record.project.name == 'House' and record.proof"}, {form: ticket, count: 1},
               {form: ticket, where: record.name == 'Window', count: 0}]"""
    assert said(played(story(then=then))) == []


def test_what_is_not_so_is_told_with_what_is():
    then = """[{of: door, state: closed}, {of: door, values: {name: Window}}, {of: house, holds: record.budget > 100},
               {form: ticket, count: 3}, {of: door, gone: true}]"""
    assert said(played(story(then=then))) == [
        "then.0: state closed (Closed) / state open (Open)",
        "then.1: Name is Window / Name is Door",
        "then.2: record.budget > 100 / record.budget = –",
        "then.3: Ticket: 3 / Ticket: 1",
        "then.4: it is deleted / it is there",
    ]


def test_time_passes_and_time_outs_come_due():
    late = "[{wait: 2d}]", "[{of: door, state: late}, {told: boss, contains: Door}]"
    assert said(played(story(*late))) == []
    early = "[{wait: 1d}, {wait: 23h}]", "[{of: door, state: open}, {told: boss, none: true}]"
    assert said(played(story(*early))) == []
    assert said(played(story("[{wait: 47h}]", late[1]))) == [
        "then.0: state late (Late) / state open (Open)", "then.1: Boss is told: “Door” / nothing",
    ]  # fmt: skip


def test_schedules_and_dates_come_due_too():
    rules = """  morning:
    trigger: {type: schedule, cron: "0 8 * * *"}
    actions: [{type: notify, to: [boss], message: Good morning}]
  soon:
    trigger: {type: date, form: ticket, field: due_on, before: 1d, at: "10:00"}
    actions: [{type: notify, to: [record.worker], message: "{{ record.name }} is due"}]
"""
    soon = "[{told: boss, contains: Good morning}, {told: ann, contains: Door is due}]"
    assert said(played(story("[{wait: 2d}, {wait: 1h}]", soon), rules=rules)) == []
    not_yet = "[{told: boss, contains: Good morning}, {told: ann, contains: Door is due, none: true}]"
    assert said(played(story("[{wait: 2d}]", not_yet), rules=rules)) == []


def test_the_example_of_the_reference_is_played():
    assert said(played(examples.SCENARIO)) == []


def test_the_clock_begins_where_it_is_set():
    then = "[{of: door, values: {due_on: '2027-01-06'}}]"
    assert said(played(story(then=then, more='    at: "2027-01-01 08:00"\n'))) == []


def test_questions_are_answered_by_those_who_are_asked():
    asked = "{by: boss, update: door, values: {cost: 30}}"
    good = f"[{asked}, {{by: clerk, answer: yes, of: door, refused: true}}, {{by: boss, answer: yes, of: door}}]"
    then = '[{asked: boss, contains: Door}, {asked: clerk, none: true}, {of: door, values: {answer: "yes"}}]'
    assert said(played(story(good, then))) == []
    assert said(played(story("[{by: boss, answer: yes, of: door}]"))) == [
        "steps.0: it is done / refused: There is no such question for you."
    ]


def test_what_would_leave_is_kept_and_answered_as_told():
    steps = "[{by: boss, take: close, of: door}]"
    then = """[{sent: http, to: [shop], contains: /closed/Door}, {sent: mail, to: [boss], contains: closed},
               {of: door, values: {answer: "%s"}}]"""
    assert said(played(story(steps, then % 200))) == []
    assert said(played(story(steps, then % 404, "    answers: {shop: {status: 404}}\n"))) == []
    mail, call = said(played(story(steps, "[{sent: mail, to: [clerk]}, {sent: http, none: true}]")))
    assert mail.startswith('then.0: mail to clerk / boss@example.com: {"to": [{"name": "Boss", "address": "boss@')
    assert call == (
        'then.1: nothing like: http to … / shop: {"method": "POST", "path": "/closed/Door", "query": {}, "json": '
        '{"cost": null}}'
    )


ALONE = """
import sys
reached = []
sys.addaudithook(lambda event, given: reached.append((event, given)) if event in ("socket.connect", "socket.getaddrinfo",
                                                                                   "smtplib.connect") else None)
from engine.cli import main
code = main(["test", sys.argv[1]])
assert not reached, reached
sys.exit(code)
"""


def test_nothing_leaves_the_process(tmp_path):
    file = tmp_path / "desk.yaml"
    then = "[{sent: http, to: [shop]}, {sent: mail, to: [boss]}, {role: clerk, form: ticket, never_reads: [cost]}]"
    file.write_text(text(story("[{by: boss, take: close, of: door}]", then)))
    ran = subprocess.run([sys.executable, "-c", ALONE, str(file)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk.yaml"]


def test_a_system_that_is_down_stops_what_needs_it():
    steps, then = "[{by: boss, take: close, of: door}]", "[{sent: mail, none: true}, {of: door, state: closed}]"
    assert said(played(story(steps, then, "    down: [shop]\n"))) == []


def test_a_rule_that_fails_fails_the_story():
    steps, answer = "[{by: boss, take: close, of: door}]", "x" * 300  # longer than the field it is written into
    (found,) = said(played(story(steps, more=f"    answers: {{shop: {{status: {answer}}}}}\n")))
    assert found.startswith("steps: every rule does its part / the rule tell_shop failed: ")


def test_a_refusal_is_expected_by_a_part_of_what_people_read():
    more = "{create: ticket, as: bare, by: ann, values: {name: Bare}}"
    steps = f"[{{by: ann, {more[1:].replace('by: ann, ', '')}, {{by: boss, take: close, of: bare, refused: no proof}}]"
    assert said(played(story(steps))) == []
    wrong = steps.replace("no proof", "no voucher")
    assert said(played(story(wrong))) == [
        "steps.1: it is refused, saying “no voucher” / refused: “Close” cannot be taken: There is no proof "
        "(Proof: empty; needed: Proof)"
    ]
    assert said(played(story("[{by: boss, take: close, of: door, refused: true}]"))) == [
        "steps.0: it is refused / it was done"
    ]


def test_a_story_ends_at_the_first_step_that_goes_otherwise():
    steps = "[{by: ann, take: close, of: door}, {by: boss, take: close, of: door, refused: true}]"
    assert len(said(played(story(steps, "[{of: door, state: late}]")))) == 1


def test_records_are_deleted_restored_and_buttons_pressed():
    steps = """[{by: ann, press: remind, of: door}, {by: boss, press: remind, of: door, refused: true},
                {by: ann, delete: door, refused: true}, {by: boss, delete: door}, {by: boss, restore: door},
                {by: boss, delete: door}]"""
    then = "[{of: door, gone: true}, {told: ann, contains: Think of Door}, {told: cem, none: true}]"
    assert said(played(story(steps, then))) == []


def test_nothing_is_left_for_the_next_story():
    two = story("[{by: boss, delete: door}]") + story(then="[{form: ticket, count: 1}]").replace("a:", "b:", 1)
    assert [result.passed for result in played(two)] == [True, True]


def test_the_report_names_the_line_and_the_exit_code_tells(tmp_path, capsys):
    file = tmp_path / "desk.yaml"
    file.write_text(text(story(then="[{of: door, state: closed}]") + story("[{wait: 1h}]").replace("a:", "b:", 1)))
    line = next(number for number, row in enumerate(file.read_text().splitlines(), 1) if "then: [{of" in row)
    assert main(["test", str(file)]) == 1
    shown = capsys.readouterr().out
    assert f"{file}:{line}:14: then.0\n      expected: state closed (Closed)\n      it came: state open (Open)\n" in shown
    assert "2 scenarios: 1 passed, 1 failed" in shown
    assert main(["test", str(file), "b"]) == 0
    assert main(["test", str(file), "c"]) == 1


def test_the_report_can_be_read_by_programs(tmp_path, capsys):
    file = tmp_path / "desk.yaml"
    file.write_text(text(story(then="[{of: door, state: closed}]")))
    assert main(["test", str(file), "--json", "--language", "zh"]) == 1
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["scenario"], one["label"], one["passed"]) == ("a", "A story", False)
    assert one["failures"][0]["path"] == "scenarios.a.then.0"
    assert one["failures"][0]["got"] == "状态 open（Open）"
