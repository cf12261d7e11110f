"""A rule that fails again and again is paused, and whoever answers for it is told; somebody switches it on again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine import notices
from engine.application import Application
from engine.definition import Rule
from engine.errors import Message, message
from engine.language import ADMIN
from engine.passage import Walk
from engine.people import people_with_roles, system_actor
from engine.rules import name_of
from engine.sight import Sight
from engine.storage.prepared import value
from engine.storage.upsert import insert
from engine.texts import say


def failed(
    app: Application, conn: sa.Connection, rule: str, reason: str, *, form: str | None, record_id: int | None
) -> bool:
    """A run of the rule failed, in the caller's transaction; answers whether that was once too often."""
    plan, table = app.plans.rule.get(rule), app.tables.rule_state
    first = insert(conn, table).values(rule=rule, failures=1, reason=reason)
    again = {"failures": table.c.failures + 1, "reason": reason}
    conn.execute(first.on_conflict_do_update(index_elements=["rule"], set_=again))
    row = conn.execute(sa.select(table.c.failures, table.c.paused_at).where(table.c.rule == rule)).one()
    if plan is None or row.paused_at is not None or row.failures < plan.rule.pause_after:
        return False
    conn.execute(sa.update(table).where(table.c.rule == rule).values(paused_at=app.clock(), paused_by=None))
    _tell(app, conn, plan.rule, row.failures, reason, form, record_id)
    return True


def succeeded(app: Application, conn: sa.Connection, rule: str) -> None:
    """A run of the rule ended well: what failed before it does not count any more."""
    table = app.tables.rule_state

    def build() -> Any:
        failing = (table.c.rule == value("rule_"), table.c.failures > 0, table.c.paused_at.is_(None))
        return sa.select(table.c.rule).where(*failing)

    if app.tables.statements.get(("failing rule",), conn.dialect, build).first(conn, {"rule_": rule}) is not None:
        mended = sa.update(table).where(table.c.rule == rule, table.c.paused_at.is_(None))
        conn.execute(mended.values(failures=0, reason=None))


def paused(app: Application, conn: sa.Connection, rule: str, by: int | None, reason: str) -> bool:
    """Somebody pauses the rule until it is resumed; answers whether it was not paused yet."""
    table = app.tables.rule_state
    if conn.execute(sa.select(table.c.rule).where(table.c.rule == rule)).first() is None:
        conn.execute(sa.insert(table).values(rule=rule, failures=0))
    running = (table.c.rule == rule, table.c.paused_at.is_(None))
    values = {"paused_at": app.clock(), "paused_by": by, "reason": reason}
    return bool(conn.execute(sa.update(table).where(*running).values(values)).rowcount)


def resumed(app: Application, conn: sa.Connection, rule: str) -> bool:
    """Let the rule act again; answers whether it was paused."""
    table = app.tables.rule_state
    paused = (table.c.rule == rule, table.c.paused_at.is_not(None))
    fresh = {"paused_at": None, "paused_by": None, "failures": 0, "reason": None}
    return bool(conn.execute(sa.update(table).where(*paused).values(fresh)).rowcount)


def _tell(
    app: Application, conn: sa.Connection, rule: Rule, failures: int, reason: str, form: str | None, id: int | None
) -> None:
    """A notice for the rule's owner role, for administrators where it has none or nobody has it."""
    people = people_with_roles(conn, app.tables, [rule.owner]) if rule.owner else frozenset()
    people = people or people_with_roles(conn, app.tables, [ADMIN])
    said = message("The rule “{rule}” failed {count} times in a row and is paused: {reason}",
                   rule=name_of(rule), count=failures, reason=reason)  # fmt: skip
    actor = system_actor()
    walk = Walk(app, conn, actor, app.clock(), Sight(app, conn, actor))
    notices.write(walk, people, form or "_app", id or 0, in_languages(app, said), None)


def in_languages(app: Application, said: Message) -> dict[str, str]:
    """The message in every language of the application."""
    return {language: say(said, language) for language in app.definition.languages}


def in_words(app: Application, error: BaseException) -> str:
    """What went wrong, in the first language of the application, as ledgers keep it."""
    reason = getattr(error, "reason", None)
    if not isinstance(reason, Message):
        what = f"{type(error).__name__}: {error}"
        reason = message("The code that carries it out failed: {error}", error=what[:500])
    return say(reason, app.definition.languages[0])
