"""WooCommerce by its REST interface, version 3, and by its webhooks."""

from __future__ import annotations

import datetime as dt
import hmac
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, ClassVar

from engine.api import (
    BasicCredential,
    Call,
    Credential,
    DeliveryFailed,
    Duration,
    Forged,
    HttpConnection,
    Item,
    Message,
    Part,
    Pushed,
    Rate,
    Reading,
    Secret,
    Signing,
    Span,
    Surroundings,
    Task,
    Told,
    message,
    option,
    send,
)
from plugins.channels import following
from plugins.channels.asking import (
    HEARD,
    Shop,
    TooLong,
    before,
    data_of,
    done,
    host_of,
    look,
    only,
    refused,
    secret,
    wait_of,
)
from plugins.channels.channel import ORDERS, PRODUCTS
from plugins.channels.items import buyer, exact, line, moment, order, product, recipient, said, together, utc, whole
from plugins.channels.oauth1 import OAuth1

API = "/wp-json/wc/v3/"
PACKAGES = "_appmill_packages"  # meta data of an order: what was told of it, tracking number → line → how many
STATUS = {
    "pending": "new", "on-hold": "new", "failed": "new", "checkout-draft": "new", "auto-draft": "new",
    "processing": "paid", "completed": "done", "cancelled": "cancelled", "refunded": "cancelled", "trash": "cancelled",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WooCommerceConnection(Shop):
    """A shop of WooCommerce: orders by webhook and by asking, stock, listings, shipments."""

    type: ClassVar[str] = "woocommerce"
    base_url: str = option("The address of the shop, such as https://shop.example.com.", minLength=8)
    key: Secret = option("The consumer key (ck_…), which may read and write.")
    secret: Secret = option("The consumer secret (cs_…).")
    webhook_secret: Secret | None = option("The secret that was entered with the webhooks.", None)
    number_meta: str = option("The meta data of an order in which the tracking number is written.", "_tracking_number")
    carrier_meta: str = option("The meta data of an order in which the carrier is written.", "_tracking_provider")
    page: int = option("So many orders are read at once.", 50, minimum=1, maximum=100)

    # --- what feeds read

    def readings(self) -> Mapping[str, Reading]:
        return {"orders": replace(ORDERS, pushed=True), "products": PRODUCTS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """WooCommerce has no limit of its own; this is what a small host bears."""
        return {"all": Rate(calls=5, per=Duration(1, "s"), burst=10)}

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return following.begin(span, self.page)

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        surroundings.turn(reading)
        wanted = following.wanted(cursor)
        since = (moment(wanted.since) or dt.datetime.now(dt.UTC)).replace(microsecond=0) - dt.timedelta(seconds=1)
        query = {
            "per_page": wanted.size, "page": 1, "orderby": "modified", "order": "asc", "dates_are_gmt": "true",
            "modified_after": _naive(since), "modified_before": _naive(moment(wanted.until)),
            "exclude": ",".join(wanted.seen) or None, **({"status": "any"} if reading == "orders" else {}),
        }  # fmt: skip
        try:
            rows, total = self._page(reading, query, task, surroundings)
        except TooLong as failure:
            return following.smaller(cursor, failure)
        items = [item for row in rows for item in self._items(reading, row, task, surroundings)]
        return following.onward(
            cursor, [(str(row["id"]), str(utc(row["date_modified_gmt"]))) for row in rows], total, items
        )

    def _items(self, reading: str, row: Mapping[str, Any], task: Task, surroundings: Surroundings) -> list[Item]:
        if reading == "orders":
            return [of_order(row)]
        parts = self._variations(row, task, surroundings) if row.get("type") == "variable" else [row]
        return [of_product(part, row) for part in parts if part.get("sku")]

    def _variations(self, row: Mapping[str, Any], task: Task, surroundings: Surroundings) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        while True:
            query = {"per_page": 100, "page": len(found) // 100 + 1, "orderby": "id", "order": "asc"}
            rows, total = self._page(f"products/{row['id']}/variations", query, task, surroundings)
            found += rows
            if len(found) >= total or len(rows) < 100:
                return found

    # --- what it tells

    def told(self, reading: str, pushed: Pushed, surroundings: Surroundings) -> Told | None:
        headers = pushed.headers
        if "x-wc-webhook-signature" not in headers and pushed.body.startswith(b"webhook_id="):
            return None  # the ping of a webhook that was just made
        if self.webhook_secret is None:
            raise Forged(message("'{name}' has no webhook_secret, by which webhooks are known.", name=self.name))
        key = secret(self.webhook_secret, self.base_url, surroundings)
        signature = b64encode(hmac.new(key.encode(), pushed.body, sha256).digest())
        if not hmac.compare_digest(signature, headers.get("x-wc-webhook-signature", "").encode()):
            raise Forged(message("The webhook is not signed by '{name}'.", name=self.name))
        source = headers.get("x-wc-webhook-source", "")
        if source and host_of(source) != host_of(self.base_url):
            raise Forged(message("The webhook is of another shop: {shop}.", shop=host_of(source)[:100]))
        if headers.get("x-wc-webhook-resource", "order") != "order":
            return None
        try:
            body = json.loads(pushed.body)
        except ValueError:
            raise Forged(message("The webhook holds no JSON.")) from None
        if "date_modified_gmt" not in body:  # order.deleted tells a number only
            return None
        return Told([of_order(body)], headers.get("x-wc-webhook-delivery-id", ""))

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        _, total = self._page("orders", {"per_page": 1, "page": 1, "status": "any"}, task, surroundings)
        return message("The shop at {place} has {count} orders.", place=host_of(self.base_url), count=total)

    def ship(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """WooCommerce knows no packages: they are noted in meta data, and an order that is shipped whole is completed,
        both in one write."""
        there = self._order(str(values["number"]), task, surroundings)
        noted, tracking = _packages(there), str(values["tracking"])
        if STATUS.get(there["status"]) == "cancelled":  # WooCommerce would complete it from there
            raise DeliveryFailed(message("{number} is cancelled.", number=values["number"]), again=False)
        if there["status"] == "completed" and (tracking in noted or not values.get("lines")):
            return {"shipment": tracking}
        known = tracking in noted
        noted = noted if known else {**noted, tracking: _packed(there, values.get("lines"))}
        complete = not values.get("lines") or _is_complete(there, noted)
        if not known or complete:
            written = {
                self.number_meta: ", ".join(noted),
                self.carrier_meta: values["carrier"],
                PACKAGES: json.dumps(noted),
            }
            change = {"meta_data": [{"key": key, "value": value} for key, value in written.items()]}
            status = {"status": "completed"} if complete else {}
            self._put(f"orders/{there['id']}", {**change, **status}, task, surroundings, part="ship")
        return {"shipment": tracking}

    def listing(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        return _shown(self._product(values["sku"], task, surroundings))

    def set_stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there, quantity = self._product(values["sku"], task, surroundings), whole(values["quantity"])
        now = self._change(there, {"manage_stock": True, "stock_quantity": quantity}, values, task, surroundings)
        return {"now": now, "verified": now["quantity"] == str(quantity)}

    def pause(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there = self._product(values["sku"], task, surroundings)
        state = {name: there.get(name) for name in ("manage_stock", "backorders", "stock_status")}
        was = before(task, surroundings, {**state, "quantity": exact(there.get("stock_quantity"))})
        now = self._change(
            there, {"manage_stock": True, "stock_quantity": 0, "backorders": "no"}, values, task, surroundings
        )
        done(task, surroundings)
        return {"was": was, "now": now, "verified": not now["listed"]}

    def resume(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there, was = self._product(values["sku"], task, surroundings), values.get("was") or {}
        quantity = values.get("quantity") or was.get("quantity")
        counted = was.get("manage_stock") is not False or values.get("quantity") is not None
        if counted and quantity is None:
            raise DeliveryFailed(
                message("{sku} can be put back on sale with a quantity only.", sku=values["sku"]), again=False
            )
        change: dict[str, Any] = {"backorders": was.get("backorders") or "no"}
        if counted:
            change |= {"manage_stock": True, "stock_quantity": whole(quantity)}
        else:
            change |= {"manage_stock": False, "stock_status": was.get("stock_status") or "instock"}
        now = self._change(there, change, values, task, surroundings)
        return {"now": now, "verified": now["quantity"] == str(whole(quantity)) if counted else now["listed"]}

    def _change(
        self, there: Mapping[str, Any], change: Mapping[str, Any], values: Mapping[str, Any], task: Task,
        surroundings: Surroundings,
    ) -> Mapping[str, Any]:  # fmt: skip
        """Write what is to be, and look whether it is."""
        self._put(_place(there), change, task, surroundings, part="listing")
        return self.listing(values, task, surroundings)

    # --- asking

    def _order(self, number: str, task: Task, surroundings: Surroundings) -> Any:
        """An order by its number, which is its id unless an extension numbers them otherwise."""
        found = (
            [self._ask("GET", f"orders/{number}", {}, None, task, surroundings, none=True)[0]]
            if number.isdigit()
            else []
        )
        if not found or found[0] is None or str(found[0].get("number")) != number:
            rows, _ = self._page("orders", {"search": number, "per_page": 20, "status": "any"}, task, surroundings)
            found = [row for row in rows if str(row["number"]) == number]
        if len({row["id"] for row in found}) != 1:
            raise DeliveryFailed(message("'{name}' has no order {number}.", name=self.name, number=number), again=False)
        return found[0]

    def _product(self, sku: str, task: Task, surroundings: Surroundings) -> Any:
        rows, _ = self._page("products", {"sku": sku, "per_page": 10}, task, surroundings)
        return only([row for row in rows if row.get("sku") == sku], sku, self.name)

    def _page(
        self, path: str, query: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> tuple[Sequence[Mapping[str, Any]], int]:
        """The rows of a list and how many there are. Raises DeliveryFailed, also for what is no list."""
        body, headers = self._ask("GET", path, query, None, task, surroundings)
        if not isinstance(body, list):
            raise refused(f"{self.base_url}{API}{path}", 200, str(body)[:200], again=True)
        total = headers.get("x-wp-total", "")
        return body, int(total) if total.isdigit() else len(body)

    def _put(self, path: str, change: Mapping[str, Any], task: Task, surroundings: Surroundings, *, part: str) -> Any:
        return self._ask("PUT", path, {}, change, task, surroundings, part=part)[0]

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any], change: Any, task: Task, surroundings: Surroundings,
        *, part: str = "", none: bool = False,
    ) -> tuple[Any, Mapping[str, str]]:  # fmt: skip
        """(JSON, headers) of a success; with ``none`` nothing for what is not there. Raises DeliveryFailed."""
        sent = {name: str(value) for name, value in query.items() if value is not None}
        url = f"{self.base_url.rstrip('/')}{API}{path}"
        call = Call(method=method, path=f"{API}{path}", query=sent, json=change, expect=HEARD, part=part)
        answer = (look if method == "GET" else send)(self._line(method, url, sent), call, task, surroundings)
        body = data_of(answer, url, writes=method != "GET")
        if answer.status == 429:
            raise refused(url, 429, _words(body), again=True, after=wait_of(answer, 5.0))
        if none and answer.status == 404:
            return None, answer.headers
        if answer.status >= 400:
            clocks = answer.status == 401 and "timestamp" in _words(body)  # ours and the shop's differ: it may pass
            raise refused(url, answer.status, _words(body), again=clocks, after=60.0 if clocks else None)
        return body, answer.headers

    def _line(self, method: str, url: str, query: Mapping[str, str]) -> HttpConnection:
        """Over TLS by HTTP Basic; without it WooCommerce takes no password, only a signature."""
        base = self.base_url.rstrip("/")
        if base.startswith("https:"):
            return self.line(base, _Basic(key=self.key, secret=self.secret))
        signed = OAuth1(method=method, url=url, query_sent=tuple(query.items()), key=self.key, secret=self.secret)
        return self.line(base, signed)


@dataclass(frozen=True, kw_only=True)
class _Basic(Credential):
    """The consumer key and secret, as HTTP Basic."""

    key: Secret
    secret: Secret

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return BasicCredential(user=signing.value(self.key), password=self.secret).headers(signing)


# --- what it wrote becomes items


def of_order(told: Mapping[str, Any]) -> Item:
    there, updated = str(told["status"]), str(utc(told["date_modified_gmt"]))
    bill, to = told.get("billing") or {}, told.get("shipping") or {}
    to = to if any(said(to.get(name)) for name in ("address_1", "city", "last_name")) else bill
    return Item(str(told["id"]), updated, order(
        number=str(told["number"]), status=STATUS.get(there, "new"), status_there=there,
        placed_at=utc(told.get("date_created_gmt")), paid_at=utc(told.get("date_paid_gmt")), updated_at=updated,
        currency=told["currency"], total=exact(told["total"]), shipping=exact(told.get("shipping_total")),
        discount=exact(told.get("discount_total")),
        buyer=buyer(id=said(told.get("customer_id") or None), name=_name(bill), phone=said(bill.get("phone")),
                    email=said(bill.get("email"))),
        recipient=recipient(
            name=_name(to), phone=said(to.get("phone")) or said(bill.get("phone")), country=said(to.get("country")),
            province=said(to.get("state")), city=said(to.get("city")),
            street=together(to.get("address_1"), to.get("address_2"), between=", "), postcode=said(to.get("postcode")),
        ),
        lines=[_line(one) for one in told.get("line_items", ())],
        note=said(told.get("customer_note")), gift=_gift(told.get("meta_data") or ()), raw=told,
    ))  # fmt: skip


def _name(address: Mapping[str, Any]) -> str | None:
    first, last = address.get("first_name"), address.get("last_name")
    return together(last, first, between="") if address.get("country") == "CN" else together(first, last)


def _gift(meta: Sequence[Mapping[str, Any]]) -> bool:
    """WooCommerce has no field for it; extensions for gifts write meta data that speak of one."""
    empty = ("", "no", "false", "0", "none")
    return any("gift" in str(one.get("key")).lower() and str(one.get("value")).lower() not in empty for one in meta)


def _line(told: Mapping[str, Any]) -> dict[str, Any]:
    """The price of one as it was before discounts: WooCommerce's own ``price`` is rounded after them."""
    quantity, full = Decimal(str(told["quantity"])), Decimal(str(told.get("subtotal") or 0))
    price = full / quantity if quantity and _divides(full, quantity) else told.get("price")
    return line(id=str(told["id"]), sku=said(told.get("sku")), name=said(told.get("name")), quantity=exact(quantity),
                price=exact(price), total=exact(told.get("total")))  # fmt: skip


def _divides(amount: Decimal, quantity: Decimal) -> bool:
    return (amount / quantity).quantize(Decimal("0.0001")) * quantity == amount


def of_product(told: Mapping[str, Any], parent: Mapping[str, Any]) -> Item:
    """A product, or a variation of one: both may have changed."""
    updated, shown = max(str(utc(one["date_modified_gmt"])) for one in (told, parent)), _shown(told)
    name = told.get("name") if told is parent else together(parent.get("name"), told.get("name"), between=" - ")
    return Item(str(told["id"]), updated, product(
        sku=told["sku"], name=said(name), listed=shown["listed"] and parent["status"] == "publish",
        quantity=shown["quantity"], price=exact(told.get("price")), updated_at=updated, raw=told,
    ))  # fmt: skip


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """A variation that is not shown is private; what is out of stock cannot be bought."""
    listed = told.get("status", "publish") == "publish" and told.get("stock_status") != "outofstock"
    return {"listed": listed, "quantity": exact(told.get("stock_quantity")), "status_there": told.get("status")}


# --- pure


def _place(told: Mapping[str, Any]) -> str:
    parent = told.get("parent_id") if told.get("type") == "variation" else None
    return f"products/{parent}/variations/{told['id']}" if parent else f"products/{told['id']}"


def _naive(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _words(body: Any) -> str:
    return f"{body.get('code', '')}: {body.get('message', body)}" if isinstance(body, dict) else str(body)


def _packages(told: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The packages that were noted with an order."""
    text = next((str(one["value"]) for one in told.get("meta_data") or () if one.get("key") == PACKAGES), "{}")
    try:
        found = json.loads(text)
    except ValueError:  # somebody wrote into it
        return {}
    return found if isinstance(found, dict) else {}


def _packed(told: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]] | None) -> dict[str, int]:
    """How many of which line are in a package: all that were ordered, or what is ``wanted``."""
    lines = told.get("line_items", ())
    if not wanted:
        return {str(one["id"]): whole(one["quantity"]) for one in lines}
    by_sku = {one.get("sku"): str(one["id"]) for one in lines}
    return {str(one.get("id") or by_sku.get(one.get("sku"))): whole(one["quantity"]) for one in wanted}


def _is_complete(told: Mapping[str, Any], noted: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether the packages hold everything that was ordered."""
    sent = Counter[str]()
    for package in noted.values():
        sent.update({line: int(count) for line, count in package.items()})
    return all(sent[str(one["id"])] >= whole(one["quantity"]) for one in told.get("line_items", ()))
