"""An application with one kind of record that has to be approved, and people who do."""

from __future__ import annotations

from textwrap import indent
from typing import Any

import sqlalchemy as sa
from making import Made, MakeApp

from engine import answering, questions
from engine.approvals import model

DESK = """
    app: desk
    label: Desk
    languages: [en, zh]
    timezone: UTC
    currency: EUR
    roles: {clerk: {label: Clerk}, lead: {label: Lead}, money: {label: Money}, boss: {label: Boss}, deputy: {label: Deputy}}
    forms:
      paper:
        label: Paper
        title: record.name
        fields:
          name: {type: text, label: Name, required: true}
          cost: {type: money, label: Cost}
          secret: {type: text, label: Secret}
          note: {type: text, label: Note}
          outcome: {type: text, label: Outcome}
        permissions:
          clerk: {create: true, read: true, update: true, delete: true, fields: {secret: {read: false}}}
          lead: {read: true, update: true, fields: {secret: {read: false}}}
          money: {read: true}
          boss: {read: true}
          deputy: {read: true}
"""
PEOPLE = {
    "kim": "clerk", "lea": "lead", "leo": "lead", "max": "money", "may": "money", "bea": "boss", "dan": "deputy",
}  # fmt: skip
TWO = """
- {label: Lead, to: [lead]}
- {label: Money, to: [money, boss], needs: all, when: record.cost > 1000}
"""


LEAD_ONLY = "- {label: Lead, to: [lead]}"


def approves(steps: str = TWO, **more: Any) -> str:
    options = "".join(f"            {name}: {value}\n" for name, value in {"shows": "[name, cost, secret]", **more}.items())
    return f"""
      approval:
        trigger: {{type: created, form: paper}}
        actions:
          - type: approve
            as: approval
            label: {{en: Contract approval, zh: 合同审批}}
            message: "May {{{{ record.name }}}} be signed?"
{options}            steps:
{indent(steps.strip(), " " * 14)}
          - type: set
            values: {{outcome: "results.approval.answer + ' ' + (results.approval.comment or '-')"}}
"""


def desk(make_app: MakeApp, rules: str | None = None, **more: Any) -> Made:
    made: Made = make_app(DESK, rules=rules or approves(**more), people=PEOPLE)
    return made


def asked(made: Made) -> dict[str, str]:
    """login → the label of the step that waits for them."""
    app = made.application
    found: dict[str, str] = {}
    with app.database.read() as conn:
        for approval in model.found(conn, app.tables):
            action = model.action_of(app, conn, approval)
            for one in model.questions_of(conn, app.tables, [approval.id])[approval.id]:
                if one.state == "open":
                    for voice in one.missing:
                        found[login_of(made, voice.user_id)] = str(action.steps[one.step or 0].label) + (
                            "" if one.kind == "part" else f" ({one.kind})"
                        )
    return found


def login_of(made: Made, id: int) -> str:
    user = made.application.tables.user
    with made.application.database.read() as conn:
        return str(conn.scalar(sa.select(user.c.login).where(user.c.id == id)))


def question_of(made: Made, who: str) -> int:
    """The newest question that waits for this person."""
    app = made.application
    with app.database.read() as conn:
        return questions.open_for(conn, app.tables, made.id_of(who), app.clock())[0].id


def decide(made: Made, who: str, answer: str = "approve", comment: str | None = None, **more: Any) -> None:
    """They answer what waits for them, and the approval goes on."""
    given = answering.Given(answer, comment if answer in ("approve", "submit") else comment or "because", **more)
    answering.give(made.application, made.actor(who), question_of(made, who), given)
    made.deliver()


def did(made: Made, record: Any) -> list[str]:
    """What events say happened to the approval of a record."""
    return [one.trace["did"] for one in made.events("paper", record) if one.kind == "approval"]
