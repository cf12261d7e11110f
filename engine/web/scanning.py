"""Reading codes in the browser: the pages that may, and the one that looks for a record from anywhere."""

from __future__ import annotations

from flask import Blueprint, Response

from engine.web.render import render
from engine.web.security import CSP

blueprint = Blueprint("scanning", __name__)

# The reader is WebAssembly where the browser brings none; nothing else may be compiled, and no text ever is a script.
READER_CSP = CSP.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'") + "; media-src 'self' blob:"


def allow_reader(answer: Response) -> Response:
    if answer.mimetype == "text/html":
        answer.headers["Content-Security-Policy"] = READER_CSP
    return answer


@blueprint.get("/scan")
def scan() -> Response:
    """Scan something, whatever it is: its record is opened."""
    return allow_reader(Response(render("tasks/scan.html"), content_type="text/html; charset=utf-8"))


@blueprint.get("/scan/dialog")
def dialog() -> str:
    """The camera over the whole screen, for a page that has codes to fill in."""
    return render("tasks/scanner.html")
