"""The fields of Query and Mutation of Shopify's Admin GraphQL API: what is found, and what is changed."""

from __future__ import annotations

import datetime as dt
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contracts.graph import Field, Wrong
from contracts.shop import Listing, Order, Package, Row, since, until
from contracts.shopify_trees import Tree, cursor, gid, listing_of, pages, size, stamp, uncursor
from contracts.vendor import Asked

if TYPE_CHECKING:
    from contracts.shopify import Shopify

REASONS = frozenset(
    ["correction", "cycle_count_available", "damaged", "movement_created", "movement_updated", "movement_received", "movement_canceled", "other", "promotion", "quality_control", "received", "reservation_created", "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage"]
)
TERM = re.compile(r"""\s*(?:AND\s+)?(?P<name>\w+):(?P<than>>=|<=|>|<)?(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^\s'"]+))""")
STATES = {"open": ("paid", "unpaid", "partial"), "closed": ("shipped",), "cancelled": ("cancelled",), "any": ("paid", "unpaid", "partial", "shipped", "cancelled")}
SHIPPING = {"unfulfilled": ("paid", "unpaid", "partial"), "unshipped": ("paid", "unpaid"), "partial": ("partial",), "shipped": ("shipped",), "fulfilled": ("shipped",)}

SEARCHED = frozenset(["updated_at", "created_at", "processed_at", "status", "financial_status", "fulfillment_status", "name", "id", "sku"])


class Fields:
    """The fields of Query and Mutation for one request."""

    def __init__(self, shop: Shopify, asked: Asked, warned: list[Tree], names: Sequence[str]) -> None:
        self.shop, self.asked, self.warned, self.trees = shop, asked, warned, shop.trees
        self.all: dict[str, Callable[[Field], Any]] = {
            name: getattr(self, f"_{re.sub('([A-Z])', lambda found: '_' + found[0].lower(), name)}")
            for name in names
        }

    def _shop(self, field: Field) -> Tree:
        return self.trees.whole()

    def _order(self, field: Field) -> Tree | None:
        order = self.shop.orders.get(_number(field.arguments["id"], "Order"))
        return self.trees.order(order) if order else None

    def _orders(self, field: Field) -> Tree:
        shop, told = self.shop, field.arguments
        if told.get("before") is not None or told.get("sortKey") not in ("UPDATED_AT", "CREATED_AT", "PROCESSED_AT"):
            raise Wrong("this server pages forwards, by UPDATED_AT, CREATED_AT or PROCESSED_AT", "BAD_REQUEST")
        line = shop.updated if told["sortKey"] == "UPDATED_AT" else shop.created
        room, terms = size(told.get("first"), told.get("last")), tuple(self._terms(told.get("query") or ""))
        reverse, after = bool(told.get("reverse")), told.get("after")
        rows = self._matching(line, terms)
        if after and shop.disturb(self.asked, rows, reverse):
            rows = self._matching(line, terms)
        rows = rows[::-1] if reverse else rows
        start = _after(rows, uncursor(after), reverse) if after else 0
        page = shop.repeated(self.asked, rows, start, start + room)
        nodes = [self.trees.order(shop.orders[number]) for _, number in page]
        return pages("Order", nodes, [cursor(last_id=number, last_value=stamp(at)) for at, number in page], start + room < len(rows), start > 0)

    def _terms(self, query: str) -> Iterator[tuple[str, str, str]]:
        """(field, comparator, value); what is no known filter is ignored with a warning, as the vendor does."""
        place = 0
        while query[place:].strip():
            found = TERM.match(query, place)
            if found is None:
                self._warn(query, "", "could not be understood")
                return
            place = found.end()
            value = next(found[name] for name in ("single", "double", "bare") if found[name] is not None)
            if found["name"] in SEARCHED:
                yield found["name"], found["than"] or "", value
            else:
                self._warn(query, found["name"], "Invalid search field for this query.")

    def _warn(self, query: str, name: str, why: str) -> None:
        self.shop.refuse(f"search {query!r}: {name} {why}")
        self.warned.append({"path": ["orders"], "query": query, "warnings": [{"field": name, "message": why, "code": "invalid_field"}]})

    def _matching(self, line: Any, terms: tuple[tuple[str, str, str], ...]) -> Sequence[Row]:
        by = "updated_at" if line is self.shop.updated else "created_at"
        sliced = [term for term in terms if term[0] == by]
        others = tuple(term for term in terms if term[0] != by)
        rows = line.rows(others, (lambda number: all(_meets(self.shop.orders[number], *term) for term in others)) if others else None)
        start, end = 0, len(rows)
        for _, than, value in sliced:
            at = _moment(value)
            step = dt.timedelta(seconds=1)
            if than in (">=", ">", ""):
                start = max(start, since(rows, at + (step if than == ">" else dt.timedelta())))
            if than in ("<=", "<", ""):
                end = min(end, until(rows, at - (step if than == "<" else dt.timedelta())))
        return rows if (start, end) == (0, len(rows)) else rows[start:end]

    def _product(self, field: Field) -> Tree | None:
        listing = self._listing(field.arguments["id"], "Product")
        return self.trees.product(listing) if listing else None

    def _product_variant(self, field: Field) -> Tree | None:
        listing = self._listing(field.arguments["id"], "ProductVariant")
        return self.trees.variant(listing) if listing else None

    def _inventory_item(self, field: Field) -> Tree | None:
        listing = self._listing(field.arguments["id"], "InventoryItem")
        return self.trees.item(listing) if listing else None

    def _products(self, field: Field) -> Tree:
        found = self._found(field)
        return listing_of("Product", lambda: [self.trees.product(listing) for listing in found])(**field.arguments)

    def _product_variants(self, field: Field) -> Tree:
        found = self._found(field)
        return listing_of("ProductVariant", lambda: [self.trees.variant(listing) for listing in found])(**field.arguments)

    def _found(self, field: Field) -> list[Listing]:
        terms = [term for term in self._terms(field.arguments.get("query") or "") if term[0] in ("sku", "id")]
        return [one for one in self.shop.listings.values() if all((one.sku.lower() if name == "sku" else str(one.id)) == value.lower() for name, _, value in terms)]

    def _locations(self, field: Field) -> Tree:
        return listing_of("Location", lambda: [self.trees.location])(**field.arguments)

    def _publications(self, field: Field) -> Tree:
        return listing_of("Publication", lambda: [self.trees.publication])(**field.arguments)

    def _listing(self, text: str, kind: str) -> Listing | None:
        number = _number(text, kind)
        return next((listing for listing in self.shop.listings.values() if listing.id == number), None)

    # Mutations

    def _inventory_set_quantities(self, field: Field) -> Tree:
        told, key = field.arguments["input"], (field.directives.get("idempotent") or {}).get("key", "")
        if not key:
            raise Wrong("The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST")
        if any("changeFromQuantity" not in each for each in told["quantities"]):
            raise Wrong("InventoryQuantityInput must include the following argument: changeFromQuantity.", "INVALID_FIELD_ARGUMENTS")
        print_of = json.dumps(told, sort_keys=True)
        if key in self.shop.attempts:
            before, answer = self.shop.attempts[key]
            if before != print_of:
                return self._unset(("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None, "The same idempotency key cannot be used with different operation parameters."))
            if answer["userErrors"]:
                return self._unset(("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None, "A previous request with this idempotency key failed. Retry with a new idempotency key."))
            return answer
        errors = list(self._mistakes(told))
        answer = self._unset(*errors) if errors else self._set(told, key)
        self.shop.attempts[key] = print_of, answer
        return answer

    def _mistakes(self, told: Mapping[str, Any]) -> Iterator[tuple[str, list[str] | None, str]]:
        if told["name"] not in ("available", "on_hand"):
            yield "INVALID_NAME", ["input", "name"], "The quantity name must be either 'available' or 'on_hand'."
        if told["reason"] not in REASONS:
            yield "INVALID_REASON", ["input", "reason"], "The specified reason is invalid."
        pairs = [(each["inventoryItemId"], each["locationId"]) for each in told["quantities"]]
        for place, each in enumerate(told["quantities"]):
            where = ["input", "quantities", str(place)]
            listing = self._listing(each["inventoryItemId"], "InventoryItem")
            if listing is None:
                yield "INVALID_INVENTORY_ITEM", [*where, "inventoryItemId"], "The specified inventory item could not be found."
            elif each["locationId"] != self.trees.location["id"]:
                yield "INVALID_LOCATION", [*where, "locationId"], "The specified location could not be found."
            elif pairs.count(pairs[place]) > 1:
                yield "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", where, "The combination of inventoryItemId and locationId must be unique."
            elif each["quantity"] < 0:
                yield "INVALID_QUANTITY_NEGATIVE", [*where, "quantity"], "The quantity can't be negative."
            elif each["quantity"] > 1_000_000_000:
                yield "INVALID_QUANTITY_TOO_HIGH", [*where, "quantity"], "The total quantity can't be higher than 1,000,000,000."
            elif told["name"] in ("available", "on_hand") and each["changeFromQuantity"] not in (None, self.trees.quantity(listing, told["name"])["quantity"]):
                yield "CHANGE_FROM_QUANTITY_STALE", [*where, "changeFromQuantity"], "The changeFromQuantity value does not match persisted value."

    def _unset(self, *errors: tuple[str, list[str] | None, str]) -> Tree:
        told = [{"__typename": "InventorySetQuantitiesUserError", "code": code, "field": where, "message": why} for code, where, why in errors]
        return {"__typename": "InventorySetQuantitiesPayload", "inventoryAdjustmentGroup": None, "userErrors": told}

    def _set(self, told: Mapping[str, Any], key: str) -> Tree:
        changes = []
        for each in told["quantities"]:
            listing = self._listing(each["inventoryItemId"], "InventoryItem")
            assert listing is not None
            sku, before = listing.sku, self.shop.stock[listing.sku]
            with self.shop.changing(sku, key):
                self.shop.stock[sku] = each["quantity"] - (self.shop.committed[sku] if told["name"] == "on_hand" else 0)
            delta = self.shop.stock[sku] - before
            if delta:
                changes.append({"__typename": "InventoryChange", "delta": delta, "item": self.trees.item(listing), "location": self.trees.location, "name": told["name"], "quantityAfterChange": each["quantity"]})
        group = {"__typename": "InventoryAdjustmentGroup", "id": gid("InventoryAdjustmentGroup", len(self.shop.attempts) + 1), "createdAt": stamp(self.shop.now()), "reason": told["reason"], "referenceDocumentUri": told.get("referenceDocumentUri"), "changes": lambda **_: changes}
        return {"__typename": "InventorySetQuantitiesPayload", "inventoryAdjustmentGroup": group if changes else None, "userErrors": []}

    def _product_update(self, field: Field) -> Tree:
        told = field.arguments.get("product") or {}
        listing = self._listing(told.get("id") or "", "Product")
        if listing is None:
            return {"__typename": "ProductUpdatePayload", "product": None, "userErrors": [_user_error(["id"], "Product does not exist")]}
        with self.shop.changing(listing.sku):
            self.shop.status[listing.sku] = told.get("status") or self.shop.status[listing.sku]
            self._show(listing.sku)
        return {"__typename": "ProductUpdatePayload", "product": self.trees.product(listing), "userErrors": []}

    def _show(self, sku: str) -> None:
        self.shop.listed[sku] = self.shop.status[sku] == "ACTIVE" and self.shop.published[sku]

    def _product_variants_bulk_update(self, field: Field) -> Tree:
        told = field.arguments
        answer: Tree = {"__typename": "ProductVariantsBulkUpdatePayload", "product": None, "productVariants": None}
        product = self._listing(told["productId"], "Product")
        if product is None:
            return {**answer, "userErrors": [_bulk_error("PRODUCT_DOES_NOT_EXIST", ["productId"], "Product does not exist")]}
        wrong = [_bulk_error("PRODUCT_VARIANT_DOES_NOT_EXIST", ["variants", str(place), "id"], "Product variant does not exist") for place, each in enumerate(told["variants"]) if self._listing(each.get("id") or "", "ProductVariant") != product]
        if not wrong:
            with self.shop.changing(product.sku):
                for each in told["variants"]:
                    self.shop.policy[product.sku] = each.get("inventoryPolicy") or self.shop.policy[product.sku]
        return {**answer, "product": self.trees.product(product), "productVariants": None if wrong else [self.trees.variant(product)], "userErrors": wrong}

    def _publishable_publish(self, field: Field) -> Tree:
        return self._publish(field, "PublishablePublishPayload", True)

    def _publishable_unpublish(self, field: Field) -> Tree:
        return self._publish(field, "PublishableUnpublishPayload", False)

    def _publish(self, field: Field, payload: str, shown: bool) -> Tree:
        listing = self._listing(field.arguments["id"], "Product")
        places = [each.get("publicationId") for each in field.arguments["input"]]
        errors = [] if listing else [_user_error(["id"], "Resource does not exist")]
        errors += [_user_error(["input", str(place), "publicationId"], "Publication does not exist or is not publishable") for place, one in enumerate(places) if one != self.trees.publication["id"]]
        if listing and not errors:
            with self.shop.changing(listing.sku):
                self.shop.published[listing.sku] = shown
                self._show(listing.sku)
        return {"__typename": payload, "publishable": listing and self.trees.product(listing), "shop": self.trees.whole(), "userErrors": errors}

    def _fulfillment_create(self, field: Field) -> Tree:
        told = field.arguments["fulfillment"]
        try:
            order, lines = self._ordered(told["lineItemsByFulfillmentOrder"])
        except ValueError as error:
            return {"__typename": "FulfillmentCreatePayload", "fulfillment": None, "userErrors": [_user_error(["fulfillment"], str(error))]}
        track, number = told.get("trackingInfo") or {}, self.shop.next_package(order)
        package = Package(number, str(number), track.get("company") or "", track.get("number") or ",".join(track.get("numbers") or ()), self.shop.now(), lines)
        self.shop.ship(order, package)
        return {"__typename": "FulfillmentCreatePayload", "fulfillment": self.trees.fulfillment(order, package), "userErrors": []}

    def _ordered(self, parts: Sequence[Mapping[str, Any]]) -> tuple[Order, dict[int, int]]:
        """The order of these fulfillment orders and how many of each line. Raises ValueError with the user's error."""
        if len(parts) != 1:
            raise ValueError("All fulfillment orders must belong to one location and one order.")
        order = self.shop.orders.get(_number(parts[0]["fulfillmentOrderId"], "FulfillmentOrder"))
        if order is None:
            raise ValueError("Fulfillment order does not exist.")
        if order.state in ("shipped", "cancelled"):
            raise ValueError(f"Fulfillment order {order.id} has an unfulfillable status= {'closed' if order.state == 'shipped' else 'cancelled'}.")
        wanted = parts[0].get("fulfillmentOrderLineItems")
        if not wanted:
            return order, {line.id: line.left for line in order.lines if line.left}
        lines = {_number(each["id"], "FulfillmentOrderLineItem"): each["quantity"] for each in wanted}
        for key, quantity in lines.items():
            line = order.line(key)
            if line is None or not 0 < quantity <= line.left:
                raise ValueError("Invalid fulfillment order line item quantity requested.")
        return order, lines

    def _webhook_subscription_create(self, field: Field) -> Tree:
        topic, uri = field.arguments["topic"], field.arguments["webhookSubscription"].get("uri")
        if not uri or not uri.startswith("https://"):
            return {"__typename": "WebhookSubscriptionCreatePayload", "webhookSubscription": None, "userErrors": [_user_error(["webhookSubscription", "uri"], "Address protocol http:// is not supported")]}
        self.shop.topics.add(topic.lower().replace("_", "/", 1))
        made = {"__typename": "WebhookSubscription", "id": gid("WebhookSubscription", len(self.shop.topics)), "topic": topic, "uri": uri}
        return {"__typename": "WebhookSubscriptionCreatePayload", "webhookSubscription": made, "userErrors": []}


def _user_error(where: list[str], why: str) -> Tree:
    return {"__typename": "UserError", "field": where, "message": why}


def _bulk_error(code: str, where: list[str], why: str) -> Tree:
    return {"__typename": "ProductVariantsBulkUpdateUserError", "code": code, "field": where, "message": why}


def _number(text: str, kind: str) -> int:
    """The number in an id; -1 for an id of something else, which is nothing there. Raises Wrong for no id at all."""
    found = re.fullmatch(r"gid://shopify/(\w+)/(\d+)(\?.*)?", text)
    if found is None:
        raise Wrong(f"Invalid global id '{text}'", "argumentLiteralsIncompatible")
    return int(found[2]) if found[1] == kind else -1


def _moment(text: str) -> dt.datetime:
    """Raises Wrong."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"Invalid timestamp: {text}", "BAD_REQUEST") from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _meets(order: Order, name: str, than: str, value: str) -> bool:
    if name in ("updated_at", "created_at", "processed_at"):
        at, told = order.updated if name == "updated_at" else order.created, _moment(value)
        return {">=": at >= told, ">": at > told, "<=": at <= told, "<": at < told, "": at == told}[than]
    if name in ("status", "fulfillment_status"):
        return order.state in (STATES if name == "status" else SHIPPING).get(value.lower(), ())
    if name == "financial_status":
        return order.paid == (value.lower() == "paid")
    return value in ((order.no, order.no.lstrip("#")) if name == "name" else (str(order.id),))


def _after(rows: Sequence[Row], told: Mapping[str, Any], reverse: bool) -> int:
    """Where the rows after a cursor begin, by the time and the id it names: the order itself may have moved on."""
    row = (_moment(told["last_value"]), int(told["last_id"]))
    if not reverse:
        return bisect_right(rows, row)
    return len(rows) - bisect_left(rows[::-1], row)
