"""Records that began their life elsewhere, brought in over the API: in any state, with their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from engine import service
from engine.errors import message
from engine.web import api_input
from engine.web.api_records import saved_answer
from engine.web.context import actor, application
from engine.web.seen import form_named

blueprint = Blueprint("api_import", __name__, url_prefix="/forms")

MOST_VISITS = 500
VISIT = ("state", "entered_at", "left_at", "entered_by", "left_by")


@blueprint.post("/<form_name>/import")
def adopt_record(form_name: str) -> Response:
    form = form_named(form_name)
    api_input.refuse_parameters()
    data = api_input.body(("values", "state", "history"))
    saved = service.adopt(
        application(), actor(), form, api_input.object_of(data, "values"),
        state=api_input.text_of(data, "state", 100), history=_history(data),
        once=api_input.once_of_request(actor()),
    )  # fmt: skip
    return saved_answer(form, saved, 201)


def _history(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    visits = data.get("history")
    if visits is None:
        return []
    if not isinstance(visits, list) or len(visits) > MOST_VISITS:
        said = message("history must be a list of at most {most} visits.", most=MOST_VISITS)
        raise api_input.misplaced("history", said)
    for place, visit in enumerate(visits):
        where = f"history.{place}"
        if not isinstance(visit, dict) or not set(visit) <= set(VISIT):
            raise api_input.misplaced(where, message("A visit is a JSON object with {names}.", names=VISIT))
        for name in ("state", "entered_at", "left_at"):
            if visit.get(name) is not None and not isinstance(visit[name], str):
                raise api_input.misplaced(f"{where}.{name}", message("{name} must be a text.", name=name))
        for name in ("entered_by", "left_by"):
            api_input.id_of(visit, name, f"{where}.")
    return visits
