"""What planning does for delivery on time: ``python benchmarks/on_time.py --orders 400 --days 60 --seeds 1 2 3``.

One factory (``on_time_drawn.py``, ``on_time_shop.py``), the same orders, breakdowns, late deliveries, changed dates and
true times in every row of a seed; only the office differs:

- paper: a spreadsheet by due date, made each morning of what was known 48 hours ago (``on_time_paper.py``)
- paper at once: the same spreadsheet, as if everything were known in the morning; no factory has it, it tells how much
  of the difference is the delay alone
- right shift: the plan follows every event, but only by moving right what must (``repaired``)
- re-planning: the plan as the errand ``replan`` makes it follow (``followed``), standard times as first entered
- and calibrated: the same, standard times following the reports once a week

With ``--hub`` only paper and, in its place, the real application (``on_time_hub.py``): the Order Hub with its rules and
errands, whose calibration is switched off or on in the text of its definition. That takes some minutes for a seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from time import process_time

from on_time_drawn import DAY, PACKING, SHIFT_CALENDAR, Drawn, Ordered, drawn
from on_time_hub import InHub, office_of
from on_time_paper import Paper
from on_time_planned import Planned
from on_time_shop import Office, Shop

from engine.api import AppDefinition
from engine.extensions import registry_for
from engine.load import load_file
from plugins.planning.following import followed
from plugins.planning.repair import repaired

HUB = Path(__file__).parents[1] / "apps/order_hub.yaml"
HEAD = (
    "seed  office            on time  late (mean)  late (p95)  flow time  forecast off  changeovers  press load  plans"
)


@dataclass(frozen=True)
class Row:
    """Days, but for ``on_time``, ``busy`` (shares), ``changeovers`` and ``plans`` (numbers). ``late`` is over all
    orders, 0 for one in time; ``off``: how far the end that the plan gave when an order was entered was from the real
    one, None on paper. ``busy``: of the presses, changeovers included, of their time without stops, from the first order that counts
    to the last."""

    seed: int
    office: str
    on_time: float
    late: float
    late95: float
    flow: float
    off: float | None
    changeovers: int
    busy: float
    plans: int

    def __str__(self) -> str:
        off = "–" if self.off is None else f"{self.off:.2f} d"
        return (
            f"{self.seed:>4}  {self.office:<16}  {self.on_time:>7.1%}  {self.late:>10.2f} d  {self.late95:>8.2f} d  "
            f"{self.flow:>7.2f} d  {off:>12}  {self.changeovers:>11}  {self.busy:>10.0%}  {self.plans:>5}"
        )


def offices(definition: AppDefinition) -> dict[str, Callable[[], Office]]:
    return {
        "paper": Paper,
        "paper at once": lambda: Paper(delay=0),
        "right shift": lambda: Planned(definition, calibrates=False, follow=repaired),
        "re-planning": lambda: Planned(definition, calibrates=False, follow=followed),
        "and calibrated": lambda: Planned(definition, calibrates=True, follow=followed),
    }


def in_the_hub() -> dict[str, Callable[[], Office]]:
    return {
        "paper": partial(office_of, replans=False, calibrates=False),
        "in the Order Hub": partial(office_of, replans=True, calibrates=False),
        "… calibrated": partial(office_of, replans=True, calibrates=True),
    }


def measured(seed: int, name: str, office: Office, happens: Drawn) -> Row:
    with closing(office) if isinstance(office, InHub) else nullcontext():
        shop = Shop(happens, office)
        shop.run()
        return row(seed, name, shop)


def row(seed: int, name: str, shop: Shop) -> Row:
    happens, office = shop.drawn, shop.office
    orders = counted(happens)
    late = sorted(max(0, shop.ready[one.id] - one.due_at_last) / DAY for one in orders)
    forecast, runs = (office.forecast, office.runs) if isinstance(office, Planned | InHub) else ({}, 0)
    return Row(
        seed, name, late.count(0) / len(orders), fmean(late), late[int(0.95 * len(late))],
        fmean((shop.ready[one.id] - one.at) / DAY for one in orders),
        fmean(abs(shop.ready[one.id] - forecast[one.id]) / DAY for one in orders) if forecast else None,
        shop.changeovers, load(shop), runs,
    )  # fmt: skip


def counted(happens: Drawn) -> list[Ordered]:
    return [one for one in happens.orders if one.at >= happens.counted]


def load(shop: Shop) -> float:
    """Of all presses together."""
    happens, work = shop.drawn, SHIFT_CALENDAR.work_at
    presses = [one for one in shop.benches if one.group != PACKING]
    room = len(presses) * (work(happens.end) - work(happens.counted)) - sum(map(happens.stood, range(PACKING)))
    return sum(one.busy for one in presses) / room


def table(rows: Sequence[Row]) -> str:
    """On time by seed, as the README has it."""
    names = list(dict.fromkeys(one.office for one in rows))
    lines = [f"| seed | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for seed in dict.fromkeys(one.seed for one in rows):
        of = {one.office: one.on_time for one in rows if one.seed == seed}
        lines.append(f"| {seed} | {' | '.join(f'{of[name]:.1%}' for name in names)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=400)
    parser.add_argument("--days", type=int, default=60, help="in which orders come; at most 70")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--hub", action="store_true", help="paper beside the real application")
    options = parser.parse_args()
    ways = in_the_hub() if options.hub else offices(load_file(HUB, registry_for(HUB)).definition)
    rows: list[Row] = []
    print(HEAD)
    for seed in options.seeds:
        happens = drawn(seed, options.orders, options.days)
        for name, made in ways.items():
            began = process_time()
            rows.append(measured(seed, name, made(), happens))
            print(f"{rows[-1]}   {process_time() - began:.0f} s", flush=True)
    print(f"\n{table(rows)}\n\n{process_time():.0f} s of CPU in all")
    best = list(ways)[-1]
    lost = [one.seed for one in rows if one.office == "paper" and one.on_time >= _share(rows, one.seed, best)]
    if lost:
        raise SystemExit(f"Paper delivers no less on time in these seeds: {lost}")


def _share(rows: Sequence[Row], seed: int, office: str) -> float:
    return next(one.on_time for one in rows if one.seed == seed and one.office == office)


if __name__ == "__main__":
    main()
