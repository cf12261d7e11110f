"""``appmill audit verify|anchor``: whether what happened still stands as it was written down."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.run import DATABASE, database_url, default_database
from engine.errors import Message, Refused, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.chain.faults import Fault
    from engine.chain.verifying import Outcome
    from engine.storage.database import Database

SHOWN = 100
OUTSIDE = (
    "A chain without an anchor outside shows careless edits only: whoever can write the database can write the whole"
    " chain anew. Keep anchors (appmill audit anchor, or --anchor of run and work) where those who can write the"
    " database cannot write."
)
VERBS = {
    "verify": "Compare every event with its seal and tell what was changed, taken out or put in. " + OUTSIDE,
    "anchor": "Append time, number and hash of the last seal to a file outside the database. " + OUTSIDE,
}


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, text in VERBS.items():
        verb = verbs.add_parser(name, help=text.partition(". ")[0] + ".", description=text)
        if name == "anchor":
            verb.add_argument("anchor", metavar="ANCHORS", type=Path, help="the file to append to")
        verb.add_argument("file", metavar="FILE", nargs="?", help="the definition file, where --database is left away")
        verb.add_argument("--database", metavar="URL", type=database_url,
                          help="sqlite:///file or postgresql://… (default: var/<app>.db)")  # fmt: skip
        if name == "verify":
            verb.add_argument("--anchor", metavar="ANCHORS", type=Path, help="the chain must hold every head kept here")
            verb.add_argument("--read-only", action="store_true", help="do not note the result in the database")
            verb.add_argument("--language", choices=("en", "zh"), default="en", help="of what is said")


def run(options: argparse.Namespace) -> int:
    database = _opened(options)
    try:
        return {"verify": _verify, "anchor": _anchor}[options.verb](database, options)
    finally:
        database.close()


def _opened(options: argparse.Namespace) -> Database:
    """The database as it is: no definition is read, nothing is migrated."""
    import sqlalchemy as sa

    from engine.storage.database import Database

    if not (options.file or options.database or os.environ.get(DATABASE)):
        raise Refused(message("Say which database: a definition FILE or --database URL."))
    url = options.database or default_database(options.file or "")
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        raise Refused(message("There is no database {file}.", file=url.removeprefix("sqlite:///")))
    database = Database(url)
    with database.read() as conn:
        present = sa.inspect(conn).has_table("_seal")
    if not present:
        database.close()
        raise Refused(message("The database knows no seals yet: start the application on it once with this version."))
    return database


def _anchor(database: Database, options: argparse.Namespace) -> int:
    from engine.chain.anchors import add

    print(add(database, options.anchor, dt.datetime.now(dt.UTC)).line())
    return 0


def _verify(database: Database, options: argparse.Namespace) -> int:
    from engine.chain.anchors import read
    from engine.chain.verifying import verify

    anchors = read(options.anchor) if options.anchor else []
    began = time.monotonic()
    with database.read() as conn:
        outcome = verify(conn, anchors, told=say_how_many)
    say_how_many(None)
    for line in told(outcome, options.language):
        print(line)
    print(f"{time.monotonic() - began:.1f} s")
    if not options.read_only:
        _note(database, outcome)
    return 0 if outcome.holds else 1


def say_how_many(events: int | None) -> None:
    """One line that is written over, taken away at the end; nothing where nobody looks."""
    if sys.stderr.isatty():
        print("\r\033[K" if events is None else f"\r\033[K{events} …", end="", file=sys.stderr, flush=True)


def _note(database: Database, outcome: Outcome) -> None:
    import sqlalchemy as sa

    from engine.chain.standing import note

    try:
        with database.write() as conn:
            note(conn, outcome, dt.datetime.now(dt.UTC))
    except sa.exc.DBAPIError as error:
        print(f"The result could not be noted in the database: {error.orig}", file=sys.stderr)


# --- what is said ----------------------------------------------------------------------------------------------------


def told(outcome: Outcome, language: str) -> Iterator[str]:
    """The result, line by line: what holds, what was lawfully changed, what is wrong."""
    from engine.texts import say

    yield from (say(one, language) for one in _summary(outcome))
    for fault in outcome.faults[:SHOWN]:
        yield f"! {say(place_of(fault), language)}: {say(fault.said, language)}"
    if outcome.fault_count > SHOWN:
        yield say(message("… and {count} more.", count=outcome.fault_count - SHOWN), language)


def _summary(outcome: Outcome) -> Iterator[Message]:
    yield message("{events} events in {seals} seals are as they were when they were sealed.",
                  events=outcome.events, seals=outcome.seals)  # fmt: skip
    if outcome.unsealed:
        yield message("{count} events are not sealed yet, the oldest from {at}.",
                      count=outcome.unsealed, at=outcome.unsealed_since)  # fmt: skip
    for one in outcome.renamings:
        names = ", ".join(f"{old} → {new}" for old, new in one.names.items())
        what = message("forms") if one.form is None else message("states of {form}", form=one.form)
        yield message("Renamed at {at} by the definition {definition}: {what} {names}.",
                      at=one.at, definition=one.definition, what=what, names=names)  # fmt: skip
    for event, count in outcome.amended.items():
        yield message("{count} events were lawfully changed; event {event} says why.", count=count, event=event)
    if outcome.anchors:
        yield message("{count} anchors were compared.", count=outcome.anchors)
    else:
        yield message("No anchor was compared: only one outside the database shows a chain that was written anew.")
    if outcome.fault_count:
        yield message("{count} faults:", count=outcome.fault_count)


def place_of(fault: Fault) -> Message:
    """Where: the event with its record and time, or the seal."""
    if fault.event_id is not None and fault.form is not None:
        return message("event {event} ({form} {record}, {at}), seal {seal}", event=fault.event_id, form=fault.form,
                       record=fault.record_id, at=fault.at, seal=fault.seal or "–")  # fmt: skip
    if fault.amendment is not None:
        return message("amendment {amendment}, seal {seal} ({at})", amendment=fault.amendment, seal=fault.seal or "–",
                       at=fault.at)  # fmt: skip
    if fault.event_id is not None:
        return message("event {event}, seal {seal} ({at})", event=fault.event_id, seal=fault.seal or "–", at=fault.at)
    if fault.at is not None:
        return message("seal {seal} ({at})", seal=fault.seal, at=fault.at)
    return message("seal {seal}", seal=fault.seal)
