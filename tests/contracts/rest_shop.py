"""A shop with a plain REST interface, of nobody in particular: what a generic connector is described for. How pages go on
and how one says who one is are chosen when it is made."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from contracts.trade import PAID, SHIPPED, Good, Shop, Sold
from contracts.vendor import Asked, Bucket, Said, said

LARGEST_PAGE = 100
TOLERANCE = dt.timedelta(minutes=5)
PAGES = {"page": ("page", "per_page"), "offset": ("offset", "limit"), "cursor": ("cursor", "limit"), "link": ("cursor", "limit")}
AUTHS = ("none", "basic", "bearer", "header", "oauth2_client", "hmac")
STATES = ("paid", "shipped", "finished", "cancelled")
CARRIERS = ("SF", "YTO", "STO", "ZTO", "EMS", "JD")


class Wrong(Exception):
    """An HTTP status with a code and a sentence."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code, self.text = status, code, text


def signature(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Of ``hmac``: the hexadecimal HMAC-SHA256 of ``timestamp.method.path.body``; ``path`` without its query."""
    return hmac.new(secret.encode(), f"{timestamp}.{method}.{path}.".encode() + body, hashlib.sha256).hexdigest()


class RestShop(Shop):
    """``pages``: page | offset | cursor | link. ``auth``: none | basic (``client``, ``secret``) | bearer (``secret``) |
    header (X-Api-Key, ``secret``) | oauth2_client (a token of /oauth/token, for an hour) | hmac (X-Timestamp,
    X-Signature). ``limit`` is a bucket over all calls, where a test gives one."""

    own_mishaps = ("duplicate_page", "missing_page", "moving_page", "expired_token", "clock_skew", "error_inside")
    first_number = 700_001

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, pages: str = "page", auth: str = "bearer",
                 client: str = "shop-client", secret: str = "shop-secret") -> None:  # fmt: skip
        super().__init__(clock)
        assert pages in PAGES
        assert auth in AUTHS
        self.pages, self.auth, self.client, self.secret = pages, auth, client, secret
        self.tokens: dict[str, dt.datetime] = {}
        self.issued = 0
        self.limit: Bucket | None = None
        self.answers: dict[str, tuple[bytes, Said]] = {}  # of calls with an Idempotency-Key

    def answer(self, asked: Asked) -> Said:
        try:
            if asked.path == "/oauth/token":
                return self._token(asked)
            self._check_who(asked)
            self._check_rate()
            self.asked.append(asked)
            if self.strikes("error_inside", asked):
                return said({"error": {"code": "temporarily_unavailable", "message": "Try again later."}})
            return self._routed(asked)
        except Wrong as wrong:
            if wrong.status != 429:
                self.refused.append(str(wrong))
            after = {"Retry_After": wrong.text.split()[-1]} if wrong.status == 429 else {}
            return said({"error": {"code": wrong.code, "message": wrong.text}}, wrong.status, **after)

    def _routed(self, asked: Asked) -> Said:
        for method, pattern, act in ROUTES:
            found = re.fullmatch(pattern, asked.path)
            if found and method == asked.method:
                return act(self, asked, *found.groups()) if method == "GET" else self._once(asked, act, found.groups())
        raise Wrong(404, "not_found", f"{asked.method} {asked.path} does not exist.")

    def _once(self, asked: Asked, act: Callable[..., Said], groups: tuple[str, ...]) -> Said:
        """A write with a key that came before is answered as it was then; the same key for something else is refused."""
        key = asked.headers.get("idempotency-key", "")
        what = f"{asked.method} {asked.path} ".encode() + asked.body
        if key in self.answers:
            before, answer = self.answers[key]
            if before != what:
                raise Wrong(422, "key_reused", "This Idempotency-Key came with another request.")
            return answer
        answer = act(self, asked, *groups)
        if key:
            self.answers[key] = what, answer
        return answer

    # who asks

    def _token(self, asked: Asked) -> Said:
        form = asked.form
        given = _basic(asked) or (form.get("client_id", ""), form.get("client_secret", ""))
        if asked.method != "POST" or form.get("grant_type") != "client_credentials":
            raise Wrong(400, "unsupported_grant_type", "grant_type must be client_credentials.")
        if given != (self.client, self.secret):
            raise Wrong(401, "invalid_client", "The client is not known.")
        self.asked.append(asked)
        self.issued += 1
        token = f"shop-token-{self.issued}"
        self.tokens[token] = self.clock() + dt.timedelta(hours=1)
        return said({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def _check_who(self, asked: Asked) -> None:
        if self.strikes("expired_token", asked):
            self.tokens.clear()
            raise Wrong(401, "invalid_token", "The token has expired.")
        if not self._knows(asked):
            raise Wrong(401, "unauthorized", f"This shop wants {self.auth} authentication.")

    def _knows(self, asked: Asked) -> bool:
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.auth == "basic":
            return _basic(asked) == (self.client, self.secret)
        if self.auth == "bearer":
            return asked.headers.get("authorization") == f"Bearer {self.secret}"
        if self.auth == "header":
            return asked.headers.get("x-api-key") == self.secret
        if self.auth == "oauth2_client":
            return bearer in self.tokens and self.clock() < self.tokens[bearer]
        return self.auth == "none" or self._signed(asked)

    def _signed(self, asked: Asked) -> bool:
        stamp = asked.headers.get("x-timestamp", "")
        if not re.fullmatch(r"\d{10}", stamp):
            return False
        off = dt.timedelta(minutes=15) if self.strikes("clock_skew", asked) else dt.timedelta()
        if abs(self.clock() + off - dt.datetime.fromtimestamp(int(stamp), dt.UTC)) > TOLERANCE:
            return False
        return asked.headers.get("x-signature") == signature(self.secret, stamp, asked.method, asked.path, asked.body)

    def _check_rate(self) -> None:
        wait = self.limit.take(self.clock()) if self.limit else 0.0
        if wait:
            self.limited += 1
            raise Wrong(429, "too_many_requests", f"Retry after {max(1, round(wait))}")

    # pages

    def _page(self, asked: Asked, name: str, keys: Sequence[Any], make: Callable[[Any], Any]) -> Said:
        where, size = PAGES[self.pages]
        params = asked.params
        count = _count(params, size, 50, 1, LARGEST_PAGE)
        start = self._start(params, where, count, keys)
        rows = [make(key) for key in self.cut_page(keys, start, count, asked)]
        following = start + count
        more = following < len(keys)
        if self.pages in ("page", "offset"):
            return said({name: rows, "total": len(keys), "has_more": more})
        cursor = _cursor(keys[following - 1]) if more else None
        if self.pages == "cursor":
            return said({name: rows, "next_cursor": cursor})
        link = {"Link": f'<{self._address(asked, cursor)}>; rel="next"'} if cursor else {}
        return said({name: rows}, **link)

    def _start(self, params: Mapping[str, str], where: str, count: int, keys: Sequence[Any]) -> int:
        if where == "page":
            return (_count(params, "page", 1, 1, 10**6) - 1) * count
        if where == "offset":
            return _count(params, "offset", 0, 0, 10**9)
        if not params.get("cursor"):
            return 0
        try:
            return bisect_right(keys, _key(params["cursor"]))
        except TypeError:
            raise Wrong(400, "invalid_cursor", "This cursor is of another list.") from None

    def _address(self, asked: Asked, cursor: str) -> str:
        kept = [pair for pair in asked.query if pair[0] != "cursor"]
        return f"http://{asked.headers.get('host', 'shop.test')}{asked.path}?{urlencode([*kept, ('cursor', cursor)])}"

    # orders and goods

    def _orders(self, asked: Asked) -> Said:
        """Earliest change first; ``updated_after`` and ``updated_before`` belong to the span."""
        params = asked.params
        unknown = set(params) - {"updated_after", "updated_before", "status", *PAGES[self.pages]}
        if unknown:
            raise Wrong(400, "unknown_parameter", f"{', '.join(sorted(unknown))} is not known.")
        start = _time(params, "updated_after", dt.datetime(1, 1, 1, tzinfo=dt.UTC))
        end = _time(params, "updated_before", dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
        states = [state for state in params.get("status", "").split(",") if state] or None
        if set(states or ()) - set(STATES):
            raise Wrong(400, "invalid_parameter", "status is not known.")
        keys = self.by_change.between(start, end, states)
        if keys and len({"cursor", "page", "offset"} & set(params)) and self.strikes("moving_page", asked):
            self.change(self.orders[keys[0][1]])
            keys = self.by_change.between(start, end, states)
        return self._page(asked, "orders", keys, lambda key: described(self.orders[key[1]]))

    def _order(self, asked: Asked, number: str) -> Said:
        return said(described(self._find(number)))

    def _find(self, number: str) -> Sold:
        if number not in self.orders:
            raise Wrong(404, "not_found", f"There is no order {number}.")
        return self.orders[number]

    def _ship(self, asked: Asked, number: str) -> Said:
        sold, given = self._find(number), _given(asked)
        carrier, waybill = str(given.get("carrier") or ""), str(given.get("tracking_number") or "")
        if carrier not in CARRIERS:
            raise Wrong(422, "unknown_carrier", f"carrier must be one of {', '.join(CARRIERS)}.")
        if not waybill:
            raise Wrong(422, "missing", "tracking_number is missing.")
        if sold.state != PAID:
            code = "already_shipped" if sold.state == SHIPPED else "wrong_status"
            raise Wrong(409, code, f"Order {number} is {sold.state}.")
        self.ship(sold, carrier, waybill, asked.headers.get("idempotency-key", ""))
        return said(described(sold), 201)

    def _products(self, asked: Asked) -> Said:
        return self._page(asked, "products", sorted(self.goods), lambda sku: self._product_of(self.goods[sku]))

    def _product(self, asked: Asked, sku: str) -> Said:
        return said(self._product_of(self._good(sku)))

    def _good(self, sku: str) -> Good:
        if sku not in self.goods:
            raise Wrong(404, "not_found", f"There is no product {sku}.")
        return self.goods[sku]

    def _product_of(self, good: Good) -> dict[str, Any]:
        return {"sku": good.sku, "title": good.title, "price": str(good.price), "stock": self.stock[good.sku],
                "listed": self.listed[good.sku]}  # fmt: skip

    def _set_stock(self, asked: Asked, sku: str) -> Said:
        good, count = self._good(sku), _given(asked).get("quantity")
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise Wrong(422, "invalid", "quantity must be a whole number of at least 0.")
        self.set_stock(sku, count, asked.headers.get("idempotency-key", ""))
        return said(self._product_of(good))

    def _set_listed(self, asked: Asked, sku: str) -> Said:
        good, listed = self._good(sku), _given(asked).get("listed")
        if not isinstance(listed, bool):
            raise Wrong(422, "invalid", "listed must be true or false.")
        self.set_listed([sku], listed, asked.headers.get("idempotency-key", ""))
        return said(self._product_of(good))


ROUTES: tuple[tuple[str, str, Callable[..., Said]], ...] = (
    ("GET", r"/api/orders", RestShop._orders),
    ("GET", r"/api/orders/(\d+)", RestShop._order),
    ("POST", r"/api/orders/(\d+)/shipments", RestShop._ship),
    ("GET", r"/api/products", RestShop._products),
    ("GET", r"/api/products/([\w-]+)", RestShop._product),
    ("PUT", r"/api/products/([\w-]+)/stock", RestShop._set_stock),
    ("PATCH", r"/api/products/([\w-]+)", RestShop._set_listed),
)


def described(sold: Sold) -> dict[str, Any]:
    """An order as this shop says it: amounts are text, times UTC."""
    who = sold.buyer
    return {
        "number": sold.no, "status": sold.state, "created_at": _utc(sold.placed), "updated_at": _utc(sold.changed),
        "currency": "CNY", "total": str(sold.total), "shipping": str(sold.freight), "discount": str(sold.discount),
        "note": sold.note, "carrier": sold.carrier or None, "tracking_number": sold.waybill or None,
        "recipient": {"name": who.name, "phone": who.mobile, "province": who.province, "city": who.city,
                      "district": who.district, "street": who.street, "postcode": who.postcode},
        "lines": [{"id": line.number, "sku": line.good.sku, "title": line.good.title, "quantity": line.quantity,
                   "price": str(line.price), "amount": str(line.amount)} for line in sold.lines],
    }  # fmt: skip


def _utc(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(params: Mapping[str, str], name: str, default: dt.datetime) -> dt.datetime:
    if not params.get(name):
        return default
    try:
        time = dt.datetime.fromisoformat(params[name])
    except ValueError:
        time = default.replace(tzinfo=None)
    if time.tzinfo is None:
        raise Wrong(400, "invalid_parameter", f"{name} must be a time with its zone, such as 2026-03-04T01:30:00Z.")
    return time.astimezone(dt.UTC)


def _count(params: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = params.get(name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Wrong(400, "invalid_parameter", f"{name} must be {least} to {most}.")
    return int(text)


def _cursor(key: Any) -> str:
    text = json.dumps([key[0].isoformat(), key[1]] if isinstance(key, tuple) else key)
    return base64.urlsafe_b64encode(text.encode()).decode()


def _key(cursor: str) -> Any:
    try:
        given = json.loads(base64.urlsafe_b64decode(cursor))
        return (dt.datetime.fromisoformat(given[0]), given[1]) if isinstance(given, list) else given
    except (ValueError, IndexError, TypeError):
        raise Wrong(400, "invalid_cursor", "This cursor is not one of ours.") from None


def _given(asked: Asked) -> dict[str, Any]:
    if not asked.headers.get("content-type", "").startswith("application/json") or not isinstance(asked.json, dict):
        raise Wrong(400, "invalid_body", "The body must be a JSON object with its Content-Type.")
    return dict(asked.json)


def _basic(asked: Asked) -> tuple[str, str] | None:
    kind, _, text = asked.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return None
    try:
        user, _, word = base64.b64decode(text).decode().partition(":")
    except ValueError:
        return None
    return user, word
