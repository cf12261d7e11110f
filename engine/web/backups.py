"""The backups there are, for administrators: when, how large, whether looked at, and what failed. It only shows."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint

from engine import formats
from engine.backups import ledger
from engine.web.auth import require_admin
from engine.web.context import application
from engine.web.me import shown_times
from engine.web.render import render

blueprint = Blueprint("backups", __name__)
TOO_LONG = dt.timedelta(days=2)


@blueprint.get("/admin/backups")
def show() -> str:
    require_admin()
    app = application()
    with app.database.read() as conn:
        found = ledger.latest(conn)
    last = next((one.at for one in found if one.error is None), None)
    late = last is None or app.clock() - last > TOO_LONG
    return render("admin/backups.html", backups=found, last=last, late=late, in_bytes=formats.size, **shown_times())
