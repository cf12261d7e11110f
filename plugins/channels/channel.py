"""What all channels have in common: how an item reads whichever shop it came from, and what a shop can be asked to do.

Every reading ``orders`` answers items with the names of ``ORDER``; what the shop itself wrote stands in ``item.raw``.
Amounts and quantities are texts of exact decimal numbers, moments ISO 8601 in UTC; what a shop does not tell is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.api import Connection, Credential, HttpConnection, Label, Operation, Reading, option

ORDER: Mapping[str, str] = {
    "number": "what the shop calls the order",
    "status": "new, paid, shipped, done or cancelled",
    "status_there": "the shop's own word for it",
    "placed_at": "when it was placed",
    "paid_at": "when it was paid, none while it is not",
    "updated_at": "when it was changed last",
    "currency": "ISO 4217",
    "total": "what the buyer pays",
    "shipping": "of that for shipping",
    "discount": "what was taken off",
    "buyer": "id, name, phone, email",
    "recipient": "name, phone, country (ISO 3166), province, city, district, street, postcode",
    "lines": "id, sku, name, quantity, price (of one), total",
    "note": "what the buyer wrote",
    "gift": "whether it is a gift",
    "raw": "what the shop wrote",
}
STOCK: Mapping[str, str] = {
    "sku": "the article", "name": "its name", "place": "the warehouse", "lot": "the lot",
    "quantity": "how much is there", "unit": "its unit", "updated_at": "when that was true", "raw": "what was read",
}  # fmt: skip
PRODUCT: Mapping[str, str] = {
    "sku": "the article", "name": "its name", "listed": "whether it can be bought",
    "quantity": "what the shop believes", "price": "of one", "updated_at": "when it was changed last",
    "raw": "what the shop wrote",
}  # fmt: skip

TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
NUMBER: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9]+([.][0-9]+)?$"}
OPERATIONS: Mapping[str, Operation] = {
    "ship": Operation(
        Label({"zh": "发货", "en": "Tell that an order was shipped"}),
        {"number": TEXT, "carrier": TEXT, "tracking": TEXT, "lines": {"type": "array"}, "at": {"type": "string"}},
        frozenset({"number", "carrier", "tracking"}),
    ),
    "set_stock": Operation(Label({"zh": "设置库存", "en": "Set what can be sold"}),
                           {"sku": TEXT, "quantity": NUMBER}, frozenset({"sku", "quantity"})),
    "pause": Operation(Label({"zh": "下架", "en": "Take a listing off sale"}), {"sku": TEXT}, frozenset({"sku"})),
    "resume": Operation(Label({"zh": "上架", "en": "Put a listing back on sale"}),
                        {"sku": TEXT, "was": {"type": "object"}, "quantity": NUMBER}, frozenset({"sku"})),
    "listing": Operation(Label({"zh": "查看上架状态", "en": "Look at a listing"}), {"sku": TEXT}, frozenset({"sku"}),
                         writes=False),
}  # fmt: skip
"""``pause`` answers ``{"was": {...}, "now": {"listed": false, "quantity": …}, "verified": bool}``: ``was`` is the
former state as ``resume`` takes it, ``verified`` that it was read back. ``resume`` answers ``now`` and ``verified``
alike, ``listing`` ``listed`` and ``quantity``, ``ship`` the shop's ``shipment``. All of them may be repeated: a second
call with the same values has no second effect at the shop."""
ORDERS = Reading(Label({"zh": "订单", "en": "Orders"}), ORDER)
STOCKS = Reading(Label({"zh": "库存", "en": "Stock"}), STOCK, spans=False)
PRODUCTS = Reading(Label({"zh": "商品", "en": "Articles"}), PRODUCT)


@dataclass(frozen=True, kw_only=True)
class Channel(Connection):
    """A shop, an ERP system or a messenger behind an interface of its own."""

    private: bool = option("It may stand in a private network, or be this machine.", False)

    def line(self, base_url: str, auth: Credential | None = None, **headers: str) -> HttpConnection:
        """How ``engine.outside.http.send`` calls it; ``headers`` with ``_`` for ``-``."""
        named: Mapping[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
        return HttpConnection(
            name=self.name, base_url=base_url, auth=auth, headers=named, private=self.private, timeout=self.timeout,
            attempts=self.attempts, together=self.together, unsure=self.unsure,
        )  # fmt: skip
