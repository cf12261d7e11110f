"""What systems outside tell feeds. No session, no token of a page: the connector judges who speaks."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from engine.feeding.receiving import LARGEST, Call, receive
from engine.web.context import application
from engine.web.hooks import machine

blueprint = Blueprint("feeds", __name__)


@blueprint.post("/feeds/<feed>/<connection>")
@machine
def receive_item(feed: str, connection: str) -> Response:
    request.max_content_length = LARGEST
    try:
        body = request.get_data(cache=False, parse_form_data=False)
    except RequestEntityTooLarge:
        return Response(status=413)
    headers = {key.lower(): value for key, value in request.headers.items()}
    call = Call(feed, connection, body, headers, request.args.to_dict(), request.remote_addr or "-")
    status = receive(application(), call)
    return Response(status=status, headers={"Retry-After": "60"} if status in (429, 503) else None)
