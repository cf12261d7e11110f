"""WooCommerce's REST API v3 as an own web shop meets it (behaviour as run against WooCommerce 10.0.2 on WordPress 6.8.3).

Over http only OAuth 1.0a with HMAC-SHA256 is let in, over https (``tls=True``) Basic too. Traps kept: a Link header that
repeats the old signature, stock_status that is silently ignored while stock is managed, 400 for an unknown product,
errors of single items inside a batch that is answered with 200, an unsigned form ping when a webhook is made.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from contracts.shop import GOODS, Listing, Order, Package, Shop, since, until
from contracts.vendor import Asked, Said, said

BASE = "/wp-json/wc/v3"
TOLERANCE = dt.timedelta(minutes=15)  # of the timestamp; a nonce is remembered so long
STATUSES = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "trash")
STATUS = {"unpaid": "pending", "paid": "processing", "partial": "processing", "shipped": "completed", "cancelled": "cancelled"}
ORDERS = frozenset(["page", "per_page", "orderby", "order", "status", "after", "before", "modified_after", "modified_before", "dates_are_gmt", "search", "include", "exclude", "customer", "product", "dp", "offset"])


class Refusal(Exception):
    def __init__(self, code: str, message: str, status: int, **data: Any) -> None:
        super().__init__(message)
        self.body, self.status = {"code": code, "message": message, "data": {"status": status, **data}}, status


class WooCommerce(Shop):
    own_mishaps = (*Shop.own_mishaps, "error_inside")

    def __init__(
        self,
        clock: Callable[[], dt.datetime] | None = None,
        goods: Sequence[tuple[str, str, str, int]] = GOODS,
        *,
        key: str = "ck_test",
        secret: str = "cs_test",
        tls: bool = False,
        host: str = "",
        webhook_secret: str = "hook-secret",
    ) -> None:
        """``host`` is what signatures are made over, when it is not the one of the request."""
        self.managed: dict[str, bool] = {}
        self.marked: dict[str, str] = {}  # stock_status of what is not managed
        self.backorders: dict[str, str] = {}
        self.status: dict[str, str] = {}
        super().__init__(clock, goods)
        self.key, self.secret, self.tls, self.host, self.webhook_secret = key, secret, tls, host, webhook_secret
        self.nonces: dict[str, dt.datetime] = {}
        self.meta: dict[int, dict[str, str]] = {}
        self.remarks: dict[int, list[dict[str, Any]]] = {}
        self.hooks: list[dict[str, Any]] = []

    def offer(self, sku: str, title: str, price: str, stock: int = 10) -> Listing:
        self.managed[sku], self.marked[sku], self.backorders[sku], self.status[sku] = True, "instock", "no", "publish"
        return super().offer(sku, title, price, stock)

    def shown(self, sku: str) -> bool:
        return self.status[sku] == "publish" and self.listed[sku]

    def saleable(self, sku: str) -> int:
        if not self.managed[sku]:
            return 0 if self.marked[sku] == "outofstock" else 1 << 30
        return 1 << 30 if self.backorders[sku] != "no" else self.stock[sku]

    def take(self, sku: str, quantity: int) -> None:
        if self.managed[sku]:
            self.stock[sku] -= quantity

    # HTTP

    def answer(self, asked: Asked) -> Said:
        try:
            with self.skewed(asked):
                self._admit(asked)
                self.asked.append(asked)
                return self._routed(asked)
        except Refusal as refusal:
            self.refuse(str(refusal))
            return said(refusal.body, refusal.status)

    def _routed(self, asked: Asked) -> Said:
        routes: tuple[tuple[str, str, Callable[..., Said]], ...] = (
            ("GET", r"/orders", self._orders),
            ("GET", r"/orders/(\d+)", lambda asked, number: said(self._order(self._found(number)))),
            ("PUT", r"/orders/(\d+)", self._change_order),
            ("POST", r"/orders/(\d+)/notes", self._remark),
            ("GET", r"/orders/(\d+)/notes", lambda asked, number: said(self.remarks.get(self._found(number).id, []))),
            ("GET", r"/products", self._products),
            ("POST", r"/products/batch", self._batch),
            ("GET", r"/products/(\d+)", lambda asked, number: said(self._product(self._listing(number, 404)))),
            ("PUT", r"/products/(\d+)", lambda asked, number: said(self._change_product(self._listing(number, 400), self._told(asked)))),
            ("POST", r"/webhooks", self._hook),
        )
        for method, pattern, handler in routes:
            found = re.fullmatch(re.escape(BASE) + pattern, asked.path)
            if found and method == asked.method:
                return handler(asked, *found.groups())
        raise Refusal("rest_no_route", "No route was found matching the URL and request method.", 404)

    def _told(self, asked: Asked) -> dict[str, Any]:
        if not isinstance(asked.json, dict):
            raise Refusal("rest_invalid_json", "Invalid JSON body passed.", 400)
        return dict(asked.json)

    # Who asks

    def _admit(self, asked: Asked) -> None:
        if "oauth_consumer_key" in asked.params:
            return self._signed(asked)
        kind, _, told = asked.headers.get("authorization", "").partition(" ")
        if self.tls and kind == "Basic":
            if told != base64.b64encode(f"{self.key}:{self.secret}".encode()).decode():
                raise _unauthorized("Consumer secret is invalid.")
            return None
        raise Refusal("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", 401)

    def _signed(self, asked: Asked) -> None:
        """OAuth 1.0a, one-legged: RFC 5849 section 3.4 with the secret and "&" as key."""
        told = asked.params
        missing = [name for name in ("oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method") if not told.get(name)]
        if missing:
            raise _unauthorized(f"Missing OAuth parameter {missing[0]}")
        if told["oauth_consumer_key"] != self.key:
            raise _unauthorized("Consumer key is invalid.")
        if told["oauth_signature_method"] not in ("HMAC-SHA1", "HMAC-SHA256"):
            raise _unauthorized("Invalid signature - signature method is invalid.")
        address = f"{'https' if self.tls else 'http'}://{self.host or asked.headers.get('host', '')}{asked.path}"
        if not hmac.compare_digest(signature(asked.method, address, asked.query, self.secret), told["oauth_signature"]):
            raise _unauthorized("Invalid signature - provided signature does not match.")
        self._fresh(told["oauth_timestamp"], told["oauth_nonce"])

    def _fresh(self, stamp: str, nonce: str) -> None:
        now = self.now()
        if not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
            raise _unauthorized("Invalid timestamp.")
        self.nonces = {each: at for each, at in self.nonces.items() if now - at <= TOLERANCE} if len(self.nonces) > 5000 else self.nonces
        if nonce in self.nonces:
            raise _unauthorized("Invalid nonce - nonce has already been used.")
        self.nonces[nonce] = now

    # Orders

    def _orders(self, asked: Asked) -> Said:
        told = {name: value for name, value in asked.params.items() if not name.startswith("oauth_")}
        unknown = sorted(set(told) - ORDERS)
        if unknown:
            self.refuse(f"orders: parameter {unknown[0]} is ignored")
        room, page = _number(told, "per_page", 10, 100), _number(told, "page", 1, 1 << 31)
        by, newest = told.get("orderby", "date"), told.get("order", "desc") == "desc"
        if by not in ("date", "modified", "id") or told.get("order", "desc") not in ("asc", "desc"):
            raise Refusal("rest_invalid_param", "Invalid parameter(s): orderby", 400, params={"orderby": "orderby is not one of date, modified, id."})
        rows = self._between(told, by)
        if page > 1 and self.disturb(asked, rows, newest):
            rows = self._between(told, by)
        rows = rows[::-1] if newest else rows
        shown = self.repeated(asked, rows, (page - 1) * room, page * room)
        pages = math.ceil(len(rows) / room)
        answer = said([self._order(self.orders[number]) for _, number in shown], X_WP_Total=str(len(rows)), X_WP_TotalPages=str(pages))
        link = {"Link": f'<http://{asked.headers.get("host", "")}{asked.path}?{"&".join(f"{quote(n)}={quote(v)}" for n, v in asked.query if n != "page")}&page={page + 1}>; rel="next"'} if page < pages else {}
        return Said(answer.status, answer.body, {**answer.headers, **link})

    def _between(self, told: Mapping[str, str], by: str) -> Any:
        """Rows oldest first. The time they are sorted by is sliced, the other one filters."""
        statuses = frozenset(filter(None, told.get("status", "any").split(",")))
        wrong = [one for one in statuses if one not in (*STATUSES, "any")]
        if wrong:
            raise Refusal("rest_invalid_param", "Invalid parameter(s): status", 400, params={"status": f"status[0] is not one of any, {', '.join(STATUSES)}."})
        gmt = told.get("dates_are_gmt", "false") in ("true", "1")
        times = {name: _time(told[name], name, gmt) for name in ("after", "before", "modified_after", "modified_before") if name in told}
        line, low, high = (self.updated, "modified_after", "modified_before") if by == "modified" else (self.created, "after", "before")
        others = tuple((name, at) for name, at in times.items() if name not in (low, high))
        everything = "any" in statuses and not others
        rows = line.rows((statuses, others), None if everything else lambda number: self._passes(self.orders[number], statuses, others))
        second = dt.timedelta(seconds=1)
        start = since(rows, times[low] + second) if low in times else 0
        end = until(rows, times[high] - second) if high in times else len(rows)
        return rows if (start, end) == (0, len(rows)) else rows[start:end]

    def _passes(self, order: Order, statuses: frozenset[str], times: Sequence[tuple[str, dt.datetime]]) -> bool:
        for name, at in times:
            moment = order.updated if name.startswith("modified") else order.created
            if moment <= at if name.endswith("after") else moment >= at:
                return False
        return "any" in statuses or STATUS[order.state] in statuses

    def _order(self, order: Order) -> dict[str, Any]:
        buyer = order.buyer
        address = {"first_name": buyer.first, "last_name": buyer.last, "company": buyer.company, "address_1": buyer.street, "address_2": buyer.district, "city": buyer.city, "state": f"CN{buyer.code}" if buyer.country == "CN" else buyer.code, "postcode": buyer.zip, "country": buyer.country, "phone": buyer.phone}
        gift = [{"id": order.id * 10, "key": "_gift_message", "value": order.gift}] if order.gift else []
        meta = [{"id": order.id * 10 + place + 1, "key": key, "value": value} for place, (key, value) in enumerate(self.meta.get(order.id, {}).items())]
        return {
            "id": order.id,
            "number": order.no,
            "status": STATUS[order.state],
            "currency": order.currency,
            "date_created": _stamp(order.created + LOCAL),
            "date_created_gmt": _stamp(order.created),
            "date_modified": _stamp(order.updated + LOCAL),
            "date_modified_gmt": _stamp(order.updated),
            "discount_total": "0.00",
            "shipping_total": f"{order.shipping:.2f}",
            "total": f"{order.total:.2f}",
            "total_tax": "0.00",
            "prices_include_tax": False,
            "customer_id": 0,
            "customer_note": order.note,
            "billing": {**address, "email": buyer.email},
            "shipping": address,
            "payment_method": "alipay" if buyer.country == "CN" else "stripe",
            "date_paid_gmt": _stamp(order.created) if order.paid else None,
            "line_items": [
                {"id": line.id, "name": line.title, "product_id": self.listings[line.sku].id, "variation_id": 0, "quantity": line.quantity, "subtotal": f"{line.total:.2f}", "total": f"{line.total:.2f}", "sku": line.sku, "price": float(line.price), "meta_data": []}
                for line in order.lines
            ],
            "shipping_lines": [{"id": order.id, "method_title": "Flat rate", "method_id": "flat_rate", "total": f"{order.shipping:.2f}"}],
            "meta_data": gift + meta,
        }

    def _found(self, number: str) -> Order:
        if int(number) not in self.orders:
            raise Refusal("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
        return self.orders[int(number)]

    def _change_order(self, asked: Asked, number: str) -> Said:
        order, told = self._found(number), self._told(asked)
        if not all(isinstance(each, dict) and each.get("key") for each in told.get("meta_data", [])):
            raise Refusal("rest_invalid_param", "Invalid parameter(s): meta_data", 400, params={"meta_data": "key is required."})
        status, meta = told.get("status"), {each["key"]: str(each.get("value", "")) for each in told.get("meta_data", [])}
        if status is not None and status not in STATUSES:
            raise Refusal("rest_invalid_param", "Invalid parameter(s): status", 400, params={"status": f"status is not one of {', '.join(STATUSES)}."})
        self.meta.setdefault(order.id, {}).update(meta)
        if status == "completed" and order.state in ("paid", "partial"):
            known = self.meta[order.id]
            left = {line.id: line.left for line in order.lines}
            self.ship(order, Package(self.next_package(order), "1", known.get("_tracking_provider", ""), known.get("_tracking_number", ""), self.now(), left))
        elif status == "cancelled" and not order.cancelled:
            self.cancel(order)
        elif meta:
            self.touch(order)
        return said(self._order(order))

    def _remark(self, asked: Asked, number: str) -> Said:
        order, told = self._found(number), self._told(asked)
        if not told.get("note"):
            raise Refusal("rest_missing_callback_param", "Missing parameter(s): note", 400, params=["note"])
        made = {"id": order.id * 100 + len(self.remarks.get(order.id, [])), "author": "WooCommerce", "date_created_gmt": _stamp(self.now()), "note": told["note"], "customer_note": bool(told.get("customer_note"))}
        self.remarks.setdefault(order.id, []).append(made)
        return said(made, 201)

    # Products

    def _products(self, asked: Asked) -> Said:
        told = asked.params
        wanted = told["sku"].split(",") if "sku" in told else None
        found = [listing for sku, listing in self.listings.items() if wanted is None or sku in wanted]
        room, page = _number(told, "per_page", 10, 100), _number(told, "page", 1, 1 << 31)
        return said([self._product(one) for one in found[(page - 1) * room : page * room]], X_WP_Total=str(len(found)), X_WP_TotalPages=str(math.ceil(len(found) / room)))

    def _product(self, listing: Listing) -> dict[str, Any]:
        sku = listing.sku
        managed = self.managed[sku]
        status = ("instock" if self.stock[sku] > 0 else "onbackorder" if self.backorders[sku] != "no" else "outofstock") if managed else self.marked[sku]
        return {
            "id": listing.id,
            "name": listing.title,
            "sku": sku,
            "type": "simple",
            "status": self.status[sku],
            "price": f"{listing.price:.2f}",
            "regular_price": f"{listing.price:.2f}",
            "manage_stock": managed,
            "stock_quantity": self.stock[sku] if managed else None,
            "stock_status": status,
            "backorders": self.backorders[sku],
            "purchasable": self.status[sku] == "publish",
        }

    def _listing(self, number: Any, status: int) -> Listing:
        found = next((listing for listing in self.listings.values() if str(listing.id) == str(number)), None)
        if found is None:
            raise Refusal("woocommerce_rest_product_invalid_id", "Invalid ID.", status)
        return found

    def _change_product(self, listing: Listing, told: Mapping[str, Any]) -> dict[str, Any]:
        sku = listing.sku
        for name, known in (("stock_status", ("instock", "outofstock", "onbackorder")), ("backorders", ("no", "notify", "yes")), ("status", ("draft", "pending", "private", "publish"))):
            if name in told and told[name] not in known:
                raise Refusal("rest_invalid_param", f"Invalid parameter(s): {name}", 400, params={name: f"{name} is not one of {', '.join(known)}."})
        if told.get("stock_quantity") is not None and not isinstance(told["stock_quantity"], int):
            raise Refusal("rest_invalid_param", "Invalid parameter(s): stock_quantity", 400, params={"stock_quantity": "stock_quantity is not of type integer."})
        with self.changing(sku):
            self.managed[sku] = bool(told.get("manage_stock", self.managed[sku]))
            self.backorders[sku], self.status[sku] = told.get("backorders", self.backorders[sku]), told.get("status", self.status[sku])
            if self.managed[sku] and told.get("stock_quantity") is not None:
                self.stock[sku] = told["stock_quantity"]
            if not self.managed[sku]:
                self.marked[sku] = told.get("stock_status", self.marked[sku])
            self.listed[sku] = self.status[sku] == "publish"
        if self.managed[sku] and "stock_status" in told:
            self.refuse(f"product {sku}: stock_status is ignored while its stock is managed")
        if "regular_price" in told:
            listing.price = Decimal(told["regular_price"])
        return self._product(listing)

    def _batch(self, asked: Asked) -> Said:
        told = self._told(asked)
        if sum(len(part) for part in told.values()) > 100:
            raise Refusal("woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request.", 413)
        done: list[dict[str, Any]] = []
        for each in told.get("update", []):
            try:
                if self.strikes("error_inside", asked):
                    raise Refusal("woocommerce_rest_product_not_updated", "The product could not be updated.", 400)
                done.append(self._change_product(self._listing(each.get("id"), 400), each))
            except Refusal as refusal:
                self.refuse(str(refusal))
                done.append({"id": each.get("id"), "error": {**refusal.body}})
        return said({"update": done})

    # Webhooks

    def _hook(self, asked: Asked) -> Said:
        told = self._told(asked)
        if told.get("topic") not in ("order.created", "order.updated") or not str(told.get("delivery_url", "")).startswith("http"):
            raise Refusal("woocommerce_rest_webhook_topic_invalid", "Webhook topic must be valid.", 400)
        made = {"id": len(self.hooks) + 1, "status": "active", "topic": told["topic"], "delivery_url": told["delivery_url"]}
        self.hooks.append(made)
        self.webhook_secret = told.get("secret", self.webhook_secret)
        self.topics.add(told["topic"])
        self._outbox.append(self.ping(made["id"]))
        return said(made, 201)

    def ping(self, number: int = 1) -> tuple[dict[str, str], bytes]:
        """What arrives when a webhook is made: a form, unsigned."""
        return {"Content-Type": "application/x-www-form-urlencoded"}, f"webhook_id={number}".encode()

    def topics_of(self, change: str) -> tuple[str, ...]:
        return ("order.created", "order.updated") if change == "create" else ("order.updated",)

    def webhook(self, order: Order, topic: str = "order.created") -> tuple[dict[str, str], bytes]:
        body = json.dumps(self._order(order), ensure_ascii=False).encode()
        resource, _, event = topic.partition(".")
        return {
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"http://{self.host or 'shop.example'}/",
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": base64.b64encode(hmac.new(self.webhook_secret.encode(), body, hashlib.sha256).digest()).decode(),
            "X-WC-Webhook-ID": "1",
            "X-WC-Webhook-Delivery-ID": hashlib.sha256(topic.encode() + body).hexdigest()[:32],
        }, body


LOCAL = dt.timedelta(hours=8)  # the shop's own time is Shanghai's


def signature(method: str, address: str, query: Sequence[tuple[str, str]], secret: str) -> str:
    """The base string as RFC 5849 3.4.1 has it, signed by the method that the query names."""
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query if name != "oauth_signature")
    text = "&".join((method, quote(address, safe="~"), quote("&".join(f"{name}={value}" for name, value in pairs), safe="~")))
    digest = "sha1" if dict(query).get("oauth_signature_method") == "HMAC-SHA1" else "sha256"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), digest).digest()).decode()


def _unauthorized(why: str) -> Refusal:
    return Refusal("woocommerce_rest_authentication_error", why, 401)


def _stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _number(told: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = told.get(name, str(default))
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= most:
        raise Refusal("rest_invalid_param", f"Invalid parameter(s): {name}", 400, params={name: f"{name} must be between 1 (inclusive) and {most} (inclusive)"})
    return int(value)


def _time(text: str, name: str, gmt: bool) -> dt.datetime:
    """Without a zone it is the shop's own time, unless dates_are_gmt; WordPress ignores a zone that is given."""
    try:
        at = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        raise Refusal("rest_invalid_param", f"Invalid parameter(s): {name}", 400, params={name: "Invalid date."}) from None
    return at if gmt else at - LOCAL
