"""Figures over other records are kept by adding differences, and always are what counting anew would find."""

import random

from engine.errors import AppmillError
from engine.storage import rollups

BOARD = """
app: figures
label: Figures
languages: [en]
timezone: Asia/Shanghai
currency: CNY
roles: {clerk: {label: Clerk}}
demo_users: {ann: {name: Ann, roles: [clerk]}}
forms:
  project:
    label: Project
    title: record.name
    fields:
      name: {type: text, label: Name, required: true}
      tickets: {type: rollup, label: Tickets, of: ticket, via: project, fold: count}
      open_cost: {type: rollup, label: Open cost, of: ticket.cost, via: project, fold: sum, when: "not record.state.final"}
      high: {type: rollup, label: High, of: ticket, via: project, fold: count, when: "record.level == 'high' and record.cost > 2"}
      time: {type: rollup, label: Time, of: ticket.effort, via: project, fold: sum}
      dearest: {type: rollup, label: Dearest, of: ticket.cost, via: project, fold: max}
      hours: {type: rollup, label: Hours, of: ticket.hours, via: project, fold: sum}
      due_hours: {type: computed, label: Due hours, result: {type: decimal, scale: 1}, value: "record.hours * 2"}
    permissions: {clerk: {create: true, read: true, update: true, delete: true}}
  ticket:
    label: Ticket
    title: record.level
    fields:
      project: {type: link, label: Project, form: project}
      level: {type: choice, label: Level, options: {low: {label: Low}, high: {label: High}}, default: low}
      price: {type: money, label: Price}
      count: {type: integer, label: Count, default: 1}
      cost: {type: computed, label: Cost, result: {type: money}, value: "record.price * record.count"}
      effort: {type: duration, label: Effort}
      rows: {type: lines, label: Rows, form: ticket_row}
      hours: {type: rollup, label: Hours, of: ticket_row.hours, via: rows, fold: sum}
    permissions: {clerk: {create: true, read: true, update: true, delete: true}}
    workflow:
      initial: open
      states: {open: {label: Open}, done: {label: Done, final: true}}
      transitions:
        finish: {label: Finish, from: [open], to: done, roles: [clerk]}
        reopen: {label: Reopen, from: [done], to: open, roles: [clerk]}
  ticket_row:
    label: Row
    title: record.what
    fields:
      what: {type: text, label: What}
      hours: {type: decimal, scale: 1, label: Hours}
"""
FIGURES = ("tickets", "open_cost", "high", "time", "dearest", "hours")


def figures(made, projects):
    return [{name: made.get("project", one)[name] or 0 for name in FIGURES} for one in projects]


def counted_anew(made, projects):
    app = made.application
    with app.database.write() as conn:
        for name in FIGURES:
            rollups.refresh_all(conn, app.tables, "project", name)
    return figures(made, projects)


def act(made, pick, projects, tickets):
    values = {
        "project": pick.choice([*(one.id for one in projects), None]),
        "level": pick.choice(["low", "high"]),
        "price": pick.choice(["1.5", "0.25", "12", None]),
        "count": pick.randrange(1, 4),
        "effort": pick.choice(["1:30", "0:20", None]),
        "rows": [{"what": "x", "hours": pick.randrange(5)} for _ in range(pick.randrange(3))],
    }
    given = dict(pick.sample(sorted(values.items(), key=lambda each: each[0]), 3))
    what = pick.choice(["create", "update", "update", "take", "delete", "restore"])
    if what == "create" or not tickets:
        tickets.append(made.create("ticket", as_="ann", **values))
        return
    one = pick.choice(tickets)
    if what == "update":
        made.update("ticket", one, as_="ann", **given)
    elif what == "take":
        made.take("ticket", one, pick.choice(["finish", "reopen"]), as_="ann")
    else:
        getattr(made, what)("ticket", one, as_="ann")


def test_figures_stay_what_counting_anew_would_find(make_app):
    made, pick = make_app(BOARD), random.Random(11)
    projects = [made.create("project", name=name, as_="ann") for name in ("Bridge", "Tower")]
    tickets, filled = [], set()
    for _round in range(6):
        for _step in range(25):
            try:
                act(made, pick, projects, tickets)
            except AppmillError:
                continue
        kept = figures(made, projects)
        assert kept == counted_anew(made, projects)
        filled |= {name for each in kept for name in FIGURES if each[name]}
    assert filled == set(FIGURES)


def test_a_difference_is_added_however_many_others_there_are(make_app):
    made = make_app(BOARD)
    bridge = made.create("project", name="Bridge", as_="ann")
    ticket = made.create("ticket", project=bridge.id, price="3", count=2, as_="ann")
    with made.application.database.write() as conn:  # as if a thousand others were counted already
        conn.exec_driver_sql("UPDATE project SET tickets = 1000")
    made.update("ticket", ticket, count=3, as_="ann")
    assert (made.get("project", bridge)["tickets"], str(made.get("project", bridge)["open_cost"])) == (1000, "9.00")
    made.create("ticket", project=bridge.id, as_="ann")
    assert made.get("project", bridge)["tickets"] == 1001
