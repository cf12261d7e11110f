"""Why a back-test and the ledger do not say the same: every difference has a reason people can check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import AppDefinition, Rule
from engine.errors import DefinitionError, Message, message
from engine.load import load_text
from engine.rules import Decision
from engine.storage.events import Event
from engine.storage.migrate import source_of
from engine.trying import happened
from engine.trying.past import EARLIER, FIGURE, MASKED, OLD, OWNER, PEOPLE, UNREADABLE
from engine.trying.remembering import Doubt

CHANGED, ABSENT, OFF, FORM, READ, UNKEPT, ELSEWHERE, UNEXPLAINED, BROKEN, IDLE = (
    "changed", "absent", "off", "form", "read", "unkept", "elsewhere", "unexplained", "broken", "idle")  # fmt: skip

REASONS: Mapping[str, Message] = {
    CHANGED: message("The rule was changed since."),
    ABSENT: message("The rule was not there yet."),
    OFF: message("The rule was switched off then."),
    FORM: message("The form was defined otherwise then."),
    READ: message("It read something that has changed since without leaving a trace."),
    UNKEPT: message("The definition that was in force then is not kept."),
    ELSEWHERE: message("It ran for records of another form, which the rule watched then."),
    IDLE: message("Nothing was running at that time, or a missed time was left out."),
    BROKEN: message("The rule cannot be worked out for the record as it was."),
    UNEXPLAINED: message("There is no explanation for this; tell the makers of Appmill."),
    MASKED: message("It read a sensitive value, which the history does not keep."),
    FIGURE: message("It read a figure over other records, whose history is not kept."),
    PEOPLE: message("It read the roles or groups of a person, which may have changed since."),
    OWNER: message("It read who was responsible, which the history does not tell for that moment."),
    EARLIER: message("It read something from before the time that was looked at."),
    UNREADABLE: message("It read a value that the field, as it is defined now, cannot hold."),
    OLD: message("It read a record that changed too often to look back so far."),
}
MOST_DEFINITIONS = 50


@dataclass(frozen=True)
class Ran:
    """A row of the ledger: what a rule did because of an event."""

    key: str
    state: str
    trace: Mapping[str, Any]
    definition: str


@dataclass(frozen=True)
class Difference:
    """``kind``: ``only_then`` (the ledger has it), ``only_now`` (it has not), ``effects`` (both, and not the same).
    ``details``: JSON that goes with the reason, such as the values that differ."""

    event_id: int
    at: str
    form: str
    record_id: int
    kind: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        return {"event_id": self.event_id, "at": self.at, "form": self.form, "record_id": self.record_id,
                "kind": self.kind, "reason": self.reason, "details": dict(self.details)}  # fmt: skip


def runs_of(conn: sa.Connection, app: Application, rule: str, events: Iterable[Event]) -> dict[int, Ran]:
    """What the ledger says the rule did because of these events, by event."""
    keys = {f"e{event.id}:{rule}": event.id for event in events}
    return {keys[ran.key]: ran for ran in runs_by_key(conn, app, keys)}


def runs_by_key(conn: sa.Connection, app: Application, keys: Iterable[str]) -> list[Ran]:
    table = app.tables.run
    query = sa.select(table.c.key, table.c.state, table.c.trace, table.c.definition).where(table.c.key.in_(list(keys)))
    return [Ran(row.key, row.state, row.trace or {}, row.definition) for row in conn.execute(query)]


def same_effects(decision: Decision, ran: Ran) -> bool:
    """As JSON, which is how the ledger keeps them."""
    return bool(json.loads(json.dumps(decision.trace.get("effects", []))) == ran.trace.get("effects", []))


def difference(
    app: Application, conn: sa.Connection, rule: Rule, event: Event, kind: str, decision: Decision | None,
    ran: Ran | None, doubts: Iterable[Doubt],
) -> Difference:  # fmt: skip
    reason, details = _reason(app, conn, rule, event, decision, ran, sorted(doubts))
    return Difference(event.id, event.at.isoformat(), event.form, event.record_id, kind, reason, details)


def _reason(
    app: Application, conn: sa.Connection, rule: Rule, event: Event, decision: Decision | None, ran: Ran | None,
    doubts: list[Doubt],
) -> tuple[str, Mapping[str, Any]]:  # fmt: skip
    other = _otherwise_defined(app, conn, rule, event)
    if other is not None:
        return other, {"definition": event.definition}
    if decision is None:
        return BROKEN, {}
    if doubts:
        return doubts[0].why, {"read": [f"{each.form}.{each.field}" for each in doubts]}
    trace = ran.trace if ran else happened.trace_of(conn, app.tables, event.id, rule.stable_id) or {}
    values = _values_that_differ(decision.trace, trace)
    if values:
        return READ, {"values": values}
    if _form_then(app, conn, event) != app.definition.forms.get(event.form):
        return FORM, {"definition": event.definition}
    return UNEXPLAINED, {"then": trace.get("effects"), "now": decision.trace.get("effects")}


def _otherwise_defined(app: Application, conn: sa.Connection, rule: Rule, event: Event) -> str | None:
    then = definition_of(app, conn, event.definition)
    if then is None:
        return UNKEPT
    known = next((one for one in then.rules.values() if one.stable_id == rule.stable_id), None)
    if known is None:
        return ABSENT
    if not known.enabled:
        return OFF
    return None if decides_alike(known, rule) else CHANGED


def decides_alike(one: Rule, other: Rule) -> bool:
    return (one.trigger, one.when, one.actions, one.key) == (other.trigger, other.when, other.actions, other.key)


def _form_then(app: Application, conn: sa.Connection, event: Event) -> Any:
    then = definition_of(app, conn, event.definition)
    return then.forms.get(event.form) if then else None


def definition_of(app: Application, conn: sa.Connection, hash: str) -> AppDefinition | None:
    """A definition that was ever in force; None when its text is not kept or can no longer be read."""
    if hash == app.definition.hash:
        return app.definition
    kept: dict[str, AppDefinition | None] = app.plans.kept.setdefault("definitions of the past", {})
    if hash not in kept:
        if len(kept) >= MOST_DEFINITIONS:
            kept.clear()
        text = source_of(conn, hash)
        try:
            kept[hash] = load_text(text, app.registry, file="earlier").definition if text else None
        except DefinitionError:
            kept[hash] = None
    return kept[hash]


def _values_that_differ(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[dict[str, Any]]:
    earlier = {clause["text"]: clause.get("values", {}) for clause in then.get("clauses", ())}
    found = []
    for clause in now.get("clauses", ()):
        was = earlier.get(clause["text"], {})
        for path, value in clause["values"].items():
            if path in was and was[path] != value:
                found.append({"path": path, "then": was[path], "now": value})
    return found
