"""``appmill seed FILE``: sample records, the same ones for the same number."""

from __future__ import annotations

import argparse

from engine import demo
from engine.commands.run import application_arguments, opened
from engine.errors import Refused, message


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--count", type=int, default=demo.RECORDS, metavar="N",
                        help=f"how many records (default: {demo.RECORDS})")  # fmt: skip
    parser.add_argument("--seed", type=int, default=demo.SEED, metavar="N", help="another number makes other records")
    parser.add_argument("--people", action="store_true", help="make the demo users first, in a database without people")


def run(options: argparse.Namespace) -> int:
    if options.count < 1:
        raise Refused(message("--count is a number of records from 1, not {got}.", got=options.count))
    app = opened(options)
    try:
        if app.definition.app not in app.registry.seeds:
            raise Refused(message("No plugin makes sample records for {app}; a plugin does with registry.seed.",
                                  app=app.definition.app))  # fmt: skip
        made = options.people and demo.make_people(app, demo.people(app.definition))
        demo.seed(app, options.count, options.seed)
        if made:  # their password is published: nobody who has people of their own gets any of them
            demo.open_portals(app)
        app.database.analyse()
    finally:
        app.database.close()
    print(f"{options.count} sample records were made.")
    return 0
