"""Values through real columns: exact, aware, filtered as they are shown."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest
import sqlalchemy as sa
from field_samples import EN, SAMPLES, ZH

from engine import fields
from engine.errors import Invalid
from engine.fields.operators import read_operand
from engine.formats import Reader

NOW = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.UTC)  # Monday the 23rd, 04:00 in Shanghai
KEPT = {
    "text": "a%b", "long_text": "a\nb", "rich_text": "<p>a</p>", "integer": -7, "decimal": D("1.250"),
    "money": D("0.10"),
    "percent": D("12.5"), "quantity": D("2500.000"), "boolean": False, "choice": "red", "choices": ("red", "blue"),
    "date": dt.date(2026, 11, 22), "time": dt.time(9, 5), "datetime": dt.datetime(2026, 11, 22, 6, 30, tzinfo=dt.UTC),
    "duration": dt.timedelta(hours=36), "series": "T202611-00001", "link": 4, "user": 5, "role": "sales",
    "phone": "110", "email": "a@b.cn", "url": "https://b.cn", "address": {"city": "厦门"}, "colour": "#aabbcc",
    "rating": 3, "barcode": "X1", "signature": (9,), "attachment": (4, 12), "image": (1,), "json": {"a": [1, None]},
    "computed": D("3.00"), "rollup": 3,
}  # fmt: skip


def make_table(*some):
    columns = [sa.Column(one.name, one.column_type()) for one in some if one.column_type() is not None]
    return sa.Table("samples", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *columns)


@pytest.fixture
def engine(database_url):
    made = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


def test_every_value_comes_back_as_it_went_in(engine):
    table = make_table(*SAMPLES.values())
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert(), [KEPT, dict.fromkeys(KEPT)])
        full, empty = conn.execute(sa.select(table).order_by(table.c.id)).mappings().all()
    assert {name: full[name] for name in KEPT} == KEPT
    assert {name: str(full[name]) for name in ("decimal", "money", "quantity")} == {
        "decimal": "1.250", "money": "0.10", "quantity": "2500.000",
    }  # fmt: skip
    assert [name for name in KEPT if empty[name] is not None] == []
    assert full["datetime"].utcoffset() == dt.timedelta(0)


def test_three_dimes_are_thirty_cents(engine):
    table = make_table(SAMPLES["money"])
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert(), [{"money": D("0.10")}] * 3)
        assert conn.scalar(sa.select(sa.func.sum(table.c.money))) == D("0.30")
        conn.execute(table.insert(), {"money": D("999999999999.99")})
        assert conn.scalar(sa.select(sa.func.max(table.c.money))) == D("999999999999.99")


def test_columns_of_different_scale_compare_and_add(engine):
    weight, price = fields.DecimalField(name="weight", scale=4), fields.DecimalField(name="price", scale=0)
    table = make_table(weight, price)
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert(), {"weight": D("2.5000"), "price": D(2)})
        assert conn.scalar(sa.select(sa.func.count()).where(table.c.weight > table.c.price)) == 1
        assert conn.scalar(sa.select(table.c.weight + table.c.price)) == D("4.5")


def test_a_larger_scale_kept_before_is_shown_whole(engine):
    table = make_table(fields.DecimalField(name="rate", scale=4))
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert(), [{"rate": D("1.2345")}, {"rate": D("1.5000")}])
        narrower = make_table(fields.DecimalField(name="rate", scale=1))
        assert list(map(str, conn.scalars(sa.select(narrower.c.rate)))) == ["1.2345", "1.5"]


ROWS = [
    {"text": "Alpha 100%", "integer": 1, "money": D("10.00"), "choice": "red", "choices": ("red",), "boolean": True,
     "date": dt.date(2026, 11, 23), "datetime": dt.datetime(2026, 11, 22, 15, 59, tzinfo=dt.UTC), "link": 1, "user": 1,
     "duration": dt.timedelta(hours=1), "rating": 1, "attachment": (3,)},
    {"text": "beta_1", "integer": 2, "money": D("20.00"), "choice": "green", "choices": ("red", "green"),
     "boolean": False,
     "date": dt.date(2026, 11, 22), "datetime": dt.datetime(2026, 11, 22, 16, 0, tzinfo=dt.UTC), "link": 2, "user": 2,
     "duration": dt.timedelta(hours=2), "rating": 2, "attachment": (3, 30)},
    {"text": "测试\\1", "integer": 3, "money": D("30.00"), "choice": "blue", "choices": ("blue",), "boolean": None,
     "date": dt.date(2026, 10, 31), "datetime": dt.datetime(2026, 11, 24, 16, 0, tzinfo=dt.UTC), "link": 3, "user": 3,
     "duration": dt.timedelta(days=3), "rating": 3, "attachment": None},
    dict.fromkeys(("text", "integer", "money", "choice", "choices", "boolean", "date", "datetime", "link", "user",
                   "duration", "rating", "attachment")),
]  # fmt: skip
FILTERS = [
    ("text", "contains", ["ALPHA"], [1]), ("text", "contains", ["0%"], [1]), ("text", "contains", ["_"], [2]),
    ("text", "contains", ["%"], [1]), ("text", "contains", ["\\"], [3]), ("text", "contains", ["试"], [3]),
    ("text", "starts", ["beta"], [2]), ("text", "eq", ["beta_1"], [2]), ("text", "ne", ["beta_1"], [1, 3, 4]),
    ("text", "in", ["beta_1,Alpha 100%"], [1, 2]), ("text", "not_in", ["beta_1"], [1, 3, 4]),
    ("text", "empty", [], [4]), ("text", "not_empty", [], [1, 2, 3]),
    ("integer", "gt", ["1"], [2, 3]), ("integer", "gte", ["2"], [2, 3]), ("integer", "lt", ["2"], [1]),
    ("integer", "lte", ["2"], [1, 2]), ("integer", "between", ["2,3"], [2, 3]), ("integer", "between", ["2,"], [2, 3]),
    ("integer", "between", [",1"], [1]), ("integer", "between", ["1", "2"], [1, 2]),
    ("integer", "ne", ["1"], [2, 3, 4]),
    ("money", "eq", ["¥20"], [2]), ("money", "gt", ["10"], [2, 3]), ("money", "between", ["10,20"], [1, 2]),
    ("money", "in", ["10,30"], [1, 3]), ("money", "empty", [], [4]),
    ("boolean", "eq", ["true"], [1]), ("boolean", "eq", ["否"], [2, 3, 4]), ("boolean", "empty", [], [3, 4]),
    ("choice", "eq", ["red"], [1]), ("choice", "in", ["red,绿"], [1, 2]), ("choice", "not_in", ["red"], [2, 3, 4]),
    ("choices", "has", ["red"], [1, 2]), ("choices", "has", ["red,green"], [2]),
    ("choices", "has_any", ["green", "blue"], [2, 3]), ("choices", "has_not", ["red"], [3, 4]),
    ("choices", "empty", [], [4]),
    ("date", "eq", ["2026年11月23日"], [1]), ("date", "before", ["2026-11-23"], [2, 3]),
    ("date", "after", ["2026-11-22"], [1]), ("date", "between", ["2026-11-01,2026-11-22"], [2]),
    ("date", "today", [], [1]), ("date", "yesterday", [], [2]), ("date", "this_week", [], [1]),
    ("date", "last_week", [], [2]), ("date", "this_month", [], [1, 2]), ("date", "last_month", [], [3]),
    ("date", "past", [], [2, 3]), ("date", "future", [], []), ("date", "last_30_days", [], [1, 2, 3]),
    ("datetime", "on", ["2026-11-22"], [1]), ("datetime", "on", ["2026-11-23"], [2]), ("datetime", "today", [], [2]),
    ("datetime", "yesterday", [], [1]), ("datetime", "this_week", [], [2, 3]), ("datetime", "past", [], [1, 2]),
    ("datetime", "after", ["2026-11-23 00:00"], [3]), ("datetime", "future", [], [3]),
    ("link", "eq", ["2"], [2]), ("link", "in", ["1,3"], [1, 3]), ("link", "empty", [], [4]),
    ("user", "eq", ["1"], [1]), ("duration", "gte", ["2h"], [2, 3]), ("rating", "lt", ["2"], [1]),
    ("attachment", "empty", [], [3, 4]), ("attachment", "not_empty", [], [1, 2]),
]  # fmt: skip


def operator_of(field, name):
    (found,) = (operator for operator in field.operators if operator.name == name)
    return found


def test_filters_find_what_they_say(engine):
    table = make_table(*(SAMPLES[name] for name in ROWS[0]))
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert(), ROWS)
        for name, operator_name, raw, expected in FILTERS:
            field = SAMPLES[name]
            operator = operator_of(field, operator_name)
            clause = operator.compare(table.c[name], read_operand(field, operator, raw, ZH, NOW))
            found = conn.scalars(sa.select(table.c.id).where(clause).order_by(table.c.id)).all()
            assert found == expected, (name, operator_name, raw)


def test_the_day_of_a_moment_is_the_readers():
    field = SAMPLES["datetime"]
    start, end = read_operand(field, operator_of(field, "on"), ["2026-10-25"], EN, NOW)
    assert (start, end - start) == (dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC), dt.timedelta(hours=25))


def test_every_operator_of_every_type_compiles(engine):
    for field in SAMPLES.values():
        if field.column_type() is None:
            continue
        column = sa.Column(field.name, field.column_type())
        for operator in field.operators:
            assert str(operator.compare(column, operand_for(operator.takes, KEPT[field.name])).compile(engine))


def operand_for(takes, one):
    now = NOW.astimezone(ZH.zone)
    operands = {"one": one, "many": [one], "pair": (one, None), "text": "x", "day": (NOW, NOW), "now": now, "me": 1}
    return operands.get(takes)


@pytest.mark.parametrize(
    ("name", "operator", "raw", "sentence"),
    [
        ("integer", "eq", [""], "Integer: the filter “eq” needs a value."),
        ("integer", "eq", ["x"], "Integer must be a number such as 12; got “x”."),
        ("integer", "between", ["1"],
         "Integer: the filter “between” needs two values with a comma between them, such as 1,9."),
        ("integer", "in", [""], "Integer: the filter “in” needs 1 to 200 values; got 0."),
        ("text", "contains", [" "], "Text: the filter “contains” needs a text of 1 to 200 characters."),
        ("datetime", "on", ["x"], "Datetime must be a date such as 2026-11-22; got “x”."),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_says_so(name, operator, raw, sentence):
    field = SAMPLES[name]
    with pytest.raises(Invalid) as caught:
        read_operand(field, operator_of(field, operator), raw, Reader(), NOW)
    assert str(caught.value) == sentence


def test_a_naive_moment_is_a_defect():
    with pytest.raises(TypeError, match="a moment needs its time zone"):
        SAMPLES["datetime"].column_type().process_bind_param(
            dt.datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect
        )
