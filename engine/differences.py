"""By how much a figure over other records changes when some of them do.

A count or sum is brought up to date by adding the difference: a record that ten thousand others point to costs no more
than one that ten point to. That is only possible where a row alone tells whether and with how much it counts; minima
and maxima, figures over figures, and conditions that look beyond the row are worked out anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.expressions import Compiled, EvaluationFailed
from engine.fields.columns import KEPT_SCALE
from engine.passage import Walk
from engine.storage.rollups import Pair, Rollup

Row = Mapping[str, Any]
_ALONE = frozenset({"state", "created_at", "updated_at", "state_since"})


class Differences:
    """The answers for one walk."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk

    def __call__(self, rollup: Rollup, pairs: Sequence[Pair]) -> Mapping[int, Any] | None:
        """Record id → what is added to its figure; None when it must be worked out anew."""
        if not _countable(self.walk, rollup):
            return None
        found: dict[int, Any] = {}
        try:
            for before, after in pairs:
                self._count(rollup, before, -1, found)
                self._count(rollup, after, 1, found)
        except (EvaluationFailed, _Unknown):
            return None
        return {id: added for id, added in found.items() if added}

    def _count(self, rollup: Rollup, row: Row | None, sign: int, found: dict[int, Any]) -> None:
        if row is None or row.get("deleted_at") is not None or not row.get(rollup.key) or not self._holds(rollup, row):
            return
        amount = _amount(rollup, row)
        if amount is not None:
            owner = int(row[rollup.key])
            found[owner] = found[owner] + sign * amount if owner in found else sign * amount

    def _holds(self, rollup: Rollup, row: Row) -> bool:
        if rollup.field.when is None:
            return True
        sight = self.walk.sight
        return self.walk.app.plans.compile(rollup.field.when).holds(sight.with_record(sight.view(rollup.source, row)))


class _Unknown(Exception):
    """A value that cannot be added up as it is stored."""


def _amount(rollup: Rollup, row: Row) -> Any:
    if rollup.field.fold == "count" or rollup.field.source_field is None:
        return 1
    value = row[rollup.field.source_field]
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent >= -KEPT_SCALE:
            return value
    elif value is None or (isinstance(value, int | dt.timedelta) and not isinstance(value, bool)):
        return value
    raise _Unknown


def _countable(walk: Walk, rollup: Rollup) -> bool:
    """Whether a row of the source alone tells with how much it counts; worked out once per definition."""
    kept, key = walk.app.plans.kept, ("countable", rollup.form.name, rollup.field.name)
    found: bool | None = kept.get(key)
    if found is None:
        found = kept[key] = _is_countable(walk, rollup)
    return found


def _is_countable(walk: Walk, rollup: Rollup) -> bool:
    field, plan = rollup.field, walk.app.plans.form(rollup.source)
    if field.fold not in ("count", "sum"):
        return False
    own = {name for name, each in plan.fields.items()
           if name in plan.columns and each.type not in ("rollup", "lookup") and name not in plan.fed}  # fmt: skip
    if field.fold == "sum" and field.source_field not in own:
        return False
    return field.when is None or _asks_the_row_alone(walk.app.plans.compile(field.when), own | _ALONE)


def _asks_the_row_alone(compiled: Compiled, own: frozenset[str] | set[str]) -> bool:
    if not {"record", "reader"}.issuperset(compiled.variables):
        return False
    return all(len(path) > 1 and path[1] in own and (len(path) == 2 or path[1] == "state") for path in compiled.paths)
