"""The JSON API: everything the screens do, for programs.

One walk, one permission function, one error shape. Signed in by a Bearer token, or by the session of a browser with
its token against forgery.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from engine import openapi
from engine.definition import Page
from engine.fields.relations import LARGEST_ID
from engine.web import api_approvals, api_automation, api_docs, api_forms, api_import, api_inbox, api_input, api_records
from engine.web.api_forms import form_summary, visible_forms
from engine.web.auth import public
from engine.web.context import actor, api_wanted, application, definition
from engine.web.render import label, role_label

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
for room in (api_records, api_forms, api_import, api_inbox, api_approvals, api_automation):
    blueprint.register_blueprint(room.blueprint)

REALM = 'Bearer realm="api"'
NUMBERS = frozenset({
    "record_id", "view_id", "attachment_id", "run_id", "message_id", "job_id", "question_id", "approval_id",
})  # fmt: skip
NOT_JSON = frozenset({"api.docs", "api.api_inbox.download"})


# --- what every request and answer passes ----------------------------------------------------------------------------


@blueprint.before_app_request
def speak_as_asked() -> None:
    """A program says with each request in which language it wants to be answered; people have chosen theirs."""
    if not api_wanted() or not g.bearer or g.actor is None or "Accept-Language" not in request.headers:
        return
    wanted = request.accept_languages.best_match(definition().languages)
    if wanted is not None:
        g.actor = replace(g.actor, language=wanted)
        g.reader = replace(g.reader, language=wanted)


@blueprint.url_value_preprocessor
def read_numbers(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """What is no number of anything is 0, which nothing has: so it is looked for like every other, and not found."""
    for name in NUMBERS.intersection(values or ()):
        raw = (values or {})[name]
        known = raw.isascii() and raw.isdigit() and len(raw) < 20 and int(raw) <= LARGEST_ID
        (values or {})[name] = int(raw) if known else 0


@blueprint.before_request
def read_strictly() -> None:
    if request.endpoint not in NOT_JSON:
        api_input.demand_acceptable("application/json")
    api_input.refuse_nul()


@blueprint.after_app_request
def ask_for_a_token(response: Response) -> Response:
    if response.status_code == 401 and api_wanted():
        response.headers["WWW-Authenticate"] = REALM
    if api_wanted():
        response.vary.update(("Accept-Language", "Authorization", "Cookie"))
    return response


# --- where everything is ---------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> Response:
    api_input.refuse_parameters()
    app = definition()
    return jsonify(
        app=app.app,
        label=label(app),
        definition=app.hash,
        forms=[form_summary(form) for form in visible_forms()],
        pages=[{"name": page.name, "label": label(page), "url": f"/pages/{page.name}"} for page in _pages()],
        links={name: f"/api/v1/{name}" for name in ("me", "notifications", "files", "openapi.json", "docs")},
    )


def _pages() -> list[Page]:
    """A token that reaches single forms only is not told of pages."""
    who = actor()
    if who.scopes is not None and not who.scopes & {"read", "write"}:
        return []
    pages = definition().pages.values()
    return [page for page in pages if not page.roles or who.is_admin or who.roles.intersection(page.roles)]


@blueprint.get("/me")
def me() -> Response:
    api_input.refuse_parameters()
    who = actor()
    return jsonify(
        id=who.id,
        login=who.login,
        name=who.name,
        language=who.language,
        timezone=who.timezone,
        roles=[{"name": name, "label": role_label(name)} for name in sorted(who.roles)],
        groups=sorted(who.groups),
        scopes=None if who.scopes is None else sorted(who.scopes),
    )


# --- the documents ---------------------------------------------------------------------------------------------------


@blueprint.get("/openapi.json")
def document() -> Response:
    api_input.refuse_parameters()
    return jsonify(openapi.document(application(), actor()))


@blueprint.get("/docs")
@public
def docs() -> Response:
    """A page for people: who is not signed in is led to sign in, and told nothing before."""
    if g.actor is None or g.must_change or g.must_enrol:
        return Response("", 303, {"Location": "/sign_in?next=/api/v1/docs" if g.actor is None else "/me"})
    return Response(api_docs.page(openapi.document(application(), actor()), request.host_url))
