"""What the check of a definition says about expressions and templates: sentences with a place and a suggestion."""

from __future__ import annotations

import pytest
from ticket_world import READER, a_world, definition, names_of, registry

from engine.expressions import EvaluationFailed, Scope, check_expression, check_template, examine, fill, fill_all
from engine.language import Template


def scope(**names):
    return Scope(definition(), definition().forms["ticket"], names)


def said(expression, **names):
    return [(str(what), column) for what, column in check_expression(expression, scope(**names), registry())]


@pytest.mark.parametrize(
    ("source", "what", "column"),
    [
        ("recrd.title", "There is no name recrd here; did you mean record?", 0),
        ("record.titel == 'a'", "ticket has no field titel; did you mean title?", 7),
        ("1 + record.zzz", "ticket has no field zzz", 11),
        ("record.place.nam", "place has no field nam; did you mean name?", 13),
        ("record.place.parent_place.nam", "place has no field nam; did you mean name?", 26),
        ("sum(line.quantty for line in record.items)", "item has no field quantty; did you mean quantity?", 9),
        ("any(p.budgt > 1 for p in record.watched)", "place has no field budgt; did you mean budget?", 6),
        ("record.state == 'opne'", "ticket has no state opne; did you mean open?", 16),
        ("record.state in ('open', 'dnoe')", "ticket has no state dnoe; did you mean done?", 25),
        ("'opne' != record.state", "ticket has no state opne; did you mean open?", 0),
        ("record.level == 'hihg'", "hihg is none of the options; did you mean high?", 16),
        ("'purple' in record.tags", "purple is none of the options", 0),
        ("'agnet' in user.roles", "There is no role agnet; did you mean agent?", 0),
        ("record.owner_role == 'boss'", "There is no role boss", 21),
        ("record.state.finl", "a state has no finl; did you mean final?", 13),
        ("user.nam", "a user has no nam; did you mean name?", 5),
        ("record.due_on.hour", "a date has no hour", 14),
        ("record.home.citty", "a group has no citty; did you mean city?", 12),
        ("record.items.cost",
         "record.items is a list; go over it, such as sum(line.cost for line in record.items)", 13),
        ("record.due_on > 5", "a date > a number never holds", 0),
        ("record.due_on == 'today'", "a date == a text never holds", 0),
        ("record.title < 5", "a text < a number never holds", 0),
        ("record.place == record.helper", "a record == a user never holds", 0),
        ("record.place == record", "a record == a record never holds", 0),
        ("record.place < 3", "a record < a number never holds", 0),
        ("record.seen_at == today()", "A date never equals a date and time; write date(…) around the latter", 0),
        ("record.title + 1", "a text + a number cannot be worked out", 0),
        ("record.due_on + 3", "a date + a number cannot be worked out", 0),
        ("-record.title", "a text has no sign", 0),
        ("5 in record.title", "a number in a text never holds", 0),
        ("record.count in ('a', 1)", "a number == a text never holds", 17),
        ("record.helper in record.watched", "a user in a list of records never holds", 0),
        ("uper(record.title)", "There is no function uper; did you mean upper?", 0),
        ("upper()", "upper takes other values: upper(value)", 0),
        ("round(1, 2, 3)", "round takes other values: round(value, places)", 0),
        ("upper(record.count)", "upper needs a text as value, not a number", 6),
        ("days(record.title)", "days needs a number as count, not a text", 5),
        ("start_of_month(record.count)", "start_of_month needs a date as value, not a number", 15),
        ("today > record.due_on", "today is a function; write today()", 0),
        ("sum(x.a for x in record.title)", "a text is no list to go over", 17),
        ("record.amount >", "This is not an expression: record.amount >", 15),
        ("old.title", "There is no name old here", 0),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_was_meant(source, what, column):
    assert said(source) == [(what, column)]


def test_all_mistakes_of_an_expression_are_reported_in_order():
    assert said("record.titel == 'a' and record.state == 'opne' and uper(record.note)") == [
        ("ticket has no field titel; did you mean title?", 7),
        ("ticket has no state opne; did you mean open?", 40),
        ("There is no function uper; did you mean upper?", 51),
    ]


def test_the_place_counts_characters_not_bytes():
    assert said("record.title == '漏水' and record.titel") == [("ticket has no field titel; did you mean title?", 32)]


@pytest.mark.parametrize(
    "source",
    [
        "record.place.parent_place.parent_place.name == 'a'",
        "record.total > 5 and record.place_name == 'a' and not record.late",
        "record.items[0].quantity > 1",
        "record.due_on - today() > 3 and now() - record.seen_at > hours(3)",
        "record.state.final or record.state.label == 'x'",
        "record.owner == user and record.owner.name != '' and user.id == record.helper",
        "sum(line.quantity * line.price for line in record.items if line.store == record.place) > 5",
        "record.home.city == 'Dalian' and 'admin' in user.roles",
        "coalesce(record.due_on, today()) + days(1) > today()",
        "min(line.price for line in record.items) > 1",
        "record.seen_at >= start_of_month(today())",
        "record.effort * 2 > hours(1) and record.at.hour < 12",
        "round(record.amount / 3, 2) == 1 and format(record.amount) != ''",
    ],
)
def test_honest_expressions_have_nothing_wrong(source):
    assert said(source) == []


def test_other_records_can_be_in_scope():
    assert said("old.state != record.state and source.name == 'x'", old=definition().forms["ticket"],
                source=definition().forms["place"]) == []  # fmt: skip
    assert said("source.nam", source=definition().forms["place"]) == [
        ("place has no field nam; did you mean name?", 7)
    ]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("record.amount * 2", "number"),
        ("record.title + 'x'", "text"),
        ("record.due_on + days(1)", "date"),
        ("record.due_on - today()", "number"),
        ("record.seen_at - now()", "duration"),
        ("record.urgent and record.late", "boolean"),
        ("record.place", "record"),
        ("record.watched", "records"),
        ("coalesce(record.due_on, today())", "date"),
        ("max(line.price for line in record.items)", "number"),
        ("1 if record.urgent else 2", "number"),
        ("user", "user"),
    ],
)
def test_the_kind_of_the_result_is_known(source, kind):
    assert examine(source, scope(), registry()) == (examine(source, scope(), registry())[0], [])
    assert examine(source, scope(), registry())[0].name == kind


# --- templates -------------------------------------------------------------------------------------------------------


def filled(text, language="en", **values):
    return fill(Template({"": text}), language, names_of(a_world(**values)), registry(), READER)


def test_a_place_that_is_a_field_is_shown_as_the_field_shows_it():
    assert filled("{{ record.title }}: {{ record.amount }}, {{record.level}}, due {{ record.due_on }}") == (
        "Leak: CN¥120.50, high, due 10 Mar 2026"
    )


def test_records_are_shown_by_their_title_people_by_their_name_states_by_their_label():
    assert filled("{{ record.place }} / {{ record.owner }} / {{ record.state }} / {{ record.watched }}") == (
        "Hall / User 1 / Open / Plant"
    )


def test_a_template_without_places_is_its_text_and_empty_values_leave_nothing():
    assert filled("Nothing here {") == "Nothing here {"
    assert filled("[{{ record.note }}]", note=None) == "[]"


def test_what_is_filled_in_is_never_read_again():
    assert filled("{{ record.title }}", title="{{ record.amount }}") == "{{ record.amount }}"


def test_every_language_is_filled_for_its_readers():
    template = Template({"zh": "金额 {{ record.amount }}，{{ record.state }}", "en": "Amount {{ record.amount }}"})
    assert fill_all(template, names_of(a_world()), registry(), READER) == {
        "zh": "金额 ¥120.50，打开",
        "en": "Amount CN¥120.50",
    }


def test_a_failing_place_is_an_error():
    with pytest.raises(EvaluationFailed, match="ticket has no field titel"):
        filled("{{ record.titel }}")


def test_mistakes_in_templates_are_placed_in_the_text():
    template = Template({"zh": "好 {{ record.titel }}", "en": "Good {{ record.title }} {{"})
    mistakes = check_template(template, scope(), registry())
    assert [(language, str(what), column) for language, (what, column) in mistakes] == [
        ("zh", "ticket has no field titel; did you mean title?", 12),
        ("en", "{{ stands alone; a place is written {{ record.name }}", 24),
    ]
