"""By which calendar the times of a rule are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.calendars import Times
from engine.definition import Rule
from engine.timers import Timeout

if TYPE_CHECKING:
    from engine.application import Application


def times_of(app: Application, rule: Rule) -> Times:
    """Its own calendar; that of the state it watches; the default one."""
    trigger, calendars = rule.trigger, app.plans.times
    if rule.calendar is not None or not isinstance(trigger, Timeout):
        return calendars.of(rule.calendar)
    return app.plans.form(trigger.form).times[trigger.state]
