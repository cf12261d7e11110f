"""Wall screens: the page of an administrator who makes and revokes them, and the link that turns a browser into one.

A browser with the cookie of a wall may open the screens below and nothing else, by GET only, as the role it was made
for: whoever takes the link from the wall sees what hangs there.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import audit, walls
from engine.errors import Denied, Invalid, Missing, message
from engine.language import ADMIN
from engine.views import TowerView
from engine.web.auth import public, require_admin
from engine.web.context import actor, application, reader, settings
from engine.web.me import shown_times
from engine.web.render import go, render, toast
from engine.web.seen import NOT_THERE

blueprint = Blueprint("walls", __name__)
LONGEST = 80
KEPT = 400 * 86400  # seconds a browser keeps the cookie; set anew at every visit
OPEN = frozenset({"lists.show", "live.pulse"})


def cookie_name() -> str:
    return "__Host-appmill-wall" if settings().secure else "appmill-wall"


def identify() -> None:
    """Let a wall act where nobody is signed in. Only on the screens a wall may open."""
    secret = request.cookies.get(cookie_name(), "")
    if not secret or g.actor is not None or request.method != "GET" or request.endpoint not in OPEN:
        return
    app = application()
    with app.database.read() as conn:
        wall = walls.find(conn, app.tables, secret, now=app.clock(), timezone=app.definition.timezone)
    if wall is None or not (wall.actor.roles & app.definition.roles.keys()):
        return
    if request.endpoint == "lists.show" and not _is_its_own(wall):
        return
    g.actor, g.reader, g.last_event, g.view_as = wall.actor, wall.actor.reader(app.definition), wall.last_event, None
    if wall.note_use:
        with app.database.write() as conn:
            walls.note_use(conn, app.tables, wall.id, app.clock())


def _is_its_own(wall: walls.Wall) -> bool:
    """The screen it was made for, whichever page of it."""
    asked = sorted((key, value) for key, value in request.args.items(multi=True) if key not in ("after", "limit"))
    parts = urlsplit(wall.address)
    return request.path == parts.path and asked == sorted(parse_qsl(parts.query))


@blueprint.get("/wall/<secret>")
@public
def enter(secret: str) -> Response:
    """Keep the secret in this browser and show the screen. A link that was revoked leads nowhere."""
    app = application()
    with app.database.read() as conn:
        wall = walls.find(conn, app.tables, secret[:200], now=app.clock(), timezone=app.definition.timezone)
    if wall is None:
        raise Missing(NOT_THERE)
    answer = go(wall.address)
    answer.set_cookie(cookie_name(), secret, max_age=KEPT, secure=settings().secure, httponly=True, samesite="Lax")
    return answer


# --- for administrators ----------------------------------------------------------------------------------------------


@blueprint.get("/admin/walls")
def show() -> str:
    require_admin()
    return _page()


def _page(link: str = "") -> str:
    app = application()
    with app.database.read() as conn:
        found = walls.all_of(conn, app.tables)
    return render("admin/walls.html", walls=found, link=link, address=request.args.get("address", ""), **shown_times())


@blueprint.post("/admin/walls")
def create() -> str:
    require_admin()
    app = application()
    name, role = request.form.get("name", "").strip()[:LONGEST], request.form.get("role", "")
    if not name:
        raise Invalid(message("Say where the screen hangs."))
    if role not in app.definition.roles or role == ADMIN:
        raise Invalid(message("There is no role {role}.", role=role[:80]))
    address = _screen(request.form.get("address", ""))
    language = request.form.get("language", "")
    with app.database.write() as conn:
        secret = walls.create(
            conn, app.tables, name=name, role=role, address=address, by=actor().id, now=app.clock(),
            language=language if language in app.definition.languages else reader().language,
        )  # fmt: skip
        audit.note(conn, app, actor(), "wall.created", actor().id or 0, reason=name)
    return _page(f"{request.host_url.rstrip('/')}/wall/{secret}")


def _screen(text: str) -> str:
    """The wall look of a control tower of this site; raises Invalid for anything else."""
    parts = urlsplit(text.strip())
    same = parts.netloc in ("", request.host) and parts.scheme in ("", "http", "https")
    form = application().definition.forms.get(parts.path.strip("/")) if same else None
    pairs = [
        (key, value) for key, value in parse_qsl(parts.query)[:40] if key not in ("wall", "after", "before", "show")
    ]
    view = dict(pairs).get("view", "")
    shown = form.views.get(view) if form and view else next(iter(form.views.values())) if form else None
    if form is None or not isinstance(shown, TowerView):
        raise Invalid(message("Give the address of a control tower of this site."))
    return f"/{form.name}?{urlencode([*pairs, ('wall', '1')])}"


@blueprint.post("/admin/walls/<int:wall_id>/revoke")
def revoke(wall_id: int) -> Response:
    require_admin()
    app = application()
    if g.bearer:
        raise Denied(message("Only administrators may do this."))
    with app.database.write() as conn:
        if not walls.revoke(conn, app.tables, wall_id, app.clock()):
            raise Missing(NOT_THERE)
        audit.note(conn, app, actor(), "wall.revoked", actor().id or 0)
    toast(message("The screen goes dark."))
    return go("/admin/walls")
