"""How the installation fares, for administrators: what is slow, who is signed in, what takes the room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import accounts, audit, formats, pace, sessions
from engine.errors import Invalid, message
from engine.pace import Tally
from engine.storage import sizes
from engine.storage.pace import HOURS_KEPT
from engine.web.auth import require_admin
from engine.web.context import actor, application, reader, settings
from engine.web.me import browser_of, shown_times
from engine.web.numbers import number
from engine.web.render import go, label_in, render, toast

blueprint = Blueprint("operations", __name__, url_prefix="/admin")
blueprint.before_request(require_admin)

SPANS = (1, 6, 24, HOURS_KEPT)  # hours
MOST_SHOWN = 30
MOST_SESSIONS = 300


# --- what is slow


@dataclass(frozen=True)
class Line:
    """One route, statement or kind of delivery, and what of it took how long."""

    name: str
    tally: Tally


@blueprint.get("/slow")
def slow() -> str:
    hours = request.args.get("hours", 24, type=number)
    found = pace.lately(application(), hours if hours in SPANS else 24)
    kinds = {kind: _slowest(found, kind) for kind in ("route", "statement", "work")}
    return render("admin/slow.html", kinds=kinds, hours=hours, spans=SPANS, took=_took, **shown_times())


def _slowest(found: dict[tuple[str, str], Tally], kind: str) -> list[Line]:
    """What took most time in all comes first: a page that is a little slow and opened all day costs more than one that
    is very slow once."""
    lines = [Line(name, tally) for (each, name), tally in found.items() if each == kind]
    return sorted(lines, key=lambda line: -line.tally.total)[:MOST_SHOWN]


def _took(milliseconds: float) -> str:
    """12 ms, 1.4 s, 2 min."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


# --- who is signed in


@blueprint.get("/sessions")
def signed_in() -> str:
    app, now = application(), application().clock()
    idle = dt.timedelta(minutes=settings().idle_minutes)
    with app.database.read() as conn:
        living = sessions.everybodys(conn, app.tables, now, idle, MOST_SESSIONS)
        count, people = sessions.count_alive(conn, app.tables, now, idle)
    return render(
        "admin/sessions.html", living=living, count=count, people=people, browser_of=browser_of,
        current=sessions.digest(g.session_secret), idle=settings().idle_minutes, **shown_times(),
    )  # fmt: skip


@blueprint.post("/sessions/end")
def end_session() -> Response:
    """End one session, named by its person and the beginning of its hash."""
    app, mark, user_id = application(), request.form.get("mark", ""), request.form.get("user", 0, type=number)
    if len(mark) != 16:
        raise Invalid(message("There is no such session."))
    with app.database.write() as conn:
        person = accounts.find_user(conn, app.tables, id=user_id)
        ended = sessions.close_sessions(conn, app.tables, user_id, mark=mark)
        audit.note(conn, app, actor(), "user.sessions_ended", user_id)
    toast(message("{name} is signed out there.", name=person.name) if ended else message("It was over already."))
    return go("/admin/sessions")


# --- what takes the room


@blueprint.get("/storage")
def storage() -> str:
    app = application()
    with app.database.read() as conn:
        whole = sizes.of_database(conn)
        files = sizes.of_files(conn, app.tables, app.files.folder)
    return render(
        "admin/storage.html", whole=whole, files=files, size=_size, table_label=_table_label(),
        dialect=app.database.dialect,
    )  # fmt: skip


def _size(count: int | None) -> str:
    if count is None:
        return "–"
    return formats.size(count) if count < 1024**3 else f"{count / 1024**3:.1f} GB"


def _table_label() -> Callable[[str], str]:
    """The form whose records a table holds, in the reader's language; "" for the tables of every application."""
    app, language = application(), reader().language
    forms = {table.name: app.definition.forms[name] for name, table in app.tables.form.items()}
    return lambda name: label_in(forms[name], language) if name in forms else ""
