"""How far real times lie from standard times: quantiles of real/standard per group, kept compact, to sample from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PARTS = 20  # quantiles kept: 0, 5, … 100 %
ENOUGH = 20  # ratios below which a group says too little about its ends


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of real/standard at equal steps from 0 to 100 %, of ``n`` jobs. ``thin``: too few of them, or taken
    from a wider group than asked for."""

    quantiles: tuple[float, ...] = (1.0,)
    n: int = 0
    thin: bool = True

    def at(self, share: float) -> float:
        """The ratio below which ``share`` (0–1) of the jobs lie, linear between the quantiles kept."""
        return _at(self.quantiles, share)


NOTHING_KNOWN = Spread()  # as long as the standard says, and marked


@dataclass(frozen=True)
class Spreads:
    """The spread of every group, and of all together for those that are too thin."""

    groups: Mapping[str, Spread]
    whole: Spread = NOTHING_KNOWN

    def of(self, *groups: str) -> Spread:
        """The first group, from narrow to wide, that has enough; else all together, marked thin."""
        for group in groups:
            spread = self.groups.get(group)
            if spread and not spread.thin:
                return spread
        return Spread(self.whole.quantiles, self.whole.n)


def spreads(ratios: Iterable[tuple[str, float]], enough: int = ENOUGH) -> Spreads:
    """(group, real time / standard time) of finished jobs, ratios above 0, to the spread of each group. A job that
    counts in a narrow and a wide group is given once for each; the whole then weighs both alike."""
    found: dict[str, list[float]] = defaultdict(list)
    for group, ratio in ratios:
        found[group].append(ratio)
    groups = {group: spread(values, enough) for group, values in sorted(found.items())}
    return Spreads(groups, spread([value for values in found.values() for value in values], enough))


def spread(values: Sequence[float], enough: int = ENOUGH) -> Spread:
    """The quantiles of these ratios, linear between order statistics (type 7 of Hyndman and Fan, 1996)."""
    if not values:
        return NOTHING_KNOWN
    ranked = sorted(values)
    return Spread(tuple(_at(ranked, part / PARTS) for part in range(PARTS + 1)), len(ranked), len(ranked) < enough)


def _at(ranked: Sequence[float], share: float) -> float:
    place = share * (len(ranked) - 1)
    under = min(int(place), len(ranked) - 1)
    over = min(under + 1, len(ranked) - 1)
    return ranked[under] + (ranked[over] - ranked[under]) * (place - under)
