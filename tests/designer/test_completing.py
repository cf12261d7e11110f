"""While an expression is typed, what may come next is offered by name, label and pinyin."""

import pytest
from drafting import draft

from designer.completing import completions
from designer.scopes import scope_at
from engine.expressions import Scope

YAML = """\
app: works
label: Works
roles: {planner: {label: {zh: 计划, en: Planner}}}
forms:
  site:
    label: {zh: 工地, en: Site}
    fields: {name: {type: text}, limit: {type: decimal, label: {zh: 上限, en: Limit}}}
    permissions: {planner: {read: true, create: true}}
  job:
    label: Job
    fields:
      name: {type: text, label: {zh: 名称, en: Name}}
      level: {type: choice, label: {zh: 等级, en: Level}, options: {a: {label: {zh: 高, en: High}}, b: {}}}
      amount: {type: decimal, label: {zh: 数量, en: Amount}}
      site: {type: link, form: site, label: {zh: 工地, en: Site}, where: "record.limit > 1"}
      steps: {type: lines, form: step, label: {zh: 工序, en: Steps}}
    workflow:
      initial: open
      states: {open: {label: {zh: 进行中, en: Open}}, done: {label: Done, final: true}}
      transitions: {finish: {label: Finish, from: [open], to: done, roles: [planner]}}
    permissions: {planner: {read: true, update: true, create: true}}
  step:
    label: Step
    fields: {hours: {type: decimal, label: {zh: 工时, en: Hours}}, done: {type: boolean}}
rules:
  tell:
    trigger: {type: updated, form: job}
    actions: [{type: set, values: {name: "'x'"}}]
"""
DRAFT = draft(YAML, language="zh")
JOB = ("forms", "job", "fields", "amount", "visible_when")


def offered(text, path=JOB):
    position = text.index("|")
    found = completions(DRAFT, scope_at(DRAFT, path), text.replace("|", ""), position)
    return [(text[: one.start] + one.insert, one.label) for one in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("rec|", ("record", "此记录")),
        ("record.na|", ("record.name", "名称")),
        ("record.数|", ("record.amount", "数量")),
        ("record.shu|", ("record.amount", "数量")),
        ("shuliang|", ("record.amount", "数量")),
        ("等级|", ("record.level", "等级")),
        ("record.site.|", ("record.site.name", "Name")),
        ("record.site.lim|", ("record.site.limit", "上限")),
        ("record.name == 'x' and record.am|", ("record.name == 'x' and record.amount", "数量")),
        ("record.level == '|", ("record.level == 'a'", "高")),
        ("record.level in ('a', '|", ("record.level in ('a', 'a'", "高")),
        ("record.state == 'do|", ("record.state == 'done'", "Done")),
        ("'x' in user.roles and '|", None),
        ("record.state.fi|", ("record.state.final", "是终点")),
        ("sum(line.| for line in record.steps)", ("sum(line.hours", "工时")),
        ("record.steps.|", ("sum(line.hours for line in record.steps)", "sum: 工时")),
        ("roun|", ("round(", "round(value, places)")),
        ("toda|", ("today()", "today()")),
        ("user.ro|", ("user.roles", "角色")),
        ("'reco|", None),
    ],
)
def test_what_may_come_next(text, first):
    found = offered(text)
    assert (found[0] if found else None) == first


def test_the_scope_is_that_of_the_place():
    assert offered("lim|", ("forms", "job", "fields", "site", "where"))[0] == ("record.limit", "上限")
    assert "source" in scope_at(DRAFT, ("forms", "job", "fields", "site", "where")).known
    assert "old" in scope_at(DRAFT, ("rules", "tell", "when")).known
    assert scope_at(DRAFT, ("forms", "job", "sections", 0, "visible_when")).form.name == "job"


def test_every_function_has_its_usage_and_text():
    scope = Scope(DRAFT.definition, DRAFT.definition.forms["job"])
    found = {one.insert: one.doc for one in completions(DRAFT, scope, "d", 1) if one.kind == "function"}
    assert found["days("]
    assert found["date("]
