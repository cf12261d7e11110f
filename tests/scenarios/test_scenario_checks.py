"""Given this story, this is what the checks say before it is played."""

import pytest
from story_world import remarks

HEAD = "a:\n    label: A story\n    given: [{create: project, as: house}, {create: ticket, as: door}]\n"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("steps: [{by: clark, delete: door}]", "steps.0.by: There is no role or person 'clark'; did you mean 'clerk'?"),
        ("steps: [{by: ann, delete: dor}]", "steps.0.delete: No record is called 'dor' here; did you mean 'door'?"),
        ("steps: [{by: ann, take: clos, of: door}]", "steps.0.take: 'ticket' has no transition 'clos'; did you mean 'close'?"),
        ("steps: [{by: ann, take: close}]", "steps.0: 'of' is missing: 'take' needs it."),
        ("steps: [{take: close, of: door}]", "steps.0: 'by' is missing: 'take' needs it."),
        ("steps: [{by: ann, delete: door, wait: 2d}]", "steps.0: One thing at a time; here are 2: delete, wait."),
        ("steps: [{wait: 2d, by: ann}]", "steps.0.by: 'by' says nothing beside 'wait'."),
        ("steps: [{by: ann}]", "steps.0: Nothing is said here; expected one of create, update, take, press, answer, "
         "hand_over, add_signer, delegate, withdraw, remind, delete, restore, wait, arrives."),
        ("steps: [{by: ann, press: too_late, of: door}]",
         "steps.0.press: The rule 'too_late' is no button of 'ticket'; expected one of remind."),
        ("steps: [{by: ann, answer: maybe, of: door}]", "steps.0.answer: No rule asks for the answer 'maybe'; expected one of "
         "no, yes."),
        ("steps: [{by: ann, update: door, values: {nam: x}}]",
         "steps.0.values.nam: 'ticket' has no field 'nam'; did you mean 'name'?"),
        ("steps: [{by: ann, update: door, values: {project: door}}]",
         "steps.0.values.project: 'door' is of the form 'ticket'; expected one of 'project'."),
        ("steps: [{by: ann, update: door, values: {worker: bea}}]",
         "steps.0.values.worker: There is no role or person 'bea'; expected one of clerk, boss, admin, ann, cem."),
        ("steps: [{by: ann, create: ticket, as: door}]", "steps.0.as: 'door' is the name of another record already."),
        ("then: [{of: door, state: shut}]", "then.0.state: 'ticket' has no state 'shut'; expected one of open, late, closed."),
        ("then: [{of: door, holds: record.nam == 'x'}]", "then.0.holds: ticket has no field nam; did you mean name?"),
        ("then: [{of: door}]", "then.0: Nothing is said about 'door': add state, holds, values or gone."),
        ("then: [{of: house, told: boss}]", "then.0: One thing at a time; here are 2: of, told."),
        ("then: [{sent: male}]", "then.0.sent: Nothing is sent as 'male'; did you mean 'mail'?"),
        ("then: [{role: clerk, never_reads: [cost]}]", "then.0: 'form' is missing: 'never_reads' needs it."),
        ("then: [{role: clerk, form: ticket, never_reads: [costs]}]",
         "then.0.never_reads.0: 'ticket' has no field 'costs'; did you mean 'cost'?"),
        ("then: [{role: clerc, form: ticket, never: [delete]}]", "then.0.role: There is no role 'clerc'; did you mean 'clerk'?"),
        ("down: [shpo]\n    steps: [{wait: 1d}]", "down.0: There is no connection 'shpo'; did you mean 'shop'?"),
        ('at: "2026-02-30 09:00"\n    steps: [{wait: 1d}]',
         "at: There is no such moment; expected one like 2026-03-02 09:00."),
        ("steps: []", "a: The scenario shows nothing: it has neither steps nor then."),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_told_with_its_place(part, expected):
    assert [one.removeprefix("a.") for one in remarks(f"{HEAD}    {part}\n")] == [expected]


def test_a_name_counts_from_where_it_is_given():
    steps = "[{by: ann, delete: new}, {by: ann, create: ticket, as: new, values: {name: x}}]"
    assert remarks(f"{HEAD}    steps: {steps}\n") == [
        "a.steps.0.delete: No record is called 'new' here; expected one of house, door."
    ]
