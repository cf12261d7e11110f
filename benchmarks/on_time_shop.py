"""The workshop as it really is: machines, moulds, material, and work that takes as long as it takes.

It knows no plan. Whenever a machine is free it asks the office what to take next; the office is what differs between
one way to run the plant and another. What cannot be done (no material, mould in use, not cooled yet) nobody begins:
people on the spot see that, on paper as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from on_time_drawn import (
    COOLING,
    DAY,
    GROUPS,
    HOUR,
    PACKING,
    SHIFT_CALENDAR,
    Delivery,
    Drawn,
    Item,
    Ordered,
    Product,
    Stop,
    moulding,
    packing,
)

Deed = Callable[[], None]
LATE_SHIFT = 8 * HOUR  # after the early one


@dataclass(eq=False)
class Step:
    """One operation of one line of an order. ``key``: (order, line, place of the operation)."""

    key: tuple[int, int, int]
    order: Ordered
    item: Item
    product: Product
    group: int
    before: Step | None
    work: float  # what it really takes, with set-up and without changeover
    left: float = 0.0
    done: int | None = None
    machine: int | None = None
    began: int | None = None
    reported: int = 0

    @property
    def mould(self) -> int | None:
        return self.product.id if self.group != PACKING else None


@dataclass
class Bench:
    """A machine. ``running`` since ``since`` (in open minutes), ``down`` until a stop is over; ``busy``: minutes of work
    within the time that is counted."""

    number: int
    group: int
    running: Step | None = None
    since: int = 0
    down: int = 0
    mould: int | None = None
    turn: int = 0
    busy: int = 0


class Office(Protocol):
    """Hears what happens, says what is next. All of it at ``shop.now``."""

    def begin(self, shop: Shop) -> None: ...

    def ordered(self, order: Ordered, steps: list[Step]) -> None: ...

    def due_moved(self, order: Ordered) -> None: ...

    def delivery_moved(self, order: Ordered, delivery: Delivery) -> None: ...

    def delivered(self, order: Ordered, delivery: Delivery) -> None: ...

    def stopped(self, stop: Stop, ends: int) -> None: ...

    def started(self, step: Step) -> None: ...

    def reported(self, step: Step, good: int, minutes: float) -> None: ...

    def morning(self) -> None: ...

    def settle(self) -> None:
        """Everything of this minute has been heard."""

    def queue(self, machine: int) -> list[Step]:
        """What the machine is to do, the first first; of it the shop takes the first that can be done."""


@dataclass
class Shop:
    drawn: Drawn
    office: Office
    now: int = 0
    benches: list[Bench] = field(default_factory=list)
    stock: Counter[int] = field(default_factory=Counter)
    steps: dict[tuple[int, int, int], Step] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)  # order → operations that are left
    ready: dict[int, int] = field(default_factory=dict)  # order → the minute of its last operation
    changeovers: int = 0
    moulds: set[int] = field(default_factory=set)  # those that are running
    _queue: list[tuple[int, int, Deed]] = field(default_factory=list)
    _count: count[int] = field(default_factory=count)

    def run(self) -> None:
        """Until every order is done."""
        self.now = self.drawn.begin
        self.benches = [Bench(number, group) for number, group in enumerate(self.drawn.machines)]
        self.office.begin(self)
        self._expect()
        while self._queue and len(self.ready) < len(self.drawn.orders):
            self.now = self._queue[0][0]
            while self._queue and self._queue[0][0] == self.now:
                heappop(self._queue)[2]()
            self.office.settle()
            self._take()

    def at(self, minute: int, deed: Deed) -> None:
        heappush(self._queue, (minute, next(self._count), deed))

    def _expect(self) -> None:
        for order in self.drawn.orders:
            self.at(order.at, lambda order=order: self._order(order))  # type: ignore[misc]
            for heard, _ in order.moved:
                self.at(heard, lambda order=order: self.office.due_moved(order))  # type: ignore[misc]
            for one in order.deliveries:
                for heard, _ in one.said:
                    self.at(heard, lambda order=order, one=one: self.office.delivery_moved(order, one))  # type: ignore[misc]
                self.at(one.arrives, lambda order=order, one=one: self._deliver(order, one))  # type: ignore[misc]
        for stop in self.drawn.stops:
            for heard, ends in stop.said:
                self.at(heard, lambda stop=stop, ends=ends: self.office.stopped(stop, ends))  # type: ignore[misc]
            self.at(stop.begins, lambda stop=stop: self._break(stop))  # type: ignore[misc]
            self.at(stop.ends, lambda stop=stop: self._mend(stop))  # type: ignore[misc]
        self.at(self.now, self._shift)

    def _shift(self) -> None:
        """Both shifts begin, and what was made until now is reported; the list of the day is made in the first."""
        for bench in self.benches:
            if bench.running is not None:
                self._report(bench)
        early = (self.now - self.drawn.begin) % DAY == 0
        if early:
            self.office.morning()
        self.at(self.now + (LATE_SHIFT if early else DAY - LATE_SHIFT), self._shift)

    # --- what comes

    def _order(self, order: Ordered) -> None:
        steps = self.steps_of(order)
        self.steps.update({step.key: step for step in steps})
        self.open[order.id] = len(steps)
        self.office.ordered(order, steps)

    def steps_of(self, order: Ordered) -> list[Step]:
        """Its operations as they will really be, line by line."""
        return [step for line in range(len(order.items)) for step in self._line(order, line)]

    def _line(self, order: Ordered, line: int) -> list[Step]:
        item = order.items[line]
        product = self.drawn.products[item.product]
        press = product.setup + moulding(product, item.quantity) * product.real[0] * item.luck[0]
        bench = packing(product, item.quantity) * product.real[1] * item.luck[1]
        first = Step((order.id, line, 0), order, item, product, product.group, None, press)
        return [first, Step((order.id, line, 1), order, item, product, PACKING, first, bench)]

    def _deliver(self, order: Ordered, one: Delivery) -> None:
        self.stock[one.product] += one.quantity
        self.office.delivered(order, one)

    # --- machines

    def _break(self, stop: Stop) -> None:
        bench = self.benches[stop.machine]
        bench.down += 1
        if bench.running is not None and bench.down == 1:
            self._count_work(bench)
            bench.turn += 1

    def _mend(self, stop: Stop) -> None:
        bench = self.benches[stop.machine]
        bench.down -= 1
        if bench.running is not None and not bench.down:
            self._go_on(bench)

    def _take(self) -> None:
        """Every free machine takes what the office has first for it, of what can be done."""
        if SHIFT_CALENDAR.opens(self.now) != self.now:
            return
        for bench in self.benches:
            if bench.running is None and not bench.down:
                step = next((one for one in self.office.queue(bench.number) if self.can_begin(one, bench)), None)
                if step is not None:
                    self._start(bench, step)

    def can_begin(self, step: Step, bench: Bench) -> bool:
        """By what everybody on the spot sees."""
        if step.began is not None or step.group != bench.group:
            return False
        if step.before is not None:
            return step.before.done is not None and step.before.done + COOLING <= self.now
        if step.mould in self.moulds:
            return False
        return not step.product.bought or self.stock[step.product.id] >= step.item.quantity

    def _start(self, bench: Bench, step: Step) -> None:
        step.machine, step.began = bench.number, self.now
        changeover = 0
        if step.mould is not None:
            self.moulds.add(step.mould)
            if step.product.bought:
                self.stock[step.product.id] -= step.item.quantity
            if bench.mould is not None and bench.mould != step.mould:
                changeover = GROUPS[bench.group][2]
                self.changeovers += 1
            bench.mould = step.mould
        step.left = step.work + changeover
        bench.running = step
        self._go_on(bench)
        self.office.started(step)

    def _go_on(self, bench: Bench) -> None:
        step = bench.running
        assert step is not None
        bench.turn += 1
        turn, bench.since = bench.turn, SHIFT_CALENDAR.work_at(self.now)
        ends = SHIFT_CALENDAR.ends(bench.since + max(1, round(step.left)))
        self.at(ends, lambda: self._end(bench, turn))

    def _count_work(self, bench: Bench) -> None:
        assert bench.running is not None
        at = SHIFT_CALENDAR.work_at(self.now)
        bench.running.left -= at - bench.since
        first, last = map(SHIFT_CALENDAR.work_at, (self.drawn.counted, self.drawn.end))
        bench.busy += max(0, min(at, last) - max(bench.since, first))
        bench.since = at

    def _report(self, bench: Bench) -> None:
        """The pieces that are made so far, in the time since the last report."""
        step = bench.running
        assert step is not None
        if not bench.down:
            self._count_work(bench)
        run = step.work - (step.product.setup if step.group != PACKING else 0)
        good = min(step.item.quantity - 1, int(step.item.quantity * max(0.0, 1 - step.left / run)))
        if good > step.reported:
            made, step.reported = good - step.reported, good
            self.office.reported(step, made, made * run / step.item.quantity)

    def _end(self, bench: Bench, turn: int) -> None:
        step = bench.running
        if step is None or bench.turn != turn:
            return  # it broke down meanwhile
        self._count_work(bench)
        bench.running = None
        if step.mould is not None:
            self.moulds.discard(step.mould)
            self.at(self.now + COOLING, lambda: None)  # then somebody may go on with it
        step.done = self.now
        run = step.work - (step.product.setup if step.group != PACKING else 0)
        made, step.reported = step.item.quantity - step.reported, step.item.quantity
        self.open[step.order.id] -= 1
        if not self.open[step.order.id]:
            self.ready[step.order.id] = self.now
        self.office.reported(step, made, made * run / step.item.quantity)
