"""Rules that time or a message from outside wakes: whether their moments can come, and what they may rely on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from engine.actions import Reassign, Refuse, SetValues, TakeTransition
from engine.calendars import exact_seconds
from engine.checks.review import Review, unknown
from engine.connectors import ImapConnection
from engine.cron import CronMistake, read_cron
from engine.definition import Rule, State
from engine.errors import message
from engine.formats import Reader, moment
from engine.hooks import Webhook
from engine.letterbox import MailArrives
from engine.schedules import Schedule
from engine.timers import DateReached, Finished, Timeout
from engine.timetable import timetable_of
from engine.triggers import OnRecord, Trigger
from engine.yamlfile import Path

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")


def check_timing(review: Review) -> None:
    for rule in review.definition.rules.values():
        path = ("rules", rule.name, "trigger")
        for kind, look in _LOOKS.items():
            if isinstance(rule.trigger, kind):
                look(review, rule.trigger, path)
        _needs_record(review, rule)
        _refuses_nothing(review, rule)
    _paths(review)


def _one_of(review: Review, trigger: Trigger, path: Path, names: tuple[str, ...]) -> list[str]:
    """Which of these options are given; says so when they contradict each other."""
    given = [name for name in names if getattr(trigger, name)]
    if len(given) > 1:
        said = message("'{one}' and '{other}' contradict each other; keep one of them.", one=given[0], other=given[1])
        review.error((*path, given[1]), said)
    return given


# --- records


def _timeout(review: Review, trigger: Timeout, path: Path) -> None:
    given = _one_of(review, trigger, path, ("before", "after", "within"))
    state = _state(review, trigger)
    if state is None or len(given) > 1 or trigger.within is not None:
        return
    if not state.timed:
        said = message(
            "The state '{state}' has no time of its own: give it `within`, or say `within` here.", state=state.name
        )
        review.error((*path, "state"), said)
        return
    whole = exact_seconds(state.within) if state.within and not (state.due_by or state.planned) else None
    before = exact_seconds(trigger.before) if trigger.before else None
    if whole is not None and before is not None and before >= whole:
        said = message(
            "The state '{state}' lasts {within}: {before} before its end it has not begun, so the rule wakes at once.",
            state=state.name, within=state.within, before=trigger.before,
        )  # fmt: skip
        review.warning((*path, "before"), said)


def _state(review: Review, trigger: Timeout) -> State | None:
    form = review.form(trigger.form)
    return form.workflow.states.get(trigger.state) if form and form.workflow else None


def _date(review: Review, trigger: DateReached, path: Path) -> None:
    _one_of(review, trigger, path, ("before", "after"))
    form = review.form(trigger.form)
    field = form.fields.get(trigger.field) if form else None
    if field is None:
        return
    if field.kind not in ("date", "datetime"):
        review.error((*path, "field"), message("'{field}' is no date.", field=field.name))
    elif field.column_type() is None:
        said = message("'{field}' is worked out when it is read; say `stored: true` there.", field=field.name)
        review.error((*path, "field"), said)
    elif trigger.at is not None and field.kind == "datetime":
        review.error((*path, "at"), message("'{field}' has a time of its own.", field=field.name))
    if trigger.at is not None:
        _time(review, trigger.at, (*path, "at"))


def _time(review: Review, text: str, path: Path) -> bool:
    if _TIME.fullmatch(text):
        return True
    review.error(path, message("'{text}' is no time of day; expected one such as \"08:00\".", text=text))
    return False


# --- schedules


def _schedule(review: Review, trigger: Schedule, path: Path) -> None:
    given = _one_of(review, trigger, path, ("cron", "every", "at"))
    if not given:
        review.error(path, message("A schedule needs `cron`, `every` or `at`."))
    if trigger.weekdays and not trigger.at:
        review.error((*path, "weekdays"), message("`weekdays` belongs to `at`."))
    right = [_zone(review, trigger, path), _cron(review, trigger, path)]
    right += [_time(review, text, (*path, "at", place)) for place, text in enumerate(trigger.at)]
    if len(given) == 1 and all(right):
        _tell_next(review, trigger, path)


def _zone(review: Review, trigger: Schedule, path: Path) -> bool:
    if trigger.timezone is None or trigger.timezone in available_timezones():
        return True
    said = message("There is no time zone '{name}'; expected one such as Asia/Shanghai.", name=trigger.timezone)
    review.error((*path, "timezone"), said)
    return False


def _cron(review: Review, trigger: Schedule, path: Path) -> bool:
    if trigger.cron is None:
        return True
    try:
        cron = read_cron(trigger.cron)
    except CronMistake as mistake:
        review.error((*path, "cron"), message("{reason}.", reason=mistake.reason), offset=mistake.offset)
        return False
    if cron.either:
        said = message("The day of the month or the weekday is enough here; for both, ask for one of them in `when`.")
        review.note((*path, "cron"), said)
    return True


def _tell_next(review: Review, trigger: Schedule, path: Path) -> None:
    zone = trigger.timezone or review.definition.timezone
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        return  # the application's own, reported with it
    due, shown = review.now, []
    table = timetable_of(trigger, zone, review.now)
    reader = Reader("zh", zone)
    for _ in range(3):
        following = table.after(due)
        if following is None:
            break
        due = following
        shown.append(moment(due, reader))
    if shown:
        review.note(path, message("Next: {times} ({zone}).", times=tuple(shown), zone=zone))


# --- messages from outside


def _webhook(review: Review, trigger: Webhook, path: Path) -> None:
    if trigger.secret is None and not trigger.open:
        said = message("A webhook needs a secret; without one anybody can wake the rule. If that is meant: open: true.")
        review.error(path, said)
    elif trigger.secret is not None and trigger.open:
        review.error((*path, "open"), message("'{one}' and '{other}' contradict each other; keep one of them.",
                                              one="secret", other="open"))  # fmt: skip
    elif trigger.open:
        review.warning((*path, "open"), message("Anybody who knows the address can wake this rule."))
    for name in ("header", "timestamp", "delivery"):
        text = getattr(trigger, name)
        if text is not None and not _HEADER.fullmatch(text):
            said = message("'{text}' is no name of a header; expected one such as X-Signature.", text=text)
            review.error((*path, name), said)


def _mail(review: Review, trigger: MailArrives, path: Path) -> None:
    connections = review.definition.connections
    connection = connections.get(trigger.connection)
    if connection is not None and not isinstance(connection, ImapConnection):
        fitting = [other.name for other in connections.values() if isinstance(other, ImapConnection)]
        said = message("'{name}' is a connection of type {type}; mails come in at one of type imap",
                       name=trigger.connection, type=connection.type)  # fmt: skip
        review.error((*path, "connection"), unknown(said, trigger.connection, fitting))


def _paths(review: Review) -> None:
    taken: dict[str, str] = {}
    for name, rule in review.definition.rules.items():
        if isinstance(rule.trigger, Webhook):
            first = taken.setdefault(rule.trigger.path, name)
            if first != name:
                said = message("The address /hooks/{path} belongs to the rule '{rule}'.",
                               path=rule.trigger.path, rule=first)  # fmt: skip
                review.error(("rules", name, "trigger", "path"), said)


# --- what they may rely on


def _needs_record(review: Review, rule: Rule) -> None:
    if isinstance(rule.trigger, OnRecord):
        return
    for path, action, form in rule.steps():
        if form is None and isinstance(action, SetValues | TakeTransition | Reassign):
            said = message(
                "No record wakes this rule, so '{type}' has none; put it into a `for_each`.", type=action.type
            )
            review.error(("rules", rule.name, *path), said)


def _refuses_nothing(review: Review, rule: Rule) -> None:
    if not isinstance(rule.trigger, (Timeout, DateReached, Schedule, Webhook, Finished, MailArrives)):
        return
    for path, action, _form in rule.steps():
        if isinstance(action, Refuse):
            said = message("No change wakes this rule, so there is nothing to refuse.")
            review.error(("rules", rule.name, *path), said)


_LOOKS: Mapping[type[Any], Callable[[Review, Any, Path], None]] = {
    Timeout: _timeout,
    DateReached: _date,
    Schedule: _schedule,
    Webhook: _webhook,
    MailArrives: _mail,
}
