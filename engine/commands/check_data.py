"""``appmill check-data FILE``: what must be true of the records, looked at in a database, such as after a restore."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from engine.commands.run import application_arguments, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.invariants.examining import Result

SHOWN = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="look at this alone, such as rollups; repeatable"
    )
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of what is said")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    from engine.invariants.examining import examine

    app = opened(options)
    try:
        results = examine(app, options.only, told=say_what)
    finally:
        app.database.close()
    if options.json:
        print(json.dumps([one.as_json(options.language) for one in results], ensure_ascii=False, indent=2))
    else:
        print_results(results, options.language)
    return 0 if all(one.holds for one in results) else 1


def say_what(name: str) -> None:
    """One line that is written over; nothing where nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{name}", end="\r", file=sys.stderr)


def print_results(results: Sequence[Result], language: str = "en") -> None:
    """One line for each invariant; of those that are broken, the records and what is wrong with them."""
    for result in results:
        said = result.as_json(language)
        mark = "holds " if result.holds else "BROKEN"
        more = "" if result.holds else f": {result.count}"
        print(f"{mark}  {result.seconds:6.2f} s  {result.name:10} {said['label']}{more}")
        for one in said["broken"][:SHOWN]:
            of = " ".join(str(part) for part in (one["form"], one["record"]) if part is not None)
            event = f" (event {one['event']})" if one["event"] else ""
            print(f"          {of}{event}: {one['sentence']}")
        if result.count > SHOWN:
            print(f"          … and {result.count - SHOWN} more")
        for why, count in sorted(result.undecided.items()):
            print(f"          not decided {count} times: {why}")
