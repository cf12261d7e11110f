"""From raw input to plain values: every problem of the whole input at once, nothing taken that was not offered.

``id``, ``owner``, ``state`` and everything worked out is refused by name, also inside lines: what may be set is listed,
never what may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol

from engine.errors import Invalid, Message, Problem, message
from engine.expressions import plain
from engine.fields.base import Field
from engine.formats import Reader
from engine.language import SYSTEM_FIELDS, Label
from engine.plans import FormPlan, LinesPlan


class Allowed(Protocol):
    """Which fields may be set at all; what depends on the record is asked again once the record is read."""

    def ever(self, name: str) -> bool: ...


class Everything:
    """Nobody is asked: rules and imports."""

    def ever(self, name: str) -> bool:
        return True


@dataclass(frozen=True)
class Offer:
    """What this input may name. ``extra``: fields a transition asks for, whatever the grants say.

    ``derived``: also series and the like, for imports with their history. ``readable``: others do not exist.
    """

    writable: Allowed
    readable: Allowed
    lines: Mapping[str, Offer] = field(default_factory=dict)
    extra: frozenset[str] = frozenset()
    derived: bool = False


@dataclass
class Line:
    """One line of the input: ``id`` of an existing one, else None; ``place`` its index in the input."""

    id: int | None
    place: int
    values: dict[str, Any]


@dataclass
class Given:
    """The input, parsed. A name that is not in it stays as it is."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.values, *self.lines))


def read_input(plan: FormPlan, values: Mapping[str, Any], offer: Offer, reader: Reader) -> Given:
    """Parse what a form, the API or a file brought in; nothing is raised, everything wrong is in ``problems``."""
    given = Given()
    for name, raw in values.items():
        refused = _refused(plan, name, offer)
        if refused is not None:
            given.problems.append(Problem(name, refused))
        elif name in plan.lines:
            _read_lines(plan.lines[name], raw, offer.lines[name], reader, given)
        else:
            _read_field(plan.fields[name], raw, reader, name, given.values, given.problems)
    return given


def _refused(plan: FormPlan, name: str, offer: Offer) -> Message | None:
    found = plan.fields.get(name)
    if found is None or not offer.readable.ever(name):
        return _unknown(plan, name, offer)
    if not found.writable and not (offer.derived and found.type == "series"):
        return message("{label} is worked out by itself and cannot be set.", label=found.title)
    if name in offer.extra:
        return None
    if not offer.writable.ever(name):
        return message("You may not change {label}.", label=found.title)
    return None


def _unknown(plan: FormPlan, name: str, offer: Offer) -> Message:
    if name in SYSTEM_FIELDS:
        return message("{name} is kept by the system and cannot be set.", name=name)
    shown = [other for other, found in plan.fields.items() if found.writable and offer.readable.ever(other)]
    near = get_close_matches(name, shown, 1)
    if near:
        return message(
            "{form} has no field {name}; did you mean {near}?", form=plan.form.label, name=name[:60], near=near[0]
        )
    return message("{form} has no field {name}.", form=plan.form.label, name=name[:60])


def _read_field(
    found: Field, raw: Any, reader: Reader, where: str, values: dict[str, Any], problems: list[Problem]
) -> None:
    try:
        values[found.name] = found.parse(raw, reader)
    except Invalid as invalid:
        problems.append(Problem(where, invalid.reason))


def _read_lines(lines: LinesPlan, raw: Any, offer: Offer, reader: Reader, given: Given) -> None:
    try:
        rows = lines.field.parse(raw, reader) or []
    except Invalid as invalid:
        given.problems.append(Problem(lines.name, invalid.reason))
        return
    given.lines[lines.name] = [
        _read_line(lines, place, row, offer, reader, given.problems) for place, row in enumerate(rows)
    ]


def _read_line(
    lines: LinesPlan, place: int, row: Mapping[str, Any], offer: Offer, reader: Reader, problems: list[Problem]
) -> Line:
    line = Line(None, place, {})
    for name, raw in row.items():
        where = f"{lines.name}.{place}.{name}"
        if name == "id":
            line.id = _line_id(raw, where, lines.field.title, problems)
            continue
        refused = _refused(lines.plan, name, offer)
        if refused is None:
            _read_field(lines.plan.fields[name], raw, reader, where, line.values, problems)
        else:
            problems.append(Problem(where, refused))
    return line


def _line_id(raw: Any, where: str, label: Label, problems: list[Problem]) -> int | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 19:
        return int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 2**63:
        return raw
    problems.append(Problem(where, message("The id of a line of {label} is a whole number.", label=label)))
    return None


# --- what rules set: plain values out of expressions -----------------------------------------------------------------


def read_values(plan: FormPlan, values: Mapping[str, Any], reader: Reader) -> Given:
    """Values out of expressions as the fields keep them; what does not fit is a problem like any other."""
    given = Given()
    for name, value in values.items():
        if name in plan.lines:
            given.lines[name] = [
                _line_of_values(plan.lines[name], place, row, reader, given.problems) for place, row in enumerate(value)
            ]
        elif name in plan.fields and plan.fields[name].writable:
            _read_field(plan.fields[name], as_input(value), reader, name, given.values, given.problems)
        else:
            given.problems.append(Problem(name, _unknown(plan, name, OPEN)))
    return given


def _line_of_values(
    lines: LinesPlan, place: int, row: Mapping[str, Any], reader: Reader, problems: list[Problem]
) -> Line:
    line = Line(row.get("id"), place, {})
    for name, value in row.items():
        found = lines.plan.fields.get(name)
        if found is not None and found.writable:
            where = f"{lines.name}.{place}.{name}"
            _read_field(found, as_input(value), reader, where, line.values, problems)
    return line


def as_input(value: Any) -> Any:
    """A plain value in the form ``parse`` takes: what the field would write as JSON, if it knows the value's type."""
    value = plain(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Sequence):
        return list(value)
    return value


OPEN = Offer(Everything(), Everything())
