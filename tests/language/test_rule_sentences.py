"""Every rule is a sentence, in Chinese and English: a table over every type of trigger and action."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hosting import REGISTRY, host, with_rule, with_trigger

from engine import examples
from engine.actions import Action
from engine.builtin import default_registry
from engine.language import Duration, FormName, Label, option
from engine.load import load_text
from engine.saying import occasions, sentences, steps
from engine.saying.conditions import condition, value_text
from engine.saying.sentences import sentence
from engine.saying.words import Words
from engine.triggers import OnRecord

IF = {"en": ", if Cost is greater than CN¥5.00: ", "zh": "，如果Cost大于¥5.00："}
TOLD = {"en": "tell Member, Created by “‹Name› is closed”.", "zh": "通知Member、创建人“‹Name› is closed”。"}
TRIGGERS = {
    "created": ("When a Ticket is created", "新建Ticket时"),
    "updated": ("When Priority of a Ticket changes to “high”", "Ticket的Priority变为“high”时"),
    "changed": ("When anything about a Ticket changes", "Ticket有任何变化时"),
    "deleted": ("When a Ticket is deleted", "删除Ticket时"),
    "entered": ("When a Ticket enters “Closed”", "Ticket进入“Closed”时"),
    "left": ("When a Ticket leaves “Open”", "Ticket离开“Open”时"),
    "taken": ("When “Close” of a Ticket is taken", "Ticket执行“Close”时"),
    "button": ("When somebody presses “Remind” on a Ticket", "有人在Ticket上点“催办”时"),
    "timeout": ("1 hour after the time of a Ticket in “Open” is over", "Ticket在“Open”超时后 1小时"),
    "date": ("3 working days before Due on of a Ticket", "Ticket的Due on前 3个工作日"),
    "finished": ("When a run of “Other” failed", "规则“Other”运行失败时"),
    "schedule": ("By the calendar: 0 8 * * mon-fri", "按日程：0 8 * * mon-fri"),
    "webhook": ("When another system sends to /hooks/tickets", "其他系统发送到 /hooks/tickets"),
    "mail": ("When a mail comes in at inbox", "inbox 收到邮件"),
}
ACTIONS = {
    "set": ("set Due on to today.", "将Due on设为今天。"),
    "create": ("create a Ticket (Name = “Again: ” + Name, Project = Project).",
               "新建Ticket（Name = “Again: ” + Name、Project = Project）。"),
    "update": ("in all Ticket for which Part of is the record that woke the rule, set Priority to “high”.",
               "在所有符合“Part of为触发规则的记录”的Ticket中，将Priority设为“high”。"),
    "take": ("take “Close” (reason: “nothing left to do”).", "执行“Close”（原因：“nothing left to do”）。"),
    "refuse": ("refuse the change with “‹Name› is closed”.", "拒绝这次修改并提示“‹Name› is closed”。"),
    "notify": (TOLD["en"], TOLD["zh"]),
    "ask": ("ask Member “May ‹Name› be closed?” (Approve / Reject, everybody answers, at most 3 days, "
            "kept as “decision”).",
            "询问Member“May ‹Name› be closed?”（同意 / 驳回、每个人都要答复、最多 3天、结果记为“decision”）。"),
    "branch": ("if Cost is greater than CN¥100.00, take “Close”.", "如果Cost大于¥100.00，则执行“Close”。"),
    "for_each": ("for each of the Ticket for which Part of is the record that woke the rule: take “Close”.",
                 "对每条符合“Part of为触发规则的记录”的Ticket，执行“Close”。"),
    "wait": ("wait 2 days.", "等待2天。"),
    "mail": ("send Member the mail “Closed” (through post).", "给Member发送邮件“Closed”（通过 post）。"),
    "report": ("mail Member the page “Overview” as PDF (as Member sees it, through post).",
               "把页面“Overview”以 PDF 邮件发给Member（按Member可见的内容、通过 post）。"),
    "http": ("call POST /tickets/‹id› (through hub, kept as “answer”).",
             "调用 POST /tickets/‹id›（通过 hub、结果记为“answer”）。"),
    "call": ("ask hub for “Pull”.", "请hub执行“Pull”。"),
    "print": ("print the record as PDF into “Papers” (kept as “paper”).",
              "把记录打印成 PDF 存入“Papers”（结果记为“paper”）。"),
    "script": ("run a script (kept as “twice”).", "运行脚本（结果记为“twice”）。"),
}  # fmt: skip


def said(text, language, registry=REGISTRY, rule="example"):
    definition = load_text(text, registry).definition
    return sentence(Words(definition, registry, language), definition.rules[rule])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", TRIGGERS)
def test_what_wakes_a_rule_is_said(name, language):
    lead = TRIGGERS[name][language == "zh"]
    if issubclass(REGISTRY.triggers[name], OnRecord):
        rest = IF[language] + TOLD[language]
    else:
        rest = {"en": ": tell Member “Done”.", "zh": "，通知Member“Done”。"}[language]
    assert said(with_trigger(name, examples.TRIGGERS[name]), language) == lead + rest


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ACTIONS)
def test_what_a_rule_does_is_said(name, language):
    lead = {"en": "When a Ticket is created", "zh": "新建Ticket时"}[language] + IF[language]
    text = with_rule(examples.TRIGGERS["created"], examples.ACTIONS[name])
    assert said(text, language) == lead + ACTIONS[name][language == "zh"]


def test_every_built_in_type_has_words_and_an_icon():
    built_in = default_registry()
    for cls in built_in.triggers.values():
        assert cls in occasions.OCCASIONS
        assert cls in occasions.ICONS
    for cls in built_in.actions.values():
        assert cls in steps.ACTIONS
        assert cls in steps.ICONS
        assert cls in sentences.STEPS
    assert set(built_in.triggers) == set(TRIGGERS)
    assert set(built_in.actions) == set(ACTIONS)


MANY = """
rules:
  example:
    trigger: {type: schedule, at: ["08:00"], weekdays: [mon, fri]}
    shadow: true
    actions:
      - type: for_each
        form: ticket
        where: record.state == 'open' and (record.due_on < today() + days(3) or not record.project)
        actions:
          - {type: ask, to: [member], message: "Close {{ record.name }}?", as: decision,
             answers: {go: {label: Go on}, stop: {label: Stop it}}}
          - type: branch
            when: results.decision.answer == 'stop'
            then: [{type: take, transition: close}, {type: wait, for: 1wd}]
            otherwise: [{type: set, values: {priority: "'high'", cost: record.cost * 2}}]
          - {type: notify, to: [record.owner], message: Over}
"""


def test_branches_waits_and_questions_keep_their_order():
    assert said(host(rules=MANY), "en") == (
        "Mon, Fri at 08:00: for each of the Ticket for which State is “Open” and (Due on is before 3 days after today "
        "or Project is empty): (ask Member “Close ‹Name›?” (Go on / Stop it, the first answer decides, "
        "kept as “decision”); then if the answer to “decision” is “Stop it”, (take “Close”; then wait 1 working day), "
        "otherwise set Priority to “high”, Cost to Cost × 2; then tell Owner “Over”). "
        "The rule only watches: nothing is done."
    )
    assert said(host(rules=MANY), "zh") == (
        "周一、周五 08:00，对每条符合“状态为“Open”且（Due on早于今天之后3天或Project为空）”的Ticket，"
        "（询问Member“Close ‹Name›?”（Go on / Stop it、第一个答复即定、结果记为“decision”）；"
        "然后如果“decision”的回答为“Stop it”，则（执行“Close”；然后等待1个工作日），"
        "否则将Priority设为“high”、Cost设为Cost × 2；然后通知负责人“Over”）。这条规则仅观察，不会真正执行。"
    )


CONDITIONS = [
    ("record.cost > 1000 and record.project.name == 'A'",
     "Cost is greater than CN¥1,000.00 and Project's Name is “A”", "Cost大于¥1,000.00且Project的Name为“A”"),
    ("record.cost >= record.project.budget", "Cost is at least Project's Budget", "Cost不少于Project的Budget"),
    ("record.due_on <= today()", "Due on is on or before today", "Due on不晚于今天"),
    ("record.due_on > '2026-01-05'", "Due on is after 5 Jan 2026", "Due on晚于2026-01-05"),
    ("record.project is None", "Project is empty", "Project为空"),
    ("not record.papers", "Papers is empty", "Papers为空"),
    ("record.papers", "Papers is filled in", "Papers已填写"),
    ("record.project.closed", "Project's Closed: yes", "Project的Closed为“是”"),
    ("record.project.closed == False", "Project's Closed: no", "Project的Closed为“否”"),
    ("record.state in ('open', 'closed')", "State is one of “Open”, “Closed”", "状态是“Open”、“Closed”之一"),
    ("record.state.final", "the record is finished", "记录已到终点"),
    ("not record.priority == 'high'", "Priority is not “high”", "Priority不为“high”"),
    ("'member' in user.roles", "the person is Member", "操作者的角色是Member"),
    ("record.owner == user", "Owner is the person", "负责人为操作者"),
    ("old.cost < 5", "Cost before the change is less than CN¥5.00", "修改前的Cost小于¥5.00"),
    ("contains(record.name, 'x')", "Name contains “x”", "Name包含“x”"),
    ("not starts_with(record.name, 'x')", "Name does not start with “x”", "Name不以“x”开头"),
    ("True", "always", "总是"),
    ("sum(line.hours for line in record.steps) > 3", "sum(line.hours for line in Steps) > 3",
     "sum(line.hours for line 在 Steps) > 3"),
    ("record.cost >", "record.cost >", "record.cost >"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "en", "zh"), CONDITIONS, ids=[one[0] for one in CONDITIONS])
def test_conditions_are_said_clause_by_clause(source, en, zh):
    definition = load_text(host(project=", budget: {type: money}"), REGISTRY).definition
    assert condition(Words(definition, REGISTRY, "en"), source, "ticket") == en
    assert condition(Words(definition, REGISTRY, "zh"), source, "ticket") == zh


def test_a_value_is_said_as_its_field_shows_it():
    words = Words(load_text(host(), REGISTRY).definition, REGISTRY, "en")
    fields = words.definition.forms["ticket"].fields
    assert value_text(words, "1234.5", "ticket", fields["cost"]) == "CN¥1,234.50"
    assert value_text(words, "record.due_on - days(2)", "ticket", fields["due_on"]) == "2 days before Due on"
    assert value_text(words, "upper(record.name)", "ticket", fields["name"]) == "upper(Name)"


# --- types of plugins ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Moved(OnRecord):
    """A record was moved. And more that nobody needs here."""

    type: ClassVar[str] = "moved"
    by: Duration = option("How far in time.")


@dataclass(frozen=True, kw_only=True)
class Beep(Action):
    """Make a noise."""

    type: ClassVar[str] = "beep"
    form: FormName = option("Where.")
    text: Label | None = option("What is said.", None)
    loud: bool = option("Loudly.", False)
    times: tuple[str, ...] = option("When.", ())

    def effects(self, context):
        return []


def test_a_type_of_a_plugin_is_said_by_its_palette_text_and_what_was_chosen():
    registry = default_registry()
    registry.trigger(Moved)
    registry.action(Beep)
    text = host().replace("type: hub", "type: http") + (
        "rules:\n  example:\n    trigger: {type: moved, form: ticket, by: 2d}\n"
        "    actions: [{type: beep, form: ticket, text: {zh: 响, en: Ring}, times: [a, b]}]\n"
    )
    assert said(text, "en", registry) == (
        "When a record was moved (form: ticket, by: 2 days): "
        "make a noise (form: ticket, text: Ring, times: a, b)."
    )
