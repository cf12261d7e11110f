"""京东 POP: one form-POST door, /routerjson, with an MD5 signature, and an OAuth door for tokens. Errors come with HTTP
200, in three layers: ``error_response``, ``apiResult`` of a search, ``success`` of a shipment."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from contracts.jd_orders import EMPTY_STATES, REMARKS, STATES, order_of
from contracts.trade import PAID, SHIPPED, Good, Shop, Sold, from_local
from contracts.vendor import Asked, Bucket, Said, said

CARRIERS = {465: "邮政EMS", 467: "顺丰快递", 463: "圆通快递", 470: "申通快递", 1327: "韵达快递", 2087: "京东快递"}
TOLERANCE = dt.timedelta(minutes=6)
LARGEST_PAGE = 100
SEARCH, DETAIL = "jingdong.pop.order.search", "jingdong.pop.order.get"
SHIPMENT, UP_OR_DOWN = "jingdong.pop.order.shipment", "jingdong.ware.write.upOrDown"
SET_STOCK, OLD_SET_STOCK = "jingdong.ware.stock.sku.set", "jingdong.stock.write.updateSkuStock"
READ_SKUS = "jingdong.sku.read.searchSkuList"

GATE = {  # the gateway's own errors
    "limited": ("2", "限制时间内调用失败次数", "App Call Limited"),
    "no version": ("4", "缺少版本参数", "Missing Version"),
    "bad version": ("5", "不支持的版本号", "Unsupported Version"),
    "no timestamp": ("7", "缺少时间戳参数", "Missing Timestamp"),
    "bad timestamp": ("8", "非法的时间戳参数", "Invalid Timestamp"),
    "no sign": ("11", "缺少签名参数", "Missing Signature"),
    "bad sign": ("12", "无效签名", "Invalid Signature"),
    "no method": ("14", "缺少方法名参数", "Missing Method"),
    "bad method": ("15", "不存在的方法名", "Invalid Method"),
    "no token": ("18", "缺少access_token参数", "Missing access_token"),
    "bad token": ("19", "无效access_token", "Invalid access_token"),
    "no app": ("20", "缺少app_key参数", "Missing app_key"),
    "bad app": ("21", "无效app_key", "Invalid app_key"),
    "busy": ("43", "系统处理错误", "System Error"),
    "bad values": ("61", "360buy_param_json 不是 JSON 对象", "Invalid Parameter"),
}


def sign(values: Mapping[str, str], secret: str) -> str:
    """MD5 over secret + every name and value in the order of names + secret, upper-case; nothing of ``sign`` itself
    and nothing empty."""
    text = "".join(name + values[name] for name in sorted(values) if name != "sign" and values[name] != "")
    return hashlib.md5((secret + text + secret).encode()).hexdigest().upper()


class Refused(Exception):
    """A business refusal: ``code`` and the Chinese sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class JD(Shop):
    """``stock_method`` is the method by which stock may be set (the other one is refused as retired); ``newer`` names
    the result ``orderInfoResult`` as newer pages of the documentation do; ``calls_a_day`` is 500 for a test app;
    ``limit`` is a bucket over all calls, where a test gives one."""

    own_mishaps = ("duplicate_page", "missing_page", "moving_page", "expired_token", "clock_skew", "error_inside")
    first_number = 298_000_000_001

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, app_key: str = "JD0APP0KEY0000000000000000000001",
                 secret: str = "jd0app0secret0000000000000000001", token_life: dt.timedelta = dt.timedelta(days=30),
                 stock_method: str = SET_STOCK, newer: bool = False, calls_a_day: int | None = None) -> None:  # fmt: skip
        super().__init__(clock)
        self.app_key, self.secret, self.token_life = app_key, secret, token_life
        self.stock_method, self.newer, self.calls_a_day = stock_method, newer, calls_a_day
        self.limit: Bucket | None = None
        self.calls: Counter[dt.date] = Counter()
        self.codes: set[str] = {"first-code"}  # what a login at to_login has brought
        self.issued, self.refresh_token = 0, ""
        self.issue()

    # tokens

    def issue(self) -> dict[str, Any]:
        """A new pair of tokens; the old ones end. Until the new one is used, the old refresh token asks for it again:
        the answer that brought it may have been lost."""
        self.issued += 1
        self.replaced = self.refresh_token
        self.access_token, self.refresh_token = f"jd-access-{self.issued:04d}", f"jd-refresh-{self.issued:04d}"
        self.token_ends = self.now() + self.token_life
        self.token_dropped = False
        return self._tokens()

    def _tokens(self) -> dict[str, Any]:
        left = int((self.token_ends - self.now()).total_seconds())
        return {"access_token": self.access_token, "expires_in": left, "refresh_token": self.refresh_token,
                "scope": "snsapi_base", "open_id": "oid-tea-shop", "token_type": "bearer", "code": 0,
                "time": int(self.now().timestamp() * 1000)}  # fmt: skip

    def _oauth(self, asked: Asked) -> Said:
        values = {**asked.params, **(asked.form if asked.method == "POST" else {})}
        if (values.get("app_key"), values.get("app_secret")) != (self.app_key, self.secret):
            return self._no_token("400", "app_key 或 app_secret 错误")
        if asked.path == "/oauth2/access_token":
            return self._login(values)
        return self._refresh(values)

    def _login(self, values: Mapping[str, str]) -> Said:
        if values.get("grant_type") != "authorization_code":
            return self._no_token("400", "grant_type 须为 authorization_code")
        if values.get("code") not in self.codes:
            return self._no_token("402", "code 无效或已使用")
        self.codes.discard(values["code"])
        return said(self.issue())

    def _refresh(self, values: Mapping[str, str]) -> Said:
        """Only before the token's end, and a new one only within its last 24 hours; earlier the same comes back."""
        if values.get("grant_type") != "refresh_token":
            return self._no_token("400", "grant_type 须为 refresh_token")
        if values.get("refresh_token") not in {self.refresh_token, self.replaced} - {""}:
            return self._no_token("403", "refresh_token 无效")
        if self.now() >= self.token_ends:
            return self._no_token("404", "refresh_token 已过期，请重新授权")
        if self.token_ends - self.now() > dt.timedelta(hours=24) and not self.token_dropped:
            return said(self._tokens())
        return said(self.issue())

    def _no_token(self, code: str, text: str) -> Said:
        self.refused.append(text)
        return said({"code": code, "msg": text})

    # the door

    def answer(self, asked: Asked) -> Said:
        if asked.path in ("/oauth2/access_token", "/oauth2/refresh_token"):
            self.asked.append(asked)
            return self._oauth(asked)
        if asked.path != "/routerjson":
            self.refused.append(f"no such path: {asked.path}")
            return Said(404, b"Not Found")
        form = asked.form
        wrong = self._gate(asked, form)
        if wrong:
            return self._error(wrong)
        self.asked.append(asked)
        return self._call(asked, form["method"], json.loads(form["360buy_param_json"]))

    def _gate(self, asked: Asked, form: Mapping[str, str]) -> str:
        """Which of GATE refuses the call; empty when none does."""
        if asked.method != "POST" or not asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self.refused.append("not a form POST")
            return "no method"
        for name, problem in (("method", "no method"), ("app_key", "no app"), ("access_token", "no token"),
                              ("timestamp", "no timestamp"), ("v", "no version"), ("sign", "no sign")):  # fmt: skip
            if not form.get(name):
                return problem
        if form["app_key"] != self.app_key:
            return "bad app"
        if form["v"] != "2.0":
            return "bad version"
        if self._stale(asked, form["timestamp"]):
            return "bad timestamp"
        if form["sign"] != sign(form, self.secret):
            return "bad sign"
        if self._limited():
            return "limited"
        if self.strikes("expired_token", asked):
            self.token_dropped = True
        if form["access_token"] != self.access_token or self.token_dropped or self.now() >= self.token_ends:
            return "bad token"
        self.replaced = ""
        if form["method"] not in METHODS:
            return "bad method"
        return "" if _is_object(form.get("360buy_param_json", "")) else "bad values"

    def _stale(self, asked: Asked, text: str) -> bool:
        time = from_local(text)
        off = dt.timedelta(minutes=15) if self.strikes("clock_skew", asked) else dt.timedelta()
        return time is None or abs(self.clock() + off - time) > TOLERANCE

    def _limited(self) -> bool:
        day = (self.now() + dt.timedelta(hours=8)).date()
        self.calls[day] += 1
        over = self.calls_a_day is not None and self.calls[day] > self.calls_a_day
        over = over or (self.limit is not None and self.limit.take(self.clock()) > 0)
        self.limited += over
        return over

    def _error(self, name: str) -> Said:
        code, chinese, english = GATE[name]
        if name not in ("limited", "busy"):
            self.refused.append(english)
        return said({"error_response": {"code": code, "zh_desc": chinese, "en_desc": english}})

    def _call(self, asked: Asked, method: str, values: dict[str, Any]) -> Said:
        inside = self.strikes("error_inside", asked)
        if inside and self.mishaps.happened["error_inside"] % 2:
            return self._error("busy")
        result_name, act = METHODS[method]
        if self.newer and result_name == "searchorderinfo_result":
            result_name = "orderInfoResult"
        try:
            if inside:
                raise Refused("10000013", "服务繁忙，请稍后重试")
            if method in (SET_STOCK, OLD_SET_STOCK) and method != self.stock_method:
                raise Refused("10000090", "该接口已下线")
            result = act(self, values, asked)
        except Refused as refused:
            if not inside:
                self.refused.append(refused.text)
            result = _refusal(method, refused)
        return said({method.replace(".", "_") + "_responce": {"code": "0", **_placed(result_name, result)}})

    # orders

    def _search(self, values: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        start, end = _span(values)
        states = _states(values)
        page, size = _page_number(values, "page", 10**6), _page_number(values, "page_size", LARGEST_PAGE)
        fields = _fields(values)
        index = self.by_placing if str(values.get("dateType", "")) == "1" else self.by_change
        keys = index.between(start, end, states)
        if page > 1 and keys and self.strikes("moving_page", asked):
            self.change(self.orders[keys[0][1]])
            keys = index.between(start, end, states)
        if str(values.get("sortType", "")) == "1":
            keys = keys[::-1]
        rows = [order_of(self.orders[number], fields) for _, number in self.cut_page(keys, (page - 1) * size, size, asked)]
        return {"apiResult": _fine(), "orderTotal": len(keys), "orderInfoList": rows}

    def _detail(self, values: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        sold = self._find(values.get("order_id"))
        return {"apiResult": _fine(), "orderInfo": order_of(sold, _fields(values))}

    def _find(self, number: object) -> Sold:
        if str(number) not in self.orders:
            raise Refused("10100001", "订单不存在")
        return self.orders[str(number)]

    def _shipment(self, values: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        sold = self._find(values.get("orderId"))
        carrier = _number(values.get("logiCoprId"), "logiCoprId")
        if carrier not in CARRIERS:
            raise Refused("10400002", "物流公司不存在")
        waybill = str(values.get("logiNo") or "")
        if not waybill:
            raise Refused("10400003", "运单号不能为空")
        if sold.state == SHIPPED:
            raise Refused("10400010", "订单已出库，不能重复出库")
        if sold.state != PAID:
            raise Refused("10400001", f"订单状态不正确：{REMARKS[sold.state]}")
        self.ship(sold, str(carrier), waybill)
        return {"success": "true", "chineseErrCode": "成功", "englishErrCode": "success"}

    # goods

    def _up_or_down(self, values: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        goods = self.variants(_number(values.get("wareId"), "wareId"))
        kind = _number(values.get("opType"), "opType")
        if not goods:
            raise Refused("20100001", "商品不存在")
        if kind not in (1, 2):
            raise Refused("20100002", "opType 须为 1（上架）或 2（下架）")
        self.set_listed([good.sku for good in goods], kind == 1)
        return {"success": True}

    def _stock(self, values: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        good = self.by_sku_id(_number(values.get("skuId"), "skuId"))
        count = _number(values.get("stockNum"), "stockNum")
        if good is None:
            raise Refused("20200001", "SKU不存在")
        if count < 0:
            raise Refused("20200002", "库存不能为负数")
        self.set_stock(good.sku, count)
        return {"success": True}

    def _skus(self, values: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        page = _number(values.get("pageNo", 1), "pageNo")
        size = _number(values.get("pageSize", 20), "pageSize")
        if not (page >= 1 and 1 <= size <= LARGEST_PAGE):
            raise Refused("20000001", "pageNo 或 pageSize 超出范围")
        rows = [self._sku(good) for good in self.cut_page(list(self.goods.values()), (page - 1) * size, size, asked)]
        return {"data": rows, "pageNo": page, "pageSize": size, "totalItem": len(self.goods)}

    def _sku(self, good: Good) -> dict[str, Any]:
        """``wareStatus`` 8 is on sale, 2 is taken down by the merchant."""
        return {"wareId": good.item_id, "skuId": good.sku_id, "outerId": good.sku, "wareTitle": good.title,
                "jdPrice": str(good.price), "stockNum": self.stock[good.sku],
                "wareStatus": 8 if self.listed[good.sku] else 2}  # fmt: skip


METHODS: dict[str, tuple[str, Callable[[JD, dict[str, Any], Asked], dict[str, Any]]]] = {
    SEARCH: ("searchorderinfo_result", JD._search),
    DETAIL: ("orderDetailInfo", JD._detail),
    SHIPMENT: ("sopjosshipment_result", JD._shipment),
    UP_OR_DOWN: ("", JD._up_or_down),
    SET_STOCK: ("", JD._stock),
    OLD_SET_STOCK: ("", JD._stock),
    READ_SKUS: ("page", JD._skus),
}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _placed(name: str, result: dict[str, Any]) -> dict[str, Any]:
    return {name: result} if name else result


def _refusal(method: str, refused: Refused) -> dict[str, Any]:
    """How a refusal looks depends on the method: nothing but HTTP 200 is common to them."""
    said_so = {"numberCode": refused.code, "chineseErrCode": refused.text, "englishErrCode": "failed"}
    if method in (SEARCH, DETAIL):
        return {"apiResult": {"success": False, **said_so}, "orderTotal": 0, "orderInfoList": []}
    return {"success": "false" if method == SHIPMENT else False, **said_so}


def _fine() -> dict[str, Any]:
    return {"success": True, "numberCode": "0", "chineseErrCode": "成功", "englishErrCode": "success"}


def _span(values: Mapping[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    start, end = from_local(values.get("start_date")), from_local(values.get("end_date"))
    if start is None or end is None:
        raise Refused("10000001", "start_date 与 end_date 须为 yyyy-MM-dd HH:mm:ss")
    if end < start:
        raise Refused("10000002", "end_date 早于 start_date")
    if end - start > dt.timedelta(days=31):
        raise Refused("10000003", "开始时间和结束时间不得相差超过1个月")
    return start, end


def _states(values: Mapping[str, Any]) -> set[str]:
    given = [name.strip() for name in str(values.get("order_state") or "").split(",") if name.strip()]
    unknown = [name for name in given if name not in STATES and name not in EMPTY_STATES]
    if not given or unknown:
        raise Refused("10000004", f"order_state 无效：{','.join(unknown)}")
    return {STATES[name] for name in given if name in STATES}


def _page_number(values: Mapping[str, Any], name: str, largest: int) -> int:
    """Strings of digits, as the table says."""
    value = values.get(name)
    if not isinstance(value, str) or not value.isdecimal() or not 1 <= int(value) <= largest:
        raise Refused("10000005", f"{name} 须为 1 至 {largest} 的字符串")
    return int(value)


def _fields(values: Mapping[str, Any]) -> set[str]:
    fields = {name.strip() for name in str(values.get("optional_fields") or "").split(",")} - {""}
    if not fields:
        raise Refused("10000006", "optional_fields 必填")
    return fields


def _number(value: object, name: str) -> int:
    if isinstance(value, bool) or not str(value).lstrip("-").isdecimal():
        raise Refused("10000007", f"{name} 须为数字")
    return int(str(value))
