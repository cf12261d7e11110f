"""``appmill migrate FILE``: what a changed definition does to the database, before it does it."""

from __future__ import annotations

import argparse

from engine.application import Application, open_application, utc_now
from engine.commands.run import application_arguments, default_database
from engine.extensions import registry_for
from engine.load import Loaded, load_file
from engine.storage.database import Database
from engine.storage.migrate import Plan, plan_migration
from engine.storage.tables import build_tables
from engine.texts import say


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--apply", action="store_true", help="carry it out, what takes data away included")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of the plan")


def run(options: argparse.Namespace) -> int:
    registry = registry_for(options.file, options.plugin)
    loaded = load_file(options.file, registry)
    url = options.database or default_database(options.file)
    plan = _plan(loaded, url)
    for line in _lines(plan, options.language):
        print(line)
    if not options.apply:
        return 1 if plan.explicit else 0
    app = open_application(options.file, url, registry=registry, allow_explicit=True, kind="migrated")
    try:
        _greet(app)
    finally:
        app.database.close()
    return 0


def _plan(loaded: Loaded, url: str) -> Plan:
    database = Database(url)
    try:
        with database.read() as conn:
            return plan_migration(conn, loaded.definition, build_tables(loaded.definition), utc_now())
    finally:
        database.close()


def _lines(plan: Plan, language: str) -> list[str]:
    if plan.empty:
        return ["The database fits the definition; there is nothing to do."]
    lines = [f"Loses nothing, happens at the next start ({len(plan.additive)}):"] if plan.additive else []
    lines += [f"  {say(step.message, language)}" for step in plan.additive]
    if plan.explicit:
        lines.append(f"Takes something away, happens with --apply only ({len(plan.explicit)}):")
        lines += [f"! {say(step.message, language)}" for step in plan.explicit]
    return lines


def _greet(app: Application) -> None:
    print(f"The database fits {app.definition.app} now.")
