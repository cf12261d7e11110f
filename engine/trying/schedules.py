"""Rules that no record wakes: at which moments of the past they would have fired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.passage import Walk
from engine.plans import RulePlan
from engine.rules import Asking, Decision, woken
from engine.storage.events import Event
from engine.trying import happened
from engine.trying.past import Was
from engine.trying.remembering import Past


@dataclass(frozen=True)
class Due:
    at: dt.datetime
    decision: Decision


def due_times(plan: RulePlan, since: dt.datetime, until: dt.datetime, zone: str) -> list[dt.datetime]:
    """The moments the trigger names between two others; none for a trigger that knows no times of its own."""
    known: Any = getattr(plan.rule.trigger, "due_times", None)
    return list(known(since, until, zone)) if known is not None else []


def fired(past: Past, plan: RulePlan, since: dt.datetime, until: dt.datetime) -> Iterator[Due]:
    """Each due time at which the rule would have wanted something, with everything as it was then."""
    app = past.app
    for at in due_times(plan, since, until, app.definition.timezone):
        last = happened.window(past.conn, app.tables, at).first - 1
        past.stand(Event(id=last, at=at, form="", record_id=0, kind=""), past.actor, Was(None))
        walk = Walk(app, past.conn, past.actor, at, past)
        decision = woken(plan, Asking(walk, None, {**past.names, "record": None, "old": None, "results": {}}))
        if decision.stretch.wanted:
            yield Due(at, decision)
