"""What trials found, as people read it: the steps ahead of one record; firings by day, effects, messages, conflicts,
and what differs from what really happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import formats
from engine.errors import message
from engine.trying.ahead import Ahead
from engine.trying.differing import REASONS
from engine.trying.dry import Trial
from engine.web.automation.frame import ROOT
from engine.web.automation.ledger import STATES
from engine.web.automation.telling import Clause, Telling, Wish
from engine.web.automation.wanted import wanted_titles
from engine.web.automation.words import run_badge
from engine.web.context import application, reader

Json = Mapping[str, Any]
BAR, GAP, TALL = 10, 4, 96
AT_LEAST = 14  # days of a chart
PASSED_OVER = {
    "adopted": message("brought in by an import"),
    "gone": message("of records that are gone"),
}
CONFLICTS = {
    "sets": message("both set {what}"),
    "takes": message("both take {what} on"),
    "refuses": message("one refuses what the other takes: {what}"),
}
DIFFERENCES = {
    "only_then": message("It acted then and would not now"),
    "only_now": message("It would act now and did not then"),
    "effects": message("It would do something else"),
}


# --- one record ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coming:
    """A step ahead. ``notes``: what it waits for, depends on or would meet; ``refusals``: why it could not be done."""

    wish: Wish
    notes: tuple[str, ...]
    refusals: tuple[str, ...]
    inner: tuple[Coming, ...] = ()


@dataclass(frozen=True)
class Outlook:
    """What a rule would do for one record now. ``verdict``: in a sentence."""

    title: str
    would_act: bool
    verdict: str
    clauses: tuple[Clause, ...]
    steps: tuple[Coming, ...]


def outlook_of(telling: Telling, trial: Trial) -> Outlook:
    clauses: Sequence[Json] = trial.clauses
    effects = [one.effect for one in _every(trial.steps)]
    telling.know(wanted_titles(telling.words, trial.form, [{"clauses": clauses, "effects": effects}]))
    shown = telling.clauses({"clauses": clauses}, trial.form, masked=True)
    return Outlook(trial.title, trial.would_act, _verdict(telling, trial), shown,
                   tuple(_coming(telling, one, trial.form) for one in trial.steps))  # fmt: skip


def _every(steps: Sequence[Ahead]) -> Iterator[Ahead]:
    for one in steps:
        yield one
        yield from _every(one.inner)


def _verdict(telling: Telling, trial: Trial) -> str:
    say = telling.words.say
    if trial.failed is not None:
        return say(message("It cannot be worked out: {reason}", reason=trial.failed))
    if not trial.matched:
        return say(message("This record would not wake it."))
    if trial.held is None:
        return say(message("Whether it would act depends on what you may not see."))
    if not trial.held:
        return say(message("The condition does not hold: it would do nothing."))
    if not trial.steps:
        return say(message("It would find nothing to do."))
    return _ready(telling, trial)


def _ready(telling: Telling, trial: Trial) -> str:
    say = telling.words.say
    if not trial.enabled:
        return say(message("It is switched off. If it were on, it would do this:"))
    if trial.paused:
        return say(message("It is paused. If it were not, it would do this:"))
    if trial.shadow:
        return say(message("It watches only. Out of the shadow it would do this:"))
    return say(message("It would do this:"))


def _coming(telling: Telling, one: Ahead, form: str | None) -> Coming:
    inner_form = one.effect.get("for_each")
    return Coming(
        _wish(telling, one, form),
        tuple(_notes(telling, one, form)),
        tuple(telling.words.say(reason) for reason in one.refusals),
        tuple(_coming(telling, each, inner_form) for each in one.inner),
    )


def _wish(telling: Telling, one: Ahead, form: str | None) -> Wish:
    say, effect = telling.words.say, one.effect
    if "wait" in effect and "holds" in effect:
        return Wish(None, say(_wait(telling, effect, form)), "hourglass")
    if "for_each" in effect:
        return Wish(None, say(message("For each of the {forms}", forms=telling.words.plural(effect["for_each"]))),
                    "list-check")  # fmt: skip
    return telling.wish(effect, None) or Wish(None, say(message("A step that cannot be worked out")), "alert-circle")


def _wait(telling: Telling, effect: Json, form: str | None) -> Any:
    if effect.get("holds"):
        condition = telling.words.expression(effect["holds"], form)
        return message("Waits until it holds: {condition}", condition=condition)
    return message("Waits until {moment}", moment=_moment(effect.get("wait")))


def _moment(text: str | None) -> str:
    return formats.moment(dt.datetime.fromisoformat(text), reader()) if text else "–"


def _notes(telling: Telling, one: Ahead, form: str | None) -> Iterator[str]:
    words = telling.words
    for source in one.only_if:
        yield words.say(message("only if {condition}", condition=words.expression(source, form)))
    if one.depends:
        yield words.say(message("with the answer {names}", names=tuple(one.depends)))
    if one.masked:
        yield words.say(message("something is kept back from you"))
    if one.records is not None and one.records["count"] is not None:
        count = f"{one.records['count']}" + ("" if one.records["exact"] else "+")
        yield words.say(message("{count} records match", count=count))
    if one.wakes:
        names = (application().definition.rules.get(name) for name in one.wakes)
        yield words.say(message("may wake {rules}", rules=tuple(words.rule_label(rule) for rule in names if rule)))


# --- many firings ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """A day of the chart, in units of its drawing."""

    day: str
    label: str
    count: int
    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    width: int
    most: int


@dataclass(frozen=True)
class Fired:
    """One firing, shown by itself."""

    at: str
    record: str
    href: str
    run_href: str
    wishes: tuple[Wish, ...]
    outcome: str


@dataclass(frozen=True)
class Findings:
    fired: int
    records: int
    chart: Chart
    effects: tuple[tuple[str, int], ...]
    messages: tuple[tuple[str, int, int], ...]
    conflicts: tuple[tuple[str, str, int], ...]
    shown: tuple[Fired, ...]
    passed_over: tuple[tuple[str, int], ...]
    refused: int
    broken: int
    ran: int | None
    reproduced: int
    reasons: tuple[tuple[str, int], ...]
    differences: tuple[tuple[str, str, str, str], ...]


MOST_SHOWN = 50


def findings_of(telling: Telling, found: Json, compared: Json | None, days: int | None) -> Findings:
    """``days``: how far it looked back; None: from the first day on."""
    say = telling.words.say
    shown = found["shown"][:MOST_SHOWN]
    differing = (compared or {}).get("differences", ())
    telling.know(_titles(telling, shown, differing))
    return Findings(
        fired=found["fired"],
        records=found["records"],
        chart=chart_of(found["days"], days),
        effects=tuple((effect_text(telling, kind), count) for kind, count in found["effects"].items()),
        messages=tuple((one["who"], one["total"], one["most_a_day"]) for one in found["messages"]),
        conflicts=tuple(_conflict(telling, one) for one in found["conflicts"]),
        shown=tuple(_fired(telling, one) for one in shown),
        passed_over=tuple((say(PASSED_OVER[why]), count) for why, count in found.get("passed_over", {}).items()),
        refused=found.get("refused", 0),
        broken=found.get("broken", 0),
        ran=None if compared is None else compared["ran"],
        reproduced=(compared or {}).get("reproduced", 0),
        reasons=tuple((reason_text(telling, why), count) for why, count in (compared or {}).get("reasons", {}).items()),
        differences=tuple(_difference(telling, one) for one in differing),
    )


def _titles(telling: Telling, shown: Sequence[Json], differing: Sequence[Json]) -> dict[str, set[int]]:
    wanted: dict[str, set[int]] = {}
    for one in (*shown, *differing):
        if one.get("form") and one.get("record_id"):
            wanted.setdefault(one["form"], set()).add(one["record_id"])
    for one in shown:
        for target, ids in wanted_titles(telling.words, one.get("form"), [one]).items():
            wanted.setdefault(target, set()).update(ids)
    return wanted


def chart_of(days: Mapping[str, int], back: int | None) -> Chart:
    """A bar for every day, also those on which nothing happened."""
    zone = reader().zone
    last = application().clock().astimezone(zone).date()
    known = [dt.date.fromisoformat(day) for day in days]
    first = min([last - dt.timedelta(days=back or AT_LEAST), *known])
    dates = [first + dt.timedelta(days=number) for number in range((max([last, *known]) - first).days + 1)]
    most = max(days.values(), default=0)
    bars = tuple(_bar(date, days.get(date.isoformat(), 0), number, most) for number, date in enumerate(dates))
    return Chart(bars, len(bars) * (BAR + GAP), most)


def _bar(date: dt.date, count: int, number: int, most: int) -> Bar:
    height = max(2, round(TALL * count / most)) if count else 0
    label = formats.date(date, reader().language)
    return Bar(date.isoformat(), label, count, number * (BAR + GAP), TALL - height, height)


EFFECTS = {
    "set": message("Changes of the record"), "create": message("New records"),
    "update": message("Changes of other records"), "take": message("Transitions"),
    "reassign": message("Handed over"), "refuse": message("Refusals"),
    "notify": message("Notices"), "mail": message("Mails"), "http": message("Web calls"), "call": message("Calls"),
    "print": message("Prints"), "report": message("Reports"), "wait": message("Waits"), "ask": message("Questions"),
    "approve": message("Approvals"),
    "for_each": message("Going through records"),
}  # fmt: skip


def effect_text(telling: Telling, kind: str) -> str:
    """``kind``: as the counts have it, some with the form they are about."""
    word, _, form = kind.partition(" ")
    said = telling.words.say(EFFECTS.get(word, kind))
    return f"{said}: {telling.words.form_label(form)}" if form else said


def reason_text(telling: Telling, why: str) -> str:
    return telling.words.say(REASONS[why]) if why in REASONS else why


def _conflict(telling: Telling, one: Json) -> tuple[str, str, int]:
    rule = application().definition.rules.get(one["rule"])
    label = telling.words.rule_label(rule) if rule else one["rule"]
    said = CONFLICTS.get(one["kind"], CONFLICTS["sets"])
    what = _place_text(telling, one["what"])
    return label, telling.words.say(message(said.pattern, what=what)), one["count"]


def _place_text(telling: Telling, what: str) -> str:
    form, dot, name = what.partition(".")
    if not dot or form not in application().definition.forms:
        return what
    return f"{telling.words.form_label(form)} › {telling.words.field_label(form, name)}"


def _fired(telling: Telling, one: Json) -> Fired:
    title, href = telling.record(one.get("form"), one.get("record_id"))
    wishes = tuple(wish for effect in one["effects"] if (wish := telling.wish(effect, None)) is not None)
    run = one.get("run_id")
    return Fired(_moment(one["at"]), title, href, f"{ROOT}/runs/{run}" if run else "", wishes,
                 _outcome(telling, one.get("outcome")))  # fmt: skip


def _outcome(telling: Telling, outcome: str | None) -> str:
    """How it really went: the state of the run that did the same, or why there is none."""
    if outcome is None:
        return ""
    if outcome in REASONS:
        return telling.words.say(REASONS[outcome])
    return telling.words.say(run_badge(outcome).text) if outcome in STATES else outcome


def _difference(telling: Telling, one: Json) -> tuple[str, str, str, str]:
    title, _href = telling.record(one["form"] or None, one["record_id"] or None)
    said = DIFFERENCES.get(one["kind"], DIFFERENCES["effects"])
    return _moment(one["at"]), title, telling.words.say(said), reason_text(telling, one["reason"])
