"""``appmill publish FILE``: put a file in force as it is, with what it asks about the data."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine.application import Application
from engine.commands.run import application_arguments, default_database
from engine.commands.transfer import acting_arguments, who
from engine.errors import DefinitionError, Invalid, message
from engine.publishing.preparing import Prepared, prepare
from engine.storage.decisions import Choice, Decision
from engine.texts import say


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--check", action="store_true", help="say what it would do, and change nothing")
    publishing_arguments(parser)


def publishing_arguments(parser: argparse.ArgumentParser) -> None:
    """What putting something in force takes."""
    parser.add_argument("--decide", action="append", default=[], metavar="QUESTION=CHOICE[:VALUE]",
                        help="the answer to a question about the data; repeatable")  # fmt: skip
    parser.add_argument("--reason", metavar="TEXT", help="why; it is kept in the history")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of what is printed")
    acting_arguments(parser)


def run(options: argparse.Namespace) -> int:
    app = opened_in_force(options)
    try:
        prepared = prepare(app, Path(options.file).read_text("utf-8-sig"), decided(options.decide), file=options.file)
        if prepared.errors:
            raise DefinitionError(prepared.findings)
        print("\n".join(lines(prepared, options.language)))
        if options.check:
            return 1 if prepared.open_questions else 0
        put(app, prepared, options)
    finally:
        app.database.close()
    return 0


def opened_in_force(options: argparse.Namespace) -> Application:
    from engine.extensions import registry_for
    from engine.publishing.opening import open_in_force
    from engine.secrets import read_sources

    url = options.database or default_database(options.file)
    registry = registry_for(options.file, options.plugin)
    return open_in_force(options.file, url, registry=registry, sources=read_sources(os.environ, options.secrets))


def put(app: Application, prepared: Prepared, options: argparse.Namespace) -> None:
    from engine.publishing.publish import publish

    fresh = publish(app, prepared, by=who(app, options), reason=options.reason)
    said = message("{app} is in force as {hash} now.", app=fresh.definition.app, hash=fresh.definition.hash)
    print(say(said, options.language))


def decided(said: list[str]) -> dict[str, Decision]:
    """``required ticket.packing=fill:box`` → the decision by its question. Raises Invalid."""
    found: dict[str, Decision] = {}
    for each in said:
        question, equals, choice = each.partition("=")
        if not equals:
            raise Invalid(message("--decide takes QUESTION=CHOICE or QUESTION=CHOICE:VALUE, not {got}.", got=each))
        name, _colon, value = choice.partition(":")
        found[question.strip()] = Decision(name.strip(), value)
    return found


def lines(prepared: Prepared, language: str) -> list[str]:
    """What it does, and what has to be decided, with every choice."""
    told = [f"  {line}" for line in prepared.describe(language)]
    for question in prepared.plan.questions if prepared.plan else ():
        chosen = prepared.plan.decisions.get(question.id) if prepared.plan else None
        named = chosen.choice if chosen else question.default
        told += [f"? {question.id}: {say(question.message, language)}"]
        told += [f"    {'*' if one.name == named else ' '} {_choice(one, language)}" for one in question.choices]
    return told or [say(message("The database fits the definition; there is nothing to do."), language)]


def _choice(choice: Choice, language: str) -> str:
    takes = f":{choice.takes.upper()}" if choice.takes else ""
    return f"{choice.name}{takes}  {say(choice.label, language)}"
