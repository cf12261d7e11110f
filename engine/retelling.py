"""Everything that happened, written down for other tools: events, visits to states, people, and records as they are.

One JSON object per line and file. Money and decimals are texts, exact; moments are in UTC.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.formats import MASK

STREAM = {"stream_results": True, "yield_per": 2000}
PERSON = ("id", "login", "name", "active")
Told = Callable[[str, int], None]


def retell(app: Application, folder: Path, told: Told = lambda _name, _rows: None) -> dict[str, int]:
    """Write ``events.jsonl``, ``stays.jsonl``, ``people.jsonl`` and ``records/<form>.jsonl`` into ``folder``; answers
    how many lines each has. Sensitive values are masked, passwords and sessions are not written at all.

    All is read from one consistent view, however long it takes.
    """
    tables = app.tables
    (folder / "records").mkdir(parents=True, exist_ok=True)
    wanted = {
        "events": sa.select(tables.event).order_by(tables.event.c.id),
        "stays": sa.select(tables.stay).order_by(tables.stay.c.id),
        "people": sa.select(*(tables.user.c[name] for name in PERSON)).order_by(tables.user.c.id),
        **{f"records/{name}": sa.select(table).order_by(table.c.id) for name, table in tables.form.items()},
    }
    written = {}
    with app.database.read() as conn:
        for name, query in wanted.items():
            hidden = _hidden(app, name)
            rows = conn.execute(query, execution_options=STREAM).mappings()
            written[name] = _write(folder / f"{name}.jsonl", rows, hidden)
            told(name, written[name])
    return written


def _hidden(app: Application, name: str) -> frozenset[str]:
    form = app.definition.forms.get(name.removeprefix("records/")) if name.startswith("records/") else None
    return frozenset(field.name for field in form.fields.values() if field.sensitive) if form else frozenset()


def _write(path: Path, rows: Iterable[Mapping[Any, Any]], hidden: frozenset[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            count += 1
            shown = {name: MASK if name in hidden and value is not None else value for name, value in row.items()}
            file.write(json.dumps(shown, ensure_ascii=False, default=_plain) + "\n")
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
