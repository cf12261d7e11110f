"""Taobao/Tmall TOP: /router/rest with a signature by md5, hmac or hmac-sha256. Errors come with HTTP 200 inside
``error_response``. Trades are listed with the latest change first: who pages from the first page on loses trades that
change meanwhile."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from contracts import trade
from contracts.trade import CANCELLED, FINISHED, PAID, SHIPPED, Good, Line, Shop, Sold, from_local, local
from contracts.vendor import Asked, Bucket, Said, said

PATHS = ("/router/rest",)
STATES = {PAID: "WAIT_SELLER_SEND_GOODS", SHIPPED: "WAIT_BUYER_CONFIRM_GOODS", FINISHED: "TRADE_FINISHED",
          CANCELLED: "TRADE_CLOSED"}  # fmt: skip
COMPANIES = {"SF": "顺丰速运", "YTO": "圆通速递", "STO": "申通快递", "ZTO": "中通快递", "YUNDA": "韵达快递", "EMS": "EMS"}
TOLERANCE = dt.timedelta(minutes=10)
LARGEST_PAGE = 100
SYSTEM = ("method", "app_key", "session", "timestamp", "format", "v", "sign_method", "sign")

MESSAGES = {
    7: "App Call Limited", 15: "Remote service error", 21: "Missing method", 22: "Invalid method",
    23: "Invalid format", 24: "Missing signature", 25: "Invalid signature", 26: "Missing session",
    27: "Invalid session", 28: "Missing app key", 29: "Invalid app Key", 30: "Missing timestamp",
    31: "Invalid timestamp", 32: "Missing version", 33: "Invalid version", 40: "Missing required arguments",
    41: "Invalid arguments",
}  # fmt: skip


def sign(values: Mapping[str, str], secret: str, method: str) -> str:
    """Over every name and value in the order of names, nothing of ``sign`` itself; ``method`` md5 | hmac | hmac-sha256.
    HMAC without more is HMAC-MD5."""
    text = "".join(name + values[name] for name in sorted(values) if name != "sign" and name and values[name])
    if method == "md5":
        return hashlib.md5((secret + text + secret).encode()).hexdigest().upper()
    digest = {"hmac": hashlib.md5, "hmac-sha256": hashlib.sha256}[method]
    return hmac.new(secret.encode(), text.encode(), digest).hexdigest().upper()


class Refused(Exception):
    """``code`` of MESSAGES with a ``sub_code`` and its sentence."""

    def __init__(self, code: int, sub_code: str = "", text: str = "") -> None:
        super().__init__(text or MESSAGES[code])
        self.code, self.sub_code, self.text = code, sub_code, text


class Taobao(Shop):
    """``session`` ends at ``session_ends`` (None: never). ``limit`` is a bucket over all calls and ``calls_a_day`` a
    quota, where a test gives them."""

    own_mishaps = ("duplicate_page", "missing_page", "moving_page", "expired_token", "clock_skew", "error_inside")
    first_number = 3_980_000_000_000_000_001

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, app_key: str = "12345678",
                 secret: str = "taobao-app-secret-0000000000001", session: str = "6100e00session0001",
                 session_ends: dt.datetime | None = None, calls_a_day: int | None = None) -> None:  # fmt: skip
        super().__init__(clock)
        self.app_key, self.secret, self.session, self.session_ends = app_key, secret, session, session_ends
        self.calls_a_day = calls_a_day
        self.limit: Bucket | None = None
        self.calls: Counter[dt.date] = Counter()

    def answer(self, asked: Asked) -> Said:
        if asked.path not in PATHS:
            self.refused.append(f"no such path: {asked.path}")
            return Said(404, b"Not Found")
        form = {**asked.params, **(asked.form if asked.method == "POST" else {})}
        try:
            self._gate(asked, form)
            self.asked.append(asked)
            if self.strikes("error_inside", asked):
                return _error(Refused(15, "isp.remote-service-error", "服务暂时不可用"))
            values = {name: value for name, value in form.items() if name not in SYSTEM}
            result = METHODS[form["method"]](self, values, asked)
        except Refused as refused:
            if refused.code != 7:
                self.refused.append(str(refused))
            return _error(refused)
        name = form["method"].removeprefix("taobao.").replace(".", "_")
        return said({f"{name}_response": {**result, "request_id": f"tb{len(self.asked)}"}})

    def _gate(self, asked: Asked, form: Mapping[str, str]) -> None:
        for name, code in (("method", 21), ("app_key", 28), ("timestamp", 30), ("v", 32), ("sign", 24), ("session", 26)):
            if not form.get(name):
                raise Refused(code)
        if form["app_key"] != self.app_key:
            raise Refused(29)
        if form["v"] != "2.0":
            raise Refused(33)
        if form.get("format") != "json":
            raise Refused(23)
        if form.get("sign_method") not in ("md5", "hmac", "hmac-sha256"):
            raise Refused(25, text="Invalid signature: sign_method")
        self._check_time(asked, form["timestamp"])
        if form["sign"] != sign(form, self.secret, form["sign_method"]):
            raise Refused(25)
        self._check_calls()
        if self.strikes("expired_token", asked):
            self.session_ends = self.clock()
        if form["session"] != self.session or (self.session_ends is not None and self.clock() >= self.session_ends):
            raise Refused(27, "session-expired", "session 已失效，请重新授权")
        if form["method"] not in METHODS:
            raise Refused(22)

    def _check_time(self, asked: Asked, text: str) -> None:
        time = from_local(text)
        off = dt.timedelta(minutes=15) if self.strikes("clock_skew", asked) else dt.timedelta()
        if time is None or abs(self.clock() + off - time) > TOLERANCE:
            raise Refused(31)

    def _check_calls(self) -> None:
        day = (self.now() + dt.timedelta(hours=8)).date()
        self.calls[day] += 1
        over = self.calls_a_day is not None and self.calls[day] > self.calls_a_day
        wait = self.limit.take(self.clock()) if self.limit else 0.0
        if over or wait > 0:
            self.limited += 1
            ban = "This ban will last for 1 more seconds" if wait else "This ban will last until the next day"
            raise Refused(7, "accesscontrol.limited-by-api-access-count", ban)

    def renew(self) -> str:
        """The merchant logged in again: a new session."""
        self.session, self.session_ends = f"{self.session[:-4]}{int(self.session[-4:]) + 1:04d}", None
        return self.session

    def line_number(self, number: str, place: int) -> str:
        return str(int(number) + place * 10**15)

    # trades

    def _increment(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        start, end = _span(values)
        fields = _fields(values)
        page = _number(values, "page_no", "1", 1, 10**6)
        size = _number(values, "page_size", "40", 1, LARGEST_PAGE)
        states = _states(values)
        keys = self.by_change.between(start, end, states)
        if page > 1 and keys and self.strikes("moving_page", asked):
            self.change(self.orders[keys[-1][1]])
            keys = self.by_change.between(start, end, states)
        latest_first = keys[::-1]
        rows = [_trade(self.orders[number], fields, False)
                for _, number in self.cut_page(latest_first, (page - 1) * size, size, asked)]  # fmt: skip
        answer: dict[str, Any] = {"trades": {"trade": rows}} if rows else {}
        if values.get("use_has_next") == "true":
            return {**answer, "has_next": page * size < len(keys)}
        return {**answer, "total_results": len(keys)}

    def _full(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        return {"trade": _trade(self._find(values), _fields(values), True)}

    def _find(self, values: Mapping[str, str]) -> Sold:
        number = _needed(values, "tid")
        if number not in self.orders:
            raise Refused(15, "isv.trade-not-exist", "交易不存在")
        return self.orders[number]

    def _send(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        sold = self._find(values)
        waybill, company = _needed(values, "out_sid"), _needed(values, "company_code")
        if company not in COMPANIES:
            raise Refused(15, "isv.logistics-offline-service-error:B04", "物流公司不存在")
        if sold.state == SHIPPED:
            raise Refused(15, "isv.logistics-offline-service-error:B150", "发货异常，请检查订单是否已经发货")
        if sold.state != PAID:
            raise Refused(15, "isv.logistics-offline-service-error:B27", "订单状态不正确，不能发货")
        self.ship(sold, company, waybill)
        return {"shipping": {"is_success": True}}

    # items

    def _down(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        goods = self._item(values)
        self.set_listed([good.sku for good in goods], False)
        return {"item": {"num_iid": goods[0].item_id, "modified": local(self.now())}}

    def _up(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        """Listing says with how many; none cannot be listed."""
        goods = self._item(values)
        count = _number(values, "num", None, 0, 900_000_000)
        if count == 0:
            raise Refused(15, "isv.item-listing-service-error:num-zero", "商品数量为 0，不能上架")
        if len(goods) == 1:
            self.set_stock(goods[0].sku, count)
        self.set_listed([good.sku for good in goods], True)
        return {"item": {"num_iid": goods[0].item_id, "modified": local(self.now())}}

    def _quantity(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        """``type`` 1 sets, 2 adds. A listing with variants wants ``sku_id`` or ``outer_id``."""
        goods = self._item(values)
        good = _variant(goods, values)
        full = _number(values, "type", "1", 1, 2) == 1
        count = _number(values, "quantity", None, 0 if full else -900_000_000, 900_000_000)
        after = count if full else self.stock[good.sku] + count
        if after < 0:
            raise Refused(15, "isv.item-quantity-update-error:less-than-zero", "库存不能为负数")
        self.set_stock(good.sku, after)
        return {"item": self._described(goods)}

    def _quantities(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        """``skuid_quantities`` is ``sku_id:quantity`` joined by semicolons; all or none."""
        goods = self._item(values)
        wanted = [part.split(":") for part in _needed(values, "skuid_quantities").split(";")]
        by_id = {str(good.sku_id): good for good in goods}
        if any(len(part) != 2 or part[0] not in by_id or not part[1].isdecimal() for part in wanted):
            raise Refused(41, "isv.invalid-parameter:skuid_quantities", "skuid_quantities 格式错误")
        for sku_id, count in wanted:
            self.set_stock(by_id[sku_id].sku, int(count))
        return {"item": self._described(goods)}

    def _seller(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        _fields(values)
        return {"item": self._described(self._item(values))}

    def _by_outer_sku(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        """Variants by the merchant's own code; a listing without variants has none."""
        _fields(values)
        good = self.goods.get(_needed(values, "outer_id"))
        if good is None or len(self.variants(good.item_id)) == 1:
            raise Refused(15, "isv.item-skus-custom-get-service-error:ITEM_NOT_FOUND", "没有找到宝贝")
        row = {"sku_id": good.sku_id, "num_iid": good.item_id, "outer_id": good.sku, "quantity": self.stock[good.sku]}
        return {"skus": {"sku": [row]}}

    def _by_outer_item(self, values: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        _fields(values)
        wanted = _needed(values, "outer_id").split(",")
        found = [good for good in self.goods.values() if good.sku in wanted and len(self.variants(good.item_id)) == 1]
        rows = [{"num_iid": good.item_id, "outer_id": good.sku} for good in found]
        return {"items": {"item": rows}} if rows else {}

    def _item(self, values: Mapping[str, str]) -> list[Good]:
        goods = self.variants(int(_number(values, "num_iid", None, 1, 10**18)))
        if not goods:
            raise Refused(15, "isv.item-not-exist", "商品不存在")
        return goods

    def _described(self, goods: list[Good]) -> dict[str, Any]:
        return {"num_iid": goods[0].item_id, "title": goods[0].title,
                "num": sum(self.stock[good.sku] for good in goods),
                "approve_status": "onsale" if self.listed[goods[0].sku] else "instock",
                "skus": {"sku": [{"sku_id": good.sku_id, "outer_id": good.sku, "quantity": self.stock[good.sku],
                                  "price": str(good.price)} for good in goods]}}  # fmt: skip


METHODS: dict[str, Callable[[Taobao, Mapping[str, str], Asked], dict[str, Any]]] = {
    "taobao.trades.sold.increment.get": Taobao._increment,
    "taobao.trade.fullinfo.get": Taobao._full,
    "taobao.logistics.online.send": Taobao._send,
    "taobao.logistics.offline.send": Taobao._send,
    "taobao.item.update.delisting": Taobao._down,
    "taobao.item.update.listing": Taobao._up,
    "taobao.item.quantity.update": Taobao._quantity,
    "taobao.skus.quantity.update": Taobao._quantities,
    "taobao.item.seller.get": Taobao._seller,
    "taobao.skus.custom.get": Taobao._by_outer_sku,
    "taobao.items.custom.get": Taobao._by_outer_item,
}


def _error(refused: Refused) -> Said:
    inner: dict[str, Any] = {"code": refused.code, "msg": MESSAGES[refused.code]}
    if refused.sub_code:
        inner.update(sub_code=refused.sub_code, sub_msg=refused.text)
    return said({"error_response": inner})


def _needed(values: Mapping[str, str], name: str) -> str:
    if not values.get(name):
        raise Refused(40, f"isv.missing-parameter:{name}", f"缺少参数 {name}")
    return values[name]


def _number(values: Mapping[str, str], name: str, default: str | None, least: int, most: int) -> int:
    text = _needed(values, name) if default is None else values.get(name) or default
    if not text.removeprefix("-").isdecimal() or not least <= int(text) <= most:
        raise Refused(41, f"isv.invalid-parameter:{name}", f"{name} 须为 {least} 至 {most} 的整数")
    return int(text)


def _fields(values: Mapping[str, str]) -> set[str]:
    return {name.strip().split(".")[0] for name in _needed(values, "fields").split(",")}


def _states(values: Mapping[str, str]) -> list[str] | None:
    name = values.get("status")
    if not name:
        return None
    found = [state for state, known in STATES.items() if known == name]
    if not found:
        raise Refused(41, "isv.invalid-parameter:status", f"status 无效：{name}")
    return found


def _span(values: Mapping[str, str]) -> tuple[dt.datetime, dt.datetime]:
    start, end = from_local(_needed(values, "start_modified")), from_local(_needed(values, "end_modified"))
    if start is None or end is None or end < start:
        raise Refused(41, "isv.invalid-parameter:start_modified", "时间格式须为 yyyy-MM-dd HH:mm:ss 且先后有序")
    if end - start > dt.timedelta(days=1):
        raise Refused(41, "isv.invalid-parameter:end_modified", "修改时间跨度不能大于一天")
    return start, end


def _variant(goods: list[Good], values: Mapping[str, str]) -> Good:
    if len(goods) == 1 and not values.get("sku_id") and not values.get("outer_id"):
        return goods[0]
    for good in goods:
        if str(good.sku_id) == values.get("sku_id") or good.sku == values.get("outer_id"):
            return good
    raise Refused(41, "isv.invalid-parameter:sku_id", "SKU 不存在")


def _trade(sold: Sold, fields: set[str], full: bool) -> dict[str, Any]:
    """A list says less than ``full``: no address, no buyer's message, whatever ``fields`` names."""
    row: dict[str, Any] = {"tid": int(sold.no)}
    known = {**BRIEF, **FULL} if full else BRIEF
    row.update((name, make(sold)) for name, make in known.items() if name in fields)
    return row


def _lines(sold: Sold) -> dict[str, Any]:
    return {"order": [_line(sold, line) for line in sold.lines]}


def _line(sold: Sold, line: Line) -> dict[str, Any]:
    return {"oid": int(line.number), "num_iid": line.good.item_id, "sku_id": str(line.good.sku_id),
            "outer_sku_id": line.good.sku, "title": line.good.title, "price": str(line.price), "num": line.quantity,
            "total_fee": str(line.amount), "payment": str(line.amount), "status": STATES[sold.state],
            "refund_status": "NO_REFUND",
            **({"logistics_company": COMPANIES[sold.carrier], "invoice_no": sold.waybill} if sold.waybill else {})}  # fmt: skip


BRIEF: dict[str, Callable[[Sold], Any]] = {
    "status": lambda sold: STATES[sold.state],
    "type": lambda sold: "fixed",
    "created": lambda sold: local(sold.placed),
    "pay_time": lambda sold: local(sold.placed),
    "modified": lambda sold: local(sold.changed),
    "payment": lambda sold: str(sold.total),
    "total_fee": lambda sold: str(sold.goods_amount),
    "post_fee": lambda sold: str(sold.freight),
    "discount_fee": lambda sold: str(sold.discount),
    "num": lambda sold: sum(line.quantity for line in sold.lines),
    "buyer_open_uid": lambda sold: f"AAH{sold.no[-6:]}xUid",
    "has_buyer_message": lambda sold: bool(sold.note),
    "adjust_fee": lambda sold: str(Decimal("0.00")),
    "orders": _lines,
}
FULL: dict[str, Callable[[Sold], Any]] = {
    "receiver_name": lambda sold: trade.masked_name(sold.buyer.name),
    "receiver_mobile": lambda sold: trade.masked_mobile(sold.buyer.mobile),
    "receiver_state": lambda sold: sold.buyer.province,
    "receiver_city": lambda sold: sold.buyer.city,
    "receiver_district": lambda sold: sold.buyer.district,
    "receiver_address": lambda sold: trade.masked_street(sold.buyer.street),
    "receiver_zip": lambda sold: sold.buyer.postcode,
    "oaid": lambda sold: f"1{sold.no}oaid",
    "buyer_message": lambda sold: sold.note,
    "seller_memo": lambda sold: "",
}
