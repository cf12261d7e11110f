"""Small factories for the tests of material planning, and records as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

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
from plugins.planning.workdays import Workdays


def bought(id, lead=0, **given):
    return Item(id, lead=lead, supplier="S", **given)


def made(id, lead=0, **given):
    return Item(id, made=True, lead=lead, **given)


def order(name, item, day, quantity, **given):
    return Demand(f"{name}:{item}", item, day, Decimal(quantity), order=name, **given)


def material(*items, lines=(), **given):
    stock = {item: Decimal(quantity) for item, quantity in given.pop("stock", {}).items()}
    return Material({item.id: item for item in items}, lines, stock=stock, **given)


def line(parent, component, per=1, scrap=0, alternatives=()):
    return Line(parent, component, Decimal(per), Decimal(scrap), tuple(alternatives))


def receipt(id, item, day, quantity, kind="purchase", wanted=None):
    return Receipt(id, item, day, Decimal(quantity), kind, wanted)


def table(netting: Netting, item: str) -> str:
    """An item's record as it is printed in a textbook: a line for each day, and when what is planned is released."""
    heads = f"{'day':>4}{'gross':>7}{'receipts':>10}{'planned':>9}{'projected':>11}{'release':>9}"
    releases = {one.day: one.release for one in netting.supplies.values() if one.item == item and "planned" in one.kind}
    return "\n".join([heads, *(
        f"{row.day:>4}{row.gross:>7}{row.receipts:>10}{row.planned or '':>9}{row.projected:>11}{releases.get(row.day, ''):>9}".rstrip()
        for row in netting.records[item]
    )])  # fmt: skip


def pegged(netting: Netting, item: str | None = None) -> list[tuple[str, str, str, int]]:
    """(demand, supply, quantity, days late) of one item's supplies, or of all."""
    return [
        (peg.demand, peg.supply, str(peg.quantity), peg.late)
        for peg in netting.pegs
        if item in (None, netting.supplies[peg.supply].item)
    ]


# --- factories of chance ----------------------------------------------------------------------------------------------

LOTS = st.one_of(
    st.just(Lot()),
    st.builds(Lot, multiple=st.integers(1, 9).map(Decimal)),
    st.builds(Lot, minimum=st.integers(1, 30).map(Decimal)),
    st.builds(Lot, days=st.integers(2, 6)),
    st.builds(Lot, st.integers(0, 20).map(Decimal), st.integers(0, 7).map(Decimal), st.integers(1, 5)),
)
NAMES = ("A", "B", "C", "D", "E", "F")
WEEK = Workdays([True, True, True, True, True, False, False])


@st.composite
def materials(draw, lots=LOTS, alternatives=True) -> Material:
    """Up to six items, of which each goes into those before it; orders, stock, receipts, reservations."""
    items = {name: _item(draw, name, place, lots) for place, name in enumerate(NAMES)}
    lines = [
        _line(draw, parent, component, alternatives)
        for place, parent in enumerate(NAMES[:4])
        for component in draw(st.lists(st.sampled_from(NAMES[place + 1 :]), unique=True, max_size=3))
    ]
    demands = [
        Demand(f"d{number}", item, day, quantity, f"o{number}")
        for number, (item, day, quantity) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-3, 30), _quantity(40)), max_size=8))
        )
    ]
    stock = draw(st.dictionaries(st.sampled_from(NAMES), st.integers(-10, 60).map(Decimal)))
    receipts = [
        Receipt(f"r{number}", item, day, quantity)
        for number, (item, day, quantity) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-3, 30), _quantity(40)), max_size=5))
        )
    ]
    reservations = _reservations(draw, demands, receipts)
    return Material(items, lines, demands, stock, receipts, reservations, today=0, shift=WEEK)


def _quantity(most):
    return st.integers(1, most * 10).map(lambda tenths: Decimal(tenths).scaleb(-1))


def _item(draw, name, place, lots):
    return Item(
        name,
        made=place < 4,
        lead=draw(st.integers(0, 6)),
        lot=draw(lots),
        safety=Decimal(draw(st.sampled_from((0, 0, 7)))),
        decimals=draw(st.integers(0, 1)),
        supplier="S",
    )


def _line(draw, parent, component, alternatives):
    others = draw(st.sampled_from(((), (), ("E",), ("F", "E"), ("F",)))) if alternatives and component > "D" else ()
    others = tuple(other for other in others if other != component)
    return Line(parent, component, draw(_quantity(5)), Decimal(draw(st.sampled_from(("0", "2.5", "10")))), others)


def _reservations(draw, demands, receipts):
    coming = {one.item: one.id for one in receipts}
    found = []
    for one in draw(st.lists(st.sampled_from(demands), unique=True, max_size=3)) if demands else ():
        supply = coming.get(one.item, "") if draw(st.booleans()) else ""
        found.append(Reservation(one.id, one.item, draw(_quantity(20)), supply))
    return found


def pushed(before: Material, netting: Netting, plans: Iterable[str]) -> Material:
    """The same, with planned purchases turned into firm requests."""
    firm = [netting.supplies[plan] for plan in plans]
    asked = [Receipt(f"firm {one.id}", one.item, one.expected, one.quantity, "request", one.day) for one in firm]
    return replace(before, receipts=[*before.receipts, *asked])
