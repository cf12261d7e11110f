"""The order hub: a voucher is uploaded, then finance approves; the order is to be prepared, and the workshop is told."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from werkzeug.datastructures import FileStorage

from engine import service
from engine.application import Application
from engine.extensions import registry_for
from engine.people import system_actor
from engine.registry import Registry
from engine.web.uploads import take_in

HUB = Path(__file__).parents[2] / "apps/order_hub.yaml"


def definition(http: int, smtp: int) -> str:
    text = re.sub(r"^reach:\n(?:  .*\n)+", "", HUB.read_text("utf-8"), flags=re.M)  # its mails have tests of their own
    return text.replace("host: localhost, port: 1025", f"host: 127.0.0.1, port: {smtp}")


def registry() -> Registry:
    return registry_for(HUB)


def begin(app: Application, name: str) -> int:
    """The order, as it was before anybody died."""
    order = app.tables.form["order"]
    with app.database.read() as conn:
        found = conn.scalar(sa.select(order.c.id).where(order.c.note == name))
    return found or _ordered(app, name)


def _ordered(app: Application, name: str) -> int:
    def save(form: str, **values: Any) -> int:
        return service.save(app, system_actor(), form, values).id

    seller = _person(app)
    customer = save("customer", name=name, sales_person=seller)
    product = save("product", sku=name, name=name, family="cap", price="1.5", cost="1")
    return save(
        "order", customer=customer, sales_person=seller, ordered_on="2026-03-01", due_on="2026-04-01", note=name,
        priority="normal", channel="direct", lines=[{"product": product, "quantity": 10, "price": "2"}],
        contract_file=[_file(app, "contract_file")],
    )  # fmt: skip


def _person(app: Application) -> int:
    """Sun, who sells, and gets the mail for the workshop."""
    user, role = app.tables.user, app.tables.user_role
    with app.database.write() as conn:
        found = conn.scalar(sa.select(user.c.id).where(user.c.login == "sun"))
        if found is None:
            new = {"login": "sun", "name": "Sun", "email": "sun@example.com", "created_at": app.clock()}
            found = conn.execute(sa.insert(user).values(new)).inserted_primary_key[0]
            conn.execute(sa.insert(role), [{"user_id": found, "role": each} for each in ("workshop", "sales")])
    return int(found)


def _file(app: Application, field: str) -> int:
    upload = FileStorage(io.BytesIO(b"%PDF-1.4 " + field.encode()), filename=f"{field}.pdf")
    with app.database.write() as conn:
        return take_in(conn, app, system_actor(), "order", field, upload, 10**6).id


def upload(app: Application, id: int, order: Any) -> None:
    if not order.voucher:
        service.save(app, system_actor(), "order", {"voucher": [_file(app, "voucher")]}, id=id)


def approve(app: Application, id: int, order: Any) -> None:
    if not order.finance_approved:
        service.save(app, system_actor(), "order", {"finance_approved": True}, id=id)


def act(app: Application, id: int, steps: Sequence[Callable[[Application, int, Any], None]] = (upload, approve)) -> None:
    """Whoever was not answered does it again."""
    table = app.tables.form["order"]
    for step in steps:
        with app.database.read() as conn:
            order = conn.execute(sa.select(table).where(table.c.id == id)).one()
        step(app, id, order)


def tell(app: Application, id: int) -> dict[str, Any]:
    """Everything about the order, without ids and times."""
    tables = app.tables
    order, event, run, message, stay, notice = (
        tables.form["order"], tables.event, tables.run, tables.message, tables.stay, tables.notification
    )  # fmt: skip
    with app.database.read() as conn:
        row = conn.execute(sa.select(order).where(order.c.id == id)).one()
        ours = (event.c.form == "order", event.c.record_id == id)
        columns = (event.c.kind, event.c.transition, event.c.rule, event.c.changes)
        events = conn.execute(sa.select(*columns).where(*ours).order_by(event.c.id)).all()
        runs = conn.execute(sa.select(run.c.id, run.c.rule, run.c.state).where(run.c.form == "order", run.c.record_id == id)).all()
        columns = (message.c.kind, message.c.connection, message.c.state, message.c.key)
        messages = conn.execute(sa.select(*columns).where(message.c.run_id.in_([each.id for each in runs]))).all()
        stays = conn.scalars(sa.select(stay.c.state).where(stay.c.form == "order", stay.c.record_id == id).order_by(stay.c.id)).all()
        told = conn.scalar(sa.select(sa.func.count()).where(notice.c.form == "order", notice.c.record_id == id))
        return {
            "order": [row.state, row.version, len(row.voucher), row.finance_approved],
            "events": [[each.kind, each.transition, each.rule, sorted(each.changes or {})] for each in events],
            "runs": sorted([each.rule, each.state] for each in runs),
            "messages": sorted([each.kind, each.connection, each.state] for each in messages),
            "stays": list(stays),
            "notices": told,
            "keys": sorted(each.key for each in messages if each.connection),
            "words": {row.number: "NUMBER"},
        }  # fmt: skip
