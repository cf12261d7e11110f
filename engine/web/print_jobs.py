"""Many records printed as one file, in the background: how far it is, a way to stop, and the file at its end.

The file belongs to whoever asked, like an upload nobody has saved with a record, and is cleared away like one.
"""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint
from werkzeug.wrappers import Response

from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, Missing
from engine.paper.document import documents_of
from engine.paper.press import press
from engine.people import Actor
from engine.texts import say
from engine.web.context import actor, application, reader
from engine.web.render import go, render
from engine.web.seen import NOT_THERE, form_named
from engine.web.uploads import clean_name

blueprint = Blueprint("print_jobs", __name__)
KIND = "print"
MOST = 500  # records in one file
SECONDS = 300.0
QUIET = dt.timedelta(minutes=6)  # more than the making of the file takes
EVERY = 10  # records between two notes of how far it is


class Stopped(Exception):
    """Whoever asked does not want it any more."""


def start(app: Application, who: Actor, form: Form, wanted: str, ids: Sequence[int], back: str) -> int:
    """Begin; answers the job."""
    params = {"form": form.name, "print": wanted, "back": back, "heard_at": app.clock().isoformat()}
    with app.database.write() as conn:
        made = conn.execute(sa.insert(app.tables.job).values(
            kind=KIND, state="running", total=len(ids), params=params, user_id=who.id, created_at=app.clock(),
            started_at=app.clock()))  # fmt: skip
    job = int(made.inserted_primary_key[0])  # type: ignore[index]
    threading.Thread(
        target=work, args=(app, who, form.name, wanted, tuple(ids), job), name=f"print {job}", daemon=True
    ).start()
    return job


def work(app: Application, who: Actor, form: str, wanted: str, ids: Sequence[int], job: int) -> None:
    """Draw, print, keep the file; whatever goes wrong is noted with the job."""
    done: dict[str, Any] = {"state": "failed", "error": None}
    try:
        document = documents_of(app, who, form, ids, wanted, told=lambda count: _note(app, job, count))
        made = press().pdf(document.text, SECONDS)
        file = _keep(app, who, form, document.title if len(ids) == 1 else wanted, made.content)
        done = {"state": "done", "progress": len(ids), "result": {"file": file, "pages": made.pages}}
    except Stopped:
        done = {"state": "cancelled"}
    except AppmillError as error:
        done["result"] = {"reason": {language: say(error.reason, language) for language in ("zh", "en")}}
    except Exception as broken:  # a defect must not leave a job that runs for ever
        done["error"] = type(broken).__name__
        raise
    finally:
        with app.database.write() as conn:
            table = app.tables.job
            conn.execute(sa.update(table).where(table.c.id == job).values(finished_at=app.clock(), **done))


def _note(app: Application, job: int, count: int) -> None:
    if count % EVERY:
        return
    table = app.tables.job
    with app.database.write() as conn:
        params, cancel = conn.execute(sa.select(table.c.params, table.c.cancel).where(table.c.id == job)).one()
        heard = {**params, "heard_at": app.clock().isoformat()}
        conn.execute(sa.update(table).where(table.c.id == job).values(progress=count, params=heard))
    if cancel:
        raise Stopped


def _keep(app: Application, who: Actor, form: str, title: str, content: bytes) -> int:
    name = clean_name(f"{title}.pdf")
    stored = app.files.put(io.BytesIO(content), name=name)
    values = {
        "form": form, "record_id": None, "field": KIND, "sha256": stored.sha256, "name": name,
        "media_type": stored.media_type, "size": stored.size, "created_at": app.clock(), "created_by": who.id,
    }  # fmt: skip
    with app.database.write() as conn:
        key = conn.execute(sa.insert(app.tables.attachment).values(**values)).inserted_primary_key
    return int(key[0]) if key else 0


# --- over HTTP -------------------------------------------------------------------------------------------------------


def _own(form: Form, job: int) -> Mapping[str, Any]:
    app = application()
    table = app.tables.job
    with app.database.read() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == job, table.c.kind == KIND)).mappings().first()
    if row is None or row["user_id"] != actor().id or row["params"]["form"] != form.name:
        raise Missing(NOT_THERE)
    return dict(row)


@blueprint.get("/<form_name>/prints/jobs/<int:job>")
def show(form_name: str, job: int) -> Response:
    form = form_named(form_name)
    row = _own(form, job)
    reason = ((row["result"] or {}).get("reason") or {}).get(reader().language, "")
    silent = row["state"] == "running" and _silent(row)
    return Response(render("print_job.html", form=form, job=row, reason=reason, silent=silent))


def _silent(row: Mapping[str, Any]) -> bool:
    """It should be working, and nobody does: its process ended."""
    return bool(application().clock() - dt.datetime.fromisoformat(row["params"]["heard_at"]) > QUIET)


@blueprint.post("/<form_name>/prints/jobs/<int:job>/cancel")
def cancel(form_name: str, job: int) -> Response:
    form = form_named(form_name)
    _own(form, job)
    table = application().tables.job
    with application().database.write() as conn:
        conn.execute(sa.update(table).where(table.c.id == job).values(cancel=True))
    return go(f"/{form.name}/prints/jobs/{job}")
