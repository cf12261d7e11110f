"""What happens to a plant in some weeks, drawn from a seed before anybody plans: who orders what and when, what things
really take, when material really comes and what suppliers say, which machines stand still and for how long people think.

Nothing here depends on how the plant is run, so that every way to run it meets the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from random import Random
from zoneinfo import ZoneInfo

from plugins.planning.calendars import Calendar
from plugins.planning.floor.time import WEEK, end_of, minute

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = dt.date(2026, 7, 6)  # a Monday; eleven weeks without a public holiday follow
HOUR, DAY = 60, 24 * 60
# name, machines, changeover in minutes, share of its open time that its work takes with a changeover for nearly each
GROUPS = (("small", 3, 30, 0.86), ("medium", 3, 40, 0.88), ("large", 2, 60, 0.86), ("packing", 2, 0, 0.70))
PACKING = 3
WARM_UP = 14  # days whose orders do not count
PRODUCTS = 30
COOLING = 120  # minutes from the press to the bench
SHIFTS = (6 * HOUR, 24 * HOUR)  # two shifts, Monday to Saturday, on the plant's clock
PRIORITIES = (("normal", 82, (5, 11)), ("high", 13, (3, 6)), ("rush", 5, (2, 4)))  # share of 100, days to deliver
WRONG = 0.4  # of the products: their standard is 20 to 40 % off, three in four of them too short
MTBF = 14 * 18 * HOUR  # open minutes between two breakdowns of a machine


def _week() -> tuple[tuple[int, int], ...]:
    """The shifts of a week in minutes from the epoch, a Monday on which it is eight o'clock here."""
    local = [(day * DAY + SHIFTS[0] - 8 * HOUR, day * DAY + SHIFTS[1] - 8 * HOUR) for day in range(6)]
    return ((0, local[0][1]), *local[1:], (WEEK + local[0][0], WEEK))


SHIFT_CALENDAR = Calendar(cycle=_week(), length=WEEK)


@dataclass(frozen=True, slots=True)
class Product:
    """``cycle``: seconds of one shot as first entered, of ``cavities`` pieces; ``pack``: seconds for a piece. ``real``:
    how much longer moulding and packing really take. ``bought``: it needs an insert that is ordered for each order."""

    id: int
    group: int
    cycle: int
    cavities: int
    setup: int
    pack: float
    real: tuple[float, float]
    bought: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; ``luck``: how long moulding and packing of this very line take beside what is usual."""

    product: int
    quantity: int
    luck: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Inserts for one line: ``promised`` first, then what the supplier says (minute heard, day), and the minute they
    are there."""

    product: int
    quantity: int
    promised: dt.date
    said: tuple[tuple[int, dt.date], ...]
    arrives: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """``moved``: (minute, new date) where the customer wants it at another time."""

    id: int
    at: int
    due: dt.date
    priority: str
    items: tuple[Item, ...]
    moved: tuple[tuple[int, dt.date], ...]
    deliveries: tuple[Delivery, ...]

    @property
    def due_at_last(self) -> int:
        """The minute until which it is on time."""
        return end_of(self.moved[-1][1] if self.moved else self.due, ZONE)


@dataclass(frozen=True, slots=True)
class Stop:
    """``said``: (minute, until when it will stand still) as people think then; the last one is right."""

    machine: int
    kind: str
    begins: int
    ends: int
    said: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    machines: tuple[int, ...]  # the group of each, by its number
    products: tuple[Product, ...]
    orders: tuple[Ordered, ...]
    stops: tuple[Stop, ...]
    begin: int
    end: int

    @property
    def counted(self) -> int:
        """From then on orders count: the plant begins empty."""
        return self.begin + WARM_UP * DAY

    def stood(self, group: int) -> int:
        """Open minutes that the stops of a group's machines take of the time that is counted."""
        mine = (one for one in self.stops if self.machines[one.machine] == group)
        return sum(_within(one, self.counted, self.end) for one in mine)


def drawn(seed: int, orders: int, days: int) -> Drawn:
    """Everything that happens; the same for the same numbers. Each kind has a chance of its own, so that one more of
    the one changes nothing of the others."""
    begin = minute(dt.datetime.combine(BEGIN, dt.time(6), tzinfo=ZONE))
    end = begin + days * DAY
    machines = tuple(group for group, (_, many, _, _) in enumerate(GROUPS) for _ in range(many))
    stops = _stops(_random(seed, "stops"), machines, begin, end + 30 * DAY)
    products = tuple(_products(_random(seed, "products")))
    wanted = _orders(_random(seed, "orders"), products, orders, days)
    scaled = _scaled(products, wanted, machines, stops, (begin, end))
    products = _packed(products, scaled, _room(PACKING, machines, stops, (begin, end)))
    made = tuple(_delivered(_random(seed, f"deliveries {one.id}"), products, one) for one in scaled)
    return Drawn(machines, products, made, stops, begin, end)


def _random(seed: int, what: str) -> Random:
    return Random(f"{seed} {what}")


# --- products and orders


def _products(random: Random) -> list[Product]:
    return [
        Product(
            id=number, group=number % PACKING, cycle=random.randint(20, 60), cavities=random.choice((1, 2, 4)),
            setup=random.choice((20, 30, 40)), pack=random.randint(4, 9),
            real=(_real(random), _real(random)), bought=random.random() < 0.4,
        )
        for number in range(PRODUCTS)
    ]  # fmt: skip


def _real(random: Random) -> float:
    if random.random() >= WRONG:
        return random.uniform(0.96, 1.06)
    off = random.uniform(0.2, 0.4)
    return 1 + off if random.random() < 0.75 else 1 - off


def _orders(random: Random, products: tuple[Product, ...], many: int, days: int) -> list[Ordered]:
    """In the hours in which customers call; some weeks bring more than others."""
    week = [random.uniform(0.7, 1.3) for _ in range(days // 7 + 1)]
    workdays = [day for day in range(days) if day % 7 < 6]
    chosen = sorted(random.choices(workdays, [week[day // 7] for day in workdays], k=many))
    moments = sorted((day, random.randrange(510, 1080)) for day in chosen)
    return [_order(random, number, day, at, products) for number, (day, at) in enumerate(moments)]


def _order(random: Random, number: int, day: int, at: int, products: tuple[Product, ...]) -> Ordered:
    names = [name for name, _, _ in PRIORITIES]
    priority = random.choices(names, [share for _, share, _ in PRIORITIES])[0]
    least, most = next(lead for name, _, lead in PRIORITIES if name == priority)
    entered = dt.datetime.combine(BEGIN, dt.time(), tzinfo=ZONE) + dt.timedelta(days=day, minutes=at)
    due = entered.date() + dt.timedelta(days=random.randint(least, most))
    chosen = random.sample(range(len(products)), random.choices((1, 2, 3), (55, 30, 15))[0])
    items = tuple(
        Item(product, int(random.lognormvariate(0, 0.5) * 1000), (random.lognormvariate(0, 0.08), 1.0))
        for product in chosen
    )
    moved: tuple[tuple[int, dt.date], ...] = ()
    if random.random() < 0.1:
        heard = minute(entered) + random.randint(DAY, 6 * DAY)
        later = due + dt.timedelta(days=random.choice((-6, -4, -2, 4, 7, 10)))
        moved = ((heard, max(later, entered.date() + dt.timedelta(days=(heard - minute(entered)) // DAY + 3))),)
    return Ordered(number, minute(entered), due, priority, items, moved, ())


def moulding(product: Product, quantity: int) -> float:
    """Minutes that the entered standard says, without set-up."""
    return quantity / product.cavities * product.cycle / 60


def packing(product: Product, quantity: int) -> float:
    return quantity * product.pack / 60


def _scaled(
    products: tuple[Product, ...], orders: list[Ordered], machines: tuple[int, ...], stops: tuple[Stop, ...],
    span: tuple[int, int],
) -> list[Ordered]:  # fmt: skip
    """The orders with quantities that load each group as it is to be loaded, by what they really take."""
    factor = {}
    for group, (_, _, changeover, share) in enumerate(GROUPS[:PACKING]):
        items = [one for order in orders for one in order.items if products[one.product].group == group]
        run = sum(moulding(products[one.product], one.quantity) * products[one.product].real[0] for one in items)
        fixed = sum(products[one.product].setup + 0.9 * changeover for one in items)
        room = share * _room(group, machines, stops, span)
        factor[group] = max(0.05, (room - fixed) / max(1.0, run))
    return [
        replace(order, items=tuple(
            replace(one, quantity=max(10, int(one.quantity * factor[products[one.product].group])))
            for one in order.items
        ))
        for order in orders
    ]  # fmt: skip


def _packed(products: tuple[Product, ...], orders: list[Ordered], room: int) -> tuple[Product, ...]:
    """The products with times for packing that load the benches as they are to be loaded."""
    items = [one for order in orders for one in order.items]
    run = sum(packing(products[one.product], one.quantity) * products[one.product].real[1] for one in items)
    factor = GROUPS[PACKING][3] * room / max(1.0, run)
    return tuple(replace(one, pack=round(one.pack * factor, 2)) for one in products)


def _room(group: int, machines: tuple[int, ...], stops: tuple[Stop, ...], span: tuple[int, int]) -> int:
    """Open minutes of a group's machines, without their stops."""
    work = SHIFT_CALENDAR.work_at
    lost = sum(_within(one, *span) for one in stops if machines[one.machine] == group)
    return machines.count(group) * (work(span[1]) - work(span[0])) - lost


def _within(stop: Stop, first: int, last: int) -> int:
    """Open minutes of a stop between two minutes."""
    work = SHIFT_CALENDAR.work_at
    return max(0, work(min(stop.ends, last)) - work(max(stop.begins, first)))


def _delivered(random: Random, products: tuple[Product, ...], order: Ordered) -> Ordered:
    bought = [one for one in order.items if products[one.product].bought]
    return replace(order, deliveries=tuple(_delivery(random, order, one) for one in bought))


def _delivery(random: Random, order: Ordered, item: Item) -> Delivery:
    """Seven in ten come as promised; a supplier tells that it gets later the day before, some only on the day."""
    entered = dt.date.fromordinal(BEGIN.toordinal() + (order.at - minute(_midnight(BEGIN))) // DAY)
    promised = entered + dt.timedelta(days=1 if order.priority == "rush" else random.randint(2, 4))
    promised = min(promised, order.due - dt.timedelta(days=2))
    promised = max(promised, entered)
    late = random.choices((0, 2, 6), (75, 18, 7))[0]
    there = promised + dt.timedelta(days=late)
    arrives = max(order.at + 2 * HOUR, minute(_midnight(there)) + random.randint(7 * HOUR, 10 * HOUR))
    ahead = random.choice((DAY, 0))
    heard = max(order.at + HOUR, minute(_midnight(promised)) + 10 * HOUR - ahead)
    return Delivery(item.product, item.quantity, promised, ((heard, there),) if late else (), arrives)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=ZONE)


# --- machines that stand still


def _stops(random: Random, machines: tuple[int, ...], begin: int, end: int) -> tuple[Stop, ...]:
    found = [one for number in range(len(machines)) for one in _stops_of(random, number, begin, end)]
    return tuple(sorted(found, key=lambda one: (one.begins, one.machine)))


def _stops_of(random: Random, machine: int, begin: int, end: int) -> list[Stop]:
    """Breakdowns between two open minutes, and half a day of maintenance every three weeks, told five days before."""
    found: list[Stop] = []
    work, clock = SHIFT_CALENDAR.work_at, SHIFT_CALENDAR.begins
    at = work(begin) + int(random.expovariate(1 / MTBF))
    while clock(at) < end:
        begins = clock(at)
        long = int(min(30 * HOUR, max(HOUR, random.lognormvariate(5.5, 0.9))))
        ends = clock(at + long)
        guess = clock(at + max(HOUR, int(long * random.uniform(0.4, 1.3))))
        said = ((begins, guess), (min(guess, ends), ends)) if guess != ends else ((begins, ends),)
        found.append(Stop(machine, "breakdown", begins, ends, said))
        at += long + int(random.expovariate(1 / MTBF))
    cared = begin + random.randrange(21) * DAY + 2 * HOUR
    while cared < end:
        begins = SHIFT_CALENDAR.opens(cared)
        ends = SHIFT_CALENDAR.ends(work(begins) + 8 * HOUR)
        if all(one.ends < begins or one.begins > ends for one in found):
            found.append(Stop(machine, "maintenance", begins, ends, ((max(begin, begins - 5 * DAY), ends),)))
        cared += 21 * DAY
    return found
