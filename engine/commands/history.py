"""``appmill history FILE``: what was ever in force, and the text of one of them."""

from __future__ import annotations

import argparse
import sys

from engine.commands.publish import opened_in_force
from engine.commands.run import application_arguments
from engine.errors import message
from engine.publishing.history import Version, hash_of_prefix, text_of, versions
from engine.texts import say


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many are listed (default: 20)")
    parser.add_argument("--text", metavar="HASH", help="print this definition instead")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of the list")


def run(options: argparse.Namespace) -> int:
    app = opened_in_force(options)
    try:
        with app.database.read() as conn:
            if options.text:
                sys.stdout.write(text_of(conn, hash_of_prefix(conn, options.text)))
                return 0
            found = versions(conn, limit=options.limit)
        print("\n".join(_line(each, each.hash == app.definition.hash, options.language) for each in found))
    finally:
        app.database.close()
    return 0


KINDS = {
    "started": message("from the file"),
    "published": message("published"),
    "rolled_back": message("gone back to"),
    "migrated": message("migrated"),
}


def _line(version: Version, in_force: bool, language: str) -> str:
    kind = say(KINDS[version.kind], language) if version.kind in KINDS else version.kind
    parts = [f"{'*' if in_force else ' '} {version.hash}", f"{version.at:%Y-%m-%d %H:%M}", kind]
    return "  ".join([*parts, *(each for each in (version.by_name, version.reason) if each)])
