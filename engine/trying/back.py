"""What a rule would have done lately: its trigger and condition asked of every event, over the records as they were.

Nothing is written and nothing is performed: the events are read on one read connection, record by record, each record
taken back event by event. What the rule would have changed is not carried on into later events: each is judged as it
really happened.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Rule
from engine.errors import Denied, Refused, message
from engine.people import Actor, people_with_roles
from engine.plans import RulePlan
from engine.rules import NOTHING_WANTED, Decision
from engine.schedules import Schedule
from engine.storage import records
from engine.storage.events import Event
from engine.triggers import Button, OnRecord
from engine.trying import differing, happened, schedules
from engine.trying.ahead import shown_effects
from engine.trying.deciding import Moment, asked, decided, moments, plan_of, wakes
from engine.trying.differing import Difference, Ran
from engine.trying.eyes import Eyes
from engine.trying.naming import rule_named
from engine.trying.past import Was
from engine.trying.remembering import Past
from engine.trying.tally import Conflicts, Tally, kind_of, receivers

BATCH = 1000
SHOWN = 100  # differences told one by one
DAYS = (7, 30, 90)

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class BackTest:
    """What came out, as JSON: see ``json``. ``complete`` is False when somebody stopped it."""

    rule: str
    since: dt.datetime
    until: dt.datetime
    events: int
    complete: bool
    found: Mapping[str, Any]
    compared: Mapping[str, Any] | None

    def json(self) -> dict[str, Any]:
        """``found``: fired, records, days, effects, effects_by_day, messages, shown, conflicts, refused, passed_over.
        ``compared`` (a rule that is in the definition): fired, reproduced, states, differences, reasons."""
        return {
            "rule": self.rule, "since": self.since.isoformat(), "until": self.until.isoformat(),
            "events": self.events, "complete": self.complete, "found": dict(self.found),
            "compared": None if self.compared is None else dict(self.compared),
        }  # fmt: skip


def no_progress(_done: int, _total: int) -> None:
    return


def never() -> bool:
    return False


def back_test(
    app: Application,
    actor: Actor,
    rule: Rule | str,
    days: int,
    *,
    progress: Progress = no_progress,
    cancelled: Cancelled = never,
) -> BackTest:
    """Ask the rule (its name, or a draft) of everything that happened in the last ``days`` days. ``progress``: events
    looked at and their number, once per batch; ``cancelled`` is asked as often. Administrators only: it looks at
    everybody's records. Raises Denied, Missing, ExpressionRefused."""
    if not actor.boundless:
        raise Denied(message("Only administrators can try a rule on what happened: it looks at everybody's records."))
    found = rule_named(app, rule)
    refuse_unasked(found)
    with app.database.read() as conn:
        return _Looking(app, conn, actor, found, days, progress, cancelled).look()


def refuse_unasked(rule: Rule) -> None:
    """Rules woken by neither a change of a record nor a schedule: what would have woken them is not kept."""
    trigger = rule.trigger
    if not isinstance(trigger, Schedule) and not trigger.wakes_on:
        raise Refused(
            message("A rule with the trigger {trigger} cannot be tried on what happened; try it on a record.",
                    trigger=trigger.type)
        )  # fmt: skip


@dataclass
class _Looking:
    app: Application
    conn: sa.Connection
    actor: Actor
    rule: Rule
    days: int
    progress: Progress
    cancelled: Cancelled
    refused: int = 0
    broken: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    conflicts: Conflicts = field(default_factory=Conflicts)
    ran: int = 0
    reproduced: int = 0
    under_way: tuple[int, Was] | None = None  # the record the last batch broke off in, as far as it was taken back

    def __post_init__(self) -> None:
        app, conn = self.app, self.conn
        self.until = app.clock()
        self.since = self.until - dt.timedelta(days=self.days)
        self.zone = ZoneInfo(app.definition.timezone)
        self.within = happened.window(conn, app.tables, self.since)
        self.past = Past(app, conn, self.within)
        self.plan = plan_of(self.rule, app.registry)
        self.eyes = Eyes(app, self.actor)
        self.live = app.plans.rule.get(self.rule.stable_id)
        self._with_roles: dict[frozenset[str], frozenset[int]] = {}
        self.tally = Tally(self._people)

    def _people(self, roles: frozenset[str]) -> frozenset[int]:
        if roles not in self._with_roles:
            self._with_roles[roles] = people_with_roles(self.conn, self.app.tables, roles)
        return self._with_roles[roles]

    # --- looking

    def look(self) -> BackTest:
        done, complete = 0, True
        trigger = self.rule.trigger
        if isinstance(trigger, OnRecord):
            total = happened.count(self.conn, self.app.tables, trigger.form, self.within)
            for batch in self._batches(trigger.form):
                if self.cancelled():
                    complete = False
                    break
                self._batch(trigger.form, batch)
                done += len(batch)
                self.progress(done, total)
        elif isinstance(trigger, Schedule):
            self._due_times()
        return self._outcome(done, complete)

    def _batches(self, form: str) -> Iterator[list[Event]]:
        trace = isinstance(self.rule.trigger, Button)
        return happened.batches(self.conn, self.app.tables, form, self.within, BATCH, trace=trace)

    def _batch(self, form: str, events: list[Event]) -> None:
        runs = differing.runs_of(self.conn, self.app, self.rule.stable_id, events) if self.live else {}
        self.ran += len(runs)
        by_record = {id: list(group) for id, group in groupby(events, key=lambda event: event.record_id)}
        half = {self.under_way[0]: self.under_way[1]} if self.under_way else {}
        rows = records.fetch_many(self.conn, self.app.tables, form, [id for id in by_record if id not in half])
        workflow = self.app.definition.forms[form].workflow is not None
        stays = happened.stays_of(self.conn, self.app.tables, form, list(by_record)) if workflow else {}
        for id, own in by_record.items():
            current = half.get(id) or Was(rows.get(id))
            for moment in moments(self.past, form, own, current, stays.get(id, ())):
                current = moment.before
                self._moment(form, moment, runs.get(moment.event.id))
            self.under_way = id, current

    def _moment(self, form: str, moment: Moment, ran: Ran | None) -> None:
        event = moment.event
        if event.kind == "adopted":
            self.passed_over["adopted"] += 1
        if moment.after.row is None and moment.kinds:
            self.passed_over["gone"] += 1
            return
        if not wakes(self.rule, moment, form):
            if ran is not None:
                self._compare(event, None, ran, woken=False)
            return
        decision = decided(self.past, [self.plan], moment)[0]
        if isinstance(decision, Refused):
            self.broken += 1
            self._compare(event, None, ran)
            return
        fires = bool(decision.stretch.wanted)
        outcome = self._compare(event, decision, ran) if self.live and (fires or ran is not None) else None
        if fires:
            self._fires(moment, decision, outcome)

    # --- what it would have done

    def _fires(self, moment: Moment, decision: Decision, outcome: str | None) -> None:
        event = moment.event
        day = event.at.astimezone(self.zone).date()
        self.tally.note(day, event.form, event.record_id)
        for effect in decision.effects:
            self.tally.effect(day, kind_of(effect), receivers(effect, self._people))
        if any("refuse" in each for each in decision.trace["effects"]):
            self.refused += 1
        if self.tally.wants(event.id):
            self.tally.show(event.id, self._entry(moment, decision, outcome))
        self._against_others(moment, decision)

    def _entry(self, moment: Moment, decision: Decision, outcome: str | None) -> dict[str, Any]:
        event, row = moment.event, moment.after.row or {}
        asking = asked(self.past, moment)
        doubts = sorted({each.why for each in self.past.doubts})
        return {
            "event_id": event.id, "at": event.at.isoformat(), "form": event.form, "record_id": event.record_id,
            "title": row.get("_title") or "", "kind": event.kind, "by": event.actor_id, "rule": event.rule,
            "clauses": self.eyes.clauses(decision.trace["clauses"], asking.views),
            "effects": shown_effects(self.plan, asking, self.eyes), "doubts": doubts, "outcome": outcome,
        }  # fmt: skip

    def _against_others(self, moment: Moment, mine: Decision) -> None:
        others = self._others(moment)
        if not others:
            return
        for decision in decided(self.past, others, moment):
            if isinstance(decision, Decision) and decision.stretch.wanted:
                self.conflicts.compare(mine, decision, moment.event.id, moment.event.record_id)

    def _others(self, moment: Moment) -> Sequence[RulePlan]:
        return [
            plan
            for plan in self.app.plans.rules(moment.event.form, moment.kinds)
            if plan.rule.stable_id != self.rule.stable_id and not isinstance(plan.rule.trigger, Button)
        ]

    # --- what it really did

    def _compare(self, event: Event, decision: Decision | None, ran: Ran | None, *, woken: bool = True) -> str | None:
        """The state of the run that did the same; or the reason why there is none, counted and kept."""
        fires = decision is not None and bool(decision.stretch.wanted)
        if self.live is None or (not fires and ran is None):
            return None
        if decision is not None and fires and ran is not None and differing.same_effects(decision, ran):
            self.reproduced += 1
            self.states[ran.state] += 1
            return ran.state
        kind = _kind(fires, ran)
        doubts = self.past.doubts if woken else ()
        if not woken:
            decision = Decision(self.rule, NOTHING_WANTED, {"matched": False, "clauses": [], "effects": []})
        one = differing.difference(self.app, self.conn, self.rule, event, kind, decision, ran, doubts)
        self.reasons[one.reason] += 1
        if len(self.differences) < SHOWN:
            self.differences.append(one)
        return one.reason

    def _elsewhere(self) -> int:
        """Runs of the rule in this time that no event of its form explains."""
        table = self.app.tables.run
        own = (table.c.rule == self.rule.stable_id, table.c.parent_id.is_(None),
               table.c.event_id.between(self.within.first, self.within.last), table.c.key.like("e%"))  # fmt: skip
        return int(self.conn.scalar(sa.select(sa.func.count()).where(*own)) or 0) - self.ran

    # --- rules no record wakes

    def _due_times(self) -> None:
        began = schedules.began_at(self.past, self.plan)
        for due in schedules.fired(self.past, self.plan, self.since, self.until):
            fires = due.decision is not None and bool(due.decision.stretch.wanted)
            self.broken += due.decision is None
            outcome = self._compare_due(due, began, fires) if self.live else None
            if due.decision is None or not fires:
                continue
            day = due.at.astimezone(self.zone).date()
            self.tally.note(day, "", None)
            for effect in due.decision.effects:
                self.tally.effect(day, kind_of(effect), receivers(effect, self._people))
            at = int(due.at.timestamp())
            if self.tally.wants(at):
                trace = due.decision.trace
                shown = {"clauses": trace["clauses"], "effects": trace["effects"], "outcome": outcome}
                self.tally.show(at, {"at": due.at.isoformat(), **shown})

    def _compare_due(self, due: schedules.Due, began: dt.datetime | None, fires: bool) -> str | None:
        ran = next(iter(differing.runs_by_key(self.conn, self.app, [due.key])), None)
        self.ran += ran is not None
        if ran is None and not fires:
            return None
        if ran is not None and due.decision is not None and differing.same_effects(due.decision, ran):
            self.reproduced += 1
            self.states[ran.state] += 1
            return ran.state
        kind = _kind(fires, ran)
        too_early = began is None or due.at <= began
        reason = differing.ABSENT if too_early and ran is None else differing.IDLE if ran is None else differing.READ
        self.reasons[reason] += 1
        if len(self.differences) < SHOWN:
            self.differences.append(Difference(0, due.at.isoformat(), "", 0, kind, reason))
        return reason

    # --- the end

    def _outcome(self, done: int, complete: bool) -> BackTest:
        found = {
            **self.tally.json(self._names(self.tally.told)), "conflicts": self.conflicts.json(),
            "refused": self.refused, "broken": self.broken, "passed_over": dict(self.passed_over),
        }  # fmt: skip
        return BackTest(self.rule.name, self.since, self.until, done, complete, found, self._compared(complete))

    def _compared(self, complete: bool) -> dict[str, Any] | None:
        if self.live is None:
            return None
        elsewhere = self._elsewhere() if complete else 0
        if elsewhere > 0:
            self.reasons[differing.ELSEWHERE] += elsewhere
        return {
            "ran": self.ran, "reproduced": self.reproduced, "states": dict(self.states),
            "reasons": dict(self.reasons), "differences": [one.json() for one in self.differences],
            "same_rule": differing.decides_alike(self.rule, self.live.rule),
        }  # fmt: skip

    def _names(self, told: Iterable[str]) -> dict[str, str]:
        ids = [int(who[5:]) for who in told if who.startswith("user:")]
        titles = records.titles(self.conn, self.app.tables, "_user", ids)
        return {f"user:{id}": name for id, name in titles.items()}


def _kind(fires: bool, ran: Ran | None) -> str:
    return "effects" if fires and ran else "only_now" if fires else "only_then"
