"""What is said about cards that cannot show what they say."""

import pytest
from test_checks import remarks as remarks_of


def remarks(card, more=""):
    page = f"pages: {{p: {{label: P, {more} cards: [{card}]}}}}"
    return [said for said in remarks_of(fields="due: {type: date}", rules=page) if said.startswith("pages.")]


@pytest.mark.parametrize(("card", "said"), [
    ("{type: formula, label: N, value: a / b, figures: {a: {form: ticket}}}", "pages.p.cards.0.value: There is no name b"),
    ("{type: formula, label: N, value: a, figures: {a: {form: ticket, fold: sum}}}",
     "pages.p.cards.0.figures.a.fold: 'sum' needs a field: add 'field'."),
    ("{type: formula, label: N, value: a, figures: {a: {form: ticket, date: name}}}",
     "pages.p.cards.0.figures.a.date: Expected a stored date; 'name' is of type text."),
    ("{type: formula, label: N, value: a, figures: {a: {form: ticket, where: record.gone > 1}}}",
     "pages.p.cards.0.figures.a.where: "),
    ("{type: formula, label: N, value: a + b, figures: {a: {form: ticket, group: project}, b: {form: ticket, group: state}}}",
     "pages.p.cards.0.figures.b.group: The figures of one formula are grouped by fields of the same kind; 'state' is not."),
    ("{type: before_after, label: N, value: a, day: '2026-02-31', figures: {a: {form: ticket, date: due}}}",
     "pages.p.cards.0.day: There is no such day: 2026-02-31"),
    ("{type: cycle, label: N, form: ticket, from: {state: open, field: due}, to: {state: closed}}",
     "pages.p.cards.0.from: A point is either a 'state' or a 'field'."),
    ("{type: cycle, label: N, form: ticket, from: {state: open}, to: {state: gone}}",
     "pages.p.cards.0.to.state: 'ticket' has no state 'gone'"),
    ("{type: process, label: N, form: project}", "pages.p.cards.0.form: The form 'project' has no workflow."),
    ("{type: ageing, label: N, form: ticket, date: due, edges: [30, 10]}",
     "pages.p.cards.0.edges: The edges are days from 1 on, each more than the one before."),
    ("{type: trend, label: N, form: ticket, date: due, last: 1}",
     "pages.p.cards.0.last: A trend has two points at least: raise 'last' or 'ahead'."),
])  # fmt: skip
def test_a_card_that_cannot_be_is_said(card, said):
    found = remarks(card)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_cards_that_can_be_are_passed():
    assert remarks("{type: formula, label: N, value: a / b, figures: {a: {form: ticket, group: project}, b: {form: ticket}}}") == []
    assert remarks("{type: cycle, label: N, form: ticket, from: {field: due}, to: {state: closed}}", "period: month,") == []
