"""The tables every application has; their names start with ``_`` so that no form can take them.

Columns are read as ``table.c["name"]`` or ``table.c.name``; none is called like a method of a column collection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, flag, key, moment, partial, record_columns, text, user_column

Maker = Callable[[sa.MetaData], sa.Table]
MAKERS: dict[str, Maker] = {}
NAMES = {"published": "_definition"}  # Tables.definition is the definition itself


def system(name: str) -> Callable[[Callable[[], list[Any]]], Callable[[], list[Any]]]:
    """Enter a table under its name; the decorated function answers its columns and indexes."""

    def enter(columns: Callable[[], list[Any]]) -> Callable[[], list[Any]]:
        MAKERS[name] = lambda metadata: sa.Table(
            NAMES.get(name, f"_{name}"), metadata, *columns(), sqlite_autoincrement=name == "event"
        )
        return columns

    return enter


# --- what happened ---------------------------------------------------------------------------------------------------


@system("event")
def _event() -> list[Any]:
    """``changes`` is {field stable id: [before, after]} in JSON form; ``cause`` the event that led to this one."""
    return [
        key(),
        moment("at"),
        *record_columns(),
        text("kind"),
        text("transition", nullable=True),
        text("from_state", nullable=True),
        text("to_state", nullable=True),
        user_column("actor_id"),
        text("actor_kind", server_default="user"),
        text("rule", nullable=True),
        sa.Column("cause", BigInt, sa.ForeignKey("_event.id")),
        sa.Column("run_id", BigInt),
        count("depth"),
        text("reason", nullable=True),
        sa.Column("batch", BigInt),
        sa.Column("changes", json_type()),
        sa.Column("trace", json_type()),
        text("definition"),
        sa.Index("ix__event_record", "form", "record_id", "id"),
        partial("ix__event_run", "run_id", "id", where="run_id IS NOT NULL"),
    ]


@system("stay")
def _stay() -> list[Any]:
    """One row per visit of a record to a state; ``left_at`` is empty while the record is there."""
    return [
        key(),
        *record_columns(),
        text("state"),
        moment("entered_at"),
        user_column("entered_by"),
        moment("left_at", nullable=True),
        user_column("left_by"),
        sa.Column("dwell_seconds", BigInt),
        moment("due_at", nullable=True),
        user_column("owner"),
        text("owner_role", nullable=True),
        moment("reassigned_at", nullable=True),  # since when a rule keeps this owner responsible
        sa.Index("ix__stay_record", "form", "record_id", "id"),
        sa.Index("ix__stay_state", "form", "state", "entered_at"),
        partial("ix__stay_left", "form", "left_at", where="left_at IS NOT NULL"),
    ]


# --- people ----------------------------------------------------------------------------------------------------------


@system("user")
def _user() -> list[Any]:
    return [
        key(),
        text("login", unique=True),
        text("name"),
        text("email", nullable=True),
        text("phone", nullable=True),
        text("password_hash", nullable=True),
        text("language", nullable=True),
        text("timezone", nullable=True),
        text("theme", nullable=True),
        flag("active", True),
        flag("must_change", False),
        count("failed_attempts"),
        moment("locked_until", nullable=True),
        moment("password_changed_at", nullable=True),
        moment("last_seen_at", nullable=True),
        moment("created_at"),
        sa.Column("preferences", json_type()),
        sa.Index("ix__user_name", "name", "id"),
    ]


@system("user_role")
def _user_role() -> list[Any]:
    return [_owned("user_id", "_user.id"), text("role", primary_key=True), sa.Index("ix__user_role_role", "role")]


@system("group")
def _group() -> list[Any]:
    return [key(), text("name", unique=True), text("label", nullable=True)]


@system("group_role")
def _group_role() -> list[Any]:
    return [_owned("group_id", "_group.id"), text("role", primary_key=True)]


@system("group_member")
def _group_member() -> list[Any]:
    return [
        _owned("group_id", "_group.id"),
        _owned("user_id", "_user.id"),
        sa.Index("ix__group_member_user", "user_id"),
    ]


@system("session")
def _session() -> list[Any]:
    """A signed-in browser; the token itself is never stored, only its SHA-256."""
    return [
        text("token_hash", primary_key=True),
        sa.Column("user_id", BigInt, sa.ForeignKey("_user.id", ondelete="CASCADE"), nullable=False),
        moment("created_at"),
        moment("seen_at"),
        moment("expires_at"),
        text("view_as", nullable=True),
        text("portal", nullable=True),
        sa.Column("link_id", BigInt),
        text("csrf"),
        text("agent", nullable=True),
        text("address", nullable=True),
        sa.Index("ix__session_user", "user_id"),
        sa.Index("ix__session_expires", "expires_at"),
    ]


@system("second_factor")
def _second_factor() -> list[Any]:
    """Who confirms a sign-in by a code. What they share with their app is kept with the secrets, encrypted."""
    return [_owned("user_id", "_user.id"), moment("enrolled_at"), count("last_step")]


@system("recovery_code")
def _recovery_code() -> list[Any]:
    return [_owned("user_id", "_user.id"), text("code_hash", primary_key=True)]


@system("sign_in")
def _sign_in() -> list[Any]:
    """Browsers between the password and the code; nobody is signed in by it."""
    return [
        text("token_hash", primary_key=True),
        sa.Column("user_id", BigInt, sa.ForeignKey("_user.id", ondelete="CASCADE"), nullable=False),
        moment("expires_at"),
        sa.Index("ix__sign_in_user", "user_id"),
    ]


@system("token")
def _token() -> list[Any]:
    """A key for the API; the token itself is never stored, only its SHA-256."""
    return [
        key(),
        text("token_hash", unique=True),
        text("name"),
        sa.Column("user_id", BigInt, sa.ForeignKey("_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("scopes", json_type()),
        moment("created_at"),
        moment("expires_at", nullable=True),
        moment("last_used_at", nullable=True),
        moment("revoked_at", nullable=True),
        sa.Index("ix__token_user", "user_id"),
    ]


# --- beside the records ----------------------------------------------------------------------------------------------


@system("attachment")
def _attachment() -> list[Any]:
    """A file of a record; ``record_id`` is empty until the record it was uploaded for is saved."""
    return [
        key(),
        *record_columns(saved=False),
        text("field", nullable=True),
        text("sha256"),
        text("name"),
        text("media_type"),
        count("size"),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        moment("created_at"),
        user_column("created_by"),
        moment("deleted_at", nullable=True),
        sa.Index("ix__attachment_record", "form", "record_id", "id"),
        sa.Index("ix__attachment_sha256", "sha256"),
    ]


@system("comment")
def _comment() -> list[Any]:
    return [
        key(),
        *record_columns(),
        user_column("author"),
        text("body"),
        sa.Column("mentions", json_type()),
        text("portal", nullable=True),
        moment("at"),
        moment("edited_at", nullable=True),
        moment("deleted_at", nullable=True),
        sa.Index("ix__comment_record", "form", "record_id", "id"),
    ]


@system("saved_view")
def _saved_view() -> list[Any]:
    return [
        key(),
        text("form"),
        user_column("owner"),
        text("name"),
        flag("shared", False),
        text("query"),
        flag("is_default", False),
        sa.Index("ix__saved_view_form", "form", "owner"),
    ]


@system("draft")
def _draft() -> list[Any]:
    """Typed but not saved; ``record_id`` is 0 for a new record."""
    return [
        _owned("user_id", "_user.id"),
        text("form", primary_key=True),
        sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("input", json_type(), nullable=False),
        sa.Column("version", BigInt),
        moment("at"),
    ]


@system("notification")
def _notification() -> list[Any]:
    """``message`` is a text per language; ``kind`` one of ``reach.KINDS``; ``question_id`` what they are asked."""
    return [
        key(),
        sa.Column("user_id", BigInt, sa.ForeignKey("_user.id", ondelete="CASCADE"), nullable=False),
        *record_columns(saved=False),
        sa.Column("message", json_type(), nullable=False),
        moment("at"),
        moment("read_at", nullable=True),
        sa.Column("event_id", BigInt, sa.ForeignKey("_event.id")),
        text("kind", server_default="told"),
        sa.Column("question_id", BigInt),
        sa.Index("ix__notification_user", "user_id", "id"),
        partial("ix__notification_unread", "user_id", where="read_at IS NULL"),
    ]


@system("follow")
def _follow() -> list[Any]:
    return [
        _owned("user_id", "_user.id"),
        text("form", primary_key=True),
        sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
        sa.Index("ix__follow_record", "form", "record_id"),
    ]


# --- the machinery ---------------------------------------------------------------------------------------------------


@system("series")
def _series() -> list[Any]:
    return [
        text("name", primary_key=True),
        text("period", primary_key=True),
        sa.Column("next", BigInt, nullable=False),
    ]


@system("job")
def _job() -> list[Any]:
    return [
        key(),
        text("kind"),
        text("state", server_default="waiting"),
        count("progress"),
        count("total"),
        sa.Column("params", json_type()),
        sa.Column("result", json_type()),
        text("error", nullable=True),
        user_column("user_id"),
        flag("cancel", False),
        moment("created_at"),
        moment("started_at", nullable=True),
        moment("finished_at", nullable=True),
        sa.Index("ix__job_user", "user_id", "id"),
        sa.Index("ix__job_state", "state", "id"),
    ]


@system("batch")
def _batch() -> list[Any]:
    """Records that came in together, so that they can be taken back together."""
    return [
        key(),
        text("form"),
        text("kind", server_default="import"),
        text("name", nullable=True),
        user_column("user_id"),
        moment("at"),
        count("created"),
        count("updated"),
        moment("undone_at", nullable=True),
        user_column("undone_by"),
    ]


@system("import_row")
def _import_row() -> list[Any]:
    """What became of each record of a file; ``line`` is its first row there, ``problems`` [[row, column, texts]]."""
    return [
        _owned("job_id", "_job.id"),
        sa.Column("line", BigInt, primary_key=True, autoincrement=False),
        text("outcome"),
        *(sa.Column(name, BigInt) for name in ("record_id", "version", "event_id")),
        sa.Column("problems", json_type()),
        sa.Index("ix__import_row_outcome", "job_id", "outcome", "line"),
    ]


@system("published")
def _definition() -> list[Any]:
    """Every definition that was ever in force; ``shape`` is what the tables were built from."""
    return [
        text("hash", primary_key=True),
        text("source"),
        sa.Column("shape", json_type(), nullable=False),
        moment("applied_at"),
        user_column("applied_by"),
        count("serial"),
    ]


@system("secret")
def _secret() -> list[Any]:
    """Secrets of connections, encrypted; ``hosts``: the only ones it is shown to, with spaces between, or nothing."""
    return [
        text("name", primary_key=True),
        text("value"),
        text("hosts", server_default=""),
        moment("set_at"),
        user_column("set_by"),
    ]


@system("rate")
def _rate() -> list[Any]:
    """How often something was tried in one window of time (sign-ins per address and account …)."""
    return [
        text("key", primary_key=True),
        sa.Column("window", BigInt, primary_key=True, autoincrement=False),
        count("hits"),
        moment("expires_at"),
        sa.Index("ix__rate_expires", "expires_at"),
    ]


def _owned(name: str, target: str) -> sa.Column[int]:
    return sa.Column(
        name, BigInt, sa.ForeignKey(target, ondelete="CASCADE"), primary_key=True, autoincrement=False, nullable=False
    )
