"""Purchase requests and planned production as proposals, and what became different from the last time.

What was pushed to a supplier, or confirmed, is a firm receipt (kind ``request``) in the next run: it is supply there
and not proposed again. Whoever compares leaves it out of ``before`` as well.

Where alternatives stood in for an item, they are chosen anew in every run; who pushes requests reserves what was taken
for demands of his own, or the next run may give it to others and ask for the difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal

from .material_shapes import NOTHING, Netting, Supply
from .shares import Ends


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a proposal is for ``demand`` of ``order``; of safety stock, with no order. Where the item goes into
    others on the way, the share is theirs in proportion."""

    demand: str
    order: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Proposal:
    """Ask ``supplier`` for ``quantity`` of ``item`` on ``day``; without a supplier, make it. ``overdue``: days since it
    should have been released. ``plans``: the planned receipts put together in it. ``shares``: whom it serves; what is
    over (a lot is larger than what is needed) serves nobody."""

    item: str
    supplier: str
    day: int
    release: int
    quantity: Decimal
    overdue: int
    plans: tuple[str, ...]
    shares: tuple[Share, ...]


def requests(netting: Netting, window: int = 1) -> tuple[Proposal, ...]:
    """The planned purchases, those of one supplier and item within ``window`` days as one, on the first of its days.
    ``window`` 1 puts nothing together."""
    return _proposals(netting, "planned purchase", window)


def productions(netting: Netting) -> tuple[Proposal, ...]:
    """The planned production orders, each for itself."""
    return _proposals(netting, "planned production", 1)


def _proposals(netting: Netting, kind: str, window: int) -> tuple[Proposal, ...]:
    ends = Ends(netting)
    planned = [supply for supply in netting.supplies.values() if supply.kind == kind]
    planned.sort(key=lambda one: (netting.items[one.item].supplier, one.item, one.day))
    return tuple(
        _together(netting, group, ends)
        for _item, same in groupby(planned, key=lambda one: one.item)
        for group in _within(list(same), window)
    )


def _within(planned: Sequence[Supply], window: int) -> Iterator[list[Supply]]:
    group: list[Supply] = []
    for one in planned:
        if group and one.day >= group[0].day + window:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _together(netting: Netting, group: Sequence[Supply], ends: Ends) -> Proposal:
    first = group[0]
    shares = ends.of(one.id for one in group)
    return Proposal(
        item=first.item,
        supplier="" if first.kind == "planned production" else netting.items[first.item].supplier,
        day=first.day,
        release=first.release,
        quantity=sum((one.quantity for one in group), NOTHING),
        overdue=first.overdue,
        plans=tuple(one.id for one in group),
        shares=tuple(Share(demand, ends.order(demand), quantity) for demand, quantity in shares.items()),
    )


# --- what became different -------------------------------------------------------------------------------------------

ChangeKind = Literal["added", "removed", "moved", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """``moved``: to another day; ``changed``: to another quantity; a proposal can be both, in two changes."""

    kind: ChangeKind
    before: Proposal | None
    after: Proposal | None


def difference(before: Sequence[Proposal], after: Sequence[Proposal]) -> tuple[Change, ...]:
    """What is different between the proposals of two runs, by supplier, item and day. Two proposals are the same one
    where they are for the same item and supplier and serve the same demands; where several do, those that have most
    in common, and then the nearest days."""
    pairs = same(before, after)
    found = [change for place, other in pairs.items() for change in _changes(before[place], after[other])]
    found += [Change("removed", one, None) for place, one in enumerate(before) if place not in pairs]
    kept = set(pairs.values())
    found += [Change("added", None, one) for place, one in enumerate(after) if place not in kept]
    return tuple(sorted(found, key=_place))


def _changes(old: Proposal, new: Proposal) -> Iterator[Change]:
    if old.day != new.day:
        yield Change("moved", old, new)
    if old.quantity != new.quantity:
        yield Change("changed", old, new)


def _place(change: Change) -> tuple[str, str, int]:
    one = change.after or change.before
    assert one is not None
    return one.supplier, one.item, one.day


def same(before: Sequence[Proposal], after: Sequence[Proposal]) -> dict[int, int]:
    """By place in ``before``, the place in ``after`` of what is the same proposal."""
    pairs = _unchanged(before, after)
    kept = set(pairs.values())
    common = _in_common(
        {place: one for place, one in enumerate(before) if place not in pairs},
        {place: one for place, one in enumerate(after) if place not in kept},
    )
    ranked = sorted(common, key=lambda pair: (-common[pair], abs(before[pair[0]].day - after[pair[1]].day), pair))
    _pair(ranked, pairs)
    _pair(_for_nobody(before, after), pairs)
    return pairs


def _unchanged(before: Sequence[Proposal], after: Sequence[Proposal]) -> dict[int, int]:
    """Those that are for the same demands on the same day: nothing has more in common with them."""
    there = {(one.supplier, one.item, one.day, _for(one)): place for place, one in enumerate(after) if one.shares}
    places = ((place, there.get((one.supplier, one.item, one.day, _for(one)))) for place, one in enumerate(before))
    return {place: other for place, other in places if other is not None}


def _for(proposal: Proposal) -> frozenset[str]:
    return frozenset(share.demand for share in proposal.shares)


def _pair(ranked: Iterable[tuple[int, int]], pairs: dict[int, int]) -> None:
    taken = set(pairs.values())
    for old, new in ranked:
        if old not in pairs and new not in taken:
            pairs[old] = new
            taken.add(new)


def _in_common(before: Mapping[int, Proposal], after: Mapping[int, Proposal]) -> dict[tuple[int, int], Decimal]:
    """How much of the same demands two proposals serve, for all that have any in common."""
    serving: defaultdict[tuple[str, str, str], list[tuple[int, Decimal]]] = defaultdict(list)
    for place, one in after.items():
        for share in one.shares:
            serving[one.supplier, one.item, share.demand].append((place, share.quantity))
    found: defaultdict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for place, one in before.items():
        for share in one.shares:
            for other, quantity in serving[one.supplier, one.item, share.demand]:
                found[place, other] += min(quantity, share.quantity)
    return found


def _for_nobody(before: Sequence[Proposal], after: Sequence[Proposal]) -> list[tuple[int, int]]:
    """Proposals that serve nobody (a lot too large, for stock) are the same where their item and supplier are: the
    nearest days first."""
    idle: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(after):
        if not one.shares:
            idle[one.supplier, one.item].append(place)
    found = [
        (place, other) for place, one in enumerate(before) if not one.shares for other in idle[one.supplier, one.item]
    ]
    return sorted(found, key=lambda pair: (abs(before[pair[0]].day - after[pair[1]].day), pair))
