"""The corpus of snippets, and the world they run in: one record, two lines, a table of tasks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Denied, message

CORPUS = Path(__file__).parent / "corpus"
NAMES = {
    "record": {
        "id": 1, "title": "Leak", "amount": Decimal("12.50"), "count": 3, "due_on": dt.date(2026, 3, 10),
        "missing_on": None,
        "lines": [
            {"name": "pipe", "quantity": 2, "price": Decimal("1.00")},
            {"name": "valve", "quantity": 3, "price": Decimal("6.50")},
        ],
    },
    "old": None,
    "user": {"id": 7, "name": "Li", "roles": ["agent"]},
    "values": {},
    "today": dt.date(2026, 3, 2),
    "now": dt.datetime(2026, 3, 2, 8, 30, tzinfo=dt.UTC),
}  # fmt: skip


def find(form: str, where: dict[str, Any], limit: int = 10) -> list[dict[str, Any]]:
    return [{"id": number, "title": f"Task {number}"} for number in range(1, limit + 1)]


def get(form: str, id: int) -> dict[str, Any]:
    if form == "secret":
        raise Denied(message("You may not read {form}.", form=form))
    return {"id": id, "title": f"Task {id}"}


HOST = {"find": find, "get": get}


def load(name: str) -> Any:
    return yaml.safe_load((CORPUS / f"{name}.yaml").read_text(encoding="utf-8"))


def named(source: Any) -> str:
    """The name of a test."""
    return source[:50].encode("unicode_escape").decode() if isinstance(source, str) else ""
