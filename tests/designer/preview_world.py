"""A help desk with things that the person who designs it may not see, and a site to look at drafts of it."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from webs import SHARED

from designer import register
from designer.workspace import Workspace, read
from engine import sessions
from engine.application import Application
from engine.builtin import default_registry
from engine.publishing import changes
from engine.registry import Registry

DESK = """
app: desk
label: {zh: 服务台, en: Help desk}
designers: [planner]
roles:
  planner: {label: {zh: 规划, en: Planner}}
  agent: {label: {zh: 客服, en: Agent}}
  lead: {label: {zh: 主管, en: Lead}}
forms:
  client:
    label: {zh: 客户, en: Client}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      credit: {type: integer, label: {zh: 额度, en: Credit}}
      account: {type: text, label: {zh: 账号, en: Account}, sensitive: true}
      region: {type: choice, label: {zh: 地区, en: Region}, options: {north: {label: North}, south: {label: South}}}
    sections: [{columns: 2, fields: [name, credit, account, region]}]
    permissions:
      planner: {read: "record.region == 'north'", fields: {credit: {read: false}}}
      agent: {create: true, read: true, update: true}
      lead: {create: true, read: true, update: true}
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    title: record.subject
    fields:
      number: {type: series, label: {zh: 编号, en: Number}, pattern: "T-{00000}"}
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true, max_length: 80}
      client: {type: link, label: {zh: 客户, en: Client}, form: client}
      others: {type: links, label: {zh: 其他客户, en: Other clients}, form: client}
      urgent: {type: boolean, label: {zh: 加急, en: Urgent}}
      reason: {type: text, label: {zh: 原因, en: Reason}, visible_when: record.urgent, required_when: record.urgent}
      pay: {type: integer, label: {zh: 费用, en: Pay}}
      remark: {type: text, label: {zh: 评语, en: Remark}}
      report: {type: attachment, label: {zh: 报告, en: Report}}
      promised: {type: date, label: {zh: 承诺日, en: Promised}}
      checked_on: {type: date, label: {zh: 计划复核日, en: Planned check}}
      hours: {type: lines, label: {zh: 工时, en: Hours}, form: hour}
      total: {type: computed, label: {zh: 合计, en: Total}, value: "sum(line.spent for line in record.hours)", result: {type: integer}}
    sections: [{columns: 2, fields: [number, subject, client, others, urgent, reason, pay, remark, report, promised, checked_on, total]}, {fields: [hours]}]
    permissions:
      planner: {read: "record.subject != 'hush'", fields: {pay: {read: false}, remark: {read: "record.state == 'open'"}}}
      agent: {create: true, read: true, update: true}
      lead: {create: true, read: true, update: true, delete: true}
    workflow:
      initial: open
      promised: promised
      states:
        open: {label: {zh: 待处理, en: Open}, owner: agent}
        checking: {label: {zh: 复核, en: Checking}, owner: lead, leave_with: [report], planned: checked_on}
        done: {label: {zh: 完成, en: Done}, final: true}
      transitions:
        submit: {label: {zh: 提交, en: Submit}, from: [open], to: checking, roles: [agent]}
        close: {label: {zh: 关闭, en: Close}, from: [checking], to: done, roles: [lead]}
  hour:
    label: {zh: 工时, en: Hour}
    fields:
      what: {type: text, label: {zh: 内容, en: What}}
      spent: {type: integer, label: {zh: 小时, en: Spent}}
      rate: {type: integer, label: {zh: 单价, en: Rate}}
    sections: [{fields: [what, spent, rate]}]
    permissions:
      planner: {fields: {rate: {read: false}}}
  vault:
    label: {zh: 密档, en: Vault}
    title: record.words
    fields: {words: {type: text, label: {zh: 文字, en: Words}}, about: {type: link, form: client}}
    sections: [{fields: [words, about]}]
    permissions: {lead: {create: true, read: true, update: true}}
"""
PEOPLE = {"pia": "planner", "ann": "agent", "bob": "lead"}


@cache
def designing() -> Registry:
    """The built-ins and the designer; one for all tests, which share the sites made with it."""
    registry = default_registry()
    register(registry)
    SHARED.append(registry)
    return registry


def draft_of(app: Application, text: str, *, id: int = 1, author: int | None = None) -> Workspace:
    """A draft that began from what is in force, stored; ``text`` is what it says now."""
    with app.database.write() as conn:
        began = changes.begin(
            conn, app.tables, title="A change", base=app.definition.hash, base_text=text, text=text, by=author,
            now=app.clock(),
        )  # fmt: skip
    return Workspace(began, read(text, app.registry))


def rewritten(app: Application, draft: Workspace, text: str) -> Workspace:
    """The same draft after an edit, stored."""
    with app.database.write() as conn:
        kept = changes.keep(conn, app.tables, changes.find(conn, app.tables, draft.change.id), now=app.clock(), text=text)
    return Workspace(kept, read(text, app.registry))


def fingerprint(app: Application) -> dict[str, Any]:
    """How many rows every table has, and the last event: changes with whatever is written."""
    with app.database.read() as conn:
        counts = {
            table.name: conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in app.tables.all()
        }
        last = conn.execute(sa.select(sa.func.max(app.tables.event.c.id))).scalar()
        rows = {
            name: [tuple(map(str, row)) for row in conn.execute(sa.select(table).order_by(table.c.id))]
            for name, table in app.tables.form.items()
        }
    return {**counts, "last event": last, **rows}


def everything_in(file: Path) -> str:
    """Every value of every table of a SQLite file, as one text."""
    with sqlite3.connect(file) as conn:
        names = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(repr(row) for name in names for row in conn.execute(f'SELECT * FROM "{name}"'))


def secrets_of(app: Application, user: int) -> tuple[str, str]:
    """A session and an API token of this person, as they stand in cookies and headers."""
    import datetime as dt

    with app.database.write() as conn:
        session = sessions.open_session(
            conn, app.tables, user, now=app.clock(), lasts=dt.timedelta(hours=9), agent="a browser", address="10.9.8.7"
        )
        token = sessions.create_token(conn, app.tables, user, name="mine", scopes=None, now=app.clock())
    return session, token
