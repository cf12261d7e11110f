"""Who stands in for me while I am away; administrators say it for others."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import accounts, formats
from engine.approvals import deeds, delegating
from engine.errors import Invalid, Missing, message
from engine.web.approvals import offered, person_named
from engine.web.context import actor, application, reader
from engine.web.failures import said
from engine.web.numbers import number
from engine.web.render import go, label, render, toast

blueprint = Blueprint("standing_in", __name__)


@blueprint.get("/me/standing_in")
def mine() -> str:
    return _page(actor().id or 0)


@blueprint.get("/admin/users/<int:user_id>/standing_in")
def of_somebody(user_id: int) -> str:
    _demand(user_id)
    return _page(user_id)


def _demand(user_id: int) -> None:
    if user_id != actor().id and (not g.is_admin or g.view_as):
        raise Missing(message("There is nothing here, or nothing you may see."))


def _page(user_id: int, typed: dict[str, str] | None = None, problem: str = "") -> str:
    app, who = application(), reader()
    with app.database.read() as conn:
        user = accounts.find_user(conn, app.tables, id=user_id)
        now = app.clock()
        delegations = delegating.delegations_of(conn, app.tables, now, user_id=user_id)
        others = delegating.delegations_of(conn, app.tables, now, to_id=user_id)
        people = offered(conn)
    today = now.astimezone(who.zone).date()
    given = typed or {"from": today.isoformat(), "until": (today + dt.timedelta(days=7)).isoformat()}
    forms = [(name, label(form)) for name, form in app.definition.forms.items() if name in app.plans.approving]
    return render(
        "me/standing_in.html", user=user, delegations=delegations, others=others, people=people, typed=given,
        problem=problem, forms=forms, own=user_id == actor().id, now=now, at=_address(user_id),
        exact=lambda moment: formats.moment(moment, who),
        form_label=lambda name: label(app.definition.forms[name]) if name in app.definition.forms else name,
    )  # fmt: skip


def _address(user_id: int) -> str:
    return "/me/standing_in" if user_id == actor().id else f"/admin/users/{user_id}/standing_in"


@blueprint.post("/me/standing_in")
def set_mine() -> Response | tuple[str, int]:
    return _set(actor().id or 0)


@blueprint.post("/admin/users/<int:user_id>/standing_in")
def set_somebodys(user_id: int) -> Response | tuple[str, int]:
    _demand(user_id)
    return _set(user_id)


def _set(user_id: int) -> Response | tuple[str, int]:
    app, form = application(), request.form
    try:
        with app.database.write() as conn:
            wanted = delegating.Wanted(
                user_id=user_id, to_id=person_named(conn, form.get("person", "")), from_at=_day(form.get("from")),
                until_at=_day(form.get("until"), end=True), forms=tuple(form.getlist("forms")),
                reason=form.get("reason", "").strip()[:500] or None,
            )  # fmt: skip
            delegating.delegate(app, conn, actor(), wanted)
    except Invalid as invalid:
        return _page(user_id, dict(form.items()), said(invalid.reason)), 422
    toast(message("Saved."))
    _take_over(wanted)
    return go(_address(user_id))


def _take_over(wanted: delegating.Wanted) -> None:
    """What waits already goes over too, where it is asked for and the time has begun."""
    app = application()
    begun = wanted.from_at is not None and wanted.from_at <= app.clock()
    if not begun or not request.form.get("waiting") or wanted.to_id is None:
        return
    count = deeds.delegate_waiting(app, actor(), wanted.user_id, wanted.to_id, tuple(wanted.forms))
    if count:
        toast(message("Handed over as well: {count}", count=count))


def _day(text: str | None, *, end: bool = False) -> dt.datetime | None:
    """Midnight of a day on the reader's clock; with ``end`` the midnight after it."""
    try:
        day = dt.date.fromisoformat(text or "")
    except ValueError:
        return None
    return dt.datetime.combine(day + dt.timedelta(days=int(end)), dt.time(), reader().zone).astimezone(dt.UTC)


@blueprint.post("/me/standing_in/<int:delegation_id>/end")
def end(delegation_id: int) -> Response:
    app = application()
    with app.database.write() as conn:
        delegating.end(app, conn, actor(), delegation_id)
    toast(message("It is over from now on."))
    return go(_address(request.form.get("user", 0, type=number) or actor().id or 0))
