"""``appmill simulate FILE``: what schedules, time-outs and dates will do, in a copy and in seconds; with ``--people``
what becomes of the application while people use it, and whether everything is as it must be afterwards."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.commands.run import database_url, default_database
from engine.errors import Refused, message

if TYPE_CHECKING:
    from engine.definition import AppDefinition
    from engine.registry import Registry
    from engine.timing.simulate import Story

SHOWN = 10
BEGINNING = "2026-03-02"  # a Monday


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/tickets.yaml")
    parser.add_argument(
        "--database", metavar="URL", type=database_url,
        help="whose records are looked at, in a copy; sqlite:///file (default: var/<app>.db where it exists)",
    )  # fmt: skip
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a plugin")
    parser.add_argument(
        "--from", dest="start", metavar="DATE", type=moment,
        help=f"the first day (default: now; with people {BEGINNING}, so that a run can be repeated)",
    )  # fmt: skip
    parser.add_argument("--to", dest="end", metavar="DATE", type=moment, help="the last day (default: a year later)")
    parser.add_argument("--days", type=int, metavar="N", help="how long, in the place of --to (with people: 30)")
    people = parser.add_argument_group(
        "with people",
        "in an empty database of its own, or in --database where that is empty; nothing leaves the process",
    )
    people.add_argument(
        "--people", action="store_true", help="people use the application: a plugin's, or a crowd that knows the file"
    )
    people.add_argument("--seed", type=int, metavar="N", help="of all chance; the same makes the same records (1)")
    people.add_argument("--size", type=int, metavar="N", help="how much is done, where the plugin counts something")
    people.add_argument("--keep", metavar="DIR", type=Path, help="keep the SQLite database and the files in a folder")
    people.add_argument("--json", action="store_true", help="the figures as JSON")


def more(options: argparse.Namespace, size: str | None) -> None:
    """``--tickets 500``, where what the plugin counts is called tickets."""
    rest, name = [*options.more], f"--{size}"
    while rest and size is not None and rest[0].partition("=")[0] == name:
        _name, equals, said = rest.pop(0).partition("=")
        value = said if equals else rest.pop(0) if rest else ""
        if not value.isdigit():
            raise Refused(message("{name} takes a number; got {said}.", name=name, said=value))
        options.size = int(value)
    if rest:
        raise Refused(message("There is no option {name}.", name=rest[0]))


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
    registered = registry.simulations.get(definition.app)
    more(options, registered.size if registered else None)
    zone = ZoneInfo(definition.timezone)
    populated = options.people or options.seed is not None or options.size is not None
    first = moment(BEGINNING).replace(tzinfo=zone) if populated else dt.datetime.now(zone).replace(microsecond=0)
    start = options.start.replace(tzinfo=zone) if options.start else first
    days = options.days or (30 if populated else 365)
    end = options.end.replace(tzinfo=zone) if options.end else start + dt.timedelta(days=days)
    if end <= start:
        print(f"The end, {end:%Y-%m-%d %H:%M}, is not after the start, {start:%Y-%m-%d %H:%M}.")
        return 2
    if populated:
        return _with_people(options, registry, start, end)
    with tempfile.TemporaryDirectory(prefix="appmill-simulate-") as folder:
        story = _story(options, registry, Path(folder), start.astimezone(dt.UTC), end.astimezone(dt.UTC))
    _print(definition, story, zone, start, end)
    return 0 if story.complete else 1


# --- with people


def _with_people(options: argparse.Namespace, registry: Registry, start: dt.datetime, end: dt.datetime) -> int:
    from engine.commands.check_data import print_results, say_what
    from engine.invariants.examining import examine
    from engine.load import load_file
    from engine.simulating.opening import opened, simulate
    from engine.simulating.telling import print_figures, say_progress, stopped_by_hand

    loaded = load_file(options.file, registry)
    with tempfile.TemporaryDirectory(prefix="appmill-simulate-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        seed = 1 if options.seed is None else options.seed
        with opened(
            loaded, registry, folder, begin=start, end=end, seed=seed, size=options.size,
            database_url=options.database, told=say_progress,
        ) as simulation:  # fmt: skip
            with stopped_by_hand(simulation):
                figures = simulate(simulation)
            results = examine(simulation.app, told=say_what)
    if options.json:
        told = {"figures": figures.as_json(), "invariants": [result.as_json() for result in results]}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print(f"{start:%Y-%m-%d} to {end:%Y-%m-%d}, seed {seed}\n")
        print_figures(figures)
        print()
        print_results(results)
    return 0 if figures.complete and all(result.holds for result in results) else 1


# --- time alone


def _story(options: argparse.Namespace, registry: object, folder: Path, start: dt.datetime, end: dt.datetime) -> Story:
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


def _print(definition: AppDefinition, story: Story, zone: ZoneInfo, start: dt.datetime, end: dt.datetime) -> None:
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
