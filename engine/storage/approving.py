"""Approvals, who stands in for whom, and the links that lead to one decision."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, flag, key, moment, partial, text, user_column
from engine.storage.system import system

OPEN_APPROVALS = ("open", "mending")


@system("approval")
def _approval() -> list[Any]:
    """One request on its way through the steps of an ``approve``. ``step`` and ``inner`` lead to that action in the
    rule of ``definition``; ``at`` is the step it is at, ``round`` counts submissions, ``asked`` the questions so far.
    ``state``: open, mending (sent back to the applicant), approved, refused, returned, withdrawn, timed_out,
    cancelled. ``course``: what became of steps nobody was asked at, and who signs after whom."""
    return [
        key(),
        sa.Column("run_id", BigInt, sa.ForeignKey("_run.id"), nullable=False),
        text("rule"),
        text("definition"),
        text("key"),
        sa.Column("step", BigInt, nullable=False),
        sa.Column("inner", json_type(), nullable=False),
        text("form"),
        sa.Column("record_id", BigInt, nullable=False),
        sa.Column("label", json_type(), nullable=False),
        sa.Column("texts", json_type(), nullable=False),
        user_column("applicant_id"),
        sa.Column("event_id", BigInt, sa.ForeignKey("_event.id")),
        text("state", server_default="open"),
        count("at"),
        count("round"),
        count("asked"),
        sa.Column("course", json_type(), nullable=False),
        user_column("by_id"),
        text("comment", nullable=True),
        moment("started_at"),
        moment("reminded_at", nullable=True),
        moment("closed_at", nullable=True),
        flag("resumed", False),
        sa.Index("ix__approval_record", "form", "record_id", "id"),
        sa.Index("ix__approval_run", "run_id", "id"),
        partial("ix__approval_open", "form", "record_id", where="state IN ('open', 'mending')"),
        partial("ix__approval_applicant", "applicant_id", "id", where="applicant_id IS NOT NULL"),
    ]


@system("delegation")
def _delegation() -> list[Any]:
    """``to_id`` is asked instead of ``user_id`` between the two moments; ``forms``: only about these, [] for all."""
    return [
        key(),
        user_column("user_id", nullable=False),
        user_column("to_id", nullable=False),
        sa.Column("forms", json_type(), nullable=False),
        moment("from_at"),
        moment("until_at"),
        text("reason", nullable=True),
        user_column("set_by"),
        moment("created_at"),
        moment("ended_at", nullable=True),
        sa.Index("ix__delegation_user", "user_id", "until_at"),
    ]


@system("decision_link")
def _decision_link() -> list[Any]:
    """A link for one decision of one person. ``digest`` is of the secret in the address, which is kept nowhere."""
    return [
        text("digest", primary_key=True),
        sa.Column("question_id", BigInt, sa.ForeignKey("_question.id"), nullable=False),
        user_column("user_id", nullable=False),
        moment("created_at"),
        moment("until_at"),
        moment("used_at", nullable=True),
        moment("ended_at", nullable=True),
        sa.Index("ix__decision_link_question", "question_id", "user_id"),
    ]
