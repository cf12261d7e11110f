"""京东 POP by its open platform: orders, shipments, listings and stock of a shop of one's own at JD.

HTTP 200 says nothing: ``error_response`` is a no of the gateway, ``apiResult`` or ``success`` one of the method.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from engine.api import (
    Call,
    DeliveryFailed,
    Duration,
    Item,
    Message,
    Part,
    Rate,
    Reading,
    Secret,
    Span,
    Surroundings,
    Task,
    message,
    option,
    send,
)
from plugins.channels import pages
from plugins.channels.asking import Shop, before, data_of, done, host_of, look, only, refused, secret
from plugins.channels.channel import ORDERS, PRODUCTS
from plugins.channels.items import buyer, exact, line, order, product, recipient, said, utc, whole
from plugins.channels.pages import from_local, local

SEARCH, DETAIL = "jingdong.pop.order.search", "jingdong.pop.order.get"
SHIPMENT, UP_OR_DOWN = "jingdong.pop.order.shipment", "jingdong.ware.write.upOrDown"
SKUS = "jingdong.sku.read.searchSkuList"
LONGEST = dt.timedelta(days=28)  # a month is the most of one search
STATUS = {
    "WAIT_SELLER_STOCK_OUT": "paid", "WAIT_SELLER_DELIVERY": "paid", "WAIT_GOODS_RECEIVE_CONFIRM": "shipped",
    "FINISHED_L": "done", "TRADE_CANCELED": "cancelled",
    "PAUSE": "new", "LOCKED": "new", "POP_ORDER_PAUSE": "new",  # held by JD: nothing may be sent yet
}  # fmt: skip
FIELDS = (
    "venderId,orderType,payType,orderTotalPrice,orderSellerPrice,orderPayment,freightPrice,sellerDiscount,orderState,"
    "orderStateRemark,orderRemark,venderRemark,orderStartTime,paymentConfirmTime,modified,logisticsId,waybill,"
    "consigneeInfo,itemInfoList,pin"
)
ON_SALE = "8"
NO_TOKEN = {"18", "19"}
WAITS = {"2": 60.0, "8": 60.0, "18": 5.0, "19": 5.0, "43": 5.0, "65": 5.0, "10000013": 5.0}
"""Errors that pass, and after how many seconds: too many calls, clocks that differ, a token that was renewed meanwhile,
a busy service."""


@dataclass(frozen=True, kw_only=True)
class JDConnection(Shop):
    """A shop at 京东 (POP): orders are asked for, shipments told, stock and listings set."""

    type: ClassVar[str] = "jd"
    base_url: str = option("Where it is called.", "https://api.jd.com", minLength=8)
    token_url: str = option("Where tokens are renewed.", "https://open-oauth.jd.com", minLength=8)
    app_key: str = option("The App Key of the application.", minLength=1)
    app_secret: Secret = option("Its App Secret.")
    access_token: Secret | None = option(
        "The token by which the shop lets the application in. Default: it is asked for by the refresh_token.", None
    )
    refresh_token: Secret | None = option(
        "The token by which that one is renewed before it ends. Default: it is renewed by hand.", None
    )
    carriers: Mapping[str, str] = option("JD's number of each carrier, by the name that rules use for it.", {})
    stock_method: Literal["jingdong.ware.stock.sku.set", "jingdong.stock.write.updateSkuStock"] = option(
        "The method by which stock is set; JD retires the older one.", "jingdong.ware.stock.sku.set"
    )
    page: int = option("So many orders are read at once.", 50, minimum=1, maximum=100)

    def readings(self) -> Mapping[str, Reading]:
        return {"orders": ORDERS, "products": PRODUCTS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """What an application that went live bears, with up to five calls for an operation; one in test has 500 calls a
        day, which `limits` can say."""
        return {"all": Rate(calls=2, per=Duration(1, "s"), burst=5)}

    # --- what feeds read

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return pages.begin(span, self.page) if reading == "orders" else {"page": 1}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        if reading == "products":
            return self._products(cursor, task, surroundings)
        now = surroundings.now()
        page = pages.wanted(cursor, now, LONGEST)
        if page is None:
            return Part([], cursor, False)
        surroundings.turn(reading)
        rows, total = self._search(page, task, surroundings)
        items = [of_order(row) for row in rows]
        take, onward, more = pages.onward(cursor, page, [item.key for item in items], total, now)
        until = cursor.get("until") or "9"
        return Part([item for item in items if item.version < until] if take else [], onward, more)

    def _search(self, page: pages.Page, task: Task, surroundings: Surroundings) -> tuple[list[Any], int]:
        told = self._ask(SEARCH, {
            "start_date": local(page.start), "end_date": local(page.end), "order_state": ",".join(STATUS),
            "optional_fields": FIELDS, "page": str(page.number), "page_size": str(page.size), "dateType": "0",
        }, task, surroundings)  # fmt: skip
        found = told.get("searchorderinfo_result") or told.get("orderInfoResult")
        if not isinstance(found, dict):
            raise self._odd(SEARCH, told)
        rows, total = found.get("orderInfoList") or [], found.get("orderTotal")
        if not isinstance(rows, list) or not str(total).isdecimal():
            raise self._odd(SEARCH, told)
        return rows, int(str(total))

    def _products(self, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """All of them, each time: the list has no order of change."""
        surroundings.turn("products")
        rows, more = self._skus({}, cursor["page"], task, surroundings)
        at = str(utc(surroundings.now()))
        return Part([of_sku(row, at) for row in rows], {"page": cursor["page"] + 1 if more else 1}, more)

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        now = surroundings.now()
        page = pages.Page(now - dt.timedelta(days=1), now, 1, 1)
        _, total = self._search(page, task, surroundings)
        return message("JD lets us in; {count} orders changed in the last day.", count=total)

    def ship(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """JD ships an order as a whole."""
        number, tracking = str(values["number"]), str(values["tracking"])
        there = self._order(number, task, surroundings)
        state = STATUS.get(str(there.get("orderState")))
        if state in ("shipped", "done"):
            sent = {one.strip() for one in str(there.get("waybill") or "").split(",")}
            if tracking in sent:
                return {"shipment": tracking}
            raise _no(message("{number} was shipped already, as {tracking}.", number=number,
                              tracking=there.get("waybill") or "?"))  # fmt: skip
        if state == "cancelled":
            raise _no(message("{number} is cancelled.", number=number))
        carrier = self.carriers.get(str(values["carrier"]), str(values["carrier"]))
        if not carrier.isdecimal():
            raise _no(message("JD knows carriers by number; say in `carriers` which '{carrier}' is.", carrier=carrier))
        self._ask(SHIPMENT, {"orderId": number, "logiCoprId": int(carrier), "logiNo": tracking}, task, surroundings,
                  part="ship")  # fmt: skip
        return {"shipment": tracking}

    def listing(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        return _shown(self._sku(values["sku"], task, surroundings))

    def set_stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        quantity = whole(values["quantity"])
        self._put_stock(self._sku(values["sku"], task, surroundings), quantity, task, surroundings)
        now = self.listing(values, task, surroundings)
        return {"now": now, "verified": now["quantity"] == str(quantity)}

    def pause(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """Takes down the listing with all its variants; the stock stays as it is."""
        there = self._sku(values["sku"], task, surroundings)
        was = before(task, surroundings, _shown(there))
        self._put_listed(there, False, task, surroundings)
        now = self.listing(values, task, surroundings)
        done(task, surroundings)
        return {"was": was, "now": now, "verified": not now["listed"]}

    def resume(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """First the stock, then the listing: nobody buys what is not there."""
        there, listed = self._sku(values["sku"], task, surroundings), (values.get("was") or {}).get("listed", True)
        if values.get("quantity") is not None:
            self._put_stock(there, whole(values["quantity"]), task, surroundings)
        if listed:
            self._put_listed(there, True, task, surroundings)
        now = self.listing(values, task, surroundings)
        return {"now": now, "verified": now["listed"] is bool(listed)}

    def _put_listed(self, there: Mapping[str, Any], listed: bool, task: Task, surroundings: Surroundings) -> None:
        values = {"wareId": int(there["wareId"]), "opType": 1 if listed else 2, "note": "Appmill"}
        self._ask(UP_OR_DOWN, values, task, surroundings, part="listing")

    def _put_stock(self, there: Mapping[str, Any], quantity: int, task: Task, surroundings: Surroundings) -> None:
        self._ask(
            self.stock_method, {"skuId": int(there["skuId"]), "stockNum": quantity}, task, surroundings, part="stock"
        )

    # --- asking

    def _order(self, number: str, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        told = self._ask(DETAIL, {"order_id": number, "optional_fields": FIELDS}, task, surroundings)
        found = (told.get("orderDetailInfo") or {}).get("orderInfo")
        if not isinstance(found, dict):
            raise self._odd(DETAIL, told)
        return found

    def _sku(self, sku: str, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        number, more, found = 1, True, list[Mapping[str, Any]]()
        while more:
            rows, more = self._skus({"outerId": sku}, number, task, surroundings)
            found += [row for row in rows if str(row.get("outerId")) == sku and row not in found]
            number += 1
        return only(found, sku, self.name, by="skuId")  # type: ignore[no-any-return]

    def _skus(self, by: Mapping[str, Any], number: int, task: Task,
              surroundings: Surroundings) -> tuple[list[Mapping[str, Any]], bool]:  # fmt: skip
        size = 50
        told = self._ask(SKUS, {
            **by, "pageNo": number, "pageSize": size,
            "field": "wareId,skuId,outerId,wareTitle,jdPrice,stockNum,wareStatus,status,modified",
        }, task, surroundings)  # fmt: skip
        found = told.get("page") or {}
        rows, total = found.get("data"), found.get("totalItem")
        if not isinstance(rows, list) or not str(total).isdecimal():
            raise self._odd(SKUS, told)
        due = min(max(int(total) - (number - 1) * size, 0), size)
        if len({str(row.get("skuId")) for row in rows}) < due:
            raise DeliveryFailed(
                message("It counts {count} changes on a page and shows {shown} of them.", count=due, shown=len(rows))
            )
        return rows, int(total) > number * size

    def _ask(self, method: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings,
             part: str = "") -> Mapping[str, Any]:  # fmt: skip
        """What a method answers, when it says nowhere that it went wrong. ``part`` names a call that changes things."""
        for _ in range(2):
            told = self._posted(method, values, task, surroundings, part)
            code = str((told.get("error_response") or {}).get("code", ""))
            if code not in NO_TOKEN:
                break
            surroundings.forget(_place(self._refresh(surroundings)))
        return self._judged(method, told)

    def _posted(self, method: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings,
                part: str) -> Mapping[str, Any]:  # fmt: skip
        form = {
            "method": method, "app_key": self.app_key, "v": "2.0", "timestamp": local(surroundings.now()),
            "access_token": self._token(task, surroundings),
            "360buy_param_json": json.dumps(values, ensure_ascii=False, separators=(",", ":")),
        }  # fmt: skip
        form["sign"] = sign(form, secret(self.app_secret, self.base_url, surroundings))
        call = Call(path="/routerjson", form=form, part=part)
        told = data_of(
            (send if part else look)(self.line(self.base_url), call, task, surroundings),
            self.base_url,
            writes=bool(part),
        )
        if not isinstance(told, dict):
            raise self._odd(method, told)
        return told

    def _judged(self, method: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        if error := told.get("error_response"):
            code = str(error.get("code"))
            by_hand = code in NO_TOKEN and self.refresh_token is None
            raise self._no(method, code, str(error.get("zh_desc") or error.get("en_desc")), renew=by_hand)
        beginning = method.replace(".", "_")
        inner = next((value for name, value in told.items() if name.startswith(beginning)), None)
        if not isinstance(inner, dict) or str(inner.get("code", "0")) != "0":
            raise self._odd(method, told)
        for one in (inner, *(value for value in inner.values() if isinstance(value, dict))):
            for result in (one, one.get("apiResult")):
                if isinstance(result, dict) and str(result.get("success", "true")).lower() != "true":
                    raise self._no(method, str(result.get("numberCode")), str(result.get("chineseErrCode")))
        return inner

    def _no(self, method: str, code: str, words: str, renew: bool = False) -> DeliveryFailed:
        if renew:
            return DeliveryFailed(
                message("'{name}': JD's token has ended ({text}); let the application in again and enter the new one.",
                        name=self.name, text=words), after=600.0,
            )  # fmt: skip
        after = WAITS.get(code, 5.0 if "繁忙" in words or "稍后" in words else None)
        return refused(f"JD {method}", code, words, again=after is not None, after=after)

    def _odd(self, method: str, told: Any) -> DeliveryFailed:
        return refused(f"JD {method}", 200, json.dumps(told, ensure_ascii=False), again=True)

    def _token(self, task: Task, surroundings: Surroundings) -> str:
        if self.refresh_token is not None:
            refresh = self._refresh(surroundings)
            return surroundings.kept(_place(refresh), lambda: self._renewed(refresh, task, surroundings))
        if self.access_token is not None:
            return secret(self.access_token, self.base_url, surroundings)
        raise _no(message("'{name}' needs an access_token or a refresh_token.", name=self.name))

    def _refresh(self, surroundings: Surroundings) -> str:
        """The refresh token, entered by a person or given by JD since; "" without one."""
        if self.refresh_token is None:
            return ""
        return surroundings.latest(self.refresh_token.secret, host_of(self.token_url))

    def _renewed(self, refresh: str, task: Task, surroundings: Surroundings) -> tuple[str, float]:
        """The token, and for how many seconds it is not asked about again. JD gives a new pair in the last day of the
        old one, and the same before; a new one is kept for all processes."""
        form = {
            "app_key": self.app_key, "app_secret": secret(self.app_secret, self.token_url, surroundings),
            "grant_type": "refresh_token", "refresh_token": refresh,
        }  # fmt: skip
        answer = look(self.line(self.token_url), Call(path="/oauth2/refresh_token", form=form), task, surroundings)
        told = data_of(answer, host_of(self.token_url))
        if not isinstance(told, dict) or not told.get("access_token"):
            words = str(told.get("msg")) if isinstance(told, dict) else str(told)
            if self._refresh(surroundings) != refresh:  # another process was faster, and has kept the new one
                raise refused("JD refresh_token", 200, words, again=True, after=2.0)
            raise self._no("refresh_token", "", words, renew=True)
        if told.get("refresh_token") not in (None, refresh):
            assert self.refresh_token is not None  # it was renewed by it
            surroundings.renew(self.refresh_token.secret, str(told["refresh_token"]))
        return str(told["access_token"]), min(float(told.get("expires_in") or 0), 43_200.0)


def _place(refresh: str) -> str:
    """Under which name a token is kept: what is entered anew counts at once."""
    return f"token {hashlib.sha256(refresh.encode()).hexdigest()[:16]}"


def sign(values: Mapping[str, str], secret: str) -> str:
    """MD5 over secret + names and values in the order of names + secret, upper-case, as JD publishes it."""
    text = "".join(name + values[name] for name in sorted(values) if values[name])
    return hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper()  # noqa: S324 - theirs


# --- what it wrote becomes items


def of_order(told: Mapping[str, Any]) -> Item:
    there, updated = str(told["orderState"]), str(from_local(told["modified"]))
    to = told.get("consigneeInfo") or {}
    return Item(str(told["orderId"]), updated, order(
        number=str(told["orderId"]), status=STATUS.get(there, "new"), status_there=there,
        placed_at=from_local(told.get("orderStartTime")), paid_at=from_local(told.get("paymentConfirmTime")),
        updated_at=updated, currency="CNY", total=exact(told.get("orderPayment")),
        shipping=exact(told.get("freightPrice")), discount=exact(told.get("sellerDiscount")),
        buyer=buyer(id=said(told.get("pin"))),
        recipient=recipient(
            name=said(to.get("fullname")), phone=said(to.get("mobile")) or said(to.get("telephone")), country="CN",
            province=said(to.get("province")), city=said(to.get("city")), district=said(to.get("county")),
            street=_street(to),
        ),
        lines=[_line(one) for one in told.get("itemInfoList") or ()], note=said(told.get("orderRemark")), gift=False,
        raw=told,
    ))  # fmt: skip


def _street(to: Mapping[str, Any]) -> str | None:
    """JD writes the whole address; what stands in fields of its own is taken off its beginning."""
    text = str(to.get("fullAddress") or "")
    for name in ("province", "city", "county", "town"):
        text = text.removeprefix(str(to.get(name) or ""))
    return said(text)


def _line(told: Mapping[str, Any]) -> dict[str, Any]:
    price, quantity = Decimal(str(told["jdPrice"])), Decimal(str(told["itemTotal"]))
    return line(id=said(told.get("skuId")), sku=said(told.get("outerSkuId")), name=said(told.get("skuName")),
                quantity=exact(quantity), price=exact(price), total=exact(price * quantity))  # fmt: skip


def of_sku(told: Mapping[str, Any], at: str) -> Item:
    shown, updated = _shown(told), from_local(told.get("modified")) or at
    return Item(str(told["skuId"]), "", product(
        sku=said(told.get("outerId")), name=said(told.get("wareTitle")), listed=shown["listed"],
        quantity=shown["quantity"], price=exact(told.get("jdPrice")), updated_at=updated, raw=told,
    ))  # fmt: skip


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    state = str(told.get("wareStatus"))
    return {"listed": state == ON_SALE, "quantity": exact(told.get("stockNum")), "status_there": state}


def _no(reason: Message) -> DeliveryFailed:
    return DeliveryFailed(reason, again=False)
