"""The preview of a draft: its site, and the page and panel with the frame around it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, g, jsonify, redirect, request
from werkzeug.wrappers import Response as Answer

from designer.preview.imagining import record_to_see
from designer.preview.looks import MYSELF, PERSON, THEMES, Look, is_somebody, read_look, roles_of
from designer.preview.showing import Shown, shown
from designer.preview.site import Inside, answer, make_site
from designer.preview.worlds import worlds_over
from designer.web.frame import draw, workspace
from engine.definition import AppDefinition, Form
from engine.errors import Missing, message
from engine.permissions import may
from engine.texts import say
from engine.web.context import actor, application, reader
from engine.web.render import label, render, role_label, translate

blueprint = Blueprint("preview", __name__)
METHODS = ["GET", "HEAD", "POST"]
DEVICES = ("phone", "tablet", "desktop")
PEOPLE = 40


# --- the site --------------------------------------------------------------------------------------------------------


@blueprint.route("/<int:id>/preview/site/<look>/", defaults={"path": ""}, methods=METHODS)
@blueprint.route("/<int:id>/preview/site/<look>/<path:path>", methods=METHODS)
def site(id: int, look: str, path: str) -> Response:
    seen = _shown(id)
    found = read_look(look, seen.world.app.definition)
    if found is None:
        raise Missing(message("Nobody looks like this in the draft any more."))
    outer = request._get_current_object()  # type: ignore[attr-defined]
    who = found.actor(actor(), seen.world.app)
    inside = Inside(seen.world, who, found, _root(id, found), g.csrf_token, outer)
    return answer(_inner(seen), inside, path)


def _root(id: int, look: Look) -> str:
    return f"/designer/{id}/preview/site/{look}"


def _shown(id: int) -> Shown:
    return shown(application(), workspace(id), actor())


def _inner(seen: Shown) -> Flask:
    """One site for all worlds over this database."""
    kept = worlds_over(application()).kept
    found: Flask | None = kept.get("site")
    if found is None:
        found = kept["site"] = make_site(seen.world.app)
    return found


# --- what is looked at -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What the controls say. ``what``: ``home``, ``page:<name>``, ``list:<form>``, ``new:<form>`` or
    ``record:<form>``; ``state``: of the record, ``""`` for any."""

    look: Look
    what: str
    state: str = ""
    device: str = "phone"

    def args(self) -> str:
        return urlencode({
            "what": self.what, "state": self.state, "who": self.look.who, "language": self.look.language,
            "theme": self.look.theme, "device": self.device,
        })  # fmt: skip


def _choice(definition: AppDefinition) -> Choice:
    """The choice of the query string; what is not there any more is left out."""
    args = request.args
    language = args.get("language", reader().language)
    look = Look(
        args["who"] if is_somebody(args.get("who", ""), definition) else MYSELF,
        language if language in definition.languages else definition.languages[0],
        args.get("theme", "") if args.get("theme") in THEMES else "light",
    )
    device = args.get("device", "phone")
    return Choice(look, args.get("what", "home"), args.get("state", ""), device if device in DEVICES else "phone")


@blueprint.get("/<int:id>/preview/open")
def open_(id: int) -> Answer:
    """Leads to what was chosen; a record in the state is looked for now, and made up where there is none."""
    seen = _shown(id)
    chosen = _choice(seen.world.app.definition)
    return redirect(_root(id, chosen.look) + _path(seen, chosen), 303)


def _path(seen: Shown, chosen: Choice) -> str:
    definition = seen.world.app.definition
    kind, _, name = chosen.what.partition(":")
    if kind == "page" and name in definition.pages:
        return f"/pages/{name}"
    form = definition.forms.get(name)
    if form is None or form.parent_form:
        return "/"
    if kind == "new":
        return f"/{name}/new"
    return _record_path(seen, chosen, form) if kind == "record" else f"/{name}"


def _record_path(seen: Shown, chosen: Choice, form: Form) -> str:
    who = chosen.look.actor(actor(), seen.world.app)
    state = chosen.state if form.workflow and chosen.state in form.workflow.states else None
    if not may(seen.world.app, who, "read", form):
        return f"/{form.name}"
    id = record_to_see(seen.world, who, form, state)
    return f"/{form.name}/{id}" if id is not None else f"/{form.name}"


# --- the frame around it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """One entry of a choice; ``of``: the group it stands in."""

    value: str
    label: str
    of: str = ""


@blueprint.get("/<int:id>/preview")
def page(id: int) -> str:
    return draw("preview.html", workspace(id), "preview", **_context(id))


@blueprint.get("/<int:id>/preview/panel")
def panel(id: int) -> str:
    """The same controls and frame as a part of another screen."""
    return render("designer/preview_panel.html", layout="fragment.html", change=workspace(id).change, **_context(id))


def _context(id: int) -> dict[str, object]:
    seen = _shown(id)
    definition = seen.world.app.definition
    chosen = _choice(definition)
    return {
        "chosen": chosen,
        "whats": _grouped(_whats(definition)),
        "whos": _grouped([*_roles(definition), *_people(seen)]),
        "states": _states(definition, chosen),
        "languages": definition.languages,
        "devices": DEVICES,
        "address": f"/designer/{id}/preview/open?{chosen.args()}",
        "stamp": _stamp(seen),
        "problem": say(seen.problem, reader().language) if seen.problem else "",
    }


def _whats(definition: AppDefinition) -> list[Offer]:
    found = [Offer("home", translate("Home"))]
    for form in definition.forms.values():
        if not form.parent_form:
            name = label(form)
            found += [
                Offer(f"new:{form.name}", translate("{form}: new", form=name), name),
                Offer(f"record:{form.name}", translate("{form}: a record", form=name), name),
                Offer(f"list:{form.name}", translate("{form}: the list", form=name), name),
            ]
    pages = translate("Pages")
    return [*found, *(Offer(f"page:{page.name}", label(page), pages) for page in definition.pages.values())]


def _states(definition: AppDefinition, chosen: Choice) -> list[Offer]:
    kind, _, name = chosen.what.partition(":")
    form = definition.forms.get(name) if kind == "record" else None
    states = form.workflow.states if form and form.workflow else {}
    return [Offer(state.name, label(state)) for state in states.values()]


def _grouped(offers: list[Offer]) -> list[tuple[str, list[Offer]]]:
    return [(of, list(some)) for of, some in groupby(offers, key=lambda one: one.of)]


def _roles(definition: AppDefinition) -> list[Offer]:
    return [Offer(name, _role(definition, name)) for name in roles_of(definition)]


def _role(definition: AppDefinition, name: str) -> str:
    role = definition.roles.get(name)
    return label(role) if role else translate("I myself") if name == MYSELF else role_label(name)


def _people(seen: Shown) -> list[Offer]:
    """Some who have a role: what is theirs alone is seen as them only."""
    tables, group = seen.world.app.tables, translate("People")
    user, held = tables.user, tables.user_role
    some = sa.select(user.c.id, user.c.name).where(user.c.active, user.c.id.in_(sa.select(held.c.user_id)))
    with seen.world.app.database.read() as conn:
        found = conn.execute(some.order_by(user.c.id).limit(PEOPLE)).all()
    return [Offer(f"{PERSON}{id}", name, group) for id, name in found]


def _stamp(seen: Shown) -> str:
    return seen.world.file.stem


@blueprint.get("/<int:id>/preview/state")
def state(id: int) -> Response:
    """Which version is shown, and why not the newest; and what the controls offer, when the definition has changed."""
    seen = _shown(id)
    return jsonify(stamp=_stamp(seen), problem=say(seen.problem, reader().language) if seen.problem else "")


@blueprint.post("/<int:id>/preview/fresh")
def fresh(id: int) -> Response:
    """Take the data anew."""
    workspace(id)
    worlds_over(application()).forget(application(), actor())
    return jsonify(ok=True)
