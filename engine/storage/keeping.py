"""The tables that remember what migrations decided: what was put aside, and which records are exempt from what."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import count, key, moment, text, user_column
from engine.storage.system import system


@system("archive")
def _archive() -> list[Any]:
    """``form``, ``field``: stable ids; ``name``: the table or column that keeps the values; ``after``: the column that
    keeps what was written over them, so that it is seen which records were changed since. ``up_to``: the largest id
    there was."""
    return [
        key(),
        text("kind"),
        text("form"),
        text("field", nullable=True),
        text("what", nullable=True),
        text("name"),
        text("after", nullable=True),
        sa.Column("shape", json_type(), nullable=False),
        count("up_to"),
        text("definition"),
        moment("at"),
        moment("restored_at", nullable=True),
        sa.Index("ix__archive_form", "form", "field"),
    ]


@system("waiver")
def _waiver() -> list[Any]:
    """``state`` is empty for a required field; else the state whose deliverable the field is."""
    return [
        key(),
        text("form"),
        text("state", server_default=""),
        text("field"),
        count("up_to"),
        moment("at"),
        user_column("by_id"),
        sa.Index("ux__waiver_what", "form", "state", "field", unique=True),
    ]
