"""``appmill export-events FILE --output DIR``: what happened, as JSON lines for other tools such as DuckDB."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.run import application_arguments, opened


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="the folder to write into")


def run(options: argparse.Namespace) -> int:
    from engine.retelling import retell

    app = opened(options)
    try:
        written = retell(app, options.output)
    finally:
        app.database.close()
    for name, count in written.items():
        print(f"{count:9}  {options.output / name}.jsonl")
    return 0
