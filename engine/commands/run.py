"""``appmill run FILE``: serve an application."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.beside import arguments as beside_arguments
from engine.commands.beside import beside, going_on, schedule_of
from engine.errors import Refused, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from engine.application import Application
    from engine.jobs.engine import Engine
    from engine.web.context import Settings, Site

DELIVERING = 8  # threads
LOG = logging.getLogger("appmill.server")
DATABASE = "APPMILL_DATABASE"
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
    parser.add_argument("--second-factor", choices=("roles", "admins", "all"), default="roles",
                        help="who needs a code at signing in, beside the roles that ask for one")  # fmt: skip
    parser.add_argument(
        "--drain", type=float, default=0.0, metavar="SECONDS",
        help="told to end: how long it goes on answering while it says that it is not ready (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--grace", type=float, default=20.0, metavar="SECONDS",
        help="told to end: how long requests under way may take (default: 20)",
    )  # fmt: skip
    log_arguments(parser, "no line per request, except those that were refused")
    beside_arguments(parser)


def application_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that opens an application takes."""
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/tickets.yaml")
    parser.add_argument(
        "--database", metavar="URL", type=database_url,
        help="sqlite:///file or postgresql://… (default: $APPMILL_DATABASE, else var/<app>.db)",
    )  # fmt: skip
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="MODULE", help="a plugin; plugins/ is found without"
    )
    parser.add_argument(
        "--secrets", metavar="FILE", help="a file of NAME=value lines nobody else may read (default: $APPMILL_SECRETS)"
    )
    parser.add_argument(
        "--address", metavar="URL", help="where people reach it, for links in mails (default: $APPMILL_ADDRESS)"
    )


def log_arguments(parser: argparse.ArgumentParser, quiet: str) -> None:
    parser.add_argument(
        "--log", choices=("text", "json"), default=None,
        help="how the log is written, to standard error (default: text at a terminal, else json)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help=quiet)


def database_url(text: str) -> str:
    """The URL as it is; a wrong call when it names no database Appmill can use."""
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+")):
        raise argparse.ArgumentTypeError(f"a database is sqlite:///file or postgresql://host/name, not {text}")
    return text


def run(options: argparse.Namespace) -> int:
    from engine import housekeeping
    from engine.beginning import begin
    from engine.commands.serving import Serving
    from engine.secrets import ADDRESS
    from engine.texts import read_texts
    from engine.web import bulk

    _refuse_public_demo(options)
    schedule = schedule_of(options)
    if options.demo and options.host in LOOPBACK and options.port and not (options.address or os.environ.get(ADDRESS)):
        options.address = f"http://{_host(options)}:{options.port}"  # links in the mails of a demo lead to it
    if begin(options.file):
        print(f"{options.file} was empty; it has its first lines now. The rest is made in the designer.")
    app = opened(options)
    _refuse_second_factor_without_key(app, options)
    app.database.claim_server()
    read_texts(app.definition.languages)
    bulk.end_orphans(app)
    if options.demo:
        _prepare_demo(app, options.demo_count)
    web = _web(app, options)
    site: Site = web.extensions["appmill"]
    log_to_terminal(options, lambda text: site.current.held.secrets.mask(text))
    end_measuring = measure(app, site)
    server = _server(web, options)
    serving = Serving(server, site.readiness.stopping.set, drain=options.drain, grace=options.grace)
    delivery = _delivery(app, web, options)
    here = app.database.dialect == "sqlite" or options.work
    others = beside(site.current.application, options, schedule, seals=here)
    serving.listen_to_signals()
    _greet(app, options, server)
    end_housekeeping = housekeeping.start(app)
    delivery.start()
    try:
        with going_on(others):
            serving.run()
    finally:
        delivery.stop(10)
        end_housekeeping()
        end_measuring()
        app.database.close()
        LOG.info("ended")
    return 0


def opened(options: argparse.Namespace) -> Application:
    """The application of the command line; the steps that need a decision stop it with their list."""
    from engine.application import open_application
    from engine.extensions import registry_for
    from engine.secrets import read_sources

    registry = registry_for(options.file, options.plugin)
    url = options.database or default_database(options.file)
    sources = read_sources(_environment(options), options.secrets)
    return open_application(
        options.file, url, registry=registry, sources=replace(sources, hidden=(*sources.hidden, *_password_of(url)))
    )


def _password_of(url: str) -> tuple[str, ...]:
    """The database's, which must not stand in a log either."""
    from sqlalchemy.engine import make_url

    from engine.secrets import SURELY_SECRET

    password = make_url(url).password
    return (str(password),) if password and len(str(password)) >= SURELY_SECRET else ()


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """What the surroundings say, but where the command line says otherwise."""
    from engine.secrets import ADDRESS

    return {**os.environ, ADDRESS: options.address} if options.address else dict(os.environ)


def default_database(file: str) -> str:
    """What the environment says, so that no password stands in a list of processes; else ``apps/tickets.yaml`` →
    ``var/tickets.db`` below the present folder."""
    if given := os.environ.get(DATABASE):
        try:
            return database_url(given)
        except argparse.ArgumentTypeError as error:
            raise Refused(message("{variable}: {reason}", variable=DATABASE, reason=str(error))) from None
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


def log_to_terminal(options: argparse.Namespace, mask: Callable[[str], str]) -> None:
    """``mask`` takes the secrets out of a text that are known when it is written."""
    from engine.logs import to_terminal

    to_terminal(options.log, quiet=options.quiet, mask=mask)


def measure(app: Application, site: Site) -> Callable[[], None]:
    """From here on it is counted what this process does; answers what ends it."""
    from engine import pace
    from engine.measuring import Several
    from engine.secrets import METRICS_TOKEN

    own = pace.Pace(app.clock)
    app.database.meter = own
    if os.environ.get(METRICS_TOKEN):
        from engine.metrics import expose

        idle = dt.timedelta(minutes=site.settings.idle_minutes)
        site.exposed = expose(os.environ, lambda: site.current.held, site.readiness.trouble, idle)
    if site.exposed is not None:
        app.database.meter = Several(own, site.exposed.meter)
    return pace.start(own, site.current.application)


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
        secure=options.https, hosts=tuple(host.lower() for host in options.allow_host),
        trusted_proxies=options.proxies, second_factor=options.second_factor,
    )  # fmt: skip
    return make_web(app, secret_key=os.environ.get("APPMILL_SECRET_KEY"), settings=settings)


def _refuse_second_factor_without_key(app: Application, options: argparse.Namespace) -> None:
    """Nobody it is asked of could sign in."""
    from engine.secrets import KEY

    asked = options.second_factor != "roles" or any(role.second_factor for role in app.definition.roles.values())
    if asked and not app.secrets.can_keep:
        said = message("A second factor needs a key in {variable}; `appmill secret key` makes one.", variable=KEY)
        raise Refused(said)


def _server(web: Flask, options: argparse.Namespace) -> Any:
    settings: Settings = web.extensions["appmill"].settings
    return listening(
        web, options, threads=options.threads, max_request_body_size=settings.max_body,
        clear_untrusted_proxy_headers=not options.proxies,
    )  # fmt: skip


def listening(web: Flask, options: argparse.Namespace, **settings: Any) -> Any:
    """A server that listens at ``options.host`` and ``options.port``; raises Refused where it cannot."""
    import waitress

    try:
        return waitress.create_server(web, host=options.host, port=options.port, ident="", **settings)
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


def port_of(server: Any) -> int:
    """The port it listens on, at all of its addresses."""
    return int(server.effective_listen[0][1] if hasattr(server, "effective_listen") else server.effective_port)


def _greet(app: Application, options: argparse.Namespace, server: Any) -> None:
    from engine import demo

    here = f"http://{_host(options)}:{port_of(server)}"
    LOG.info("serving %s at %s", app.definition.app, here)
    if options.log == "json":
        return  # where a machine reads, nothing else is said
    language = app.definition.languages[0]
    print(f"\n{app.definition.label.text(language)}: {here}/\n")
    if options.demo:
        print(demo.table(app.definition, language))
        for portal in app.definition.portals.values():
            print(f"{portal.label.text(language)}: {here}/portal/{portal.name}  {demo.outside(portal)}")
        print(f"\nThe password of all of them: {demo.PASSWORD}\n")
    print("Ctrl-C ends it.", flush=True)
