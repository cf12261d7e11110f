"""``appmill simulate FILE``: what schedules, time-outs and dates will do, in a copy and in seconds."""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.commands.run import database_url, default_database

if TYPE_CHECKING:
    from engine.definition import AppDefinition
    from engine.timing.simulate import Story

SHOWN = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/tickets.yaml")
    parser.add_argument(
        "--database", metavar="URL", type=database_url,
        help="whose records are looked at, in a copy; sqlite:///file (default: var/<app>.db where it exists)",
    )  # fmt: skip
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a plugin")
    parser.add_argument("--from", dest="start", metavar="DATE", type=moment, help="the first day (default: now)")
    parser.add_argument("--to", dest="end", metavar="DATE", type=moment, help="the last day (default: a year later)")


def moment(text: str) -> dt.datetime:
    """A day or a moment on the application's clock, without its zone yet."""
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a day is written like 2026-12-31, not {text}") from None


def run(options: argparse.Namespace) -> int:
    from engine.extensions import registry_for
    from engine.load import load_file

    registry = registry_for(options.file, options.plugin)
    definition = load_file(options.file, registry).definition
    zone = ZoneInfo(definition.timezone)
    start = options.start.replace(tzinfo=zone) if options.start else dt.datetime.now(zone).replace(microsecond=0)
    end = options.end.replace(tzinfo=zone) if options.end else start + dt.timedelta(days=365)
    if end <= start:
        print(f"The end, {end:%Y-%m-%d %H:%M}, is not after the start, {start:%Y-%m-%d %H:%M}.")
        return 2
    with tempfile.TemporaryDirectory(prefix="appmill-simulate-") as folder:
        story = _story(options, registry, Path(folder), start.astimezone(dt.UTC), end.astimezone(dt.UTC))
    _print(definition, story, zone, start, end)
    return 0 if story.complete else 1


def _story(
    options: argparse.Namespace, registry: object, folder: Path, start: dt.datetime, end: dt.datetime
) -> Story:
    from engine.application import start as opened
    from engine.load import load_file
    from engine.registry import Registry
    from engine.storage.database import Database
    from engine.storage.files import FileStore
    from engine.timing.simulate import Hands, copied, simulate

    assert isinstance(registry, Registry)
    source, copy = _source(options), folder / "copy.db"
    if source is not None:
        copied(source, copy)
    database = Database(f"sqlite:///{copy}", synchronous="OFF")
    hands = Hands(start)
    loaded = load_file(options.file, registry)
    try:
        app = opened(loaded, database, registry=registry, files=FileStore(folder / "files"), clock=hands)
        return simulate(replace(app, clock=hands), hands, end)
    finally:
        database.close()


def _source(options: argparse.Namespace) -> Path | None:
    """The SQLite file whose records are looked at; None: schedules alone."""
    url = options.database or default_database(options.file)
    path = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    if path is not None and path.exists():
        return path
    if options.database:
        print(f"Without records: {'there is no ' + str(path) if path else 'only SQLite databases are copied'}.")
    return None


def _print(
    definition: AppDefinition, story: Story, zone: ZoneInfo, start: dt.datetime, end: dt.datetime
) -> None:
    print(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({definition.timezone})\n")
    acted, woken = story.acted(), Counter(firing.rule for firing in story.firings)
    counts = Counter(firing.rule for firing in acted)
    for name in definition.rules:
        if woken[name]:
            idle = woken[name] - counts[name]
            print(f"{counts[name]:7}  {name}" + (f" (and {idle} times there was nothing to do)" if idle else ""))
    for kind, count in sorted(story.sent.items()):
        print(f"{count:7}  {kind}: not sent")
    if story.failed:
        print(f"{story.failed:7}  failed")
    if not acted:
        print("No rule acts.")
    print("\nNext:" if acted else "", end="")
    for firing in acted[:SHOWN]:
        of = f" {firing.record[0]} {firing.record[1]}" if firing.record else ""
        print(f"\n  {firing.at.astimezone(zone):%Y-%m-%d %H:%M}  {firing.rule}{of}", end="")
    print()
    if not story.complete:
        print("Stopped: rules wake each other without end.")
