"""The door of automation over the API, and what its queries are made of."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request

from engine.errors import Denied, message
from engine.web import api_input
from engine.web.automation import ledger
from engine.web.automation.access import sees_all
from engine.web.context import actor

blueprint = Blueprint("api_automation", "engine.web.api_automation", url_prefix="/automation")
SCOPE = "admin"
MOST = 200


@blueprint.before_request
def enter() -> None:
    who = actor()
    if not sees_all():
        raise Denied(message("Only administrators may do this."))
    if who.scopes is not None and SCOPE not in who.scopes:
        raise Denied(message("This token needs the scope “{scope}” for this.", scope=SCOPE))


def limit_arg() -> int:
    return api_input.number_arg("limit", MOST) or ledger.MOST_LISTED


def one_of(name: str, known: Sequence[str]) -> str | None:
    given = request.args.get(name)
    if given is None or given in known:
        return given
    said = message("{name} is one of {known}, not “{got}”.", name=name, known=tuple(known), got=given[:60])
    raise api_input.misplaced(name, said)


def moment_arg(name: str) -> dt.datetime | None:
    raw = request.args.get(name)
    if raw is None:
        return None
    try:
        found = dt.datetime.fromisoformat(raw)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise api_input.misplaced(name, message("{text} is not a moment.", text=raw[:40])) from None


def read_json(text: str) -> Any:
    """JSON that was put into text for people, without secrets."""
    return json.loads(text) if text else None
