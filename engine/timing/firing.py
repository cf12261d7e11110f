"""What is asked before a message wakes its rule, and what its expressions get from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.definition import Rule
from engine.timers import DateReached, Timeout
from engine.timing import dates, timeouts
from engine.timing.posting import told
from engine.triggers import Trigger

if TYPE_CHECKING:
    from engine.application import Application


def comes_due(
    app: Application, conn: sa.Connection, rule: Rule, record_id: int | None, given: Mapping[str, Any]
) -> bool:
    """Whether what the message was left for still holds."""
    if isinstance(rule.trigger, Timeout):
        return "stay" in given and timeouts.comes_due(app, conn, rule, given)
    if isinstance(rule.trigger, DateReached):
        return "value" in given and dates.comes_due(app, conn, rule, record_id, given)
    return True


def died(app: Application, conn: sa.Connection, rule: str, given: Mapping[str, Any]) -> None:
    """A message that should have woken the rule (its stable id) is a dead letter; what follows it comes anyway."""
    plan = app.plans.rule.get(rule)
    if plan is not None and isinstance(plan.rule.trigger, Timeout) and "stay" in given:
        timeouts.died(app, conn, plan.rule, given)


def names_of(trigger: Trigger, given: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """What the trigger brought, as expressions see it: JSON becomes values of the kinds it promises; moments are shown
    on the clock of ``timezone``."""
    zone = ZoneInfo(timezone)
    return {name: _read(kind, given.get(name), zone) for name, kind in trigger.gives.items()}


def dumped(given: Mapping[str, Any]) -> dict[str, Any]:
    """The other way round."""
    return {name: told(value) if isinstance(value, dt.datetime) else value for name, value in given.items()}


def _read(kind: str, value: Any, zone: ZoneInfo) -> Any:
    if kind == "datetime" and isinstance(value, str):
        return dt.datetime.fromisoformat(value).astimezone(zone)
    return value
