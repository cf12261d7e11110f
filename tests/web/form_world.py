
"""An application for the tests of forms and records, and people who are signed in to it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_clock import FakeClock
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup
from webs import web_for

from engine import accounts, sessions
from engine.application import Application, open_application
from engine.people import Actor

YAML = """
app: tickets
label: {zh: 工单, en: Tickets}
languages: [en, zh]
timezone: Asia/Shanghai
currency: CNY
roles:
  agent: {label: {zh: 坐席, en: Agent}}
  boss: {label: {zh: 主管, en: Boss}}
  guest: {label: {zh: 访客, en: Guest}}
forms:
  project:
    label: {zh: 项目, en: Project}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      closed: {type: boolean, label: {zh: 关闭, en: Closed}}
    permissions:
      agent: {create: true, read: true, update: true}
      boss: {create: true, read: true, update: true, delete: true}
  secret_project:
    label: {zh: 机密项目, en: Secret project}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}}
      ticket: {type: link, form: ticket, label: {zh: 工单, en: Ticket}}
      part: {type: link, form: part, label: {zh: 用料, en: Part}}
    permissions:
      boss: {create: true, read: true, update: true}
  part:
    label: {zh: 用料, en: Part}
    fields:
      name: {type: text, label: {zh: 品名, en: Item}, required: true}
      quantity: {type: integer, label: {zh: 数量, en: Quantity}, required: true, min: 1}
      price: {type: money, label: {zh: 单价, en: Price}}
      amount: {type: computed, label: {zh: 金额, en: Amount}, result: {type: money}, value: "record.quantity * record.price"}
      cost: {type: money, label: {zh: 成本, en: Cost}}
    permissions:
      agent: {fields: {cost: {read: false, update: false}}}
      guest: {fields: {cost: {read: false}}}
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    title: record.subject
    fields:
      number: {type: series, pattern: "T-{000}", label: {zh: 编号, en: Number}}
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true, max_length: 60}
      urgent: {type: boolean, label: {zh: 加急, en: Urgent}}
      why_urgent: {type: text, label: {zh: 加急原因, en: Why urgent}, visible_when: record.urgent, required_when: record.urgent}
      due_on: {type: date, label: {zh: 到期日, en: Due on}, required: true}
      project: {type: link, form: project, label: {zh: 项目, en: Project}, where: "not record.closed"}
      note: {type: long_text, label: {zh: 备注, en: Note}}
      phone: {type: phone, label: {zh: 电话, en: Phone}, sensitive: true}
      margin: {type: decimal, label: {zh: 毛利, en: Margin}}
      papers: {type: attachment, label: {zh: 资料, en: Papers}, accept: [pdf, image, text], max_size: 1}
      hidden_papers: {type: attachment, label: {zh: 内部资料, en: Internal papers}}
      parts: {type: lines, form: part, label: {zh: 用料, en: Parts}, totals: [quantity, amount]}
      total: {type: computed, label: {zh: 总额, en: Total}, result: {type: money}, value: "sum(line.amount for line in record.parts)"}
      solution: {type: text, label: {zh: 方案, en: Solution}}
    checks:
      - {that: "record.due_on is None or record.due_on.year > 2000", message: {zh: 年份不对, en: The year is wrong}, field: due_on}
    sections:
      - {label: {zh: 基本信息, en: Basics}, columns: 2, fields: [number, subject, urgent, why_urgent, due_on, project, note, phone, margin]}
      - {label: {zh: 用料, en: Parts}, columns: 1, fields: [parts, total]}
      - {label: {zh: 处理, en: Solving}, tab: {zh: 处理, en: Solving}, fields: [solution, papers, hidden_papers]}
    permissions:
      agent: {create: true, read: true, update: true, fields: {margin: {read: false, update: false}, hidden_papers: {read: false, update: false}}}
      boss: {create: true, read: true, update: true, delete: true}
      guest: {read: "record.created_by == user", create: true, fields: {margin: {read: false}, hidden_papers: {read: false}, phone: {read: false}}}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}, owner: agent, within: 2d}
        solving: {label: {zh: 处理中, en: Being solved}, owner: agent, within: 1d, leave_with: [papers]}
        waiting: {label: {zh: 等待, en: Waiting}, aside: true, colour: orange}
        solved: {label: {zh: 已解决, en: Solved}, final: true, colour: green}
      transitions:
        begin: {label: {zh: 开始处理, en: Begin}, from: [open], to: solving, roles: [agent, boss], ask: [solution], confirm: {zh: 现在开始？, en: Begin now?}}
        pause: {label: {zh: 暂停, en: Pause}, from: [solving], to: waiting, roles: [agent], reason: required, style: secondary}
        go_on: {label: {zh: 继续, en: Go on}, from: [waiting], to: previous, roles: [agent]}
        finish: {label: {zh: 完成, en: Finish}, from: [solving], to: solved, roles: [boss], when: "record.total > 100", because: {zh: 总额太小, en: The total is too small}}
rules:
  remind:
    label: {zh: 提醒, en: Remind}
    trigger: {type: button, form: ticket, label: {zh: 催办, en: Remind}, roles: [agent]}
    actions:
      - {type: set, values: {note: "'reminded'"}}
"""

PASSWORD = "correct horse battery"
HASH = "unusable"


@dataclass
class Person:
    """Somebody signed in. ``get`` and ``post`` answer Flask's test responses; ``token`` goes along with every post."""

    id: int
    actor: Actor
    client: FlaskClient
    token: str

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, buffered=True, **more)

    def post(self, path: str, values: Mapping[str, Any] | None = None, **more: Any) -> Any:
        data = {"csrf_token": self.token, **(values or {})}
        return self.client.post(path, data=data, buffered=True, **more)

    def fragment(self, path: str) -> Any:
        return self.client.get(path, headers={"HX-Request": "true"}, buffered=True)


@dataclass
class World:
    """The application, its site and a clock; ``person("li", "agent")`` signs somebody in."""

    app: Application
    web: Flask
    clock: FakeClock

    def person(self, login: str, *roles: str, language: str = "en") -> Person:
        with self.app.database.write() as conn:
            user = accounts.create_user(
                conn, self.app.tables, login=login, name=login.capitalize(), password=PASSWORD, now=self.clock(),
                roles=roles, password_hash=HASH,
            )  # fmt: skip
            accounts.set_profile(conn, self.app.tables, user, language=language)
        return self.sign_in(user, login, roles)

    def sign_in(self, user: int, login: str, roles: tuple[str, ...]) -> Person:
        from engine.web.security import csrf_token_for

        with self.app.database.write() as conn:
            secret = sessions.open_session(
                conn, self.app.tables, user, now=self.clock(), lasts=dt.timedelta(hours=12), agent="test", address="127.0.0.1"
            )
        client = self.web.test_client()
        client.set_cookie("appmill", secret)
        actor = Actor(id=user, login=login, name=login.capitalize(), roles=frozenset(roles), language="en")
        return Person(user, actor, client, csrf_token_for(secret))


def make_world(folder: Path, clock: FakeClock, yaml: str = YAML) -> World:
    file = folder / "app.yaml"
    file.write_text(yaml, encoding="utf-8")
    app = open_application(file, f"sqlite:///{folder}/test.db", clock=clock)
    web = web_for(app)
    return World(app, web, clock)


# --- reading pages ---------------------------------------------------------------------------------------------------


def inputs(html: str) -> dict[str, str]:
    """name → value of every input, textarea and chosen option of a page, outside templates."""
    html = re.sub(r"<template.*?</template>", "", html, flags=re.S)
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", html):
        name, kind = _attribute(tag, "name"), _attribute(tag, "type")
        if name and not (kind in ("checkbox", "radio") and not re.search(r"\schecked\b", tag)):
            found[name] = _attribute(tag, "value") or ""
    for attributes, text in re.findall(r"<textarea\b([^>]*)>(.*?)</textarea>", html, flags=re.S):
        found[_attribute(attributes, "name") or ""] = Markup(text.removeprefix("\n")).unescape()
    for attributes, body in re.findall(r"<select\b([^>]*)>(.*?)</select>", html, flags=re.S):
        chosen = re.search(r"<option\b([^>]*)\bselected\b[^>]*>", body)
        found[_attribute(attributes, "name") or ""] = _attribute(chosen[0], "value") or "" if chosen else ""
    return found


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return Markup(found[1]).unescape() if found else None


def words(html: str) -> str:
    """The text people see, in one line."""
    html = re.sub(r"<(script|style|template)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(Markup(re.sub(r"<[^>]+>", " ", html)).unescape().split())
