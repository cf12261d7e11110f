"""One feed: how it stands, where it is told, what arrived and what became of it; and what is done about that."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import audit
from engine.errors import Invalid, Message, Missing, Problem, message
from engine.feeding import filling, finding, replaying, rows
from engine.feeding.finding import ArrivalLine, Search
from engine.feeding.knowing import called, reading_of
from engine.feeding.standing import FillLine
from engine.feeds import Feed
from engine.web.automation.feedlines import Standing, feeds_tag, standings
from engine.web.automation.frame import ROOT, further, polled, show, words_of
from engine.web.automation.telling import Telling, masked
from engine.web.automation.wanted import titles_for
from engine.web.automation.words import Badge
from engine.web.context import actor, application, reader
from engine.web.numbers import whole
from engine.web.render import go, toast

blueprint = Blueprint("feeds", __name__, url_prefix="/feeds")
PAGE = 50
SEVERAL = 1000  # that are taken again at once
LONGEST_KEY = 100
NO_ARRIVAL = message("There is no such arrival.")

STATES: Mapping[str, Badge] = {
    "waiting": Badge(message("waiting"), "accent", "hourglass"),
    "parked": Badge(message("parked"), "warn", "player-pause"),
    "failed": Badge(message("failed"), "bad", "alert-circle"),
    "taken": Badge(message("taken"), "good", "circle-check"),
    "skipped": Badge(message("left out"), "", "ban"),
}
HOW = {
    "pulled": message("looked for"), "pushed": message("told by webhook"), "filed": message("from a file"),
    "replayed": message("brought again"),
}  # fmt: skip


@dataclass(frozen=True)
class Arrived:
    """An arrival as people read it. ``record_href`` empty where the reader may not see the record."""

    line: ArrivalLine
    badge: Badge
    connection: str
    how: str
    reason: str
    record: str
    record_href: str
    href: str

    @property
    def again(self) -> bool:
        return self.line.state in replaying.AGAIN and not self.line.is_cleared


@dataclass(frozen=True)
class Address:
    """Where a connection tells the feed something by webhook."""

    connection: str
    label: str
    url: str


@dataclass(frozen=True)
class Filling:
    """A back-fill under way, once for all its connections."""

    fill: FillLine
    connections: str


def feed_named(name: str) -> Feed:
    feed = application().definition.feeds.get(name)
    if feed is None:
        raise Missing(message("There is no feed {name}.", name=name[:80]))
    return feed


def at_of(feed: Feed) -> str:
    return f"{ROOT}/feeds/{feed.name}"


def search_of_request(feed: Feed) -> Search:
    args = request.args
    state, connection = args.get("state"), args.get("connection")
    return Search(
        state if state in finding.STATES else None, connection if connection in feed.from_ else None,
        args.get("key", "").strip()[:LONGEST_KEY], whole(args.get("before")),
    )  # fmt: skip


@blueprint.get("/<name>")
def index(name: str) -> str:
    feed = feed_named(name)
    app, search, words = application(), search_of_request(feed), words_of()
    with app.database.read() as conn:
        lines = standings(conn, feed)
        found = finding.arrivals(app, conn, feed, search, PAGE + 1)
        told = arrived(conn, feed, found[:PAGE])
    more = len(found) > PAGE
    older = further(before=found[PAGE - 1].id) if more and not search.key else ""
    return show(
        "feed", "connections", feed=feed, called=called(feed, reader().language), lines=lines, told=told, older=older,
        more=more, search=search, states=STATES, fillings=fillings(lines), addresses=addresses_of(feed),
        form=words.form_label(feed.form), every=words.length(feed.every), waits=words.length(feed.waits),
        spanned=spanned(feed), pulled=any(one.line.reading.pulled for one in lines), further=further, at=at_of(feed),
        ptag="",
    )  # fmt: skip


@blueprint.get("/<name>/standing")
def standing(name: str) -> Response:
    """How it stands alone, again and again."""
    feed = feed_named(name)
    with application().database.read() as conn:
        lines = standings(conn, feed)
    minute = application().clock().replace(second=0, microsecond=0)
    return polled("feed_standing", "connections", (feeds_tag(lines), minute), feed=feed, lines=lines,
                  fillings=fillings(lines), at=at_of(feed))  # fmt: skip


def addresses_of(feed: Feed) -> list[Address]:
    found = []
    for name in feed.from_:
        connection = application().definition.connections[name]
        offered = reading_of(connection, feed)
        if offered is not None and offered.pushed:
            url = f"{request.host_url}feeds/{feed.name}/{name}"
            found.append(Address(name, words_of().connection_label(name), url))
    return found


def spanned(feed: Feed) -> list[tuple[str, str]]:
    """The connections that can be asked for a span of time, with their labels."""
    known = application().definition.connections
    offered = [(name, reading_of(known[name], feed)) for name in feed.from_]
    return [(name, words_of().connection_label(name)) for name, one in offered if one and one.pulled and one.spans]


def fillings(lines: Sequence[Standing]) -> list[Filling]:
    found: dict[int, tuple[FillLine, list[str]]] = {}
    for one in lines:
        for fill in one.line.fills:
            found.setdefault(fill.job, (fill, []))[1].append(one.connection_label)
    return [Filling(fill, words_of().listed(names)) for fill, names in found.values()]


def arrived(conn: sa.Connection, feed: Feed, lines: Sequence[ArrivalLine]) -> list[Arrived]:
    telling = Telling(conn, words_of())
    telling.know(titles_for([{"form": line.form, "record_id": line.record_id} for line in lines]))
    return [_arrived(telling, feed, line) for line in lines]


def _arrived(telling: Telling, feed: Feed, line: ArrivalLine) -> Arrived:
    record, href = telling.record(line.form, line.record_id)
    how = telling.words.say(HOW[line.how]) if line.how in HOW else line.how
    label = telling.words.connection_label(line.connection)
    return Arrived(line, STATES[line.state], label, how, masked(line.reason), record, href,
                   f"{at_of(feed)}/arrivals/{line.id}")  # fmt: skip


# --- one arrival -----------------------------------------------------------------------------------------------------


@blueprint.get("/<name>/arrivals/<int:arrival_id>")
def arrival(name: str, arrival_id: int) -> str:
    """With its data; a page, or the inner part of a line of the list."""
    feed = feed_named(name)
    with application().database.read() as conn:
        one, data = _one(conn, feed, arrival_id)
    inner = request.args.get("part") is not None
    return show("arrival_facts" if inner else "arrival", "connections", feed=feed, one=one, inner=inner,
                called=called(feed, reader().language), data=written(data) if data is not None else "")  # fmt: skip


def _one(conn: sa.Connection, feed: Feed, id: int) -> tuple[Arrived, Mapping[str, Any] | None]:
    found = finding.one(application(), conn, feed, id)
    if found is None:
        raise Missing(NO_ARRIVAL)
    return arrived(conn, feed, [found[0]])[0], found[1]


def written(data: Any) -> str:
    return masked(json.dumps(data, ensure_ascii=False, indent=2))


@blueprint.get("/<name>/of/<int:event_id>")
def of_event(name: str, event_id: int) -> Response:
    """From the history of a record to what arrived."""
    feed, app = feed_named(name), application()
    event = app.tables.event
    with app.database.read() as conn:
        found = conn.execute(sa.select(event.c.form, event.c.record_id).where(event.c.id == event_id)).first()
        several = finding.of_record(app, conn, found.form, found.record_id) if found is not None else []
    for one in several:
        if one.event_id == event_id:
            return go(f"{at_of(feed)}/arrivals/{one.id}")
    raise Missing(NO_ARRIVAL)


# --- what is done ----------------------------------------------------------------------------------------------------


@blueprint.post("/<name>/look")
def look(name: str) -> Response:
    feed, app = feed_named(name), application()
    rows.now_due(app, feed, list(feed.from_))
    noted("feed.looked", feed)
    toast(message("It looks in a moment."))
    return go(at_of(feed))


@blueprint.post("/<name>/fill")
def fill(name: str) -> Response:
    """``since`` and ``until`` on the reader's clock; ``connection`` empty: all that can be asked."""
    feed = feed_named(name)
    since, until = _moment("since"), _moment("until")
    if since is None:
        raise Invalid(NO_SINCE, [Problem("since", NO_SINCE)])
    chosen = request.form.get("connection", "")
    several = [chosen] if chosen else [one for one, _label in spanned(feed)]
    job = filling.begin(application(), feed, since, until, several, actor())
    noted("feed.filled", feed, {"since": [None, since.isoformat()], "until": [None, until and until.isoformat()]}, job)
    toast(message("The back-fill begins in a moment."))
    return go(at_of(feed))


NO_SINCE = message("Say since when.")


def _moment(name: str) -> dt.datetime | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        reason = message("{text} is not a date.", text=text[:20])
        raise Invalid(reason, [Problem(name, reason)]) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=reader().zone)).astimezone(dt.UTC)


@blueprint.post("/<name>/fill/<int:job_id>/cancel")
def cancel(name: str, job_id: int) -> Response:
    feed = feed_named(name)
    if filling.cancel(application(), job_id):
        noted("feed.fill_cancelled", feed, None, job_id)
        toast(message("It stops after what it is reading."), "info")
    return go(at_of(feed))


@blueprint.post("/<name>/arrivals/<int:arrival_id>/replay")
def replay(name: str, arrival_id: int) -> Response:
    feed = feed_named(name)
    with application().database.read() as conn:
        _one(conn, feed, arrival_id)
    _again(feed, [arrival_id])
    return go(f"{at_of(feed)}/arrivals/{arrival_id}")


@blueprint.post("/<name>/replay")
def replay_all(name: str) -> Response:
    """All that failed, or all that wait for something; the oldest ``SEVERAL`` of them."""
    feed = feed_named(name)
    state = "parked" if request.form.get("state") == "parked" else "failed"
    ids = replaying.chosen(application(), feed, states=(state,), limit=SEVERAL)
    _again(feed, ids)
    return go(at_of(feed))


def _again(feed: Feed, ids: Sequence[int]) -> None:
    done = replaying.replay(application(), ids)
    if done:
        noted("feed.replayed", feed, {"count": [None, done]}, ids[0] if len(ids) == 1 else 0)
    toast(taken_again(done), "success" if done else "info")


def taken_again(done: int) -> Message:
    if done == 1:
        return message("It is taken again in a moment.")
    return message("{count} are taken again in a moment.", count=done) if done else message("There is nothing to take.")


def noted(kind: str, feed: Feed, changes: Mapping[str, Any] | None = None, id: int = 0) -> None:
    app = application()
    with app.database.write() as conn:
        audit.note(conn, app, actor(), kind, id, form=audit.WHOLE, changes=changes, reason=feed.name)
