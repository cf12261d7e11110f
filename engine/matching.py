"""Records that are found by what is in them: links with ``match``, and records that are created ``once``.

Two who look for the same thing at once: the second waits until the first has made it, and finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.errors import Invalid, message
from engine.expressions import EvaluationFailed, View
from engine.intake import as_input
from engine.passage import Passage, Walk
from engine.plans import FormPlan, MatchPlan
from engine.sight import Row
from engine.storage.locks import one_at_a_time
from engine.storage.prepared import value

Make = Callable[[Walk, str, Mapping[str, Any]], int]  # makes a record of a form with these values, answers its id
Place = tuple[FormPlan, Row, frozenset[str] | None, str]  # plan, row, what changed in it (None: look anew), path


def find_links(passage: Passage, make: Make | None) -> None:
    """Point every link that is found by ``match`` to its record; without ``make`` none is made."""
    for plan, row, changed, where in _places(passage):
        for name, match in plan.matched.items():
            if changed is None or any(watched.needs.touched(changed) for watched in match.fields.values()):
                row[name] = _found(passage, plan, row, match, make, where + name)


def _places(passage: Passage) -> Iterator[Place]:
    if passage.plan.matched:
        yield passage.plan, passage.row, None if passage.creating else passage.changed(), ""
    for name, rows in passage.lines.items():
        lines, stored = passage.plan.lines[name], passage.stored_lines[name]
        for index, row in enumerate(rows if lines.plan.matched else ()):
            before = None if lines.follow else stored.get(row["id"])
            changed = None if before is None else frozenset(key for key in row if row[key] != before.get(key))
            yield lines.plan, row, changed, f"{name}.{index}."


def _found(passage: Passage, plan: FormPlan, row: Row, match: MatchPlan, make: Make | None, where: str) -> int | None:
    walk = passage.walk
    try:
        values = _values(passage, _view(passage, plan, row), match)
        if any(value is None for value in values.values()):
            return None
        return find(walk, match.target, values) or (
            _made(walk, match.target, values, make) if match.make and make else None
        )
    except EvaluationFailed as failed:
        field = passage.plan.fields.get(where) or plan.fields[where.rpartition(".")[2]]
        passage.problem(
            where, message("{label} cannot be worked out: {reason}.", label=field.title, reason=failed.reason)
        )
    except Invalid as invalid:
        if match.make:  # else what no record can have is simply not found
            passage.problem(where, invalid.reason)
    return None


def _view(passage: Passage, plan: FormPlan, row: Row) -> View:
    return passage.view() if row is passage.row else passage.walk.sight.view(plan.form, row)


def _values(passage: Passage, view: View, match: MatchPlan) -> dict[str, Any]:
    names = passage.names(view)
    return {name: watched.compiled.evaluate(names) for name, watched in match.fields.items()}


def _made(walk: Walk, form: str, values: Mapping[str, Any], make: Make) -> int:
    """Made where still nobody has."""
    return in_turn(walk, form, values) or make(walk, form, values)


def in_turn(walk: Walk, form: str, values: Mapping[str, Any]) -> int | None:
    """The record, once everybody who is making it now is through."""
    one_at_a_time(walk.conn, f"{form} {sorted((name, str(value)) for name, value in values.items())}")
    return find(walk, form, values)


def find(walk: Walk, form: str, values: Mapping[str, Any]) -> int | None:
    """The id of the first record with these values (plain ones out of expressions); None if there is none."""
    plan = walk.app.plans.form(form)
    reader = walk.sight.names["reader"]
    wanted = {name: plan.fields[name].parse(as_input(one), reader) for name, one in values.items()}
    filled = {f"is_{name}": one for name, one in wanted.items() if one is not None}
    key = ("find", form, tuple((name, one is None) for name, one in wanted.items()))
    prepared = walk.app.tables.statements.get(key, walk.conn.dialect, lambda: _first_with(plan.table, wanted))
    found: int | None = prepared.scalar(walk.conn, filled)
    return found


def _first_with(table: sa.Table, wanted: Mapping[str, Any]) -> sa.Select[Any]:
    columns = [table.c[name].is_(None) if one is None else table.c[name] == value(f"is_{name}", table.c[name].type)
               for name, one in wanted.items()]  # fmt: skip
    return sa.select(table.c.id).where(*columns, table.c.deleted_at.is_(None)).order_by(table.c.id).limit(1)


def is_there(walk: Walk, form: str, values: Mapping[str, Any]) -> bool:
    """Whether there is a record with these values; if not, nobody else makes one before this transaction is over."""
    return (find(walk, form, values) or in_turn(walk, form, values)) is not None
