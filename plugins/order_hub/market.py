"""The channels of the demo: warehouses, shops, listings, rates, and some weeks of channel orders in all states.

Like the rest of the year they are taken over from the books: no rule is woken, and nothing is told to any shop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from engine.api import adopt, get, records, save
from plugins.order_hub import demo
from plugins.order_hub.regions import city_of, distance_km, is_remote, region_of
from plugins.order_hub.works import Plant

WAREHOUSES = (
    # code, name, kind, province, city, location, zone of an own one
    ("KS", "昆山自有仓", "own", "江苏省", "苏州市", "F1"),
    ("XA", "西安云仓（第三方）", "third_party", "陕西省", "西安市", "XA-1"),
    ("CD", "成都云仓（第三方）", "third_party", "四川省", "成都市", "CD-1"),
)  # fmt: skip
CHANNELS = (
    # source, name, whether it is connected, currency, days to ship, what is done when no warehouse has all of it, share
    ("web_shop", "官网商城", True, "CNY", 2, "split", 30), ("jd", "京东自营", True, "CNY", 1, "wait", 32),
    ("amazon", "Amazon US", True, "USD", 3, "split", 22), ("csv", "经销商文件", False, "CNY", 3, "wait", 10),
    ("extension", "1688 采集", False, "CNY", 3, "split", 6),
)  # fmt: skip
RATES = {"USD": Decimal("7.08"), "EUR": Decimal("8.21"), "JPY": Decimal("0.0468")}
HOMES = (
    ("江苏省", "无锡市", "新吴区"), ("浙江省", "杭州市", "余杭区"), ("广东省", "深圳市", "南山区"),
    ("上海市", "上海市", "浦东新区"),
    ("北京市", "北京市", "朝阳区"), ("山东省", "青岛市", "市北区"),
    ("四川省", "成都市", "武侯区"), ("河南省", "郑州市", "金水区"),
    ("新疆维吾尔自治区", "乌鲁木齐市", "天山区"), ("西藏自治区", "拉萨市", "城关区"), ("甘肃省", "兰州市", "七里河区"),
    ("青海省", "西宁市", "城西区"),
)  # fmt: skip
ABROAD = (
    ("Emily Carter", "California", "San Jose", "214 Alder Ave"), ("James Wilson", "Texas", "Austin", "88 Cedar St"),
    ("Olivia Brown", "Ohio", "Columbus", "1207 Lake Rd"), ("Daniel Kim", "Washington", "Seattle", "45 Pine St Apt 6"),
)  # fmt: skip
STREETS = ("人民路", "建设大街", "科技园路", "和平里", "新华路", "学府路")
NOTES = (None, None, None, None, "请放快递柜", "工作日送", "附贺卡：生日快乐", "要发票")
# how the orders of the last weeks stand
STATES = (
    *("told",) * 22, *("shipped",) * 4, *("converted",) * 11, *("waiting",) * 2, *("short",) * 4, *("doubtful",) * 3,
    *("unknown",) * 5, *("new",) * 4, *("cancelled",) * 5,
)  # fmt: skip
OF_ORDER = {"told": "shipped", "shipped": "shipped", "converted": "inspected"}
SOLD = 12  # so many products are sold over channels
TRACKING = {"sf": "SF", "deppon": "DPK"}


@dataclass
class Market:
    """``warehouses`` and ``channels`` by code; ``sold``: id, sku, name and price of what is sold there."""

    plant: Plant
    random: Random
    warehouses: dict[str, int]
    channels: dict[str, int]
    sold: Sequence[tuple[int, str, str, Decimal]]

    def buyer(self, code: str) -> dict[str, Any]:
        if code == "amazon":
            name, state, city, street = self.random.choice(ABROAD)
            mail = f"{name.split()[0].lower()}.{self.random.randrange(100, 999)}@mail.example.com"
            return {"buyer": name, "email": mail, "country": "US", "province": state, "city": city, "street": street}
        province, city, district = self.random.choice(HOMES)
        return {"buyer": demo.person(self.random), "phone": f"13{self.random.randrange(10**9):09d}",
                "province": province, "city": city, "district": district,
                "street": f"{self.random.choice(STREETS)}{self.random.randint(1, 299)}号"}  # fmt: skip


def places(plant: Plant) -> dict[str, int]:
    """The warehouses and their locations; before anything moves, so that every movement knows its warehouse."""
    found = {}
    for code, name, kind, province, city, shelf in WAREHOUSES:
        values = {"code": code, "name": name, "kind": kind, "province": province, "city": city}
        found[code] = plant.kept("warehouse", "code", {**values, "contact": demo.person(plant.random)})
        at = plant.kept("location", "code", {"code": shelf, "zone": "finished", "barcode": shelf})
        save(plant.app, plant.actor, "location", {"warehouse": found[code]}, id=at)
        plant.locations[shelf] = at
    return found


def trade(plant: Plant, warehouses: Mapping[str, int], products: Sequence[int], random: Random) -> None:
    """Channels, what they list and what was bought there."""
    market = Market(plant, random, dict(warehouses), {}, [_sold(plant, id) for id in products[:SOLD]])
    _channels(market)
    _rates(market)
    _stock(market)
    for place, state in enumerate(random.sample(STATES, len(STATES))):
        _order(market, state, place)
    _listings(market)
    _erp(market)


def _sold(plant: Plant, id: int) -> tuple[int, str, str, Decimal]:
    row = get(plant.app, plant.actor, "product", id)
    return id, row["sku"], row["name"], row["price"]


def _channels(market: Market) -> None:
    plant = market.plant
    sellers = [plant.people[login] for login in ("li", "zhou") if login in plant.people]
    for place, (code, name, connected, currency, days, apart, _share) in enumerate(CHANNELS):
        ranked = [{"warehouse": id, "rank": rank} for rank, id in enumerate(market.warehouses.values(), 1)]
        values = {"code": code, "name": name, "connected": connected, "currency": currency,
                  "sales_person": sellers[place % len(sellers)], "ship_days": days, "if_apart": apart,
                  "warehouses": ranked[:1] if code == "amazon" else ranked}  # fmt: skip
        market.channels[code] = plant.kept("channel", "code", values)


def _rates(market: Market) -> None:
    for ago in range(-1, 36):  # in Shanghai it is tomorrow already
        day = (market.plant.today - dt.timedelta(days=ago)).isoformat()
        for currency, rate in RATES.items():
            shifted = rate * Decimal(market.random.randint(9900, 10100)) / 10_000
            market.plant.make("exchange_rate", currency=currency, day=day, rate=str(round(shifted, 6)))


def _stock(market: Market) -> None:
    plant, random = market.plant, market.random
    for place, (id, _sku, _name, _price) in enumerate(market.sold):
        save(
            plant.app,
            plant.actor,
            "product",
            {"safety_stock": str(20 + 10 * (place % 4)), "fragile": place % 5 == 4},
            id=id,
        )
        for _code, _label, kind, _province, _city, shelf in WAREHOUSES:
            many = (
                random.randint(25, 60) if kind == "third_party" else 30 if place % 6 == 4 else random.randint(260, 900)
            )
            on = plant.today - dt.timedelta(days=random.randint(20, 30))
            if kind == "own" or (place % 3 != 2 and place % 6 != 4):
                plant.move("count", on, id, many, shelf, note="渠道备货期初")


def _order(market: Market, state: str, place: int) -> None:
    random, plant = market.random, market.plant
    code = random.choices([one[0] for one in CHANNELS], [one[-1] for one in CHANNELS])[0]
    at = _placed(market, state)
    known = state != "unknown"
    sold = random.sample(range(SOLD), 1 if state == "doubtful" else random.choice((1, 1, 1, 2)))
    rate = RATES["USD"] if code == "amazon" else Decimal(1)
    lines = [_line(market, market.sold[one], rate, state, known or one != sold[0]) for one in sold]
    total = sum((Decimal(line["quantity"]) * Decimal(line["price"]) for line in lines), Decimal(0))
    values = {
        "source": code,
        "number": _number(random, code),
        "status": {"new": "new", "cancelled": "cancelled", "told": "done", "shipped": "paid"}.get(state, "paid"),
        "placed_at": at.isoformat(),
        "paid_at": None if state == "new" else (at + dt.timedelta(minutes=random.randint(1, 40))).isoformat(),
        "total": str(round(total, 2)),
        "currency": "USD" if code == "amazon" else "CNY",
        "gift": random.random() < 0.12,
        "note": random.choice(NOTES),
        "lines": lines,
        **market.buyer(code),
    }
    values |= _tags(market, values, total * rate, lines)
    if state == "doubtful":
        values |= _twin(market, values, lines)
    elif state == "unknown":
        sku = lines[0]["sku"]
        values["problem"] = f"货号 {sku} 没有对照"
        plant.make("sku_map", channel=market.channels[code], sku=sku, name_there=lines[0]["name_there"])
    elif state == "short":
        values |= _too_much(market, lines[0], total)
    elif state == "waiting":
        values["problem"] = "没有一个仓够发全单，等货"
    if state in OF_ORDER:
        values |= _routed(market, values)
        _customer(market, values)
    if state in ("shipped", "told"):
        carrier = random.choice(sorted(TRACKING))
        values |= {"carrier": carrier, "tracking": f"{TRACKING[carrier]}{random.randrange(10**12):012d}"}
        values |= {"told_at": (at + dt.timedelta(hours=30)).isoformat()} if state == "told" else {}
    id = _adopted(market, state, values, at)
    if state in OF_ORDER:
        _became(market, id, state, values, at)


def _placed(market: Market, state: str) -> dt.datetime:
    """Older where it is done; what is under way came today or yesterday, one or two have been left lying."""
    now, random = market.plant.app.clock(), market.random
    if state in ("told", "cancelled"):
        return now - dt.timedelta(hours=random.randint(60, 700))
    if state == "shipped":
        return now - dt.timedelta(hours=random.randint(26, 50))
    return now - dt.timedelta(minutes=random.choice((3, 18, 45, 90, 200, 420, 800, 1500, 5800)))


def _number(random: Random, code: str) -> str:
    if code == "amazon":
        return f"11{random.randrange(10)}-{random.randrange(10**7):07d}-{random.randrange(10**7):07d}"
    return {"jd": "29", "web_shop": "W", "csv": "D", "extension": "Q"}[code] + f"{random.randrange(10**9):09d}"


def _line(
    market: Market, sold: tuple[int, str, str, Decimal], rate: Decimal, state: str, known: bool
) -> dict[str, Any]:  # fmt: skip
    _id, sku, name, price = sold
    quantity = market.random.choice((1, 2, 3, 5, 8, 10)) * (40 if price < 2 and market.random.random() < 0.2 else 1)
    holds = state in ("converted", "waiting", "new", "doubtful", "unknown", "shipped")
    return {"sku": sku if known else f"{sku.lower()}-{market.random.choice(('red', 'new', 'set2'))}",
            "name_there": name, "quantity": str(quantity), "price": str(round(price * Decimal("1.6") / rate, 2)),
            "held": str(quantity) if holds and state != "shipped" else "0"}  # fmt: skip


def _tags(
    market: Market, values: Mapping[str, Any], amount: Decimal, lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    region = region_of(values.get("province"), None, values.get("country"))
    holds = {"high_value": amount >= 5000, "remote": is_remote(region), "abroad": values.get("country") == "US",
             "gift": values["gift"]}  # fmt: skip
    return {"tags": [name for name, one in holds.items() if one]}


def _twin(market: Market, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same buyer bought the same at another channel some minutes before."""
    first = {**values, "tags": [], "source": "web_shop", "number": _number(market.random, "web_shop"),
             "currency": "CNY",
             "province": "浙江省", "city": "杭州市", "district": "余杭区", "street": "文一西路 969号", "country": "CN",
             "buyer": demo.person(market.random), "phone": f"15{market.random.randrange(10**9):09d}"}  # fmt: skip
    _customer(market, first)
    made = _adopted(
        market, "converted", {**first, **_routed(market, first)}, dt.datetime.fromisoformat(values["placed_at"])
    )
    _became(market, made, "converted", first, dt.datetime.fromisoformat(values["placed_at"]))
    same = {
        name: first[name]
        for name in ("province", "city", "district", "street", "country", "buyer", "phone", "currency")
    }
    return {**same, "email": None, "tags": [], "source": "jd", "number": _number(market.random, "jd"),
            "problem": "有 2 单买家、地址、金额、日期相同，见疑似同一笔"}  # fmt: skip


def _too_much(market: Market, line: dict[str, Any], total: Decimal) -> dict[str, Any]:
    """More is asked for than there is."""
    product = next(id for id, sku, _name, _price in market.sold if sku == line["sku"])
    missing, was = market.random.randint(3, 40), Decimal(line["quantity"])
    line["quantity"] = str(int(get(market.plant.app, market.plant.actor, "product", product)["free"]) + missing)
    more = (Decimal(line["quantity"]) - was) * Decimal(line["price"])
    return {"problem": f"{line['sku']} 还差 {missing}", "total": str(round(total + more, 2))}


def _routed(market: Market, values: Mapping[str, Any]) -> dict[str, Any]:
    """The warehouse by the rules of the application, with what was looked at."""
    region = region_of(values.get("province"), None, values.get("country"))
    place = city_of(values.get("city"), region)
    far = {one[0]: distance_km(city_of(one[4]), place) or distance_km(city_of(one[4]), region) for one in WAREHOUSES}
    third = [one for one in WAREHOUSES if one[2] == "third_party"]
    nearest = min(third, key=lambda one: far[one[0]] or Decimal(99999))
    policy = "own" if "high_value" in values["tags"] else "nearest" if "remote" in values["tags"] else "usual"
    taken = nearest if policy == "nearest" else WAREHOUSES[0]
    said = {"own": "高价值：由自有仓发 / high value: from an own warehouse",
            "nearest": f"偏远地区 {region}：由最近有货的第三方仓发 / "
                       "remote region: from the nearest third-party warehouse with stock",
            "usual": "一般订单：自有仓优先 / usual order: own warehouse first"}[policy]  # fmt: skip
    looked = [f"{one[1]} {far[one[0]]} km" for one in WAREHOUSES]
    return {"policy": policy, "warehouse": market.warehouses[taken[0]],
            "decision": "\n".join([said, *looked, f"→ {taken[1]}"])}  # fmt: skip


def _customer(market: Market, values: Mapping[str, Any]) -> int:
    """The buyer as the application names them."""
    shop = next(one for one in CHANNELS if one[0] == values["source"])
    tail = str(values.get("phone") or values.get("email") or values["number"])[-4:]
    name = f"{values['buyer']}（{shop[1]} {tail}）"[:80]
    return market.plant.kept("customer", "name", {"name": name, "level": "c", "payment_days": 0})


def _adopted(market: Market, state: str, values: dict[str, Any], at: dt.datetime) -> int:
    since = min(at + dt.timedelta(minutes=5 if state not in ("told", "shipped") else 1500), market.plant.app.clock())
    history = [{"state": "new", "entered_at": at, "left_at": since}] if state != "new" else []
    history.append({"state": state, "entered_at": since if history else at, "left_at": None})
    plant = market.plant
    return adopt(plant.app, plant.actor, "pool_order", values, state=state, history=history).id


def _became(market: Market, id: int, state: str, values: Mapping[str, Any], at: dt.datetime) -> None:
    """The order it became, of a customer with the buyer's name."""
    plant = market.plant
    pool = get(plant.app, plant.actor, "pool_order", id)
    ids = {sku: product for product, sku, _name, _price in market.sold}
    lines = [{"product": ids[line["sku"]], "quantity": int(Decimal(line["quantity"])),
              "price": str(round(pool["rate"] * Decimal(line["price"]), 4))} for line in values["lines"]]  # fmt: skip
    source = {"web_shop": "web"}.get(values["source"], values["source"])
    day = at.date()
    order = plant.make(
        "order", OF_ORDER[state], customer=pool["customer"], pool_order=id, customer_po=values["number"][:40],
        sales_person=plant.people.get("li") or next(iter(plant.people.values())),
        channel=source if source in ("web", "amazon", "jd") else "direct", ordered_on=day.isoformat(),
        due_on=max(pool["ship_by"], day).isoformat(), lines=lines,
    )  # fmt: skip
    save(plant.app, plant.actor, "pool_order", {"order": order}, id=id)
    if state == "converted":
        _ways(market, pool)


def _ways(market: Market, pool: Mapping[str, Any]) -> None:
    """The warehouses that were looked at; the one that was taken gives the goods."""
    plant = market.plant
    lines = records(plant.app, plant.actor, "pool_line", where=f"record.parent.id == {pool['id']}")
    for rank, (code, _name, kind, _province, city, _shelf) in enumerate(WAREHOUSES, 1):
        far = distance_km(city_of(city), pool["place"]) or distance_km(city_of(city), pool["region"])
        chosen = market.warehouses[code] == pool["warehouse"]
        goods = [{"pool_line": line["id"], "product": line["product"], "quantity": str(line["quantity"]),
                  "there": str(line["quantity"] if chosen else 0), "taken": str(line["quantity"] if chosen else 0)}
                 for line in lines]  # fmt: skip
        score = rank if kind == "own" else (far or Decimal(9999)) + 10_000
        plant.make("route", pool_order=pool["id"], warehouse=market.warehouses[code], rank=rank, distance=str(far),
                   score=str(score), enough=chosen, chosen=chosen, round=1, lines=goods)  # fmt: skip


def _listings(market: Market) -> None:
    plant, random = market.plant, market.random
    now = plant.app.clock()
    for place, (id, sku, _name, _price) in enumerate(market.sold):
        sellable = get(plant.app, plant.actor, "product", id)["sellable"]
        for code in ("web_shop", "jd", "amazon"):
            if code == "amazon" and place % 2:
                continue
            off = sellable <= 0
            state = ("refused" if code == "amazon" else "paused") if off else "listed"
            more = (
                {"was": {"listed": True}, "verified_at": (now - dt.timedelta(minutes=40)).isoformat()}
                if state == "paused"
                else {}
            )
            if state == "refused":
                more = {"refusal": "SP-API 429：请求过于频繁 / too many requests"}
            there = sku if code == "web_shop" else f"{code.upper()}-{sku}"
            plant.make("listing", state, channel=market.channels[code], product=id, sku=there,
                       wanted=int(sellable), told=int(sellable),
                       told_at=(now - dt.timedelta(minutes=random.randint(2, 300))).isoformat(), **more)  # fmt: skip


def _erp(market: Market) -> None:
    now = market.plant.app.clock()
    for place, (id, sku, _name, _price) in enumerate(market.sold):
        on_hand = get(market.plant.app, market.plant.actor, "product", id)["on_hand"]
        ago = dt.timedelta(minutes=4 if place % 5 else 190)
        market.plant.make("erp_stock", sku=sku, place="成品仓", on_hand=str(on_hand), as_of=(now - ago).isoformat())
