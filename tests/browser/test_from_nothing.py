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
roles:
  agent: {label: 客服}
forms:
  ticket:
    label: 工单
    fields:
      subject: {type: text, label: 主题, required: true, max_length: 80}
      level: {type: choice, options: {low: {}, high: {colour: red}}}
      answer: {type: long_text, required_when: record.level == 'high'}
    permissions:
      agent: {create: true, read: true, update: not record.state.final, fields: {level: {update: false}}}
    workflow:
      initial: open
      states:
        open: {label: 待处理, within: 4h, leave_with: [answer]}
        closed: {label: 已关闭, final: true}
      transitions:
        close: {label: 关闭, from: [open], to: closed, roles: [agent], ask: [answer]}
rules:
  tell:
    trigger: {type: created, form: ticket}
    actions:
      - {type: notify, to: [agent], message: {zh: "新工单 {{ record.subject }}"}}
scenarios:
  closed_with_an_answer:
    label: 有答复才能关闭
    given: [{create: ticket, as: one}]
    steps: [{take: close, of: one, by: agent, values: {answer: Done}}]
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
    text = page.locator("#yaml-text").input_value()
    (tmp_path / "made.yaml").write_text(text)
    made = load_text(text, served.app.registry)
    assert plain(made.definition) == plain(wanted.definition)
    assert [result.passed for result in run_scenarios(made, served.app.registry)] == [True] * len(made.definition.scenarios)


def new_draft(served, page):
    app = served.app
    with app.database.write() as conn:
        text = source_of(conn, app.definition.hash)
        change = changes.begin(conn, app.tables, title="From nothing", base=app.definition.hash, base_text=text,
                               text=text, by=1, now=app.clock())  # fmt: skip
    return f"/designer/{change.id}"
