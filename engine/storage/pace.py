"""How long pages, statements and deliveries took, by the hour: each process writes its own rows, and only so many."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, moment, text
from engine.storage.system import system

HOURS_KEPT = 48


@system("pace")
def _pace() -> list[Any]:
    """``hour``: hours since 1970 in UTC; ``kind``: route, statement or work; ``key``: of ``name``, short enough for an
    index; ``buckets``: how many took how long (``engine.pace.BOUNDS``), milliseconds. ``request`` and ``at`` are of the
    last one that was slow."""
    return [
        sa.Column("hour", BigInt, primary_key=True, autoincrement=False),
        text("process", primary_key=True),
        text("kind", primary_key=True),
        text("key", primary_key=True),
        text("name"),
        count("hits"),
        sa.Column("buckets", json_type(), nullable=False),
        sa.Column("total", sa.Float, nullable=False),
        sa.Column("slowest", sa.Float, nullable=False),
        text("request", nullable=True),
        moment("at", nullable=True),
    ]


def hour_of(moment: dt.datetime) -> int:
    return int(moment.timestamp() // 3600)
