"""What a text would mean if it were published: its mistakes, what it does to the data, who may do it.

Nothing is changed by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from engine.application import Application
from engine.definition import AppDefinition
from engine.errors import Finding, Message, message
from engine.load import Loaded, examine, load_text
from engine.publishing.file import edited_by_hand
from engine.publishing.guarding import guards
from engine.publishing.history import text_of
from engine.publishing.inforce import hash_in_force
from engine.storage.decisions import Decision, Decisions, MigrationQuestion
from engine.storage.migrate import Plan, plan_migration, source_of
from engine.storage.tables import build_tables
from engine.yamlfile import Source

Examined = tuple[AppDefinition | None, Source, tuple[Finding, ...]]


@dataclass(frozen=True)
class Prepared:
    """A text that was looked at.

    ``loaded`` and ``plan`` are None where ``findings`` hold an error; ``running`` and ``base_hash`` are the definition
    that is in force, with which it was compared; ``drifted``: it is not the one the draft began from; ``guards``: what
    only administrators may publish, in words; ``notes``: what people should know before.
    """

    text: str
    findings: tuple[Finding, ...]
    loaded: Loaded | None
    plan: Plan | None
    seal: str
    base_hash: str | None
    running: AppDefinition
    guards: tuple[Message, ...] = ()
    drifted: bool = False
    notes: tuple[Message, ...] = ()
    decisions: Decisions | None = None
    kind: str = "published"

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def guarded(self) -> bool:
        """Only administrators may publish it."""
        return bool(self.guards)

    @property
    def same(self) -> bool:
        """It is in force already."""
        return self.loaded is not None and self.loaded.definition.hash == self.base_hash

    @property
    def open_questions(self) -> tuple[MigrationQuestion, ...]:
        """What somebody has to decide before it can be published."""
        return self.plan.open_questions if self.plan else ()

    @property
    def hash(self) -> str:
        return self.loaded.definition.hash if self.loaded else ""

    def describe(self, language: str) -> list[str]:
        """One line per step of the migration."""
        return self.plan.describe(language) if self.plan else []


def prepare(
    app: Application, text: str, decisions: Mapping[str, Decision] | None = None, *, base: str | None = None,
    kind: str = "published", file: str = "definition.yaml", examined: Examined | None = None,
) -> Prepared:  # fmt: skip
    """Check the text and plan what it does. ``decisions``: what was answered to the plan's questions so far; ``base``:
    the hash the draft began from; ``examined``: what ``examine`` said of the text, for whoever asked it before."""
    chosen = dict(decisions or {})
    definition, source, found = examined or examine(text, app.registry, file)
    with app.database.read() as conn:
        base_hash = hash_in_force(conn)
        running = running_definition(app, conn, base_hash)
        found = (*found, *_other_application(definition, running))
        drifted = base is not None and base != base_hash
        if definition is None or any(finding.severity == "error" for finding in found):
            return Prepared(text, found, None, None, "", base_hash, running, (), drifted, (), chosen, kind)
        plan = plan_of(app, conn, definition, chosen)
    loaded = Loaded(definition, source, found)
    left = edited_by_hand(app.file, app.database)
    return Prepared(
        text, found, loaded, plan, plan.seal, base_hash, running, guards(running, definition),
        drifted, (left,) if left else (), chosen, kind,
    )  # fmt: skip


def prepare_rollback(app: Application, hash: str, decisions: Mapping[str, Decision] | None = None) -> Prepared:
    """The way back to a definition that was in force. Raises Missing."""
    with app.database.read() as conn:
        text = text_of(conn, hash)
    return prepare(app, text, decisions, kind="rolled_back")


def plan_of(app: Application, conn: sa.Connection, definition: AppDefinition, decisions: Decisions) -> Plan:
    tables = build_tables(definition, app.registry)
    return plan_migration(conn, definition, tables, app.clock(), decisions)


def running_definition(app: Application, conn: sa.Connection, hash: str | None) -> AppDefinition:
    """The definition that is in force; another process may have put it there a moment ago."""
    if hash in (None, app.definition.hash):
        return app.definition
    text = source_of(conn, str(hash))
    return load_text(text, app.registry).definition if text is not None else app.definition


def _other_application(definition: AppDefinition | None, running: AppDefinition) -> tuple[Finding, ...]:
    """The file of another application is no new version of this one."""
    if definition is None or definition.app == running.app:
        return ()
    reason = message("This is the application {other}; {app} is running here.", other=definition.app, app=running.app)
    return (Finding("error", reason, "app"),)
