"""Messages from other systems. No session, no token of a page: whoever sends signs the body, and only that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from engine.timing.receiving import LARGEST, Answer, Call, receive
from engine.web.auth import public
from engine.web.context import application

blueprint = Blueprint("hooks", __name__)
V = TypeVar("V", bound=Callable[..., Any])


def machine(view: V) -> V:
    """A view for systems: nobody is looked for in cookies or tokens, and no page's token is asked for."""
    view.machine = True  # type: ignore[attr-defined]
    return public(view)


@blueprint.post("/hooks/<name>")
@machine
def receive_message(name: str) -> Response:
    request.max_content_length = LARGEST
    try:
        body = request.get_data(cache=False, parse_form_data=False)
    except RequestEntityTooLarge:
        return Response(status=413)
    headers = {key.lower(): value for key, value in request.headers.items()}
    call = Call(name, body, headers, request.mimetype, request.remote_addr or "-")
    return _answered(receive(application(), call))


def _answered(answer: Answer) -> Response:
    response = jsonify(answer.body) if answer.body is not None else Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    return response
