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

LIST = """{% raw %}BEFORE{% endraw %}{% for r in rows %}<tr data-id="{{ r.id }}" data-version="{{ r.version }}">
<td class="pick"><input type="checkbox" class="form-check-input" name="id" value="{{ r.id }}"></td>
<td class="code"><a href="/order/{{ r.id }}">{{ r.number }}</a></td>
<td><a href="/customer/{{ r.customer }}">{{ r.customer_name }}</a></td><td>{{ r.due_on }}</td>
<td><span class="badge bg-{{ colours[r.priority] }}-lt">{{ labels[r.priority] }}</span></td>
<td><span class="badge bg-{{ colours[r.state] }}-lt">{{ labels[r.state] }}</span></td>
<td>{{ r.owner_name or r.owner_role or "" }}</td><td>{{ r.state_due }}</td><td class="num">¥{{ "{:,.2f}".format(r.amount / 1000000) }}</td>
</tr>{% endfor %}{{ filler }}{% raw %}AFTER{% endraw %}"""
RECORD = """{% raw %}BEFORE{% endraw %}{% for name, value in values %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}
{% for line in lines %}<tr><td>{{ line.product }}</td><td>{{ line.product_name }}</td><td>{{ line.quantity }}</td>
<td>{{ line.price / 1000000 }}</td><td>{{ line.amount / 1000000 }}</td></tr>{% endfor %}{{ filler }}{% raw %}AFTER{% endraw %}"""
COLOURS: dict[str, str] = dict.fromkeys(
    (
        "pending",
        "paid",
        "preparing",
        "scheduled",
        "producing",
        "inspected",
        "shipped",
        "frozen",
        "normal",
        "high",
        "rush",
    ),
    "blue",
)
OPEN = "deleted_at IS NULL AND (state NOT IN ('signed', 'cancelled'))"

app = Flask(__name__)
local = threading.local()


def database() -> sqlite3.Connection:
    if not hasattr(local, "conn"):
        local.conn = sqlite3.connect(sys.argv[1], isolation_level=None)
        local.conn.row_factory = sqlite3.Row
        local.conn.executescript("PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL")
    return local.conn  # type: ignore[no-any-return]


def page(kind: str, body: str) -> tuple[Template, str]:
    """The page's template, compiled once, and what fills it up to the size of the real page."""
    before, after, size = json.loads((Path(sys.argv[3]) / f"{kind}.json").read_text())
    return app.jinja_env.from_string(body.replace("BEFORE", before).replace("AFTER", after)), "x" * max(0, size)


@app.get("/list")
def listing() -> str:
    rows = database().execute(
        f"""SELECT o.id, o.version, o.number, o.customer, c._title AS customer_name, o.due_on, o.priority, o.state, o.owner,
        u.name AS owner_name, o.owner_role, o.state_due, o.amount FROM "order" o JOIN customer c ON c.id = o.customer
        LEFT JOIN _user u ON u.id = o.owner WHERE o.{OPEN.replace("state NOT", "o.state NOT")}
        ORDER BY o.due_on, o.id LIMIT 50"""
    )
    template, filler = PAGES["list"]
    return template.render(rows=rows.fetchall(), colours=COLOURS, labels=COLOURS, filler=filler)


@app.get("/record/<int:id>")
def record(id: int) -> str:
    conn = database()
    row = conn.execute(
        """SELECT o.*, c._title AS customer_name, u.name AS sales_name FROM "order" o JOIN customer c ON c.id = o.customer
        LEFT JOIN _user u ON u.id = o.sales_person WHERE o.id = ?""",
        (id,),
    ).fetchone()
    lines = conn.execute("SELECT * FROM order_line WHERE _parent = ? ORDER BY _position", (id,)).fetchall()
    template, filler = PAGES["record"]
    return template.render(values=list(zip(row.keys(), row, strict=True)), lines=lines, filler=filler)


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
    conn.execute("INSERT INTO _fts_order (rowid, words) VALUES (?, ?)", (id, number))
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


PAGES: dict[str, tuple[Template, str]] = {}

if __name__ == "__main__":
    PAGES.update(list=page("list", LIST), record=page("record", RECORD))
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=4, _quiet=True)
