"""The floor: the same pages by Flask, Jinja and sqlite3 alone, on the same database file, served by the same server.

No users, no permissions, no workflow, no history beyond writing the same rows: what is left when everything an
application builder does is taken away. ``python bare.py DATABASE PORT PAGES`` where PAGES is a folder with the HTML
around the rows, taken from the real pages so that both send the same number of bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import waitress
from flask import Flask, redirect, request
from jinja2 import Template

LIST = """{% raw %}BEFORE{% endraw %}{% for r in rows %}<tr id="r{{ r.id }}" data-v="{{ r.version }}" class="overdue" title="已超时">
<td class="pick"><input type="checkbox" class="form-check-input" name="id" value="{{ r.id }}"></td>
<td class="p-title"><a class="open" href="/order/{{ r.id }}">{{ r.number }}</a></td>
<td class="p-subtitle"><a href="/customer/{{ r.customer }}">{{ r.customer_name }}</a></td><td>{{ r.due_on }}</td>
<td><span class="badge bg-{{ colours[r.priority] }}-lt">{{ labels[r.priority] }}</span></td>
<td class="p-badge"><span class="badge bg-{{ colours[r.state] }}-lt">{{ labels[r.state] }}</span></td>
<td>{% if r.owner_name %}<span class="field-person"><span class="avatar avatar-xs rounded-circle" aria-hidden="true">{{ r.owner_name }}</span>
 {{ r.owner_name }}</span>{% endif %}</td><td class="due">{{ r.state_due[:16] }}</td>
<td class="num p-figure">¥{{ "{:,.2f}".format(r.amount / 1000000) }}</td></tr>{% endfor %}{% raw %}AFTER{% endraw %}"""
RECORD = """{% raw %}BEFORE{% endraw %}
<header class="page-head rec-head"><h1>{{ r.number }}</h1><span class="badge bg-{{ colours[r.state] }}-lt">{{ labels[r.state] }}</span>
<a class="btn" href="/order/{{ r.id }}/edit">编辑</a></header>
<ol class="path">{% for state in states %}<li class="{{ "past" if state in dates else "next" }}">{{ labels[state] }}
<small>{{ dates.get(state, "")[:10] }}</small></li>{% endfor %}</ol>
<div class="rec">{% for heading, fields in sections %}<section class="card" aria-labelledby="show-{{ loop.index }}"><div class="card-header">
<h2 class="card-title" id="show-{{ loop.index }}">{{ heading }}</h2>
<a class="edit-jump" href="/order/{{ r.id }}/edit#field-{{ fields[0][0] }}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg#pencil"/></svg> 编辑</a></div>
<div class="card-body"><dl class="facts cols-3">{% for name, label in fields %}<div id="show-{{ name }}"><dt>{{ label }}</dt><dd>
{% if r[name] is none %}<span class="nothing">—</span>{% elif name in money %}<span class="field-figure">¥{{ "{:,.2f}".format(r[name] / 1000000) }}</span>
{% elif name in badges %}<span class="badge bg-{{ colours[r[name]] }}-lt">{{ labels[r[name]] }}</span>{% else %}{{ r[name] }}{% endif %}</dd></div>
{% endfor %}</dl></div></section>{% endfor %}
<table class="show-table"><tbody>{% for line in lines %}<tr><td class="line-number text-secondary">{{ loop.index }}</td>
<td data-label="产品"><a href="/product/{{ line.product }}">{{ line.product_title }}</a></td><td data-label="品名">{{ line.product_name }}</td>
<td class="end" data-label="数量">{{ line.quantity }}</td><td class="end" data-label="单价">¥{{ "{:,.4f}".format(line.price / 1000000) }}</td>
<td class="end" data-label="金额">¥{{ "{:,.2f}".format(line.amount / 1000000) }}</td><td class="end" data-label="成本">{{ line.cost or "" }}</td></tr>
{% endfor %}</tbody></table></div>{% raw %}AFTER{% endraw %}"""
STATES = ("pending", "paid", "preparing", "scheduled", "producing", "inspected", "shipped", "signed")
SECTIONS = (
    (
        "基本信息",
        (
            "number",
            "customer_name",
            "level",
            "customer_po",
            "contract",
            "sales_name",
            "ordered_on",
            "due_on",
            "priority",
            "channel",
        ),
    ),
    ("地址", ("delivery_address",)),
    ("金额", ("quantity", "amount", "received", "unpaid", "cost")),
    ("订单", ("note",)),
    ("排程", ("line", "planned_start", "planned_end", "produced", "shipped_quantity")),
    ("检验", ("inspection_result", "inspection_report")),
    ("交付物", ("contract_file", "voucher", "picking_list", "delivery_note")),
    ("签收", ("signed_by", "signature", "return_reason")),
)
SHOWN = {
    "r": None,
    "sections": [(heading, [(name, name.replace("_", " ")) for name in names]) for heading, names in SECTIONS],
    "states": STATES,
    "money": {"amount", "received", "unpaid", "cost"},
    "badges": {"priority", "channel", "level"},
}
COLOURS: dict[str, str] = dict.fromkeys((*STATES, "frozen", "normal", "high", "rush", "direct", "a", "b", "c"), "blue")
OPEN = "deleted_at IS NULL AND (state NOT IN ('signed', 'cancelled'))"

app = Flask(__name__)
local = threading.local()


def database() -> sqlite3.Connection:
    if not hasattr(local, "conn"):
        local.conn = sqlite3.connect(sys.argv[1], isolation_level=None)
        local.conn.row_factory = sqlite3.Row
        local.conn.executescript("PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL")
    return local.conn  # type: ignore[no-any-return]


def page(kind: str, body: str) -> tuple[Template, int]:
    """The page's template, compiled once, and the size of the real page in bytes, which spaces fill it up to."""
    before, after, size = json.loads((Path(sys.argv[3]) / f"{kind}.json").read_text())
    return app.jinja_env.from_string(body.replace("BEFORE", before).replace("AFTER", after)), size


@app.get("/list")
def listing() -> str:
    rows = database().execute(
        f"""SELECT o.id, o.version, o.number, o.customer, c._title AS customer_name, o.due_on, o.priority, o.state, o.owner,
        u.name AS owner_name, o.owner_role, o.state_due, o.amount FROM "order" o JOIN customer c ON c.id = o.customer
        LEFT JOIN _user u ON u.id = o.owner WHERE o.{OPEN.replace("state NOT", "o.state NOT")}
        ORDER BY o.due_on, o.id LIMIT 50"""
    )
    template, size = PAGES["list"]
    return filled(template.render(rows=rows.fetchall(), colours=COLOURS, labels=COLOURS), size)


@app.get("/record/<int:id>")
def record(id: int) -> str:
    conn = database()
    row = conn.execute(
        """SELECT o.*, c._title AS customer_name, c.level, u.name AS sales_name FROM "order" o
        JOIN customer c ON c.id = o.customer LEFT JOIN _user u ON u.id = o.sales_person WHERE o.id = ?""",
        (id,),
    ).fetchone()
    lines = conn.execute(
        """SELECT l.*, p._title AS product_title FROM order_line l JOIN product p ON p.id = l.product
        WHERE l._parent = ? ORDER BY l._position""",
        (id,),
    ).fetchall()
    stays = conn.execute(
        "SELECT state, entered_at FROM _stay WHERE form = 'order' AND record_id = ? ORDER BY id", (id,)
    )
    template, size = PAGES["record"]
    shown = {**SHOWN, "r": row, "lines": lines, "dates": dict(stays.fetchall()), "colours": COLOURS, "labels": COLOURS}
    return filled(template.render(shown), size)


def filled(body: str, size: int) -> str:
    return body + " " * (size - len(body.encode()))


def now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def insert(conn: sqlite3.Connection, table: str, row: dict[str, Any]) -> int:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    return conn.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', tuple(row.values())).lastrowid or 0


@app.post("/create")
def create() -> Any:
    conn, form, at = database(), request.form, now()
    lines = [
        (
            int(form[f"lines.{n}.product"]),
            int(form[f"lines.{n}.quantity"]),
            int(float(form[f"lines.{n}.price"]) * 1000000),
        )
        for n in range(10)
    ]
    conn.execute("BEGIN IMMEDIATE")
    drawn = conn.execute("UPDATE _series SET next = next + 1 WHERE name = 'order.number' RETURNING next").fetchone()
    number = f"SO-{drawn[0] if drawn else 0}-{at}"
    amount = sum(quantity * price for _product, quantity, price in lines)
    id = insert(
        conn,
        "order",
        {
            "version": 1, "state": "pending", "state_since": at, "state_due": at, "owner": int(form["sales_person"]), "owner_role": "sales",
            "created_at": at, "created_by": 1, "updated_at": at, "updated_by": 1, "_title": number, "number": number,
            "customer": int(form["customer"]), "sales_person": int(form["sales_person"]), "ordered_on": form["ordered_on"],
            "due_on": form["due_on"], "priority": form["priority"], "channel": form["channel"], "note": form["note"],
            "quantity": 10, "amount": amount,
        },
    )  # fmt: skip
    names = dict(
        conn.execute(
            f"SELECT id, name FROM product WHERE id IN ({','.join('?' * 10)})", [line[0] for line in lines]
        ).fetchall()
    )
    conn.executemany(
        "INSERT INTO order_line (version, _parent, _position, created_at, created_by, updated_at, updated_by, _title, product,"
        " product_name, quantity, price, amount) VALUES (1, ?, ?, ?, 1, ?, 1, ?, ?, ?, ?, ?, ?)",
        [
            (id, place, at, at, names[product], product, names[product], quantity, price, quantity * price)
            for place, (product, quantity, price) in enumerate(lines)
        ],
    )
    happened(conn, id, at, "created", {**form})
    stay(conn, id, at)
    conn.execute(
        "UPDATE customer SET open_amount = COALESCE(open_amount, 0) + ?, order_count = COALESCE(order_count, 0) + 1"
        " WHERE id = ?",
        (amount, int(form["customer"])),
    )
    customer = conn.execute("SELECT _title FROM customer WHERE id = ?", (int(form["customer"]),)).fetchone()[0]
    conn.execute("INSERT INTO _fts_order (rowid, words) VALUES (?, ?)", (id, f"{number} {' '.join(customer)}"))
    conn.execute("COMMIT")
    return redirect(f"/record/{id}", 303)


def happened(conn: sqlite3.Connection, id: int, at: str, kind: str, changes: dict[str, Any]) -> None:
    row = {
        "at": at,
        "form": "order",
        "record_id": id,
        "kind": kind,
        "actor_id": 1,
        "changes": json.dumps(changes),
        "definition": "bare",
    }
    insert(conn, "_event", row)


def stay(conn: sqlite3.Connection, id: int, at: str, state: str = "pending") -> None:
    insert(
        conn,
        "_stay",
        {"form": "order", "record_id": id, "state": state, "entered_at": at, "entered_by": 1, "due_at": at},
    )


@app.post("/freeze/<int:id>")
def freeze(id: int) -> Any:
    conn, at = database(), now()
    conn.execute("BEGIN IMMEDIATE")
    row = conn.execute('SELECT version, state, state_since FROM "order" WHERE id = ?', (id,)).fetchone()
    if row["state"] != "pending":
        conn.execute("ROLLBACK")
        return "not pending", 409
    conn.execute(
        'UPDATE "order" SET state = ?, _previous = ?, state_since = ?, state_due = ?, owner = NULL, owner_role = ?, version = version + 1,'
        " updated_at = ?, updated_by = 1 WHERE id = ? AND version = ?",
        ("frozen", "pending", at, at, "finance", at, id, row["version"]),
    )
    happened(conn, id, at, "taken", {"reason": request.form["_reason"]})
    conn.execute(
        "UPDATE _stay SET left_at = ?, left_by = 1, dwell_seconds = 60 WHERE form = 'order' AND record_id = ? AND left_at IS NULL",
        (at, id),
    )
    stay(conn, id, at, "frozen")
    conn.execute("COMMIT")
    return redirect(f"/record/{id}", 303)


PAGES: dict[str, tuple[Template, int]] = {}

if __name__ == "__main__":
    PAGES.update(list=page("list", LIST), record=page("record", RECORD))
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=4, _quiet=True)
