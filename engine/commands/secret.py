"""``appmill secret set|list|remove|renew|key``: secrets of connections. Nothing here prints a value that was set."""

from __future__ import annotations

import argparse
import getpass
import sys

from engine import audit
from engine.application import Application
from engine.commands.run import application_arguments, opened
from engine.connectors import secrets_in
from engine.demo import padded
from engine.secrets import KEY, new_key

VERBS = {
    "list": "List the names of secrets, where they are read from, and which are missing.",
    "set": "Keep a secret in the database, encrypted; its value is read from the standard input.",
    "remove": "Take a secret out of the database.",
    "renew": f"Encrypt everything anew under the first key of {KEY}.",
    "key": f"Print a new key for {KEY}.",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, text in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        if name != "key":
            application_arguments(verb)
        if name in ("set", "remove"):
            verb.add_argument("name", metavar="NAME", help="the name, such as ERP_TOKEN")
        if name == "set":
            verb.add_argument(
                "--host", action="append", default=[], metavar="HOST", help="show it to this host only; repeat for more"
            )


def run(options: argparse.Namespace) -> int:
    if options.verb == "key":
        print(new_key())
        return 0
    app = opened(options)
    try:
        return {"list": _list, "set": _set, "remove": _remove, "renew": _renew}[options.verb](app, options)
    finally:
        app.database.close()


def _list(app: Application, _options: argparse.Namespace) -> int:
    entries = app.secrets.entries()
    for entry in entries:
        hosts = f"  for {', '.join(sorted(entry.hosts))}" if entry.hosts else ""
        print(f"{padded(entry.name, 30)} {entry.origin}{hosts}")
    used = secrets_in(app.definition)
    for name in sorted(used - {entry.name for entry in entries}):
        print(f"{padded(name, 30)} missing")
    return 0


def _set(app: Application, options: argparse.Namespace) -> int:
    value = _read_value(options.name)
    with app.database.write() as conn:
        app.secrets.store(conn, options.name, value, now=app.clock(), hosts=options.host)
        audit.note(conn, app, None, "secret.set", form=audit.WHOLE, reason=options.name)
    print(f"{options.name} is set.")
    return 0


def _read_value(name: str) -> str:
    """What stands on the standard input, its last line end aside; unseen when a person types it."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{name}: ")
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _remove(app: Application, options: argparse.Namespace) -> int:
    with app.database.write() as conn:
        app.secrets.remove(conn, options.name)
        audit.note(conn, app, None, "secret.removed", form=audit.WHOLE, reason=options.name)
    print(f"{options.name} is gone.")
    return 0


def _renew(app: Application, _options: argparse.Namespace) -> int:
    with app.database.write() as conn:
        count = app.secrets.renew(conn)
        audit.note(conn, app, None, "secret.renewed", form=audit.WHOLE)
    print(f"{count} secrets are encrypted under the first key now.")
    return 0
