"""Taobao and Tmall by TOP, their open platform: trades, shipments, listings and stock of a shop.

A list of trades says neither who gets them nor where: each is asked for by itself. HTTP 200 says nothing,
``error_response`` does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
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
from plugins.channels.asking import Shop, before, data_of, done, look, only, refused, secret
from plugins.channels.channel import ORDERS
from plugins.channels.items import buyer, exact, line, order, recipient, said, whole
from plugins.channels.pages import BEIJING, from_local, local

PATH = "/router/rest"
LONGEST = dt.timedelta(days=1)
BRIEF = "tid,modified,status"
FULL = (
    "tid,type,status,created,pay_time,modified,end_time,payment,total_fee,post_fee,discount_fee,adjust_fee,num,"
    "buyer_open_uid,buyer_nick,buyer_message,seller_memo,oaid,receiver_name,receiver_mobile,receiver_phone,"
    "receiver_state,receiver_city,receiver_district,receiver_town,receiver_address,receiver_zip,orders"
)
ITEM = "num_iid,title,num,approve_status,outer_id,sku"
STATUS = {
    "TRADE_NO_CREATE_PAY": "new", "WAIT_BUYER_PAY": "new", "PAY_PENDING": "new", "WAIT_PRE_AUTH_CONFIRM": "new",
    "WAIT_SELLER_SEND_GOODS": "paid", "SELLER_CONSIGNED_PART": "paid", "WAIT_BUYER_CONFIRM_GOODS": "shipped",
    "TRADE_BUYER_SIGNED": "shipped", "TRADE_FINISHED": "done", "TRADE_CLOSED": "cancelled",
    "TRADE_CLOSED_BY_TAOBAO": "cancelled",
}  # fmt: skip
LIMITED, NO_SESSION, WRONG_TIME = 7, (26, 27), 31


@dataclass(frozen=True, kw_only=True)
class TaobaoConnection(Shop):
    """A shop at 淘宝 or 天猫 (TOP): trades are asked for, shipments told, stock and listings set."""

    type: ClassVar[str] = "taobao"
    base_url: str = option("Where it is called.", "https://eco.taobao.com", minLength=8)
    app_key: str = option("The App Key of the application.", minLength=1)
    app_secret: Secret = option("Its App Secret.")
    session: Secret = option("The session by which the shop lets the application in.")
    signature: Literal["md5", "hmac", "hmac-sha256"] = option("How calls are signed.", "hmac-sha256")
    shipping: Literal["offline", "online"] = option(
        "Parcels are handed over by oneself (`offline`), or the carrier is ordered by Taobao (`online`).", "offline"
    )
    carriers: Mapping[str, str] = option("Taobao's code of each carrier, by the name that rules use for it.", {})
    page: int = option("So many trades are read at once.", 40, minimum=1, maximum=100)

    def readings(self) -> Mapping[str, Reading]:
        return {"orders": ORDERS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """What an application that went live bears, with up to six calls for an operation."""
        return {"all": Rate(calls=5, per=Duration(1, "s"), burst=10)}

    # --- what feeds read

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return pages.begin(span, self.page)

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """One call for a page of the list, or one for each trade of it."""
        if cursor.get("trades"):
            return self._trades(cursor, task, surroundings)
        now = surroundings.now()
        page = pages.wanted(cursor, now, LONGEST)
        if page is None:
            return Part([], cursor, False)
        surroundings.turn(reading)
        rows, total = self._list(page, task, surroundings)
        take, onward, more = pages.onward(cursor, page, [str(row["tid"]) for row in rows], total, now)
        until = cursor.get("until") or "9"
        found = [str(row["tid"]) for row in rows if str(from_local(row["modified"])) < until] if take else []
        if not found:
            return Part([], onward, more)
        return Part([], {**onward, "trades": list(dict.fromkeys(found)), "more": more}, True)

    def _trades(self, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """As many trades as can be asked for now; the others stay in the cursor."""
        items: list[Item] = []
        wanted, rest = list(cursor["trades"]), {key: cursor[key] for key in cursor if key not in ("trades", "more")}
        while wanted:
            try:
                surroundings.turn("orders")
                items += self._trade(wanted[0], task, surroundings)
            except DeliveryFailed:
                if not items:
                    raise
                return Part(items, {**cursor, "trades": wanted}, True)
            del wanted[0]
        return Part(items, rest, bool(cursor["more"]))

    def _trade(self, number: str, task: Task, surroundings: Surroundings) -> list[Item]:
        told = self._full(number, task, surroundings)
        return [] if told is None else [of_trade(told)]

    def _full(self, number: str, task: Task, surroundings: Surroundings) -> Mapping[str, Any] | None:
        """None for a trade that the platform has put away: they are kept for three months."""
        try:
            told = self._ask("taobao.trade.fullinfo.get", {"tid": number, "fields": FULL}, task, surroundings)
        except NotThere:
            return None
        trade = told.get("trade")
        if not isinstance(trade, dict) or "modified" not in trade:
            raise self._odd("taobao.trade.fullinfo.get", told)
        return trade

    def _list(self, page: pages.Page, task: Task, surroundings: Surroundings) -> tuple[list[Any], int]:
        method = "taobao.trades.sold.increment.get"
        told = self._ask(method, {
            "fields": BRIEF, "start_modified": local(page.start), "end_modified": local(page.end),
            "page_no": str(page.number), "page_size": str(page.size), "use_has_next": "false",
        }, task, surroundings)  # fmt: skip
        rows, total = (told.get("trades") or {}).get("trade") or [], told.get("total_results")
        if not isinstance(rows, list) or not str(total).isdecimal():
            raise self._odd(method, told)
        return rows, int(str(total))

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        now = surroundings.now()
        page = pages.Page(now - dt.timedelta(hours=23), now, 1, 1)
        _, total = self._list(page, task, surroundings)
        return message("Taobao lets us in; {count} trades changed in the last day.", count=total)

    def ship(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """Tells of the whole trade, unless it was told already."""
        number, tracking = str(values["number"]), str(values["tracking"])
        there = self._full(number, task, surroundings)
        if there is None:
            raise _no(message("'{name}' has no order {number}.", name=self.name, number=number))
        state, sent = STATUS.get(str(there.get("status"))), _sent(there)
        if state in ("shipped", "done"):
            if not sent or tracking in sent:
                return {"shipment": tracking}
            raise _no(message("{number} was shipped already, as {tracking}.", number=number,
                              tracking=", ".join(sorted(sent))))  # fmt: skip
        if state == "cancelled":
            raise _no(message("{number} is cancelled.", number=number))
        self._ask(f"taobao.logistics.{self.shipping}.send", {
            "tid": number, "out_sid": tracking,
            "company_code": self.carriers.get(str(values["carrier"]), str(values["carrier"])),
        }, task, surroundings, part="ship")  # fmt: skip
        return {"shipment": tracking}

    def listing(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        return self._found(str(values["sku"]), task, surroundings).shown()

    def set_stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        quantity = whole(values["quantity"])
        self._put_stock(self._found(str(values["sku"]), task, surroundings), quantity, task, surroundings)
        now = self.listing(values, task, surroundings)
        return {"now": now, "verified": now["quantity"] == str(quantity)}

    def pause(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """Takes down the listing with all its variants; the stock stays as it is."""
        there = self._found(str(values["sku"]), task, surroundings)
        was = before(task, surroundings, there.shown())
        if there.listed:
            self._ask("taobao.item.update.delisting", {"num_iid": there.number}, task, surroundings, part="listing")
        now = self.listing(values, task, surroundings)
        done(task, surroundings)
        return {"was": was, "now": now, "verified": not now["listed"]}

    def resume(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """First the stock, then the listing, which Taobao takes with the stock of all its variants only."""
        listed = bool((values.get("was") or {}).get("listed", True))
        there = self._found(str(values["sku"]), task, surroundings)
        if values.get("quantity") is not None:
            self._put_stock(there, whole(values["quantity"]), task, surroundings)
            there = self._found(str(values["sku"]), task, surroundings)
        if listed and not there.listed:
            if there.all == 0:
                raise _no(message("{sku} can be put back on sale with a quantity only.", sku=values["sku"]))
            wanted = {"num_iid": there.number, "num": str(there.all)}
            self._ask("taobao.item.update.listing", wanted, task, surroundings, part="listing")
        now = self.listing(values, task, surroundings)
        return {"now": now, "verified": now["listed"] is listed}

    def _put_stock(self, there: Listing, quantity: int, task: Task, surroundings: Surroundings) -> None:
        variant = {"sku_id": there.variant} if there.variant else {}
        wanted = {"num_iid": there.number, **variant, "quantity": str(quantity), "type": "1"}
        self._ask("taobao.item.quantity.update", wanted, task, surroundings, part="stock")

    # --- asking

    def _found(self, sku: str, task: Task, surroundings: Surroundings) -> Listing:
        """The listing of an article by the merchant's own code, which stands at a variant or at the whole."""
        told = self._ask("taobao.skus.custom.get", {"outer_id": sku, "fields": "sku_id,num_iid,outer_id"}, task,
                         surroundings, empty=True)  # fmt: skip
        rows = [row for row in (told.get("skus") or {}).get("sku") or () if str(row.get("outer_id")) == sku]
        if not rows:
            told = self._ask("taobao.items.custom.get", {"outer_id": sku, "fields": "num_iid,outer_id"}, task,
                             surroundings, empty=True)  # fmt: skip
            rows = [row for row in (told.get("items") or {}).get("item") or () if str(row.get("outer_id")) == sku]
        row = only(rows, sku, self.name, by="sku_id" if rows and rows[0].get("sku_id") else "num_iid")
        method = "taobao.item.seller.get"
        told = self._ask(method, {"num_iid": str(row["num_iid"]), "fields": ITEM}, task, surroundings)
        if not isinstance(told.get("item"), dict):
            raise self._odd(method, told)
        return Listing(told["item"], str(row.get("sku_id") or ""))

    def _ask(self, method: str, values: Mapping[str, str], task: Task, surroundings: Surroundings, *, part: str = "",
             empty: bool = False) -> Mapping[str, Any]:  # fmt: skip
        """What a method answers; with ``empty`` nothing for what is not there. ``part`` names a call that changes
        things. Raises DeliveryFailed, NotThere for what is not there otherwise."""
        form = {
            **values, "method": method, "app_key": self.app_key, "v": "2.0", "format": "json",
            "session": secret(self.session, self.base_url, surroundings), "sign_method": self.signature,
            "timestamp": local(surroundings.now()),
        }  # fmt: skip
        form["sign"] = sign(form, secret(self.app_secret, self.base_url, surroundings), self.signature)
        call = Call(path=PATH, form=form, part=part)
        told = data_of((send if part else look)(self.line(self.base_url), call, task, surroundings), self.base_url,
                       writes=bool(part))  # fmt: skip
        if not isinstance(told, dict):
            raise self._odd(method, told)
        if error := told.get("error_response"):
            failure = self._refused(method, error, surroundings.now())
            if empty and isinstance(failure, NotThere):
                return {}
            raise failure
        inner = told.get(method.removeprefix("taobao.").replace(".", "_") + "_response")
        if not isinstance(inner, dict):
            raise self._odd(method, told)
        return inner

    def _refused(self, method: str, error: Mapping[str, Any], now: dt.datetime) -> DeliveryFailed:
        number, sub = str(error.get("code")), str(error.get("sub_code") or "")
        code = int(number) if number.isdecimal() else 0
        words = " ".join(str(error[name]) for name in ("msg", "sub_code", "sub_msg") if error.get(name))
        if code in NO_SESSION:
            return DeliveryFailed(
                message("'{name}': Taobao's session has ended ({text}); let the application in again and enter the new "
                        "one.", name=self.name, text=words), after=600.0,
            )  # fmt: skip
        if "not-exist" in sub or "NOT_FOUND" in sub:
            told = message("{place} answered {status}: {text}", place=f"TOP {method}", status=code, text=words)
            return NotThere(told, again=False)
        after = (
            _ban(words, now) if code == LIMITED else 60.0 if code == WRONG_TIME else 5.0 if sub[:4] == "isp." else None
        )
        return refused(f"TOP {method}", code, words, again=after is not None, after=after)

    def _odd(self, method: str, told: Any) -> DeliveryFailed:
        return refused(f"TOP {method}", 200, json.dumps(told, ensure_ascii=False), again=True)


class NotThere(DeliveryFailed):
    """What is asked for does not exist."""


def sign(values: Mapping[str, str], secret: str, method: str) -> str:
    """Over names and values in the order of names, upper-case, as TOP publishes it; `hmac` is HMAC-MD5."""
    text = "".join(name + values[name] for name in sorted(values) if values[name])
    if method == "md5":
        return hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper()  # noqa: S324 - theirs
    kind = hashlib.md5 if method == "hmac" else hashlib.sha256
    return hmac.new(secret.encode(), text.encode(), kind).hexdigest().upper()


def _ban(words: str, now: dt.datetime) -> float:
    """Seconds until the calls are let through again, as TOP says: so many more seconds, or until tomorrow in China."""
    if found := re.search(r"(\d{1,6}) more second", words):
        return float(found[1])
    if "next day" in words:
        here = now.astimezone(BEIJING)
        return (here.replace(hour=0, minute=0, second=0) + dt.timedelta(days=1, seconds=5) - here).total_seconds()
    return 60.0


@dataclass(frozen=True)
class Listing:
    """A listing, and which of its variants is meant; ``variant`` is "" where it has none."""

    told: Mapping[str, Any]
    variant: str

    @property
    def number(self) -> str:
        return str(self.told["num_iid"])

    @property
    def listed(self) -> bool:
        return self.told.get("approve_status") == "onsale"

    @property
    def all(self) -> int:
        return whole(self.told.get("num") or 0)

    def shown(self) -> dict[str, Any]:
        rows = (self.told.get("skus") or {}).get("sku") or ()
        own = [row.get("quantity") for row in rows if str(row.get("sku_id")) == self.variant]
        return {"listed": self.listed, "quantity": exact(own[0] if own else self.told.get("num")),
                "status_there": self.told.get("approve_status")}  # fmt: skip


# --- what it wrote becomes items


def of_trade(told: Mapping[str, Any]) -> Item:
    there, updated = str(told["status"]), str(from_local(told["modified"]))
    lines = (told.get("orders") or {}).get("order") or ()
    return Item(str(told["tid"]), updated, order(
        number=str(told["tid"]), status=STATUS.get(there, "new"), status_there=there,
        placed_at=from_local(told.get("created")), paid_at=from_local(told.get("pay_time")), updated_at=updated,
        currency="CNY", total=exact(told.get("payment")), shipping=exact(told.get("post_fee")),
        discount=exact(told.get("discount_fee")),
        buyer=buyer(id=said(told.get("buyer_open_uid")), name=said(told.get("buyer_nick"))),
        recipient=recipient(
            name=said(told.get("receiver_name")), phone=said(told.get("receiver_mobile") or told.get("receiver_phone")),
            country="CN", province=said(told.get("receiver_state")), city=said(told.get("receiver_city")),
            district=said(told.get("receiver_district")), street=said(told.get("receiver_address")),
            postcode=said(told.get("receiver_zip")),
        ),
        lines=[_line(one) for one in lines], note=said(told.get("buyer_message")), gift=False, raw=told,
    ))  # fmt: skip


def _line(told: Mapping[str, Any]) -> dict[str, Any]:
    return line(id=said(told.get("oid")), sku=said(told.get("outer_sku_id") or told.get("outer_iid")),
                name=said(told.get("title")), quantity=exact(told.get("num")), price=exact(told.get("price")),
                total=exact(told.get("total_fee")))  # fmt: skip


def _sent(told: Mapping[str, Any]) -> set[str]:
    """The tracking numbers that Taobao knows of a trade."""
    return {str(one["invoice_no"]) for one in (told.get("orders") or {}).get("order") or () if one.get("invoice_no")}


def _no(reason: Message) -> DeliveryFailed:
    return DeliveryFailed(reason, again=False)
