"""Runs Schemathesis in this process against a site, and sums up what it sent and what it found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from calling import Program
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineFinished, NonFatalError, ScenarioFinished


@dataclass
class Outcome:
    """``cases``: requests sent; ``checks``: how often each check was asked; ``failures``: one text per distinct one."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0


def fuzz(program: Program, config: dict[str, Any], ids: tuple[int, ...] = (1, 2)) -> Outcome:
    """Every operation of the program's own OpenAPI document. ``ids``: records that are there; most addresses that
    name a record name one of them."""
    schema = schemathesis.openapi.from_dict(
        program.get("/openapi.json"), config=SchemathesisConfig.from_dict({"headers": program.headers, **config})
    )
    schema.app = program.site.web
    schema.config.update(base_url="http://localhost/api/v1")

    @schema.hook("map_path_parameters")
    def near(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        wanted = (path_parameters or {}).get("id")
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted % 4 == 3:
            return path_parameters
        return {**(path_parameters or {}), "id": ids[wanted % len(ids)]}

    outcome = Outcome()
    for event in from_schema(schema).execute():
        _count(outcome, event)
    return outcome


def _count(outcome: Outcome, event: Any) -> None:
    if isinstance(event, ScenarioFinished):
        recorder = event.recorder
        outcome.operations.add(str(event.label))
        outcome.cases += len(recorder.interactions)
        outcome.statuses.update(one.response.status_code for one in recorder.interactions.values() if one.response)
        for checks in recorder.checks.values():
            for check in checks:
                outcome.checks[check.name] += 1
                if check.failure_info is not None:
                    _note(outcome, str(event.label), check)
    elif isinstance(event, NonFatalError):
        outcome.errors.append(f"{event.label}: {event.value!r}")

    elif isinstance(event, EngineFinished):
        outcome.seconds = event.running_time


def _note(outcome: Outcome, label: str, check: Any) -> None:
    info = check.failure_info
    outcome.failures.setdefault((check.name, label), f"{check.name} · {label}\n{info.failure}\n{info.code_sample}")
