"""One example of every built-in type, as it is written in a definition: shown in the reference, loaded by a test."""

from __future__ import annotations

from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "text": "{type: text, label: {zh: 名称, en: Name}, required: true, max_length: 80}",
    "long_text": "{type: long_text}",
    "rich_text": "{type: rich_text}",
    "boolean": "{type: boolean, default: true}",
    "choice": "{type: choice, default: normal, options: {normal: {}, high: {label: {zh: 高, en: High}, colour: red}}}",
    "choices": "{type: choices, max_count: 2, options: {night: {}, weekend: {}, abroad: {}}}",
    "rating": "{type: rating, max: 5}",
    "colour": "{type: colour}",
    "integer": "{type: integer, min: 0, max: 100}",
    "decimal": "{type: decimal, scale: 3}",
    "money": "{type: money, currency: EUR, min: 0}",
    "percent": "{type: percent, min: 0, max: 100}",
    "quantity": "{type: quantity, unit: g, units: {kg: 1000}, scale: 2}",
    "date": "{type: date, required: true, default_expression: today()}",
    "datetime": "{type: datetime}",
    "time": '{type: time, default: "08:30"}',
    "duration": "{type: duration}",
    "link": '{type: link, form: project, where: "not record.closed"}',
    "links": "{type: links, form: project}",
    "lines": "{type: lines, form: step, min: 1, totals: [hours]}",
    "user": "{type: user, roles: [member]}",
    "role": "{type: role}",
    "phone": "{type: phone}",
    "email": "{type: email, unique: true}",
    "url": "{type: url}",
    "address": "{type: address}",
    "attachment": "{type: attachment, accept: [pdf, image], max_count: 3}",
    "image": "{type: image, camera: true}",
    "signature": "{type: signature}",
    "barcode": "{type: barcode, symbology: code128}",
    "series": '{type: series, pattern: "T{yyyy}{mm}-{0000}", unique: true}',
    "json": "{type: json, schema: {type: object}}",
    "computed": '{type: computed, result: {type: decimal}, value: "sum(line.hours for line in record.steps)"}',
    "rollup": "{type: rollup, of: ticket.cost, via: project, fold: sum, when: \"record.state == 'open'\"}",
    "lookup": "{type: lookup, via: project, field: name}",
}
VIEWS: Mapping[str, str] = {
    "list": '{type: list, where: "record.due_on < today()", columns: [name, due_on, state], sort: [-due_on]}',
    "kanban": "{type: kanban, group: state, card: [name, due_on]}",
    "calendar": "{type: calendar, date: due_on}",
    "gantt": "{type: gantt, start: created_at, end: due_on, group: project}",
    "tree": "{type: tree, parent: part_of, columns: [due_on]}",
    "tower": "{type: tower, columns: [name, project], groups: [project, owner], "
    "waits: [{label: A price, when: record.cost is None}]}",
}
TRIGGERS: Mapping[str, str] = {
    "created": "{type: created, form: ticket}",
    "updated": "{type: updated, form: ticket, field: priority, to: \"'high'\"}",
    "changed": "{type: changed, form: ticket}",
    "deleted": "{type: deleted, form: ticket}",
    "entered": "{type: entered, form: ticket, state: closed}",
    "left": "{type: left, form: ticket, state: open}",
    "taken": "{type: taken, form: ticket, transition: close}",
    "button": "{type: button, form: ticket, label: {zh: 催办, en: Remind}, roles: [member]}",
    "timeout": "{type: timeout, form: ticket, state: open, after: 1h, every: 1wd}",
    "date": '{type: date, form: ticket, field: due_on, before: 3wd, at: "09:00"}',
    "finished": "{type: finished, rule: other, outcome: failed}",
    "schedule": "{type: schedule, cron: '0 8 * * mon-fri', misfire: skip}",
    "webhook": "{type: webhook, path: tickets, secret: {secret: TICKETS}, signature: github}",
    "mail": "{type: mail, connection: inbox}",
}
ACTIONS: Mapping[str, str] = {
    "set": "{type: set, values: {due_on: today()}}",
    "create": "{type: create, form: ticket, values: {name: \"'Again: ' + record.name\", project: record.project}}",
    "update": '{type: update, form: ticket, where: "record.part_of == source", values: {priority: "\'high\'"}}',
    "take": "{type: take, transition: close, reason: \"'nothing left to do'\"}",
    "reassign": "{type: reassign, to: member, reason: \"'nobody came'\"}",
    "refuse": '{type: refuse, message: "{{ record.name }} is closed"}',
    "notify": '{type: notify, to: [member, record.created_by], message: "{{ record.name }} is closed"}',
    "ask": '{type: ask, to: [member], message: "May {{ record.name }} be closed?", needs: all, at_most: 3d,'
    "\n as: decision, answers: {approve: {label: {zh: 同意, en: Approve}, style: primary},"
    " reject: {label: {zh: 驳回, en: Reject}, style: danger, comment: required, decisive: true}}}",
    "branch": "{type: branch, when: record.cost > 100, then: [{type: take, transition: close}]}",
    "for_each": "{type: for_each, form: ticket, where: record.part_of == source,\n"
    " actions: [{type: take, transition: close}]}",
    "wait": "{type: wait, for: 2d}",
    "mail": '{type: mail, connection: post, to: [member], subject: Closed, message: "{{ record.name }}"}',
    "report": "{type: report, page: overview, connection: post, to: [member], subject: Overview, role: member}",
    "http": '{type: http, connection: hub, path: "/tickets/{{ record.id }}", json: {name: record.name}, as: answer}',
    "call": "{type: call, connection: hub, operation: pull, values: {id: record.id}}",
    "print": '{type: print, into: papers, format: pdf, name: "Ticket {{ record.name }}", language: zh, as: paper}',
    "script": "{type: script, source: 'return record.cost * 2', as: twice}",
    "approve": "{type: approve, as: approval, label: {zh: 审批, en: Approval},"
    ' message: "May {{ record.name }} be closed?",'
    "\n shows: [name, cost], steps: [{label: {zh: 主管, en: Lead}, to: [member]},"
    " {label: {zh: 会签, en: Together}, to: [member, record.owner], needs: all, when: record.cost > 100}]}",
}
CARDS: Mapping[str, str] = {
    "number": "{type: number, label: {zh: 本月成本, en: Cost}, form: ticket, fold: sum, field: cost,\n"
    " date: due_on, period: month, compare: true, target: 5000, better: less}",
    "trend": "{type: trend, label: {zh: 每周新增, en: New each week}, form: ticket, date: created_at, by: week,\n"
    " last: 8, group: priority, shape: bars, width: 6}",
    "breakdown": "{type: breakdown, label: {zh: 状态, en: By state}, form: ticket, group: state, shape: ring,\n"
    " width: 6}",
    "table": "{type: table, label: {zh: 项目, en: Projects}, form: ticket, rows: project, width: 6,\n"
    " figures: [{fold: count}, {fold: sum, field: cost}, {fold: max, field: due_on}]}",
    "formula": "{type: formula, label: {zh: 按时率, en: On time}, format: percent, value: 1 - late / whole,\n"
    " figures: {late: {form: ticket, where: 'record.due_on < today()', date: due_on, group: project},\n"
    " whole: {form: ticket, date: due_on, group: project}}, target: 0.95, trend: 6, width: 6}",
    "before_after": "{type: before_after, label: {zh: 发布前后, en: Before and after},\n"
    " figures: {made: {form: ticket, date: created_at}}, value: made, days: 28, width: 6}",
    "ageing": "{type: ageing, label: {zh: 账龄, en: Ages}, form: ticket, date: due_on, fold: sum, field: cost,\n"
    " group: project, edges: [30, 60, 90], width: 12}",
    "cycle": "{type: cycle, label: {zh: 周期, en: Lead time}, form: ticket, from: {state: open},\n"
    " to: {state: closed}, baseline: {from: 2025-01-01, until: 2025-12-31}, trend: 12, width: 6}",
    "dwell": "{type: dwell, label: {zh: 时间去哪了, en: Where time is lost}, form: ticket, bars: mean, width: 12}",
    "process": "{type: process, label: {zh: 流程图, en: Process}, form: ticket, width: 12}",
    "records": "{type: records, label: {zh: 最急, en: Urgent}, form: ticket, columns: [name, due_on], sort: [due_on]}",
    "board": "{type: board, label: {zh: 看板, en: Board}, form: ticket, view: wall, limit: 3, width: 12}",
    "gantt": "{type: gantt, label: {zh: 时间线, en: Time line}, form: ticket, view: plan, weeks: 6, width: 12}",
    "text": "{type: text, label: {zh: 注意, en: Note},\n"
    " text: {zh: 周五盘点。, en: Stock is taken on Friday.}, tone: warning}",
}
PARTS: Mapping[str, str] = {
    "heading": '{type: heading, above: {en: Harbour Works}, right: {en: "{{ today() }}"}}',
    "fields": "{type: fields, fields: [name, state], columns: 2}",
    "table": "{type: table, lines: parts, totals: [quantity]}",
    "code": "{type: code, value: record.number, symbology: code128, height: 12mm}",
    "text": '{type: text, text: {en: "Thank you, {{ record.name }}"}, size: large, align: centre}',
    "pictures": "{type: pictures, field: photo, height: 50mm}",
    "signatures": "{type: signatures, boxes: [{en: Made by}, {en: Checked by}]}",
}

CONNECTIONS: Mapping[str, str] = {
    "smtp": "{type: smtp, host: smtp.example.com, user: desk, password: {secret: MAIL_PASSWORD}, "
    "sender: Desk <desk@example.com>}",
    "imap": "{type: imap, host: imap.example.com, user: desk, password: {secret: MAIL_PASSWORD}, every: 2m}",
    "http": "{type: http, base_url: https://erp.example.com/api, auth: {type: bearer, token: {secret: ERP_TOKEN}}, "
    "timeout: 20s}",
    "rest": """{type: rest, base_url: https://shop.example.com/api, auth: {type: bearer, token: {secret: SHOP_TOKEN}},
    reads: {orders: {path: /orders, query: {updated_after: since, page: page, per_page: size}, items: answer.data,
      key: item.id, version: item.updated_at, pages: {by: page, size: 100}}},
    does: {ship: {path: "/orders/{{ number }}/shipments", json: {tracking: tracking}, takes: [number, tracking]}}}""",
    "graphql": """{type: graphql, base_url: https://shop.example.com/graphql,
    auth: {type: bearer, token: {secret: SHOP_TOKEN}},
    reads: {orders: {query: "query ($after: String) { orders(first: 50, after: $after) { nodes { id updatedAt }
      pageInfo { hasNextPage endCursor } } }", variables: {after: cursor}, items: answer.data.orders.nodes,
      key: item.id, version: item.updatedAt, pages: {by: cursor, next: answer.data.orders.pageInfo.endCursor,
        more: answer.data.orders.pageInfo.hasNextPage}}}}""",
    "browser_pages": "{type: browser_pages, reading: parts, sites: {list: {match: [https://parts.example.com/list/*], "
    "item: .part, key: number, fields: {number: {attr: data-no}, price: {css: .price, type: number}}}}}",
}
CREDENTIALS: Mapping[str, str] = {
    "basic": "{type: basic, user: desk, password: {secret: ERP_PASSWORD}}",
    "bearer": "{type: bearer, token: {secret: ERP_TOKEN}}",
    "header": "{type: header, values: {X-Api-Key: {secret: ERP_KEY}}}",
    "query": "{type: query, values: {key: {secret: MAP_KEY}}}",
    "hmac": "{type: hmac, key: {secret: HOOK_KEY}, header: X-Hub-Signature-256, prefix: sha256=}",
    "signature": "{type: signature, key: {secret: HOOK_KEY}}",
    "oauth2_client": "{type: oauth2_client, token_url: https://shop.example.com/oauth/token, client: desk, "
    "secret: {secret: SHOP_SECRET}}",
}
TASK = """\
tasks:
  count_parts:
    label: {zh: 盘点, en: Count parts}
    icon: package
    roles: [storekeeper]
    form: part
    record: existing              # scanned or chosen first
    fields: [found, photo]
    adds: [found]                 # several people count at once
    decides: chief
  report_fault:
    label: {zh: 报修, en: Report a fault}
    form: repair
    scan: equipment
    fields: [equipment, fault, severity, photo]
    keep: [equipment]
  finish_repair:
    label: {zh: 完成维修, en: Finish a repair}
    form: repair
    transition: finish
    where: record.technician == user
"""

SCENARIO = """\
closing_needs_the_boss:
  label: {zh: 只有主管能关闭, en: Only the boss closes}
  given:
    - {create: project, as: house, values: {name: House}}
    - {create: ticket, as: door, by: clerk, values: {name: Door, project: house, due_on: in 3wd, proof: paper.pdf}}
  steps:
    - {by: clerk, take: close, of: door, refused: true}
    - {wait: 2d}
    - {by: boss, take: close, of: door}
  then:
    - {of: door, state: closed, holds: record.due_on > today()}
    - {told: clerk, none: true}
    - {role: clerk, form: ticket, never_reads: [cost]}"""
