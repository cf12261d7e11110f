"""``appmill rollback FILE HASH``: go back to a definition that was in force, rehearsed on a copy before."""

from __future__ import annotations

import argparse

from engine.commands.publish import decided, lines, opened_in_force, publishing_arguments, put
from engine.commands.run import application_arguments
from engine.commands.transfer import who
from engine.errors import Refused, message
from engine.publishing.history import hash_of_prefix
from engine.publishing.preparing import prepare_rollback
from engine.publishing.publish import refuse_unready
from engine.publishing.rehearsing import rehearse
from engine.texts import say


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("hash", metavar="HASH", help="which, as `appmill history` lists it; its beginning is enough")
    parser.add_argument("--check", action="store_true", help="rehearse it only, and change nothing")
    publishing_arguments(parser)


def run(options: argparse.Namespace) -> int:
    app = opened_in_force(options)
    try:
        with app.database.read() as conn:
            hash = hash_of_prefix(conn, options.hash)
        prepared = prepare_rollback(app, hash, decided(options.decide))
        refuse_unready(prepared, who(app, options))
        print("\n".join(lines(prepared, options.language)))
        rehearsal = rehearse(app, prepared)
        print("\n".join(say(each, options.language) for each in rehearsal.sentences))
        if not rehearsal.ok:
            raise Refused(message("It is not done: on a copy it did not go well."))
        if not options.check:
            put(app, prepared, options)
    finally:
        app.database.close()
    return 0
