"""The way to where definitions are changed: the designer, where it is installed."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from engine.errors import Missing, message
from engine.publishing import changes
from engine.storage.migrate import source_of
from engine.web.auth import require_admin
from engine.web.context import actor, application
from engine.web.render import go

blueprint = Blueprint("publishing", __name__, url_prefix="/admin/definition")
blueprint.before_request(require_admin)
DESIGNER = "/designer"


@blueprint.get("")
def show() -> Response:
    return go(designer())


def designer() -> str:
    """Its address. Raises Missing where it is not installed."""
    if any(address == DESIGNER for address, *_rest in application().registry.places):
        return DESIGNER
    raise Missing(message("The designer is not installed here; the definition is changed in its file."))


def text_in_force() -> str:
    """As it was applied. Raises Missing when nobody kept it."""
    app = application()
    with app.database.read() as conn:
        kept = source_of(conn, app.definition.hash)
    if kept is None:
        raise Missing(message("The text of the definition is not kept; change it by hand."))
    return kept


def drafted(title: str, text: str) -> Response:
    """To the designer with a draft of a text that was made from the one in force. Raises Missing."""
    app, home, base = application(), designer(), text_in_force()
    with app.database.write() as conn:
        draft = changes.begin(
            conn, app.tables, title=title, base=app.definition.hash, base_text=base, text=text, by=actor().id,
            now=app.clock(),
        )  # fmt: skip
    return go(f"{home}/{draft.id}/difference")
