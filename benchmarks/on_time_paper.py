"""The paper process: each morning a spreadsheet of what was known some hours ago, by due date."""

from __future__ import annotations

from dataclasses import dataclass, field

from on_time_drawn import HOUR, ZONE, Delivery, Ordered, Stop
from on_time_shop import Shop, Step

from plugins.planning.floor.time import end_of

DELAY = 48 * HOUR


@dataclass
class Paper:
    """``delay``: minutes until what happened has reached the spreadsheet. It has one list for each group of machines,
    so that nobody waits for a machine of their own."""

    delay: int = DELAY
    _heard: list[tuple[int, int, int, list[Step]]] = field(default_factory=list)  # minute, order, due, new operations
    _sheet: dict[int, list[Step]] = field(default_factory=dict)

    def begin(self, shop: Shop) -> None:
        self._shop = shop

    def ordered(self, order: Ordered, steps: list[Step]) -> None:
        self._heard.append((self._shop.now, order.id, end_of(order.due, ZONE), steps))

    def due_moved(self, order: Ordered) -> None:
        self._heard.append((self._shop.now, order.id, order.due_at_last, []))

    def delivery_moved(self, order: Ordered, delivery: Delivery) -> None:
        """The list is by due date: what the supplier says changes nothing of it."""

    def delivered(self, order: Ordered, delivery: Delivery) -> None:
        """People see what lies there."""

    def stopped(self, stop: Stop, ends: int) -> None:
        """People see what stands still."""

    def started(self, step: Step) -> None:
        """Nothing to write down."""

    def reported(self, step: Step, good: int, minutes: float) -> None:
        """On paper; nobody works out a standard from it."""

    def morning(self) -> None:
        known = [one for one in self._heard if one[0] <= self._shop.now - self.delay]
        due = {order: at for _, order, at, _ in known}
        steps = [step for _, _, _, steps in known for step in steps if step.began is None]
        steps.sort(key=lambda one: (due[one.order.id], one.key))
        self._sheet = {group: [one for one in steps if one.group == group] for group in {one.group for one in steps}}

    def settle(self) -> None:
        """Until the next morning the list stays as it is."""

    def queue(self, machine: int) -> list[Step]:
        return self._sheet.get(self._shop.drawn.machines[machine], [])
