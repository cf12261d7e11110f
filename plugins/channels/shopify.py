"""Shopify by its Admin API in GraphQL, and by its webhooks."""

from __future__ import annotations

import datetime as dt
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, Literal

from engine.api import (
    Answer,
    Call,
    DeliveryFailed,
    Duration,
    Forged,
    Item,
    Message,
    Part,
    Pushed,
    Rate,
    Reading,
    Secret,
    Span,
    Surroundings,
    Task,
    Told,
    message,
    option,
)
from plugins.channels import shopify_items as shapes
from plugins.channels.asking import (
    HEARD,
    Shop,
    Shown,
    before,
    data_of,
    done,
    look,
    only,
    refused,
    secret,
    signed_in,
)  # fmt: skip
from plugins.channels.channel import ORDERS, PRODUCTS, STOCKS
from plugins.channels.graphql import codes, errors_of, is_write, post, words
from plugins.channels.items import last_part, moment, utc, whole
from plugins.channels.shopify_answers import no_mistakes, understood, until_enough

OLDEST = dt.timedelta(days=2)  # of a webhook: Shopify gives up after four hours
_SECOND = Duration(1, "s")


@dataclass(frozen=True, kw_only=True)
class ShopifyConnection(Shop):
    """A shop of Shopify: orders by webhook and by asking, stock, listings, shipments."""

    type: ClassVar[str] = "shopify"
    shop: str = option(
        "The shop's own domain, such as example.myshopify.com.", pattern=r"^[a-z0-9][a-z0-9-]*\.[a-z0-9.-]+$"
    )
    base_url: str | None = option("Where it is called. Default: https:// and the shop's own domain.", None)
    version: str = option(
        "The version of the interface, which Shopify keeps for a year.", "2026-10", pattern=r"^20\d\d-\d\d$"
    )
    client_id: str | None = option("The client ID of the app, from the Dev Dashboard.", None)
    client_secret: Secret | None = option("The client secret of the app; it signs webhooks as well.", None)
    token: Secret | None = option("A token that does not run out (shpat_…), of an app made before 2026.", None)
    location: str | None = option(
        "The location whose stock is set, by its name or number. Default: the only one that stocks the article.", None
    )
    pausing: Literal["variant", "product"] = option(
        "What is taken off sale: the `variant` alone (nothing of it can be sold), or its whole `product` (a draft).",
        "variant",
    )
    notify: bool = option("Shopify writes to the buyer when an order was shipped.", False)
    page: int = option(
        "So many orders are read at once; each costs some 60 points of the shop's allowance.", 10, minimum=1, maximum=15
    )

    # --- what feeds read

    def readings(self) -> Mapping[str, Reading]:
        return {"orders": replace(ORDERS, pushed=True), "products": PRODUCTS, "stock": STOCKS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """A bucket of 2,000 points, 100 a second: an order of few lines costs some 20, a change with its looks under
        400."""
        slow = Rate(calls=1, per=Duration(5, "s"), burst=2)
        return {
            "orders": Rate(calls=1, per=Duration(4, "s"), burst=2), "products": slow, "stock": slow,
            "ship": Rate(calls=1, per=Duration(2, "s"), burst=2), "set_stock": Rate(calls=1, per=_SECOND, burst=4),
            "pause": Rate(calls=1, per=_SECOND, burst=2), "resume": Rate(calls=1, per=_SECOND, burst=2),
            "listing": Rate(calls=2, per=_SECOND, burst=4),
        }  # fmt: skip

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"since": utc(span.since), "until": utc(span.until)}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        surroundings.turn(reading)
        name, document, items_of, first = {
            "orders": ("orders", shapes.ORDERS, self._orders, self.page),
            "products": ("products", shapes.PRODUCTS, self._products, 10),
            "stock": ("productVariants", shapes.STOCKS, self._stocks, 10),
        }[reading]
        variables: dict[str, Any] = {"first": first, "after": cursor.get("after")}
        if reading != "stock":
            variables["query"] = _changed(cursor)
        found = self._ask(document, variables, task, surroundings)[name]
        last = max((utc(node["updatedAt"]) or "" for node in found["nodes"] if "updatedAt" in node), default="")
        items = [item for node in found["nodes"] for item in items_of(node, task, surroundings)]
        return Part(items, _onward(cursor, found["pageInfo"], last), found["pageInfo"]["hasNextPage"])

    def _orders(self, node: Any, task: Task, surroundings: Surroundings) -> list[Item]:
        return [shapes.of_order(self._whole(node, "order", "lineItems", shapes.MORE_LINES, task, surroundings))]

    def _products(self, node: Any, task: Task, surroundings: Surroundings) -> list[Item]:
        return shapes.of_product(self._whole(node, "product", "variants", shapes.MORE_VARIANTS, task, surroundings))

    def _stocks(self, node: Any, task: Task, surroundings: Surroundings) -> list[Item]:
        return shapes.of_stock(node)

    def _whole(self, node: Any, kind: str, name: str, document: str, task: Task, surroundings: Surroundings) -> Any:
        """A thing with all of its parts: the first of them came with it."""
        parts, page = list(node[name]["nodes"]), node[name]["pageInfo"]
        while page["hasNextPage"]:
            found = self._ask(document, {"id": node["id"], "after": page["endCursor"]}, task, surroundings)[kind]
            if found is None:  # it was deleted meanwhile
                break
            parts, page = [*parts, *found[name]["nodes"]], found[name]["pageInfo"]
        return {**node, name: {"nodes": parts}}

    # --- what it tells

    def told(self, reading: str, pushed: Pushed, surroundings: Surroundings) -> Told | None:
        if self.client_secret is None:
            raise Forged(message("'{name}' has no client_secret, by which webhooks are known.", name=self.name))
        key = secret(self.client_secret, self._address, surroundings)
        signature = b64encode(hmac.new(key.encode(), pushed.body, sha256).digest())
        if not hmac.compare_digest(signature, pushed.headers.get("x-shopify-hmac-sha256", "").encode()):
            raise Forged(message("The webhook is not signed by '{name}'.", name=self.name))
        shop = pushed.headers.get("x-shopify-shop-domain", "").lower()
        if shop != self.shop.lower():
            raise Forged(message("The webhook is of another shop: {shop}.", shop=shop[:100]))
        sent = _moment(pushed.headers.get("x-shopify-triggered-at"))
        if sent is not None and pushed.at - sent > OLDEST:
            raise Forged(message("The webhook is too old."))
        return _told(pushed)

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        shop = self._ask(shapes.SHOP, {}, task, surroundings)["shop"]
        return message("The shop is {shop} ({domain}), it sells in {currency}.", shop=shop["name"],
                       domain=shop["myshopifyDomain"], currency=shop["currencyCode"])  # fmt: skip

    def ship(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        found = self._ask(shapes.FIND_ORDER, {"query": f"name:{_quoted(values['number'])}"}, task, surroundings)
        ids = list({node["id"] for node in found["orders"]["nodes"] if node["name"] == values["number"]})
        if len(ids) != 1:
            raise DeliveryFailed(
                message("'{name}' has no order {number}.", name=self.name, number=values["number"]), again=False
            )
        state = self._ask(shapes.TO_SHIP, {"id": ids[0]}, task, surroundings)["order"]
        shipped = [one for one in state["fulfillments"] if one["status"] != "CANCELLED"]
        mine = [one for one in shipped if values["tracking"] in [info["number"] for info in one["trackingInfo"]]]
        wanted = values.get("lines")
        if (wanted and mine) or (shipped and not shapes.remaining(state)):
            return {"shipment": last_part((mine or shipped)[-1]["id"])}
        groups = shapes.packed(state, wanted)
        if not groups:
            raise DeliveryFailed(
                message("{number}: nothing of it may be shipped now; it is on hold, or nothing is left.",
                        number=values["number"]), again=False
            )  # fmt: skip
        tracking = {"number": values["tracking"], "company": values["carrier"]}
        made = ""
        for place, group in enumerate(groups):
            fulfilment = {
                "lineItemsByFulfillmentOrder": [group],
                "trackingInfo": tracking,
                "notifyCustomer": self.notify,
            }
            answer = self._ask(shapes.SHIP, {"fulfillment": fulfilment}, task, surroundings, part=f"ship{place}")
            made = answer["fulfillmentCreate"]["fulfillment"]["id"]
        return {"shipment": last_part(made)}

    def listing(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        return self._shown(self._variant(values["sku"], task, surroundings))

    def set_stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        variant, quantity = self._variant(values["sku"], task, surroundings), whole(values["quantity"])
        self._set_quantity(variant, quantity, task, surroundings)
        now = self.listing(values, task, surroundings)
        return {"now": now, "verified": now["quantity"] == str(quantity)}

    def pause(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        variant = self._variant(values["sku"], task, surroundings)
        if self.pausing == "product":
            status = variant["product"]["status"]
            was = before(task, surroundings, {"status": "ACTIVE" if task.attempt > 1 and status == "DRAFT" else status})
            self._set_status(variant, "DRAFT", task, surroundings)
        else:
            was = before(task, surroundings, {"policy": variant["inventoryPolicy"],
                                              "quantity": str(shapes.available(self._level(variant)))})  # fmt: skip
            self._set_policy(variant, "DENY", task, surroundings)
            self._set_quantity(variant, 0, task, surroundings)
        now = self.listing(values, task, surroundings)
        done(task, surroundings)
        return {"was": was, "now": now, "verified": not now["listed"]}

    def resume(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        variant, was = self._variant(values["sku"], task, surroundings), values.get("was") or {}
        quantity = values.get("quantity") or was.get("quantity")
        if quantity is None and self.pausing == "variant":
            raise DeliveryFailed(
                message("{sku} can be put back on sale with a quantity only.", sku=values["sku"]), again=False
            )
        if quantity is not None:
            self._set_quantity(variant, whole(quantity), task, surroundings)
        if was.get("policy"):
            self._set_policy(variant, was["policy"], task, surroundings)
        status = was.get("status") or ("ACTIVE" if self.pausing == "product" else None)
        if status is not None:
            self._set_status(variant, status, task, surroundings)
        now = self.listing(values, task, surroundings)
        kept = quantity is None or now["quantity"] == str(whole(quantity))
        return {"now": now, "verified": kept and (status is None or now["status_there"] == status)}

    # --- one listing

    def _variant(self, sku: str, task: Task, surroundings: Surroundings) -> Any:
        found = self._ask(shapes.LISTING, {"query": f"sku:{_quoted(sku)}"}, task, surroundings)["productVariants"]
        return only([node for node in found["nodes"] if node["sku"] == sku], sku, self.name)

    def _level(self, variant: Any) -> Any:
        """The stock of a variant at the location that is meant."""
        levels = [level for level in variant["inventoryItem"]["inventoryLevels"]["nodes"]
                  if level["isActive"] and level["location"]["isActive"]]  # fmt: skip
        if self.location is not None:
            levels = [one for one in levels if self.location in (one["location"]["name"], one["location"]["id"],
                                                                  last_part(one["location"]["id"]))]  # fmt: skip
        if len(levels) != 1:
            raise DeliveryFailed(
                message("'{name}': it is not clear at which location the stock of {sku} stands; name it in `location`.",
                        name=self.name, sku=variant["sku"]), again=False
            )  # fmt: skip
        return levels[0]

    def _shown(self, variant: Any) -> Mapping[str, Any]:
        status = variant["product"]["status"]
        return {"listed": status == "ACTIVE" and bool(variant["availableForSale"]),
                "quantity": str(shapes.available(self._level(variant))), "status_there": status}  # fmt: skip

    def _set_quantity(self, variant: Any, quantity: int, task: Task, surroundings: Surroundings) -> None:
        place = {
            "inventoryItemId": variant["inventoryItem"]["id"],
            "locationId": self._level(variant)["location"]["id"],
        }
        changed = {"name": "available", "reason": "correction",
                   "quantities": [{**place, "quantity": quantity, "changeFromQuantity": None}]}  # fmt: skip
        self._ask(shapes.SET_STOCK, {"input": changed, "key": task.key}, task, surroundings, part="stock")

    def _set_policy(self, variant: Any, policy: str, task: Task, surroundings: Surroundings) -> None:
        if variant["inventoryPolicy"] != policy:
            changed = {
                "product": variant["product"]["id"],
                "variants": [{"id": variant["id"], "inventoryPolicy": policy}],
            }
            self._ask(shapes.SET_POLICY, changed, task, surroundings, part="policy")

    def _set_status(self, variant: Any, status: str, task: Task, surroundings: Surroundings) -> None:
        if variant["product"]["status"] != status:
            changed = {"product": {"id": variant["product"]["id"], "status": status}}
            self._ask(shapes.SET_STATUS, changed, task, surroundings, part="status")

    # --- asking

    @property
    def _address(self) -> str:
        return (self.base_url or f"https://{self.shop}").rstrip("/")

    def _ask(
        self, document: str, variables: Mapping[str, Any], task: Task, surroundings: Surroundings, *, part: str = ""
    ) -> Any:
        """``data`` of the answer. Raises DeliveryFailed for every way in which Shopify says no."""
        path = f"/admin/api/{self.version}/graphql.json"
        place, writes = f"{self._address}{path}", is_write(document)

        def ask(token: str) -> Answer | None:
            line = self.line(self._address, Shown(header="X-Shopify-Access-Token", token=token))
            answer = post(line, path, document, variables, task, surroundings, part=part)
            return None if answer.status == 401 else answer

        answer = signed_in(surroundings, self._sign_in(task, surroundings), ask)
        if answer is None:
            raise DeliveryFailed(
                message("'{name}' is not let in: its token is refused.", name=self.name), again=self.token is None
            )
        errors = errors_of(answer, place, writes=writes)
        if answer.status == 429 or "THROTTLED" in codes(errors):
            raise refused(place, 429, words(errors), again=True, after=until_enough(answer))
        if errors:
            broken = answer.status >= 500 or "INTERNAL_SERVER_ERROR" in codes(errors)
            raise refused(place, answer.status, words(errors), again=broken, unsure=broken and writes)
        data: Any = answer.json["data"]
        no_mistakes(data, place)
        understood(answer, place)
        return data

    def _sign_in(self, task: Task, surroundings: Surroundings) -> Callable[[], tuple[str, float]]:
        def sign_in() -> tuple[str, float]:
            if self.token is not None:
                return secret(self.token, self._address, surroundings), 3600.0
            if self.client_id is None or self.client_secret is None:
                raise DeliveryFailed(
                    message("'{name}' needs client_id and client_secret, or a token.", name=self.name), again=False
                )
            given = {"grant_type": "client_credentials", "client_id": self.client_id,
                     "client_secret": secret(self.client_secret, self._address, surroundings)}  # fmt: skip
            path = "/admin/oauth/access_token"
            call = Call(path=path, form=given, expect=HEARD, part="token")
            answer = look(self.line(self._address), call, task, surroundings)
            body = data_of(answer, f"{self._address}{path}")
            if not isinstance(body, dict) or not body.get("access_token"):
                again = answer.status == 429
                raise refused(f"{self._address}{path}", answer.status, json.dumps(body)[:200], again=again)
            return str(body["access_token"]), float(body.get("expires_in") or 3600)

        return sign_in


# --- pure


def _changed(cursor: Mapping[str, Any]) -> str:
    """What changed in the span of a cursor, as Shopify searches."""
    since, until = cursor["since"], cursor.get("until")
    return f"updated_at:>='{since}'" + (f" AND updated_at:<'{until}'" if until else "")


def _onward(cursor: Mapping[str, Any], page: Mapping[str, Any], last: str) -> Mapping[str, Any]:
    """Within a list Shopify's own cursor leads on; behind its end, the last change that was seen: by Shopify's clock,
    not by ours."""
    last = max(last, cursor.get("last") or "")
    kept = {"since": cursor["since"], "until": cursor.get("until")}
    if page["hasNextPage"]:
        return {**kept, "after": page["endCursor"], "last": last}
    return {**kept, "since": max(last, cursor["since"] or "")}


def _quoted(text: str) -> str:
    """A value of a search: nothing in it can end it or widen it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _moment(text: str | None) -> dt.datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None


def _told(pushed: Pushed) -> Told | None:
    if not pushed.headers.get("x-shopify-topic", "").startswith("orders/"):
        return None
    try:
        body = json.loads(pushed.body)
    except ValueError:
        raise Forged(message("The webhook holds no JSON.")) from None
    if "updated_at" not in body:  # orders/delete tells a number only
        return None
    return Told([shapes.of_webhook(body)], pushed.headers.get("x-shopify-webhook-id", ""))
