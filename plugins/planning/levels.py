"""Low-level codes: in which order items are netted, and what stands in the way of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from .material_shapes import BadMaterial, Demand, Line, Material

Before = dict[str, set[str]]  # item → the items that have to be netted before it


def levels(material: Material) -> Mapping[str, int]:
    """The low-level code of each item: 0 for what goes into nothing, else one more than the deepest it goes into.

    An item with alternatives is netted after everything that needs these, so that only what nobody needs is free.
    Raises BadMaterial where a bill of materials, or an alternative, leads back to where it began.
    """
    before: Before = {item: set() for item in material.items}
    _goes_into(before, material.lines)
    _sorted(before, "the bill of materials leads in a circle: {}")
    drawn = _drawn(material)
    for parent, demand in drawn:
        before[demand.item].add(parent)
    _sorted(before, "open production orders lead in a circle: {}")
    _alternatives(before, material, drawn)
    order = _sorted(before, "alternatives lead in a circle: {}")
    found: dict[str, int] = {}
    for item in order:
        found[item] = max((found[parent] + 1 for parent in before[item]), default=0)
    return found


def _goes_into(before: Before, lines: Iterable[Line]) -> None:
    for line in lines:
        before[line.component].add(line.parent)


def _drawn(material: Material) -> list[tuple[str, Demand]]:
    """What open production orders still draw, by what they make. One that draws the very item it makes (rework) is
    left out: it says nothing of the order, and its day is not moved by it."""
    makes = {receipt.id: receipt.item for receipt in material.receipts}
    return [(makes[one.supply], one) for one in material.demands if one.supply and makes[one.supply] != one.item]


def _alternatives(before: Before, material: Material, drawn: Iterable[tuple[str, Demand]]) -> None:
    also = [(line.parent, line.component, line.alternatives) for line in material.lines if line.alternatives]
    also += [(parent, one.item, one.alternatives) for parent, one in drawn if one.alternatives]
    for parent, _item, others in also:
        for other in others:
            before[other].add(parent)
    needed_by = {item: set(parents) for item, parents in before.items()}
    pairs = {(item, other) for _parent, item, others in also for other in others}
    pairs |= {(one.item, other) for one in material.demands for other in one.alternatives}
    for item, other in pairs:
        before[item] |= needed_by[other]


def _sorted(before: Before, sentence: str) -> list[str]:
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise BadMaterial([sentence.format(" → ".join(error.args[1]))]) from None
