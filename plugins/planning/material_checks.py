"""What is wrong with what is to be netted: everything at once, a sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from .material_shapes import BadMaterial, Item, Line, Material


def check(material: Material) -> None:
    """Raises BadMaterial with a sentence for everything that names nothing, is named twice or is no quantity."""
    problems = [
        *(say for id, item in material.items.items() for say in _of_item(id, item)),
        *(say for line in material.lines for say in _of_line(line)),
        *_unknown_items(material),
        *_unknown_supplies(material),
        *_twice("demand", (one.id for one in material.demands)),
        *_twice("receipt", (one.id for one in material.receipts)),
        *_not_positive(material),
        *(say for one in material.demands for say in _itself(f"demand {one.id}", one.item, one.alternatives)),
    ]
    if problems:
        raise BadMaterial(problems)


def _of_item(id: str, item: Item) -> Iterator[str]:
    if id != item.id:
        yield f"item {item.id} is listed under {id}"
    if item.lead < 0:
        yield f"item {id}: a lead time is 0 or more working days, got {item.lead}"
    if min(item.safety, item.lot.minimum, item.lot.multiple) < 0:
        yield f"item {id}: safety stock, minimum and multiple are 0 or more"
    if item.lot.days < 1:
        yield f"item {id}: a lot covers 1 day or more, got {item.lot.days}"


def _of_line(line: Line) -> Iterator[str]:
    name = f"line {line.parent} → {line.component}"
    if line.per <= 0:
        yield f"{name}: the quantity is above 0, got {line.per}"
    if line.scrap < 0:
        yield f"{name}: scrap is 0 percent or more, got {line.scrap}"
    yield from _itself(name, line.component, line.alternatives)


def _itself(name: str, item: str, others: Iterable[str]) -> Iterator[str]:
    if item in others:
        yield f"{name}: {item} is no alternative to itself"


def _unknown_items(material: Material) -> Iterator[str]:
    for name, item in _named_items(material):
        if item not in material.items:
            yield f"{name}: there is no item {item}"


def _named_items(material: Material) -> Iterator[tuple[str, str]]:
    for line in material.lines:
        for item in (line.parent, line.component, *line.alternatives):
            yield f"line {line.parent} → {line.component}", item
    for demand in material.demands:
        for item in (demand.item, *demand.alternatives):
            yield f"demand {demand.id}", item
    yield from (("stock", item) for item in material.stock)
    yield from ((f"receipt {one.id}", one.item) for one in material.receipts)
    yield from ((f"reservation for {one.demand}", one.item) for one in material.reservations)


def _unknown_supplies(material: Material) -> Iterator[str]:
    items = {receipt.id: receipt.item for receipt in material.receipts}
    for demand in material.demands:
        if demand.supply and demand.supply not in items:
            yield f"demand {demand.id}: there is no receipt {demand.supply}"
    for one in material.reservations:
        if one.supply and items.get(one.supply) != one.item:
            yield f"reservation for {one.demand}: there is no receipt {one.supply} of {one.item}"


def _twice(what: str, ids: Iterable[str]) -> Iterator[str]:
    yield from (f"{what} {id} is there {count} times" for id, count in Counter(ids).items() if count > 1)


def _not_positive(material: Material) -> Iterator[str]:
    for name, quantity in [
        *((f"demand {one.id}", one.quantity) for one in material.demands),
        *((f"receipt {one.id}", one.quantity) for one in material.receipts),
        *((f"reservation for {one.demand}", one.quantity) for one in material.reservations),
    ]:
        if quantity <= 0:
            yield f"{name}: the quantity is above 0, got {quantity}"
