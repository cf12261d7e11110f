"""Runs and their messages as lists show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.rules import name_of
from engine.web.automation import ledger
from engine.web.automation.frame import ROOT, words_of
from engine.web.automation.telling import Telling, masked
from engine.web.automation.wanted import titles_for
from engine.web.automation.words import (
    Badge,
    run_badge,
    took,
)
from engine.web.context import application, reader


@dataclass(frozen=True)
class RunLine:
    """A run as lists show it."""

    id: int
    rule: str
    record: str
    record_href: str
    badge: Badge
    state: str
    who: str
    started: dt.datetime
    took: str
    error: str

    @property
    def href(self) -> str:
        return f"{ROOT}/runs/{self.id}"


def lines_of(conn: sa.Connection, found: Sequence[ledger.Row]) -> list[RunLine]:
    telling = Telling(conn, words_of())
    telling.know(titles_for(found))
    return [line_of(telling, row) for row in found]


def line_of(telling: Telling, row: ledger.Row) -> RunLine:
    title, href = telling.record(row["form"], row["record_id"])
    return RunLine(
        row["id"], rule_label(row["rule"]), title, href, run_badge(row["state"]), row["state"],
        row.get("actor_name") or "", row["started_at"],
        took(row["started_at"], row["ended_at"], reader().language), masked(row["error"]),
    )  # fmt: skip


def rule_label(rule: str) -> str:
    plan = application().plans.rule.get(rule)
    return words_of().say(name_of(plan.rule)) if plan else rule.replace("_", " ")


def due_of(one: Mapping[str, Any]) -> dt.datetime | None:
    """When the message is due; None for what waits without end."""
    due: dt.datetime | None = one["due_at"]
    return None if due is None or due.year == 9999 else due
