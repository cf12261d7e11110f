"""The floor: the same pages written by hand with Flask, Jinja and sqlite3, on the same database file, same server.

No users, no permissions, no workflow, no history beyond writing the same rows: what is left when everything an
application builder does is taken away. The record page says every word the real one says (``web.py`` compares them); the
list is the rows alone inside the HTML of the real page, which costs nothing here. ``python bare.py DATABASE PORT PAGES``
where PAGES is the folder with that HTML.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import waitress
from flask import Flask, redirect, render_template, request
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
MENU = (
    ("", [("", "首页", "home")]),
    ("总览", [("pages/overview", "经营总览", "layout-dashboard")]),
    ("订单", [("order", "订单", "clipboard-list"), ("contract", "合同", "file-certificate")]),
    ("收款与发货", [("receipt", "收款", "cash"), ("shipment", "发货单", "truck-delivery")]),
    ("基础资料", [("customer", "客户", "building"), ("product", "产品", "box")]),
    ("系统管理", [
        ("admin/users", "用户", "users"), ("admin/groups", "用户组", "users-group"), ("admin/roles", "角色", "shield-lock"),
        ("admin/definition", "应用定义", "braces"), ("admin/audit", "操作日志", "history"), ("admin/tokens", "API 令牌", "key"),
    ]),
)  # fmt: skip
CREATABLE = [entry for _heading, entries in MENU[2:5] for entry in entries]
ROLES = {
    "sales": "销售", "finance": "财务", "buyer": "采购", "planner": "计划", "workshop": "车间主任", "quality": "质检",
    "warehouse": "仓库", "logistics": "物流", "service": "客服", "manager": "总经理",
}  # fmt: skip
STATES = (
    ("pending", "1个工作日"), ("paid", "1个工作日"), ("preparing", "3个工作日"), ("scheduled", "1个工作日"),
    ("producing", "5个工作日"), ("inspected", "1个工作日"), ("shipped", "5天"), ("signed", ""),
)  # fmt: skip
PLACES = {state: place for place, (state, _expected) in enumerate(STATES)}
WORDS = ROLES | {
    "pending": "待确认", "paid": "已收款", "preparing": "备料中", "scheduled": "生产排程", "producing": "工序进度",
    "inspected": "质检完成", "shipped": "物流发运", "signed": "客户签收", "frozen": "冻结", "normal": "普通", "high": "加急",
    "rush": "特急", "direct": "业务员", "a": "A 重点", "b": "B 普通", "c": "C 新客户",
}  # fmt: skip
DOORS = (  # name, label, from, style
    ("confirm_payment", "确认收款", ("pending",), "primary"), ("start_preparing", "开始备料", ("paid",), "primary"),
    ("material_ready", "备料完成", ("preparing",), "primary"), ("release_schedule", "下达排程", ("scheduled",), "primary"),
    ("finish", "完工送检", ("producing",), "primary"), ("ship", "检验放行并发运", ("inspected",), "primary"),
    ("sign", "客户签收", ("shipped",), "primary"), ("freeze", "冻结", ("pending", "paid", "preparing", "scheduled"), "outline-danger"),
    ("change", "申请变更", ("paid", "preparing", "scheduled"), "outline-secondary"), ("send_back", "登记退货", ("shipped",), "outline-danger"),
    ("cancel", "取消订单", ("pending", "paid", "frozen"), "outline-danger"),
)  # fmt: skip
SECTIONS = (  # heading, columns, the field its edit button leads to, [(name, label, kind, wide)]; no fields: the lines
    ("基本信息", 3, "customer", [
        ("number", "订单号", "", 0), ("customer_name", "客户", "customer", 0), ("level", "客户等级", "badge", 0),
        ("customer_po", "客户单号", "", 0), ("contract", "合同", "", 0), ("sales_name", "业务员", "person", 0),
        ("ordered_on", "下单日期", "", 0), ("due_on", "交货日期", "", 0), ("priority", "优先级", "badge", 0),
        ("channel", "来源", "badge", 0), ("delivery_address", "交货地址", "", 1),
    ]),
    ("明细", 1, "lines", []),
    ("金额", 4, "", [
        ("quantity", "总数量", "number", 0), ("amount", "订单金额", "money", 0), ("received", "已收款", "money", 0),
        ("unpaid", "未收款", "money", 0), ("cost", "预计成本", "money", 0),
    ]),
    ("订单", 1, "note", [("note", "备注", "", 1)]),
    ("排程", 3, "line", [
        ("line", "产线", "", 0), ("planned_start", "计划开工", "", 0), ("planned_end", "计划完工", "", 0),
        ("produced", "完工数量", "number", 0), ("shipped_quantity", "已发数量", "number", 0),
    ]),
    ("检验", 2, "inspection_result", [("inspection_result", "检验结论", "", 0), ("inspection_report", "检验报告照片", "", 1)]),
    ("交付物", 2, "contract_file", [
        ("contract_file", "合同或订单确认", "", 1), ("voucher", "付款凭证", "", 1), ("finance_approved", "财务已审核", "", 0), ("picking_list", "备料清单", "", 1),
        ("delivery_note", "送货单", "", 1),
    ]),
    ("签收", 2, "signed_by", [("signed_by", "签收人", "", 0), ("signature", "签收签名", "", 1)]),
)  # fmt: skip
COLOURS: dict[str, str] = dict.fromkeys(WORDS, "blue")
OPEN = "deleted_at IS NULL AND (state NOT IN ('signed', 'cancelled'))"

ZONE = ZoneInfo("Asia/Shanghai")
app = Flask(__name__, template_folder="bare_pages")
app.jinja_env.globals.update(menu=MENU, creatable=CREATABLE, roles=ROLES.items(), words=WORDS, colours=COLOURS)
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
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
        """SELECT o.*, c._title AS customer_name, c.level, c.credit_limit, u.name AS sales_name, w.name AS owner_name, m.name AS creator_name
        FROM "order" o JOIN customer c ON c.id = o.customer LEFT JOIN _user u ON u.id = o.sales_person
        LEFT JOIN _user w ON w.id = o.owner LEFT JOIN _user m ON m.id = o.created_by WHERE o.id = ?""",
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
    due = local_time(row["state_due"])
    entered = {state: local_time(at) for state, at in stays}
    dates = {state: at.strftime("%Y-%m-%d %H:%M") for state, at in entered.items()}
    now = dt.datetime.now(ZONE)
    return render_template(
        "record.html", r=row, lines=lines, dates=dates, at=PLACES.get(row["state"], 0), states=STATES, sections=SECTIONS,
        doors=[(name, label, style) for name, label, sources, style in DOORS if row["state"] in sources],
        closed=closed_doors(row), due=due.strftime("%Y-%m-%d %H:%M"), late=ago((now - due).days),
        long=ago((now - entered.get(row["state"], now)).days)[:-1],
        created=local_time(row["created_at"]).strftime("%Y-%m-%d %H:%M"),
        updated=local_time(row["updated_at"]).strftime("%Y-%m-%d %H:%M"), token="0123456789abcdef",
    )  # fmt: skip


def closed_doors(row: sqlite3.Row) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Why a pending order cannot be confirmed as paid, in the words of the real page."""
    if row["state"] != "pending":
        return []
    reasons = [("请填写付款凭证。", "voucher")] if row["voucher"] is None else []
    if row["contract_file"] is None:
        reasons.append(("离开此状态前须提供合同或订单确认。", "contract_file"))
    if (row["received"] or 0) < 0.3 * row["amount"]:
        said = "预付款不足 30%，且超出客户信用额度（已收款: 空，订单金额: ¥{:,.2f}，未收款: 空，客户 › 信用额度: ¥{:,.2f}；要求：{}）"
        rule = "已收款 ≥ 订单金额 * 0.3 或 未收款 ≤ 客户 › 信用额度"
        reasons.append((said.format(row["amount"] / 1000000, row["credit_limit"] / 1000000, rule), ""))
    by_rule = [("此流转只由规则自动执行。", "")]
    return [("confirm_payment", "确认收款", "已收款", reasons), ("settle", "收款齐备转备料", "备料中", by_rule)]


def ago(days: int) -> str:
    if days < 1:
        return ""
    return f"{days}天前" if days < 30 else f"{days // 30}个月前"


def local_time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).astimezone(ZONE)


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
    PAGES.update(list=page("list", LIST))
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=4, _quiet=True)
