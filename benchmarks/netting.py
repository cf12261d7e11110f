"""How long material requirements take, and whether they are right.

    python benchmarks/netting.py --orders 5000 --seed 1
    python benchmarks/netting.py --orders 5000 --repeat 5

Orders for products with five-level bills of materials are netted, and `netting.sql` works the records out again in
DuckDB, of CSV files: per item and day what is needed, reserved, coming, planned and projected. All lot rules, scrap,
safety stock, reservations, late receipts and working days are in; alternatives are not, `netting.sql` has none. A
single row that differs makes the exit code 1.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from plugins.planning.material_shapes import (
    Demand,
    Item,
    Line,
    Lot,
    Material,
    Netting,
    Receipt,
    Reservation,
)
from plugins.planning.netting import netted
from plugins.planning.pegging import earliest, serves, waits_for
from plugins.planning.requests import difference, productions, requests
from plugins.planning.workdays import Workdays

SQL = Path(__file__).with_suffix(".sql")
WIDTHS = (150, 300, 400, 400, 500)  # items of each level: products, assemblies, …, what is bought
TODAY = 1000
Figures = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]  # gross, reserved, receipts, planned, projected
Record = Mapping[tuple[str, int], Figures]


# --- a factory of chance ----------------------------------------------------------------------------------------------


def factory(orders: int, seed: int, share: int = 100) -> Material:
    """Orders over half a year, some overdue. ``share``: percent of the items of ``WIDTHS``."""
    chance = random.Random(seed)
    names = [
        [f"{level}-{number:03}" for number in range(max(6, width * share // 100))] for level, width in enumerate(WIDTHS)
    ]
    items = {name: _item(chance, name, level) for level, row in enumerate(names) for name in row}
    lines = [
        line for level, row in enumerate(names[:-1]) for name in row for line in _lines(chance, name, names, level)
    ]
    demands = [_order(chance, number, names[0]) for number in range(orders)]
    receipts = [_receipt(chance, number, item) for number, item in enumerate(items.values()) if chance.random() < 0.5]
    demands += [draw for one in receipts for draw in _draws(chance, one, lines, items)]
    stock = {name: Decimal(chance.randint(-20, 4000)) for name in items if chance.random() < 0.7}
    return Material(
        items, lines, demands, stock, receipts, _reservations(chance, demands, receipts), TODAY, _workdays(chance)
    )


def _item(chance: random.Random, name: str, level: int) -> Item:
    made, decimals = level < len(WIDTHS) - 1, chance.choice((0, 0, 0, 2, 3)) if level else 0
    lots = (
        Lot(),
        Lot(multiple=Decimal(chance.choice((5, 25, 144)))),
        Lot(minimum=Decimal(chance.randint(10, 200))),
        Lot(days=chance.randint(2, 14)),
        Lot(Decimal(50), Decimal(12), chance.randint(2, 10)),
    )
    safety = Decimal(chance.choice((0, 0, 0, 10, 35)))
    lead = chance.randint(0, 4) if made else chance.randint(3, 30)
    return Item(name, made, lead, chance.choice(lots), safety, decimals, "" if made else f"S{chance.randint(1, 40)}")


def _lines(chance: random.Random, parent: str, names: Sequence[Sequence[str]], level: int) -> Iterable[Line]:
    below = chance.sample(names[level + 1], chance.randint(2, 5))
    below += [chance.choice(names[-1])] if level < len(names) - 2 else []
    for component in dict.fromkeys(below):
        per = Decimal(chance.randint(1, 6)) if chance.random() < 0.7 else Decimal(chance.randint(1, 40000)).scaleb(-4)
        yield Line(parent, component, per, Decimal(chance.choice(("0", "0", "1.5", "3", "7.25"))))


def _order(chance: random.Random, number: int, products: Sequence[str]) -> Demand:
    day, quantity = TODAY + chance.randint(-5, 180), Decimal(chance.randint(1, 40))
    return Demand(f"D{number}", chance.choice(products), day, quantity, f"SO{number}", f"SO{number}/10")


def _receipt(chance: random.Random, number: int, item: Item) -> Receipt:
    day = TODAY + chance.randint(-3, 60)
    wanted = day - chance.randint(1, 20) if chance.random() < 0.3 else None
    quantity = Decimal(chance.randint(5, 600))
    return Receipt(f"R{number}", item.id, day, quantity, "production" if item.made else "purchase", wanted)


def _draws(
    chance: random.Random, receipt: Receipt, lines: Sequence[Line], items: Mapping[str, Item]
) -> Iterable[Demand]:
    """What an open production order still has to draw."""
    parts = [line.component for line in lines if line.parent == receipt.item] if receipt.kind == "production" else []
    for component in parts:
        quantity = Decimal(chance.randint(1, 9000)).scaleb(-items[component].decimals)
        day = receipt.day - chance.randint(0, 9)
        yield Demand(f"{receipt.id}/{component}", component, day, quantity, supply=receipt.id)


def _reservations(chance: random.Random, demands: Sequence[Demand], receipts: Sequence[Receipt]) -> list[Reservation]:
    coming = {receipt.item: receipt.id for receipt in receipts}
    found = []
    for demand in chance.sample(demands, len(demands) // 8):
        supply = coming.get(demand.item, "") if chance.random() < 0.3 else ""
        found.append(Reservation(demand.id, demand.item, Decimal(chance.randint(1, 60)), supply))
    return found


def _workdays(chance: random.Random) -> Workdays:
    """Five days a week, for two thousand days with holidays here and there."""
    return Workdays([place % 7 < 5 and chance.random() > 0.03 for place in range(2100)])


# --- held against SQL -------------------------------------------------------------------------------------------------


def worked_out(material: Material) -> Record:
    """The records of all items, by DuckDB."""
    parts = dict(_parts(SQL.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as conn:
        _write(material, Path(folder))
        conn.execute("SET VARIABLE folder = ?", [folder])
        conn.execute("SET VARIABLE today = ?", [material.today])
        conn.execute(parts["opening"])
        (deepest,) = conn.execute("SELECT max(level) FROM code").fetchall()[0]
        for level in range(deepest + 1):
            conn.execute("SET VARIABLE level = ?", [level])
            conn.execute(parts["level"])
        rows = conn.execute(parts["record"]).fetchall()
    return {(item, day): tuple(Decimal(one).scaleb(-3) for one in figures) for item, day, *figures in rows}  # type: ignore[misc]


def _parts(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split("-- part: ")[1:]:
        name, _, sql = part.partition("\n")
        yield name, sql


def _write(material: Material, folder: Path) -> None:
    items = material.items.values()
    tables: Mapping[str, tuple[str, Iterable[Sequence[Any]]]] = {
        "items": ("id made lead minimum multiple days safety decimals", (
            (one.id, one.made, one.lead, one.lot.minimum, one.lot.multiple, one.lot.days, one.safety, one.decimals) for one in items)),
        "lines": ("parent component per scrap", ((one.parent, one.component, one.per, one.scrap) for one in material.lines)),
        "demands": ("id item day quantity", ((one.id, one.item, one.day, one.quantity) for one in material.demands)),
        "stock": ("item quantity", material.stock.items()),
        "receipts": ("id item day wanted quantity", ((one.id, one.item, one.day, one.wanted, one.quantity) for one in material.receipts)),
        "reservations": ("seq demand item supply quantity", (
            (place, one.demand, one.item, one.supply, one.quantity) for place, one in enumerate(material.reservations))),
        "days": ("day works", _days(material)),
    }  # fmt: skip
    for name, (heads, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(heads.split())
            writer.writerows(rows)


def _days(material: Material) -> Iterable[tuple[int, bool]]:
    assert isinstance(material.shift, Workdays)
    return enumerate(material.shift.table, material.shift.first)


def recorded(netting: Netting) -> Record:
    """The records as they were netted."""
    return {
        (item, row.day): (row.gross, row.reserved, row.receipts, row.planned, row.projected)
        for item, rows in netting.records.items()
        for row in rows
    }


def differences(one: Record, other: Record) -> list[str]:
    """A line for each item and day of which the two say something else."""
    return [
        f"{item} on {day}: {one.get((item, day))} / {other.get((item, day))}"
        for item, day in sorted(one.keys() | other.keys())
        if one.get((item, day)) != other.get((item, day))
    ]


# --- told -------------------------------------------------------------------------------------------------------------


def timed(what: str, call: Callable[[], Any], repeat: int = 1) -> Any:
    """Clock seconds, and in brackets those of this process's own processor time, which other work leaves as it is."""
    seconds = []
    for _ in range(repeat):
        began, own = time.perf_counter(), time.process_time()
        found = call()
        seconds.append((time.perf_counter() - began, time.process_time() - own))
    clock, own = sorted(seconds)[len(seconds) // 2]
    print(f"{what:<44}{clock:8.2f} s ({own:.2f})")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=1, help="how often it is netted; the median is told")
    asked = parser.parse_args()
    material = factory(asked.orders, asked.seed)
    netting = timed("netted", lambda: netted(material), asked.repeat)
    asked_for = timed("requests within 7 days, and productions", lambda: (*requests(netting, 7), *productions(netting)))
    timed("earliest of every operation", lambda: earliest(netting))
    timed("what each of 100 orders waits for", lambda: [waits_for(netting, f"SO{number}") for number in range(100)])
    timed("what each of 100 receipts serves", lambda: [serves(netting, one) for one in sorted(netting.supplies)[:100]])
    timed("difference to the same again", lambda: difference(asked_for, asked_for))
    record = recorded(netting)
    wrong = differences(record, timed("worked out in SQL", lambda: worked_out(material)))
    _tell(material, netting, record, asked_for, wrong)
    return 1 if wrong else 0


def _tell(material: Material, netting: Netting, record: Record, proposals: Sequence[Any], wrong: Sequence[str]) -> None:
    deepest = max(netting.levels.values())
    print(f"{asked_of(material)}; {deepest + 1} levels")
    print(
        f"{len(netting.demands)} requirement lines, {len(netting.pegs)} pegs, {len(netting.supplies)} supplies, {len(proposals)} proposals"
    )
    print(f"{len(record)} rows of items and days: {len(wrong)} differ")
    for line in wrong[:20]:
        print(f"  {line}")


def asked_of(material: Material) -> str:
    """How large a factory is."""
    orders = sum(1 for demand in material.demands if demand.order)
    return f"{orders} orders, {len(material.items)} items, {len(material.lines)} lines, {len(material.receipts)} receipts, {len(material.reservations)} reservations"


if __name__ == "__main__":
    sys.exit(main())
