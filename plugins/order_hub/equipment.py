"""What the plant of the demo has: machines, materials, suppliers, rules for changes; and what every product is made of.

Pure, like ``demo``: values as they would be typed, other records by their key.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

LINES = ("一号线", "二号线", "三号线")
LOCATIONS = (("A1", "raw"), ("A2", "raw"), ("B1", "raw"), ("F1", "finished"), ("F2", "finished"), ("Q1", "quarantine"))
SUPPLIERS = (
    ("华塑化工", "陈志强", 60),
    ("金发新材", "刘美玲", 45),
    ("南方色母", "黄伟", 30),
    ("东莞永盛纸品", "何小燕", 30),
    ("恒昌包装", "谢军", 30),
    ("台州精密嵌件", "许文彬", 45),
)
# sku, name, kind, unit, cost of one, supplier, safety stock, days until it comes
MATERIALS = (
    ("RAW-ABS", "ABS 粒料", "material", "kg", "12.8", 0, 800, 7),
    ("RAW-PP", "PP 粒料", "material", "kg", "8.6", 0, 1000, 7),
    ("RAW-POM", "POM 粒料", "material", "kg", "15.2", 1, 300, 10),
    ("RAW-HDPE", "HDPE 粒料", "material", "kg", "9.1", 1, 1500, 7),
    ("RAW-PA66", "PA66 粒料", "material", "kg", "21.5", 1, 300, 14),
    ("MB-BLACK", "黑色母", "material", "kg", "24.0", 2, 50, 5),
    ("BOX-M", "中号纸箱", "packaging", "pcs", "3.2", 3, 500, 4),
    ("BAG-L", "PE 内袋", "packaging", "pcs", "0.35", 4, 1000, 3),
)
RESIN = {"housing": "RAW-ABS", "cap": "RAW-PP", "gear": "RAW-POM", "crate": "RAW-HDPE", "connector": "RAW-PA66"}
CAVITIES = {"housing": 1, "cap": 8, "gear": 4, "crate": 1, "connector": 4}
A_BOX = {"housing": 100, "cap": 4000, "gear": 2500, "crate": 1, "connector": 4000}
# name, hours of overtime a day, may run on days off, cost of an hour of it, changeover of mould or colour
GROUPS = (
    ("小型注塑机", "6", True, "140", "30m"),
    ("中型注塑机", "6", True, "180", "40m"),
    ("大型注塑机", "6", True, "260", "60m"),
    ("包装台", "4", True, "60", None),
)
GROUP_OF = {"housing": 1, "cap": 0, "gear": 0, "crate": 2, "connector": 1}
PACKING, PACKER = "包装", 3  # the last operation, and its group
# step → (due date, quantity, delivery): who approves and what is charged; None: no longer
POLICIES: Mapping[str, tuple[tuple[str, int] | None, ...]] = {
    "pending": (("finance", 0), ("finance", 0), ("finance", 0)),
    "paid": (("planner", 0), ("planner", 0), ("finance", 0)),
    "preparing": (("planner", 2), ("director", 3), ("finance", 0)),
    "scheduled": (("planner", 3), ("director", 5), ("finance", 0)),
    "producing": (("director", 5), None, ("finance", 0)),
    "inspected": (("director", 0), None, ("finance", 0)),
    "shipped": (None, None, ("director", 2)),
}


def machines(random: Random) -> list[dict[str, Any]]:
    """Twelve moulding machines and two packing benches; ``line`` is an index of ``LINES``, ``group`` of ``GROUPS``."""
    tonnages = (80, 120, 160, 200, 120, 160, 260, 320, 160, 260, 450, 650)
    benches = [
        {"code": f"P{number:02d}", "name": f"包装台 {number}", "line": 2, "group": PACKER, "hours": "16", "heads": "3",
         "hourly_cost": "45", "barcode": f"P{number:02d}"}
        for number in (1, 2)
    ]  # fmt: skip
    return [
        {
            "code": f"M{number:02d}",
            "name": f"注塑机 {tonnage}T",
            "line": (number - 1) // 4,
            "group": 0 if tonnage <= 120 else 1 if tonnage <= 260 else 2,
            "tonnage": tonnage,
            "hourly_cost": str(40 + tonnage // 5),
            "hours": random.choice(("20", "22")),
            "heads": random.choice(("1", "1.5", "2")),
            "barcode": f"M{number:02d}",
        }
        for number, tonnage in enumerate(tonnages, 1)
    ] + benches


def recipe(
    random: Random, product: Mapping[str, Any], ids: Mapping[str, int], machine: int, place: Mapping[str, Any]
) -> dict[str, Any]:
    """The components and operations of a product; ``ids``: material sku → id; ``place``: mould, groups and who else
    could do it."""
    family = str(product["family"])
    resin = round(float(product["weight"]) / 1000 * 1.02, 6)
    return {
        "bom": [
            {"component": ids[RESIN[family]], "quantity": f"{resin:.6f}", "scrap": str(random.choice((2, 3, 4)))},
            {"component": ids["BOX-M"], "quantity": f"{1 / A_BOX[family]:.6f}"},
        ],
        "operations": [
            {"number": 10, "name": "注塑", "group": place["groups"][GROUP_OF[family]], "machine": machine,
             "mould": place["mould"], "cycle": product["cycle_time"], "cavities": CAVITIES[family],
             "setup": f"{random.choice((30, 45, 60))}m", "wait": "2h", **_elsewhere(product, place)},
            {"number": 20, "name": PACKING, "group": place["groups"][PACKER], "cycle": "2s", "cavities": 1},
        ],
    }  # fmt: skip


def _elsewhere(product: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """What a moulder outside asks for: half as much again as it costs here."""
    if product["family"] not in ("cap", "housing"):
        return {}
    price = str(round(float(product["cost"]) * 0.45, 4))
    return {"outside": place["processor"], "outside_days": 5, "outside_price": price}
