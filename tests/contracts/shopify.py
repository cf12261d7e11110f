"""Shopify's Admin GraphQL API 2026-10 as a sales channel meets it.

Every operation is validated against shopify_admin.graphql, which is compared with the vendor's own schema (schemas.py).
Texts and codes of errors are the vendor's where public reports have them. The cost of a connection is published only as
"sized by first and last": here it is 2 and a tenth of the rows' cost.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import graphql
from contracts.graph import Graph, Wrong
from contracts.shop import GOODS, Listing, Order, Shop
from contracts.shopify_fields import Fields
from contracts.shopify_trees import COUNTRIES, Tree, Trees, gid, stamp
from contracts.vendor import Asked, Bucket, Said, said
from graphql.language import ast

VERSION = "2026-10"
GRAPH = Graph(Path(__file__).with_name("shopify_admin.graphql"), ("idempotent",))
ROOTS = (*GRAPH.schema.query_type.fields, *GRAPH.schema.mutation_type.fields)
TOKEN_LIFE = dt.timedelta(seconds=86399)
LARGEST_COST = 1000


class Shopify(Shop):
    own_mishaps = (*Shop.own_mishaps, "expired_token", "error_inside", "limited")

    def __init__(
        self,
        clock: Callable[[], dt.datetime] | None = None,
        goods: Sequence[tuple[str, str, str, int]] = GOODS,
        *,
        token: str = "shpat_of_the_test",
        client_id: str = "client-id",
        client_secret: str = "client-secret",
        points: float = 2000.0,
        restored: float = 100.0,
    ) -> None:
        """``token`` is one that does not expire, as custom apps had; ``points`` are restored by so many a second."""
        self.status: dict[str, str] = {}
        self.published: dict[str, bool] = {}
        self.policy: dict[str, str] = {}
        super().__init__(clock, goods)
        self.client_id, self.client_secret = client_id, client_secret
        self.domain = "tea-and-cups.myshopify.com"
        self.tokens: dict[str, dt.datetime | None] = {token: None}
        self.bucket = Bucket(restored, points)
        self.points, self.restored = points, restored
        self.trees = Trees(self)
        self.attempts: dict[str, tuple[str, Tree]] = {}  # idempotency key: what was asked, what was answered
        self._costs: dict[tuple[str, str | None, str], float] = {}

    def offer(self, sku: str, title: str, price: str, stock: int = 10) -> Listing:
        self.status[sku], self.published[sku], self.policy[sku] = "ACTIVE", True, "DENY"
        return super().offer(sku, title, price, stock)

    def number(self, number: int) -> str:
        return f"#{number}"

    def saleable(self, sku: str) -> int:
        return 1 << 30 if self.policy[sku] == "CONTINUE" else self.stock[sku]

    # HTTP

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/admin/oauth/access_token":
            return self._grant(asked)
        if asked.path != f"/admin/api/{VERSION}/graphql.json":
            self.refuse(f"{asked.path}: no such path or version")
            return said({"errors": "Not Found"}, 404)
        if asked.method != "POST":
            return said({"errors": self.refuse(f"{asked.method} is not allowed")}, 406)
        if not self._admitted(asked):
            self.refuse("access token")
            return said({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)
        if not asked.headers.get("content-type", "").startswith("application/json"):
            return said({"errors": {"query": self.refuse("Required parameter missing or invalid")}}, 400)
        told = asked.json
        if not isinstance(told, dict) or not isinstance(told.get("query"), str):
            return said({"errors": {"query": self.refuse("Required parameter missing or invalid")}}, 400)
        with self.skewed(asked):
            return said(self._graphql(asked, told["query"], told.get("variables") or {}, told.get("operationName")))

    def _grant(self, asked: Asked) -> Said:
        told = asked.json if "json" in asked.headers.get("content-type", "") else asked.form
        if asked.method != "POST" or not isinstance(told, dict) or told.get("grant_type") != "client_credentials":
            return said({"error": "unsupported_grant_type", "error_description": self.refuse("grant_type is not client_credentials")}, 400)
        if (told.get("client_id"), told.get("client_secret")) != (self.client_id, self.client_secret):
            return said({"error": "invalid_client", "error_description": self.refuse("Client authentication failed")}, 401)
        token = f"shpat_{secrets.token_hex(16)}"
        self.tokens[token] = self.clock() + TOKEN_LIFE
        return said({"access_token": token, "scope": "read_orders,write_inventory,write_products", "expires_in": int(TOKEN_LIFE.total_seconds())})

    def _admitted(self, asked: Asked) -> bool:
        token = asked.headers.get("x-shopify-access-token", "")
        if token in self.tokens and self.strikes("expired_token", asked):
            del self.tokens[token]
        if token not in self.tokens:
            return False
        ends = self.tokens[token]
        return ends is None or self.clock() < ends

    def _graphql(self, asked: Asked, text: str, given: Mapping[str, Any], name: str | None) -> Tree:
        ready = GRAPH.ready(text)
        if ready.errors:
            self.refuse(ready.errors[0]["message"])
            return {"errors": [{key: value for key, value in error.items() if key != "at"} for error in ready.errors]}
        operation = ready.operation(name)
        if operation is None:
            return {"errors": [{"message": self.refuse("An operation name is required")}]}
        try:
            variables = GRAPH.variables(operation, given)
        except Wrong as wrong:
            self.refuse(str(wrong))
            return {"errors": [{**wrong.error, "extensions": {"code": "INVALID_VARIABLE", "problems": []}}]}
        cost = self._cost(text, name, given, operation, variables, ready.document)
        if cost > LARGEST_COST:
            why = self.refuse(f"Query cost is {cost:.0f}, which exceeds the single query max cost limit ({LARGEST_COST}).")
            return {"errors": [{"message": why, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": LARGEST_COST}}]}
        if self.strikes("limited", asked) or self.bucket.take(self.clock(), cost):
            self.limited += 1
            return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], **self._spent(cost, None)}
        self.asked.append(asked)
        if self.strikes("error_inside", asked):
            failed = {"message": f"Internal error. Looks like something went wrong on our end.\nRequest ID: {uuid.uuid4()}", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            return {"errors": [failed], "data": None}
        return self._executed(asked, ready, operation, variables, cost)

    def _executed(self, asked: Asked, ready: Any, operation: Any, variables: Any, cost: float) -> Tree:
        warned: list[Tree] = []
        fields = Fields(self, asked, warned, ROOTS)
        data, errors = GRAPH.answer(ready, operation, variables, fields.all)
        for error in errors:
            self.refuse(error["message"])
        searched = {"search": warned} if warned else {}
        return {**({"errors": errors} if errors else {}), "data": data, "extensions": {**self._spent(cost, cost)["extensions"], **searched}}

    def _spent(self, cost: float, actual: float | None) -> Tree:
        status = {"maximumAvailable": self.points, "currentlyAvailable": int(self.bucket.left), "restoreRate": self.restored}
        return {"extensions": {"cost": {"requestedQueryCost": int(cost), "actualQueryCost": actual and int(actual), "throttleStatus": status}}}

    def _cost(self, text: str, name: str | None, given: Mapping[str, Any], operation: Any, variables: Any, document: Any) -> float:
        sizes = json.dumps({key: value for key, value in given.items() if isinstance(value, int)}, sort_keys=True)
        key = (text, name, sizes)
        if key not in self._costs:
            fragments = {node.name.value: node for node in document.definitions if isinstance(node, ast.FragmentDefinitionNode)}
            mutation = operation.operation.value == "mutation"
            top = GRAPH.schema.mutation_type if mutation else GRAPH.schema.query_type
            self._costs[key] = (10.0 if mutation else 0.0) + _cost_of(top, operation.selection_set, fragments, variables)
        return self._costs[key]

    # Webhooks

    def topics_of(self, change: str) -> tuple[str, ...]:
        return ("orders/create", "orders/updated") if change == "create" else ("orders/updated",)

    def webhook(self, order: Order, topic: str = "orders/create") -> tuple[dict[str, str], bytes]:
        body = json.dumps(_posted(order), ensure_ascii=False).encode()
        same = uuid.uuid5(uuid.NAMESPACE_URL, f"{order.id} {topic} {hashlib.sha256(body).hexdigest()}")
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.new(self.client_secret.encode(), body, hashlib.sha256).digest()).decode(),
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-API-Version": VERSION,
            "X-Shopify-Webhook-Id": str(same),
            "X-Shopify-Event-Id": str(uuid.uuid5(same, "event")),
            "X-Shopify-Triggered-At": stamp(order.updated),
        }, body


def _cost_of(kind: Any, selections: Any, fragments: Mapping[str, Any], variables: Any) -> float:
    """Scalars 0, objects 1, connections 2 and a tenth of what their rows cost."""
    total = 0.0
    for node in selections.selections:
        if not isinstance(node, ast.FieldNode):
            inner = fragments[node.name.value] if isinstance(node, ast.FragmentSpreadNode) else node
            total += _cost_of(kind if inner.type_condition is None else GRAPH.schema.type_map[inner.type_condition.name.value], inner.selection_set, fragments, variables)
        elif node.selection_set is not None:
            defined = kind.fields[node.name.value]
            below = graphql.get_named_type(defined.type)
            inside = _cost_of(below, node.selection_set, fragments, variables)
            if below.name.endswith("Connection"):
                rows = graphql.get_argument_values(defined, node, variables).get("first") or 0
                total += 2 + rows * inside / 10
            else:
                total += inside + (0 if below.name in ("PageInfo",) or below.name.endswith("Payload") else 1)
    return total


def _posted(order: Order) -> Tree:
    """The body of a webhook: the shape of the REST order, as the vendor still sends it."""
    buyer, total, items = order.buyer, f"{order.total:.2f}", f"{order.items:.2f}"
    address = {"first_name": buyer.first, "last_name": buyer.last, "name": buyer.name, "address1": buyer.street, "address2": buyer.district or None, "city": buyer.city, "province": buyer.province, "province_code": buyer.code, "country": COUNTRIES[buyer.country], "country_code": buyer.country, "zip": buyer.zip or None, "phone": buyer.phone, "company": buyer.company or None}
    lines = [
        {"id": line.id, "admin_graphql_api_id": gid("LineItem", line.id), "sku": line.sku, "title": line.title, "name": line.title, "quantity": line.quantity, "price": f"{line.price:.2f}", "fulfillable_quantity": line.left, "fulfillment_status": None if line.left else "fulfilled", "requires_shipping": True}
        for line in order.lines
    ]
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "name": order.no,
        "order_number": order.id,
        "created_at": order.created.isoformat(),
        "updated_at": order.updated.isoformat(),
        "cancelled_at": order.updated.isoformat() if order.cancelled else None,
        "currency": order.currency,
        "total_price": total,
        "subtotal_price": items,
        "financial_status": "paid" if order.paid else "pending",
        "fulfillment_status": {"shipped": "fulfilled", "partial": "partial"}.get(order.state),
        "note": order.note or None,
        "note_attributes": [{"name": "gift_message", "value": order.gift}] if order.gift else [],
        "email": buyer.email,
        "phone": buyer.phone,
        "shipping_address": address,
        "billing_address": address,
        "line_items": lines,
    }
