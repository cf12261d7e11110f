"""A generated injection-moulding factory, and how long its plans take: ``python benchmarks/planning_factory.py``.

Orders of about four operations (moulding, trimming, printing or assembly, packing) over presses of three sizes and the
groups behind them; two shifts on five days, the presses a short Saturday; one mould per part, colours as kinds, whose
changeover is longer from dark to light; material that is still under way for some; due dates over the time the machines
need at 83 % utilisation, so that some orders are late; work that has begun is locked.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from random import Random

from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.measure import Goal, changeovers, ends, impacts, late_orders, moved_promises, score
from plugins.planning.repair import fitted, inserted, repaired
from plugins.planning.shapes import (
    After,
    Locked,
    Machine,
    Mode,
    Operation,
    Order,
    Outside,
    Problem,
    Schedule,
)

HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60
RUSH = "SO-999999"
NOW = WEEK + 8 * HOUR  # the second Monday, two hours into the early shift
UTILISATION = 0.83  # of the busiest group
SLOWER = 1.05  # older machines and changeovers, as measured in the plans
LEAD = (2, 8)  # days between the release of an order and its due date, beside three times its work
COLOURS = ("white", "cream", "yellow", "red", "blue", "green", "grey", "black")
PRESSES = ("press 80 t", "press 200 t", "press 450 t")
GROUPS = {  # minutes of work of an operation (least, usual, most), hundredths per hour
    "press 80 t": ((120, 360, 900), 8_000),
    "press 200 t": ((120, 420, 1_080), 12_000),
    "press 450 t": ((180, 480, 1_200), 18_000),
    "trimming": ((30, 100, 300), 4_000),
    "printing": ((40, 140, 420), 6_000),
    "assembly": ((60, 200, 600), 5_000),
    "packing": ((20, 70, 200), 3_500),
}


def factory(orders: int, machines: int, seed: int) -> Problem:
    """The same factory for the same numbers. At least 8 machines; the last one in the list is an outside printer."""
    random = Random(seed)
    drafts = [_draft(random, number, max(8, orders // 6)) for number in range(orders)]
    load = dict.fromkeys(GROUPS, 0)
    for draft in drafts:
        for group, work in draft:
            load[group] += work
    park = _park(load, machines)
    busiest = max(load[group] * SLOWER / len(park[group]) for group in GROUPS)
    length = int(busiest / UTILISATION * WEEK / (5 * 16 * HOUR))
    made = [_order(random, number, draft, park, length) for number, draft in enumerate(drafts)]
    operations = {one.id: one for _, steps in made for one in steps}
    operations.update(_begun(random, operations, park))
    return Problem(
        machines={machine.id: machine for group in park.values() for machine in group} | {"outside": _OUTSIDE},
        orders={order.id: order for order, _ in made},
        operations=operations,
        changeovers=_changeovers(),
        now=NOW,
    )


def rush(problem: Problem, seed: int = 0) -> Problem:
    """The problem with one more order, of four operations, that is wanted in three days."""
    random = Random(seed)
    park: dict[str, list[Machine]] = {group: [] for group in GROUPS}
    for machine in problem.machines.values():
        if not machine.unlimited:
            park[machine.group].append(machine)
    draft = [("press 200 t", 600), ("trimming", 120), ("assembly", 240), ("packing", 60)]
    order, steps = _order(random, 999_999, draft, park, DAY)
    hurried = Order(order.id, NOW + 3 * DAY, NOW + 3 * DAY, weight=20, released=NOW, key=True)
    free = {one.id: Operation(one.id, one.order, one.modes, one.after, one.tool, one.kind) for one in steps}
    return Problem(
        problem.machines,
        {**problem.orders, hurried.id: hurried},
        {**problem.operations, **free},
        problem.changeovers,
        problem.now,
    )


def _shifts(saturday: bool) -> Calendar:
    days = [(day * DAY + 6 * HOUR, day * DAY + 22 * HOUR) for day in range(5)]
    return Calendar(cycle=(*days, *([(5 * DAY + 6 * HOUR, 5 * DAY + 12 * HOUR)] if saturday else [])), length=WEEK)


_TWO_SHIFTS, _WITH_SATURDAY = _shifts(False), _shifts(True)
_OUTSIDE = Machine("outside", "outside", Calendar(cycle=((0, 5 * DAY),), length=WEEK), unlimited=True)


def _draft(random: Random, number: int, parts: int) -> list[tuple[str, int]]:
    """(group, work) of each operation of an order."""
    part = number % parts
    groups = [PRESSES[part % 3], "trimming", ("printing", "assembly")[part % 2], "packing"]
    if random.random() < 0.15:
        groups.remove("trimming")
    if random.random() < 0.15:
        groups.insert(-1, ("assembly", "printing")[part % 2])
    return [(group, _work(random, group)) for group in groups]


def _work(random: Random, group: str) -> int:
    least, usual, most = GROUPS[group][0]
    return int(random.triangular(least, most, usual)) // 5 * 5


def _park(load: dict[str, int], machines: int) -> dict[str, list[Machine]]:
    """Machines for each group by its load: at least one, the rest by largest remainder."""
    share = {group: load[group] * machines / max(1, sum(load.values())) for group in GROUPS}
    count = {group: max(1, int(share[group])) for group in GROUPS}
    while sum(count.values()) < machines:
        group = max(GROUPS, key=lambda name: share[name] - count[name])
        count[group] += 1
    return {
        group: [
            Machine(
                f"{group} {number}",
                group,
                _WITH_SATURDAY if group in PRESSES else _TWO_SHIFTS,
                GROUPS[group][1],
                GROUPS[group][1] * 3 // 2,
            )
            for number in range(1, count[group] + 1)
        ]
        for group in GROUPS
    }


def _order(
    random: Random, number: int, draft: list[tuple[str, int]], park: dict[str, list[Machine]], length: int
) -> tuple[Order, list[Operation]]:
    name = f"SO-{number:06d}"
    work = sum(minutes for _, minutes in draft)
    due = NOW + random.randint(2 * DAY, max(3 * DAY, length)) // DAY * DAY + 16 * HOUR
    released = max(0, due - 3 * work - random.randint(*LEAD) * DAY)
    promised = due + random.choice((0, 0, 0, DAY, 2 * DAY))
    weight = random.choices((1, 2, 5, 10), (50, 30, 15, 5))[0]
    order = Order(
        name,
        due,
        promised,
        f"customer {random.randint(1, 40)}",
        weight,
        weight * 20_000,
        released,
        key=weight == 10,
        movable=weight < 10,
    )
    part = f"{draft[0][0]} part {number % 997}"
    colour = random.choice(COLOURS)
    late_material = released + random.randint(0, 4 * DAY) if random.random() < 0.2 else 0
    steps: list[Operation] = []
    for place, (group, minutes) in enumerate(draft):
        steps.append(
            Operation(
                id=f"{name}-{place + 1}0",
                order=name,
                modes=_modes(random, park[group], minutes),
                after=_after(group, steps),
                tool=part if group in PRESSES else "",
                kind=colour if group in PRESSES or group == "printing" else "",
                earliest=late_material if place == 0 else 0,
                material=f"granulate {colour}" if place == 0 and late_material else "",
                unbroken=group == "packing" and minutes <= 4 * HOUR and random.random() < 0.2,
                outside=Outside("outside", minutes + 2 * DAY, minutes * 200) if group == "printing" else None,
            )
        )
    return order, steps


def _modes(random: Random, group: list[Machine], minutes: int) -> tuple[Mode, ...]:
    """Up to four machines of a group, the older of them slower."""
    chosen = sorted(random.sample(range(len(group)), min(4, len(group))))
    return tuple(Mode(group[place].id, minutes + minutes * (place % 3) // 10) for place in chosen)


def _after(group: str, steps: list[Operation]) -> tuple[After, ...]:
    if not steps:
        return ()
    if group == "trimming":
        return (After(steps[-1].id, lag=HOUR),)  # parts cool down
    return (After(steps[-1].id, share=50),) if group == "packing" else (After(steps[-1].id),)


def _begun(random: Random, operations: dict[str, Operation], park: dict[str, list[Machine]]) -> dict[str, Operation]:
    """On most presses and some others, one first operation of an order began this morning."""
    found: dict[str, Operation] = {}
    tools: set[str] = set()
    free = {machine.id for group in PRESSES for machine in park[group] if random.random() < 0.8}
    for one in operations.values():
        mode = next((mode for mode in one.modes if mode.machine in free), None)
        if one.after or not mode or one.tool in tools or one.earliest > WEEK:
            continue
        start = WEEK + 6 * HOUR + random.randint(0, 100)
        calendar = _WITH_SATURDAY
        end = calendar.ends(calendar.work_at(start) + mode.work)
        found[one.id] = Operation(
            one.id, one.order, one.modes, (), one.tool, one.kind, locked=Locked(mode.machine, start, end)
        )
        free.discard(mode.machine)
        tools.add(one.tool)
    return found


def _changeovers() -> dict[tuple[str, str, str], int]:
    """Longer the lighter the next colour is than the one before."""
    found = {}
    for group, short, step in [*((press, 20, 5) for press in PRESSES), ("printing", 10, 3)]:
        for before, dark in enumerate(COLOURS):
            for after, light in enumerate(COLOURS):
                if before != after:
                    found[group, dark, light] = short + step * max(0, before - after)
    return found


def timed(make: Callable[[], Schedule]) -> tuple[float, Schedule]:
    """Seconds of this process, the best of three, and the plan."""
    best, plan = 1e9, Schedule({})
    for _ in range(3):
        began = time.process_time()
        plan = make()
        best = min(best, time.process_time() - began)
    return best, plan


def utilisation(problem: Problem, plan: Schedule, until: int) -> float:
    """Of the busiest group between now and a minute: the share of its open time that is planned."""
    busy: dict[str, int] = defaultdict(int)
    free: dict[str, int] = defaultdict(int)
    for machine in problem.machines.values():
        free[machine.group] += machine.calendar.work_at(until) - machine.calendar.work_at(problem.now)
    for one in plan.assignments.values():
        machine = problem.machines[one.machine]
        start, end = (min(until, max(problem.now, minute)) for minute in (one.start, one.end))
        busy[machine.group] += machine.calendar.work_at(end) - machine.calendar.work_at(start)
    return max(busy[group] / free[group] for group in busy)


def measured(orders: int, machines: int) -> str:
    problem = factory(orders, machines, seed=1)
    hurried = rush(problem)
    first, plan = timed(lambda: scheduled(problem))
    wedge, pushed = timed(lambda: inserted(hurried, plan))
    fit, still = timed(lambda: fitted(hurried, plan))
    repair, again = timed(lambda: repaired(hurried, pushed))
    check, _ = timed(lambda: _without_violation(problem, plan))
    for one in (pushed, still, again):
        _without_violation(hurried, one)
    due = max(order.due for order in problem.orders.values())
    return (
        f"{orders:>6}/{machines:<8}  {len(problem.operations):>10}  {first:>8.3f}s  {wedge:>7.3f}s  {fit:.3f}s  "
        f"{repair:>7.3f}s  {check:>6.3f}s  {utilisation(problem, plan, due):>11.0%}  "
        f"{len(late_orders(problem, plan)):>4}  {score(problem, plan, Goal()).tardiness // 60:>13}  "
        f"{changeovers(problem, plan):>11}\n"
        + "\n".join(_told(hurried, name, plan, after) for name, after in (("inserted", pushed), ("fitted", still)))
    )


def _without_violation(problem: Problem, plan: Schedule) -> Schedule:
    if found := violations(problem, plan):
        raise AssertionError(f"{len(found)} violations, such as {found[0]}")
    return plan


def _told(problem: Problem, name: str, before: Schedule, after: Schedule) -> str:
    end = (ends(problem, after)[RUSH] - NOW) / DAY
    moved = sum(one.old_end != one.new_end for one in impacts(problem, before, after))
    late = len(moved_promises(problem, before, after))
    return f"{'':15}  {name}: rush order ready after {end:.1f} days, {moved} orders moved, {late} promises broken"


def main() -> None:
    print(
        "orders/machines  operations  scheduled  inserted  fitted  repaired  checked  utilisation  late  "
        "weighted hours  changeovers"
    )
    for orders, machines in ((300, 15), (1_000, 40), (3_000, 80)):
        print(measured(orders, machines))


if __name__ == "__main__":
    main()
