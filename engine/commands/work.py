"""``appmill work FILE``: deliver what rules leave to be done, beside any number of servers."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from typing import TYPE_CHECKING, Any

from engine.commands.beside import arguments as beside_arguments
from engine.commands.beside import beside, going_on, schedule_of
from engine.commands.run import (
    DELIVERING,
    application_arguments,
    listening,
    log_arguments,
    log_to_terminal,
    measure,
    opened,
    port_of,
)

if TYPE_CHECKING:
    from engine.web.context import Site

LOG = logging.getLogger("appmill.server")
GRACE = 30.0  # seconds for what is under way when it is told to end


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument(
        "--threads", type=int, default=DELIVERING, help=f"how many are delivered at once (default: {DELIVERING})"
    )
    parser.add_argument(
        "--port", type=int, default=None, help="answer /health/live, /health/ready and /metrics there; 0: a free one"
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address for --port (default: this machine only)")
    log_arguments(parser, "say only what goes wrong")
    beside_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from engine.current import Current
    from engine.jobs.engine import engine_for
    from engine.texts import read_texts
    from engine.web.context import Settings, Site

    schedule = schedule_of(options)
    app = opened(options)
    app.database.claim_server()
    read_texts(app.definition.languages)
    site = Site(Current(app), Settings())
    log_to_terminal(options, lambda text: site.current.held.secrets.mask(text))
    current = site.current.application
    end_measuring = measure(app, site)
    app.database.doorbell = engine = engine_for(app, current, max(1, options.threads))
    others = beside(current, options, schedule, seals=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    end_watching = _watched(site, options)
    engine.start()
    with going_on(others):
        if options.log != "json":
            print(f"{options.threads} threads deliver. Ctrl-C ends it.", flush=True)
        LOG.info("%s threads deliver for %s", options.threads, app.definition.app)
        ended.wait()
        site.readiness.stopping.set()
        LOG.info("ending: no more work is taken")
    engine.stop(GRACE)
    end_measuring()
    end_watching()
    app.database.close()
    LOG.info("ended")
    return 0


def _watched(site: Site, options: argparse.Namespace) -> Any:
    """Answer those who watch over this process, in a thread of its own; answers what ends it."""
    if options.port is None:
        return lambda: None
    from engine.commands.serving import Serving
    from engine.web.health import make_watch

    server = listening(make_watch(site), options, threads=2)
    serving = Serving(server, lambda: None, grace=1.0)
    thread = threading.Thread(target=serving.run, name="watch", daemon=True)
    thread.start()
    LOG.info("watched at %s:%s", options.host, port_of(server))

    def end() -> None:
        serving.stop()
        thread.join(5)

    return end
