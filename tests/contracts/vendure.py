"""Vendure's Admin API as a sales channel uses it: texts, codes and states as a Vendure 3.7.3 answered when it was asked.

``stock`` is what is on hand; what is ordered stays allocated until it is in a fulfillment. Amounts are in cents, lists
are paged by skip and take, ``after`` of a time excludes the time itself, and a cart is an order too (``active``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import graphql
from contracts.graph import Field, Graph, Wrong
from contracts.shop import GOODS, Listing, Order, Package, Shop, content, since, until
from contracts.vendor import Asked, Effect, Said, said
from contracts.vendure_trees import LOCATION, MOVES, Tree, Trees, stamp

GRAPH = Graph(Path(__file__).with_name("vendure_admin.graphql"))
MOST = 1000
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
OPEN = frozenset({"login", "logout"})  # asked without a session
PAID = "PaymentSettled"
Filter = Mapping[str, Any]


def _moment(value: Any) -> str:
    """A time of RFC 3339, as the scalar DateTime takes it."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise graphql.GraphQLError(f"DateTime cannot represent an invalid date-time-string {value}.")
    return value


_scalar = GRAPH.schema.type_map["DateTime"]
_scalar.parse_value = _scalar.coerce_input_value = _moment
_scalar.parse_literal = lambda node, variables=None: _moment(getattr(node, "value", None))
_scalar.coerce_input_literal = lambda node: _moment(getattr(node, "value", None))


class Vendure(Shop):
    own_mishaps = (*Shop.own_mishaps, "expired_token", "error_inside")

    def __init__(
        self,
        clock: Callable[[], dt.datetime] | None = None,
        goods: Sequence[tuple[str, str, str, int]] = GOODS,
        *,
        username: str = "superadmin",
        password: str = "superadmin",
    ) -> None:
        self.enabled: dict[str, bool] = {}
        self.variant_enabled: dict[str, bool] = {}
        self.tracked: dict[str, str] = {}
        super().__init__(clock, goods)
        self.username, self.password = username, password
        self.sessions: set[str] = set()
        self.sent: dict[int, tuple[Order, str]] = {}  # fulfillment: its order, its state
        self.opened = self.clock()
        self.trees = Trees(self)

    def offer(self, sku: str, title: str, price: str, stock: int = 10) -> Listing:
        self.enabled[sku], self.variant_enabled[sku], self.tracked[sku] = True, True, "TRUE"
        return super().offer(sku, title, price, stock)

    def number(self, number: int) -> str:
        return f"{(number * 2_654_435_761) % 36**8:08X}{number:08d}"[-16:]

    def saleable(self, sku: str) -> int:
        return 1 << 30 if self.tracked[sku] == "FALSE" else self.stock[sku] - self.committed[sku]

    def take(self, sku: str, quantity: int) -> None:
        """Nothing leaves the shelf: the order allocates it."""

    def state_of(self, order: Order) -> str:
        if order.cancelled or not order.paid:
            return "Cancelled" if order.cancelled else "ArrangingPayment"
        for state, counted in (("Delivered", ("Delivered",)), ("Shipped", ("Shipped", "Delivered"))):
            gone = sum(sum(package.lines.values()) for package in order.packages.values() if self.sent[package.id][1] in counted)
            if gone:
                return state if gone == sum(line.quantity for line in order.lines) else f"Partially{state}"
        return PAID

    # HTTP

    def answer(self, asked: Asked) -> Said:
        if asked.path != "/admin-api" or asked.method != "POST":
            return said({"message": self.refuse(f"Cannot {asked.method} {asked.path}"), "statusCode": 404}, 404)
        told = asked.json
        if "json" not in asked.headers.get("content-type", "") or not isinstance(told, dict) or not isinstance(told.get("query"), str):
            return self._wrong("POST body missing, invalid Content-Type, or JSON object has no keys.", "BAD_REQUEST", 400)
        with self.skewed(asked):
            return self._graphql(asked, told["query"], told.get("variables") or {}, told.get("operationName"))

    def _wrong(self, why: str, code: str, status: int = 200, **more: Any) -> Said:
        return said({"errors": [{"message": self.refuse(why), "extensions": {"code": code}, **more}], **({"data": None} if status == 200 else {})}, status)

    def _graphql(self, asked: Asked, text: str, given: Mapping[str, Any], name: str | None) -> Said:
        ready = GRAPH.ready(text)
        if ready.errors:
            first = ready.errors[0]
            return self._wrong(first["message"], "GRAPHQL_PARSE_FAILED" if first["at"] == "parse" else "GRAPHQL_VALIDATION_FAILED", 400, locations=first.get("locations", []))
        operation = ready.operation(name)
        if operation is None:
            return self._wrong("Must provide operation name if query contains multiple operations.", "OPERATION_RESOLUTION_FAILURE", 400)
        if self.strikes("error_inside", asked):
            return self._wrong("QueryRunnerAlreadyReleasedError: Query runner already released. Cannot run queries anymore.", "INTERNAL_SERVER_ERROR")
        try:
            variables = GRAPH.variables(operation, given)
        except Wrong as wrong:
            self.refuse(str(wrong))
            return said({"errors": [wrong.error]})
        self.asked.append(asked)
        roots = _Roots(self, asked, self._session(asked))
        data, errors = GRAPH.answer(ready, operation, variables, roots.all)
        for error in errors:
            self.refuse(error["message"])
        return said({**({"errors": errors} if errors else {}), "data": data}, **({"vendure_auth_token": roots.session} if roots.session else {}))

    def _session(self, asked: Asked) -> str | None:
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if token in self.sessions and self.strikes("expired_token", asked):
            self.sessions.discard(token)
        return token if kind.lower() == "bearer" and token in self.sessions else None


class _Roots:
    """The fields of Query and Mutation for one request. ``session`` is set when a login made one."""

    def __init__(self, shop: Vendure, asked: Asked, known: str | None) -> None:
        self.shop, self.asked, self.known, self.trees, self.session = shop, asked, known, shop.trees, ""
        self.all: dict[str, Callable[[Field], Any]] = {
            name: getattr(self, f"_{re.sub('([A-Z])', lambda found: '_' + found[0].lower(), name)}") if known or name in OPEN else self._forbidden
            for kind in (GRAPH.schema.query_type, GRAPH.schema.mutation_type)
            for name in kind.fields
        }

    def _forbidden(self, field: Field) -> Tree:
        raise Wrong("You are not currently authorized to perform this action", "FORBIDDEN")

    # Who asks

    def _login(self, field: Field) -> Tree:
        if (field.arguments["username"], field.arguments["password"]) != (self.shop.username, self.shop.password):
            self.shop.refuse("login")
            return _error("InvalidCredentialsError", "INVALID_CREDENTIALS_ERROR", "The provided credentials are invalid", authenticationError="")
        self.session = secrets.token_hex(32)
        self.shop.sessions.add(self.session)
        return self._user()

    def _logout(self, field: Field) -> Tree:
        self.shop.sessions.discard(self.known or "")
        return {"__typename": "Success", "success": self.known is not None}

    def _me(self, field: Field) -> Tree:
        return self._user()

    def _user(self) -> Tree:
        channel = {"__typename": "CurrentUserChannel", "id": "1", "token": "channel-token", "code": "__default_channel__"}
        return {"__typename": "CurrentUser", "id": "1", "identifier": self.shop.username, "channels": [channel]}

    def _active_channel(self, field: Field) -> Tree:
        return {"__typename": "Channel", "id": "1", "code": "__default_channel__", "token": "channel-token", "defaultCurrencyCode": self.shop.currency, "pricesIncludeTax": True}

    # What is there

    def _order(self, field: Field) -> Tree | None:
        order = self.shop.orders.get(_whole(field.arguments["id"]))
        return self.trees.order(order) if order else None

    def _orders(self, field: Field) -> Tree:
        told = field.arguments.get("options") or {}
        skip, take = _page(told)
        by, newest = _sorted_by(told.get("sort") or {})
        rows = self._matching(told, by)
        if skip and self.shop.disturb(self.asked, rows, newest):
            rows = self._matching(told, by)
        ordered = rows[::-1] if newest else rows
        page = self.shop.repeated(self.asked, ordered, skip, skip + take)
        return {"__typename": "OrderList", "items": [self.trees.order(self.shop.orders[number]) for _, number in page], "totalItems": len(rows)}

    def _matching(self, told: Filter, by: str) -> Sequence[tuple[dt.datetime, int]]:
        """Oldest first. When the filter is only of the time it is sorted by, that is sliced; otherwise it is kept."""
        wanted, shop = told.get("filter") or {}, self.shop
        line = shop.updated if by == "updatedAt" else shop.created
        rest = {name: value for name, value in wanted.items() if name != by} if told.get("filterOperator") != "OR" else wanted
        rows = line.rows(json.dumps(rest, sort_keys=True), (lambda number: _passes(shop, shop.orders[number], rest, told.get("filterOperator") == "OR")) if rest else None)
        after, before = _times(wanted[by]) if by in wanted and rest is not wanted else (None, None)
        second = dt.timedelta(milliseconds=1)
        start, end = since(rows, after and after + second), until(rows, before and before - second)
        return rows if (start, end) == (0, len(rows)) else rows[start:end]

    def _product(self, field: Field) -> Tree | None:
        listing = self._listing(field.arguments.get("id") or "")
        return self.trees.product(listing) if listing else None

    def _product_variant(self, field: Field) -> Tree | None:
        listing = self._listing(field.arguments["id"])
        return self.trees.variant(listing) if listing else None

    def _product_variants(self, field: Field) -> Tree:
        told = field.arguments.get("options") or {}
        skip, take = _page(told)
        wanted, product = told.get("filter") or {}, field.arguments.get("productId")
        found = [one for one in self.shop.listings.values() if product in (None, str(one.id)) and self._shows(one, wanted)]
        return {"__typename": "ProductVariantList", "items": [self.trees.variant(one) for one in found[skip : skip + take]], "totalItems": len(found)}

    def _shows(self, listing: Listing, wanted: Filter) -> bool:
        values = {"id": str(listing.id), "productId": str(listing.id), "sku": listing.sku, "enabled": self.shop.variant_enabled[listing.sku]}
        return all(_holds(values[name], operators) for name, operators in wanted.items())

    def _listing(self, number: str) -> Listing | None:
        return next((listing for listing in self.shop.listings.values() if str(listing.id) == number), None)

    # What is changed

    def _update_product_variants(self, field: Field) -> list[Tree]:
        told = [(each, self._there(each["id"], "ProductVariant")) for each in field.arguments["input"]]
        for each, _ in told:
            for level in each.get("stockLevels") or ():
                if level["stockLocationId"] != LOCATION["id"]:
                    raise Wrong("SqliteError: FOREIGN KEY constraint failed", "INTERNAL_SERVER_ERROR")
            if any(amount < 0 for amount in _on_hand(each)):
                raise Wrong("stockOnHand cannot be a negative value", "USER_INPUT_ERROR")
        for each, listing in told:
            with self.shop.changing(listing.sku):
                for amount in _on_hand(each):
                    self.shop.stock[listing.sku] = amount
                self.shop.tracked[listing.sku] = each.get("trackInventory") or self.shop.tracked[listing.sku]
                if each.get("enabled") is not None:
                    self.shop.variant_enabled[listing.sku] = each["enabled"]
                self._show(listing.sku)
        return [self.trees.variant(listing) for _, listing in told]

    def _there(self, number: str, kind: str) -> Listing:
        listing = self._listing(number)
        if listing is None:
            raise Wrong(f'No {kind} with the id "{number}" could be found', "ENTITY_NOT_FOUND")
        return listing

    def _show(self, sku: str) -> None:
        self.shop.listed[sku] = self.shop.enabled[sku] and self.shop.variant_enabled[sku]

    def _update_products(self, field: Field) -> list[Tree]:
        return [self._enable(each) for each in field.arguments["input"]]

    def _update_product(self, field: Field) -> Tree:
        return self._enable(field.arguments["input"])

    def _enable(self, told: Filter) -> Tree:
        listing = self._there(told["id"], "Product")
        with self.shop.changing(listing.sku):
            if told.get("enabled") is not None:
                self.shop.enabled[listing.sku] = told["enabled"]
            self._show(listing.sku)
        return self.trees.product(listing)

    def _add_fulfillment_to_order(self, field: Field) -> Tree:
        told = field.arguments["input"]
        if not told["lines"] or any(each["quantity"] <= 0 for each in told["lines"]):
            return self._refused("EmptyOrderLineSelectionError", "EMPTY_ORDER_LINE_SELECTION_ERROR", "At least one OrderLine must be specified")
        order, lines = self._lines(told["lines"])
        if any(quantity > line.left for line, quantity in lines):
            return self._refused("ItemsAlreadyFulfilledError", "ITEMS_ALREADY_FULFILLED_ERROR", "One or more OrderItems are already part of a Fulfillment")
        for line, quantity in lines:
            on_hand = self.shop.stock[line.sku]
            if self.shop.tracked[line.sku] != "FALSE" and on_hand < quantity:
                why = f'Cannot create a Fulfillment as "{line.title}" has insufficient stockOnHand ({on_hand})'
                return self._refused("InsufficientStockOnHandError", "INSUFFICIENT_STOCK_ON_HAND_ERROR", why, productVariantId=str(self.shop.listings[line.sku].id), productVariantName=line.title, stockOnHand=on_hand)
        if told["handler"]["code"] != "manual-fulfillment":
            return self._refused("InvalidFulfillmentHandlerError", "INVALID_FULFILLMENT_HANDLER_ERROR", "errorResult.INVALID_FULFILLMENT_HANDLER_ERROR")
        return self._fulfilled(order, lines, {each["name"]: each["value"] for each in told["handler"]["arguments"]})

    def _refused(self, kind: str, code: str, why: str, **more: Any) -> Tree:
        self.shop.refuse(why)
        return _error(kind, code, why, **more)

    def _lines(self, told: Sequence[Filter]) -> tuple[Order, list[tuple[Any, int]]]:
        found = []
        for each in told:
            number = _whole(each["orderLineId"])
            order = self.shop.orders.get(number // 100)
            line = order and order.line(number)
            if order is None or line is None:
                raise Wrong(f'No OrderLine with the id "{each["orderLineId"]}" could be found', "ENTITY_NOT_FOUND")
            found.append((order, line, each["quantity"]))
        return found[0][0], [(line, quantity) for _, line, quantity in found]

    def _fulfilled(self, order: Order, lines: Sequence[tuple[Any, int]], told: Filter) -> Tree:
        number = len(self.shop.sent) + 1
        package = Package(number, str(number), told.get("method", ""), told.get("trackingCode", ""), self.shop.now(), {line.id: quantity for line, quantity in lines})
        order.packages[package.reference] = package
        self.shop.sent[number] = order, "Pending"
        for line, quantity in lines:
            line.shipped += quantity
            self.shop.committed[line.sku] -= quantity
            self.shop.stock[line.sku] -= quantity
        self.shop.touch(order)
        return self.trees.fulfillment(order, package)

    def _transition_fulfillment_to_state(self, field: Field) -> Tree:
        number, state = _whole(field.arguments["id"]), field.arguments["state"]
        if number not in self.shop.sent:
            raise Wrong(f'No Fulfillment with the id "{number}" could be found', "ENTITY_NOT_FOUND")
        order, now = self.shop.sent[number]
        if state not in MOVES[now]:
            why = f'Cannot transition Fulfillment from "{now}" to "{state}"'
            return self._refused("FulfillmentStateTransitionError", "FULFILLMENT_STATE_TRANSITION_ERROR", "errorResult.FULFILLMENT_STATE_TRANSITION_ERROR", transitionError=why, fromState=now, toState=state)
        package = order.packages[str(number)]
        self.shop.sent[number] = order, state
        if state == "Cancelled":
            self._taken_back(order, package)
        elif now == "Pending":
            self.shop.effects.append(Effect("ship", order.no, {"carrier": package.carrier, "number": package.number, "lines": content(order, package)}))
        self.shop.touch(order)
        return self.trees.fulfillment(order, package)

    def _taken_back(self, order: Order, package: Package) -> None:
        for line in order.lines:
            quantity = package.lines.get(line.id, 0)
            line.shipped -= quantity
            self.shop.stock[line.sku] += quantity
            self.shop.committed[line.sku] += quantity


def _error(kind: str, code: str, why: str, **more: Any) -> Tree:
    return {"__typename": kind, "errorCode": code, "message": why, **more}


def _on_hand(told: Filter) -> list[int]:
    amounts = [told["stockOnHand"]] if told.get("stockOnHand") is not None else []
    return [*amounts, *(level["stockOnHand"] for level in told.get("stockLevels") or ())]


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


def _page(told: Filter) -> tuple[int, int]:
    take = told.get("take")
    if take is not None and take > MOST:
        raise Wrong(f"Cannot take more than {MOST} results from a list query", "USER_INPUT_ERROR")
    return max(0, told.get("skip") or 0), MOST if take is None or take < 0 else take


def _sorted_by(told: Filter) -> tuple[str, bool]:
    given = {name: way for name, way in told.items() if way is not None} or {"createdAt": "ASC"}
    name, way = next(iter(given.items()))
    if len(given) > 1 or name == "code":
        raise Wrong("this server sorts by one time or by id", "USER_INPUT_ERROR")
    return ("updatedAt" if name == "updatedAt" else "createdAt"), way == "DESC"


def _times(operators: Filter) -> tuple[dt.datetime | None, dt.datetime | None]:
    """(after, before), both themselves excluded."""
    span = operators.get("between") or {}
    after, before = operators.get("after") or span.get("start"), operators.get("before") or span.get("end")
    return after and dt.datetime.fromisoformat(after), before and dt.datetime.fromisoformat(before)


def _passes(shop: Vendure, order: Order, wanted: Filter, one: bool = False) -> bool:
    held = (_meets(shop, order, name, operators) for name, operators in wanted.items() if operators is not None)
    return any(held) if one else all(held)


def _meets(shop: Vendure, order: Order, name: str, operators: Any) -> bool:
    if name in ("_and", "_or"):
        return (all if name == "_and" else any)(_passes(shop, order, each) for each in operators)
    if name in ("createdAt", "updatedAt", "orderPlacedAt"):
        at = order.updated if name == "updatedAt" else order.created if name == "createdAt" or order.paid else None
        return _within(at, operators)
    values = {"id": str(order.id), "code": order.no, "state": shop.state_of(order), "active": not order.paid and not order.cancelled}
    return _holds(values[name], operators)


def _within(at: dt.datetime | None, operators: Filter) -> bool:
    if operators.get("isNull") is not None and operators["isNull"] != (at is None):
        return False
    after, before = _times(operators)
    if at is None:
        return not after and not before and not operators.get("eq")
    return (after is None or at > after) and (before is None or at < before) and operators.get("eq") in (None, stamp(at))


def _holds(value: Any, operators: Filter) -> bool:
    checks = {
        "eq": lambda told: value == told,
        "notEq": lambda told: value != told,
        "contains": lambda told: told.lower() in str(value).lower(),
        "notContains": lambda told: told.lower() not in str(value).lower(),
        "in": lambda told: value in told,
        "notIn": lambda told: value not in told,
        "isNull": lambda told: told == (value is None),
    }
    return all(checks[name](told) for name, told in operators.items() if told is not None)
