"""What the commands that move records share: who acts, and where files go."""

from __future__ import annotations

import argparse

from engine import accounts
from engine.application import Application
from engine.definition import Form
from engine.errors import Missing, message
from engine.people import Actor, load_actor, system_actor


def who(app: Application, options: argparse.Namespace) -> Actor:
    """The person of ``--as``, with the rights they have; without it the system itself, who may do everything."""
    if options.person is None:
        return system_actor("command line")
    with app.database.read() as conn:
        user = accounts.find_user(conn, app.tables, login=options.person)
        return load_actor(conn, app.tables, user.id)


def form_named(app: Application, name: str) -> Form:
    """The form; raises Missing naming those there are. Lines come and go with the record around them."""
    form = app.definition.forms.get(name)
    if form is None or form.parent_form:
        known = [one.name for one in app.definition.forms.values() if not one.parent_form]
        raise Missing(message("There is no form {name}; there is {known}.", name=name, known=known))
    return form


def acting_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="person", metavar="LOGIN", help="act as this person (default: the system itself)")
