"""The tables of automation: what rules did, and what is still to be done."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.causes import request_id
from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, flag, key, moment, partial, text, user_column
from engine.storage.system import system

# What partial indexes hold, written into statements word for word: only then does SQLite see that one can be used.
OPEN_MESSAGES = ("waiting", "parked")
IN_LANE = ("waiting", "claimed")
OPEN_RUNS = ("working", "queued")
ODD_RUNS = ("queued", "failed", "skipped", "shadow", "paused", "cancelled")
TROUBLE = ("dead", "unsure")


def in_state(table: sa.FromClause, *states: str) -> sa.ColumnElement[bool]:
    """The row is in one of these states; constants of this program, never a person's words."""
    words = [sa.literal_column(f"'{state}'", sa.Text) for state in states]
    return table.c.state.in_(words) if len(words) > 1 else table.c.state == words[0]


@system("run")
def _run() -> list[Any]:
    """One row each time a rule acted. ``state``: working (something is still to come), done, failed, queued, skipped,
    shadow, paused, cancelled. ``next`` is the step it goes on with, ``inner`` leads to the steps it runs (see
    ``program.inner_program``), ``given`` what its trigger brought, ``results`` what earlier steps answered."""
    return [
        key(),
        text("key", unique=True),
        text("rule"),
        text("form", nullable=True),
        sa.Column("record_id", BigInt),
        sa.Column("event_id", BigInt, sa.ForeignKey("_event.id")),
        sa.Column("parent_id", BigInt, sa.ForeignKey("_run.id")),
        text("definition"),
        text("state"),
        text("lane", nullable=True),
        sa.Column("inner", json_type(), nullable=False),
        sa.Column("next", BigInt),
        sa.Column("given", json_type(), nullable=False),
        sa.Column("results", json_type(), nullable=False),
        sa.Column("trace", json_type()),
        user_column("actor_id"),
        count("depth"),
        text("error", nullable=True),
        moment("started_at"),
        moment("ended_at", nullable=True),
        sa.Index("ix__run_rule", "rule", "id"),
        sa.Index("ix__run_record", "form", "record_id", "id"),
        sa.Index("ix__run_parent", "parent_id", "id"),
        partial(
            "ix__run_odd",
            "state",
            "id",
            where="state IN ('queued', 'failed', 'skipped', 'shadow', 'paused', 'cancelled')",
        ),
        partial("ix__run_open", "rule", "lane", "id", where="state IN ('working', 'queued')"),
    ]


@system("message")
def _message() -> list[Any]:
    """What is to be done after the change that caused it, written with that change.

    ``kind``: who performs it; ``go_on`` takes a run up again, ``fire`` wakes a rule. ``state``: waiting, parked (until
    something wakes it, or until due), claimed, done, dead, unsure (nobody knows whether it arrived), cancelled.
    ``lane``: messages of one lane are delivered one after the other. ``token`` is of the claim under way; ``request``
    the id of the request that caused it, for the log.
    """
    return [
        key(),
        text("key", unique=True),
        sa.Column("run_id", BigInt, sa.ForeignKey("_run.id")),
        sa.Column("step", BigInt),
        text("kind"),
        text("connection", nullable=True),
        text("lane", nullable=True),
        text("form", nullable=True),
        sa.Column("record_id", BigInt),
        sa.Column("effect", json_type(), nullable=False),
        moment("due_at"),
        text("state", server_default="waiting"),
        count("attempts"),
        text("token", nullable=True),
        moment("lease_until", nullable=True),
        flag("sending", False),
        text("error", nullable=True),
        sa.Column("result", json_type()),
        text("definition"),
        sa.Column("event_id", BigInt, sa.ForeignKey("_event.id")),
        moment("created_at"),
        moment("started_at", nullable=True),
        moment("done_at", nullable=True),
        text("request", nullable=True, default=request_id),
        partial("ix__message_due", "due_at", "id", where="state IN ('waiting', 'parked')"),
        partial("ix__message_connection", "connection", "due_at", "id", where="state IN ('waiting', 'parked')"),
        partial("ix__message_claimed", "lease_until", where="state = 'claimed'"),
        partial("ix__message_lane", "lane", "id", where="state IN ('waiting', 'claimed') AND lane IS NOT NULL"),
        partial("ix__message_parked", "form", "record_id", where="state = 'parked'"),
        partial("ix__message_trouble", "id", where="state IN ('dead', 'unsure')"),
        sa.Index("ix__message_run", "run_id", "id"),
    ]


@system("question")
def _question() -> list[Any]:
    """What a rule asks people. ``message_id`` takes its run up again. ``texts``: language → text; ``choices`` as in
    ``effects.Choice``. ``state``: open, answered (``answer``, where one was agreed on), timed_out, withdrawn (``why``:
    deleted or cancelled). One of an approval says its ``approval_id``, ``round``, ``step`` and ``part``, what ``kind``
    of question it is there (see ``questions.Question``), and the step it was sent ``back_to``."""
    return [
        key(),
        sa.Column("message_id", BigInt, sa.ForeignKey("_message.id"), nullable=False, unique=True),
        sa.Column("run_id", BigInt, sa.ForeignKey("_run.id"), nullable=False),
        text("rule"),
        text("form", nullable=True),
        sa.Column("record_id", BigInt),
        sa.Column("texts", json_type(), nullable=False),
        sa.Column("choices", json_type(), nullable=False),
        text("needs"),
        sa.Column("event_id", BigInt, sa.ForeignKey("_event.id")),
        moment("asked_at"),
        moment("due_at", nullable=True),
        text("state", server_default="open"),
        text("answer", nullable=True),
        text("why", nullable=True),
        moment("closed_at", nullable=True),
        sa.Column("approval_id", BigInt, sa.ForeignKey("_approval.id", name=None)),
        sa.Column("round", BigInt),
        sa.Column("step", BigInt),
        sa.Column("part", BigInt),
        text("kind", nullable=True),
        sa.Column("back_to", BigInt),
        partial("ix__question_approval", "approval_id", "id", where="approval_id IS NOT NULL"),
        sa.Index("ix__question_run", "run_id", "id"),
        partial("ix__question_open", "form", "record_id", where="state = 'open'"),
    ]


@system("asked")
def _asked() -> list[Any]:
    """A person who is asked, and what they answered. ``notification_id``: the notice that told them; ``over_at``: since
    when nothing is waited for from them any more. In approvals: ``for_id`` who they stand in for, ``added_by`` who
    asked them to sign, ``handed_to`` who is asked in their place, ``after_id`` the question that has to be settled
    first, ``auto`` their approval of the step before counts on, ``saw`` what the record showed them."""
    return [
        sa.Column("question_id", BigInt, sa.ForeignKey("_question.id"), primary_key=True, autoincrement=False),
        user_column("user_id", primary_key=True, autoincrement=False),
        sa.Column("notification_id", BigInt),
        text("answer", nullable=True),
        text("comment", nullable=True),
        moment("at", nullable=True),
        moment("over_at", nullable=True),
        user_column("for_id"),
        user_column("added_by"),
        user_column("handed_to"),
        sa.Column("after_id", BigInt),
        flag("auto", False),
        sa.Column("saw", json_type()),
        partial("ix__asked_open", "user_id", "question_id", where="over_at IS NULL"),
        sa.Index("ix__asked_notification", "notification_id"),
    ]


@system("rule_state")
def _rule_state() -> list[Any]:
    """A rule that failed lately: how often in a row, and since when it is paused."""
    return [
        text("rule", primary_key=True),
        count("failures"),
        moment("paused_at", nullable=True),
        user_column("paused_by"),
        text("reason", nullable=True),
    ]


@system("connection")
def _connection() -> list[Any]:
    """How a connection fares, for every process and the screens. ``state``: closed (calls go through), open (nothing
    is tried for a while), half_open (one call tries whether it answers again). ``failures`` in a row; ``latency`` in
    seconds, smoothed."""
    return [
        text("name", primary_key=True),
        text("state", server_default="closed"),
        count("failures"),
        moment("opened_at", nullable=True),
        moment("last_ok", nullable=True),
        moment("last_failed", nullable=True),
        text("last_error", nullable=True),
        sa.Column("latency", sa.Float),
    ]
