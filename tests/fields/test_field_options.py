"""Wrong options are found before anything runs; series, derived fields, and what they lean on."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest
from field_samples import OPTIONS, SAMPLES, ZH

from engine import fields
from engine.definition import AppDefinition, Form
from engine.errors import Invalid
from engine.fields import safe_pattern
from engine.fields.derived import reads_time
from engine.language import Label

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("field", "mistakes"),
    [
        (fields.IntegerField(name="a", min=5, max=1), [("min", "min is 5, more than max 1.")]),
        (fields.IntegerField(name="a", max=1, default=5), [("default", "A must be at most 1; got 5.")]),
        (fields.TextField(name="a", min_length=9, max_length=3),
         [("min_length", "min_length is 9, more than max_length 3.")]),
        (fields.TextField(name="a", pattern="("),
         [("pattern", "The pattern is not a regular expression: missing ), unterminated subpattern at position 0.")]),
        (fields.ChoiceField(name="a", options=OPTIONS, default="pink"),
         [("default", "A must be one of Red, Green, blue; got “pink”.")]),
        (fields.MoneyField(name="a", currency="XYZ"),
         [("currency", "XYZ is not a currency of ISO 4217, such as CNY.")]),
        (fields.DateField(name="a", min="2026-13-01"),
         [("min", "min must be a date such as 2026-11-22; got “2026-13-01”.")]),
        (fields.DateField(name="a", min="2026-02-01", max="2026-01-01"),
         [("min", "min is 2026-02-01, more than max 2026-01-01.")]),
        (fields.QuantityField(name="a", unit="kg", units={"t": D(0)}),
         [("units", "The unit t must be more than 0 of kg.")]),
        (fields.LinesField(name="a", form="b", min=3, max=2), [("min", "min is 3, more than max 2.")]),
        (fields.JsonField(name="a", schema={"type": "nothing"}),
         [("schema", "The JSON Schema is wrong: 'nothing' is not valid under any of the given schemas.")]),
        (fields.SeriesField(name="a", pattern="A-{yyyy}"),
         [("pattern", "The pattern “A-{yyyy}” must have one place for the number, such as {00000}.")]),
        (fields.SeriesField(name="a", pattern="A{mm}{000}"),
         [("pattern",
           "The pattern “A{mm}{000}” repeats itself: beside the day it needs the month, beside these the year.")]),
        (fields.SeriesField(name="a", pattern="A{year}{000}"),
         [("pattern", "The place {year} is unknown; a series has {yyyy} {yy} {mm} {dd} {ww} {00000}.")]),
        (fields.RollupField(name="a", of="ticket", via="b", fold="sum"),
         [("of", "To fold by sum, name a field: ticket.amount, say.")]),
        (fields.ComputedField(name="a", result=SAMPLES["lines"], value="1"),
         [("result", "The result cannot be a lines field; take a plain one.")]),
        (fields.ComputedField(name="a", result=SAMPLES["money"], value="1", required=True),
         [("required", "A computed field is worked out, so it cannot have required.")]),
    ],
)  # fmt: skip
def test_wrong_options_are_told(field, mistakes):
    assert [(at, str(text)) for at, text in field.mistakes()] == mistakes


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)*", "(.*a){20}", r"(a)\1", "(?=a)b", "a*a*a*a*b", "((ab)*c)*", "(x+x+)+y"]
)
def test_patterns_that_could_take_for_ever_are_refused(pattern):
    assert str(safe_pattern.fault(pattern)).startswith("The pattern “")


@pytest.mark.parametrize(
    "pattern",
    ["[A-Z]{2}[0-9]+", r"\d{17}[\dX]", r"(\d{3}-)?\d{8}", "(red|green|blue)", r"[^@]+@[^@]+\.[a-z]+", 
     r"[A-Z]+(-\d{1,4}){0,3}", "[一-龥]{2,20}"],
)  # fmt: skip
def test_ordinary_patterns_are_fine_and_quick(pattern):
    assert safe_pattern.fault(pattern) is None
    field = fields.TextField(name="a", pattern=pattern)
    start = time.perf_counter()
    for letter in "A0a-@一":
        with pytest.raises(Invalid):
            field.parse(letter * 254 + "!", ZH)
    assert time.perf_counter() - start < 0.5


def test_a_series_counts_by_the_month_of_its_place():
    series = fields.SeriesField(name="number", pattern="SO{yyyy}{mm}-{00000}")
    eve = dt.datetime(2026, 12, 31, 17, 0, tzinfo=dt.UTC)  # already January in Shanghai
    assert series.period(eve, SHANGHAI) == "2027-01"
    assert series.render(42, eve, SHANGHAI) == "SO202701-00042"
    assert series.render(123456, eve, SHANGHAI) == "SO202701-123456"
    plain = fields.SeriesField(name="number", pattern="T{000}")
    assert (plain.period(eve, SHANGHAI), plain.render(7, eve, SHANGHAI)) == ("", "T007")


def label(text):
    return Label({"": text})


def project_and_ticket():
    ticket = Form(name="ticket", label=label("Ticket"), fields={
        "project": fields.LinkField(name="project", form="project"),
        "cost": fields.MoneyField(name="cost"),
        "due_on": fields.DateField(name="due_on"),
        "status": fields.LookupField(name="status", via="project", field="status"),
        "budget": fields.LookupField(name="budget", via="project", field="spent"),
        "loop": fields.LookupField(name="loop", via="project", field="loop"),
    })  # fmt: skip
    project = Form(name="project", label=label("Project"), fields={
        "status": fields.ChoiceField(name="status", options=OPTIONS),
        "tickets": fields.RollupField(name="tickets", of="ticket", via="project"),
        "spent": fields.RollupField(name="spent", of="ticket.cost", via="project", fold="sum"),
        "late": fields.RollupField(name="late", of="ticket.cost", via="project", fold="sum",
                                    when="record.due_on < today()"),
        "first": fields.RollupField(name="first", of="ticket.due_on", via="project", fold="min"),
        "loop": fields.RollupField(name="loop", of="ticket.loop", via="project", fold="max"),
        "gone": fields.RollupField(name="gone", of="nothing.x", via="project", fold="max"),
        "double": fields.ComputedField(name="double", result=fields.MoneyField(name=""), value="record.spent * 2"),
    })  # fmt: skip
    return AppDefinition(app="app", label=label("App"), currency="JPY", forms={"ticket": ticket, "project": project})


def test_rollups_and_lookups_look_like_what_they_come_from():
    definition = fields.resolve(project_and_ticket())
    project, ticket = definition.forms["project"].fields, definition.forms["ticket"].fields
    assert project["tickets"].format(3, ZH) == "3"
    assert project["spent"].format(D(1200), ZH) == "JP¥1,200"
    assert project["double"].format(D(1200), ZH) == "JP¥1,200"
    assert project["first"].kind == "date"
    assert ticket["status"].cell("red", ZH) == '<span class="badge bg-red-lt">红</span>'
    assert ticket["budget"].kind == "number"
    assert ticket["budget"].align == "end"
    assert (project["loop"].result, project["gone"].result) == (None, None)


def test_only_what_does_not_change_by_itself_is_kept_in_a_column():
    definition = fields.resolve(project_and_ticket())
    project, ticket = definition.forms["project"].fields, definition.forms["ticket"].fields
    assert project["spent"].is_stored
    assert project["spent"].column_type() is not None
    assert not project["late"].is_stored
    assert project["late"].column_type() is None
    assert project["late"].operators == ()
    assert ticket["status"].column_type() is None
    assert not fields.ComputedField(name="a", result=SAMPLES["integer"], value="(today() - record.x).days").is_stored
    assert reads_time("record.a < now()")
    assert not reads_time("record.today == 1")


def test_names_in_other_forms_are_told_to_the_checks():
    definition = project_and_ticket()
    ticket, project = definition.forms["ticket"], definition.forms["project"]
    assert list(ticket.fields["status"].references(ticket, definition)) == [("field", "project", "status")]
    assert list(project.fields["spent"].references(project, definition)) == [
        ("of", "ticket", "cost"), ("via", "ticket", "project"),
    ]  # fmt: skip


def test_a_worked_out_value_is_rounded_to_the_scale_of_its_result():
    computed = fields.ComputedField(name="a", result=fields.MoneyField(name="", currency="CNY"), value="1")
    assert computed.settled(D("1.005")) == D("1.01")
    assert computed.settled(3) == D("3.00")
    assert computed.settled(None) is None
