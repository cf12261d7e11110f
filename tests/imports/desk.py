"""A help desk whose files are brought in, and one person who does it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.imports import jobs, running, undoing
from engine.imports.jobs import Job

DESK = """
app: desk
label: {zh: 服务台, en: Desk}
timezone: Asia/Shanghai
currency: CNY
roles:
  lead: {label: {zh: 主管, en: Lead}}
  agent: {label: {zh: 客服, en: Agent}}
forms:
  project:
    label: {zh: 项目, en: Project}
    title: record.name
    fields:
      code: {type: text, label: {zh: 代码, en: Code}, unique: true}
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      within: {type: link, form: project, label: {zh: 上级, en: Within}}
    permissions:
      lead: {create: true, read: true, update: true, import: true, export: true}
      agent: {create: true, read: true, import: true}
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    title: record.subject
    fields:
      number: {type: series, pattern: "T{0000}", label: {zh: 单号, en: Number}, unique: true}
      reference: {type: text, label: {zh: 外部编号, en: Reference}, unique: true}
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true, max_length: 80}
      project: {type: link, form: project, label: {zh: 项目, en: Project}}
      level:
        type: choice
        label: {zh: 等级, en: Level}
        default: low
        options:
          low: {label: {zh: 低, en: Low}}
          high: {label: {zh: 高, en: High}}
      due_on: {type: date, label: {zh: 截止, en: Due on}}
      seen_at: {type: datetime, label: {zh: 查看时间, en: Seen at}}
      pay: {type: money, label: {zh: 费用, en: Pay}, min: 0}
      share: {type: percent, label: {zh: 比例, en: Share}}
      urgent: {type: boolean, label: {zh: 加急, en: Urgent}}
      agent: {type: user, label: {zh: 客服, en: Agent}}
      secret: {type: text, label: {zh: 密码, en: Secret}, sensitive: true}
      text: {type: rich_text, label: {zh: 说明, en: Text}}
      tasks: {type: lines, form: task, label: {zh: 任务, en: Tasks}}
      hours: {type: computed, label: {zh: 工时, en: Hours}, result: {type: decimal}, value: "sum(task.hours for task in record.tasks)", stored: true}
    checks:
      - {that: "record.pay is None or record.pay < 1000000", message: {zh: 费用太高, en: The pay is too high}, field: pay}
    permissions:
      lead: {create: true, read: true, update: true, import: true, export: true}
      agent: {create: "record.level == 'low'", read: true, update: true, import: true, fields: {pay: {update: false, read: false}}}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}}
        done: {label: {zh: 完成, en: Done}, final: true}
      transitions:
        close: {label: {zh: 关闭, en: Close}, from: [open], to: done, roles: [lead]}
  task:
    label: {zh: 任务, en: Task}
    title: record.what
    fields:
      what: {type: text, label: {zh: 内容, en: What}, required: true}
      hours: {type: decimal, label: {zh: 小时, en: Hours}, scale: 1, min: 0}
rules:
  say:
    label: {zh: 通知, en: Tell}
    trigger: {type: created, form: ticket}
    actions: [{type: notify, to: [lead], message: {zh: 新工单, en: "New ticket {{ record.subject }}"}}]
"""


class Importing:
    """One person who brings files in."""

    def __init__(self, made: Any, login: str = "lea", language: str = "en") -> None:
        self.made, self.app = made, made.application
        self.actor = made.actor(login)

    def upload(self, form: str, text: str | bytes, name: str = "data.csv", **settings: Any) -> Job:
        content = text.encode() if isinstance(text, str) else text
        form_ = self.app.definition.forms[form]
        id = jobs.begin(self.app, self.actor, form_, io.BytesIO(content), name)
        job = jobs.load(self.app, self.actor, id)
        return self.set(job, **settings) if settings else job

    def set(self, job: Job, **settings: Any) -> Job:
        jobs.set_settings(self.app, job, replace(job.settings, **settings))
        return jobs.load(self.app, self.actor, job.id)

    def check(self, job: Job) -> Job:
        form = self.app.definition.forms[job.form]
        running.work(self.app, self.actor, form, running.claim_check(self.app, self.actor, form, job))
        return jobs.load(self.app, self.actor, job.id)

    def bring_in(self, job: Job) -> Job:
        form = self.app.definition.forms[job.form]
        if job.state != jobs.CHECKED:
            job = self.check(job)
        running.work(self.app, self.actor, form, running.claim_import(self.app, self.actor, form, job))
        return jobs.load(self.app, self.actor, job.id)

    def undo(self, job: Job) -> Job:
        form = self.app.definition.forms[job.form]
        running.work(self.app, self.actor, form, undoing.claim(self.app, self.actor, form, job))
        return jobs.load(self.app, self.actor, job.id)

    def problems(self, job: Job) -> list[tuple[int, str, str]]:
        with self.app.database.read() as conn:
            rows = jobs.rows_of(conn, self.app, job.id, most=1000)
        return [
            (row, "" if column is None else job.settings.headings[column], said["en"])
            for one in rows
            for row, column, said in one["problems"] or ()
        ]


def counts(job):
    return {kind: count for kind, count in job.counts.items() if count}


def tickets(made, form="ticket"):
    """The records in the order they were made; the ids of checks are not used again on PostgreSQL."""
    table = made.application.tables.form[form]
    with made.application.database.read() as conn:
        return [dict(row) for row in conn.execute(sa.select(table).order_by(table.c.id)).mappings()]
