"""What a record becomes: the input laid over what is stored, defaults, numbers drawn, and everything worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from engine.errors import Invalid, Message, message
from engine.expressions import Compiled, EvaluationFailed, View, plain
from engine.expressions.functions import text
from engine.fields.base import Field
from engine.formats import zone
from engine.intake import Given, Line, as_input
from engine.passage import Passage
from engine.plans import FormPlan, LinesPlan, Watched
from engine.sight import NEW, Row
from engine.storage import records, series

TITLE_LENGTH = 200


def lay_over(passage: Passage, given: Given) -> None:
    """The input over the stored row; lines are read once if any are given."""
    plan, walk = passage.plan, passage.walk
    passage.problems.extend(given.problems)
    passage.given[""] = given.names
    for name, value in given.values.items():
        if name in plan.many:
            passage.links[name] = value or ()
        else:
            passage.row[name] = value
    for name in passage.links:
        if passage.before is not None:
            id = passage.before["id"]
            passage.stored_links[name] = records.links_of(walk.conn, walk.app.tables, plan.form.name, name, [id])[id]
    for name, lines in given.lines.items():
        _lay_lines(passage, plan.lines[name], lines)
    _remember(passage)
    _read_linked(passage, given)


def _read_linked(passage: Passage, given: Given) -> None:
    """What the input links to is read with one query per form: defaults, checks and totals will all look at it."""
    wanted: dict[str, set[int]] = {}
    _gather(passage.plan, given.values, wanted)
    for name, lines in given.lines.items():
        for line in lines:
            _gather(passage.plan.lines[name].plan, line.values, wanted)
    for form, ids in wanted.items():
        passage.walk.sight.prime(form, ids)


def _gather(plan: FormPlan, values: Mapping[str, Any], wanted: dict[str, set[int]]) -> None:
    for name, link in plan.links.items():
        value = values.get(name)
        if value is not None:
            wanted.setdefault(link.target, set()).update(value if isinstance(value, tuple) else (value,))


def _remember(passage: Passage) -> None:
    """So that lines find the record around them as it is becoming."""
    sight, form = passage.walk.sight, passage.plan.form.name
    if passage.before is None:
        sight.pending(form, passage.row)
    else:
        sight.remember(form, passage.row)


def read_lines(passage: Passage, lines: LinesPlan) -> None:
    """All lines of a field as they are stored, to be changed."""
    if lines.name in passage.lines:
        return
    rows: list[Row] = []
    if passage.before is not None:
        rows = passage.walk.sight.lines(lines.plan.form.name, passage.before["id"])
    passage.stored_lines[lines.name] = {row["id"]: row for row in rows}
    passage.lines[lines.name] = [dict(row) for row in rows]


def _lay_lines(passage: Passage, lines: LinesPlan, given: list[Line]) -> None:
    read_lines(passage, lines)
    stored = passage.stored_lines[lines.name]
    parent = passage.before["id"] if passage.before else NEW
    known: set[int] = set()
    rows: list[Row] = []
    for line in given:
        if line.id is not None and (line.id not in stored or line.id in known):
            passage.problem(f"{lines.name}.{line.place}.id", _no_such_line(lines, line.id, known))
            continue
        known.update({line.id} if line.id is not None else ())
        base = dict(stored[line.id]) if line.id is not None else _new_line(lines.plan, line.place, parent)
        passage.given[f"{lines.name}.{len(rows)}."] = frozenset(line.values)
        rows.append({**base, **line.values, "_position": len(rows)})
    passage.lines[lines.name] = rows


def _no_such_line(lines: LinesPlan, id: int, known: set[int]) -> Message:
    if id in known:
        return message("Line {id} stands twice in {label}.", id=id, label=lines.field.title)
    return message("{label} has no line {id}.", id=id, label=lines.field.title)


def _new_line(plan: FormPlan, place: int, parent: int) -> Row:
    """Until it is stored its id counts down from -1, so that expressions can tell it from an empty one."""
    row: Row = empty_row(plan)
    row.update(id=-1 - place, version=1, _parent=parent, _position=place)
    if plan.form.workflow:
        row["state"] = plan.form.workflow.initial
    return row


def empty_row(plan: FormPlan) -> Row:
    """A new record before anything is given; what is worked out is not in it yet."""
    return plan.blank.copy()


# --- defaults and numbers --------------------------------------------------------------------------------------------


def fill_in(passage: Passage) -> None:
    """Defaults of what was not given, for a new record and for new lines."""
    if passage.creating:
        _defaults(passage, passage.plan, passage.row, passage.given[""], "", passage.view)
    for lines, place, row in new_lines(passage):
        where = f"{lines.name}.{place}."
        given = passage.given.get(where, frozenset())
        _defaults(passage, lines.plan, row, given, where, partial(_line_view, passage, lines, row))


def _defaults(
    passage: Passage, plan: FormPlan, row: Row, given: frozenset[str], where: str, view: Callable[[], View]
) -> None:
    for name, value in plan.constants.items():
        if name not in given and name not in plan.many:
            row[name] = value
    for name, compiled in plan.defaults.items():
        if name not in given:
            row[name] = _worked_out(passage, plan.fields[name], compiled, view(), where + name)


def new_lines(passage: Passage) -> list[tuple[LinesPlan, int, Row]]:
    return [
        (passage.plan.lines[name], place, row)
        for name, rows in passage.lines.items()
        for place, row in enumerate(rows)
        if row["id"] < 0
    ]


def _line_view(passage: Passage, lines: LinesPlan, row: Row) -> View:
    return passage.walk.sight.view(lines.plan.form, row)


def _worked_out(passage: Passage, field: Field, compiled: Compiled, view: View, where: str) -> Any:
    """The value as the field keeps it; a problem of the input when it cannot be."""
    try:
        value = compiled.run(passage.names(view))
        return field.parse(as_input(value), passage.walk.sight.names["reader"])
    except EvaluationFailed as failed:
        passage.problem(
            where, message("{label} cannot be worked out: {reason}.", label=field.title, reason=failed.reason)
        )
    except Invalid as invalid:
        passage.problem(where, invalid.reason)
    return None


def draw_numbers(passage: Passage) -> None:
    """Series of a new record and of new lines, unless an import brought its own."""
    if passage.creating:
        _draw(passage, passage.plan, passage.row)
    for lines, _place, row in new_lines(passage):
        _draw(passage, lines.plan, row)


def _draw(passage: Passage, plan: FormPlan, row: Row) -> None:
    walk = passage.walk
    for field in plan.series:
        if row.get(field.name) is None:
            at = zone(walk.app.definition.timezone)
            row[field.name] = series.draw_text(walk.conn, walk.app.tables, plan.form.name, field, walk.now, at)


# --- what is worked out ----------------------------------------------------------------------------------------------


def take_out_stale(passage: Passage) -> None:
    """What is worked out from something touched is taken out of the rows: read through a view it is worked out anew."""
    for name in _stale(passage):
        passage.row.pop(name, None)
    for lines in passage.plan.lines.values():
        for row in passage.lines.get(lines.name, ()):
            for name in _stale_in_line(passage, lines, row):
                row.pop(name, None)


def compute(passage: Passage) -> None:
    """Put back what was taken out, worked out by one view in whatever order it needs; and the titles."""
    take_out_stale(passage)
    view = passage.view()
    for name, rows in passage.lines.items():
        lines = passage.plan.lines[name]
        if lines.plan.computed:
            for place, line_view in enumerate(view.read(name)):
                _settle(passage, lines.plan, rows[place], line_view, f"{name}.{place}.")
    _settle(passage, passage.plan, passage.row, view, "")
    _set_titles(passage)


def _stale(passage: Passage) -> tuple[str, ...]:
    plan = passage.plan
    if not plan.computed:
        return ()
    if passage.creating:
        return tuple(plan.computed)
    changed = passage.changed()
    return tuple(
        name for name, watched in plan.computed.items() if name not in passage.row or watched.needs.touched(changed)
    )


def _stale_in_line(passage: Passage, lines: LinesPlan, row: Row) -> tuple[str, ...]:
    computed = lines.plan.computed
    if not computed:
        return ()
    stored = passage.stored_lines[lines.name].get(row["id"])
    if stored is None or lines.follow:
        return tuple(computed)
    changed = frozenset(name for name, value in row.items() if stored.get(name) != value)
    return tuple(name for name, watched in computed.items() if name not in row or watched.needs.touched(changed))


def _settle(passage: Passage, plan: FormPlan, row: Row, view: View, where: str) -> None:
    for name in plan.computed:
        if name in row:
            continue
        field: Any = plan.fields[name]
        try:
            row[name] = field.settled(plain(view.read(name)))
        except EvaluationFailed as failed:
            row[name] = None
            passage.problem(
                where + name,
                message("{label} cannot be worked out: {reason}.", label=field.title, reason=failed.reason),
            )


def _set_titles(passage: Passage) -> None:
    passage.row["_title"] = title_of(passage, passage.plan, passage.row, passage.before, passage.view)
    for name, rows in passage.lines.items():
        lines = passage.plan.lines[name]
        stored = passage.stored_lines[name]
        for row in rows:
            view = partial(_line_view, passage, lines, row)
            row["_title"] = title_of(passage, lines.plan, row, stored.get(row["id"]), view)


def title_of(
    passage: Passage, plan: FormPlan, row: Row, before: Mapping[str, Any] | None, view: Callable[[], View]
) -> str:
    watched: Watched | None = plan.title
    if watched is None:
        return ""
    if before is not None and not any(row.get(name) != before.get(name) for name in watched.needs.fields):
        return str(before.get("_title") or "")
    try:
        said = text(watched.compiled.run(passage.names(view())))
    except EvaluationFailed:
        return ""  # a title never stands in the way of a save
    return " ".join(said.split())[:TITLE_LENGTH]
