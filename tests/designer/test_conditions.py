"""Conditions as people build them mean what their expressions mean."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designer.conditions import (
    OPERATORS,
    Condition,
    Group,
    Value,
    as_json,
    described,
    entry_for,
    from_json,
    kind_of,
    operators_for,
    parse,
    terms,
    written,
)
from designer.text import EditRefused
from engine.builtin import default_registry
from engine.expressions import Scope, compile_expression
from engine.expressions.view import View
from engine.extensions import registry_for
from engine.load import load_text
from engine.texts import say

REGISTRY = default_registry()
YAML = """
app: works
label: Works
roles: {planner: {label: {zh: 计划, en: Planner}}}
forms:
  site:
    label: {zh: 工地, en: Site}
    fields: {name: {type: text}, limit: {type: decimal, label: {zh: 上限, en: Limit}}}
    permissions: {planner: {read: true}}
  job:
    label: Job
    fields:
      name: {type: text, label: {zh: 名称, en: Name}}
      level: {type: choice, label: {zh: 等级, en: Level}, options: {a: {label: {zh: 高, en: High}}, b: {}}}
      amount: {type: decimal, label: {zh: 数量, en: Amount}}
      due_on: {type: date}
      urgent: {type: boolean, label: {zh: 加急, en: Urgent}}
      site: {type: link, form: site, label: {zh: 工地, en: Site}}
    workflow:
      initial: open
      states: {open: {label: {zh: 进行中, en: Open}}, done: {label: Done, final: true}}
      transitions: {finish: {label: Finish, from: [open], to: done, roles: [planner]}}
    permissions: {planner: {read: true, update: true, create: true}}
"""
LOADED = load_text(YAML, REGISTRY)
SCOPE = Scope(LOADED.definition, LOADED.definition.forms["job"])


def shape(expression):
    group = parse(expression, SCOPE)
    return None if group is None else as_json(group)


def is_(left, operator, *values):
    return {"left": left, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("record.urgent", is_("record.urgent", "holds")),
        ("not record.urgent", is_("record.urgent", "fails")),
        ("record.level == 'a'", is_("record.level", "is", {"text": "a"})),
        ("'a' != record.level", is_("record.level", "is_not", {"text": "a"})),
        ("record.level in ('a', 'b')", is_("record.level", "one_of", {"text": "a"}, {"text": "b"})),
        ("record.level not in ['a']", is_("record.level", "not_one_of", {"text": "a"})),
        ("10 < record.amount", is_("record.amount", "more", {"number": "10"})),
        ("record.amount >= -1.50", is_("record.amount", "at_least", {"number": "-1.50"})),
        ("record.amount > record.site.limit", is_("record.amount", "more", {"path": "record.site.limit"})),
        ("record.amount > record.site.limit * 0.3", is_("record.amount", "more", {"formula": "record.site.limit * 0.3"})),
        ("record.due_on < today()", is_("record.due_on", "less", {"today": ""})),
        ("record.due_on <= today() + days(3)", is_("record.due_on", "at_most", {"today": "+3"})),
        ("record.due_on == date('2026-01-31')", is_("record.due_on", "is", {"date": "2026-01-31"})),
        ("record.name is None", is_("record.name", "empty")),
        ("record.name != None", is_("record.name", "filled")),
        ("record.owner == user", is_("record.owner", "is", {"path": "user"})),
        ("record.owner_role in user.roles", is_("record.owner_role", "within", {"path": "user.roles"})),
        ("'planner' in user.roles", is_("user.roles", "contains", {"text": "planner"})),
        ("starts_with(record.name, 'x')", is_("record.name", "begins", {"text": "x"})),
        ("record.state.final", is_("record.state.final", "holds")),
    ],
)  # fmt: skip
def test_one_comparison(expression, expected):
    assert shape(expression) == {"all": [expected]}


def test_groups_stay_nested_as_they_were():
    urgent, named = is_("record.urgent", "holds"), is_("record.name", "filled")
    done = is_("record.state", "is", {"text": "done"})
    assert shape("record.urgent and (record.name is not None or record.state == 'done')") == {
        "all": [urgent, {"any": [named, done]}]
    }
    assert shape("not (record.urgent or record.state == 'done')") == {"none": [urgent, done]}
    assert shape("not (record.urgent and record.state == 'done')") == {"none": [{"all": [urgent, done]}]}


@pytest.mark.parametrize(
    "expression",
    [
        "1 < record.amount < 5",
        "any(line.amount > 1 for line in record.lines)",
        "record.urgent if record.name else False",
        "record.amount + 1",
        "sum(line.amount for line in record.lines) > 3",
        "record.unknown == 1",
        "record.name ==",
        "record.amount > (1 if record.urgent else 2)",
    ],
)
def test_what_is_more_is_left_to_the_text(expression):
    assert parse(expression, SCOPE) is None


def test_nothing_is_no_condition():
    assert parse("  ", SCOPE) == Group("all")
    assert written(Group("any", (Group("all"),))) == ""


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (Condition("record.name", "is"), "Choose what record.name is compared with."),
        (Condition("record.amount", "is", (Value("number", "12a"),)), "12a is no number; write it with digits and a point."),
        (Condition("record.due_on", "is", (Value("date", "2026-02-30"),)), "2026-02-30 is no date; write it as 2026-01-31."),
        (Condition("record.due_on", "is", (Value("today", "soon"),)), "soon is no number of days."),
        (Condition("record.name", "likes", (Value("text", "x"),)), "There is no comparison likes."),
        (Condition("record.name", "is", (Value("formula", "1 +"),)), "This is not an expression: 1 +"),
    ],
)  # fmt: skip
def test_what_is_not_finished_is_refused(condition, sentence):
    with pytest.raises(EditRefused) as refused:
        written(Group("all", (condition,)))
    assert say(refused.value.reason, "en") == sentence


@pytest.mark.parametrize("data", [None, [], {"left": 1}, {"all": [3]}, {"left": "a", "operator": "is", "values": [{}]}])
def test_what_no_page_sends_is_refused(data):
    with pytest.raises(EditRefused):
        from_json(data)


# --- there and back --------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", "a", "it's", 'say "x"', "\\", "中文", "a\nb", "{x}"]).map(lambda text: Value("text", text))
NUMBERS = st.decimals(-1000, 1000, places=2).map(lambda number: Value("number", str(number)))
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)).map(lambda day: Value("date", day.isoformat()))
TODAY = st.integers(-400, 400).map(lambda days: Value("today", f"{days:+}"))
FORMULA = st.sampled_from(["record.site.limit * 2", "-record.amount", "round(record.amount, 1)"])


def conditions():
    number = NUMBERS | FORMULA.map(lambda text: Value("formula", text)) | st.just(Value("path", "record.site.limit"))
    by_kind = {"text": TEXTS, "number": number, "date": DAYS | TODAY, "boolean": st.just(Value("boolean", "true"))}
    lefts = {"record.name": "text", "record.level": "text", "record.amount": "number", "record.due_on": "date",
             "record.urgent": "boolean", "record.site.limit": "number"}  # fmt: skip
    return st.one_of([_of(left, kind, by_kind[kind]) for left, kind in lefts.items()])


def _of(left, kind, values):
    names = [name for name, one in OPERATORS.items() if kind in one.kinds and (kind != "number" or name != "contains")]

    def made(name):
        takes = OPERATORS[name].takes
        several = {"none": st.just(()), "one": st.tuples(values), "many": st.lists(values, min_size=1, max_size=3)}
        return several[takes].map(lambda given: Condition(left, name, tuple(given)))

    return st.sampled_from(names).flatmap(made)


GROUPS = st.recursive(
    conditions(),
    lambda part: st.builds(
        lambda kind, parts: Group(kind, tuple(parts)),
        st.sampled_from(["all", "any", "none"]),
        st.lists(part, min_size=1, max_size=3),
    ),
    max_leaves=8,
).map(lambda part: part if isinstance(part, Group) else Group("all", (part,)))


class Site:
    """Answers the one linked record."""

    definition, registry, names = LOADED.definition, REGISTRY, {}

    def load(self, form, id):
        return {"id": id, "name": "north", "limit": Decimal(7)}


RECORDS = [
    {"site": None, "name": None, "level": None, "amount": None, "due_on": None, "urgent": None},
    {"site": 1, "name": "a", "level": "a", "amount": Decimal("3.5"), "due_on": dt.date(2026, 3, 1), "urgent": True},
    {"site": None, "name": "it's", "level": "b", "amount": Decimal(-2), "due_on": dt.date(2027, 1, 1), "urgent": False},
]


def outcome(expression):
    """What an expression answers for several records."""
    compiled = compile_expression(expression, REGISTRY)
    day = dt.date(2026, 6, 1)
    return [
        compiled.holds({"record": View(SCOPE.form, {"id": 1, **row}, Site()), "today": day, "user": None})
        for row in RECORDS
    ]


@settings(max_examples=150, deadline=None)
@given(GROUPS)
def test_what_is_built_comes_back_with_the_same_meaning(group):
    expression = written(group)
    again = parse(expression, SCOPE)
    assert again is not None, expression
    assert outcome(written(again)) == outcome(expression)
    assert parse(written(again), SCOPE) == again
    assert from_json(as_json(group)) == group


APPS = Path(__file__).parents[2] / "apps"


def _conditions_of(definition):
    for form in definition.forms.values():
        for view in form.views.values():
            yield form, getattr(view, "where", None)
        for field in form.fields.values():
            yield form, field.visible_when
            yield form, field.required_when
            yield form, field.readonly_when
        for grant in form.permissions.values():
            yield form, grant.update.expression
            yield form, grant.read.expression
        for transition in form.workflow.transitions.values() if form.workflow else ():
            yield form, transition.when
    for rule in definition.rules.values():
        if rule.form:
            yield definition.forms[rule.form], rule.when


@pytest.mark.parametrize("file", sorted(APPS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_conditions_of_real_applications_read_back_as_they_were(file):
    definition = load_text(file.read_text(), registry_for(file)).definition
    seen = shown = 0
    for form, expression in _conditions_of(definition):
        if expression:
            scope = Scope(definition, form, {"old": form})
            group = parse(expression, scope)
            seen, shown = seen + 1, shown + (group is not None)
            if group is not None:
                assert parse(written(group), scope) == group
                assert described(group, scope, "zh")
    assert shown >= seen * 0.8


# --- what can be chosen ----------------------------------------------------------------------------------------------


def test_names_are_offered_by_their_labels():
    offered = {term.path: (term.label, term.heading) for term in terms(SCOPE, "zh")}
    assert offered["record.amount"] == ("数量", "此记录")
    assert offered["record.site.limit"] == ("工地 › 上限", "此记录 › 工地")
    assert offered["record.state.final"] == ("状态 › 是终点", "此记录")
    assert offered["user.roles"] == ("角色", "操作人")
    assert "record.id" not in offered


@pytest.mark.parametrize(
    ("path", "first", "entry"),
    [
        ("record.level", "is", ("select", (("a", "高"), ("b", "b")))),
        ("record.state", "is", ("select", (("open", "进行中"), ("done", "Done")))),
        ("record.due_on", "is", ("date", ())),
        ("record.amount", "is", ("number", ())),
        ("record.urgent", "holds", ("boolean", ())),
        ("record.site", "is", ("path", ())),
        ("user.roles", "contains", ("select", (("planner", "计划"), ("admin", "admin")))),
    ],
)
def test_comparisons_and_values_follow_the_kind(path, first, entry):
    kind = kind_of(path, SCOPE)
    assert operators_for(kind)[0].name == first
    found = entry_for(kind, first, SCOPE.definition, "zh")
    assert (found.input, found.options) == entry


def test_a_condition_is_read_aloud():
    group = parse("record.level == 'a' and (record.amount > 100 or record.urgent)", SCOPE)
    assert described(group, SCOPE, "en") == "Level is High and (Amount is more than 100 or Urgent is yes)"
    assert described(group, SCOPE, "zh") == "等级 等于 高 且 (数量 大于 100 或 加急 为是)"
