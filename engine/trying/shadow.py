"""A rule in the shadow: what it would have done since it is there, and the text of the definition that lets it out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Rule
from engine.errors import Refused, message
from engine.people import people_with_roles
from engine.storage import records
from engine.trying.naming import rule_named
from engine.trying.tally import Tally, kind_in_trace, receivers_in_trace
from engine.yamlfile import Source, read_source

BATCH = 1000
CONFLICTS = 50


def shadow_report(app: Application, rule: Rule | str, *, days: int = 90) -> dict[str, Any]:
    """What the rule decided while it was in the shadow, newest first, from its own runs.

    As ``BackTest.found``: fired, records, days, effects, effects_by_day, messages, shown; and ``conflicts``: rules that
    changed the same field of the same record, or took a transition of it, because of the same event. Besides
    ``since``, the first of these runs, None when there was none.
    """
    found = rule_named(app, rule)
    since = app.clock() - dt.timedelta(days=days)
    with app.database.read() as conn:
        return _Report(app, conn, found).of(since)


@dataclass
class _Report:
    app: Application
    conn: sa.Connection
    rule: Rule

    def of(self, since: dt.datetime) -> dict[str, Any]:
        tally = Tally(cache(lambda roles: people_with_roles(self.conn, self.app.tables, roles)))
        zone = ZoneInfo(self.app.definition.timezone)
        conflicts: dict[tuple[str, str, str], dict[str, Any]] = {}
        first: dt.datetime | None = None
        for batch in self._batches(since):
            for run in batch:
                first = run["started_at"]
                day = run["started_at"].astimezone(zone).date()
                tally.note(day, run["form"] or "", None)
                for effect in (run["trace"] or {}).get("effects", ()):
                    tally.effect(day, kind_in_trace(effect), receivers_in_trace(effect, tally.people))
                if tally.wants(run["id"]):
                    tally.show(run["id"], _entry(run))
            self._conflicts(batch, conflicts)
        tally.records = self._records(since)
        listed = sorted(conflicts.values(), key=lambda entry: -entry["count"])
        return {**tally.json(self._names(tally)), "conflicts": listed, "since": first.isoformat() if first else None}

    def _records(self, since: dt.datetime) -> int:
        table = self.app.tables.run
        each = sa.select(table.c.form, table.c.record_id).where(*self._own(since), table.c.record_id.is_not(None))
        return int(self.conn.scalar(sa.select(sa.func.count()).select_from(each.distinct().subquery())) or 0)

    def _own(self, since: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
        table = self.app.tables.run
        return (table.c.rule == self.rule.stable_id, table.c.state == "shadow", table.c.started_at >= since)

    def _batches(self, since: dt.datetime) -> Iterator[list[dict[str, Any]]]:
        table = self.app.tables.run
        last = None
        while True:
            query = sa.select(
                table.c.id, table.c.form, table.c.record_id, table.c.event_id, table.c.trace, table.c.started_at
            ).where(*self._own(since))
            if last is not None:
                query = query.where(table.c.id < last)
            rows = self.conn.execute(query.order_by(table.c.id.desc()).limit(BATCH)).mappings()
            found = [dict(row) for row in rows]
            if not found:
                return
            yield found
            last = found[-1]["id"]

    def _conflicts(self, batch: list[dict[str, Any]], found: dict[tuple[str, str, str], dict[str, Any]]) -> None:
        """What other rules really did because of the same events."""
        table = self.app.tables.run
        events = {run["event_id"]: run for run in batch if run["event_id"] is not None}
        own_ids = [run["id"] for run in batch]
        if not events:
            return
        near = sa.select(table.c.rule, table.c.event_id, table.c.trace).where(
            table.c.key.in_([f"e{event}:{rule}" for event in events for rule in self._others()]),
            table.c.id.not_in(own_ids),
        )
        for row in self.conn.execute(near):
            mine = (events[row.event_id]["trace"] or {}).get("effects", ())
            for kind, what in _clashes(mine, (row.trace or {}).get("effects", ())):
                entry = found.setdefault((row.rule, kind, what), _conflict(self.app, row.rule, kind, what))
                entry["count"] += 1
                if len(entry["examples"]) < 5:
                    record = events[row.event_id]["record_id"]
                    entry["examples"].append({"event_id": row.event_id, "record_id": record})

    def _others(self) -> list[str]:
        form = self.rule.form
        return [
            plan.rule.stable_id
            for plan in self.app.plans.rule.values()
            if plan.rule.form == form and plan.rule.stable_id != self.rule.stable_id
        ][:CONFLICTS]

    def _names(self, tally: Tally) -> dict[str, str]:
        ids = [int(who[5:]) for who in tally.told if who.startswith("user:")]
        return {f"user:{id}": name for id, name in records.titles(self.conn, self.app.tables, "_user", ids).items()}


def _entry(run: Mapping[str, Any]) -> dict[str, Any]:
    trace = run["trace"] or {}
    return {
        "run_id": run["id"], "event_id": run["event_id"], "at": run["started_at"].isoformat(), "form": run["form"],
        "record_id": run["record_id"], "clauses": trace.get("clauses", []), "effects": trace.get("effects", []),
    }  # fmt: skip


def _conflict(app: Application, rule: str, kind: str, what: str) -> dict[str, Any]:
    plan = app.plans.rule.get(rule)
    return {"rule": plan.rule.name if plan else rule, "kind": kind, "what": what, "count": 0, "examples": []}


def _clashes(mine: Any, others: Any) -> list[tuple[str, str]]:
    own, other = _wanted(mine), _wanted(others)
    found = [("sets", f"{key[0]}.{key[2]}") for key in own["sets"] & other["sets"]]
    return found + [("takes", f"{key[0]}") for key in own["takes"] & other["takes"]]


def _wanted(effects: Any) -> dict[str, set[Any]]:
    sets = {(one["set"], one["id"], name) for one in effects if "set" in one for name in one["values"]}
    return {"sets": sets, "takes": {(one["form"], one["id"]) for one in effects if "take" in one}}


# --- out of the shadow -----------------------------------------------------------------------------------------------


def promote(text: str, rule: str) -> str:
    """The text of the definition with the rule (by its name) out of the shadow: ``shadow: true`` is cut out and every
    other character stays. Raises Refused when it is not in the shadow or the text cannot be read."""
    source = read_source(text)
    path = ("rules", rule, "shadow")
    if path not in source.values or _value(source, path) is not True:
        raise Refused(message("The rule {rule} is not in the shadow.", rule=rule))
    around = source.values[path[:2]]
    start, end = source.keys[path].start, source.values[path].end
    start, end = _in_braces(source.text, start, end) if around.style == "{" else _whole_line(source.text, start, end)
    return source.text[:start] + source.text[end:]


def _value(source: Source, path: tuple[str, ...]) -> Any:
    found = source.data
    for name in path:
        found = found[name]
    return found


def _in_braces(text: str, start: int, end: int) -> tuple[int, int]:
    """With the comma that parted it from its neighbour: the one behind it, else the one in front."""
    behind = end + len(text[end:]) - len(text[end:].lstrip())
    if text[behind : behind + 1] == ",":
        after = behind + 1
        return start, after + len(text[after:]) - len(text[after:].lstrip(" "))
    front = len(text[:start].rstrip())
    if text[front - 1 : front] == ",":
        return front - 1, end
    return start, end


def _whole_line(text: str, start: int, end: int) -> tuple[int, int]:
    """The line it stands on goes; a comment behind it stays, on a line of its own."""
    line = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop + 1
    if text[line:start].strip():
        return start, end  # something stands in front of it on the same line
    rest = text[end:stop].strip()
    if rest.startswith("#"):
        return start, end + (len(text[end:stop]) - len(text[end:stop].lstrip()))
    return line, stop
