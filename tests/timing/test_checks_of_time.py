"""What the check says about rules that time or a message from outside wakes."""

from __future__ import annotations

from textwrap import dedent

import pytest
from timing_world import DESK

from engine.builtin import default_registry
from engine.load import examine

REGISTRY = default_registry()
TELL = "{type: notify, to: [clerk], message: Done}"


def said(trigger: str, action: str = TELL, more: str = "") -> list[str]:
    text = f"{dedent(DESK)}\nrules:\n  watch:\n    trigger: {{{trigger}}}\n    actions: [{action}]\n{more}"
    _definition, source, findings = examine(text, REGISTRY, "desk.yaml")
    line = next(number for number, one in enumerate(source.text.splitlines(), 1) if "trigger:" in one)
    found = []
    for finding in findings:
        place = f"{finding.line - line}:{finding.column}" if finding.line >= line else "before"
        found.append(f"{finding.severity} {place} {finding.path}: {finding.message}")
    return found


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("type: timeout, form: ticket, state: open, before: 1h, after: 2h",
         "error 0:76 rules.watch.trigger.after: 'before' and 'after' contradict each other; keep one of them."),
        ("type: timeout, form: ticket, state: closed",
         "error 0:51 rules.watch.trigger.state: The state 'closed' has no time of its own: give it `within`, or say"
         " `within` here."),
        ("type: timeout, form: ticket, state: opne",
         "error 0:51 rules.watch.trigger.state: 'ticket' has no state 'opne'; did you mean 'open'?"),
        ("type: timeout, form: ticket, state: open, before: 4h",
         "warning 0:65 rules.watch.trigger.before: The state 'open' lasts 4h: 4h before its end it has not begun, so the"
         " rule wakes at once."),
        ("type: date, form: ticket, field: name", "error 0:48 rules.watch.trigger.field: 'name' is no date."),
        ("type: date, form: ticket, field: due_no",
         "error 0:48 rules.watch.trigger.field: 'ticket' has no field 'due_no'; did you mean 'due_on'?"),
        ("type: date, form: ticket, field: due_on, before: 1d, after: 1d",
         "error 0:75 rules.watch.trigger.after: 'before' and 'after' contradict each other; keep one of them."),
        ('type: date, form: ticket, field: due_on, at: "8:00"',
         "error 0:60 rules.watch.trigger.at: '8:00' is no time of day; expected one such as \"08:00\"."),
        ("type: schedule", "error 0:14 rules.watch.trigger: A schedule needs `cron`, `every` or `at`."),
        ('type: schedule, cron: "0 25 * * *"',
         "error 0:40 rules.watch.trigger.cron: '25' is no hour; expected 0-23."),
        ('type: schedule, cron: "0 8 * * *", every: 1h',
         "error 0:57 rules.watch.trigger.every: 'cron' and 'every' contradict each other; keep one of them."),
        ("type: schedule, every: 1h, weekdays: [mon]",
         "error 0:52 rules.watch.trigger.weekdays: `weekdays` belongs to `at`."),
        ("type: schedule, every: 1h, timezone: Europe/Belrin",
         "error 0:52 rules.watch.trigger.timezone: There is no time zone 'Europe/Belrin'; expected one such as"
         " Asia/Shanghai."),
        ("type: webhook, path: in",
         "error 0:14 rules.watch.trigger: A webhook needs a secret; without one anybody can wake the rule. If that is"
         " meant: open: true."),
        ("type: webhook, path: in, open: true",
         "warning 0:46 rules.watch.trigger.open: Anybody who knows the address can wake this rule."),
        ("type: webhook, path: in, secret: {secret: IN}, header: X Sum",
         "error 0:70 rules.watch.trigger.header: 'X Sum' is no name of a header; expected one such as X-Signature."),
        ("type: finished, rule: wach",
         "error 0:37 rules.watch.trigger.rule: There is no rule 'wach'; did you mean 'watch'?"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_and_its_sentence(trigger: str, expected: str) -> None:
    assert expected in [one for one in said(trigger) if not one.startswith("note")]


def test_what_is_right_is_right() -> None:
    for trigger in ("type: timeout, form: ticket, state: open", "type: date, form: ticket, field: remind_on, before: 3d",
                    "type: webhook, path: in, secret: {secret: IN}"):  # fmt: skip
        assert said(trigger) == []


def test_a_schedule_says_when_it_comes_next() -> None:
    notes = said('type: schedule, cron: "0 8 * * mon-fri"')
    assert len(notes) == 1
    assert notes[0].startswith("note 0:14 rules.watch.trigger: Next: 20")
    assert notes[0].count(" 08:00") == 3
    assert notes[0].endswith("(Asia/Shanghai).")
    either = said('type: schedule, cron: "0 8 13 * fri"')
    assert any("The day of the month or the weekday is enough here" in one for one in either)


@pytest.mark.parametrize(
    ("action", "expected"),
    [("{type: set, values: {note: \"'x'\"}}", "No record wakes this rule, so 'set' has none; put it into a `for_each`."),
     ("{type: take, transition: close}", "No record wakes this rule, so 'take' has none; put it into a `for_each`."),
     ("{type: refuse, message: No}", "No change wakes this rule, so there is nothing to refuse."),
     ('{type: notify, to: [clerk], message: "{{ record.name }}"}', "record"),
     ("{type: create, form: ticket, values: {name: record.name}}", "record")],
)  # fmt: skip
def test_what_no_record_wakes_has_none(action: str, expected: str) -> None:
    errors = [one for one in said("type: schedule, every: 1h", action) if one.startswith("error")]
    assert len(errors) == 1
    assert expected in errors[0]


def test_for_each_brings_records_along() -> None:
    action = "{type: for_each, form: ticket, where: record.state == 'open', actions: [{type: take, transition: close}]}"
    assert [one for one in said("type: schedule, every: 1h", action) if one.startswith("error")] == []


def test_two_webhooks_with_one_address() -> None:
    hook = "type: webhook, path: in, secret: {secret: IN}"
    more = f"  other:\n    trigger: {{{hook}}}\n    actions: [{TELL}]\n"
    assert "The address /hooks/in belongs to the rule 'watch'." in said(hook, TELL, more)[0]
