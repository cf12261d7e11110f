"""Schemathesis against the API as its own document describes it: no defect, no undocumented answer, no wrong shape.

``make schemathesis`` (SCHEMATHESIS=full) sends many times as many requests, also every edge of every parameter and
chains of operations, on SQLite and on PostgreSQL.

All checks of Schemathesis are asked, with two settings:

- ``ignored_auth`` is off: its probe passes ``max_redirects`` to the WSGI client, which does not know it and raises.
  ``test_without_a_token_nothing_is_told_by_any_door`` sends every operation without a token and with a wrong one.
- ``positive_data_acceptance`` also takes 422: a schema cannot tell that a link leads nowhere, that a value is taken
  already, that a field is required because of another, or that a text is no date in any of the ways people write one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import servers
from api_fuzzing import Outcome, fuzz
from calling import Program, Site

FULL = os.environ.get("SCHEMATHESIS") == "full"
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]
CONFIG: dict[str, Any] = {
    "seed": 20261122,
    "continue-on-failure": True,
    "generation": {"max-examples": 22 if FULL else 4, "deterministic": True},
    "checks": {"ignored_auth": {"enabled": False}, "positive_data_acceptance": {"expected-statuses": ACCEPTED}},
    "phases": {"coverage": {"enabled": FULL}, "stateful": {"enabled": FULL}},
}


@pytest.fixture(params=["sqlite", "postgresql"] if FULL else ["sqlite"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """PostgreSQL, which refuses more than SQLite does, in the long form only."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    else:
        with servers.postgresql_database() as url:
            yield url


def two_of_everything(program: Program) -> None:
    for number in (1, 2):
        program.create("area", name=f"Hall {number}")
        program.create("equipment", tag=f"P-{number}", name=f"Pump {number}", area=number, price="900")
        program.create("part", name=f"Seal {number}", stock=4, price="12.50", minimum=number, fits=[number])
        program.create("repair", equipment=number, fault="It leaks", parts=[{"part": number, "quantity": 2}])
        program.create("round", planned_on="2026-03-01", area=number, points=[{"equipment": number, "what": "Noise"}])


def report(outcome: Outcome) -> str:
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(outcome.statuses.items()))
    return (
        f"{outcome.cases} requests to {len(outcome.operations)} operations in {outcome.seconds:.0f} s ({statuses}); "
        f"{sum(outcome.checks.values())} checks of {len(outcome.checks)} kinds; {len(outcome.failures)} failures"
    )


def test_the_api_holds_what_its_document_says(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    admin = site.program("admin")
    two_of_everything(admin)

    outcome = fuzz(admin, CONFIG)

    with capsys.disabled():
        print(f"\nSchemathesis: {report(outcome)}")
    assert not outcome.errors, "\n".join(outcome.errors)
    assert not outcome.failures, "\n\n".join(outcome.failures.values())
    assert not [status for status in outcome.statuses if status >= 500]
    assert outcome.cases >= (2000 if FULL else 400)


@pytest.mark.skipif(not FULL, reason="part of the long form")
@pytest.mark.parametrize("login", ["olga", "tom", "sven", "chris"])
def test_the_api_holds_it_for_every_role(site: Site, login: str) -> None:
    two_of_everything(site.program("admin"))
    short = {"generation": {"max-examples": 3, "deterministic": True}, "phases": {"coverage": {"enabled": False}}}
    outcome = fuzz(site.program(login), {**CONFIG, **short})
    assert not outcome.failures, "\n\n".join(outcome.failures.values())
    assert not [status for status in outcome.statuses if status >= 500]
