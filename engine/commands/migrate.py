"""``appmill migrate FILE``: what a changed definition does to the database, before it does it."""

from __future__ import annotations

import argparse

from engine.application import Application, open_application, utc_now
from engine.commands.run import application_arguments, default_database
from engine.errors import Refused, message
from engine.extensions import registry_for
from engine.load import Loaded, load_file
from engine.registry import Registry
from engine.storage.database import Database
from engine.storage.decisions import Decision, Decisions, MigrationQuestion
from engine.storage.migrate import Plan, plan_migration
from engine.storage.tables import build_tables
from engine.texts import say

# What is done where nothing is decided, by the first word of the question.
UNDECIDED = {"required": "ask", "field": "archive", "form": "archive", "type": "empty", "state": "move"}


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--apply", action="store_true", help="carry it out, what takes data away included")
    parser.add_argument(
        "--decide", action="append", default=[], metavar="QUESTION=CHOICE",
        help="answer a question of the plan; QUESTION=CHOICE:VALUE where the choice takes a value; repeatable",
    )  # fmt: skip
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of the plan")


def run(options: argparse.Namespace) -> int:
    registry = registry_for(options.file, options.plugin)
    loaded = load_file(options.file, registry)
    url = options.database or default_database(options.file)
    decisions = dict(_decision(each) for each in options.decide)
    plan = _plan(loaded, url, decisions, registry)
    for line in _lines(plan, options.language):
        print(line)
    _refuse_strange(plan, decisions)
    if not options.apply:
        return 1 if plan.explicit else 0
    app = open_application(
        options.file, url, registry=registry, allow_explicit=True, decisions=decisions, kind="migrated"
    )
    try:
        _greet(app)
    finally:
        app.database.close()
    return 0


def _decision(said: str) -> tuple[str, Decision]:
    """``required ticket.answer=fill:None yet`` → the question's id and what was decided."""
    question, equals, answer = said.partition("=")
    if not equals or not answer:
        raise Refused(message("--decide takes QUESTION=CHOICE or QUESTION=CHOICE:VALUE; got {said}.", said=said))
    choice, _colon, value = answer.partition(":")
    return question.strip(), Decision(choice.strip(), value)


def _refuse_strange(plan: Plan, decisions: Decisions) -> None:
    """Raises Refused where a decision is wrong, or about nothing that is asked."""
    strange = [id for id in decisions if id not in plan.decisions]
    if strange:
        asked = [question.id for question in plan.questions]
        raise Refused(message("Nothing is asked about {strange}; asked is: {asked}.", strange=strange, asked=asked))
    if plan.problems:
        raise Refused(message("What was decided cannot be done: {problems}", problems=tuple(plan.problems.values())))


def _plan(loaded: Loaded, url: str, decisions: Decisions, registry: Registry) -> Plan:
    database = Database(url)
    try:
        with database.read() as conn:
            tables = build_tables(loaded.definition, registry)
            return plan_migration(conn, loaded.definition, tables, utc_now(), decisions)
    finally:
        database.close()


def _lines(plan: Plan, language: str) -> list[str]:
    if plan.empty and not plan.questions:
        return ["The database fits the definition; there is nothing to do."]
    lines = [f"Loses nothing, happens at the next start ({len(plan.additive)}):"] if plan.additive else []
    lines += [f"  {say(step.message, language)}" for step in plan.additive]
    if plan.explicit:
        lines.append(f"Takes something away, happens with --apply only ({len(plan.explicit)}):")
        lines += [f"! {say(step.message, language)}" for step in plan.explicit]
    if plan.questions:
        lines.append(f"Can be decided ({len(plan.questions)}):")
        lines += [line for question in plan.questions for line in _question(plan, question, language)]
    return lines


def _question(plan: Plan, question: MigrationQuestion, language: str) -> list[str]:
    rows = ", ".join(" ".join(filter(None, (f"#{row.id}", row.title, row.value))) for row in question.rows)
    more = ", …" if question.count > len(question.rows) else ""
    decided = plan.decisions.get(question.id)
    chosen = decided.choice if decided else UNDECIDED.get(question.id.partition(" ")[0], question.default)
    lines = [f"? {say(question.message, language)}", *([f"    {rows}{more}"] if rows else [])]
    for choice in question.choices:
        takes = {"value": ":VALUE", "option": f":{'|'.join(choice.options or {})}"}.get(choice.takes, "")
        mark = "*" if choice.name == chosen else " "
        lines.append(f"  {mark} --decide '{question.id}={choice.name}{takes}'  {say(choice.label, language)}")
    return lines


def _greet(app: Application) -> None:
    print(f"The database fits {app.definition.app} now.")
