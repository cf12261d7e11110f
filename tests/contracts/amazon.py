"""Amazon's Selling Partner API as a seller who ships himself meets it: Orders 2026-01-01 (reading), Orders v0
(shipmentConfirmation), Listings Items 2021-08-01, FBA Inventory v1 and Login with Amazon.

Names, required fields, enumerations and usage plans are those of the vendor's published models (selling-partner-api-models,
orders_2026-01-01.json, ordersV0.json, listingsItems_2021-08-01.json, fbaInventory.json). A patched listing is ACCEPTED
and seen only after ``processing``.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from contracts.amazon_shapes import DATASETS, STATUS, item, order_of, stamp
from contracts.shop import GOODS, Order, Package, Row, Shop, since, until
from contracts.vendor import Asked, Bucket, Effect, Said, said

MARKETPLACE, SELLER = "ATVPDKIKX0DER", "A2TEASANDCUPS"
TOKEN_LIFE, PAGE_LIFE = dt.timedelta(hours=1), dt.timedelta(hours=24)
LAG = dt.timedelta(minutes=2)  # createdBefore and lastUpdatedBefore are so old at least, given or not
SEARCH = frozenset(["createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore", "fulfillmentStatuses", "marketplaceIds", "fulfilledBy", "maxResultsPerPage", "paginationToken", "includedData"])
RATES = {  # operation: calls a second, burst
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "confirmShipment": (2.0, 10),
    "patchListingsItem": (5.0, 5),
    "getListingsItem": (5.0, 10),
    "getInventorySummaries": (2.0, 2),
}
ROUTES = (
    ("GET", re.compile(r"/orders/2026-01-01/orders"), "searchOrders"),
    ("GET", re.compile(r"/orders/2026-01-01/orders/([^/]+)"), "getOrder"),
    ("POST", re.compile(r"/orders/v0/orders/([^/]+)/shipmentConfirmation"), "confirmShipment"),
    ("PATCH", re.compile(r"/listings/2021-08-01/items/([^/]+)/([^/]+)"), "patchListingsItem"),
    ("GET", re.compile(r"/listings/2021-08-01/items/([^/]+)/([^/]+)"), "getListingsItem"),
    ("GET", re.compile(r"/fba/inventory/v1/summaries"), "getInventorySummaries"),
)


class Bad(Exception):
    """The request is refused with this status and code."""

    def __init__(self, message: str, status: int = 400, code: str = "InvalidInput") -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Page:
    """What a pagination token stands for: orders up to ``before``, after the row ``last``."""

    query: Mapping[str, str]
    before: dt.datetime
    last: Row
    made: dt.datetime


class Amazon(Shop):
    own_mishaps = (*Shop.own_mishaps, "expired_token", "error_inside", "limited")

    def __init__(
        self,
        clock: Callable[[], dt.datetime] | None = None,
        goods: Sequence[tuple[str, str, str, int]] = GOODS,
        *,
        client_id: str = "amzn1.application-oa2-client.test",
        client_secret: str = "amzn1.oa2-cs.v1.test",
        refresh_token: str = "Atzr|test",
        rates: Mapping[str, tuple[float, float]] | None = None,
        processing: dt.timedelta = dt.timedelta(seconds=15),
        pii: bool = True,
    ) -> None:
        """``rates`` replace those of the usage plan; without the role (``pii``) buyer and recipient stay out."""
        super().__init__(clock, goods)
        self.client = (client_id, client_secret, refresh_token)
        self.tokens: dict[str, dt.datetime] = {}
        self.buckets = {name: Bucket(*rate) for name, rate in {**RATES, **(rates or {})}.items()}
        self.pages: dict[str, Page] = {}
        self.processing, self.pii = processing, pii
        self.submitted: list[tuple[dt.datetime, str, int]] = []  # when it is seen, SKU, quantity

    def number(self, number: int) -> str:
        return f"701-{number:07d}-{(number * 7919) % 10_000_000:07d}"

    def saleable(self, sku: str) -> int:
        self.settle()
        return self.stock[sku]

    def settle(self) -> None:
        """What was submitted long enough ago is seen now."""
        while self.submitted and self.submitted[0][0] <= self.clock():
            _, sku, quantity = self.submitted.pop(0)
            self.stock[sku] = quantity

    # HTTP

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/auth/o2/token":
            return self._grant(asked)
        self.settle()
        try:
            with self.skewed(asked):
                return self._operation(asked)
        except Bad as bad:
            self.refuse(str(bad))
            return self._said({"errors": [{"code": bad.code, "message": str(bad), "details": ""}]}, bad.status)

    def _said(self, data: Any, status: int = 200, rate: float | None = None) -> Said:
        headers = {"x_amzn_RequestId": secrets.token_hex(8), **({"x_amzn_RateLimit_Limit": f"{rate}"} if rate is not None else {})}
        return Said(204, b"", {}) if status == 204 else said(data, status, **headers)

    def _grant(self, asked: Asked) -> Said:
        told = asked.form
        if asked.method != "POST" or told.get("grant_type") != "refresh_token":
            return said({"error": "unsupported_grant_type", "error_description": self.refuse("grant_type is not refresh_token")}, 400)
        if (told.get("client_id"), told.get("client_secret")) != self.client[:2]:
            return said({"error": "invalid_client", "error_description": self.refuse("Client authentication failed")}, 401)
        if told.get("refresh_token") != self.client[2]:
            return said({"error": "invalid_grant", "error_description": self.refuse("The request has an invalid grant parameter : refresh_token")}, 400)
        token = f"Atza|{secrets.token_hex(16)}"
        self.tokens[token] = self.clock() + TOKEN_LIFE
        return said({"access_token": token, "refresh_token": self.client[2], "token_type": "bearer", "expires_in": 3600})

    def _operation(self, asked: Asked) -> Said:
        method, path = asked.method, asked.path
        matched = [(verb, pattern.fullmatch(path), name) for verb, pattern, name in ROUTES if pattern.fullmatch(path)]
        if not matched:
            raise Bad(f"{path} is not found", 404, "NotFound")
        found = next(((match, name) for verb, match, name in matched if verb == method), None)
        if found is None:
            raise Bad(f"{method} is not allowed", 405, "MethodNotAllowed")
        match, name = found
        assert match is not None
        self._admit(asked)
        rate = self.buckets[name].rate
        if self.strikes("limited", asked) or self.buckets[name].take(self.clock()):
            self.limited += 1
            return self._said({"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota for the requested resource.", "details": ""}]}, 429, rate)
        self.asked.append(asked)
        handlers: dict[str, Callable[..., tuple[Any, int]]] = {
            "searchOrders": self._search,
            "getOrder": self._get,
            "confirmShipment": self._confirm,
            "patchListingsItem": self._patch,
            "getListingsItem": self._listing,
            "getInventorySummaries": self._summaries,
        }
        data, status = handlers[name](asked, *match.groups())
        return self._said(data, status, rate)

    def _admit(self, asked: Asked) -> None:
        token = asked.headers.get("x-amz-access-token", "")
        if token in self.tokens and self.strikes("expired_token", asked):
            del self.tokens[token]
        if token not in self.tokens or self.clock() >= self.tokens[token]:
            raise Bad("The access token you provided has expired." if token else "Access token is missing in the request header.", 403, "Unauthorized")

    # Orders

    def _search(self, asked: Asked) -> tuple[Any, int]:
        query = self._query(asked, SEARCH)
        page = None
        if token := query.pop("paginationToken", None):
            page = self.pages.get(token)
            if page is None or self.now() - page.made > PAGE_LIFE or {**page.query, **query} != page.query:
                raise Bad("paginationToken is expired, unknown or of another request")
            query = dict(page.query)
        wanted = self._wanted(query)
        room = self._room(query)
        line = self.created if "createdAfter" in query else self.updated
        before = page.before if page else self._time(query, "createdBefore") or self._time(query, "lastUpdatedBefore") or self.now() - LAG
        rows, start, end = self._between(line, query, before, page)
        if page and self.disturb(asked, rows[start:end]):
            rows, start, end = self._between(line, query, before, page)
        shown = self.repeated(asked, rows, start, min(start + room, end))
        answer: dict[str, Any] = {"orders": [order_of(self.orders[number], wanted, self.pii) for _, number in shown]}
        answer["createdBefore" if line is self.created else "lastUpdatedBefore"] = stamp(before)
        if start + room < end:
            token = secrets.token_urlsafe(24)
            self.pages[token] = Page(query, before, rows[start + room - 1], self.now())
            answer["pagination"] = {"nextToken": token}
        return answer, 200

    def _query(self, asked: Asked, known: frozenset[str]) -> dict[str, str]:
        names = [name for name, _ in asked.query]
        for name in names:
            if name not in known:
                raise Bad(f"'{name}' is not a known parameter")
            if names.count(name) > 1:
                raise Bad(f"'{name}' is given more than once: lists are separated by commas")
        return asked.params

    def _between(self, line: Any, query: Mapping[str, str], before: dt.datetime, page: Page | None) -> tuple[Sequence[Row], int, int]:
        after = self._time(query, "createdAfter") or self._time(query, "lastUpdatedAfter")
        told = "createdBefore" in query or "lastUpdatedBefore" in query
        if told and (before > self.now() - LAG or (after and before < after)):
            raise Bad("createdBefore and lastUpdatedBefore must be after the start and at least two minutes before now")
        if (after is None) or ("createdAfter" in query) == ("lastUpdatedAfter" in query) or ("createdBefore" in query and "createdAfter" not in query) or ("lastUpdatedBefore" in query and "lastUpdatedAfter" not in query):
            raise Bad("exactly one of createdAfter and lastUpdatedAfter must be given, and a Before only with its After")
        statuses = frozenset(self._list(query, "fulfillmentStatuses", (*STATUS.values(), "PENDING_AVAILABILITY", "UNFULFILLABLE")))
        others = self._list(query, "fulfilledBy", ("MERCHANT", "AMAZON")), self._list(query, "marketplaceIds", None)
        none = (others[0] and "MERCHANT" not in others[0]) or (others[1] and MARKETPLACE not in others[1])
        rows = [] if none else line.rows(statuses or None, (lambda number: STATUS[self.orders[number].state] in statuses) if statuses else None)
        start = bisect_right(rows, page.last) if page else since(rows, after)
        return rows, start, max(start, until(rows, before))

    def _wanted(self, query: Mapping[str, str]) -> frozenset[str]:
        return frozenset(self._list(query, "includedData", DATASETS))

    def _list(self, query: Mapping[str, str], name: str, known: Sequence[str] | None) -> tuple[str, ...]:
        values = tuple(query[name].split(",")) if name in query else ()
        wrong = [value for value in values if known is not None and value not in known]
        if wrong:
            raise Bad(f"'{wrong[0]}' is not a valid value of {name}")
        return values

    def _room(self, query: Mapping[str, str]) -> int:
        told = query.get("maxResultsPerPage", "100")
        if not told.isascii() or not told.isdigit() or not 1 <= int(told) <= 100:
            raise Bad("maxResultsPerPage must be between 1 and 100")
        return int(told)

    def _time(self, query: Mapping[str, str], name: str) -> dt.datetime | None:
        if name not in query:
            return None
        try:
            at = dt.datetime.fromisoformat(query[name])
        except ValueError:
            raise Bad(f"{name} is not a date and time of ISO 8601") from None
        if at.tzinfo is None:
            raise Bad(f"{name} has no time zone")
        return at

    def _get(self, asked: Asked, number: str) -> tuple[Any, int]:
        wanted = self._wanted(self._query(asked, frozenset(["includedData"])))
        return {"order": order_of(self._order(number), wanted, self.pii)}, 200

    def _order(self, number: str) -> Order:
        if not re.fullmatch(r"\d{3}-\d{7}-\d{7}", number):
            raise Bad(f"{number} is not an order number")
        if number not in self.by_no:
            raise Bad(f"Order {number} is not found", 404, "NotFound")
        return self.by_no[number]

    def _confirm(self, asked: Asked, number: str) -> tuple[Any, int]:
        order, told = self._order(number), self._body(asked)
        self._fields("body", told, {"marketplaceId": str, "packageDetail": dict}, ("codCollectionMethod",))
        detail = told["packageDetail"]
        self._fields("packageDetail", detail, {"packageReferenceId": str, "carrierCode": str, "trackingNumber": str, "shipDate": str, "orderItems": list}, ("carrierName", "shippingMethod", "shipFromSupplySourceId"))
        if told["marketplaceId"] != MARKETPLACE:
            raise Bad("marketplaceId is not the order's")
        if not detail["packageReferenceId"].isdigit() or int(detail["packageReferenceId"]) < 1:
            raise Bad("packageReferenceId must be a positive number")
        if detail["carrierCode"] == "Others" and not detail.get("carrierName"):
            raise Bad("carrierName is required with carrierCode Others")
        at = self._time(detail, "shipDate")
        assert at is not None
        if at > self.now() + dt.timedelta(minutes=5) or at < order.created:
            raise Bad("shipDate is in the future or before the order")
        lines = self._content(order, detail)
        carrier = detail["carrierName"] if detail["carrierCode"] == "Others" else detail["carrierCode"]
        self.ship(order, Package(self.next_package(order), detail["packageReferenceId"], carrier, detail["trackingNumber"], at, lines))
        return None, 204

    def _content(self, order: Order, detail: Mapping[str, Any]) -> dict[int, int]:
        if order.state in ("cancelled", "unpaid"):
            raise Bad("the order cannot be shipped in its state")
        known = order.packages.get(detail["packageReferenceId"])
        lines: dict[int, int] = {}
        for each in detail["orderItems"]:
            self._fields("orderItems", each, {"orderItemId": str, "quantity": int}, ("transparencyCodes",))
            line = order.line(int(each["orderItemId"])) if each["orderItemId"].isdigit() else None
            room = line.left + (known.lines.get(line.id, 0) if known else 0) if line else 0
            if line is None or not 0 < each["quantity"] <= room:
                raise Bad(f"order item {each['orderItemId']} is not of this order, or has less left to ship")
            lines[line.id] = each["quantity"]
        if not lines:
            raise Bad("orderItems is empty")
        return lines

    def _body(self, asked: Asked) -> dict[str, Any]:
        if not asked.headers.get("content-type", "").startswith("application/json"):
            raise Bad("the body must be application/json", 415, "UnsupportedMediaType")
        if not isinstance(asked.json, dict):
            raise Bad("the body is not JSON")
        return dict(asked.json)

    def _fields(self, place: str, told: Any, required: Mapping[str, type], optional: Sequence[str]) -> None:
        if not isinstance(told, dict):
            raise Bad(f"{place} is not an object")
        for name, kind in required.items():
            if not isinstance(told.get(name), kind) or isinstance(told.get(name), bool) or told[name] == "":
                raise Bad(f"{place}.{name} is missing or not of its type")
        for name in told:
            if name not in required and name not in optional:
                raise Bad(f"{place}.{name} is not known")

    # Listings

    def _sku(self, asked: Asked, seller: str, sku: str, known: str) -> tuple[str, dict[str, str]]:
        query, name = self._query(asked, frozenset(known.split())), unquote(sku)
        if query.get("marketplaceIds") != MARKETPLACE:
            raise Bad("marketplaceIds is missing or not a marketplace of the seller")
        if unquote(seller) != SELLER or name not in self.listings:
            raise Bad(f"SKU '{name}' not found in marketplace {MARKETPLACE}", 404, "NOT_FOUND")
        return name, query

    def _listing(self, asked: Asked, seller: str, sku: str) -> tuple[Any, int]:
        name, query = self._sku(asked, seller, sku, "marketplaceIds issueLocale includedData")
        wanted = self._list(query, "includedData", ("summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "relationships", "productTypes")) or ("summaries",)
        return item(self.listings[name], MARKETPLACE, self.buyable(name), self.stock[name], wanted, self.now()), 200

    def _patch(self, asked: Asked, seller: str, sku: str) -> tuple[Any, int]:
        name, query = self._sku(asked, seller, sku, "marketplaceIds issueLocale includedData mode")
        told = self._body(asked)
        self._fields("body", told, {"productType": str, "patches": list}, ())
        issues = [self._issue(place, patch) for place, patch in enumerate(told["patches"])]
        quantities = [quantity for patch, issue in zip(told["patches"], issues, strict=True) if issue is None for quantity in self._quantities(patch)]
        found = [issue for issue in issues if issue] + ([] if told["patches"] else [_issue("90000", "patches is empty", "patches")])
        if self.strikes("error_inside", asked):
            found = [_issue("8541", "The catalogue could not be updated at this time", "fulfillment_availability")]
        preview = self._list(query, "mode", ("VALIDATION_PREVIEW",))
        status = "INVALID" if found else "VALID" if preview else "ACCEPTED"
        if status == "ACCEPTED":
            for quantity in quantities:
                self._submit(name, quantity)
        elif found:
            self.refuse(f"patch of {name}: {found[0]['message']}")
        return {"sku": name, "status": status, "submissionId": secrets.token_hex(16), "issues": found}, 200

    def _issue(self, place: int, patch: Any) -> dict[str, Any] | None:
        """What is wrong in one patch; raises Bad for what cannot be parsed."""
        self._fields(f"patches[{place}]", patch, {"op": str, "path": str}, ("value",))
        if patch["op"] not in ("add", "replace", "merge", "delete"):
            raise Bad(f"'{patch['op']}' is not a valid value of op")
        if not isinstance(patch.get("value", []), list) or not all(isinstance(each, dict) for each in patch.get("value", [])):
            raise Bad(f"patches[{place}].value is not a list of objects")
        if patch["path"] != "/attributes/fulfillment_availability":
            return _issue("90220", f"{patch['path']} is not an attribute this server knows", patch["path"].rpartition("/")[2])
        for each in patch.get("value", []):
            if each.get("fulfillment_channel_code") != "DEFAULT":
                return _issue("8115", "The quantity of stock at Amazon cannot be set: fulfillment_channel_code must be DEFAULT", "fulfillment_availability")
            amount = each.get("quantity")
            if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool) or amount < 0):
                return _issue("4000001", "The value for quantity must be a whole number and not negative", "fulfillment_availability")
        return None

    def _quantities(self, patch: Mapping[str, Any]) -> list[int]:
        if patch["op"] == "delete":
            return [0]
        return [each["quantity"] for each in patch.get("value", []) if each.get("quantity") is not None]

    def _submit(self, sku: str, quantity: int) -> None:
        """Effects are entered when it is accepted, against what was accepted last; shoppers see it later."""
        last = next((amount for _, name, amount in reversed(self.submitted) if name == sku), self.stock[sku])
        if quantity != last:
            self.effects.append(Effect("stock", sku, {"quantity": quantity, "before": last}))
        if self.listed[sku] and (quantity > 0) != (last > 0):
            self.effects.append(Effect("resume" if quantity else "pause", sku, {"quantity": quantity}))
        self.submitted.append((self.clock() + self.processing, sku, quantity))
        self.settle()

    def _summaries(self, asked: Asked) -> tuple[Any, int]:
        query = self._query(asked, frozenset(["details", "granularityType", "granularityId", "startDateTime", "sellerSkus", "sellerSku", "nextToken", "marketplaceIds"]))
        if query.get("granularityType") != "Marketplace" or query.get("granularityId") != MARKETPLACE or query.get("marketplaceIds") != MARKETPLACE:
            raise Bad("granularityType, granularityId and marketplaceIds are required")
        wanted = (query["sellerSkus"].split(",") if "sellerSkus" in query else [query["sellerSku"]] if "sellerSku" in query else list(self.listings))
        if len(wanted) > 50 and "sellerSkus" in query:
            raise Bad("sellerSkus may be up to 50")
        rows = [
            {"asin": f"B0{listing.id:08d}", "fnSku": f"X00{listing.id:07d}", "sellerSku": sku, "condition": "NewItem", "lastUpdatedTime": stamp(self.now()), "productName": listing.title, "totalQuantity": self.stock[sku], **({"inventoryDetails": {"fulfillableQuantity": self.stock[sku], "reservedQuantity": {"totalReservedQuantity": self.committed[sku]}}} if query.get("details") == "true" else {})}
            for sku in wanted
            if (listing := self.listings.get(sku))
        ]
        return {"payload": {"granularity": {"granularityType": "Marketplace", "granularityId": MARKETPLACE}, "inventorySummaries": rows}}, 200


def _issue(code: str, why: str, attribute: str) -> dict[str, Any]:
    return {"code": code, "message": why, "severity": "ERROR", "attributeNames": [attribute], "categories": ["INVALID_ATTRIBUTE"]}

