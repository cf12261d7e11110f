"""A shop with a plain GraphQL interface, of nobody in particular: connections as Relay has them, refusals of a mutation in
``userErrors`` and everything else that is wrong in ``errors`` with HTTP 200."""

from __future__ import annotations

import base64
import datetime as dt
import functools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from contracts.rest_shop import CARRIERS, described
from contracts.trade import PAID, SHIPPED, Good, Shop
from contracts.vendor import Asked, Bucket, Said, said
from graphql import DocumentNode, GraphQLError, build_schema, execute_sync, parse, validate

LARGEST_PAGE = 100
SCHEMA = """
enum OrderStatus { paid shipped finished cancelled }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type Recipient { name: String! phone: String! province: String! city: String! district: String! street: String! postcode: String! }
type Line { id: ID! sku: String! title: String! quantity: Int! price: String! amount: String! }
type Order {
  number: ID! status: OrderStatus! createdAt: String! updatedAt: String! currency: String! total: String! shipping: String!
  discount: String! note: String! carrier: String trackingNumber: String recipient: Recipient! lines: [Line!]!
}
type OrderEdge { cursor: String! node: Order! }
type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! pageInfo: PageInfo! totalCount: Int! }
type Product { sku: ID! title: String! price: String! stock: Int! listed: Boolean! }
type ProductEdge { cursor: String! node: Product! }
type ProductConnection { edges: [ProductEdge!]! nodes: [Product!]! pageInfo: PageInfo! totalCount: Int! }
type Query {
  orders(first: Int!, after: String, updatedAfter: String, status: OrderStatus): OrderConnection!
  order(number: ID!): Order
  products(first: Int!, after: String): ProductConnection!
  product(sku: ID!): Product
}
type UserError { field: [String!]! code: String! message: String! }
type OrderPayload { order: Order userErrors: [UserError!]! }
type ProductPayload { product: Product userErrors: [UserError!]! }
input ShipOrder { number: ID! carrier: String! trackingNumber: String! key: String }
input SetStock { sku: ID! quantity: Int! key: String }
input SetListed { sku: ID! listed: Boolean! key: String }
type Mutation {
  shipOrder(input: ShipOrder!): OrderPayload!
  setStock(input: SetStock!): ProductPayload!
  setListed(input: SetListed!): ProductPayload!
}
"""


@functools.cache
def schema() -> Any:
    return build_schema(SCHEMA)


@functools.lru_cache(64)
def document(text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """The query and what is wrong with it."""
    try:
        parsed = parse(text)
    except GraphQLError as error:
        return None, (error,)
    return parsed, tuple(validate(schema(), parsed))


class GraphQLShop(Shop):
    """``limit`` is a bucket over all calls, where a test gives one; over it, ``errors`` say THROTTLED."""

    own_mishaps = ("duplicate_page", "missing_page", "moving_page", "expired_token", "error_inside")
    first_number = 800_001

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, token: str = "graphql-token-1") -> None:
        super().__init__(clock)
        self.token = token
        self.limit: Bucket | None = None
        self.payloads: dict[str, tuple[object, dict[str, Any]]] = {}  # of mutations with a key

    def renew(self) -> str:
        """A new token; the old one ends."""
        self.token = f"{self.token[:-1]}{int(self.token[-1]) + 1}"
        return self.token

    def answer(self, asked: Asked) -> Said:
        if asked.method != "POST" or asked.path != "/graphql":
            self.refused.append(f"no such path: {asked.method} {asked.path}")
            return Said(404, b"Not Found")
        if self.strikes("expired_token", asked):
            self.renew()
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return self._wrong("UNAUTHENTICATED", "The token is not valid.", 401)
        if self.limit and self.limit.take(self.clock()):
            self.limited += 1
            return said({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})
        body = asked.json
        if not _is_request(body):
            return self._wrong("BAD_REQUEST", "The body must be JSON with a query and an object of variables.", 400)
        self.asked.append(asked)
        if self.strikes("error_inside", asked):
            return said({"data": None, "errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL"}}]})
        return self._executed(asked, body)

    def _executed(self, asked: Asked, body: dict[str, Any]) -> Said:
        parsed, errors = document(body["query"])
        if parsed is None or errors:
            self.refused += [error.message for error in errors]
            return said({"errors": [{"message": error.message, "extensions": {"code": "INVALID"}} for error in errors]})
        result = execute_sync(schema(), parsed, _Root(self, asked), variable_values=body.get("variables") or {},
                              operation_name=body.get("operationName"))  # fmt: skip
        self.refused += [error.message for error in result.errors or []]
        return said(result.formatted)

    def _wrong(self, code: str, text: str, status: int) -> Said:
        self.refused.append(text)
        return said({"errors": [{"message": text, "extensions": {"code": code}}]}, status)

    def product(self, good: Good) -> dict[str, Any]:
        return {"sku": good.sku, "title": good.title, "price": str(good.price), "stock": self.stock[good.sku],
                "listed": self.listed[good.sku]}  # fmt: skip


class _Root:
    """What the fields of Query and Mutation are answered by."""

    def __init__(self, shop: GraphQLShop, asked: Asked) -> None:
        self.shop, self.asked = shop, asked

    def orders(self, info: Any, first: int, after: str | None = None, updatedAfter: str | None = None,
               status: str | None = None) -> dict[str, Any]:  # fmt: skip
        start, end = _time(updatedAfter), dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
        states = [status] if status else None
        keys = self.shop.by_change.between(start, end, states)
        if after and keys and self.shop.strikes("moving_page", self.asked):
            self.shop.change(self.shop.orders[keys[0][1]])
            keys = self.shop.by_change.between(start, end, states)
        return self._connection(keys, first, after, lambda key: f"{key[0].isoformat()}|{key[1]}", _order_key,
                                lambda key: _order(self.shop, key[1]))  # fmt: skip

    def order(self, info: Any, number: str) -> dict[str, Any] | None:
        return _order(self.shop, number) if number in self.shop.orders else None

    def products(self, info: Any, first: int, after: str | None = None) -> dict[str, Any]:
        return self._connection(sorted(self.shop.goods), first, after, str, str,
                                lambda sku: self.shop.product(self.shop.goods[sku]))  # fmt: skip

    def product(self, info: Any, sku: str) -> dict[str, Any] | None:
        return self.shop.product(self.shop.goods[sku]) if sku in self.shop.goods else None

    def _connection(self, keys: Sequence[Any], first: int, after: str | None, write: Callable[[Any], str],
                    read: Callable[[str], Any], make: Callable[[Any], Any]) -> dict[str, Any]:  # fmt: skip
        if not 1 <= first <= LARGEST_PAGE:
            raise GraphQLError(f"first must be 1 to {LARGEST_PAGE}.")
        start = bisect_right(keys, _opened(after, read)) if after else 0
        page = self.shop.cut_page(keys, start, first, self.asked)
        edges = [{"cursor": _closed(write(key)), "node": make(key)} for key in page]
        last = keys[min(start + first, len(keys)) - 1] if keys else None
        info = {"hasNextPage": start + first < len(keys), "endCursor": _closed(write(last)) if last else None}
        return {"edges": edges, "nodes": [edge["node"] for edge in edges], "pageInfo": info, "totalCount": len(keys)}

    def shipOrder(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        return self._once(input, self._ship)

    def setStock(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        return self._once(input, self._set_stock)

    def setListed(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        return self._once(input, self._set_listed)

    def _once(self, given: dict[str, Any], act: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """A key that came before brings the payload of then, whatever the shop has become meanwhile."""
        key = given.get("key") or ""
        if key in self.shop.payloads:
            before, payload = self.shop.payloads[key]
            return payload if before == given else _refusal("key", "KEY_REUSED", "This key came with something else.")
        payload = act(given)
        if key:
            self.shop.payloads[key] = given, payload
        return payload

    def _ship(self, given: dict[str, Any]) -> dict[str, Any]:
        sold = self.shop.orders.get(given["number"])
        if sold is None:
            return self._refused("number", "NOT_FOUND", f"There is no order {given['number']}.")
        if given["carrier"] not in CARRIERS:
            return self._refused("carrier", "UNKNOWN_CARRIER", f"carrier must be one of {', '.join(CARRIERS)}.")
        if not given["trackingNumber"]:
            return self._refused("trackingNumber", "BLANK", "trackingNumber is blank.")
        if sold.state != PAID:
            return self._refused("number", "ALREADY_SHIPPED" if sold.state == SHIPPED else "WRONG_STATUS",
                                 f"Order {sold.no} is {sold.state}.")  # fmt: skip
        self.shop.ship(sold, given["carrier"], given["trackingNumber"], given.get("key") or "")
        return {"order": _order(self.shop, sold.no), "userErrors": []}

    def _set_stock(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["sku"] not in self.shop.goods:
            return self._refused("sku", "NOT_FOUND", f"There is no product {given['sku']}.")
        if given["quantity"] < 0:
            return self._refused("quantity", "NEGATIVE", "quantity must be at least 0.")
        self.shop.set_stock(given["sku"], given["quantity"], given.get("key") or "")
        return {"product": self.shop.product(self.shop.goods[given["sku"]]), "userErrors": []}

    def _set_listed(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["sku"] not in self.shop.goods:
            return self._refused("sku", "NOT_FOUND", f"There is no product {given['sku']}.")
        self.shop.set_listed([given["sku"]], given["listed"], given.get("key") or "")
        return {"product": self.shop.product(self.shop.goods[given["sku"]]), "userErrors": []}

    def _refused(self, field: str, code: str, text: str) -> dict[str, Any]:
        self.shop.refused.append(text)
        return _refusal(field, code, text)


def _is_request(body: Any) -> bool:
    return (isinstance(body, dict) and isinstance(body.get("query"), str)
            and isinstance(body.get("variables") or {}, dict) and isinstance(body.get("operationName") or "", str))  # fmt: skip


def _refusal(field: str, code: str, text: str) -> dict[str, Any]:
    return {"userErrors": [{"field": ["input", field], "code": code, "message": text}]}


def _order(shop: GraphQLShop, number: str) -> dict[str, Any]:
    row = described(shop.orders[number])
    return {**row, "createdAt": row["created_at"], "updatedAt": row["updated_at"], "trackingNumber": row["tracking_number"]}


def _order_key(text: str) -> tuple[dt.datetime, str]:
    time, number = text.split("|")
    return dt.datetime.fromisoformat(time), number


def _closed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(cursor: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(base64.urlsafe_b64decode(cursor).decode())
    except ValueError:
        raise GraphQLError("after is not a cursor of this shop.") from None


def _time(text: str | None) -> dt.datetime:
    if not text:
        return dt.datetime(1, 1, 1, tzinfo=dt.UTC)
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise GraphQLError("updatedAfter is not a time.") from None
    if time.tzinfo is None:
        raise GraphQLError("updatedAfter needs its zone.")
    return time.astimezone(dt.UTC)
