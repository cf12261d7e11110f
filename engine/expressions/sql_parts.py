"""Parts of states, users and dates on the SQL side, and the aliases of the tables they are read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.expressions.sql_elements import Rounded
from engine.expressions.sql_operators import one_of
from engine.expressions.sql_values import Known, Sql, Value, settled


class Aliases:
    """Aliases of tables, one for each use in a condition; kept, because SQLAlchemy takes 0.4 ms to make one."""

    def __init__(self, kept: dict[tuple[str, int], Any]) -> None:
        self._kept = kept
        self._used: Counter[str] = Counter()

    def of(self, table: sa.Table) -> Any:
        key = table.name, self._used[table.name]
        self._used[table.name] += 1
        found = self._kept.get(key)
        return self._kept.setdefault(key, table.alias()) if found is None else found


def _state_part(writing: Any, base: Sql, name: str) -> Value | None:
    if name not in ("final", "aside"):
        return None
    states = writing.definition.forms[base.form].workflow.states
    wanted: list[Value] = [Known(key, True) for key, state in states.items() if getattr(state, name)]
    if not wanted:
        return Known(False, True)
    return Sql(one_of(base, wanted, strict=False), "boolean", base.nullable, predicate=True)


def _user_part(writing: Any, base: Sql, name: str) -> Value | None:
    if name == "id":
        return replace(base, kind="number")
    if name not in ("name", "login"):
        return None
    table = writing.aliases.of(writing.tables.system["user"])
    query = sa.select(table.c[name]).where(table.c.id == base.element).correlate_except(table)
    return Sql(query.scalar_subquery(), "text")


def _date_part(writing: Any, base: Sql, name: str) -> Value | None:
    if name not in ("year", "month", "day"):
        return None
    base = settled(base)
    return Sql(sa.cast(sa.extract(name, base.element), sa.Integer), "number", base.nullable)


PARTS: Mapping[str, Callable[[Any, Sql, str], Value | None]] = {
    "state": _state_part,
    "user": _user_part,
    "date": _date_part,
}


def settled_scale(value: Value, result: Any) -> Value:
    """A computed number as its result field keeps it."""
    places = getattr(result, "digits", None)
    if isinstance(value, Sql) and value.kind == "number" and places is not None and value.scale > places:
        rounded = Rounded(value.element, number=value.scale * 100 + places, type_=value.element.type)
        return replace(value, element=rounded)
    return value
