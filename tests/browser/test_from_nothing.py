"""Given an empty file, when its application is made in the designer, control by control, then it is the application
that the paper version describes. `make designer` builds the whole maintenance application; here it is a small one."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest
from building import Builder

from designer.text import Document
from engine.beginning import begin
from engine.extensions import registry_for
from engine.load import load_text
from engine.publishing import changes
from engine.scenarios.running import run_scenarios
from engine.storage.migrate import source_of

SMALL = """
app: desk
label: {zh: 服务台, en: Desk}
currency: EUR
roles:
  agent: {label: {zh: 客服, en: Agent}}
  lead: {label: {zh: 主管, en: Lead}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    icon: ticket
    title: record.subject
    fields:
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true, max_length: 80}
      level: {type: choice, label: {zh: 级别, en: Level}, options: {low: {label: {zh: 低, en: Low}}, high: {label: {zh: 高, en: High}, colour: red}}, default: low}
      due_on: {type: date, label: {zh: 期限, en: Due on}, required_when: record.level == 'high'}
      answer: {type: long_text, label: {zh: 答复, en: Answer}}
    sections:
      - {label: {zh: 基本, en: Basics}, columns: 2, fields: [subject, level, due_on]}
      - {fields: [answer]}
    views:
      all: {type: list, label: {zh: 全部, en: All}, columns: [subject, level, state], sort: [-due_on]}
    permissions:
      agent: {create: true, read: true, update: not record.state.final, fields: {level: {update: false}}}
      lead: {create: true, read: true, update: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}, owner: agent, within: 4h, leave_with: [answer]}
        closed: {label: {zh: 已关闭, en: Closed}, final: true, colour: green}
      transitions:
        close: {label: {zh: 关闭, en: Close}, from: [open], to: closed, roles: [agent, lead], ask: [answer], when: record.subject != ''}
rules:
  tell:
    trigger: {type: created, form: ticket}
    when: record.level == 'high'
    actions:
      - {type: notify, to: [lead], message: {zh: "新工单 {{ record.subject }}", en: "New ticket {{ record.subject }}"}}
pages:
  start:
    label: {zh: 总览, en: Start}
    cards:
      - {type: number, label: {zh: 工单数, en: Tickets}, form: ticket}
scenarios:
  closed_with_an_answer:
    label: A ticket is closed with an answer
    given: [{create: ticket, as: one, values: {subject: Help}}]
    steps:
      - {take: close, of: one, by: agent, refused: true}
      - {take: close, of: one, by: agent, values: {answer: Done}}
    then: [{of: one, state: closed}]
"""
FULL = os.environ.get("DESIGNER") == "full"
MAINTENANCE = Path("tests/apps/maintenance.yaml")


def plain(definition):
    """What a definition says, without the mark of its bytes."""
    return dataclasses.replace(definition, hash="")


@pytest.mark.parametrize("paper", [pytest.param(SMALL, id="small"), *(
    [pytest.param(MAINTENANCE.read_text(), id="maintenance")] if FULL else []
)])  # fmt: skip
def test_an_application_is_made_from_an_empty_file(serve, page_as, tmp_path, paper):
    file = tmp_path / f"{load_text(paper, registry_for(MAINTENANCE)).definition.app}.yaml"
    file.write_text("")
    assert begin(file)
    served = serve(file)
    wanted = load_text(paper, served.app.registry)
    page = page_as(served, "admin", path="/designer")
    draft = new_draft(served, page)
    before = time.monotonic()
    builder = Builder(page, f"{served.url}{draft}", Document.read(paper).data, served.app.registry)
    builder.build()
    print(f"\nbuilt in {builder.steps} steps, {time.monotonic() - before:.0f} s")
    page.goto(f"{served.url}{draft}/yaml")
    made = load_text(page.locator("#yaml-text").input_value(), served.app.registry)
    assert plain(made.definition) == plain(wanted.definition)
    assert [result.passed for result in run_scenarios(made, served.app.registry)] == [True] * len(made.definition.scenarios)


def new_draft(served, page):
    app = served.app
    with app.database.write() as conn:
        text = source_of(conn, app.definition.hash)
        change = changes.begin(conn, app.tables, title="From nothing", base=app.definition.hash, base_text=text,
                               text=text, by=1, now=app.clock())  # fmt: skip
    return f"/designer/{change.id}"
