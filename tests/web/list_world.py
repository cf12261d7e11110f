"""A site for the tests of lists and boards: a form with one of everything, and people who may see different parts.

Ann (clerk) sees only what she created, never ``cost`` and ``rank``, ``margin`` only on her open ones, and no client
that is secret. Bob (boss) sees everything and may export. Gus (guest) sees nothing.
"""

from __future__ import annotations

import re
from typing import Any

from visiting import Grounds, Visitor
from werkzeug.test import TestResponse

YAML = """
app: desk
label: {zh: 服务台, en: Desk}
languages: [en, zh]
timezone: Asia/Shanghai
currency: CNY
roles:
  clerk: {label: {zh: 文员, en: Clerk}}
  boss: {label: {zh: 主管, en: Boss}}
  guest: {label: {zh: 访客, en: Guest}}
forms:
  client:
    label: {zh: 单位, en: Client}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      secret: {type: boolean, label: {zh: 机密, en: Secret}, default: false}
      above: {type: link, form: client, label: {zh: 上级, en: Above}}
      rating: {type: integer, label: {zh: 评分, en: Rating}}
    views:
      all: {type: list, columns: [name, secret], sort: [name]}
      tree: {type: tree, parent: above, columns: [rating]}
    permissions:
      clerk: {read: "not record.secret"}
      boss: {create: true, read: true, update: true, delete: true, export: true}
  tag:
    label: {zh: 标签, en: Tag}
    title: record.name
    fields: {name: {type: text, label: {zh: 名称, en: Name}}}
    permissions: {clerk: {read: true}, boss: {read: true, create: true}}
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    title: record.number
    fields:
      number: {type: text, label: {zh: 编号, en: Number}, required: true}
      client: {type: link, form: client, label: {zh: 单位, en: Client}}
      due_on: {type: date, label: {zh: 截止, en: Due on}}
      until: {type: date, label: {zh: 结束, en: Until}}
      level:
        type: choice
        label: {zh: 级别, en: Level}
        options: {low: {label: {zh: 低, en: Low}}, high: {label: {zh: 高, en: High}, colour: red}}
      amount: {type: money, label: {zh: 金额, en: Amount}}
      cost: {type: money, label: {zh: 成本, en: Cost}}
      rank: {type: choice, label: {zh: 等级, en: Rank}, options: {gold: {}, silver: {}}}
      margin: {type: integer, label: {zh: 毛利, en: Margin}}
      phone: {type: text, label: {zh: 电话, en: Phone number}, sensitive: true}
      tags: {type: links, form: tag, label: {zh: 标签, en: Tags}}
      twice:
        {type: computed, stored: false, result: {type: money}, value: "record.amount * 2", label: {zh: 两倍, en: Twice}}
      grade: {type: lookup, via: client, field: rating, label: {zh: 评分, en: Grade}}
      report: {type: text, label: {zh: 报告, en: Report}}
      locked: {type: text, label: {zh: 锁定, en: Locked}, readonly: true}
    views:
      all:
        type: list
        columns: [number, client, due_on, level, amount, cost, state]
        sort: [due_on, number]
        totals: [amount, cost]
        card: [number, client, amount]
      board: {type: kanban, group: state, card: [number, client, amount, cost], sort: [number]}
      levels: {type: kanban, group: level, card: [number], sort: [number]}
      days: {type: calendar, date: due_on, card: [number, cost]}
      plan: {type: gantt, start: due_on, end: until, group: client}
      ranks: {type: kanban, group: rank, card: [number]}
    permissions:
      clerk:
        create: true
        read: "record.created_by == user"
        update: "record.created_by == user"
        fields:
          cost: {read: false}
          rank: {read: false}
          margin: {read: "record.state == 'open'"}
      boss: {create: true, read: true, update: true, delete: true, export: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}, owner: clerk, within: 4h, colour: orange}
        work: {label: {zh: 处理中, en: In work}, owner: boss, leave_with: [report], colour: blue}
        done: {label: {zh: 完成, en: Done}, final: true, colour: green}
      transitions:
        start: {label: {zh: 开始, en: Start}, from: [open], to: work, roles: [clerk, boss]}
        finish: {label: {zh: 完成, en: Finish}, from: [work], to: done, roles: [boss]}
        drop: {label: {zh: 放弃, en: Drop}, from: [open], to: done, roles: [boss], reason: required}
pages:
  wall:
    label: {zh: 总览, en: Wall}
    cards:
      - {type: number, label: {zh: 数, en: Count}, form: ticket}
      - {type: number, label: {zh: 成本, en: Cost}, form: ticket, fold: sum, field: cost}
      - {type: breakdown, label: {zh: 状态, en: By state}, form: ticket, group: state}
      - {type: breakdown, label: {zh: 单位, en: By client}, form: ticket, group: client, fold: sum, field: amount}
      - {type: records, label: {zh: 新, en: New}, form: ticket, columns: [number, cost], sort: [-number], limit: 3}
      - {type: number, label: {zh: 平均, en: Mean}, form: ticket, fold: mean, field: amount}
"""
PEOPLE = {"ann": "clerk", "bob": "boss", "gus": "guest"}


def fill(grounds: Grounds) -> dict[str, int]:
    """Name → id: clients Acme, Beta (below Acme) and Hush (secret); tickets A1 to A3 of Ann, B1 to B3 of Bob."""
    made = grounds.made
    ids: dict[str, int] = {}
    ids["Acme"] = made.create("client", as_="bob", name="Acme", rating="5").id
    ids["Beta"] = made.create("client", as_="bob", name="Beta", above=ids["Acme"]).id
    ids["Hush"] = made.create("client", as_="bob", name="Hush", secret="true").id
    ids["urgent"] = made.create("tag", as_="bob", name="urgent").id
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("A1", "ann", {"client": ids["Acme"], "due_on": "2026-03-02", "level": "high", "amount": "10", "margin": "7"}),
        ("A2", "ann", {"client": ids["Beta"], "due_on": "2026-03-09", "level": "low", "amount": "20.50"}),
        ("A3", "ann", {"due_on": "2026-03-20", "level": "high"}),
        ("B1", "bob", {"client": ids["Acme"], "due_on": "2026-03-05", "level": "low", "amount": "100", "cost": "61"}),
        ("B2", "bob", {"due_on": "2026-03-05", "level": "high", "amount": "7", "cost": "62", "tags": [ids["urgent"]]}),
        ("B3", "bob", {"client": ids["Hush"], "amount": "3", "cost": "63", "phone": "13812345678"}),
    ]
    for number, who, values in rows:
        ids[number] = made.create("ticket", as_=who, number=number, **values).id
    made.update("ticket", ids["A3"], as_="bob", client=ids["Hush"])  # Ann could not have chosen it
    return ids


def numbers(answer: TestResponse) -> list[str]:
    """The numbers of the tickets an answer names, in order, each once."""
    return list(dict.fromkeys(re.findall(r"\b[AB][1-9]\b", answer.text)))


def body_rows(answer: TestResponse) -> list[list[str]]:
    """The texts of the cells of a table's body, without those only phones show."""
    body = re.search(r"<tbody>(.*?)</tbody>", answer.text, re.S)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body.group(1) if body else "", re.S)
    cells = (re.findall(r"<td([^>]*)>(.*?)</td>", row, re.S) for row in rows)
    return [[_plain(cell) for classes, cell in row if "phone" not in classes] for row in cells]


def _plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def messages(answer: TestResponse) -> list[str]:
    """What a refused page says."""
    main = re.search(r"<main.*?</main>", answer.text, re.S)
    found: list[str] = re.findall(r"<(?:p|li)[^>]*>([^<]+)</", main.group() if main else "")
    return [text for text in found if not text.startswith("Request ")]


__all__ = ["PEOPLE", "YAML", "Visitor", "body_rows", "fill", "messages", "numbers"]
