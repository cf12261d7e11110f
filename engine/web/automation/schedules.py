"""Rules the clock wakes with their next times, and webhooks with what was sent to them lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request

from engine.definition import Rule
from engine.errors import Message, message
from engine.hooks import Webhook
from engine.letterbox import MailArrives
from engine.schedules import Schedule
from engine.timing.clockwork import next_times
from engine.timing.mails import last_look
from engine.web.automation import ledger
from engine.web.automation.access import seen_rules
from engine.web.automation.connections import ORIGINS, SecretLine
from engine.web.automation.frame import show, words_of
from engine.web.automation.rules import DAY, RuleLine, rule_line
from engine.web.automation.runlines import RunLine, lines_of
from engine.web.automation.telling import masked
from engine.web.context import application

blueprint = Blueprint("schedules", __name__)
NEXT = 5
LAST = 5
DELIVERIES = 10
MISFIRES: Mapping[str, Message] = {
    "skip": message("missed times are left out"),
    "once": message("missed times are made up for once"),
    "all": message("every missed time is made up for"),
}


def _rules_of(kind: type[Any]) -> list[Rule]:
    return [plan.rule for plan in seen_rules().values() if isinstance(plan.rule.trigger, kind)]


def _lines(conn: sa.Connection, rules: list[Rule]) -> dict[str, RuleLine]:
    app = application()
    tallies = ledger.tallies(conn, app, app.clock() - DAY) if rules else {}
    kept = ledger.paused(conn, app)
    return {
        one.stable_id: rule_line(words_of(), one, kept.get(one.stable_id),
                                 tallies.get(one.stable_id, ledger.Tally({})), None)
        for one in rules
    }  # fmt: skip


# --- schedules -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScheduleLine:
    """A rule the clock wakes. ``zone``: the clock it follows."""

    line: RuleLine
    zone: str
    misfire: str
    coming: tuple[dt.datetime, ...]
    lately: tuple[RunLine, ...]


def schedule_lines() -> list[ScheduleLine]:
    app, rules = application(), _rules_of(Schedule)
    coming = {rule.stable_id: tuple(next_times(app, rule, NEXT)) for rule in rules}
    with app.database.read() as conn:
        lines = _lines(conn, rules)
        lately = {rule.stable_id: tuple(lines_of(conn, _last(conn, rule))) for rule in rules}
    return [_schedule(lines[rule.stable_id], rule, coming[rule.stable_id], lately[rule.stable_id]) for rule in rules]


def _last(conn: sa.Connection, rule: Rule) -> list[ledger.Row]:
    return ledger.runs(conn, application(), ledger.RunSearch(rule=rule.stable_id), LAST)


def _schedule(line: RuleLine, rule: Rule, coming: tuple[dt.datetime, ...], lately: tuple[RunLine, ...]) -> ScheduleLine:
    assert isinstance(rule.trigger, Schedule)  # so they were chosen
    zone = rule.trigger.timezone or application().definition.timezone
    return ScheduleLine(line, zone, words_of().say(MISFIRES[rule.trigger.misfire]), coming, lately)


@blueprint.get("/schedules")
def schedules() -> str:
    return show("schedules", "schedules", lines=schedule_lines())


# --- webhooks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeliveryLine:
    """What somebody sent. ``reason``: why it was refused; ``run_href`` leads to what came of it."""

    id: int
    at: dt.datetime
    address: str
    size: int
    status: int
    reason: str
    repeats: int
    run_id: int | None


@dataclass(frozen=True)
class HookLine:
    line: RuleLine
    address: str
    signature: str
    header: str
    timestamp: str
    window: str
    secret: SecretLine | None
    open: bool
    deliveries: tuple[DeliveryLine, ...]


def hook_lines() -> list[HookLine]:
    app, rules = application(), _rules_of(Webhook)
    known = {entry.name: entry.origin for entry in app.secrets.entries()} if rules else {}
    with app.database.read() as conn:
        lines = _lines(conn, rules)
        deliveries = {rule.stable_id: deliveries_of(conn, rule.stable_id) for rule in rules}
    return [_hook(lines[rule.stable_id], rule, known, deliveries[rule.stable_id]) for rule in rules]


def _hook(line: RuleLine, rule: Rule, known: dict[str, Any], deliveries: tuple[DeliveryLine, ...]) -> HookLine:
    hook = rule.trigger
    assert isinstance(hook, Webhook)  # so they were chosen
    secret = SecretLine(hook.secret.secret, known.get(hook.secret.secret, "")) if hook.secret else None
    return HookLine(
        line, f"{request.host_url}hooks/{hook.path}", hook.signature, hook.manner.header, hook.manner.timestamp or "",
        words_of().length(hook.window), secret, hook.open, deliveries,
    )  # fmt: skip


def deliveries_of(conn: sa.Connection, rule: str, limit: int = DELIVERIES) -> tuple[DeliveryLine, ...]:
    """What was sent to the webhook of a rule, the newest first; with the run that came of it."""
    table, message, run = (application().tables.system[name] for name in ("delivery", "message", "run"))
    query = (
        sa.select(table, run.c.id.label("run_id"))
        .outerjoin_from(table, message, message.c.id == table.c.message_id)
        .outerjoin(run, run.c.key == message.c.key)
        .where(table.c.rule == rule)
        .order_by(table.c.id.desc())
    )
    rows = conn.execute(query.limit(limit)).mappings()
    return tuple(
        DeliveryLine(row["id"], row["at"], row["address"], row["size"], row["status"], masked(row["reason"]),
                     row["repeats"], row["run_id"])
        for row in rows
    )  # fmt: skip


@blueprint.get("/webhooks")
def webhooks() -> str:
    return show("webhooks", "webhooks", lines=hook_lines(), mails=mail_lines(), origins=ORIGINS)


# --- mails -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MailLine:
    """A rule that mails wake. ``looked``: when its mailbox was looked into last; ``error``: what came of it, where it
    failed; ``taken``, ``ignored`` and ``refused`` count
    mails as far back as they are kept."""

    line: RuleLine
    connection: str
    looked: dt.datetime | None
    error: str
    taken: int
    ignored: int
    refused: int
    deliveries: tuple[DeliveryLine, ...]


def mail_lines() -> list[MailLine]:
    rules = _rules_of(MailArrives)
    if not rules:
        return []
    with application().database.read() as conn:
        lines = _lines(conn, rules)
        return [_mail(conn, lines[rule.stable_id], rule) for rule in rules]


def _mail(conn: sa.Connection, line: RuleLine, rule: Rule) -> MailLine:
    app, trigger = application(), rule.trigger
    assert isinstance(trigger, MailArrives)  # so they were chosen
    known = app.definition.connections[trigger.connection]
    fares, table = app.tables.connection, app.tables.delivery
    row = conn.execute(sa.select(fares).where(fares.c.name == known.name)).mappings().first()
    error = masked(row["last_error"]) if row is not None and row["failures"] else ""
    grouped = sa.select(table.c.status, sa.func.count()).where(table.c.rule == rule.stable_id).group_by(table.c.status)
    counts: dict[int, int] = {row[0]: row[1] for row in conn.execute(grouped)}
    return MailLine(
        line, known.label.text(words_of().language) if known.label else known.name, last_look(app, conn, known.name),
        error, counts.get(202, 0), counts.get(204, 0), sum(each for status, each in counts.items() if status >= 400),
        deliveries_of(conn, rule.stable_id),
    )  # fmt: skip
