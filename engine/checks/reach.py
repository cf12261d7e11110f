"""How people are reached: whether the ways can carry messages, and whether what is said of the kinds makes sense."""

from __future__ import annotations

from engine.approve import Approve
from engine.checks.review import Review
from engine.connectors import Connection
from engine.errors import message
from engine.reach import KINDS, SEND, Reach, Reaching, Way
from engine.yamlfile import Path


def check_reach(review: Review) -> None:
    reach = review.definition.reach
    if reach is None:
        return
    for name, way in reach.ways.items():
        connection = review.definition.connections.get(way.connection)
        if connection is not None:
            _way(review, way, connection, ("reach", "ways", name))
    for kind in KINDS:
        if (said := reach.of(kind)) is not None:
            _kind(review, said, ("reach", kind))
    if reach.quiet is not None and reach.quiet.from_ == reach.quiet.to:
        review.error(("reach", "quiet", "to"), message("Quiet hours end at another time than they begin."))
    _asked_twice(review, reach)


def _way(review: Review, way: Way, connection: Connection, path: Path) -> None:
    if "mail" in connection.serves:
        if way.alone:
            review.note((*path, "alone"), message("A mail always goes to the person alone."))
        return
    operation = connection.operations().get(SEND)
    if operation is None or "text" not in operation.takes:
        said = message("'{name}' is a connection of type {type}, which sends neither mails nor messages.",
                       name=connection.name, type=connection.type)  # fmt: skip
        review.error((*path, "connection"), said)
    elif way.alone and "to" not in operation.takes:
        said = message("Messages of '{name}' go to a group: its operation `send` takes no `to`.", name=connection.name)
        review.error((*path, "alone"), said)


def _kind(review: Review, said: Reaching, path: Path) -> None:
    for index, name in enumerate(said.digest):
        if name in said.at_once:
            review.error((*path, "digest", index), message("'{name}' goes out at once already.", name=name))
    if said.locked and not said.at_once and not said.digest:
        review.error((*path, "locked"), message("Nobody could be reached: name a way in `at_once` or `digest`."))


def _asked_twice(review: Review, reach: Reach) -> None:
    """Whoever is reached by the ways gets no second mail of the approval."""
    if reach.asked is None:
        return
    for rule in review.definition.rules.values():
        for place, action, _form in rule.steps():
            if isinstance(action, Approve) and action.mail is not None:
                said = message("`reach` says how people who are asked are reached, so this mail is not sent as well.")
                review.note(("rules", rule.name, *place, "mail"), said)
