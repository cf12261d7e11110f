"""A workshop for the tests of towers, live screens, finding and stories.

Ann (planner) may do everything with jobs; Cam (cutter) sees the jobs of line one only, and never the price.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

YAML = """
app: workshop
label: {zh: 车间, en: Workshop}
languages: [en, zh]
timezone: Asia/Shanghai
currency: CNY
roles:
  planner: {label: {zh: 计划员, en: Planner}}
  cutter: {label: {zh: 下料员, en: Cutter}}
demo_users:
  ann: {name: Ann, roles: [planner]}
  cam: {name: Cam, roles: [cutter]}
forms:
  customer:
    label: {zh: 单位, en: Client}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      tag: {type: barcode, label: {zh: 条码, en: Tag}}
    permissions: {planner: {create: true, read: true, update: true}}
  job:
    label: {zh: 任务, en: Job}
    plural: {zh: 任务, en: Jobs}
    title: record.number
    fields:
      number: {type: text, label: {zh: 编号, en: Number}, required: true, unique: true}
      client: {type: link, form: customer, label: {zh: 单位, en: Client}}
      line: {type: choice, label: {zh: 产线, en: Line}, options: {one: {}, two: {}}, default: one}
      due_on: {type: date, label: {zh: 交期, en: Promised on}}
      short: {type: boolean, label: {zh: 缺料, en: Short}, default: false}
      price: {type: money, label: {zh: 价格, en: Price}}
      drawing: {type: image, label: {zh: 图纸, en: Drawing}}
      note: {type: text, label: {zh: 备注, en: Note}}
    views:
      all: {type: list, columns: [number, line, state], sort: [number]}
      tower:
        type: tower
        columns: [number, client, line]
        groups: [line, client, owner]
        waits:
          - {label: {zh: 缺料, en: Material}, when: record.short}
          - {label: {zh: 待定价, en: A price}, when: record.price is None}
      board: {type: kanban, group: state, card: [number, line]}
    permissions:
      planner: {create: true, read: true, update: true, delete: true, export: true}
      cutter: {read: "record.line == 'one'", update: "record.line == 'one'", fields: {price: {read: false}}}
    workflow:
      initial: planned
      promised: due_on
      slack: 2d
      states:
        planned: {label: {zh: 计划, en: Planned}, owner: planner, within: 1d}
        cutting: {label: {zh: 下料, en: Cutting}, owner: cutter, within: 2d, leave_with: [note]}
        halted: {label: {zh: 暂停, en: Halted}, owner: planner, aside: true, colour: yellow}
        packed: {label: {zh: 打包, en: Packed}, owner: planner, within: 1d}
        gone: {label: {zh: 发出, en: Gone}, final: true, colour: green}
      transitions:
        cut: {label: {zh: 下料, en: Cut}, from: [planned], to: cutting, roles: [planner], when: not record.short, because: {zh: 料要齐, en: The material must be there}}
        pack: {label: {zh: 打包, en: Pack}, from: [cutting], to: packed, roles: [cutter, planner]}
        halt: {label: {zh: 暂停, en: Halt}, from: [cutting], to: halted, roles: [planner]}
        resume: {label: {zh: 继续, en: Resume}, from: [halted], to: previous, roles: [planner]}
        send: {label: {zh: 发出, en: Send}, from: [packed], to: gone, roles: [planner]}
  receipt:
    label: {zh: 收款, en: Receipt}
    title: "'Receipt ' + text(record.amount)"
    fields:
      job: {type: link, form: job, label: {zh: 任务, en: Job}, required: true}
      amount: {type: money, label: {zh: 金额, en: Amount}, required: true}
      slip: {type: image, label: {zh: 回单, en: Slip}}
    permissions:
      planner: {create: true, read: true, update: true}
      cutter: {read: "record.amount < 100", fields: {slip: {read: false}}}
rules:
  halve:
    label: {zh: 收款改备注, en: A receipt is noted}
    trigger: {type: created, form: receipt}
    actions: [{type: update, form: job, where: "record == source.job", values: {note: "'paid'"}}]
pages:
  overview:
    label: {zh: 总览, en: Overview}
    cards: [{type: number, label: {zh: 任务, en: Jobs}, form: job}]
"""
PEOPLE = {"ann": "planner", "cam": "cutter"}


def days(now: dt.datetime, count: int) -> str:
    """A day so far from today, in the workshop."""
    return (now.astimezone(dt.timezone(dt.timedelta(hours=8))).date() + dt.timedelta(days=count)).isoformat()


def fill(made: Any) -> dict[str, int]:
    """One job of each risk, named by it; the whole path takes four days."""
    now = made.clock()
    promised = {"late": -1, "near": 5, "fine": 30}
    ids = {
        name: made.create("job", number=name.upper(), due_on=days(now, count), price="10", as_="ann").id
        for name, count in promised.items()
    }
    ids["slow"] = made.create("job", number="SLOW", due_on=days(now, 0), price="10", line="two", as_="ann").id
    ids["free"] = made.create("job", number="FREE", as_="ann").id
    return ids
