"""What would become of a thing, without saving anything: for whoever writes or mends a feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from engine import matching
from engine.application import Application
from engine.errors import AppmillError, Invalid, Message, Problem
from engine.feeding import making, taking
from engine.feeds import Feed
from engine.formats import Reader
from engine.intake import as_input
from engine.plans import FormPlan


@dataclass(frozen=True)
class Trial:
    """``values``: field → what it becomes, lines as lists; ``record_id``: of the record it would change, None where it
    would make one; ``state``: taken, skipped, parked or failed, and ``reason`` and ``problems`` why."""

    state: str
    values: Mapping[str, Any]
    record_id: int | None = None
    reason: Message | None = None
    problems: Sequence[Problem] = ()


def try_out(app: Application, feed: Feed, connection: str, data: Mapping[str, Any]) -> Trial:
    """As the definition of ``app`` says today. Whether the record itself may be saved so is not asked."""
    arrival = SimpleNamespace(data=data, connection=connection)
    with app.database.read() as conn:
        walk = taking.walk_of(app, conn, feed)
        names = taking.names_of(walk, feed, arrival)
        try:
            match = making.match_of(app.plans, feed, names)
            id = matching.find(walk, feed.form, match)
            view = taking.view_of(walk, feed.form, id)
            became = taking.not_now(walk, feed, arrival, {**names, "record": view}, view, match)
            values = {**match, **making.values_of(app.plans, feed, names)}
        except AppmillError as error:
            problems = error.problems or [Problem("", error.reason)]
            return Trial("failed", {}, None, None, problems)
        wrong = list(_wrong(app.plans.form(feed.form), values, walk.sight.names["reader"], ""))
    if became is not None:
        return Trial(became.state, values, became.record_id, became.reason, wrong)
    return Trial("failed" if wrong else "taken", values, view.id if view is not None else None, None, wrong)


def _wrong(plan: FormPlan, values: Mapping[str, Any], reader: Reader, where: str) -> Iterator[Problem]:
    """What no field can hold."""
    for name, value in values.items():
        if name in plan.lines:
            for place, line in enumerate(value or ()):
                yield from _wrong(plan.lines[name].plan, line, reader, f"{where}{name}.{place}.")
        elif name in plan.fields:
            try:
                plan.fields[name].parse(as_input(value), reader)
            except Invalid as invalid:
                yield Problem(f"{where}{name}", invalid.reason)
