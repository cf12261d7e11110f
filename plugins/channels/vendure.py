"""Vendure by its Admin API in GraphQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from engine.api import (
    Answer,
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
)
from plugins.channels import following
from plugins.channels import vendure_items as shapes
from plugins.channels.asking import (
    HEARD,
    Shop,
    Shown,
    TooLong,
    before,
    done,
    look,
    only,
    refused,
    secret,
    signed_in,
    wait_of,
)
from plugins.channels.channel import ORDERS, PRODUCTS, STOCKS
from plugins.channels.graphql import codes, errors_of, is_write, post, words
from plugins.channels.items import (
    buyer,
    exact,
    line,
    moment,
    order,
    product,
    recipient,
    said,
    together,
    utc,
    whole,
)

SIGNED_IN = 12 * 3600.0  # seconds a sign-in is used; Vendure keeps it for a year unless it is told otherwise
PAGE = 50
STATUS = {
    "Created": "new", "Draft": "new", "AddingItems": "new", "ArrangingPayment": "new", "PaymentAuthorized": "new",
    "PaymentSettled": "paid", "PartiallyShipped": "paid", "Modifying": "paid", "ArrangingAdditionalPayment": "paid",
    "Shipped": "shipped", "PartiallyDelivered": "shipped", "Delivered": "done", "Cancelled": "cancelled",
}  # fmt: skip
GONE = ("Cancelled",)  # the states of a fulfilment that is none any more


@dataclass(frozen=True, kw_only=True)
class VendureConnection(Shop):
    """A shop of Vendure: orders, stock, listings, shipments."""

    type: ClassVar[str] = "vendure"
    base_url: str = option("The address of its Admin API, such as https://shop.example.com/admin-api.", minLength=8)
    user: str = option("The administrator to sign in as.", minLength=1)
    password: Secret = option("The administrator's password.")
    channel: str | None = option("The token of the channel, where it is not the default one.", None)
    location: str | None = option(
        "The location whose stock is set, by its name or number. Default: the only one that stocks the article.", None
    )
    handler: str = option("The code of the fulfilment handler by which orders are shipped.", "manual-fulfillment")
    digits: int = option("How many digits of an amount stand behind the point.", 2, minimum=0, maximum=4)

    # --- what feeds read

    def readings(self) -> Mapping[str, Reading]:
        """A variant does not count as changed when its stock does, so both lists are read from end to end."""
        return {"orders": ORDERS, "products": replace(PRODUCTS, spans=False), "stock": STOCKS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """Vendure has no limit of its own; this is what a small host bears."""
        return {"all": Rate(calls=5, per=Duration(1, "s"), burst=10)}

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return following.begin(span, PAGE) if reading == "orders" else {"skip": 0}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        surroundings.turn(reading)
        if reading != "orders":
            return self._listed(reading, cursor, task, surroundings)
        wanted = following.wanted(cursor)
        options = {"take": wanted.size, "sort": {"updatedAt": "ASC"}, "filter": _changed(wanted)}
        try:
            found = self._ask(shapes.ORDERS_DOCUMENT, {"options": options}, task, surroundings)["orders"]
        except TooLong as failure:
            return following.smaller(cursor, failure)
        rows = [(str(one["id"]), str(utc(one["updatedAt"]))) for one in found["items"]]
        items = [self._order(one) for one in found["items"] if one["orderPlacedAt"]]
        return following.onward(cursor, rows, int(found["totalItems"]), items)

    def _listed(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """A page of all variants in the order of their ids. When there are fewer of them than before, those behind have
        moved up, and the list is begun anew."""
        options = {"take": PAGE, "skip": cursor["skip"], "sort": {"id": "ASC"}}
        found = self._ask(shapes.VARIANTS_DOCUMENT, {"options": options}, task, surroundings)["productVariants"]
        total, until = int(found["totalItems"]), cursor["skip"] + len(found["items"])
        if cursor["skip"] and total < cursor["total"]:
            return Part([], {"skip": 0}, True)
        told = [one for one in found["items"] if one["sku"]]
        items = [
            item for one in told for item in ([self._product(one)] if reading == "products" else shapes.stocks(one))
        ]
        more = until < total and bool(found["items"])
        return Part(items, {"skip": until, "total": total} if more else {"skip": 0}, more)

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        found = self._ask(shapes.ME, {}, task, surroundings)
        return message(
            "Signed in as {user}; the channel is {channel}, it sells in {currency}.", user=found["me"]["identifier"],
            channel=found["activeChannel"]["code"], currency=found["activeChannel"]["defaultCurrencyCode"],
        )  # fmt: skip

    def ship(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        options = {"take": 2, "filter": {"code": {"eq": str(values["number"])}}}
        found = self._ask(shapes.TO_SHIP, {"options": options}, task, surroundings)["orders"]["items"]
        if len({one["id"] for one in found}) != 1:
            raise DeliveryFailed(
                message("'{name}' has no order {number}.", name=self.name, number=values["number"]), again=False
            )
        there = found[0]
        shipped = [one for one in there["fulfillments"] or () if one["state"] not in GONE]
        mine = next((one for one in shipped if one["trackingCode"] == values["tracking"]), None)
        lines = shapes.left_of(there, shipped, values.get("lines"))
        if mine is None and not lines:
            if shipped and not values.get("lines"):
                return {"shipment": str(shipped[-1]["id"])}
            raise DeliveryFailed(
                message("{number}: nothing of it is left to ship.", number=values["number"]), again=False
            )
        if mine is None:
            mine = self._fulfil(lines, values, task, surroundings)
        if mine["state"] in ("Created", "Pending"):
            _succeeded(self._ask(shapes.SENT, {"id": mine["id"]}, task, surroundings, part="sent"), self.base_url)
        return {"shipment": str(mine["id"])}

    def _fulfil(
        self, lines: Sequence[Mapping[str, Any]], values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        told = {"method": str(values["carrier"]), "trackingCode": str(values["tracking"])}
        handler = {"code": self.handler, "arguments": [{"name": name, "value": value} for name, value in told.items()]}
        data = self._ask(
            shapes.FULFIL, {"input": {"lines": lines, "handler": handler}}, task, surroundings, part="ship"
        )
        return _succeeded(data, self.base_url)

    def listing(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        return self._shown(self._variant(values["sku"], task, surroundings))

    def set_stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there, quantity = self._variant(values["sku"], task, surroundings), whole(values["quantity"])
        return self._change(there, self._stocked(there, quantity), {"quantity": str(quantity)}, task, surroundings)

    def pause(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there = self._variant(values["sku"], task, surroundings)
        was = before(task, surroundings, {"enabled": there["enabled"] or task.attempt > 1})
        result = self._change(there, {"enabled": False}, {"listed": False}, task, surroundings)
        done(task, surroundings)
        return {"was": was, **result}

    def resume(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there = self._variant(values["sku"], task, surroundings)
        enabled = (values.get("was") or {}).get("enabled", True)
        change: dict[str, Any] = {"enabled": enabled}
        wanted: dict[str, Any] = {"enabled": enabled}
        if values.get("quantity") is not None:
            quantity = whole(values["quantity"])
            change |= self._stocked(there, quantity)
            wanted["quantity"] = str(quantity)
        return self._change(there, change, wanted, task, surroundings)

    # --- one listing

    def _variant(self, sku: str, task: Task, surroundings: Surroundings) -> Any:
        options = {"take": 10, "filter": {"sku": {"eq": sku}}}
        found = self._ask(shapes.VARIANTS_DOCUMENT, {"options": options}, task, surroundings)["productVariants"][
            "items"
        ]
        return only([one for one in found if one["sku"] == sku], sku, self.name)

    def _level(self, there: Mapping[str, Any]) -> Mapping[str, Any]:
        """The stock of a variant at the location that is meant."""
        levels = [one for one in there["stockLevels"]
                  if self.location in (None, one["stockLocation"]["name"], one["stockLocation"]["id"])]  # fmt: skip
        if len(levels) != 1:
            raise DeliveryFailed(
                message("'{name}': it is not clear at which location the stock of {sku} stands; name it in `location`.",
                        name=self.name, sku=there["sku"]), again=False
            )  # fmt: skip
        found: Mapping[str, Any] = levels[0]
        return found

    def _stocked(self, there: Mapping[str, Any], quantity: int) -> Mapping[str, Any]:
        """What lies there so that ``quantity`` can be sold: what is sold and not shipped yet lies there too."""
        level = self._level(there)
        on_hand = quantity + int(level["stockAllocated"])
        return {"stockLevels": [{"stockLocationId": level["stockLocation"]["id"], "stockOnHand": on_hand}]}

    def _shown(self, there: Mapping[str, Any]) -> dict[str, Any]:
        enabled, left = bool(there["enabled"] and there["product"]["enabled"]), shapes.free(self._level(there))
        unlimited = there["trackInventory"] == "FALSE"
        return {"listed": enabled and (unlimited or left > 0), "quantity": str(left), "enabled": bool(there["enabled"])}

    def _change(
        self, there: Mapping[str, Any], change: Mapping[str, Any], wanted: Mapping[str, Any], task: Task,
        surroundings: Surroundings,
    ) -> Mapping[str, Any]:  # fmt: skip
        """Write what is to be, and look whether it is."""
        self._ask(shapes.CHANGE, {"input": [{"id": there["id"], **change}]}, task, surroundings, part="listing")
        now = self._shown(self._variant(there["sku"], task, surroundings))
        return {"now": now, "verified": all(now[name] == value for name, value in wanted.items())}

    # --- asking

    def _ask(
        self, document: str, variables: Mapping[str, Any], task: Task, surroundings: Surroundings, *, part: str = ""
    ) -> Any:
        """``data`` of the answer. Raises DeliveryFailed."""
        base, writes = self.base_url.rstrip("/"), is_write(document)

        def ask(token: str) -> Answer | None:
            line = self.line(base, Shown(header="Authorization", token=f"Bearer {token}"))
            answer = post(line, "", document, variables, task, surroundings, part=part, headers=self._channel)
            # an expired sign-in is answered like a missing permission
            expired = answer.status == 401 or "FORBIDDEN" in codes(errors_of(answer, base, writes=writes))
            return None if expired else answer

        answer = signed_in(surroundings, lambda: self._sign_in(task, surroundings), ask)
        if answer is None:
            raise DeliveryFailed(message("'{name}': {user} may not do that there.", name=self.name, user=self.user))
        _no_errors(answer, base, writes=writes)
        data: Any = answer.json["data"]
        return data

    @property
    def _channel(self) -> Mapping[str, str]:
        return {"vendure-token": self.channel} if self.channel else {}

    def _sign_in(self, task: Task, surroundings: Surroundings) -> tuple[str, float]:
        base = self.base_url.rstrip("/")
        given = {"username": self.user, "password": secret(self.password, base, surroundings)}
        call = Call(json={"query": shapes.LOGIN, "variables": given}, expect=HEARD, part="token")
        answer = look(self.line(base), call, task, surroundings)
        _no_errors(answer, base, writes=False)
        found = answer.json["data"]["login"]
        token = answer.headers.get("vendure-auth-token", "")
        if found.get("errorCode") or not token:
            raise refused(base, str(found.get("errorCode") or answer.status), str(found.get("message") or "no token"))
        return token, SIGNED_IN

    # --- what it wrote becomes items

    def _order(self, told: Mapping[str, Any]) -> Item:
        customer, address = told["customer"] or {}, told["shippingAddress"] or {}
        updated, there = str(utc(told["updatedAt"])), str(told["state"])
        status, placed = STATUS.get(there, "new"), utc(told["orderPlacedAt"])
        off = sum(one["linePriceWithTax"] for one in told["lines"]) - told["subTotalWithTax"]
        return Item(str(told["id"]), updated, order(
            number=told["code"], status=status, status_there=there,
            placed_at=placed, paid_at=placed if status in ("paid", "shipped", "done") else None, updated_at=updated,
            currency=told["currencyCode"], total=self._amount(told["totalWithTax"]),
            shipping=self._amount(told["shippingWithTax"]),
            discount=self._amount(max(off, 0)),
            buyer=buyer(id=said(customer.get("id")), name=together(customer.get("firstName"), customer.get("lastName")),
                        phone=said(customer.get("phoneNumber")), email=said(customer.get("emailAddress"))),
            recipient=recipient(
                name=said(address.get("fullName")), phone=said(address.get("phoneNumber")),
                country=said(address.get("countryCode")), province=said(address.get("province")),
                city=said(address.get("city")),
                street=together(address.get("streetLine1"), address.get("streetLine2"), between=", "),
                postcode=said(address.get("postalCode")),
            ),
            lines=[self._line(one) for one in told["lines"] if one["quantity"]],
            note=None, gift=False, raw=told,
        ))  # fmt: skip

    def _line(self, told: Mapping[str, Any]) -> dict[str, Any]:
        thing, total = told["productVariant"], told["discountedUnitPriceWithTax"] * told["quantity"]
        return line(
            id=str(told["id"]), sku=said(thing["sku"]), name=said(thing["name"]), quantity=str(told["quantity"]),
            price=self._amount(told["unitPriceWithTax"]), total=self._amount(total),
        )  # fmt: skip

    def _product(self, told: Mapping[str, Any]) -> Item:
        left, updated = sum(map(shapes.free, told["stockLevels"])), str(utc(told["updatedAt"]))
        listed = told["enabled"] and told["product"]["enabled"] and (told["trackInventory"] == "FALSE" or left > 0)
        return Item(str(told["id"]), updated, product(
            sku=told["sku"], name=said(told["name"]), listed=bool(listed), quantity=str(left),
            price=self._amount(told["priceWithTax"]), updated_at=updated, raw=told,
        ))  # fmt: skip

    def _amount(self, minor: int) -> str | None:
        """Vendure writes amounts as whole numbers of the smallest coin."""
        return exact(Decimal(minor).scaleb(-self.digits))


# --- pure


def _changed(wanted: following.Wanted) -> Mapping[str, Any]:
    """Vendure's ``after`` leaves out its own moment, so it is asked from one millisecond before."""
    since, until = _earlier(wanted.since), {"before": wanted.until} if wanted.until else {}
    seen = {"id": {"notIn": list(wanted.seen)}} if wanted.seen else {}
    return {"updatedAt": {"after": since, **until}, **seen, "active": {"eq": False}}


def _earlier(text: str) -> str:
    at = moment(text)
    return text if at is None else str(utc(at - dt.timedelta(milliseconds=1)))


def _no_errors(answer: Answer, place: str, *, writes: bool) -> None:
    errors = errors_of(answer, place, writes=writes)
    if answer.status == 429:
        raise refused(place, 429, words(errors), again=True, after=wait_of(answer, 5.0))
    if errors:
        broken = answer.status >= 500 or "INTERNAL_SERVER_ERROR" in codes(errors)
        raise refused(place, answer.status, words(errors), again=broken, unsure=broken and writes)


def _succeeded(data: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The one result of a mutation. Raises DeliveryFailed for an error that is answered as a result."""
    found = next(iter(data.values()))
    if found.get("errorCode"):
        raise refused(place, str(found["errorCode"]), str(found.get("message", "")))
    result: Mapping[str, Any] = found
    return result
