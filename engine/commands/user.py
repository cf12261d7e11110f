"""``appmill user add|list|reset|roles|deactivate|activate FILE``: people, without a browser."""

from __future__ import annotations

import argparse

from engine import accounts, answering, audit, passwords, secondfactor
from engine.application import Application
from engine.commands.run import application_arguments, opened
from engine.demo import padded


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (text, wants) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        application_arguments(verb)
        if wants != "nothing":
            verb.add_argument("login", metavar="LOGIN", help="the sign-in name")
        if wants in ("person", "roles"):
            verb.add_argument("--role", action="append", default=[], metavar="ROLE", help="a role; repeat for more")
        if name == "reset":
            text = "drop the second factor too: phone and codes are lost"
            verb.add_argument("--second-factor", action="store_true", help=text)
        if wants == "person":
            verb.add_argument("--name", help="the person's name (default: the sign-in name)")


VERBS = {
    "list": ("List people with their roles.", "nothing"),
    "add": ("Add a person; prints a one-time password.", "person"),
    "reset": ("Set a new one-time password and sign the person out.", "login"),
    "roles": ("Replace a person's roles.", "roles"),
    "deactivate": ("Sign a person out and keep them out.", "login"),
    "activate": ("Let a person in again.", "login"),
}


def run(options: argparse.Namespace) -> int:
    app = opened(options)
    try:
        return {"list": _list, "add": _add, "reset": _reset, "roles": _roles}.get(options.verb, _activity)(app, options)
    finally:
        app.database.close()


def _list(app: Application, _options: argparse.Namespace) -> int:
    with app.database.read() as conn:
        people = accounts.users_where(conn, app.tables)
    for user in people:
        state = "" if user.active else "  (deactivated)"
        print(f"{padded(user.login, 20)} {padded(user.name, 20)} {', '.join(sorted(user.roles))}{state}")
    return 0


def _add(app: Application, options: argparse.Namespace) -> int:
    password = passwords.one_time()
    with app.database.write() as conn:
        user_id = accounts.create_user(
            conn,
            app.tables,
            login=options.login,
            name=options.name or options.login,
            password=password,
            must_change=True,
            now=app.clock(),
        )
        user = accounts.find_user(conn, app.tables, id=user_id)
        accounts.set_roles(conn, app.tables, user, options.role, accounts.inside_roles(app.definition))
        audit.note(conn, app, None, "user.created", user_id, changes={"roles": [[], sorted(options.role)]})
    print(f"{user.login} was added. One-time password, to be changed at the first sign-in: {password}")
    return 0


def _reset(app: Application, options: argparse.Namespace) -> int:
    password = passwords.one_time()
    with app.database.write() as conn:
        user = accounts.find_user(conn, app.tables, login=options.login)
        accounts.set_password(conn, app.tables, user, password, now=app.clock(), must_change=True)
        audit.note(conn, app, None, "user.reset", user.id)
        if options.second_factor and secondfactor.drop(conn, app, user.id):
            audit.note(conn, app, None, "user.second_factor_dropped", user.id)
    print(f"One-time password of {user.login}, to be changed at the next sign-in: {password}")
    return 0


def _roles(app: Application, options: argparse.Namespace) -> int:
    with app.database.write() as conn:
        user = accounts.find_user(conn, app.tables, login=options.login)
        accounts.set_roles(conn, app.tables, user, options.role, accounts.inside_roles(app.definition))
        changes = {"roles": [sorted(user.roles), sorted(options.role)]}
        audit.note(conn, app, None, "user.changed", user.id, changes=changes)
    print(f"{user.login}: {', '.join(sorted(options.role)) or 'no roles'}")
    return 0


def _activity(app: Application, options: argparse.Namespace) -> int:
    active = options.verb == "activate"
    with app.database.write() as conn:
        user = accounts.find_user(conn, app.tables, login=options.login)
        accounts.set_active(conn, app.tables, user, active, now=app.clock())
        audit.note(conn, app, None, "user.activated" if active else "user.deactivated", user.id)
    if not active:
        answering.no_longer_asked(app, user.id)
    print(f"{user.login} is {'active' if active else 'deactivated'}.")
    return 0
