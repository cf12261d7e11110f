"""What must be true of a factory's books, added up anew from its papers: nothing that is kept is believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from engine.api import Broken, Looking, Registry, message

Sums = defaultdict[Any, Decimal]
NOTHING = Decimal(0)
CENT = Decimal("0.01")


def register(registry: Registry) -> None:
    for function in (stock_is_receipts_less_issues, shipped_is_issued, money, work):
        registry.invariant("order_hub", function.__name__, function)


class _Books:
    """Rows of the forms of one application, deleted ones left out."""

    def __init__(self, looking: Looking) -> None:
        self.looking, self.tables = looking, looking.app.tables.form

    def rows(self, form: str, *names: str) -> Iterator[Any]:
        table = self.tables[form]
        columns = [table.c[name] for name in dict.fromkeys(("id", *names))]
        return self.looking.rows(sa.select(*columns).where(table.c.deleted_at.is_(None)))

    def lines(self, form: str, line: str, head: tuple[str, ...], names: tuple[str, ...], *where: Any) -> Iterator[Any]:
        """Lines beside what stands in the record around them, as ``head_<name>``."""
        outer, inner = self.tables[form], self.tables[line]
        columns = [*(inner.c[name] for name in names), *(outer.c[name].label(f"head_{name}") for name in head)]
        joined = sa.select(*columns).join_from(inner, outer, outer.c.id == inner.c["_parent"])
        return self.looking.rows(joined.where(outer.c.deleted_at.is_(None), inner.c.deleted_at.is_(None), *where))

    def posted(self, form: str) -> Any:
        return self.tables[form].c.state == "posted"


def _sums(pairs: Iterator[tuple[Hashable, Any]]) -> Sums:
    found: Sums = defaultdict(Decimal)
    for key, value in pairs:
        found[key] += Decimal(value or 0)
    return found


def _differs(found: Any, expected: Any) -> bool:
    return Decimal(found or 0) != Decimal(expected or 0)


# --- the store -------------------------------------------------------------------------------------------------------


def stock_is_receipts_less_issues(looking: Looking) -> Iterator[Broken]:
    """By product, lot and location: what was received, less what was issued, and what counting changed."""
    books = _Books(looking)
    stocks = {row.id: row for row in books.rows("stock", "product", "lot", "location", "on_hand")}
    found = _sums(
        ((line.product, line.lot, line.location), line.quantity)
        for line in books.lines("goods_receipt", "goods_receipt_line", (), ("product", "lot", "location", "quantity"),
                                books.posted("goods_receipt"))
    )  # fmt: skip
    for line in books.lines("goods_issue", "goods_issue_line", (), ("stock", "quantity"), books.posted("goods_issue")):
        of = stocks[line.stock]
        found[of.product, of.lot, of.location] -= line.quantity
    for count in books.rows("stock_count", "stock", "book", "counted", "state"):
        if count.state == "booked":
            of = stocks[count.stock]
            found[of.product, of.lot, of.location] += count.counted - (count.book or NOTHING)
    for id, row in stocks.items():
        expected = found.pop((row.product, row.lot, row.location), NOTHING)
        if _differs(row.on_hand, expected):
            yield _broken("stock", id, "{found} are on hand; receipts, issues and counts make {expected}.",
                          row.on_hand, expected)  # fmt: skip
        if Decimal(row.on_hand or 0) < 0:
            yield _broken("stock", id, "{found} are on hand, less than {expected}.", row.on_hand, 0)
    for (product, lot, _location), left in found.items():
        if left:
            yield _broken(
                "product", product, "Of lot {expected} there should be {found}, but there is no stock.", left, lot
            )
    yield from _by_product(books, stocks)


def _by_product(books: _Books, stocks: dict[int, Any]) -> Iterator[Broken]:
    there = _sums((row.product, row.on_hand) for row in stocks.values())
    held = _sums((row.product, row.reserved) for row in books.rows("requirement", "product", "reserved"))
    for row in books.rows("product", "on_hand", "reserved"):
        if _differs(row.on_hand, there[row.id]):
            yield _broken(
                "product", row.id, "{found} are on hand; its lots make {expected}.", row.on_hand, there[row.id]
            )
        if _differs(row.reserved, held[row.id]):
            yield _broken("product", row.id, "{found} are reserved; requirements make {expected}.", row.reserved,
                          held[row.id])  # fmt: skip


def shipped_is_issued(looking: Looking) -> Iterator[Broken]:
    """By order, product and day: what was recorded as shipped is what left the store, or the difference is listed."""
    books = _Books(looking)
    left = _sums(
        ((line.head_order, line.product, line.head_shipped_on), line.quantity)
        for line in books.lines("shipment", "shipment_line", ("order", "shipped_on"), ("product", "quantity"))
    )
    stocks = {row.id: row.product for row in books.rows("stock", "product")}
    shipments = books.tables["goods_issue"].c.kind == "shipment"
    for line in books.lines("goods_issue", "goods_issue_line", ("order", "issued_on"), ("stock", "quantity"),
                            books.posted("goods_issue"), shipments):  # fmt: skip
        left[line.head_order, stocks[line.stock], line.head_issued_on] -= line.quantity
    listed = {(row.order, row.product, row.day): row
              for row in books.rows("reconciliation", "order", "product", "day", "difference", "state")}  # fmt: skip
    for key, difference in left.items():
        row = listed.get(key)
        if row is None:
            if difference:
                yield _broken("order", key[0], "On {expected} {found} more were shipped than issued; it is not listed.",
                              difference, key[2])  # fmt: skip
        elif _differs(row.difference, difference):
            yield _broken("reconciliation", row.id, "It lists a difference of {found}; papers make {expected}.",
                          row.difference, difference)  # fmt: skip


# --- money -----------------------------------------------------------------------------------------------------------


def money(looking: Looking) -> Iterator[Broken]:
    """Orders are the sum of their lines, rounded line by line; what was received is the sum of confirmed receipts."""
    books = _Books(looking)
    lines = _sums(
        (line["_parent"], _amount(line)) for line in _mapped(books.rows("order_line", "_parent", "quantity", "price"))
    )
    orders = {row.id: row for row in books.rows("order", "amount", "received", "customer")}
    receipts = [row for row in books.rows("receipt", "order", "invoice", "amount", "state") if row.state == "confirmed"]
    by_order = _sums((row.order, row.amount) for row in receipts)
    by_invoice = _sums((row.invoice, row.amount) for row in receipts if row.invoice)
    for id, row in orders.items():
        if _differs(row.amount, lines[id]):
            yield _broken("order", id, "Its amount is {found}; its lines make {expected}.", row.amount, lines[id])
        if _differs(row.received, by_order[id]):
            yield _broken("order", id, "It has received {found}; receipts make {expected}.", row.received, by_order[id])
    open_: Sums = defaultdict(Decimal)
    for invoice in books.rows("invoice", "amount", "received", "open", "state", "customer"):
        expected = max(NOTHING, invoice.amount - by_invoice[invoice.id])
        open_[invoice.customer] += expected if invoice.state != "paid" else 0
        if _differs(invoice.received, by_invoice[invoice.id]) or _differs(invoice.open, expected):
            yield _broken(
                "invoice", invoice.id, "{found} of it are open; receipts leave {expected}.", invoice.open, expected
            )
        if invoice.state == "paid" and expected:
            yield _broken("invoice", invoice.id, "It is {found}, but {expected} of it are open.", "paid", expected)
    for customer in books.rows("customer", "receivable"):
        if _differs(customer.receivable, open_[customer.id]):
            yield _broken("customer", customer.id, "{found} are receivable; invoices make {expected}.",
                          customer.receivable, open_[customer.id])  # fmt: skip
    yield from _bills(books)


def _amount(line: Any) -> Decimal:
    return (Decimal(line["quantity"]) * line["price"]).quantize(CENT, ROUND_HALF_UP)


def _mapped(rows: Iterator[Any]) -> Iterator[Any]:
    return (row._mapping for row in rows)


def _bills(books: _Books) -> Iterator[Broken]:
    """A purchase that came whole is billed once, for what was ordered."""
    purchases = {row.id: row for row in books.rows("purchase", "quantity", "price", "state")}
    billed: dict[int, Decimal] = {}
    for row in books.rows("bill", "purchase", "amount"):
        if row.purchase in billed:
            yield _broken(
                "purchase",
                row.purchase,
                "It is billed twice: {found} and {expected}.",
                row.amount,
                billed[row.purchase],
            )
        if row.purchase is not None:
            billed[row.purchase] = row.amount
    for id, purchase in purchases.items():
        expected = (purchase.quantity * purchase.price).quantize(CENT, ROUND_HALF_UP)
        if purchase.state == "received" and _differs(billed.get(id), expected):
            yield _broken("purchase", id, "It is billed {found}; it cost {expected}.", billed.get(id), expected)


# --- work ------------------------------------------------------------------------------------------------------------


def work(looking: Looking) -> Iterator[Broken]:
    """What jobs and orders have produced is what approved reports say; nothing leaves production unfinished."""
    books = _Books(looking)
    reports = list(
        books.rows("work_report", "job", "order", "machine_day", "good", "scrap", "minutes", "finishes", "state")
    )
    approved = [row for row in reports if row.state == "approved"]
    good = _sums((row.job, row.good) for row in approved if row.finishes)
    scrap = _sums((row.job, row.scrap) for row in approved)
    minutes = _sums((row.job, row.minutes) for row in approved)
    for job in books.rows("job", "good", "scrap", "minutes"):
        for name, sums in (("good", good), ("scrap", scrap), ("minutes", minutes)):
            if _differs(getattr(job, name), sums[job.id]):
                said = f"{name}: {{found}}; approved reports make {{expected}}."
                yield _broken("job", job.id, said, getattr(job, name), sums[job.id])
    by_order = _sums((row.order, row.good) for row in approved if row.finishes)
    later = ("inspected", "shipped", "signed")
    for order in books.rows("order", "reported", "produced", "state"):
        if _differs(order.reported, by_order[order.id]):
            yield _broken("order", order.id, "{found} are reported; approved reports make {expected}.", order.reported,
                          by_order[order.id])  # fmt: skip
        if order.state in later and _differs(order.produced, by_order[order.id]):
            yield _broken("order", order.id, "{found} are produced; approved reports make {expected}.", order.produced,
                          by_order[order.id])  # fmt: skip
    days = _sums((row.machine_day, row.minutes) for row in reports)
    for day in books.rows("machine_day", "run"):
        if _differs(day.run, days[day.id]):
            yield _broken(
                "machine_day", day.id, "It ran {found} minutes; reports make {expected}.", day.run, days[day.id]
            )


def _broken(form: str, id: int, pattern: str, found: Any, expected: Any) -> Broken:
    return Broken(message(pattern, found=str(found), expected=str(expected)), form, id)
