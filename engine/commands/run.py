"""``appmill run FILE``: serve an application."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import Refused, message

if TYPE_CHECKING:
    from flask import Flask

    from engine.application import Application
    from engine.jobs.engine import Engine
    from engine.web.context import Settings, Site

DELIVERING = 8  # threads
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--threads", type=int, default=8, help="how many requests are served at once")
    parser.add_argument("--work", action="store_true", help="on PostgreSQL: deliver what rules send here, too")
    parser.add_argument("--demo", action="store_true", help="in an empty database: demo users and sample records")
    parser.add_argument("--demo-count", type=int, default=None, metavar="N", help="how many sample records")
    parser.add_argument("--demo-in-public", action="store_true", help="serve demo users beyond this machine too")
    parser.add_argument("--https", action="store_true", help="people reach the server by https, through a proxy")
    parser.add_argument("--proxies", type=int, default=0, metavar="N", help="how many proxies stand in front")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="answer to this name only")
    parser.add_argument("--quiet", action="store_true", help="no line per request")
    anchor_argument(parser)


def anchor_argument(parser: argparse.ArgumentParser) -> None:
    """For the commands that seal."""
    parser.add_argument(
        "--anchor",
        metavar="FILE",
        help="keep the head of the audit chain in this file, daily (default: $APPMILL_ANCHOR)",
    )


def application_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that opens an application takes."""
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/tickets.yaml")
    parser.add_argument(
        "--database", metavar="URL", type=database_url, help="sqlite:///file or postgresql://… (default: var/<app>.db)"
    )
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="MODULE", help="a plugin; plugins/ is found without"
    )
    parser.add_argument(
        "--secrets", metavar="FILE", help="a file of NAME=value lines nobody else may read (default: $APPMILL_SECRETS)"
    )
    parser.add_argument(
        "--address", metavar="URL", help="where people reach it, for links in mails (default: $APPMILL_ADDRESS)"
    )


def database_url(text: str) -> str:
    """The URL as it is; a wrong call when it names no database Appmill can use."""
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+")):
        raise argparse.ArgumentTypeError(f"a database is sqlite:///file or postgresql://host/name, not {text}")
    return text


def run(options: argparse.Namespace) -> int:
    from engine import housekeeping
    from engine.beginning import begin
    from engine.chain.sealing import sealing
    from engine.feeding import looking
    from engine.secrets import ADDRESS
    from engine.timing.clockwork import Clockwork
    from engine.timing.mails import collector
    from engine.web import bulk

    _refuse_public_demo(options)
    if options.demo and options.host in LOOPBACK and options.port and not (options.address or os.environ.get(ADDRESS)):
        options.address = f"http://{_host(options)}:{options.port}"  # links in the mails of a demo lead to it
    if begin(options.file):
        print(f"{options.file} was empty; it has its first lines now. The rest is made in the designer.")
    app = opened(options)
    app.database.claim_server()
    bulk.end_orphans(app)
    log_to_terminal(options.quiet)
    app.secrets.mask_logs("", "appmill")
    if options.demo:
        _prepare_demo(app, options.demo_count)
    web = _web(app, options)
    server = _server(web, options)
    delivery = _delivery(app, web, options)
    here = app.database.dialect == "sqlite" or options.work
    sealer = sealing(web.extensions["appmill"].current.application, anchor_of(options)) if here else None
    clockwork = Clockwork(web.extensions["appmill"].current.application)
    mails = collector(web.extensions["appmill"].current.application)
    feeds = looking.collector(web.extensions["appmill"].current.application)
    _greet(app, options, server)
    end_housekeeping = housekeeping.start(app)
    delivery.start()
    clockwork.start()
    mails.start()
    feeds.start()
    if sealer is not None:
        sealer.start()
    try:
        server.run()
    finally:
        server.close()
        clockwork.stop()
        mails.stop()
        feeds.stop()
        if sealer is not None:
            sealer.stop()
        delivery.stop(10)
        end_housekeeping()
        app.database.close()
    return 0


def opened(options: argparse.Namespace) -> Application:
    """The application of the command line; the steps that need a decision stop it with their list."""
    from engine.application import open_application
    from engine.extensions import registry_for
    from engine.secrets import read_sources

    registry = registry_for(options.file, options.plugin)
    return open_application(
        options.file,
        options.database or default_database(options.file),
        registry=registry,
        sources=read_sources(_environment(options), options.secrets),
    )


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """What the surroundings say, but where the command line says otherwise."""
    from engine.secrets import ADDRESS

    return {**os.environ, ADDRESS: options.address} if options.address else dict(os.environ)


def anchor_of(options: argparse.Namespace) -> str | None:
    return options.anchor or os.environ.get("APPMILL_ANCHOR") or None


def default_database(file: str) -> str:
    """``apps/tickets.yaml`` → ``var/tickets.db`` below the present folder."""
    return f"sqlite:///{Path('var') / Path(file).stem}.db"


def _refuse_public_demo(options: argparse.Namespace) -> None:
    if options.demo and options.host not in LOOPBACK and not options.demo_in_public:
        raise Refused(
            message(
                "Demo users have a published password, and {host} can be reached from elsewhere. Leave --demo away, or"
                " add --demo-in-public if that is what you want.",
                host=options.host,
            )
        )


def log_to_terminal(quiet: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger("appmill")
    root.addHandler(handler)
    root.setLevel(logging.WARNING if quiet else logging.INFO)


def _prepare_demo(app: Application, count: int | None) -> None:
    from engine import demo

    if demo.make_people(app, demo.people(app.definition)):
        print("Making sample records …", flush=True)
        demo.seed(app, demo.RECORDS if count is None else count)
        demo.open_portals(app)


def _web(app: Application, options: argparse.Namespace) -> Flask:
    from engine.web.context import Settings
    from engine.web.factory import make_web

    settings = Settings(
        secure=options.https, hosts=tuple(host.lower() for host in options.allow_host), trusted_proxies=options.proxies
    )
    return make_web(app, secret_key=os.environ.get("APPMILL_SECRET_KEY"), settings=settings)


def _server(web: Flask, options: argparse.Namespace) -> Any:
    import waitress

    settings: Settings = web.extensions["appmill"].settings
    try:
        return waitress.create_server(
            web,
            host=options.host,
            port=options.port,
            threads=options.threads,
            ident="",
            max_request_body_size=settings.max_body,
            clear_untrusted_proxy_headers=not options.proxies,
        )
    except OSError as error:
        raise Refused(
            message(
                "{host}:{port} cannot be listened on: {reason}. Choose another port with --port.",
                host=options.host,
                port=options.port,
                reason=error.strerror or str(error),
            )
        ) from error


def _delivery(app: Application, web: Flask, options: argparse.Namespace) -> Engine:
    """Who delivers what rules leave to be done; told of every message from now on."""
    from engine.jobs.engine import engine_for

    site: Site = web.extensions["appmill"]
    here = app.database.dialect == "sqlite" or options.work
    app.database.doorbell = engine = engine_for(app, site.current.application, DELIVERING if here else 0)
    if not here:
        print("What rules send is delivered by `appmill work`; --work does it here.", flush=True)
    return engine


def _host(options: argparse.Namespace) -> str:
    return f"[{options.host}]" if ":" in options.host else str(options.host)


def _greet(app: Application, options: argparse.Namespace, server: Any) -> None:
    from engine import demo

    here = f"http://{_host(options)}:{server.effective_port}"
    language = app.definition.languages[0]
    print(f"\n{app.definition.label.text(language)}: {here}/\n")
    if options.demo:
        print(demo.table(app.definition, language))
        for portal in app.definition.portals.values():
            print(f"{portal.label.text(language)}: {here}/portal/{portal.name}  {demo.outside(portal)}")
        print(f"\nThe password of all of them: {demo.PASSWORD}\n")
    print("Ctrl-C ends it.", flush=True)
