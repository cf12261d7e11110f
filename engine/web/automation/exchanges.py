"""One connection: its facts, and everything that was said over it lately, secrets masked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request

from engine.errors import Missing
from engine.storage.exchanges import exchanges_of
from engine.web.automation.connections import NO_CONNECTION, ORIGINS, connection_lines
from engine.web.automation.frame import ROOT, further, show
from engine.web.automation.telling import masked
from engine.web.context import application
from engine.web.numbers import whole

blueprint = Blueprint("exchanges", __name__, url_prefix="/connections")
MOST = 50


@dataclass(frozen=True)
class ExchangeLine:
    """A call and its answer. ``sent`` and ``answered``: as a person reads them; ``went_well``: it was answered with a
    yes, as far as HTTP says."""

    id: int
    at: dt.datetime
    inward: bool
    operation: str
    method: str
    url: str
    status: int | None
    took: str
    sent: str
    answered: str
    error: str
    message_href: str

    @property
    def went_well(self) -> bool:
        return self.status is not None and self.status < 400 and not self.error


@blueprint.get("/<name>")
def connection(name: str) -> str:
    line = next((one for one in connection_lines() if one.name == name), None)
    if line is None:
        raise Missing(NO_CONNECTION)
    app, failed = application(), request.args.get("only") == "failed"
    with app.database.read() as conn:
        found = exchanges_of(
            conn, app.tables, name, before=whole(request.args.get("before")), failed=failed, limit=MOST + 1
        )
    lines = [line_of(row) for row in found[:MOST]]
    older = further(before=lines[-1].id) if len(found) > MOST else ""
    return show("connection", "connections", one=line, lines=lines, older=older, origins=ORIGINS, failed=failed)


def line_of(row: Any) -> ExchangeLine:
    seconds = row.seconds or 0.0
    took = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return ExchangeLine(
        row.id, row.at, row.direction == "in", row.operation or "", row.method or "", row.url or "", row.status, took,
        pretty(row.sent), pretty(row.answered), masked(row.error),
        f"{ROOT}/queue/{row.message_id}" if row.message_id else "",
    )  # fmt: skip


def pretty(text: str | None) -> str:
    """JSON with its lines broken; anything else, and JSON that was cut, as it came."""
    try:
        return masked(json.dumps(json.loads(text or ""), ensure_ascii=False, indent=2))
    except ValueError:
        return masked(text)
