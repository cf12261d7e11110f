"""A works with machines and jobs for the tests of cards that explain: who runs, when it was due, how long it took.

Ann (worker) sees the jobs of machines that are not secret, and never their price; Bob (boss) sees everything.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

YAML = """
app: works
label: {zh: 车间, en: Works}
languages: [en, zh]
timezone: Asia/Shanghai
currency: CNY
roles:
  worker: {label: {zh: 工人, en: Worker}}
  boss: {label: {zh: 主管, en: Boss}}
connections:
  post: {type: smtp, host: mail.example.com, sender: works@example.com}
forms:
  machine:
    label: {zh: 机器, en: Machine}
    title: record.name
    fields:
      name: {type: text, required: true}
      secret: {type: boolean, default: false}
    permissions:
      worker: {read: "not record.secret"}
      boss: {create: true, read: true, update: true}
  report:
    label: {zh: 报工, en: Report}
    title: text(record.day)
    fields:
      machine: {type: link, form: machine}
      day: {type: date}
      run: {type: duration}
      planned: {type: duration}
      made: {type: integer}
      good: {type: integer}
    permissions:
      worker: {create: true, read: true}
      boss: {create: true, read: true, update: true}
  job:
    label: {zh: 任务, en: Job}
    plural: {zh: 任务, en: Jobs}
    title: record.number
    fields:
      number: {type: text, required: true}
      machine: {type: link, form: machine}
      ordered_on: {type: date}
      due_on: {type: date}
      price: {type: money}
      expected_on: {type: computed, result: {type: date}, value: "record.due_on + days(7)"}
    permissions:
      worker: {create: true, read: "not record.machine.secret", update: true, fields: {price: {read: false}}}
      boss: {create: true, read: true, update: true, delete: true, import: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}, owner: worker, within: 1d, colour: orange}
        checking: {label: {zh: 检查, en: Checking}, owner: boss, within: 4h, colour: blue}
        done: {label: {zh: 完成, en: Done}, final: true, colour: green}
      transitions:
        submit: {label: Submit, from: [open], to: checking, roles: [worker, boss]}
        send_back: {label: Send back, from: [checking], to: open, roles: [boss]}
        finish: {label: Finish, from: [checking], to: done, roles: [boss]}
"""
PAGE = """
pages:
  wall:
    label: {zh: 看板, en: Wall}
    period: month
    filters:
      - {fields: [{form: job, field: machine}, {form: report, field: machine}]}
    cards:
      - type: formula
        label: OEE
        figures:
          run: {label: Run, form: report, fold: sum, field: run, date: day, group: machine}
          planned: {form: report, fold: sum, field: planned, date: day, group: machine}
          good: {form: report, fold: sum, field: good, date: day, group: machine}
          made: {form: report, fold: sum, field: made, date: day, group: machine}
        value: run / planned * good / made
        format: percent
        compare: true
        trend: 3
        target: 0.8
        width: 12
      - type: formula
        label: On time
        figures:
          late: {form: job, where: "record.state == 'open'", date: due_on}
          due: {form: job, date: due_on}
        value: 1 - late / due
        format: percent
      - {type: cycle, label: Lead time, form: job, from: {state: open}, to: {state: done}, compare: true, trend: 3,
         group: machine, baseline: {from: 2026-01-01, until: 2026-01-31}, target: 3d, width: 6}
      - {type: cycle, label: From order, form: job, from: {field: ordered_on}, to: {state: done}, width: 6}
      - {type: dwell, label: Where time is lost, form: job, width: 12}
      - {type: process, label: Map, form: job, width: 12}
      - {type: ageing, label: Ages, form: job, date: due_on, fold: sum, field: price, group: machine, width: 12}
      - {type: ageing, label: Count of ages, form: job, date: due_on, width: 6}
      - {type: trend, label: Money to come, form: job, date: expected_on, by: week, last: 1, ahead: 4, cumulative: true,
         fold: sum, field: price, width: 6}
      - type: before_after
        label: Before and after
        figures: {made: {form: report, fold: sum, field: made, date: day}}
        value: made
        day: "2026-02-20"
        days: 10
        width: 6
"""
NAMES = ("oee", "on_time", "cycle", "from_order", "dwell", "process", "ages", "counts", "forecast", "change")
PLACE = {name: place for place, name in enumerate(NAMES)}
PEOPLE = {"ann": "worker", "bob": "boss"}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("CN¥", "¥").split())


def links(html: str) -> list[str]:
    return [unescape(url) for url in re.findall(r'href="(/[a-z]+\?[^"]*)"', html)]


def card(site: Any, name: str, who: str = "bob", more: str = "") -> str:
    answer = site.visitor(who).get(f"/pages/wall/cards/{PLACE[name]}{more}")
    assert answer.status_code == 200, words(answer.text)[:300]
    return str(answer.text)
