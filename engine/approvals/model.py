"""An approval as it is stored, and the action it follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from engine import going_on, questions
from engine.application import Application
from engine.approve import Approve
from engine.definition import Form
from engine.errors import Missing, message
from engine.language import text_in
from engine.people import Actor
from engine.program import inner_program
from engine.questions import Question
from engine.storage.approving import OPEN_APPROVALS
from engine.storage.automation import in_state
from engine.storage.tables import Tables

NO_APPROVAL = message("There is no such approval, or none you may see.")
FINAL = ("approved", "refused", "returned", "withdrawn", "timed_out", "cancelled")


@dataclass(frozen=True)
class Approval:
    """A row of ``_approval``. ``course`` holds ``fates`` {"round.step": skipped | nobody} and ``after``: signers who
    are asked when the step is passed, as {round, step, user, by}."""

    id: int
    run_id: int
    rule: str
    definition: str
    key: str
    step: int
    inner: tuple[int, ...]
    form: str
    record_id: int
    label: Mapping[str, str]
    texts: Mapping[str, str]
    applicant_id: int | None
    event_id: int | None
    state: str
    at: int
    round: int
    asked: int
    course: Mapping[str, Any]
    by_id: int | None
    comment: str | None
    started_at: dt.datetime
    reminded_at: dt.datetime | None
    closed_at: dt.datetime | None
    resumed: bool

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_APPROVALS

    @property
    def place(self) -> tuple[str, int]:
        return self.form, self.record_id

    def name(self, language: str) -> str:
        return text_in(self.label, language)

    def fate(self, round: int, step: int) -> str | None:
        """What became of a step nobody was asked at."""
        found: str | None = self.course.get("fates", {}).get(f"{round}.{step}")
        return found

    def after(self) -> list[Mapping[str, Any]]:
        """The signers who wait for the present step to be passed."""
        here = (self.round, self.at)
        return [one for one in self.course.get("after", ()) if (one["round"], one["step"]) == here]


COLUMNS = tuple(one.name for one in fields(Approval))


def _approval(row: Any) -> Approval:
    return Approval(**{**{name: row[name] for name in COLUMNS}, "inner": tuple(row["inner"])})


def found(conn: sa.Connection, tables: Tables, *clauses: Any, limit: int = 50) -> list[Approval]:
    """Approvals that meet the clauses over ``tables.approval``, the newest first."""
    table = tables.approval
    query = sa.select(table).where(*clauses).order_by(table.c.id.desc()).limit(limit)
    return [_approval(row) for row in conn.execute(query).mappings()]


def load(conn: sa.Connection, tables: Tables, id: int | None) -> Approval | None:
    return next(iter(found(conn, tables, tables.approval.c.id == id, limit=1)), None) if id is not None else None


def locked(conn: sa.Connection, tables: Tables, id: int) -> Approval:
    """The approval as it stands, kept from all others until the transaction ends; raises Missing."""
    table = tables.approval
    conn.execute(sa.select(table.c.id).where(table.c.id == id).with_for_update())
    approval = load(conn, tables, id)
    if approval is None:
        raise Missing(NO_APPROVAL)
    return approval


def of_record(conn: sa.Connection, tables: Tables, form: str, id: int, limit: int = 10) -> list[Approval]:
    table = tables.approval
    return found(conn, tables, table.c.form == form, table.c.record_id == id, limit=limit)


def open_of_record(conn: sa.Connection, tables: Tables, form: str, id: int) -> list[Approval]:
    table = tables.approval
    here = (table.c.form == form, table.c.record_id == id, in_state(table, *OPEN_APPROVALS))
    return found(conn, tables, *here)


def questions_of(conn: sa.Connection, tables: Tables, ids: Sequence[int]) -> dict[int, list[Question]]:
    """approval id → its questions, in the order they were asked."""
    result: dict[int, list[Question]] = {id: [] for id in ids}
    table = tables.question
    if ids:
        for one in reversed(questions.found(conn, tables, table.c.approval_id.in_(ids), limit=200 * len(ids))):
            result[int(one.approval_id or 0)].append(one)
    return result


def write(conn: sa.Connection, tables: Tables, id: int, **values: Any) -> Approval:
    table = tables.approval
    conn.execute(sa.update(table).where(table.c.id == id).values(**values))
    approval = load(conn, tables, id)
    assert approval is not None  # it was just changed
    return approval


# --- the action it follows -------------------------------------------------------------------------------------------


def action_of(app: Application, conn: sa.Connection, approval: Approval) -> Approve:
    """The action as it was when the run began; raises Missing where that definition is not kept."""
    plan = going_on.plans_of(app, conn, approval.definition).rule.get(approval.rule)
    if plan is None:
        raise Missing(message("The rule {rule} is no longer in the definition.", rule=approval.rule))
    action = inner_program(plan.program, approval.inner).steps[approval.step].action
    assert isinstance(action, Approve)  # the row was written by it
    return action


def form_of(app: Application, approval: Approval) -> Form:
    form = app.definition.forms.get(approval.form)
    if form is None:
        raise Missing(NO_APPROVAL)
    return form


def is_applicant(approval: Approval, actor: Actor) -> bool:
    return actor.id is not None and actor.id == approval.applicant_id
