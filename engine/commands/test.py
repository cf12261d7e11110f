"""``appmill test FILE [NAME …]``: the scenarios of a definition, each in a database of its own."""

from __future__ import annotations

import argparse
import json

from engine.errors import message
from engine.extensions import registry_for
from engine.load import load_file
from engine.texts import say


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/tickets.yaml")
    parser.add_argument("name", metavar="NAME", nargs="*", help="only these scenarios (default: all)")
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a plugin beside plugins/")
    parser.add_argument("--language", choices=("en", "zh"), default=None,
                        help="the language of the report (default: the application's first)")  # fmt: skip
    parser.add_argument("--database", metavar="URL", default=None,
                        help="play them on PostgreSQL, in databases beside this one (default: SQLite)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the report as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    from engine.scenarios.results import Result, as_json, lines, summary
    from engine.scenarios.running import run_scenarios

    registry = registry_for(options.file, options.plugin)
    loaded = load_file(options.file, registry)
    language = options.language or loaded.definition.languages[0]

    def told(result: Result) -> None:
        if not options.json:
            print("\n".join(lines(result, language)), flush=True)

    results = run_scenarios(loaded, registry, names=options.name, language=language, told=told, url=options.database)
    if options.json:
        print(json.dumps(as_json(results, language), ensure_ascii=False, indent=2))
    elif results:
        print(summary(results, language))
    else:
        print(say(message("{file} has no scenarios.", file=options.file), language))
    return 0 if all(result.passed for result in results) else 1
