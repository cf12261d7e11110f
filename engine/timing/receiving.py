"""A message from outside comes in at a webhook: counted, judged, kept once with the message that wakes its rule."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Rule
from engine.errors import AppmillError, Invalid
from engine.hooks import Webhook
from engine.outside.payload import payload_of
from engine.outside.signatures import refusal
from engine.storage import upsert
from engine.timing.posting import post

LARGEST = 1_000_000
UNKNOWN = Webhook(path="-")  # what messages to addresses nobody has are held against
KEPT_REFUSALS = 20  # per hook and minute: whoever knocks in vain must not fill the database
LOG = logging.getLogger("appmill.hooks")
_SECRET = re.compile("authoriz|cookie|token|secret|signature|hmac|password|key", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """What came in. ``headers`` by lower-case name."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    media_type: str
    address: str


@dataclass(frozen=True)
class Answer:
    """``body`` is JSON; nothing is said to whom is not believed."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def receive(app: Application, call: Call) -> Answer:
    """202: it is kept and will wake the rule; 200: it was there already; 400, 401, 404, 413, 429: it was refused."""
    rule = app.plans.timed.hooks.get(call.path)
    hook, now = (_hook(rule), app.clock()) if rule is not None else (UNKNOWN, app.clock())
    with app.database.write() as conn:
        often = upsert.count(conn, app.tables, f"hook:{hook.path}:{call.address}", now, 60)
    if often > hook.per_minute:
        return Answer(429, headers={"Retry-After": str(60 - int(now.timestamp()) % 60)})
    reason = None if hook.open else refusal(hook, _secret(app, hook), call.body, call.headers, now)
    if rule is None:
        return Answer(404)
    if reason is not None:
        _keep_refused(app, rule, call, now, 401, reason)
        return Answer(401)
    try:
        payload = payload_of(call.body, call.media_type)
    except Invalid as wrong:
        _keep_refused(app, rule, call, now, 400, str(wrong.reason))
        return Answer(400, {"error": str(wrong.reason)})
    return _accept(app, rule, call, now, payload)


def _hook(rule: Rule) -> Webhook:
    assert isinstance(rule.trigger, Webhook)  # planning sorted the rules
    return rule.trigger


def _secret(app: Application, hook: Webhook) -> str | None:
    if hook.secret is None:
        return None
    try:
        return app.secrets.to_compare(hook.secret.secret)
    except AppmillError as failed:
        LOG.error("the webhook %s believes nobody: %s", hook.path, failed)
        return None


# --- keeping ---------------------------------------------------------------------------------------------------------


def _accept(app: Application, rule: Rule, call: Call, now: dt.datetime, payload: Any) -> Answer:
    table, hook = app.tables.delivery, _hook(rule)
    once, seal = _names(hook, call)
    row = {**_row(rule, call, now, 202), "once": once, "seal": seal}
    with app.database.write() as conn:
        id = conn.scalar(upsert.insert(conn, table).values(row).on_conflict_do_nothing().returning(table.c.id))
        if id is None:
            return _repeated(app, conn, rule, once, seal)
        given = {"payload": payload, "headers": _readable(row["headers"])}
        message_id = post(app, conn, f"hook:{rule.stable_id}:{id}", rule.stable_id, now, given=given)
        conn.execute(sa.update(table).where(table.c.id == id).values(message_id=message_id))
    return Answer(202, {"delivery": id})


def _names(hook: Webhook, call: Call) -> tuple[str | None, str | None]:
    """By what a repeated message is known: the sender's name for it, and, where the time is signed too, its signature:
    nobody signs the same second twice."""
    manner = hook.manner
    once = call.headers.get(manner.delivery.lower(), "")[:200] or None
    sealed = manner.timestamp is not None and not hook.open
    return once, (call.headers.get(manner.header.lower(), "")[:200].lower() or None) if sealed else None


def _repeated(app: Application, conn: sa.Connection, rule: Rule, once: str | None, seal: str | None) -> Answer:
    table = app.tables.delivery
    known = ((table.c.once, once), (table.c.seal, seal))
    same = sa.or_(*(column == name for column, name in known if name is not None))
    first = conn.scalar(sa.select(sa.func.min(table.c.id)).where(table.c.rule == rule.stable_id, same))
    conn.execute(sa.update(table).where(table.c.id == first).values(repeats=table.c.repeats + 1))
    return Answer(200, {"delivery": first})


def _keep_refused(app: Application, rule: Rule, call: Call, now: dt.datetime, status: int, reason: str) -> None:
    with app.database.write() as conn:
        if upsert.count(conn, app.tables, f"hook-refused:{rule.stable_id}", now, 60) <= KEPT_REFUSALS:
            conn.execute(sa.insert(app.tables.delivery).values(**_row(rule, call, now, status), reason=reason))


def _row(rule: Rule, call: Call, now: dt.datetime, status: int) -> dict[str, Any]:
    hook = _hook(rule)
    shown = {
        name: value[:300]
        for name, value in list(call.headers.items())[:50]
        if not _SECRET.search(name) and name != hook.manner.header.lower()
    }
    return {
        "rule": rule.stable_id, "path": hook.path, "at": now, "address": call.address, "headers": shown,
        "size": len(call.body), "status": status,
    }  # fmt: skip


def _readable(headers: Mapping[str, str]) -> dict[str, str]:
    """As expressions read them: ``headers.x_github_event``."""
    return {name.replace("-", "_"): value for name, value in headers.items()}


# --- clearing away ---------------------------------------------------------------------------------------------------

ACCEPTED_LAST, REFUSED_LAST = dt.timedelta(days=90), dt.timedelta(days=7)


def clear(app: Application, conn: sa.Connection, now: dt.datetime) -> int:
    """Deliveries long gone; what was accepted is known longer, so that a late repetition still is one."""
    table = app.tables.delivery
    old = sa.or_(table.c.at < now - ACCEPTED_LAST, sa.and_(table.c.status >= 400, table.c.at < now - REFUSED_LAST))
    return conn.execute(sa.delete(table).where(old)).rowcount
