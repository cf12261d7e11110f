"""What a thing becomes: the values of its record and of the lines, worked out of the expressions of its feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import Invalid, Message, Problem, message
from engine.expressions import EvaluationFailed
from engine.feeds import Feed, FeedLines
from engine.formats import Reader
from engine.intake import as_input
from engine.plans import LinesPlan, Plans

Names = Mapping[str, Any]
LONGEST = 200  # characters of what was got, in what is said about it


def match_of(plans: Plans, feed: Feed, names: Names) -> dict[str, Any]:
    """What its record is found by. Raises Invalid where something of it is empty or cannot be worked out."""
    problems: list[Problem] = []
    values = _worked_out(plans, feed.match, names, "", problems)
    for name in feed.match:
        if values.get(name) in (None, "") and not any(problem.where == name for problem in problems):
            said = message("The record is found by this, but {source} gives nothing.", source=feed.match[name])
            problems.append(Problem(name, said))
    _refuse(problems)
    return values


def values_of(plans: Plans, feed: Feed, names: Names) -> dict[str, Any]:
    """Field → value, lines as lists of such mappings. Raises Invalid with everything that cannot be worked out."""
    problems: list[Problem] = []
    values = _worked_out(plans, feed.values, names, "", problems)
    for name, lines in feed.lines.items():
        values[str(name)] = list(_lines(plans, str(name), lines, names, problems))
    _refuse(problems)
    return values


def _lines(
    plans: Plans, name: str, lines: FeedLines, names: Names, problems: list[Problem]
) -> Iterator[dict[str, Any]]:
    try:
        several = plans.compile(lines.of).evaluate(names)
    except EvaluationFailed as failed:
        problems.append(Problem(name, _broken(lines.of, failed)))
        return
    if several is not None and not isinstance(several, list | tuple):
        said = message("{source} gives no list: {got}", source=lines.of, got=short(several))
        problems.append(Problem(name, said))
        return
    for place, line in enumerate(several or ()):
        yield _worked_out(plans, lines.values, {**names, "line": line}, f"{name}.{place}.", problems)


def _worked_out(
    plans: Plans, sources: Mapping[Any, str], names: Names, where: str, problems: list[Problem]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, source in sources.items():
        try:
            found[str(name)] = plans.compile(source).evaluate(names)
        except EvaluationFailed as failed:
            problems.append(Problem(f"{where}{name}", _broken(source, failed)))
    return found


def _broken(source: str, failed: EvaluationFailed) -> Message:
    return message("{source} cannot be worked out: {reason}.", source=source, reason=failed.reason)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise Invalid(problems[0].message, problems)


def short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


# --- lines that are there already ------------------------------------------------------------------------------------


def onto_stored(
    plan: LinesPlan, new: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]], reader: Reader
) -> list[dict[str, Any]]:
    """The new lines, those with the ``id`` of a stored line that are to become of it: one that has the same in all
    values, else one that has the same in the first, by which a line is known. What people and rules wrote beside the
    values stays with it."""
    wanted = [{name: _parsed(plan, name, value, reader) for name, value in line.items()} for line in new]
    free = list(stored)
    ids: dict[int, int] = {}
    for same in (_all, _first):
        for place, line in enumerate(wanted):
            if place in ids:
                continue
            found = next((row for row in free if same(line, row)), None)
            if found is not None:
                free.remove(found)
                ids[place] = found["id"]
    return [{**line, **({"id": ids[place]} if place in ids else {})} for place, line in enumerate(new)]


def _all(line: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return all(row.get(name) == value for name, value in line.items())


def _first(line: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    name = next(iter(line), None)
    return name is not None and line[name] is not None and row.get(name) == line[name]


def _parsed(plan: LinesPlan, name: str, value: Any, reader: Reader) -> Any:
    field = plan.plan.fields.get(name)
    try:
        return field.parse(as_input(value), reader) if field is not None else value
    except Invalid:
        return value  # said when it is saved
