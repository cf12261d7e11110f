"""``appmill work FILE``: deliver what rules leave to be done, beside any number of servers."""

from __future__ import annotations

import argparse
import signal
import threading

from engine.commands.run import (
    DELIVERING,
    anchor_argument,
    anchor_of,
    application_arguments,
    log_to_terminal,
    opened,
)

GRACE = 30.0  # seconds for what is under way when it is told to end


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument(
        "--threads", type=int, default=DELIVERING, help=f"how many are delivered at once (default: {DELIVERING})"
    )
    parser.add_argument("--quiet", action="store_true", help="say only what goes wrong")
    anchor_argument(parser)


def run(options: argparse.Namespace) -> int:
    from engine.chain.sealing import sealing
    from engine.current import Current
    from engine.feeding import looking
    from engine.jobs.engine import engine_for
    from engine.timing.clockwork import Clockwork
    from engine.timing.mails import collector

    app = opened(options)
    app.database.claim_server()
    log_to_terminal(options.quiet)
    current = Current(app).application
    app.database.doorbell = engine = engine_for(app, current, max(1, options.threads))
    clockwork, mails, feeds = Clockwork(current), collector(current), looking.collector(current)
    sealer = sealing(current, anchor_of(options))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    engine.start()
    clockwork.start()
    mails.start()
    feeds.start()
    sealer.start()
    print(f"{options.threads} threads deliver. Ctrl-C ends it.", flush=True)
    ended.wait()
    clockwork.stop()
    mails.stop()
    feeds.stop()
    sealer.stop()
    engine.stop(GRACE)
    app.database.close()
    return 0
