"""A year of a moulder's business, made up from a seed: the same seed gives the same year.

Pure: nothing here reads a clock or a database. Times are aware UTC datetimes, money is Decimal yuan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

CITIES = (
    ("广东省", "东莞市", "长安镇"),
    ("广东省", "深圳市", "宝安区"),
    ("广东省", "佛山市", "顺德区"),
    ("浙江省", "宁波市", "北仑区"),
    ("浙江省", "台州市", "黄岩区"),
    ("江苏省", "苏州市", "昆山市"),
    ("江苏省", "无锡市", "新吴区"),
    ("上海市", "上海市", "嘉定区"),
    ("山东省", "青岛市", "城阳区"),
    ("福建省", "厦门市", "海沧区"),
    ("四川省", "成都市", "龙泉驿区"),
    ("安徽省", "合肥市", "经开区"),
)
STEMS = (
    "华",
    "恒",
    "鑫",
    "瑞",
    "嘉",
    "宏",
    "盛",
    "泰",
    "永",
    "东",
    "金",
    "新",
    "富",
    "安",
    "信",
    "德",
    "昌",
    "利",
    "源",
    "达",
)
TRADES = ("电器", "日化", "汽车零部件", "电子", "包装", "家居", "医疗器械", "饮料", "玩具", "五金")
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高梁郑谢宋唐许韩冯邓曹彭曾"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀英",
    "霞",
    "平",
    "刚",
    "桂英",
    "文",
    "建国",
    "晓东",
    "雪梅",
)
FAMILIES = (
    (
        "housing",
        "外壳",
        ("遥控器上盖", "遥控器下盖", "路由器面壳", "风扇底座", "充电器外壳", "仪表外壳", "水壶把手", "电饭煲面盖"),
        "ABS",
        (1.2, 9.5),
        (18, 140),
        (28, 55),
    ),
    (
        "cap",
        "瓶盖",
        ("28牙水瓶盖", "38牙饮料盖", "洗发水翻盖", "乳液泵盖", "防盗油盖", "喷雾嘴盖"),
        "PP",
        (0.06, 0.55),
        (2, 12),
        (8, 18),
    ),
    (
        "gear",
        "齿轮",
        ("打印机齿轮 24T", "玩具减速齿轮", "门锁斜齿轮", "传动蜗轮", "风门齿条"),
        "POM",
        (0.25, 2.4),
        (2, 25),
        (15, 32),
    ),
    (
        "crate",
        "周转箱",
        ("周转箱 400×300", "周转箱 600×400", "折叠箱 530", "零件盒 3号"),
        "HDPE",
        (9.0, 46.0),
        (420, 2600),
        (45, 90),
    ),
    (
        "connector",
        "接插件",
        ("2P 端子座", "6P 线束外壳", "USB 面板座", "防水接头", "排针座 20P"),
        "PA66",
        (0.12, 1.6),
        (1, 9),
        (12, 26),
    ),
)
CARRIERS = ("own", "sf", "deppon", "freight")
PATH = ("pending", "paid", "preparing", "scheduled", "producing", "inspected", "shipped", "signed")
STEPS = (
    "confirm_payment",
    "start_preparing",
    "material_ready",
    "release_schedule",
    "finish_production",
    "release_goods",
    "sign",
)
# Usual hours in a state, and how much longer it takes when it goes badly (share of orders, factor).
USUAL_HOURS = {
    "pending": 14,
    "paid": 10,
    "preparing": 46,
    "scheduled": 14,
    "producing": 80,
    "inspected": 12,
    "shipped": 60,
}
BAD_LUCK = {
    "pending": (0.10, 3.0),
    "preparing": (0.22, 3.2),
    "scheduled": (0.10, 2.5),
    "producing": (0.18, 2.2),
    "shipped": (0.06, 2.5),
}


@dataclass(frozen=True)
class Step:
    """One transition somebody took: ``login`` of the person, ``at`` when."""

    transition: str
    state: str
    at: dt.datetime
    login: str
    reason: str | None = None


@dataclass(frozen=True)
class OrderPlan:
    """An order as it will be adopted. ``customer`` and line products are indexes into the lists."""

    customer: int
    values: dict[str, Any]
    lines: tuple[tuple[int, int, Decimal], ...]  # product, quantity, price
    created_at: dt.datetime
    sales: str
    state: str
    steps: tuple[Step, ...] = field(default=())

    @property
    def amount(self) -> Decimal:
        return sum((round(quantity * price, 2) for _, quantity, price in self.lines), Decimal(0))


def products(random: Random, count: int = 60) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(count):
        family, _label, names, material, prices, weights, cycles = FAMILIES[number % len(FAMILIES)]
        price = Decimal(str(round(random.uniform(*prices), 3)))
        name = names[(number // len(FAMILIES)) % len(names)]
        shade = random.choice(("", " 白", " 黑", " 灰", " 透明"))
        found.append(
            {
                "sku": f"{family[:2].upper()}-{1000 + number}",
                "name": name + shade,
                "family": family,
                "material": material,
                "colour": random.choice(("#f8f9fa", "#212529", "#adb5bd", "#1971c2", "#2f9e44", "#e03131")),
                "weight": str(round(random.uniform(*weights), 1)),
                "cycle_time": f"{random.randint(*cycles)}s",
                "price": str(price),
                "cost": str(round(price * Decimal(str(round(random.uniform(0.52, 0.78), 3))), 4)),
                "barcode": f"69{random.randrange(10**10):010d}",
            }
        )
    return found


def customers(random: Random, count: int = 120) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        province, city, district = random.choice(CITIES)
        stems = "".join(random.sample(STEMS, 2))
        name = f"{city[:2]}{stems}{random.choice(TRADES)}有限公司"
        level = random.choices(("a", "b", "c"), (15, 60, 25))[0]
        found.setdefault(
            name,
            {
                "name": name,
                "level": level,
                "payment_days": random.choice((0, 15, 15, 30)),
                "email": f"buyer{len(found) + 1:03d}@customer.example.com",
                "contact": person(random),
                "phone": f"1{random.choice((38, 39, 58, 86, 77))}{random.randrange(10**8):08d}",
                "address": {
                    "country": "CN",
                    "province": province,
                    "city": city,
                    "district": district,
                    "street": f"{random.choice('兴创科工振')}{random.choice('业新园达华')}路{random.randint(1, 288)}号",
                },
                "credit_limit": str({"a": 800_000, "b": 300_000, "c": 50_000}[level] + random.randrange(10) * 10_000),
            },
        )
    return list(found.values())


def person(random: Random) -> str:
    return random.choice(SURNAMES) + random.choice(GIVEN)


def orders(
    random: Random,
    count: int,
    now: dt.datetime,
    customer_levels: Sequence[str],
    prices: Sequence[Decimal],
    sales: Sequence[str],
) -> Iterator[OrderPlan]:
    """``count`` orders, oldest first, with busy and quiet months: 5,000 fill a year, fewer the last part of it."""
    days = min(365, max(60, count // 13))
    for created in sorted(_moment(random, now, days) for _ in range(count)):
        yield _order(random, created, now, customer_levels, prices, random.choice(sales))


def _moment(random: Random, now: dt.datetime, days: int) -> dt.datetime:
    """A working hour of the last ``days``; September to November and March are busy."""
    while True:
        day = (now - dt.timedelta(days=random.randrange(days))).replace(
            hour=random.randint(0, 9), minute=random.randrange(60), second=random.randrange(60), microsecond=0
        )
        busy = 1.0 if day.month in (3, 9, 10, 11) else 0.35 if day.month == 2 else 0.75
        if day.weekday() < 6 and day < now and random.random() < busy:
            return day


def _order(
    random: Random, created: dt.datetime, now: dt.datetime, levels: Sequence[str], prices: Sequence[Decimal], sales: str
) -> OrderPlan:
    customer = random.choices(range(len(levels)), [{"a": 6, "b": 2, "c": 1}[level] for level in levels])[0]
    lines = tuple(_line(random, prices) for _ in range(random.choices((1, 2, 3, 4, 6, 8), (34, 26, 18, 10, 8, 4))[0]))
    priority = random.choices(("normal", "high", "rush"), (82, 13, 5))[0]
    due = created.date() + dt.timedelta(
        days={"normal": random.randint(14, 30), "high": random.randint(8, 14), "rush": random.randint(4, 8)}[priority]
    )
    values = {
        "customer_po": f"PO{random.randrange(10**7):07d}" if random.random() < 0.7 else None,
        "ordered_on": created.date().isoformat(),
        "due_on": due.isoformat(),
        "priority": priority,
        "channel": random.choices(("direct", "web", "amazon", "jd"), (74, 10, 9, 7))[0],
        "note": random.choice((None, None, None, "分两批交货", "外箱贴客户标签", "颜色按上次样板", "需随货附材质证明")),
    }
    state, steps = _life(random, created, now, sales, priority)
    return OrderPlan(
        customer,
        {**values, **_results(random, steps, sum(line[1] for line in lines))},
        lines,
        created,
        sales,
        state,
        steps,
    )


def _line(random: Random, prices: Sequence[Decimal]) -> tuple[int, int, Decimal]:
    product = random.randrange(len(prices))
    price = prices[product]
    quantity = (
        random.choice((500, 1000, 2000, 3000, 5000, 8000, 10000, 20000))
        if price < 5
        else random.choice((50, 100, 200, 300, 500, 800))
    )
    return (
        product,
        quantity,
        (price * Decimal(str(random.choice((1, 1, 1, 0.98, 0.95, 0.92))))).quantize(Decimal("0.0001")),
    )


WHO = {
    "confirm_payment": "wang",
    "start_preparing": "chen",
    "material_ready": "wu",
    "release_schedule": "zhao",
    "finish_production": "sun",
    "release_goods": "qian",
    "sign": "feng",
}


def _life(
    random: Random, created: dt.datetime, now: dt.datetime, sales: str, priority: str
) -> tuple[str, tuple[Step, ...]]:
    """Walk the main path until ``now``, with a freeze, a change, a cancellation or a return now and then."""
    steps: list[Step] = []
    at, state, pace = created, "pending", {"normal": 1.0, "high": 0.7, "rush": 0.45}[priority]
    if random.random() < 0.03 and (cancelled := _later(random, created, 30)) < now:
        return "cancelled", (Step("cancel", "cancelled", cancelled, sales, "客户取消"),)
    for transition, target in zip(STEPS, PATH[1:], strict=True):
        for detour in _detour(random, state, at, sales):
            if detour.at >= now:
                return state, tuple(steps)
            steps.append(detour)
            at, state = detour.at, detour.state
        at = _later(random, at, _hours(random, state) * pace)
        if at >= now:
            break
        steps.append(Step(transition, target, at, WHO[transition]))
        state = target
    return state, tuple(steps)


def _detour(random: Random, state: str, at: dt.datetime, sales: str) -> tuple[Step, ...]:
    if state == "pending" and random.random() < 0.05:
        out = _later(random, at, 3)
        return (
            Step("freeze", "frozen", out, "wang", "逾期应收未清"),
            Step("release", state, _later(random, out, 40), "wang", "已回款"),
        )
    if state in ("preparing", "scheduled") and random.random() < 0.04:
        out = _later(random, at, 5)
        return (
            Step("change", "changing", out, sales, "客户改数量"),
            Step("changed", state, _later(random, out, 20), sales),
        )
    if state == "shipped" and random.random() < 0.015:
        out = _later(random, at, 50)
        return (Step("send_back", "returned", out, "feng"), Step("resend", state, _later(random, out, 60), "feng"))
    return ()


def _hours(random: Random, state: str) -> float:
    hours = USUAL_HOURS[state] * random.lognormvariate(0, 0.35)
    share, factor = BAD_LUCK.get(state, (0, 1))
    return hours * factor if random.random() < share else hours


def _later(random: Random, at: dt.datetime, hours: float) -> dt.datetime:
    return at + dt.timedelta(seconds=int(hours * 3600 * random.uniform(0.8, 1.25)))


def _results(random: Random, steps: tuple[Step, ...], quantity: int) -> dict[str, Any]:
    """What people filled in on the way, as far as the order got."""
    reached = {step.transition: step.at for step in steps}
    found: dict[str, Any] = {"planned": "start_preparing" in reached}
    if start := reached.get("release_schedule"):
        found["line"] = random.randrange(3)  # an index of the lines
        found["planned_start"] = start.date().isoformat()
        found["planned_end"] = (start.date() + dt.timedelta(days=random.randint(2, 6))).isoformat()
    if "finish_production" in reached:
        found["produced"] = quantity + random.randint(0, max(1, quantity // 100))
    if "release_goods" in reached:
        found["inspection_result"] = random.choices(("passed", "concession"), (96, 4))[0]
    if "sign" in reached:
        found["signed_by"] = person(random)
        found["signed_on"] = reached["sign"].date().isoformat()
    if "send_back" in reached:
        found["return_reason"] = random.choice(("外观划伤", "数量短缺", "颜色不符"))
    return found
