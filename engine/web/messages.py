"""How I am reached outside the application, and trying it out; for administrators, how everybody is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import accounts, audit, formats
from engine.application import Application
from engine.errors import Denied, Invalid, Missing, Problem, message
from engine.people import inside
from engine.reach import KIND_LABELS, KINDS, Reach, Way
from engine.reaching import choices, sending, states
from engine.reaching.choices import MODES, Mode, Person
from engine.reaching.quiet import read_time
from engine.reaching.states import Delivery
from engine.web.auth import require_admin
from engine.web.context import actor, application, reader
from engine.web.failures import said
from engine.web.render import go, label, render, toast

blueprint = Blueprint("messages", __name__)

PAGE = 60
LATELY = 40  # notices of one person that administrators look at
NOT_HERE = message("There is nothing here, or nothing you may see.")
MODE_LABELS: Mapping[Mode, Any] = {
    "at_once": message("At once"), "digest": message("Daily digest"), "never": message("Not at all"),
}  # fmt: skip
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>]|^@?(all|everyone|所有人|全体成员)$", re.IGNORECASE)  # nobody calls everybody


@blueprint.before_request
def only_in_browsers() -> None:
    if g.bearer:
        raise Denied(message("An API token cannot change an account."))


def _reach() -> Reach:
    reach = application().definition.reach
    if reach is None:
        raise Missing(NOT_HERE)
    return reach


# --- what is shown


@dataclass(frozen=True)
class ShownWay:
    """A way as its person sees it. ``usual``: what the account says; ``own``: what they said themselves."""

    name: str
    label: str
    mail: bool
    alone: bool
    usual: str
    own: str
    reached: bool
    asks: str  # what is to be written down for it
    tried: str = ""
    trying: bool = False
    failed: bool = False


@dataclass(frozen=True)
class ShownKind:
    """A kind with what is chosen for each way, in the order of the ways."""

    name: str
    label: str
    locked: bool
    urgent: bool
    modes: tuple[Mode, ...]
    note: str = ""


def shown_moment(moment: dt.datetime) -> str:
    """A moment as short as it can be: today only its time."""
    who, now = reader(), application().clock()
    local, today = moment.astimezone(who.zone), now.astimezone(who.zone).date()
    return f"{local:%H:%M}" if local.date() == today else formats.moment(moment, who)


def deliveries(conn: sa.Connection, ids: list[int]) -> dict[int, tuple[tuple[str, str], ...]]:
    """notice → (state, in words) of each way it goes out on."""
    found = states.of_notices(application(), conn, ids)
    return {id: tuple(drawn(one) for one in several) for id, several in found.items()}


def drawn(one: Delivery) -> tuple[str, str]:
    return one.state, said(one.said(shown_moment))


def _person(app: Application, conn: sa.Connection, user_id: int) -> Person:
    found = choices.people_of(app, conn, [user_id]).get(user_id)
    if found is None:
        raise Missing(NOT_HERE)
    return found


def _ways(app: Application, conn: sa.Connection, reach: Reach, person: Person) -> tuple[ShownWay, ...]:
    table, ids = app.tables.message, list(person.tried.values())
    tried = {row.id: row for row in conn.execute(sa.select(table).where(table.c.id.in_(ids)))} if ids else {}
    return tuple(_way(app, way, person, tried.get(person.tried.get(way.stable_id, 0))) for way in reach.ways.values())


def _way(app: Application, way: Way, person: Person, row: Any) -> ShownWay:
    last = states.of_message(way.label or way.name, row) if row is not None else None
    mail = choices.is_mail(choices.connection_of(app, way))
    asks = message("E-mail of the account") if mail else message("What you are called there") if way.person == "login" \
        else message("Mobile number, or what you are called there")  # fmt: skip
    return ShownWay(
        way.stable_id, label(way), mail, way.alone, choices.usual_address(app, way, person),
        person.addresses.get(way.stable_id, ""), choices.has(app, way, person), said(asks),
        drawn(last)[1] if last is not None else "", last is not None and last.state in ("waiting", "sending", "again"),
        last is not None and last.state in ("failed", "unsure", "again"),
    )  # fmt: skip


def _kinds(reach: Reach, person: Person) -> tuple[ShownKind, ...]:
    return tuple(_kind(reach, kind, person) for kind in KINDS if kind != "responsible" or reach.responsible is not None)


def _kind(reach: Reach, kind: Any, person: Person) -> ShownKind:
    declared = reach.of(kind)
    locked, urgent = declared is not None and declared.locked, declared is not None and declared.urgent
    modes = tuple(choices.mode_of(reach, kind, way, person) for way in reach.ways.values())
    return ShownKind(kind, said(KIND_LABELS[kind]), locked, urgent, modes)


# --- my own


@blueprint.get("/me/messages")
def mine() -> str:
    return _page({}, "")


def _page(typed: Mapping[str, str], problem: str) -> str:
    app, reach = application(), _reach()
    with app.database.read() as conn:
        person = _person(app, conn, actor().id or 0)
        ways = _ways(app, conn, reach, person)
    own, usual = person.quiet, reach.quiet
    until = person.paused_until if person.paused_until and person.paused_until > app.clock() else None
    last_day = (until.astimezone(reader().zone) - dt.timedelta(seconds=1)).date().isoformat() if until else ""
    return render(
        "me/messages.html", ways=ways, kinds=_kinds(reach, person), modes=MODE_LABELS, problem=problem, typed=typed,
        quiet="usual" if own is None else "own" if own else "none", usual=usual,
        hours=own or {"from": usual.from_ if usual else "20:00", "to": usual.to if usual else "07:00",
                      "days_off": bool(usual and usual.days_off)},
        digest_at=person.digest_at or reach.digest_at, paused=last_day, zone=reader().timezone,
        linked=bool(app.sources.address),
    )  # fmt: skip


@blueprint.post("/me/messages")
def choose() -> Response | tuple[str, int]:
    app, reach, form = application(), _reach(), request.form
    try:
        values = {
            "choices": _chosen(reach, form), "addresses": _addresses(app, reach, form), "quiet": _quiet(form),
            "digest_at": _time(form.get("digest_at", ""), "digest_at"), "paused_until": _paused(form.get("paused", "")),
        }  # fmt: skip
    except Invalid as invalid:
        return _page(form, said(invalid.reason)), 422
    with app.database.write() as conn:
        choices.keep(app, conn, actor().id or 0, **values)
        audit.note(conn, app, actor(), "user.messages", actor().id or 0)
    toast(message("Saved."))
    return go("/me/messages")


def _chosen(reach: Reach, form: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Only what differs from what is usual, so that the usual goes on holding for the rest."""
    found: dict[str, dict[str, str]] = {}
    for kind in KINDS:
        declared = reach.of(kind)
        for way in reach.ways.values() if declared is None or not declared.locked else ():
            mode = form.get(f"{kind}.{way.stable_id}", "")
            if mode in MODES and mode != choices.usual_mode(reach, kind, way):
                found.setdefault(kind, {})[way.stable_id] = mode
    return found


def _addresses(app: Application, reach: Reach, form: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for way in reach.ways.values():
        text = form.get(f"address.{way.stable_id}", "").strip()
        if choices.is_mail(choices.connection_of(app, way)) or not text:
            continue
        if len(text) > choices.LONGEST_ADDRESS or _UNFIT.search(text):
            _refuse(f"address.{way.stable_id}", message("{way}: this is nobody's name.", way=way.label or way.name))
        found[way.stable_id] = text
    return found


def _quiet(form: Mapping[str, str]) -> dict[str, Any] | None:
    if form.get("quiet") == "none":
        return {}
    if form.get("quiet") != "own":
        return None
    begin, end = _time(form.get("from", ""), "from"), _time(form.get("to", ""), "to")
    if begin == end:
        _refuse("to", message("Quiet hours end at another time than they begin."))
    return {"from": begin, "to": end, "days_off": "days_off" in form}


def _time(text: str, where: str) -> str:
    try:
        return f"{read_time(text[:5]):%H:%M}"
    except ValueError:
        _refuse(where, message("Write a time such as 08:00."))
        raise AssertionError from None


def _paused(text: str) -> dt.datetime | None:
    """The midnight after a day on the reader's clock."""
    if not text.strip():
        return None
    try:
        day = dt.date.fromisoformat(text.strip()) + dt.timedelta(days=1)
        until = dt.datetime.combine(day, dt.time(), reader().zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        _refuse("paused", message("Write a day such as 2026-05-01."))
        raise AssertionError from None
    if until > application().clock() + dt.timedelta(days=366):
        _refuse("paused", message("A pause lasts a year at most."))
    return until


def _refuse(where: str, reason: Any) -> None:
    raise Invalid(reason, [Problem(where, reason)])


@blueprint.post("/me/messages/try")
def try_out() -> Response:
    """Send myself a message on one way."""
    app, reach, wanted = application(), _reach(), request.form.get("way", "")
    way = next((one for one in reach.ways.values() if one.stable_id == wanted), None)
    if way is None:
        raise Missing(NOT_HERE)
    with app.database.write() as conn:
        sending.try_out(app, conn, actor().id or 0, way)
    return go(f"/me/messages#way-{way.stable_id}")


@blueprint.get("/me/messages/tried/<way>")
def tried(way: str) -> str:
    """How trying a way went, asked for while it is under way."""
    app, reach = application(), _reach()
    with app.database.read() as conn:
        person = _person(app, conn, actor().id or 0)
        found = next((one for one in _ways(app, conn, reach, person) if one.name == way), None)
    if found is None:
        raise Missing(NOT_HERE)
    return render("me/message_tried.html", way=found, layout="fragment.html")


# --- everybody's, for administrators


@blueprint.get("/admin/messages")
def everybody() -> str:
    """Who is reached how: by name, a page at a time."""
    require_admin()
    app, reach, after = application(), _reach(), request.args.get("after", "")
    user = app.tables.user
    query = sa.select(user.c.id).where(user.c.active, inside(app.tables)).order_by(user.c.login).limit(PAGE + 1)
    with app.database.read() as conn:
        ids = list(conn.scalars(query.where(user.c.login > after) if after else query))
        people = choices.people_of(app, conn, ids[:PAGE])
    rows = [_row(app, reach, people[id]) for id in ids[:PAGE] if id in people]
    return render(
        "admin/messages.html", rows=rows, ways=[(one.stable_id, label(one)) for one in reach.ways.values()],
        kinds=[(one.name, one.label, one.locked) for one in _kinds(reach, Person(0, "", ""))],
        following=rows[-1]["login"] if len(ids) > PAGE and rows else None, linked=bool(app.sources.address),
    )  # fmt: skip


def _row(app: Application, reach: Reach, person: Person) -> dict[str, Any]:
    def outcome(kind: str) -> list[tuple[str, str]]:
        return [(said(MODE_LABELS[mode]), label(way)) for way, mode in choices.ways_of(app, reach, kind, person)
                if choices.has(app, way, person)]  # fmt: skip

    ways = [choices.address_of(app, way, person) for way in reach.ways.values()]
    reached = [choices.has(app, way, person) for way in reach.ways.values()]
    kinds = [outcome(one.name) for one in _kinds(reach, person)]
    missed = any(one.locked and not found for one, found in zip(_kinds(reach, person), kinds, strict=True))
    return {"id": person.id, "name": person.name, "login": person.login, "ways": list(zip(ways, reached, strict=True)),
            "kinds": kinds, "missed": missed,
            "paused": bool(person.paused_until and person.paused_until > app.clock())}  # fmt: skip


@blueprint.get("/admin/messages/<int:user_id>")
def of_somebody(user_id: int) -> str:
    """How what somebody was told lately went out. What it said is theirs."""
    require_admin()
    app = application()
    _reach()
    notice = app.tables.notification
    query = sa.select(notice.c.id, notice.c.kind, notice.c.at, notice.c.read_at, notice.c.form, notice.c.record_id)
    with app.database.read() as conn:
        user = accounts.find_inside(conn, app.tables, user_id)
        lately = query.where(notice.c.user_id == user_id).order_by(notice.c.id.desc()).limit(LATELY)
        rows = conn.execute(lately).all()
        out = deliveries(conn, [row.id for row in rows])
    told = [
        {"kind": said(KIND_LABELS[row.kind]), "at": shown_moment(row.at), "out": out.get(row.id, ()),
         "read": shown_moment(row.read_at) if row.read_at else "",
         "about": f"/{row.form}/{row.record_id}" if row.form in app.definition.forms and row.record_id else "",
         "form": label(app.definition.forms[row.form]) if row.form in app.definition.forms else ""}
        for row in rows
    ]  # fmt: skip
    return render("admin/messages_of.html", user=user, told=told)
