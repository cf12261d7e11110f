"""Whom a step asks, and asking them: a question per group, a notice and perhaps a mail per person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from engine import questions, runs
from engine.actions import people_of
from engine.application import Application
from engine.approvals import delegating, mails, noting, words
from engine.approvals.model import Approval, write
from engine.approve import ApprovalStep, Approve
from engine.effects import Choice
from engine.language import Duration
from engine.passage import Walk
from engine.people import people_with_roles
from engine.questions import Question
from engine.rules import Asking
from engine.runs import Run

People = Mapping[int, Mapping[str, Any]]  # person → more of their row in ``_asked``


@dataclass
class Way:
    """An approval on its way, in one transaction: what it was last known to be, and what its expressions see."""

    walk: Walk
    run: Run
    action: Approve
    approval: Approval
    context: Asking

    @property
    def app(self) -> Application:
        return self.walk.app

    @property
    def conn(self) -> sa.Connection:
        return self.walk.conn

    def set(self, **values: Any) -> None:
        self.approval = write(self.conn, self.app.tables, self.approval.id, **values)

    def step(self, at: int | None = None) -> ApprovalStep:
        return self.action.steps[self.approval.at if at is None else at]

    def questions(self) -> list[Question]:
        """Everything asked in this round, in order."""
        table = self.app.tables.question
        here = (table.c.approval_id == self.approval.id, table.c.round == self.approval.round)
        return questions.found(self.conn, self.app.tables, *here)[::-1]

    def next_key(self) -> str:
        self.set(asked=self.approval.asked + 1)
        return f"{self.approval.key}.a{self.approval.asked}"


# --- whom ------------------------------------------------------------------------------------------------------------


def meant(way: Way, to: Iterable[str]) -> dict[int, dict[str, Any]]:
    """The active people who are meant, those who stand in for them in their place, without the applicant where
    nobody approves their own request."""
    roles, users = people_of(tuple(to), way.context)
    people = set(people_with_roles(way.conn, way.app.tables, roles)) | active(way.app, way.conn, users)
    own = way.approval.applicant_id if way.action.own == "refused" else None
    instead = delegating.standing_in(way.app, way.conn, people, way.approval.form, own)
    found: dict[int, dict[str, Any]] = {}
    for person in sorted(people, key=lambda one: (one in instead, one)):
        asked = instead.get(person, person)
        if asked != own:
            found.setdefault(asked, {} if asked == person else {"for_id": person})
    return found


def active(app: Application, conn: sa.Connection, users: Iterable[int]) -> set[int]:
    user = app.tables.user
    wanted = sorted(users)
    return set(conn.scalars(sa.select(user.c.id).where(user.c.id.in_(wanted), user.c.active))) if wanted else set()


def too_few(needs: str, people: People) -> bool:
    """Whether these people can never be enough."""
    return not people or (needs.isdigit() and int(needs) > len(people))


# --- asking ----------------------------------------------------------------------------------------------------------


def ask(
    way: Way, people: People, *, kind: str, needs: str = "any", part: int = 0, length: Duration | None = None,
    choices: tuple[Choice, ...] | None = None, texts: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """Put one question of the approval to these people; answers its id."""
    walk, approval, due = way.walk, way.approval, _due(way, length)
    key = way.next_key()
    message = runs.post_ask(walk, way.run, key, approval.step, {"approval": approval.id}, due=due)
    asked = noting.linked(texts or approval.texts, noting.path_of(approval.id))
    row = {
        "message_id": message, "run_id": approval.run_id, "rule": approval.rule, "form": approval.form,
        "record_id": approval.record_id, "texts": asked, "needs": needs, "event_id": approval.event_id, "due_at": due,
        "choices": [asdict(one) for one in choices or words.choices(way.action)], "approval_id": approval.id,
        "round": approval.round, "step": approval.at, "part": part, "kind": kind,
    }  # fmt: skip
    id = questions.write(walk, row, people, approval.place)
    mails.post(walk, way.run, way.action, approval, id, people, key, texts)
    return id


def _due(way: Way, length: Duration | None) -> dt.datetime | None:
    return way.app.plans.times.after(way.walk.now, length) if length is not None else None
