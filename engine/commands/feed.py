"""``appmill feed list|pull|replay|backfill``: what feeds read, by hand."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from engine.application import Application
from engine.commands.run import application_arguments, opened
from engine.demo import padded
from engine.errors import Refused, message
from engine.feeding import filling, knowing, looking, replaying, rows, standing
from engine.feeds import Feed
from engine.jobs import delivering
from engine.jobs.desk import Desk

VERBS = {
    "list": "List feeds with each of their connections: the last look, what waits, what failed.",
    "pull": "Look for what is new now, whatever failed before.",
    "replay": "Take arrivals again, after the mapping was mended.",
    "backfill": "Read what changed in a span of time, beside what the feed goes on to read.",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, text in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        application_arguments(verb)
        if name != "list":
            verb.add_argument("feed", metavar="FEED", help="the name of the feed")
        if name in ("pull", "backfill"):
            verb.add_argument("--connection", metavar="NAME", help="of this connection only")
        if name == "replay":
            verb.add_argument("--failed", action="store_true", help="what failed (default without --key and --since)")
            verb.add_argument("--key", metavar="KEY", help="every version of this thing")
            verb.add_argument("--since", metavar="TIME", help="what arrived since then, such as 2026-03-01")
        if name == "backfill":
            verb.add_argument("--since", metavar="TIME", required=True, help="such as 2026-03-01 or 2026-03-01T08:00")
            verb.add_argument("--until", metavar="TIME", help="(default: now)")


def run(options: argparse.Namespace) -> int:
    app = opened(options)
    try:
        if options.verb == "list":
            return _list(app)
        feed = knowing.named(app, options.feed)
        return {"pull": _pull, "replay": _replay, "backfill": _backfill}[options.verb](app, feed, options)
    finally:
        app.database.close()


def _list(app: Application) -> int:
    for line in standing.standing(app):
        counts = (f"{count} {name}" for name, count in _counts(line) if count)
        ok = line.last_ok.astimezone(ZoneInfo(app.definition.timezone)) if line.last_ok else None
        looked = ok.strftime("%Y-%m-%d %H:%M") if ok else "–"
        print(f"{padded(line.feed.name, 20)} {padded(line.connection.name, 20)} {looked}  {', '.join(counts)}".rstrip())
        if line.error:
            print(f"    {line.error}")
        for fill in line.fills:
            print(f"    back-fill {fill.job}: {fill.items} things so far")
    return 0


def _counts(line: standing.FeedLine) -> Iterable[tuple[str, int]]:
    return (("waiting", line.waiting), ("parked", line.parked), ("failed", line.failed))


def _pull(app: Application, feed: Feed, options: argparse.Namespace) -> int:
    before = _arrivals(app, feed)
    rows.now_due(app, feed, [options.connection] if options.connection else feed.from_)
    looking.collect(app, only=feed)
    print(f"{_arrivals(app, feed) - before} new")
    _take_here(app)
    return _told_of_errors(app, feed)


def _arrivals(app: Application, feed: Feed) -> int:
    return sum(line.arrivals for line in standing.standing(app) if line.feed is feed)


def _told_of_errors(app: Application, feed: Feed) -> int:
    errors = [line for line in standing.standing(app) if line.feed is feed and line.error]
    for line in errors:
        print(f"{line.connection.name}: {line.error}")
    return 1 if errors else 0


def _replay(app: Application, feed: Feed, options: argparse.Namespace) -> int:
    since = _moment(app, options.since) if options.since else None
    states = ("failed",) if options.failed or not (options.key or since) else replaying.AGAIN
    ids = replaying.chosen(app, feed, states=states, key=options.key, since=since)
    print(f"{replaying.replay(app, ids)} taken again")
    _take_here(app)
    return 0


def _backfill(app: Application, feed: Feed, options: argparse.Namespace) -> int:
    until = _moment(app, options.until) if options.until else None
    connections = [options.connection] if options.connection else []
    job = filling.begin(app, feed, _moment(app, options.since), until, connections)
    print(f"Back-fill {job} is under way; a server that runs goes on with it.")
    while rows.is_due(app, str(job)):
        looking.collect(app, only=feed)
    _take_here(app)
    if any(fill.job == job for line in standing.standing(app) for fill in line.fills):
        print("It stands still: it could not be read on just now, or a server is reading it.")
        return 1
    print("It is done.")
    return 0


def _take_here(app: Application) -> None:
    """Where no server runs that would, what arrived is taken here."""
    desk = Desk()
    while ids := rows.untaken(app):
        if not any(delivering.deliver(app, id, desk).state not in ("gone", "not_now") for id in ids):
            return


def _moment(app: Application, text: str) -> dt.datetime:
    """On the clock of the application where no zone is said."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refused(message("{text} is no date or moment such as 2026-03-01T08:00.", text=text)) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(app.definition.timezone))
