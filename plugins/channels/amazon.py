"""Amazon by its Selling Partner API: orders, listings and stock of a seller; there are no webhooks."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from engine.api import (
    Answer,
    Call,
    DeliveryFailed,
    Duration,
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
from plugins.channels import amazon_items as shapes
from plugins.channels.asking import (
    HEARD,
    Shop,
    Shown,
    before,
    data_of,
    done,
    look,
    refused,
    secret,
    signed_in,
    wait_of,
)
from plugins.channels.channel import ORDERS, PRODUCTS, STOCKS
from plugins.channels.items import (
    moment,
    utc,
    whole,
)

SETTLED = dt.timedelta(minutes=2)  # what was changed later is not told yet
TOKEN_GOOD = dt.timedelta(hours=23)  # of a page: Amazon keeps it for 24 hours
PERSONAL = ("BUYER", "RECIPIENT")
TRIES = 3  # to begin a list anew whose pages are not known any more
_SEARCH, _ORDER = "/orders/2026-01-01/orders", "/orders/2026-01-01/orders/{}"
_CONFIRM, _LISTING = "/orders/v0/orders/{}/shipmentConfirmation", "/listings/2021-08-01/items/{}/{}"
_LISTINGS, _INVENTORY = "/listings/2021-08-01/items/{}", "/fba/inventory/v1/summaries"


@dataclass(frozen=True, kw_only=True)
class AmazonConnection(Shop):
    """A seller at Amazon who ships by himself; orders are asked for, stock and listings set."""

    type: ClassVar[str] = "amazon_sp"
    region: Literal["na", "eu", "fe"] = option(
        "North America (`na`), Europe with India and the Middle East (`eu`), or the Far East (`fe`).", "na"
    )
    base_url: str | None = option("Where it is called. Default: the host of the region.", None)
    token_url: str = option("Where tokens are asked for.", "https://api.amazon.com/auth/o2/token")
    seller_id: str = option("The seller's own number, such as A2EXAMPLE1234.", minLength=1)
    marketplaces: tuple[str, ...] = option(
        "The marketplaces, such as ATVPDKIKX0DER; listings are set in the first.", minItems=1
    )
    client_id: str = option("The client ID of the application (LWA).", minLength=1)
    client_secret: Secret = option("Its client secret.")
    refresh_token: Secret = option("The token by which the seller lets the application in.")
    personal: bool = option(
        "Names and addresses of buyers are read; the application needs Amazon's consent for it.", True
    )

    # --- what feeds read

    def readings(self) -> Mapping[str, Reading]:
        return {"orders": ORDERS, "products": PRODUCTS, "stock": STOCKS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """As published. The five changes of listings a second are shared between what changes them, each of which looks
        at the listing before and after."""
        second = Duration(1, "s")
        return {
            "orders": Rate(calls=1, per=Duration(180, "s"), burst=20),
            "products": Rate(calls=2, per=second, burst=2), "stock": Rate(calls=2, per=second, burst=2),
            "ship": Rate(calls=1, per=Duration(2, "s"), burst=10), "set_stock": Rate(calls=1, per=second, burst=2),
            "pause": Rate(calls=1, per=Duration(2, "s")), "resume": Rate(calls=1, per=Duration(2, "s")),
            "listing": Rate(calls=1, per=second, burst=2),
        }  # fmt: skip

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"since": utc(span.since), "until": utc(span.until)}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        if _too_soon(cursor, surroundings.now()):
            return Part([], cursor, False)
        surroundings.turn(reading)
        how = {"orders": self._orders, "products": self._products, "stock": self._stock}[reading]
        try:
            return how(cursor, task, surroundings)
        except DeliveryFailed as failure:
            tries = cursor.get("tries", 0)
            if not cursor.get("token") or failure.again or tries >= TRIES:
                raise
        again = {**_plain(cursor), "tries": tries + 1}  # from the start: these pages are not known any more
        return Part([], again, True)

    def _orders(self, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        now, token = surroundings.now(), _fresh(cursor, surroundings.now())
        query = {
            "lastUpdatedAfter": cursor["since"], "lastUpdatedBefore": cursor.get("until"),
            "marketplaceIds": ",".join(self.marketplaces), "maxResultsPerPage": 100, "paginationToken": token,
            "includedData": ",".join((*(PERSONAL if self.personal else ()), "FULFILLMENT", "PROCEEDS", "PACKAGES")),
        }  # fmt: skip
        body = self._get(_SEARCH, query, task, surroundings)
        items = [shapes.of_order(one) for one in _list(body, "orders", _SEARCH)]
        upto = (cursor.get("upto") if token else None) or utc(body.get("lastUpdatedBefore")) or utc(now - SETTLED)
        onward = (body.get("pagination") or {}).get("nextToken")
        if onward:
            return Part(items, _turned(cursor, onward, now, upto=upto), True)
        return Part(items, {**_plain(cursor), "since": max(cursor["since"], str(upto))}, False)

    def _products(self, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        now, token = surroundings.now(), _fresh(cursor, surroundings.now())
        path = _LISTINGS.format(quote(self.seller_id, safe=""))
        query = {
            "marketplaceIds": self.marketplaces[0],
            "lastUpdatedAfter": cursor["since"], "lastUpdatedBefore": cursor.get("until"),
            "includedData": "summaries,offers,fulfillmentAvailability", "sortBy": "lastUpdatedDate", "sortOrder": "ASC",
            "pageSize": 20, "pageToken": token,
        }  # fmt: skip
        body = self._get(path, query, task, surroundings)
        items = [shapes.of_listing(one) for one in _list(body, "items", path)]
        last = max([cursor.get("upto") or "", cursor["since"], *(item.version for item in items)])
        onward = (body.get("pagination") or {}).get("nextToken")
        if onward:
            return Part(items, _turned(cursor, onward, now, upto=last), True)
        cut = body.get("numberOfResults", 0) >= 1000 and last > cursor["since"]  # no list is longer than that
        return Part(items, {**_plain(cursor), "since": last}, cut)

    def _stock(self, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """What lies in Amazon's own warehouses."""
        market, token = self.marketplaces[0], cursor.get("token")
        query = {"details": "true", "granularityType": "Marketplace", "granularityId": market, "marketplaceIds": market,
                 "nextToken": token}  # fmt: skip
        body = self._get(_INVENTORY, query, task, surroundings)
        items = [shapes.of_stock(one) for one in _list(body.get("payload") or {}, "inventorySummaries", _INVENTORY)]
        onward = (body.get("pagination") or {}).get("nextToken")
        now = surroundings.now()
        return Part(items, _turned(cursor, onward, now) if onward else _plain(cursor), bool(onward))

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        market = self.marketplaces[0]
        query = {"granularityType": "Marketplace", "granularityId": market, "marketplaceIds": market}
        self._get(_INVENTORY, query, task, surroundings)
        return message("Amazon lets the application in for {marketplace}.", marketplace=market)

    def ship(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        number, reference = str(values["number"]), shapes.package_reference(str(values["tracking"]))
        path = _ORDER.format(quote(number, safe=""))
        body = self._get(path, {"includedData": "FULFILLMENT,PACKAGES"}, task, surroundings)
        there = body.get("order")
        if not isinstance(there, dict):
            raise refused(path, 200, str(body)[:200], again=True)
        mine = any(one.get("packageReferenceId") == reference for one in there.get("packages") or ())
        if mine or there["fulfillment"]["fulfillmentStatus"] == "SHIPPED":
            return {"shipment": reference}
        lines = shapes.left(there, values.get("lines"))
        if not lines:
            raise DeliveryFailed(message("{number}: nothing of it is left to ship.", number=number), again=False)
        detail = {
            "packageReferenceId": reference, "carrierCode": values["carrier"], "carrierName": values["carrier"],
            "trackingNumber": values["tracking"], "shipDate": utc(values.get("at") or surroundings.now()),
            "orderItems": lines,
        }  # fmt: skip
        market = (there.get("salesChannel") or {}).get("marketplaceId") or self.marketplaces[0]
        told = {"marketplaceId": market, "packageDetail": detail}
        call = Call(path=_CONFIRM.format(quote(number, safe="")), json=told, expect=HEARD, part="ship")
        self._said(call, task, surroundings)
        return {"shipment": reference}

    def listing(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        return shapes.shown(self._item(values["sku"], task, surroundings))

    def set_stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        quantity = whole(values["quantity"])
        return self._set(values["sku"], self._item(values["sku"], task, surroundings), quantity, task, surroundings)

    def pause(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        there = self._item(values["sku"], task, surroundings)
        was = before(task, surroundings, {"quantity": shapes.shown(there)["quantity"]})
        result = self._set(values["sku"], there, 0, task, surroundings)
        done(task, surroundings)
        return {"was": was, **result}

    def resume(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        quantity = values.get("quantity") or (values.get("was") or {}).get("quantity")
        if quantity is None:
            raise DeliveryFailed(
                message("{sku} can be put back on sale with a quantity only.", sku=values["sku"]), again=False
            )
        there = self._item(values["sku"], task, surroundings)
        return self._set(values["sku"], there, whole(quantity), task, surroundings)

    # --- one listing

    def _item(self, sku: str, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        query = {"marketplaceIds": self.marketplaces[0], "includedData": "summaries,fulfillmentAvailability"}
        body: Mapping[str, Any] = self._get(self._place(sku), query, task, surroundings)
        return body

    def _place(self, sku: str) -> str:
        return _LISTING.format(quote(self.seller_id, safe=""), quote(sku, safe=""))

    def _set(
        self, sku: str, there: Mapping[str, Any], quantity: int, task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        """Amazon takes a change and carries it out later: ``verified`` is false where it is not seen yet."""
        if shapes.own(there) is None and any(
            one.get("fulfillmentChannelCode") != "DEFAULT" for one in shapes.availability(there)
        ):
            raise DeliveryFailed(
                message("{sku} lies in a warehouse of Amazon, which counts it by itself.", sku=sku), again=False
            )
        value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
        patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}
        kind = next((one["productType"] for one in there.get("summaries") or () if one.get("productType")), "PRODUCT")
        place = self._place(sku)
        call = Call(method="PATCH", path=place, query={"marketplaceIds": self.marketplaces[0]},
                    json={"productType": kind, "patches": [patch]}, expect=HEARD, part="stock")  # fmt: skip
        answer = self._said(call, task, surroundings)
        if answer.get("status") not in ("ACCEPTED", "VALID"):
            issues = "; ".join(str(one.get("message", one)) for one in answer.get("issues") or ())
            raise refused(place, str(answer.get("status")), issues)
        now = shapes.shown(self._item(sku, task, surroundings))
        return {"now": now, "verified": now["quantity"] == str(quantity)}

    # --- asking

    def _get(self, path: str, query: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Any:
        return self._said(Call(method="GET", path=path, query=query, expect=HEARD), task, surroundings)

    def _said(self, call: Call, task: Task, surroundings: Surroundings) -> Any:
        """The JSON of a success, {} of one without content. Raises DeliveryFailed."""
        base = (self.base_url or f"https://sellingpartnerapi-{self.region}.amazon.com").rstrip("/")
        place, writes = f"{base}{call.path}", call.method != "GET"

        def ask(token: str) -> Answer | None:
            line = self.line(base, Shown(header="x-amz-access-token", token=token))
            answer = (send if writes else look)(line, call, task, surroundings)
            return None if _expired(answer) else answer

        def sign_in() -> tuple[str, float]:
            return self._sign_in(task, surroundings)

        answer = signed_in(surroundings, sign_in, ask)
        if answer is None:
            raise DeliveryFailed(message("'{name}' is not let in: its token is refused.", name=self.name))
        if answer.status == 204:
            return {}
        if answer.status == 429:
            raise refused(place, 429, _words(answer), again=True, after=_throttled(answer))
        if answer.status >= 400:
            raise refused(place, answer.status, _words(answer))
        body = data_of(answer, place, writes=writes)
        if not isinstance(body, dict):
            raise refused(place, answer.status, _words(answer), again=True, unsure=writes)
        if body.get("errors"):
            raise refused(place, answer.status, _words(answer))
        return body

    def _sign_in(self, task: Task, surroundings: Surroundings) -> tuple[str, float]:
        given = {
            "grant_type": "refresh_token", "refresh_token": secret(self.refresh_token, self.token_url, surroundings),
            "client_id": self.client_id, "client_secret": secret(self.client_secret, self.token_url, surroundings),
        }  # fmt: skip
        answer = look(self.line(self.token_url), Call(form=given, expect=HEARD, part="token"), task, surroundings)
        body = data_of(answer, self.token_url)
        if not isinstance(body, dict) or not body.get("access_token"):
            raise refused(self.token_url, answer.status, _words(answer), again=answer.status == 429)
        return str(body["access_token"]), float(body.get("expires_in") or 3600)


# --- pure


def _plain(cursor: Mapping[str, Any]) -> dict[str, Any]:
    return {"since": cursor["since"], "until": cursor.get("until")}


def _turned(cursor: Mapping[str, Any], token: str, now: dt.datetime, **more: Any) -> dict[str, Any]:
    return {**_plain(cursor), "token": token, "at": utc(now), "tries": cursor.get("tries", 0), **more}


def _fresh(cursor: Mapping[str, Any], now: dt.datetime) -> str | None:
    """The token of the next page, as long as Amazon keeps it."""
    at = moment(cursor.get("at"))
    return cursor.get("token") if at is not None and now - at < TOKEN_GOOD else None


def _too_soon(cursor: Mapping[str, Any], now: dt.datetime) -> bool:
    """Whether a span ends later than may be asked for, or is read already."""
    until = moment(cursor.get("until"))
    since = moment(cursor.get("since"))
    return until is not None and (until > now - SETTLED or (since is not None and since >= until))


def _list(body: Mapping[str, Any], name: str, place: str) -> Sequence[Mapping[str, Any]]:
    """Raises DeliveryFailed for an answer without the list: that is not an empty one."""
    found = body.get(name)
    if not isinstance(found, list):
        raise refused(place, 200, str(body)[:200], again=True)
    return found


def _words(answer: Answer) -> str:
    body = answer.json
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, list):
        return "; ".join(_error(one) for one in errors)
    if isinstance(body, dict) and "error" in body:  # of the sign-in
        return ": ".join(str(body[name]) for name in ("error", "error_description") if name in body)
    return " ".join((answer.text or "").split())


def _error(told: Any) -> str:
    parts = [told.get(name) for name in ("code", "message", "details")] if isinstance(told, dict) else [told]
    return " ".join(str(part) for part in parts if part)


def _expired(answer: Answer) -> bool:
    return answer.status == 401 or (answer.status == 403 and "expired" in _words(answer).lower())


def _throttled(answer: Answer) -> float:
    """Seconds until there is room again: the rate stands in a header, calls a second."""
    rate = answer.headers.get("x-amzn-ratelimit-limit", "")
    usual = 1 / float(rate) if re.fullmatch(r"\d*\.?\d+", rate) and float(rate) > 0 else 2.0
    return wait_of(answer, usual)
