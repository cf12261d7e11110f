"""What expressions give: empty values, exact numbers, dates, records through links, and why they fail."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from ticket_world import NOW, READER, USER, a_world, names_of, registry

from engine.expressions import EvaluationFailed, ExpressionRefused, UserView, compile_expression, names_for

EMPTY = dict.fromkeys(("note", "done_on", "met_at", "other_place"))


def value(source, **values):
    return compile_expression(source, registry()).evaluate(names_of(a_world(**EMPTY, **values)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("record.done_on < today()", False),
        ("record.done_on >= today()", False),
        ("not (record.done_on < today())", True),
        ("record.done_on == None", True),
        ("record.done_on != today()", True),
        ("record.done_on + days(1)", None),
        ("record.note + 'x'", None),
        ("-record.note", None),
        ("record.amount * record.note", None),
        ("record.other_place.name", None),
        ("record.other_place.parent_place.name", None),
        ("record.other_place in (1, None)", False),
        ("record.other_place not in (1, None)", True),
        ("'a' in record.note", False),
        ("round(record.note, 2)", None),
        ("upper(record.note)", None),
        ("sum(line.quantity for line in record.items)", 2),
        ("sum(line.price for line in record.items if line.name == 'none')", 0),
        ("max(line.price for line in record.items if line.name == 'none')", None),
        ("all(line.price > 1000 for line in record.items if line.name == 'none')", True),
        ("1 / 0", None),
        ("1 // 0", None),
        ("1 % 0", None),
        ("0 ** -1", None),
    ],
)
def test_an_empty_side_makes_the_result_empty_and_no_order_holds(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0.1 * 3", Decimal("0.3")),
        ("7 / 2", Decimal("3.5")),
        ("-7 // 2", -4),
        ("-7.5 // 2", -4),
        ("-7 % 3", 2),
        ("-7.5 % 2", Decimal("0.5")),
        ("2 ** 10", 1024),
        ("2 ** -1", Decimal("0.5")),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.345, 2)", Decimal("2.35")),
        ("floor(-1.5)", -2),
        ("ceil(-1.5)", -1),
        ("int('12')", 12),
        ("int(12.9)", 12),
        ("decimal('1.50')", Decimal("1.50")),
        ("decimal('twelve')", None),
        ("decimal('NaN')", None),
        ("abs(-3)", 3),
        ("1_000.5 + 1", Decimal("1001.5")),
        ("12345678901234567.891", Decimal("12345678901234567.891")),
    ],
)
def test_numbers_are_exact(source, expected):
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("today()", dt.date(2026, 3, 2)),  # in Shanghai it is tomorrow already
        ("now()", NOW),
        ("today() + days(30)", dt.date(2026, 4, 1)),
        ("today() - date('2026-02-27')", 3),
        ("now() - record.seen_at > hours(1)", True),
        ("record.seen_at.hour", 1),
        ("date(record.seen_at)", dt.date(2026, 3, 2)),
        ("record.seen_at + hours(2)", dt.datetime(2026, 3, 1, 19, tzinfo=dt.UTC)),
        ("record.seen_at >= today()", True),
        ("record.due_on > now()", True),
        ("add_months(date('2026-01-31'), 1)", dt.date(2026, 2, 28)),
        ("add_months(date('2024-02-29'), -12)", dt.date(2023, 2, 28)),
        ("end_of_month(date('2024-02-01'))", dt.date(2024, 2, 29)),
        ("start_of_week(date('2026-03-01'))", dt.date(2026, 2, 23)),
        ("start_of_year(today())", dt.date(2026, 1, 1)),
        ("weekday(date('2026-03-01'))", 7),
        ("today().weekday", 1),
        ("workdays_between(date('2026-02-27'), date('2026-03-03'))", 2),
        ("workdays_between(date('2026-03-03'), date('2026-02-27'))", -2),
        ("days_between(date('2026-02-27'), today())", 3),
        ("hours_between(record.seen_at, now())", Decimal("1.504166666666666666666666667")),
        ("as_hours(record.effort)", 2),
        ("record.effort * 2", dt.timedelta(hours=4)),
        ("record.effort + hours(1) > hours(2)", True),
        ("end_of_month(date('9999-12-01'))", dt.date(9999, 12, 31)),
    ],
)
def test_dates_are_the_readers(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("text(record.amount)", "120.50"),
        ("text(record.urgent)", "true"),
        ("text(record.place)", "Hall"),
        ("text(record.owner)", "User 1"),
        ("text(record.tags)", "red, blue"),
        ("text(record.note)", ""),
        ("concat(record.title, record.note, 3)", "Leak3"),
        ("join(line.name for line in record.items)", "pipe, glue"),
        ("left('abc', 2) + right('abc', 1)", "abc"),
        ("right('abc', 9)", "abc"),
        ("replace('a-b', '-', '')", "ab"),
        ("lower(upper(strip(' a ')))", "a"),
        ("format(1234.5)", "1,234.5"),
        ("format(record.due_on)", "10 Mar 2026"),
        ("format(record.place)", "Hall"),
        ("format(record.urgent)", "Yes"),
        ("format(record.tags)", "red, blue"),
        ("money(5)", "CN¥5.00"),
        ("str(5)", "5"),
        ("len('四个汉字')", 4),
        ("min(3, record.note, 2)", 2),
        ("if_else(record.urgent, 'now', 'later')", "now"),
        ("count(record.items)", 2),
    ],
)
def test_texts_and_choices(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("record.titel", "ticket has no field titel"),
        ("record.place.nmae", "place has no field nmae"),
        ("record.title + 1", "a text + a number cannot be worked out"),
        ("record.due_on < 5", "a date < a number cannot be worked out"),
        ("record.title < 5", "a text < a number cannot be worked out"),
        ("5 in record.title", "a number in a text cannot be worked out"),
        ("record.title.length", "a text has no length"),
        ("record.items.cost", "a list has no cost"),
        ("record.state.colour", "A state has no colour"),
        ("record.owner.salary", "A user has no salary"),
        ("record.home.moon", "There is no moon in it; there are "),
        ("today().hour", "A date has no hour"),
        ("date('tomorrow')", "tomorrow is no date; write it as 2026-01-31"),
        ("2 ** 65", "A power is a whole number between -64 and 64"),
        ("10 ** 29 * 100", "The number is too large"),
        ("today() + days(9 * 10 ** 6)", "The date lies too far away"),
        ("source.title", "source is not known here"),
        ("sum(line.name for line in record.items)", ""),
        ("upper(5)", "upper(5) cannot be worked out"),
    ],
)
def test_a_failure_is_one_sentence(source, said):
    if not said:
        assert value(source) == "pipeglue"
        return
    with pytest.raises(EvaluationFailed) as failed:
        value(source)
    assert str(failed.value).startswith(said)


def test_a_linked_record_is_loaded_once_and_only_when_something_of_it_is_read():
    world = a_world()
    names = names_of(world)
    compile_expression("record.place == 1 and record.place != record.other_place", registry()).evaluate(names)
    assert world.loads == []
    compile_expression("record.place.name == 'Hall' and record.place.budget > 1", registry()).evaluate(names)
    assert world.loads == [("place", 1)]


def test_a_link_to_a_record_that_is_gone_reads_as_empty():
    assert value("record.place.name", place=99) is None


def test_a_new_record_has_no_id_no_lines_and_no_links():
    world = a_world()
    row = {"title": "New", "place": 1, "items": [{"quantity": 2, "price": Decimal("1.00")}]}
    view = type(world.view("ticket", 1))(world.definition.forms["ticket"], row, world)
    names = {**world.names, "record": view}
    assert compile_expression("record.id is None and not record.watched", registry()).evaluate(names) is True
    assert compile_expression("record.total", registry()).evaluate(names) == Decimal("2.00")
    assert compile_expression("record.owner", registry()).evaluate(names) is None


def test_a_computed_field_that_reads_itself_is_refused_instead_of_running_for_ever():
    world = a_world()
    world.rows["ticket"][1].pop("total", None)
    field = world.definition.forms["ticket"].fields["total"]
    view = world.view("ticket", 1)
    object.__setattr__(view, "form", _with_circle(world.definition.forms["ticket"], field))
    with pytest.raises(EvaluationFailed, match="total is worked out from itself"):
        compile_expression("record.total", registry()).evaluate({**world.names, "record": view})


def _with_circle(form, field):
    from dataclasses import replace

    return replace(form, fields={**form.fields, "total": replace(field, value="record.total + 1")})


def test_a_person_without_an_account_is_nobody():
    system = UserView(None)
    names = {**a_world(owner=None).names, "record": a_world(owner=None).view("ticket", 1), "user": system}
    assert compile_expression("record.owner == user", registry()).evaluate(names) is False


def test_what_is_read_is_known_beforehand():
    compiled = compile_expression(
        "record.place.parent_place.name == 'x' and sum(line.cost for line in record.items if line.name) > 5"
        " and old.due_on < today() and 'agent' in user.roles",
        registry(),
    )
    assert compiled.paths == (
        ("record", "place", "parent_place", "name"),
        ("record", "items"),
        ("record", "items", "cost"),
        ("record", "items", "name"),
        ("old", "due_on"),
        ("user", "roles"),
    )
    assert compiled.reads_time
    assert not compile_expression("record.title == 'today()'", registry()).reads_time


def test_why_it_does_not_hold():
    compiled = compile_expression(
        "record.amount <= record.place.budget and (record.urgent or record.count > 5) and record.state == 'open'",
        registry(),
    )
    assert [clause.source for clause in compiled.clauses] == [
        "record.amount <= record.place.budget",
        "record.urgent or record.count > 5",
        "record.state == 'open'",
    ]
    assert compiled.explain(names_of(a_world())) == [
        (
            "record.amount <= record.place.budget",
            False,
            [("record.amount", Decimal("120.50")), ("record.place.budget", Decimal("100.00"))],
        ),
        ("record.urgent or record.count > 5", True, [("record.urgent", True), ("record.count", 3)]),
        ("record.state == 'open'", True, [("record.state", "open")]),
    ]


def test_clauses_in_chinese_texts_are_cut_at_the_right_character():
    compiled = compile_expression("record.title == '漏水' and record.note != '已修好'", registry())
    assert [clause.source for clause in compiled.clauses] == ["record.title == '漏水'", "record.note != '已修好'"]


@pytest.mark.parametrize(
    ("source", "said", "column"),
    [
        ("record.title = 'a'", "This is not an expression; to compare write == instead of =", 0),
        ("record.urgent && record.late", "write `and`, `or` and `not` instead of &&, || and !", 0),
        ("record.title.upper()", "There are no methods: write upper(…) with the value in the brackets", 0),
        ("1 + uper('a')", "There is no function uper; did you mean upper?", 4),
        ("lambda: 1", "lambda cannot be used in an expression", 0),
        ("record.title == f'{x}'", "f'…' cannot be used in an expression", 16),
        ("record.title is 'a'", "`is` only stands before None; to compare write ==", 16),
        ("today", "today is a function; write today()", 0),
        ("record.title ＝＝ 'a'", "＝ only stands inside quotes", 13),
        ("record.items[0:1]", "Only a fixed text or number stands in [ ]", 0),
        ("'abc", "This is not an expression: 'abc", 0),
    ],
)
def test_a_refused_text_says_what_to_write_instead(source, said, column):
    with pytest.raises(ExpressionRefused) as refused:
        compile_expression(source, registry())
    assert said in str(refused.value)
    if column:
        assert refused.value.column == column


def test_names_for_an_evaluation_carry_the_readers_clock():
    names = names_for(NOW, READER, USER)
    assert names["today"] == dt.date(2026, 3, 2)
    assert names["now"].utcoffset() == dt.timedelta(hours=8)
    assert names["user"].read("roles") == frozenset({"agent"})


def test_the_same_source_is_compiled_once():
    assert compile_expression("record.count + 41", registry()) is compile_expression("record.count + 41", registry())
