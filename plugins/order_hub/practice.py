"""A sales channel to practise with: it does whatever it is asked, keeps nothing and nobody buys there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.api import Connection, Message, Operation, Part, Reading, Registry, Span, Surroundings, Task, message
from plugins.channels.channel import OPERATIONS, ORDERS, PRODUCTS, STOCKS


@dataclass(frozen=True, kw_only=True)
class PracticeChannel(Connection):
    """A shop to practise with, until the real one is set up: it says yes to everything, and no order comes from it."""

    type: ClassVar[str] = "practice"

    def operations(self) -> Mapping[str, Operation]:
        return OPERATIONS

    def readings(self) -> Mapping[str, Reading]:
        return {"orders": ORDERS, "stock": STOCKS, "products": PRODUCTS}

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"since": span.since.isoformat()}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        return Part((), cursor, more=False)

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        return message("This is a channel to practise with; no system outside is asked.")

    def perform(
        self, operation: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        """Answers what a shop in good order would."""
        quantity = values.get("quantity")
        listed, paused = {"listed": True, "quantity": quantity}, {"listed": False, "quantity": "0"}
        if operation == "pause":
            return {"was": {"listed": True}, "now": paused, "verified": True}
        if operation == "resume":
            return {"now": listed, "verified": True}
        if operation == "ship":
            return {"shipment": f"{values['carrier']} {values['tracking']}"}
        return listed


def register(registry: Registry) -> None:
    registry.connector(PracticeChannel)
