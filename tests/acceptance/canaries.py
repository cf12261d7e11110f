"""Two applications filled with records whose every hidden value is a string that stands nowhere else."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fake_clock import FakeClock
from making import Made
from oracle import Oracle
from visiting import Grounds, Visitor
from werkzeug.test import TestResponse

from engine import service
from engine.application import open_application
from engine.builtin import default_registry
from engine.people import system_actor
from plugins import order_hub, planning

APPS = Path(__file__).parents[2] / "apps" / "order_hub.yaml", Path(__file__).parents[1] / "apps" / "maintenance.yaml"
SETUP = system_actor("setup")
PDF = b"%PDF-1.4\n%%EOF\n"
SECOND = 5  # ids of the second of two like records lie that far


@dataclass
class World:
    """``canaries``: (form, id, field) → how the value might be written. ``files``: attachment id → (form, id, field)."""

    oracle: Oracle
    grounds: Grounds
    role_of: Mapping[str, str]
    canaries: dict[tuple[str, int, str], tuple[str, ...]] = field(default_factory=dict)
    files: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    visitors: dict[str, Visitor] = field(default_factory=dict)

    @property
    def app(self) -> Any:
        return self.grounds.app

    def visitor(self, login: str) -> Visitor:
        """Signed in once; whoever has no role at all is called ``nobody``."""
        if login not in self.visitors:
            self.visitors[login] = self.grounds.visitor(login)
        return self.visitors[login]

    def user(self, login: str) -> int:
        return self.grounds.made.id_of(login)

    def reads(self, login: str, form: str, id: int) -> bool:
        return self.oracle.may(self.role_of[login], "read", form, self.oracle.rows[form][id], self.user(login))

    def forbidden(self, login: str) -> dict[str, tuple[str, int, str]]:
        """text → where it comes from: all this person may read nowhere."""
        allowed: set[str] = set()
        hidden: dict[str, tuple[str, int, str]] = {}
        for key, texts in self.canaries.items():
            if self._may_see(login, *key):
                allowed.update(texts)
            else:
                hidden.update(dict.fromkeys(texts, key))
        return {text: key for text, key in hidden.items() if text not in allowed}

    def _may_see(self, login: str, form: str, id: int, name: str) -> bool:
        if self.oracle.fields(form)[name].get("sensitive"):
            return False
        outer, row = self.outer(form), self.oracle.rows[form][id]
        if outer is None:
            return self.reads(login, form, id) and name in self.oracle.readable(self.role_of[login], form)
        around, lines = outer
        return (
            self.reads(login, around, row["_parent"])
            and lines in self.oracle.readable(self.role_of[login], around)
            and name in self.oracle.readable(self.role_of[login], form, around)
        )

    def outer(self, form: str) -> tuple[str, str] | None:
        for name in self.oracle.forms:
            for lines, line_form in self.oracle.lines_of(name).items():
                if line_form == form:
                    return name, lines
        return None

    def snapshot(self) -> dict[str, Any]:
        """Every stored row of every form, and how many events, comments and files there are."""
        tables = self.app.tables
        with self.app.database.read() as conn:
            found = {name: [tuple(row) for row in conn.execute(sa.select(table).order_by(table.c.id))]
                     for name, table in tables.form.items()}  # fmt: skip
            for name in ("comment", "attachment", "saved_view", "stay"):
                found[name] = conn.execute(sa.select(sa.func.count()).select_from(getattr(tables, name))).scalar()
        return found


# --- making them


def make_world(file: Path, folder: Path) -> World:
    clock = FakeClock()
    registry = default_registry()
    order_hub.register(registry)
    planning.register(registry)
    app = open_application(file, f"sqlite:///{folder}/world.db", clock=clock, registry=registry)
    made = Made(app, clock)
    oracle = Oracle.of(file)
    role_of = {login: user["roles"][0] for login, user in oracle.yaml["demo_users"].items()}
    made.person("admin", "admin")
    for login, role in role_of.items():
        made.person(login, role)
    made.person("nobody")
    world = World(oracle, Grounds(made, lasting=True), {**role_of, "nobody": "no role"})
    (fill_orders if oracle.yaml["app"] == "order_hub" else fill_maintenance)(world)
    note(world)
    return world


_numbers = itertools.count(1)


def _figure(scale: int = 2) -> str:
    """An amount nothing else comes to."""
    number = next(_numbers)
    return f"{7000 + number * 137}.{(number * 7919) % 10**scale:0{scale}d}"


def _save(world: World, form: str, **values: Any) -> int:
    return service.save(world.app, SETUP, form, values).id


def _file(world: World, form: str, name: str, field: str) -> int:
    """A file that waits for its record, with a name of its own."""
    from werkzeug.datastructures import FileStorage

    from engine.web.uploads import take_in

    content = PDF + name.encode()
    with world.app.database.write() as conn:
        upload = FileStorage(io.BytesIO(content), filename=name)
        return take_in(conn, world.app, SETUP, form, field, upload, 10**6).id


def fill_orders(world: World) -> None:
    li, zhou = world.user("li"), world.user("zhou")
    customers = [
        _save(world, "customer", name=f"Custname{n}", contact=f"Contact{n}", phone=f"1380000910{n}", credit_limit=_figure(),
              email=f"canary{n}@example.com", sales_person=who, note=f"Custnote{n}")
        for n, who in enumerate((li, zhou))
    ]  # fmt: skip
    products = [
        _save(
            world,
            "product",
            sku=f"SKU-{n}{n}{n}{n}",
            name=f"Prodname{n}",
            family="cap",
            price=_figure(4),
            cost=_figure(4),
        )
        for n in range(2)
    ]
    line = _save(world, "production_line", name="Linename0")
    own = _save(world, "warehouse", code="OWN-7", name="Warehousename0", kind="own", province="江苏省")
    _save(world, "channel", code="web_shop", name="Channelname0", sales_person=li, warehouses=[{"warehouse": own}])
    _save(world, "exchange_rate", currency="XTS", rate=_figure(6))
    _save(world, "pool_order", source="web_shop", number="WEB-55661", buyer="Buyercanary", currency="XTS", total=_figure(),
          lines=[{"sku": "SKU-0000", "quantity": 1, "price": _figure()}])  # fmt: skip
    for n, (customer, who) in enumerate(zip(customers, (li, zhou), strict=True)):
        contract = _save(world, "contract", customer=customer, amount=_figure(), terms=f"<p>Terms{n}canary</p>")
        for state in ("pending", "producing"):
            order = service.adopt(
                world.app, SETUP, "order",
                {"customer": customer, "sales_person": who, "due_on": "2026-06-01", "contract": contract,
                 "penalty": _figure(), "customer_po": f"PO{state}{n}", "note": f"Note{state}{n}", "planned_start": "2026-05-01",
                 "planned_end": "2026-05-20", "line": line,
                 "voucher": [_file(world, "order", f"voucher-{state}-{n}.pdf", "voucher")],
                 "contract_file": [_file(world, "order", f"paper-{state}-{n}.pdf", "contract_file")],
                 "lines": [{"product": products[0], "quantity": 3, "price": _figure(4), "special": f"Spec{state}{n}"},
                           {"product": products[1], "quantity": 7, "price": _figure(4)}]},
                state=state,
            ).id  # fmt: skip
            _touch(world, "order", order)
            for _each in range(2):
                receipt = _save(world, "receipt", order=order, amount=_figure(), note=f"Receipt{state}{n}{_each}")
                service.take(world.app, SETUP, "receipt", receipt, "confirm")
        _save(world, "receipt", order=order, amount=_figure(), note=f"Receiptopen{n}")
        _save(world, "shipment", order=order, carrier="sf", tracking=f"SF99887766{n}", note=f"Shipnote{n}",
              lines=[{"product": products[0], "quantity": 2, "lot": f"Lot-canary-{n}"}])  # fmt: skip
        fill_plant(world, n, order, products[0])


def fill_plant(world: World, n: int, order: int, product: int) -> None:
    """What hangs on an order: money that is owed, material, a purchase, a change, a complaint."""
    _save(world, "invoice", order=order, amount=_figure(), issued_on="2026-01-01", due_on="2026-01-31")
    place = _save(world, "location", code=f"PLACE-{n}")
    resin = _save(world, "product", sku=f"RAW-{n}{n}{n}{n}", name=f"Resin{n}", kind="material", cost=_figure(4))
    job = _save(world, "job", order=order, product=product, quantity=10)
    _save(world, "movement", kind="purchase", product=resin, lot=f"Lot-raw-{n}", location=place, quantity="7000.5")
    _save(world, "movement", kind="production", product=product, lot=f"Lot-raw-{n}", location=place, quantity="7000.5")
    _save(world, "movement", kind="issue", product=resin, lot=f"Lot-raw-{n}", location=place, quantity="-5000.5",
          order=order, job=job)  # fmt: skip
    group = _save(world, "machine_group", name=f"Groupname{n}", overtime_cost=_figure())
    floor = _save(world, "production_line", name=f"Floorname{n}")
    _save(world, "machine", code=f"MACHINE-{n}", name=f"Machinename{n}", line=floor, group=group, hourly_cost=_figure())
    supplier = _save(world, "supplier", name=f"Suppname{n}")
    _save(world, "bill", supplier=supplier, amount=_figure())
    _save(world, "purchase", supplier=supplier, product=resin, quantity="7", price=_figure(4), needed_on="2026-05-01")
    service.adopt(world.app, SETUP, "purchase",
                  {"supplier": supplier, "product": resin, "quantity": "7", "price": _figure(4), "order": order,
                   "needed_on": "2026-05-01"}, state="sent")  # fmt: skip
    request = _save(world, "purchase_request", product=resin, quantity="7", needed_on="2026-05-01", price=_figure(4))
    service.adopt(world.app, SETUP, "quotation",
                  {"request": request, "supplier": supplier, "price": _figure(4), "promised_on": "2026-05-01"}, state="answered")  # fmt: skip
    if n == 0:
        _save(world, "change_policy", stage="producing", what="due_date", approver="director", surcharge="7")
    _save(world, "order_change", order=order, what="due_date", new_due_on="2026-06-20", why=f"Whychange{n}")
    _save(world, "complaint", order=order, kind="quality", description=f"Complaint{n}0", cost=_figure())
    rush = _save(world, "rush_order", customer=n + 1, product=product, quantity=10, sales_person=world.user("li"),
                 wanted_on="2026-05-02", penalty=_figure())  # fmt: skip
    _save_to(world, "rush_order", rush, choice="no_measures", cost=_figure())


def fill_maintenance(world: World) -> None:
    area = _save(world, "area", name="Hall 1")
    equipment = [
        _save(world, "equipment", tag=f"PUMP-{n}", name=f"Pumpname{n}", area=area, price=_figure(), criticality=3)
        for n in range(2)
    ]
    parts = [_save(world, "part", name=f"Partname{n}", fits=equipment, stock=4, price=_figure()) for n in range(2)]
    for n, state in enumerate(("reported", "repairing", "waiting", "done")):
        for m, technician in enumerate(("tom", "tara")):
            olga = world.grounds.made.actor("olga" if m == 0 else "admin")
            repair = service.save(
                world.app,
                olga,
                "repair",
                {"equipment": equipment[m], "fault": f"Faultcanary{n}{m}", "finding": f"Find{n}{m}x"},
            ).id
            _save_to(world, "repair", repair, technician=world.user(technician),
                     parts=[{"part": parts[0], "quantity": 2 + n}, {"part": parts[1], "quantity": 3 + m}])  # fmt: skip
            for step in {"repairing": ["assign"], "waiting": ["assign", "wait"], "done": ["assign", "finish"]}.get(
                state, []
            ):
                service.take(world.app, SETUP, "repair", repair, step, reason="Because")
    _save(world, "round", planned_on="2026-03-20", area=area,
          points=[{"equipment": equipment[0], "what": "Whatcanary", "result": "bad", "remark": "Remarkcanary"}])  # fmt: skip


def _save_to(world: World, form: str, id: int, **values: Any) -> None:
    service.save(world.app, SETUP, form, values, id=id)


def _touch(world: World, form: str, id: int) -> None:
    """A change of the lines, so that the timeline has figures to tell."""
    with world.app.database.read() as conn:
        tables = world.app.tables
        lines = conn.execute(
            sa.select(tables.form["order_line"]).where(tables.form["order_line"].c["_parent"] == id)
        ).mappings()
        rows = [{"id": row["id"], "price": str(row["price"] + 1)} for row in lines]
    _save_to(world, form, id, lines=rows)


# --- what to look for


def note(world: World) -> None:
    """Fill the oracle's rows, the canaries and the files from what is stored."""
    with world.app.database.read() as conn:
        for form, table in world.app.tables.form.items():
            found = conn.execute(sa.select(table)).mappings()
            world.oracle.rows[form] = {row["id"]: dict(row) for row in found}
        attachment = world.app.tables.attachment
        names = {row.id: row.name for row in conn.execute(sa.select(attachment.c.id, attachment.c.name))}
    for form, rows in world.oracle.rows.items():
        for id, row in rows.items():
            for name in world.oracle.fields(form):
                texts = written(row.get(name), names)
                if texts:
                    world.canaries[form, id, name] = texts
                if isinstance(row.get(name), (list, tuple)):
                    world.files.update({file: (form, id, name) for file in row[name] if file in names})
            if form == "order":
                unpaid = row["amount"] - (row["received"] or 0)
                world.canaries[form, id, "unpaid"] = written(unpaid, names)


def written(value: Any, files: Mapping[int, str]) -> tuple[str, ...]:
    """Every way the value may be written; none for what is too common to tell anything."""
    if isinstance(value, str):
        return (value,) if len(value) >= 6 and re.search(r"\d|canary", value) else ()
    if isinstance(value, Decimal) and abs(value) >= 1000:
        plain = f"{value:f}"
        cents = f"{value:.2f}"
        return tuple(dict.fromkeys((plain.rstrip("0"), cents, f"{value:,.2f}", f"{value:,.4f}".rstrip("0"))))
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], int):
        return tuple(files[one] for one in value if one in files)
    return ()


def body_of(answer: TestResponse) -> str:
    """All text of an answer, of a workbook too."""
    if answer.mimetype.endswith("spreadsheetml.sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            return " ".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    return answer.data.decode("utf-8", "replace")


def today() -> dt.date:
    return FakeClock()().date()
