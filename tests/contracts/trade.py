"""What the contract servers of shops share: goods, buyers as they are in life, orders kept so that a page of twenty
thousand is a slice, and a shelf that refuses what is paused or sold out, as a shop does."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from contracts.vendor import Asked, Effect, Vendor

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
PAID, SHIPPED, FINISHED, CANCELLED = "paid", "shipped", "finished", "cancelled"


@dataclass(frozen=True)
class Good:
    """A thing sold: ``sku`` is the merchant's own code, ``sku_id`` and ``item_id`` are the vendor's. Goods of one
    ``item_id`` are variants of one listing: they are paused together."""

    sku: str
    title: str
    price: Decimal
    sku_id: int
    item_id: int


GOODS = (
    ("TEA-250", "明前龙井 绿茶 250g 罐装", "168.00"),
    ("TEA-500", "武夷山大红袍 岩茶 500g 礼盒", "399.50"),
    ("CUP-RU", "汝窑开片 主人杯", "89.90"),
    ("POT-ZS", "宜兴紫砂壶 西施 220ml", "1280.00"),
    ("TRAY-BM", "竹木茶盘 48cm", "236.10"),
    ("KETTLE", "电陶炉煮水壶 1.2L", "459.00"),
    ("SPOON", "黑檀茶匙 六件套", "35.05"),
    ("CLOTH", "棉麻茶席 30×180cm", "49.99"),
)


@dataclass(frozen=True)
class Buyer:
    name: str
    nick: str
    mobile: str
    province: str
    city: str
    district: str
    street: str
    postcode: str

    @property
    def address(self) -> str:
        return self.province + self.city + self.district + self.street


PLACES = (
    ("浙江省", "杭州市", "西湖区", "文三路478号华星时代广场A座1203室", "310012"),
    ("北京市", "北京市", "海淀区", "中关村南大街5号 理工科技大厦 8层", "100081"),
    ("广东省", "深圳市", "南山区", "粤海街道科技园南区T3栋15A", "518057"),
    ("新疆维吾尔自治区", "乌鲁木齐市", "天山区", "新华北路108号", "830002"),
    ("四川省", "成都市", "武侯区", "人民南路四段27号2栋1单元9号", "610041"),
    ("西藏自治区", "拉萨市", "城关区", "北京中路35号", "850000"),
    ("上海市", "上海市", "浦东新区", "张江镇碧波路690弄\t2号楼", "201203"),
    ("内蒙古自治区", "呼和浩特市", "赛罕区", "大学东街 “学府花园” 3-2-601", "010020"),
)
FAMILY, GIVEN = "王李张刘陈杨赵黄周吴欧阳", ("伟", "秀英", "建国", "思远", "梓涵", "静", "子·买买提", "雨桐", "浩然")
NOTES = ("", "", "请尽快发货", "工作日送货，谢谢！", "要发票：杭州某某科技有限公司\n税号 91330106MA27X", "😊 送礼，不要放价格单")


def buyer(number: int) -> Buyer:
    """The same person for the same number."""
    province, city, district, street, postcode = PLACES[number % len(PLACES)]
    name = FAMILY[number % len(FAMILY)] + GIVEN[number % len(GIVEN)]
    return Buyer(name, f"茶友_{number:05d}", f"1{38 + number % 2}{number * 7919 % 10**8:08d}",
                 province, city, district, street, postcode)  # fmt: skip


@dataclass(frozen=True)
class Line:
    good: Good
    quantity: int
    price: Decimal
    number: str = ""  # the vendor's number of the line

    @property
    def amount(self) -> Decimal:
        return self.price * self.quantity


@dataclass
class Sold:
    """An order at the vendor's; times are UTC, to the second as vendors keep them."""

    no: str
    placed: dt.datetime
    changed: dt.datetime
    state: str
    buyer: Buyer
    lines: tuple[Line, ...]
    freight: Decimal = Decimal("0.00")
    discount: Decimal = Decimal("0.00")
    note: str = ""
    carrier: str = ""
    waybill: str = ""

    @property
    def goods_amount(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        return self.goods_amount + self.freight - self.discount


Key = tuple[dt.datetime, str]


@dataclass
class Index:
    """The numbers of orders by one of their times, apart for each state: finding a span is two bisections."""

    by_state: dict[str, list[Key]] = field(default_factory=dict)
    version: int = 0
    found: tuple[object, list[Key]] = (None, [])

    def add(self, state: str, key: Key) -> None:
        insort(self.by_state.setdefault(state, []), key)
        self.version += 1

    def remove(self, state: str, key: Key) -> None:
        keys = self.by_state[state]
        del keys[bisect_left(keys, key)]
        self.version += 1

    def between(self, start: dt.datetime, end: dt.datetime, states: Iterable[str] | None = None) -> list[Key]:
        """The keys with ``start <= time <= end``, earliest first; all states when none are given."""
        wanted = tuple(sorted(set(self.by_state if states is None else states)))
        asked = (self.version, start, end, wanted)
        if self.found[0] != asked:
            spans = [_span(self.by_state.get(state, []), start, end) for state in wanted]
            self.found = asked, spans[0] if len(spans) == 1 else sorted(key for span in spans for key in span)
        return self.found[1]


def _span(keys: list[Key], start: dt.datetime, end: dt.datetime) -> list[Key]:
    return keys[bisect_left(keys, (start, "")) : bisect_right(keys, (end, "\U0010ffff"))]


class SoldOut(Exception):
    """The shop does not let this be bought: the listing is paused, or there are not as many."""


class Shop(Vendor):
    """A vendor that sells. ``stock`` and ``listed`` are by the merchant's SKU; ``orders`` by order number.

    ``order`` makes an order that stands at the vendor's already; ``sell`` is a buyer who buys now and is refused what
    is paused or sold out."""

    first_number = 1

    def __init__(self, clock: Callable[[], dt.datetime] | None = None) -> None:
        super().__init__(clock)
        self.goods: dict[str, Good] = {}
        self.stock: dict[str, int] = {}
        self.listed: dict[str, bool] = {}
        self.orders: dict[str, Sold] = {}
        self.by_change, self.by_placing = Index(), Index()
        for sku, title, price in GOODS:
            self.good(sku, title, price)

    def now(self) -> dt.datetime:
        return self.clock().astimezone(dt.UTC).replace(microsecond=0)

    def good(self, sku: str, title: str, price: str, stock: int = 100, listed: bool = True, like: str = "") -> Good:
        """One more thing to sell; ``like`` makes it a variant of the listing of that SKU."""
        count = len(self.goods)
        item = self.goods[like].item_id if like else 10_026_000_001 + count
        self.goods[sku] = Good(sku, title, Decimal(price), 100_050_000_001 + count, item)
        self.stock[sku], self.listed[sku] = stock, listed
        return self.goods[sku]

    def variants(self, item_id: int) -> list[Good]:
        return [good for good in self.goods.values() if good.item_id == item_id]

    def by_sku_id(self, sku_id: int) -> Good | None:
        return next((good for good in self.goods.values() if good.sku_id == sku_id), None)

    def order(self, *lines: tuple[str, int], at: dt.datetime | None = None, state: str = PAID, **values: Any) -> Sold:
        """Places an order of (SKU, quantity)s, without any one to three of the goods; ``values`` are fields of Sold."""
        with self.lock:
            count = len(self.orders)
            placed = (at or self.clock()).astimezone(dt.UTC).replace(microsecond=0)
            no = self.number(count)
            wanted = lines or self._basket(count)
            bought = tuple(self._line(no, place, *line) for place, line in enumerate(wanted))
            given = {"buyer": buyer(count), "note": NOTES[count % len(NOTES)], "freight": Decimal("8.00") * (count % 2),
                     "discount": Decimal("0.01") * (count % 3), **values}  # fmt: skip
            sold = self.orders[no] = Sold(no, placed, placed, state, lines=bought, **given)
            self.by_change.add(state, (placed, no))
            self.by_placing.add(state, (placed, no))
            return sold

    def bulk(self, count: int, span: dt.timedelta = dt.timedelta(hours=8), until: dt.datetime | None = None) -> list[Sold]:
        """Places ``count`` orders spread evenly over the time up to ``until`` (now)."""
        end = until or self.clock()
        return [self.order(at=end - span * (count - 1 - n) / max(count - 1, 1)) for n in range(count)]

    def sell(self, sku: str, quantity: int = 1, **values: Any) -> Sold:
        """Somebody buys now. Raises SoldOut, as the shop's own page would say."""
        with self.lock:
            if not self.listed[sku]:
                raise SoldOut(f"{sku} is paused")
            if self.stock[sku] < quantity:
                raise SoldOut(f"{sku}: {self.stock[sku]} left, {quantity} wanted")
            self.stock[sku] -= quantity
            return self.order((sku, quantity), **values)

    def change(self, sold: Sold, **values: Any) -> Sold:
        """Changes fields of an order now: its place in the order of changes moves to the end."""
        with self.lock:
            self.by_change.remove(sold.state, (sold.changed, sold.no))
            self.by_placing.remove(sold.state, (sold.placed, sold.no))
            sold.changed = self.now()
            for name, value in values.items():
                setattr(sold, name, value)
            self.by_change.add(sold.state, (sold.changed, sold.no))
            self.by_placing.add(sold.state, (sold.placed, sold.no))
            return sold

    def cancel(self, sold: Sold) -> Sold:
        return self.change(sold, state=CANCELLED)

    def number(self, count: int) -> str:
        return str(self.first_number + count)

    def line_number(self, number: str, place: int) -> str:
        return f"{number}{place + 1:02d}"

    def did(self, kind: str, key: str, call: str = "", **values: Any) -> None:
        self.effects.append(Effect(kind, key, values, call))

    def ship(self, sold: Sold, carrier: str, waybill: str, call: str = "") -> None:
        self.change(sold, state=SHIPPED, carrier=carrier, waybill=waybill)
        self.did("ship", sold.no, call, carrier=carrier, number=waybill)

    def set_stock(self, sku: str, quantity: int, call: str = "") -> None:
        """To set what is so already is no effect; the same with ``set_listed``."""
        before, self.stock[sku] = self.stock[sku], quantity
        if quantity != before:
            self.did("stock", sku, call, quantity=quantity, before=before)

    def set_listed(self, skus: Iterable[str], listed: bool, call: str = "") -> None:
        for sku in skus:
            before, self.listed[sku] = self.listed[sku], listed
            if listed != before:
                self.did("resume" if listed else "pause", sku, call, quantity=self.stock[sku])

    def _line(self, number: str, place: int, sku: str, quantity: int) -> Line:
        return Line(self.goods[sku], quantity, self.goods[sku].price, self.line_number(number, place))

    def _basket(self, count: int) -> list[tuple[str, int]]:
        names = list(self.goods)
        return [(names[(count + step) % len(names)], 1 + (count + step) % 3) for step in range(1 + count % 3)]

    def cut_page(self, keys: Sequence[Any], at: int, size: int, asked: Asked) -> list[Any]:
        """The page of ``size`` from ``at`` on, with what goes wrong with pages: the one before comes along once more
        (``duplicate_page``), or it is empty although there is more (``missing_page``)."""
        page = list(keys[at : at + size])
        if self.strikes("missing_page", asked):
            return []
        if self.strikes("duplicate_page", asked):
            return list(keys[max(0, at - size) : at] if at else page) + page
        return page


def local(time: dt.datetime) -> str:
    """As vendors in China write times: Beijing time without a zone."""
    return time.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def from_local(text: object) -> dt.datetime | None:
    """None when it is not exactly ``yyyy-MM-dd HH:mm:ss``."""
    try:
        time = dt.datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
    return time.astimezone(dt.UTC) if local(time) == text else None


def masked_name(name: str) -> str:
    return name[:1] + "*" * (len(name) - 1)


def masked_mobile(mobile: str) -> str:
    return mobile[:3] + "****" + mobile[-4:]


def masked_street(street: str) -> str:
    return street[:4] + "****"
