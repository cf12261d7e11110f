"""The document about messages shows what works: its application is run, and its check holds."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from recorders import HttpRecorder

from engine.secrets import Kept, Sources

TEXT = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.S | re.M)
    return str(found)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_an_event_is_posted_signed_and_with_a_key_that_stays_the_same(make_app: Any) -> None:
    check: dict[str, Any] = {}
    exec(block("python"), check)
    with HttpRecorder() as partner:
        text = block("yaml").replace('"https://partner.example.com/hooks"', f'"{partner.url}/hooks", private: true')
        made = make_app(text, people={"ann": "agent"})
        sources = Sources(environment={"PARTNER_KEY": Kept("shared")})
        object.__setattr__(made.application.secrets, "_sources", sources)
        made.create("ticket", subject="Printer")
        partner.behave("status", status=503, times=1)
        made.deliver()
        made.clock.now += dt.timedelta(minutes=10)
        made.deliver()
    first, second = partner.arrivals
    assert first["headers"]["Idempotency-Key"] == second["headers"]["Idempotency-Key"]
    assert first["headers"]["X-Appmill-Delivery"] == second["headers"]["X-Appmill-Delivery"]
    body, headers, now = second["body"].encode(), second["headers"], made.clock().timestamp()
    assert b'"event":"ticket.created"' in body.replace(b": ", b":")
    assert check["is_genuine"]("shared", headers, body, now)
    assert not check["is_genuine"]("shared", headers, body + b" ", now)
    assert not check["is_genuine"]("shared", headers, body, now + 600)
