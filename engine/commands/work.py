"""``appmill work FILE``: deliver what rules leave to be done, beside any number of servers."""

from __future__ import annotations

import argparse
import os
import signal
import threading

from engine.commands.run import DELIVERING, application_arguments, backup_arguments, log_to_terminal, opened

GRACE = 30.0  # seconds for what is under way when it is told to end


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument(
        "--threads", type=int, default=DELIVERING, help=f"how many are delivered at once (default: {DELIVERING})"
    )
    parser.add_argument("--quiet", action="store_true", help="say only what goes wrong")
    backup_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from engine.backups.schedule import Keeper, schedule_of
    from engine.current import Current
    from engine.feeding import looking
    from engine.jobs.engine import engine_for
    from engine.texts import read_texts
    from engine.timing.clockwork import Clockwork
    from engine.timing.mails import collector

    schedule = schedule_of(os.environ, options)
    app = opened(options)
    app.database.claim_server()
    read_texts(app.definition.languages)
    log_to_terminal(options.quiet)
    current = Current(app).application
    app.database.doorbell = engine = engine_for(app, current, max(1, options.threads))
    clockwork, mails, feeds = Clockwork(current), collector(current), looking.collector(current)
    backups = Keeper(current, schedule) if schedule else None
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    engine.start()
    clockwork.start()
    mails.start()
    feeds.start()
    if backups:
        backups.start()
    print(f"{options.threads} threads deliver. Ctrl-C ends it.", flush=True)
    ended.wait()
    if backups:
        backups.stop()
    clockwork.stop()
    mails.stop()
    feeds.stop()
    engine.stop(GRACE)
    app.database.close()
    return 0
